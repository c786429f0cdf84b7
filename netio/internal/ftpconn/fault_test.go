package ftpconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// hastyFor are time-outs for a test that waits until one runs out. Only that one is
// short: the others would run out too where the machine stands still for a moment.
func hastyFor(cause session.Cause) session.Timeouts {
	timeouts := patient
	switch cause {
	case session.ConnectTimeout:
		timeouts.Connect = 300 * time.Millisecond
	case session.ActiveDataFailed: // which PORT must be answered in
		timeouts.Connect = time.Second
	case session.ReplyTimeout:
		timeouts.Reply = 300 * time.Millisecond
	case session.DataTimeout:
		timeouts.Idle = time.Second
	}
	return timeouts
}

// hurry shortens the time-out of a session that has logged in at leisure.
func hurry(client *Session, cause session.Cause) {
	client.Adjust(session.Settings{Timeouts: hastyFor(cause), Features: client.settings.Features})
}

// soon fails a test whose command took no notice of its short time-out, or waited
// for one although there was no need.
func soon(t *testing.T, start time.Time) {
	t.Helper()
	if took := time.Since(start); took > patient.Reply/2 {
		t.Errorf("took %s", took)
	}
}

func TestDial_Failures(t *testing.T) {
	tests := []struct {
		name  string
		greet func(net.Conn)
		want  session.Cause
		says  string
	}{
		{name: "silent", greet: func(c net.Conn) { io.Copy(io.Discard, c) }, want: session.ConnectTimeout, says: "no greeting"},
		{name: "closes", greet: func(net.Conn) {}, want: session.ConnectionLost},
		{name: "garbage", greet: func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n"); io.Copy(io.Discard, c) }, want: session.ProtocolError, says: "SSH-2.0"},
		{name: "endless line", greet: func(c net.Conn) { flood(c, "220 "+strings.Repeat("x", 4096)) }, want: session.ProtocolError, says: "longer than"},
		{name: "endless lines", greet: func(c net.Conn) { flood(c, "220-x\r\n") }, want: session.ProtocolError, says: "lines"},
		{name: "endless waits", greet: func(c net.Conn) { flood(c, "120 soon\r\n") }, want: session.ConnectTimeout},
		{name: "half a line", greet: func(c net.Conn) { io.WriteString(c, "220 he") }, want: session.ConnectionLost},
		{name: "busy", greet: func(c net.Conn) { io.WriteString(c, "421 Service not available\r\n") }, want: session.ConnectionLost},
		{name: "full", greet: func(c net.Conn) { io.WriteString(c, "421 There are too many connected users\r\n") }, want: session.TooManyConnections},
		{name: "refuses", greet: func(c net.Conn) { io.WriteString(c, "500 OOPS: no config\r\n") }, want: session.RemoteRefused, says: "OOPS"},
		{name: "lost after greeting", greet: func(c net.Conn) { io.WriteString(c, "220 hello\r\n"); io.ReadFull(c, make([]byte, 3)) }, want: session.ConnectionLost},
		{name: "silent after greeting", greet: func(c net.Conn) { io.WriteString(c, "220 hello\r\n"); io.Copy(io.Discard, c) }, want: session.ReplyTimeout},
		{name: "login refused", greet: replies("220 hello", "331 password", "530 Login incorrect."), want: session.AccessRefused, says: "530 Login incorrect"},
		{name: "user refused", greet: replies("220 hello", "530 not you"), want: session.AccessRefused, says: "530 not you"},
		{name: "account wanted", greet: replies("220 hello", "331 password", "332 account"), want: session.AccessRefused, says: "332"},
		{name: "login crowded", greet: replies("220 hello", "331 password", "530 Sorry, the maximum number of allowed clients (3) already connected."), want: session.TooManyConnections},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan struct{})
			go func() {
				defer close(served)
				if conn, err := listener.Accept(); err == nil {
					test.greet(conn)
					conn.Close()
				}
			}()
			start := time.Now()
			settings := session.Settings{Timeouts: hastyFor(test.want)}
			_, err = Dial(context.Background(), session.Endpoint{Host: "h", Address: listener.Addr().String()}, settings)
			e := wantCause(t, err, test.want)
			if !strings.Contains(e.Error(), test.says) {
				t.Errorf("the message %q does not say %q", e, test.says)
			}
			soon(t, start)
			listener.Close()
			<-served
		})
	}
}

