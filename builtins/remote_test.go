package builtins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server"
)

func TestRemoteCommands(t *testing.T) {
	cases := []struct {
		script []string
		result string
		gone   string // a name that is no longer on the server
		there  string // a name that is
	}{
		{script: []string{`$r = CHDIR("sub/deep")`}, result: "OK"},
		{script: []string{`$r = CHDIR("nowhere")`}, result: "NO_SUCH_REMOTE_FILE"},
		{script: []string{`$r = CHDIR("a.txt")`}, result: "REMOTE_REFUSED"},
		{script: []string{`$r = MKDIR("new")`}, result: "OK", there: "new"},
		{script: []string{`$r = MKDIR("sub")`}, result: "REMOTE_EXISTS"},
		{script: []string{`$r = MKDIR("nowhere/new")`}, result: "NO_SUCH_REMOTE_FILE"},
		{script: []string{`$r = RMDIR("bare")`}, result: "OK", gone: "bare"},
		{script: []string{`$r = RMDIR("sub")`}, result: "DIRECTORY_NOT_EMPTY", there: "sub/d.txt"},
		{script: []string{`$r = RMDIR("nowhere")`}, result: "NO_SUCH_REMOTE_FILE"},
		{script: []string{`$r = RENAMEFILE("a.txt","sub/x.txt")`}, result: "OK", gone: "a.txt", there: "sub/x.txt"},
		{script: []string{`$r = RENAMEFILE("z.txt","x.txt")`}, result: "NO_SUCH_REMOTE_FILE"},
		{script: []string{`$r = DELETEFILE("a.txt")`}, result: "OK", gone: "a.txt", there: "b.txt"},
		{script: []string{`$r = DELETEFILE("z.txt")`}, result: "NO_SUCH_REMOTE_FILE"},
		{script: []string{`$r = DELETEFILE("sub/")`}, result: "BAD_ARGUMENT"},
		{script: []string{`$r = DELETEFILE("*.txt")`}, result: "OK", gone: "b.txt", there: "c.bin"},
		{script: []string{`$r = DELETEFILE("sub/*")`}, result: "OK", gone: "sub/d.txt", there: "sub/deep/e.txt"},
		{script: []string{`$r = DELETEFILE("*.zip")`}, result: "OK", there: "a.txt"},
		{script: []string{`ADDEXCLUSION(REMOTE,"*")`, `$r = DELETEFILE("?.txt")`}, result: "OK", gone: "a.txt"},
		{script: []string{`$r = CHMOD("a.txt","600")`}, result: "OK", there: "a.txt"},
		{script: []string{`$r = CHMOD("a.txt","0644")`}, result: "OK"},
		{script: []string{`$r = CHMOD("a.txt","668")`}, result: "BAD_ARGUMENT"},
		{script: []string{`$r = CHMOD("a.txt","rw-r--r--")`}, result: "BAD_ARGUMENT"},
		{script: []string{`$r = CHMOD("a.txt","-644")`}, result: "BAD_ARGUMENT"},
		{script: []string{`$r = CHMOD("a.txt","17777")`}, result: "BAD_ARGUMENT"},
		{script: []string{`$r = RAWCOMMAND("NOOP")`}, result: "OK"},
		{script: []string{`$r = RAWCOMMAND("MKD raw")`}, result: "OK", there: "raw"},
		{script: []string{`$r = RAWCOMMAND("RMD nowhere")`}, result: "REMOTE_REFUSED"},
		{script: []string{`$r = RAWCOMMAND("XYZZY")`}, result: "NOT_SUPPORTED"},
		{script: []string{`$r = RAWCOMMAND("PASV")`}, result: "DENIED"},
		{script: []string{`$r = RAWCOMMAND("  ")`}, result: "BAD_ARGUMENT"},
		{script: []string{`CLOSEHOST`, `$r = CHDIR("sub")`}, result: "NOT_CONNECTED"},
	}
	for _, c := range cases {
		t.Run(strings.Join(c.script, ";"), func(t *testing.T) {
			s := newSite(t, siteOptions{files: tree(), faults: "on RMD sub: reply 550 Directory not empty"})
			result, o := s.result(c.script...)
			if result != c.result {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
			if c.gone != "" {
				if _, err := os.Lstat(filepath.Join(s.remote, c.gone)); err == nil {
					t.Errorf("%s is still there", c.gone)
				}
			}
			if c.there != "" {
				if _, err := os.Lstat(filepath.Join(s.remote, c.there)); err != nil {
					t.Errorf("%s is not there: %v", c.there, err)
				}
			}
		})
	}
}

// Nothing is deleted where it is not certain what the server meant.
func TestDeleteFileNeedsAWholeListing(t *testing.T) {
	for _, c := range []struct {
		name, faults, result string
		left                 int // of the files of tree
	}{
		{"a line that means nothing", `on MLSD: payload "type=file;size=5; a.txt\r\nwhat is this\r\n"`, "PROTOCOL_ERROR", 8},
		{"a listing that is cut", "on MLSD: cut 20", "DATA_LOST", 8},
		{"a listing that is refused", "on MLSD: reply 550 no", "REMOTE_REFUSED", 8},
		{"a name that leads out", `on MLSD: payload "type=file;size=5; a.txt\r\ntype=file;size=5; ../b.txt\r\n"`, "PARTIAL_SUCCESS", 7},
		{"one that is refused", "on DELE b.txt: reply 550 permission denied", "PARTIAL_SUCCESS", 6},
		{"the connection", "on DELE b.txt: close", "CONNECTION_LOST", 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, siteOptions{files: tree(), faults: c.faults})
			result, o := s.result(`$r = DELETEFILE("*.txt")`)
			if result != c.result {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
			if got := len(read(t, s.remote)); got != c.left {
				t.Errorf("%d files are left, want %d", got, c.left)
			}
		})
	}
}

