package builtins

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/engine"
	"github.com/sftpc/sftpc/netio/session"
)

// localTree is the local side of a SYNC.
type localTree struct{ *syncing }

func (t localTree) List(_ context.Context, dir string) func() (session.Listing, error) {
	return func() (l session.Listing, err error) {
		path, err := t.localPath(dir)
		if err != nil {
			return l, err
		}
		entries, err := t.state.files.List(path)
		if err != nil {
			return l, err
		}
		l.Entries = make([]session.Entry, len(entries))
		for i, e := range entries {
			l.Entries[i] = localEntry(e)
		}
		return l, nil
	}
}

func localEntry(e netio.LocalEntry) session.Entry {
	return session.Entry{Name: e.Name, Kind: e.Kind, Size: e.Size, Time: e.ModTime, Exact: true}
}

// remoteTree is the server's side.
type remoteTree struct{ *syncing }

func (t remoteTree) List(ctx context.Context, dir string) func() (session.Listing, error) {
	path := t.remotePath(dir)
	var l session.Listing
	wait := t.crew.begin(func(s *State) (err error) {
		ctx, _ := s.begin(ctx)
		l, err = s.session.List(ctx, path)
		if dater, ok := s.session.(session.Dater); ok && err == nil {
			l, err = dater.Dated(ctx, path, l)
		}
		return err
	})
	return func() (session.Listing, error) {
		if err := wait(); err != nil {
			return l, withName(err, "listing "+path, path)
		}
		t.outcome.left += t.state.tellIncomplete(path, l)
		t.clock.exact.Store(l.Source != "LIST")
		return l, nil
	}
}

// ask asks the server for the exact time of a file.
func (y *syncing) ask(ctx context.Context, path string, e session.Entry) (session.Entry, bool) {
	if !y.state.session.Caps().ExactTimes {
		return e, false
	}
	exact, err := session.Pick(ctx, y.state.session, y.remotePath(path), session.AspectTime)
	if err != nil || !exact.Exact {
		return e, false
	}
	e.Time, e.Exact, e.Grain = exact.Time, true, 0
	return e, true
}

// alias finds out whether the target takes two names for one that differ in case only.
func (y *syncing) alias(ctx context.Context, dir, name string, known session.Entry) engine.Answer {
	there := func(has bool) engine.Answer {
		if has {
			return engine.Yes
		}
		return engine.No
	}
	if !y.upload {
		at, err := y.localPath(dir)
		if err == nil {
			at, err = y.state.files.Child(at, name)
		}
		if err == nil {
			_, err = y.state.files.Lstat(at)
		}
		if err != nil && session.CauseOf(err) != session.NoSuchLocalFile {
			return engine.Untold
		}
		return there(err == nil)
	}
	s := y.state
	ctx, _ = s.begin(ctx)
	path, other := joinRemote(y.remotePath(dir), name), joinRemote(y.remotePath(dir), known.Name)
	if known.Kind == session.KindDir {
		// What some servers say of a directory that is not there is that it is empty.
		one, err := s.session.List(ctx, path)
		if session.CauseOf(err) == session.NoSuchRemoteFile {
			return engine.No
		}
		two, failed := s.session.List(ctx, other)
		if err != nil || failed != nil || len(two.Entries) == 0 {
			return engine.Untold
		}
		return there(slices.EqualFunc(one.Entries, two.Entries, func(a, b session.Entry) bool { return a.Name == b.Name }))
	}
	// A listing says nothing of it: what it holds is spelt in one way.
	if _, found, err := session.Glance(ctx, s.session, other); err != nil || !found {
		return engine.Untold
	}
	_, found, err := session.Glance(ctx, s.session, path)
	if err != nil {
		return engine.Untold
	}
	return there(found)
}

// side names where the target is.
func (y *syncing) side() string {
	if y.upload {
		return "remote"
	}
	return "local"
}

// why is a reason as the messages of ScriptFTP have it.
func (y *syncing) why(r engine.Reason) string {
	file := y.side() + " file "
	switch r {
	case engine.NotFound:
		return file + "not found"
	case engine.Older:
		return file + "is older"
	case engine.OtherSize:
		return file + "has another size"
	case engine.Unfinished:
		return file + "was not finished by an earlier run"
	case engine.NoTimes:
		return file + "cannot be compared"
	case engine.UpToDate:
		return file + "is uptodate"
	case engine.NewerDiffers:
		return file + "is newer and has another size"
	case engine.IsExcluded:
		return "excluded"
	}
	return "not usable"
}

// Pass tells why a file does not go.
func (y *syncing) Pass(p engine.Step) {
	s, path := y.state, y.remotePath(p.Path)
	switch p.Why {
	case engine.UpToDate, engine.NewerDiffers:
		y.upToDate++
		y.state.tell("Skipping (%s) %s", y.why(p.Why), path)
	case engine.NoFile:
		s.tell("Skipping (%s) %s", kindName(p.Source.Kind), path)
	case engine.IsExcluded:
		s.tellVerbose("Skipping (excluded) %s", path)
	case engine.TargetNoFile:
		s.tell("%s is left out: it is %s here and %s on the other side", path, kindName(p.Source.Kind), kindName(p.Target.Kind))
		y.outcome.left++
	case engine.NameTaken:
		s.tell("%s is left out: the other side takes another name for the same", path)
		y.outcome.left++
	case engine.NotUsableName:
		s.tell("%s is left out: the other side cannot have that name", path)
		y.outcome.left++
	}
}

