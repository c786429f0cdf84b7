package builtins

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// getFile is GETFILE(name [, SUBDIRS]) and GETFILE(remote, local).
func (s *State) getFile(a *arguments) error {
	if err := s.prepareTransfer(a.ctx); err != nil {
		return err
	}
	name := a.text(0)
	dir, last := splitRemote(name)
	if last == "" {
		return a.bad(0, "ends in a slash: name the files in it, as in %s", quoted(name+"*"))
	}
	if a.key() == "named" {
		target, err := s.localPath(a.text(1))
		if err != nil {
			return err
		}
		return s.getOne(a.ctx, name, target)
	}
	subdirs := a.constant(1) == "SUBDIRS"
	if subdirs || netio.HasWildcard(last) {
		return s.getSet(a.ctx, dir, last, subdirs)
	}
	target, err := s.files.Child(s.here, last)
	if err != nil {
		return err
	}
	return s.getOne(a.ctx, name, target)
}

// getOne downloads the file that the script named.
func (s *State) getOne(ctx context.Context, name string, target netio.LocalPath) (err error) {
	dir, last := splitRemote(name)
	exclude, at, err := s.remoteExclusions(ctx, dir)
	if err != nil {
		return err
	}
	if exclude.covers(at.within(last), len(at.parts), false) {
		s.tell("Skipping (excluded) %s", name)
		return nil
	}
	entry, err := s.session.Stat(ctx, name)
	moved := true
	defer func() { s.settleDownload(name, entry, moved, err) }()
	switch {
	case session.CauseOf(err) == session.NotSupported:
		s.tellVerbose("the server cannot tell the size of %s beforehand", name)
		entry = session.Entry{Name: last, Size: -1}
	case err != nil:
		return err
	case entry.Kind == session.KindDir:
		return badArgument(fmt.Sprintf("%s is a directory on the server; what it holds is %s", quoted(name), quoted(name+"/*")))
	}
	chosen, take, err := s.chosenRemote(ctx, name, entry)
	if !take {
		moved = false
		return err
	}
	entry = chosen
	moved, err = s.download(ctx, name, nil, entry, target, true)
	return err
}

// getSet downloads all that last means in dir, and with subdirs below it.
func (s *State) getSet(ctx context.Context, dir, last string, subdirs bool) error {
	exclude, at, err := s.remoteExclusions(ctx, dir)
	if err != nil {
		return err
	}
	var o setOutcome
	chosen := s.newSelection(&o)
	if exclude, at, err = s.excludeStowed(ctx, exclude, dir, at); err != nil {
		return err
	}
	set := remoteSet{state: s, command: "GETFILE", pattern: last, subdirs: subdirs, exclude: exclude, from: len(at.parts), dated: chosen.sieve.byTime()}
	err = chosen.firstLook(ctx, func() error {
		w := set
		w.quiet, w.outcome = true, &setOutcome{}
		w.visit = func(dir string, _ []string, entry session.Entry) bool {
			chosen.noteRemote(ctx, joinRemote(dir, entry.Name), entry)
			return ctx.Err() == nil
		}
		return w.walk(ctx, dir, at)
	})
	if err != nil {
		return err
	}
	folder := folderMaker{state: s, path: s.here}
	var taken takenNames
	var team *crew
	batch := s.files.NewBatch()
	w := set
	w.outcome = &o
	w.visit = func(dir string, rel []string, entry session.Entry) bool {
		remote := joinRemote(dir, entry.Name)
		entry, take := chosen.remote(ctx, remote, entry)
		if !take {
			return true
		}
		target, err := folder.child(rel, entry.Name)
		switch {
		case session.CauseOf(err) == session.UnsafeName:
			s.tell("%s is left out: %v", remote, err)
			o.left++
			return true
		case err != nil:
			s.tellFile(FileEnd, FileEvent{Local: entry.Name, Remote: remote, Size: entry.Size}, err)
			s.settleRemote(remote, entry, err)
			return o.add(err)
		case s.files.FoldsCase() && !taken.add(target):
			s.tell("%s is left out: here it is the same name as that of a file just downloaded", remote)
			o.left++
			return true
		}
		var got *fetched
		moved := false
		return team.do(entry.Size, func(s *State) (err error) {
			entry = s.exactEntry(ctx, remote, entry)
			if team.alone() {
				moved, err = s.download(ctx, remote, rel, entry, target, false)
				return err
			}
			got, err = s.fetchPart(ctx, remote, entry, target, fetching{rel: rel, batch: batch})
			return err
		}, func(err error) bool {
			if got != nil {
				_, err = s.commit(ctx, got)
				moved = err == nil
			}
			s.settleDownload(remote, entry, moved, err)
			s.tellStep(err)
			return o.add(err)
		})
	}
	err = s.inCrew(ctx, s.parallel(usualParallel), func(c *crew) error {
		team = c
		return w.walk(ctx, dir, at)
	})
	if unsure := batch.Close(); err == nil {
		err = unsure
	}
	if err != nil {
		return err
	}
	chosen.end()
	if w.matched == 0 && o.failed == 0 && o.left == 0 {
		if !netio.HasWildcard(last) {
			return noSuchRemote(last, "no directory that was looked through holds it")
		}
		s.tell("No file matches %s", joinRemote(dir, last))
	}
	return o.err("downloaded")
}

