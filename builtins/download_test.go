package builtins

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server"
)

// tree is what most tests have on the server.
func tree() map[string]string {
	return map[string]string{
		"a.txt": "alpha", "b.txt": "beta", "c.bin": "\x00\x01\xff", "empty.txt": "",
		"sub/d.txt": "delta", "sub/deep/e.txt": "epsilon", "sub/f.bin": "phi", "other/g.txt": "gamma", "bare/": "",
	}
}

func TestGetFile(t *testing.T) {
	cases := []struct {
		name   string
		script []string
		result string
		want   map[string]string
		told   string
	}{
		{name: "one file", script: []string{`$r = GETFILE("a.txt")`}, result: "OK", want: map[string]string{"a.txt": "alpha"}, told: "Downloaded a.txt, 5 bytes"},
		{name: "an empty file", script: []string{`$r = GETFILE("empty.txt")`}, result: "OK", want: map[string]string{"empty.txt": ""}},
		{name: "with a path", script: []string{`$r = GETFILE("/sub/deep/e.txt")`}, result: "OK", want: map[string]string{"e.txt": "epsilon"}},
		{name: "under another name", script: []string{`$r = GETFILE("a.txt","x.txt")`}, result: "OK", want: map[string]string{"x.txt": "alpha"}, told: "as /x.txt"},
		{name: "a missing file", script: []string{`$r = GETFILE("z.txt")`}, result: "NO_SUCH_REMOTE_FILE"},
		{name: "a directory", script: []string{`$r = GETFILE("sub")`}, result: "BAD_ARGUMENT"},
		{name: "a slash at the end", script: []string{`$r = GETFILE("sub/")`}, result: "BAD_ARGUMENT"},
		{name: "a wildcard", script: []string{`$r = GETFILE("*.txt")`}, result: "OK", want: map[string]string{"a.txt": "alpha", "b.txt": "beta", "empty.txt": ""}},
		{name: "star point star is star", script: []string{`$r = GETFILE("sub/*.*")`}, result: "OK", want: map[string]string{"d.txt": "delta", "f.bin": "phi"}},
		{name: "a wildcard that nothing matches", script: []string{`$r = GETFILE("*.zip")`}, result: "OK", told: "No file matches *.zip"},
		{name: "a wildcard in a directory that is missing", script: []string{`$r = GETFILE("nowhere/*")`}, result: "NO_SUCH_REMOTE_FILE"},
		{name: "with subdirectories", script: []string{`$r = GETFILE("*.txt",SUBDIRS)`}, result: "OK",
			want: map[string]string{"a.txt": "alpha", "b.txt": "beta", "empty.txt": "", "sub/d.txt": "delta", "sub/deep/e.txt": "epsilon", "other/g.txt": "gamma"}},
		{name: "a name with subdirectories", script: []string{`$r = GETFILE("e.txt",SUBDIRS)`}, result: "OK", want: map[string]string{"sub/deep/e.txt": "epsilon"}},
		{name: "a name that no subdirectory has", script: []string{`$r = GETFILE("z.txt",SUBDIRS)`}, result: "NO_SUCH_REMOTE_FILE"},
		{name: "exclusions", script: []string{`ADDEXCLUSION(REMOTE,"*.bin")`, `ADDEXCLUSION(REMOTE,"/sub/deep/")`, `ADDEXCLUSION(REMOTE,"other/")`, `ADDEXCLUSION(LOCAL,"*")`, `$r = GETFILE("*",SUBDIRS)`}, result: "OK",
			want: map[string]string{"a.txt": "alpha", "b.txt": "beta", "empty.txt": "", "sub/d.txt": "delta"}},
		{name: "an excluded file by name", script: []string{`ADDEXCLUSION(REMOTE,"a.*")`, `$r = GETFILE("a.txt")`}, result: "OK", told: "Skipping (excluded) a.txt"},
		{name: "exclusions cleared", script: []string{`ADDEXCLUSION(REMOTE,"a.*")`, `CLEAREXCLUSION(REMOTE)`, `$r = GETFILE("a.txt")`}, result: "OK", want: map[string]string{"a.txt": "alpha"}},
		{name: "into a local directory", script: []string{`LOCALMKDIR("in")`, `LOCALCHDIR("in")`, `$r = GETFILE("a.txt")`}, result: "OK", want: map[string]string{"in/a.txt": "alpha"}},
		{name: "into a local directory that is missing", script: []string{`$r = GETFILE("a.txt","in/a.txt")`}, result: "NO_SUCH_LOCAL_FILE"},
		{name: "over a local directory", script: []string{`LOCALMKDIR("a.txt")`, `$r = GETFILE("a.txt")`}, result: "LOCAL_EXISTS"},
		{name: "from another directory", script: []string{`CHDIR("sub")`, `$r = GETFILE("*")`}, result: "OK", want: map[string]string{"d.txt": "delta", "f.bin": "phi"}},
		{name: "in active mode", script: []string{`SETPASSIVE(DISABLED)`, `$r = GETFILE("a.txt")`}, result: "OK", want: map[string]string{"a.txt": "alpha"}, told: "active: "},
		{name: "as text", script: []string{`SETTYPE(ASCII)`, `$r = GETFILE("a.txt")`}, result: "OK", want: map[string]string{"a.txt": "alpha"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, siteOptions{files: tree()})
			result, o := s.result(c.script...)
			if result != c.result {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
			if !o.tells(c.told) {
				t.Errorf("not told: %q\n%s", c.told, o.transcript)
			}
			holds(t, s.local, c.want)
		})
	}
}

