//go:build servers

package builtins

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// realSpeeches are the servers of the rig by the protocols that they speak.
func realSpeeches(t *testing.T) (all []speech) {
	for _, server := range []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib"} {
		port := "SFTPC_RIG_" + strings.ToUpper(server)
		all = append(all, realSpeech("FTP", server, port))
		if slices.Contains(strings.Fields(rigVariable(t, "SFTPC_RIG_TLS")), server) {
			all = append(all, realSpeech("FTPS", server, port))
		}
		if server == "vsftpd" || server == "proftpd" { // the others have no port for it
			implicit := realSpeech("FTPS_IMPLICIT", server, port+"_IMPLICIT")
			implicit.alike = true
			all = append(all, implicit)
		}
	}
	for server, home := range map[string]string{"openssh": "openssh", "modsftp": "proftpd"} {
		s := realSpeech("SFTP", home, "SFTPC_RIG_"+strings.ToUpper(server))
		s.name, s.data = "SFTP "+server, false
		all = append(all, s)
	}
	return all
}

// realSpeech serves a folder of its own in the home of the rig's account.
func realSpeech(protocol, server, port string) speech {
	serve := func(t *testing.T, o siteOptions) *site {
		t.Helper()
		name := fmt.Sprintf("faults-%d", time.Now().UnixNano())
		s := &site{local: t.TempDir(), remote: filepath.Join(rigVariable(t, "SFTPC_RIG_HOMES"), server, name)}
		s.address = rigVariable(t, "SFTPC_RIG_HOST") + ":" + rigVariable(t, port)
		if err := os.Mkdir(s.remote, 0o777); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(s.remote) })
		if o.folders != nil {
			o.folders(s.remote, s.local)
		}
		write(t, s.remote, o.files)
		account, err := user.Lookup(rigVariable(t, "SFTPC_RIG_USER"))
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		for _, path := range append([]string{""}, keys(o.files)...) {
			if err := os.Chown(filepath.Join(s.remote, path), uid, gid); err != nil {
				t.Fatal(err)
			}
		}
		if o.faults != "" {
			s.address = rewriting(t, protocol, s.address, o.faults)
		}
		hosted := Options{Root: s.local, Hosts: []string{"*"}, HostMap: map[string]string{"real.test": s.address}, Now: time.Now, WeakestTrust: session.TrustAny}
		if o.options != nil {
			o.options(&hosted)
		}
		s.bench = newBench(t, hosted)
		s.login = []string{
			`SETTIMEOUT(15,REPLY)`, `SETTIMEOUT(15,IDLE)`,

			fmt.Sprintf(`$o = OPENHOST("real.test","%s","%s")`, rigVariable(t, "SFTPC_RIG_USER"), rigVariable(t, "SFTPC_RIG_PASSWORD")),
			`PRINT(CHDIR("` + name + `"))`,
		}
		return s
	}
	setup := []string{`SETPROTOCOL(` + protocol + `)`, `SETTRUST(ANY)`}
	return speech{name: protocol + " " + server, serve: serve, setup: setup, data: true, real: true}
}

func keys(files map[string]string) (all []string) {
	for name := range files {
		all = append(all, name)
	}
	return all
}

// realCuts are twenty places of a transfer: most of them on the connection of the data,
// some on that of the control.
func realCuts(p speech, w way, moved map[flow]int64) (all []harm) {
	f := flow{data: p.data, up: w.upload()}
	for i := range 20 {
		all = append(all, harm{flow: f, after: moved[f] * int64(i) / 20, data: p.data && i%4 != 3, how: []string{"reset", "close"}[i/2%2]})
	}
	return all
}

