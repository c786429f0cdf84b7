package builtins

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// crew carries out the pieces of one command over several connections of the same
// login, while everything is told, and takes effect, in the order in which the pieces
// were given: that of the plan.
//
// The machine's goroutine gives pieces and drains the line of those that are done;
// each connection has a goroutine and a State of its own. Further connections are
// opened when there is work for them. One that the server does not grant, or that is
// lost, makes the crew smaller and fails nothing: what it had is given to the first
// one, which is the script's own and alone tries again as SETRETRY says. Nobody waits
// for a connection while holding another.
type crew struct {
	state *State
	ctx   context.Context // ends the connecting of further connections too
	stop  context.CancelFunc
	link  *link // the script's own
	model *link // what further ones are made like
	// ownOpen makes the script's own connection anew.
	ownOpen func(context.Context) (session.Session, error)
	first   *hand

	draining bool // the machine's goroutine is at the end of a piece
	stopped  bool // the end of a piece wanted no further ones

	goroutines sync.WaitGroup
	lock       sync.Mutex // guards all below, and what pieces and hands say of themselves
	changed    *sync.Cond
	queue      []*piece // waiting for a connection
	units      int      // of work in the queue
	line       []*piece // given and not yet told, in order
	hands      []*hand
	leaving    int // hands that are saying good-bye
	opening    int
	given      int // pieces so far
	limit      int
	failed     int // pieces that have failed and are not ended yet
	closed     bool
}

// hand is a connection of a crew.
type hand struct {
	state *State
	link  *link
	spare bool // not the script's own
	piece *piece
}

// piece is one thing to do.
type piece struct {
	units  int
	place  int  // in the plan
	urgent bool // somebody waits for it
	// first: it was given back by another connection. alone: it is to be done while
	// there is no other. among: there was another one in its newest attempt.
	first, alone, among bool
	work                func(s *State) error // nil: there is only something to tell
	// end is called on the machine's goroutine, in order, and reports whether to go on.
	end func(err error) bool

	finished bool
	err      error
	events   []Event
	settled  lastSet
}

const (
	// worthOpening is how much work must wait for each connection that there is before
	// another one is opened: a login takes as long as a few small files.
	worthOpening = 4
	// unitBytes of a file are as much work as a small file.
	unitBytes = 256 << 10
	mostUnits = 8
	// longestQueue and longestLine bound what is begun before it is told.
	longestQueue = 64
	longestLine  = 512
	// spareFarewell bounds the good-bye of a further connection.
	spareFarewell = 2 * time.Second
)

// usualParallel is how many connections downloads of sets and SYNC use.
const usualParallel = 4

// mostParallel bounds SETPARALLEL: more connections of one client are an attack.
const mostParallel = 32

// setParallel is SETPARALLEL(connections).
func (s *State) setParallel(a *arguments) error {
	n, err := a.whole(0, 1, mostParallel)
	if err == nil {
		s.settings.parallel = int(n)
		s.adjust()
	}
	return err
}

// connections is how many connections one large file may be moved over: none but its
// own where those of a crew have their files.
func (s *State) connections() int {
	most := usualParallel
	switch {
	case s.crewed:
		return 1
	case s.settings.parallel > 0:
		most = s.settings.parallel
	}
	if s.mostConnections > 0 {
		most = min(most, s.mostConnections)
	}
	return most
}

// parallel is how many connections a command may use, usual where no script said it.
func (s *State) parallel(usual int) int {
	if !s.settings.after.keeps() || s.settings.backup != "" {
		return 1 // what is moved and deleted besides goes file by file
	}
	if s.settings.parallel > 0 {
		return s.settings.parallel
	}
	return usual
}

// inCrew does work with a crew of at most limit connections; one that is alone does
// each piece at once. The session of the State is the crew's meanwhile.
func (s *State) inCrew(ctx context.Context, limit int, work func(c *crew) error) error {
	own, ok := s.session.(*link)
	if s.mostConnections > 0 {
		limit = min(limit, s.mostConnections)
	}
	if !ok || limit <= 1 || own.session == nil {
		return work(&crew{state: s})
	}
	c := &crew{state: s, link: own, limit: limit}
	c.ctx, c.stop = context.WithCancel(ctx)
	c.changed = sync.NewCond(&c.lock)
	c.enlist()
	defer c.dismiss()
	err := work(c)
	c.settle()
	return err
}

