package builtins

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

// dated gives files times of March 2026: the day of the month, at noon UTC. The clock
// of a bench says the 9th, 14:05:06.
func dated(t *testing.T, dir string, days map[string]int) {
	t.Helper()
	for name, day := range days {
		at := time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC)
		if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(name)), at, at); err != nil {
			t.Fatal(err)
		}
	}
}

var filtered = []struct {
	name   string
	script []string // before the set
	want   string   // the names that pass
}{
	{"without a filter", nil, "a b c d"},
	{"newer than a date", []string{`SETFILTER(NEWER, "2026_03_03-00_00_00")`}, "b c d"},
	{"as new as a date", []string{`SETFILTER(NEWER, "2026_03_04-12_00_00")`}, "b c d"},
	{"newer by a second", []string{`SETFILTER(NEWER, "2026_03_04-12_00_01")`}, "c d"},
	{"older than a date", []string{`SETFILTER(OLDER, "2026_03_06-12_00_01")`}, "a b c"},
	{"not older than itself", []string{`SETFILTER(OLDER, "2026_03_06-12_00_00")`}, "a b"},
	{"a day is its beginning", []string{`SETFILTER(OLDER, "2026_03_06")`}, "a b"},
	{"a date that was computed", []string{`SETFILTER(NEWER, GETTIME - 86400 * 4)`}, "c d"},
	{"an age in days", []string{`SETFILTER(NEWER, "4d")`}, "c d"},
	{"an age in hours", []string{`SETFILTER(OLDER, "73h")`}, "a b c"},
	{"an age in weeks", []string{`SETFILTER(OLDER, "1w")`}, "a"},
	{"an age in seconds", []string{`SETFILTER(NEWER, 86400)`}, "d"},
	{"larger", []string{`SETFILTER(LARGER, 0)`}, "b c d"},
	{"smaller", []string{`SETFILTER(SMALLER, 2048)`}, "a b"},
	{"kilobytes", []string{`SETFILTER(LARGER, "2K")`}, "d"},
	{"a fraction", []string{`SETFILTER(LARGER, "1.5KiB")`}, "c d"},
	{"two bounds", []string{`SETFILTER(LARGER, 0)`, `SETFILTER(OLDER, "2026_03_08")`}, "b c"},
	{"a second call replaces the first", []string{`SETFILTER(LARGER, "2K")`, `SETFILTER(LARGER, 0)`}, "b c d"},
	{"one bound is taken away", []string{`SETFILTER(LARGER, "2K")`, `SETFILTER(OLDER, "2026_03_08")`, `SETFILTER(LARGER, NONE)`}, "a b c"},
	{"all bounds are taken away", []string{`SETFILTER(LARGER, "2K")`, `SETFILTER(OLDER, "2026_03_03")`, `SETFILTER(NONE)`}, "a b c d"},
	{"a bound that is refused leaves what was set", []string{`SETFILTER(LARGER, "2K")`, `$r = SETFILTER(LARGER, "much")`}, "d"},
	{"an exclusion counts besides", []string{`SETFILTER(LARGER, 0)`, `ADDEXCLUSION(REMOTE, "c")`, `ADDEXCLUSION(LOCAL, "c")`}, "b d"},
	{"nothing passes", []string{`SETFILTER(LARGER, "1T")`}, ""},
}

var (
	filteredFiles = map[string]string{"a": "", "b": "12", "c": strings.Repeat("c", 2048), "d": strings.Repeat("d", 4096)}
	filteredDays  = map[string]int{"a": 2, "b": 4, "c": 6, "d": 9}
)

func TestSetFilter_downloads(t *testing.T) {
	for _, c := range filtered {
		t.Run(c.name, func(t *testing.T) {
			sites(t, siteOptions{files: filteredFiles}, func(t *testing.T, s *site) {
				dated(t, s.remote, filteredDays)
				name, o := s.result(append(c.script, `$r = GETFILE("?")`)...)
				if got := strings.Join(sortedNames(read(t, s.local)), " "); got != c.want || name != "OK" {
					t.Errorf("%s: %q, want %q\n%s", name, got, c.want, o.transcript)
				}
			})
		})
	}
}

func TestSetFilter_uploads(t *testing.T) {
	for _, c := range filtered {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, siteOptions{})
			write(t, s.local, filteredFiles)
			dated(t, s.local, filteredDays)
			name, o := s.result(append(c.script, `$r = PUTFILE("?")`)...)
			if got := strings.Join(sortedNames(read(t, s.remote)), " "); got != c.want || name != "OK" {
				t.Errorf("%s: %q, want %q\n%s", name, got, c.want, o.transcript)
			}
		})
	}
}

