package ftpconn

import (
	"context"
	"fmt"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// listZone is how far the times of LIST are ahead of UTC, as far as it was found out.
type listZone struct {
	known  bool
	asked  bool // also where nothing came of it: it is tried once a session
	offset time.Duration
}

const (
	// zoneStep is what the zones of the world differ by, and widestZone how far they
	// go from UTC.
	zoneStep   = 15 * time.Minute
	widestZone = 15 * time.Hour
	// A time of LIST is cut to the minute, or rounded up to two seconds by file
	// systems of DOS.
	mostBehind = time.Minute + 2*time.Second
	mostAhead  = 2 * time.Second
)

// zone is where the times of LIST are read: the settings' zone, with its summer time,
// as long as nothing else is known.
func (s *Session) zone() *time.Location {
	guess := s.settings.Zone
	if guess == nil {
		guess = time.UTC
	}
	if !s.listZone.known {
		return guess
	}
	// Where the guess is right at the moment it is better than the mere difference.
	if aheadOfUTC(time.Now(), guess) == s.listZone.offset {
		return guess
	}
	return time.FixedZone("", int(s.listZone.offset.Seconds()))
}

func (s *Session) setZone(offset time.Duration) {
	s.listZone = listZone{known: true, asked: true, offset: offset}
}

// Dated returns the listing of dir with the times of LIST moved to where they belong:
// one file of it is asked for by MDTM, once a session. What cannot be found out
// leaves the times as they are.
//
// The difference is that of the newest file. A server that shows summer time in
// summer and winter time in winter has the times of the other half year an hour off,
// unless it lies in the zone of the settings.
func (s *Session) Dated(ctx context.Context, dir string, l session.Listing) (session.Listing, error) {
	err := s.do(ctx, "asking for the time zone of the listing", dir, func() error {
		entries, err := s.datedEntries(dir, l)
		if err == nil {
			l.Entries = entries
		}
		return err
	})
	return l, err
}

// datedEntries is Dated within an operation.
func (s *Session) datedEntries(dir string, l session.Listing) ([]session.Entry, error) {
	sample, found := newestToTheMinute(l)
	if l.Source != "LIST" || s.listZone.asked || !found || !s.may("MDTM") {
		return l.Entries, nil
	}
	name := sample.Name
	if dir != "" {
		name = s.join(dir, name)
	}
	if checkName(name) != nil {
		return l.Entries, nil
	}
	s.listZone.asked = true
	reply, e := s.exchange("MDTM " + name)
	if e != nil {
		return nil, e
	}
	exact, ok := parseTime(reply.Text)
	if s.learnUnknown("MDTM", reply.Code) || !completed(reply.Code) || !ok {
		return l.Entries, nil
	}
	before := s.zone()
	offset, ok := offsetOf(sample.Time, exact, before)
	if !ok {
		s.note("the times of LIST do not agree with MDTM by any zone")
		return l.Entries, nil
	}
	if offset == aheadOfUTC(exact, before) {
		// The server's zone is ours: what holds now is what will be remembered.
		offset = aheadOfUTC(time.Now(), before)
	}
	s.setZone(offset)
	after := s.zone()
	if after == before {
		return l.Entries, nil
	}
	s.note("the times of LIST are " + zoneName(offset))
	return redated(l.Entries, before, after), nil
}

// newestToTheMinute chooses a file whose time is told with hour and minute.
func newestToTheMinute(l session.Listing) (newest session.Entry, found bool) {
	for _, e := range l.Entries {
		if e.Kind == session.KindFile && !e.Time.IsZero() && e.Grain > 0 && e.Grain <= time.Minute && (!found || e.Time.After(newest.Time)) {
			newest, found = e, true
		}
	}
	return newest, found
}

// offsetOf is how far the zone of a listing is ahead of UTC, from the time of a file
// as it was read in a zone and the time that it has.
func offsetOf(listed, exact time.Time, read *time.Location) (offset time.Duration, ok bool) {
	wall := listed.Add(aheadOfUTC(listed, read))
	ahead := wall.Sub(exact)
	offset = (ahead + mostBehind).Truncate(zoneStep)
	if ahead+mostBehind < 0 && offset != ahead+mostBehind {
		offset -= zoneStep // down, not towards zero
	}
	rest := ahead - offset
	return offset, rest >= -mostBehind && rest <= mostAhead && offset.Abs() <= widestZone
}

func aheadOfUTC(at time.Time, zone *time.Location) time.Duration {
	_, seconds := at.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// redated reads the times anew in another zone.
func redated(entries []session.Entry, from, to *time.Location) []session.Entry {
	moved := make([]session.Entry, len(entries))
	for i, e := range entries {
		if !e.Exact && !e.Time.IsZero() {
			wall := e.Time.In(from)
			e.Time = time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, to).UTC()
		}
		moved[i] = e
	}
	return moved
}

// joinName is a name below a directory. Names of other systems are taken as they
// are written: no server takes a slash for less than a separator.
func joinName(dir, name string) string {
	if dir[len(dir)-1] == '/' {
		return dir + name
	}
	return dir + "/" + name
}

// zoneName is a difference as people write it.
func zoneName(offset time.Duration) string {
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	return fmt.Sprintf("UTC%c%02d:%02d", sign, int(offset.Hours()), int(offset.Minutes())%60)
}
