package netio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/relay"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// house is an FTP server that only a proxy can reach by its name.
type house struct {
	folder   string
	server   *server.Server
	proxy    *relay.Server
	endpoint session.Endpoint
	settings session.Settings
	active   atomic.Bool
	dialled  atomic.Int32 // connections that did not go to the proxy
}

// behindProxy builds one. scheme ends in ://, with a login or without.
func behindProxy(t *testing.T, scheme string, options server.Options, proxy relay.Options) *house {
	t.Helper()
	h := &house{folder: t.TempDir()}
	options.Dir, options.Users, options.LoginDelay, options.SkipSync = h.folder, map[string]string{"u": "p"}, -1, true
	var err error
	if h.server, err = server.Listen(context.Background(), "127.0.0.1:0", options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.server.Close() })
	allowed := proxy.Map
	proxy.Map = func(address string) (string, bool) {
		if allowed != nil {
			if _, ok := allowed(address); !ok {
				return "", false
			}
		}
		host, port, _ := net.SplitHostPort(address)
		if host != "ftp.example" {
			return "", false
		}
		if port == "21" {
			return h.server.Addr(), true
		}
		return net.JoinHostPort("127.0.0.1", port), true
	}
	if h.proxy, err = relay.Listen(context.Background(), "127.0.0.1:0", proxy); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.proxy.Close() })
	h.endpoint = session.Endpoint{Host: "ftp.example", Address: "ftp.example:21", User: "u", Password: "p", Proxy: scheme + h.proxy.Addr()}
	h.settings = session.Settings{
		DataMode: func() session.DataMode { return session.DataMode{Active: h.active.Load()} },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != h.proxy.Addr() {
				h.dialled.Add(1)
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	return h
}

func (h *house) open(t *testing.T) session.Session {
	t.Helper()
	s, err := Dial(context.Background(), h.endpoint, h.settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

// Control and data connections of a session go through the proxy, with EPSV and
// with PASV, whatever address a 227 names, and the proxy is asked for the server
// by its name.
func TestProxy_PassiveTransfers(t *testing.T) {
	data := bytes.Repeat([]byte("sales figures, not to be changed on the way\n"), 20_000)
	lying := fault.New(fault.Rule{Verb: "PASV", Effect: fault.Effect{AddressHost: "203.0.113.9"}})
	ways := []struct {
		name     string
		features map[string]session.Feature
		faults   *fault.Script
	}{
		{"EPSV", nil, nil},
		{"PASV", map[string]session.Feature{"EPSV": session.FeatureDisabled}, nil},
		{"PASV of another host", map[string]session.Feature{"EPSV": session.FeatureDisabled}, lying},
	}
	proxies := []struct {
		scheme  string
		options relay.Options
	}{
		{"http://", relay.Options{}},
		{"http://joe:very-secret@", relay.Options{User: "joe", Password: "very-secret"}},
		{"socks5://", relay.Options{}},
		{"socks5://joe:very-secret@", relay.Options{User: "joe", Password: "very-secret"}},
	}
	for _, p := range proxies {
		for _, way := range ways {
			t.Run(p.scheme+" "+way.name, func(t *testing.T) {
				h := behindProxy(t, p.scheme, server.Options{Faults: way.faults}, p.options)
				h.settings.Features = way.features
				s, ctx := h.open(t), context.Background()
				if n, err := s.Upload(ctx, "up.bin", session.StoreReplace, bytes.NewReader(data)); err != nil || n != int64(len(data)) {
					t.Fatalf("%d bytes went up, %v", n, err)
				}
				var down bytes.Buffer
				if _, err := s.Download(ctx, "up.bin", 0, &down); err != nil || !bytes.Equal(down.Bytes(), data) {
					t.Fatalf("%d bytes came down, %v", down.Len(), err)
				}
				listing, err := s.List(ctx, "")
				if err != nil || len(listing.Entries) != 1 || listing.Entries[0].Size != int64(len(data)) {
					t.Fatalf("the listing is %+v, %v", listing, err)
				}
				asked := h.proxy.Asked()
				if len(asked) != 4 {
					t.Errorf("the proxy was asked for %q, and four connections are needed", asked)
				}
				for _, address := range asked {
					if !strings.HasPrefix(address, "ftp.example:") {
						t.Errorf("the proxy was asked for %s", address)
					}
				}
				if n := h.dialled.Load(); n > 0 {
					t.Errorf("%d connections went past the proxy", n)
				}
			})
		}
	}
}

// Active mode has an error of its own, and the session goes on in passive mode.
func TestProxy_ActiveIsRefused(t *testing.T) {
	h := behindProxy(t, "socks5://", server.Options{}, relay.Options{})
	s, ctx := h.open(t), context.Background()
	h.active.Store(true)
	_, err := s.List(ctx, "")
	var e *session.Error
	if !errors.As(err, &e) || e.Cause != session.ActiveThroughProxy || !strings.Contains(e.Hint, "SETPASSIVE(ENABLED)") || e.Host == "" {
		t.Fatalf("the error is %+v", err)
	}
	h.active.Store(false)
	if _, err := s.List(ctx, ""); err != nil {
		t.Errorf("in passive mode: %v", err)
	}
}

// A proxy that lets the control connection through only is told apart from a
// server that cannot be reached, and no way round it is advised.
func TestProxy_DataRefused(t *testing.T) {
	h := behindProxy(t, "http://", server.Options{}, relay.Options{Map: func(address string) (string, bool) {
		return "", address == "ftp.example:21"
	}})
	s := h.open(t)
	_, err := s.List(context.Background(), "")
	var e *session.Error
	if !errors.As(err, &e) || e.Cause != session.PassiveDataFailed || e.Class != session.ClassPermanent {
		t.Fatalf("the error is %+v", err)
	}
	if !strings.Contains(err.Error(), "403 Forbidden") || strings.Contains(e.Hint, "SETPASSIVE") || !strings.Contains(e.Hint, "proxy must let port") {
		t.Errorf("%q, hint %q", err, e.Hint)
	}
}

func TestProxy_ConnectionRefused(t *testing.T) {
	cases := []struct {
		name  string
		fault relay.Fault
		cause session.Cause
		class session.Class
	}{
		{"refused", relay.Fault{Raw: []byte("\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")}, session.ConnectionRefused, session.ClassTransient},
		{"silent", relay.Fault{Silent: true}, session.ConnectTimeout, session.ClassTransient},
		{"garbage", relay.Fault{Raw: []byte("garbage"), Endless: true}, session.ProxyFailed, session.ClassProtocol},
		{"mute behind its yes", relay.Fault{Raw: []byte("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"), Silent: true}, session.ConnectTimeout, session.ClassTransient},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := behindProxy(t, "socks5://joe:very-secret@", server.Options{}, relay.Options{User: "joe", Password: "very-secret", Misbehave: func(string) relay.Fault { return c.fault }})
			if c.cause == session.ConnectTimeout {
				h.settings.Timeouts.Connect = time.Second
			}
			s, err := Dial(context.Background(), h.endpoint, h.settings)
			var e *session.Error
			if s != nil || !errors.As(err, &e) || e.Cause != c.cause || e.Class != c.class || e.Host != "ftp.example:21" {
				t.Fatalf("%v, %+v", s, err)
			}
			if strings.Contains(err.Error()+e.Hint, "very-secret") {
				t.Errorf("the login is told: %v", err)
			}
		})
	}
}

// A data connection that the proxy never makes ends with the connect time-out, and
// one that it makes and forgets with the idle time-out.
func TestProxy_DataTimeouts(t *testing.T) {
	silent := func(address string) relay.Fault {
		if address == "ftp.example:21" {
			return relay.Fault{}
		}
		return relay.Fault{Silent: true}
	}
	mute := func(address string) relay.Fault {
		if address == "ftp.example:21" {
			return relay.Fault{}
		}
		return relay.Fault{Raw: []byte("HTTP/1.1 200 ok\r\n\r\n"), Silent: true}
	}
	cases := []struct {
		name      string
		misbehave func(string) relay.Fault
		timeouts  session.Timeouts
		cause     session.Cause
	}{
		{"never made", silent, session.Timeouts{Connect: time.Second}, session.PassiveDataFailed},
		{"made and forgotten", mute, session.Timeouts{Idle: time.Second}, session.DataTimeout},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := behindProxy(t, "http://", server.Options{}, relay.Options{Misbehave: c.misbehave})
			h.settings.Timeouts = c.timeouts
			s := h.open(t)
			_, err := s.List(context.Background(), "")
			if got := session.CauseOf(err); got != c.cause {
				t.Errorf("cause %d, want %d: %v", got, c.cause, err)
			}
		})
	}
}

