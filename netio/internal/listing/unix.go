package listing

import (
	"bytes"

	"github.com/sftpc/sftpc/netio/session"
)

// unix reads what `ls -l` writes, and the many servers that imitate it: those of
// Unix, of z/OS for its Unix files, of Windows where it is set so, WFTPD,
// NetPresenz, Connect:Enterprise.
type unix struct{ clock clock }

func (d unix) read(line []byte) (session.Entry, []byte, verdict) {
	if isTotal(line) {
		return session.Entry{}, nil, nothing
	}
	if e, name, ok := d.entry(line); ok {
		return e, name, entry
	}
	return session.Entry{}, nil, unknown
}

// maxFields is how many fields may stand between permissions and size: link
// count, owner, group and security label, owner and group with blanks in them.
const maxFields = 12

// entry reads one line. Servers leave out or widen every column between permissions and size, so the
// columns are not counted. What no server leaves out is a size, or a device's
// pair of numbers, followed by a date: the first such place from the left is
// taken. It must be the first, since a name may look like a size and a date, and
// an owner or group hardly does.
func (d unix) entry(line []byte) (e session.Entry, name []byte, ok bool) {
	f := fields{line: line}
	mode, kind, ok := startOfUnix(&f)
	if !ok {
		return e, nil, false
	}
	e = session.Entry{Kind: kind, Size: -1, Mode: mode, HasMode: true}
	for range maxFields {
		field := f.next()
		if field == nil {
			return e, nil, false
		}
		size, isSize := decimal(field)
		ahead := f
		if isDevice := kind == session.KindOther && skipDevice(field, &ahead); !isSize && !isDevice {
			continue
		} else if isDevice {
			size = -1
		}
		when, ok := d.clock.unixDate(&ahead)
		if !ok {
			continue
		}
		name, ok := ahead.rest()
		if !ok {
			return e, nil, false
		}
		e.Time, e.Exact, e.Grain = when.time, when.exact, when.grain
		switch kind {
		case session.KindFile:
			e.Size = size
		case session.KindLink:
			name, e.Target = cutTarget(name, size)
		}
		return e, name, true
	}
	return e, nil, false
}

// startOfUnix reads the permissions, and before them the inode number or block
// count that `ls -i` and `ls -s` add.
func startOfUnix(f *fields) (mode uint32, kind session.EntryKind, ok bool) {
	for range 3 {
		field := f.next()
		if mode, kind, ok := permissions(field); ok {
			return mode, kind, true
		}
		if _, ok := decimal(field); !ok {
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// permissions reads a field such as drwxr-sr-t+: type, nine permissions and
// perhaps a sign for what else there is (SELinux `.`, macOS attributes `@`, an
// access list `+`, AIX `-`).
func permissions(field []byte) (mode uint32, kind session.EntryKind, ok bool) {
	if len(field) != 10 && (len(field) != 11 || bytes.IndexByte([]byte(".@+-"), field[10]) < 0) {
		return 0, 0, false
	}
	switch field[0] {
	case '-', 'f', 'C', 'M', 'n':
		kind = session.KindFile
	case 'd':
		kind = session.KindDir
	case 'l', 'e': // e is an external link of z/OS
		kind = session.KindLink
	case 'b', 'c', 'p', 's', 'D', 'P', 'w':
		kind = session.KindOther
	default:
		return 0, 0, false
	}
	for i, c := range field[1:10] {
		bit := uint32(0o400) >> i
		special := uint32(0o4000) >> (i / 3)
		switch {
		case c == '-':
		case c == "rwx"[i%3]:
			mode |= bit
		case i%3 != 2:
			return 0, 0, false
		case c == 's' && i != 8, c == 't' && i == 8:
			mode |= bit | special
		case c == 'S' && i != 8, c == 'T' && i == 8, (c == 'l' || c == 'L') && i == 5:
			mode |= special
		default:
			return 0, 0, false
		}
	}
	return mode, kind, true
}

// skipDevice recognizes a device's numbers in place of a size, "8, 1" or "8,1",
// and goes past the second.
func skipDevice(field []byte, f *fields) bool {
	major, minor, found := bytes.Cut(field, []byte{','})
	if !found {
		return false
	}
	if len(minor) == 0 {
		minor = f.next()
	}
	_, ok := decimal(major)
	_, also := decimal(minor)
	return ok && also
}

// cutTarget separates "a -> b". Both names may hold an arrow; the size of a link
// is the length of its target, which tells the right one, else it is the first.
func cutTarget(text []byte, size int64) (name []byte, target string) {
	arrow := []byte(" -> ")
	first := bytes.Index(text, arrow)
	if first < 0 {
		return text, ""
	}
	if at := int64(len(text)) - size - int64(len(arrow)); size > 0 && at > 0 && at < int64(len(text)) && bytes.HasPrefix(text[at:], arrow) {
		first = int(at)
	}
	return text[:first], string(text[first+len(arrow):])
}