func flood(c net.Conn, piece string) {
	for {
		if _, err := io.WriteString(c, piece); err != nil {
			return
		}
	}
}

// replies greets and then answers each line with the next reply.
func replies(lines ...string) func(net.Conn) {
	return func(c net.Conn) {
		buffer := make([]byte, 4096)
		for _, line := range lines {
			fmt.Fprintf(c, "%s\r\n", line)
			if _, err := c.Read(buffer); err != nil {
				return
			}
		}
	}
}

func TestDial_NoConnection(t *testing.T) {
	address := net.JoinHostPort("127.0.0.1", deadPort(t))
	dialed := func(err error) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, _, _ string) (net.Conn, error) {
			if err == nil {
				<-ctx.Done()
				err = ctx.Err()
			}
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
	}
	tests := []struct {
		name string
		dial func(context.Context, string, string) (net.Conn, error)
		want session.Cause
	}{
		{"nobody listens", nil, session.ConnectionRefused},
		{"no route", dialed(syscall.EHOSTUNREACH), session.ConnectionRefused},
		{"dropped", dialed(nil), session.ConnectTimeout},
		{"no such name", dialed(&net.DNSError{Name: "h", IsNotFound: true}), session.NameNotResolved},
		{"no resolver", dialed(&net.DNSError{Name: "h", IsTimeout: true}), session.ResolverFailed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Dial(context.Background(), session.Endpoint{Host: "h", Address: address}, session.Settings{Timeouts: hastyFor(test.want), Dial: test.dial})
			wantCause(t, err, test.want)
		})
	}
}

func TestDial_Cancelled(t *testing.T) {
	server := newFake(t)
	server.greeting = ""
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(30*time.Millisecond, cancel)
	_, err := Dial(ctx, server.endpoint(), session.Settings{})
	wantCause(t, err, session.Cancelled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not wrap the context's error", err)
	}
}

func TestReply_OneByteAtATime(t *testing.T) {
	server := newFake(t)
	server.on["PWD"] = func(c *fakeConn, _ string) {
		for _, b := range []byte("257-so\r\n slow\r\n257 \"/\"\r\n") {
			c.conn.Write([]byte{b})
		}
	}
	client := server.connect(session.Settings{})
	reply, err := client.Raw(context.Background(), "PWD")
	if err != nil || reply.Code != 257 || reply.Text != "so\n slow\n\"/\"" {
		t.Errorf("%+v, %v", reply, err)
	}
}

