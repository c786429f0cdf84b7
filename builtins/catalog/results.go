package catalog

import (
	"strconv"
	"strings"
)

// Result is what a doing command returns when it fails: a code, the name that a
// script may write instead of it, and the class that says whether trying again
// can help. Codes are grouped by class in hundreds and never reused.
type Result struct {
	Code     int
	Name     string
	Class    string // as session.Class.String()
	Sentence string // completes "failed: …"; lower case, no full stop
}

// OK is what a doing command returns when it succeeded.
const OK = "OK"

// Text is the code as a script sees it.
func (r Result) Text() string { return strconv.Itoa(r.Code) }

// Results returns every result but OK, by code.
func Results() []Result {
	return []Result{
		{12451, "ACCESS_REFUSED", "auth", "the server refused the login"},
		{20001, "KEY_UNUSABLE", "auth", "the private key cannot be used"},
		{20101, "TLS_FAILED", "trust", "no protected connection could be made"},
		{20102, "CERTIFICATE_UNTRUSTED", "trust", "the server's certificate is signed by nobody who is trusted"},
		{20103, "CERTIFICATE_EXPIRED", "trust", "the server's certificate is not valid at this time"},
		{20104, "CERTIFICATE_WRONG_NAME", "trust", "the server's certificate is for another host"},
		{20105, "CERTIFICATE_CHANGED", "trust", "the server's certificate is not the one that was recorded"},
		{20106, "HOST_KEY_UNKNOWN", "trust", "the server's host key is not known"},
		{20107, "HOST_KEY_CHANGED", "trust", "the server's host key is not the one that is known"},
		{20108, "PIN_MISMATCH", "trust", "the server shows another key or certificate than the script names"},
		{20201, "NO_SUCH_REMOTE_FILE", "permanent", "no such file or directory on the server"},
		{20202, "REMOTE_EXISTS", "permanent", "the name exists already on the server"},
		{20203, "NO_REMOTE_PERMISSION", "permanent", "the server does not permit it"},
		{20204, "NAME_NOT_RESOLVED", "permanent", "there is no host of that name"},
		{20205, "NOT_SUPPORTED", "permanent", "not supported"},
		{20206, "REMOTE_REFUSED", "permanent", "the server refused"},
		{20207, "ACTIVE_DATA_FAILED", "permanent", "the data connection could not be made in active mode"},
		{20208, "PASSIVE_DATA_FAILED", "permanent", "the data connection could not be made in passive mode"},
		{20209, "PARTIAL_SUCCESS", "permanent", "some succeeded, some failed"},
		{20210, "DIRECTORY_NOT_EMPTY", "permanent", "the directory is not empty"},
		{20211, "ACTIVE_THROUGH_PROXY", "permanent", "active mode is not possible through a proxy"},
		{20212, "PROXY_FAILED", "permanent", "the proxy did not make the connection"},
		{20213, "DELETION_REFUSED", "permanent", "nothing was deleted, as a safeguard"},
		{20214, "AFTER_FAILED", "permanent", "the file arrived, and its source stays as it is"},
		{20215, "BACKUP_FAILED", "permanent", "what was to be replaced could not be moved away, so it was not replaced"},
		{20301, "BAD_ARGUMENT", "usage", "an argument cannot be used"},
		{20302, "WRONG_DIRECTORY", "usage", "an earlier OPENHOST, CHDIR or LOCALCHDIR failed, so a relative name would be taken in the wrong place"},
		{20303, "NOT_CONNECTED", "usage", "there is no connection"},
		{20401, "CONNECTION_REFUSED", "transient", "the host refused the connection or cannot be reached"},
		{20402, "CONNECT_TIMEOUT", "transient", "the host did not answer in time"},
		{20403, "CONNECTION_LOST", "transient", "the connection was lost"},
		{20404, "REPLY_TIMEOUT", "transient", "the server did not reply in time"},
		{20405, "RESOLVER_FAILED", "transient", "the host's name could not be looked up"},
		{20406, "REMOTE_BUSY", "transient", "the server cannot do it now"},
		{20411, "DATA_LOST", "transient", "the data connection was lost"},
		{20412, "DATA_TIMEOUT", "transient", "data connection timed out"},
		{20413, "WAIT_TIMEOUT", "transient", "no file came in time"},
		{20421, "STILL_GROWING", "transient", "the file still changes at its source, so it was left there"},
		{20501, "NO_REMOTE_SPACE", "capacity", "the server has no space left"},
		{20502, "NO_LOCAL_SPACE", "capacity", "no space left here"},
		{20503, "TOO_MANY_CONNECTIONS", "capacity", "too many connections"},
		{20601, "SIZE_MISMATCH", "integrity", "the size differs between the two sides"},
		{20602, "HASH_MISMATCH", "integrity", "the contents differ between the two sides"},
		{20701, "NO_SUCH_LOCAL_FILE", "local", "no such local file or directory"},
		{20702, "NO_LOCAL_PERMISSION", "local", "the system does not permit it"},
		{20703, "LOCAL_EXISTS", "local", "the local name exists already"},
		{20704, "LOCAL_FAILURE", "local", "a local operation failed"},
		{20705, "COMMAND_FAILED", "local", "the program could not be run"},
		{20801, "DENIED", "denied", "denied by policy"},
		{20901, "PROTOCOL_ERROR", "protocol", "the server broke the protocol"},
		{20902, "UNSAFE_NAME", "protocol", "a name from the server cannot be used as a file's name"},
		{21001, "CANCELLED", "cancelled", "cancelled"},
		{21101, "INTERNAL", "internal", "an internal error"},
	}
}

// ResultNamed finds a result by its name in any case.
func ResultNamed(name string) (Result, bool) {
	name = strings.ToUpper(name)
	for _, r := range Results() {
		if r.Name == name {
			return r, true
		}
	}
	return Result{}, false
}
