package encoded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

// Session is a session whose names are UTF-8, on top of one whose names are the
// server's bytes. It implements what optional interfaces the session package has
// and answers NotSupported where the session below lacks one.
type Session struct {
	inner    session.Session
	encoding Encoding
}

// Wrap puts the encoding over a session. Closing the result closes the session.
func Wrap(inner session.Session, e Encoding) *Session { return &Session{inner, e} }

func badName(op, name string, err error) *session.Error {
	return &session.Error{Op: op, Cause: session.BadArgument, Class: session.BadArgument.Class(), Name: name, Err: err,
		Hint: "SETENCODING says how the server writes names"}
}

// with encodes a name, runs the command, and says in its error the name as the
// caller knows it.
func (s *Session) with(op, name string, command func(written string) error) error {
	written, err := s.encoding.encode(name)
	if err != nil {
		return badName(op+" "+name, name, err)
	}
	err = command(written)
	if e, ok := err.(*session.Error); ok && written != name {
		shown := *e
		shown.Op = strings.ReplaceAll(e.Op, written, name)
		if e.Name == written {
			shown.Name = name
		}
		err = &shown
	}
	return s.encoding.Failure(err)
}

func (s *Session) reply(r session.Reply) session.Reply {
	r.Text = s.encoding.decodeText(r.Text)
	return r
}

// Caps is that of the session below.
func (s *Session) Caps() session.Caps {
	caps := s.inner.Caps()
	caps.Greeting = s.encoding.decodeText(caps.Greeting)
	return caps
}

func (s *Session) CurrentDir(ctx context.Context) (string, error) {
	const op = "asking for the current directory"
	written, err := s.inner.CurrentDir(ctx)
	if err != nil {
		return "", s.encoding.Failure(err)
	}
	dir, ok := s.encoding.decode(written)
	if !ok {
		return "", &session.Error{Op: op, Cause: session.UnsafeName, Class: session.UnsafeName.Class(), Name: written,
			Err:  fmt.Errorf("the name of the current directory is not written in %s", s.encoding.name),
			Hint: "SETENCODING says how the server writes names"}
	}
	return dir, nil
}

func (s *Session) ChangeDir(ctx context.Context, dir string) error {
	return s.with("changing to directory", dir, func(dir string) error { return s.inner.ChangeDir(ctx, dir) })
}

func (s *Session) MakeDir(ctx context.Context, dir string) error {
	return s.with("making directory", dir, func(dir string) error { return s.inner.MakeDir(ctx, dir) })
}

func (s *Session) RemoveDir(ctx context.Context, dir string) error {
	return s.with("removing directory", dir, func(dir string) error { return s.inner.RemoveDir(ctx, dir) })
}

// mostSamples bounds how many names are kept for messages.
const mostSamples = 5

// List is the listing with its names decoded. Those that are not written in the
// encoding count as hostile, for no command could name them.
func (s *Session) List(ctx context.Context, dir string) (l session.Listing, err error) {
	err = s.with("listing", dir, func(dir string) error {
		l, err = s.inner.List(ctx, dir)
		return err
	})
	if err != nil {
		return session.Listing{}, err
	}
	kept := l.Entries[:0]
	for _, entry := range l.Entries {
		name, ok := s.encoding.decode(entry.Name)
		if !ok {
			l.Undecodable++
		}
		if !ok || names.SafeName(name, runtime.GOOS) != nil {
			l.Hostile++
			if len(l.HostileSamples) < mostSamples {
				l.HostileSamples = append(l.HostileSamples, entry.Name)
			}
			continue
		}
		entry.Name, entry.Target = name, s.encoding.decodeText(entry.Target)
		kept = append(kept, entry)
	}
	l.Entries = kept
	for i, line := range l.Samples {
		l.Samples[i] = s.encoding.decodeText(line)
	}
	return l, nil
}

func (s *Session) Stat(ctx context.Context, name string) (entry session.Entry, err error) {
	err = s.with("asking for", name, func(written string) error {
		entry, err = s.inner.Stat(ctx, written)
		return err
	})
	if err != nil {
		return session.Entry{}, err
	}
	entry.Name, entry.Target = name, s.encoding.decodeText(entry.Target)
	return entry, nil
}

func (s *Session) Download(ctx context.Context, name string, offset int64, w io.Writer) (n int64, err error) {
	err = s.with("downloading", name, func(name string) error {
		n, err = s.inner.Download(ctx, name, offset, w)
		return err
	})
	return n, err
}

func (s *Session) Upload(ctx context.Context, name string, mode session.StoreMode, r io.Reader) (n int64, err error) {
	err = s.with("uploading", name, func(name string) error {
		n, err = s.inner.Upload(ctx, name, mode, r)
		return err
	})
	return n, err
}

func (s *Session) UploadFrom(ctx context.Context, name string, offset int64, r io.Reader) (n int64, err error) {
	err = s.with("uploading", name, func(name string) error {
		n, err = s.inner.UploadFrom(ctx, name, offset, r)
		return err
	})
	return n, err
}

func (s *Session) Remove(ctx context.Context, name string) error {
	return s.with("deleting", name, func(name string) error { return s.inner.Remove(ctx, name) })
}

func (s *Session) Rename(ctx context.Context, from, to string) error {
	written, err := s.encoding.encode(to)
	if err != nil {
		return badName("renaming to "+to, to, err)
	}
	return s.with("renaming", from, func(from string) error { return s.inner.Rename(ctx, from, written) })
}

