package builtins

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/engine"
	"github.com/sftpc/sftpc/netio/session"
)

// SETAFTER: what happens to the source of a file that arrived whole. Nothing happens
// to one of which that is not certain, or that is not the file any more that was moved.

// afterwards is what SETAFTER says; the zero value is KEEP.
type afterwards struct {
	remove bool
	folder string // moved into; "" is not
}

func (w afterwards) keeps() bool { return !w.remove && w.folder == "" }

// setAfter is SETAFTER(KEEP | DELETE | folder).
func (s *State) setAfter(a *arguments) error {
	w := afterwards{remove: a.constant(0) == "DELETE"}
	if a.constant(0) == "" {
		var err error
		if w.folder, err = a.folder(0); err != nil {
			return err
		}
	}
	s.settings.after = w
	return nil
}

// folder is the argument as a folder on either side.
func (a *arguments) folder(place int) (string, error) {
	text := a.text(place)
	switch {
	case text == "":
		return "", a.bad(place, "is empty: a folder is needed")
	case strings.ContainsAny(text, "\r\n\x00"):
		return "", a.bad(place, "holds a line end or NUL, which a folder cannot have")
	}
	return text, nil
}

// owing is a file that arrived whole and whose source did not get what SETAFTER says.
// As long as neither side changes, a later command, or the next run where this one is
// killed, does that and does not move the file a second time.
type owing struct {
	source string    // whatever tells sources apart
	look             // of the source when it arrived
	to     string    // where it arrived
	there  time.Time // of what arrived, where that is local
}

// owe notes that a source is to be seen to. What is returned is told how that went.
func (s *State) owe(o owing) func(err error) {
	server, account := s.endpoint.Address, s.endpoint.User
	s.ledger().Note(engine.Debt{Kind: engine.Owed, Server: server, Account: account, Name: o.source, Of: o.to, Size: o.size, Time: o.time, There: o.there, Live: true})
	return func(err error) {
		if err == nil {
			s.ledger().Settle(engine.Owed, server, account, o.source)
		}
	}
}

// owes reports whether only the step is left to be done for a source, which is now
// as it was then, as is what arrived.
func (s *State) owes(now owing) bool {
	if s.settings.after.keeps() {
		return false
	}
	before, found := s.ledger().Find(engine.Owed, s.endpoint.Address, s.endpoint.User, now.source)
	return found && before.Of == now.to && before.Size == now.size && before.Time.Equal(now.time) && before.There.Equal(now.there)
}

// download fetches one file and does to its source what SETAFTER says. rel are the
// directories below that in which the set began. moved is false where it had arrived
// before, and only the step was done.
func (s *State) download(ctx context.Context, remote string, rel []string, entry session.Entry, target netio.LocalPath, alone bool) (moved bool, err error) {
	source := ""
	if !s.settings.after.keeps() {
		full, err := s.absolute(ctx, remote)
		if err != nil {
			return false, err
		}
		source = full
		there, gone := s.files.Stat(target)
		o := owing{source, look{entry.Size, entry.Time}, s.files.SystemPath(target), there.ModTime}
		if gone == nil && there.Size == entry.Size && s.owes(o) {
			s.tell("%s has arrived before: only its source is left to be seen to", remote)
			err := s.afterDownload(ctx, remote, rel, entry)
			s.owe(o)(err)
			return false, err
		}
	}
	arrived, err := s.fetch(ctx, remote, entry, target, alone, rel)
	if err != nil || s.settings.after.keeps() {
		return err == nil, err
	}
	there, err := s.files.Stat(target)
	if err != nil {
		return true, s.afterFailed(ctx, remote, err)
	}
	seenTo := s.owe(owing{source, look{arrived.Size, arrived.Time}, s.files.SystemPath(target), there.ModTime})
	err = s.afterDownload(ctx, remote, rel, arrived)
	seenTo(err)
	return true, err
}

// afterDownload does what SETAFTER says to a file on the server that arrived whole:
// so many bytes as arrived.Size says, of the file that had arrived.Time.
func (s *State) afterDownload(ctx context.Context, remote string, rel []string, arrived session.Entry) error {
	if s.settings.after.keeps() {
		return nil
	}
	ctx, _ = s.begin(ctx)
	err := s.sameAsArrived(ctx, remote, arrived)
	if err == nil {
		if s.settings.after.remove {
			if err = s.session.Remove(ctx, remote); err == nil {
				s.tellDone("Deleted %s on the server", remote)
			}
		} else {
			var to string
			if to, err = s.stowRemote(ctx, remote, s.settings.after.folder, rel); err == nil {
				s.tellDone("Moved %s to %s on the server", remote, to)
			}
		}
	}
	return s.afterFailed(ctx, remote, err)
}

// sameAsArrived looks at the file on the server right before it is lost there.
func (s *State) sameAsArrived(ctx context.Context, remote string, arrived session.Entry) error {
	if !s.verifies() {
		return unproven(remote, "its bytes were changed on the way, so sizes cannot be compared", "SETTYPE(BINARY) makes both sides comparable")
	}
	now, err := s.session.Stat(ctx, remote)
	switch {
	case err != nil:
		return withName(err, "looking at "+remote, remote)
	case now.Kind != session.KindFile:
		return unproven(remote, "it is "+kindName(now.Kind)+" by now", "")
	case now.Size < 0:
		return unproven(remote, "the server does not tell its size", "")
	case now.Size != arrived.Size:
		return unproven(remote, fmt.Sprintf("%d bytes arrived, and it has %d now", arrived.Size, now.Size), "")
	case !sameTime(now, arrived):
		return unproven(remote, "it was written to since it was fetched", "")
	}
	return nil
}