// Fail tells of a directory that was not read.
func (y *syncing) Fail(path string, err error) bool {
	y.state.tell("%s was not listed: %v", y.remotePath(path), err)
	return y.outcome.add(err)
}

// Settle waits for the transfers.
func (y *syncing) Settle(context.Context) bool {
	y.crew.settle()
	return y.outcome.failed == 0 && y.outcome.left == 0
}

// MakeDir makes a directory of the target.
func (y *syncing) MakeDir(ctx context.Context, path string) bool {
	err := y.makeDir(ctx, path)
	if err != nil {
		y.state.tell("%s was not made: %v", y.remotePath(path), err)
		y.outcome.add(err)
	}
	return err == nil
}

func (y *syncing) makeDir(ctx context.Context, path string) error {
	if y.upload {
		ctx, _ := y.state.begin(ctx)
		dir, name := splitRemote(y.remotePath(path))
		return y.state.ensureRemoteDir(ctx, dir, name)
	}
	at, err := y.localPath(path)
	if err != nil {
		return err
	}
	return y.state.files.MkdirAll(at)
}

// Transfer brings a file over.
func (y *syncing) Transfer(ctx context.Context, p engine.Step) bool {
	if !y.passes(ctx, p) {
		return true
	}
	if y.upload {
		y.state.tell("Uploading (%s) %s", y.why(p.Why), y.remotePath(p.Path))
		return y.crew.do(p.Source.Size, func(s *State) error { return y.put(ctx, s, p) }, func(err error) bool { return y.ended(p, err) })
	}
	y.state.tell("Downloading (%s) %s", y.why(p.Why), y.remotePath(p.Path))
	target, err := y.folders.child(p.Path)
	if err != nil {
		y.state.tellFile(FileEnd, FileEvent{Local: p.Path, Remote: y.remotePath(p.Path), Size: p.Source.Size}, err)
		return y.ended(p, err)
	}
	var got *fetched
	exact := false
	return y.crew.do(p.Source.Size, func(s *State) (err error) {
		got, exact, err = y.get(ctx, s, p, target)
		return err
	}, func(err error) bool {
		if err == nil {
			_, err = y.state.commit(ctx, got)
		}
		if err == nil {
			y.noteDownload(p, target, exact)
		}
		return y.ended(p, err)
	})
}

// ended counts a transfer.
func (y *syncing) ended(p engine.Step, err error) (goOn bool) {
	y.settle(p, err)
	return y.outcome.add(err)
}

// settle notes what became of a file for GETLIST(…, DONE | FAILED).
func (y *syncing) settle(p engine.Step, err error) {
	name := y.remotePath(p.Path)
	if y.upload {
		if path, err := y.localPath(p.Path); err == nil {
			name = path.String()
		}
	}
	y.state.last.settle(name, p.Source.Name, p.Source.Time, err)
}

// passes holds a file that is to go against SETFILTER. One that does not pass is no
// orphan either: the source has it.
func (y *syncing) passes(ctx context.Context, p engine.Step) bool {
	path, why, err := y.remotePath(p.Path), "", error(nil)
	if y.upload {
		why = y.sieve.stops(p.Source.Size, p.Source.Time)
	} else {
		_, why, err = y.sieve.sift(ctx, y.state, path, p.Source)
	}
	switch {
	case why != "":
		y.state.tellVerbose("Skipping (%s) %s", why, path)
	case err != nil:
		y.state.tell("%s is left out: %v", path, err)
		y.outcome.left++
	default:
		return true
	}
	return false
}

// relOf are the directories of a path below the two that are synchronized.
func relOf(path string) []string {
	parts := strings.Split(path, "/")
	return parts[:len(parts)-1]
}

// put uploads a file and gives it the time that it has here.
func (y *syncing) put(ctx context.Context, s *State, p engine.Step) error {
	remote := y.remotePath(p.Path)
	event := FileEvent{Upload: true, Remote: remote, Size: p.Source.Size}
	path, err := y.localPath(p.Path)
	event.Local = path.String()
	u := uploader{state: s, ctx: ctx}
	var file *os.File
	var before os.FileInfo
	if err == nil {
		file, before, err = u.open(path)
	}
	if err != nil {
		s.tellFile(FileEnd, event, err)
		return err
	}
	// The file was only read: closing it cannot lose anything.
	defer file.Close()
	event.Size = before.Size()
	o := &sending{state: s, meter: s.quietMeter(file, event), before: before, rel: relOf(p.Path)}
	o.ctx, o.attempts = s.begin(ctx)
	// A run that is killed leaves a part under the name, with a time that is newer.
	earlier, known := y.memory.Recall(p.Path)
	y.memory.Keep(p.Path, engine.Fact{Unfinished: true})
	err = o.put(remote)
	o.meter.end(err)
	if err != nil {
		switch {
		case o.began, o.opened:
		case known:
			y.memory.Keep(p.Path, earlier)
		default:
			y.memory.Forget(p.Path)
		}
		return err
	}
	y.dateRemote(o, p.Path, remote)
	s.tellVerbose("Uploaded %s, %s%s", path, plural64(o.meter.event.Done, "byte"), o.proof)
	return nil
}