func (s *Session) Chmod(ctx context.Context, name string, mode uint32) error {
	return s.with("changing the mode of", name, func(name string) error { return s.inner.Chmod(ctx, name, mode) })
}

func (s *Session) SetModTime(ctx context.Context, name string, t time.Time) error {
	return s.with("setting the time of", name, func(name string) error { return s.inner.SetModTime(ctx, name, t) })
}

func (s *Session) SetType(ctx context.Context, t session.Type) error {
	return s.encoding.Failure(s.inner.SetType(ctx, t))
}

func (s *Session) Raw(ctx context.Context, line string) (reply session.Reply, err error) {
	written, err := s.encoding.encode(line)
	if err != nil {
		return reply, badName("sending a command line", "", err)
	}
	reply, err = s.inner.Raw(ctx, written)
	return s.reply(reply), s.encoding.Failure(err)
}

func (s *Session) LastReply() session.Reply { return s.reply(s.inner.LastReply()) }

func (s *Session) Close(ctx context.Context) error { return s.encoding.Failure(s.inner.Close(ctx)) }

// Adjust passes the settings on where the session below takes any.
func (s *Session) Adjust(settings session.Settings) {
	if adjuster, ok := s.inner.(session.Adjuster); ok {
		adjuster.Adjust(settings)
	}
}

// Share wraps what the session below shares, NotSupported if it cannot.
func (s *Session) Share(settings session.Settings) (session.Session, error) {
	sharer, ok := s.inner.(session.Sharer)
	if !ok {
		return nil, &session.Error{Op: "sharing a connection", Cause: session.NotSupported, Class: session.NotSupported.Class(),
			Err: errors.New("it carries one command at a time")}
	}
	shared, err := sharer.Share(s.encoding.Settings(settings))
	if err != nil {
		return nil, s.encoding.Failure(err)
	}
	return Wrap(shared, s.encoding), nil
}

// Glance asks the session below.
func (s *Session) Glance(ctx context.Context, name string) (entry session.Entry, found bool, err error) {
	err = s.with("asking for", name, func(name string) error {
		entry, found, err = session.Glance(ctx, s.inner, name)
		return err
	})
	if err != nil || !found {
		return session.Entry{}, false, err
	}
	entry.Name, entry.Target = name, s.encoding.decodeText(entry.Target)
	return entry, true, nil
}

// Pick asks the session below.
func (s *Session) Pick(ctx context.Context, name string, a session.Aspect) (entry session.Entry, err error) {
	err = s.with("asking for", name, func(name string) error {
		entry, err = session.Pick(ctx, s.inner, name, a)
		return err
	})
	if err != nil {
		return session.Entry{}, err
	}
	entry.Name, entry.Target = name, s.encoding.decodeText(entry.Target)
	return entry, nil
}

// Dated asks the session below, which knows the names as the server has them. Without
// it the times stay.
func (s *Session) Dated(ctx context.Context, dir string, l session.Listing) (session.Listing, error) {
	dater, ok := s.inner.(session.Dater)
	if !ok {
		return l, nil
	}
	below := l
	below.Entries = slices.Clone(l.Entries)
	for i, entry := range l.Entries {
		written, err := s.encoding.encode(entry.Name)
		if err != nil { // not of List
			return l, badName("dating the listing of "+dir, entry.Name, err)
		}
		below.Entries[i].Name = written
	}
	err := s.with("dating the listing of", dir, func(dir string) (err error) {
		below, err = dater.Dated(ctx, dir, below)
		return err
	})
	if err != nil {
		return l, err
	}
	for i := range below.Entries {
		below.Entries[i].Name = l.Entries[i].Name
	}
	return below, nil
}

// Hash asks the session below, NotSupported if it cannot.
func (s *Session) Hash(ctx context.Context, name string, algorithms []string) (algorithm string, sum []byte, err error) {
	hasher, ok := s.inner.(session.Hasher)
	if !ok {
		return "", nil, cannot("asking for a hash of", name, "the server cannot compute any")
	}
	err = s.with("asking for a hash of", name, func(name string) error {
		algorithm, sum, err = hasher.Hash(ctx, name, algorithms)
		return err
	})
	return algorithm, sum, err
}

// Replace asks the session below, NotSupported if it cannot.
func (s *Session) Replace(ctx context.Context, from, to string) error {
	replacer, ok := s.inner.(session.Replacer)
	if !ok {
		return cannot("renaming", from, "the server cannot replace a file in one step")
	}
	written, err := s.encoding.encode(to)
	if err != nil {
		return badName("renaming to "+to, to, err)
	}
	return s.with("renaming", from, func(from string) error { return replacer.Replace(ctx, from, written) })
}

func cannot(op, name, why string) *session.Error {
	return &session.Error{Op: op + " " + name, Cause: session.NotSupported, Class: session.NotSupported.Class(), Name: name, Err: errors.New(why)}
}

// StoredName is that of the session below; "" too where its bytes do not decode, for
// then no command could name the file.
func (s *Session) StoredName() string {
	namer, ok := s.inner.(session.UniqueNamer)
	if !ok {
		return ""
	}
	name, ok := s.encoding.decode(namer.StoredName())
	if !ok {
		return ""
	}
	return name
}
