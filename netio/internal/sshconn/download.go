package sshconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/session"
)

// unknownSize is what a server may be asked for before it has said how long a
// file is: enough for small files to need no second question.
const unknownSize = 4

// Download copies name from offset on to w, in order: what has been written is
// always the beginning of the file.
func (s *Session) Download(ctx context.Context, name string, offset int64, w io.Writer) (n int64, err error) {
	err = s.named(ctx, "downloading", name, func() error {
		if offset < 0 {
			return fault(session.BadArgument, errors.New("an offset cannot be negative"))
		}
		path := s.absolute(name)
		s.tell("OPEN %s for reading from %d", path, offset)
		var file handle
		var err error
		if file, err = s.open(path, openRead); err != nil {
			return s.investigate(err, "OPEN", path)
		}
		if err := s.settle(); err != nil {
			return err
		}
		if rest := localEnd(w).expected(w, offset); rest >= 0 && rest <= mostAtOnce {
			var done bool
			if n, done, err = s.fetchAtOnce(file, offset, rest, w, localEnd(w)); done {
				if s.lost() == nil {
					file.forget()
				}
				return err
			}
		}
		d := &download{transfer: s.newTransfer(path, openRead, file, offset, s.readPiece()), w: w, end: localEnd(w), size: -1}
		err = d.run()
		n = d.done - offset
		d.close()
		return err
	})
	return n, err
}

// download is a transfer towards us.
type download struct {
	*transfer
	w     io.Writer
	end   local
	size  int64 // as the server tells it; -1 until it does
	asked bool  // its answer is still to come
	limit int64 // pieces are asked for up to here
}

func (d *download) run() error {
	d.submit = func(p *port, piece *piece, done chan<- answer) {
		if piece == nil {
			p.file.lane.wire.ask(&question{done: done, lane: p.file.lane}, fxFstat, p.file.name, nil)
			return
		}
		fields := appendLong(append(make([]byte, 0, len(p.file.name)+12), p.file.name...), uint64(piece.offset)+uint64(piece.have))
		fields = appendNumber(fields, uint32(piece.want-piece.have))
		p.file.lane.wire.ask(&question{into: piece.buffer[piece.have:piece.want], done: done, about: piece, lane: p.file.lane}, fxRead, fields, nil)
	}
	d.slow(d.end)
	d.start(d.ports[0])
	d.done = d.begin
	d.limit = d.begin + unknownSize*int64(d.length)
	// In front of the first piece, so that a short one is known to be the last.
	d.asked = true
	d.ports[0].queue <- nil

	timer := time.NewTimer(d.s.settings.Timeouts.Idle)
	defer timer.Stop()
	failure := d.move(timer)
	within := abortGrace
	if failure == nil {
		within = d.s.settings.Timeouts.Reply
	}
	d.finish(within)
	if failure == nil && d.size >= 0 && d.done < d.size {
		return d.shorter()
	}
	return failure
}

// move asks for pieces and writes them until the file ends.
func (d *download) move(timer *time.Timer) error {
	for {
		d.dispatch()
		if len(d.order) == 0 && !d.asked {
			return nil
		}
		a, ok, err := d.wait(timer)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if a.about == nil {
			if err := d.learn(a); err != nil {
				return err
			}
		} else if err := d.take(a); err != nil {
			return err
		}
		if over, err := d.write(); over || err != nil {
			return err
		}
	}
}

// dispatch asks for as much as there is room for.
func (d *download) dispatch() {
	for p := d.room(); p != nil; p = d.room() {
		if n := len(d.again); n > 0 {
			next := d.again[n-1]
			d.again = d.again[:n-1]
			d.give(p, next)
			continue
		}
		if d.next >= d.limit || d.next >= d.done+d.span() {
			return
		}
		want := int64(d.length)
		if d.next < d.size {
			// A piece that ends where the file does needs no second question.
			want = min(want, d.size-d.next)
		}
		next := &piece{offset: d.next, buffer: d.buffer(), want: int(want)}
		d.order = append(d.order, next)
		d.next += want
		d.give(p, next)
	}
}

