package server

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/sftpc/sftpc/netio/server/door"
)

var errCut = errors.New("cut by a fault script")

// copyBuffered moves the payload through a buffer of ours: for converted lines,
// for listings, and with the faults of the command: a byte changed, a slow line,
// a cut or a stall after so many bytes.
func (t *transfer) copyBuffered(to io.Writer, from io.Reader, conn net.Conn) error {
	e := &t.command.effect
	buffer := make([]byte, 32<<10)
	started := time.Now()
	for {
		window := buffer
		if e.Cut || e.Stall {
			left := e.CutAt - t.moved.Load()
			if left == 0 {
				return t.cutOrStall(conn)
			}
			window = buffer[:min(int64(len(buffer)), left)]
		}
		if e.Rate > 0 {
			// A tenth of a second at a time, so that progress is smooth.
			window = window[:min(int64(len(window)), max(e.Rate/10, 1))]
			due := time.Duration(float64(t.moved.Load()) / float64(e.Rate) * float64(time.Second))
			if !door.Pause(t.ctx, due-time.Since(started)) {
				return t.ctx.Err()
			}
		}
		conn.SetDeadline(time.Now().Add(t.session.options.DataTimeout))
		n, err := from.Read(window)
		if at := e.CorruptAt - t.moved.Load(); e.Corrupt && at >= 0 && at < int64(n) {
			window[at] = ^window[at]
		}
		if n > 0 {
			if _, err := to.Write(window[:n]); err != nil {
				return err
			}
			t.moved.Add(int64(n))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (t *transfer) cutOrStall(conn net.Conn) error {
	e := &t.command.effect
	if e.Stall {
		<-t.ctx.Done()
		return t.ctx.Err()
	}
	if e.Orderly {
		belowTLS(conn).Close() // under TLS without the mark of the end
		return errCut
	}
	// A reset throws away what the peer's system has not taken yet; the promise is
	// that exactly CutAt bytes pass.
	if tcp, ok := belowTLS(conn).(*net.TCPConn); ok {
		waitSent(tcp, t.session.options.DataTimeout)
	}
	closeHard(conn)
	return errCut
}