func TestCommand_Faults(t *testing.T) {
	tests := []struct {
		name string
		noop func(c *fakeConn, _ string)
		want session.Cause
		code int
	}{
		{"no reply", func(*fakeConn, string) {}, session.ReplyTimeout, 0},
		{"drips for ever", func(c *fakeConn, _ string) {
			for i := 0; i < 100; i++ {
				if _, err := io.WriteString(c.conn, "2"); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, session.ReplyTimeout, 0},
		{"cut", func(c *fakeConn, _ string) { c.conn.Close() }, session.ConnectionLost, 0},
		{"421", func(c *fakeConn, _ string) { c.say("421 going down") }, session.ConnectionLost, 421},
		{"garbage", func(c *fakeConn, _ string) { c.say("what?") }, session.ProtocolError, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			server.on["NOOP"] = test.noop
			client := server.connect(session.Settings{})
			hurry(client, test.want)
			start := time.Now()
			_, err := client.Raw(context.Background(), "NOOP")
			if e := wantCause(t, err, test.want); e.Reply.Code != test.code {
				t.Errorf("reply %+v", e.Reply)
			}
			// The connection is out of step or gone; it is not used again.
			_, err = client.CurrentDir(context.Background())
			wantCause(t, err, session.ConnectionLost)
			soon(t, start)
		})
	}
}

func TestCommand_LastWordsWhileIdle(t *testing.T) {
	server := newFake(t)
	server.on["PWD"] = func(c *fakeConn, _ string) {
		c.say(`257 "/"`)
		c.say("421 Idle for too long.")
		c.conn.Close()
	}
	client := server.connect(session.Settings{})
	client.Raw(context.Background(), "PWD")
	<-client.control.ended
	_, err := client.Raw(context.Background(), "NOOP")
	if e := wantCause(t, err, session.ConnectionLost); e.Reply.Code != 421 {
		t.Errorf("the server's reason is lost: %+v", e)
	}
}

func TestCommand_UnaskedReplyIsPassedOver(t *testing.T) {
	server := newFake(t)
	arrived := make(chan struct{}, 1)
	server.on["NOOP"] = func(c *fakeConn, _ string) {
		c.say("200 ok")
		c.say("226 nobody asked")
	}
	client := server.connect(session.Settings{Observe: func(w session.Wire) {
		if strings.Contains(w.Text, "nobody asked") {
			arrived <- struct{}{}
		}
	}})
	if _, err := client.Raw(context.Background(), "NOOP"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	for len(client.control.replies) == 0 {
		time.Sleep(time.Millisecond)
	}
	if reply, err := client.Raw(context.Background(), "PWD"); err != nil || reply.Code != 257 {
		t.Errorf("%+v, %v", reply, err)
	}
}

func TestCommand_CancelledAtOnce(t *testing.T) {
	server := newFake(t)
	server.on["NOOP"] = func(*fakeConn, string) {}
	client := server.connect(session.Settings{})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(30*time.Millisecond, cancel)
	start := time.Now()
	_, err := client.Raw(ctx, "NOOP")
	wantCause(t, err, session.Cancelled)
	soon(t, start)
}

func TestClose_EndsRunningCommand(t *testing.T) {
	server := newFake(t)
	running := make(chan struct{})
	server.on["NOOP"] = func(*fakeConn, string) { close(running) }
	client := server.connect(session.Settings{})
	failed := make(chan error)
	go func() {
		_, err := client.Raw(context.Background(), "NOOP")
		failed <- err
	}()
	<-running
	client.Close(context.Background())
	wantCause(t, <-failed, session.ConnectionLost)
	_, err := client.Raw(context.Background(), "NOOP")
	wantCause(t, err, session.NotConnected)
	if err := client.Close(context.Background()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestPassive_Faults(t *testing.T) {
	deadPort := deadPort(t)
	tests := []struct {
		name  string
		epsv  string
		pasv  string // %d,%d stand for a live port; "" is a live ordinary reply
		want  session.Cause
		code  int
		hint  string
		noted string
	}{
		{name: "EPSV refused", epsv: "500 what?", noted: "PASV from now on"},
		{name: "EPSV malformed", epsv: "229 come in", noted: "PASV from now on"},
		{name: "EPSV port closed", epsv: "229 (|||" + deadPort + "|)", noted: "PASV from now on"},
		{name: "both refused", epsv: "502 no", pasv: "502 no", want: session.PassiveDataFailed, code: 502, hint: "SETPASSIVE(DISABLED)"},
		{name: "PASV unreadable", epsv: "502 no", pasv: "227 Entering (1,2,3)", want: session.PassiveDataFailed, code: 227},
		{name: "both ports closed", epsv: "229 (|||" + deadPort + "|)", pasv: "227 (127,0,0,1," + deadPortPair(deadPort) + ")", want: session.PassiveDataFailed, code: 227, hint: "port " + deadPort},
		{name: "port closed, PASV unknown", epsv: "229 (|||" + deadPort + "|)", pasv: "502 no", want: session.PassiveDataFailed, code: 229, hint: "port " + deadPort},
		{name: "not logged in", epsv: "530 no", pasv: "530 no", want: session.AccessRefused, code: 530},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			server.put("/f", []byte("data"))
			server.on["EPSV"] = func(c *fakeConn, _ string) { c.say("%s", test.epsv) }
			if test.pasv != "" {
				server.on["PASV"] = func(c *fakeConn, _ string) { c.say("%s", test.pasv) }
			}
			seen := &wire{}
			client := server.connect(session.Settings{Observe: seen.observe})
			for range 2 {
				_, err := client.Download(context.Background(), "f", 0, io.Discard)
				if test.want == session.CauseNone {
					if err != nil {
						t.Fatal(err)
					}
					continue
				}
				e := wantCause(t, err, test.want)
				if e.Reply.Code != test.code || !strings.Contains(e.Hint, test.hint) || e.Data == nil || e.Data.Active {
					t.Errorf("%+v", e)
				}
			}
			if test.noted != "" {
				if notes := seen.of(session.WireNote); len(notes) != 1 || !strings.Contains(notes[0].Text, test.noted) || server.count("EPSV") != 1 {
					t.Errorf("notes %+v, commands %q", notes, server.seen())
				}
			}
		})
	}
}

func deadPortPair(port string) string {
	var n int
	fmt.Sscan(port, &n)
	return fmt.Sprintf("%d,%d", n>>8, n&255)
}

func TestPassive_ForeignHost(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("data"))
	server.on["EPSV"] = func(c *fakeConn, _ string) { c.say("500 no") }
	named := "203,0,113,9"
	server.on["PASV"] = func(c *fakeConn, _ string) {
		c.listen("127.0.0.1")
		c.say("227 Entering Passive Mode (%s,%s)", named, deadPortPair(portOf(c.passive.Addr().String())))
	}
	var mode session.DataMode
	var dialled string
	client := server.connect(session.Settings{
		DataMode: func() session.DataMode { return mode },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled = address
			if strings.HasPrefix(address, "203.") {
				return nil, syscall.ECONNREFUSED
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	})
	if _, err := client.Download(context.Background(), "f", 0, io.Discard); err != nil || !strings.HasPrefix(dialled, "127.0.0.1:") {
		t.Fatalf("went to %s: %v", dialled, err)
	}
	mode.PassiveServer = true
	_, err := client.Download(context.Background(), "f", 0, io.Discard)
	e := wantCause(t, err, session.PassiveDataFailed)
	if !strings.HasPrefix(e.Data.Remote, "203.0.113.9:") || !strings.HasPrefix(dialled, "203.") {
		t.Errorf("%+v", e.Data)
	}
	named = "0,0,0,0"
	if _, err := client.Download(context.Background(), "f", 0, io.Discard); err != nil {
		t.Errorf("a 227 that names no host: %v", err)
	}
}

// A firewall in front of us: the server's connection is dropped (it says nothing
// for long) or rejected (it says 425).
func TestActive_Firewalled(t *testing.T) {
	for _, dropped := range []bool{true, false} {
		server := newFake(t)
		server.put("/f", []byte("data"))
		release := make(chan struct{})
		var open atomic.Bool
		server.on["RETR"] = func(c *fakeConn, name string) {
			if open.Load() {
				c.ordinary("RETR", name)
				return
			}
			if dropped {
				<-release
			}
			c.say("425 Failed to establish connection.")
		}
		active := true
		client := server.connect(session.Settings{DataMode: func() session.DataMode { return session.DataMode{Active: active} }})
		if dropped {
			hurry(client, session.ActiveDataFailed)
		}
		start := time.Now()
		_, err := client.Download(context.Background(), "f", 0, io.Discard)
		e := wantCause(t, err, session.ActiveDataFailed)
		soon(t, start)
		if !strings.Contains(e.Hint, e.Data.Listen) || !strings.Contains(e.Hint, "SETPASSIVE(ENABLED)") || !strings.Contains(e.Hint, "SETACTIVEPORTS") {
			t.Errorf("dropped %v: hint %q, data %+v", dropped, e.Hint, e.Data)
		}
		if want := map[bool]int{true: 200, false: 425}[dropped]; e.Reply.Code != want {
			t.Errorf("dropped %v: reply %+v", dropped, e.Reply)
		}
		close(release)
		open.Store(true)
		active = false
		client.Adjust(session.Settings{Timeouts: patient})
		if n, err := client.Download(context.Background(), "f", 0, io.Discard); n != 4 || err != nil {
			t.Errorf("dropped %v: afterwards, passive: %d bytes, %v", dropped, n, err)
		}
	}
}

// The doctor that is recommended goes where the session went.
func TestHint_NamesTheDoctorsPort(t *testing.T) {
	for host, want := range map[string]string{
		"ftp.example:21":   "sftpc doctor ftp.example --firewall",
		"ftp.example:2121": "sftpc doctor ftp.example:2121 --firewall",
		"[2001:db8::1]:21": "sftpc doctor 2001:db8::1 --firewall",
		"[2001:db8::1]:22": "sftpc doctor [2001:db8::1]:22 --firewall",
	} {
		e := fault(session.ActiveDataFailed, nil)
		e.Data = &session.DataConn{Active: true, Listen: "192.0.2.1:50000"}
		if hint := (&Session{host: host}).hintFor(e); !strings.Contains(hint, want) {
			t.Errorf("%s: %q", host, hint)
		}
	}
}

// A server that connects before it answers PORT, as pyftpdlib does, says nothing while
// a firewall drops its connection, and then hangs up.
func TestActive_FirewalledBeforePORTsReply(t *testing.T) {
	tests := map[string]struct {
		reply string // "" is none
		quiet bool   // the server has said nothing for long before
		want  session.Cause
	}{
		"no reply":           {want: session.ActiveDataFailed},
		"the server's 421":   {reply: "421 Active data channel timed out.", want: session.ActiveDataFailed},
		"another 421":        {reply: "421 Idle for too long.", want: session.ConnectionLost},
		"a session gone bad": {quiet: true, want: session.ReplyTimeout},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newFake(t)
			server.put("/f", []byte("data"))
			server.on["PORT"] = func(c *fakeConn, _ string) {
				if test.reply != "" {
					c.say("%s", test.reply)
				}
			}
			client := server.connect(session.Settings{DataMode: func() session.DataMode { return session.DataMode{Active: true} }})
			if test.quiet {
				client.control.heardAt = time.Time{}
			}
			if test.reply == "" {
				hurry(client, test.want)
			}
			start := time.Now()
			_, err := client.Download(context.Background(), "f", 0, io.Discard)
			e := wantCause(t, err, test.want)
			soon(t, start)
			if test.want != session.ActiveDataFailed {
				return
			}
			if e.Class != session.ClassPermanent || !strings.Contains(e.Hint, e.Data.Listen) || !strings.Contains(e.Hint, "SETPASSIVE(ENABLED)") || !strings.Contains(e.Hint, "SETACTIVEPORTS") {
				t.Errorf("class %v, hint %q, data %+v", e.Class, e.Hint, e.Data)
			}
			_, err = client.CurrentDir(context.Background())
			wantCause(t, err, session.ConnectionLost)
		})
	}
}

