package sftpserver

import (
	"bytes"
	"net"
	"sync"

	"github.com/sftpc/sftpc/netio/server/fault"
)

// disturbed is a connection that ends or stands still after a number of bytes,
// counted in both directions.
type disturbed struct {
	net.Conn
	mu    sync.Mutex
	left  int64 // bytes that still pass, if armed
	armed bool
	stall bool
	over  chan struct{} // closed with the connection
	once  sync.Once
}

func newDisturbed(conn net.Conn) *disturbed {
	return &disturbed{Conn: conn, over: make(chan struct{})}
}

// arm begins to count where the effect says so.
func (d *disturbed) arm(e fault.Effect) {
	if !e.Cut && !e.Stall {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed, d.left, d.stall = true, e.CutAt, e.Stall
}

// pass takes n bytes off what may pass. It ends the connection or waits for its
// end where that is used up.
func (d *disturbed) pass(n int) {
	d.mu.Lock()
	d.left -= int64(n)
	used, stall := d.armed && d.left < 0, d.stall
	d.mu.Unlock()
	switch {
	case used && stall:
		<-d.over
	case used:
		d.end(true)
	}
}

func (d *disturbed) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	d.pass(n)
	return n, err
}

func (d *disturbed) Write(p []byte) (int, error) {
	d.pass(len(p))
	return d.Conn.Write(p)
}

func (d *disturbed) Close() error {
	d.once.Do(func() { close(d.over) })
	return d.Conn.Close()
}

// end closes the connection, with a TCP reset if so wanted.
func (d *disturbed) end(reset bool) {
	if tcp, ok := d.Conn.(*net.TCPConn); ok && reset {
		tcp.SetLinger(0)
	}
	d.Close()
}

func garbage(n int) []byte { return bytes.Repeat([]byte("\xde\xad\xbe\xef"), n/4+1)[:n] }
