package builtins

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server"
)

// What bears the name before is asked of uploads that may be resumed, but never at
// the price of a data connection.
func TestPutFile_OneDataConnection(t *testing.T) {
	for name, change := range map[string]func(*server.Options){
		"with MLST": nil,
		"without":   func(o *server.Options) { o.DisabledCommands = []string{"MLST", "MLSD"} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, siteOptions{change: change})
			large := strings.Repeat("x", resumeLeast)
			write(t, s.local, map[string]string{"large": large})
			result, o := s.result(`$r = PUTFILE("large")`)
			if result != "OK" || strings.Count(o.transcript, "passive: ") != 1 {
				t.Errorf("the result is %s\n%s", result, o.transcript)
			}
			holds(t, s.remote, map[string]string{"large": large})
		})
	}
}

func TestPutFile(t *testing.T) {
	cases := []struct {
		name   string
		script []string
		result string
		want   map[string]string // what is new on the server
		told   string
	}{
		{name: "one file", script: []string{`$r = PUTFILE("a.txt")`}, result: "OK", want: map[string]string{"a.txt": "alpha"}, told: "Uploaded /a.txt, 5 bytes"},
		{name: "an empty file", script: []string{`$r = PUTFILE("empty.txt")`}, result: "OK", want: map[string]string{"empty.txt": ""}},
		{name: "with a path", script: []string{`$r = PUTFILE("\sub\deep\e.txt")`}, result: "OK", want: map[string]string{"e.txt": "epsilon"}},
		{name: "under another name", script: []string{`$r = PUTFILE("a.txt","there/x.txt")`}, result: "OK", want: map[string]string{"there/x.txt": "alpha"}, told: "as there/x.txt"},
		{name: "over an older one", script: []string{`$r = PUTFILE("a.txt","old.txt")`}, result: "OK", want: map[string]string{"old.txt": "alpha"}},
		{name: "a missing file", script: []string{`$r = PUTFILE("z.txt")`}, result: "NO_SUCH_LOCAL_FILE"},
		{name: "a directory", script: []string{`$r = PUTFILE("sub")`}, result: "LOCAL_FAILURE"},
		{name: "a slash at the end", script: []string{`$r = PUTFILE("a.txt","there/")`}, result: "BAD_ARGUMENT"},
		{name: "into a directory that is missing", script: []string{`$r = PUTFILE("a.txt","nowhere/a.txt")`}, result: "NO_SUCH_REMOTE_FILE"},
		{name: "a wildcard", script: []string{`$r = PUTFILE("*.txt")`}, result: "OK", want: map[string]string{"a.txt": "alpha", "b.txt": "beta", "empty.txt": ""}},
		{name: "a wildcard with a path", script: []string{`$r = PUTFILE("sub/*.*")`}, result: "OK", want: map[string]string{"d.txt": "delta", "f.bin": "phi"}},
		{name: "a wildcard that nothing matches", script: []string{`$r = PUTFILE("*.zip")`}, result: "OK", told: "No file matches *.zip"},
		{name: "a wildcard in a directory that is missing", script: []string{`$r = PUTFILE("nowhere/*")`}, result: "NO_SUCH_LOCAL_FILE"},
		{name: "with subdirectories", script: []string{`CHDIR("there")`, `$r = PUTFILE("*.txt",SUBDIRS)`}, result: "OK",
			want: map[string]string{"there/a.txt": "alpha", "there/b.txt": "beta", "there/empty.txt": "", "there/sub/d.txt": "delta", "there/sub/deep/e.txt": "epsilon", "there/other/g.txt": "gamma"}},
		{name: "with subdirectories that exist", script: []string{`MKDIR("sub")`, `MKDIR("sub/deep")`, `$r = PUTFILE("e.txt",SUBDIRS)`}, result: "OK", want: map[string]string{"sub/deep/e.txt": "epsilon"}},
		{name: "exclusions", script: []string{`ADDEXCLUSION(LOCAL,"*.bin")`, `ADDEXCLUSION(LOCAL,"\sub\deep\")`, `ADDEXCLUSION(LOCAL,"other\")`, `ADDEXCLUSION(REMOTE,"*")`, `$r = PUTFILE("*",SUBDIRS)`}, result: "OK",
			want: map[string]string{"a.txt": "alpha", "b.txt": "beta", "empty.txt": "", "sub/d.txt": "delta"}},
		{name: "an excluded file by name", script: []string{`ADDEXCLUSION(LOCAL,"a.*")`, `$r = PUTFILE("a.txt")`}, result: "OK", told: "Skipping (excluded) /a.txt"},
		{name: "from another directory", script: []string{`LOCALCHDIR("sub")`, `$r = PUTFILE("*")`}, result: "OK", want: map[string]string{"d.txt": "delta", "f.bin": "phi"}},
		{name: "in active mode", script: []string{`SETPASSIVE(DISABLED)`, `$r = PUTFILE("a.txt")`}, result: "OK", want: map[string]string{"a.txt": "alpha"}, told: "active: "},
		{name: "whole or not at all", script: []string{`SETUPLOADMODE(ATOMIC)`, `$r = PUTFILE("?.txt")`}, result: "OK", want: map[string]string{"a.txt": "alpha", "b.txt": "beta"}},
		{name: "whole or not at all, over an older one", script: []string{`SETUPLOADMODE(ATOMIC)`, `$r = PUTFILE("a.txt","old.txt")`}, result: "OK", want: map[string]string{"old.txt": "alpha"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := map[string]string{"old.txt": "before", "there/x": "y"}
			s := newSite(t, siteOptions{files: before})
			write(t, s.local, tree())
			result, o := s.result(c.script...)
			if result != c.result {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
			if !o.tells(c.told) {
				t.Errorf("not told: %q\n%s", c.told, o.transcript)
			}
			maps.Copy(before, c.want)
			holds(t, s.remote, before)
		})
	}
}

func TestPutFileFaults(t *testing.T) {
	big := strings.Repeat("0123456789", 50_000)
	cases := []struct {
		name, faults, script, result string
		want                         map[string]string
		told                         string
	}{
		{"cut in place", "on STOR: cut 100000", `$r = PUTFILE("big","old.txt")`, "DATA_LOST", map[string]string{"old.txt": big[:100000]}, "old.txt on the server is not whole: 100000 of 500000 bytes arrived"},
		{"called complete too early", "on STOR: cut 100000 orderly; final 226 done", `$r = PUTFILE("big")`, "", nil, "big"},
		{"refused", "on STOR: reply 553 Could not create file, permission denied", `$r = PUTFILE("a.txt")`, "NO_REMOTE_PERMISSION", map[string]string{"old.txt": "before"}, ""},
		{"no space", "on STOR: reply 552 quota exceeded", `$r = PUTFILE("?.txt")`, "NO_REMOTE_SPACE", map[string]string{"old.txt": "before"}, ""},
		{"the second of three", "on STOR b.txt: reply 553 permission denied", `$r = PUTFILE("*.txt")`, "PARTIAL_SUCCESS", map[string]string{"old.txt": "before", "a.txt": "alpha", "empty.txt": ""}, "b.txt: "},
		{"a size that lies", "on MLST: reply 500 no\non SIZE: reply 213 4", `$r = PUTFILE("a.txt")`, "SIZE_MISMATCH", map[string]string{"old.txt": "before", "a.txt": "alpha"}, "4 bytes are there, 5 were expected"},
		{"a folder that something empties", "on MLST: reply 550 No such file", `$r = PUTFILE("a.txt")`, "OK", map[string]string{"old.txt": "before", "a.txt": "alpha"}, ""},
		{"atomic and cut", "on STOR: cut 100000", `$r = PUTFILE("big","old.txt")`, "DATA_LOST", map[string]string{"old.txt": "before"}, ""},
		{"atomic and a size that lies", "on MLST: reply 500 no\non SIZE: reply 213 4", `$r = PUTFILE("a.txt","old.txt")`, "SIZE_MISMATCH", map[string]string{"old.txt": "before"}, ""},
		{"atomic and no renaming onto a name", "on RNTO old.txt 1: reply 550 File exists", `$r = PUTFILE("a.txt","old.txt")`, "OK", map[string]string{"old.txt": "alpha"}, ""},
		{"atomic and no renaming at all", "on RNTO: reply 553 permission denied", `$r = PUTFILE("a.txt","old.txt")`, "OK", map[string]string{"old.txt": "alpha"}, "files are written in place from now on"},
		{"atomic and no name but the file's own", "on STOR .sftpc*: reply 553 Name not allowed", `$r = PUTFILE("a.txt","old.txt")`, "OK", map[string]string{"old.txt": "alpha"}, "files are written in place from now on"},
		{"atomic and renaming away only", "on RNTO old.txt 1-2: reply 550 File exists", `$r = PUTFILE("a.txt","old.txt")`, "REMOTE_EXISTS", map[string]string{"old.txt": "before"}, ""},
		{"atomic and no way back", "on RNTO old.txt: reply 550 File exists", `$r = PUTFILE("a.txt","old.txt")`, "REMOTE_EXISTS", nil, "could not be moved back"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, siteOptions{files: map[string]string{"old.txt": "before"}, faults: c.faults})
			write(t, s.local, tree())
			write(t, s.local, map[string]string{"big": big})
			mode := "OVERWRITE"
			if strings.HasPrefix(c.name, "atomic") {
				mode = "ATOMIC"
			}
			result, o := s.result(`SETTIMEOUT(60)`, `SETUPLOADMODE(`+mode+`)`, c.script)
			if c.result != "" && result != c.result || result == "OK" && c.result == "" {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
			if !o.tells(c.told) {
				t.Errorf("not told: %q\n%s", c.told, o.transcript)
			}
			if c.want != nil {
				holds(t, s.remote, c.want)
			}
		})
	}
}