func noSuchRemote(name, why string) error {
	return &session.Error{
		Op: "looking for " + name, Cause: session.NoSuchRemoteFile, Class: session.ClassPermanent, Name: name, Err: errors.New(why),
	}
}

// remoteExclusions are the exclusions of downloads and the place of dir. The
// server is asked where it is only if an exclusion depends on it.
func (s *State) remoteExclusions(ctx context.Context, dir string) (excluder, place, error) {
	exclude, err := newExcluder(remoteSide, s.exclusions.remote, false)
	if err != nil || !exclude.needsPlaces() {
		return exclude, place{}, err
	}
	full, err := s.absolute(ctx, dir)
	return exclude, remotePlace(full), err
}

// absolute is a name on the server from the root.
func (s *State) absolute(ctx context.Context, name string) (string, error) {
	if strings.HasPrefix(name, "/") {
		return name, nil
	}
	dir, err := s.currentDir(ctx)
	if err != nil || name == "" {
		return dir, err
	}
	return joinRemote(dir, name), nil
}

// exactEntry asks for what the listing did not tell of a file: its size, or its
// exact time where the server knows better than a listing's guess. A server that has
// no sizes to tell, as those that count in records, is not asked again: some can be
// asked only by listing the directory once more.
func (s *State) exactEntry(ctx context.Context, remote string, e session.Entry) session.Entry {
	if e.Size >= 0 && (e.Exact || !s.session.Caps().ExactTimes) || e.Size < 0 && s.sizesUntold.Load() {
		return e
	}
	if e.Size >= 0 {
		// The time is all that is missing.
		if asked, err := session.Pick(ctx, s.session, remote, session.AspectTime); err == nil && asked.Exact {
			e.Time, e.Exact, e.Grain = asked.Time, true, 0
		}
		return e
	}
	asked, err := s.session.Stat(ctx, remote)
	if err != nil {
		return e // the download itself will say what is wrong
	}
	if asked.Size < 0 {
		if e.Size < 0 {
			s.sizesUntold.Store(true)
		}
		asked.Size = e.Size
	}
	return asked
}

// folderMaker makes local folders as files for them come.
type folderMaker struct {
	state *State
	path  netio.LocalPath // of rel
	rel   []string
}

// child is the path of name in the folder rel below the current directory, which
// is made if it is missing.
func (f *folderMaker) child(rel []string, name string) (netio.LocalPath, error) {
	if !slices.Equal(rel, f.rel) {
		path := f.state.here
		var err error
		for _, part := range rel {
			if path, err = f.state.files.Child(path, part); err != nil {
				return path, err
			}
		}
		if err := f.state.files.MkdirAll(path); err != nil {
			return path, err
		}
		f.path, f.rel = path, slices.Clone(rel)
	}
	return f.state.files.Child(f.path, name)
}

// takenNames are the local names that a command has written to, where names that
// differ in case only are one: a server may have both, and the second would
// replace the first without a word. Only hashes are kept, for a set may have
// millions of names.
type takenNames struct {
	seed maphash.Seed
	seen map[uint64]bool
}

// add reports false for a path that is taken already.
func (t *takenNames) add(path netio.LocalPath) bool {
	if t.seen == nil {
		t.seed, t.seen = maphash.MakeSeed(), make(map[uint64]bool)
	}
	key := maphash.String(t.seed, strings.ToLower(path.String()))
	if t.seen[key] {
		return false
	}
	t.seen[key] = true
	return true
}

