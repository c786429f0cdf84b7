package builtins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sftpc/sftpc/netio/session"
)

// sending is one file on its way to the server, in one or several attempts.
type sending struct {
	state    *State
	ctx      context.Context
	attempts *trial
	meter    *meter
	before   os.FileInfo // the local file when it was opened
	rel      []string    // the directories below that in which a set began, for SETBACKUP

	// sent is how far into the file the network was given it, in all attempts
	// together: the server cannot have more of it. Where the server confirms bytes, it
	// is how far it has it without a gap.
	sent int64
	// from is where the newest attempt began; misplaced says that the server did not
	// put what it sent there, so that nothing of what it has counts.
	from      int64
	misplaced bool
	// unkept: the server said that it cannot keep what it was sent since it began anew.
	unkept bool
	// stuck: the newest attempt went on in the middle, and not a byte of it went out.
	stuck bool
	// began: the server may have something of it.
	began bool
	// stood is what bore the name before; nil if that was not asked or nothing did.
	stood *session.Entry
	// skipped says that nothing was to be sent, which has been told.
	skipped bool
	// asked: an upload went out, so the server may have emptied the name for it.
	asked bool
	// opened: an attempt was not refused, so the name may be another file's by now, an
	// empty one perhaps.
	opened bool
	// aside makes a name on the server that is ours alone, and nobody else takes away;
	// nil where the file is written in place. name is where the newest attempt writes.
	aside func() string
	name  string
	// gone and gaveUp say what became of the newest such name, to those who come later.
	gone, gaveUp func()
	// sized: the server told that it has as many bytes as were sent.
	sized bool
	// proof ends the message of an upload that was made: how it was verified.
	proof string
}

// resumeLeast is the size from which on an upload is worth the question that a later
// attempt needs the answer to: what bears the name before. Smaller ones are sent
// from the beginning again.
const resumeLeast = 256 << 10

// store sends the file in place. If it is cut for good, the name on the server is
// told with what became of it.
func (o *sending) store(remote string) error {
	restore, err := o.state.backUpRemote(o.ctx, remote, o.rel)
	if err != nil {
		return err
	}
	if err := o.send(remote); err != nil {
		if !o.began {
			restore()
		}
		switch {
		case session.CauseOf(err) == session.HashMismatch:
		case o.began:
			o.state.tellCut(o.ctx, remote, o.sent, o.before.Size())
		case o.asked:
			o.tellEmptied(remote, err)
		}
		return withName(err, "uploading "+remote, remote)
	}
	return nil
}

// send makes name on the server what the local file is, and verifies it: one STOR,
// and after a cut as many more attempts as there may be, each from where the server
// has it.
func (o *sending) send(name string) error {
	o.stood = nil
	if o.aside == nil { // nothing stands aside
		if err := o.noteStanding(name); err != nil {
			return err
		}
	}
	return o.persist(name, o.upload(name, session.StoreReplace, 0))
}

// persist verifies what an attempt sent that ended with err, and goes on after one
// that failed, for as long as it may.
func (o *sending) persist(name string, err error) error {
	o.name = name
	for {
		if err == nil {
			err = o.confirm(o.name)
			o.misplaced = o.from > 0 && session.CauseOf(err) == session.SizeMismatch
		}
		if err == nil {
			return nil
		}
		if err := o.attempts.again(o.ctx, err); err != nil {
			return err
		}
		o.unkept = o.unkept || isDiskTrouble(err)
		err = o.goOn()
	}
}

// noteStanding asks what bears the name before the first byte goes out. Where only a
// listing would tell, nothing is asked: it would cost each upload a data connection.
func (o *sending) noteStanding(name string) error {
	if o.before.Size() < resumeLeast || !o.resumable() {
		return nil
	}
	e, found, err := session.Glance(o.ctx, o.state.session, name)
	switch {
	case found:
		o.stood = &e
	case passes(err):
		return err
	}
	return nil
}

// resumable reports whether bytes of the file are bytes on the server, which can
// take them from the middle on.
func (o *sending) resumable() bool {
	return o.state.verifies() && o.state.session.Caps().Resume
}

