package sshconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/session"
)

// mostEmptyReads is how often a reader may return nothing and no error.
const mostEmptyReads = 100

// mostUnique is how many names are tried for an upload that is to replace nothing.
const mostUnique = 1000

// Upload sends r's bytes as name. The count is of bytes that the server confirmed
// from the first on without a gap: what an upload that was cut can be resumed
// from. With StoreUnique a name that is free is found here, name itself or name.1
// and so on, and StoredName tells it; SFTP leaves no choice to the server.
func (s *Session) Upload(ctx context.Context, name string, mode session.StoreMode, r io.Reader) (n int64, err error) {
	op := "uploading"
	if mode == session.StoreUnique && name == "" {
		name = "unique"
	}
	err = s.named(ctx, op, name, func() error {
		u := &upload{source: r}
		var err error
		path := s.absolute(name)
		switch mode {
		case session.StoreReplace:
			var done bool
			if n, done, err = u.replace(s, path); done {
				return err
			}
		case session.StoreAppend:
			if err = u.open(s, path, openWrite|openCreate); err == nil {
				err = u.toEnd()
			}
		case session.StoreUnique:
			s.stored, err = u.openUnique(s, name)
		default:
			err = fault(session.BadArgument, errors.New("no such way to store"))
		}
		if err != nil {
			return err
		}
		n, err = u.send()
		return err
	})
	return n, err
}

// UploadFrom sends r's bytes behind the first offset bytes of name.
func (s *Session) UploadFrom(ctx context.Context, name string, offset int64, r io.Reader) (n int64, err error) {
	err = s.named(ctx, "uploading the rest of", name, func() error {
		if offset < 0 {
			return fault(session.BadArgument, errors.New("an offset cannot be negative"))
		}
		u := &upload{source: r}
		if err := u.open(s, s.absolute(name), openWrite); err != nil {
			return err
		}
		if err := u.cutAt(offset); err != nil {
			return err
		}
		n, err = u.send()
		return err
	})
	return n, err
}

// upload is a transfer towards the server.
type upload struct {
	*transfer
	source io.Reader
	end    local
	ended  bool    // the source has no more
	held   *piece  // read, and not given to a port yet
	growth *growth // of a file that may be opened anew; nil is none
}

func (u *upload) open(s *Session, path string, flags uint32) error {
	s.tell("OPEN %s for writing", path)
	if end := localEnd(u.source); end.paced == nil || end.paced.MostAtOnce() == 0 {
		s.prepare(end.left(), true)
	}
	var file handle
	if err := s.ask(func() (err error) { file, err = s.main.open(path, flags); return err }); err != nil {
		return s.investigate(err, "WRITE", path)
	}
	if err := s.settle(); err != nil {
		return err
	}
	u.transfer = s.newTransfer(path, openWrite, file, 0, s.writePiece())
	return nil
}

func (u *upload) openUnique(s *Session, name string) (chosen string, err error) {
	for i := range mostUnique {
		if chosen = name; i > 0 {
			chosen = fmt.Sprintf("%s.%d", name, i)
		}
		path := s.absolute(chosen)
		err := u.open(s, path, openWrite|openCreate|openExcl)
		if err == nil {
			return chosen, nil
		}
		if cause := session.CauseOf(err); cause != session.RemoteExists && cause != session.RemoteRefused {
			return "", err
		}
		if _, missing := s.lstat(path); missing != nil {
			return "", err // it is refused for another reason
		}
	}
	return "", fault(session.RemoteExists, fmt.Errorf("%s and %d names like it are taken", name, mostUnique-1))
}

// abandon closes the file where nothing is sent.
func (u *upload) abandon(err error) error {
	if u.s.lost() == nil {
		u.ports[0].file.forget()
	}
	return err
}

func (u *upload) size() (size int64, err error) {
	var about attributes
	if err := u.s.ask(func() (err error) { about, err = u.ports[0].file.attributes(); return err }); err != nil {
		return 0, err
	}
	if about.flags&hasSize == 0 || about.size > 1<<62 {
		return 0, fault(session.NotSupported, errors.New("the server does not tell the size of an open file"))
	}
	return int64(about.size), nil
}

