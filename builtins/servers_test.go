//go:build servers

// These tests run scripts against the real servers of testdata/servers, which
// `make test-servers` starts. A server that is missing is a failure, never a skip.
package builtins

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestScriptsOnRealServers(t *testing.T) {
	for _, name := range []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib"} {
		for _, mode := range []string{"ENABLED", "DISABLED"} {
			t.Run(name+"/SETPASSIVE "+mode, func(t *testing.T) {
				t.Parallel() // servers take their time
				aDay(t, name, mode)
			})
		}
	}
}

func rigVariable(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: start the rig of testdata/servers (make test-servers)", name)
	}
	return value
}

// aDay is what scripts do in a day, in a directory of its own on the server.
func aDay(t *testing.T, server, mode string) {
	address := rigVariable(t, "SFTPC_RIG_HOST") + ":" + rigVariable(t, "SFTPC_RIG_"+strings.ToUpper(server))
	local := t.TempDir()
	files := map[string]string{
		"out/a.txt": "alpha", "out/b.txt": strings.Repeat("beta", 100_000), "out/empty": "", "out/sub/deep/c.txt": "gamma", "out/with blank": "x",
		"out/[x]": "bracket", "out/sub/-rf": "option",
	}
	write(t, local, files)
	b := newBench(t, Options{Root: local, Hosts: []string{"*"}, HostMap: map[string]string{"real.test": address}, Now: time.Now})
	dir := fmt.Sprintf("day-%d", time.Now().UnixNano())
	o := b.run(
		fmt.Sprintf(`OPENHOST("real.test","%s","%s")`, rigVariable(t, "SFTPC_RIG_USER"), rigVariable(t, "SFTPC_RIG_PASSWORD")),
		`SETPASSIVE(`+mode+`)`, `$home = CWDIR`, `MKDIR("`+dir+`")`, `CHDIR("`+dir+`")`,
		`GETLIST($none, REMOTE_FILES)`, `PRINT("1 [".$none."]")`,
		`PRINT("2 ".FILEEXISTS("a.txt")." ".FILEEXISTS("nowhere/a.txt")." ".FILEEXISTS("*"))`,
		`LOCALCHDIR("out")`,
		`PRINT("3 ".PUTFILE("*",SUBDIRS))`,
		`SETUPLOADMODE(ATOMIC)`, `PRINT("4 ".PUTFILE("*",SUBDIRS))`,
		`SETUPLOADMODE(OVERWRITE)`, `PRINT("5 ".PUTFILE("a.txt"))`,
		`GETLIST($names, REMOTE_FILES)`, `PRINT("6 ".$names)`,
		`GETLIST($names, REMOTE_DIRS)`, `PRINT("7 ".$names)`,
		`GETLIST($names, REMOTE_FILES, "*.txt", NAME)`, `PRINT("8 ".$names)`,
		`PRINT("9 ".GETFILESIZE("b.txt")." ".FILEEXISTS("a.txt")." ".FILEEXISTS("sub")." ".FILEEXISTS("sub/-rf"))`,
		`$age = GETTIME - GETFILETIME("a.txt")`, `PRINT("10 ".($age > -100000 AND $age < 100000))`,
		`LOCALCHDIR("/")`, `LOCALMKDIR("in")`, `LOCALCHDIR("in")`,
		`PRINT("11 ".GETFILE("*",SUBDIRS))`,
		`PRINT("12 ".GETFILE("*.zip"))`,
		`PRINT("13 ".(GETFILE("z.txt") == NO_SUCH_REMOTE_FILE))`,
		`PRINT("14 ".(MKDIR("sub") == REMOTE_EXISTS)." ".(RMDIR("sub") == "OK")." ".(CHDIR("nowhere") == "OK"))`,
		`PRINT("15 ".RENAMEFILE("a.txt","sub/moved.txt"))`,
		`PRINT("16 ".CHMOD("b.txt","600"))`,
		`PRINT("17 ".DELETEFILE("*")." ".DELETEFILE("sub/*.*")." ".DELETEFILE("sub/deep/c.txt"))`,
		`PRINT("18 ".(DELETEFILE("z.txt") == NO_SUCH_REMOTE_FILE))`,
		`PRINT("19 ".RMDIR("sub/deep")." ".RMDIR("sub"))`,
		`PRINT("20 ".CHDIR("..")." ".RMDIR("`+dir+`"))`, `PRINT("21 ".(CWDIR == $home))`,
	)
	want := []string{
		"1 []", "2 FALSE FALSE FALSE", "3 OK", "4 OK", "5 OK", "6 [x]|a.txt|b.txt|empty|with blank", "7 sub", "8 a.txt|b.txt",
		"9 400000 TRUE TRUE TRUE", "10 TRUE", "11 OK", "12 OK", "13 TRUE", "14 TRUE FALSE FALSE", "15 OK", "16 OK", "17 OK OK OK", "18 TRUE",
		"19 OK OK", "20 OK OK", "21 TRUE",
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
	got := read(t, local)
	for name, text := range files {
		if in := "in/" + strings.TrimPrefix(name, "out/"); got[in] != text {
			t.Errorf("%s came back as %.20q", name, got[in])
		}
	}
}
