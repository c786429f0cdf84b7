package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Most bounds a packet behind its length: OpenSSH's bound, and that of others.
const Most = 256 << 10

// Kinds of answers.
const (
	KindStatus = 101
	KindNames  = 104
	KindAttrs  = 105
)

var errLength = errors.New("a packet of an impossible length")

// Read returns the next packet, io.EOF where there is none. One that says to be longer
// than Most, or too short for a kind and an id, is an error.
func Read(from *bufio.Reader) ([]byte, error) {
	head, err := from.Peek(4)
	if err != nil {
		return nil, io.EOF
	}
	length := binary.BigEndian.Uint32(head)
	if length < 5 || length > Most { // each has a kind and an id, or a version
		return nil, errLength
	}
	packet := make([]byte, 4+length)
	_, err = io.ReadFull(from, packet)
	return packet, err
}

// ID is the number by which an answer finds its request.
func ID(packet []byte) uint32 {
	if len(packet) < 9 {
		return 0
	}
	return binary.BigEndian.Uint32(packet[5:])
}

// Describe names a request in capitals, extended ones by their name without what
// follows "@", and tells what it is about: a name or a handle.
func Describe(packet []byte) (verb, argument string) {
	if len(packet) < 5 {
		return "", ""
	}
	verbs := map[byte]string{1: "INIT", 3: "OPEN", 4: "CLOSE", 5: "READ", 6: "WRITE", 7: "LSTAT", 8: "FSTAT", 9: "SETSTAT", 10: "FSETSTAT", 11: "OPENDIR",
		12: "READDIR", 13: "REMOVE", 14: "MKDIR", 15: "RMDIR", 16: "REALPATH", 17: "STAT", 18: "RENAME", 19: "READLINK", 20: "SYMLINK", 200: "EXTENDED"}
	verb = verbs[packet[4]]
	if verb == "" {
		verb = fmt.Sprintf("PACKET-%d", packet[4])
	}
	if verb == "INIT" || len(packet) < 13 {
		return verb, ""
	}
	argument, rest := Text(packet[9:])
	if verb == "EXTENDED" {
		name, _, _ := strings.Cut(argument, "@")
		argument, _ = Text(rest)
		return strings.ToUpper(name), argument
	}
	return verb, argument
}

// Text reads a counted text, and returns what follows it; nil where it is cut short.
func Text(b []byte) (string, []byte) {
	if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
		return "", nil
	}
	n := binary.BigEndian.Uint32(b)
	return string(b[4 : 4+n]), b[4+n:]
}

// AppendText writes a counted text.
func AppendText(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

// Framed is a packet of a kind: an answer where id is that of a request.
func Framed(kind byte, id, body []byte) []byte {
	packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(id)+len(body)))
	return append(append(append(packet, kind), id...), body...)
}

func idOf(packet []byte) []byte { return binary.BigEndian.AppendUint32(nil, ID(packet)) }

// Status is a status, from a reply line as "4 no such thing".
func Status(request []byte, reply string) []byte {
	code, words, _ := strings.Cut(reply, " ")
	n, err := strconv.ParseUint(code, 10, 32)
	if err != nil {
		n = 4
	}
	body := AppendText(AppendText(binary.BigEndian.AppendUint32(nil, uint32(n)), words), "en")
	return Framed(KindStatus, idOf(request), body)
}

// Names is an answer to READDIR: files of a byte.
func Names(request []byte, names []string) []byte {
	body := binary.BigEndian.AppendUint32(nil, uint32(len(names)))
	for _, name := range names {
		body = AppendText(AppendText(body, name), "-rw-r--r-- 1 u g 1 Jan 1 2020 x")
		body = binary.BigEndian.AppendUint32(body, 1|4|8)
		body = binary.BigEndian.AppendUint64(body, 1)
		body = binary.BigEndian.AppendUint32(body, 0o100644)
		body = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(body, 1_600_000_000), 1_600_000_000)
	}
	return Framed(KindNames, idOf(request), body)
}

// Attributes is an answer to a STAT of any kind: a file of the size that is written in
// digits, and of a fixed time.
func Attributes(request []byte, size string) []byte {
	n, err := strconv.ParseUint(size, 10, 63)
	if err != nil {
		return Status(request, "4 the fault script names no size")
	}
	body := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, 1|4|8), n)
	body = binary.BigEndian.AppendUint32(body, 0o100644)
	body = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(body, 1_600_000_000), 1_600_000_000)
	return Framed(KindAttrs, idOf(request), body)
}

// Resize puts another size in place of every size that an answer tells of a file: in
// attributes, and in the names of a listing. What tells none, or is cut short, is
// returned as it is.
func Resize(answer []byte, size uint64) []byte {
	if len(answer) < 9 {
		return answer
	}
	answer = slices.Clone(answer)
	rest := answer[9:]
	switch answer[4] {
	case KindAttrs:
		resize(rest, size)
	case KindNames:
		if len(rest) < 4 {
			return answer
		}
		for rest = rest[4:]; len(rest) > 0; {
			_, rest = Text(rest)
			_, rest = Text(rest)
			rest = resize(rest, size)
		}
	}
	return answer
}

// resize changes the attributes that b begins with, and returns what follows them; nil
// where they are cut short.
func resize(b []byte, size uint64) []byte {
	if len(b) < 4 {
		return nil
	}
	flags, b := binary.BigEndian.Uint32(b), b[4:]
	for _, field := range []struct {
		flag  uint32
		bytes int
	}{{1, 8}, {2, 8}, {4, 4}, {8, 8}} {
		if flags&field.flag == 0 {
			continue
		}
		if len(b) < field.bytes {
			return nil
		}
		if field.flag == 1 {
			binary.BigEndian.PutUint64(b, size)
		}
		b = b[field.bytes:]
	}
	if flags&(1<<31) == 0 {
		return b
	}
	if len(b) < 4 {
		return nil
	}
	count, b := binary.BigEndian.Uint32(b), b[4:]
	for ; count > 0 && b != nil; count-- {
		_, b = Text(b)
		_, b = Text(b)
	}
	return b
}
