package builtins

import (
	"context"
	"time"

	"github.com/sftpc/sftpc/netio/engine"
	"github.com/sftpc/sftpc/netio/session"
)

// What a run leaves on a server that is killed, or loses it, in the middle: files under
// names of ours. They are written down before they are made. The next run of the same
// account that uploads there, or synchronizes, deletes those of runs that are over, and
// moves back what had to make room and was not replaced.

// ledger is what is written down; that of a dry run is forgotten with it.
func (s *State) ledger() *engine.Ledger {
	if s.dry.on {
		return s.dry.ledger
	}
	return s.debts
}

// noteAside writes down that a name of ours is about to be made on the server. done
// is called when nothing bears it any more, and gaveUp when that is not certain. of is, for
// a file that makes room, the name that it had.
func (s *State) noteAside(ctx context.Context, kind engine.DebtKind, name, of string) (done, gaveUp func()) {
	full, err := s.absolute(ctx, name)
	if err == nil && of != "" {
		of, err = s.absolute(ctx, of)
	}
	if err != nil {
		return func() {}, func() {} // whoever came later could not find it
	}
	server, account := s.endpoint.Address, s.endpoint.User
	s.ledger().Note(engine.Debt{Kind: kind, Server: server, Account: account, Name: full, Of: of, Live: true})
	return func() { s.ledger().Settle(kind, server, account, full) }, func() { s.ledger().GiveUp(kind, server, account, full) }
}

// latestEnd is how long a server may take to see that a connection is lost.
const latestEnd = 15 * time.Minute

// sweep sees to what earlier runs have left on the server. What cannot be seen to now
// stays written down, and fails nothing.
func (s *State) sweep(ctx context.Context) {
	server, account := s.endpoint.Address, s.endpoint.User
	if server == "" || s.dry.on {
		return
	}
	moved, aside := s.debts.Left(engine.Replaced, server, account), s.debts.Left(engine.Aside, server, account)
	if len(moved)+len(aside) == 0 {
		return
	}
	ctx, _ = s.begin(ctx)
	settle := func(d engine.Debt, err error) {
		switch cause := session.CauseOf(err); {
		case cause == session.NoSuchRemoteFile && time.Since(d.Since) < latestEnd:
			// The server's end of a connection that was lost may yet make it.
		case cause == session.CauseNone, cause == session.NoSuchRemoteFile:
			s.debts.Settle(d.Kind, server, account, d.Name)
		default:
			s.tellVerbose("%s, which an earlier run left on the server, stays: %v", d.Name, err)
		}
	}
	for _, d := range moved {
		settle(d, s.putBack(ctx, d))
	}
	for _, d := range aside {
		err := s.session.Remove(ctx, d.Name)
		if err == nil {
			s.tell("Deleted %s, which an earlier run left on the server", d.Name)
		}
		settle(d, err)
	}
}

// putBack gives a file that made room its name again, where no other one came.
func (s *State) putBack(ctx context.Context, d engine.Debt) error {
	switch _, err := s.session.Stat(ctx, d.Of); session.CauseOf(err) {
	case session.CauseNone:
		return s.session.Remove(ctx, d.Name)
	case session.NoSuchRemoteFile:
	default:
		return err
	}
	err := s.session.Rename(ctx, d.Name, d.Of)
	if err == nil {
		s.tell("Moved %s back to %s on the server: an earlier run ended while it replaced it", d.Name, d.Of)
	}
	return err
}
