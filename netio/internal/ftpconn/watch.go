package ftpconn

import (
	"errors"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// keepAliveEvery is how often NOOP is sent during a transfer where the feature
// NOOP is enabled, for gateways that forget a silent control connection.
const keepAliveEvery = 30 * time.Second

// midwayGrace is how long bytes may still come behind a refusal: what was sent
// before it is worth having for a resumed download.
const midwayGrace = 500 * time.Millisecond

// errRefusedMidway stops the bytes when the server has given its verdict already;
// the reply says why.
var errRefusedMidway = errors.New("the server ended the transfer")

// watch looks after the control connection while bytes move: cancellation or the
// end of the connection interrupts the data at once, a refusal soon after. The returned
// function ends it and must be called before anything else is done with the
// control connection.
func (s *Session) watch(d *dataConn) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	var tick <-chan time.Time
	if s.feature("NOOP") == session.FeatureEnabled {
		tick = time.Tick(keepAliveEvery)
	}
	ctx, control := s.op.ctx, s.control
	go func() {
		defer close(done)
		replies, ended := control.replies, control.ended
		var refused <-chan time.Time
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
					refused = time.After(min(midwayGrace, s.settings.Timeouts.Idle/2))
				}
				// The bytes may still be on their way behind a 226.
				replies, ended = nil, nil
			case <-refused:
				d.interrupt(errRefusedMidway)
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
				if err := control.send(ctx, "NOOP", s.settings.Timeouts.Reply); err != nil {
					d.interrupt(err)
				}
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
