package builtins

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// both are the files of the two sides after a run.
type both struct{ remote, local map[string]string }

func (b both) hold(t *testing.T, s *site) {
	t.Helper()
	holds(t, s.remote, b.remote)
	holds(t, s.local, b.local)
}

func TestSetAfter(t *testing.T) {
	files := map[string]string{"a.csv": "alpha", "b.csv": "beta", "c.txt": "gamma", "in/d.csv": "delta"}
	with := func(changes ...string) map[string]string {
		m := maps.Clone(files)
		for _, change := range changes {
			from, to, _ := strings.Cut(change, ">")
			if to != "" {
				m[to] = m[from]
			}
			delete(m, from)
		}
		return m
	}
	some := func(names ...string) map[string]string {
		m := make(map[string]string)
		for _, name := range names {
			m[filepath.Base(name)] = files[name]
		}
		return m
	}
	for _, c := range []struct {
		name   string
		script []string
		result string
		want   both
		told   string
	}{
		{"files are deleted", []string{`SETAFTER(DELETE)`, `$r = GETFILE("*.csv")`}, "OK", both{with("a.csv", "b.csv"), some("a.csv", "b.csv")}, "Deleted a.csv on the server"},
		{"or kept again", []string{`SETAFTER(DELETE)`, `SETAFTER(KEEP)`, `$r = GETFILE("*.csv")`}, "OK", both{files, some("a.csv", "b.csv")}, ""},
		{"or moved", []string{`SETAFTER("done")`, `$r = GETFILE("*.csv")`}, "OK", both{with("a.csv>done/a.csv", "b.csv>done/b.csv"), some("a.csv", "b.csv")}, "Moved a.csv to done/a.csv on the server"},
		{"a folder from the root", []string{`SETAFTER("/x/done")`, `CHDIR("in")`, `$r = GETFILE("*")`}, "OK", both{with("in/d.csv>x/done/d.csv"), some("in/d.csv")}, ""},
		{"one file", []string{`SETAFTER("done")`, `$r = GETFILE("in/d.csv", "x")`}, "OK", both{with("in/d.csv>done/d.csv"), map[string]string{"x": "delta"}}, ""},
		{"directories are kept", []string{`SETAFTER("done")`, `$r = GETFILE("*", SUBDIRS)`, `LOCALCHDIR("in")`, `$r = GETFILE("*", SUBDIRS)`}, "OK",
			both{map[string]string{"done/a.csv": "alpha", "done/b.csv": "beta", "done/c.txt": "gamma", "done/in/d.csv": "delta"},
				map[string]string{"a.csv": "alpha", "b.csv": "beta", "c.txt": "gamma", "in/d.csv": "delta"}}, ""},
		{"only what arrived", []string{`LOCALMKDIR("a.csv")`, `SETAFTER(DELETE)`, `$r = GETFILE("*.csv")`}, "PARTIAL_SUCCESS", both{with("b.csv"), some("b.csv")}, ""},
		{"only what is of the set", []string{`ADDEXCLUSION(REMOTE, "a*")`, `SETFILTER(SMALLER, 5)`, `SETAFTER(DELETE)`, `$r = GETFILE("*")`}, "OK", both{with("b.csv"), some("b.csv")}, ""},
		{"the folder that they lie in", []string{`SETAFTER("in")`, `$r = GETFILE("in/*")`}, "AFTER_FAILED", both{files, some("in/d.csv")}, `lies in "in" already`},
		{"what cannot be compared stays", []string{`SETTYPE(ASCII)`, `SETAFTER(DELETE)`, `$r = GETFILE("a.csv")`}, "AFTER_FAILED", both{files, some("a.csv")}, "sizes cannot be compared"},
		{"SETVERIFY(OFF) is no licence", []string{`SETVERIFY(OFF)`, `SETAFTER(DELETE)`, `$r = GETFILE("a.csv")`}, "OK", both{with("a.csv"), some("a.csv")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sites(t, siteOptions{files: files}, func(t *testing.T, s *site) {
				if strings.Contains(c.script[0], "ASCII") && s.server == nil {
					t.Skip("bytes go over as they are")
				}
				name, o := s.result(c.script...)
				if name != c.result || !o.tells(c.told) {
					t.Errorf("%s, want %s and %q\n%s", name, c.result, c.told, o.transcript)
				}
				c.want.hold(t, s)
			})
		})
	}
}