// What a server does wrong must never end as a file under its final name that is
// not the whole one.
func TestGetFileFaults(t *testing.T) {
	cases := []struct {
		name, faults, script, result string
		want                         map[string]string
		told                         string
	}{
		{"cut after some bytes", "on RETR: cut 2", `$r = GETFILE("a.txt")`, "DATA_LOST", nil, ""},
		{"cut in good order and called complete", "on RETR: cut 2 orderly; final 226 done", `$r = GETFILE("a.txt")`, "SIZE_MISMATCH", nil, "2 bytes are there, 5 were expected"},
		{"more than it said", `on RETR: payload "alphabet"`, `$r = GETFILE("a.txt")`, "SIZE_MISMATCH", nil, "8 bytes"},
		{"a size that lies", "on SIZE: reply 213 9\non MLST: reply 500 no", `$r = GETFILE("a.txt")`, "SIZE_MISMATCH", nil, ""},
		{"refused", "on RETR: reply 550 Permission denied", `$r = GETFILE("a.txt")`, "NO_REMOTE_PERMISSION", nil, ""},
		{"no data connection", "on EPSV: refuse\non PASV: refuse", `$r = GETFILE("a.txt")`, "PASSIVE_DATA_FAILED", nil, ""},
		{"the second of three", "on RETR b.txt: cut 1", `$r = GETFILE("?.txt")`, "PARTIAL_SUCCESS", map[string]string{"a.txt": "alpha"}, "b.txt: "},
		{"all of them alike", "on RETR: reply 450 busy", `$r = GETFILE("?.txt")`, "REMOTE_BUSY", nil, ""},
		{"the connection", "on RETR b.txt: close", `$r = GETFILE("*.txt")`, "CONNECTION_LOST", map[string]string{"a.txt": "alpha"}, ""},
		{"the listing", "on MLSD: cut 10", `$r = GETFILE("*.txt")`, "DATA_LOST", nil, ""},
		{"the listing of a subdirectory", `on MLSD sub: reply 550 no`, `$r = GETFILE("?.txt",SUBDIRS)`, "PARTIAL_SUCCESS",
			map[string]string{"a.txt": "alpha", "b.txt": "beta", "other/g.txt": "gamma"}, "sub was not listed"},
		{"a line that means nothing", `on MLSD: payload "type=file;size=5; a.txt\r\nwhat is this\r\n"`, `$r = GETFILE("*")`, "PARTIAL_SUCCESS",
			map[string]string{"a.txt": "alpha"}, "not understood"},
		{"a name that leads out", `on MLSD: payload "type=file;size=5; a.txt\r\ntype=file;size=5; ../b.txt\r\n"`, `$r = GETFILE("*")`, "PARTIAL_SUCCESS",
			map[string]string{"a.txt": "alpha"}, "unsafe"},
		{"a name of 60 KiB", `on MLSD: payload "type=file;size=5; a.txt\r\ntype=file;size=5; ` + strings.Repeat("x", 60<<10) + `\r\n"`, `$r = GETFILE("*")`, "PARTIAL_SUCCESS",
			map[string]string{"a.txt": "alpha"}, ""},
		{"a line without an end", `on MLSD: payload "type=file;size=5; ` + strings.Repeat("x", 70<<10) + `\r\n"`, `$r = GETFILE("*")`, "PROTOCOL_ERROR", nil, ""},
		{"our own unfinished names", `on MLSD: payload "type=file;size=5; .sftpc-0123456789abcdef.part\r\n"`, `$r = GETFILE("*")`, "OK", nil, "No file matches"},
		{"the same name twice", `on MLSD: payload "type=file;size=5; a.txt\r\ntype=file;size=5; a.txt\r\n"` + "\non RETR 2-: reply 550 once is enough", `$r = GETFILE("*")`, "OK",
			map[string]string{"a.txt": "alpha"}, ""},
		{"a link", `on MLSD: payload "type=OS.unix=slink:/etc; etc\r\ntype=file;size=5; a.txt\r\n"`, `$r = GETFILE("*",SUBDIRS)`, "OK", map[string]string{"a.txt": "alpha"}, "Skipping (a link) etc"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, siteOptions{files: tree(), faults: c.faults})
			result, o := s.result(`SETTIMEOUT(2)`, c.script)
			if result != c.result {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
			if !o.tells(c.told) {
				t.Errorf("not told: %q\n%s", c.told, o.transcript)
			}
			got := read(t, s.local)
			for name := range got {
				if netio.IsPartName(filepath.Base(name)) {
					delete(got, name) // kept for a later run
				}
			}
			if want := c.want; !maps.Equal(got, want) {
				t.Errorf("files are %q\n     want %q", got, want)
			}
		})
	}
}

