package ftpconn

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/session"
)

// lastWords bounds how long the server's end of an upload under TLS is waited for.
// It must be bounded: some servers never say it.
const lastWords = 2 * time.Second

// leastLeave is what a refusal of a data connection may take at least.
const leastLeave = 300 * time.Millisecond

var (
	// errNoEnd is a data connection under TLS that was closed as anybody on the way
	// can close it.
	errNoEnd = errors.New("the data ended without the mark that TLS sets at the end, so some of it may be missing")
	// errNotResumed is a server that does not take a data connection for ours.
	errNotResumed = errors.New("the server refuses the data connection, because it does not resume the TLS session of the control connection")
)

// handshakeRefused is a handshake that the server ended; why, its reply says.
type handshakeRefused struct{ fault *session.Error }

func (e handshakeRefused) Error() string { return e.fault.Error() }
func (e handshakeRefused) Unwrap() error { return e.fault }

// ready waits for the connection and, where data is encrypted, for the handshake.
// It is called when the server has said 1xx: before, servers wait for the command
// and would not answer. We are the client of TLS in active mode too.
func (d *dataConn) ready(upload bool) error {
	if err := d.establish(); err != nil {
		return err
	}
	p := d.s.protection
	if p == nil || !p.data {
		return nil
	}
	start, within := time.Now(), d.s.settings.Timeouts.Connect
	if err := d.armRead(within); err != nil {
		return err
	}
	heard := &overhearing{Conn: &steady{Conn: d.conn, d: d}}
	secured := p.over(heard, d.s.sessionCache())
	err := secured.Handshake()
	var refused *session.Error
	if errors.As(err, &refused) { // by us; the server may have complained of it already
		return d.s.fail(refused)
	}
	switch why := d.reason(); {
	case why != nil:
		return why
	case err == nil:
	case cause.IsTimeout(err):
		return fault(session.DataTimeout, errTimeout("no TLS handshake on the data connection", within))
	case isBroken(err):
		return err
	default:
		e := ofTLS(err, heard)
		if strings.HasPrefix(err.Error(), "remote error: ") {
			return handshakeRefused{e}
		}
		return e
	}
	d.heard, d.secured = heard, secured
	if err := d.armRead(0); err != nil {
		return err
	}
	if upload {
		d.hearServer()
	}
	if secured.ConnectionState().DidResume {
		return nil
	}
	d.s.note("the data connection does not resume the TLS session")
	if upload && !p.lenient {
		return d.askLeave(time.Since(start))
	}
	return nil
}

// askLeave gives the server time to refuse an upload's connection before anything
// is read of its source, for then the upload can be repeated. The time is one for
// a reply to come, given what the handshake took.
func (d *dataConn) askLeave(handshake time.Duration) error {
	timer := time.NewTimer(max(2*handshake, leastLeave))
	defer timer.Stop()
	select {
	case <-d.interrupted:
		return d.reason()
	case <-timer.C:
		d.s.protection.lenient = true
		return nil
	}
}

// stream is what a transfer reads and writes.
func (d *dataConn) stream() net.Conn {
	if d.secured != nil {
		return d.secured
	}
	return d.conn
}

// hearServer reads what the server says during an upload, from the handshake on.
// These are the tickets of TLS 1.3, and its end. Unread in our socket they would
// make the system answer with RST when it is closed, and RST takes the tail of the
// upload along.
func (d *dataConn) hearServer() {
	d.silent = make(chan struct{})
	go func() {
		defer close(d.silent)
		io.Copy(io.Discard, d.secured)
	}()
}

// sayEnd ends our direction of an upload: the mark of TLS, then FIN.
func (d *dataConn) sayEnd() error {
	if d.secured == nil {
		return nil
	}
	d.whole.Store(true)
	if err := d.secured.CloseWrite(); err != nil {
		return err
	}
	closeWrite(d.conn) // where it fails the server was quicker, and its reply says why
	return nil
}

// hearEnd waits until the server has closed its direction too, or confirmed the
// upload, so that nothing is unread when we close.
func (d *dataConn) hearEnd() {
	if d.silent == nil || !d.whole.Load() {
		return
	}
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	for control := d.s.control; control.early == nil; {
		select {
		case reply := <-control.replies:
			if !control.answersKeepAlive(reply) {
				control.early = &reply
			}
		case <-d.silent:
			return
		case <-timer.C:
			return
		case <-d.s.op.ctx.Done():
			return
		}
	}
}

