//go:build servers

// These tests examine the real servers of testdata/servers, which `make
// test-servers` starts. A server that is missing is a failure, never a skip.
package doctor

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// Every server is found healthy, in the clear and under TLS, and what is told of it is
// what it is known for.
func TestServersAreHealthy(t *testing.T) {
	known := map[string]map[string]State{
		"vsftpd":    {"list.mlsd": Fails, "data.resumption": Works},
		"proftpd":   {"list.mlsd": Works, "data.resumption": Works},
		"pureftpd":  {"list.mlsd": Works},
		"pyftpdlib": {"list.mlsd": Works},
	}
	authority, err := os.ReadFile(os.Getenv("SFTPC_RIG_AUTHORITY"))
	if err != nil {
		t.Fatalf("the rig's authority: %v", err)
	}
	for name, states := range known {
		for _, host := range []string{os.Getenv("SFTPC_RIG_HOST"), os.Getenv("SFTPC_RIG_HOST6")} {
			if host == "" {
				continue // no IPv6 on this machine
			}
			protocols := map[session.Protocol]string{session.FTP: os.Getenv("SFTPC_RIG_" + strings.ToUpper(name))}
			if strings.Contains(os.Getenv("SFTPC_RIG_TLS"), name) {
				protocols[session.FTPSExplicit] = protocols[session.FTP]
			}
			if port := os.Getenv("SFTPC_RIG_" + strings.ToUpper(name) + "_IMPLICIT"); port != "" && !strings.Contains(host, ":") {
				protocols[session.FTPSImplicit] = port
			}
			for protocol, port := range protocols {
				if port == "" {
					t.Fatalf("%s is not to be found: these tests need the rig of testdata/servers (make test-servers)", name)
				}
				t.Run(name+" "+protocolName(protocol)+" "+host, func(t *testing.T) {
					t.Parallel()
					healthy(t, states, session.Endpoint{
						Protocol: protocol, Host: host, Address: net.JoinHostPort(host, port), User: os.Getenv("SFTPC_RIG_USER"), Password: os.Getenv("SFTPC_RIG_PASSWORD"),
						Trust: session.Trust{Authorities: authority},
					})
				})
			}
		}
	}
}

func healthy(t *testing.T, states map[string]State, endpoint session.Endpoint) {
	wait := 15 * time.Second
	report := NewReport([]Subject{Examine(context.Background(), endpoint, Options{
		Timeouts: session.Timeouts{Connect: wait, Reply: wait, Idle: wait}, Connections: 2, Firewall: true,
	})})
	if !report.Good {
		t.Errorf("%+v", report)
	}
	data := 0
	for _, f := range report.Subjects[0].Findings {
		if want, told := states[f.ID]; told && f.State != want {
			t.Errorf("%+v", f)
		}
		switch f.ID {
		case "data.epsv", "data.pasv", "data.port", "data.eprt":
			if f.State == Works {
				data++
			}
		}
	}
	if want := map[bool]int{false: 4, true: 2}[strings.Contains(endpoint.Host, ":")]; data != want {
		t.Errorf("%d ways to a data connection, want %d: %+v", data, want, report.Subjects[0].Findings)
	}
}

// Servers of SFTP are believed by the rig's known hosts, and not without.
func TestServersOfSFTPAreHealthy(t *testing.T) {
	for _, name := range []string{"OPENSSH", "MODSFTP"} {
		port, keys := os.Getenv("SFTPC_RIG_"+name), os.Getenv("SFTPC_RIG_SSH")
		if port == "" || keys == "" {
			t.Fatalf("%s is not to be found: these tests need the rig of testdata/servers (make test-servers)", name)
		}
		endpoint := session.Endpoint{
			Protocol: session.SFTP, Host: os.Getenv("SFTPC_RIG_HOST"), Address: net.JoinHostPort(os.Getenv("SFTPC_RIG_HOST"), port),
			User: os.Getenv("SFTPC_RIG_USER"), Password: os.Getenv("SFTPC_RIG_PASSWORD"),
		}
		wait := 15 * time.Second
		options := Options{Timeouts: session.Timeouts{Connect: wait, Reply: wait, Idle: wait}, Connections: 2}
		for _, known := range []bool{true, false} {
			if known {
				endpoint.Trust.KnownHosts = []string{filepath.Join(keys, "known_hosts")}
			} else {
				endpoint.Trust.KnownHosts = nil
			}
			report := NewReport([]Subject{Examine(context.Background(), endpoint, options)})
			if name == "OPENSSH" && known && !slices.ContainsFunc(report.Subjects[0].Findings, func(f Finding) bool {
				return f.ID == "host.limits" && strings.HasPrefix(f.Detail, "packet 262144 bytes, read 261120 bytes, write 261120 bytes, handles ")
			}) {
				t.Errorf("no limits: %+v", report)
			}
			script := strings.Join(report.Subjects[0].Script, "\n")
			if report.Good != known || strings.HasPrefix(script, "SETHOSTKEY(") == known {
				t.Errorf("%s, known %t: %+v", name, known, report)
			}
		}
	}
}
