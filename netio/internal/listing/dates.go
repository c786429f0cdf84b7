package listing

import (
	"bytes"
	"time"
)

// clock turns a server's date columns into moments.
type clock struct {
	now  time.Time // in zone; zero if unknown
	zone *time.Location
}

func newClock(now time.Time, zone *time.Location) clock {
	if zone == nil {
		zone = time.UTC
	}
	if !now.IsZero() {
		now = now.In(zone)
	}
	return clock{now, zone}
}

// moment is a date as far as the server told it.
type moment struct {
	time  time.Time     // UTC; zero if the year cannot be known
	exact bool          // zone and seconds were told
	grain time.Duration // how finely it was told
}

// day is a date of the calendar; year 0 is not told.
type day struct{ year, month, day int }

// hour is a time of day.
type hour struct {
	hour, minute, second int
	grain                time.Duration // how finely it was told; 0 is not at all
}

// aheadAtMost is how far a date may lie ahead of our clock: clocks and zones
// differ by a day at most.
const aheadAtMost = 24 * time.Hour

// at makes the moment of d at h in the server's zone. ok is false where the
// calendar has no such day.
func (c clock) at(d day, h hour) (moment, bool) {
	if d.year == 0 {
		return c.latest(d, h)
	}
	if !d.valid() {
		return moment{}, false
	}
	m := moment{time: time.Date(d.year, time.Month(d.month), d.day, h.hour, h.minute, h.second, 0, c.zone).UTC(), grain: h.grain}
	if m.grain == 0 {
		m.grain = 24 * time.Hour
	}
	return m, true
}

// latest chooses the year of a date that came with a time of day instead: ls
// writes so what is not older than half a year and not in the future. The newest
// year that does not put it more than a day ahead is taken; the day is for clocks
// and zones that differ, so that at New Year 1 January may be next year's. 29
// February goes back to a year that has one.
func (c clock) latest(d day, h hour) (moment, bool) {
	// Nine years hold a leap year, also about 1900 and 2100.
	leap := d
	if leap.year = 2000; !leap.valid() {
		return moment{}, false
	}
	if c.now.IsZero() {
		return moment{}, true
	}
	for year := c.now.Year() + 1; year > c.now.Year()-9; year-- {
		d.year = year
		if !d.valid() {
			continue
		}
		m, _ := c.at(d, h)
		if !m.time.After(c.now.Add(aheadAtMost)) {
			return m, true
		}
	}
	return moment{}, true
}

// valid reports whether the calendar has the day; the year must be told.
func (d day) valid() bool {
	if d.year < 1 || d.month < 1 || d.month > 12 || d.day < 1 {
		return false
	}
	return d.day <= time.Date(d.year, time.Month(d.month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// unixDate reads the date columns of ls at the start of f and goes past them. f
// is left anywhere if there is no date.
func (c clock) unixDate(f *fields) (moment, bool) {
	first := f.next()
	if weekday(first) { // ls --full-time of old: Sat Nov 21 18:30:05 2026
		first = f.next()
	}
	if bytes.IndexByte(first, '-') > 0 || bytes.IndexByte(first, '/') > 0 {
		return c.isoDate(first, f)
	}
	return c.monthDate(first, f)
}

// monthDate reads "Jan 2 15:04", "Jan 2 2024", "Jan 2 15:04:05 2024" and the
// same with the day first.
func (c clock) monthDate(first []byte, f *fields) (moment, bool) {
	second := f.next()
	monthNumber, dayNumber := month(first), dayOfMonth(second)
	if monthNumber == 0 {
		monthNumber, dayNumber = month(second), dayOfMonth(first)
	}
	if monthNumber == 0 || dayNumber == 0 {
		return moment{}, false
	}
	d := day{month: monthNumber, day: dayNumber}
	third := f.next()
	if year, ok := small(third, 4, 4); ok {
		d.year = year
		return c.at(d, hour{})
	}
	h, hasSeconds, ok := timeOfDay(third)
	if !ok {
		return moment{}, false
	}
	if hasSeconds {
		// Only with seconds can a year follow: else 2024 would be a name.
		ahead := *f
		if year, ok := small(ahead.next(), 4, 4); ok {
			d.year = year
			*f = ahead
		}
	}
	return c.at(d, h)
}

// isoDate reads "2024-01-02 15:04[:05[.000]] [+0100]", "2024-01-02" and
// "01-02 15:04", also with slashes.
func (c clock) isoDate(first []byte, f *fields) (moment, bool) {
	d, ok := numericDay(first)
	if !ok {
		return moment{}, false
	}
	ahead := *f
	text, fraction, _ := bytes.Cut(ahead.next(), []byte{'.'})
	h, hasSeconds, isTime := timeOfDay(text)
	if _, digits := decimal(fraction); !isTime || len(fraction) > 0 && !digits {
		if d.year == 0 {
			return moment{}, false
		}
		// The short form pads a date without time to the width of one with time.
		if f.at+1 < len(f.line) && f.line[f.at] == ' ' && f.line[f.at+1] == ' ' {
			f.at++
		}
		return c.at(d, hour{})
	}
	*f = ahead
	if !hasSeconds {
		return c.at(d, h)
	}
	zoned := *f
	offset, ok := zoneOffset(zoned.next())
	if !ok || d.year == 0 {
		return c.at(d, h)
	}
	*f = zoned
	m, ok := clock{zone: time.FixedZone("", offset)}.at(d, h)
	m.exact, m.grain = ok, 0
	return m, ok
}

// numericDay reads YYYY-MM-DD and MM-DD.
func numericDay(text []byte) (d day, ok bool) {
	separator := []byte{'-'}
	if bytes.IndexByte(text, '/') > 0 {
		separator[0] = '/'
	}
	first, rest, _ := bytes.Cut(text, separator)
	second, third, whole := bytes.Cut(rest, separator)
	if !whole {
		first, second, third = nil, first, second
	} else if d.year, ok = small(first, 4, 4); !ok || d.year == 0 {
		return day{}, false
	}
	var isMonth, isDay bool
	d.month, isMonth = small(second, 1, 2)
	d.day, isDay = small(third, 1, 2)
	return d, isMonth && isDay
}

// timeOfDay reads H:MM and HH:MM:SS; second 60 is a leap second.
func timeOfDay(text []byte) (h hour, hasSeconds, ok bool) {
	hours, rest, _ := bytes.Cut(text, []byte{':'})
	minutes, seconds, hasSeconds := bytes.Cut(rest, []byte{':'})
	var okHour, okMinute bool
	h.hour, okHour = small(hours, 1, 2)
	h.minute, okMinute = small(minutes, 2, 2)
	okSecond := true
	h.grain = time.Minute
	if hasSeconds {
		h.second, okSecond = small(seconds, 2, 2)
		h.grain = time.Second
	}
	return h, hasSeconds, okHour && okMinute && okSecond && h.hour < 24 && h.minute < 60 && h.second <= 60
}

// zoneOffset reads +0100 as seconds east of UTC.
func zoneOffset(text []byte) (seconds int, ok bool) {
	if len(text) != 5 || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	n, ok := small(text[1:], 4, 4)
	seconds = (n/100*60 + n%100) * 60
	if text[0] == '-' {
		seconds = -seconds
	}
	return seconds, ok && n < 2400 && n%100 < 60
}
