//go:build servers

package builtins

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// SYNC brings over what differs at each of the real servers, in both directions and
// over several connections, sees a change, deletes orphans and nothing else, and does
// nothing the second time, with what it remembers and without.
func TestSyncOnRealServers(t *testing.T) {
	type kind struct{ server, protocol, port string }
	var kinds []kind
	for _, server := range []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib"} {
		kinds = append(kinds, kind{server, "FTP", "SFTPC_RIG_" + strings.ToUpper(server)})
		if slices.Contains(strings.Fields(rigVariable(t, "SFTPC_RIG_TLS")), server) {
			kinds = append(kinds, kind{server, "FTPS", "SFTPC_RIG_" + strings.ToUpper(server)})
		}
	}
	kinds = append(kinds, kind{"openssh", "SFTP", "SFTPC_RIG_OPENSSH"}, kind{"modsftp", "SFTP", "SFTPC_RIG_MODSFTP"})
	for _, k := range kinds {
		for _, remembers := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%s/remembers %t", k.server, k.protocol, remembers), func(t *testing.T) {
				t.Parallel()
				s, script := realSite(t, k.server, k.protocol, k.port)
				if remembers {
					s.host.options.StateDir = t.TempDir()
				}
				dir := strings.Split(script[len(script)-1], `"`)[1]
				files := many("")
				write(t, s.local, map[string]string{"down/": ""})
				write(t, filepath.Join(s.local, "up"), files)
				now := time.Now()
				aged(t, filepath.Join(s.local, "up"), now.AddDate(0, -5, 0).Add(-13*time.Second), "f01", "d0/e0/g00")
				aged(t, filepath.Join(s.local, "up"), now.AddDate(-2, 0, 0), "f02")
				aged(t, filepath.Join(s.local, "up"), now.Add(-time.Hour), "f03", "f05")
				var did []string
				sync := func(how ...string) ran {
					t.Helper()
					lines := slices.Clone(script)
					if len(did) > 0 {
						lines = slices.Concat(script[:3], []string{`CHDIR("` + dir + `")`})
					}
					o := s.run(slices.Concat(lines, how)...)
					did = append(did, o.stdout)
					return o
				}
				up, down := `PRINT(SYNC("/up", ".", UPLOAD, SUBDIRS))`, `PRINT(SYNC("/down", ".", DOWNLOAD, SUBDIRS))`
				expect := func(o ran, results, first, second string) {
					t.Helper()
					if o.stdout != "OK\n"+results || !o.has(first) || !o.has(second) {
						t.Fatalf("%q, want %q and %q\n%s", o.stdout, first, second, o.transcript)
					}
				}
				up, down = strings.Replace(up, `"."`, "CWDIR", 1), strings.Replace(down, `"."`, "CWDIR", 1)
				expect(sync(up, up), "OK\nOK\n", "Synchronized: 60 files transferred, 0 up to date", "Synchronized: 0 files transferred, 60 up to date")
				expect(sync(down, down), "OK\nOK\n", "Synchronized: 60 files transferred, 0 up to date", "Synchronized: 0 files transferred, 60 up to date")
				holds(t, filepath.Join(s.local, "down"), files)
				expect(sync(up), "OK\n", "Synchronized: 0 files transferred, 60 up to date", "")
				// A change of the same size, and what is gone at the source.
				write(t, filepath.Join(s.local, "up"), map[string]string{"f05": "YYYYY"})
				aged(t, filepath.Join(s.local, "up"), now.Add(-10*time.Minute), "f05")
				write(t, filepath.Join(s.local, "down"), map[string]string{"old/older": "o"})
				expect(sync(up, down), "OK\nOK\n", "Synchronized: 1 file transferred, 59 up to date, 0 deleted", "")
				expect(sync(strings.Replace(down, "DOWNLOAD", "DOWNLOAD_DELETE", 1)), "OK\n", ", 2 deleted", "")
				files["f05"] = "YYYYY"
				holds(t, filepath.Join(s.local, "down"), files)
			})
		}
	}
}