func TestSetAfter_uploads(t *testing.T) {
	files := map[string]string{"a.csv": "alpha", "b.csv": "beta", "in/d.csv": "delta"}
	for _, c := range []struct {
		name   string
		script []string
		result string
		want   both
		told   string
	}{
		{"files are deleted", []string{`SETAFTER(DELETE)`, `$r = PUTFILE("*.csv")`}, "OK", both{map[string]string{"a.csv": "alpha", "b.csv": "beta"}, map[string]string{"in/d.csv": "delta"}}, "Deleted /a.csv"},
		{"or moved", []string{`SETAFTER("done\x")`, `$r = PUTFILE("*", SUBDIRS)`}, "OK", both{files, map[string]string{"done/x/a.csv": "alpha", "done/x/b.csv": "beta", "done/x/in/d.csv": "delta"}}, `Moved /a.csv to /done/x/a.csv`},
		{"and not sent again from there", []string{`SETAFTER("done")`, `PUTFILE("*", SUBDIRS)`, `DELETEFILE("*.csv")`, `$r = PUTFILE("*.csv", SUBDIRS)`}, "OK",
			both{map[string]string{"in/d.csv": "delta"}, map[string]string{"done/a.csv": "alpha", "done/b.csv": "beta", "done/in/d.csv": "delta"}}, ""},
		{"one file", []string{`SETAFTER(DELETE)`, `$r = PUTFILE("in/d.csv","x")`}, "OK", both{map[string]string{"x": "delta"}, map[string]string{"a.csv": "alpha", "b.csv": "beta"}}, ""},
		{"SETVERIFY(OFF) is no licence", []string{`SETVERIFY(OFF)`, `SETAFTER(DELETE)`, `$r = PUTFILE("a.csv")`}, "OK", both{map[string]string{"a.csv": "alpha"}, map[string]string{"b.csv": "beta", "in/d.csv": "delta"}}, ""},
		{"ATOMIC", []string{`SETUPLOADMODE(ATOMIC)`, `SETAFTER(DELETE)`, `$r = PUTFILE("a.csv")`}, "OK", both{map[string]string{"a.csv": "alpha"}, map[string]string{"b.csv": "beta", "in/d.csv": "delta"}}, ""},
		{"APPEND", []string{`PUTFILE("b.csv","x")`, `SETUPLOADMODE(APPEND)`, `SETAFTER(DELETE)`, `$r = PUTFILE("a.csv","x")`}, "OK", both{map[string]string{"x": "betaalpha"}, map[string]string{"b.csv": "beta", "in/d.csv": "delta"}}, ""},
		{"APPEND that is not verified", []string{`SETVERIFY(OFF)`, `SETUPLOADMODE(APPEND)`, `SETAFTER(DELETE)`, `$r = PUTFILE("a.csv","x")`}, "AFTER_FAILED", both{map[string]string{"x": "alpha"}, files}, "nothing proves"},
		{"what is skipped stays", []string{`PUTFILE("a.csv")`, `SETUPLOADMODE(SKIP)`, `SETAFTER(DELETE)`, `$r = PUTFILE("a.csv")`}, "OK", both{map[string]string{"a.csv": "alpha"}, files}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sites(t, siteOptions{}, func(t *testing.T, s *site) {
				write(t, s.local, files)
				name, o := s.result(c.script...)
				if name != c.result || !o.tells(c.told) {
					t.Errorf("%s, want %s and %q\n%s", name, c.result, c.told, o.transcript)
				}
				c.want.hold(t, s)
			})
		})
	}
}

