package door

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo gives back what it is sent, and tells one too many so.
func echo(ctx context.Context, v Visit) {
	defer context.AfterFunc(ctx, func() { v.Conn.Close() })()
	if v.Full {
		io.WriteString(v.Conn, "full")
		return
	}
	io.Copy(v.Conn, v.Conn)
}

// call connects and waits until it is served.
func call(t *testing.T, d *Door) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", d.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write([]byte("x")); err == nil {
		io.ReadFull(conn, make([]byte, 1))
	}
	return conn
}

func TestDoor_Bounds(t *testing.T) {
	d := New(2, echo)
	defer d.Close()
	if d.Addr() != "" {
		t.Errorf("it is at %q before it listens", d.Addr())
	}
	if err := d.Listen(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	first := call(t, d)
	call(t, d)
	third, err := net.Dial("tcp", d.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	third.SetDeadline(time.Now().Add(time.Minute))
	if said, _ := io.ReadAll(third); string(said) != "full" {
		t.Errorf("one too many is told %q", said)
	}
	first.Close()
	for { // the place is free again as soon as its goroutine has ended
		conn, err := net.Dial("tcp", d.Addr())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(time.Minute))
		conn.Write([]byte("x"))
		answer := make([]byte, 1)
		io.ReadFull(conn, answer)
		conn.Close()
		if string(answer) == "x" {
			return
		}
	}
}

// Close, and the end of the context, end everything and wait for it.
func TestDoor_Ends(t *testing.T) {
	for _, how := range []string{"Close", "the context"} {
		var serving atomic.Int32
		d := New(9, func(ctx context.Context, v Visit) {
			serving.Add(1)
			defer serving.Add(-1)
			echo(ctx, v)
		})
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		if err := d.Listen(ctx, "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		conns := []net.Conn{call(t, d), call(t, d)}
		if how != "Close" {
			cancel()
		} else if !d.Close() {
			t.Error("the first Close is not the first")
		}
		for _, conn := range conns {
			if _, err := io.Copy(io.Discard, conn); err != nil && errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", how, err)
			}
		}
		if d.Close() && how == "Close" {
			t.Error("the second Close is the first")
		}
		if n := serving.Load(); n != 0 {
			t.Errorf("%s: %d are served behind Close", how, n)
		}
		if conn, err := net.Dial("tcp", d.Addr()); err == nil {
			conn.Close()
			t.Errorf("%s: it still listens", how)
		}
	}
}

type refusing struct {
	net.Listener
	errs []error
}

func (r *refusing) Accept() (net.Conn, error) {
	err := r.errs[0]
	r.errs = r.errs[1:]
	return nil, err
}

type passingError struct{ error }

func (passingError) Timeout() bool   { return false }
func (passingError) Temporary() bool { return true }

// What passes is waited for, and what does not ends Serve.
func TestDoor_ListenerFails(t *testing.T) {
	listen := func() net.Listener {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return listener
	}
	d := New(1, echo)
	broken := errors.New("broken")
	if err := d.Serve(t.Context(), &refusing{listen(), []error{passingError{errors.New("no descriptors")}, broken}}); err != broken {
		t.Errorf("%v", err)
	}
	d.Close()
	late := listen()
	if err := d.Serve(t.Context(), late); err != nil {
		t.Errorf("after Close: %v", err)
	}
	if _, err := late.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener stays open: %v", err)
	}
	if err := New(1, echo).Listen(t.Context(), "256.0.0.1:x"); err == nil {
		t.Error("it listens nowhere")
	}
}
