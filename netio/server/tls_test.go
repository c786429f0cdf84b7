package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/server"
)

// safe speaks raw FTP, in the clear until it is told to change to TLS.
type safe struct {
	t     *testing.T
	conn  net.Conn
	in    *bufio.Reader
	roots *x509.CertPool
	cache tls.ClientSessionCache
}

func startSafe(t *testing.T, options *server.TLS) *server.Server {
	t.Helper()
	s, err := server.Listen(context.Background(), "127.0.0.1:0", server.Options{
		Dir: t.TempDir(), Users: map[string]string{"joe": "secret"}, DataTimeout: patience, LoginDelay: -1, TLS: options,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func dialSafe(t *testing.T, s *server.Server) *safe {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &safe{t: t, conn: conn, in: bufio.NewReader(conn), roots: x509.NewCertPool(), cache: tls.NewLRUClientSessionCache(4)}
	c.roots.AppendCertsFromPEM(s.Authority())
	return c
}

func (c *safe) config() *tls.Config {
	return &tls.Config{RootCAs: c.roots, ServerName: "localhost", ClientSessionCache: c.cache}
}

// change begins TLS.
func (c *safe) change() {
	c.t.Helper()
	secured := tls.Client(c.conn, c.config())
	if err := secured.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.conn, c.in = secured, bufio.NewReader(secured)
}

// expect reads a reply, which must begin so.
func (c *safe) expect(reply string) string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, reply) {
		c.t.Fatalf("got %q, %v, want %q", line, err, reply)
	}
	return line
}

func (c *safe) want(line, reply string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
	c.expect(reply)
}

func TestAUTH(t *testing.T) {
	c := dialSafe(t, startSafe(t, &server.TLS{Required: true}))
	c.expect("220 ")
	c.want("USER joe", "530 Send AUTH TLS first")
	c.want("PBSZ 0", "503 ")
	c.want("PROT P", "503 ")
	c.want("AUTH GSSAPI", "504 ")
	c.want("AUTH", "501 ")
	c.want("AUTH TLS", "234 ")
	c.change()
	c.want("AUTH TLS", "503 ")
	c.want("PBSZ 0", "200 PBSZ=0")
	c.want("PROT C", "534 ")
	c.want("PROT S", "536 ")
	c.want("PROT X", "504 ")
	c.want("PROT P", "200 ")
	c.want("USER joe", "331 ")
	c.want("PASS secret", "230 ")
	c.want("QUIT", "221 ")
}

// What a client, or somebody in between, sends behind AUTH in the clear is not taken
// for what comes under TLS.
func TestAUTH_ForgetsWhatFollowsInTheClear(t *testing.T) {
	c := dialSafe(t, startSafe(t, &server.TLS{}))
	c.expect("220 ")
	c.want("AUTH SSL\r\nUSER joe\r\nPASS secret", "234 ")
	c.change()
	c.want("PWD", "530 ")
}

func TestAUTH_LogsOut(t *testing.T) {
	c := dialSafe(t, startSafe(t, &server.TLS{}))
	c.expect("220 ")
	c.want("USER joe", "331 ")
	c.want("PASS secret", "230 ")
	c.want("AUTH TLS", "234 ")
	c.change()
	c.want("PWD", "530 ")
}

func TestAUTH_WithoutTLS(t *testing.T) {
	c := dialSafe(t, startSafe(t, nil))
	c.expect("220 ")
	c.want("AUTH TLS", "502 ")
	c.want("NOOP", "200 ")
	c.want("FEAT", "211-")
	for line := ""; !strings.HasPrefix(line, "211 "); line = c.expect("") {
		if strings.Contains(line, "AUTH") || strings.Contains(line, "PROT") {
			t.Errorf("FEAT lists %q", line)
		}
	}
}

func TestImplicitTLS(t *testing.T) {
	c := dialSafe(t, startSafe(t, &server.TLS{Implicit: true}))
	c.change()
	c.expect("220 ")
	c.want("USER joe", "331 ")
	c.want("PASS secret", "230 ")
}

// A session of another control connection proves nothing, of whichever policy.
func TestReuse_OfAnotherLogin(t *testing.T) {
	s := startSafe(t, &server.TLS{Implicit: true, Reuse: server.ReuseSession})
	login := func(cache tls.ClientSessionCache) *safe {
		c := dialSafe(t, s)
		if cache != nil {
			c.cache = cache
		}
		c.change()
		c.expect("220 ")
		c.want("USER joe", "331 ")
		c.want("PASS secret", "230 ")
		return c
	}
	list := func(c *safe, cache tls.ClientSessionCache, reply string) {
		t.Helper()
		if _, err := io.WriteString(c.conn, "EPSV\r\n"); err != nil {
			t.Fatal(err)
		}
		var port int
		if _, err := fmt.Sscanf(c.expect("229 "), "229 Entering Extended Passive Mode (|||%d|)", &port); err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c.want("LIST", "150 ")
		config := c.config()
		config.ClientSessionCache = cache
		data := tls.Client(conn, config)
		io.Copy(io.Discard, data) // an error where it is refused
		c.expect(reply)
	}
	first, second := login(nil), login(nil)
	list(first, first.cache, "226 ")
	list(second, first.cache, "425 TLS session of data connection not resumed")
	list(second, tls.NewLRUClientSessionCache(1), "425 ")
	list(second, second.cache, "226 ")
}

func TestClientCertificates(t *testing.T) {
	if _, err := server.New(server.Options{Dir: t.TempDir(), Anonymous: true, TLS: &server.TLS{ClientAuthorities: []byte("none")}}); err == nil {
		t.Error("authorities that are none are taken")
	}
}