func TestActive_NoConnectionBehind150(t *testing.T) {
	server := newFake(t)
	server.on["STOR"] = func(c *fakeConn, _ string) { c.say("150 just a moment") }
	client := server.connect(session.Settings{DataMode: func() session.DataMode { return session.DataMode{Active: true} }})
	hurry(client, session.ActiveDataFailed)
	start := time.Now()
	_, err := client.Upload(context.Background(), "f", session.StoreReplace, strings.NewReader("x"))
	wantCause(t, err, session.ActiveDataFailed)
	soon(t, start)
}

func TestData_Faults(t *testing.T) {
	const some = "some bytes"
	tests := []struct {
		name string
		verb string
		serv func(c *fakeConn, conn net.Conn)
		want session.Cause
		code int
		n    int64
	}{
		{"stands still", "RETR", func(c *fakeConn, conn net.Conn) {
			io.WriteString(conn, some)
			io.Copy(io.Discard, conn)
			c.say("426 cut")
		}, session.DataTimeout, 200, int64(len(some))},
		{"cut and 426", "RETR", func(c *fakeConn, conn net.Conn) { io.WriteString(conn, some); conn.Close(); c.say("426 cut") }, session.DataLost, 426, int64(len(some))},
		{"disk error", "RETR", func(c *fakeConn, conn net.Conn) { conn.Close(); c.say("451 disk error") }, session.DataLost, 451, 0},
		{"refused midway", "RETR", func(c *fakeConn, conn net.Conn) { c.say("426 shutting the data down"); io.Copy(io.Discard, conn) }, session.DataLost, 426, 0},
		{"reset, then silence", "RETR", func(c *fakeConn, conn net.Conn) {
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
			c.say("226 all is well")
		}, session.DataLost, 0, 0},
		{"421 midway", "RETR", func(c *fakeConn, conn net.Conn) { c.say("421 shutdown"); io.Copy(io.Discard, conn) }, session.ConnectionLost, 421, 0},
		{"control cut midway", "RETR", func(c *fakeConn, conn net.Conn) { c.conn.Close(); io.Copy(io.Discard, conn) }, session.ConnectionLost, 0, 0},
		{"no last reply", "RETR", func(c *fakeConn, conn net.Conn) { conn.Close() }, session.ReplyTimeout, 0, 0},
		{"a last 150", "RETR", func(c *fakeConn, conn net.Conn) { conn.Close(); c.say("150 again") }, session.DataLost, 150, 0},
		{"disk full", "STOR", func(c *fakeConn, conn net.Conn) {
			conn.Read(make([]byte, 10))
			c.say("552 quota exceeded")
			io.Copy(io.Discard, conn)
		}, session.NoRemoteSpace, 552, -1},
		{"takes no bytes", "STOR", func(c *fakeConn, conn net.Conn) { c.in.ReadString('\n'); conn.Close(); c.say("426 cut") }, session.DataTimeout, 200, -1},
		{"confirmed early", "STOR", func(c *fakeConn, conn net.Conn) { c.say("226 done"); io.Copy(io.Discard, conn) }, session.DataLost, 0, -1},
		{"broken", "STOR", func(c *fakeConn, conn net.Conn) {
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
			c.say("451 error writing")
		}, session.DataLost, 451, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			server.on[test.verb] = func(c *fakeConn, _ string) {
				conn, err := c.data()
				if err != nil {
					return
				}
				defer conn.Close()
				c.say("150 go")
				test.serv(c, conn)
			}
			client := server.connect(session.Settings{
				Features: map[string]session.Feature{"EPSV": session.FeatureDisabled},
				DataMode: func() session.DataMode { return session.DataMode{Active: true} },
			})
			hurry(client, test.want)
			start := time.Now()
			var n int64
			var err error
			if test.verb == "RETR" {
				n, err = client.Download(context.Background(), "f", 0, io.Discard)
			} else {
				n, err = client.Upload(context.Background(), "f", session.StoreReplace, &slowReader{left: 1 << 20, before: func() {}, end: io.EOF})
			}
			e := wantCause(t, err, test.want)
			if test.code != 0 && e.Reply.Code != test.code {
				t.Errorf("reply %+v", e.Reply)
			}
			if test.n >= 0 && n != test.n {
				t.Errorf("%d bytes, want %d", n, test.n)
			}
			if (e.Cause == session.DataTimeout || e.Cause == session.DataLost) && e.Data == nil {
				t.Error("the data connection is not named")
			}
			soon(t, start)
		})
	}
}

