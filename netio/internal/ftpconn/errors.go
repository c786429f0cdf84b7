package ftpconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/session"
)

// longAgo is a deadline that ends a read or write at once.
var longAgo = time.Unix(1, 0)

// fault is an error of the given cause; what was being done, the host and the
// name are filled in where the command ends.
func fault(cause session.Cause, err error) *session.Error {
	return &session.Error{Cause: cause, Class: cause.Class(), Err: err}
}

func errTimeout(what string, after time.Duration) error {
	return fmt.Errorf("%s within %s", what, after)
}

// cancelled is the error of a context that ended.
func cancelled(ctx context.Context) *session.Error {
	return fault(session.Cancelled, context.Cause(ctx))
}

// ofReply is the error for a reply that refuses. Certain is false where the code
// and the text leave open which of several causes it is; investigate.go may then
// ask the server.
func ofReply(verb string, reply session.Reply, active bool) (e *session.Error, certain bool) {
	cause, certain := causeOf(verb, reply, active)
	e = fault(cause, nil)
	e.Reply = reply
	return e, certain
}

func causeOf(verb string, reply session.Reply, active bool) (cause session.Cause, certain bool) {
	text := strings.ToLower(reply.Text)
	login := verb == "USER" || verb == "PASS" || verb == ""
	switch {
	case (login || reply.Code == 421) && crowded(text):
		return session.TooManyConnections, true
	case reply.Code == 421:
		return session.ConnectionLost, true
	case reply.Code == 530, reply.Code == 430, reply.Code == 331, reply.Code == 332, reply.Code == 532,
		(verb == "USER" || verb == "PASS") && reply.Code >= 500:
		return session.AccessRefused, true
	case reply.Code == 425 || reply.Code == 522:
		if active {
			return session.ActiveDataFailed, true
		}
		return session.PassiveDataFailed, true
	case reply.Code == 452 || reply.Code == 552 || negative(reply.Code) && contains(text, "no space", "disk full", "quota"):
		return session.NoRemoteSpace, true
	case reply.Code == 426, reply.Code == 451 && carriesData(verb):
		if contains(text, "restart not permitted") { // ProFTPD without AllowStoreRestart
			return session.NotSupported, true
		}
		return session.DataLost, true
	case reply.Code == 500 && strings.HasPrefix(text, "oops"): // vsftpd's own failures
		return session.RemoteRefused, true
	case reply.Code == 500, reply.Code == 502, reply.Code == 504:
		return session.NotSupported, true
	case reply.Code == 501:
		if cause, certain := causeOfFileText(reply.Code, text); certain { // pyftpdlib, of a directory to list
			return cause, true
		}
		return session.BadArgument, true
	case reply.Code == 450, reply.Code == 521, reply.Code >= 550 && reply.Code < 560:
		cause, certain = causeOfFileText(reply.Code, text)
		if verb == "RMD" && cause == session.RemoteExists { // EEXIST, as some systems have it for a full directory
			cause = session.DirectoryNotEmpty
		}
		return cause, certain
	case reply.Code >= 400 && reply.Code < 500:
		return session.RemoteBusy, true
	case reply.Code >= 500:
		return session.RemoteRefused, true
	}
	return session.ProtocolError, true
}

// causeOfFileText reads why a name was refused. The codes do not say (550 is all
// of these), so the words must; where they name no cause, or two, nothing is
// concluded.
func causeOfFileText(code int, text string) (cause session.Cause, certain bool) {
	var found []session.Cause
	if contains(text, "no such", "not found", "does not exist", "doesn't exist", "not exist", "cannot find", "can't find", "could not find", "nonexistent") {
		found = append(found, session.NoSuchRemoteFile)
	} else if contains(text, "already exist", "file exists", "directory exists", "name exists") {
		found = append(found, session.RemoteExists)
	}
	if contains(text, "denied", "not permitted", "not allowed", "no permission", "insufficient permission", "prohibited", "forbidden", "read-only", "read only") {
		found = append(found, session.NoRemotePermission)
	}
	if contains(text, "not empty") {
		found = append(found, session.DirectoryNotEmpty)
	}
	switch {
	case len(found) == 1:
		return found[0], true
	case code == 450:
		return session.RemoteBusy, true
	case contains(text, "not a regular file", "not a plain file", "is a directory", "not a directory"):
		return session.RemoteRefused, true
	}
	return session.RemoteRefused, false
}

func contains(text string, words ...string) bool {
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// crowded tells whether a refusal speaks of a cap on connections, which servers
// answer with 421 or with 530.
func crowded(text string) bool {
	text = strings.ToLower(text)
	return contains(text, "too many", "maximum number", "max number", "connection limit", "user limit", "session limit", "sessions limit",
		"(the maximum)", "can't accept more", "no more connections", "connection count", "concurrent", "simultaneous") &&
		!contains(text, "attempt") // of logging in
}

// isBroken tells whether a connection ended or broke, by whomever.
func isBroken(err error) bool {
	return isNetwork(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// isNetwork tells the socket's errors from the file's where one call moves bytes
// between both.
func isNetwork(err error) bool {
	return cause.IsTimeout(err) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED) || errors.Is(err, syscall.ENOTCONN) ||
		errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.ENETDOWN)
}
