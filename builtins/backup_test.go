package builtins

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSetBackup(t *testing.T) {
	for _, c := range []struct {
		name          string
		remote, local map[string]string
		script        []string
		result        string
		want          both
	}{
		{"a download", map[string]string{"a": "new", "b": "b"}, map[string]string{"a": "old"}, []string{`SETBACKUP("bak")`, `$r = GETFILE("*")`}, "OK",
			both{map[string]string{"a": "new", "b": "b"}, map[string]string{"a": "new", "b": "b", "bak/a": "old"}}},
		{"none again", map[string]string{"a": "new"}, map[string]string{"a": "old"}, []string{`SETBACKUP("bak")`, `SETBACKUP(NONE)`, `$r = GETFILE("*")`}, "OK",
			both{map[string]string{"a": "new"}, map[string]string{"a": "new"}}},
		{"downloads in directories", map[string]string{"in/a": "new"}, map[string]string{"in/a": "old"}, []string{`SETBACKUP("bak")`, `$r = GETFILE("*", SUBDIRS)`}, "OK",
			both{map[string]string{"in/a": "new"}, map[string]string{"in/a": "new", "bak/in/a": "old"}}},
		{"an upload", nil, nil, []string{`SETBACKUP("bak")`, `$r = PUTFILE("*")`}, "OK", both{}},
		{"an upload in place", map[string]string{"a": "old"}, map[string]string{"a": "new", "b": "b"}, []string{`SETBACKUP("bak")`, `$r = PUTFILE("*")`}, "OK",
			both{map[string]string{"a": "new", "b": "b", "bak/a": "old"}, map[string]string{"a": "new", "b": "b"}}},
		{"an upload aside", map[string]string{"a": "old"}, map[string]string{"a": "new"}, []string{`SETUPLOADMODE(ATOMIC)`, `SETBACKUP("bak")`, `$r = PUTFILE("*")`}, "OK",
			both{map[string]string{"a": "new", "bak/a": "old"}, map[string]string{"a": "new"}}},
		{"uploads in directories", map[string]string{"in/a": "old"}, map[string]string{"in/a": "new"}, []string{`SETBACKUP("/x/bak")`, `$r = PUTFILE("*", SUBDIRS)`}, "OK",
			both{map[string]string{"in/a": "new", "x/bak/in/a": "old"}, map[string]string{"in/a": "new"}}},
		{"nothing is replaced by APPEND", map[string]string{"a": "old"}, map[string]string{"a": "new"}, []string{`SETUPLOADMODE(APPEND)`, `SETBACKUP("bak")`, `$r = PUTFILE("*")`}, "OK",
			both{map[string]string{"a": "oldnew"}, map[string]string{"a": "new"}}},
		{"both, and after", map[string]string{"a": "new"}, map[string]string{"a": "old"}, []string{`SETAFTER("done")`, `SETBACKUP("bak")`, `$r = GETFILE("*")`}, "OK",
			both{map[string]string{"done/a": "new"}, map[string]string{"a": "new", "bak/a": "old"}}},
		{"an earlier backup stays", map[string]string{"a": "3", "bak/a": "1"}, map[string]string{"a": "4"}, []string{`SETBACKUP("bak")`, `$r = PUTFILE("*")`}, "OK",
			both{map[string]string{"a": "4", "bak/a": "1", "bak/a.2026_03_09-14_05_06": "3"}, map[string]string{"a": "4"}}},
		{"a folder that cannot be stops a download", map[string]string{"a": "new"}, map[string]string{"a": "old", "bak": "a file"}, []string{`SETBACKUP("bak")`, `$r = GETFILE("a")`}, "BACKUP_FAILED",
			both{map[string]string{"a": "new"}, map[string]string{"a": "old", "bak": "a file"}}},
		{"a folder that cannot be stops an upload", map[string]string{"a": "old", "bak": "a file"}, map[string]string{"a": "new"}, []string{`SETBACKUP("bak")`, `$r = PUTFILE("a")`}, "BACKUP_FAILED",
			both{map[string]string{"a": "old", "bak": "a file"}, map[string]string{"a": "new"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sites(t, siteOptions{files: c.remote}, func(t *testing.T, s *site) {
				write(t, s.local, c.local)
				name, o := s.result(c.script...)
				if name != c.result {
					t.Errorf("%s, want %s\n%s", name, c.result, o.transcript)
				}
				for file := range read(t, s.local) {
					if filepath.Ext(file) == ".part" || filepath.Ext(file) == ".note" {
						os.Remove(filepath.Join(s.local, file)) // kept for a later run
					}
				}
				c.want.hold(t, s)
			})
		})
	}
}

// A download has the permissions of what it replaced, also where that was moved away.
func TestSetBackup_keepsPermissions(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"a": "new"}})
	write(t, s.local, map[string]string{"a": "old"})
	path := filepath.Join(s.local, "a")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s.on(`SETBACKUP("bak")`, `GETFILE("a")`)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// What could not be replaced after all gets its name back.