// readMuch fills buffer from a connection under TLS, whose records are small, as
// far as that takes no longer than a piece may. It returns n > 0 with an error too.
func (d *dataConn) readMuch(buffer []byte) (n int, err error) {
	if d.secured == nil {
		return d.conn.Read(buffer)
	}
	for start := time.Now(); n < len(buffer) && time.Since(start) < pieceTime; {
		k, err := d.secured.Read(buffer[n:])
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// ofEnd tells the ways apart in which TLS ends.
func (d *dataConn) ofEnd(err error) error {
	if err == nil || d.secured == nil {
		return err
	}
	// crypto/tls takes FIN for the end if it comes between two records. It is the
	// end only where TLS said so, and then nothing is read behind it.
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF && d.heard.ended {
		return errNoEnd
	}
	if err == io.EOF {
		return err
	}
	if e := brokenTLS(err, d.heard); e != nil {
		return e
	}
	return err
}

// steady is the socket below TLS. A write that a deadline ends is the end of a
// connection under TLS, so the deadlines of pieces are kept from it: a write goes
// on for as long as bytes move.
type steady struct {
	net.Conn
	d *dataConn
}

// Write sends all of b, within the idle time-out for each piece.
func (p *steady) Write(b []byte) (int, error) {
	n, err := p.d.writeAll(b, p.d.pace())
	return int(n), err
}

// SetWriteDeadline does nothing: Write sets its own.
func (p *steady) SetWriteDeadline(time.Time) error { return nil }

// refusesReuse tells whether a server turned a data connection down because it
// resumed no session, or not the right one. The codes are those of others too.
func (s *Session) refusesReuse(reply session.Reply) bool {
	if s.protection == nil || !s.protection.data || !carriesData(s.op.verb) {
		return false
	}
	text := strings.ToLower(reply.Text)
	switch reply.Code {
	case 522:
		return true
	case 425, 426, 431, 450, 451, 521, 534:
		return contains(text, "reuse", "resum", "session") ||
			reply.Code == 425 && contains(text, "operation not permitted") // ProFTPD
	}
	return false
}

// notResumed is the error for that. Its class says that trying again can help: at
// a new login there is a new session to resume.
func notResumed(reply session.Reply) *session.Error {
	e := fault(session.TLSFailed, errNotResumed)
	e.Class = session.ClassTransient
	e.Reply = reply
	e.Hint = "a new login makes a new TLS session, which the server may take"
	return e
}

// sessionCache is where a data connection finds the session to resume; nil is none.
func (s *Session) sessionCache() tls.ClientSessionCache {
	switch s.feature("REUSE") {
	case session.FeatureDisabled:
		return nil
	case session.FeatureEnabled:
		s.protection.tickets.pin()
	}
	return s.protection.tickets.ofData()
}

// learnResumption notes that a data connection was used to its end, and what it had
// resumed.
func (s *Session) learnResumption() {
	if s.op.data == nil || s.op.data.secured == nil || !s.op.begun {
		return
	}
	if !s.op.data.secured.ConnectionState().DidResume {
		s.protection.lenient, s.protection.wants = true, session.ResumptionFree
	}
}

// attemptResumed is attempt, and once more with the control connection's own
// ticket where the server refused the data connection; again tells whether the
// operation can be repeated as it is. A session whose own ticket is refused is
// given up, so that what comes next logs in anew.
func (s *Session) attemptResumed(e *session.Error, again func() bool, attempt func() *session.Error) *session.Error {
	if e == nil || !errors.Is(e, errNotResumed) || s.gone != nil || s.owed.replies {
		return e
	}
	s.protection.lenient, s.protection.wants = false, session.ResumptionUnknown
	if s.feature("REUSE") == session.FeatureDisabled || !s.protection.tickets.pin() {
		s.giveUp(e)
		return e
	}
	s.note("the data connection was refused; the control connection's own TLS session is offered from now on")
	if !again() {
		return e
	}
	switch e = attempt(); {
	case e == nil && s.op.data != nil && s.op.data.secured != nil && s.op.data.secured.ConnectionState().DidResume:
		s.protection.wants = session.ResumptionControl
	case e != nil && errors.Is(e, errNotResumed) && s.gone == nil:
		s.giveUp(e)
	}
	return e
}