// upload is one attempt from offset on.
func (o *sending) upload(name string, mode session.StoreMode, offset int64) (err error) {
	if _, err := o.meter.file.Seek(offset, io.SeekStart); err != nil {
		return localReading(o.meter.event.Local, err)
	}
	o.meter.event.Done = offset
	o.meter.start()
	if o.from = offset; offset == 0 {
		o.sent, o.misplaced, o.unkept = 0, false, false
	}
	var n int64
	if offset > 0 && mode == session.StoreReplace {
		n, err = o.state.session.UploadFrom(o.ctx, name, offset, o.meter)
	} else {
		n, err = o.state.session.Upload(o.ctx, name, mode, o.meter)
	}
	confirmed := !o.state.session.Caps().DataConnections
	if o.sent = max(o.sent, offset+n); confirmed {
		// The count is of what the server confirmed. It may have more, with gaps; and of
		// what it confirmed to an earlier attempt it has lost what lies behind offset.
		o.sent = offset + n
	}
	o.stuck = err != nil && offset > 0 && n == 0
	o.asked = o.asked || !isUnsent(err)
	o.opened = o.opened || !isUnsent(err) && !isForbidden(err)
	o.began = o.began || o.sent > 0 || confirmed && isUnheard(err)
	return err
}

// isUnheard reports failures that leave open how far the server came: it was asked, and
// fell silent.
func isUnheard(err error) bool {
	switch session.CauseOf(err) {
	case session.ConnectionLost, session.ReplyTimeout, session.DataTimeout:
		return !isUnsent(err)
	}
	return false
}

func localReading(name string, err error) error {
	return &session.Error{Op: "reading " + name, Cause: session.LocalFailure, Class: session.ClassLocal, Name: name, Err: err}
}

// goOn is an attempt after one that failed.
func (o *sending) goOn() error {
	offset, err := o.arrived(o.name)
	if err != nil {
		return err
	}
	// vsftpd lets nobody at a file that the end of a lost attempt still has open; another
	// name is free.
	if offset == 0 || offset == o.before.Size() && o.unkept || o.stuck && o.aside != nil {
		if o.aside != nil {
			o.removeAside()
			o.name = o.aside()
		}
		return o.upload(o.name, session.StoreReplace, 0)
	}
	o.state.tell("Resuming %s at %s", o.name, plural64(offset, "byte"))
	return o.rest(o.name, offset)
}

// isDiskTrouble reports that the server had the bytes and could not keep them. Its file
// may have the size of the whole then: some systems find out when it is closed.
func isDiskTrouble(err error) bool {
	e, ok := errors.AsType[*session.Error](err)
	return ok && (e.Cause == session.NoRemoteSpace || e.Reply.Code == 451)
}

// rest sends what name lacks from offset on, where it ends.
func (o *sending) rest(name string, offset int64) error {
	s := o.state
	if offset == o.before.Size() {
		o.meter.event.Done = offset
		return nil // all of it had arrived, and only the server's word was lost
	}
	err := o.upload(name, session.StoreReplace, offset)
	if err == nil || o.meter.event.Done > offset || !refusesOffset(err) {
		return err
	}
	// Appending goes on where the file ends, wherever that is; so it must end where
	// the rest begins.
	if e, err := s.session.Stat(o.ctx, name); err == nil && e.Size == offset {
		s.tellVerbose("the server does not resume uploads: the rest of %s is appended", name)
		return o.upload(name, session.StoreAppend, offset)
	}
	s.tellVerbose("the server does not resume uploads: %s starts from the beginning", name)
	return o.upload(name, session.StoreReplace, 0)
}