func TestSetBackup_putsBackWhatWasNotReplaced(t *testing.T) {
	for name, c := range map[string]struct{ faults, setting string }{
		"in place":        {"on STOR: reply 553 No", `SETUPLOADMODE(OVERWRITE)`},
		"at the renaming": {"on RNTO 2: reply 451 No", `SETUPLOADMODE(ATOMIC)`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, siteOptions{files: map[string]string{"a": "old"}, faults: c.faults})
			write(t, s.local, map[string]string{"a": "new"})
			o := s.on(c.setting, `SETBACKUP("bak")`, `PRINT(PUTFILE("a") == "OK")`)
			if o.stdout != "FALSE\n" || !o.has("Moved bak/a back to a on the server") {
				t.Errorf("%q\n%s", o.stdout, o.transcript)
			}
			both{map[string]string{"a": "old"}, map[string]string{"a": "new"}}.hold(t, s)
		})
	}
}

// A server that does not let us rename replaces nothing.
func TestSetBackup_withoutRenaming(t *testing.T) {
	for _, mode := range []string{"OVERWRITE", "ATOMIC"} {
		s := newSite(t, siteOptions{files: map[string]string{"a": "old"}, faults: "on RNFR: reply 550 No"})
		write(t, s.local, map[string]string{"a": "new"})
		if name, o := s.result(`SETUPLOADMODE(`+mode+`)`, `SETBACKUP("bak")`, `$r = PUTFILE("a")`); name != "BACKUP_FAILED" {
			t.Errorf("%s: %s\n%s", mode, name, o.transcript)
		}
		both{map[string]string{"a": "old"}, map[string]string{"a": "new"}}.hold(t, s)
	}
}

// SYNC keeps what it replaces and deletes; the folder is neither a file nor an orphan
// to it.
func TestSetBackup_ofSync(t *testing.T) {
	old := map[string]string{"a": "old", "orphan": "lost", "in/a": "old", "in/gone/b": "lost"}
	now := map[string]string{"a": "new one", "in/a": "new one"}
	kept := map[string]string{"a": "new one", "in/a": "new one", "bak/a": "old", "bak/in/a": "old", "bak/orphan": "lost", "bak/in/gone/b": "lost"}
	sites(t, siteOptions{}, func(t *testing.T, s *site) {
		write(t, s.local, map[string]string{"here/a": now["a"], "here/in/a": now["in/a"]})
		for name, text := range old {
			write(t, s.remote, map[string]string{"there/" + name: text})
		}
		for range 2 { // the second time nothing is to be done
			name, o := s.result(`SETBACKUP("/there/bak")`, `$r = SYNC("here","there",UPLOAD_DELETE,SUBDIRS)`, `GETLIST($l, DONE)`, `PRINT($l)`)
			if name != "OK" {
				t.Errorf("%s\n%s", name, o.transcript)
			}
			holds(t, filepath.Join(s.remote, "there"), kept)
		}
	})
	sites(t, siteOptions{}, func(t *testing.T, s *site) {
		write(t, s.remote, map[string]string{"there/a": now["a"], "there/in/a": now["in/a"]})
		for name, text := range old {
			write(t, s.local, map[string]string{"here/" + name: text})
		}
		name, o := s.result(`SETBACKUP("here/bak")`, `$r = SYNC("here","there",DOWNLOAD_DELETE,SUBDIRS)`, `GETLIST($l, DONE)`, `PRINT($l)`)
		if name != "OK" || o.lines()[0] != "/there/a|/there/in/a" {
			t.Errorf("%s %q\n%s", name, o.stdout, o.transcript)
		}
		holds(t, filepath.Join(s.local, "here"), kept)
	})
}

// An orphan that cannot be kept stays.
func TestSetBackup_ofSyncThatFails(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"there/a": "new"}})
	write(t, s.local, map[string]string{"here/a": "older", "here/orphan": "x", "bak": "a file"})
	name, o := s.result(`SETBACKUP("bak")`, `$r = SYNC("here","there",DOWNLOAD_DELETE)`)
	if name != "BACKUP_FAILED" {
		t.Errorf("%s\n%s", name, o.transcript)
	}
	if got := read(t, s.local); got["here/a"] != "older" || got["here/orphan"] != "x" {
		t.Errorf("%q", got)
	}
}

// A file that SETFILTER holds back does not go, and is no orphan.
func TestSetFilter_ofSync(t *testing.T) {
	sites(t, siteOptions{files: map[string]string{"there/old": "x"}}, func(t *testing.T, s *site) {
		write(t, s.local, map[string]string{"here/small": "1", "here/large": "12345", "here/old": "12345"})
		name, o := s.result(`SETFILTER(SMALLER, 3)`, `$r = SYNC("here","there",UPLOAD_DELETE)`, `GETLIST($l, DONE)`, `PRINT($l)`)
		if name != "OK" || o.lines()[0] != "/here/small" {
			t.Errorf("%s %q\n%s", name, o.stdout, o.transcript)
		}
		holds(t, filepath.Join(s.remote, "there"), map[string]string{"small": "1", "old": "x"})
	})
}
