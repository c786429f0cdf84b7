//go:build servers

package ftpconn

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

// TestServers runs the suite against the real servers of testdata/servers, whose
// env.sh says where they are. One that is not said fails: with the tag given,
// nothing is skipped.
func TestServers(t *testing.T) {
	for _, name := range []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib"} {
		port := os.Getenv("SFTPC_RIG_" + strings.ToUpper(name))
		if port == "" {
			t.Errorf("%s: SFTPC_RIG_%s names no port; see testdata/servers", name, strings.ToUpper(name))
			continue
		}
		conform(t, session.Endpoint{
			Host: name, Address: net.JoinHostPort(os.Getenv("SFTPC_RIG_HOST"), port),
			User: os.Getenv("SFTPC_RIG_USER"), Password: os.Getenv("SFTPC_RIG_PASSWORD"),
		})
	}
}
