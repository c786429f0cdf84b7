package sshconn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/sftpc/sftpc/netio/session"
)

const (
	// mostPacket is the longest packet that is taken from a server: OpenSSH's bound.
	mostPacket = 256<<10 + 1024
	// ourIDs is set in the ids of our own requests; the library counts from 1.
	ourIDs = 1 << 31
	// mostWaiting is how many bytes may wait to be sent before a request that carries
	// bytes of a file waits too. It is several packets of SSH, so that the one goroutine
	// that sends never waits for the next.
	mostWaiting = 128 << 10
)

// wire stands between the library and an SSH channel. The library's one reading
// goroutine reads for both: Read hands it the packets that answer it, and gives
// those that answer us to who waits for them. One goroutine sends for both, and what
// has come together while it sent goes out as one: the requests of many small files
// cost a few packets of SSH then.
type wire struct {
	channel io.ReadWriteCloser
	input   *bufio.Reader

	// What the library is about to read; of its reading goroutine only.
	ready []byte // bytes of the present packet that have been read already
	rest  int    // bytes of it that are still in input
	scrap []byte

	outgoing sync.Mutex // guards what follows
	partial  []byte     // a packet of the library that is not whole yet
	waiting  []byte     // whole packets to be sent
	room     *sync.Cond // there is less of it, or the wire is dead
	wake     chan struct{}

	mu      sync.Mutex
	asked   map[uint32]*question // what has no answer yet; nil values are the library's
	counter uint32
	failure error // why the wire is dead
	dead    chan struct{}
}

// question is a request of ours. The answer goes to done, which must have room for
// it; nil means that nobody wants it.
type question struct {
	into  []byte // the bytes of a DATA go here
	done  chan<- answer
	about *piece // of a transfer
	lane  *lane
	place int // among those that were asked together
}

// answer is what became of a question.
type answer struct {
	kind  byte
	body  []byte // behind the id; not for DATA
	n     int    // bytes of DATA in question.into
	err   error  // there is no answer: the wire is dead
	about *piece
	lane  *lane
	place int
}

// newWire begins to send; it ends with fail.
func newWire(channel io.ReadWriteCloser) *wire {
	w := &wire{channel: channel, input: bufio.NewReaderSize(channel, 16<<10), asked: map[uint32]*question{},
		wake: make(chan struct{}, 1), dead: make(chan struct{})}
	w.room = sync.NewCond(&w.outgoing)
	go w.send()
	return w
}

// Write takes what the library sends. It writes the head of a packet and its
// body apart; they go out together.
func (w *wire) Write(p []byte) (int, error) {
	w.outgoing.Lock()
	defer w.outgoing.Unlock()
	w.partial = append(w.partial, p...)
	for len(w.partial) >= 5 {
		whole := 4 + int64(binary.BigEndian.Uint32(w.partial))
		if int64(len(w.partial)) < whole {
			break
		}
		packet := w.partial[:whole]
		if packet[4] != fxInit && len(packet) >= 9 {
			if err := w.expect(binary.BigEndian.Uint32(packet[5:]), nil); err != nil {
				return 0, err
			}
		}
		w.waiting = append(w.waiting, packet...)
		w.partial = append(w.partial[:0], w.partial[whole:]...)
		w.hurry()
	}
	return len(p), nil
}

// ask sends a request of ours: fields is what follows the id, and payload what
// follows fields; both are copied. It waits only where there is a payload, and the
// channel takes no more. The question gets exactly one answer, come what may.
func (w *wire) ask(q *question, kind byte, fields, payload []byte) {
	w.outgoing.Lock()
	defer w.outgoing.Unlock()
	for len(payload) > 0 && len(w.waiting) >= mostWaiting && w.why() == nil {
		w.room.Wait()
	}
	w.put(q, kind, fields, payload)
	w.hurry()
}

// request is one of several that are asked together.
type request struct {
	question        *question
	kind            byte
	fields, payload []byte
}

// askTogether sends requests that go out one behind the other, with nothing between
// them. It never waits: the payload of one request at a time is the caller's bound.
func (w *wire) askTogether(requests ...request) {
	w.outgoing.Lock()
	defer w.outgoing.Unlock()
	for _, r := range requests {
		w.put(r.question, r.kind, r.fields, r.payload)
	}
	w.hurry()
}

func (w *wire) put(q *question, kind byte, fields, payload []byte) {
	w.mu.Lock()
	w.counter++
	id := w.counter | ourIDs
	failure := w.failure
	if failure == nil {
		w.asked[id] = q
	}
	w.mu.Unlock()
	if failure != nil {
		w.lost(q, failure)
		return
	}
	w.waiting = appendNumber(w.waiting, uint32(5+len(fields)+len(payload)))
	w.waiting = append(appendNumber(append(w.waiting, kind), id), fields...)
	w.waiting = append(w.waiting, payload...)
}

func (w *wire) hurry() {
	select {
	case w.wake <- struct{}{}:
	default: // it is awake
	}
}

