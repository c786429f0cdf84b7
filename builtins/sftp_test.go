package builtins

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
)

// newSFTPSite is a site whose server speaks SFTP; its scripts log in as on others.
func newSFTPSite(t *testing.T, o siteOptions) *site {
	t.Helper()
	s := &site{remote: t.TempDir(), local: t.TempDir()}
	write(t, s.remote, o.files)
	faults, err := fault.Parse(o.faults)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sftpserver.Listen(context.Background(), "127.0.0.1:0", sftpserver.Options{
		// How long a request may be would depend on how fast the machine is.
		DisabledExtensions: []string{"limits@openssh.com"},
		Dir:                s.remote, Users: map[string]string{"joe": "pass-word-1"}, Faults: faults, Log: func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	hosted := Options{Root: s.local, Hosts: []string{"ftp.test"}, HostMap: map[string]string{"ftp.test": server.Addr()},
		Settings: map[string]string{"protocol": "SFTP", "host-key": `"` + server.Fingerprint() + `"`}}
	if o.options != nil {
		o.options(&hosted)
	}
	s.bench = newBench(t, hosted)
	return s
}

// Every command does over SFTP what it does over FTP.
func TestSFTP_Commands(t *testing.T) {
	s := newSFTPSite(t, siteOptions{files: map[string]string{
		"a.txt": "alpha", "b.txt": "beta", "with blank.dat": "x\r\n\x00", "sub/c.txt": "gamma", "sub/deep/d.txt": "delta", "ünïcödé": "u",
	}})
	write(t, s.local, map[string]string{"up/one.txt": "1", "up/two.txt": "22", "up/in/three.txt": "333"})
	o := s.on(
		`SETPASSIVE(DISABLED)`,
		`PRINT(CWDIR)`,
		`GETLIST($n, REMOTE_FILES)`, `PRINT($n)`,
		`GETLIST($n, REMOTE_DIRS)`, `PRINT($n)`,
		`PRINT(FILEEXISTS("a.txt")." ".FILEEXISTS("none")." ".GETFILESIZE("b.txt"))`,
		`$age = GETTIME - GETFILETIME("b.txt")`,
		`LOCALMKDIR("down")`, `LOCALCHDIR("down")`,
		`PRINT(GETFILE("*",SUBDIRS))`,
		`PRINT(GETFILE("a.txt","other.txt"))`,
		`LOCALCHDIR("/up")`,
		`PRINT(MKDIR("new")." ".CHDIR("new")." ".CWDIR)`,
		`PRINT(PUTFILE("*",SUBDIRS))`,
		`SETUPLOADMODE(ATOMIC)`, `PRINT(PUTFILE("one.txt"))`, `PRINT(PUTFILE("two.txt","one.txt"))`, `SETUPLOADMODE(OVERWRITE)`,
		`PRINT(RENAMEFILE("two.txt","in/moved.txt")." ".CHMOD("one.txt","600"))`,
		`PRINT(CHDIR("..")." ".DELETEFILE("*.txt"))`,
		`GETLIST($n, REMOTE_FILES)`, `PRINT($n)`,
		`PRINT((RMDIR("new") == DIRECTORY_NOT_EMPTY)." ".(MKDIR("new") == REMOTE_EXISTS)." ".(RMDIR("none") == NO_SUCH_REMOTE_FILE))`,
		`PRINT((CHDIR("none") == NO_SUCH_REMOTE_FILE)." ".(GETFILE("none") == NO_SUCH_REMOTE_FILE)." ".(RAWCOMMAND("NOOP") == NOT_SUPPORTED))`,
		`CLOSEHOST`,
	)
	want := strings.Join([]string{
		"/", "a.txt|b.txt|with blank.dat|ünïcödé", "sub", "TRUE FALSE 4", "OK", "OK", "OK OK /new", "OK", "OK", "OK", "OK OK", "OK OK",
		"with blank.dat|ünïcödé", "TRUE TRUE TRUE", "TRUE TRUE TRUE",
	}, "\n") + "\n"
	if o.stdout != want {
		t.Errorf("printed\n%s\nwant\n%s\n%s", o.stdout, want, o.transcript)
	}
	for name, text := range map[string]string{
		"down/a.txt": "alpha", "down/other.txt": "alpha", "down/with blank.dat": "x\r\n\x00", "down/sub/c.txt": "gamma", "down/sub/deep/d.txt": "delta", "down/ünïcödé": "u",
	} {
		if got, err := os.ReadFile(filepath.Join(s.local, name)); err != nil || string(got) != text {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{"new/one.txt": "22", "new/in/moved.txt": "22", "new/in/three.txt": "333"} {
		if got, err := os.ReadFile(filepath.Join(s.remote, name)); err != nil || string(got) != text {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if strings.Contains(o.transcript, "active: ") || strings.Contains(o.transcript, "passive: ") || strings.Contains(o.transcript, "pass-word-1") {
		t.Errorf("told:\n%s", o.transcript)
	}
}

// ATOMIC never leaves the name without its file where the server renames in one
// step, and nothing but the file when the upload fails.
func TestSFTP_Atomic(t *testing.T) {
	s := newSFTPSite(t, siteOptions{faults: "on WRITE 2: reply 004 no", files: map[string]string{"report": "old"}})
	write(t, s.local, map[string]string{"report": "new"})
	o := s.on(`SETUPLOADMODE(ATOMIC)`, `PRINT(PUTFILE("report"))`, `PRINT(PUTFILE("report") == OK)`, `GETLIST($n, REMOTE_FILES)`, `PRINT($n)`)
	if !strings.HasPrefix(o.stdout, "OK\n") || !strings.HasSuffix(o.stdout, "\nreport\n") || o.has("moved away first") {
		t.Errorf("%s%s", o.stdout, o.transcript)
	}
	if got, err := os.ReadFile(filepath.Join(s.remote, "report")); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSFTP_TypesHaveNoEffect(t *testing.T) {
	s := newSFTPSite(t, siteOptions{files: map[string]string{"text": "one\r\ntwo\n"}})
	o := s.on(`PRINT(SETTYPE(ASCII))`, `PRINT(GETFILE("text"))`, `PRINT(GETFILE("text"))`)
	if o.stdout != "OK\nOK\nOK\n" || strings.Count(o.transcript, "SETTYPE has no effect") != 1 {
		t.Errorf("%s%s", o.stdout, o.transcript)
	}
	if got, err := os.ReadFile(filepath.Join(s.local, "text")); err != nil || string(got) != "one\r\ntwo\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSFTP_RenameReplacesNothing(t *testing.T) {
	s := newSFTPSite(t, siteOptions{files: map[string]string{"a": "a", "b": "b"}})
	o := s.on(`PRINT(RENAMEFILE("a","b") == REMOTE_EXISTS)`)
	if got, err := os.ReadFile(filepath.Join(s.remote, "b")); o.stdout != "TRUE\n" || err != nil || string(got) != "b" {
		t.Errorf("%s %q, %v\n%s", o.stdout, got, err, o.transcript)
	}
}

// Names that a server sends never lead out of the folder, nor into a list as two.
func TestSFTP_HostileNames(t *testing.T) {
	s := newSFTPSite(t, siteOptions{faults: `on READDIR 1: payload "../x\na/b\ngood\na|b\nesc\x1b[2J"` + "\n" + `on READDIR 3: payload "../x\ngood"`, files: map[string]string{"good": "g"}})
	o := s.on(`$r = GETLIST($n, REMOTE_FILES)`, `PRINT($n)`, `PRINT($r == PARTIAL_SUCCESS)`, `CLOSEHOST`)
	if o.stdout != "esc\x1b[2J|good\nTRUE\n" || strings.Contains(o.transcript, "\x1b") {
		t.Errorf("%q\n%q", o.stdout, o.transcript)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(s.local), "x")); err == nil {
		t.Error("a file was written outside of the folder")
	}
}
