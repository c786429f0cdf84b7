package builtins

import (
	"bytes"
	"context"
	"errors"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// mostSeam is how many bytes of a part are asked for a second time where a download goes
// on in the middle. They tell a server that agrees to begin there and begins at the start
// of the file: its bytes would lie at the wrong place, and where the connection is cut
// once more before the size shows it, nothing but a hash would tell.
const mostSeam = 4 << 10

// seam is the end of a part, and where it lies.
type seam struct {
	at   int64
	tail []byte
}

// receive downloads what the part lacks. resumed reports whether its beginning is
// from an earlier run or attempt.
func (s *State) receive(ctx context.Context, remote string, entry session.Entry, part *netio.Part, m *meter) (resumed bool, err error) {
	if offset := m.event.Done; offset > 0 && offset == entry.Size {
		return true, nil
	}
	end, err := s.stepBack(part, m)
	if err != nil {
		return false, err
	}
	offset := m.event.Done
	_, err = s.session.Download(ctx, remote, offset, m)
	if offset > 0 && m.event.Done == offset && refusesOffset(err) {
		s.tellVerbose("the server does not resume: %s starts from the beginning", remote)
		if err := s.restart(part, m); err != nil {
			return false, err
		}
		offset = 0
		_, err = s.session.Download(ctx, remote, 0, m)
	}
	if offset > 0 {
		joins, failed := end.joins(part, m.event.Done)
		switch {
		case failed != nil:
			return false, failed
		case !joins:
			s.tell("the server did not go on with %s where it was asked to: it is downloaded from the beginning", remote)
			if failed := s.restart(part, m); failed != nil {
				return false, failed
			}
			if err == nil {
				offset = 0
				_, err = s.session.Download(ctx, remote, 0, m)
			}
		}
	}
	if err != nil {
		return false, withName(err, "downloading "+remote, remote)
	}
	return offset > 0, nil
}

// stepBack makes the part end a little before its end, at most half of it, so that what
// comes next overlaps with what is there.
func (s *State) stepBack(part *netio.Part, m *meter) (seam, error) {
	length := min(m.event.Done/2, mostSeam)
	if length == 0 {
		return seam{}, nil
	}
	end := seam{at: m.event.Done - length, tail: make([]byte, length)}
	if _, err := part.File().ReadAt(end.tail, end.at); err != nil {
		return seam{}, localReading(part.Target().String(), err)
	}
	if err := part.GoOn(end.at); err != nil {
		return seam{}, err
	}
	m.event.Done = end.at
	if m.checkpoint != nil {
		// What is known to be on disk must not be more than there is; only the comfort of
		// resuming is lost if that cannot be noted.
		_ = m.checkpoint()
	}
	return end, nil
}

// joins reports whether what has come as far as done begins with what was there.
func (e seam) joins(part *netio.Part, done int64) (bool, error) {
	length := min(done-e.at, int64(len(e.tail)))
	if length <= 0 {
		return true, nil
	}
	came := make([]byte, length)
	if _, err := part.File().ReadAt(came, e.at); err != nil {
		return false, localReading(part.Target().String(), errors.Join(errors.New("reading what has just come"), err))
	}
	return bytes.Equal(came, e.tail[:length]), nil
}
