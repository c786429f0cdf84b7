//go:build servers

package builtins

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// What happens to sources, and what is replaced, depends on how a server renames,
// lists and tells times.
func TestSetsOnRealServers(t *testing.T) {
	for _, name := range []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib", "openssh"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // servers take their time
			aDelivery(t, name)
		})
	}
}

// rigOptions are those of a run that reaches a server of the rig as real.test.
func rigOptions(t *testing.T, server string) Options {
	address := rigVariable(t, "SFTPC_RIG_HOST") + ":" + rigVariable(t, "SFTPC_RIG_"+strings.ToUpper(server))
	options := Options{Hosts: []string{"*"}, HostMap: map[string]string{"real.test": address}, Now: time.Now}
	if server == "openssh" {
		options.Settings = map[string]string{"protocol": "SFTP", "trust": "ANY"}
		options.WeakestTrust = session.TrustAny
	}
	return options
}

// aDelivery is what a script does that is run each hour.
func aDelivery(t *testing.T, server string) {
	local := t.TempDir()
	write(t, local, map[string]string{"out/a.csv": "alpha", "out/b.csv": "beta", "out/sub/c.csv": "gamma", "out/empty.csv": ""})
	options := rigOptions(t, server)
	options.Root = local
	b := newBench(t, options)
	dir := fmt.Sprintf("delivery-%d", time.Now().UnixNano())
	o := b.run(
		fmt.Sprintf(`OPENHOST("real.test","%s","%s")`, rigVariable(t, "SFTPC_RIG_USER"), rigVariable(t, "SFTPC_RIG_PASSWORD")),
		`MKDIR("`+dir+`")`, `CHDIR("`+dir+`")`, `LOCALCHDIR("out")`,
		// deliver what is not empty; the sources are moved away
		`SETFILTER(LARGER, 0)`, `SETAFTER("sent")`,
		`PRINT("1 ".PUTFILE("*",SUBDIRS))`, `GETLIST($l, DONE)`, `PRINT("2 ".$l)`,
		`PRINT("3 ".FILEEXISTS(LOCAL,"a.csv")." ".FILEEXISTS(LOCAL,"sent/sub/c.csv")." ".FILEEXISTS(LOCAL,"empty.csv"))`,
		`SETFILTER(NONE)`, `SETAFTER(KEEP)`, `LOCALCHDIR("/out/sent")`,
		// what is replaced is kept, twice
		`SETBACKUP("old")`, `PRINT("4 ".PUTFILE("a.csv"))`, `SETUPLOADMODE(ATOMIC)`, `PRINT("5 ".PUTFILE("a.csv"))`, `SETUPLOADMODE(OVERWRITE)`,
		`CHDIR("old")`, `GETLIST($l, REMOTE_FILES, "a*.csv")`, `PRINT("6 ".(TEXTLENGTH($l) > 20))`, `CHDIR("..")`, `SETBACKUP(NONE)`,
		// fetch what is there, and clear it
		`LOCALMKDIR("/in")`, `LOCALCHDIR("/in")`, `SETFILTER(NEWER, "30d")`, `SETSTABLE(1)`, `SETAFTER("done")`,
		`PRINT("7 ".WAITFILE(REMOTE,"?.csv",10))`, `PRINT("8 ".GETFILE("*.csv",SUBDIRS))`,
		`GETLIST($l, REMOTE_FILES)`, `PRINT("9 [".$l."]")`, `PRINT("10 ".FILEEXISTS("done/a.csv")." ".FILEEXISTS("done/sub/c.csv"))`,
		`PRINT("11 ".GETFILE("*.csv"))`, `GETLIST($l, DONE)`, `PRINT("12 [".$l."]")`,
		`SETAFTER(DELETE)`, `SETSTABLE(0)`, `LOCALMKDIR("/in/again")`, `LOCALCHDIR("/in/again")`, `PRINT("13 ".GETFILE("done/*.csv"))`, `PRINT("14 ".FILEEXISTS("done/a.csv"))`,
		`SETAFTER(KEEP)`, `SETFILTER(NONE)`,
		`CHDIR("old")`, `DELETEFILE("*")`, `CHDIR("..")`, `DELETEFILE("done/sub/*")`, `DELETEFILE("done/old/*")`, `DELETEFILE("*")`,
		`RMDIR("done/sub")`, `RMDIR("done/old")`, `RMDIR("done")`, `RMDIR("old")`, `RMDIR("sub")`, `CHDIR("..")`, `RMDIR("`+dir+`")`,
	)
	want := []string{
		"1 OK", "2 a.csv|b.csv|sub/c.csv", "3 FALSE TRUE TRUE", "4 OK", "5 OK", "6 TRUE", "7 OK", "8 OK", "9 []", "10 TRUE TRUE", "11 OK", "12 []", "13 OK", "14 FALSE",
	}
	lines := o.lines()
	for i, line := range want {
		if i >= len(lines) || lines[i] != line {
			t.Errorf("line %d is %q, want %q", i+1, append(lines, make([]string, len(want))...)[i], line)
		}
	}
	if t.Failed() {
		t.Log(o.transcript)
	}
	for name, text := range map[string]string{"in/a.csv": "alpha", "in/sub/c.csv": "gamma", "in/again/a.csv": "alpha"} {
		if got, err := os.ReadFile(local + "/" + name); string(got) != text {
			t.Errorf("%s is %q: %v", name, got, err)
		}
	}
}

