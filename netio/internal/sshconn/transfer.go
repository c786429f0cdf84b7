package sshconn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

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
	most  int // how many may be
	spent bool
	proof <-chan answer // what the file is that was opened, asked in front of the first piece; nil is not asked
	wrong bool          // it is another file
}

// firstPieces is how many pieces a lane of a connection that has moved nothing yet is
// given at once. One more with each answer doubles them a round trip, as TCP does:
// what a slow beginning keeps waiting, everything behind it in the file waits for.
const firstPieces = 1

func (t *transfer) newPort(file handle) *port {
	p := &port{file: file, most: t.depth()}
	if file.lane.fresh {
		p.most = firstPieces
	}
	return p
}

// local is the caller's end of a transfer.
type local struct {
	file  *os.File
	moved func(int64)
	paced session.Paced // nil where pieces may be of any size
}

func localEnd(end any) local {
	switch e := end.(type) {
	case session.FastFile:
		paced, _ := end.(session.Paced)
		return local{e.File(), e.Moved, paced}
	case *os.File:
		return local{e, func(int64) {}, nil}
	}
	return local{nil, func(int64) {}, nil}
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
	flags   uint32                // for opening the file on further lanes
	same    func(handle) bool     // tells whether a further handle leads to the same file; nil is not asked
	alike   func(attributes) bool // is same, asked behind the first piece: what came of another file is dropped; nil is not asked
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
	length int   // of a piece
	ahead  int64 // what span is where the caller slows it down; 0 is as wide as the network wants
	begin  int64
	done   int64 // bytes that are settled, from begin on without a gap
	next   int64 // where the next new piece begins
}

// newTransfer is for a file that is open. length is the session's for the direction;
// the server's bounds have to be known.
func (s *Session) newTransfer(path string, flags uint32, file handle, begin int64, length int) *transfer {
	t := &transfer{s: s, path: path, flags: flags, begin: begin, next: begin, length: length,
		more: make(chan *port, mostPorts), over: make(chan struct{}),
		// Each piece under way has one answer, and so has a file's FSTAT.
		answers: make(chan answer, mostPorts*(depth+2)+4)}
	t.ports = []*port{t.newPort(file)}
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

// slow makes pieces small, and asks for few at a time on one lane, where the caller's
// end slows the transfer down: what is under way cannot be slowed any more.
func (t *transfer) slow(end local) {
	if end.paced == nil {
		return
	}
	if most := end.paced.MostAtOnce(); most > 0 {
		t.length = int(max(leastPiece, min(int64(t.length), most)))
		t.ahead = max(2*int64(t.length), most)
	}
}

// widen gets further lanes for size bytes that are still to be moved.
func (t *transfer) widen(size int64) {
	if t.ahead > 0 {
		return
	}
	t.s.provide(size, t.flags&openWrite != 0, func(l *lane) {
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
		p := t.newPort(file)
		if t.alike != nil {
			proof := make(chan answer, 1)
			l.wire.ask(&question{done: proof}, fxFstat, file.name, nil)
			p.proof = proof
		}
		t.joining.Lock()
		defer t.joining.Unlock()
		select {
		case <-t.over:
			file.forget()
		default:
			t.more <- p
		}
	})
}

// room is the port that takes another piece, the least busy of them; nil is none.
func (t *transfer) room() *port {
	var best *port
	for _, p := range t.ports {
		if !p.spent && p.out < p.most && (best == nil || p.out < best.out) {
			best = p
		}
	}
	return best
}

// depth is how many pieces fill the window of a channel.
func (t *transfer) depth() int { return min(oneWindow/t.length, depth) }

// span is how far pieces may be ahead of what is settled.
func (t *transfer) span() int64 {
	if t.ahead > 0 {
		return t.ahead
	}
	return int64(len(t.ports))*oneWindow + slack
}

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
		p.most = min(p.most+1, t.depth())
	}
	if a.err == nil {
		if p == nil || !t.doubtful(p) {
			return false, nil
		}
		t.again = append(t.again, a.about)
		return true, nil
	}
	if p == nil || p == t.ports[0] || t.s.main.wire.why() != nil {
		return false, a.err
	}
	if !p.spent {
		p.spent = true
		t.s.drop(p.file.lane)
		t.s.note("a further channel ended in the middle of a transfer, which goes on without it")
	}
	t.again = append(t.again, a.about)
	return true, nil
}

// doubtful tells of a port whose file is another one, or was not told to be the same
// before its first piece came.
func (t *transfer) doubtful(p *port) bool {
	if p.proof == nil {
		return p.wrong
	}
	proven := false
	select {
	case a := <-p.proof:
		about, err := readAttributes(a.expect(fxAttrs))
		proven = err == nil && t.alike(about)
	default:
	}
	if p.proof = nil; !proven {
		t.s.note("a further channel may have been given another file of this name, and is not used")
		p.wrong, p.spent = true, true
		p.file.forget()
	}
	return p.wrong
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