// failing is an upload's source that breaks.
type failing struct{ left int }

func (f *failing) Read(b []byte) (int, error) {
	if f.left == 0 {
		return 0, errors.New("the disk is gone")
	}
	n := min(len(b), f.left)
	f.left -= n
	return n, nil
}

// An upload that is given up must not end in order, through a proxy neither: the
// server would take the part for the whole.
func TestProxy_GivenUpUploadIsNotWhole(t *testing.T) {
	for _, scheme := range []string{"http://", "socks5://"} {
		h := behindProxy(t, scheme, server.Options{}, relay.Options{})
		var lock sync.Mutex
		var replies []string
		h.settings.Observe = func(w session.Wire) {
			lock.Lock()
			defer lock.Unlock()
			if w.Kind == session.WireReply {
				replies = append(replies, w.Text)
			}
		}
		s := h.open(t)
		if _, err := s.Upload(context.Background(), "part.bin", session.StoreReplace, &failing{left: 300_000}); err == nil {
			t.Fatal("no error")
		}
		if _, err := s.List(context.Background(), ""); err != nil {
			t.Errorf("the session is of no use afterwards: %v", err)
		}
		lock.Lock()
		if !slices.ContainsFunc(replies, func(line string) bool { return strings.HasPrefix(line, "426") }) {
			t.Errorf("the server was not told of the end: %q", replies)
		}
		lock.Unlock()
	}
}

