package builtins

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// SETSTABLE: files that still grow are left alone. The whole set is looked at, then
// one wait for all, then it is looked at again as it is moved.

// mostStable is an hour in seconds: who waits longer wants another run.
const mostStable = 3600

// setStable is SETSTABLE(seconds).
func (s *State) setStable(a *arguments) error {
	seconds := a.number(0)
	if seconds < 0 || seconds > mostStable {
		return a.bad(0, "must be from 0 to %d seconds, not %s", mostStable, quoted(a.text(0)))
	}
	s.settings.stable = time.Duration(seconds * float64(time.Second))
	return nil
}

// look is how a file was at a moment.
type look struct {
	size int64
	time time.Time
}

// stillness knows how the files of a set were at the first look. nil is that nobody
// asked, and then every file counts as still.
type stillness struct{ seen map[string]look }

// note is the first look at a file.
func (q *stillness) note(name string, size int64, at time.Time) { q.seen[name] = look{size, at} }

// growing holds the second look at a file against the first: nil where it is the same.
// A file that came in between has been looked at once only.
func (q *stillness) growing(doing, name string, size int64, at time.Time) error {
	if q == nil {
		return nil
	}
	why := ""
	switch before, seen := q.seen[name]; {
	case !seen:
		why = "it came while the others were waited for"
	case size < 0 && at.IsZero():
		why = "the server tells neither its size nor its time"
	case before.size != size:
		why = fmt.Sprintf("it had %d bytes, and now %d", before.size, size)
	case !before.time.Equal(at):
		why = "it was written to meanwhile"
	default:
		return nil
	}
	return &session.Error{Op: doing + " " + name, Cause: session.StillGrowing, Class: session.ClassTransient, Name: name, Err: errors.New(why)}
}

// firstLook makes a stillness where SETSTABLE asks for one: looking calls note for
// each file of the set, and then all are waited for together.
func (s *State) firstLook(ctx context.Context, looking func(q *stillness) error) (*stillness, error) {
	if s.settings.stable <= 0 {
		return nil, nil
	}
	q := &stillness{seen: make(map[string]look)}
	if err := looking(q); err != nil || len(q.seen) == 0 {
		return q, err
	}
	s.tell("Waiting %v to see whether %s still grow", s.settings.stable, plural(len(q.seen), "file"))
	return q, s.waitAwake(ctx, s.settings.stable)
}

// awakeEvery is how long a connection is left alone while something is waited for:
// servers and gateways hang up on those that are silent for minutes.
const awakeEvery = 30 * time.Second

// waitAwake waits for d or until ctx ends, and keeps the connection alive, if there is
// one. A connection that is lost meanwhile is the next command's affair.
func (s *State) waitAwake(ctx context.Context, d time.Duration) error {
	for d > 0 {
		piece := min(d, awakeEvery)
		if err := s.pause(ctx, piece); err != nil {
			return &session.Error{Op: "waiting", Cause: session.Cancelled, Class: session.ClassCancelled, Err: err}
		}
		if d -= piece; d > 0 {
			s.keepAwake(ctx)
		}
	}
	return nil
}

// keepAwake asks the server something small, if there is a connection.
func (s *State) keepAwake(ctx context.Context) {
	if s.session == nil {
		return
	}
	if _, err := s.session.CurrentDir(ctx); err != nil && ctx.Err() == nil {
		s.tellVerbose("the connection is not kept alive: %v", err)
	}
}
