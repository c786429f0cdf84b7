package ftpconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// modes are the four ways to make a data connection.
func modes() []struct {
	name     string
	active   bool
	features map[string]session.Feature
} {
	return []struct {
		name     string
		active   bool
		features map[string]session.Feature
	}{
		{"EPSV", false, nil},
		{"PASV", false, map[string]session.Feature{"EPSV": session.FeatureDisabled}},
		{"PORT", true, nil},
		{"EPRT", true, map[string]session.Feature{"EPRT": session.FeatureEnabled}},
	}
}

// progress is a FastFile.
type progress struct {
	file  *os.File
	moved int64
}

func (p *progress) File() *os.File              { return p.file }
func (p *progress) Moved(n int64)               { p.moved += n }
func (p *progress) Read([]byte) (int, error)    { return 0, errors.New("not the fast path") }
func (p *progress) Write(b []byte) (int, error) { return 0, errors.New("not the fast path") }

func TestTransfer_AllModesAndSizes(t *testing.T) {
	ctx := context.Background()
	for _, mode := range modes() {
		t.Run(mode.name, func(t *testing.T) {
			server := newFake(t)
			seen := &wire{}
			client := server.connect(session.Settings{
				Features: mode.features, Observe: seen.observe,
				DataMode: func() session.DataMode { return session.DataMode{Active: mode.active} },
			})
			for _, size := range []int{0, 1, 4096, 1 << 20} {
				data := bytes.Repeat([]byte("0123456789abcde\n"), size/16+1)[:size]
				name := fmt.Sprintf("size-%d", size)

				n, err := client.Upload(ctx, name, session.StoreReplace, bytes.NewReader(data))
				if stored, _ := server.get("/" + name); err != nil || n != int64(size) || !bytes.Equal(stored, data) {
					t.Fatalf("uploading %d bytes from a reader: %d sent, %d stored, %v", size, n, len(stored), err)
				}
				source := &progress{file: temporary(t, data)}
				n, err = client.Upload(ctx, name+"-file", session.StoreReplace, source)
				if stored, _ := server.get("/" + name + "-file"); err != nil || n != int64(size) || source.moved != n || !bytes.Equal(stored, data) {
					t.Fatalf("uploading a file of %d bytes: %d sent, %d told, %d stored, %v", size, n, source.moved, len(stored), err)
				}

				var got bytes.Buffer
				n, err = client.Download(ctx, name, 0, &got)
				if err != nil || n != int64(size) || !bytes.Equal(got.Bytes(), data) {
					t.Fatalf("downloading %d bytes to a writer: %d arrived, %v", size, n, err)
				}
				target := &progress{file: temporary(t, nil)}
				n, err = client.Download(ctx, name, 0, target)
				written, _ := os.ReadFile(target.file.Name())
				if err != nil || n != int64(size) || target.moved != n || !bytes.Equal(written, data) {
					t.Fatalf("downloading %d bytes to a file: %d arrived, %d told, %v", size, n, target.moved, err)
				}
			}
			for _, data := range seen.of(session.WireData) {
				if data.Data.Command != mode.name || data.Data.Remote == "" || data.Data.Local == "" {
					t.Errorf("a data connection by %s: %+v", mode.name, data.Data)
				}
			}
		})
	}
}

func TestTransfer_SwitchInMidSession(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("data"))
	var active atomic.Bool
	client := server.connect(session.Settings{DataMode: func() session.DataMode { return session.DataMode{Active: active.Load()} }})
	for i := range 6 {
		active.Store(i%2 == 1)
		if n, err := client.Download(context.Background(), "f", 0, io.Discard); n != 4 || err != nil {
			t.Fatalf("transfer %d: %d bytes, %v", i, n, err)
		}
	}
	if epsv, port := server.count("EPSV"), server.count("PORT"); epsv != 3 || port != 3 {
		t.Errorf("%d EPSV and %d PORT, want 3 and 3", epsv, port)
	}
}

func TestTransfer_IPv6(t *testing.T) {
	for _, active := range []bool{false, true} {
		server := newFakeOn(t, "[::1]:0")
		server.put("/f", []byte("six"))
		client := server.connect(session.Settings{DataMode: func() session.DataMode { return session.DataMode{Active: active} }})
		if n, err := client.Download(context.Background(), "f", 0, io.Discard); n != 3 || err != nil {
			t.Fatalf("active %v: %d bytes, %v", active, n, err)
		}
		want := "EPSV"
		if active {
			want = "EPRT"
		}
		if server.count(want) != 1 {
			t.Errorf("active %v: no %s among %q", active, want, server.seen())
		}
	}
}

