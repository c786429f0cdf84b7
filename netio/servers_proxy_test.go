//go:build servers

package netio_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server/relay"
	"github.com/sftpc/sftpc/netio/session"
)

// Control and passive data connections of every server go through both kinds of
// proxy, in the clear and under TLS; active mode is refused and leaves the session usable.
func TestServerThroughProxies(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server rigServer) {
		authority, err := os.ReadFile(mustEnv(t, "SFTPC_RIG_AUTHORITY"))
		if err != nil {
			t.Fatal(err)
		}
		for i, scheme := range []string{"http://", "socks5://", "http://", "socks5://"} {
			secured := i > 1
			if secured && !strings.Contains(mustEnv(t, "SFTPC_RIG_TLS"), server.name) {
				continue
			}
			proxy, err := relay.Listen(context.Background(), "127.0.0.1:0", relay.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer proxy.Close()
			for _, way := range server.ways() {
				endpoint, active := server.endpoint(t), way.active
				endpoint.Proxy = scheme + proxy.Addr()
				if secured {
					endpoint.Protocol, endpoint.Trust.Authorities = session.FTPSExplicit, authority
					endpoint.Host, _, _ = net.SplitHostPort(server.address)
				}
				s, err := netio.Dial(context.Background(), endpoint, session.Settings{
					Features: way.features,
					DataMode: func() session.DataMode { return session.DataMode{Active: active} },
				})
				if err != nil {
					t.Fatalf("%s%s: %v", scheme, way.command, err)
				}
				ctx := context.Background()
				if active {
					if _, err := s.List(ctx, ""); session.CauseOf(err) != session.ActiveThroughProxy {
						t.Errorf("%s%s: %v", scheme, way.command, err)
					}
					active = false
				}
				// IPv4 and IPv6 are side by side in one home.
				name, data := fmt.Sprintf("through-%s-%t.bin", way.command, server.sixth), bytes.Repeat([]byte("0123456789abcdef"), 50_000)
				if _, err := s.Upload(ctx, name, session.StoreReplace, bytes.NewReader(data)); err != nil {
					t.Errorf("%s%s: %v", scheme, way.command, err)
				}
				var down bytes.Buffer
				if _, err := s.Download(ctx, name, 0, &down); err != nil || !bytes.Equal(down.Bytes(), data) {
					t.Errorf("%s%s: %d bytes came back, %v", scheme, way.command, down.Len(), err)
				}
				if err := s.Remove(ctx, name); err != nil {
					t.Error(err)
				}
				s.Close(ctx)
			}
		}
	})
}
