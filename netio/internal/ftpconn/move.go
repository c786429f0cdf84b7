package ftpconn

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/session"
)

const (
	// pieceSize is what one round of splice may move; between two of them progress
	// is told and the idle deadline moves on.
	pieceSize = 4 << 20
	// pieceTime ends a piece that takes long, for the same two reasons.
	pieceTime = 400 * time.Millisecond
	// bufferSize is for bytes that have to pass through us: what is read has to be in
	// the processor's cache still when it is written, and small writes cost the
	// receiver more than us.
	bufferSize = 128 << 10
	// mostAtOnce is what one write may take on systems where a deadline ends a
	// write for good: small enough for a slow network within the idle time-out.
	mostAtOnce = 64 << 10
	// mostEmptyReads is how often a reader may return nothing and no error.
	mostEmptyReads = 100
)

// knowsSent tells whether a write that a deadline ended says how many of its
// bytes are on their way, so that it can be gone on with. Windows cancels such a
// write and does not say: one that waited for too long is the end there.
const knowsSent = runtime.GOOS != "windows"

// endpoint is the local end of a transfer.
type endpoint struct {
	file  *os.File // for the fast path; nil if there is none
	moved func(int64)
	paced session.Paced // nil where pieces may be of any size
	turn  *translator   // changes the bytes on the way; nil in TYPE I and E
}

func endpointOf(end any, turn *translator) endpoint {
	e := endpoint{moved: func(int64) {}, turn: turn}
	e.paced, _ = end.(session.Paced)
	switch local := end.(type) {
	case session.FastFile:
		e.file, e.moved = local.File(), local.Moved
	case *os.File:
		e.file = local
	}
	return e
}

// most is how many of n bytes may be moved in one piece.
func (e endpoint) most(n int64) int64 {
	if e.paced == nil {
		return n
	}
	if least := e.paced.MostAtOnce(); least > 0 {
		return min(n, least)
	}
	return n
}

// pace keeps the idle time-out of a data connection while its deadline is set
// anew for each piece.
type pace struct {
	d    *dataConn
	idle time.Duration
	last time.Time // when bytes moved last
}

func (d *dataConn) pace() *pace {
	return &pace{d: d, idle: d.s.settings.Timeouts.Idle, last: time.Now()}
}

// armRead sets the deadline of the next piece.
func (p *pace) armRead() error { return p.d.armRead(min(pieceTime, p.idle)) }

// armWrite sets the deadline of the next write.
func (p *pace) armWrite() error {
	if knowsSent {
		return p.d.armWrite(min(pieceTime, p.idle))
	}
	return p.d.armWrite(p.idle)
}

// judge tells whether err ends the transfer: a deadline does only if nothing has
// moved for the idle time-out.
func (p *pace) judge(moved int64, err error) error {
	if moved > 0 {
		p.last = time.Now()
	}
	if err == nil || !cause.IsTimeout(err) {
		return err
	}
	if why := p.d.reason(); why != nil {
		return why
	}
	if time.Since(p.last) < p.idle {
		return nil
	}
	return fault(session.DataTimeout, errTimeout("no byte on the data connection", p.idle))
}

// localError marks an error of the caller's reader or writer.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

// ended sorts out what stopped the bytes. What is ours (the caller's file, a
// time-out, cancellation) fails the operation and so aborts the transfer; a
// connection that broke waits for the server's reply.
func (d *dataConn) ended(err error) error {
	var local localError
	var known *session.Error
	switch why := d.reason(); {
	case err == nil:
	case errors.As(err, &local):
		d.s.fail(cause.OfLocal(local.error))
	case why == errRefusedMidway, why == errConfirmedEarly:
		d.s.op.broken = why
	case why != nil:
		d.s.fail(why)
	case errors.As(err, new(handshakeRefused)):
		d.s.op.broken = err
	case errors.As(err, &known):
		d.s.fail(known)
	default:
		d.s.op.broken = err
	}
	return err
}

// receive copies to w until the server closes the connection, and returns how
// many bytes came over the wire.
func (d *dataConn) receive(w io.Writer, end endpoint) (n int64, err error) {
	if err := d.ready(false); err != nil {
		return 0, d.ended(err)
	}
	if tcp, ok := d.stream().(*net.TCPConn); ok && end.file != nil && end.turn == nil {
		n, err = d.splice(tcp, end)
		return n, d.ended(err)
	}
	if end.file != nil {
		w = end.file
	}
	n, err = d.copyOut(w, end)
	return n, d.ended(err)
}

