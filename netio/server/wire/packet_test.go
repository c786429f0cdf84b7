package wire_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/server/wire"
)

// request is one with an id and a body.
func request(kind byte, body string) []byte {
	return wire.Framed(kind, []byte{0, 0, 0, 7}, []byte(body))
}

func counted(s string) string { return string(wire.AppendText(nil, s)) }

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		packet         []byte
		verb, argument string
	}{
		{wire.Framed(1, nil, []byte{0, 0, 0, 3}), "INIT", ""},
		{request(17, counted("/file")), "STAT", "/file"},
		{request(6, counted("handle")+"further"), "WRITE", "handle"},
		{request(200, counted("posix-rename@openssh.com")+counted("/old")+counted("/new")), "POSIX-RENAME", "/old"},
		{request(99, ""), "PACKET-99", ""},
		{request(17, "\xff\xff\xff\xffx"), "STAT", ""},
		{[]byte{0, 0, 0, 0}, "", ""},
	} {
		if verb, argument := wire.Describe(c.packet); verb != c.verb || argument != c.argument {
			t.Errorf("%q is %s %q", c.packet, verb, argument)
		}
	}
}

func TestRead(t *testing.T) {
	first, second := request(17, counted("/a")), request(4, counted("h"))
	in := bufio.NewReader(bytes.NewReader(append(bytes.Clone(first), second...)))
	for _, want := range [][]byte{first, second} {
		if got, err := wire.Read(in); err != nil || !bytes.Equal(got, want) || wire.ID(got) != 7 {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if _, err := wire.Read(in); err != io.EOF {
		t.Errorf("behind the last: %v", err)
	}
	for name, bad := range map[string]string{"too long": "\x00\x04\x00\x01", "too short": "\x00\x00\x00\x04abcd", "cut": "\x00\x00\x00\x09abc"} {
		if got, err := wire.Read(bufio.NewReader(strings.NewReader(bad))); err == nil || err == io.EOF {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// attributes are those of a file with everything that can be told, extended ones too.
func attributes(size uint64) string {
	b := binary.BigEndian.AppendUint32(nil, 1|2|4|8|1<<31)
	b = binary.BigEndian.AppendUint64(b, size)
	b = append(b, "uuuuggggpppptttttttt"...)
	b = binary.BigEndian.AppendUint32(b, 1)
	return string(b) + counted("name@example") + counted("value")
}

func TestResize(t *testing.T) {
	names := func(size uint64) []byte {
		return request(wire.KindNames, "\x00\x00\x00\x02"+counted("a")+counted("-rw a")+attributes(size)+counted("b")+counted("-rw b")+attributes(size))
	}
	for name, c := range map[string][2][]byte{
		"attributes":         {request(wire.KindAttrs, attributes(5)), request(wire.KindAttrs, attributes(400_000))},
		"a listing":          {names(5), names(400_000)},
		"no size":            {request(wire.KindAttrs, "\x00\x00\x00\x04pppp"), request(wire.KindAttrs, "\x00\x00\x00\x04pppp")},
		"a status":           {wire.Status(request(17, ""), "4 no"), wire.Status(request(17, ""), "4 no")},
		"a size that is cut": {request(wire.KindAttrs, "\x00\x00\x00\x01xxx"), request(wire.KindAttrs, "\x00\x00\x00\x01xxx")},
	} {
		before := bytes.Clone(c[0])
		if got := wire.Resize(c[0], 400_000); !bytes.Equal(got, c[1]) || !bytes.Equal(before, c[0]) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// FuzzPackets reads what nobody vouches for.
func FuzzPackets(f *testing.F) {
	for _, seed := range [][]byte{request(17, counted("/a")), request(wire.KindAttrs, attributes(1)), request(wire.KindNames, "\x00\x00\x00\x01"+counted("a")+counted("a")+attributes(1)), {0, 0, 0, 5}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		wire.Describe(packet)
		if got := wire.Resize(packet, 9); len(got) != len(packet) {
			t.Errorf("%d bytes became %d", len(packet), len(got))
		}
		if whole, err := wire.Read(bufio.NewReader(bytes.NewReader(packet))); err == nil && len(whole) < 9 {
			t.Errorf("read %q", whole)
		}
	})
}