// A name that is taken in the folder stays what it is; so does the one after it.
func TestSetAfter_replacesNothing(t *testing.T) {
	sites(t, siteOptions{files: map[string]string{"a.csv": "1", "noending": "1"}}, func(t *testing.T, s *site) {
		get := func(text string) {
			write(t, s.remote, map[string]string{"a.csv": text, "noending": text})
			if name, o := s.result(`SETAFTER("done")`, `$r = GETFILE("*")`); name != "OK" {
				t.Fatalf("%s\n%s", name, o.transcript)
			}
		}
		get("1")
		get("2")
		get("3")
		holds(t, s.remote, map[string]string{
			"done/a.csv": "1", "done/a.2026_03_09-14_05_06.csv": "2", "done/a.2026_03_09-14_05_06-2.csv": "3",
			"done/noending": "1", "done/noending.2026_03_09-14_05_06": "2", "done/noending.2026_03_09-14_05_06-2": "3",
		})
		write(t, s.local, map[string]string{"up/done/a.csv": "0", "up/a.csv": "1"})
		s.on(`LOCALCHDIR("up")`, `SETAFTER("done")`, `PUTFILE("a*")`)
		holds(t, filepath.Join(s.local, "up"), map[string]string{"done/a.csv": "0", "done/a.2026_03_09-14_05_06.csv": "1"})
	})
}

// meddle changes a file when the transfer of it ends.
func meddle(s *site, change func()) {
	s.job.Events = func(e Event) {
		if e.Kind == FileEnd {
			change()
		}
	}
}

func TestSetAfter_leavesWhatChangedMeanwhile(t *testing.T) {
	later := time.Now().Add(time.Hour)
	for _, c := range []struct {
		name   string
		change func(path string) error
	}{
		{"it grew", func(path string) error { return os.WriteFile(path, []byte("alpha and more"), 0o644) }},
		{"it was written to", func(path string) error { return os.Chtimes(path, later, later) }},
		{"it became a directory", func(path string) error { os.Remove(path); return os.Mkdir(path, 0o755) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			sites(t, siteOptions{files: map[string]string{"a": "alpha"}}, func(t *testing.T, s *site) {
				path := filepath.Join(s.remote, "a")
				meddle(s, func() {
					if err := c.change(path); err != nil {
						t.Error(err)
					}
				})
				name, o := s.result(`SETAFTER(DELETE)`, `$r = GETFILE("*")`)
				if _, err := os.Stat(path); err != nil || name != "AFTER_FAILED" || !o.tells("a arrived, and its source stays as it is") {
					t.Errorf("%s, %v\n%s", name, err, o.transcript)
				}
			})
			s := newSite(t, siteOptions{})
			write(t, s.local, map[string]string{"a": "alpha"})
			path := filepath.Join(s.local, "a")
			meddle(s, func() {
				if err := c.change(path); err != nil {
					t.Error(err)
				}
			})
			name, o := s.result(`SETAFTER(DELETE)`, `$r = PUTFILE("*")`)
			if _, err := os.Stat(path); err != nil || name != "AFTER_FAILED" {
				t.Errorf("%s, %v\n%s", name, err, o.transcript)
			}
		})
	}
}

// transfers counts commands on the wire.
func (o ran) wired(verb string) int {
	n := 0
	for _, e := range o.events {
		if e.Kind == Wire && strings.HasPrefix(e.Text, "> "+verb) {
			n++
		}
	}
	return n
}

