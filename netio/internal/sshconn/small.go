package sshconn

import (
	"errors"
	"fmt"
	"io"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/session"
)

// Small files cost round trips and packets, not bytes. One takes two round trips here:
// it is opened, and everything else is asked together. Where the server's answers are
// not those of the file that was expected, the transfer begins as that of any file does.

// mostAtOnce is how long a file may be that is moved in one go, in bytes.
const mostAtOnce = 128 << 10

// expected is how much of a download is believed to come, from offset on; -1 where
// nobody knows, or the caller slows it down.
func (l local) expected(end any, offset int64) int64 {
	sized, ok := end.(session.Sized)
	if !ok || l.paced != nil && l.paced.MostAtOnce() > 0 {
		return -1
	}
	return max(sized.Expected()-offset, -1)
}

// together asks requests at once and waits for all answers, which come in any order,
// each with the place of its question.
func (s *Session) together(requests ...request) ([]answer, error) {
	done := make(chan answer, len(requests))
	for i := range requests {
		requests[i].question.done, requests[i].question.place = done, i
	}
	s.main.wire.askTogether(requests...)
	answers := make([]answer, len(requests))
	var failure error
	for range requests {
		// What was asked is waited for in any case: its buffers are the caller's.
		a, err := s.receive(done)
		if err != nil && failure == nil {
			failure = err
		}
		if err == nil {
			answers[a.place] = a
		}
	}
	return answers, failure
}

// fetchAtOnce downloads what is left of a small file behind offset, which is expected to
// be rest bytes. done is false where it is not, or comes otherwise; nothing has been
// written then.
func (s *Session) fetchAtOnce(file handle, offset, rest int64, w io.Writer, end local) (n int64, done bool, err error) {
	length := int64(s.readPiece())
	buffer := s.scratch(int(rest) + 1)
	// A byte more is asked for: that there is none says that the file is whole.
	requests := []request{{question: &question{}, kind: fxFstat, fields: file.name}}
	for at := int64(0); at <= rest; at += length {
		want := min(length, rest+1-at)
		fields := appendLong(append(make([]byte, 0, len(file.name)+12), file.name...), uint64(offset+at))
		requests = append(requests, request{question: &question{into: buffer[at : at+want]}, kind: fxRead, fields: appendNumber(fields, uint32(want))})
	}
	answers, err := s.together(requests...)
	if err != nil {
		return 0, true, err
	}
	about, err := readAttributes(answers[0].expect(fxAttrs))
	if err != nil || about.flags&hasSize == 0 || about.size != uint64(offset+rest) {
		return 0, false, nil
	}
	for i, a := range answers[1:] {
		want := min(length, rest-int64(i)*length)
		if want > 0 && (a.kind != fxData || int64(a.n) != want) {
			return 0, false, nil
		}
		if _, err := a.expect(fxData); want == 0 && !isEnd(err) {
			return 0, false, nil
		}
	}
	if rest > 0 {
		target := w
		if end.file != nil {
			target = end.file
		}
		if _, err := target.Write(buffer[:rest]); err != nil {
			return 0, true, cause.OfLocal(err)
		}
		end.moved(rest)
	}
	return rest, true, nil
}

// isEnd tells of the status that a READ behind the end has.
func isEnd(err error) bool {
	var said status
	return errors.As(err, &said) && said.code == 1
}

// scratch is memory for n bytes until the next command. What is larger than most files
// of a set of small ones is not kept.
func (s *Session) scratch(n int) []byte {
	if n <= cap(s.memory) {
		return s.memory[:n]
	}
	b := make([]byte, n)
	if n <= pieceLength {
		s.memory = b
	}
	return b
}

// readAtOnce reads all of a small local file. ok is false where it is not small, its end
// is not known, or the caller slows the transfer down; nothing has been read then.
func (u *upload) readAtOnce(s *Session) (data []byte, ok bool, err error) {
	end := localEnd(u.source)
	left := end.left()
	if left < 0 || left > mostAtOnce || end.paced != nil && end.paced.MostAtOnce() > 0 || s.settings.Features["FSYNC"] == session.FeatureEnabled {
		return nil, false, nil
	}
	buffer := s.scratch(int(left) + 1)
	n, err := io.ReadFull(end.file, buffer)
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return buffer[:n], true, nil
	case err != nil:
		return nil, false, cause.OfLocal(err)
	}
	return nil, false, u.unread(n) // it grows
}

// unread goes back n bytes in the local file.
func (u *upload) unread(n int) error {
	if _, err := localEnd(u.source).file.Seek(-int64(n), io.SeekCurrent); err != nil {
		return cause.OfLocal(err)
	}
	return nil
}

// replace opens path for all that the source holds, and sends it at once where it is
// small. done is false where it is yet to be sent.
func (u *upload) replace(s *Session, path string) (n int64, done bool, err error) {
	const flags = openWrite | openCreate | openTrunc
	data, small, err := u.readAtOnce(s)
	if err != nil {
		return 0, true, err
	}
	if !small {
		return 0, false, u.open(s, path, flags)
	}
	s.tell("OPEN %s for writing", path)
	file, err := s.open(path, flags)
	if err != nil {
		return 0, true, s.investigate(err, "WRITE", path)
	}
	if err := s.settle(); err != nil {
		return 0, true, err
	}
	if n, done, err = s.sendAtOnce(file, path, data, localEnd(u.source)); done {
		return n, true, err
	}
	u.transfer = s.newTransfer(path, openWrite, file, 0, s.writePiece())
	if err := u.unread(len(data)); err != nil {
		return 0, true, u.abandon(err)
	}
	return 0, false, nil
}

// sendAtOnce writes, closes, and asks for the size: a server carries out what concerns
// one file in the order in which it was asked. Of a write that failed the server keeps a
// beginning at most, since it is one write. done is false where the server may take less
// in one piece; nothing has been sent then.
func (s *Session) sendAtOnce(file handle, path string, data []byte, end local) (n int64, done bool, err error) {
	if len(data) > s.writeAtOnce() {
		return 0, false, nil
	}
	ask := func(kind byte, fields, payload []byte) request {
		return request{question: &question{}, kind: kind, fields: fields, payload: payload}
	}
	write := appendNumber(appendLong(append(make([]byte, 0, len(file.name)+12), file.name...), 0), uint32(len(data)))
	requests := append(make([]request, 0, 3), ask(fxWrite, write, data))
	named := s.inOrder()
	if named {
		requests = append(requests, ask(fxClose, file.name, nil), ask(fxStat, appendText(nil, path), nil))
	} else {
		requests = append(requests, ask(fxFstat, file.name, nil), ask(fxClose, file.name, nil))
	}
	if len(data) == 0 {
		requests = requests[1:]
	}
	answers, err := s.together(requests...)
	if err != nil {
		return 0, true, err
	}
	size := answers[len(answers)-1]
	if !named {
		last := len(answers) - 2
		size, answers = answers[last], append(answers[:last], answers[last+1])
	} else {
		answers = answers[:len(answers)-1]
	}
	for _, a := range answers {
		if _, err := a.expect(fxStatus); err != nil {
			return 0, true, s.investigate(err, "WRITE", path)
		}
	}
	end.moved(int64(len(data)))
	if about, err := readAttributes(size.expect(fxAttrs)); err == nil && about.flags&hasSize != 0 && about.size != uint64(len(data)) {
		return int64(len(data)), true, fault(session.SizeMismatch, fmt.Errorf("the server has %d bytes of %d", about.size, len(data)))
	}
	if named {
		s.lookedAt(path, size)
	}
	return int64(len(data)), true, nil
}
