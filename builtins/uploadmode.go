package builtins

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// uploadMode is what SETUPLOADMODE says.
type uploadMode uint8

const (
	uploadOverwrite uploadMode = iota
	uploadAtomic
	uploadAppend
	uploadResume
	uploadUnique
	uploadSkip
)

// uploadModes are the constants of SETUPLOADMODE.
func uploadModes() map[string]uploadMode {
	return map[string]uploadMode{
		"OVERWRITE": uploadOverwrite, "ATOMIC": uploadAtomic, "APPEND": uploadAppend,
		"RESUME": uploadResume, "UNIQUE": uploadUnique, "SKIP": uploadSkip,
	}
}

// put uploads the file as the mode says.
func (o *sending) put(remote string) error {
	switch o.state.settings.upload {
	case uploadAtomic:
		return o.storeAside(remote)
	case uploadAppend:
		return o.append(remote)
	case uploadResume:
		return o.resume(remote)
	case uploadUnique:
		return o.storeUnique(remote)
	case uploadSkip:
		return o.storeUnlessThere(remote)
	}
	return o.store(remote)
}

// skip says why nothing is sent.
func (o *sending) skip(why, remote string) error {
	o.skipped = true
	o.state.tell("Skipping (%s) %s", why, remote)
	return nil
}

// storeUnlessThere is SKIP. A server that cannot tell what it has is no ground to
// write over it.
func (o *sending) storeUnlessThere(remote string) error {
	switch _, err := o.state.session.Stat(o.ctx, remote); session.CauseOf(err) {
	case session.CauseNone:
		return o.skip("exists on the server", remote)
	case session.NoSuchRemoteFile:
		return o.store(remote)
	default:
		return withName(err, "uploading "+remote, remote)
	}
}

// once is an attempt that is repeated only while nothing of it can have been
// carried out: there was no connection.
func (o *sending) once(name string, mode session.StoreMode) error {
	for {
		err := o.upload(name, mode, 0)
		if err == nil || !isUnsent(err) && !isOffline(err) {
			return err
		}
		if err := o.attempts.again(o.ctx, err); err != nil {
			return err
		}
	}
}

// append is APPEND. A cut one is not repeated: what arrived is in the file, and
// others may have added to it since.
func (o *sending) append(remote string) error {
	s := o.state
	length := int64(-1)
	if s.verifies() {
		switch e, err := s.session.Stat(o.ctx, remote); {
		case err == nil:
			length = e.Size
		case session.CauseOf(err) == session.NoSuchRemoteFile:
			length = 0
		case passes(err):
			return withName(err, "appending to "+remote, remote)
		}
	}
	err := o.once(remote, session.StoreAppend)
	if err == nil {
		err = o.unchanged()
	}
	if err != nil {
		if o.began {
			s.tellAppended(o, remote, length)
		}
		return withName(err, "appending to "+remote, remote)
	}
	switch s.settings.verify {
	case verifyOff:
		o.proof = ", not verified"
		return nil
	case verifyHash:
		o.proof = ", verified by size: a hash would be that of the whole file"
	}
	if length < 0 {
		s.tellVerbose("%s is not verified: its length before is not known", remote)
		return nil
	}
	e, err := s.session.Stat(o.ctx, remote)
	switch sent := o.meter.event.Done; {
	case err != nil:
		return o.unverified(remote, err)
	case e.Size < 0:
		s.tellVerbose("%s is not verified: the server does not tell the size", remote)
	case e.Size < length+sent:
		return s.sizeMismatch("verifying what was appended to "+remote, remote, length+sent, e.Size)
	case e.Size > length+sent:
		o.sized = true
		s.tell("%s has grown by more than was appended: somebody else writes to it", remote)
	default:
		o.sized = true
	}
	return nil
}