func TestSetFilter_values(t *testing.T) {
	b := newBench(t, Options{})
	for _, c := range []struct{ call, want string }{
		{`SETFILTER(NEWER, "15m")`, "OK"}, {`SETFILTER(NEWER, " 2 h ")`, "OK"}, {`SETFILTER(NEWER, "0.5d")`, "OK"},
		{`SETFILTER(NEWER, "2026_02_30")`, "BAD_ARGUMENT"}, {`SETFILTER(NEWER, "yesterday")`, "BAD_ARGUMENT"}, {`SETFILTER(NEWER, "5y")`, "BAD_ARGUMENT"},
		{`SETFILTER(NEWER, -5)`, "BAD_ARGUMENT"}, {`SETFILTER(NEWER, "")`, "BAD_ARGUMENT"}, {`SETFILTER(NEWER, "99999999999w")`, "BAD_ARGUMENT"}, {`SETFILTER(NEWER, "1K")`, "BAD_ARGUMENT"},
		{`SETFILTER(OLDER)`, "BAD_ARGUMENT"}, {`SETFILTER(NONE, 5)`, "BAD_ARGUMENT"}, {`SETFILTER(NONE, NONE)`, "BAD_ARGUMENT"},
		{`SETFILTER(LARGER, "10 MB")`, "OK"}, {`SETFILTER(SMALLER, "2GiB")`, "OK"}, {`SETFILTER(SMALLER, "7b")`, "OK"},
		{`SETFILTER(LARGER, "10d")`, "BAD_ARGUMENT"}, {`SETFILTER(LARGER, "K")`, "BAD_ARGUMENT"}, {`SETFILTER(LARGER, "1..5K")`, "BAD_ARGUMENT"}, {`SETFILTER(LARGER, "9999999999T")`, "BAD_ARGUMENT"},
	} {
		o := b.run(`$r = `+c.call, `IF($r == "OK")`, `PRINT("OK")`, `ELSE`, `PRINT(GETERROR(NAME))`, `END IF`)
		if o.stdout != c.want+"\n" {
			t.Errorf("%s: %q, want %s\n%s", c.call, o.stdout, c.want, o.transcript)
		}
	}
}

// A single name that is left out is told; it is no failure, and no file of the set.
func TestSetFilter_singleNames(t *testing.T) {
	sites(t, siteOptions{files: map[string]string{"a": "1"}}, func(t *testing.T, s *site) {
		write(t, s.local, map[string]string{"up": "1"})
		o := s.on(`SETFILTER(LARGER, "1K")`, `PRINT(GETFILE("a"))`, `PRINT(PUTFILE("up"))`, `GETLIST($l, DONE)`, `PRINT($l)`)
		if o.stdout != "OK\nOK\n\n" || !o.has("Skipping (not larger than 1K) a") || !o.has("Skipping (not larger than 1K) /up") {
			t.Errorf("%q\n%s", o.stdout, o.transcript)
		}
	})
}

// A server that tells times by LIST only, cut to the minute, is asked for those that
// are near the bound; one that tells no exact time is believed.
func TestSetFilter_timesOfListings(t *testing.T) {
	for _, c := range []struct{ name, off, want string }{
		{"the server is asked", "MLSD", "b"},
		{"the server does not know better", "MLSD,MDTM", "a b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, siteOptions{files: map[string]string{"a": "1", "b": "2"}, change: func(o *server.Options) {
				o.DisabledCommands = strings.Split(c.off, ",")
			}})
			now := time.Now().UTC().Truncate(time.Minute).Add(-24 * time.Hour)
			for name, after := range map[string]time.Duration{"a": 20 * time.Second, "b": 40 * time.Second} {
				if err := os.Chtimes(filepath.Join(s.remote, name), now, now.Add(after)); err != nil {
					t.Fatal(err)
				}
			}
			bound := now.Add(30 * time.Second)
			if c.off != "MLSD" {
				bound = now
			}
			_, o := s.result(`SETFILTER(NEWER, "`+bound.Format(dateLayout)+`")`, `$r = GETFILE("*")`)
			if got := strings.Join(sortedNames(read(t, s.local)), " "); got != c.want {
				t.Errorf("%q, want %q\n%s", got, c.want, o.transcript)
			}
		})
	}
}

// growingWhile makes waiting change files, once.
func growingWhile(change func()) func(*Options) {
	return func(o *Options) {
		done := false
		o.Pause = func(ctx context.Context, _ time.Duration) error {
			if !done {
				done = true
				change()
			}
			return context.Cause(ctx)
		}
	}
}

