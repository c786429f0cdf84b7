package session

import (
	"fmt"
	"time"
)

// TrustLevel says what an unknown server is worth.
type TrustLevel uint8

const (
	// TrustStrict refuses a host key that is not known and a certificate that does
	// not verify. It is the zero value, and the default everywhere.
	TrustStrict TrustLevel = iota
	// TrustNew records what a host shows at the first contact, and insists after.
	TrustNew
	// TrustAny checks nothing.
	TrustAny
)

// String is the level as SETTRUST and --trust write it.
func (l TrustLevel) String() string {
	names := [...]string{"STRICT", "NEW", "ANY"}
	if int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("trust level %d", uint8(l))
}

// Trust says which servers are believed to be who they say they are: one
// vocabulary for the host keys of SSH and the certificates of TLS.
type Trust struct {
	Level TrustLevel
	// HostKeys and Certificates are pins, "SHA256:" and unpadded base64 of the key
	// (as ssh-keygen -l shows it) or of the whole certificate, or "SHA256:" and
	// hexadecimal with or without colons. Where there is one, nothing else counts:
	// neither files nor authorities, and Level neither.
	HostKeys     []string
	Certificates []string
	// Authorities are certificates in PEM that are believed instead of the
	// system's; nil is the system's.
	Authorities []byte
	// KnownHosts are the files of host keys, in the form of OpenSSH. All are read; a
	// key that is recorded goes into the first, and nowhere if that is "". Absolute
	// paths; a missing file is an empty one.
	KnownHosts []string
	// Unrecorded says, for messages, why the first of KnownHosts is ""; it may be "".
	Unrecorded string
	// RevokedHostKeys is a file of keys that no host may prove itself with, nor have
	// had its certificate signed by: public keys, one a line, or a revocation list of
	// OpenSSH's. "" is none; a file that cannot be read refuses every host, since it may revoke its key.
	RevokedHostKeys string
	// HostKeyAlias is the name that the host's keys are known by, without a port; "" is
	// its own name.
	HostKeyAlias string
	// KnownCertificates is the file in which certificates are recorded under
	// TrustNew; "" is none, and then they cannot be.
	KnownCertificates string
	// Now is the clock that certificates are held against; nil is time.Now.
	Now func() time.Time
	// Notice is told, in one sentence, what the user should hear: a key that was
	// recorded, a server that was not checked. nil means that nobody listens.
	Notice func(text string)
}
