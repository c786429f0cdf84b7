package sshconn

import (
	"bytes"
	"io"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

// Whatever a server puts into a packet, reading it ends, and what it makes us hold
// is no more than a small multiple of it.
func FuzzPackets(f *testing.F) {
	name := appendText(appendText(appendNumber(nil, 1), "name"), "-rw-r--r-- 1 u g 1 Jan 1 2020 name")
	f.Add(appendNumber(appendLong(appendNumber(name, hasSize|hasPermissions), 5), 0o100644))
	f.Add(appendNumber(appendNumber(appendNumber(name, hasOwner|hasTimes|hasExtended), 1), 1<<31))
	f.Add(appendText(appendNumber(nil, 4), "Failure"))
	f.Add(appendText(appendText(nil, "check-file"), "sha256"))
	f.Add(append(appendText(nil, "md5"), make([]byte, 16)...))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := readPage(body)
		if err == nil && len(page) > len(body) {
			t.Errorf("%d names in %d bytes", len(page), len(body))
		}
		c := collector{limits: session.Limits{}.WithDefaults(), system: "linux"}
		if c.add(page) == nil {
			for _, e := range c.listing.Entries {
				if e.Name == "" || e.Name == ".." || bytes.ContainsAny([]byte(e.Name), "/\x00\r\n") || e.Size < -1 {
					t.Errorf("%+v", e)
				}
			}
		}
		readStatus(body)
		readAttributes(body, nil)
		if algorithm, sum, err := readHash(body); err == nil && (algorithm == "" || len(sum) == 0) {
			t.Errorf("%q, %x", algorithm, sum)
		}
	})
}

// stream is a channel whose server says these bytes and hangs up.
type stream struct{ io.Reader }

func (stream) Write(p []byte) (int, error) { return len(p), nil }

func (stream) Close() error { return nil }

// A lane over any bytes comes to an end: each question gets an answer, and nothing
// is left behind.
func FuzzLane(f *testing.F) {
	version := []byte("\x00\x00\x00\x05\x02\x00\x00\x00\x03")
	f.Add(version)
	f.Add(append(bytes.Clone(version), "\x00\x00\x00\x11\x65\x80\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00"...))
	f.Add(append(bytes.Clone(version), "\x00\x00\x00\x0d\x67\x80\x00\x00\x01\x00\x00\x00\x04data"...))
	f.Add(append(bytes.Clone(version), "\x00\x00\x00\x00"...))
	f.Add([]byte("220 this is FTP\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		l, err := startLane(stream{bytes.NewReader(said)})
		if err != nil {
			return
		}
		done := make(chan answer, 1)
		l.wire.ask(&question{done: done, into: make([]byte, 16)}, fxRead, nil, nil)
		if a := <-done; a.n > 16 {
			t.Errorf("%d bytes where 16 were asked for", a.n)
		}
		l.library.Stat("x")
		l.library.Close()
	})
}
