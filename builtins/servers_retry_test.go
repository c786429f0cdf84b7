//go:build servers

package builtins

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// realSite is a site whose server is one of the rig; it ends in a fresh directory.
func realSite(t *testing.T, name string, protocol string, port string) (s *site, before []string) {
	t.Helper()
	address := rigVariable(t, "SFTPC_RIG_HOST") + ":" + rigVariable(t, port)
	s = &site{local: t.TempDir(), address: address}
	s.bench = newBench(t, Options{Root: s.local, Hosts: []string{"*"}, HostMap: map[string]string{"real.test": address}, Now: time.Now,
		WeakestTrust: session.TrustAny, Settings: map[string]string{"retry": "3, 0"}})
	dir := fmt.Sprintf("retry-%d", time.Now().UnixNano())
	before = []string{
		`SETPROTOCOL(` + protocol + `)`, `SETTRUST(ANY)`,
		fmt.Sprintf(`PRINT(OPENHOST("real.test","%s","%s"))`, rigVariable(t, "SFTPC_RIG_USER"), rigVariable(t, "SFTPC_RIG_PASSWORD")),
		`MKDIR("` + dir + `")`, `CHDIR("` + dir + `")`,
	}
	return s, before
}

// What the modes and the hashes make of real servers.
func TestUploadModesOnRealServers(t *testing.T) {
	for _, server := range []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			s, script := realSite(t, server, "FTP", "SFTPC_RIG_"+strings.ToUpper(server))
			half, whole := strings.Repeat("0123456789", 10_000), strings.Repeat("0123456789", 20_000)
			write(t, s.local, map[string]string{"half": half, "whole": whole, "a": "alpha"})
			o := s.run(append(script,
				`PRINT(PUTFILE("half","x"))`, `SETUPLOADMODE(APPEND)`, `PRINT(PUTFILE("a","x"))`,
				`SETUPLOADMODE(SKIP)`, `PRINT(PUTFILE("a","x"))`, `PRINT(GETFILESIZE("x"))`,
				`SETUPLOADMODE(OVERWRITE)`, `PUTFILE("half","x")`, `SETUPLOADMODE(RESUME)`, `PRINT(PUTFILE("whole","x"))`, `PRINT(PUTFILE("whole","x"))`, `PRINT(GETFILESIZE("x"))`,
				`SETUPLOADMODE(UNIQUE)`, `$u = PUTFILE("a")`, `PRINT($u)`,
				`GETLIST($l,REMOTE_FILES)`, `PRINT($l)`,
				`SETVERIFY(HASH)`, `PRINT(GETFILE("x","back"))`,
				`DELETEFILE("*")`, `$x = CWDIR`, `CHDIR("..")`, `RMDIR($x)`, `CLOSEHOST`)...)
			want := "OK\nOK\nOK\nOK\n100005\nOK\nOK\n200000\nOK\n"
			// The name that the server chose stands beside x.
			rest, found := strings.CutPrefix(o.stdout, want)
			if names, end, _ := strings.Cut(rest, "\n"); !found || end != "OK\n" || strings.Count(names, "|") != 1 {
				t.Errorf("got %q", o.stdout)
			}
			if read(t, s.local)["back"] != whole {
				t.Error("it came back as another")
			}
			t.Log(o.transcript)
		})
	}
}