// splice moves a download into a file without passing through us where the
// system can.
func (d *dataConn) splice(tcp *net.TCPConn, end endpoint) (n int64, err error) {
	pace := d.pace()
	for {
		if err := d.cancelled(); err != nil {
			return n, err
		}
		if err := pace.armRead(); err != nil {
			return n, err
		}
		piece := end.most(pieceSize)
		k, err := end.file.ReadFrom(&io.LimitedReader{R: tcp, N: piece})
		n += k
		if k > 0 {
			end.moved(k)
		}
		if err == nil && k < piece {
			return n, nil
		}
		if err := pace.judge(k, err); err != nil {
			if !isNetwork(err) && !errors.As(err, new(*session.Error)) && d.reason() == nil {
				err = localError{err}
			}
			return n, err
		}
	}
}

func (d *dataConn) copyOut(w io.Writer, end endpoint) (n int64, err error) {
	buffer, pace := d.s.copyBuffer(), d.pace()
	for {
		if err := d.cancelled(); err != nil {
			return n, err
		}
		if err := pace.armRead(); err != nil {
			return n, err
		}
		k, readErr := d.readMuch(buffer[:end.most(bufferSize)])
		readErr = d.ofEnd(readErr)
		n += int64(k)
		out := buffer[:k]
		if end.turn != nil {
			out = end.turn.fromNetwork(out, readErr == io.EOF)
		}
		if len(out) > 0 {
			if _, err := w.Write(out); err != nil {
				return n, localError{err}
			}
			end.moved(int64(len(out)))
		}
		if readErr == io.EOF {
			return n, nil
		}
		if err := pace.judge(int64(k), readErr); err != nil {
			return n, err
		}
	}
}

// send copies an upload to the server and returns how many bytes were handed to the
// network. All of them pass through our buffer: sendfile takes half the processor
// time here, but what it hands over in pages of 4 KiB costs the receiver more than
// it saves, and the file has moved on by nobody knows how much when a deadline ends
// it where the system copies after all.
func (d *dataConn) send(up *upload) (n int64, err error) {
	if err := d.ready(true); err != nil {
		return 0, d.ended(err)
	}
	r := up.source
	if up.end.file != nil {
		r = up.end.file
	}
	up.begun = true
	n, err = d.copyIn(r, up.end)
	if err == nil {
		err = d.sayEnd()
	}
	return n, d.ended(err)
}

func (d *dataConn) copyIn(r io.Reader, end endpoint) (n int64, err error) {
	buffer, pace := d.s.copyBuffer(), d.pace()
	for empty := 0; ; {
		if err := d.cancelled(); err != nil {
			return n, err
		}
		k, readErr := r.Read(buffer[:end.most(bufferSize)])
		if k == 0 && readErr == nil {
			if empty++; empty == mostEmptyReads {
				return n, localError{io.ErrNoProgress}
			}
			continue
		}
		empty = 0
		if readErr != nil && readErr != io.EOF {
			return n, localError{readErr}
		}
		out := buffer[:k]
		if end.turn != nil {
			out = end.turn.toNetwork(out)
		}
		pace.last = time.Now() // the reader's time is not the network's
		sent, err := d.write(out, pace)
		n += sent
		if err != nil {
			return n, err
		}
		if k > 0 {
			end.moved(int64(k))
		}
		if readErr == io.EOF {
			return n, nil
		}
	}
}

// write sends out, under TLS where data is encrypted.
func (d *dataConn) write(out []byte, pace *pace) (n int64, err error) {
	if d.secured == nil || len(out) == 0 {
		return d.writeAll(out, pace)
	}
	k, err := d.secured.Write(out)
	return int64(k), err
}

// writeAll sends out over the socket.
func (d *dataConn) writeAll(out []byte, pace *pace) (n int64, err error) {
	for len(out) > 0 {
		if err := pace.armWrite(); err != nil {
			return n, err
		}
		piece := out
		if !knowsSent {
			piece = out[:min(len(out), mostAtOnce)]
		}
		k, err := d.conn.Write(piece)
		n += int64(k)
		out = out[k:]
		if err := pace.judge(int64(k), err); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (s *Session) copyBuffer() []byte {
	if s.buffer == nil {
		s.buffer = make([]byte, bufferSize)
	}
	return s.buffer
}
