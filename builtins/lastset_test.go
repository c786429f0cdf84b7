package builtins

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// sites makes the same site under FTP and SFTP.
func sites(t *testing.T, o siteOptions, test func(t *testing.T, s *site)) {
	t.Run("FTP", func(t *testing.T) { test(t, newSite(t, o)) })
	t.Run("SFTP", func(t *testing.T) { test(t, newSFTPSite(t, o)) })
}

func TestGetList_lastSet(t *testing.T) {
	lists := []string{
		`GETLIST($done, DONE)`, `PRINT("done " . $done)`, `GETLIST($failed, FAILED)`, `PRINT("failed " . $failed)`,
	}
	files := map[string]string{"a.csv": "alpha", "b.csv": "beta", "c.txt": "gamma", "in/a.csv": "A", "in/deep/b.csv": "B"}
	for _, c := range []struct {
		name         string
		script       []string
		done, failed string
	}{
		{name: "none yet"},
		{name: "downloads", script: []string{`GETFILE("*.csv")`}, done: "a.csv|b.csv"},
		{name: "downloads from another directory", script: []string{`GETFILE("/in/*", SUBDIRS)`}, done: "/in/a.csv|/in/deep/b.csv"},
		{name: "the newest set counts", script: []string{`GETFILE("*.csv")`, `GETFILE("*.txt")`}, done: "c.txt"},
		{name: "one that matches nothing is a set", script: []string{`GETFILE("*.csv")`, `GETFILE("*.zip")`}},
		{name: "one that cannot begin is a set", script: []string{`GETFILE("*.csv")`, `$r = GETFILE("nowhere/*")`}},
		{name: "one with a bad argument is a set", script: []string{`GETFILE("*.csv")`, `$r = GETFILE("")`}},
		{name: "one file", script: []string{`GETFILE("in/a.csv", "x.csv")`}, done: "in/a.csv"},
		{name: "one file that fails", script: []string{`GETFILE("*.csv")`, `$r = GETFILE("none.csv")`}, failed: "none.csv"},
		{name: "one file that cannot be written", script: []string{`LOCALMKDIR("a.csv")`, `$r = GETFILE("a.csv")`}, failed: "a.csv"},
		{name: "some fail", script: []string{`LOCALMKDIR("b.csv")`, `$r = GETFILE("*.csv")`}, done: "a.csv", failed: "b.csv"},
		{name: "what is excluded is in neither", script: []string{`ADDEXCLUSION(REMOTE, "a*")`, `GETFILE("*.csv")`, `GETFILE("a.csv")`}},
		{name: "uploads", script: []string{`GETFILE("*.csv")`, `PUTFILE("b*")`}, done: "b.csv"},
		{name: "uploads from a directory", script: []string{`LOCALMKDIR("out")`, `LOCALMKDIR("out\sub")`, `GETFILE("a.csv","out\sub\a.csv")`, `PUTFILE("out\*",SUBDIRS)`}, done: `out\sub\a.csv`},
		{name: "uploads that fail", script: []string{`LOCALMKDIR("c.csv")`, `GETFILE("a.csv")`, `$r = PUTFILE("a.csv","nowhere/a.csv")`}, failed: "a.csv"},
		{name: "a skipped upload is in neither", script: []string{`GETFILE("a.csv")`, `SETUPLOADMODE(SKIP)`, `PUTFILE("a.csv")`}},
		{name: "other commands change nothing", script: []string{`GETFILE("*.csv")`, `DELETEFILE("c.txt")`, `CHDIR("in")`, `CLOSEHOST`}, done: "a.csv|b.csv"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sites(t, siteOptions{files: files}, func(t *testing.T, s *site) {
				o := s.on(append(c.script, lists...)...)
				if want := "done " + c.done + "\nfailed " + c.failed + "\n"; o.stdout != want {
					t.Errorf("%q, want %q\n%s", o.stdout, want, o.transcript)
				}
			})
		})
	}
}

// The lists have the orders and wildcards of any other list; the time is that of the
// source.
func TestGetList_lastSetInOrder(t *testing.T) {
	sites(t, siteOptions{files: map[string]string{"in/a.csv": "1", "in/b.csv": "22", "in/c.txt": "3"}}, func(t *testing.T, s *site) {
		for name, day := range map[string]int{"a.csv": 2, "b.csv": 3, "c.txt": 1} {
			at := time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC)
			if err := os.Chtimes(filepath.Join(s.remote, "in", name), at, at); err != nil {
				t.Fatal(err)
			}
		}
		o := s.on(`GETFILE("in/*")`,
			`GETLIST($l, DONE, "*", NEWEST)`, `PRINT($l)`, `GETLIST($l, DONE, "*", OLDEST)`, `PRINT($l)`,
			`GETLIST($l, DONE, "*.csv", OLDEST)`, `PRINT($l)`, `GETLIST($l, DONE, "b.csv")`, `PRINT($l)`)
		want := "in/b.csv|in/a.csv|in/c.txt\nin/c.txt|in/a.csv|in/b.csv\nin/a.csv|in/b.csv\nin/b.csv\n"
		if o.stdout != want {
			t.Errorf("%q, want %q", o.stdout, want)
		}
	})
}

// A set whose connection is lost ends: what was not tried is in neither list.
func TestGetList_lastSetThatWasCutShort(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"a": "1", "b": "2", "c": "3"}, faults: "on RETR b: reset"})
	o := s.on(`$r = GETFILE("*")`, `GETLIST($l, DONE)`, `PRINT($l)`, `GETLIST($l, FAILED)`, `PRINT($l)`)
	if o.stdout != "a\nb\n" {
		t.Errorf("%q\n%s", o.stdout, o.transcript)
	}
}

// More names than anybody can use are not kept, and that is said.
func TestLastSet_isBounded(t *testing.T) {
	l := lastSet{wanted: true}
	l.done = make([]listed, mostSettled)
	l.settle("one more", "one more", time.Time{}, nil)
	if len(l.done) != mostSettled || l.lost != 1 {
		t.Errorf("%d names, %d lost", len(l.done), l.lost)
	}
	s := newBench(t, Options{})
	s.replace("GETFILE", func(s *State, a *arguments) error { s.last = l; return nil })
	s.replace("OPENHOST", openPretended)
	o := s.run(`OPENHOST("h")`, `GETFILE("*")`, `$r = GETLIST($l, DONE)`, `PRINT(GETERROR(NAME))`)
	if o.stdout != "PARTIAL_SUCCESS\n" || !o.has("1 name of the last set") {
		t.Errorf("%q\n%s", o.stdout, o.transcript)
	}
}

// A program that does not ask keeps nothing.
func TestLastSet_isKeptForThoseWhoAsk(t *testing.T) {
	var l lastSet
	l.settle("a", "a", time.Time{}, &session.Error{})
	if l.done != nil || l.failed != nil {
		t.Error("names were kept")
	}
}