// arrived is how many bytes of this very upload the server has for certain; 0 where
// that is not known, and the upload begins anew.
func (o *sending) arrived(name string) (int64, error) {
	s := o.state
	if now, err := o.meter.file.Stat(); err != nil {
		return 0, localReading(o.meter.event.Local, err)
	} else if now.Size() != o.before.Size() || !now.ModTime().Equal(o.before.ModTime()) {
		s.tell("%s changed meanwhile and is sent from the beginning", o.meter.event.Local)
		o.before, o.meter.event.Size = now, now.Size()
		return 0, nil
	}
	if o.sent == 0 || o.misplaced || o.before.Size() < resumeLeast || !o.resumable() {
		return 0, nil
	}
	// It is asked as it was asked before: what only a listing tells may be the file that
	// stood there, which was not looked at.
	e, found, err := session.Glance(o.ctx, s.session, name)
	switch {
	case err != nil && passes(err):
		return 0, err
	case err != nil, !found, e.Kind != session.KindFile, e.Size < 0, e.Size > o.before.Size():
		return 0, nil
	case e.Size > o.sent && s.session.Caps().DataConnections:
		return 0, nil // more than was ever sent: it is somebody else's
	case e.Size < o.from:
		return 0, nil // it was to have the rest at its end, and began anew with it
	case o.stood != nil && o.stood.Size == e.Size && sameTime(*o.stood, e):
		// What stood there before still does: the server writes elsewhere first.
		return 0, nil
	}
	// Where the count is of what the server confirmed, more may have arrived, with
	// holes in it.
	return min(e.Size, o.sent), nil
}

// confirm holds what was sent against the local file and against what the server
// has as remote.
func (o *sending) confirm(remote string) error {
	if err := o.unchanged(); err != nil {
		return err
	}
	return o.verify(remote)
}

// unchanged holds what was sent against the local file as it was and as it is. A
// file that became shorter meanwhile was being written anew: nobody knows what the
// bytes that were sent are. One that grew was sent up to an end that it had.
func (o *sending) unchanged() error {
	m, sent := o.meter, o.meter.event.Done
	after, err := m.file.Stat()
	if err != nil {
		return nil // it was sent whole; that it cannot be looked at any more proves nothing
	}
	switch {
	case after.Size() < o.before.Size(), sent < o.before.Size():
		return &session.Error{
			Op: "uploading " + m.event.Local, Cause: session.SizeMismatch, Class: session.ClassIntegrity, Name: m.event.Local,
			Err: fmt.Errorf("the file became shorter while it was sent: it had %d bytes, %d were sent, it has %d", o.before.Size(), sent, after.Size()),
		}
	case after.Size() != o.before.Size(), !after.ModTime().Equal(o.before.ModTime()):
		o.state.warn("%s changed while it was sent: %d of its %d bytes were sent", m.event.Local, sent, after.Size())
	}
	return nil
}

// tellCut says what lies on the server after an upload in place that was cut: sent
// of size bytes were given to the network.
func (s *State) tellCut(ctx context.Context, remote string, sent, size int64) {
	if ctx.Err() == nil {
		if e, err := s.session.Stat(ctx, remote); err == nil && e.Size >= 0 {
			s.tell("%s on the server is not whole: %d of %d bytes arrived", remote, e.Size, size)
			return
		}
	}
	if !s.session.Caps().DataConnections {
		s.tell("%s on the server is not whole: %d of %d bytes are known to have arrived", remote, sent, size)
		return
	}
	s.tell("%s on the server is not whole: at most %d of %d bytes arrived", remote, sent, size)
}

// tellEmptied says what became of the name on the server where an upload in place
// failed with err before a byte of it went out: many servers empty a file as soon as
// they are asked to store one.
func (o *sending) tellEmptied(remote string, err error) {
	s, size := o.state, o.before.Size()
	if size == 0 || o.stood != nil && o.stood.Size == 0 {
		return
	}
	if o.ctx.Err() == nil {
		switch e, looked := s.session.Stat(o.ctx, remote); {
		case looked == nil && e.Size == 0:
			s.tell("%s on the server is not whole: 0 of %d bytes arrived", remote, size)
			return
		case looked == nil, session.CauseOf(looked) == session.NoSuchRemoteFile:
			return
		}
	}
	if cause := session.CauseOf(err); mayBeDone(err) || cause == session.DataLost || cause == session.TLSFailed {
		s.tell("%s on the server may be empty: nothing of %d bytes arrived", remote, size)
	}
}
