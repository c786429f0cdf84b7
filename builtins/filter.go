package builtins

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm/value"
)

// SETFILTER: which files of a set are meant, by time and size. Each word has one
// bound, and a file must hold all that are set.

// filter is what SETFILTER has set.
type filter struct {
	newer, older    timeBound
	larger, smaller sizeBound
}

// timeBound is a moment, or an age that is counted back from the beginning of each
// command; "" as its text is none.
type timeBound struct {
	text string
	at   time.Time
	age  time.Duration
	aged bool
}

func (b timeBound) moment(now time.Time) time.Time {
	if b.aged {
		return now.Add(-b.age)
	}
	return b.at
}

// sizeBound is a number of bytes; "" as its text is none.
type sizeBound struct {
	text string
	size int64
}

// setFilter is SETFILTER(word, value), SETFILTER(word, NONE) and SETFILTER(NONE).
func (s *State) setFilter(a *arguments) (err error) {
	f, word := &s.settings.filter, a.constant(0)
	switch {
	case word == "NONE" && a.has(1):
		return a.bad(1, "is too many: NONE alone takes every bound away")
	case word == "NONE":
		*f = filter{}
		return nil
	case !a.has(1):
		return badArgument(fmt.Sprintf("SETFILTER(%s) needs a second argument: a bound, or NONE", word))
	}
	var at timeBound
	var size sizeBound
	if a.constant(1) != "NONE" {
		if word == "NEWER" || word == "OLDER" {
			at, err = s.timeBound(a)
		} else {
			size, err = sizeBoundOf(a)
		}
	}
	if err != nil {
		return err
	}
	switch word {
	case "NEWER":
		f.newer = at
	case "OLDER":
		f.older = at
	case "LARGER":
		f.larger = size
	case "SMALLER":
		f.smaller = size
	}
	return nil
}

// longestAge keeps ages far from what a duration can hold.
const longestAge = 100 * 365 * 24 * time.Hour

// timeBound reads a date, a day, or an age.
func (s *State) timeBound(a *arguments) (timeBound, error) {
	text := strings.TrimSpace(a.text(1))
	b := timeBound{text: text}
	for _, layout := range []string{dateLayout, "2006_01_02"} {
		if at, err := time.ParseInLocation(layout, text, s.zone()); err == nil {
			b.at = at
			return b, nil
		}
	}
	units := map[string]time.Duration{"": time.Second, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	n, unit, ok := cutUnit(text)
	scale, known := units[strings.ToLower(unit)]
	if !ok || !known {
		return b, a.bad(1, "must be a date as YYYY_MM_DD-hh_mm_ss or YYYY_MM_DD, or an age as 90s, 15m, 36h, 7d or 2w, not %s", quoted(text))
	}
	if n > longestAge.Seconds()/scale.Seconds() {
		return b, a.bad(1, "is an age of more than a hundred years: %s", quoted(text))
	}
	b.age, b.aged = time.Duration(n*float64(scale)), true
	return b, nil
}

// sizeBoundOf reads a size.
func sizeBoundOf(a *arguments) (sizeBound, error) {
	text := strings.TrimSpace(a.text(1))
	scales := map[string]float64{"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
	n, unit, ok := cutUnit(text)
	unit = strings.ToUpper(unit)
	if len(unit) > 1 {
		unit = strings.TrimSuffix(strings.TrimSuffix(unit, "B"), "I") // KB and KiB are K
	}
	scale, known := scales[unit]
	if size := n * scale; ok && known && size < math.MaxInt64/2 {
		return sizeBound{text: text, size: int64(size)}, nil
	}
	return sizeBound{}, a.bad(1, "must be a size in bytes, or one as 10K, 1.5M, 2G or 1T, not %s", quoted(text))
}

// cutUnit takes the number that a text begins with off it.
func cutUnit(text string) (n float64, unit string, ok bool) {
	cut := len(text) - len(strings.TrimLeft(text, "0123456789."))
	n, ok = value.ParseNumber(text[:cut])
	return n, strings.TrimSpace(text[cut:]), ok && n >= 0
}

// sieve is the filter of one command, with the moments that it means now. The zero
// sieve lets everything pass.
type sieve struct {
	filter
	newerThan, olderThan time.Time
	left                 int // files that did not pass
}

// newSieve is asked for at the beginning of a command that moves a set.
func (s *State) newSieve() *sieve {
	f, now := s.settings.filter, s.now()
	return &sieve{filter: f, newerThan: f.newer.moment(now), olderThan: f.older.moment(now)}
}

// byTime reports whether times matter.
func (f *sieve) byTime() bool { return f.newer.text != "" || f.older.text != "" }

func (f *sieve) bySize() bool { return f.larger.text != "" || f.smaller.text != "" }

// stops says why a file does not pass, "" if it does. What is as new as NEWER says
// passes and what is as old as OLDER says does not, so that two runs with the same
// moment between them miss nothing and take nothing twice.
func (f *sieve) stops(size int64, at time.Time) string {
	switch {
	case f.newer.text != "" && at.Before(f.newerThan):
		return "older than " + f.newer.text
	case f.older.text != "" && !at.Before(f.olderThan):
		return "newer than " + f.older.text
	case f.larger.text != "" && size <= f.larger.size:
		return "not larger than " + f.larger.text
	case f.smaller.text != "" && size >= f.smaller.size:
		return "not smaller than " + f.smaller.text
	}
	return ""
}

// sift holds a file on the server against the filter: why is "" where it passes.
// What the listing does not tell well enough is asked of the server, and the entry is
// what is known of the file then. NotSupported is the error where nobody tells it.
func (f *sieve) sift(ctx context.Context, s *State, remote string, e session.Entry) (now session.Entry, why string, err error) {
	if f.bySize() && e.Size < 0 || f.byTime() && f.doubtful(s, e) {
		e = s.exactEntry(ctx, remote, e)
	}
	switch {
	case f.bySize() && e.Size < 0:
		return e, "", s.untold(remote, "size")
	case f.byTime() && e.Time.IsZero():
		return e, "", s.untold(remote, "time")
	}
	if why = f.stops(e.Size, e.Time); why != "" {
		f.left++
	}
	return e, why, nil
}

// doubtful reports whether the time of a listing leaves open which side of a bound
// the file is on, where the server knows better.
func (f *sieve) doubtful(s *State, e session.Entry) bool {
	if e.Time.IsZero() {
		return true
	}
	if e.Exact || !s.session.Caps().ExactTimes {
		return false
	}
	const doubt = 48 * time.Hour
	return f.newer.text != "" && e.Time.Sub(f.newerThan).Abs() <= doubt || f.older.text != "" && e.Time.Sub(f.olderThan).Abs() <= doubt
}

// siftLocal holds a local file against the filter.
func (f *sieve) siftLocal(e netio.LocalEntry) (why string) {
	if why = f.stops(e.Size, e.ModTime); why != "" {
		f.left++
	}
	return why
}

// tellLeft says at the end of a set how many files did not pass.
func (f *sieve) tellLeft(s *State) {
	if f.left > 0 {
		s.tell("%s left out by SETFILTER", plural(f.left, "file"))
	}
}
