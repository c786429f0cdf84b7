package sshconn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// mostName bounds a path that a server names, in bytes.
const mostName = 64 << 10

// absolute is a name from the root: SFTP itself knows no current directory. What
// ".." in it means is left to the server, whose links may lead anywhere.
func (s *Session) absolute(name string) string {
	switch {
	case strings.HasPrefix(name, "/"):
		return name
	case name == "" || name == ".":
		return s.directory
	}
	return strings.TrimSuffix(s.directory, "/") + "/" + name
}

func badLine(name string) bool { return strings.ContainsAny(name, "\r\n\x00") }

func checkName(name string) error {
	switch {
	case name == "":
		return fault(session.BadArgument, errors.New("an empty name"))
	case badLine(name):
		return fault(session.BadArgument, errors.New("a name cannot hold CR, LF or NUL"))
	case len(name) > mostName:
		return fault(session.BadArgument, fmt.Errorf("a name of %d bytes", len(name)))
	}
	return nil
}

// named runs a command about one name.
func (s *Session) named(ctx context.Context, op, name string, command func() error) error {
	return s.do(ctx, op+" "+name, name, func() error {
		if err := checkName(name); err != nil {
			return err
		}
		if !strings.HasPrefix(name, "/") {
			if err := s.placed(); err != nil {
				return err
			}
		}
		return command()
	})
}

// query asks one thing, whose answer is of the kind want, and waits for it. How long
// that takes tells how far the server is.
func (s *Session) query(want, kind byte, fields []byte) ([]byte, error) {
	began := time.Now()
	body, err := s.exchange(want, kind, fields)
	if s.main.wire.why() == nil {
		s.answeredIn(time.Since(began))
	}
	return body, err
}

func (s *Session) exchange(want, kind byte, fields []byte) ([]byte, error) {
	done := make(chan answer, 1)
	s.main.wire.ask(&question{done: done}, kind, fields, nil)
	a, err := s.receive(done)
	if err != nil {
		return nil, err
	}
	return a.expect(want)
}

// open opens a file on the main lane.
func (s *Session) open(path string, flags uint32) (handle, error) {
	return s.main.handle(s.exchange(fxHandle, fxOpen, appendNumber(appendNumber(appendText(nil, path), flags), 0)))
}

// receive waits for one answer with the time-out of replies. Where it does not come the
// connection is given up, as await does; a channel that was given is empty afterwards.
func (s *Session) receive(answers <-chan answer) (answer, error) {
	select {
	case a := <-answers:
		return a, s.reason(a.err)
	default:
	}
	within := s.settings.Timeouts.Reply
	s.timer.Reset(within)
	defer s.timer.Stop()
	select {
	case a := <-answers:
		return a, s.reason(a.err)
	case <-s.timer.C:
		e := fault(session.ReplyTimeout, fmt.Errorf("no answer within %s", within))
		s.giveUp(e)
		<-answers
		return answer{}, e
	case <-s.ctx.Done():
	}
	e := cancelled(s.ctx)
	s.timer.Reset(min(abortGrace, within))
	select {
	case <-answers:
	case <-s.timer.C:
		s.giveUp(e)
		<-answers
	}
	return answer{}, e
}

// change asks for something whose answer is only how it went, with a look at what a
// refusal means that does not say it.
func (s *Session) change(verb, name string, kind byte, fields []byte) error {
	_, err := s.query(fxStatus, kind, fields)
	return s.investigate(err, verb, name)
}

func (s *Session) realPath(name string) (path string, err error) {
	s.tell("REALPATH %s", name)
	body, err := s.query(fxName, fxRealpath, appendText(nil, name))
	return readPath(body, err)
}

func checkPath(path string) error {
	if path == "" || badLine(path) || len(path) > mostName {
		return nonsense("a path of %d bytes that cannot be one", len(path))
	}
	return nil
}

