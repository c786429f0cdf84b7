package listing

import (
	"bytes"

	"github.com/sftpc/sftpc/netio/session"
)

// os2 reads what servers on OS/2 write:
//
//	    0           DIR   04-11-95   16:26  os2
//	36611      A          04-23-95   10:26  readme.txt
type os2 struct{ context }

func (d os2) read(line []byte) (e session.Entry, name []byte, v verdict) {
	f := fields{line: line}
	size, ok := decimal(f.next())
	if !ok {
		return e, nil, unknown
	}
	e = session.Entry{Size: size}
	field := f.next()
	for ; isAttribute(field); field = f.next() {
		if string(field) == "DIR" {
			e.Kind, e.Size = session.KindDir, -1
		}
	}
	date, isDate := d.order.day(field, d.clock)
	h, _, isTime := timeOfDay(f.next())
	if !isDate || !isTime {
		return e, nil, unknown
	}
	when, ok := d.clock.at(date, h)
	if !ok {
		return e, nil, unknown
	}
	e.Time, e.Grain = when.time, when.grain
	if f.at+1 < len(line) && line[f.at] == ' ' && line[f.at+1] == ' ' { // two before the name
		f.at++
	}
	name, ok = f.rest()
	if !ok {
		return e, nil, unknown
	}
	return e, name, entry
}

func isAttribute(field []byte) bool {
	return string(field) == "DIR" || len(field) > 0 && len(field) <= 4 && len(bytes.Trim(field, "ARHS")) == 0
}

// zvm reads what the server of z/VM writes. A file of minidisks has a name and a
// type, which commands want with a point between; its size is in records.
//
//	ENDTRACE TCPIP    F         80          1          1 2024-07-28 12:24:01 TCM191
//	SUB      DIR      -          -          -          - 2024-07-28 12:24:01 -
type zvm struct{ context }

func (d zvm) read(line []byte) (e session.Entry, name []byte, v verdict) {
	f := fields{line: line}
	first, second, format := f.next(), f.next(), f.next()
	e = session.Entry{Size: -1}
	switch {
	case len(first) > 8 || len(second) > 8:
		return e, nil, unknown
	case string(second) == "DIR" && string(format) == "-":
		e.Kind, name = session.KindDir, first
	case string(format) == "F" || string(format) == "V":
		name = append(append(bytes.Clone(first), '.'), second...)
	default:
		return e, nil, unknown
	}
	for range 3 { // record length, records, blocks
		field := f.next()
		if _, ok := decimal(field); !ok && string(field) != "-" {
			return e, nil, unknown
		}
	}
	date, isDate := d.order.day(f.next(), d.clock)
	h, _, isTime := timeOfDay(f.next())
	if !isDate || !isTime {
		return e, nil, unknown
	}
	when, ok := d.clock.at(date, h)
	if f.next(); !ok || f.next() != nil { // the owner is the last
		return e, nil, unknown
	}
	e.Time, e.Grain = when.time, when.grain
	return e, name, entry
}

// guardian reads what servers on Guardian (Tandem, HP NonStop) write:
//
//	File         Code             EOF  Last Modification    Owner  RWEP
//	IARPTS01      101           16354  18-Mar-24 15:09:12 244, 10 "nnnn"
type guardian struct{ clock clock }

func (d guardian) read(line []byte) (e session.Entry, name []byte, v verdict) {
	f := fields{line: line}
	name = f.next()
	if string(name) == "File" && string(f.peek()) == "Code" {
		return e, nil, nothing
	}
	// An open file has an O behind its code.
	_, isCode := small(bytes.TrimSuffix(f.next(), []byte{'O'}), 1, 5)
	if string(f.peek()) == "O" {
		f.next()
	}
	size, isSize := decimal(f.next())
	date, isDate := vmsDay(f.next())
	h, _, isTime := timeOfDay(f.next())
	rest := bytes.TrimRight(line[f.at:], " ")
	if len(name) > 8 || !isCode || !isSize || !isDate || !isTime || len(rest) < 6 || rest[len(rest)-1] != '"' || rest[len(rest)-6] != '"' {
		return e, nil, unknown
	}
	when, ok := d.clock.at(date, h)
	if !ok {
		return e, nil, unknown
	}
	return session.Entry{Size: size, Time: when.time, Grain: when.grain}, name, entry
}

// vxworks reads what servers on VxWorks write:
//
//	  size          date       time       name
//	--------       ------     ------    --------
//	     512    JUN-22-2024  15:13:46   config            <DIR>
//	    2048    JUN-22-2024  15:13:46   boot.ini
type vxworks struct{ clock clock }

func (d vxworks) read(line []byte) (e session.Entry, name []byte, v verdict) {
	f := fields{line: line}
	first := f.next()
	if string(first) == "size" && string(f.peek()) == "date" || string(first) == "--------" && string(f.peek()) == "------" {
		return e, nil, nothing
	}
	size, isSize := decimal(first)
	monthText, rest, _ := bytes.Cut(f.next(), []byte{'-'})
	dayText, yearText, _ := bytes.Cut(rest, []byte{'-'})
	date, isDate := figuresOf(yearText, month(monthText), dayText)
	h, _, isTime := timeOfDay(f.next())
	if !isSize || !isDate || !isTime {
		return e, nil, unknown
	}
	when, ok := d.clock.at(date, h)
	name = bytes.TrimLeft(line[f.at:], " ")
	if !ok || len(name) == 0 {
		return e, nil, unknown
	}
	e = session.Entry{Size: size, Time: when.time, Grain: when.grain}
	if stem, isDir := bytes.CutSuffix(bytes.TrimRight(name, " "), []byte("<DIR>")); isDir {
		name, e.Kind, e.Size = bytes.TrimRight(stem, " "), session.KindDir, -1
	}
	return e, name, entry
}
