package listing

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// ParseMLST reads the one line with facts of a reply to MLST, with or without
// the blank before it. The entry's name is as the server wrote it: often a path,
// and not checked. A line that says too little is a ProtocolError.
func ParseMLST(line string) (session.Entry, error) {
	raw := bytes.TrimLeft(trimLineEnd([]byte(line)), " \t")
	e, name, verdict := parseFacts(raw)
	if verdict == unknown || len(name) == 0 {
		return session.Entry{}, &session.Error{Op: "reading the answer to MLST", Cause: session.ProtocolError, Class: session.ClassProtocol,
			Err: errors.New("its facts do not say what the name stands for")}
	}
	e.Name = string(name)
	return e, nil
}

// parseFacts reads a line of MLSD: facts, each ended by a semicolon, a blank, the
// name. For the directory itself and its parent the verdict is nothing, but e is
// filled (MLST asks for those, too).
func parseFacts(line []byte) (e session.Entry, name []byte, v verdict) {
	e = session.Entry{Size: -1, Kind: session.KindOther}
	told, self := false, false
	rest := line
	for {
		if len(rest) > 0 && rest[0] == ' ' {
			name = rest[1:]
			break
		}
		fact, value, after, ok := cutFact(rest)
		if !ok {
			return e, nil, unknown
		}
		rest = after
		switch string(bytes.ToLower(fact)) {
		case "type":
			told = true
			e.Kind, e.Target, self = kindOf(value)
		case "size":
			if size, ok := decimal(value); ok {
				e.Size = size
			}
		case "modify":
			e.Time, e.Exact = factTime(value)
		case "unix.mode":
			if mode, err := strconv.ParseUint(string(value), 8, 32); err == nil {
				e.Mode, e.HasMode = uint32(mode)&0o7777, true
			}
		}
	}
	if !told {
		// A size without a type is a file's: directories tell sizd or nothing.
		if e.Size < 0 {
			return e, nil, unknown
		}
		e.Kind = session.KindFile
	}
	if e.Kind != session.KindFile {
		e.Size = -1
	}
	switch {
	case len(name) == 0:
		return e, nil, unknown
	case self:
		return e, name, nothing
	}
	return e, name, entry
}

// cutFact takes one fact off the front. after starts with the next fact or with
// the blank before the name.
//
// The value ends at a semicolon. A server that leaves out the last one ends it at
// the blank before the name; values that hold blanks themselves (a group "domain
// users") make that ambiguous, so the blank ends only facts whose values hold
// none, or where no semicolon and only one blank is left.
func cutFact(text []byte) (fact, value, after []byte, ok bool) {
	equals := bytes.IndexByte(text, '=')
	if equals <= 0 || bytes.ContainsAny(text[:equals], " ;") {
		return nil, nil, nil, false
	}
	fact, text = text[:equals], text[equals+1:]
	semicolon, blank := bytes.IndexByte(text, ';'), bytes.IndexByte(text, ' ')
	if semicolon >= 0 && (blank < 0 || semicolon < blank || mayHoldBlanks(fact, text)) {
		return fact, text[:semicolon], text[semicolon+1:], true
	}
	if blank < 0 || mayHoldBlanks(fact, text) && bytes.IndexByte(text[blank+1:], ' ') >= 0 {
		return nil, nil, nil, false
	}
	return fact, text[:blank], text[blank:], true
}

// mayHoldBlanks reports whether a value of the fact can hold a blank: those of
// the standard's facts cannot, but for a link's target.
func mayHoldBlanks(fact, value []byte) bool {
	switch string(bytes.ToLower(fact)) {
	case "type":
		return hasPrefixFold(value, slink)
	case "size", "modify", "create", "perm", "unique", "lang", "charset", "unix.mode", "unix.uid", "unix.gid":
		return false
	}
	return true
}

const slink = "os.unix=slink:"

// kindOf reads the value of type. self is set for the listed directory and its
// parent.
func kindOf(value []byte) (kind session.EntryKind, target string, self bool) {
	if hasPrefixFold(value, slink) {
		return session.KindLink, string(value[len(slink):]), false
	}
	switch lower := bytes.ToLower(value); string(lower) {
	case "file":
		return session.KindFile, "", false
	case "dir":
		return session.KindDir, "", false
	case "cdir", "pdir":
		return session.KindDir, "", true
	default:
		if bytes.Contains(lower, []byte("link")) {
			return session.KindLink, "", false
		}
		return session.KindOther, "", false
	}
}

func hasPrefixFold(text []byte, prefix string) bool {
	return len(text) >= len(prefix) && bytes.EqualFold(text[:len(prefix)], []byte(prefix))
}

// factTime reads YYYYMMDDHHMMSS with or without a fraction, always UTC.
func factTime(text []byte) (t time.Time, exact bool) {
	whole, fraction, hasFraction := bytes.Cut(text, []byte{'.'})
	n, ok := decimal(whole)
	if len(whole) != 14 || !ok {
		return time.Time{}, false
	}
	second, minute, hours := int(n%100), int(n/100%100), int(n/1e4%100)
	d := day{year: int(n / 1e10), month: int(n / 1e8 % 100), day: int(n / 1e6 % 100)}
	if !d.valid() || hours > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	nanosecond := 0
	if digits, ok := decimal(fraction); hasFraction && ok && len(fraction) <= 9 {
		nanosecond = int(float64(digits) * math.Pow10(9-len(fraction)))
	}
	return time.Date(d.year, time.Month(d.month), d.day, hours, minute, second, nanosecond, time.UTC), true
}
