package listing

import (
	"bytes"

	"github.com/sftpc/sftpc/netio/session"
)

// kindWidth is how wide IIS and dir make the column between time and size.
const kindWidth = 15

// parseDOS reads a line as IIS and `dir` write it:
//
//	01-02-24  03:04PM       <DIR>          name
//	01-02-2024  15:04                 1234 name
func (p *parser) parseDOS(line []byte) (e session.Entry, name []byte, ok bool) {
	f := fields{line: line}
	d, ok := dosDay(f.next())
	if !ok {
		return e, nil, false
	}
	h, ok := dosTime(&f)
	if !ok {
		return e, nil, false
	}
	when, ok := p.clock.at(d, h)
	if !ok {
		return e, nil, false
	}
	e = session.Entry{Size: -1, Time: when.time}
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
	name = f.afterKind(len(field))
	if e.Kind == session.KindLink {
		name, e.Target = cutBrackets(name)
	}
	return e, name, len(name) > 0
}

// afterKind returns the name behind a kind of that width. Where the column has
// the usual width all further blanks are the name's; else none is.
func (f *fields) afterKind(width int) []byte {
	rest := f.line[f.at:]
	name := bytes.TrimLeft(rest, " \t")
	if padding := kindWidth - width; padding > 0 && len(rest)-len(name) > padding {
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

// dosDay reads MM-DD-YY, MM-DD-YYYY, YYYY-MM-DD and, with dots, DD.MM.YYYY. A
// month above 12 shows that the day came first.
func dosDay(text []byte) (d day, ok bool) {
	at := bytes.IndexAny(text, "-/.")
	if at < 0 {
		return day{}, false
	}
	separator := text[at : at+1]
	first, rest, _ := bytes.Cut(text, separator)
	second, third, _ := bytes.Cut(rest, separator)
	if len(first) == 4 {
		first, second, third = second, third, first
	}
	var okMonth, okDay, okYear bool
	d.month, okMonth = small(first, 1, 2)
	d.day, okDay = small(second, 1, 2)
	if separator[0] == '.' || d.month > 12 {
		d.month, d.day = d.day, d.month
	}
	if d.year, okYear = small(third, 4, 4); !okYear {
		d.year, okYear = small(third, 2, 2)
		// The window of DOS: 80 to 99 are the last century's, with room below
		// for clocks that were never set.
		if d.year >= 70 {
			d.year += 1900
		} else {
			d.year += 2000
		}
	}
	return d, okMonth && okDay && okYear && d.valid()
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
