package sshconn

import (
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

const (
	// mostLanes bounds the channels of one connection. OpenSSH allows ten sessions a
	// connection, and four windows of 2 MiB fill 80 MB/s at 100 ms.
	mostLanes = 4
	// mostPorts bounds the channels that one transfer uses over all its connections.
	mostPorts = mostLanes + (mostConnections-1)*furtherUp
	// slack is how far the requests of a transfer may run ahead of the first that has
	// no answer, beyond what is under way: one late answer does not stop the rest.
	slack = 1 << 20
	// overlap is how many bytes before the end of a file whose upload was cut may be
	// missing although later ones are there.
	overlap = mostPorts*depth*pieceLength + slack
	// oneWindow is what one channel carries in a round trip.
	oneWindow = depth * pieceLength
	// worthLanes is the size from which further lanes are worth their opening.
	worthLanes = 2 * oneWindow
	// nearEnough is the round trip below which one channel carries all there is.
	nearEnough = 5 * time.Millisecond
)

// mixesNothing tells of servers whose channels are known not to meet. ProFTPD's
// mod_sftp keeps the beginning of a packet that is not whole in one place for all
// channels of a connection, so bytes of one file land in another's request
// (proftpd issue 1897; INVALID_HANDLE is what shows of it). What a server does that
// nobody has tried is not worth a file.
func mixesNothing(version string) bool {
	software := strings.TrimPrefix(version, "SSH-2.0-")
	return strings.HasPrefix(software, "OpenSSH_") || software == "sftpc"
}

// lanesFor is how many lanes a transfer of size bytes is spread over.
func (s *Session) lanesFor(size int64) int {
	feature := s.settings.Features["CHANNELS"]
	switch {
	case feature == session.FeatureDisabled, size < worthLanes:
		return 1
	case feature == session.FeatureEnabled:
		return mostLanes
	case !mixesNothing(string(s.connection.ServerVersion())):
		return 1
	}
	return lanesFor(size, s.distance())
}

// lanesFor takes as many lanes as are worth their opening: one window a round trip
// is as much as a network carries that is near.
func lanesFor(size int64, roundTrip time.Duration) int {
	switch {
	case size < worthLanes || roundTrip < nearEnough:
		return 1
	case size < 4*oneWindow || roundTrip < 15*time.Millisecond:
		return 2
	}
	return mostLanes
}

// laneSet are lanes of one connection that help the main one. They are opened while a
// transfer goes on already, and kept for the next.
type laneSet struct {
	mu      sync.Mutex
	lanes   []*lane
	fresh   bool // the connection has none but these
	opening int
	use     func(*lane) // the newest transfer's, for lanes that are still to come
	most    int         // what the server was found to allow, -1 for none; zero is not known
	failed  error       // the connection is over
	open    sync.WaitGroup
}

// wait returns when no lane is being opened any more.
func (x *laneSet) wait() { x.open.Wait() }

func (x *laneSet) fail(err error) {
	x.mu.Lock()
	x.failed = err
	lanes := slices.Clone(x.lanes)
	x.mu.Unlock()
	for _, l := range lanes {
		l.wire.fail(err)
	}
}

// drop forgets a lane that has ended, and opens no more than the others.
func (x *laneSet) drop(l *lane) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.lanes {
		if x.lanes[i] == l {
			x.lanes = append(x.lanes[:i:i], x.lanes[i+1:]...)
			x.limit()
			return
		}
	}
}

// limit opens no more lanes from now on than there are.
func (x *laneSet) limit() {
	if x.most = len(x.lanes); x.most == 0 {
		x.most = -1
	}
}

// prune forgets lanes that have ended while nobody used them.
func (x *laneSet) prune() {
	x.lanes = slices.DeleteFunc(x.lanes, func(l *lane) bool { return l.wire.why() != nil })
}

// provide hands the lanes that are there, up to n, to use, and opens the others on
// connection behind the caller's back; use is called for each of them, once and from
// any goroutine. nil only opens them.
func (x *laneSet) provide(connection *ssh.Client, n int, use func(*lane)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.prune()
	if x.most != 0 {
		n = min(n, max(x.most, 0))
	}
	if use != nil {
		x.use = use
	}
	for _, l := range x.lanes[:min(n, len(x.lanes))] {
		if use == nil {
			break
		}
		x.open.Go(func() { use(l) })
	}
	for missing := n - len(x.lanes) - x.opening; missing > 0 && x.failed == nil; missing-- {
		x.opening++
		x.open.Go(func() {
			l, err := openLane(connection, false)
			x.mu.Lock()
			x.opening--
			failed, use := x.failed, x.use
			switch {
			case err != nil:
				// A server that allows no more is not asked again.
				x.limit()
			case failed == nil:
				l.fresh = x.fresh
				x.lanes = append(x.lanes, l)
			}
			x.mu.Unlock()
			switch {
			case err != nil:
			case failed != nil:
				l.wire.fail(failed)
			case use != nil:
				use(l)
			}
		})
	}
}

// provide gets lanes beside the main one for a file of size bytes, as laneSet.provide
// does, and where they are worth it further connections. up is for an upload.
func (s *Session) provide(size int64, up bool, use func(*lane)) {
	n := s.lanesFor(size) - 1
	if n <= 0 {
		return
	}
	connections, further := s.connectionsFor(size), furtherUp
	if connections > 1 && !up {
		n, further = furtherDown-1, furtherDown
	}
	s.extra.provide(s.connection, n, use)
	for i := range connections - 1 {
		s.companions[i].provide(s, further, use)
	}
}

// drop forgets a lane that has ended in the middle of a transfer.
func (s *Session) drop(l *lane) {
	s.extra.drop(l)
	for i := range s.companions {
		s.companions[i].lanes.drop(l)
	}
}

// prepare opens the lanes that a file of size bytes will want, before its bytes
// are in the way of the answers.
func (s *Session) prepare(size int64, up bool) { s.provide(size, up, nil) }