// alone reports whether there are no further connections.
func (c *crew) alone() bool { return c.link == nil }

// enlist gives the script's own connection to the crew.
func (c *crew) enlist() {
	s := c.state
	s.echoOf(&s.args) // forks only read it
	c.first, c.model = &hand{link: c.link}, c.link.sibling(s)
	c.first.state = s.fork(func(e Event) { c.hear(c.first, e) })
	c.first.state.session, c.link.state = c.link, c.first.state
	c.first.state.adjust()
	// The script's own connection may have to be made anew where the server grants no
	// more than there are: then one of the others makes room.
	c.ownOpen = c.link.open
	c.link.open = func(ctx context.Context) (session.Session, error) {
		open, err := c.ownOpen(ctx)
		if err != nil {
			c.lock.Lock()
			c.shrink(len(c.hands) - 1)
			c.lock.Unlock()
		}
		return open, err
	}
	s.session = &crewSession{crew: c, caps: c.link.Caps()}
	s.voice.divert(c.say, func(e Event) { c.hear(c.first, e) })
	c.hands = []*hand{c.first}
	c.goroutines.Add(1)
	go c.serve(c.first)
}

// dismiss ends all connections but the script's own, which it gives back.
func (c *crew) dismiss() {
	c.stop()
	c.lock.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.lock.Unlock()
	c.goroutines.Wait()
	s := c.state
	s.voice.divert(nil, nil)
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, p := range c.line { // of a command that failed as a whole
		for _, e := range p.events {
			s.voice.tell(e)
		}
	}
	s.session, c.link.state, c.link.open = c.link, s, c.ownOpen
	s.adjust()
	s.join(c.first.state)
}

// fork is a State for another goroutine, in the same command.
func (s *State) fork(relay func(Event)) *State {
	f := &State{
		options: s.options, job: s.job, endpoint: s.endpoint, settings: s.settings, inPlace: s.inPlace, bytesTold: true, sizesUntold: s.sizesUntold,
		crewed: true, remoteDir: s.remoteDir, exclusions: s.exclusions, files: s.files, here: s.here, masks: s.masks, args: s.args, speed: s.speed, debts: s.debts, dry: dryRun{on: s.dry.on, ledger: s.dry.ledger},
	}
	f.last.wanted = s.last.wanted
	f.args.state, f.args.call = f, nil
	s.voice.lock.Lock()
	defer s.voice.lock.Unlock()
	f.voice.state, f.voice.place, f.voice.command, f.voice.relay, f.voice.wired = f, s.voice.place, s.voice.command, relay, relay
	return f
}

// join takes over what a fork has counted.
func (s *State) join(f *State) {
	s.tally.bytes += f.tally.bytes
	f.tally.bytes = 0
}

// do gives a piece: work on any connection, then end on the machine's goroutine, in the
// order of the pieces. size is of its file in bytes. It returns false where no further
// piece is wanted.
func (c *crew) do(size int64, work func(s *State) error, end func(err error) bool) (goOn bool) {
	if c.alone() {
		return end(work(c.state))
	}
	if c.stopped {
		return false
	}
	p := &piece{units: 1 + int(min(max(size, 0)/unitBytes, mostUnits)), work: work, end: end}
	c.lock.Lock()
	c.given++
	p.place = c.given
	c.line = append(c.line, p)
	c.put(p)
	c.lock.Unlock()
	c.waitFor(func() bool { return len(c.queue) < longestQueue && len(c.line) < longestLine })
	return !c.stopped
}

// begin gives a piece that somebody waits for, and returns what waits.
func (c *crew) begin(work func(s *State) error) (wait func() error) {
	if c.alone() {
		return func() error { return work(c.state) }
	}
	p := &piece{units: 1, urgent: true, work: work}
	c.lock.Lock()
	c.put(p)
	c.lock.Unlock()
	return func() error {
		c.waitFor(func() bool { return p.finished })
		for _, e := range p.events {
			c.say(e)
		}
		return p.err
	}
}

