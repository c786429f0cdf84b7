package listing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

func TestRead_Caps(t *testing.T) {
	const line = "type=file;size=1; name"
	limits := func(listing int64, line int) session.Limits {
		return session.Limits{Listing: listing, ListLine: line}
	}
	tests := []struct {
		name   string
		body   string
		limits session.Limits
		want   int // entries; -1 is an error
	}{
		{"line at the cap", line + "\r\n", limits(0, len(line)), 1},
		{"line at the cap without an end", line, limits(0, len(line)), 1},
		{"line beyond the cap", line + "\r\n", limits(0, len(line)-1), -1},
		{"line far beyond the cap", strings.Repeat(line, 100), limits(0, len(line)), -1},
		{"line beyond the default cap", "type=file; " + strings.Repeat("x", 64<<10), limits(0, 0), -1},
		{"listing at the cap", line + "\n" + line, limits(int64(2*len(line)+1), 0), 2},
		{"listing beyond the cap", line + "\n" + line + "\n", limits(int64(2*len(line)+1), 0), -1},
		{"listing without a cap", line, limits(1<<63-1, 0), 1},
		{"names at the cap", strings.Repeat(line+"\n", 3), session.Limits{Names: 3}, 3},
		{"names beyond the cap", strings.Repeat(line+"\n", 4), session.Limits{Names: 3}, -1},
		{"names beyond the default cap", strings.Repeat("size=0; a\n", 2_000_001), limits(0, 0), -1},
		{"empty", "", limits(0, 0), 0},
		{"empty lines", "\r\n\n\r\n", limits(0, 0), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Read(iotest.HalfReader(strings.NewReader(tt.body)), MLSD, Options{Limits: tt.limits})
			if tt.want < 0 {
				if session.CauseOf(err) != session.ProtocolError || l.Entries != nil {
					t.Errorf("got %d entries and %v, want a protocol error", len(l.Entries), err)
				}
				return
			}
			if err != nil || len(l.Entries) != tt.want || l.Unknown != 0 {
				t.Errorf("got %d entries, %d not understood, %v; want %d entries", len(l.Entries), l.Unknown, err, tt.want)
			}
		})
	}
}

// A listing that breaks off is an error, never a shorter listing.
func TestRead_BrokenOff(t *testing.T) {
	broken := errors.New("connection reset")
	r := io.MultiReader(strings.NewReader("type=file; a\r\ntype=file; b"), iotest.ErrReader(broken))
	if l, err := Read(r, MLSD, Options{}); err != broken || l.Entries != nil {
		t.Errorf("got %v and %v, want no entries and the reader's error", l.Entries, err)
	}
}

func TestRead_KeepsFiveSamples(t *testing.T) {
	l, err := Read(strings.NewReader(strings.Repeat("what?\n", 9)+strings.Repeat("type=file; a/b\n", 7)), MLSD, Options{})
	if err != nil || l.Unknown != 9 || len(l.Samples) != 5 || l.Hostile != 7 || len(l.HostileSamples) != 5 {
		t.Errorf("got %+v, %v", l, err)
	}
}

func TestParseMLST(t *testing.T) {
	when := time.Date(2026, 11, 21, 18, 30, 5, 0, time.UTC)
	tests := []struct {
		line string
		want session.Entry
		ok   bool
	}{
		{" modify=20261121183005;size=12;type=file; /pub/sales.xls", session.Entry{Name: "/pub/sales.xls", Size: 12, Time: when, Exact: true}, true},
		{"Type=Dir;Modify=20261121183005; pub\r\n", session.Entry{Name: "pub", Kind: session.KindDir, Size: -1, Time: when, Exact: true}, true},
		{"  type=cdir; /", session.Entry{Name: "/", Kind: session.KindDir, Size: -1}, true},
		{" type=file;size=1; two  blanks ", session.Entry{Name: "two  blanks ", Size: 1}, true},
		{" type=OS.unix=slink:/a; b", session.Entry{Name: "b", Kind: session.KindLink, Size: -1, Target: "/a"}, true},
		{" modify=20261121183005; neither type nor size", session.Entry{}, false},
		{" type=file;", session.Entry{}, false},
		{"no facts", session.Entry{}, false},
		{"", session.Entry{}, false},
	}
	for _, tt := range tests {
		got, err := ParseMLST(tt.line)
		if got != tt.want || (err == nil) != tt.ok || !tt.ok && session.CauseOf(err) != session.ProtocolError {
			t.Errorf("%q: got %+v, %v; want %+v", tt.line, got, err, tt.want)
		}
	}
}

// FuzzListing holds what must be true of any bytes: each line is counted once,
// every name is safe, and the same bytes give the same listing.
func FuzzListing(f *testing.F) {
	for _, s := range readSamples(f) {
		f.Add(s.body, s.format == MLSD)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte, mlsd bool) {
		format := LIST
		if mlsd {
			format = MLSD
		}
		opts := Options{Now: now, System: "windows"}
		l, err := Read(bytes.NewReader(body), format, opts)
		if err != nil {
			if session.CauseOf(err) != session.ProtocolError || len(body) <= 64<<10 {
				t.Fatalf("%d bytes: %v", len(body), err)
			}
			return
		}
		lines := 0
		for line := range bytes.Lines(body) {
			if len(trimLineEnd(line)) > 0 {
				lines++
			}
		}
		if counted := len(l.Entries) + l.Unknown + l.Hostile; counted > lines {
			t.Errorf("%d lines gave %d results", lines, counted)
		}
		for _, e := range l.Entries {
			if err := names.SafeName(e.Name, "windows"); err != nil {
				t.Errorf("%q: %v", e.Name, err)
			}
			if e.Size < -1 || e.Mode > 0o7777 || e.Time.Location() != time.UTC || e.Exact && e.Time.IsZero() {
				t.Errorf("entry out of range: %+v", e)
			}
		}
		again, err := Read(iotest.OneByteReader(bytes.NewReader(body)), format, opts)
		if err != nil || render(again) != render(l) {
			t.Errorf("read byte by byte: %v\n%swant\n%s", err, render(again), render(l))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	const lines = 100_000
	formats := map[Format]string{
		LIST: "-rw-r--r--    1 ftp      ftp          1234 Nov 21 18:30 sales-%06d.xls\r\n",
		MLSD: "modify=20261121183005;perm=adfrw;size=1234;type=file;unique=FD00U3;UNIX.group=1000;UNIX.mode=0644;UNIX.owner=1000; sales-%06d.xls\r\n",
	}
	for format, line := range formats {
		var body bytes.Buffer
		for i := range lines {
			fmt.Fprintf(&body, line, i)
		}
		b.Run(format.String(), func(b *testing.B) {
			b.SetBytes(int64(body.Len()))
			for b.Loop() {
				l, err := Read(bytes.NewReader(body.Bytes()), format, Options{Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)})
				if err != nil || len(l.Entries) != lines {
					b.Fatal(len(l.Entries), err)
				}
			}
		})
	}
}