func TestSetStable_leavesWhatGrows(t *testing.T) {
	for _, c := range []struct {
		name   string
		script string
		change func(dir string) error
		result string
		want   map[string]string
		told   string
	}{
		{"nothing changes", `$r = GETFILE("*")`, func(string) error { return nil }, "OK", map[string]string{"a": "one", "b": "two"}, "Waiting 5s to see whether 2 files still grow"},
		{"one grows", `$r = GETFILE("*")`, func(dir string) error { return os.WriteFile(filepath.Join(dir, "b"), []byte("two and more"), 0o644) },
			"STILL_GROWING", map[string]string{"a": "one"}, "Skipping (still changes) b: it had 3 bytes, and now 12"},
		{"one is written to", `$r = GETFILE("*")`, func(dir string) error {
			at := time.Now().Add(-time.Hour)
			return os.Chtimes(filepath.Join(dir, "a"), at, at)
		}, "STILL_GROWING", map[string]string{"b": "two"}, "it was written to meanwhile"},
		{"one comes", `$r = GETFILE("*")`, func(dir string) error { return os.WriteFile(filepath.Join(dir, "c"), []byte("new"), 0o644) },
			"STILL_GROWING", map[string]string{"a": "one", "b": "two"}, "it came while the others were waited for"},
		{"one goes", `$r = GETFILE("*")`, func(dir string) error { return os.Remove(filepath.Join(dir, "a")) }, "OK", map[string]string{"b": "two"}, ""},
		{"a single name grows", `$r = GETFILE("a")`, func(dir string) error { return os.WriteFile(filepath.Join(dir, "a"), []byte("one and more"), 0o644) },
			"STILL_GROWING", nil, "downloading a: it had 3 bytes, and now 12"},
		{"what is not meant does not count", `$r = GETFILE("b*")`, func(dir string) error { return os.WriteFile(filepath.Join(dir, "a"), []byte("one and more"), 0o644) },
			"OK", map[string]string{"b": "two"}, "whether 1 file still"},
		{"nothing is meant", `$r = GETFILE("x*")`, func(string) error { return nil }, "OK", nil, "No file matches"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var dir string
			var failed error
			o := siteOptions{files: map[string]string{"a": "one", "b": "two"}, options: growingWhile(func() { failed = c.change(dir) })}
			sites(t, o, func(t *testing.T, s *site) {
				dir = s.remote
				name, o := s.result(`SETSTABLE(5)`, c.script)
				if name != c.result || !o.tells(c.told) || failed != nil {
					t.Errorf("%s, want %s and %q: %v\n%s", name, c.result, c.told, failed, o.transcript)
				}
				holds(t, s.local, c.want)
			})
			// The same the other way round.
			s := newSite(t, siteOptions{options: growingWhile(func() { failed = c.change(dir) })})
			dir = s.local
			write(t, s.local, map[string]string{"a": "one", "b": "two"})
			name, up := s.result(`SETSTABLE(5)`, strings.Replace(c.script, "GETFILE", "PUTFILE", 1))
			if name != c.result || failed != nil {
				t.Errorf("upload: %s, want %s: %v\n%s", name, c.result, failed, up.transcript)
			}
			holds(t, s.remote, c.want)
		})
	}
}

// A set that is left is transient: a rerun may help.
func TestSetStable_isTransient(t *testing.T) {
	var s *site
	s = newSite(t, siteOptions{files: map[string]string{"a": "one"}, options: growingWhile(func() { write(t, s.remote, map[string]string{"a": "more"}) })})
	o := s.on(`SETSTABLE(5)`, `GETFILE("*")`)
	if o.result.Status != 75 || !o.has("downloaded 0 files, 1 left that still change") {
		t.Errorf("status %d\n%s", o.result.Status, o.transcript)
	}
}

// A long wait keeps the connection alive, and ends with the run.
func TestSetStable_waitsAwakeAndNotForLong(t *testing.T) {
	var pieces []time.Duration
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := newSite(t, siteOptions{files: map[string]string{"a": "one"}, options: func(o *Options) {
		o.Pause = func(ctx context.Context, d time.Duration) error {
			if pieces = append(pieces, d); len(pieces) == 4 {
				cancel()
			}
			return context.Cause(ctx)
		}
	}})
	o := s.runContext(ctx, `OPENHOST("ftp.test","joe","pass-word-1")`, `SETSTABLE(75)`, `GETFILE("*")`, `SETSTABLE(300)`, `GETFILE("*")`, `PRINT("never")`)
	if len(pieces) != 4 || pieces[0] != 30*time.Second || pieces[2] != 15*time.Second || o.stdout != "" {
		t.Errorf("%v\n%q %s", pieces, o.stdout, o.transcript)
	}
}

func sortedNames(files map[string]string) []string { return slices.Sorted(maps.Keys(files)) }
