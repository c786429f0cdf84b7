package ftpconn

import (
	"errors"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// keepAliveEvery is how often NOOP is sent during a transfer where the feature
// NOOP is enabled, for gateways that forget a silent control connection.
const keepAliveEvery = 30 * time.Second

// errRefusedMidway stops the bytes when the server has given its verdict already;
// the reply says why.
var errRefusedMidway = errors.New("the server ended the transfer")

// watch looks after the control connection while bytes move: cancellation, a
// refusal or the end of the connection interrupts the data at once. The returned
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
					d.interrupt(errRefusedMidway)
				}
				// The bytes may still be on their way behind a 226.
				replies, ended = nil, nil
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
