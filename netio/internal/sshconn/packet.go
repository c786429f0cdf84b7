package sshconn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// The packets of version 3 that we write or read ourselves
// (draft-ietf-secsh-filexfer-02).
const (
	fxInit     = 1
	fxVersion  = 2
	fxOpen     = 3
	fxClose    = 4
	fxRead     = 5
	fxWrite    = 6
	fxLstat    = 7
	fxFstat    = 8
	fxSetstat  = 9
	fxFsetstat = 10
	fxOpendir  = 11
	fxReaddir  = 12
	fxRemove   = 13
	fxMkdir    = 14
	fxRmdir    = 15
	fxRealpath = 16
	fxStat     = 17
	fxRename   = 18
	fxStatus   = 101
	fxHandle   = 102
	fxData     = 103
	fxName     = 104
	fxAttrs    = 105
	fxExtended = 200
	fxReply    = 201 // of an extended request
)

// How a file is opened.
const (
	openRead   = 1
	openWrite  = 2
	openCreate = 8
	openTrunc  = 16
	openExcl   = 32
)

// Which attributes follow.
const (
	hasSize        = 1
	hasOwner       = 2
	hasPermissions = 4
	hasTimes       = 8
	hasExtended    = 1 << 31
)

var errShort = errors.New("a packet is shorter than it says")

// fields reads the fields of a packet, all of which the server chose. The first
// that is not there makes every later one zero, and err tell it.
type fields struct {
	rest []byte
	err  error
}

func (f *fields) take(n uint64) []byte {
	if f.err != nil || n > uint64(len(f.rest)) {
		f.err = errShort
		return nil
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *fields) number() uint32 {
	if b := f.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (f *fields) long() uint64 {
	if b := f.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// text is a string; it shares the packet's memory.
func (f *fields) text() []byte { return f.take(uint64(f.number())) }

// attributes are what a server tells of a file.
type attributes struct {
	flags       uint32
	size        uint64
	permissions uint32 // with the bits of the kind, as in stat(2)
	modified    uint32 // seconds since 1970
}

func (f *fields) attributes() (a attributes) {
	a.flags = f.number()
	if a.flags&hasSize != 0 {
		a.size = f.long()
	}
	if a.flags&hasOwner != 0 {
		f.take(8)
	}
	if a.flags&hasPermissions != 0 {
		a.permissions = f.number()
	}
	if a.flags&hasTimes != 0 {
		f.number()
		a.modified = f.number()
	}
	if a.flags&hasExtended != 0 {
		for count := f.number(); count > 0 && f.err == nil; count-- {
			f.text()
			f.text()
		}
	}
	return a
}

// entry says what the attributes mean; ok is false where they do not say what
// kind of file it is. long is the line that a listing has for it, as ls writes it.
func (a attributes) entry(name string, long []byte) (e session.Entry, ok bool) {
	e = session.Entry{Name: name, Size: -1}
	if a.flags&hasPermissions != 0 && a.permissions&0o170000 != 0 {
		e.Mode, e.HasMode = a.permissions&0o7777, true
		switch a.permissions & 0o170000 {
		case 0o100000:
			e.Kind = session.KindFile
		case 0o040000:
			e.Kind = session.KindDir
		case 0o120000:
			e.Kind = session.KindLink
		default:
			e.Kind = session.KindOther
		}
	} else {
		if len(long) == 0 {
			return e, false
		}
		switch long[0] {
		case '-':
			e.Kind = session.KindFile
		case 'd':
			e.Kind = session.KindDir
		case 'l':
			e.Kind = session.KindLink
		case 'b', 'c', 'p', 's':
			e.Kind = session.KindOther
		default:
			return e, false
		}
	}
	if a.flags&hasSize != 0 && a.size <= 1<<62 {
		e.Size = int64(a.size)
	}
	if a.flags&hasTimes != 0 {
		e.Time, e.Exact = time.Unix(int64(a.modified), 0).UTC(), true
	}
	return e, true
}

// status is an answer that says how it went.
type status struct {
	code uint32
	text string // the server's bytes
}

func readStatus(body []byte) (status, error) {
	f := fields{rest: body}
	code := f.number()
	if f.err != nil {
		return status{}, f.err
	}
	// Old servers leave the text out.
	text := f.text()
	return status{code, string(text[:min(len(text), mostStatusText)])}, nil
}

// mostStatusText bounds what is kept of a server's sentence.
const mostStatusText = 1024

// Error names the code as the protocol does, and what the server said with it.
func (s status) Error() string {
	name := statusName(s.code)
	if s.text == "" {
		return "the server answered " + name
	}
	return fmt.Sprintf("the server answered %s: %s", name, s.text)
}

// statusName has the codes of version 3 and those of later versions, which some
// servers send all the same.
func statusName(code uint32) string {
	names := [...]string{"OK", "EOF", "NO_SUCH_FILE", "PERMISSION_DENIED", "FAILURE", "BAD_MESSAGE", "NO_CONNECTION", "CONNECTION_LOST",
		"OP_UNSUPPORTED", "INVALID_HANDLE", "NO_SUCH_PATH", "FILE_ALREADY_EXISTS", "WRITE_PROTECT", "NO_MEDIA", "NO_SPACE_ON_FILESYSTEM",
		"QUOTA_EXCEEDED", "UNKNOWN_PRINCIPAL", "LOCK_CONFLICT", "DIR_NOT_EMPTY", "NOT_A_DIRECTORY", "INVALID_FILENAME", "LINK_LOOP",
		"CANNOT_DELETE", "INVALID_PARAMETER", "FILE_IS_A_DIRECTORY", "BYTE_RANGE_LOCK_CONFLICT"}
	if int64(code) < int64(len(names)) {
		return names[code]
	}
	return fmt.Sprintf("status %d", code)
}

func appendNumber(b []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(b, n) }

func appendLong(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

func appendText(b []byte, text string) []byte {
	return append(appendNumber(b, uint32(len(text))), text...)
}