// dateRemote gives an uploaded file the time of the local one, or remembers that the
// two are the same.
func (y *syncing) dateRemote(o *sending, path, remote string) {
	s := o.state
	fact := engine.Fact{LocalSize: o.before.Size(), LocalTime: o.before.ModTime().UTC(), ServerSize: -1}
	if s.verifies() {
		fact.ServerSize = o.meter.event.Done
	}
	if s.session.Caps().SetTimes && !y.clock.undated.Load() {
		at := o.before.ModTime().Add(y.clock.known()).UTC()
		err := s.session.SetModTime(o.ctx, remote, at)
		switch {
		case err == nil && s.session.Caps().ExactTimes && y.clock.exact.Load():
			// The next listing tells it all.
			y.memory.Forget(path)
			return
		case err == nil:
		case session.CauseOf(err) == session.NotSupported:
			y.clock.undated.Store(true)
			s.tellVerbose("the server does not let us set times: they are remembered here")
		default:
			s.tellVerbose("the time of %s could not be set: %v", remote, err)
		}
	}
	y.memory.Keep(path, fact)
}

// get downloads a file that is to have the time that it has on the server. exact
// reports whether that is known exactly.
func (y *syncing) get(ctx context.Context, s *State, p engine.Step, target netio.LocalPath) (got *fetched, exact bool, err error) {
	remote := y.remotePath(p.Path)
	entry := s.exactEntry(ctx, remote, p.Source)
	exact = entry.Exact
	got, err = s.fetchPart(ctx, remote, entry, target, fetching{quiet: true, rel: relOf(p.Path), batch: y.batch, date: func(told time.Time) time.Time {
		if told.IsZero() {
			exact = false
			told = p.Source.Time // rough, but the same the next time
		}
		if told.IsZero() {
			return told
		}
		return told.Add(-y.clock.known())
	}})
	return got, exact, err
}

// noteDownload remembers a pair whose times do not tell that it is one.
func (y *syncing) noteDownload(p engine.Step, target netio.LocalPath, exact bool) {
	if exact && p.Source.Exact {
		y.memory.Forget(p.Path)
		return
	}
	now, err := y.state.files.Stat(target)
	if err != nil {
		return // the next run sees what there is
	}
	fact := engine.Fact{LocalSize: now.Size, LocalTime: now.ModTime, ServerSize: p.Source.Size, ServerTime: p.Source.Time}
	if !p.Source.Exact {
		fact.Rough = max(p.Source.Grain, 2*time.Second)
	}
	y.memory.Keep(p.Path, fact)
}

// syncFolder finds local folders for files as they come.
type syncFolder struct {
	*syncing
	dir  []string
	path netio.LocalPath
}

func (f *syncFolder) child(path string) (netio.LocalPath, error) {
	dir := strings.Split(path, "/")
	name := dir[len(dir)-1]
	dir = dir[:len(dir)-1]
	if f.path.IsZero() || !slices.Equal(dir, f.dir) {
		at, err := f.localPath(strings.Join(dir, "/"))
		if err != nil {
			return at, err
		}
		f.path, f.dir = at, dir
	}
	return f.state.files.Child(f.path, name)
}

// Remove deletes an orphan. That it could not be is told, and no failure of the
// command.
func (y *syncing) Remove(ctx context.Context, o engine.Orphan) bool {
	s, path := y.state, y.remotePath(o.Path)
	what := "file"
	if o.Dir {
		what = "directory"
	}
	s.tell("Deleting (%s %s is orphaned) %s", y.side(), what, path)
	err := y.remove(ctx, o)
	if err != nil {
		s.tell("%s was not deleted: %v", path, err)
		return false
	}
	y.memory.Forget(o.Path)
	return true
}

func (y *syncing) remove(ctx context.Context, o engine.Orphan) error {
	s := y.state
	ctx, _ = s.begin(ctx)
	if y.upload {
		remove := s.session.Remove
		if o.Dir {
			remove = s.session.RemoveDir
		} else if s.settings.backup != "" {
			_, err := s.backUpRemote(ctx, y.remotePath(o.Path), relOf(o.Path))
			return err
		}
		err := remove(ctx, y.remotePath(o.Path))
		if session.CauseOf(err) == session.NoSuchRemoteFile {
			return nil
		}
		return err
	}
	path, err := y.localPath(o.Path)
	switch {
	case err != nil:
		return err
	case o.Dir:
		err = s.files.Rmdir(path)
	case s.settings.backup != "":
		_, _, _, err = s.backUpLocal(ctx, path, relOf(o.Path))
	default:
		err = s.files.Remove(path)
	}
	if session.CauseOf(err) == session.NoSuchLocalFile {
		return nil
	}
	return err
}
