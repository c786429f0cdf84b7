package sshconn

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

// fault is an error of the given cause; what was being done, the host and the
// name are filled in where the command ends.
func fault(cause session.Cause, err error) *session.Error {
	return &session.Error{Cause: cause, Class: cause.Class(), Err: err}
}

// cancelled is the error of a context that ended.
func cancelled(ctx context.Context) *session.Error {
	return fault(session.Cancelled, context.Cause(ctx))
}

// asFault finds the cause of an error of the wire, the library or the server.
func asFault(err error) *session.Error {
	var e *session.Error
	var said status
	var refused *ssh.OpenChannelError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &said):
		cause, _ := causeOf(said)
		return fault(cause, err)
	case errors.Is(err, errNoSubsystem):
		return fault(session.NotSupported, err)
	case errors.As(err, &refused):
		return fault(session.RemoteRefused, err)
	case errors.Is(err, sftp.ErrSSHFxConnectionLost), errors.Is(err, errChannelEnded), errors.Is(err, errConnectionEnded), errors.Is(err, errClosed), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), isNetwork(err):
		return fault(session.ConnectionLost, err)
	case strings.HasPrefix(err.Error(), "sftp: "):
		// The library met a packet that it could not read.
		return fault(session.ProtocolError, err)
	}
	return fault(session.ConnectionLost, err)
}

// causeOf reads what a status means. Certain is false for FAILURE, which is all
// that version 3 has for a name that exists, a directory that is not empty and a
// full disk; investigate.go may then look.
func causeOf(s status) (cause session.Cause, certain bool) {
	switch s.code {
	case 2, 10:
		return session.NoSuchRemoteFile, true
	case 3, 12:
		return session.NoRemotePermission, true
	case 5:
		return session.ProtocolError, true
	case 6, 7:
		return session.ConnectionLost, true
	case 8:
		return session.NotSupported, true
	case 11:
		return session.RemoteExists, true
	case 14, 15:
		return session.NoRemoteSpace, true
	case 17, 25:
		return session.RemoteBusy, true
	case 18:
		return session.DirectoryNotEmpty, true
	case 20:
		return session.BadArgument, true
	case 19, 21, 22, 23, 24:
		return session.RemoteRefused, true
	}
	text := strings.ToLower(s.text)
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(text, word) {
				return true
			}
		}
		return false
	}
	switch {
	case has("no space", "disk full", "quota"):
		return session.NoRemoteSpace, true
	case has("not empty"):
		return session.DirectoryNotEmpty, true
	case has("already exist", "file exists"):
		return session.RemoteExists, true
	case has("no such file", "not found", "does not exist"):
		return session.NoSuchRemoteFile, true
	case has("denied", "not permitted", "read-only"):
		return session.NoRemotePermission, true
	}
	return session.RemoteRefused, false
}

func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed)
}