// settle waits until all that was given is told.
func (c *crew) settle() {
	if !c.alone() {
		c.waitFor(func() bool { return len(c.line) == 0 })
	}
}

// put queues a piece, and opens another connection if that is worth it.
func (c *crew) put(p *piece) {
	at := len(c.queue)
	if p.urgent {
		at = slices.IndexFunc(c.queue, func(q *piece) bool { return !q.urgent })
		if at < 0 {
			at = len(c.queue)
		}
	}
	c.queue = slices.Insert(c.queue, at, p)
	c.units += p.units
	for len(c.hands)+c.opening < c.limit && c.units >= worthOpening*(len(c.hands)+c.opening) {
		c.opening++
		c.goroutines.Add(1)
		go c.open()
	}
	c.changed.Broadcast()
}

// waitFor waits on the machine's goroutine, and ends pieces meanwhile, in order.
func (c *crew) waitFor(done func() bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for {
		if !c.draining && len(c.line) > 0 && c.line[0].finished {
			p := c.line[0]
			c.lock.Unlock()
			c.finish(p)
			c.lock.Lock()
			c.line = c.line[1:]
			if p.err != nil {
				c.failed--
				c.changed.Broadcast()
			}
			continue
		}
		if done() {
			return
		}
		c.changed.Wait()
	}
}

// finish tells what a piece has told, and ends it.
func (c *crew) finish(p *piece) {
	c.draining = true
	defer func() { c.draining = false }()
	for _, e := range p.events {
		c.state.voice.pass(e)
	}
	if p.end == nil {
		return
	}
	c.state.last.add(p.settled)
	if !p.end(p.err) && !c.stopped {
		c.stopped = true
		c.dropQueue()
	}
}

// dropQueue takes back what nobody has begun.
func (c *crew) dropQueue() {
	c.lock.Lock()
	defer c.lock.Unlock()
	dropped := func(p *piece) bool { return !p.urgent }
	c.line = slices.DeleteFunc(c.line, func(p *piece) bool { return dropped(p) && slices.Contains(c.queue, p) })
	c.queue = slices.DeleteFunc(c.queue, dropped)
	c.units = len(c.queue)
}

// say takes what the machine's goroutine tells: it stands behind what was given before.
func (c *crew) say(e Event) {
	if c.draining {
		c.state.voice.pass(e)
		return
	}
	c.note(e)
	c.waitFor(func() bool { return len(c.line) < longestLine })
}

func (c *crew) note(e Event) {
	c.lock.Lock()
	c.line = append(c.line, &piece{finished: true, events: []Event{e}})
	c.changed.Broadcast()
	c.lock.Unlock()
}

// hear takes what is told on a connection. The script's own is heard at once when it
// is its piece's turn; of the others nobody knows whether they will come to an end.
func (c *crew) hear(h *hand, e Event) {
	c.lock.Lock()
	p := h.piece
	if p == nil {
		c.lock.Unlock()
		c.note(e)
		return
	}
	if h.spare || len(c.line) == 0 || c.line[0] != p {
		if e.Kind != FileProgress {
			p.events = append(p.events, e)
		}
		c.lock.Unlock()
		return
	}
	before := p.events
	p.events = nil
	c.lock.Unlock()
	for _, b := range before {
		c.state.voice.pass(b)
	}
	c.state.voice.pass(e)
}

// serve does pieces on one connection until there are none to come.
func (c *crew) serve(h *hand) {
	defer c.goroutines.Done()
	for {
		p := c.next(h)
		if p == nil {
			break
		}
		h.state.crowded = p.alone
		err := c.attempt(h, p)
		c.lock.Lock()
		h.piece = nil
		switch {
		case h.spare && err != nil && !p.first && (passes(err) || refusesData(err) || h.link.session == nil):
			c.giveBack(p)
			if refusesData(err) {
				c.shrink(len(c.hands) - 1) // it is one too many
			}
		case !h.spare && !p.alone && p.among && refusesData(err):
			// Some servers count data connections.
			p.alone = true
			c.shrink(1)
			c.giveBack(p)
		default:
			p.err, p.settled, p.finished = err, h.state.last, true
			if err != nil && !p.urgent {
				c.failed++
			}
		}
		h.state.last = lastSet{wanted: h.state.last.wanted}
		if h.spare && h.link.session == nil {
			c.shrink(len(c.hands) - 1)
		}
		c.changed.Broadcast()
		c.lock.Unlock()
	}
	if !h.spare {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), spareFarewell)
	defer cancel()
	// It has done what it was for; a server that does not say good-bye changes nothing.
	_ = h.link.Close(ctx)
	c.lock.Lock()
	defer c.lock.Unlock()
	c.state.join(h.state)
	c.leaving--
	c.changed.Broadcast()
}

