package builtins

import (
	"context"
	"io"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// crewSession is the session of a State whose connections are a crew's: what is asked
// goes over whichever is free next, and is waited for. What it is asked is about names
// from the root, or in the directory in which all connections of the crew are.
type crewSession struct {
	crew *crew
	caps session.Caps // when the crew began
	last session.Reply
}

var (
	_ session.Session  = (*crewSession)(nil)
	_ session.Dater    = (*crewSession)(nil)
	_ session.Glancer  = (*crewSession)(nil)
	_ session.Picker   = (*crewSession)(nil)
	_ session.Hasher   = (*crewSession)(nil)
	_ session.Replacer = (*crewSession)(nil)
)

// ask does work on a connection. Its attempts are that connection's.
func (q *crewSession) ask(ctx context.Context, work func(ctx context.Context, l *link) error) error {
	return q.crew.begin(q.piece(ctx, work))()
}

func (q *crewSession) piece(ctx context.Context, work func(ctx context.Context, l *link) error) func(*State) error {
	return func(s *State) error {
		ctx, _ := s.begin(ctx)
		l := s.session.(*link)
		err := work(ctx, l)
		q.crew.lock.Lock()
		q.last = l.LastReply()
		q.crew.lock.Unlock()
		return err
	}
}

func (q *crewSession) Caps() session.Caps { return q.caps }

func (q *crewSession) LastReply() session.Reply {
	q.crew.lock.Lock()
	defer q.crew.lock.Unlock()
	return q.last
}

func (q *crewSession) CurrentDir(ctx context.Context) (dir string, err error) {
	err = q.ask(ctx, func(ctx context.Context, l *link) (err error) {
		dir, err = l.CurrentDir(ctx)
		return err
	})
	return dir, err
}

// ChangeDir would move one connection only.
func (q *crewSession) ChangeDir(_ context.Context, dir string) error {
	return q.refuse("changing to " + dir)
}

// SetType would concern one connection only.
func (q *crewSession) SetType(context.Context, session.Type) error {
	return q.refuse("setting the transfer type")
}

// Raw is for scripts, and no script runs meanwhile.
func (q *crewSession) Raw(context.Context, string) (session.Reply, error) {
	return session.Reply{}, q.refuse("sending a command")
}

func (q *crewSession) refuse(op string) error {
	return &session.Error{Op: op + " while several connections are used", Cause: session.Internal, Class: session.ClassInternal}
}

func (q *crewSession) MakeDir(ctx context.Context, dir string) error {
	return q.ask(ctx, func(ctx context.Context, l *link) error { return l.MakeDir(ctx, dir) })
}

func (q *crewSession) RemoveDir(ctx context.Context, dir string) error {
	return q.ask(ctx, func(ctx context.Context, l *link) error { return l.RemoveDir(ctx, dir) })
}

func (q *crewSession) List(ctx context.Context, dir string) (l session.Listing, err error) {
	err = q.ask(ctx, func(ctx context.Context, open *link) (err error) {
		l, err = open.List(ctx, dir)
		return err
	})
	return l, err
}

// Dated asks for the zone over one connection; the others find it out when they need it.
func (q *crewSession) Dated(ctx context.Context, dir string, listing session.Listing) (dated session.Listing, err error) {
	err = q.ask(ctx, func(ctx context.Context, l *link) (err error) {
		dated, err = l.Dated(ctx, dir, listing)
		return err
	})
	return dated, err
}

func (q *crewSession) Stat(ctx context.Context, name string) (entry session.Entry, err error) {
	err = q.ask(ctx, func(ctx context.Context, l *link) (err error) {
		entry, err = l.Stat(ctx, name)
		return err
	})
	return entry, err
}

func (q *crewSession) Pick(ctx context.Context, name string, a session.Aspect) (entry session.Entry, err error) {
	err = q.ask(ctx, func(ctx context.Context, l *link) (err error) {
		entry, err = l.Pick(ctx, name, a)
		return err
	})
	return entry, err
}

func (q *crewSession) Glance(ctx context.Context, name string) (entry session.Entry, found bool, err error) {
	err = q.ask(ctx, func(ctx context.Context, l *link) (err error) {
		entry, found, err = l.Glance(ctx, name)
		return err
	})
	return entry, found, err
}

func (q *crewSession) Hash(ctx context.Context, name string, algorithms []string) (algorithm string, sum []byte, err error) {
	err = q.ask(ctx, func(ctx context.Context, l *link) (err error) {
		algorithm, sum, err = l.Hash(ctx, name, algorithms)
		return err
	})
	return algorithm, sum, err
}

func (q *crewSession) Download(ctx context.Context, name string, offset int64, w io.Writer) (n int64, err error) {
	err = q.ask(ctx, func(ctx context.Context, l *link) (err error) {
		n, err = l.Download(ctx, name, offset, w)
		return err
	})
	return n, err
}

func (q *crewSession) Upload(ctx context.Context, name string, mode session.StoreMode, r io.Reader) (n int64, err error) {
	err = q.ask(ctx, func(ctx context.Context, l *link) (err error) {
		n, err = l.Upload(ctx, name, mode, r)
		return err
	})
	return n, err
}

func (q *crewSession) UploadFrom(ctx context.Context, name string, offset int64, r io.Reader) (n int64, err error) {
	err = q.ask(ctx, func(ctx context.Context, l *link) (err error) {
		n, err = l.UploadFrom(ctx, name, offset, r)
		return err
	})
	return n, err
}

func (q *crewSession) Remove(ctx context.Context, name string) error {
	return q.ask(ctx, func(ctx context.Context, l *link) error { return l.Remove(ctx, name) })
}

func (q *crewSession) Rename(ctx context.Context, from, to string) error {
	return q.ask(ctx, func(ctx context.Context, l *link) error { return l.Rename(ctx, from, to) })
}

func (q *crewSession) Replace(ctx context.Context, from, to string) error {
	return q.ask(ctx, func(ctx context.Context, l *link) error { return l.Replace(ctx, from, to) })
}

func (q *crewSession) Chmod(ctx context.Context, name string, mode uint32) error {
	return q.ask(ctx, func(ctx context.Context, l *link) error { return l.Chmod(ctx, name, mode) })
}

func (q *crewSession) SetModTime(ctx context.Context, name string, at time.Time) error {
	return q.ask(ctx, func(ctx context.Context, l *link) error { return l.SetModTime(ctx, name, at) })
}

// Close is the crew's own affair.
func (q *crewSession) Close(context.Context) error { return nil }
