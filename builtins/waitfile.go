package builtins

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// WAITFILE: a file is waited for by looking again and again, seldom enough that
// nobody minds.

const (
	mostWaiting   = 7 * 24 * 3600 // seconds
	firstGlance   = time.Second
	slowestGlance = 10 * time.Second
)

// waitFile is WAITFILE(LOCAL | REMOTE, wildcard, seconds).
func (s *State) waitFile(a *arguments) error {
	seconds := a.number(2)
	if seconds < 0 || seconds > mostWaiting {
		return a.bad(2, "must be from 0 to %d seconds, not %s", mostWaiting, quoted(a.text(2)))
	}
	written := a.text(1)
	look := func() (string, error) { return s.lookRemote(a.ctx, written) }
	if a.constant(0) == "LOCAL" {
		look = func() (string, error) { return s.lookLocal(written) }
	}
	return s.awaitFile(a.ctx, written, time.Duration(seconds*float64(time.Second)), a.constant(0) == "LOCAL", look)
}

// awaitFile looks until a name is found or the time is over. A failure that may pass
// does not end it, unless a single attempt is all that SETRETRY allows.
func (s *State) awaitFile(ctx context.Context, written string, limit time.Duration, local bool, look func() (string, error)) error {
	var waited, silent time.Duration
	next := firstGlance
	for {
		began := time.Now()
		found, err := look()
		waited += time.Since(began)
		switch {
		case err == nil && found != "":
			s.tell("%s is there", found)
			return nil
		case err != nil && (ctx.Err() != nil || !passes(err) || s.settings.retry.times <= 1):
			return err
		case waited >= limit && err != nil:
			return err
		case waited >= limit:
			return &session.Error{Op: fmt.Sprintf("waiting %v for %s", limit, written), Cause: session.WaitTimeout, Class: session.ClassTransient,
				Name: written, Err: errors.New("no file of that name came")}
		}
		d := min(next, limit-waited)
		if err := s.pause(ctx, d); err != nil {
			return &session.Error{Op: "waiting for " + written, Cause: session.Cancelled, Class: session.ClassCancelled, Err: err}
		}
		waited, silent = waited+d, silent+d
		next = min(next*3/2, slowestGlance)
		if local && silent >= awakeEvery {
			silent = 0
			s.keepAwake(ctx)
		}
	}
}

// lookRemote returns the first file on the server that the wildcard means, "" if there
// is none.
func (s *State) lookRemote(ctx context.Context, written string) (string, error) {
	dir, pattern := splitRemote(written)
	if pattern == "" {
		return "", badArgument(quoted(written) + " ends in a slash: the name of a file is needed")
	}
	if !netio.HasWildcard(pattern) {
		switch e, err := s.session.Stat(ctx, written); session.CauseOf(err) {
		case session.CauseNone:
			if e.Kind != session.KindFile {
				return "", nil
			}
			return written, nil
		case session.NoSuchRemoteFile:
			return "", nil
		case session.NotSupported: // only a listing tells
		default:
			return "", err
		}
	}
	listing, err := s.session.List(ctx, dir)
	if err != nil {
		return "", err
	}
	if names := chosenFiles(listing, pattern); len(names) > 0 {
		return joinRemote(dir, names[0]), nil
	}
	return "", nil
}

// lookLocal is lookRemote here.
func (s *State) lookLocal(written string) (string, error) {
	dir, pattern, err := s.files.ResolveParent(s.here, written)
	if err != nil {
		return "", err
	}
	if !netio.HasWildcard(pattern) {
		path, err := s.localPath(written)
		if err != nil {
			return "", err
		}
		e, err := s.files.Stat(path)
		switch {
		case session.CauseOf(err) == session.NoSuchLocalFile:
			return "", nil
		case err != nil || e.Kind != session.KindFile:
			return "", err
		}
		return path.String(), nil
	}
	entries, err := s.files.List(dir)
	if err != nil {
		return "", err
	}
	choose := newChooser(pattern, s.files.FoldsCase(), func(name string) bool {
		return slices.ContainsFunc(entries, func(e netio.LocalEntry) bool { return e.Name == name })
	})
	for _, e := range entries {
		if e.Kind == session.KindFile && choose.chooses(e.Name) {
			if path, err := s.files.Child(dir, e.Name); err == nil {
				return path.String(), nil
			}
		}
	}
	return "", nil
}
