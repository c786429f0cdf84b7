package builtins

import (
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

// brakesBench has no server: changes of directory fail for names that hold
// "missing", and all that is asked of the other commands is whether they ran.
func brakesBench(t *testing.T) *bench {
	b := newBench(t, Options{Root: t.TempDir(), Exec: ExecFiles})
	change := func(s *State, a *arguments) error {
		if strings.Contains(a.text(0), "missing") {
			return &session.Error{Op: "changing", Cause: session.NoSuchRemoteFile, Class: session.ClassPermanent}
		}
		if a.row.Name == "OPENHOST" {
			return openPretended(s, a)
		}
		return nil
	}
	for _, name := range []string{"LOCALCHDIR", "CHDIR", "OPENHOST"} {
		b.replace(name, change)
	}
	for _, name := range []string{
		"GETFILE", "PUTFILE", "MKDIR", "RMDIR", "RENAMEFILE", "DELETEFILE", "CHMOD", "GETFILESIZE", "GETFILETIME", "FILEEXISTS",
		"LOCALMKDIR", "LOCALRMDIR", "GETLIST", "EXEC", "RAWCOMMAND", "CWDIR", "LOCALCWDIR", "LOGTO", "ADDEXCLUSION",
	} {
		b.replace(name, func(s *State, a *arguments) error {
			if _, err := s.job.Stdout.Write([]byte("ran ")); err != nil {
				return err
			}
			a.returns("x")
			return nil
		})
	}
	return b
}

func TestBrakes(t *testing.T) {
	b := brakesBench(t)
	const (
		local  = `LOCALCHDIR("missing")`
		remote = `CHDIR("missing")`
		host   = `OPENHOST("missing")`
		both   = local + "\n" + remote
	)
	for _, test := range []struct {
		before, statement string
		held              bool
	}{
		// A command that names nothing relative on that side goes on.
		{local, `LOCALMKDIR("d")`, true},
		{local, `LOCALMKDIR("/d")`, false},
		{local, `LOCALMKDIR("\d")`, false},
		{local, `MKDIR("d")`, false},
		{local, `LOCALRMDIR("a/../d")`, true},
		{local, `GETFILE("/a")`, true}, // stored in the local directory
		{local, `GETFILE("/a*")`, true},
		{local, `GETFILE("a", "/b")`, false},
		{local, `GETFILE("a", "b")`, true},
		{local, `PUTFILE("a")`, true},
		{local, `PUTFILE("/a")`, false},
		{local, `PUTFILE("/a", "b")`, false},
		{local, `PUTFILE("a", "/b")`, true},
		{local, `GETLIST($l, LOCAL_FILES)`, true},
		{local, `GETLIST($l, REMOTE_FILES)`, false},
		{local, `$x = GETFILESIZE(LOCAL, "a")`, true},
		{local, `$x = GETFILESIZE(LOCAL, "/a")`, false},
		{local, `$x = GETFILESIZE(REMOTE, "a")`, false},
		{local, `$x = GETFILESIZE("a")`, false},
		{local, `EXEC("del x")`, true},
		{local, `LOGTO("x")`, true},
		{local, `$x = LOCALCWDIR`, false},
		{local, `ADDEXCLUSION(LOCAL, "a")`, false},
		{local, `LOCALCHDIR("a")`, true},
		{local, `LOCALCHDIR("/a")`, false},

		{remote, `MKDIR("d")`, true},
		{remote, `MKDIR("/d")`, false},
		{remote, `DELETEFILE("*")`, true},
		{remote, `DELETEFILE("/d/*")`, false},
		{remote, `RENAMEFILE("/a", "b")`, true},
		{remote, `RENAMEFILE("/a", "/b")`, false},
		{remote, `GETFILE("a")`, true},
		{remote, `GETFILE("/a")`, false},
		{remote, `PUTFILE("/a")`, true}, // stored in the remote directory
		{remote, `PUTFILE("a", "/b")`, false},
		{remote, `$x = FILEEXISTS(REMOTE, "a")`, true},
		{remote, `$x = FILEEXISTS(LOCAL, "a")`, false},
		{remote, `$x = GETFILETIME("a")`, true},
		{remote, `GETLIST($l, REMOTE_DIRS)`, true},
		{remote, `GETLIST($l, LOCAL_DIRS)`, false},
		{remote, `RAWCOMMAND("DELE a")`, true},
		{remote, `RAWCOMMAND("DELE /a")`, false},
		{remote, `RAWCOMMAND("NOOP")`, false},
		{remote, `$x = CWDIR`, false},
		{remote, `CHDIR("d")`, true},
		{remote, `CHDIR("/d")`, false},
		{remote, `EXEC("dir")`, false},
		{host, `PUTFILE("a", "b")`, true},
		{host, `LOCALMKDIR("d")`, false},

		// Looked at, it is the script's own affair.
		{`$r = LOCALCHDIR("missing")` + "\nPRINT($r)", `LOCALMKDIR("d")`, false},
		{`IF(CHDIR("missing") != "OK")` + "\nEND IF", `MKDIR("d")`, false},
		// A success there lets go, a success elsewhere does not.
		{local + "\n" + `LOCALCHDIR("/d")`, `LOCALMKDIR("d")`, false},
		{remote + "\n" + `CHDIR("/d")`, `MKDIR("d")`, false},
		{remote + "\n" + `OPENHOST("h")`, `MKDIR("d")`, false},
		{remote + "\n" + `LOCALCHDIR("/d")`, `MKDIR("d")`, true},
		{remote + "\n" + `CLOSEHOST`, `MKDIR("d")`, true},
		{local + "\n" + `CHDIR("/d")`, `LOCALMKDIR("d")`, true},
		{local + "\n" + `LOCALCHDIR("d")`, `LOCALMKDIR("d")`, true},
		// Looking at a second failure does not undo the first.
		{local + "\n" + `$r = LOCALCHDIR("/missing")` + "\nPRINT($r)", `LOCALMKDIR("d")`, true},
		{both, `PUTFILE("/a", "/b")`, false},
	} {
		o := b.run(`OPENHOST("h")`, test.before, `PRINT("here")`, test.statement)
		_, after, _ := strings.Cut(o.stdout, "here\n")
		held := o.has(test.statement[strings.IndexByte(test.statement, '=')+1:]) && after == "" && o.has("WRONG_DIRECTORY")
		if ran := after != ""; ran == test.held && !strings.Contains(test.statement, "CHDIR") || o.has("(WRONG_DIRECTORY 20302, usage)") != (test.held || strings.Contains(test.before, `LOCALCHDIR("d")`)) {
			t.Errorf("%s, then %s: ran %v, held %v, want held %v\n%s", test.before, test.statement, ran, held, test.held, o.transcript)
		}
	}
}

func TestBrakes_comeBeforeNotConnected(t *testing.T) {
	b := brakesBench(t)
	o := b.run(`OPENHOST("missing")`, `MKDIR("d")`, `PRINT(GETERROR(NAME))`, `MKDIR("/d")`, `PRINT(GETERROR(NAME))`)
	if o.stdout != "WRONG_DIRECTORY\nNOT_CONNECTED\n" {
		t.Errorf("%q", o.stdout)
	}
}
