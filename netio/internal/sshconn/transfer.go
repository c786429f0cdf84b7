package sshconn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

const (
	// mostLanes bounds the channels of one connection. OpenSSH allows ten sessions a
	// connection, and four windows of 2 MiB fill 80 MB/s at 100 ms.
	mostLanes = 4
	// slack is how far the requests of a transfer may run ahead of the first that has
	// no answer, beyond what is under way: one late answer does not stop the rest.
	slack = 1 << 20
	// overlap is how many bytes before the end of a file whose upload was cut may be
	// missing although later ones are there.
	overlap = mostLanes*depth*pieceLength + slack
	// oneWindow is what one channel carries in a round trip.
	oneWindow = depth * pieceLength
	// worthLanes is the size from which further lanes are worth their opening.
	worthLanes = 2 * oneWindow
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
	return lanesFor(size, s.roundTrip)
}

// lanesFor takes as many lanes as are worth their opening: one window a round trip
// is as much as a network carries that is near.
func lanesFor(size int64, roundTrip time.Duration) int {
	switch {
	case size < worthLanes || roundTrip < 5*time.Millisecond:
		return 1
	case size < 4*oneWindow || roundTrip < 15*time.Millisecond:
		return 2
	}
	return mostLanes
}

// extraLanes are those beside the main one. They are opened while a transfer
// goes on already, and kept for the next.
type extraLanes struct {
	mu      sync.Mutex
	lanes   []*lane
	opening int
	use     func(*lane) // the newest transfer's, for lanes that are still to come
	most    int         // what the server was found to allow, -1 for none; zero is not known
	failed  error       // the connection is over
	open    sync.WaitGroup
}

// wait returns when no lane is being opened any more.
func (x *extraLanes) wait() { x.open.Wait() }

func (x *extraLanes) fail(err error) {
	x.mu.Lock()
	x.failed = err
	lanes := x.lanes
	x.mu.Unlock()
	for _, l := range lanes {
		l.wire.fail(err)
	}
}

// drop forgets a lane that has ended, and opens no more than the others.
func (x *extraLanes) drop(l *lane) {
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
func (x *extraLanes) limit() {
	if x.most = len(x.lanes); x.most == 0 {
		x.most = -1
	}
}

// provide hands the lanes that are there, up to n, to use, and opens the others
// behind the caller's back; use is called for each of them, once and from any
// goroutine. nil only opens them.
func (s *Session) provide(n int, use func(*lane)) {
	x := &s.extra
	x.mu.Lock()
	defer x.mu.Unlock()
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
		x.open.Add(1)
		go func() {
			defer x.open.Done()
			use(l)
		}()
	}
	for missing := n - len(x.lanes) - x.opening; missing > 0 && x.failed == nil; missing-- {
		x.opening++
		x.open.Add(1)
		go func() {
			defer x.open.Done()
			l, err := openLane(s.connection, false)
			x.mu.Lock()
			x.opening--
			failed, use := x.failed, x.use
			switch {
			case err != nil:
				// A server that allows no more is not asked again.
				x.limit()
			case failed == nil:
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
		}()
	}
}

// prepare opens the lanes that a file of size bytes will want, before its bytes
// are in the way of the answers.
func (s *Session) prepare(size int64) {
	if n := s.lanesFor(size) - 1; n > 0 {
		s.provide(n, nil)
	}
}

// piece is a part of a file that one request moves.
type piece struct {
	offset int64
	buffer []byte
	want   int // bytes of the buffer that are to be moved
	have   int // those that came
	over   bool
	eof    bool
	err    error
}

// port is a lane at work in one transfer: a file that is open on it, and a
// goroutine that sends, since the channel may make a sender wait.
type port struct {
	file  handle
	queue chan *piece
	out   int // pieces under way
	spent bool
}

// local is the caller's end of a transfer.
type local struct {
	file  *os.File
	moved func(int64)
}

func localEnd(end any) local {
	switch e := end.(type) {
	case session.FastFile:
		return local{e.File(), e.Moved}
	case *os.File:
		return local{e, func(int64) {}}
	}
	return local{nil, func(int64) {}}
}

// left is how many bytes are left to be read of a file, -1 where nobody knows.
func (l local) left() int64 {
	if l.file == nil {
		return -1
	}
	info, err := l.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	at, err := l.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1
	}
	return info.Size() - at
}

// transfer spreads the pieces of one file over ports and puts them in order
// again. All of it is the caller's goroutine's but the senders.
type transfer struct {
	s       *Session
	path    string
	flags   uint32                 // for opening the file on further lanes
	same    func(file handle) bool // tells whether a further handle leads to the same file; nil is not asked
	submit  func(p *port, piece *piece, done chan<- answer)
	late    func(a answer) // takes an answer that comes after a failure; nil drops it
	ports   []*port
	more    chan *port // ports that have become ready
	joining sync.Mutex
	over    chan struct{} // closed, with joining held, when no more is sent
	answers chan answer
	senders sync.WaitGroup

	order  []*piece // in the order of their offsets, the first without an answer in front
	again  []*piece // pieces whose lane has ended
	spare  [][]byte
	length int // of a piece
	begin  int64
	done   int64 // bytes that are settled, from begin on without a gap
	next   int64 // where the next new piece begins
}

