package engine

import (
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

func TestCompare(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 30, 0, time.UTC)
	exact := func(shift time.Duration, size int64) session.Entry {
		return session.Entry{Time: noon.Add(shift), Exact: true, Size: size}
	}
	minute := func(shift time.Duration, size int64) session.Entry {
		return session.Entry{Time: noon.Add(shift).Truncate(time.Minute), Grain: time.Minute, Size: size}
	}
	day := func(shift time.Duration, size int64) session.Entry {
		return session.Entry{Time: noon.Add(shift).Truncate(24 * time.Hour), Grain: 24 * time.Hour, Size: size}
	}
	unknown := func(size int64) session.Entry { return session.Entry{Size: size} }
	const h = time.Hour
	tests := []struct {
		name           string
		clock          time.Duration
		ascii          bool
		source, target session.Entry
		want           Reason
	}{
		{"one time, one size", 0, false, exact(0, 5), exact(0, 5), UpToDate},
		{"one time, another size", 0, false, exact(0, 5), exact(0, 6), OtherSize},
		{"one time, another size of text", 0, true, exact(0, 5), exact(0, 6), UpToDate},
		{"a second newer", 0, false, exact(time.Second, 5), exact(0, 5), UpToDate}, // an even second
		{"a second newer than an odd one", 0, false, exact(0, 5), exact(-time.Second, 5), Older},
		{"two seconds newer", 0, false, exact(2*time.Second, 5), exact(0, 5), Older},
		{"fractions of a second", 0, false, exact(900*time.Millisecond, 5), exact(0, 5), UpToDate},
		{"older", 0, false, exact(-h, 5), exact(0, 5), UpToDate},
		{"older, another size", 0, false, exact(-h, 5), exact(0, 6), NewerDiffers},
		{"rounded up to two seconds, another size", 0, false, exact(-2*time.Second, 5), exact(0, 6), OtherSize},
		{"within the minute", 0, false, exact(0, 5), minute(0, 5), UpToDate},
		{"within the minute, another size", 0, false, exact(0, 5), minute(0, 6), OtherSize},
		{"two minutes", 0, false, exact(2*time.Minute, 5), minute(0, 5), Older},
		{"within the day", 0, false, exact(0, 5), day(0, 5), UpToDate},
		{"two days", 0, false, exact(48*h, 5), day(0, 5), Older},
		{"no time, one size", 0, false, exact(0, 5), unknown(5), UpToDate},
		{"no time, another size", 0, false, unknown(4), exact(0, 5), OtherSize},
		{"no time, text", 0, true, exact(0, 5), unknown(5), NoTimes},
		{"neither time nor size", 0, false, exact(0, 5), unknown(-1), NoTimes},
		{"the server is two hours behind", -2 * h, false, exact(0, 5), exact(-2*h, 5), UpToDate},
		{"the server is two hours behind, and it is newer", -2 * h, false, exact(time.Minute, 5), exact(-2*h, 5), Older},
		{"the server is two hours ahead, and it is newer", 2 * h, false, exact(h, 5), exact(2*h, 5), Older},
	}
	for _, tt := range tests {
		c := &Comparer{ToServer: true, Clock: func(session.Entry) time.Duration { return tt.clock }, Sizes: !tt.ascii}
		if got := c.Compare("x", tt.source, tt.target); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if tt.clock == 0 {
			continue
		}
		// The same files the other way round: the server's clock is that of the source.
		c.ToServer, c.Clock = false, func(session.Entry) time.Duration { return -tt.clock }
		if got := c.Compare("x", tt.source, tt.target); got != tt.want {
			t.Errorf("%s, from the server: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Before a file of the same size goes for a time that a listing shows, the server is
// asked, once; where the answer cannot spare a transfer it is not.
func TestCompare_AsksBeforeItSends(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 30, 0, time.UTC)
	winter := session.Entry{Time: noon.Add(-time.Hour).Truncate(time.Minute), Grain: time.Minute, Size: 5}
	source := session.Entry{Time: noon, Exact: true, Size: 5}
	asked := 0
	c := &Comparer{ToServer: true, Sizes: true, Ask: func(string, session.Entry) (session.Entry, bool) {
		asked++
		return session.Entry{Time: noon, Exact: true, Size: 5}, true
	}}
	if got := c.Compare("x", source, winter); got != UpToDate || asked != 1 {
		t.Errorf("%v after %d questions", got, asked)
	}
	other, same, dated := winter, winter, winter
	other.Size, same.Time, dated.Exact = 6, noon.Truncate(time.Minute), true
	for _, target := range []session.Entry{other, same, dated} {
		if c.Compare("x", source, target); asked != 1 {
			t.Errorf("%+v was asked for", target)
		}
	}
}

// A listing that shows another time than was remembered, too roughly to tell which is
// newer, is not believed either way.
func TestCompare_AsksWhatHasChanged(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 30, 0, time.UTC)
	local := session.Entry{Time: noon, Exact: true, Size: 5}
	listed := session.Entry{Time: noon.Truncate(24 * time.Hour), Grain: 24 * time.Hour, Size: 5}
	m := OpenMemory(t.TempDir(), Directories{})
	m.Keep("x", Fact{LocalSize: 5, LocalTime: noon, ServerSize: 5, ServerTime: noon.AddDate(0, 0, -3)})
	c := &Comparer{Sizes: true, Memory: m, Ask: func(_ string, e session.Entry) (session.Entry, bool) {
		e.Time, e.Exact, e.Grain = noon.Add(2*time.Minute), true, 0
		return e, true
	}}
	if got := c.Compare("x", listed, local); got != Older {
		t.Errorf("%v, and the server's is newer", got)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// What is remembered of a pair of files.
func TestCompare_Memory(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 30, 0, time.UTC)
	exact := func(shift time.Duration, size int64) session.Entry {
		return session.Entry{Time: noon.Add(shift), Exact: true, Size: size}
	}
	minute := func(shift time.Duration, size int64) session.Entry {
		return session.Entry{Time: noon.Add(shift).Truncate(time.Minute), Grain: time.Minute, Size: size}
	}
	const h = time.Hour
	sent := Fact{LocalSize: 5, LocalTime: noon, ServerSize: 5}
	seen := Fact{LocalSize: 5, LocalTime: noon, ServerSize: 5, ServerTime: noon.Add(-2 * h)}
	rough := Fact{LocalSize: 5, LocalTime: noon, ServerSize: 5, ServerTime: noon.Add(-2 * h).Truncate(time.Minute), Rough: time.Minute}
	tests := []struct {
		name          string
		fact          Fact
		local, server session.Entry
		up, down      Reason
	}{
		{"as it was sent", sent, exact(0, 5), exact(-2*h, 5), UpToDate, UpToDate},
		{"as it was seen", seen, exact(0, 5), exact(-2*h, 5), UpToDate, UpToDate},
		{"as it was seen, roughly", rough, exact(0, 5), minute(-2*h, 5), UpToDate, UpToDate},
		{"in another half of the year", rough, exact(0, 5), minute(-h, 5), UpToDate, UpToDate},
		{"an hour is another time where times are exact", seen, exact(0, 5), exact(h, 5), UpToDate, Older},
		{"changed here, on a server that is ahead", Fact{LocalSize: 5, LocalTime: noon, ServerSize: 5, ServerTime: noon.Add(2 * h)}, exact(h, 5), exact(2*h, 5), Older, Older},
		{"changed here within the minute", rough, exact(20*time.Second, 5), minute(-2*h, 5), Older, UpToDate},
		{"taken back here", seen, exact(-h, 5), exact(-2*h, 5), Older, UpToDate},
		{"another one on the server", seen, exact(0, 5), exact(3*h, 7), NewerDiffers, Older},
		{"not whole", Fact{Unfinished: true}, exact(0, 5), exact(3*h, 5), Unfinished, Unfinished},
	}
	for _, tt := range tests {
		for _, up := range []bool{true, false} {
			m := OpenMemory(t.TempDir(), Directories{})
			m.Keep("x", tt.fact)
			c := &Comparer{ToServer: up, Sizes: true, Memory: m}
			source, target, want := tt.local, tt.server, tt.up
			if !up {
				source, target, want = tt.server, tt.local, tt.down
			}
			if got := c.Compare("x", source, target); got != want {
				t.Errorf("%s, upload %v: %v, want %v", tt.name, up, got, want)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