// A dry run leaves every real server as it is, and knows of each what it would be.
func TestDryRunOnRealServers(t *testing.T) {
	for _, name := range []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib", "openssh"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := rigOptions(t, name)
			options.Root = t.TempDir()
			write(t, options.Root, map[string]string{"a.csv": "alpha", "b.csv": "beta", "sub/c.csv": "gamma"})
			login := fmt.Sprintf(`OPENHOST("real.test","%s","%s")`, rigVariable(t, "SFTPC_RIG_USER"), rigVariable(t, "SFTPC_RIG_PASSWORD"))
			dir := fmt.Sprintf("dry-%d", time.Now().UnixNano())
			all := []string{`GETLIST($l, REMOTE_FILES)`, `PRINT($l)`, `GETLIST($l, REMOTE_DIRS)`, `PRINT($l)`, `PRINT(GETFILESIZE("a.csv"))`, `PRINT(GETFILETIME("a.csv"))`}
			real := newBench(t, options)
			before := real.run(append([]string{login, `MKDIR("` + dir + `")`, `CHDIR("` + dir + `")`, `PUTFILE("*",SUBDIRS)`}, all...)...)
			options.DryRun, options.Scratch = true, t.TempDir()
			dry := newBench(t, options).run(login, `CHDIR("`+dir+`")`,
				`DELETEFILE("a.csv")`, `RENAMEFILE("sub","bus")`, `PUTFILE("b.csv","a.csv")`, `MKDIR("new")`, `CHDIR("new")`, `PUTFILE("a.csv")`, `PRINT(FILEEXISTS("a.csv"))`, `CHDIR("..")`,
				`CHMOD("b.csv",600)`, `SETAFTER(DELETE)`, `GETFILE("*")`, `SYNC("/sub","new",UPLOAD_DELETE)`, `GETLIST($l, REMOTE_FILES)`, `PRINT("[".$l."]")`, `GETLIST($l, REMOTE_DIRS)`, `PRINT($l)`)
			if dry.stdout != "TRUE\n[]\nbus|new\n" {
				t.Errorf("%q\n%s", dry.stdout, dry.transcript)
			}
			after := real.run(append([]string{login, `CHDIR("` + dir + `")`}, all...)...)
			if before.stdout != after.stdout || !strings.HasPrefix(after.stdout, "a.csv|b.csv\nsub\n5\n") {
				t.Errorf("%q is %q\n%s", before.stdout, after.stdout, dry.transcript)
			}
			real.run(login, `CHDIR("`+dir+`")`, `DELETEFILE("*")`, `DELETEFILE("sub/*")`, `RMDIR("sub")`, `CHDIR("..")`, `RMDIR("`+dir+`")`)
			holds(t, options.Root, map[string]string{"a.csv": "alpha", "b.csv": "beta", "sub/c.csv": "gamma"})
		})
	}
}
