package listing

import "bytes"

// dateOrder is the order in which a listing writes the figures of its dates. One
// that says 03/04/26 says somewhere else, with luck, 03/25/26: the order that fits
// most dates of the head is everyone's where a date fits it. The zero value is
// still learning.
//
// A listing whose dates could all be read either way is read month first, and day
// first where points separate.
type dateOrder struct {
	fitting [3]int // dates of the head that fit monthFirst, dayFirst, yearFirst
	learnt  bool
}

const (
	monthFirst = iota
	dayFirst
	yearFirst
)

// day reads a date of three numbers, such as 12-31-26, 31.12.2026 or 2026/12/31.
// An order in which it lies ahead of the clock fits only if no other does.
func (o *dateOrder) day(text []byte, c clock) (day, bool) {
	at := bytes.IndexAny(text, "-/.")
	if at < 0 {
		return day{}, false
	}
	separator := text[at : at+1]
	first, rest, _ := bytes.Cut(text, separator)
	second, third, _ := bytes.Cut(rest, separator)
	var days [3]day
	var fits [3]bool
	days[monthFirst], fits[monthFirst] = figures(third, first, second)
	days[dayFirst], fits[dayFirst] = figures(third, second, first)
	days[yearFirst], fits[yearFirst] = figures(first, second, third)
	if !fits[monthFirst] && !fits[dayFirst] && !fits[yearFirst] {
		return day{}, false
	}
	fits = c.notAhead(days, fits)
	best := -1
	for order, fit := range fits {
		if fit && !o.learnt {
			o.fitting[order]++
		}
		if fit && (best < 0 || o.fitting[order] > o.fitting[best]) {
			best = order
		}
	}
	if separator[0] == '.' && fits[dayFirst] {
		best = dayFirst
	}
	return days[best], true
}

// notAhead takes out of fits the days that lie ahead of the clock, unless all do.
func (c clock) notAhead(days [3]day, fits [3]bool) [3]bool {
	if c.now.IsZero() {
		return fits
	}
	past, some := fits, false
	for order, d := range days {
		if fits[order] {
			m, _ := c.at(d, hour{})
			past[order] = !m.time.After(c.now.Add(aheadAtMost))
			some = some || past[order]
		}
	}
	if !some {
		return fits
	}
	return past
}

// figures makes a day of a year of two or four figures, a month and a day.
func figures(yearText, monthText, dayText []byte) (d day, ok bool) {
	month, ok := small(monthText, 1, 2)
	if !ok {
		return day{}, false
	}
	return figuresOf(yearText, month, dayText)
}

// figuresOf is figures for a month that is known.
func figuresOf(yearText []byte, month int, dayText []byte) (d day, ok bool) {
	d.month = month
	var okDay, okYear bool
	d.day, okDay = small(dayText, 1, 2)
	if d.year, okYear = small(yearText, 4, 4); !okYear {
		d.year, okYear = small(yearText, 2, 2)
		// The window of DOS: 80 to 99 are the last century's, with room below
		// for clocks that were never set.
		if d.year >= 70 {
			d.year += 1900
		} else {
			d.year += 2000
		}
	}
	return d, okDay && okYear && d.valid()
}