// A step that fails has its own result, the file counts as arrived, and the next
// command only does the step.
func TestSetAfter_failureFetchesNothingTwice(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"a": "alpha", "b": "beta"}, faults: "on DELE a 1-2: reply 550 No"})
	o := s.on(`SETAFTER(DELETE)`,
		`PRINT(GETFILE("*") == AFTER_FAILED)`, `GETLIST($l, DONE)`, `PRINT($l)`, `GETLIST($l, FAILED)`, `PRINT($l)`,
		`PRINT(GETFILE("*") == AFTER_FAILED)`, `GETLIST($l, DONE)`, `PRINT($l)`,
		`PRINT(GETFILE("*"))`)
	if o.stdout != "TRUE\na|b\n\nTRUE\n\nOK\n" || o.wired("RETR") != 2 || !o.has("a has arrived before") {
		t.Errorf("%q, %d downloads\n%s", o.stdout, o.wired("RETR"), o.transcript)
	}
	both{nil, map[string]string{"a": "alpha", "b": "beta"}}.hold(t, s)

	s = newSite(t, siteOptions{options: func(o *Options) { o.Exec = ExecFiles }})
	write(t, s.local, map[string]string{"a": "alpha", "done": "in the way"})
	o = s.on(`SETAFTER("done")`, `PRINT(PUTFILE("a") == AFTER_FAILED)`, `LOCALCHDIR("/")`, `EXEC("del done")`, `PRINT(PUTFILE("a"))`)
	if o.stdout != "TRUE\nOK\n" || o.wired("STOR") != 1 {
		t.Errorf("%q, %d uploads\n%s", o.stdout, o.wired("STOR"), o.transcript)
	}
	both{map[string]string{"a": "alpha"}, map[string]string{"done/a": "alpha"}}.hold(t, s)
}

// A file that is another one by now is fetched.
func TestSetAfter_failureFetchesWhatChanged(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"a": "alpha"}, faults: "on DELE 1: reply 550 No"})
	done := false
	meddle(s, func() {
		if !done {
			write(t, s.remote, map[string]string{"a": "another"})
		}
		done = true
	})
	o := s.on(`SETAFTER(DELETE)`, `PRINT(GETFILE("*") == AFTER_FAILED)`, `PRINT(GETFILE("*") == AFTER_FAILED)`, `PRINT(GETFILE("*"))`)
	if o.stdout != "TRUE\nTRUE\nOK\n" || o.wired("RETR") != 2 {
		t.Errorf("%q, %d downloads\n%s", o.stdout, o.wired("RETR"), o.transcript)
	}
	both{nil, map[string]string{"a": "another"}}.hold(t, s)
}

// A connection that is lost over the deletion is made anew, and the deletion looked at.
func TestSetAfter_survivesALostConnection(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"a": "alpha", "b": "beta"}, faults: "on DELE a: final none; reset",
		options: func(o *Options) { o.Settings = map[string]string{"retry": "3, 0"} }})
	name, o := s.result(`SETAFTER(DELETE)`, `$r = GETFILE("*")`)
	if name != "OK" || o.wired("RETR") != 2 {
		t.Errorf("%s\n%s", name, o.transcript)
	}
	both{nil, map[string]string{"a": "alpha", "b": "beta"}}.hold(t, s)
}

// A relative folder is held by the brake of its side.
func TestStowFolders_areHeldByTheBrakes(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"a": "alpha"}})
	write(t, s.local, map[string]string{"b": "beta"})
	for _, c := range []struct{ setting, change, call, want string }{
		{`SETAFTER("done")`, `CHDIR("none")`, `GETFILE("/a", "/a")`, "WRONG_DIRECTORY"},
		{`SETAFTER("/done")`, `CHDIR("none")`, `GETFILE("/a", "/a")`, "OK"},
		{`SETAFTER("done")`, `LOCALCHDIR("none")`, `PUTFILE("/b", "/b")`, "WRONG_DIRECTORY"},
		{`SETBACKUP("old")`, `LOCALCHDIR("none")`, `GETFILE("/done/a", "/a")`, "WRONG_DIRECTORY"},
		{`SETBACKUP("old")`, `CHDIR("none")`, `PUTFILE("/b", "/b")`, "WRONG_DIRECTORY"},
		{`SETBACKUP("/old")`, `CHDIR("none")`, `PUTFILE("/b", "/b")`, "OK"},
	} {
		if name, o := s.result(c.setting, c.change, `$r = `+c.call); name != c.want {
			t.Errorf("%s, %s: %s, want %s\n%s", c.setting, c.call, name, c.want, o.transcript)
		}
	}
}
