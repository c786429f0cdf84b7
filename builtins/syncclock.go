package builtins

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/engine"
	"github.com/sftpc/sftpc/netio/session"
)

// clockSetting is what SETCLOCKDIFF says.
type clockSetting struct {
	set   bool // false: AUTO
	ahead time.Duration
}

// widestClock bounds the argument of SETCLOCKDIFF: a clock may have been forgotten at
// the year in which its machine was made.
const widestClock = 50 * 366 * 24 * time.Hour

// setClockDiff is SETCLOCKDIFF(seconds | AUTO).
func (s *State) setClockDiff(a *arguments) error {
	if a.constant(0) == "AUTO" {
		s.settings.clock = clockSetting{}
		return nil
	}
	most := int64(widestClock / time.Second)
	seconds, err := a.whole(0, -most, most)
	if err != nil {
		return err
	}
	s.settings.clock = clockSetting{set: true, ahead: time.Duration(seconds) * time.Second}
	return nil
}

// serverClock is how far the server's clock is ahead of ours, as far as a SYNC needs
// to know. Times that the server tells in UTC are taken as they are: what it was told
// it tells again, and nothing has to be uploaded to find that out.
type serverClock struct {
	*syncing
	asked    bool
	measured atomic.Int64 // nanoseconds
	exact    atomic.Bool  // the server's listings tell exact times
	undated  atomic.Bool  // it does not take times
}

// known is what is known without asking.
func (c *serverClock) known() time.Duration {
	if c.state.settings.clock.set {
		return c.state.settings.clock.ahead
	}
	return time.Duration(c.measured.Load())
}

// ahead is the difference for the time of a file of the server.
func (c *serverClock) ahead(ctx context.Context, e session.Entry) time.Duration {
	s := c.state
	switch {
	case s.settings.clock.set:
		if !c.asked {
			c.asked = true
			s.tell("Clock time difference is %d seconds.", int64(s.settings.clock.ahead/time.Second))
		}
		return s.settings.clock.ahead
	case e.Exact, s.session.Caps().ExactTimes:
		// The zone of a listing has been found out by then.
		return 0
	}
	if !c.asked {
		c.asked = true
		if err := c.measure(ctx); err != nil {
			s.warn("the clock time difference is not known, times are taken as they are listed: %v; SETCLOCKDIFF says it", err)
		} else {
			s.tell("Clock time difference is %d seconds.", int64(c.known()/time.Second))
		}
	}
	return c.known()
}

// measure uploads a temporary file and looks at which time the server lists it.
func (c *serverClock) measure(ctx context.Context) (err error) {
	s := c.state
	s.tell("Uploading temporary file to calculate server-client clock time difference.")
	ctx, _ = s.begin(ctx)
	name := netio.PartName("clock " + rand.Text())
	path := c.remotePath(name)
	gone, gaveUp := s.noteAside(ctx, engine.Aside, path, "")
	before := time.Now()
	if _, err := s.session.Upload(ctx, path, session.StoreReplace, strings.NewReader("clock\n")); err != nil {
		gaveUp()
		return err
	}
	after := time.Now()
	defer func() {
		removed := s.session.Remove(ctx, path)
		switch session.CauseOf(removed) {
		case session.CauseNone, session.NoSuchRemoteFile:
			gone()
		default:
			gaveUp()
			s.warn("the temporary file %s is left on the server: %v", path, removed)
		}
	}()
	listing, err := s.session.List(ctx, c.remote)
	if err != nil {
		return err
	}
	for _, e := range listing.Entries {
		if e.Name == name {
			if e.Time.IsZero() || e.Grain > time.Minute {
				break
			}
			c.measured.Store(int64(clockDifference(e.Time, max(e.Grain, time.Second), before, after)))
			return nil
		}
	}
	return errors.New("the server's listing does not tell the time of a file that was just uploaded")
}

// zoneStep is what the zones of the world differ by.
const zoneStep = 15 * time.Minute

// clockDifference is how far a clock is ahead that has told a moment between before
// and after as listed, cut to the grain. Where a whole number of quarters of an hour
// explains it, it is that: clocks differ by their zones more often than otherwise.
func clockDifference(listed time.Time, grain time.Duration, before, after time.Time) time.Duration {
	least, most := listed.Sub(after), listed.Add(grain).Sub(before)
	for _, zone := range []time.Duration{most.Truncate(zoneStep), most.Truncate(zoneStep) - zoneStep} {
		if zone >= least && zone < most {
			return zone
		}
	}
	return ((least + most) / 2).Round(time.Second)
}
