package sshconn

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// exchange makes the connections of a session.
type exchange struct {
	asked atomic.Int32 // how many it was asked for
	// further makes all but the first; nil is as the first.
	further func(ctx context.Context, network, address string) (net.Conn, error)
}

// watched is a connection that ends by itself after some bytes.
type watched struct {
	net.Conn
	left atomic.Int64 // bytes in both directions; below zero it is cut
}

func (w *watched) spend(n int, err error) (int, error) {
	if w.left.Add(int64(-n)) < 0 {
		w.Conn.Close()
	}
	return n, err
}

func (w *watched) Read(b []byte) (int, error) { return w.spend(w.Conn.Read(b)) }

func (w *watched) Write(b []byte) (int, error) { return w.spend(w.Conn.Write(b)) }

func (x *exchange) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if x.asked.Add(1) > 1 && x.further != nil {
		return x.further(ctx, network, address)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// spread is a session that may use n connections.
func spread(t *testing.T, n int, x *exchange, o siteOptions) *site {
	t.Helper()
	s := serve(t, o)
	client, err := Dial(context.Background(), s.endpoint(), session.Settings{Timeouts: patient(), Observe: s.wire.observe, Dial: x.dial, Connections: n, Features: o.features})
	s.must(err)
	s.Session = client
	return s
}

// bothWays moves data to the server and back, far away, and compares.
func (s *site) bothWays(data []byte) {
	s.Helper()
	ctx := context.Background()
	s.far()
	p := &progress{file: temporary(s.T, data)}
	if n, err := s.Upload(ctx, "file", session.StoreReplace, p); err != nil || n != int64(len(data)) || p.moved != n {
		s.Fatalf("up: %d, %v", n, err)
	}
	if !bytes.Equal(s.read("file"), data) {
		s.Fatal("other bytes are there")
	}
	s.far()
	p = &progress{file: temporary(s.T, nil)}
	if n, err := s.Download(ctx, "file", 0, p); err != nil || n != int64(len(data)) || p.moved != n {
		s.Fatalf("down: %d, %v", n, err)
	}
	if got, err := os.ReadFile(p.file.Name()); err != nil || !bytes.Equal(got, data) {
		s.Fatalf("other bytes came: %v", err)
	}
}

func (s *site) noted(text string) bool {
	s.wire.Lock()
	defer s.wire.Unlock()
	return slices.ContainsFunc(s.wire.lines, func(line string) bool { return strings.Contains(line, text) })
}

func TestCompanions_HowMany(t *testing.T) {
	tests := []struct {
		name        string
		allowed     int
		size        int
		features    map[string]session.Feature
		connections int
	}{
		{"one is allowed", 1, 3 * worthAConnection, nil, 1},
		{"nothing is said", 0, 3 * worthAConnection, nil, 1},
		{"too small", 4, 2*worthAConnection - 1, nil, 1},
		{"two", 4, 2 * worthAConnection, nil, 2},
		{"two are allowed", 2, 3 * worthAConnection, nil, 2},
		{"three", 4, 3 * worthAConnection, nil, 3},
		{"no more than four", 9, 9 * worthAConnection, nil, 4},
		{"switched off", 4, 3 * worthAConnection, map[string]session.Feature{"CHANNELS": session.FeatureDisabled}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := &exchange{}
			s := spread(t, test.allowed, x, siteOptions{features: test.features})
			s.far()
			s.prepare(int64(test.size), false)
			for i := range s.companions {
				s.companions[i].dialling.Wait()
			}
			if got := int(x.asked.Load()); got != test.connections {
				t.Errorf("%d connections, want %d", got, test.connections)
			}
		})
	}
	x := &exchange{}
	s := spread(t, 4, x, siteOptions{})
	s.must(s.ChangeDir(context.Background(), "/")) // and so it is known to be near
	s.prepare(1<<30, true)
	if got := int(x.asked.Load()); got != 1 {
		t.Errorf("near: %d connections", got)
	}
}