func (s *Session) newTransfer(path string, flags uint32, file handle, begin int64, length int) *transfer {
	t := &transfer{s: s, path: path, flags: flags, begin: begin, next: begin, length: length,
		more: make(chan *port, mostLanes), over: make(chan struct{}),
		// Each piece under way has one answer, and so has a file's FSTAT.
		answers: make(chan answer, mostLanes*(depth+2)+4)}
	t.ports = []*port{{file: file}}
	return t
}

func (t *transfer) start(p *port) {
	p.queue = make(chan *piece, depth+1)
	t.senders.Add(1)
	go func() {
		defer t.senders.Done()
		for piece := range p.queue {
			select {
			case <-t.over:
				t.answers <- answer{err: errAbandoned, about: piece, lane: p.file.lane}
			default:
				t.submit(p, piece, t.answers)
			}
		}
	}()
}

var errAbandoned = errors.New("the transfer was given up")

// widen gets further lanes for size bytes that are still to be moved.
func (t *transfer) widen(size int64) {
	n := t.s.lanesFor(size) - 1
	if n <= 0 {
		return
	}
	t.s.provide(n, func(l *lane) {
		select {
		case <-t.over:
			return
		default:
		}
		file, err := l.open(t.path, t.flags)
		if err != nil {
			return // one lane does it all, if slower
		}
		if t.same != nil && !t.same(file) {
			t.s.note("a further channel may have been given another file of this name, and is not used")
			file.forget()
			return
		}
		t.joining.Lock()
		defer t.joining.Unlock()
		select {
		case <-t.over:
			file.forget()
		default:
			t.more <- &port{file: file}
		}
	})
}

// room is the port that takes another piece, the least busy of them; nil is none.
func (t *transfer) room() *port {
	var best *port
	for _, p := range t.ports {
		if !p.spent && p.out < depth && (best == nil || p.out < best.out) {
			best = p
		}
	}
	return best
}

// span is how far pieces may be ahead of what is settled.
func (t *transfer) span() int64 { return int64(len(t.ports))*oneWindow + slack }

func (t *transfer) give(p *port, piece *piece) {
	p.out++
	p.queue <- piece
}

func (t *transfer) buffer() []byte {
	if n := len(t.spare); n > 0 {
		b := t.spare[n-1]
		t.spare = t.spare[:n-1]
		return b
	}
	return make([]byte, t.length)
}

// under is how many pieces are under way.
func (t *transfer) under() int {
	n := 0
	for _, p := range t.ports {
		n += p.out
	}
	return n
}

func (t *transfer) portOf(l *lane) *port {
	for _, p := range t.ports {
		if p.file.lane == l {
			return p
		}
	}
	return nil
}

// wait takes one answer, or a port that has become ready (then ok is false). It
// ends with the context, and with the idle time-out.
func (t *transfer) wait(timer *time.Timer) (a answer, ok bool, err error) {
	idle := t.s.settings.Timeouts.Idle
	timer.Reset(idle)
	select {
	case a := <-t.answers:
		return a, true, nil
	default:
	}
	select {
	case a := <-t.answers:
		return a, true, nil
	case p := <-t.more:
		t.start(p)
		t.ports = append(t.ports, p)
		t.s.note(fmt.Sprintf("%d channels share the transfer", len(t.ports)))
		return answer{}, false, nil
	case <-timer.C:
		e := fault(session.DataTimeout, fmt.Errorf("no data moved within %s", idle))
		t.s.giveUp(e)
		return answer{}, false, e
	case <-t.s.ctx.Done():
		return answer{}, false, cancelled(t.s.ctx)
	}
}

// settle notes that a piece has its answer. Where a further lane has ended its
// pieces are done again on the others; lost reports that the transfer is over.
func (t *transfer) settle(a answer) (again bool, lost error) {
	p := t.portOf(a.lane)
	if p != nil {
		p.out--
	}
	if a.err == nil {
		return false, nil
	}
	if p == nil || p == t.ports[0] || t.s.main.wire.why() != nil {
		return false, a.err
	}
	if !p.spent {
		p.spent = true
		t.s.extra.drop(p.file.lane)
		t.s.note("a further channel ended in the middle of a transfer, which goes on without it")
	}
	t.again = append(t.again, a.about)
	return true, nil
}

// finish ends the senders and takes what answers are still to come, so that no
// buffer is written to afterwards and the session can go on. Where they do not
// come within the grace, the connection is given up.
func (t *transfer) finish(within time.Duration) {
	t.joining.Lock()
	close(t.over)
	close(t.more)
	t.joining.Unlock()
	for p := range t.more {
		p.file.forget()
	}
	for _, p := range t.ports {
		close(p.queue)
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	for t.under() > 0 {
		select {
		case a := <-t.answers:
			if p := t.portOf(a.lane); p != nil && a.about != nil {
				p.out--
				if t.late != nil {
					t.late(a)
				}
			}
			continue
		case <-timer.C:
			t.s.giveUp(fault(session.ConnectionLost, errors.New("the server did not end a transfer that was given up")))
		}
		break
	}
	t.senders.Wait()
}

// closeExtras closes the file on all lanes but the main one.
func (t *transfer) closeExtras() {
	for _, p := range t.ports[1:] {
		if !p.spent {
			p.file.forget()
		}
	}
}
