package ftpconn

import (
	"context"
	"errors"

	"github.com/sftpc/sftpc/netio/session"
)

// replacing is what is known of renaming onto a name that exists.
type replacing struct {
	refused bool // the server does not do it
	// from and to are of the newest Replace that was refused while to was there.
	from, to string
	// fixed is the newest name that could not be moved away.
	fixed string
}

// Rename moves from to to, within the server. Whether a file at to is replaced is
// the server's choice.
func (s *Session) Rename(ctx context.Context, from, to string) error {
	err := s.named(ctx, "renaming", from, func() error {
		if err := checkName(to); err != nil {
			return err
		}
		return s.library.Rename(from, to)
	})
	s.running.Lock()
	defer s.running.Unlock()
	r := &s.replacing
	switch {
	case err == nil && to == r.fixed && to != "": // and now it has been replaced
		r.refused = false
	case err == nil && from == r.from && to == r.to && to != "": // what was there is not any more
		r.refused = true
	case err == nil && to == r.to, err == nil && from == r.from:
		r.from, r.to = "", ""
	case session.CauseOf(err) == session.NoRemotePermission, session.CauseOf(err) == session.RemoteRefused:
		r.fixed = from
	}
	return err
}

// Replace is Rename onto a name that may exist. NotSupported is the error where this
// server does not do that, as it turns out or as it was found out before: then nothing
// is sent.
func (s *Session) Replace(ctx context.Context, from, to string) error {
	return s.named(ctx, "renaming", from, func() error {
		if err := checkName(to); err != nil {
			return err
		}
		if s.doesNotReplace() {
			return fault(session.NotSupported, errors.New("the server does not rename onto a name that exists"))
		}
		err := s.library.Rename(from, to)
		if err == nil || s.op.failure != nil || s.op.verb != "RNTO" {
			return err
		}
		refusal, last := s.control.answer, s.control.last
		entry, there, known := s.probe(to)
		s.control.answer, s.control.last = refusal, last
		if !known || !there || entry.Kind != session.KindFile {
			return err
		}
		s.replacing.from, s.replacing.to = from, to
		why, _ := ofReply("RNTO", refusal, false)
		e := fault(session.NotSupported, why)
		e.Reply = refusal
		return e
	})
}

func (s *Session) doesNotReplace() bool {
	switch s.feature("REPLACE") {
	case session.FeatureEnabled:
		return false
	case session.FeatureDisabled:
		return true
	}
	return s.replacing.refused
}
