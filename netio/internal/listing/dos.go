package listing

import (
	"bytes"

	"github.com/sftpc/sftpc/netio/session"
)

// kindWidth is how wide IIS and dir make the column between time and size.
const kindWidth = 15

// dos reads what IIS and `dir` write, also in Windows CE:
//
//	01-02-24  03:04PM       <DIR>          name
//	01-02-2024  15:04                 1234 name
type dos struct{ context }

func (d dos) read(line []byte) (session.Entry, []byte, verdict) {
	if e, name, ok := d.entry(line); ok {
		return e, name, entry
	}
	if isTotal(line) || aroundDir(line) {
		return session.Entry{}, nil, nothing
	}
	return session.Entry{}, nil, unknown
}

// aroundDir recognises what `dir` writes before and after a directory.
func aroundDir(line []byte) bool {
	if bytes.HasPrefix(line, []byte(" Volume ")) || bytes.HasPrefix(line, []byte(" Directory of ")) {
		return true
	}
	f := fields{line: line}
	_, ok := decimal(f.next())
	word := string(f.next())
	return ok && isBlank(line[0]) && (word == "File(s)" || word == "Dir(s)")
}

func (d dos) entry(line []byte) (e session.Entry, name []byte, ok bool) {
	f := fields{line: line}
	date, ok := d.order.day(f.next(), d.clock)
	if !ok {
		return e, nil, false
	}
	h, ok := dosTime(&f)
	if !ok {
		return e, nil, false
	}
	when, ok := d.clock.at(date, h)
	if !ok {
		return e, nil, false
	}
	e = session.Entry{Size: -1, Time: when.time, Grain: when.grain}
	field := f.next()
	if size, ok := decimal(bytes.ReplaceAll(field, []byte{','}, nil)); ok {
		e.Size = size
		name, ok := f.rest()
		return e, name, ok
	}
	switch string(bytes.ToUpper(field)) {
	case "<DIR>":
		e.Kind = session.KindDir
	case "<JUNCTION>", "<SYMLINK>", "<SYMLINKD>":
		e.Kind = session.KindLink
	default:
		return e, nil, false
	}
	name = f.afterKind(len(field), kindWidth)
	if e.Kind == session.KindLink {
		name, e.Target = cutBrackets(name)
	}
	return e, name, len(name) > 0
}

// afterKind returns the name behind a kind of that width. Where the kind's column
// is as wide as usual all further blanks are the name's; else none is.
func (f *fields) afterKind(width, column int) []byte {
	rest := f.line[f.at:]
	name := bytes.TrimLeft(rest, " \t")
	if padding := column - width; padding > 0 && len(rest)-len(name) > padding {
		return rest[padding:]
	}
	return name
}

// cutBrackets separates "name [C:\target]".
func cutBrackets(text []byte) (name []byte, target string) {
	at := bytes.LastIndex(text, []byte(" ["))
	if at <= 0 || text[len(text)-1] != ']' {
		return text, ""
	}
	return text[:at], string(text[at+2 : len(text)-1])
}

// dosTime reads 03:04PM, 03:04 PM, 3:04p and 15:04.
func dosTime(f *fields) (h hour, ok bool) {
	text := bytes.ToUpper(f.next())
	if half := bytes.ToUpper(f.peek()); string(half) == "AM" || string(half) == "PM" {
		f.next()
		text = append(text, half...)
	}
	half := byte(0)
	text = bytes.TrimSuffix(text, []byte{'M'})
	if n := len(text); n > 0 && (text[n-1] == 'A' || text[n-1] == 'P') {
		half, text = text[n-1], text[:n-1]
	}
	h, _, ok = timeOfDay(text)
	if half == 0 || !ok {
		return h, ok
	}
	if h.hour < 1 || h.hour > 12 {
		return h, false
	}
	h.hour %= 12
	if half == 'P' {
		h.hour += 12
	}
	return h, true
}
