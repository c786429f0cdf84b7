package ftpconn

import (
	"context"
	"fmt"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

const (
	// keepAliveEvery is how often NOOP is sent during a transfer, for gateways that
	// forget a silent control connection.
	keepAliveEvery = 30 * time.Second
	// quietForLong is the shortest time after which they are known to do so.
	quietForLong = time.Minute
)

// keepsAlive tells whether NOOPs are sent during transfers. Without a word of the
// script they are only where they were needed or have done no harm, for there are
// servers that answer them in the wrong place, or end the transfer.
func (s *Session) keepsAlive() bool {
	switch s.feature("NOOP") {
	case session.FeatureEnabled:
		return true
	case session.FeatureDisabled:
		return false
	}
	return s.keptAlive == session.KeepAliveNeeded || s.keptAlive == session.KeepAliveWorks
}

// learnKeepAlive draws its conclusions from how a transfer ended.
func (s *Session) learnKeepAlive(e *session.Error) {
	if !s.op.begun {
		return
	}
	lost := e != nil && (e.Cause == session.ConnectionLost || e.Cause == session.ReplyTimeout)
	was := s.keptAlive
	switch {
	case e == nil && s.op.noops > 0:
		s.keptAlive = session.KeepAliveWorks
	case s.op.noops > 0 && (lost || e.Cause == session.ProtocolError):
		s.keptAlive = session.KeepAliveHarms
	case lost && s.op.silence >= s.quiet && s.keptAlive != session.KeepAliveHarms:
		s.keptAlive = session.KeepAliveNeeded
	}
	if s.keptAlive == was || s.feature("NOOP") != session.FeatureAuto {
		return
	}
	switch s.keptAlive {
	case session.KeepAliveHarms:
		s.note("NOOPs have not kept the control connection alive: none are sent during transfers from now on")
	case session.KeepAliveNeeded:
		s.note("the control connection was lost while nothing went over it: NOOPs are sent during transfers from now on")
	}
}

// answersNOOP tells whether a server may mean a NOOP by the code: 500 and 502 are what
// some say to any command during a transfer.
func answersNOOP(code int) bool { return code == 200 || code == 500 || code == 502 }

// catchUp finds out where the answers to a transfer's NOOPs end, some of which have not
// come: the answer to PWD is unlike theirs.
func (s *Session) catchUp(ctx context.Context) *session.Error {
	last, answer, op := s.control.last, s.control.answer, s.op
	defer func() { s.control.last, s.control.answer, s.op = last, answer, op }()
	missing, start, within := s.control.noops, time.Now(), s.settings.Timeouts.Reply
	s.control.noops = 0
	s.op = operation{ctx: ctx, verb: "PWD"}
	err := s.control.send(ctx, "PWD", within)
	for err == nil {
		var reply session.Reply
		reply, err = s.answer(waiting{reply: until(start, within)})
		if err != nil {
			break
		}
		if missing > 0 && answersNOOP(reply.Code) {
			missing--
			s.control.pending = true
			continue
		}
		if missing > 0 {
			s.note(fmt.Sprintf("%d of the NOOPs during a transfer were not answered", missing))
		}
		return nil
	}
	e := asFault(err)
	if e.Cause != session.Cancelled {
		s.keptAlive = session.KeepAliveHarms
	}
	s.giveUp(e)
	return e
}