func TestProxy_BadURL(t *testing.T) {
	_, err := Dial(context.Background(), session.Endpoint{Host: "h", Address: "192.0.2.1:21", Proxy: "http://joe:very-secret@"}, session.Settings{})
	if session.CauseOf(err) != session.BadArgument || strings.Contains(err.Error(), "very-secret") {
		t.Errorf("%v", err)
	}
	if host, port, err := CheckProxy("socks5://joe:x@[::1]"); err != nil || host != "::1" || port != 1080 {
		t.Errorf("%s %d %v", host, port, err)
	}
}

// The bytes of a file take no short cut past a tunnel whose first bytes came with
// the proxy's reply.
func TestProxy_JoinedReplies(t *testing.T) {
	h := behindProxy(t, "http://", server.Options{}, relay.Options{Misbehave: func(address string) relay.Fault {
		return relay.Fault{Join: address == "ftp.example:21", Drip: address != "ftp.example:21"}
	}})
	if err := os.WriteFile(filepath.Join(h.folder, "f"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := h.open(t)
	local, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	if _, err := s.Download(context.Background(), "f", 0, local); err != nil {
		t.Fatal(err)
	}
	local.Seek(0, io.SeekStart)
	if got, _ := io.ReadAll(local); string(got) != "content" {
		t.Errorf("the file holds %q", got)
	}
}

// SFTP goes through a proxy as FTP does: all of its channels are in one connection.
func TestProxy_SFTP(t *testing.T) {
	folder := t.TempDir()
	server, err := sftpserver.Listen(context.Background(), "127.0.0.1:0", sftpserver.Options{Dir: folder, Users: map[string]string{"u": "very-secret"}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, scheme := range []string{"http://", "socks5://", "http://joe:pw@"} {
		for _, fault := range []relay.Fault{{}, {Join: true}, {Drip: true}} {
			options := relay.Options{
				Map:       func(address string) (string, bool) { return server.Addr(), address == "files.example:22" },
				Misbehave: func(string) relay.Fault { return fault },
			}
			if strings.Contains(scheme, "joe") {
				options.User, options.Password = "joe", "pw"
			}
			proxy, err := relay.Listen(context.Background(), "127.0.0.1:0", options)
			if err != nil {
				t.Fatal(err)
			}
			endpoint := session.Endpoint{
				Protocol: session.SFTP, Host: "files.example", Address: "files.example:22", User: "u", Password: "very-secret",
				Proxy: scheme + proxy.Addr(), Trust: session.Trust{Level: session.TrustAny},
			}
			s, err := Dial(context.Background(), endpoint, session.Settings{})
			if err != nil {
				t.Fatalf("%s %+v: %v", scheme, fault, err)
			}
			data := bytes.Repeat([]byte("0123456789abcdef"), 50_000)
			if _, err := s.Upload(context.Background(), "f", session.StoreReplace, bytes.NewReader(data)); err != nil {
				t.Error(err)
			}
			var down bytes.Buffer
			if _, err := s.Download(context.Background(), "f", 0, &down); err != nil || !bytes.Equal(down.Bytes(), data) {
				t.Errorf("%d bytes came back, %v", down.Len(), err)
			}
			s.Close(context.Background())
			proxy.Close()
		}
	}
}

// What a proxy says is told for SFTP as for FTP.
func TestProxy_SFTPRefused(t *testing.T) {
	proxy, err := relay.Listen(context.Background(), "127.0.0.1:0", relay.Options{Map: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	_, err = Dial(context.Background(), session.Endpoint{Protocol: session.SFTP, Host: "files.example", Address: "files.example:22", User: "u", Proxy: "socks5://" + proxy.Addr()}, session.Settings{})
	var e *session.Error
	if !errors.As(err, &e) || e.Cause != session.ProxyFailed || e.Class != session.ClassPermanent || !strings.Contains(err.Error(), "rules do not allow") || e.Host == "" {
		t.Errorf("%+v", err)
	}
}

// FTPS goes through a proxy with all that it insists on: the name in the certificate
// and resumed sessions on data connections.
func TestProxy_FTPS(t *testing.T) {
	for _, protocol := range []session.Protocol{session.FTPSExplicit, session.FTPSImplicit} {
		for _, scheme := range []string{"http://", "socks5://"} {
			for _, join := range []bool{false, true} {
				h := behindProxy(t, scheme, server.Options{TLS: &server.TLS{
					Implicit: protocol == session.FTPSImplicit, Required: true, Reuse: server.ReuseSession, Names: []string{"ftp.example"},
				}}, relay.Options{Misbehave: func(address string) relay.Fault {
					// Under implicit TLS the server waits for our first word.
					return relay.Fault{Join: join && address == "ftp.example:21" && protocol == session.FTPSExplicit}
				}})
				h.endpoint.Protocol = protocol
				h.endpoint.Trust.Authorities = h.server.Authority()
				s, ctx := h.open(t), context.Background()
				data := bytes.Repeat([]byte("0123456789abcdef"), 50_000)
				if n, err := s.Upload(ctx, "up.bin", session.StoreReplace, bytes.NewReader(data)); err != nil || n != int64(len(data)) {
					t.Fatalf("%d bytes went up, %v", n, err)
				}
				var down bytes.Buffer
				if _, err := s.Download(ctx, "up.bin", 0, &down); err != nil || !bytes.Equal(down.Bytes(), data) {
					t.Fatalf("%d bytes came down, %v", down.Len(), err)
				}
				if _, err := s.Upload(ctx, "part.bin", session.StoreReplace, &failing{left: 300_000}); err == nil {
					t.Fatal("no error")
				}
				if _, err := s.List(ctx, ""); err != nil {
					t.Errorf("after an upload that was given up: %v", err)
				}
				h.active.Store(true)
				if _, err := s.List(ctx, ""); session.CauseOf(err) != session.ActiveThroughProxy {
					t.Errorf("active mode: %v", err)
				}
				s.Close(ctx)
			}
		}
	}
}
