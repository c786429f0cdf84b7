package builtins

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/engine"
	"github.com/sftpc/sftpc/netio/session"
)

// storeAside is an upload under SETUPLOADMODE(ATOMIC): the file is sent under
// another name in the same directory, verified there, and renamed. Under its own
// name the server has either what was there before, or nothing, or all of it. A
// server that does not let us do that gets the file in place, which is told once.
func (o *sending) storeAside(remote string) error {
	if o.state.inPlace.Load() {
		return o.store(remote)
	}
	forbidden := false
	o.aside = func() string {
		name := asideOf(remote)
		o.gone, o.gaveUp = o.state.noteAside(o.ctx, engine.Aside, name, "")
		return name
	}
	err := o.send(o.aside())
	if err != nil {
		forbidden = o.sent == 0 && isForbidden(err)
	} else {
		err = o.rename(o.name, remote)
		forbidden = err != nil && isForbidden(err)
	}
	if err == nil {
		o.gone()
		return nil
	}
	o.removeAside()
	o.aside = nil
	if !forbidden {
		return withName(err, "uploading "+remote, remote)
	}
	o.state.inPlace.Store(true)
	o.state.warn("this server does not let us write aside and rename (%v): files are written in place from now on", err)
	return o.store(remote)
}

// asideOf makes a name beside remote that nobody else has: not another run that uploads
// the same file, and not the server's end of an attempt whose connection was lost,
// which may go on writing to the file that it has open after that got its final name.
func asideOf(remote string) string {
	dir, last := splitRemote(remote)
	return joinRemote(dir, netio.PartName(last+"\x00"+rand.Text()))
}

// isForbidden reports a refusal that is about what we may do, not about one file
// that is in the way.
func isForbidden(err error) bool {
	switch session.CauseOf(err) {
	case session.NoRemotePermission, session.NotSupported, session.RemoteRefused:
		return true
	}
	return false
}

// removeAside takes away what an attempt left under the other name. One that may be left
// is told; a later run on this machine knows the name.
func (o *sending) removeAside() {
	if !o.asked {
		o.gone()
		return
	}
	if o.ctx.Err() == nil {
		switch err := o.state.session.Remove(o.ctx, o.name); session.CauseOf(err) {
		case session.CauseNone, session.NoSuchRemoteFile:
			o.gone()
			return
		}
	}
	o.gaveUp()
	o.state.tell("%s may be left on the server", o.name)
}

// rename gives the whole file its name, in one step where the server can do that.
// Servers that do not rename onto a name that exists get the old file moved away first
// and not deleted: one that does not let us rename at all then refuses before anything
// is lost, and the old file can be moved back.
func (o *sending) rename(aside, remote string) error {
	restore, err := o.state.backUpRemote(o.ctx, remote, o.rel)
	if err != nil {
		return err
	}
	if err := o.giveName(aside, remote); err != nil {
		restore()
		return err
	}
	return nil
}

// giveName is rename where what bears the name need not be kept.
func (o *sending) giveName(aside, remote string) error {
	s := o.state
	refused := replace(o.ctx, s.session, aside, remote)
	if session.CauseOf(refused) != session.NotSupported {
		return refused
	}
	old := asideOf(remote)
	settled, gaveUp := s.noteAside(o.ctx, engine.Replaced, old, remote)
	ctx, end := lingering(o.ctx)
	defer end()
	switch gone, err := o.moveAway(ctx, remote, old); {
	case gone:
		settled()
		return s.session.Rename(ctx, aside, remote)
	case err != nil && ends(session.CauseOf(err)):
		gaveUp()
		return err
	case err != nil:
		if mayBeDone(err) {
			gaveUp()
		} else {
			settled()
		}
		if refusal, asked := refusalIn(refused); asked {
			return refusal
		}
		return s.session.Rename(ctx, aside, remote) // what is remembered of the server may be wrong
	}
	s.tellVerbose("the server does not rename onto a name that exists: %s is moved away first", remote)
	if err := s.session.Rename(ctx, aside, remote); err != nil {
		if back := s.session.Rename(ctx, old, remote); back != nil {
			gaveUp()
			s.tell("%s is now called %s on the server and could not be moved back: %v", remote, old, back)
		} else {
			settled()
		}
		return err
	}
	if err := s.session.Remove(ctx, old); err != nil {
		gaveUp()
		s.warn("the replaced file is left on the server as %s: %v", old, err)
	} else {
		settled()
	}
	return nil
}

// replace renames onto a name that may exist. NotSupported is the error where a file
// stands in the way that has to be moved away, or where one may.
func replace(ctx context.Context, on session.Session, from, to string) error {
	if replacer, ok := on.(session.Replacer); ok {
		return replacer.Replace(ctx, from, to)
	}
	return &session.Error{Op: "renaming " + from, Cause: session.NotSupported, Class: session.ClassPermanent, Name: from}
}

// refusalIn is what the server said to a Replace that ended with NotSupported; asked is
// false where it was not asked.
func refusalIn(err error) (refusal *session.Error, asked bool) {
	shown := *errorOf(err)
	below, ok := errors.AsType[*session.Error](shown.Err)
	if !ok {
		return &shown, shown.Reply.Code != 0
	}
	shown.Cause, shown.Class, shown.Err = below.Cause, below.Class, below.Err
	return &shown, true
}

// moveAway gives a file another name; gone is true where there is none.
func (o *sending) moveAway(ctx context.Context, remote, old string) (gone bool, err error) {
	err = o.state.session.Rename(ctx, remote, old)
	if session.CauseOf(err) == session.NoSuchRemoteFile {
		return true, nil
	}
	return false, err
}

// lingering is ctx with a little time left after its end: while the name on the
// server stands for nothing, a cancelled run must not just walk away.
func lingering(ctx context.Context) (context.Context, func()) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(lingerTime)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(context.Cause(ctx))
		case <-longer.Done():
		}
	})
	return longer, func() {
		stop()
		cancel(nil)
	}
}

// lingerTime is well below the seconds in which a run that is cancelled ends.
const lingerTime = 2 * time.Second