// A cut costs an attempt at each of the real servers too, wherever it is, in both
// directions and in every protocol; without another attempt it is told.
func TestCutsOnRealServers(t *testing.T) {
	causes := []string{"OK", "CONNECTION_LOST", "DATA_LOST", "PASSIVE_DATA_FAILED", "TLS_FAILED", "SIZE_MISMATCH", "REPLY_TIMEOUT"}
	leavesNothing(t, func() {
		t.Run("all", func(t *testing.T) {
			for _, p := range realSpeeches(t) {
				for _, w := range ways() {
					if !w.main {
						continue
					}
					t.Run(p.name+"/"+w.name, func(t *testing.T) {
						t.Parallel()
						c := cell{speech: p, way: w, retry: "3, 0"}
						s, o, moved, _ := c.run(t)
						if result := c.judge(t, s, o); result != "OK" {
							t.Fatalf("without a cut: %s\n%s", result, o.transcript)
						}
						for i, h := range realCuts(p, w, moved) {
							for _, retry := range []string{"3, 0", "1, 0"} {
								if retry == "1, 0" && i%4 > 0 {
									continue
								}
								t.Run(fmt.Sprintf("%+v, %s", h, retry), func(t *testing.T) {
									c := cell{speech: p, way: w, retry: retry, harm: &h}
									s, o, _, did := c.run(t)
									want := causes
									if retry == "3, 0" {
										want = causes[:1]
									}
									if result := c.judge(t, s, o); !did || !slices.Contains(want, result) {
										t.Errorf("the result is %s, the cut was done: %t\n%s", result, did, o.transcript)
									}
								})
							}
						}
					})
				}
			}
		})
	})
}

// A connection to a real server on which nothing moves any more: a reply, or a packet,
// that never comes.
func TestStallsOnRealServers(t *testing.T) {
	leavesNothing(t, func() {
		t.Run("all", func(t *testing.T) {
			for _, p := range realSpeeches(t) {
				for _, w := range ways() {
					if !w.main || p.alike {
						continue
					}
					for _, h := range []harm{
						{flow: flow{data: p.data, up: w.upload()}, after: 100_000, data: p.data, how: "stall"},
						{flow: flow{}, after: 100, how: "stall"},
					} {
						if !p.data && h.after == 100 {
							continue // its one connection is that of the data
						}
						t.Run(fmt.Sprintf("%s/%s/%+v", p.name, w.name, h), func(t *testing.T) {
							t.Parallel()
							c := cell{speech: p, way: w, retry: "3, 0", harm: &h, hasty: true}
							started := time.Now()
							s, o, _, did := c.run(t)
							want := []string{"OK"}
							if strings.Contains(p.name, "vsftpd") && w.name == "OVERWRITE" {
								want = append(want, "REPLY_TIMEOUT") // it keeps the file locked for the lost attempt
							}
							if result := c.judge(t, s, o); !did || !slices.Contains(want, result) {
								t.Errorf("the result is %s; it stood still: %t\n%s", result, did, o.transcript)
							}
							if took := time.Since(started); took > 3*time.Minute {
								t.Errorf("it took %v", took)
							}
						})
					}
				}
			}
		})
	})
}

// A disk that is full, on the real server's side.
func TestFullDisksOfRealServers(t *testing.T) {
	for _, p := range realSpeeches(t) {
		for _, w := range ways() {
			if !w.main || !w.upload() {
				continue
			}
			t.Run(p.name+"/"+w.name, func(t *testing.T) {
				t.Parallel()
				c := cell{speech: p, way: w, retry: "2, 0", small: true}
				s, o, _, _ := c.run(t)
				// vsftpd and others say only that they failed to write, and pyftpdlib nothing.
				want := []string{"NO_REMOTE_SPACE", "DATA_LOST"}
				if strings.Contains(p.name, "pyftpdlib") {
					want = append(want, "REPLY_TIMEOUT")
				}
				if result := c.judge(t, s, o); !slices.Contains(want, result) {
					t.Errorf("the result is %s\n%s", result, o.transcript)
				}
				t.Log(o.lines()[1])
			})
		}
	}
}
