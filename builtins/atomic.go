package builtins

import (
	"context"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// storeAside is an upload under SETUPLOADMODE(ATOMIC): the file is sent under
// another name in the same directory, verified there, and renamed. Under its own
// name the server has either what was there before, or nothing, or all of it. A
// server that does not let us do that gets the file in place, which is told once.
func (o *sending) storeAside(remote string) error {
	if o.state.inPlace {
		return o.store(remote)
	}
	dir, last := splitRemote(remote)
	aside := joinRemote(dir, netio.PartName(last))
	forbidden := false
	o.aside = true
	err := o.send(aside)
	o.aside = false
	if err != nil {
		forbidden = o.sent == 0 && isForbidden(err)
	} else {
		err = o.rename(aside, remote)
		forbidden = err != nil && isForbidden(err)
	}
	if err == nil {
		return nil
	}
	o.removeAside(aside)
	if !forbidden {
		return withName(err, "uploading "+remote, remote)
	}
	o.state.inPlace = true
	o.state.warn("this server does not let us write aside and rename (%v): files are written in place from now on", err)
	return o.store(remote)
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

// removeAside takes away what a failed upload left under the other name. If that
// is not possible the next upload of the file writes over it.
func (o *sending) removeAside(aside string) {
	if o.ctx.Err() != nil {
		return
	}
	if err := o.state.session.Remove(o.ctx, aside); err != nil {
		o.state.tellVerbose("%s may be left on the server: %v", aside, err)
	}
}

// rename gives the whole file its name, in one step where the session knows how.
// Servers that do not rename onto a name
// that exists get the old file moved away first and not deleted: one that does
// not let us rename at all then refuses before anything is lost, and the old file
// can be moved back.
func (o *sending) rename(aside, remote string) error {
	s := o.state
	if replacer, ok := s.session.(session.Replacer); ok {
		if err := replacer.Replace(o.ctx, aside, remote); session.CauseOf(err) != session.NotSupported {
			return err
		}
	}
	refused := s.session.Rename(o.ctx, aside, remote)
	if refused == nil || ends(session.CauseOf(refused)) {
		return refused
	}
	if session.CauseOf(refused) != session.RemoteExists {
		if e, err := s.session.Stat(o.ctx, remote); err != nil || e.Kind != session.KindFile {
			return refused
		}
	}
	dir, last := splitRemote(remote)
	old := joinRemote(dir, netio.PartName(last+"\x00old"))
	ctx, end := lingering(o.ctx)
	defer end()
	if err := s.session.Rename(ctx, remote, old); err != nil {
		// An earlier run may have left its old file behind. The one that bears the
		// name is newer and whole, so that one is of no use any more.
		if left, gone := s.session.Stat(ctx, old); gone != nil || left.Kind != session.KindFile || s.session.Remove(ctx, old) != nil {
			return refused
		}
		if err := s.session.Rename(ctx, remote, old); err != nil {
			return refused
		}
	}
	s.tellVerbose("the server does not rename onto a name that exists: %s is moved away first", remote)
	if err := s.session.Rename(ctx, aside, remote); err != nil {
		if back := s.session.Rename(ctx, old, remote); back != nil {
			s.tell("%s is now called %s on the server and could not be moved back: %v", remote, old, back)
		}
		return err
	}
	if err := s.session.Remove(ctx, old); err != nil {
		s.warn("the replaced file is left on the server as %s: %v", old, err)
	}
	return nil
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