// send sends what waits, until the wire is dead.
func (w *wire) send() {
	var batch []byte
	for {
		select {
		case <-w.wake:
		case <-w.dead:
			return
		}
		// Whoever is about to ask is let do so first: one packet for all of them.
		runtime.Gosched()
		w.outgoing.Lock()
		batch, w.waiting = w.waiting, batch[:0]
		w.room.Broadcast()
		w.outgoing.Unlock()
		if _, err := w.channel.Write(batch); err != nil {
			w.fail(err)
			return
		}
		if cap(batch) > 4*mostWaiting {
			batch = nil
		}
	}
}

// expect notes that an answer is to come. On a dead wire it fails, and q is not
// answered.
func (w *wire) expect(id uint32, q *question) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure != nil {
		return w.failure
	}
	w.asked[id] = q
	return nil
}

// Read gives the library what is its own.
func (w *wire) Read(p []byte) (int, error) {
	for len(w.ready) == 0 && w.rest == 0 {
		if err := w.next(); err != nil {
			w.fail(err)
			return 0, err
		}
	}
	if len(w.ready) > 0 {
		n := copy(p, w.ready)
		w.ready = w.ready[n:]
		return n, nil
	}
	n, err := w.input.Read(p[:min(len(p), w.rest)])
	w.rest -= n
	if err != nil {
		w.fail(err)
	}
	return n, err
}

// next reads the head of a packet and decides whose it is.
func (w *wire) next() error {
	var head [9]byte
	if _, err := io.ReadFull(w.input, head[:4]); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length < 1 || length > mostPacket {
		return nonsense("a packet of %d bytes", length)
	}
	if _, err := io.ReadFull(w.input, head[4:5]); err != nil {
		return err
	}
	kind := head[4]
	switch {
	case kind != fxVersion && length < 5:
		return nonsense("a packet without an id")
	case kind == fxVersion:
		w.ready, w.rest = append(w.scrap[:0], head[:5]...), int(length)-1
		return nil
	}
	if _, err := io.ReadFull(w.input, head[5:]); err != nil {
		return err
	}
	id := binary.BigEndian.Uint32(head[5:])
	w.mu.Lock()
	q, known := w.asked[id]
	delete(w.asked, id)
	w.mu.Unlock()
	rest := int(length) - 5
	switch {
	case !known:
		return nonsense("an answer that nothing was asked for")
	case q != nil:
		return w.answer(q, kind, rest)
	}
	w.scrap = append(w.scrap[:0], head[:]...)
	w.ready, w.rest = w.scrap, rest
	return nil
}

// answer reads the rest of a packet that answers us.
func (w *wire) answer(q *question, kind byte, rest int) error {
	a := answer{kind: kind, about: q.about, lane: q.lane, place: q.place}
	if kind == fxData && q.into != nil {
		var head [4]byte
		if rest < 4 {
			return w.lost(q, nonsense("data without a length"))
		}
		if _, err := io.ReadFull(w.input, head[:]); err != nil {
			return w.lost(q, err)
		}
		n := binary.BigEndian.Uint32(head[:])
		switch {
		case n > uint32(rest-4):
			return w.lost(q, nonsense("data that is shorter than it says"))
		case n > uint32(len(q.into)):
			return w.lost(q, nonsense("%d bytes of data where %d were asked for", n, len(q.into)))
		}
		if _, err := io.ReadFull(w.input, q.into[:n]); err != nil {
			return w.lost(q, err)
		}
		a.n, rest = int(n), rest-4-int(n)
		if _, err := w.input.Discard(rest); err != nil {
			return w.lost(q, err)
		}
	} else {
		a.body = make([]byte, rest)
		if _, err := io.ReadFull(w.input, a.body); err != nil {
			return w.lost(q, err)
		}
	}
	if q.done != nil {
		q.done <- a
	}
	return nil
}

// lost tells who waits for the packet that broke the wire.
func (w *wire) lost(q *question, err error) error {
	if q.done != nil {
		q.done <- answer{err: err, about: q.about, lane: q.lane, place: q.place}
	}
	return err
}

// fail ends the wire; the first reason counts. All questions are answered with
// it. Closing the channel says so to the server, which may take long where the
// connection stands still, so it is not waited for.
func (w *wire) fail(err error) {
	if err == io.EOF {
		err = errChannelEnded
	}
	w.mu.Lock()
	if w.failure != nil {
		w.mu.Unlock()
		return
	}
	w.failure = err
	open := w.asked
	w.asked = map[uint32]*question{}
	close(w.dead)
	w.mu.Unlock()
	w.outgoing.Lock()
	w.room.Broadcast()
	w.outgoing.Unlock()
	for _, q := range open {
		if q != nil && q.done != nil {
			q.done <- answer{err: err, about: q.about, lane: q.lane, place: q.place}
		}
	}
	go w.channel.Close()
}

var (
	errChannelEnded    = errors.New("the server ended the SFTP channel")
	errConnectionEnded = errors.New("the connection broke")
	errClosed          = errors.New("the channel was closed")
)

// Close is the library's way of giving up.
func (w *wire) Close() error {
	w.fail(errClosed)
	return nil
}

// why is the reason for which the wire is dead, nil if it is alive.
func (w *wire) why() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

// nonsense is what no server may say.
func nonsense(format string, args ...any) error {
	return fault(session.ProtocolError, fmt.Errorf("the server sent "+format, args...))
}
