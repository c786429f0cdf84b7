package session

import (
	"errors"
	"fmt"
	"strings"
)

// Class says what kind of thing went wrong, and so whether trying again can help.
type Class uint8

const (
	ClassNone Class = iota
	ClassAuth
	ClassTrust
	ClassPermanent
	ClassTransient
	ClassCapacity
	ClassIntegrity
	ClassLocal
	ClassDenied
	ClassProtocol
	ClassUsage
	ClassCancelled
	ClassInternal
)

// String is the class's word in scripts and logs.
func (c Class) String() string {
	names := [...]string{"none", "auth", "trust", "permanent", "transient", "capacity", "integrity", "local", "denied", "protocol", "usage", "cancelled", "internal"}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// Cause is what went wrong, one for each thing that a script would treat
// differently. The catalogue gives each a result code.
type Cause uint8

const (
	CauseNone            Cause = iota
	AccessRefused              // login refused (530 and its kin)
	NameNotResolved            // the resolver says that the host does not exist
	ResolverFailed             // the resolver did not answer
	ConnectionRefused          // nobody listens, or no route
	ConnectTimeout             // no connection or no greeting in time
	ConnectionLost             // the control connection broke, or 421
	ReplyTimeout               // no reply in time
	NotConnected               // no session
	NoSuchRemoteFile           //
	NoSuchLocalFile            //
	NoRemotePermission         //
	NoLocalPermission          //
	RemoteExists               //
	LocalExists                //
	PassiveDataFailed          // the data connection to the server could not be made
	ActiveDataFailed           // the server's connection to us did not come, or it refused our address
	DataTimeout                // a data connection stood still
	DataLost                   // a data connection broke, or the server said 426 or 451
	NoRemoteSpace              // 452, 552
	NoLocalSpace               //
	NotSupported               // by this server, protocol or version
	BadArgument                //
	WrongDirectory             // a relative name after a failed change of directory
	Denied                     // by policy, or a command that RAWCOMMAND must not carry
	PartialSuccess             // a set of which some members failed
	Cancelled                  // the run was cancelled
	ProtocolError              // the server said what no server may say
	SizeMismatch               // what arrived is not as long as what was sent
	UnsafeName                 // a name from outside that would leave its folder
	RemoteRefused              // a permanent refusal (5xx) of no known kind
	RemoteBusy                 // a transient refusal (4xx) of no known kind
	TooManyConnections         // the server's or our cap
	LocalFailure               // a local operation failed for another reason
	DirectoryNotEmpty          //
	CommandFailed              // EXEC: the program could not be started
	Internal                   // a defect of ours
	TLSFailed                  // no TLS where TLS was asked for, or its handshake failed; of class transient: a new login may help
	CertificateUntrusted       // signed by nobody whom we believe
	CertificateExpired         // or not valid yet
	CertificateWrongName       // it is another host's
	CertificateChanged         // not the one that was recorded
	HostKeyUnknown             // nothing is known of the host's key
	HostKeyChanged             // not the key that is known
	PinMismatch                // not the key or certificate that the script names
	ActiveThroughProxy         // active mode cannot work through a proxy
	ProxyFailed                // the proxy refused, or does not speak as one
	HashMismatch               // both sides computed a hash, and they differ
	AfterFailed                // the file arrived, and SETAFTER's step failed
	BackupFailed               // what SETBACKUP keeps could not be moved away
	WaitTimeout                // WAITFILE saw no file come
	StillGrowing               // a file that SETSTABLE leaves alone
	KeyUnusable                // a private key that cannot be read or opened
	DeletionRefused            // a brake held deletions that were asked for
	causeCount                 //
)

// Causes counts the causes; valid ones are 1 to Causes()-1.
func Causes() int { return int(causeCount) }

// Class is the usual class of a cause, which an error may know better.
func (c Cause) Class() Class {
	switch c {
	case CauseNone:
		return ClassNone
	case AccessRefused, KeyUnusable:
		return ClassAuth
	case BadArgument, WrongDirectory, NotConnected:
		return ClassUsage
	case ConnectionRefused, ConnectTimeout, ConnectionLost, ReplyTimeout,
		ResolverFailed, RemoteBusy, DataLost, DataTimeout, StillGrowing, WaitTimeout:
		return ClassTransient
	case NoRemoteSpace, NoLocalSpace, TooManyConnections:
		return ClassCapacity
	case SizeMismatch, HashMismatch:
		return ClassIntegrity
	case TLSFailed, CertificateUntrusted, CertificateExpired, CertificateWrongName,
		CertificateChanged, HostKeyUnknown, HostKeyChanged, PinMismatch:
		return ClassTrust
	case NoSuchLocalFile, NoLocalPermission, LocalExists, LocalFailure, CommandFailed:
		return ClassLocal
	case Denied:
		return ClassDenied
	case ProtocolError, UnsafeName:
		return ClassProtocol
	case Cancelled:
		return ClassCancelled
	case Internal:
		return ClassInternal
	}
	return ClassPermanent
}

// Error is how everything below builtins fails.
type Error struct {
	Op    string // what was being done, in words: "downloading sales.xls"
	Cause Cause
	Class Class
	Host  string // host:port of the control connection, if one was concerned
	Name  string // the file, directory or host concerned, unescaped
	Reply Reply  // the server's reply, if there was one
	Data  *DataConn
	Hint  string // what to do about it, one line or several
	// Unsent says that nothing of the command went out: the connection was found dead
	// before. What is false may have been carried out.
	Unsent bool
	Err    error // the error below, may be nil
}

// Error is one line without the hint; bytes from outside are not escaped here.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Reply.Code != 0 {
		fmt.Fprintf(&b, ": server replied %d %s", e.Reply.Code, e.Reply.Text)
	}
	if e.Err != nil {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the error below.
func (e *Error) Unwrap() error { return e.Err }

// CauseOf returns the cause of err, Internal if it has none.
func CauseOf(err error) Cause {
	var e *Error
	if errors.As(err, &e) {
		return e.Cause
	}
	if err == nil {
		return CauseNone
	}
	return Internal
}
