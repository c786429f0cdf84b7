package sshconn

import (
	"context"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

const (
	// mostAbreast is how many commands one connection carries at a time. With files that
	// each take two round trips it is enough for hundreds of them a second at a distance,
	// and what a server keeps open for it is far below what OpenSSH allows.
	mostAbreast = 64
	// fewAbreast is the same where the server does not say how many files it lets be open.
	fewAbreast = 16
)

// trunk is a connection and all that the sessions on it have in common.
type trunk struct {
	host       string // host:port for messages
	connection *ssh.Client
	ended      chan struct{} // closed when the connection has ended
	main       *lane         // for everything but the bulk of transfers
	extra      laneSet
	companions [mostConnections - 1]companion

	lock      sync.Mutex           // guards what follows
	readSize  int                  // what one READ asks for at most
	writeSize int                  // what one WRITE carries at most
	limits    session.PacketLimits // what the server says of itself
	questions *questions           // what was asked at the beginning, until the answers are taken
	home      string               // "" until it is known
	homeless  error                // why it cannot be
	roundTrip time.Duration        // the shortest that was seen
	gone      *session.Error       // why the connection was given up
}

// abreast is how many commands a server with these limits is given at a time.
func abreast(limits session.PacketLimits) int {
	if limits.Handles == 0 {
		return fewAbreast
	}
	// A command has one handle, and each lane of a large file one.
	return int(min(max(limits.Handles/2, 1), mostAbreast))
}

// Share is a further session over the connection, in the directory in which this one
// is. It costs nothing: requests of all of them go over the same channel, and answers
// are told apart by their ids. Any goroutine may call it, also during a command.
func (s *Session) Share(settings session.Settings) (session.Session, error) {
	if e := s.lost(); e != nil {
		lost := fault(session.ConnectionLost, e)
		lost.Op, lost.Host, lost.Unsent = "sharing a connection", s.host, true
		return nil, lost
	}
	settings.Timeouts = settings.Timeouts.WithDefaults()
	settings.Limits = settings.Limits.WithDefaults()
	guest := newSession(s.trunk, settings)
	guest.guest, guest.ctx = true, context.Background()
	s.lock.Lock()
	defer s.lock.Unlock()
	guest.directory = s.directory
	return guest, nil
}

// unsettled are the questions of the beginning whose answers nobody has taken.
func (t *trunk) unsettled() *questions {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.questions
}

// settleWith takes the answers, which have come.
func (t *trunk) settleWith(q *questions) {
	t.answeredIn(q.took)
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.questions == nil {
		return
	}
	t.questions = nil
	t.home, t.homeless = readPath(q.home.expect(fxName))
	t.limits = readLimits(q.limits)
	for size, most := range map[*int]uint64{&t.readSize: t.limits.Read, &t.writeSize: t.limits.Write} {
		if most > 0 && most < pieceLength {
			*size = int(most)
		}
	}
}

// told are the limits of the server as far as they are known without waiting.
func (t *trunk) told() session.PacketLimits {
	t.lock.Lock()
	defer t.lock.Unlock()
	if q := t.questions; q != nil {
		select {
		case <-q.answered:
			return readLimits(q.limits)
		default:
		}
	}
	return t.limits
}

// readPiece and writePiece are how long the pieces of a transfer are.
func (t *trunk) readPiece() int {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.pieceFor(t.readSize, t.limits.Read)
}

func (t *trunk) writePiece() int {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.pieceFor(t.writeSize, t.limits.Write)
}

// writeAtOnce is how much one WRITE may carry, however far the server is.
func (t *trunk) writeAtOnce() int {
	t.lock.Lock()
	defer t.lock.Unlock()
	return max(t.writeSize, int(min(t.limits.Write, mostAtOnce)))
}

// pieceFor is size, which is what goes always, or as much as a server that is near says
// to take. The lock is held.
func (t *trunk) pieceFor(size int, most uint64) int {
	if t.roundTrip == 0 || t.roundTrip >= nearEnough || most <= uint64(size) {
		return size
	}
	return int(min(most, nearPiece))
}

// shorten notes that the server gives no more than size bytes at once.
func (t *trunk) shorten(size int) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.readSize = min(t.readSize, size)
	t.limits.Read = uint64(size)
}

// answeredIn notes how long one question and its answer took.
func (t *trunk) answeredIn(took time.Duration) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.roundTrip == 0 || took < t.roundTrip {
		t.roundTrip = took
	}
}

// distance is the shortest round trip that was seen; 0 before any.
func (t *trunk) distance() time.Duration {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.roundTrip
}

// lost is why the connection was given up, nil if it was not.
func (t *trunk) lost() *session.Error {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.gone
}

// hangUp closes the connection first: nothing can block after that.
func (t *trunk) hangUp(reason error) {
	t.connection.Close()
	if t.main != nil {
		t.main.wire.fail(reason)
	}
	t.extra.fail(reason)
	for i := range t.companions {
		t.companions[i].fail(reason)
	}
}

// giveUp closes the connection; later commands, of whichever session, name the reason.
func (t *trunk) giveUp(reason *session.Error) {
	t.lock.Lock()
	first := t.gone == nil
	if first {
		t.gone = reason
	}
	t.lock.Unlock()
	if first {
		t.hangUp(reason)
	}
}
