package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sftpc/sftpc/netio/server/door"
)

// transfer is one use of a data connection. It runs in its own goroutine while
// the session goes on reading the control connection.
type transfer struct {
	session *session
	command *command
	source  dataSource
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}
	moved   atomic.Int64 // payload bytes so far

	preliminary string // text of the 150 reply
	final       string // text of the 226 reply
	ascii       bool
	upload      *upload   // one of these two is set
	payload     io.Reader // a download or listing
	offset      int64     // where in its file a download began
	closer      io.Closer // closed at the end, may be nil
}

// upload is the file that an upload goes into.
type upload struct {
	file     *os.File
	name     string // below the root
	claim    uint64 // to name
	made     bool   // by this command: removed again if no data connection comes
	offset   int64
	truncate bool
}

// begin starts a transfer over the data connection that was set up, which is
// used up by it.
func (s *session) begin(t *transfer) {
	if t.command.effect.Payload != nil && t.upload == nil {
		t.payload = bytes.NewReader(t.command.effect.Payload)
	}
	t.session, t.source, s.data = s, s.data, nil
	t.ctx, t.cancel = context.WithCancel(s.ctx)
	t.done = make(chan struct{})
	s.transfer = t
	go func() {
		defer close(t.done)
		t.run()
	}()
}

// hasData answers 425 to a transfer without PORT or PASV before it.
func (s *session) hasData(c *command) bool {
	if s.data == nil {
		s.reply(c, 425, "Use PORT or PASV first")
		return false
	}
	return true
}

func (s *session) endTransfer() {
	t := s.transfer
	s.transfer = nil
	t.cancel()
	s.conclude(t.command)
}

// abor ends a running transfer: 426 for the transfer, then 226 for ABOR itself
// (RFC 959, 4.1.3). A transfer that was quicker has sent its own last reply.
func (s *session) abor(c *command) {
	if s.transfer == nil {
		s.reply(c, 225, "No transfer to abort")
		return
	}
	s.transfer.cancel()
	<-s.transfer.done
	s.endTransfer()
	s.reply(c, 226, "Aborted")
}

func (t *transfer) run() {
	defer t.source.close()
	if t.closer != nil {
		defer t.closer.Close()
	}
	conn := t.connect()
	if conn == nil {
		t.giveUp()
		return
	}
	// Whoever ends the transfer from outside makes the peer see a cut, not an end.
	stop := context.AfterFunc(t.ctx, func() { closeHard(conn) })
	defer stop()
	var err error
	if u := t.upload; u != nil {
		err = t.receive(conn)
		t.session.server.releaseName(u.name, u.claim, false)
	} else {
		err = t.deliver(conn)
	}
	if err != nil {
		closeHard(conn)
		code, text := t.failure(err)
		t.session.reply(t.command, code, "%s", text)
		return
	}
	conn.Close()
	t.session.reply(t.command, 226, "%s", t.final)
}

// connect makes the data connection and sends the 150, or sends the 425 and
// returns nil. A server that connects does so first and so never promises what it
// cannot keep; in passive mode the client may be waiting for the 150.
func (t *transfer) connect() net.Conn {
	s, e := t.session, &t.command.effect
	promise := func() { s.reply(t.command, 150, "%s", t.preliminary) }
	wait := s.options.DataTimeout
	switch {
	case e.Refuse:
		s.reply(t.command, 425, "Cannot open data connection")
		return nil
	case e.NoConnect:
		promise()
		door.Pause(t.ctx, wait)
		s.reply(t.command, 425, "Cannot open data connection")
		return nil
	case !t.source.active():
		promise()
	}
	conn, err := t.source.open(t.ctx, wait)
	if err != nil {
		s.reply(t.command, 425, "Cannot open data connection")
		return nil
	}
	if t.source.active() {
		promise()
	}
	if !s.private || e.ClearData {
		return conn
	}
	secured, err := s.secureData(t.ctx, conn)
	switch {
	case err == nil:
		return secured
	case errors.Is(err, errNotReused):
		conn.Close()
		refusal := s.server.security.options.RefusedReuse
		if refusal == "" {
			refusal = "425 TLS session of data connection not resumed"
		}
		s.send(t.command, 425, refusal+"\r\n")
	default:
		closeHard(conn)
		s.reply(t.command, 425, "No TLS on the data connection")
	}
	return nil
}

// giveUp takes back what was done for a transfer that had no data connection.
func (t *transfer) giveUp() {
	if u := t.upload; u != nil {
		u.file.Close()
		t.session.server.releaseName(u.name, u.claim, u.made)
	}
}

// deliver sends the payload.
func (t *transfer) deliver(conn net.Conn) error {
	source := t.payload
	if t.ascii {
		source = &toWire{source: source}
	}
	return t.copy(conn, source, conn)
}

// receive takes an upload in and returns nil only when it is on the disk.
func (t *transfer) receive(conn net.Conn) error {
	u := t.upload
	defer u.file.Close()
	if u.truncate {
		if err := u.file.Truncate(u.offset); err != nil {
			return localError{err}
		}
		if _, err := u.file.Seek(u.offset, io.SeekStart); err != nil {
			return localError{err}
		}
	}
	var source io.Reader = conn
	if t.ascii {
		source = &fromWire{source: conn}
	}
	if err := t.copy(u.file, source, conn); err != nil {
		return err
	}
	if !t.session.options.SkipSync {
		if err := u.file.Sync(); err != nil {
			return localError{err}
		}
	}
	if err := u.file.Close(); err != nil {
		return localError{err}
	}
	return nil
}

// localError marks failures on this side, which are no cut connections.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

