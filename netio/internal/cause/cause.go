package cause

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

func fault(c session.Cause, err error) *session.Error {
	return &session.Error{Cause: c, Class: c.Class(), Err: err}
}

// OfDial is the error for a connection that could not be made within the given time.
// A dial function that knows the cause, as a proxy's or a policy's does, keeps it.
func OfDial(err error, within time.Duration) *session.Error {
	var known *session.Error
	var lookup *net.DNSError
	switch {
	case errors.As(err, &known):
		e := *known
		return &e
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return fault(session.NameNotResolved, err)
	case errors.As(err, &lookup):
		return fault(session.ResolverFailed, err)
	case IsTimeout(err):
		return fault(session.ConnectTimeout, fmt.Errorf("no connection within %s", within))
	}
	return fault(session.ConnectionRefused, err)
}

// OfLocal is the error for a reader or writer of the caller that failed. An error
// that has a cause already keeps it.
func OfLocal(err error) *session.Error {
	var known *session.Error
	switch {
	case errors.As(err, &known):
		e := *known
		return &e
	case errors.Is(err, context.Canceled):
		return fault(session.Cancelled, err)
	case errors.Is(err, syscall.ENOSPC), isQuota(err):
		return fault(session.NoLocalSpace, err)
	case errors.Is(err, fs.ErrNotExist):
		return fault(session.NoSuchLocalFile, err)
	case errors.Is(err, fs.ErrPermission):
		return fault(session.NoLocalPermission, err)
	}
	return fault(session.LocalFailure, err)
}

// IsTimeout reports errors of a wait that has run out.
func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}
