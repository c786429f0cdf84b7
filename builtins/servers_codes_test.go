//go:build servers

package builtins

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/relay/rewrite"
)

// rewriting puts a relay in front of a real server that carries out what a script of
// faults says, and returns where it listens.
func rewriting(t *testing.T, protocol, server, script string) string {
	t.Helper()
	faults, err := fault.Parse(script)
	if err != nil {
		t.Fatal(err)
	}
	options := rewrite.Options{Server: server, Faults: faults, Log: func(line string) { t.Log(line) }}
	switch protocol {
	case "FTPS", "FTPS_IMPLICIT":
		dir := filepath.Dir(rigVariable(t, "SFTPC_RIG_AUTHORITY"))
		certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
		if err != nil {
			t.Fatal(err)
		}
		options.Certificate, options.Implicit = &certificate, protocol == "FTPS_IMPLICIT"
	case "SFTP":
		text, err := os.ReadFile(filepath.Join(rigVariable(t, "SFTPC_RIG_SSH"), "host_ed25519"))
		if err != nil {
			t.Fatal(err)
		}
		if options.HostKey, err = ssh.ParsePrivateKey(text); err != nil {
			t.Fatal(err)
		}
	}
	r, err := rewrite.Listen(t.Context(), "127.0.0.1:0", options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r.Addr()
}

// The table of faults (TestFaults) on real servers. Where only the beginning of a session
// is another, or the mode of an upload is none of the main ones and TLS is around it, what
// is left out has been seen without.
func TestReplyCodesOnRealServers(t *testing.T) {
	leavesNothing(t, func() {
		t.Run("all", func(t *testing.T) {
			for _, p := range realSpeeches(t) {
				for _, w := range ways() {
					if !w.main && (p.alike || strings.HasPrefix(p.name, "FTPS")) {
						continue
					}
					t.Run(p.name+"/"+w.name, func(t *testing.T) {
						t.Parallel()
						for _, tr := range troubles() {
							if !tr.small && (!tr.main || w.main) && (!p.alike || tr.main) {
								tr.meet(t, p, w)
							}
						}
					})
				}
			}
		})
	})
}