// unproven is why nothing is done to a source.
func unproven(name, why, hint string) error {
	return &session.Error{Op: "seeing whether " + name + " is what arrived", Cause: session.SizeMismatch, Class: session.ClassIntegrity, Name: name, Err: errors.New(why), Hint: hint}
}

// afterUpload is afterDownload for a local file that was sent whole.
func (s *State) afterUpload(path netio.LocalPath, rel []string, o *sending) error {
	if s.settings.after.keeps() {
		return nil
	}
	ctx, _ := s.begin(o.ctx)
	err := s.sameAsSent(ctx, path, o)
	if err == nil {
		if s.settings.after.remove {
			if err = s.files.Remove(path); err == nil {
				s.tellDone("Deleted %s", path)
			}
		} else {
			var to netio.LocalPath
			if to, err = s.stowLocal(ctx, path, s.settings.after.folder, rel); err == nil {
				s.tellDone("Moved %s to %s", path, to)
			}
		}
	}
	return s.afterFailed(ctx, path.String(), err)
}

// sameAsSent makes sure that the server has the local file as it is now.
func (s *State) sameAsSent(ctx context.Context, path netio.LocalPath, o *sending) error {
	name := path.String()
	if !s.verifies() {
		return unproven(name, "its bytes were changed on the way, so sizes cannot be compared", "SETTYPE(BINARY) makes both sides comparable")
	}
	sent := o.meter.event.Done
	if !o.sized {
		e, err := session.Entry{Size: -1}, error(nil)
		if s.settings.upload != uploadAppend && o.meter.event.Remote != "" {
			e, err = s.session.Stat(ctx, o.meter.event.Remote)
		}
		switch {
		case err != nil:
			return withName(err, "looking at "+o.meter.event.Remote, o.meter.event.Remote)
		case e.Size < 0:
			return unproven(name, "nothing proves that the server has all of it", "")
		case e.Size != sent:
			return unproven(name, fmt.Sprintf("%d bytes were sent, and the server has %d", sent, e.Size), "")
		}
	}
	now, err := s.files.Stat(path)
	switch {
	case err != nil:
		return err
	case now.Size != sent, now.Size != o.before.Size(), !now.ModTime.Equal(o.before.ModTime().UTC()):
		return unproven(name, fmt.Sprintf("it changed since it was sent: %d bytes were sent, and it has %d", sent, now.Size), "")
	}
	return nil
}

// afterFailed is AFTER_FAILED: the file arrived, and its source was not seen to.
func (s *State) afterFailed(ctx context.Context, name string, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	e := &session.Error{Op: name + " arrived, and its source stays as it is", Cause: session.AfterFailed, Class: session.ClassPermanent, Name: name, Err: err}
	if passes(err) {
		e.Class = session.ClassTransient
	}
	var below *session.Error
	if errors.As(err, &below) {
		e.Hint = below.Hint
	}
	return e
}

// tellStep tells within a set that a step failed: to the transfer it is no failure.
func (s *State) tellStep(err error) {
	if session.CauseOf(err) == session.AfterFailed {
		s.warn("%v", err)
	}
}

// upload is put with the step of SETAFTER behind it. settle is told what became of the
// file, not of the step; not where the file was skipped or had arrived before.
func (u *uploader) upload(path netio.LocalPath, remote string, settle func(at time.Time, err error)) error {
	s := u.state
	file, before, err := u.open(path)
	if err != nil {
		s.tellFile(FileEnd, FileEvent{Upload: true, Local: path.String(), Remote: remote, Size: -1, Only: u.alone}, err)
		settle(time.Time{}, err)
		return err
	}
	// The file was only read: closing it cannot lose anything.
	defer file.Close()
	event := FileEvent{Upload: true, Local: path.String(), Remote: remote, Size: before.Size(), Only: u.alone}
	o := &sending{state: s, meter: s.quietMeter(file, event), before: before, rel: u.rel}
	o.ctx, o.attempts = s.begin(u.ctx)
	source, owed, err := u.owed(path, remote, before)
	if err != nil {
		return err
	}
	if owed {
		s.tell("%s has arrived before: only its source is left to be seen to", path)
		o.meter.event.Done, o.sized = before.Size(), true
	} else {
		err := u.put(o, path, remote)
		if !o.skipped {
			settle(before.ModTime(), err)
		}
		if err != nil || o.skipped {
			return err
		}
	}
	if s.settings.after.keeps() {
		return nil
	}
	seenTo := s.owe(owing{source: source, look: look{before.Size(), before.ModTime()}, to: remote})
	err = s.afterUpload(path, u.rel, o)
	seenTo(err)
	return err
}

// owed reports whether only the step is left to be done for a local file: the server
// has it since an earlier command. source is its name for owe.
func (u *uploader) owed(path netio.LocalPath, remote string, before os.FileInfo) (source string, owed bool, err error) {
	s := u.state
	if s.settings.after.keeps() {
		return "", false, nil
	}
	full, err := s.absolute(u.ctx, remote)
	if err != nil {
		return "", false, err
	}
	source = fmt.Sprintf("%s to %s", s.files.SystemPath(path), full)
	if mode := s.settings.upload; mode == uploadAppend || mode == uploadUnique || !s.owes(owing{source: source, look: look{before.Size(), before.ModTime()}, to: remote}) {
		return source, false, nil
	}
	e, gone := s.session.Stat(u.ctx, remote)
	return source, gone == nil && e.Size == before.Size(), nil
}
