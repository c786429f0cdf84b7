package proxy

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sftpc/sftpc/netio/server/relay"
	"github.com/sftpc/sftpc/netio/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParse(t *testing.T) {
	cases := []struct{ text, address, user, password string }{
		{"http://proxy.example:3128", "proxy.example:3128", "", ""},
		{"HTTP://proxy.example:3128/", "proxy.example:3128", "", ""},
		{"http://proxy.example", "proxy.example:80", "", ""},
		{"https://proxy.example", "proxy.example:443", "", ""},
		{"socks5://10.1.2.3", "10.1.2.3:1080", "", ""},
		{"socks5h://proxy", "proxy:1080", "", ""},
		{"socks5://[2001:db8::1]:9050", "[2001:db8::1]:9050", "", ""},
		{"http://[::1]", "[::1]:80", "", ""},
		{"http://joe:pa%40ss%2fword@proxy:1", "proxy:1", "joe", "pa@ss/word"},
		{"http://joe:a:b@proxy:1", "proxy:1", "joe", "a:b"},
		{"http://joe:p@ss@proxy:1", "proxy:1", "joe", "p@ss"},
		{"socks5://joe@proxy:1", "proxy:1", "joe", ""},
	}
	for _, c := range cases {
		p, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if p.Address() != c.address || p.user != c.user || p.password != c.password || p.login != (c.user != "") {
			t.Errorf("%s is %+v", c.text, p)
		}
	}
}

func TestParse_Refused(t *testing.T) {
	for _, text := range []string{
		"", "proxy:3128", "ftp://proxy:1", "socks4://proxy:1", "http://", "http://:80", "http://proxy:", "http://proxy:0",
		"http://proxy:65536", "http://proxy:x", "http://proxy:1/path", "http://proxy:1?x", "http://::1:80", "http://[proxy]:1",
		"http://[::1", "http://pro xy:1", "http://pro\nxy:1", "http://joe:secret%zz@proxy:1", "http://joe:secret%0d@proxy:1",
		"http://j%3aoe:secret@proxy:1", "socks5://:secret@proxy:1", "socks5://" + strings.Repeat("u", 256) + ":secret@proxy:1",
		"http://" + strings.Repeat("x", 300) + ":1",
	} {
		p, err := Parse(text)
		if err == nil || session.CauseOf(err) != session.BadArgument {
			t.Errorf("%q gives %+v, %v", text, p, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q is told: %v", text, err)
		}
	}
}

// echo serves connections that greet first and then repeat what they are sent.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "220 hello\r\n")
			io.Copy(conn, conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return listener.Addr().String()
}

func serve(t *testing.T, options relay.Options) *relay.Server {
	t.Helper()
	s, err := relay.Listen(context.Background(), "127.0.0.1:0", options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// dialOnce reaches address through the proxy that url names.
func dialOnce(t *testing.T, url, address string, within time.Duration) (net.Conn, error) {
	t.Helper()
	p, err := Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), within)
	defer stop()
	return p.Through(nil)(ctx, "tcp", address)
}

const ample = 30 * time.Second

// Both protocols carry bytes both ways, whatever way the proxy's reply arrives, and
// the server's first bytes are not lost with it.
func TestThrough_Carries(t *testing.T) {
	server := echo(t)
	login := relay.Options{User: "joe", Password: "pa:ss word"}
	cases := []struct {
		name    string
		options relay.Options
		fault   relay.Fault
		scheme  string
	}{
		{"connect", relay.Options{}, relay.Fault{}, "http://"},
		{"connect with login", login, relay.Fault{}, "http://joe:pa%3Ass%20word@"},
		{"login where none is wanted", relay.Options{}, relay.Fault{}, "http://joe:x@"},
		{"connect, reply a byte at a time", relay.Options{}, relay.Fault{Drip: true}, "http://"},
		{"connect, greeting behind the reply", relay.Options{}, relay.Fault{Join: true}, "http://"},
		{"socks", relay.Options{}, relay.Fault{}, "socks5://"},
		{"socks with login", login, relay.Fault{}, "socks5://joe:pa%3Ass%20word@"},
		{"socks login where none is wanted", relay.Options{}, relay.Fault{}, "socks5://joe:x@"},
		{"socks, reply a byte at a time", relay.Options{}, relay.Fault{Drip: true}, "socks5://"},
		{"socks, greeting behind the reply", relay.Options{}, relay.Fault{Join: true}, "socks5://"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.options.Map = func(address string) (string, bool) { return server, true }
			c.options.Misbehave = func(string) relay.Fault { return c.fault }
			proxy := serve(t, c.options)
			conn, err := dialOnce(t, c.scheme+proxy.Addr(), "ftp.example:21", ample)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if got := conn.RemoteAddr().String(); got != "ftp.example:21" {
				t.Errorf("the other end is %s", got)
			}
			// The context of the dial is over and must not end the connection.
			io.WriteString(conn, "ping")
			all := make([]byte, len("220 hello\r\nping"))
			if _, err := io.ReadFull(conn, all); err != nil || string(all) != "220 hello\r\nping" {
				t.Errorf("read %q, %v", all, err)
			}
			if asked := proxy.Asked(); len(asked) != 1 || asked[0] != "ftp.example:21" {
				t.Errorf("the proxy was asked for %q: names are its own to resolve", asked)
			}
		})
	}
}

