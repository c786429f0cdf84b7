package builtins

import (
	"context"
	"errors"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio/session"
)

// causeNames is the one place where causes from below become results that a
// script sees. The class is the error's own; the catalogue's is the usual one.
func causeNames() map[session.Cause]string {
	return map[session.Cause]string{
		session.AccessRefused:        "ACCESS_REFUSED",
		session.NameNotResolved:      "NAME_NOT_RESOLVED",
		session.ResolverFailed:       "RESOLVER_FAILED",
		session.ConnectionRefused:    "CONNECTION_REFUSED",
		session.ConnectTimeout:       "CONNECT_TIMEOUT",
		session.ConnectionLost:       "CONNECTION_LOST",
		session.ReplyTimeout:         "REPLY_TIMEOUT",
		session.NotConnected:         "NOT_CONNECTED",
		session.NoSuchRemoteFile:     "NO_SUCH_REMOTE_FILE",
		session.NoSuchLocalFile:      "NO_SUCH_LOCAL_FILE",
		session.NoRemotePermission:   "NO_REMOTE_PERMISSION",
		session.NoLocalPermission:    "NO_LOCAL_PERMISSION",
		session.RemoteExists:         "REMOTE_EXISTS",
		session.LocalExists:          "LOCAL_EXISTS",
		session.PassiveDataFailed:    "PASSIVE_DATA_FAILED",
		session.ActiveDataFailed:     "ACTIVE_DATA_FAILED",
		session.DataTimeout:          "DATA_TIMEOUT",
		session.DataLost:             "DATA_LOST",
		session.NoRemoteSpace:        "NO_REMOTE_SPACE",
		session.NoLocalSpace:         "NO_LOCAL_SPACE",
		session.NotSupported:         "NOT_SUPPORTED",
		session.BadArgument:          "BAD_ARGUMENT",
		session.WrongDirectory:       "WRONG_DIRECTORY",
		session.Denied:               "DENIED",
		session.PartialSuccess:       "PARTIAL_SUCCESS",
		session.Cancelled:            "CANCELLED",
		session.ProtocolError:        "PROTOCOL_ERROR",
		session.SizeMismatch:         "SIZE_MISMATCH",
		session.UnsafeName:           "UNSAFE_NAME",
		session.RemoteRefused:        "REMOTE_REFUSED",
		session.RemoteBusy:           "REMOTE_BUSY",
		session.TooManyConnections:   "TOO_MANY_CONNECTIONS",
		session.LocalFailure:         "LOCAL_FAILURE",
		session.DirectoryNotEmpty:    "DIRECTORY_NOT_EMPTY",
		session.CommandFailed:        "COMMAND_FAILED",
		session.Internal:             "INTERNAL",
		session.TLSFailed:            "TLS_FAILED",
		session.CertificateUntrusted: "CERTIFICATE_UNTRUSTED",
		session.CertificateExpired:   "CERTIFICATE_EXPIRED",
		session.CertificateWrongName: "CERTIFICATE_WRONG_NAME",
		session.CertificateChanged:   "CERTIFICATE_CHANGED",
		session.HostKeyUnknown:       "HOST_KEY_UNKNOWN",
		session.HostKeyChanged:       "HOST_KEY_CHANGED",
		session.PinMismatch:          "PIN_MISMATCH",
		session.ActiveThroughProxy:   "ACTIVE_THROUGH_PROXY",
		session.ProxyFailed:          "PROXY_FAILED",
		session.AfterFailed:          "AFTER_FAILED",
		session.BackupFailed:         "BACKUP_FAILED",
		session.WaitTimeout:          "WAIT_TIMEOUT",
		session.StillGrowing:         "STILL_GROWING",
		session.HashMismatch:         "HASH_MISMATCH",
		session.KeyUnusable:          "KEY_UNUSABLE",
		session.DeletionRefused:      "DELETION_REFUSED",
	}
}

// causeResults joins causeNames with the catalogue. A cause that the table
// forgets is INTERNAL at run time and a failing test before that.
func causeResults() map[session.Cause]catalog.Result {
	all := make(map[session.Cause]catalog.Result, session.Causes())
	for cause, name := range causeNames() {
		if r, ok := catalog.ResultNamed(name); ok {
			all[cause] = r
		}
	}
	return all
}

// resultOf is what a script gets for an error of that cause.
func (s *State) resultOf(cause session.Cause) catalog.Result {
	if s.results == nil {
		s.results = causeResults()
	}
	if r, ok := s.results[cause]; ok {
		return r
	}
	return s.results[session.Internal]
}

// errorOf finds the *session.Error in err, or makes one: a context that ended is
// Cancelled, everything else a defect of ours.
func errorOf(err error) *session.Error {
	if e, ok := errors.AsType[*session.Error](err); ok {
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &session.Error{Cause: session.Cancelled, Class: session.ClassCancelled, Err: err}
	}
	return &session.Error{Op: "an error without a cause", Cause: session.Internal, Class: session.ClassInternal, Err: err}
}

// ResultOf is the result that a script gets for an error: its code, name, class and
// sentence. An error without a cause is INTERNAL.
func ResultOf(err error) catalog.Result {
	e := errorOf(err)
	r, ok := causeResults()[e.Cause]
	if !ok {
		r = causeResults()[session.Internal]
	}
	if e.Class != session.ClassNone {
		r.Class = e.Class.String()
	}
	return r
}
