package builtins

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// link is a session that outlives its connections: commands are tried again as
// SETRETRY says, and a connection that was lost is made anew, with a login, and
// brought to where it was. Its methods are those of the session below.
//
// What is repeated after a reply that never came is first looked at, so that
// nothing is done twice; what cannot be looked at is not repeated. A transfer is
// one attempt only: who began it knows what arrived and goes on from there.
//
// Like any session it is for one goroutine at a time.
type link struct {
	state    *State
	endpoint session.Endpoint
	open     func(ctx context.Context) (session.Session, error) // makes a connection and logs in

	session session.Session // nil: lost
	lost    error           // why, if it is
	caps    session.Caps    // of the session that was lost
	stored  string          // the name that it chose for its newest upload with StoreUnique

	// What a new connection is brought to.
	kind session.Type
	way  []string // directories to change to, one after the other, from that of the login
	told string   // the current directory as the server tells it; "" if it was not asked

	// last stands for the newest reply where ours have followed it, or where the
	// connection is gone.
	last *session.Reply
}

var (
	_ session.Session     = (*link)(nil)
	_ session.Adjuster    = (*link)(nil)
	_ session.Hasher      = (*link)(nil)
	_ session.Dater       = (*link)(nil)
	_ session.Glancer     = (*link)(nil)
	_ session.Picker      = (*link)(nil)
	_ session.UniqueNamer = (*link)(nil)
	_ session.Replacer    = (*link)(nil)
)

// connect makes the connection of an OPENHOST.
func (s *State) connect(ctx context.Context, e session.Endpoint) (*link, error) {
	l := s.newLink(e)
	t := s.newTrial()
	for {
		err := l.dial(ctx)
		if err == nil {
			return l, nil
		}
		if err := t.again(ctx, err); err != nil {
			return nil, err
		}
	}
}

// newLink is a link that has no connection yet.
func (s *State) newLink(e session.Endpoint) *link {
	var learned session.Facts // by the connections before, also where no folder keeps it
	return &link{state: s, endpoint: e, open: func(ctx context.Context) (session.Session, error) {
		settings := s.sessionSettings()
		settings.Known = learned
		s.remember(e, &settings)
		keep := settings.Learned
		settings.Learned = func(facts session.Facts) {
			if learned = facts; keep != nil {
				keep(facts)
			}
		}
		return netio.Dial(ctx, e, settings)
	}}
}

// sibling is a link like this one for a State that uses it beside: to the same place,
// with a connection yet to be made. Only the first tells what it has learned of the
// server, and what was said of the server's trust is not said again.
func (l *link) sibling(s *State) *link {
	e := l.endpoint
	e.Trust.Notice = nil
	return &link{state: s, endpoint: e, kind: l.kind, way: slices.Clone(l.way), told: l.told, open: func(ctx context.Context) (session.Session, error) {
		settings := s.sessionSettings()
		s.remember(e, &settings)
		settings.Learned = nil
		return netio.Dial(ctx, e, settings)
	}}
}

func (l *link) dial(ctx context.Context) error {
	open, err := l.open(ctx)
	if err != nil {
		return err
	}
	l.session, l.lost = open, nil
	return nil
}

// ready sees to it that there is a connection. One that was lost is made anew
// unless SETRETRY allows a single attempt only, or the work has used its attempts
// up and is tidying up.
func (l *link) ready(ctx context.Context, t *trial) error {
	if l.session != nil {
		return nil
	}
	if t.of == 1 || t.over {
		return l.isLost()
	}
	if err := l.dial(ctx); err != nil {
		return err
	}
	if err := l.restore(ctx); err != nil {
		l.drop(ctx, err)
		return err
	}
	l.state.tell("Connected again.")
	return nil
}

// isLost is the error of what is asked of a connection that is gone and stays so.
func (l *link) isLost() error {
	e := &session.Error{Op: "the connection is gone", Cause: session.ConnectionLost, Class: session.ClassTransient,
		Host: l.endpoint.Address, Unsent: true, Hint: "OPENHOST makes a new one", Err: l.lost}
	if why, ok := errors.AsType[*session.Error](l.lost); ok {
		e.Reply, e.Err = why.Reply, why.Err
	}
	return e
}