func TestTransfer_OffsetAppendUnique(t *testing.T) {
	ctx := context.Background()
	server := newFake(t)
	server.put("/f", []byte("0123456789"))
	client := server.connect(session.Settings{})
	var got bytes.Buffer
	if n, err := client.Download(ctx, "f", 4, &got); n != 6 || err != nil || got.String() != "456789" {
		t.Errorf("from offset 4: %q, %v", got.String(), err)
	}
	if _, err := client.Upload(ctx, "f", session.StoreAppend, strings.NewReader("ab")); err != nil {
		t.Error(err)
	}
	if data, _ := server.get("/f"); string(data) != "0123456789ab" {
		t.Errorf("appended: %q", data)
	}
	if _, err := client.Upload(ctx, "f", session.StoreAppend, strings.NewReader("")); err != nil {
		t.Errorf("appending nothing: %v", err)
	}
	if _, err := client.Upload(ctx, "x", session.StoreUnique, strings.NewReader("u")); err != nil {
		t.Error(err)
	}
	if data, _ := server.get("/unique.1"); string(data) != "u" {
		t.Errorf("unique: %q", data)
	}
}

func TestTransfer_TypeASCII(t *testing.T) {
	ctx := context.Background()
	server := newFake(t)
	client := server.connect(session.Settings{})
	if err := client.SetType(ctx, session.TypeASCII); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Upload(ctx, "f", session.StoreReplace, temporary(t, []byte("one\ntwo\r\nthree"))); err != nil {
		t.Fatal(err)
	}
	if data, _ := server.get("/f"); string(data) != "one\r\ntwo\r\nthree" {
		t.Errorf("on the wire: %q", data)
	}
	var got bytes.Buffer
	if n, err := client.Download(ctx, "f", 0, &got); err != nil || n != 15 || got.String() != "one\ntwo\nthree" {
		t.Errorf("back: %q, %d, %v", got.String(), n, err)
	}
	_, err := client.Download(ctx, "f", 1, io.Discard)
	wantCause(t, err, session.NotSupported)
	if entry, err := client.Stat(ctx, "f"); err != nil || entry.Size != 15 {
		t.Errorf("%+v, %v", entry, err)
	}
}

// slowReader gives a byte now and then until it is told to end.
type slowReader struct {
	before func()
	end    error
	left   int
}

func (r *slowReader) Read(p []byte) (int, error) {
	if r.left--; r.left < 0 {
		r.before()
		return 0, r.end
	}
	return copy(p, strings.Repeat("x", 4096)), nil
}

func TestAbort_LeavesUsableSession(t *testing.T) {
	server := newFake(t)
	server.put("/big", bytes.Repeat([]byte("x"), 64<<20))
	server.put("/small", []byte("small"))
	var active atomic.Bool
	client := server.connect(session.Settings{DataMode: func() session.DataMode { return session.DataMode{Active: active.Load()} }})
	for i := range 20 {
		active.Store(i%4 >= 2)
		if i%2 == 0 {
			ctx, cancel := context.WithCancel(context.Background())
			_, err := client.Download(ctx, "big", 0, writerFunc(func(p []byte) (int, error) {
				cancel()
				return len(p), nil
			}))
			wantCause(t, err, session.Cancelled)
		} else {
			broken := errors.New("the disk is gone")
			_, err := client.Upload(context.Background(), "cut", session.StoreReplace, &slowReader{left: 3, end: broken, before: func() {}})
			wantCause(t, err, session.LocalFailure)
			if !errors.Is(err, broken) {
				t.Errorf("the reader's error is lost: %v", err)
			}
			if _, stored := server.get("/cut"); stored {
				t.Fatal("a cut upload was taken for a whole one")
			}
		}
		var got bytes.Buffer
		if _, err := client.Download(context.Background(), "small", 0, &got); err != nil || got.String() != "small" {
			t.Fatalf("after abort %d: %q, %v", i, got.String(), err)
		}
	}
	if logins := server.count("USER"); logins != 1 {
		t.Errorf("%d logins", logins)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A server that reads no command while it transfers answers an abort late; the
// next command waits for it.
func TestAbort_AnsweredLate(t *testing.T) {
	server := newFake(t)
	server.put("/small", []byte("small"))
	release := make(chan struct{})
	server.on["STOR"] = func(c *fakeConn, _ string) {
		conn, err := c.data()
		if err != nil {
			return
		}
		c.say("150 go")
		<-release
		conn.Close()
		c.say("426 cut")
	}
	client := server.connect(session.Settings{})
	ctx, cancel := context.WithCancel(context.Background())
	_, err := client.Upload(ctx, "f", session.StoreReplace, &slowReader{left: 1, before: cancel, end: context.Canceled})
	wantCause(t, err, session.Cancelled)
	close(release)
	if n, err := client.Download(context.Background(), "small", 0, io.Discard); n != 5 || err != nil {
		t.Errorf("after the late answer: %d bytes, %v", n, err)
	}
}

func TestActive_StrangerFirst(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("data"))
	server.on["RETR"] = func(c *fakeConn, name string) {
		// 127.0.0.2 is this host too, but not the control connection's peer.
		stranger, err := dialFrom("127.0.0.2", c.active)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the stranger could not knock: %v", err)
		}
		if err == nil {
			c.s.track(stranger)
			stranger.Write([]byte("false data"))
		}
		time.Sleep(20 * time.Millisecond)
		c.ordinary("RETR", name)
	}
	seen := &wire{}
	client := server.connect(session.Settings{Observe: seen.observe, DataMode: func() session.DataMode { return session.DataMode{Active: true} }})
	var got bytes.Buffer
	if _, err := client.Download(context.Background(), "f", 0, &got); err != nil || got.String() != "data" {
		t.Fatalf("%q, %v", got.String(), err)
	}
	refused := seen.of(session.WireRefused)
	if len(refused) != 1 || !strings.HasPrefix(refused[0].Data.Remote, "127.0.0.2:") ||
		!strings.HasPrefix(refused[0].Text, refused[0].Data.Remote) || !strings.Contains(refused[0].Text, "turned away") {
		t.Errorf("told of strangers: %+v", refused)
	}
}

