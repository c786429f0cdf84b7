package listing

import (
	"bytes"

	"github.com/sftpc/sftpc/netio/session"
)

// ibmi reads what the server of IBM i (OS/400) writes, of its libraries as of its
// stream files:
//
//	QSYS            77824 02/23/00 15:09:55 *DIR       QOpenSys/
//	JANE             1234 04/03/24 14:07:31 *STMF      read me.txt
//	JANE                                    *MEM       PAY.JAN
//
// Only stream files and documents have sizes of their own; of other objects the
// size counts what stands around the data, and is not told. The date is written in
// the order that the server's job has, see dateOrder.
type ibmi struct{ context }

// objectWidth is how wide the column of an object's type is.
const objectWidth = 11

func (d ibmi) read(line []byte) (e session.Entry, name []byte, v verdict) {
	e, name, ok := d.entry(line)
	if !ok {
		return e, nil, unknown
	}
	return e, name, entry
}

func (d ibmi) entry(line []byte) (e session.Entry, name []byte, ok bool) {
	f := fields{line: line}
	if owner := f.next(); owner == nil || owner[0] == '*' || len(owner) > 10 {
		return e, nil, false
	}
	e = session.Entry{Size: -1}
	size := int64(-1)
	object := f.next()
	if n, isSize := decimal(object); isSize {
		size = n
		date, isDate := d.order.day(f.next(), d.clock)
		h, hasSeconds, isTime := timeOfDay(f.next())
		if !isDate || !isTime || !hasSeconds {
			return e, nil, false
		}
		when, ok := d.clock.at(date, h)
		if !ok {
			return e, nil, false
		}
		e.Time, e.Grain = when.time, when.grain
		object = f.next()
	}
	if !isObjectType(object) {
		return e, nil, false
	}
	name = f.afterKind(len(object), objectWidth)
	switch string(object) {
	case "*STMF", "*DSTMF", "*DOC":
		e.Size = size
	case "*MEM", "*MBR", "*FILE", "*USRSPC", "*SAVF":
	case "*DIR", "*DDIR", "*LIB", "*FLR":
		e.Kind = session.KindDir
	case "*SYMLNK":
		e.Kind = session.KindLink
	default:
		e.Kind = session.KindOther
	}
	if stem, ok := bytes.CutSuffix(name, []byte{'/'}); ok {
		name, e.Kind, e.Size = stem, session.KindDir, -1
	}
	return e, name, len(name) > 0
}

// isObjectType recognises *STMF, *FILE and the hundred others.
func isObjectType(text []byte) bool {
	if len(text) < 4 || len(text) > 10 || text[0] != '*' {
		return false
	}
	for _, c := range text[1:] {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}