func TestAboutFiles(t *testing.T) {
	cases := []struct{ script, want string }{
		{`GETFILESIZE("a.txt")`, "5"},
		{`GETFILESIZE("empty.txt")`, "0"},
		{`GETFILESIZE(REMOTE,"sub/d.txt")`, "5"},
		{`GETFILESIZE(LOCAL,"here.txt")`, "4"},
		{`GETFILESIZE(LOCAL,"\here.txt")`, "4"},
		{`GETFILETIME("a.txt")`, "2021_07_08-10_10_11"},
		{`GETFILETIME(LOCAL,"here.txt")`, "2021_07_08-10_10_11"},
		{`FILEEXISTS("a.txt")`, "TRUE"},
		{`FILEEXISTS("z.txt")`, "FALSE"},
		{`FILEEXISTS("sub")`, "TRUE"},
		{`FILEEXISTS("nowhere/z.txt")`, "FALSE"},
		{`FILEEXISTS(LOCAL,"here.txt")`, "TRUE"},
		{`FILEEXISTS(LOCAL,"z.txt")`, "FALSE"},
		{`FILEEXISTS(LOCAL,"nowhere\z.txt")`, "FALSE"},
		{`CWDIR`, "/"},
		{`LOCALCWDIR`, "/"},
	}
	dialects := map[string][]string{"with MLST": nil, "with SIZE and MDTM": {"MLSD", "MLST"}}
	for name, disabled := range dialects {
		s := newSite(t, siteOptions{files: tree(),
			change:  func(o *server.Options) { o.DisabledCommands = disabled },
			options: func(o *Options) { o.Zone = time.FixedZone("+1", 3600) },
		})
		write(t, s.local, map[string]string{"here.txt": "here"})
		when := time.Date(2021, 7, 8, 9, 10, 11, 0, time.UTC)
		for _, path := range []string{filepath.Join(s.remote, "a.txt"), filepath.Join(s.local, "here.txt")} {
			if err := os.Chtimes(path, when, when); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range cases {
			if o := s.on("PRINT(" + c.script + ")"); o.stdout != c.want+"\n" {
				t.Errorf("%s, %s: got %q, want %s\n%s", name, c.script, o.stdout, c.want, o.transcript)
			}
		}
	}
}

func TestAboutFilesFailures(t *testing.T) {
	cases := []struct{ faults, script, result string }{
		{"", `$r = GETFILESIZE("z.txt")`, "NO_SUCH_REMOTE_FILE"},
		{"", `$r = GETFILESIZE("sub")`, "BAD_ARGUMENT"},
		{"", `$r = GETFILESIZE(LOCAL,"z.txt")`, "NO_SUCH_LOCAL_FILE"},
		{"", `$r = GETFILESIZE(LOCAL,"")`, "BAD_ARGUMENT"},
		{"", `$r = GETFILETIME("z.txt")`, "NO_SUCH_REMOTE_FILE"},
		{"on MLST: close", `$r = FILEEXISTS("z.txt")`, "CONNECTION_LOST"},
		{"on MLST: reply 450 later", `$r = FILEEXISTS("z.txt")`, "REMOTE_BUSY"},
		// A server that does not tell a file that is not there from one that it hides.
		{"on MLST: reply 550 no\non SIZE: reply 550 no\non MLSD: payload \"what is this\\r\\n\"", `$r = FILEEXISTS("z.txt")`, "NOT_SUPPORTED"},
	}
	for _, c := range cases {
		t.Run(c.script+c.faults, func(t *testing.T) {
			s := newSite(t, siteOptions{files: tree(), faults: c.faults})
			result, o := s.result(c.script)
			if result != c.result || strings.Contains(o.stdout, "FALSE") {
				t.Errorf("the result is %s, want %s\n%s%s", result, c.result, o.stdout, o.transcript)
			}
		})
	}
}

func TestDirectoriesInto(t *testing.T) {
	s := newSite(t, siteOptions{files: tree(), options: func(o *Options) { o.Drives = map[string]string{"C": t.TempDir()} }})
	o := s.on(
		`CHDIR("sub")`, `$r = CWDIR($d)`, `PRINT($r." ".$d)`,
		`$d = "before"`, `CLOSEHOST`, `$r = CWDIR($d)`, `PRINT($r." [".$d."]")`,
		`LOCALMKDIR("C:\WINDOWS")`, `LOCALMKDIR("C:\WINDOWS\TEMP")`, `LOCALCHDIR("C:/WINDOWS/TEMP/")`, `LOCALCWDIR($d)`, `PRINT($d)`,
	)
	want := "OK /sub\n20303 []\nC:\\WINDOWS\\TEMP\n"
	if o.stdout != want {
		t.Errorf("got %q, want %q\n%s", o.stdout, want, o.transcript)
	}
}

func TestLocalCommands(t *testing.T) {
	cases := []struct{ script, result string }{
		{`$r = LOCALMKDIR("new")`, "OK"},
		{`$r = LOCALMKDIR("there")`, "LOCAL_EXISTS"},
		{`$r = LOCALMKDIR("nowhere/new")`, "NO_SUCH_LOCAL_FILE"},
		{`$r = LOCALRMDIR("there/bare")`, "OK"},
		{`$r = LOCALRMDIR("there")`, "DIRECTORY_NOT_EMPTY"},
		{`$r = LOCALRMDIR("nowhere")`, "NO_SUCH_LOCAL_FILE"},
		{`$r = LOCALCHDIR("there\bare")`, "OK"},
		{`$r = LOCALCHDIR("..")`, "OK"},
		{`$r = LOCALCHDIR("nowhere")`, "NO_SUCH_LOCAL_FILE"},
		{`$r = LOCALCHDIR("there/file")`, "NO_SUCH_LOCAL_FILE"},
		{`$r = LOCALCHDIR("")`, "BAD_ARGUMENT"},
	}
	for _, c := range cases {
		s := newSite(t, siteOptions{})
		write(t, s.local, map[string]string{"there/bare/": "", "there/file": "x"})
		// None of them needs a connection.
		o := s.run(c.script, "PRINT($r)", "PRINT(GETERROR(NAME))")
		if got := o.lines()[1]; got != c.result {
			t.Errorf("%s: got %s, want %s\n%s", c.script, got, c.result, o.transcript)
		}
	}
}

func TestGetList(t *testing.T) {
	cases := []struct {
		script, want string
	}{
		{`GETLIST($l, REMOTE_FILES)`, "a.txt|b.txt|c.bin|empty.txt"},
		{`GETLIST($l, REMOTE_DIRS)`, "bare|other|sub"},
		{`GETLIST($l, REMOTE_FILES, "?.txt")`, "a.txt|b.txt"},
		{`GETLIST($l, REMOTE_FILES, "*.*", NAME)`, "a.txt|b.txt|c.bin|empty.txt"},
		{`GETLIST($l, REMOTE_FILES, "*.txt", NEWEST)`, "b.txt|a.txt|empty.txt"},
		{`GETLIST($l, REMOTE_FILES, "*.txt", OLDEST)`, "empty.txt|a.txt|b.txt"},
		{`GETLIST($l, REMOTE_FILES, "*.zip")`, ""},
		{`GETLIST($l, LOCAL_FILES)`, "Z|here|there"},
		{`GETLIST($l, LOCAL_DIRS)`, "dir"},
		{`GETLIST($l, LOCAL_FILES, "*here", OLDEST)`, "there|here"},
	}
	s := newSite(t, siteOptions{files: tree()})
	write(t, s.remote, map[string]string{netio.PartName("x"): "half"})
	write(t, s.local, map[string]string{"here": "", "there": "", "dir/x": "", "Z": "", netio.PartName("x"): "half"})
	for i, path := range []string{filepath.Join(s.remote, "empty.txt"), filepath.Join(s.remote, "a.txt"), filepath.Join(s.remote, "b.txt"), filepath.Join(s.local, "there"), filepath.Join(s.local, "here")} {
		when := time.Date(2021, 7, 8, 9, 10, 11+i, 0, time.UTC)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range cases {
		o := s.on(`$l = "before"`, "$r = "+c.script, `PRINT($r." ".$l)`)
		if want := "OK " + c.want + "\n"; o.stdout != want {
			t.Errorf("%s: got %q, want %q\n%s", c.script, o.stdout, want, o.transcript)
		}
	}
}

func TestGetListFaults(t *testing.T) {
	cases := []struct {
		name, faults, result, list, told string
	}{
		{"a bar in a name", `on MLSD: payload "type=file; a|b\r\ntype=file; c\r\n"`, "PARTIAL_SUCCESS", "c", `"a|b" is left out`},
		{"a line that means nothing", `on MLSD: payload "type=file; c\r\nwhat is this\r\n"`, "PARTIAL_SUCCESS", "c", "not understood"},
		{"a name that leads out", `on MLSD: payload "type=file; c\r\ntype=file; ..\\\\..\\\\x/y\r\n"`, "PARTIAL_SUCCESS", "c", "unsafe"},
		{"an order of the server's own", `on MLSD: payload "type=file; b\r\ntype=file; a\r\ntype=file; B\r\n"`, "OK", "B|a|b", ""},
		{"refused", "on MLSD: reply 550 permission denied", "NO_REMOTE_PERMISSION", "", ""},
		{"cut", "on MLSD: cut 5", "DATA_LOST", "", ""},
		{"empty", `on MLSD: payload ""`, "OK", "", ""},
		{"a screen that is written over", `on MLSD: payload "type=file; \x1b[2J|\r\n"`, "PARTIAL_SUCCESS", "", `\x1b[2J|`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, siteOptions{files: tree(), faults: c.faults})
			result, o := s.result(`$l = "before"`, `$r = GETLIST($l, REMOTE_FILES)`, `PRINT("[".$l."]")`)
			if result != c.result || o.lines()[0] != "["+c.list+"]" {
				t.Errorf("the result is %s with %s, want %s with [%s]\n%s", result, o.lines()[0], c.result, c.list, o.transcript)
			}
			if !o.has(c.told) || strings.Contains(o.transcript, "\x1b") {
				t.Errorf("told is %q, want %q in it", o.transcript, c.told)
			}
		})
	}
}

