package builtins

import (
	"context"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// selection decides, file by file, which of a set are moved: what SETFILTER and
// SETSTABLE say. Patterns and exclusions have been held against them before, by the
// walk.
type selection struct {
	state *State
	sieve *sieve
	still *stillness
	// outcome counts what is left.
	outcome *setOutcome
}

// newSelection is made at the beginning of a command that moves a set.
func (s *State) newSelection(o *setOutcome) *selection {
	return &selection{state: s, sieve: s.newSieve(), outcome: o}
}

// firstLook looks through the set once more before, where SETSTABLE asks for it. walk
// is asked to call note for each of its files.
func (c *selection) firstLook(ctx context.Context, walk func() error) (err error) {
	c.still, err = c.state.firstLook(ctx, func(q *stillness) error {
		c.still = q
		return walk()
	})
	return err
}

// noteRemote is the first look at a file on the server. Where the listing tells no
// size the server is asked, as at the second.
func (c *selection) noteRemote(ctx context.Context, remote string, e session.Entry) {
	e = c.sized(ctx, remote, e)
	trial := *c.sieve // counts nothing
	if _, why, err := trial.sift(ctx, c.state, remote, e); why == "" && err == nil {
		c.still.note(remote, e.Size, e.Time)
	}
}

func (c *selection) sized(ctx context.Context, remote string, e session.Entry) session.Entry {
	if e.Size < 0 {
		return c.state.exactEntry(ctx, remote, e)
	}
	return e
}

// remote decides about a file on the server: take is false where it is left, which
// has been told and counted. The entry is what is known of the file then.
func (c *selection) remote(ctx context.Context, remote string, e session.Entry) (now session.Entry, take bool) {
	s := c.state
	if c.still != nil {
		e = c.sized(ctx, remote, e)
	}
	growing := c.still.growing("downloading", remote, e.Size, e.Time)
	e, why, err := c.sieve.sift(ctx, s, remote, e)
	switch {
	case why != "":
		s.tellVerbose("Skipping (%s) %s", why, remote)
	case err != nil:
		s.tell("%s is left out: %v", remote, err)
		c.outcome.left++
	case growing != nil:
		c.leave(remote, growing)
	default:
		return e, true
	}
	return e, false
}

// noteLocal is the first look at a local file.
func (c *selection) noteLocal(path netio.LocalPath, e netio.LocalEntry) {
	if c.sieve.stops(e.Size, e.ModTime) == "" {
		c.still.note(path.String(), e.Size, e.ModTime)
	}
}

// local decides about a local file, as remote does.
func (c *selection) local(path netio.LocalPath, e netio.LocalEntry) (take bool) {
	if why := c.sieve.siftLocal(e); why != "" {
		c.state.tellVerbose("Skipping (%s) %s", why, path)
		return false
	}
	if err := c.still.growing("uploading", path.String(), e.Size, e.ModTime); err != nil {
		c.leave(path.String(), err)
		return false
	}
	return true
}

func (c *selection) leave(name string, err error) {
	c.state.tell("Skipping (still changes) %s: %v", name, reasonOf(err))
	c.outcome.leave(err)
}

// end tells at the end of the set what was left that nothing was told of.
func (c *selection) end() { c.sieve.tellLeft(c.state) }

// reasonOf is what an error says without what was being done.
func reasonOf(err error) error {
	if e, ok := err.(*session.Error); ok && e.Err != nil {
		return e.Err
	}
	return err
}

// chosenRemote is selection for the one file that a command names. take is false where
// it is left, and that has been told; err where the command fails over it.
func (s *State) chosenRemote(ctx context.Context, remote string, e session.Entry) (now session.Entry, take bool, err error) {
	now, why, err := s.newSieve().sift(ctx, s, remote, e)
	if err != nil {
		return now, false, err
	}
	if why != "" {
		s.tell("Skipping (%s) %s", why, remote)
		return now, false, nil
	}
	q, err := s.firstLook(ctx, func(q *stillness) error {
		q.note(remote, e.Size, e.Time)
		return nil
	})
	if q == nil || err != nil {
		return now, err == nil, err
	}
	if now, err = s.session.Stat(ctx, remote); err == nil {
		err = q.growing("downloading", remote, now.Size, now.Time)
	}
	return now, err == nil, err
}

// chosenLocal is chosenRemote for an upload.
func (s *State) chosenLocal(ctx context.Context, path netio.LocalPath) (take bool, err error) {
	sieve := s.newSieve()
	if !sieve.byTime() && !sieve.bySize() && s.settings.stable <= 0 {
		return true, nil
	}
	e, err := s.files.Stat(path)
	if err != nil {
		return true, nil // the upload will say what is wrong
	}
	if why := sieve.siftLocal(e); why != "" {
		s.tell("Skipping (%s) %s", why, path)
		return false, nil
	}
	q, err := s.firstLook(ctx, func(q *stillness) error {
		q.note(path.String(), e.Size, e.ModTime)
		return nil
	})
	if q == nil || err != nil {
		return err == nil, err
	}
	if e, err = s.files.Stat(path); err == nil {
		err = q.growing("uploading", path.String(), e.Size, e.ModTime)
	}
	return err == nil, err
}