// attempt does a piece once. A panic in it is a defect of ours and of this piece only.
func (c *crew) attempt(h *hand, p *piece) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = &session.Error{Op: "working on a connection", Cause: session.Internal, Class: session.ClassInternal, Err: fmt.Errorf("%v", fault)}
		}
	}()
	return p.work(h.state)
}

// next waits for a piece; nil where the connection is not needed any more.
func (c *crew) next(h *hand) *piece {
	c.lock.Lock()
	defer c.lock.Unlock()
	for {
		if h.spare && (len(c.hands) > c.limit || h.link.session == nil) || c.closed {
			c.hands = slices.DeleteFunc(c.hands, func(other *hand) bool { return other == h })
			if h.spare {
				c.leaving++
			}
			c.changed.Broadcast()
			return nil
		}
		at := slices.IndexFunc(c.queue, func(p *piece) bool {
			return (!p.first || !h.spare) && (!p.alone || len(c.hands)+c.leaving == 1) && c.due(p)
		})
		if at >= 0 {
			p := c.queue[at]
			c.queue = slices.Delete(c.queue, at, at+1)
			c.units -= p.units
			h.piece, p.among = p, len(c.hands)+c.leaving > 1
			c.changed.Broadcast()
			return p
		}
		c.changed.Wait()
	}
}

// due reports whether a piece may begin. Behind one that failed nothing does until its
// end has said whether to go on.
func (c *crew) due(p *piece) bool {
	if p.urgent || c.failed == 0 {
		return true
	}
	return !slices.ContainsFunc(c.line, func(before *piece) bool { return before.finished && before.err != nil && before.place < p.place })
}

// refusesData reports that a data connection was not made, which may be because there
// are others.
func refusesData(err error) bool {
	cause := session.CauseOf(err)
	return cause == session.PassiveDataFailed || cause == session.ActiveDataFailed
}

// giveBack queues what a further connection could not do, for the script's own. What
// was told of it is forgotten: it will be told again.
func (c *crew) giveBack(p *piece) {
	p.events, p.first = nil, true
	c.queue = slices.Insert(c.queue, 0, p)
	c.units += p.units
}

// shrink bounds the crew, in this command and in those to come on this connection.
func (c *crew) shrink(limit int) {
	c.limit = max(1, min(c.limit, limit))
	c.state.mostConnections = c.limit
	c.changed.Broadcast()
}

// open makes another connection and serves on it.
func (c *crew) open() {
	h := &hand{spare: true}
	h.state = c.state.forkSpare(func(e Event) { c.hear(h, e) })
	h.link = c.model.sibling(h.state)
	h.state.session = h.link
	err := h.link.dial(c.ctx)
	if err == nil {
		if err = h.link.restore(c.ctx); err != nil {
			h.link.drop(c.ctx, err)
		}
	}
	c.lock.Lock()
	c.opening--
	if err != nil || c.closed {
		defer c.goroutines.Done()
		if err == nil {
			h.link.drop(c.ctx, nil)
		} else if c.ctx.Err() == nil {
			c.shrink(len(c.hands))
		}
		c.lock.Unlock()
		if err != nil && c.ctx.Err() == nil {
			h.state.tellVerbose("no further connection: %v", err)
		}
		return
	}
	for _, other := range c.hands {
		if other.piece != nil {
			other.piece.among = true
		}
	}
	c.hands = append(c.hands, h)
	c.lock.Unlock()
	h.state.tellVerbose("a further connection is used")
	c.serve(h)
}

// forkSpare is a fork for a connection that may be lost: what fails on it is given to
// the script's own, which tries again.
func (s *State) forkSpare(relay func(Event)) *State {
	f := s.fork(relay)
	f.settings.retry = retrying{times: 1}
	return f
}