// fetching is how a file is downloaded.
type fetching struct {
	alone bool // the command is about this file only
	// rel are the directories below that in which a set began, for SETBACKUP.
	rel   []string
	quiet bool // that it came is told to those who asked for more
	// batch puts it on disk with others; nil where the command waits for each.
	batch *netio.Batch
	// date chooses the time that the file gets, from the exact one of the server, which
	// is zero where there is none; nil takes that.
	date func(exact time.Time) time.Time
}

// fetch downloads one file whole or not at all: what is not whole never bears the
// name. entry is what the server said of it; alone tells whether the command is
// about this file only.
func (s *State) fetch(ctx context.Context, remote string, entry session.Entry, target netio.LocalPath, alone bool, rel []string) (arrived session.Entry, err error) {
	return s.fetchAs(ctx, remote, entry, target, fetching{alone: alone, rel: rel})
}

// fetchAs is fetch in a way of its own. The entry that it returns is that of the file
// when it arrived, with the bytes that arrived as its size.
func (s *State) fetchAs(ctx context.Context, remote string, entry session.Entry, target netio.LocalPath, how fetching) (arrived session.Entry, err error) {
	got, err := s.fetchPart(ctx, remote, entry, target, how)
	if err != nil {
		return entry, err
	}
	return s.commit(ctx, got)
}

// fetched is a download that is whole and verified and does not bear its name yet.
type fetched struct {
	remote  string
	arrived session.Entry // the file on the server, when it had arrived
	part    *netio.Part
	keeps   bool // the part is of use to a later run
	meter   *meter
	modTime time.Time // that it is to have; zero is none
	proof   string
	how     fetching
}

// commit gives a download its name. It may be called on another State than that of
// fetchPart, and must be called once.
func (s *State) commit(ctx context.Context, f *fetched) (arrived session.Entry, err error) {
	f.meter.state = s
	err = s.commitPart(ctx, f.part, f.modTime, f.how.rel)
	s.release(f.part, f.keeps, f.meter, f.remote, err)
	f.meter.end(err)
	if err != nil {
		return f.arrived, err
	}
	f.arrived.Size = f.meter.event.Done
	as := ""
	if _, last := splitRemote(f.remote); last != f.part.Target().Name() {
		as = " as " + f.part.Target().String()
	}
	tell := s.tellDone
	if f.how.quiet {
		tell = s.tellVerbose
	}
	tell("Downloaded %s%s, %s%s", f.remote, as, plural64(f.meter.event.Done, "byte"), f.proof)
	return f.arrived, nil
}

// release lets go of a part. What a failed download leaves is kept where a later run can
// go on with it.
func (s *State) release(part *netio.Part, keeps bool, m *meter, remote string, err error) {
	if err != nil && keeps && m.event.Done > 0 && !worthless(session.CauseOf(err)) {
		// Nothing is lost if it cannot be kept: the next run starts from the beginning.
		if kept := part.Keep(); kept == nil {
			s.tellVerbose("%d bytes of %s are kept for a later run", m.event.Done, remote)
		}
	}
	// Does nothing once the part is committed or kept.
	part.Discard()
}

// fetchPart is all of fetch but for the name.
func (s *State) fetchPart(ctx context.Context, remote string, entry session.Entry, target netio.LocalPath, how fetching) (*fetched, error) {
	ctx, attempts := s.begin(ctx)
	note, err := s.partNote(ctx, remote, entry)
	if err != nil {
		return nil, err
	}
	event := FileEvent{Local: target.String(), Remote: remote, Size: entry.Size, Only: how.alone}
	part, err := s.files.CreatePart(target, note)
	if err != nil {
		s.tellFile(FileEnd, event, err)
		return nil, err
	}
	event.Done = part.Offset()
	m := s.newMeter(part.File(), event)
	if resumable(note) {
		m.checkpoint = part.Checkpoint
	}
	arrived, err := s.fill(ctx, attempts, remote, entry, part, m)
	proof := ""
	if err == nil {
		proof, err = s.verifyPart(ctx, remote, m)
	}
	if err != nil {
		s.release(part, resumable(note), m, remote, err)
		m.end(err)
		return nil, err
	}
	modTime := exactTime(arrived)
	if how.date != nil {
		modTime = how.date(modTime)
	}
	how.batch.Finish(part, modTime)
	return &fetched{remote, arrived, part, resumable(note), m, modTime, proof, how}, nil
}