func TestThrough_Addresses(t *testing.T) {
	for _, scheme := range []string{"http://", "socks5://"} {
		for address, asked := range map[string]string{
			"192.0.2.1:2121":                 "192.0.2.1:2121",
			"[2001:db8::7]:21":               "[2001:db8::7]:21",
			"ftp.example:65535":              "ftp.example:65535",
			"ftp.example:0":                  "",
			"ftp.example":                    "",
			"[fe80::1%eth0]:21":              "",
			"ftp example:21":                 "",
			"ftp\r\nHost: x:21":              "",
			strings.Repeat("x", 256) + ":21": "",
		} {
			proxy := serve(t, relay.Options{Map: func(string) (string, bool) { return "", false }})
			_, err := dialOnce(t, scheme+proxy.Addr(), address, ample)
			got := strings.Join(proxy.Asked(), ",")
			if got != asked || asked == "" && session.CauseOf(err) != session.BadArgument {
				t.Errorf("%s%q: asked for %q, %v", scheme, address, got, err)
			}
		}
	}
}

// What a proxy refuses has a cause and a class that say whether to try again.
func TestThrough_Refused(t *testing.T) {
	socks := func(code byte) []byte { return []byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0} }
	cases := []struct {
		name  string
		url   string // %s is the proxy's address
		reply string
		cause session.Cause
		class session.Class
		says  string
		hint  string
	}{
		{"407", "http://%s", "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=x\r\n\r\n", session.ProxyFailed, session.ClassAuth, "407 Auth", "names the login"},
		{"407 with login", "http://joe:very-secret@%s", "HTTP/1.1 407 Auth\r\n\r\n", session.ProxyFailed, session.ClassAuth, "407 Auth", "does not take this login"},
		{"407 of others", "http://joe:very-secret@%s", "HTTP/1.1 407 A\r\nproxy-authenticate: NTLM\r\nProxy-Authenticate: Negotiate x\r\n\r\n", session.ProxyFailed, session.ClassAuth, "407", "NTLM, Negotiate"},
		{"403", "http://%s", "HTTP/1.1 403 Forbidden\r\n\r\n", session.ProxyFailed, session.ClassPermanent, "refused a connection to ftp.example:21: 403 Forbidden", "port 21"},
		{"404", "http://%s", "HTTP/1.0 404 Gone fishing\n\n", session.ProxyFailed, session.ClassPermanent, "404 Gone fishing", ""},
		{"302", "http://%s", "HTTP/1.1 302 Found\r\nLocation: http://login\r\n\r\n", session.ProxyFailed, session.ClassPermanent, "302", ""},
		{"502", "http://%s", "HTTP/1.1 502 Bad Gateway\r\n\r\n", session.ProxyFailed, session.ClassTransient, "502 Bad Gateway", ""},
		{"503 without a reason", "http://%s", "HTTP/1.1 503\r\n\r\n", session.ProxyFailed, session.ClassTransient, "503", ""},
		{"1xx and the end", "http://%s", "HTTP/1.1 100 Continue\r\n\r\n", session.ProxyFailed, session.ClassTransient, "closed the connection before its reply was whole", ""},
		{"nothing", "http://%s", "\r\n", session.ProxyFailed, session.ClassProtocol, "does not speak HTTP", ""},
		{"ssh", "http://%s", "SSH-2.0-OpenSSH_9.2\r\n", session.ProxyFailed, session.ClassProtocol, "SSH-2.0", ""},
		{"socks instead", "http://%s", "\x05\x00", session.ProxyFailed, session.ClassProtocol, "does not speak HTTP", "socks5://"},
		{"half a line", "http://%s", "HTTP/1.1 20", session.ProxyFailed, session.ClassTransient, "closed the connection", ""},
		{"half a header", "http://%s", "HTTP/1.1 200 ok\r\nVia: x", session.ProxyFailed, session.ClassTransient, "closed the connection", ""},
		{"status 999", "http://%s", "HTTP/1.1 999 x\r\n\r\n", session.ProxyFailed, session.ClassProtocol, "999", ""},
		{"status 20", "http://%s", "HTTP/1.1 20 x\r\n\r\n", session.ProxyFailed, session.ClassProtocol, "HTTP/1.1 20", ""},
		{"status x", "http://%s", "HTTP/1.1 2x0 ok\r\n\r\n", session.ProxyFailed, session.ClassProtocol, "2x0", ""},
		{"long reason", "http://%s", "HTTP/1.1 403 " + strings.Repeat("words ", 5000) + "\r\n\r\n", session.ProxyFailed, session.ClassPermanent, "words", ""},

		{"socks 1", "socks5://%s", string(socks(1)), session.ProxyFailed, session.ClassTransient, "general failure", ""},
		{"socks 2", "socks5://%s", string(socks(2)), session.ProxyFailed, session.ClassPermanent, "rules", "port 21"},
		{"socks 3", "socks5://%s", string(socks(3)), session.ConnectionRefused, session.ClassTransient, "network", ""},
		{"socks 4", "socks5://%s", string(socks(4)), session.ConnectionRefused, session.ClassTransient, "name is not known", ""},
		{"socks 5", "socks5://%s", string(socks(5)), session.ConnectionRefused, session.ClassTransient, "refused", ""},
		{"socks 6", "socks5://%s", string(socks(6)), session.ConnectTimeout, session.ClassTransient, "in time", ""},
		{"socks 7", "socks5://%s", string(socks(7)), session.ProxyFailed, session.ClassPermanent, "for others", ""},
		{"socks 8", "socks5://%s", string(socks(8)), session.ProxyFailed, session.ClassPermanent, "kind of address", ""},
		{"socks 99", "socks5://%s", string(socks(99)), session.ProxyFailed, session.ClassPermanent, "99", ""},
		{"socks code cut short", "socks5://%s", "\x05\x05", session.ConnectionRefused, session.ClassTransient, "refused", ""},
		{"socks nothing", "socks5://%s", "\x05", session.ProxyFailed, session.ClassTransient, "closed the connection", ""},
		{"socks version 4", "socks5://%s", "\x04\x00\x00\x01", session.ProxyFailed, session.ClassProtocol, "SOCKS5", ""},
		{"socks address", "socks5://%s", "\x05\x00\x00\x07aaaaaaaaaa", session.ProxyFailed, session.ClassProtocol, "kind 7", ""},
		{"socks half an address", "socks5://%s", "\x05\x00\x00\x04aaaa", session.ProxyFailed, session.ClassTransient, "closed the connection", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			proxy := serve(t, relay.Options{Misbehave: func(string) relay.Fault { return relay.Fault{Raw: []byte(c.reply)} }})
			_, err := dialOnce(t, strings.Replace(c.url, "%s", proxy.Addr(), 1), "ftp.example:21", ample)
			check(t, err, c.cause, c.class, c.says, c.hint)
			if err != nil && !strings.Contains(err.Error(), "the proxy "+proxy.Addr()) {
				t.Errorf("%q does not name the proxy", err)
			}
		})
	}
}

