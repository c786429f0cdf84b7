package sshconn

import (
	"errors"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// investigate finds out what FAILURE means: version 3 has no other word for a
// name that exists, a directory that is not empty, a missing parent on some
// servers, and a full disk. The refusal stays what the error and LastReply show.
func (s *Session) investigate(err error, verb, name string) error {
	var said status
	if err == nil || !errors.As(err, &said) || s.ctx.Err() != nil || s.lost() != nil {
		return err
	}
	cause, certain := causeOf(said)
	if certain {
		return fault(cause, said)
	}
	if found := s.meaning(verb, name); found != session.CauseNone {
		cause = found
	}
	e := fault(cause, said)
	if cause == session.NoRemoteSpace {
		e.Hint = "the server has no space left where the file is to be"
	}
	return e
}

// meaning is what a failure must have been about, as far as looking tells.
func (s *Session) meaning(verb, name string) session.Cause {
	entry, err := s.lstat(name)
	there, missing := err == nil, session.CauseOf(asFaultOrNil(err)) == session.NoSuchRemoteFile
	switch verb {
	case "MKDIR":
		switch {
		case there:
			return session.RemoteExists
		case s.lacksParent(name):
			return session.NoSuchRemoteFile
		}
	case "RMDIR":
		switch {
		case missing:
			return session.NoSuchRemoteFile
		case there && entry.Kind == session.KindDir && s.holdsSomething(name):
			return session.DirectoryNotEmpty
		}
	case "REMOVE", "SETSTAT", "RENAME", "OPEN", "OPENDIR":
		if missing {
			return session.NoSuchRemoteFile
		}
	case "WRITE":
		switch {
		case missing && s.lacksParent(name):
			return session.NoSuchRemoteFile
		case there && entry.Kind == session.KindDir:
			return session.CauseNone
		case s.isFull(parentOf(name)):
			return session.NoRemoteSpace
		}
	}
	return session.CauseNone
}

func asFaultOrNil(err error) error {
	if err == nil {
		return nil
	}
	return asFault(err)
}

func parentOf(name string) string {
	cut := strings.LastIndexByte(strings.TrimRight(name, "/"), '/')
	if cut <= 0 {
		return "/"
	}
	return name[:cut]
}

func (s *Session) lacksParent(name string) bool {
	_, err := s.stat(parentOf(name))
	return session.CauseOf(asFaultOrNil(err)) == session.NoSuchRemoteFile
}

// holdsSomething reads no more of a directory than tells whether it is empty.
func (s *Session) holdsSomething(dir string) bool {
	var found bool
	err := s.ask(func() error {
		h, err := s.main.openDir(dir)
		if err != nil {
			return err
		}
		defer h.forget()
		for range mostEmptyAnswers {
			page, end, err := h.readDir()
			if err != nil || end {
				return err
			}
			for _, e := range page {
				if string(e.name) != "." && string(e.name) != ".." {
					found = true
					return nil
				}
			}
		}
		return nil
	})
	return err == nil && found
}

// leastSpace is below what any file system keeps to be useful: a write that
// failed with less left failed for that.
const leastSpace = 1 << 20

func (s *Session) isFull(dir string) bool {
	if !s.main.has("statvfs@openssh.com") {
		return false
	}
	body, err := s.query(fxReply, fxExtended, appendText(appendText(nil, "statvfs@openssh.com"), dir))
	if err != nil {
		return false
	}
	f := fields{rest: body}
	f.long() // bsize
	unit := f.long()
	f.take(2 * 8) // blocks, and those that are free for the system
	free := f.long() * unit
	s.tell("STATVFS %s: %d bytes free", dir, free)
	return f.err == nil && free < leastSpace
}