// toEnd begins behind what is there. The position is asked for once: what another
// program appends meanwhile is written over.
func (u *upload) toEnd() error {
	size, err := u.size()
	if err != nil {
		return u.abandon(err)
	}
	u.begin, u.next = size, size
	return nil
}

// cutAt begins at offset, and takes away what lies behind it.
func (u *upload) cutAt(offset int64) error {
	size, err := u.size()
	switch {
	case err != nil:
		return u.abandon(err)
	case offset > size:
		return u.abandon(fault(session.BadArgument, fmt.Errorf("the file has %d bytes: it cannot be gone on with at %d", size, offset)))
	case offset < size:
		if err := u.s.ask(func() error { return u.ports[0].file.truncate(offset) }); err != nil {
			return u.abandon(err)
		}
	}
	u.begin, u.next = offset, offset
	return nil
}

// send moves the bytes and closes the file.
func (u *upload) send() (n int64, err error) {
	u.end, u.done = localEnd(u.source), u.begin
	u.submit = func(p *port, piece *piece, done chan<- answer) {
		fields := appendLong(append(make([]byte, 0, len(p.file.name)+12), p.file.name...), uint64(piece.offset))
		fields = appendNumber(fields, uint32(piece.want))
		p.file.lane.wire.ask(&question{done: done, about: piece, lane: p.file.lane}, fxWrite, fields, piece.buffer[:piece.want])
	}
	// What was on its way when another piece failed may still be a beginning.
	u.late = func(a answer) {
		if _, err := a.expect(fxStatus); err == nil {
			u.confirm(a.about)
		}
	}
	u.slow(u.end)
	u.start(u.ports[0])
	if left := u.end.left(); u.ahead == 0 && u.s.lanesFor(left) > 1 {
		u.watch(left)
		u.widen(left)
	}
	timer := time.NewTimer(u.s.settings.Timeouts.Idle)
	defer timer.Stop()
	failure := u.move(timer)
	within := abortGrace
	if failure == nil {
		within = u.s.settings.Timeouts.Reply
	}
	u.finish(within)
	if failure == nil {
		failure = u.conclude()
	} else {
		u.cut()
	}
	var said status
	if errors.As(failure, &said) {
		failure = u.s.investigate(failure, "WRITE", u.path)
	}
	return u.done - u.begin, failure
}

// growth is what may be known of a file by who opens it anew while it is written.
type growth struct {
	whole     int64         // how long the file is to be
	begun     chan struct{} // closed when the server has confirmed more than was there before
	confirmed atomic.Int64  // up to here
	sent      atomic.Int64  // the file ends nowhere beyond
	looked    chan struct{} // closed when the next is there to be read
	first     answer        // to an FSTAT in front of the first byte
}

// watch prepares for further handles; left is how much is to be sent.
func (u *upload) watch(left int64) {
	g := &growth{whole: u.begin + left, begun: make(chan struct{}), looked: make(chan struct{})}
	u.growth = g
	first := make(chan answer, 1)
	file := u.ports[0].file
	file.lane.wire.ask(&question{done: first}, fxFstat, file.name, nil)
	go func() {
		g.first = <-first
		close(g.looked)
	}()
	u.same = u.isOurs
}

// isOurs tells whether a further handle leads to the file that grows under the first
// one, and not to one that was given its name meanwhile, whose bytes would be written
// over. SFTP has no word for that; but the file must be as long as the server has
// confirmed before, and no longer than what was sent until then. It is asked while the
// file grows: two files without a byte are alike, and two whole ones may be.
func (u *upload) isOurs(further handle) bool {
	g := u.growth
	for _, ready := range []chan struct{}{g.looked, g.begun} {
		select {
		case <-ready:
		case <-u.over:
			return false
		}
	}
	least := g.confirmed.Load()
	there, err := further.attributes()
	most := g.sent.Load()
	first, missing := readAttributes(g.first.expect(fxAttrs))
	return err == nil && missing == nil && there.flags&hasSize != 0 && there.flags == first.flags &&
		there.permissions == first.permissions && first.modified <= there.modified &&
		uint64(least) <= there.size && there.size <= uint64(most) && most < g.whole
}

