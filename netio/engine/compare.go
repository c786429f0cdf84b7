package engine

import (
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// Comparer decides of a file that both sides have whether it goes.
type Comparer struct {
	// ToServer says that the source is local: the other side is the server.
	ToServer bool
	// Clock is how far the server's clock is ahead of ours, for the time of one of its
	// files; nil is not at all. It is asked only where times are compared.
	Clock func(server session.Entry) time.Duration
	// Sizes says that both sides count the same bytes.
	Sizes bool
	// Memory is what earlier runs have left; nil is none.
	Memory *Memory
	// Ask asks the server for the exact time of a file that a listing told roughly;
	// nil, or false, is "it cannot say". It is asked only where the answer may spare a
	// transfer.
	Ask func(path string, e session.Entry) (session.Entry, bool)
}

const (
	// A time that was cut to an even second is a second behind at most.
	coarsest = 2 * time.Second
	// summer is what a clock is put forward by in summer. Where a listing tells times
	// in the zone of its server, files of the other half of the year are off by it.
	summer = time.Hour
)

// Compare holds the source's file against the target's.
func (c *Comparer) Compare(path string, source, target session.Entry) Reason {
	if fact, known := c.Memory.Recall(path); known {
		if why, sure := c.byMemory(path, fact, source, target); sure {
			return why
		}
		if !c.ToServer && !source.Exact && c.Ask != nil && fact.isLocal(target) && !fact.isServer(source) {
			// The server has another one than it had, and its listing does not tell when
			// that came, as for a time that lies ahead.
			if exact, ok := c.Ask(path, source); ok {
				return c.byTimes(exact, target)
			}
		}
	}
	why := c.byTimes(source, target)
	if why != Older || c.Ask == nil || c.Sizes && source.Size != target.Size {
		return why
	}
	// Before a file of the same size is sent again for a time that a listing shows, the
	// server is asked. In the year's other half all of them look an hour old.
	server := &source
	if c.ToServer {
		server = &target
	}
	if server.Exact {
		return why
	}
	exact, ok := c.Ask(path, *server)
	if !ok {
		return why
	}
	*server = exact
	return c.byTimes(source, target)
}

// byMemory compares both files with what they were when they were last known to be
// the same. sure is false where that says nothing.
func (c *Comparer) byMemory(path string, fact Fact, source, target session.Entry) (why Reason, sure bool) {
	if fact.Unfinished {
		return Unfinished, true
	}
	local, server := source, target
	if !c.ToServer {
		local, server = target, source
	}
	localSame, serverSame := fact.isLocal(local), fact.isServer(server)
	targetSame, sourceSame := serverSame, localSame
	if !c.ToServer {
		targetSame, sourceSame = localSame, serverSame
	}
	switch {
	case !targetSame:
		return 0, false // somebody else has put another one there
	case sourceSame:
		if fact.complete(server) {
			c.Memory.Keep(path, fact)
		}
		return UpToDate, true
	}
	// The source has changed since. That its time lies behind the target's may be the
	// clock of a server that puts its own time on what it is sent.
	was := fact.LocalTime
	if !c.ToServer {
		was = fact.ServerTime
	}
	if !was.IsZero() && source.Time.Sub(was) > max(tolerance(source), time.Second) {
		return Older, true
	}
	return 0, false
}

// byTimes compares by what both sides tell now.
func (c *Comparer) byTimes(source, target session.Entry) Reason {
	differ := c.Sizes && source.Size >= 0 && target.Size >= 0 && source.Size != target.Size
	if source.Time.IsZero() || target.Time.IsZero() {
		switch {
		case differ:
			return OtherSize
		case c.Sizes && source.Size >= 0 && target.Size >= 0:
			return UpToDate
		}
		return NoTimes
	}
	from, to := seconds(source), seconds(target)
	switch {
	case c.Clock == nil:
	case c.ToServer:
		to = to.Add(-c.Clock(target))
	default:
		from = from.Add(-c.Clock(source))
	}
	switch ahead := from.Sub(to); {
	case ahead > c.slack(source, target):
		return Older
	case ahead < -coarsest-max(0, tolerance(source)) && differ:
		return NewerDiffers
	case differ:
		return OtherSize
	}
	return UpToDate
}

// slack is how much newer than the target's the source may look although they are of
// one time.
func (c *Comparer) slack(source, target session.Entry) time.Duration {
	if rough := max(tolerance(source), tolerance(target)); rough > 0 {
		return rough
	}
	if seconds(target).Unix()%2 == 0 {
		return coarsest - time.Second // a file system of DOS has cut it
	}
	return 0
}

// tolerance is how far off a time may be for being told roughly.
func tolerance(e session.Entry) time.Duration {
	if e.Exact || e.Time.IsZero() {
		return 0
	}
	return max(e.Grain, coarsest)
}

// seconds is a time as far as both sides can tell it.
func seconds(e session.Entry) time.Time { return e.Time.Truncate(time.Second) }
