package ftpconn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/session"
)

// Every command that a session sends is waited for no longer than the reply
// time-out, at the login and after it.
func TestTimeout_EveryReply(t *testing.T) {
	ctx := context.Background()
	commands := map[string]func(s *Session) error{
		"PWD":  func(s *Session) error { _, err := s.CurrentDir(ctx); return err },
		"CWD":  func(s *Session) error { return s.ChangeDir(ctx, "/") },
		"MKD":  func(s *Session) error { return s.MakeDir(ctx, "d") },
		"RMD":  func(s *Session) error { return s.RemoveDir(ctx, "d") },
		"DELE": func(s *Session) error { return s.Remove(ctx, "f") },
		"RNFR": func(s *Session) error { return s.Rename(ctx, "f", "g") },
		"RNTO": func(s *Session) error { return s.Rename(ctx, "f", "g") },
		"SITE": func(s *Session) error { return s.Chmod(ctx, "f", 0o644) },
		"MFMT": func(s *Session) error { return s.SetModTime(ctx, "f", time.Unix(1_700_000_000, 0)) },
		"MLST": func(s *Session) error { _, err := s.Stat(ctx, "f"); return err },
		"EPSV": func(s *Session) error { _, err := s.List(ctx, ""); return err },
		"MLSD": func(s *Session) error { _, err := s.List(ctx, ""); return err },
		"RETR": func(s *Session) error { _, err := s.Download(ctx, "f", 0, io.Discard); return err },
		"REST": func(s *Session) error { _, err := s.Download(ctx, "f", 1, io.Discard); return err },
		"STOR": func(s *Session) error {
			_, err := s.Upload(ctx, "g", session.StoreReplace, bytes.NewReader([]byte("x")))
			return err
		},
		"APPE": func(s *Session) error {
			_, err := s.Upload(ctx, "g", session.StoreAppend, bytes.NewReader([]byte("x")))
			return err
		},
		"TYPE": func(s *Session) error { return s.SetType(ctx, session.TypeASCII) },
	}
	for verb, command := range commands {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			server := newFake(t)
			server.put("/f", []byte("data"))
			client := server.connect(session.Settings{})
			server.handle(verb, func(*fakeConn, string) {})
			hurry(client, session.ReplyTimeout)
			start := time.Now()
			wantCause(t, command(client), session.ReplyTimeout)
			within(t, start)
		})
	}
	for _, verb := range []string{"USER", "PASS", "FEAT", "TYPE", "OPTS"} {
		t.Run("login "+verb, func(t *testing.T) {
			t.Parallel()
			server := newFake(t)
			server.on[verb] = func(*fakeConn, string) {}
			start := time.Now()
			_, err := Dial(ctx, server.endpoint(), session.Settings{Timeouts: session.Timeouts{Connect: time.Minute, Reply: 300 * time.Millisecond, Idle: time.Minute}})
			wantCause(t, err, session.ReplyTimeout)
			within(t, start)
		})
	}
}

// A time-out is told as it was set, however much of it was left when the server last
// put us off.
func TestTimeout_ToldWhole(t *testing.T) {
	server := newFake(t)
	server.on["PWD"] = func(c *fakeConn, _ string) { c.say("150 soon"); c.say("150 very soon") }
	client := server.connect(session.Settings{})
	hurry(client, session.ReplyTimeout)
	_, err := client.CurrentDir(context.Background())
	if e := wantCause(t, err, session.ReplyTimeout); !strings.HasSuffix(e.Error(), "no reply within 300ms") {
		t.Error(e)
	}
}

// within fails a test that waited for one of the time-outs of a minute.
func within(t *testing.T, start time.Time) {
	t.Helper()
	if took := time.Since(start); took > 40*time.Second {
		t.Errorf("it took %s", took)
	}
}