// failure is the last reply of a transfer that went wrong.
func (t *transfer) failure(err error) (code int, text string) {
	var own localError
	var network *net.OpError
	code, text = refusal(err)
	switch {
	case t.ctx.Err() != nil:
		return 426, "Transfer aborted"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 426, "Data connection stood still for too long"
	case code != 550: // no space, no quota
		return code, text
	case errors.As(err, &own):
		return 451, "Local error in processing"
	case errors.As(err, &network), errors.Is(err, errCut), errors.Is(err, io.ErrUnexpectedEOF),
		// splice reports the network's errors as the file's.
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return 426, "Data connection broken"
	}
	return 451, "Local error in processing"
}

// copy moves the payload. conn is that one of the two sides that is the network.
func (t *transfer) copy(to io.Writer, from io.Reader, conn net.Conn) error {
	file, isFile := from.(*os.File)
	if t.upload != nil {
		_, isFile = from.(net.Conn)
	}
	_, inClear := conn.(*net.TCPConn)
	if !isFile || !inClear || t.command.effect.TouchesData() {
		return t.copyBuffered(to, from, conn)
	}
	// Pieces, so that the deadline is one for standing still and not for the whole;
	// each is large enough for sendfile and splice, which io.CopyN keeps possible.
	const piece = 4 << 20
	for {
		conn.SetDeadline(time.Now().Add(t.session.options.DataTimeout))
		n, err := io.CopyN(to, from, piece)
		moved := t.moved.Add(n)
		switch {
		case err == io.EOF:
			return nil
		case err == nil:
		case n > 0 && errors.Is(err, os.ErrDeadlineExceeded) && t.ctx.Err() == nil:
			// Slow is not standing still. Where the copy went through a buffer, the file
			// was read further than the network took.
			if file != nil {
				if _, err := file.Seek(t.offset+moved, io.SeekStart); err != nil {
					return localError{err}
				}
			}
		default:
			return err
		}
	}
}

func (t *transfer) progress() string {
	direction := "sent"
	if t.upload != nil {
		direction = "received"
	}
	return fmt.Sprintf("%s %s: %d bytes %s", t.command.verb, t.command.argument, t.moved.Load(), direction)
}

func (s *session) rest(c *command) {
	offset, err := strconv.ParseInt(c.argument, 10, 64)
	switch {
	case err != nil || offset < 0:
		s.reply(c, 501, "REST needs a number of bytes")
	case s.ascii && offset > 0:
		// Offsets would count bytes of the wire, which the file does not have.
		s.reply(c, 501, "REST is not possible in TYPE A")
	default:
		s.restart = offset
		s.reply(c, 350, "Restarting at %d", offset)
	}
}

func (s *session) retr(c *command) {
	offset := s.restart
	s.restart = 0
	if !s.hasData(c) {
		return
	}
	name := s.resolve(c.argument)
	file, info, err := s.openRegular(name)
	if err != nil {
		s.dropData()
		s.refuse(c, err)
		return
	}
	if offset > info.Size() {
		file.Close()
		s.dropData()
		s.reply(c, 554, "The restart position is behind the end of the file")
		return
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		file.Close()
		s.dropData()
		s.refuse(c, err)
		return
	}
	s.begin(&transfer{
		command: c, payload: file, closer: file, offset: offset, ascii: s.ascii,
		preliminary: fmt.Sprintf("Sending %s (%d bytes)", path.Base(name), info.Size()-offset),
		final:       "Transfer complete",
	})
}

func (s *session) stor(c *command) {
	offset := s.restart
	s.restart = 0
	s.store(c, s.resolve(c.argument), 0, offset)
}

func (s *session) appe(c *command) {
	s.restart = 0
	s.store(c, s.resolve(c.argument), os.O_APPEND, 0)
}

// stou stores under a name that nobody has; RFC 1123, 4.1.2.9 wants it told in
// the 150.
func (s *session) stou(c *command) {
	s.restart = 0
	if !s.hasData(c) {
		return
	}
	base := c.argument
	if base == "" {
		base = "ftp"
	}
	for n := range 10000 {
		name := s.resolve(base)
		if n > 0 {
			name += "." + strconv.Itoa(n)
		}
		if _, err := s.lstat(name); err == nil {
			continue
		}
		s.store(c, name, os.O_EXCL, 0)
		return
	}
	s.dropData()
	s.reply(c, 452, "No name is free")
}

func (s *session) store(c *command, name string, flags int, offset int64) {
	if !s.hasData(c) {
		return
	}
	claim := s.server.claimName(local(name))
	file, made, err := s.openStore(name, flags)
	if err != nil {
		s.server.releaseName(local(name), claim, false)
		s.dropData()
		s.refuse(c, err)
		return
	}
	if offset > 0 {
		if info, err := file.Stat(); err != nil || offset > info.Size() {
			file.Close()
			s.server.releaseName(local(name), claim, made)
			s.dropData()
			s.reply(c, 554, "The restart position is behind the end of the file")
			return
		}
	}
	t := &transfer{
		command: c, ascii: s.ascii,
		upload:      &upload{file: file, name: local(name), claim: claim, made: made, offset: offset, truncate: flags&os.O_APPEND == 0},
		preliminary: "Ready for " + path.Base(name),
		final:       "Transfer complete",
	}
	if flags&os.O_EXCL != 0 {
		t.preliminary = "FILE: " + path.Base(name)
		t.final = "Transfer complete (unique file name: " + path.Base(name) + ")"
	}
	s.begin(t)
}

func (s *session) allo(c *command) { s.reply(c, 202, "No need to allocate") }
