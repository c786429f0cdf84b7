package builtins

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// Sets of files: what a name or wildcard means in a directory, and the walk down
// from there. Files are handed on as they are found, a directory at a time in
// the order of names, so that memory is bounded by one listing a level and a set
// may be of any size.

// Limits against trees that a hostile or broken server makes up: a directory
// that holds itself has no end.
const (
	mostDepth       = 256
	mostDirectories = 100_000
	mostFiles       = 10_000_000
	longestPath     = 8 << 10 // bytes
)

// chooser says which names of a directory a command means.
type chooser struct {
	pattern string
	literal bool // pattern is taken letter by letter
	fold    bool
}

func (c chooser) chooses(name string) bool {
	if c.literal {
		return c.pattern == name
	}
	return netio.Match(c.pattern, name, c.fold)
}

// newChooser decides how a pattern is read: a name with `*` or `?` that exists
// letter by letter is that name.
func newChooser(pattern string, fold bool, exists func(name string) bool) chooser {
	return chooser{pattern: pattern, fold: fold, literal: !netio.HasWildcard(pattern) || exists(pattern)}
}

// splitRemote takes the last component off a name on the server. dir ends in no
// separator but for the root; it is empty for a bare name.
func splitRemote(name string) (dir, last string) {
	cut := strings.LastIndexByte(name, '/')
	if cut < 0 {
		return "", name
	}
	dir = strings.TrimRight(name[:cut], "/")
	if dir == "" {
		dir = "/"
	}
	return dir, name[cut+1:]
}

// joinRemote adds a component to a directory as splitRemote returns it.
func joinRemote(dir, name string) string {
	switch {
	case dir == "":
		return name
	case strings.HasSuffix(dir, "/"):
		return dir + name
	}
	return dir + "/" + name
}

// remoteSet is a walk over files on the server.
type remoteSet struct {
	state   *State
	command string
	choose  chooser
	pattern string
	subdirs bool
	exclude excluder
	// quiet walks tell nothing, for a first look at what is walked through again.
	quiet bool
	// dated: times of listings are moved to UTC as far as the server lets that be.
	dated bool
	// from is how many components of places the command works in.
	from int
	// visit is called for each file in order. rel are the components below the
	// directory that the walk began in, without the name; dir is what to ask the
	// server for. It returns false to end the walk.
	visit func(dir string, rel []string, entry session.Entry) bool

	outcome     *setOutcome
	directories int
	matched     int
	stopped     bool
}

// walk goes through dir and, with subdirs, what is below. at is dir's place for
// the exclusions. Only a failure to list the first directory is returned; those
// below count as failed in the outcome.
func (w *remoteSet) walk(ctx context.Context, dir string, at place) error {
	listing, err := w.list(ctx, dir)
	if err != nil {
		return err
	}
	w.choose = newChooser(w.pattern, false, func(name string) bool {
		return slices.ContainsFunc(listing.Entries, func(e session.Entry) bool { return e.Name == name })
	})
	w.directory(ctx, dir, nil, at, listing)
	return nil
}

// list reads one directory.
func (w *remoteSet) list(ctx context.Context, dir string) (session.Listing, error) {
	listing, err := w.state.session.List(ctx, dir)
	if dater, ok := w.state.session.(session.Dater); ok && err == nil && w.dated {
		return dater.Dated(ctx, dir, listing)
	}
	return listing, err
}

// tell is State.tell but for quiet walks.
func (w *remoteSet) tell(format string, args ...any) {
	if !w.quiet {
		w.state.tell(format, args...)
	}
}

// directory visits the files of one listing and goes on below.
func (w *remoteSet) directory(ctx context.Context, dir string, rel []string, at place, listing session.Listing) {
	w.directories++
	if !w.quiet {
		w.outcome.left += w.state.tellIncomplete(dir, listing)
	}
	entries := listing.Entries
	listing.Entries = nil
	slices.SortFunc(entries, func(a, b session.Entry) int { return strings.Compare(a.Name, b.Name) })
	var below []string
	before := ""
	for i, e := range entries {
		if i > 0 && e.Name == before || netio.IsPartName(e.Name) {
			continue // told twice, or unfinished
		}
		before = e.Name
		if w.file(dir, rel, at, e); w.stopped {
			return
		}
		if w.subdirs && e.Kind == session.KindDir {
			below = append(below, e.Name)
		}
	}
	// The listing is let go of before the walk goes deeper.
	clear(entries)
	for _, name := range below {
		if w.descend(ctx, dir, rel, at, name); w.stopped {
			return
		}
	}
}

// file visits one entry if the command means it.
func (w *remoteSet) file(dir string, rel []string, at place, e session.Entry) {
	if e.Kind == session.KindDir || !w.choose.chooses(e.Name) {
		return
	}
	path := joinRemote(dir, e.Name)
	if e.Kind != session.KindFile {
		w.tell("Skipping (%s) %s", kindName(e.Kind), path)
		return
	}
	if w.exclude.any() && w.exclude.covers(at.within(e.Name), w.from, false) {
		w.state.tellVerbose("Skipping (excluded) %s", path)
		return
	}
	if w.matched++; w.matched > mostFiles {
		w.end(fmt.Errorf("more than %d files match", mostFiles))
		return
	}
	w.stopped = !w.visit(dir, rel, e)
}