// tellAppended says how much of an append that was cut is in the file.
func (s *State) tellAppended(o *sending, remote string, length int64) {
	if e, err := s.session.Stat(o.ctx, remote); err == nil && length >= 0 && e.Size >= length {
		s.tell("%s on the server has %d bytes more than before, of %d that were to be appended", remote, e.Size-length, o.before.Size())
		return
	}
	if !s.session.Caps().DataConnections {
		s.tell("%s on the server: %d of %d bytes are known to have been appended", remote, o.sent, o.before.Size())
		return
	}
	s.tell("%s on the server: at most %d of %d bytes were appended", remote, o.sent, o.before.Size())
}

// storeUnique is UNIQUE: the server chooses a name that nobody has.
func (o *sending) storeUnique(remote string) error {
	s := o.state
	if strings.Contains(remote, "/") {
		return &session.Error{Op: "uploading " + remote, Cause: session.NotSupported, Class: session.ClassPermanent, Name: remote,
			Err: errors.New("a name of the server's choice is one in the current directory"), Hint: "CHDIR goes there first"}
	}
	err := o.once(remote, session.StoreUnique)
	name := ""
	if namer, ok := s.session.(session.UniqueNamer); ok {
		name = namer.StoredName()
	}
	if name != "" {
		o.meter.event.Remote = name
	}
	switch {
	case err != nil && o.began && name != "":
		s.tellCut(o.ctx, name, o.sent, o.before.Size())
		fallthrough
	case err != nil:
		return withName(err, "uploading "+remote+" under a name of the server's choice", remote)
	case name == "":
		s.tell("the server did not tell which name it chose for %s", remote)
		return o.unchanged()
	}
	reply := s.session.LastReply()
	err = o.confirm(name)
	if l, ok := s.session.(*link); ok && err == nil {
		l.last = &reply // a script looks for the name there, not for what verifying was answered
	}
	return err
}

// resume is RESUME: it goes on with what an earlier run began, which the server's
// file must be a beginning of, as far as that can be known.
func (o *sending) resume(remote string) error {
	s := o.state
	e, err := s.session.Stat(o.ctx, remote)
	anew := func(format string, args ...any) error {
		s.tell("%s is sent from the beginning: %s", remote, fmt.Sprintf(format, args...))
		return o.store(remote)
	}
	switch cause := session.CauseOf(err); {
	case cause == session.NoSuchRemoteFile:
		return o.store(remote)
	case cause == session.NotSupported, err == nil && e.Kind == session.KindFile && e.Size < 0:
		return anew("the server does not tell how much of it is there")
	case err != nil:
		return withName(err, "uploading "+remote, remote)
	case e.Kind != session.KindFile, e.Size == 0:
		return o.store(remote)
	case !s.verifies():
		return anew("only a binary transfer can be resumed")
	case e.Size > o.before.Size():
		return anew("the one on the server is longer")
	}
	algorithm, err := o.isBeginning(remote, e.Size)
	switch {
	case session.CauseOf(err) == session.HashMismatch:
		return anew("the one on the server is another file, by its %s", algorithm)
	case err != nil:
		return withName(err, "uploading "+remote, remote)
	case e.Size == o.before.Size() && algorithm == "":
		return o.skip("uploaded already, the size is the same", remote)
	case e.Size == o.before.Size():
		return o.skip("uploaded already, the "+algorithm+" is the same", remote)
	case !s.session.Caps().Resume:
		return anew("the server does not resume")
	case algorithm == "" && s.session.Caps().Overlap > 0:
		// The end of what a cut upload left may have gaps.
		e.Size = max(0, e.Size-s.session.Caps().Overlap)
		s.tell("Resuming %s at %s, which are not verified: no hash is to be had", remote, plural64(e.Size, "byte"))
	case algorithm == "":
		s.tell("Resuming %s at %s, which are not verified: no hash is to be had", remote, plural64(e.Size, "byte"))
	default:
		s.tell("Resuming %s at %s, which have the same %s here", remote, plural64(e.Size, "byte"), algorithm)
	}
	o.sent = e.Size
	if err := o.persist(remote, o.rest(remote, e.Size)); err != nil {
		if session.CauseOf(err) != session.HashMismatch {
			s.tellCut(o.ctx, remote, o.sent, o.before.Size())
		}
		return withName(err, "uploading "+remote, remote)
	}
	return nil
}