// Bytes that come slowly, but come, are no time-out.
func TestData_SlowIsNotIdle(t *testing.T) {
	t.Parallel()
	const idle = 2 * time.Second
	server := newFake(t)
	server.on["RETR"] = func(c *fakeConn, _ string) {
		c.transfer(func(conn net.Conn) {
			for range 10 {
				conn.Write([]byte("x"))
				time.Sleep(idle / 8)
			}
		})
	}
	client := server.connect(session.Settings{Timeouts: session.Timeouts{Connect: patient.Connect, Reply: patient.Reply, Idle: idle}})
	target := &progress{file: temporary(t, nil)}
	if n, err := client.Download(context.Background(), "f", 0, target); n != 10 || err != nil || target.moved != 10 {
		t.Errorf("%d bytes, %d told, %v", n, target.moved, err)
	}
}

func TestUpload_WriterOfDownloadFails(t *testing.T) {
	server := newFake(t)
	server.put("/f", make([]byte, 1<<20))
	client := server.connect(session.Settings{})
	_, err := client.Download(context.Background(), "f", 0, writerFunc(func([]byte) (int, error) { return 0, syscall.ENOSPC }))
	wantCause(t, err, session.NoLocalSpace)
	if _, err := client.Download(context.Background(), "f", 0, io.Discard); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// NOOPs in mid-transfer are answered at once (ProFTPD), with 500 (Pure-FTPd), or
// behind the transfer's own reply (vsftpd); none of it may be taken for something
// else.
func TestKeepAlive(t *testing.T) {
	for _, answer := range []string{"200 ok", "500 Unknown command", "late"} {
		server := newFake(t)
		server.put("/f", []byte("data"))
		server.on["RETR"] = func(c *fakeConn, _ string) {
			late := 0
			c.transfer(func(conn net.Conn) {
				for range 3 {
					c.in.ReadString('\n')
					if answer == "late" {
						late++
					} else {
						c.say("%s", answer)
					}
				}
				io.WriteString(conn, "data")
			})
			for range late {
				c.say("200 ok")
			}
		}
		client := server.connect(session.Settings{Features: map[string]session.Feature{"NOOP": session.FeatureEnabled}})
		client.keepAlive = 5 * time.Millisecond
		for range 3 {
			if n, err := client.Download(context.Background(), "f", 0, io.Discard); n != 4 || err != nil {
				t.Fatalf("%s: %d bytes, %v", answer, n, err)
			}
			if reply, err := client.Raw(context.Background(), "PWD"); err != nil || reply.Code != 257 {
				t.Fatalf("%s: out of step: %+v, %v", answer, reply, err)
			}
		}
	}
}

// A server that confirms a transfer twice must not make the next command believe
// that it succeeded.
func TestCommand_SecondConfirmationIsNotItsReply(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("data"))
	for verb, use := range map[string]func(*Session) error{
		"DELE": func(s *Session) error { return s.Remove(context.Background(), "missing") },
		"CWD":  func(s *Session) error { return s.ChangeDir(context.Background(), "missing") },
		"SITE": func(s *Session) error { return s.Chmod(context.Background(), "missing", 0o644) },
	} {
		server.on[verb] = func(c *fakeConn, _ string) {
			c.say("226 done, as was said before")
			time.Sleep(20 * time.Millisecond)
			c.say("550 no such thing")
		}
		client := server.connect(session.Settings{})
		if _, err := client.Download(context.Background(), "f", 0, io.Discard); err != nil {
			t.Fatal(err)
		}
		if err := use(client); session.CauseOf(err) != session.NoSuchRemoteFile {
			t.Errorf("%s: %v", verb, err)
		}
		if dir, err := client.CurrentDir(context.Background()); err != nil || dir != "/" {
			t.Errorf("after %s the session is out of step: %q, %v", verb, dir, err)
		}
	}
}

// Words that are no answer do not stretch the time that an answer may take.
func TestCommand_PutOffWithoutEnd(t *testing.T) {
	for _, put := range []string{"150 wait", "226 done"} {
		for verb, use := range map[string]func(*Session) error{
			"PWD":  func(s *Session) error { _, err := s.CurrentDir(context.Background()); return err },
			"DELE": func(s *Session) error { return s.Remove(context.Background(), "f") },
		} {
			server := newFake(t)
			server.on[verb] = func(c *fakeConn, _ string) {
				for {
					if _, err := io.WriteString(c.conn, put+"\r\n"); err != nil {
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
			client := server.connect(session.Settings{})
			hurry(client, session.ReplyTimeout)
			start := time.Now()
			wantCause(t, use(client), session.ReplyTimeout)
			soon(t, start)
		}
	}
}
