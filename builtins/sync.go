package builtins

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/engine"
	"github.com/sftpc/sftpc/netio/session"
)

// SYNC. What goes, what is deleted and what holds that is decided in netio/engine;
// here are its two sides, its hands and what is told of it.

// deletions is what SETDELETELIMIT says.
type deletions struct {
	most   int  // names that one SYNC may delete; 0 is any number
	anyway bool // ALL: the brakes are off
}

// mostDeletions bounds the argument of SETDELETELIMIT.
const mostDeletions = 1_000_000_000

func (s *State) setDeleteLimit(a *arguments) error {
	switch a.constant(0) {
	case "SAFE":
		s.settings.deletions = deletions{}
		return nil
	case "ALL":
		s.settings.deletions = deletions{anyway: true}
		return nil
	}
	most, err := a.whole(0, 1, mostDeletions)
	if err != nil {
		return err
	}
	s.settings.deletions = deletions{most: int(most)}
	return nil
}

// syncing is one SYNC.
type syncing struct {
	state    *State
	local    netio.LocalPath
	remote   string // from the root where the server tells where it is
	upload   bool
	crew     *crew
	memory   *engine.Memory
	compare  *engine.Comparer
	clock    serverClock
	sieve    *sieve // SETFILTER
	outcome  setOutcome
	upToDate int
	folders  syncFolder
	batch    *netio.Batch // of what is downloaded
}

// sync is SYNC(local_dir, remote_dir, method [, SUBDIRS [, wildcard]]).
func (s *State) sync(a *arguments) error {
	if err := s.prepareTransfer(a.ctx); err != nil {
		return err
	}
	local, err := s.localPath(a.text(0))
	if err != nil {
		return err
	}
	switch entry, err := s.files.Stat(local); {
	case err != nil:
		return err
	case entry.Kind != session.KindDir:
		return a.bad(0, "is a file: a directory is needed")
	}
	remote, err := s.absolute(a.ctx, a.text(1))
	switch {
	case err == nil:
	case ends(session.CauseOf(err)) || isOffline(err):
		return err
	default:
		remote = a.text(1) // no server must know where it is
	}
	method, remove := strings.CutSuffix(a.constant(2), "_DELETE")
	y := &syncing{state: s, local: local, remote: trimRemote(remote), upload: method == "UPLOAD", sieve: s.newSieve()}
	y.folders.syncing = y
	if mode := s.settings.upload; y.upload && mode != uploadOverwrite && mode != uploadAtomic {
		return badArgument("SYNC uploads with SETUPLOADMODE(OVERWRITE) or ATOMIC only: it replaces what is older")
	}
	o := engine.Options{
		Subdirs: a.constant(3) == "SUBDIRS", Delete: remove,
		Anyway: s.settings.deletions.anyway, Most: s.settings.deletions.most,
	}
	if pattern := a.text(4); pattern != "" && pattern != "*" && pattern != "*.*" {
		o.Chosen = func(name string) bool { return netio.Match(pattern, name, y.upload && s.files.FoldsCase()) }
	}
	return y.run(a.ctx, o)
}

// trimRemote takes separators off the end of a directory's name, but for the root.
func trimRemote(dir string) string {
	if short := strings.TrimRight(dir, "/"); short != "" {
		return short
	}
	return "/"
}

func (y *syncing) run(ctx context.Context, o engine.Options) error {
	s := y.state
	if err := y.exclude(ctx, &o); err != nil {
		return err
	}
	if s.options.StateDir != "" {
		y.memory = engine.OpenMemory(s.options.StateDir, engine.Directories{
			Server: s.endpoint.Address, Account: s.endpoint.User, Local: s.files.SystemPath(y.local), Remote: y.remote})
		if s.dry.on {
			y.memory.Freeze()
		}
		defer func() {
			if err := y.memory.Close(); err != nil {
				s.tellVerbose("what was learned of the two directories is not kept: %v", err)
			}
		}()
	}
	y.clock.syncing, y.batch = y, s.files.NewBatch()
	y.compare = &engine.Comparer{ToServer: y.upload, Sizes: s.verifies(), Memory: y.memory,
		Clock: func(e session.Entry) time.Duration { return y.clock.ahead(ctx, e) },
		Ask:   func(path string, e session.Entry) (session.Entry, bool) { return y.ask(ctx, path, e) }}
	o.Compare = y.compare
	o.Alias = y.alias
	if y.upload {
		o.Source, o.Target = localTree{y}, remoteTree{y}
		o.Usable = func(name string) error { return netio.SafeName(name, "linux") } // no server takes less
		s.tell("Synchronizing remote directory %s from %s", y.remote, y.local)
	} else {
		o.Source, o.Target = remoteTree{y}, localTree{y}
		o.Usable = func(name string) error { return netio.SafeName(name, s.files.System()) }
		o.FoldTarget = s.files.FoldsCase()
		s.tell("Synchronizing local directory %s from %s", y.local, y.remote)
	}
	s.sweep(ctx)
	var report engine.Report
	most := s.parallel(usualParallel)
	o.Ahead = 2 * (most - 1)
	err := s.inCrew(ctx, most, func(c *crew) (err error) {
		y.crew = c
		report, err = engine.Sync(ctx, o, y)
		return err
	})
	if unsure := y.batch.Close(); err == nil {
		err = unsure
	}
	if err != nil {
		return err
	}
	return y.conclude(report)
}