// A server that lost the file for a moment must have it under one of two names,
// and a message says which.
func TestPutFileAtomicTellsWhereTheOldFileIs(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"old.txt": "before"}, faults: "on RNTO old.txt: reply 550 File exists"})
	write(t, s.local, map[string]string{"a.txt": "alpha"})
	_, o := s.result(`SETUPLOADMODE(ATOMIC)`, `$r = PUTFILE("a.txt","old.txt")`)
	for name, text := range read(t, s.remote) {
		if text == "before" && !o.has("old.txt is now called "+name) {
			t.Errorf("the old file is %s, which nobody is told\n%s", name, o.transcript)
		}
	}
	if len(read(t, s.remote)) != 1 {
		t.Errorf("the server has %q", read(t, s.remote))
	}
}

func TestPutFileDoesNotFollowLinks(t *testing.T) {
	s := newSite(t, siteOptions{})
	write(t, s.local, map[string]string{"a.txt": "alpha", "dir/b.txt": "beta"})
	for name, to := range map[string]string{"link.txt": "a.txt", "loop": ".", "dir/up": ".."} {
		if err := os.Symlink(to, filepath.Join(s.local, filepath.FromSlash(name))); err != nil {
			if runtime.GOOS == "windows" {
				t.Logf("this system makes no links: %v", err)
				return
			}
			t.Fatal(err)
		}
	}
	result, o := s.result(`$r = PUTFILE("*",SUBDIRS)`)
	if result != "OK" || !o.has("Skipping (a link) /link.txt") {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	holds(t, s.remote, map[string]string{"a.txt": "alpha", "dir/b.txt": "beta"})
	// A link that the script names is what it leads to.
	if result, o := s.result(`$r = PUTFILE("link.txt","named.txt")`); result != "OK" {
		t.Errorf("by name: %s\n%s", result, o.transcript)
	}
}

// The order of an upload is the order of names, whatever the directory's is.
func TestPutFileGoesInTheOrderOfNames(t *testing.T) {
	s := newSite(t, siteOptions{})
	write(t, s.local, map[string]string{"b": "1", "a": "1", "C": "1", "z/a": "1", "y": "1"})
	o := s.on(`PUTFILE("*",SUBDIRS)`)
	var order []string
	for _, e := range o.events {
		if e.Kind == FileEnd {
			order = append(order, e.File.Remote)
		}
	}
	if got := strings.Join(order, " "); got != "C a b y z/a" {
		t.Errorf("the order is %s", got)
	}
}

func TestPutFileLeavesPartsOut(t *testing.T) {
	s := newSite(t, siteOptions{})
	write(t, s.local, map[string]string{netio.PartName("x"): "half", "a": "1"})
	s.on(`PUTFILE("*")`)
	holds(t, s.remote, map[string]string{"a": "1"})
}

func TestPutFileServersThatKnowLittle(t *testing.T) {
	s := newSite(t, siteOptions{change: func(o *server.Options) {
		o.DisabledCommands = []string{"MLSD", "MLST", "SIZE", "MDTM", "EPSV", "FEAT"}
	}})
	write(t, s.local, tree())
	if result, o := s.result(`$r = PUTFILE("*.txt",SUBDIRS)`); result != "OK" {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	if len(read(t, s.remote)) != 6 {
		t.Errorf("the server has %q", read(t, s.remote))
	}
}