// EPSV and PASV together wait no longer than the connect time-out for connections
// that nobody refuses and nobody makes.
func TestTimeout_PassiveConnections(t *testing.T) {
	server := newFake(t)
	address := server.endpoint().Address
	dials := 0
	client := server.connect(session.Settings{
		Dial: func(ctx context.Context, network, to string) (net.Conn, error) {
			if to == address {
				return new(net.Dialer).DialContext(ctx, network, to)
			}
			dials++
			if _, bounded := ctx.Deadline(); !bounded {
				return nil, errors.New("a dial without an end")
			}
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	// Long enough for both, wherever the machine stands still meanwhile.
	client.Adjust(session.Settings{Timeouts: session.Timeouts{Connect: 2 * time.Second, Reply: time.Minute, Idle: time.Minute}})
	start := time.Now()
	_, err := client.List(context.Background(), "")
	e := wantCause(t, err, session.PassiveDataFailed)
	if !strings.Contains(e.Error(), "no connection to") || dials != 2 {
		t.Errorf("%d connections, %v", dials, err)
	}
	within(t, start)
}

// QUIT is not waited for longer than good manners ask.
func TestTimeout_Farewell(t *testing.T) {
	server := newFake(t)
	client := server.connect(session.Settings{Timeouts: session.Timeouts{Connect: time.Minute, Reply: time.Minute, Idle: time.Minute}})
	blocked := make(chan struct{})
	t.Cleanup(func() { close(blocked) })
	// The server falls silent behind this reply, so that it never reads QUIT.
	server.handle("NOOP", func(c *fakeConn, _ string) { c.say("200 ok"); <-blocked })
	if _, err := client.Raw(context.Background(), "NOOP"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	client.Close(context.Background())
	within(t, start)
}

// A command that is cancelled while it is sent does not cut off the next one, which
// as a rule is ABOR.
func TestCancelled_LeavesTheNextCommandAlone(t *testing.T) {
	server := newFake(t)
	var cancel context.CancelFunc
	client := server.connect(session.Settings{Observe: func(w session.Wire) {
		if w.Kind == session.WireCommand && cancel != nil {
			go cancel()
		}
	}})
	for range 4000 {
		var ctx context.Context
		ctx, cancel = context.WithCancel(context.Background())
		client.control.send(ctx, "NOOP", patient.Reply)
		cancel = nil
		if err := client.control.send(context.Background(), "NOOP", patient.Reply); err != nil {
			t.Fatal(err)
		}
	}
}

// A handshake of TLS that stands still is over with the connect time-out: before the
// greeting, behind AUTH, and on a data connection.
func TestTimeout_TLS(t *testing.T) {
	brief := session.Timeouts{Connect: 500 * time.Millisecond, Reply: time.Minute, Idle: time.Minute}
	replies := map[string]string{"AUTH": "", "behind the 234": "234 go on"}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newFake(t)
			blocked := make(chan struct{})
			t.Cleanup(func() { close(blocked) })
			server.on["AUTH"] = func(f *fakeConn, _ string) {
				if reply != "" {
					f.say("%s", reply)
				}
				<-blocked
			}
			endpoint := server.endpoint()
			endpoint.Protocol = session.FTPSExplicit
			late(t, endpoint, brief)
		})
	}
	t.Run("implicit", func(t *testing.T) {
		t.Parallel()
		mute, err := net.Listen("tcp", "127.0.0.1:0") // the system answers for it
		if err != nil {
			t.Fatal(err)
		}
		defer mute.Close()
		late(t, session.Endpoint{Protocol: session.FTPSImplicit, Host: "h", Address: mute.Addr().String()}, brief)
	})
}

func late(t *testing.T, endpoint session.Endpoint, timeouts session.Timeouts) {
	t.Helper()
	start := time.Now()
	_, err := Dial(context.Background(), endpoint, session.Settings{Timeouts: timeouts})
	var e *session.Error
	if !errors.As(err, &e) || e.Class != session.ClassTransient || e.Cause != session.ConnectTimeout && e.Cause != session.TLSFailed {
		t.Errorf("%+v", err)
	}
	within(t, start)
}

// mutePipe connects to an address and passes nothing on in either direction.
func mutePipe(t *testing.T, to string) net.Conn {
	t.Helper()
	far, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	near, other := net.Pipe()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		io.Copy(io.Discard, other)
	}()
	t.Cleanup(func() {
		near.Close()
		other.Close()
		far.Close()
		<-drained
	})
	return near
}

func TestTimeout_TLSData(t *testing.T) {
	_, endpoint := secureServer(t, server.Options{})
	for _, upload := range []bool{false, true} {
		client := dialSecure(t, endpoint, session.Settings{
			Timeouts: session.Timeouts{Connect: time.Minute, Reply: time.Minute, Idle: time.Minute},
			Dial: func(ctx context.Context, network, to string) (net.Conn, error) {
				if to == endpoint.Address {
					return new(net.Dialer).DialContext(ctx, network, to)
				}
				return mutePipe(t, to), nil
			},
		})
		client.Adjust(session.Settings{Timeouts: session.Timeouts{Connect: time.Second, Reply: time.Minute, Idle: time.Minute}})
		start := time.Now()
		var err error
		if upload {
			_, err = client.Upload(context.Background(), "f", session.StoreReplace, strings.NewReader("x"))
		} else {
			_, err = client.List(context.Background(), "")
		}
		e := wantCause(t, err, session.DataTimeout)
		if !strings.Contains(e.Error(), "no TLS handshake") {
			t.Errorf("%v", err)
		}
		within(t, start)
	}
}
