//go:build servers

// These tests examine the real servers of testdata/servers, which `make
// test-servers` starts. A server that is missing is a failure, never a skip.
package doctor

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// Every server is found healthy, and what is told of it is what it is known for.
func TestServersAreHealthy(t *testing.T) {
	known := map[string]map[string]State{
		"vsftpd":    {"list.mlsd": Fails},
		"proftpd":   {"list.mlsd": Works},
		"pureftpd":  {"list.mlsd": Works},
		"pyftpdlib": {"list.mlsd": Works},
	}
	for name, states := range known {
		port := os.Getenv("SFTPC_RIG_" + strings.ToUpper(name))
		if port == "" {
			t.Fatalf("%s is not to be found: these tests need the rig of testdata/servers (make test-servers)", name)
		}
		for _, host := range []string{os.Getenv("SFTPC_RIG_HOST"), os.Getenv("SFTPC_RIG_HOST6")} {
			if host == "" {
				continue // no IPv6 on this machine
			}
			t.Run(name+" "+host, func(t *testing.T) {
				t.Parallel()
				endpoint := session.Endpoint{Host: name, Address: net.JoinHostPort(host, port), User: os.Getenv("SFTPC_RIG_USER"), Password: os.Getenv("SFTPC_RIG_PASSWORD")}
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
					if strings.HasPrefix(f.ID, "data.") && f.State == Works {
						data++
					}
				}
				if want := map[bool]int{false: 4, true: 2}[strings.Contains(host, ":")]; data != want {
					t.Errorf("%d ways to a data connection, want %d: %+v", data, want, report.Subjects[0].Findings)
				}
			})
		}
	}
}