// CurrentDir is the directory that relative names begin in; this side keeps it.
func (s *Session) CurrentDir(ctx context.Context) (dir string, err error) {
	err = s.do(ctx, "asking for the current directory", "", func() error {
		err := s.placed()
		dir = s.directory
		return err
	})
	return dir, err
}

// ChangeDir makes dir the current directory, if it is one.
func (s *Session) ChangeDir(ctx context.Context, dir string) error {
	return s.named(ctx, "changing to directory", dir, func() error {
		name := s.absolute(dir)
		path, err := s.realPath(name)
		if err != nil {
			return err
		}
		entry, err := s.stat(path)
		switch {
		case err != nil:
			return err
		case entry.Kind != session.KindDir:
			return fault(session.RemoteRefused, errors.New("it is no directory"))
		}
		s.lock.Lock()
		s.directory = path
		s.lock.Unlock()
		return nil
	})
}

// MakeDir makes a directory with the permissions that the server gives.
func (s *Session) MakeDir(ctx context.Context, dir string) error {
	return s.named(ctx, "making directory", dir, func() error {
		name := s.absolute(dir)
		s.tell("MKDIR %s", name)
		return s.change("MKDIR", name, fxMkdir, appendNumber(appendText(nil, name), 0))
	})
}

// RemoveDir removes an empty directory.
func (s *Session) RemoveDir(ctx context.Context, dir string) error {
	return s.named(ctx, "removing directory", dir, func() error {
		name := s.absolute(dir)
		s.tell("RMDIR %s", name)
		return s.change("RMDIR", name, fxRmdir, appendText(nil, name))
	})
}

// Remove deletes a file or a link. A directory is not removed: some servers would, so
// they are asked only for what is none.
func (s *Session) Remove(ctx context.Context, name string) error {
	return s.named(ctx, "deleting", name, func() error {
		path := s.absolute(name)
		entry, err := s.lstat(path)
		switch {
		case err != nil:
			return err
		case entry.Kind == session.KindDir:
			return fault(session.RemoteRefused, errors.New("it is a directory"))
		}
		s.tell("REMOVE %s", path)
		return s.change("REMOVE", path, fxRemove, appendText(nil, path))
	})
}

// Rename moves from to to, and replaces nothing: what is there already is
// RemoteExists. Servers differ in whether they would replace it.
func (s *Session) Rename(ctx context.Context, from, to string) error {
	return s.named(ctx, "renaming", from, func() error {
		if err := checkName(to); err != nil {
			return err
		}
		if err := s.placed(); err != nil {
			return err
		}
		old, new := s.absolute(from), s.absolute(to)
		// Where letters may differ in case only it can be the same file.
		if !strings.EqualFold(old, new) {
			switch _, err := s.lstat(new); {
			case err == nil:
				if _, err := s.lstat(old); err != nil {
					return err
				}
				return fault(session.RemoteExists, fmt.Errorf("%s is there already", to))
			case session.CauseOf(asFault(err)) != session.NoSuchRemoteFile:
				if s.lost() != nil || s.ctx.Err() != nil {
					return err
				}
			}
		}
		s.tell("RENAME %s %s", old, new)
		return s.change("RENAME", old, fxRename, appendText(appendText(nil, old), new))
	})
}

// Replace moves from to to in one step, also where to is there already.
// NotSupported is the error where the server cannot (posix-rename@openssh.com).
func (s *Session) Replace(ctx context.Context, from, to string) error {
	return s.named(ctx, "renaming", from, func() error {
		if err := checkName(to); err != nil {
			return err
		}
		if err := s.placed(); err != nil {
			return err
		}
		if !s.main.has("posix-rename@openssh.com") {
			return fault(session.NotSupported, errors.New("the server cannot rename onto a name that exists"))
		}
		old, new := s.absolute(from), s.absolute(to)
		s.tell("POSIX-RENAME %s %s", old, new)
		return s.change("RENAME", old, fxExtended, appendText(appendText(appendText(nil, "posix-rename@openssh.com"), old), new))
	})
}