// move sends until the source has ended and the server has confirmed it all.
func (u *upload) move(timer *time.Timer) error {
	for {
		if err := u.dispatch(); err != nil {
			return err
		}
		if u.ended && u.held == nil && len(u.order) == 0 {
			return nil
		}
		a, ok, err := u.wait(timer)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := u.take(a); err != nil {
			return err
		}
	}
}

func (u *upload) dispatch() error {
	for p := u.room(); p != nil; p = u.room() {
		if n := len(u.again); n > 0 {
			next := u.again[n-1]
			u.again = u.again[:n-1]
			u.give(p, next)
			continue
		}
		if u.ended {
			// The last piece waits for all others where they take several ways: a file
			// of its full length has no gap then, whenever the connection is cut.
			if u.held == nil || len(u.ports) > 1 && len(u.order) > 0 {
				return nil
			}
			u.pass(p, nil)
			continue
		}
		if u.next >= u.done+u.span() {
			return nil
		}
		if u.s.ctx.Err() != nil {
			return cancelled(u.s.ctx)
		}
		next := &piece{offset: u.next, buffer: u.buffer()}
		if err := u.fill(next); err != nil {
			return err
		}
		if next.want == 0 {
			continue
		}
		u.next += int64(next.want)
		if u.growth != nil {
			u.growth.sent.Store(u.next)
		}
		if u.held == nil {
			u.held = next
			continue
		}
		u.pass(p, next)
	}
	return nil
}

// pass gives the piece that is held to a port, and holds another.
func (u *upload) pass(p *port, next *piece) {
	u.order = append(u.order, u.held)
	u.give(p, u.held)
	u.held = next
}

// fill reads a whole piece, or what is left.
func (u *upload) fill(p *piece) error {
	var source = u.source
	if u.end.file != nil {
		source = u.end.file
	}
	for empty := 0; p.want < u.length; {
		n, err := source.Read(p.buffer[p.want:u.length])
		p.want += n
		switch {
		case err == io.EOF:
			u.ended = true
			return nil
		case err != nil:
			return cause.OfLocal(err)
		case n == 0:
			if empty++; empty == mostEmptyReads {
				return cause.OfLocal(io.ErrNoProgress)
			}
		}
	}
	return nil
}

func (u *upload) take(a answer) error {
	again, lost := u.settle(a)
	if lost != nil {
		return u.s.reason(lost)
	}
	if again {
		return nil
	}
	if _, err := a.expect(fxStatus); err != nil {
		return err
	}
	u.confirm(a.about)
	return nil
}

// confirm notes that the server has a piece, and counts what it has without a gap.
func (u *upload) confirm(p *piece) {
	p.over = true
	if g := u.growth; g != nil {
		defer func(before int64) {
			g.confirmed.Store(u.done)
			if before == u.begin && u.done > before {
				close(g.begun)
			}
		}(u.done)
	}
	for len(u.order) > 0 && u.order[0].over {
		first := u.order[0]
		u.order[0] = nil
		u.order = u.order[1:]
		u.done += int64(first.want)
		u.spare = append(u.spare, first.buffer)
		u.end.moved(int64(first.want))
	}
}

