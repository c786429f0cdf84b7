package listing

import (
	"bytes"

	"github.com/sftpc/sftpc/netio/session"
)

// netware reads what servers on NetWare write, Hellsoft's too, and
// Connect:Enterprise, which has flags of its own in the same place:
//
//	d [RWCEAFMS] Admin                     512 Oct 13  2024 login
//	-[RWCEMFA] 1 supervisor             214059 Oct 20 15:27 cx.exe
//	-C--E-----FTP B JANE        18128       41 Aug 12 13:56 BATCH
type netware struct{ clock clock }

func (d netware) read(line []byte) (e session.Entry, name []byte, v verdict) {
	if isTotal(line) {
		return e, nil, nothing
	}
	f := fields{line: line}
	kind, ok := rights(&f)
	if !ok {
		return e, nil, unknown
	}
	e = session.Entry{Kind: kind, Size: -1}
	for range maxFields {
		field := f.next()
		if field == nil {
			return e, nil, unknown
		}
		size, ok := decimal(field)
		if !ok {
			continue
		}
		ahead := f
		when, ok := d.clock.unixDate(&ahead)
		if !ok {
			continue
		}
		name, ok := ahead.rest()
		if !ok {
			return e, nil, unknown
		}
		e.Time, e.Exact, e.Grain = when.time, when.exact, when.grain
		if kind == session.KindFile {
			e.Size = size
		}
		return e, name, entry
	}
	return e, nil, unknown
}

// rights reads the kind and the rights in brackets, which may be apart, or the
// flags of Connect:Enterprise.
func rights(f *fields) (kind session.EntryKind, ok bool) {
	field := f.next()
	if len(field) == 0 || field[0] != 'd' && field[0] != '-' {
		return 0, false
	}
	if field[0] == 'd' {
		kind = session.KindDir
	}
	if isBatch(field) {
		return session.KindFile, true
	}
	text := field[1:]
	if len(text) == 0 {
		text = f.next()
	}
	if len(text) < 3 || text[0] != '[' || text[len(text)-1] != ']' {
		return 0, false
	}
	for _, c := range text[1 : len(text)-1] {
		if bytes.IndexByte([]byte("RWCEAFMSXDOPrwceafmsxdop- "), c) < 0 {
			return 0, false
		}
	}
	return kind, true
}

// isBatch recognises ten flags with a protocol's name behind them.
func isBatch(field []byte) bool {
	if len(field) != 13 || field[0] != '-' {
		return false
	}
	for _, c := range field[1:10] {
		if c != '-' && (c < 'A' || c > 'Z') {
			return false
		}
	}
	for _, c := range field[10:] {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}