// Names that a server may well have, and that would do harm if they were anything
// but names.
func TestGetFileStrangeNames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the server's own file system has no such names on Windows")
	}
	files := map[string]string{
		"*": "star", "?": "question", "[ab]": "bracket", "\x1b[2J": "escape", " lead": "blank", "-rf": "option", "a|b": "bar",
		"\xff\xfe": "bytes", "rtl\u202egnp.exe": "bidi", strings.Repeat("ä", 127): "long", "%s%n": "verbs", "sub/ x ": "inner",
	}
	s := newSite(t, siteOptions{files: files})
	if result, o := s.result(`$r = GETFILE("*.*",SUBDIRS)`); result != "OK" || !o.has(`\x1b[2J`) || strings.ContainsAny(o.transcript, "\x1b\u202e") {
		t.Errorf("all of them: %s\n%s", result, o.transcript)
	}
	holds(t, s.local, files)

	s = newSite(t, siteOptions{files: files})
	// Each is first looked for letter by letter.
	if o := s.on(`PRINT(GETFILE("*").GETFILE("?").GETFILE("[ab]"))`); o.stdout != "OKOKOK\n" {
		t.Errorf("letter by letter: %s\n%s", o.stdout, o.transcript)
	}
	holds(t, s.local, map[string]string{"*": "star", "?": "question", "[ab]": "bracket"})
}

func TestGetFileStopsInTreesWithoutEnd(t *testing.T) {
	deep := strings.Repeat("d/", 300)
	s := newSite(t, siteOptions{files: map[string]string{"a.txt": "alpha", deep + "e.txt": "epsilon"}, change: func(o *server.Options) { o.Log = nil }})
	if result, o := s.result(`$r = GETFILE("*.txt",SUBDIRS)`); result != "PARTIAL_SUCCESS" || !o.has("deeper than 256") {
		t.Errorf("the result is %s\n%.1000s", result, o.transcript)
	}
	holds(t, s.local, map[string]string{"a.txt": "alpha"})
}

func TestGetFileServersWithoutMLSD(t *testing.T) {
	for _, disabled := range [][]string{{"MLSD", "MLST"}, {"MLSD", "MLST", "SIZE"}, {"MLSD", "MLST", "SIZE", "MDTM", "EPSV", "FEAT"}} {
		t.Run(strings.Join(disabled, " "), func(t *testing.T) {
			s := newSite(t, siteOptions{files: tree(), change: func(o *server.Options) { o.DisabledCommands = disabled }})
			if result, o := s.result(`$r = GETFILE("a.txt")`); result != "OK" {
				t.Errorf("one file: %s\n%s", result, o.transcript)
			}
			if result, o := s.result(`$r = GETFILE("*.bin",SUBDIRS)`); result != "OK" {
				t.Errorf("a set: %s\n%s", result, o.transcript)
			}
			holds(t, s.local, map[string]string{"a.txt": "alpha", "c.bin": "\x00\x01\xff", "sub/f.bin": "phi"})
		})
	}
}