// conclude asks for the size of what is there and closes the file, both at once.
// A server that says OK to a CLOSE has all of it as far as it knows; where the
// feature FSYNC is enabled it is told to have it on its disk first.
func (u *upload) conclude() error {
	file := u.ports[0].file
	wanted := u.s.settings.Features["FSYNC"] == session.FeatureEnabled
	if wanted && !u.s.main.has("fsync@openssh.com") {
		u.s.note("the server has no fsync@openssh.com, so the upload may be in its memory only")
	} else if wanted {
		u.s.tell("FSYNC %s", u.path)
		err := u.s.await(u.s.settings.Timeouts.Reply, func() error {
			_, err := u.s.main.extended(fxStatus, "fsync@openssh.com", file.name)
			return err
		})
		if err != nil {
			u.abandon(err)
			return err
		}
	}
	var size, closing, named answer
	var further []answer // the sizes that the other handles tell
	err := u.s.ask(func() error {
		answers := [3]chan answer{make(chan answer, 1), make(chan answer, 1), make(chan answer, 1)}
		file.lane.wire.ask(&question{done: answers[0]}, fxFstat, file.name, nil)
		file.lane.wire.ask(&question{done: answers[1]}, fxClose, file.name, nil)
		if u.s.inOrder() {
			file.lane.wire.ask(&question{done: answers[2]}, fxStat, appendText(nil, u.path), nil)
		} else {
			answers[2] <- answer{}
		}
		others := make(chan answer, mostPorts)
		open := 0
		for _, p := range u.ports[1:] {
			if !p.spent {
				p.file.lane.wire.ask(&question{done: others}, fxFstat, p.file.name, nil)
				p.file.lane.wire.ask(&question{}, fxClose, p.file.name, nil)
				open++
			}
		}
		for ; open > 0; open-- {
			further = append(further, <-others) // all that went through them has been confirmed
		}
		size, closing, named = <-answers[0], <-answers[1], <-answers[2]
		return errors.Join(size.err, closing.err)
	})
	if err != nil {
		return err
	}
	if _, err := closing.expect(fxStatus); err != nil {
		return err
	}
	about, err := readAttributes(size.expect(fxAttrs))
	if err != nil || about.flags&hasSize == 0 {
		return nil // it does not tell
	}
	if about.size != uint64(u.done) {
		return fault(session.SizeMismatch, fmt.Errorf("the server has %d bytes of %d", about.size, u.done))
	}
	for _, a := range further {
		if there, err := readAttributes(a.expect(fxAttrs)); err == nil && there.size != about.size {
			return fault(session.SizeMismatch, errors.New("another file was given the name meanwhile, and has some of the bytes"))
		}
	}
	if named.kind == fxAttrs {
		u.s.lookedAt(u.path, named)
	}
	return nil
}

// ahead is what a name was seen to be right after the command that closed it, for the
// one command that follows: who uploads asks next what has arrived, and need not wait
// a second time.
type ahead struct {
	path  string
	entry session.Entry
	after int // how many commands had begun
}

// inOrder tells of servers that are known to answer the requests of a channel one
// after the other: the name that is asked for behind a CLOSE is the closed file's.
func (s *Session) inOrder() bool { return mixesNothing(string(s.connection.ServerVersion())) }

// lookedAt keeps the answer to a STAT of path. If it does not show a file it is asked
// for again when somebody wants to know.
func (s *Session) lookedAt(path string, a answer) {
	about, err := readAttributes(a.expect(fxAttrs))
	if err != nil {
		return
	}
	if e, ok := about.entry(path, nil); ok && e.Kind == session.KindFile && e.Size >= 0 {
		s.ahead = &ahead{path: path, entry: e, after: s.commands}
	}
}

// cut leaves of an upload that failed what is there without a gap, so that it can
// be gone on with. Where the connection is lost nobody can: Caps().Overlap tells
// how much of the end is doubtful then.
func (u *upload) cut() {
	if u.s.lost() != nil {
		return
	}
	u.closeExtras()
	file := u.ports[0].file
	// The command may have been cancelled; this little is done all the same.
	outer := u.s.ctx
	u.s.ctx = context.WithoutCancel(outer)
	defer func() { u.s.ctx = outer }()
	u.s.await(min(abortGrace, u.s.settings.Timeouts.Reply), func() error {
		// A server whose disk filled up may have confirmed a piece of which it had room for
		// the beginning only (mod_sftp does).
		if about, err := file.attributes(); err == nil && about.flags&hasSize != 0 && about.size < uint64(u.done) {
			u.done = max(u.begin, int64(about.size))
		} else if u.next > u.done {
			if err := file.truncate(u.done); err != nil {
				return errors.Join(err, file.close())
			}
		}
		return file.close()
	})
}
