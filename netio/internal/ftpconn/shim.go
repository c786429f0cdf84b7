package ftpconn

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// shim is the net.Conn that the library takes for its control connection. Every
// line that it writes passes through command, every reply that it reads through
// Read; deadlines and contexts are ours (control.go), so its own are ignored.
//
// The library never sends a command before it has read the last one's reply. All
// of this rests on that.
type shim struct {
	s         *Session
	dialled   bool
	outgoing  []byte
	toLibrary bytes.Buffer
}

// dial is the library's dial function: the first call is for the control
// connection, each later one for the data connection that was made ready.
func (h *shim) dial(_, _ string) (net.Conn, error) {
	if !h.dialled {
		h.dialled = true
		return h, nil
	}
	if h.s.op.data == nil {
		return nil, errors.New("no data connection was made ready")
	}
	return h.s.op.data, nil
}

// reset forgets half lines of an operation that failed.
func (h *shim) reset() {
	h.outgoing = h.outgoing[:0]
	h.toLibrary.Reset()
}

func (h *shim) give(reply session.Reply) { h.toLibrary.WriteString(render(reply)) }

// Write takes command lines; the library flushes whole ones, but a long line may
// come in pieces.
func (h *shim) Write(p []byte) (int, error) {
	h.outgoing = append(h.outgoing, p...)
	for {
		end := bytes.Index(h.outgoing, []byte("\r\n"))
		if end < 0 {
			return len(p), nil
		}
		line := string(h.outgoing[:end])
		h.outgoing = h.outgoing[end+2:]
		if err := h.command(line); err != nil {
			return 0, err
		}
	}
}

func (h *shim) command(line string) error {
	s := h.s
	if s.op.failure != nil {
		return s.op.failure
	}
	verb := verbOf(line)
	switch {
	case verb == "PASV":
		return h.prepare()
	case verb == "PRET":
		if s.mode().Active { // it announces a passive connection
			h.give(session.Reply{Code: 200, Text: "not needed"})
			return nil
		}
		if s.op.rewrite != nil {
			line = "PRET " + s.op.rewrite(strings.TrimPrefix(line, "PRET "))
		}
	case carriesData(verb):
		if s.op.rewrite != nil {
			line = s.op.rewrite(line)
			verb = verbOf(line)
		}
		s.op.transfer = true
		s.op.data.awaitFor(s.settings.Timeouts.Connect)
	}
	s.op.verb = verb
	if err := s.control.send(s.op.ctx, line, s.settings.Timeouts.Reply); err != nil {
		return s.fail(err)
	}
	return nil
}

// prepare answers the library's PASV. It dials nothing itself, so the address in
// the answer only has to be one that it can read.
func (h *shim) prepare() error {
	s := h.s
	data, e := s.prepare()
	if e != nil {
		h.give(session.Reply{Code: 425, Text: "no data connection"})
		s.fail(e)
		return nil
	}
	s.op.data = data
	h.give(session.Reply{Code: 227, Text: "ready (127,0,0,1,0,9)"})
	return nil
}

// Read hands the library one reply after the other.
func (h *shim) Read(p []byte) (int, error) {
	if h.toLibrary.Len() == 0 {
		if err := h.receive(); err != nil {
			return 0, err
		}
	}
	return h.toLibrary.Read(p)
}

func (h *shim) receive() error {
	s := h.s
	if s.op.failure != nil {
		return s.op.failure
	}
	wait := waiting{reply: s.settings.Timeouts.Reply}
	if !s.op.transfer {
		reply, err := s.answer(wait)
		if err != nil {
			return s.fail(err)
		}
		h.give(s.forLibrary(reply))
		return nil
	}
	if !s.op.begun {
		wait.data = s.op.data
	}
	reply, err := s.control.await(s.op.ctx, wait)
	if err != nil {
		return s.fail(err)
	}
	switch {
	case !preliminary(reply.Code):
		s.control.moving = false
	case !s.op.begun:
		s.op.begun = true
		s.control.moving = true
	default:
		// Pure-FTPd ends a download that broke with another 150.
		s.control.pending = false
		s.control.moving = false
		e := fault(session.DataLost, errors.New("the server ended the transfer without a verdict"))
		e.Reply = reply
		return s.fail(e)
	}
	h.give(s.forLibrary(reply))
	return nil
}

// forLibrary turns the success codes that RFC 959 allows, or that servers use all
// the same, into the one that the library insists on, and keeps it from failing a
// login over something of no consequence.
func (s *Session) forLibrary(reply session.Reply) session.Reply {
	verb := s.op.verb
	switch verb {
	case "FEAT":
		if reply.Code == 211 {
			s.learnFeatures(reply)
		}
		return s.featuresForLibrary()
	case "OPTS":
		if negative(reply.Code) {
			s.unknown[optsUTF8] = true
		}
		return session.Reply{Code: 200, Text: "as you like"}
	}
	want := 0
	switch verb {
	case "CWD", "CDUP", "DELE", "RMD", "RNTO":
		want = 250
	case "MKD":
		want = 257
	case "NOOP", "TYPE":
		want = 200
	case "USER", "PASS":
		want = 230
	case "MFMT", "MDTM", "SIZE":
		want = 213
	default:
		if carriesData(verb) {
			want = 226
		}
	}
	if want != 0 && completed(reply.Code) {
		reply.Code = want
	}
	return reply
}

func carriesData(verb string) bool {
	switch verb {
	case "RETR", "STOR", "APPE", "STOU", "LIST", "NLST", "MLSD":
		return true
	}
	return false
}

// Close is what the library does when it is done for; the connection is closed by
// Session.Close.
func (h *shim) Close() error { return nil }

// LocalAddr is our end.
func (h *shim) LocalAddr() net.Addr { return h.s.control.conn.LocalAddr() }

// RemoteAddr is always a *net.TCPAddr, for the library takes it for one unasked.
func (h *shim) RemoteAddr() net.Addr {
	if tcp, ok := h.s.control.conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp
	}
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 21}
}

func (h *shim) SetDeadline(time.Time) error      { return nil }
func (h *shim) SetReadDeadline(time.Time) error  { return nil }
func (h *shim) SetWriteDeadline(time.Time) error { return nil }