func check(t *testing.T, err error, cause session.Cause, class session.Class, says, hint string) {
	t.Helper()
	var e *session.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v", err)
	}
	if e.Cause != cause || e.Class != class {
		t.Errorf("cause %d, class %s, want %d, %s: %v", e.Cause, e.Class, cause, class, err)
	}
	if !strings.Contains(err.Error(), says) || !strings.Contains(e.Hint, hint) {
		t.Errorf("%q (hint %q) does not say %q (%q)", err, e.Hint, says, hint)
	}
	if len(err.Error())+len(e.Hint) > 700 || strings.Contains(err.Error()+e.Hint, "very-secret") {
		t.Errorf("the message is too long, or tells a secret: %q, %q", err, e.Hint)
	}
}

// The login's own refusals.
func TestThrough_LoginRefused(t *testing.T) {
	proxy := serve(t, relay.Options{User: "joe", Password: "very-secret"})
	for url, says := range map[string]string{
		"http://":                   "407",
		"http://joe:x@":             "407",
		"socks5://":                 "none of the ways",
		"socks5://joe:x@":           "does not take this login",
		"socks5://jim:very-secret@": "does not take this login",
	} {
		_, err := dialOnce(t, url+proxy.Addr(), "ftp.example:21", ample)
		check(t, err, session.ProxyFailed, session.ClassAuth, says, "")
	}
}