func TestCompanions(t *testing.T) {
	data := noise(3*worthAConnection + 12345)
	tests := map[string]func(s *site, x *exchange){
		"all are there": func(*site, *exchange) {},
		"refused": func(_ *site, x *exchange) {
			x.further = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no more") }
		},
		"never answered": func(_ *site, x *exchange) {
			x.further = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		},
		"another server": func(s *site, x *exchange) {
			other := serve(s.T, siteOptions{})
			x.further = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, other.server.Addr())
			}
		},
	}
	for name, arrange := range tests {
		t.Run(name, func(t *testing.T) {
			x := &exchange{}
			s := spread(t, 4, x, siteOptions{})
			arrange(s, x)
			s.bothWays(data)
			if name != "never answered" {
				for i := range s.companions {
					s.companions[i].dialling.Wait()
				}
			}
			asked := int(x.asked.Load())
			s.bothWays(data)
			if again := int(x.asked.Load()); asked < 3 || again != asked {
				t.Errorf("%d connections were asked for, and then %d", asked, again)
			}
			if name == "refused" || name == "another server" {
				if !s.noted("one connection less") {
					t.Error("nobody is told that a connection is missing")
				}
			}
			if name == "all are there" && !s.noted("a further connection") {
				t.Error("no further connection was used")
			}
			s.must(s.Close(context.Background()))
		})
	}
}

// A companion that is cut, wherever in its login or its work, costs nothing but time.
func TestCompanions_Cut(t *testing.T) {
	data := noise(2*worthAConnection + 1)
	for _, after := range []int64{1, 1000, 3000, 5000, 100_000, 2 << 20} {
		x := &exchange{}
		s := spread(t, 2, x, siteOptions{faults: "on READ: delay 1ms\non WRITE: delay 1ms"})
		x.further = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			w := &watched{Conn: conn}
			w.left.Store(after)
			return w, nil
		}
		s.bothWays(data)
		s.must(s.Close(context.Background()))
	}
}

// Only the server of the first connection is believed to have the same files.
func TestSameServer(t *testing.T) {
	here, there := serve(t, siteOptions{}), serve(t, siteOptions{})
	log := func(s *site, dial func(context.Context, string, string) (net.Conn, error)) *Session {
		endpoint := s.endpoint()
		client, err := Dial(context.Background(), endpoint, session.Settings{Timeouts: patient(), Dial: dial})
		s.must(err)
		t.Cleanup(func() { client.Close(context.Background()) })
		return client
	}
	posing := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		address = here.server.Addr()
		at, err := net.ResolveTCPAddr(network, address)
		return posed{conn, at}, err
	}
	first, again := log(here, nil), log(here, nil)
	other, poser := log(there, nil), log(there, posing)
	if err := sameServer(first.connection, again.connection); err != nil {
		t.Errorf("the same one: %v", err)
	}
	for want, s := range map[string]*Session{"leads to": other, "another host key": poser} {
		if err := sameServer(first.connection, s.connection); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// posed is a connection that claims to lead somewhere else.
type posed struct {
	net.Conn
	at net.Addr
}

func (p posed) RemoteAddr() net.Addr { return p.at }

// A name that leads to another file by the time that a companion opens it: none of its
// bytes are taken.
func TestCompanions_OtherFile(t *testing.T) {
	const size = 3 * worthAConnection
	old, other := noise(size), noise(size+1)
	var opens atomic.Int32
	var s *site
	x := &exchange{}
	s = spread(t, 3, x, siteOptions{faults: "on READ: delay 2ms", server: sftpserver.Options{Log: func(line string) {
		if strings.HasSuffix(line, "OPEN /file") && opens.Add(1) == 2 {
			s.file("new", other)
			s.must(os.Rename(s.dir+"/new", s.dir+"/file"))
		}
	}}})
	s.file("file", old)
	s.far()
	var got bytes.Buffer
	if n, err := s.Download(context.Background(), "file", 0, &got); err != nil || n != size || !bytes.Equal(got.Bytes(), old) {
		t.Errorf("%d bytes, %v; the same: %v", n, err, bytes.Equal(got.Bytes(), old))
	}
	s.must(s.Close(context.Background()))
	if opens.Load() < 2 {
		t.Error("no further channel was used")
	}
}
