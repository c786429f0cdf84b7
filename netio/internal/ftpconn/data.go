package ftpconn

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// dataConn is one data connection, from the moment it is made ready. It is a
// net.Conn for the library, which hands an upload's bytes to ReadFrom, takes a
// download from it by way of move.go, and closes it.
type dataConn struct {
	s        *Session
	expires  time.Time     // when an active connection must be there; set with PORT and again with the transfer command
	patience time.Duration // how long that was, when it was set
	listener *net.TCPListener
	arrived  chan struct{} // active: closed when the listener has done its work

	lock        sync.Mutex
	about       session.DataConn
	conn        net.Conn // nil until it is there
	closed      bool
	stopped     error // why bytes must no longer move
	interrupted chan struct{}

	// Where data is encrypted, from the handshake on (tlsdata.go).
	secured *tls.Conn
	heard   *overhearing
	silent  chan struct{} // an upload: closed when the server has closed its direction
	whole   atomic.Bool   // an upload: its end is being said
	hasty   atomic.Bool   // an upload: confirmed before that
}

func newDataConn(s *Session, about session.DataConn, conn net.Conn) *dataConn {
	return &dataConn{s: s, about: about, conn: conn, interrupted: make(chan struct{})}
}

func (d *dataConn) description() session.DataConn {
	d.lock.Lock()
	defer d.lock.Unlock()
	return d.about
}

// interrupt makes every read and write fail with why, now and later.
func (d *dataConn) interrupt(why error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.stopped != nil {
		return
	}
	d.stopped = why
	close(d.interrupted)
	if d.conn != nil {
		d.conn.SetDeadline(longAgo)
	}
}

// armRead sets the deadline of the next read, none for zero, unless it was
// interrupted.
func (d *dataConn) armRead(within time.Duration) error {
	return d.arm(within, net.Conn.SetReadDeadline)
}

// armWrite does the same for the next write.
func (d *dataConn) armWrite(within time.Duration) error {
	return d.arm(within, net.Conn.SetWriteDeadline)
}

func (d *dataConn) arm(within time.Duration, set func(net.Conn, time.Time) error) error {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.stopped != nil {
		return d.stopped
	}
	if within == 0 {
		return set(d.conn, time.Time{})
	}
	return set(d.conn, time.Now().Add(within))
}

// cancelled is the error of a context that has ended. Bytes are quick: all of a file
// may go through before the watcher has its turn on a busy machine.
func (d *dataConn) cancelled() error {
	if ctx := d.s.op.ctx; ctx.Err() != nil {
		return cancelled(ctx)
	}
	return nil
}

func (d *dataConn) reason() error {
	d.lock.Lock()
	defer d.lock.Unlock()
	return d.stopped
}

// Read gives the library the end of the data at once. The bytes of a listing go
// to the operation's consumer, raw: the library's own parser drops lines that it
// does not understand without a word.
func (d *dataConn) Read([]byte) (int, error) {
	if consume := d.s.op.consume; consume != nil {
		d.s.op.consume = nil
		if err := consume(d); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}

// Write is not used: the library copies uploads, and ReadFrom takes them whole.
func (d *dataConn) Write([]byte) (int, error) {
	return 0, errors.New("a data connection is written by ReadFrom")
}

// Close ends the connection. With the operation failed and its reply still due,
// the transfer is aborted: ABOR on the control connection, then RST here. A FIN
// would not do, because servers take it for the natural end of an upload and keep
// the part as if it were whole.
func (d *dataConn) Close() error {
	d.lock.Lock()
	if d.closed {
		d.lock.Unlock()
		return nil
	}
	d.closed = true
	conn := d.conn
	d.lock.Unlock()

	abort := d.s.op.failure != nil && d.s.op.transfer && d.s.control.pending
	if abort {
		d.s.sendAbort()
	}
	if d.listener != nil {
		d.listener.Close()
		<-d.arrived
	}
	if conn == nil {
		return nil
	}
	if tcp, ok := conn.(interface{ SetLinger(seconds int) error }); ok && abort {
		tcp.SetLinger(0)
	}
	if d.secured == nil || abort {
		err := conn.Close()
		d.forgetServer()
		return err
	}
	d.hearEnd()
	if !d.whole.Load() && d.silent == nil {
		d.secured.CloseWrite() // a download or listing; whether the server still hears it does not matter
	}
	err := conn.Close()
	d.forgetServer()
	return err
}

// forgetServer waits for the goroutine of hearServer, whose connection is closed.
func (d *dataConn) forgetServer() {
	if d.silent != nil {
		<-d.silent
	}
}

// The library asks a data connection for none of these.

func (d *dataConn) LocalAddr() net.Addr              { return d.s.control.conn.LocalAddr() }
func (d *dataConn) RemoteAddr() net.Addr             { return d.s.control.conn.RemoteAddr() }
func (d *dataConn) SetDeadline(time.Time) error      { return nil }
func (d *dataConn) SetReadDeadline(time.Time) error  { return nil }
func (d *dataConn) SetWriteDeadline(time.Time) error { return nil }
