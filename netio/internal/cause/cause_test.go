package cause

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

func TestOfDial(t *testing.T) {
	for _, c := range []struct {
		err  error
		want session.Cause
	}{
		{&net.DNSError{Err: "no such host", IsNotFound: true}, session.NameNotResolved},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "server misbehaving", IsTemporary: true}}, session.ResolverFailed},
		{&net.DNSError{Err: "i/o timeout", IsTimeout: true}, session.ResolverFailed},
		{context.DeadlineExceeded, session.ConnectTimeout},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, session.ConnectTimeout},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, session.ConnectionRefused},
		{&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, session.ConnectionRefused},
		{fmt.Errorf("through a proxy: %w", &session.Error{Cause: session.ProxyFailed, Class: session.ClassPermanent}), session.ProxyFailed},
		{&session.Error{Cause: session.Denied, Class: session.ClassDenied}, session.Denied},
	} {
		if e := OfDial(c.err, time.Second); e.Cause != c.want || e.Class != c.want.Class() {
			t.Errorf("%v is %d of class %s, want %d", c.err, e.Cause, e.Class, c.want)
		}
	}
}

func TestOfLocal(t *testing.T) {
	for _, c := range []struct {
		err  error
		want session.Cause
	}{
		{&fs.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}, session.NoLocalSpace},
		{&fs.PathError{Op: "open", Path: "f", Err: fs.ErrNotExist}, session.NoSuchLocalFile},
		{&fs.PathError{Op: "open", Path: "f", Err: fs.ErrPermission}, session.NoLocalPermission},
		{context.Canceled, session.Cancelled},
		{errors.New("the disk is on fire"), session.LocalFailure},
		{fmt.Errorf("reading: %w", &session.Error{Cause: session.SizeMismatch, Class: session.ClassIntegrity}), session.SizeMismatch},
	} {
		if e := OfLocal(c.err); e.Cause != c.want || e.Class != c.want.Class() {
			t.Errorf("%v is %d of class %s, want %d", c.err, e.Cause, e.Class, c.want)
		}
	}
}