// commitPart gives a whole part its name. What bears it is kept where SETBACKUP says.
func (s *State) commitPart(ctx context.Context, part *netio.Part, modTime time.Time, rel []string) error {
	was, moved, restore, err := s.backUpLocal(ctx, part.Target(), rel)
	switch {
	case err != nil:
		return err
	case !moved || was.Kind != session.KindFile:
		err = part.Commit(modTime)
	default:
		err = part.CommitInPlaceOf(was, modTime)
	}
	if err != nil {
		restore()
	}
	return err
}

// exactTime is the time that a downloaded file is to have, zero for none.
func exactTime(e session.Entry) time.Time {
	if !e.Exact {
		return time.Time{}
	}
	return e.Time
}

// fill brings the part up to the whole file in as many attempts as it may take, and
// verifies its size. It returns the file as it was on the server when it arrived.
func (s *State) fill(ctx context.Context, attempts *trial, remote string, entry session.Entry, part *netio.Part, m *meter) (session.Entry, error) {
	if err := s.resumeAt(remote, entry, part, m); err != nil {
		return entry, err
	}
	for {
		arrived, err := s.fillOnce(ctx, remote, entry, part, m)
		if err == nil {
			return arrived, nil
		}
		if err := attempts.again(ctx, err); err != nil {
			return entry, err
		}
		if entry, err = s.lookAgain(ctx, remote, entry, part, m); err != nil {
			return entry, err
		}
	}
}

// lookAgain decides after a failed attempt where the next one begins: behind what
// arrived if the server still has the same file, else at the beginning. It returns
// the file as it is now.
func (s *State) lookAgain(ctx context.Context, remote string, entry session.Entry, part *netio.Part, m *meter) (session.Entry, error) {
	if m.event.Done == 0 {
		return entry, s.restart(part, m)
	}
	now, err := s.session.Stat(ctx, remote)
	switch {
	case session.CauseOf(err) == session.NotSupported:
		return entry, s.restart(part, m)
	case err != nil:
		return entry, err
	case now.Size != entry.Size || !sameTime(now, entry):
		s.tell("%s changed on the server meanwhile and is downloaded from the beginning", remote)
		m.event.Size = now.Size
		return now, s.restart(part, m)
	case !s.datable(entry), !s.datable(now):
		// Both must tell it from another one of its size: a time that only the listing
		// told says nothing of what is there now.
		return entry, s.restart(part, m)
	}
	return entry, s.resumeAt(remote, entry, part, m)
}

// fillOnce is one attempt. A file that proves to be another one than when it was
// asked for is fetched anew, once.
func (s *State) fillOnce(ctx context.Context, remote string, entry session.Entry, part *netio.Part, m *meter) (session.Entry, error) {
	offset := m.event.Done
	resumed, err := s.receive(ctx, remote, entry, part, m)
	if err != nil {
		return entry, err
	}
	if s.verifies() && (resumed || s.settings.verify != verifyOff) {
		now, same, err := s.verifyDownload(ctx, remote, entry, m.event.Done, resumed)
		if err == nil && !same {
			s.tell("%s changed on the server meanwhile and is downloaded from the beginning", remote)
			m.event.Size = now.Size
			if err := s.restart(part, m); err != nil {
				return entry, err
			}
			if _, err := s.receive(ctx, remote, now, part, m); err != nil {
				return entry, err
			}
			expected := now.Size
			if now, same, err = s.verifyDownload(ctx, remote, now, m.event.Done, false); err == nil && !same {
				err = s.sizeMismatch("verifying the download of "+remote, remote, expected, m.event.Done)
			}
		}
		if err != nil {
			if offset > 0 && m.event.Done == offset && session.CauseOf(err) == session.SizeMismatch {
				// The server has no more of it than it gave before, whatever it says.
				err = s.sizeMismatch("verifying the download of "+remote, remote, entry.Size, offset)
			}
			return entry, err
		}
		entry = now
	}
	return entry, nil
}