// Chmod sets permission bits.
func (s *Session) Chmod(ctx context.Context, name string, mode uint32) error {
	return s.named(ctx, "changing the mode of", name, func() error {
		if mode > 0o7777 {
			return fault(session.BadArgument, fmt.Errorf("%o is no file mode", mode))
		}
		path := s.absolute(name)
		s.tell("SETSTAT %s mode %03o", path, mode)
		return s.change("SETSTAT", path, fxSetstat, appendNumber(appendNumber(appendText(nil, path), hasPermissions), mode))
	})
}

// SetModTime sets the modification time, and the time of access with it: the
// protocol has them together only. Its times end in 2106.
func (s *Session) SetModTime(ctx context.Context, name string, t time.Time) error {
	return s.named(ctx, "setting the time of", name, func() error {
		if t.Unix() < 0 || t.Unix() > 1<<32-1 {
			return fault(session.BadArgument, fmt.Errorf("SFTP has no way to say the year %d", t.UTC().Year()))
		}
		path := s.absolute(name)
		s.tell("SETSTAT %s time %s", path, t.UTC().Format(time.RFC3339))
		at := uint32(t.Unix())
		return s.change("SETSTAT", path, fxSetstat, appendNumber(appendNumber(appendNumber(appendText(nil, path), hasTimes), at), at))
	})
}

// SetType takes any type: SFTP moves bytes as they are, whatever is asked for.
func (s *Session) SetType(ctx context.Context, t session.Type) error {
	return s.do(ctx, "setting the transfer type", "", func() error {
		switch t {
		case session.TypeBinary:
			return nil
		case session.TypeASCII, session.TypeEBCDIC:
			return fault(session.NotSupported, errors.New("SFTP moves bytes as they are"))
		}
		return fault(session.BadArgument, errors.New("no such transfer type"))
	})
}

// Raw is not possible: SFTP has no command lines.
func (s *Session) Raw(ctx context.Context, line string) (session.Reply, error) {
	return session.Reply{}, s.do(ctx, "sending a command", "", func() error {
		return fault(session.NotSupported, errors.New("SFTP has no command lines"))
	})
}

// Stat asks for one name, and follows a link to where it leads. A link that leads
// nowhere is a link.
func (s *Session) Stat(ctx context.Context, name string) (entry session.Entry, err error) {
	err = s.named(ctx, "asking for", name, func() error {
		path := s.absolute(name)
		entry, err = s.stat(path)
		var said status
		if errors.As(err, &said) {
			// A dangling link, or a loop of links.
			if link, missing := s.lstat(path); missing == nil && link.Kind == session.KindLink {
				entry, err = link, nil
			}
		}
		entry.Name = name
		if err == nil && entry.Kind == session.KindFile {
			s.prepare(entry.Size, false) // who asks for a large file is about to fetch it
		}
		return err
	})
	if err != nil {
		return session.Entry{}, err
	}
	return entry, nil
}

func (s *Session) stat(path string) (session.Entry, error) {
	s.tell("STAT %s", path)
	if a := s.ahead; a != nil && a.path == path && a.after == s.commands-1 {
		return a.entry, nil
	}
	return s.entry(path, fxStat)
}

// lstat does not follow links.
func (s *Session) lstat(path string) (session.Entry, error) {
	s.tell("LSTAT %s", path)
	return s.entry(path, fxLstat)
}

func (s *Session) entry(path string, kind byte) (session.Entry, error) {
	a, err := readAttributes(s.query(fxAttrs, kind, appendText(nil, path)))
	if err != nil {
		return session.Entry{}, err
	}
	if a.modified == 0 {
		a.flags &^= hasTimes // as servers that know none say it
	}
	// A server that tells no kind has files.
	e, _ := a.entry(path, []byte("-"))
	return e, nil
}
