package door

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Visit is a connection that was taken.
type Visit struct {
	Conn   net.Conn
	Number uint64 // from 1, of the server
	// Full says that there are as many connections as there may be, without this one.
	Full bool
}

// Door takes connections and has each served in a goroutine of its own. Its methods are
// safe for concurrent use.
type Door struct {
	most  int
	serve func(ctx context.Context, v Visit)

	done   context.Context // ends when the server is to stop
	stop   context.CancelFunc
	active sync.WaitGroup // calls of Serve, and what they have begun

	mu      sync.Mutex
	closed  bool
	address net.Addr
	inside  int    // connections now, without those that found it full
	counter uint64 // connections so far
}

// New makes a door through which most connections go at a time. serve is called for each
// of them in a goroutine of its own; its context ends with the door and with that of
// Serve. The connection is closed when serve returns, if serve has not done so. Close must be
// called even if Serve never is.
func New(most int, serve func(ctx context.Context, v Visit)) *Door {
	d := &Door{most: most, serve: serve}
	d.done, d.stop = context.WithCancel(context.Background())
	return d
}

// Done is a context that ends with Close.
func (d *Door) Done() context.Context { return d.done }

// Listen serves on address ("127.0.0.1:0" for any port) behind the caller's back, until
// ctx ends or Close is called.
func (d *Door) Listen(ctx context.Context, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	if !d.begin(listener) {
		return nil
	}
	go func() {
		defer d.active.Done()
		d.accept(ctx, listener)
	}()
	return nil
}

// Serve serves on listener and closes it. It returns nil after Close or the end of ctx,
// when all connections that came through it have ended, else the listener's error.
func (d *Door) Serve(ctx context.Context, listener net.Listener) error {
	if !d.begin(listener) {
		return nil
	}
	defer d.active.Done()
	return d.accept(ctx, listener)
}

// begin notes that a listener is served; false where the door is closed, and then the
// listener is too.
func (d *Door) begin(listener net.Listener) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		listener.Close()
		return false
	}
	d.address = listener.Addr()
	d.active.Add(1)
	return true
}

func (d *Door) accept(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.done, cancel)()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	defer listener.Close()
	var connections sync.WaitGroup
	defer connections.Wait()
	for {
		conn, err := listener.Accept()
		if err != nil {
			switch {
			case ctx.Err() != nil:
				return nil
			case !passing(err):
				return err
			case !Pause(ctx, 50*time.Millisecond):
				return nil
			}
			continue
		}
		connections.Go(func() { d.visit(ctx, conn) })
	}
}

func (d *Door) visit(ctx context.Context, conn net.Conn) {
	defer conn.Close() // serve has said what was to be said
	d.mu.Lock()
	d.counter++
	v := Visit{Conn: conn, Number: d.counter, Full: d.inside >= d.most}
	if !v.Full {
		d.inside++
	}
	d.mu.Unlock()
	d.serve(ctx, v)
	if !v.Full {
		d.mu.Lock()
		d.inside--
		d.mu.Unlock()
	}
}

// Addr is the address that was listened on last, "127.0.0.1:40211"; empty before that.
func (d *Door) Addr() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.address == nil {
		return ""
	}
	return d.address.String()
}

// Close ends the listeners and the contexts of all connections, and returns when no call
// of serve is running. Further calls wait too; first is true for one of them.
func (d *Door) Close() (first bool) {
	d.mu.Lock()
	first = !d.closed
	d.closed = true
	d.mu.Unlock()
	d.stop()
	d.active.Wait()
	return first
}

// passing reports errors of Accept after which the next call may succeed: a peer that left
// early, or no descriptors at the moment.
func passing(err error) bool {
	var network net.Error
	return errors.As(err, &network) && (network.Timeout() || !errors.Is(err, net.ErrClosed))
}

// Pause waits and reports whether ctx was still alive at the end.
func Pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