// refusesOffset reports whether a download from the middle on may have failed
// because of that: there is no one code for it, and a part that could not be gone
// on with would fail every later download too.
func refusesOffset(err error) bool {
	e, ok := errors.AsType[*session.Error](err)
	if !ok {
		return false
	}
	switch e.Cause {
	case session.NotSupported, session.BadArgument, session.RemoteRefused:
		return true
	case session.NoRemotePermission: // concluded of a file that is there; 550 may mean it
		return e.Reply.Code != 550
	}
	return false
}

// resumeAt decides whether what an earlier run or attempt left is taken up.
func (s *State) resumeAt(remote string, entry session.Entry, part *netio.Part, m *meter) error {
	if m.event.Done == 0 {
		return nil
	}
	if !s.session.Caps().Resume || m.event.Done > entry.Size {
		return s.restart(part, m)
	}
	s.tell("Resuming %s at %s", remote, plural64(m.event.Done, "byte"))
	return part.GoOn(m.event.Done)
}

func (s *State) restart(part *netio.Part, m *meter) error {
	m.event.Done = 0
	return part.Restart()
}

// verifyDownload compares what arrived with what the server said. same is false
// where the server has another file by now; the entry is how it is now. A file
// that only grew is whole if the server now says that size. One that was resumed
// must be the one that its beginning is from, so that is asked again: nothing
// else would tell of two halves that do not belong together.
func (s *State) verifyDownload(ctx context.Context, remote string, entry session.Entry, got int64, resumed bool) (now session.Entry, same bool, err error) {
	if entry.Size < 0 {
		s.tellVerbose("%s: the server did not tell the size, so it is not verified", remote)
		return entry, true, nil
	}
	if entry.Size == got && !resumed {
		return entry, true, nil
	}
	now, err = s.session.Stat(ctx, remote)
	switch {
	case resumed && err != nil:
		return entry, false, withName(err, "verifying the download of "+remote, remote)
	case err == nil && got < entry.Size && now.Size == entry.Size && sameTime(now, entry):
		return entry, false, s.cutShort("verifying the download of "+remote, remote, entry.Size, got)
	case resumed:
		return now, now.Size == got && entry.Size == got && sameTime(now, entry), nil
	case err != nil || now.Size != got:
		return entry, false, s.sizeMismatch("verifying the download of "+remote, remote, entry.Size, got)
	case got < entry.Size:
		return now, false, nil
	}
	s.tellVerbose("%s grew on the server while it was downloaded", remote)
	return now, true, nil
}

// sameTime compares times of two answers, which may be of different exactness: a
// listing cuts to the minute or the day, and some servers tell none of one file.
func sameTime(a, b session.Entry) bool {
	switch {
	case a.Time.IsZero(), b.Time.IsZero():
		return true
	case a.Exact == b.Exact:
		return a.Time.Equal(b.Time)
	}
	return a.Time.Sub(b.Time).Abs() <= 48*time.Hour
}

// partNote tells which file of which server a part belongs to. Without size and
// time nobody can say whether the rest would fit, so such a part is not resumed;
// neither is one whose bytes the server changes on the way.
func (s *State) partNote(ctx context.Context, remote string, entry session.Entry) (netio.PartNote, error) {
	note := netio.PartNote{Size: -1}
	if !s.datable(entry) {
		return note, nil
	}
	full, err := s.absolute(ctx, remote)
	if err != nil {
		if ends(session.CauseOf(err)) {
			return note, err
		}
		return note, nil
	}
	note.Source = fmt.Sprintf("%s@%s %s", s.endpoint.User, s.endpoint.Address, full)
	note.Size, note.Time = entry.Size, entry.Time
	return note, nil
}

// datable reports whether size and time tell this file from another one that may
// take its place, so that two pieces of it can be put together.
func (s *State) datable(entry session.Entry) bool {
	return s.verifies() && entry.Size >= 0 && !entry.Time.IsZero() && settled(entry)
}

// settled reports whether another version of the file would have another time. A
// time from a listing is that of a minute or a day in a zone that is guessed, so
// it says something only of files that were left alone for longer than that.
func settled(e session.Entry) bool { return e.Exact || time.Since(e.Time) > 48*time.Hour }

func resumable(n netio.PartNote) bool { return n.Size >= 0 && !n.Time.IsZero() }

// worthless are failures after which bytes that arrived are of no use, or of
// more use as free space.
func worthless(c session.Cause) bool {
	return c == session.SizeMismatch || c == session.HashMismatch || c == session.NoLocalSpace || c == session.LocalFailure
}

// plural64 is plural for sizes.
func plural64(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
