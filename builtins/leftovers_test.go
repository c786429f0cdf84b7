package builtins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/engine"
)

// killed leaves in the state of runs what one leaves that was killed.
func killed(t *testing.T, state string, debts ...engine.Debt) {
	t.Helper()
	l := engine.OpenLedger(state)
	for _, d := range debts {
		l.Note(d)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// The next run that uploads deletes what a killed one left on the server under names of
// ours, and moves back what had to make room and was not replaced. What is another
// account's, or a live run's, stays.
func TestLeftoversOfAKilledRun(t *testing.T) {
	part := func(n string) string { return netio.PartName(n) }
	for _, last := range []string{`PUTFILE("new")`, `SYNC("/", "/", UPLOAD)`, `SYNC("/", "/", DOWNLOAD)`} {
		state := t.TempDir()
		sites(t, siteOptions{files: map[string]string{
			part("1"): "half", "d/" + part("2"): "half", part("old"): "old", part("older"): "older", "there": "new", part("foreign"): "x", part("live"): "x", part("unknown"): "x",
		}, options: func(o *Options) { o.StateDir = state }}, func(t *testing.T, s *site) {
			write(t, s.local, map[string]string{"new": "1"})
			server, account := s.host.options.HostMap["ftp.test"], "joe"
			d := func(kind engine.DebtKind, name, of string) engine.Debt {
				return engine.Debt{Kind: kind, Server: server, Account: account, Name: "/" + name, Of: of, Since: time.Now().Add(-time.Hour)}
			}
			foreign := d(engine.Aside, part("foreign"), "")
			foreign.Account = "jim"
			killed(t, state, d(engine.Aside, part("1"), ""), d(engine.Aside, "d/"+part("2"), ""), d(engine.Aside, part("gone"), ""),
				d(engine.Replaced, part("old"), "/missing"), d(engine.Replaced, part("older"), "/there"), foreign)
			live := engine.OpenLedger(state)
			defer live.Close()
			live.Note(d(engine.Aside, part("live"), ""))
			o := s.on(`PRINT(` + last + `)`)
			if !o.has("Moved /" + part("old") + " back to /missing on the server: an earlier run ended while it replaced it") {
				t.Errorf("%s", o.transcript)
			}
			got := read(t, s.remote)
			for name, want := range map[string]string{part("1"): "", "d/" + part("2"): "", part("old"): "", part("older"): "", "missing": "old", "there": "new",
				part("foreign"): "x", part("live"): "x", part("unknown"): "x"} {
				if got[name] != want {
					t.Errorf("%s: %s is %q, want %q\n%s", last, name, got[name], want, o.transcript)
				}
			}
			if again := s.on(`PRINT(` + last + `)`); strings.Contains(again.transcript, "earlier run") {
				t.Errorf("a second time\n%s", again.transcript)
			}
		})
	}
}

// A file that arrived, and whose source was not seen to because the run was killed, is
// not fetched again; it is, and nothing is deleted, where either side has changed.
func TestSetAfter_AcrossRuns(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, change, told string
		remote, local      string
	}{
		{"nothing changed", "", "a has arrived before: only its source is left to be seen to", "", "one"},
		{"the source changed", "remote", "Downloaded a, 3 bytes", "", "two"},
		{"the source is longer", "longer", "Downloaded a, 4 bytes", "", "more"},
		{"what arrived changed", "local", "Downloaded a, 3 bytes", "", "one"},
		{"what arrived is gone", "gone", "Downloaded a, 3 bytes", "", "one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			state := t.TempDir()
			sites(t, siteOptions{files: map[string]string{"a": "one"}, options: func(o *Options) { o.StateDir = state }}, func(t *testing.T, s *site) {
				aged(t, s.remote, at, "a")
				write(t, s.remote, map[string]string{"file": "a file, and so no folder"})
				if result, o := s.result(`SETAFTER("/file/done")`, `$r = GETFILE("a")`); result != "AFTER_FAILED" {
					t.Fatalf("%s\n%s", result, o.transcript)
				}
				os.Remove(filepath.Join(s.remote, "file"))
				switch c.change {
				case "remote":
					write(t, s.remote, map[string]string{"a": "two"})
				case "longer":
					write(t, s.remote, map[string]string{"a": "more"})
				case "local":
					write(t, s.local, map[string]string{"a": "TWO"})
				case "gone":
					os.Remove(filepath.Join(s.local, "a"))
				}
				result, o := s.result(`SETAFTER(DELETE)`, `$r = GETFILE("a")`)
				if result != "OK" || !o.has(c.told) {
					t.Errorf("%s, want %q\n%s", result, c.told, o.transcript)
				}
				holds(t, s.remote, nil)
				holds(t, s.local, map[string]string{"a": c.local})
			})
		})
	}
	sites(t, siteOptions{options: withState(t)}, func(t *testing.T, s *site) {
		write(t, s.local, map[string]string{"a": "one", "file": "x"})
		if result, o := s.result(`SETAFTER("/file/done")`, `$r = PUTFILE("a")`); result != "AFTER_FAILED" {
			t.Fatalf("%s\n%s", result, o.transcript)
		}
		if result, o := s.result(`SETAFTER(DELETE)`, `$r = PUTFILE("a")`); result != "OK" || !o.has("has arrived before") {
			t.Errorf("%s\n%s", result, o.transcript)
		}
		holds(t, s.local, map[string]string{"file": "x"})
		holds(t, s.remote, map[string]string{"a": "one"})
	})
}