// descend goes down into name.
func (w *remoteSet) descend(ctx context.Context, dir string, rel []string, at place, name string) {
	path := joinRemote(dir, name)
	if w.exclude.any() {
		at = at.within(name)
	}
	switch {
	case w.exclude.covers(at, w.from, true):
		w.state.tellVerbose("Skipping (excluded) %s", path)
		return
	case len(rel) >= mostDepth, len(path) > longestPath:
		w.end(fmt.Errorf("the tree is deeper than %d directories", mostDepth))
		return
	case w.directories >= mostDirectories:
		w.end(fmt.Errorf("the tree has more than %d directories", mostDirectories))
		return
	}
	listing, err := w.list(ctx, path)
	if err != nil {
		err = withName(err, "listing "+path, path)
		w.tell("%s was not listed: %v", path, err)
		w.stopped = !w.outcome.add(err)
		return
	}
	w.directory(ctx, path, append(slices.Clip(rel), name), at, listing)
}

// end stops the walk.
func (w *remoteSet) end(why error) {
	w.tell("%s stops here: %v", w.command, why)
	w.outcome.add(protocolError("walking through the directories of the server", "", why))
	w.stopped = true
}

func protocolError(op, name string, why error) error {
	return &session.Error{Op: op, Cause: session.ProtocolError, Class: session.ClassProtocol, Name: name, Err: why}
}

// kindName is what a name stands for, in messages.
func kindName(k session.EntryKind) string {
	switch k {
	case session.KindFile:
		return "a file"
	case session.KindDir:
		return "a directory"
	case session.KindLink:
		return "a link"
	}
	return "no file"
}

// tellIncomplete says what of a listing cannot be used, and counts it.
func (s *State) tellIncomplete(dir string, l session.Listing) int {
	if dir == "" {
		dir = "the current directory"
	}
	if l.Unknown > 0 {
		s.tell("%s in the listing of %s not understood%s", plural(l.Unknown, "line"), dir, samples(l.Samples))
	}
	if unsafe := l.Hostile - l.Undecodable; unsafe > 0 {
		s.tell("%s of %s left out as unsafe%s", plural(unsafe, "name"), dir, samples(l.HostileSamples))
	}
	if l.Undecodable > 0 {
		s.tell("%s of %s left out: not written as SETENCODING says%s", plural(l.Undecodable, "name"), dir, samples(l.HostileSamples))
	}
	return l.Unknown + l.Hostile
}

// samples shows a few texts of a server, each cut where it would drown the message.
func samples(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	shown := make([]string, len(texts))
	for i, text := range texts {
		shown[i] = quoted(text)
	}
	return ": " + strings.Join(shown, ", ")
}

// localSet is a walk over local files; its fields are those of remoteSet.
type localSet struct {
	state   *State
	choose  chooser
	pattern string
	subdirs bool
	exclude excluder
	quiet   bool
	from    int
	visit   func(path netio.LocalPath, rel []string, entry netio.LocalEntry) bool

	outcome *setOutcome
	matched int
	stopped bool
}

func (w *localSet) walk(dir netio.LocalPath) error {
	entries, err := w.state.files.List(dir)
	if err != nil {
		return err
	}
	w.choose = newChooser(w.pattern, w.state.files.FoldsCase(), func(name string) bool {
		return slices.ContainsFunc(entries, func(e netio.LocalEntry) bool { return e.Name == name })
	})
	w.directory(dir, nil, localPlace(dir), entries)
	return nil
}

// tell is State.tell but for quiet walks.
func (w *localSet) tell(format string, args ...any) {
	if !w.quiet {
		w.state.tell(format, args...)
	}
}

func (w *localSet) directory(dir netio.LocalPath, rel []string, at place, entries []netio.LocalEntry) {
	var below []string
	for _, e := range entries {
		if w.file(dir, rel, at, e); w.stopped {
			return
		}
		if w.subdirs && e.Kind == session.KindDir {
			below = append(below, e.Name)
		}
	}
	clear(entries)
	for _, name := range below {
		if w.descend(dir, rel, at, name); w.stopped {
			return
		}
	}
}

func (w *localSet) file(dir netio.LocalPath, rel []string, at place, e netio.LocalEntry) {
	if e.Kind == session.KindDir || !w.choose.chooses(e.Name) {
		return
	}
	path, err := w.state.files.Child(dir, e.Name)
	switch {
	case err != nil:
		w.leave(e.Name, err)
		return
	case e.Kind != session.KindFile:
		w.tell("Skipping (%s) %s", kindName(e.Kind), path)
		return
	case w.exclude.any() && w.exclude.covers(at.within(e.Name), w.from, false):
		w.state.tellVerbose("Skipping (excluded) %s", path)
		return
	}
	w.matched++
	w.stopped = !w.visit(path, rel, e)
}

func (w *localSet) descend(dir netio.LocalPath, rel []string, at place, name string) {
	path, err := w.state.files.Child(dir, name)
	if err != nil {
		w.leave(name, err)
		return
	}
	at = at.within(name)
	if w.exclude.covers(at, w.from, true) {
		w.state.tellVerbose("Skipping (excluded) %s", path)
		return
	}
	if len(rel) >= mostDepth {
		w.leave(path.String(), fmt.Errorf("the tree is deeper than %d directories", mostDepth))
		return
	}
	entries, err := w.state.files.List(path)
	if err != nil {
		w.tell("%s was not listed: %v", path, err)
		w.stopped = !w.outcome.add(err)
		return
	}
	w.directory(path, append(slices.Clip(rel), name), at, entries)
}

// leave counts a name that cannot be used.
func (w *localSet) leave(name string, why error) {
	w.tell("%s is left out: %v", name, why)
	w.outcome.left++
}
