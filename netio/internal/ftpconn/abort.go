package ftpconn

import (
	"context"
	"errors"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

const (
	// abortGrace is how long a command that was given up waits for the server to
	// fall into step again. What has not come by then is waited for by the next
	// command, so a script that is cancelled does not hang on a slow server.
	abortGrace = time.Second
	// mostLeftovers is how many replies an aborted transfer may leave: its own, that
	// to ABOR, that to NOOP, and some to spare for servers that say things twice.
	mostLeftovers = 8
)

// sendAbort asks the server to end the transfer. The socket's fate (dataConn.Close)
// is what really ends it: vsftpd reads nothing during a transfer as it comes.
func (s *Session) sendAbort() {
	s.op.aborted = true
	if !s.control.isOver() {
		s.control.send(context.WithoutCancel(s.op.ctx), "ABOR", abortGrace)
	}
}

// settle brings the control connection into step after a transfer that was given
// up.
func (s *Session) settle() {
	if !s.op.aborted {
		s.sendAbort()
	}
	if s.feature("NOOP") == session.FeatureDisabled {
		s.giveUp(fault(session.ConnectionLost, errors.New("a transfer was aborted, and without NOOP nothing tells where its replies end")))
		return
	}
	s.control.moving = false
	s.owed = owing{replies: true}
	ctx := context.WithoutCancel(s.op.ctx)
	if e := s.resync(ctx, min(abortGrace, s.settings.Timeouts.Reply)); e != nil && e.Cause != session.ReplyTimeout {
		s.giveUp(e)
	}
}

// owing is what an abort has left to be waited for.
type owing struct {
	replies bool // replies are still to come
	asked   bool // NOOP was sent; its 200 is the last of them
}

// resync reads what is left of an aborted transfer. NOOP marks the end, sent only
// when the server has said something: Pure-FTPd throws away what arrives together
// with ABOR. The replies that are passed over are nobody's LastReply.
func (s *Session) resync(ctx context.Context, within time.Duration) *session.Error {
	last, answer := s.control.last, s.control.answer
	defer func() { s.control.last, s.control.answer = last, answer }()
	wanted := 1 + s.control.noops
	s.control.noops = 0
	start := time.Now()
	for range mostLeftovers + wanted {
		reply, err := s.control.await(ctx, waiting{reply: until(start, within), whole: within})
		if err != nil {
			s.control.noops = wanted - 1
			return asFault(err)
		}
		if !s.owed.asked {
			s.owed.asked = true
			if err := s.control.send(ctx, "NOOP", within); err != nil {
				return asFault(err)
			}
			continue
		}
		if reply.Code == 200 || wanted > 1 && (reply.Code == 500 || reply.Code == 502) {
			wanted--
		}
		if wanted == 0 {
			s.owed = owing{}
			s.control.pending = false
			return nil
		}
	}
	return fault(session.ProtocolError, protocolFault("the control connection is out of step after an abort"))
}
