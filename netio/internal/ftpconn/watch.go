package ftpconn

import (
	"errors"
	"time"
)

// midwayGrace is how long a download's bytes may still come behind a refusal: what
// was sent before it is worth having when it is resumed.
const midwayGrace = 500 * time.Millisecond

// These stop the bytes when the server has given its verdict already. What the
// error is in the end, the reply says.
var (
	errRefusedMidway = errors.New("the server ended the transfer")
	// errConfirmedEarly is a 226 to an upload whose end the server cannot have seen.
	errConfirmedEarly = errors.New("the server confirmed the upload before all of it was sent")
)

// watch looks after the control connection while bytes move: cancellation or the
// end of the connection interrupts the data at once, a refusal soon after. The returned
// function ends it and must be called before anything else is done with the
// control connection.
func (s *Session) watch(d *dataConn, upload bool) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	var tick <-chan time.Time
	if s.keepsAlive() {
		tick = time.Tick(s.keepAlive)
	}
	ctx, control, start := s.op.ctx, s.control, time.Now()
	go func() {
		defer close(done)
		replies, ended := control.replies, control.ended
		var judged <-chan time.Time
		var verdict error
		for {
			select {
			case <-quit:
				return
			case <-ctx.Done():
				d.interrupt(cancelled(ctx))
				return
			case reply := <-replies:
				if control.answersKeepAlive(reply) {
					continue
				}
				control.early = &reply
				if negative(reply.Code) {
					verdict = errRefusedMidway
				} else if upload && !d.whole.Load() {
					verdict = errConfirmedEarly
					d.hasty.Store(true)
				}
				if verdict != nil && upload {
					d.interrupt(verdict)
				} else if verdict != nil {
					judged = time.After(min(midwayGrace, s.settings.Timeouts.Idle/2))
				}
				// A download's bytes may still be on their way behind a 226.
				replies, ended = nil, nil
			case <-judged:
				d.interrupt(verdict)
			case <-ended:
				if len(replies) == 0 {
					d.interrupt(control.lost(control.ending))
					ended = nil
				}
			case <-tick:
				if control.early != nil {
					continue
				}
				control.noops++
				s.op.noops++
				if err := control.send(ctx, "NOOP", s.settings.Timeouts.Reply); err != nil {
					d.interrupt(err)
				}
			}
		}
	}()
	return func() {
		close(quit)
		<-done
		s.op.silence = time.Since(start)
	}
}
