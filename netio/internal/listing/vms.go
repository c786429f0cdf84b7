package listing

import (
	"bytes"

	"github.com/sftpc/sftpc/netio/session"
)

// vms reads what servers on OpenVMS write, which is what DIRECTORY shows:
//
//	Directory DISK$USER:[JANE]
//
//	LOGIN.COM;2          1/3          30-APR-2024 10:11:12  [JANE]  (RWED,RWED,RE,)
//	A_NAME_TOO_LONG_FOR_ITS_COLUMN.TXT;1
//	                     5/9           1-JAN-2024 08:00     [DEV,JANE]  (RWED,RE,,)
//	SUB.DIR;1            1/3          30-APR-2024 10:11:12  [JANE]  (RWE,RE,,)
//
//	Total of 3 files, 7/15 blocks.
//
// The name of an entry is without the version, for without one a command means the
// newest; older versions are no entries. A directory SUB.DIR;1 is SUB, as CWD
// wants it. The size is in blocks, so no size in bytes is told.
type vms struct {
	clock   clock
	name    string // of the last entry,
	version int64  // and its version
}

func (d *vms) read(line []byte) (e session.Entry, name []byte, v verdict) {
	f := fields{line: line}
	name, version, ok := cutVersion(f.next())
	if !ok || isBlank(line[0]) {
		if aroundVMS(line) {
			return e, nil, nothing
		}
		return e, nil, unknown
	}
	e = session.Entry{Size: -1}
	switch when, more, ok := d.columns(&f); {
	case ok:
		e.Time, e.Grain = when.time, when.grain
	case !more:
		return e, nil, unfinished
	case !refusesDetails(line[f.at:]):
		return e, nil, unknown
	}
	if stem := len(name) - len(".DIR"); stem > 0 && bytes.EqualFold(name[stem:], []byte(".DIR")) {
		name, e.Kind = name[:stem], session.KindDir
	}
	if string(name) != d.name {
		d.name, d.version = string(name), version
		return e, name, entry
	}
	if version <= d.version {
		return e, name, nothing
	}
	d.version = version
	return e, name, newer
}

// columns looks for the date among the columns behind the name, which come in
// several orders. more is false where there are no columns. The walk is left at
// their beginning where there is no date.
func (d *vms) columns(f *fields) (when moment, more, ok bool) {
	ahead := *f
	for field := ahead.next(); field != nil; field = ahead.next() {
		more = true
		date, isDate := vmsDay(field)
		if !isDate {
			continue
		}
		text, _, _ := bytes.Cut(ahead.next(), []byte{'.'}) // hundredths of a second
		h, _, isTime := timeOfDay(text)
		if !isTime {
			break
		}
		when, ok = d.clock.at(date, h)
		return when, true, ok
	}
	return when, more, false
}

// refusesDetails recognises what stands in the place of the columns of a file
// that is there and tells nothing of itself.
func refusesDetails(columns []byte) bool {
	text := bytes.ToLower(bytes.TrimLeft(columns, " \t"))
	return bytes.HasPrefix(text, []byte("%rms-e-")) || bytes.Contains(text, []byte("privilege"))
}

// aroundVMS recognises the lines before and after the entries.
func aroundVMS(line []byte) bool {
	for _, start := range []string{"Directory ", "Total of ", "Grand total of ", "%DIRECT-W-NOFILES", "%RMS-E-FNF"} {
		if hasPrefixFold(line, start) {
			return true
		}
	}
	return false
}

// cutVersion separates NAME.TYPE;12.
func cutVersion(text []byte) (name []byte, version int64, ok bool) {
	at := bytes.LastIndexByte(text, ';')
	if at < 1 {
		return nil, 0, false
	}
	version, ok = decimal(text[at+1:])
	return text[:at], version, ok && version > 0 && version < 1<<16
}

// vmsDay reads 1-JAN-2024, also with two digits of a year as Guardian has it.
func vmsDay(text []byte) (d day, ok bool) {
	first, rest, _ := bytes.Cut(text, []byte{'-'})
	name, year, _ := bytes.Cut(rest, []byte{'-'})
	if d.month = month(name); d.month == 0 {
		return d, false
	}
	return figuresOf(year, d.month, first)
}