// An empty directory is no failure, whatever a server answers.
func TestGetListEmptyDirectories(t *testing.T) {
	for _, reply := range []string{"450 No files found", "550 No files found"} {
		s := newSite(t, siteOptions{files: map[string]string{"bare/": ""}, faults: "on LIST: reply " + reply,
			change: func(o *server.Options) { o.DisabledCommands = []string{"MLSD", "MLST"} }})
		result, o := s.result(`CHDIR("bare")`, `$r = GETLIST($l, REMOTE_FILES)`, `PRINT("[".$l."]")`)
		if result != "OK" || o.lines()[0] != "[]" {
			t.Errorf("%s: the result is %s\n%s", reply, result, o.transcript)
		}
	}
}

// A partial list is a failure that nothing looked at, as any other.
func TestGetListPartialCounts(t *testing.T) {
	s := newSite(t, siteOptions{faults: `on MLSD: payload "type=file; a|b\r\ntype=file; c\r\n"`})
	o := s.on(`GETLIST($l, REMOTE_FILES)`, `PRINT($l)`)
	if o.stdout != "c\n" || o.result.Status != 1 || len(o.result.Failures) != 1 {
		t.Errorf("printed %q, status %d, %d failures\n%s", o.stdout, o.result.Status, len(o.result.Failures), o.transcript)
	}
}