func TestActive_AddressAndPorts(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("data"))
	mode := session.DataMode{Active: true, PortFrom: 41000, PortTo: 41009}
	client := server.connect(session.Settings{DataMode: func() session.DataMode { return mode }})
	var ports []uint16
	for range 3 {
		if _, err := client.Download(context.Background(), "f", 0, io.Discard); err != nil {
			t.Fatal(err)
		}
		seen := server.seen()
		line := seen[len(seen)-2]
		at, err := parsePassive(line)
		if err != nil || at.Port() < 41000 || at.Port() > 41009 {
			t.Fatalf("%s", line)
		}
		ports = append(ports, at.Port())
	}
	if ports[0] == ports[1] || ports[1] == ports[2] {
		t.Errorf("a port was used twice in a row: %v", ports)
	}

	mode = session.DataMode{Active: true, Announce: netip.MustParseAddr("192.0.2.7")}
	server.handle("PORT", func(c *fakeConn, argument string) {
		if !strings.HasPrefix(argument, "192,0,2,7,") {
			t.Errorf("PORT %s", argument)
		}
		c.say("500 Illegal PORT command.")
	})
	_, err := client.Download(context.Background(), "f", 0, io.Discard)
	e := wantCause(t, err, session.ActiveDataFailed)
	if e.Reply.Code != 500 || !strings.Contains(e.Hint, "SETACTIVEADDRESS") || !strings.Contains(e.Hint, "192.0.2.7:") || !e.Data.Active {
		t.Errorf("%+v", e)
	}
}

func TestActive_ExtendedRefusedThenPlain(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("data"))
	server.on["EPRT"] = func(c *fakeConn, _ string) { c.say("500 EPRT not understood") }
	client := server.connect(session.Settings{
		Features: map[string]session.Feature{"EPRT": session.FeatureEnabled},
		DataMode: func() session.DataMode { return session.DataMode{Active: true} },
	})
	for range 2 {
		if _, err := client.Download(context.Background(), "f", 0, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	if server.count("EPRT") != 1 || server.count("PORT") != 2 {
		t.Errorf("%q", server.seen())
	}
}

// A refusal of the address says nothing of the command: with an address that the
// server takes, EPRT is as good as before.
func TestActive_ExtendedRefusedForItsAddress(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("data"))
	refuse := func(c *fakeConn, argument string) {
		if strings.Contains(strings.ReplaceAll(argument, ".", ","), "10,0,0,1") {
			c.say("500 Illegal address")
			return
		}
		verb := "PORT"
		if strings.HasPrefix(argument, "|") {
			verb = "EPRT"
		}
		c.ordinary(verb, argument)
	}
	server.on["EPRT"], server.on["PORT"] = refuse, refuse
	mode := session.DataMode{Active: true, Announce: netip.MustParseAddr("10.0.0.1")}
	client := server.connect(session.Settings{
		Features: map[string]session.Feature{"EPRT": session.FeatureEnabled},
		DataMode: func() session.DataMode { return mode },
	})
	_, err := client.Download(context.Background(), "f", 0, io.Discard)
	wantCause(t, err, session.ActiveDataFailed)
	mode.Announce = netip.Addr{}
	before := server.count("PORT")
	if _, err := client.Download(context.Background(), "f", 0, io.Discard); err != nil {
		t.Fatal(err)
	}
	if server.count("EPRT") != 2 || server.count("PORT") != before {
		t.Errorf("%q", server.seen())
	}
}