func TestGetFileKeepsTheServersTime(t *testing.T) {
	s := newSite(t, siteOptions{files: tree()})
	when := time.Date(2021, 7, 8, 9, 10, 11, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(s.remote, "a.txt"), when, when); err != nil {
		t.Fatal(err)
	}
	s.on(`GETFILE("a.txt")`)
	info, err := os.Stat(filepath.Join(s.local, "a.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if !info.ModTime().Equal(when) {
		t.Errorf("the file is of %v, on the server of %v", info.ModTime().UTC(), when)
	}
}

// What a cut download left is taken up by the next run, and only if it is a piece
// of the same file.
func TestGetFileResumes(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	for _, c := range []struct {
		name    string
		between func(s *site)
		told    bool
	}{
		{"the same file", func(*site) {}, true},
		{"another file of that name", func(s *site) {
			write(s.T, s.remote, map[string]string{"big": "X" + text[1:]})
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(s.remote, "big"), later, later); err != nil {
				s.Fatal(err)
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, siteOptions{files: map[string]string{"big": text}, faults: "on RETR 1: cut 600000"})
			if result, o := s.result(`$r = GETFILE("big")`); result != "DATA_LOST" {
				t.Fatalf("the first run: %s\n%s", result, o.transcript)
			}
			c.between(s)
			result, o := s.result(`$r = GETFILE("big")`)
			if result != "OK" || o.has("Resuming big at") != c.told {
				t.Errorf("the second run: %s\n%s", result, o.transcript)
			}
			holds(t, s.local, read(t, s.remote))
		})
	}
}

// Cancelling a run leaves nothing under the file's name and keeps what arrived.
func TestGetFileCancelled(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"big": strings.Repeat("x", 1<<20)}, faults: "on RETR 1: stall 300000"})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	begun := make(chan struct{})
	go func() {
		<-begun
		cancel()
	}()
	s.job.Events = func(e Event) {
		if e.Kind == FileStart {
			close(begun)
		}
	}
	o := s.runContext(ctx, `OPENHOST("ftp.test","joe","pass-word-1")`, `GETFILE("big")`, `PRINT("not reached")`)
	if o.err == nil || o.stdout != "" {
		t.Errorf("the run goes on after it was cancelled: %v %q", o.err, o.stdout)
	}
	for name := range read(t, s.local) {
		if !netio.IsPartName(name) {
			t.Errorf("%s is there although the download was cancelled", name)
		}
	}
}

func TestGetFileTellsOfProgress(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"big": strings.Repeat("x", 400_000)}, faults: "on RETR: rate 400000"})
	o := s.on(`GETFILE("big")`)
	var kinds []EventKind
	for _, e := range o.events {
		if e.File == nil {
			continue
		}
		if len(kinds) == 0 || kinds[len(kinds)-1] != e.Kind {
			kinds = append(kinds, e.Kind)
		}
		if e.File.Size != 400_000 || e.File.Remote != "big" || e.File.Local != "/big" || e.File.Upload {
			t.Fatalf("the event tells %+v", *e.File)
		}
	}
	if want := []EventKind{FileStart, FileProgress, FileEnd}; len(kinds) != 3 || kinds[1] != want[1] {
		t.Errorf("the file was told of as %v, want %v", kinds, want)
	}
	if o.result.Summary.Bytes != 400_000 {
		t.Errorf("the summary counts %d bytes", o.result.Summary.Bytes)
	}
}

// Where the local system does not tell names apart that differ in case, a server
// that does must not have its files written over each other.
func TestGetFileNamesThatAreOneHere(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the server's own file system has no such names on Windows")
	}
	s := newSite(t, siteOptions{files: map[string]string{"README": "capitals", "readme": "small", "Sub/a": "1", "sub/A": "2"}})
	s.replace("GETFILE", func(state *State, a *arguments) error {
		files, err := netio.OpenLocal(netio.LocalOptions{System: "windows", Root: s.local})
		if err != nil {
			return err
		}
		defer files.Close()
		before, here := state.files, state.here
		defer func() { state.files, state.here = before, here }()
		state.files, state.here = files, files.Start()
		return state.getFile(a)
	})
	result, o := s.result(`$r = GETFILE("*",SUBDIRS)`)
	if result != "PARTIAL_SUCCESS" || !o.has("readme is left out") || !o.has("sub/A is left out") {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	holds(t, s.local, map[string]string{"README": "capitals", "Sub/a": "1"})
}