// learn takes the file's size. A byte beyond it is asked for too: that there is
// none says that the file is whole.
func (d *download) learn(a answer) error {
	d.asked = false
	about, err := readAttributes(a.expect(fxAttrs))
	var said status
	switch {
	case errors.As(err, &said):
		return nil // it will be seen where the file ends
	case err != nil:
		return d.s.reason(err)
	}
	if about.flags&hasSize == 0 || about.size > 1<<62 {
		return nil
	}
	d.size = int64(about.size)
	d.limit = max(d.limit, d.size+1)
	// A name is opened anew on each lane, and may have been given to another file: its
	// pieces must not be put between those of this one.
	d.alike = func(there attributes) bool {
		return there.size == about.size && there.modified == about.modified && there.flags == about.flags
	}
	d.widen(d.size - d.begin)
	return nil
}

// take notes what came of a piece.
func (d *download) take(a answer) error {
	again, lost := d.settle(a)
	if lost != nil {
		return d.s.reason(lost)
	}
	if again {
		return nil
	}
	piece := a.about
	if a.kind == fxData {
		if a.n == 0 {
			return nonsense("data without a byte")
		}
		piece.have += a.n
		switch at := piece.offset + int64(piece.have); {
		case piece.have == piece.want:
			piece.over = true
		case d.size >= 0 && at == d.size:
			piece.over, piece.eof = true, true
		default:
			// A short answer is not the end: the rest is asked for. A server that has
			// a lower bound than it says is asked for that from now on.
			if a.n < d.length && at < d.size {
				d.length = max(a.n, leastPiece)
				d.s.shorten(d.length)
			}
			d.again = append(d.again, piece)
		}
		return nil
	}
	_, err := a.expect(fxData)
	var said status
	switch {
	case errors.As(err, &said) && said.code == 1:
		piece.eof = true
	case errors.As(err, &said):
		piece.err = err
	default:
		return err
	}
	piece.over = true
	return nil
}

// leastPiece is what a server's short answers bring a request down to.
const leastPiece = 4 << 10

// write hands what has come without a gap to the caller. over reports that this
// was the end.
func (d *download) write() (over bool, err error) {
	for len(d.order) > 0 && d.order[0].over {
		first := d.order[0]
		d.order[0] = nil
		d.order = d.order[1:]
		if first.have > 0 {
			if err := d.put(first.buffer[:first.have]); err != nil {
				return true, cause.OfLocal(err)
			}
		}
		if first.err != nil {
			return true, d.s.investigateLater(first.err, "READ", d.path)
		}
		if first.eof {
			return true, nil
		}
		if len(first.buffer) == d.length {
			d.spare = append(d.spare, first.buffer)
		}
		if d.done >= d.size && !d.asked {
			// The file is longer than the server said, or it does not say.
			d.limit = max(d.limit, d.done+min(d.span(), 2*(d.done-d.begin)+unknownSize*int64(d.length)))
		}
	}
	return false, nil
}

func (d *download) put(b []byte) (err error) {
	if d.end.file != nil {
		_, err = d.end.file.Write(b)
	} else {
		_, err = d.w.Write(b)
	}
	if err == nil {
		d.done += int64(len(b))
		d.end.moved(int64(len(b)))
	}
	return err
}

// shorter looks again at a file that ended before the size that the server told:
// it may have been cut off meanwhile, and builtins compares sizes on its own.
func (d *download) shorter() error {
	var about attributes
	err := d.s.ask(func() (err error) { about, err = d.ports[0].file.attributes(); return err })
	if err == nil && int64(about.size) == d.done {
		return nil
	}
	return fault(session.SizeMismatch, fmt.Errorf("the file ended after %d of its %d bytes", d.done, d.size))
}

// close leaves the file without waiting for the server: it was only read.
func (d *download) close() {
	if d.s.lost() != nil {
		return
	}
	d.closeExtras()
	d.ports[0].file.forget()
}

// investigateLater says what a refusal in mid-transfer means; nothing is asked.
func (s *Session) investigateLater(err error, verb, name string) error {
	var said status
	if !errors.As(err, &said) {
		return err
	}
	cause, _ := causeOf(said)
	return fault(cause, said)
}
