package builtins

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// SETSPEED and Options.SpeedLimit: how many bytes of files a run may move a second, in
// both directions and over all connections together. What the network needs around
// them, and listings, are not counted.

const (
	kilobyte = 1024
	// mostSpeed is far beyond what any network does, and far from overflow.
	mostSpeed = 1 << 30 // kilobytes a second
	// leastPiece is what is moved at once however slow it is to be.
	leastPiece = 512 // bytes
)

// speedLimit is shared by all transfers of a run and safe for concurrent use. The
// zero value has no limit.
type speedLimit struct {
	now   func() time.Time                                 // nil: the system's clock; the run's may stand still
	pause func(ctx context.Context, d time.Duration) error // waits

	lock    sync.Mutex
	limiter *rate.Limiter // nil: no limit
	piece   int64
}

// set makes perSecond the bytes a second; 0 is no limit.
func (l *speedLimit) set(perSecond float64) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if perSecond <= 0 {
		l.limiter, l.piece = nil, 0
		return
	}
	// A tenth of a second may be caught up with, so that timers that ring late do not
	// add up; a second of it would be a tenth too much over ten seconds.
	l.limiter = rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond/10)))
	l.piece = max(leastPiece, int64(perSecond/4))
}

// mostAtOnce is how many bytes may be moved before wait is called; 0 is any number.
func (l *speedLimit) mostAtOnce() int64 {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.piece
}

// wait waits for as long as n bytes that were moved are worth. It ends with ctx.
func (l *speedLimit) wait(ctx context.Context, n int64) {
	l.lock.Lock()
	limiter, now := l.limiter, time.Now
	if l.now != nil {
		now = l.now
	}
	if limiter == nil || n <= 0 {
		l.lock.Unlock()
		return
	}
	// The bytes have been moved already: they are taken from what is to come, however
	// many they are.
	var due time.Duration
	for at := now(); n > 0; {
		k := min(n, int64(limiter.Burst()))
		due = limiter.ReserveN(at, int(k)).DelayFrom(at)
		n -= k
	}
	l.lock.Unlock()
	if due > 0 {
		_ = l.pause(ctx, due) // who moves the bytes sees that the context has ended
	}
}

// setSpeed is SETSPEED(kilobytes_per_second).
func (s *State) setSpeed(a *arguments) error {
	speed := a.number(0)
	if speed < 0 || speed > mostSpeed {
		return a.bad(0, "must be from 0 to %d kilobytes a second, not %s", mostSpeed, quoted(a.text(0)))
	}
	s.limitSpeed(speed * kilobyte)
	return nil
}

// limitSpeed limits the run to so many bytes a second, 0 for none; the limit of the
// Options stays above it.
func (s *State) limitSpeed(perSecond float64) {
	if most := float64(s.options.SpeedLimit); most > 0 && (perSecond == 0 || perSecond > most) {
		perSecond = most
	}
	s.speed.set(perSecond)
}