// restore brings a new connection to where the one before was.
func (l *link) restore(ctx context.Context) error {
	if l.kind != session.TypeBinary {
		if err := l.session.SetType(ctx, l.kind); err != nil {
			return err
		}
	}
	for _, dir := range l.way {
		if err := l.session.ChangeDir(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

// drop gives the connection up. The reply that the script may still ask for is
// kept.
func (l *link) drop(ctx context.Context, why error) {
	if l.session == nil {
		return
	}
	if l.last == nil {
		reply := l.session.LastReply()
		l.last = &reply
	}
	l.caps = l.session.Caps()
	if namer, ok := l.session.(session.UniqueNamer); ok {
		l.stored = namer.StoredName()
	}
	closing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cancel() // no good-bye: nobody is there to hear it
	// It is given up because it failed; that closing it fails too says nothing new.
	_ = l.session.Close(closing)
	l.session, l.lost = nil, why
}

// attempt does work on a connection once. offline reports that there was none.
func (l *link) attempt(ctx context.Context, t *trial, work func(session.Session) error) (err error, offline bool) {
	for found := false; ; found = true {
		if err := l.ready(ctx, t); err != nil {
			return err, true
		}
		err := work(l.session)
		if err == nil {
			return nil, false
		}
		if losesConnection(err) {
			l.drop(ctx, err)
			if isUnsent(err) && !found && t.of > 1 && !t.over {
				// It had been lost while nothing was asked of it, so nothing was tried yet.
				l.state.tell("the connection was lost meanwhile and is made anew")
				continue
			}
		}
		return err, t.of == 1 && l.session == nil
	}
}

// repeat does work that may be done twice without harm until it succeeds, fails
// for good or the attempts are used up.
func (l *link) repeat(ctx context.Context, work func(session.Session) error) error {
	return l.repeatUnless(ctx, nil, work)
}

// repeatUnless is repeat for work that changes something. After a reply that was
// lost, done looks whether the work has been done by then. Where that cannot be seen
// the work is not repeated, and the loss is what is told: by now the name may stand
// for what somebody else has put there.
func (l *link) repeatUnless(ctx context.Context, done func(session.Session) (bool, error), work func(session.Session) error) error {
	l.last = nil
	t := l.state.trialOf(ctx)
	var unsure error // what left open whether it has been done
	blind := false
	for {
		err, offline := l.attempt(ctx, t, func(open session.Session) error {
			if unsure != nil && done != nil {
				switch did, err := done(open); {
				case err != nil && passes(err):
					return err
				case err != nil:
					blind = true
					return unsure
				case did:
					return nil
				}
				unsure = nil
			}
			return work(open)
		})
		if err == nil {
			return nil
		}
		if unsure == nil && !offline && mayBeDone(err) {
			unsure = err
		}
		if t.over || blind {
			return t.failed(err, offline)
		}
		if err := t.again(ctx, err); err != nil {
			return t.failed(err, offline)
		}
	}
}

// once does work that is not repeated, unless it is certain that nothing of it
// went out.
func (l *link) once(ctx context.Context, work func(session.Session) error) error {
	l.last = nil
	t := l.state.trialOf(ctx)
	err, offline := l.attempt(ctx, t, work)
	if err == nil {
		return nil
	}
	return t.failed(err, offline)
}

// hidden keeps the newest reply while something is asked that the script did not
// ask for.
func (l *link) hidden(ask func()) {
	reply := l.session.LastReply()
	ask()
	l.last = &reply
}

// Caps answers for the connection that was lost too.
func (l *link) Caps() session.Caps {
	if l.session == nil {
		return l.caps
	}
	return l.session.Caps()
}

// LastReply is the newest reply to what the script asked for.
func (l *link) LastReply() session.Reply {
	switch {
	case l.last != nil:
		return *l.last
	case l.session == nil:
		return session.Reply{}
	}
	return l.session.LastReply()
}

// Close ends it.
func (l *link) Close(ctx context.Context) error {
	if l.session == nil {
		return nil
	}
	return l.session.Close(ctx)
}

// Adjust tells the session below, if it takes that.
func (l *link) Adjust(settings session.Settings) {
	if open, ok := l.session.(session.Adjuster); ok {
		open.Adjust(settings)
	}
}

// CurrentDir asks the server, and takes the answer for the place to come back to.
func (l *link) CurrentDir(ctx context.Context) (dir string, err error) {
	err = l.repeat(ctx, func(open session.Session) (err error) {
		dir, err = open.CurrentDir(ctx)
		return err
	})
	if err == nil {
		l.way, l.told = []string{dir}, dir
	}
	return dir, err
}

// ChangeDir changes the directory, also of connections to come. A relative one is
// asked for at once: once the connection is lost nobody can be asked any more.
func (l *link) ChangeDir(ctx context.Context, dir string) error {
	l.told = ""
	err := l.repeat(ctx, func(open session.Session) error { return open.ChangeDir(ctx, dir) })
	if err != nil {
		return err
	}
	if strings.HasPrefix(dir, "/") {
		l.way = []string{dir}
		return nil
	}
	l.way = append(l.way, dir)
	l.locate(ctx)
	return nil
}

// locate asks where the connection is. Where that is not told, the way there is
// what is known.
func (l *link) locate(ctx context.Context) {
	l.hidden(func() {
		switch dir, err := l.session.CurrentDir(ctx); {
		case err == nil:
			l.way, l.told = []string{dir}, dir
		case losesConnection(err):
			l.drop(ctx, err)
		}
	})
}

// MakeDir makes a directory. One that is there after a lost reply was made.
func (l *link) MakeDir(ctx context.Context, dir string) error {
	return l.repeatUnless(ctx, func(open session.Session) (bool, error) {
		e, err := open.Stat(ctx, dir)
		if err != nil && !passes(err) {
			return false, nil // making it twice harms nobody
		}
		return err == nil && e.Kind == session.KindDir, err
	}, func(open session.Session) error { return open.MakeDir(ctx, dir) })
}

// RemoveDir removes a directory. One that is gone after a lost reply was removed.
func (l *link) RemoveDir(ctx context.Context, dir string) error {
	return l.repeatUnless(ctx, l.isGone(ctx, dir), func(open session.Session) error { return open.RemoveDir(ctx, dir) })
}

// Remove deletes a file. One that is gone after a lost reply was deleted.
func (l *link) Remove(ctx context.Context, name string) error {
	return l.repeatUnless(ctx, l.isGone(ctx, name), func(open session.Session) error { return open.Remove(ctx, name) })
}

// Rename renames a file. After a lost reply it was renamed if the old name is gone
// and the new one is there.
func (l *link) Rename(ctx context.Context, from, to string) error {
	return l.repeatUnless(ctx, l.isMoved(ctx, from, to), func(open session.Session) error { return open.Rename(ctx, from, to) })
}

// Replace is Rename onto a name that exists.
func (l *link) Replace(ctx context.Context, from, to string) error {
	return l.repeatUnless(ctx, l.isMoved(ctx, from, to), func(open session.Session) error {
		replacer, ok := open.(session.Replacer)
		if !ok {
			return &session.Error{Op: "replacing " + to, Cause: session.NotSupported, Class: session.ClassPermanent, Name: to}
		}
		return replacer.Replace(ctx, from, to)
	})
}

func (l *link) isMoved(ctx context.Context, from, to string) func(session.Session) (bool, error) {
	gone := l.isGone(ctx, from)
	return func(open session.Session) (bool, error) {
		if did, err := gone(open); err != nil || !did {
			return false, err
		}
		_, err := open.Stat(ctx, to)
		if session.CauseOf(err) == session.NoSuchRemoteFile {
			return false, nil
		}
		return err == nil, err
	}
}

func (l *link) isGone(ctx context.Context, name string) func(session.Session) (bool, error) {
	return func(open session.Session) (bool, error) {
		switch _, err := open.Stat(ctx, name); session.CauseOf(err) {
		case session.CauseNone:
			return false, nil
		case session.NoSuchRemoteFile:
			return true, nil
		default:
			return false, err
		}
	}
}

// List reads a directory, from the beginning at each attempt.
func (l *link) List(ctx context.Context, dir string) (listing session.Listing, err error) {
	err = l.repeat(ctx, func(open session.Session) (err error) {
		listing, err = open.List(ctx, dir)
		return err
	})
	return listing, err
}

// Dated moves the times of a listing into UTC, where the session below can.
func (l *link) Dated(ctx context.Context, dir string, listing session.Listing) (dated session.Listing, err error) {
	dated = listing
	err = l.repeat(ctx, func(open session.Session) (err error) {
		if dater, ok := open.(session.Dater); ok {
			dated, err = dater.Dated(ctx, dir, listing)
		}
		return err
	})
	return dated, err
}

// Stat asks for one name.
func (l *link) Stat(ctx context.Context, name string) (entry session.Entry, err error) {
	err = l.repeat(ctx, func(open session.Session) (err error) {
		entry, err = open.Stat(ctx, name)
		return err
	})
	return entry, err
}

// Pick is Stat for one aspect, where the session below knows a difference.
func (l *link) Pick(ctx context.Context, name string, a session.Aspect) (entry session.Entry, err error) {
	err = l.repeat(ctx, func(open session.Session) (err error) {
		entry, err = session.Pick(ctx, open, name, a)
		return err
	})
	return entry, err
}

// Glance is Stat without a listing, where the session below knows a difference.
func (l *link) Glance(ctx context.Context, name string) (entry session.Entry, found bool, err error) {
	err = l.repeat(ctx, func(open session.Session) (err error) {
		entry, found, err = session.Glance(ctx, open, name)
		return err
	})
	return entry, found, err
}

// Chmod sets permission bits; doing it twice is doing it once.
func (l *link) Chmod(ctx context.Context, name string, mode uint32) error {
	return l.repeat(ctx, func(open session.Session) error { return open.Chmod(ctx, name, mode) })
}

// SetModTime sets a time; doing it twice is doing it once.
func (l *link) SetModTime(ctx context.Context, name string, at time.Time) error {
	return l.repeat(ctx, func(open session.Session) error { return open.SetModTime(ctx, name, at) })
}

// SetType says how bytes are represented, also on connections to come.
func (l *link) SetType(ctx context.Context, kind session.Type) error {
	err := l.repeat(ctx, func(open session.Session) error { return open.SetType(ctx, kind) })
	if err == nil {
		l.kind = kind
	}
	return err
}

// Hash asks for a file's hash.
func (l *link) Hash(ctx context.Context, name string, algorithms []string) (algorithm string, sum []byte, err error) {
	err = l.repeat(ctx, func(open session.Session) (err error) {
		hasher, ok := open.(session.Hasher)
		if !ok {
			return &session.Error{Op: "asking for the hash of " + name, Cause: session.NotSupported, Class: session.ClassPermanent,
				Host: l.endpoint.Address, Name: name, Err: errors.New("the server computes none")}
		}
		algorithm, sum, err = hasher.Hash(ctx, name, algorithms)
		return err
	})
	return algorithm, sum, err
}

// Raw sends a command that only the script knows, and so once.
func (l *link) Raw(ctx context.Context, line string) (reply session.Reply, err error) {
	err = l.once(ctx, func(open session.Session) (err error) {
		reply, err = open.Raw(ctx, line)
		return err
	})
	if err != nil || reply.Code/100 != 2 {
		return reply, err
	}
	verb, dir, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "CWD", "XCWD":
		l.way = append(l.way, dir)
		l.locate(ctx)
	case "CDUP", "XCUP":
		l.way = append(l.way, "..")
		l.locate(ctx)
	}
	return reply, nil
}

// Download is one attempt, unless the connection was found dead before it.
func (l *link) Download(ctx context.Context, name string, offset int64, w io.Writer) (n int64, err error) {
	err = l.once(ctx, func(open session.Session) (err error) {
		n, err = open.Download(ctx, name, offset, w)
		return err
	})
	return n, err
}

// Upload is one attempt, unless the connection was found dead before it.
func (l *link) Upload(ctx context.Context, name string, mode session.StoreMode, r io.Reader) (n int64, err error) {
	l.stored = ""
	err = l.once(ctx, func(open session.Session) (err error) {
		n, err = open.Upload(ctx, name, mode, r)
		return err
	})
	if chosen := l.StoredName(); err == nil && mode == session.StoreUnique && chosen != "" {
		// Where a server tells the name differs; a script finds it in one place.
		reply := l.session.LastReply()
		if reply.Code != 0 {
			reply.Text += "\nFILE: " + chosen
		}
		l.last = &reply
	}
	return n, err
}

// StoredName is the name that the newest upload with StoreUnique was given; "" if it
// was not told. A session that has it in its reply need not tell it otherwise.
func (l *link) StoredName() string {
	if namer, ok := l.session.(session.UniqueNamer); ok {
		return namer.StoredName()
	}
	if l.session == nil {
		return l.stored
	}
	if name, found := strings.CutPrefix(l.session.LastReply().Text, "FILE: "); found {
		return name
	}
	return ""
}

// UploadFrom is one attempt, unless the connection was found dead before it.
func (l *link) UploadFrom(ctx context.Context, name string, offset int64, r io.Reader) (n int64, err error) {
	err = l.once(ctx, func(open session.Session) (err error) {
		n, err = open.UploadFrom(ctx, name, offset, r)
		return err
	})
	return n, err
}