// exclude applies the exclusions: those of the source's side keep names out, and
// those of either side keep them from being deleted. The folder of SETBACKUP is neither
// brought over nor an orphan.
func (y *syncing) exclude(ctx context.Context, o *engine.Options) error {
	s := y.state
	here, err := newExcluder(localSide, s.exclusions.local, s.files.FoldsCase())
	if err != nil {
		return err
	}
	there, err := newExcluder(remoteSide, s.exclusions.remote, false)
	if err != nil {
		return err
	}
	if s.settings.backup != "" {
		if path, err := s.localPath(s.settings.backup); err == nil {
			here.addFolder(localPlace(path), localPlace(y.local))
		}
		if full, err := s.absolute(ctx, s.settings.backup); err == nil {
			there.addFolder(remotePlace(full), remotePlace(y.remote))
		}
	}
	covers := func(x excluder, top place) func(string, bool) bool {
		if !x.any() {
			return nil
		}
		return func(path string, dir bool) bool {
			parts := append(append([]string(nil), top.parts...), strings.Split(path, "/")...)
			return x.covers(place{top.volume, parts}, len(top.parts), dir)
		}
	}
	o.Excluded, o.Protected = covers(here, localPlace(y.local)), covers(there, remotePlace(y.remote))
	if !y.upload {
		o.Excluded, o.Protected = o.Protected, o.Excluded
	}
	return nil
}

// remotePath is a path below the directory on the server.
func (y *syncing) remotePath(path string) string {
	if path == "" {
		return y.remote
	}
	return joinRemote(y.remote, path)
}

// localPath is a path below the local directory.
func (y *syncing) localPath(path string) (netio.LocalPath, error) {
	at := y.local
	if path == "" {
		return at, nil
	}
	for part := range strings.SplitSeq(path, "/") {
		var err error
		if at, err = y.state.files.Child(at, part); err != nil {
			return at, err
		}
	}
	return at, nil
}

// conclude says what came of it all.
func (y *syncing) conclude(r engine.Report) error {
	s := y.state
	var refused error
	refuse := func(why, hint string) {
		refused = &session.Error{Op: "deleting " + plural(r.Orphans, "orphaned name"), Cause: session.DeletionRefused, Class: session.ClassPermanent, Err: errors.New(why), Hint: hint}
	}
	switch r.Kept {
	case engine.KeptFailed:
		s.tell("Nothing is deleted, since not all could be done before: %s stay", plural(r.Orphans, "orphaned name"))
	case engine.KeptUnsure, engine.KeptUnlisted:
		s.tell("Nothing is deleted, since a listing was not whole: %s stay", plural(r.Orphans, "orphaned name"))
	case engine.KeptEmpty:
		refuse("the source holds no file, and nothing may be deleted on the strength of that", "if that is meant: SETDELETELIMIT(ALL)")
	case engine.KeptTooMany:
		refuse(fmt.Sprintf("SETDELETELIMIT allows %d", s.settings.deletions.most), "look whether both directories are the right ones; SETDELETELIMIT raises the limit")
	}
	s.tell("Synchronized: %s transferred, %d up to date, %d deleted", plural(y.outcome.done, "file"), y.upToDate, r.Deleted)
	doing := "downloaded"
	if y.upload {
		doing = "uploaded"
	}
	if err := y.outcome.err(doing); err != nil {
		return err
	}
	return refused
}
