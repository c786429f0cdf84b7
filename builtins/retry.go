package builtins

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// Trying again. What may be tried again, how often and after which wait is decided
// here and nowhere else: link.go asks for each command of a connection, and the
// transfers, which go on where they were cut, ask for each file.

// retrying are the values of SETRETRY.
type retrying struct {
	times int           // attempts in all, from 1
	wait  time.Duration // before the second; each further wait is twice as long
}

const (
	mostAttempts  = 1000
	longestWait   = 5 * time.Minute // what doubling ends at
	mostFirstWait = 3600            // seconds
)

// setRetry is SETRETRY(times [, seconds]).
func (s *State) setRetry(a *arguments) error {
	times, err := a.whole(0, 1, mostAttempts)
	if err != nil {
		return err
	}
	wait := s.settings.retry.wait
	if a.has(1) {
		seconds := a.number(1)
		if seconds < 0 || seconds > mostFirstWait {
			return a.bad(1, "must be from 0 to %d seconds, not %s", mostFirstWait, quoted(a.text(1)))
		}
		wait = time.Duration(seconds * float64(time.Second))
	}
	s.settings.retry = retrying{times: int(times), wait: wait}
	return nil
}

// trial counts the attempts of one piece of work: a command, or within a set one
// file or one listing. Whatever the work is made of shares its attempts, so that
// three in all stay three.
type trial struct {
	state   *State
	attempt int // the one that runs, from 1
	of      int
	wait    time.Duration // before the next one
	over    bool          // the last attempt has failed: only tidying up is left
}

func (s *State) newTrial() *trial {
	r := s.settings.retry
	return &trial{state: s, attempt: 1, of: max(r.times, 1), wait: r.wait}
}

// trialKey finds the trial of the work that a context is handed down for.
type trialKey struct{}

// begin starts a trial for what is done under the returned context.
func (s *State) begin(ctx context.Context) (context.Context, *trial) {
	t := s.newTrial()
	return context.WithValue(ctx, trialKey{}, t), t
}

// trialOf is the trial that ctx belongs to, or one for a single command.
func (s *State) trialOf(ctx context.Context) *trial {
	if t, ok := ctx.Value(trialKey{}).(*trial); ok {
		return t
	}
	return s.newTrial()
}

// again waits for the next attempt after err, and returns nil when it may begin.
// Otherwise the work has failed for good: the result is why, err itself or that
// the waiting was cut short.
func (t *trial) again(ctx context.Context, err error) error {
	if known, ok := err.(*triedError); ok && t.over {
		return known
	}
	if !passes(err) && !(t.state.crowded && refusesData(err)) || t.attempt >= t.of {
		t.over = t.attempt >= t.of
		return t.failed(err, false)
	}
	wait := jittered(t.wait)
	t.wait = min(2*t.wait, longestWait)
	t.attempt++
	t.tell(err, wait)
	if stopped := t.state.pause(ctx, wait); stopped != nil {
		return &session.Error{Op: "waiting to try again", Cause: session.Cancelled, Class: session.ClassCancelled, Err: errors.Join(stopped, err)}
	}
	return nil
}

// failed marks an error with the attempt that it ended, where that says something.
func (t *trial) failed(err error, offline bool) error {
	if known, ok := err.(*triedError); ok {
		known.offline = known.offline || offline
		return known
	}
	if t.of == 1 && !offline || t.attempt == 1 && !offline && !passes(err) {
		return err
	}
	return &triedError{err: err, attempt: t.attempt, of: t.of, offline: offline}
}

// tell says what failed and when it is tried again.
func (t *trial) tell(err error, wait time.Duration) {
	s := t.state
	f := s.failure(&s.args, err)
	f.Attempt, f.Of = t.attempt-1, t.of
	what := f.Result.Sentence
	if f.Err.Op != "" {
		what = f.Err.Op + ": " + what
	}
	when := "now"
	if wait >= 50*time.Millisecond {
		when = fmt.Sprintf("in %.1f s", wait.Seconds())
	}
	s.voice.tell(Event{Kind: Message, Failure: f, Text: fmt.Sprintf("%s; attempt %d of %d %s", what, t.attempt, t.of, when)})
}

// passes reports failures that may pass: the network, the server's load or its
// disk are not as they should be, and the next attempt may find them better.
func passes(err error) bool {
	e, ok := errors.AsType[*session.Error](err)
	return ok && (e.Class == session.ClassTransient || e.Class == session.ClassCapacity)
}

// losesConnection reports failures after which the connection is of no use: it is
// gone, or nobody knows which reply would be whose.
func losesConnection(err error) bool {
	e, ok := errors.AsType[*session.Error](err)
	if !ok {
		return false
	}
	switch e.Cause {
	case session.ConnectionLost, session.ReplyTimeout, session.TooManyConnections:
		return true
	case session.TLSFailed: // the server wants another TLS session, which a new login makes
		return e.Class == session.ClassTransient
	}
	return false
}

// isUnsent reports failures of commands that never went out.
func isUnsent(err error) bool {
	e, ok := errors.AsType[*session.Error](err)
	return ok && e.Unsent
}

// mayBeDone reports failures that leave open whether the server has carried the
// command out: it was sent, and what became of it was not heard. A 421 in its
// place says that it was not.
func mayBeDone(err error) bool {
	e, ok := errors.AsType[*session.Error](err)
	return ok && !e.Unsent && e.Reply.Code != 421 && (e.Cause == session.ConnectionLost || e.Cause == session.ReplyTimeout)
}

// triedError is a failure with the attempt that it ended.
type triedError struct {
	err         error
	attempt, of int
	offline     bool // there is no connection, and none could be made
}

func (e *triedError) Error() string { return e.err.Error() }

func (e *triedError) Unwrap() error { return e.err }

// jittered spreads a wait by a quarter either way: clients that a server turned
// away together must not come back together.
func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2))
}

// pause waits until d is over or ctx ends, which is the error then.
func (s *State) pause(ctx context.Context, d time.Duration) error {
	s.voice.flush()
	if s.options.Pause != nil {
		return s.options.Pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