// raw serves one connection with what answer does.
func raw(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := listener.Accept(); err == nil {
			answer(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return listener.Addr().String()
}

// Nothing that a proxy does holds a dial longer than its context, nor takes memory.
func TestThrough_Bounded(t *testing.T) {
	const brief = 300 * time.Millisecond
	silent := func(c net.Conn) { io.Copy(io.Discard, c) }
	endless := func(piece string) func(net.Conn) {
		return func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, piece); err != nil {
					return
				}
			}
		}
	}
	cases := []struct {
		name   string
		scheme string
		answer func(net.Conn)
		within time.Duration
		cause  session.Cause
		says   string
	}{
		{"silent", "http://", silent, brief, session.ConnectTimeout, "made no connection to ftp.example:21 within"},
		{"silent to TLS", "https://", silent, brief, session.ConnectTimeout, "made no connection"},
		{"silent", "socks5://", silent, brief, session.ConnectTimeout, "made no connection"},
		{"slow for ever", "http://", func(c net.Conn) {
			for _, err := io.WriteString(c, "HTTP/1.1 200 ok\r\n"); err == nil; _, err = io.WriteString(c, "a: b\r\n") {
				time.Sleep(20 * time.Millisecond)
			}
		}, brief, session.ConnectTimeout, "made no connection"},
		{"endless headers", "http://", endless("HTTP/1.1 200 ok\r\n"), ample, session.ProxyFailed, "64 KiB"},
		{"endless line", "http://", endless("HTTP/1.1 "), ample, session.ProxyFailed, "64 KiB"},
		{"endless 1xx", "http://", endless("HTTP/1.1 100 Continue\r\n\r\n"), ample, session.ProxyFailed, "64 KiB"},
		{"endless garbage", "http://", endless("\x00\xff\xfe"), ample, session.ProxyFailed, "does not speak HTTP"},
		{"no TLS", "https://", endless("HTTP/1.1 400 Bad Request\r\n\r\n"), ample, session.ProxyFailed, "no TLS with the proxy"},
		{"HTTP", "socks5://", endless("HTTP/1.1 400 Bad Request\r\n\r\n"), ample, session.ProxyFailed, "does not speak SOCKS5"},
		{"a way that was not offered", "socks5://", endless("\x05\x02"), ample, session.ProxyFailed, "was not offered"},
	}
	for _, c := range cases {
		t.Run(c.scheme+" "+c.name, func(t *testing.T) {
			start := time.Now()
			_, err := dialOnce(t, c.scheme+raw(t, c.answer), "ftp.example:21", c.within)
			var e *session.Error
			if !errors.As(err, &e) || e.Cause != c.cause || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v", err)
			}
			if took := time.Since(start); took > ample {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestThrough_Cancelled(t *testing.T) {
	reached := make(chan struct{})
	url := "http://" + raw(t, func(c net.Conn) { close(reached); io.Copy(io.Discard, c) })
	p, _ := Parse(url)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-reached; cancel() }()
	_, err := p.Through(nil)(ctx, "tcp", "ftp.example:21")
	if session.CauseOf(err) != session.Cancelled {
		t.Errorf("the error is %v", err)
	}
}

func TestThrough_NotReached(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	closed.Close()
	_, err = dialOnce(t, "http://joe:very-secret@"+address, "ftp.example:21", ample)
	check(t, err, session.ProxyFailed, session.ClassTransient, "cannot be reached", "")

	p, _ := Parse("http://proxy.example:3128")
	unknown := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "proxy.example", IsNotFound: true}
	}
	_, err = p.Through(unknown)(context.Background(), "tcp", "ftp.example:21")
	check(t, err, session.ProxyFailed, session.ClassPermanent, "no such host", "")
}

// An https proxy is spoken to in TLS, and only if its certificate is believed.
func TestThrough_TLS(t *testing.T) {
	certificate, roots := selfSigned(t)
	server := echo(t)
	for _, believed := range []bool{true, false} {
		address := raw(t, func(c net.Conn) {
			secured := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}})
			in := make([]byte, 4096)
			if n, err := secured.Read(in); err != nil || !bytes.HasPrefix(in[:n], []byte("CONNECT ftp.example:21 ")) {
				return
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				return
			}
			defer to.Close()
			n, _ := to.Read(in)
			secured.Write(append([]byte("HTTP/1.1 200 ok\r\n\r\n"), in[:n]...))
			io.Copy(io.Discard, secured)
		})
		p, err := Parse("https://" + address)
		if err != nil {
			t.Fatal(err)
		}
		if believed {
			p.roots = roots
		}
		ctx, stop := context.WithTimeout(context.Background(), ample)
		conn, err := p.Through(nil)(ctx, "tcp", "ftp.example:21")
		stop()
		if !believed {
			check(t, err, session.ProxyFailed, session.ClassTrust, "is not believed", "")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		greeting := make([]byte, 11)
		if _, err := io.ReadFull(conn, greeting); err != nil || string(greeting) != "220 hello\r\n" {
			t.Errorf("read %q, %v", greeting, err)
		}
		conn.Close()
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, roots
}
