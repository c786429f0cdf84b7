package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

// Bounds against trees that a hostile or broken server makes up: a directory that
// holds itself has no end.
const (
	mostDepth       = 256
	mostDirectories = 100_000
	longestPath     = 8 << 10 // bytes
)

// Options say what is to be brought from where to where.
type Options struct {
	Source, Target Tree
	Compare        *Comparer
	// Subdirs walks down; otherwise directories are not looked at.
	Subdirs bool
	// Chosen says which files are meant, by name; nil is all. Files that are not meant
	// are neither transferred nor deleted. Where it is nil, directories are made even if
	// no file goes into them.
	Chosen func(name string) bool
	// Excluded says what is left alone on both sides: a file, or a directory with all
	// that is in it. nil is nothing.
	Excluded func(path string, dir bool) bool
	// Protected is what is left alone of the target besides: it is not deleted.
	Protected func(path string, dir bool) bool
	// Usable says why the target cannot have a name; nil is that it can have all.
	Usable func(name string) error
	// FoldTarget says that the target takes names that differ in case only for one.
	FoldTarget bool
	// Alias asks a target of which that is not known whether name, which its listing of
	// dir does not show, is another spelling of known, which it has. It is asked only
	// where two names differ in case only; nil is that no target folds names.
	Alias func(ctx context.Context, dir, name string, known session.Entry) Answer
	// Ahead is how many directories may be read before their turn, from 0.
	Ahead int

	// Delete deletes what the source lacks.
	Delete bool
	// Anyway deletes although the source holds no file, or was not understood whole.
	Anyway bool
	// Most is how many files and directories may be deleted; 0 is any number. Where
	// there are more, none is.
	Most int
}

// Report says what came of it.
type Report struct {
	Files   int  // of the source, those that were meant
	Stopped bool // Hands wanted no further step
	// Kept is why orphans were not deleted; KeptNot where there was no reason, or there
	// were none.
	Kept    Kept
	Orphans int // at least so many; all of them if nothing kept them
	Deleted int
}

// walk is one run of Sync.
type walk struct {
	Options
	hands       Hands
	report      Report
	stack       []*pair // to be visited; the last is next
	directories int
	orphans     []Orphan
	unsure      bool // a listing was not understood whole
	broken      bool // something that was meant could not be done or looked at
}

// pair is a directory of both sides.
type pair struct {
	path   string
	depth  int
	parent *pair
	there  bool // the target has it
	// name is that of the source, and twins those that it may be one of.
	name  session.Entry
	twins *twins

	source, target func() (session.Listing, error)
}

// Sync makes the target what the source is. The error is that one of the two tops
// could not be read, or that ctx ended; what failed below was told to Hands.
func Sync(ctx context.Context, o Options, h Hands) (Report, error) {
	w := &walk{Options: o, hands: h}
	top := &pair{there: true}
	w.begin(ctx, top)
	if err := w.visit(ctx, top); err != nil {
		h.Settle(ctx)
		return w.report, err
	}
	for len(w.stack) > 0 && !w.report.Stopped && ctx.Err() == nil {
		next := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		w.begin(ctx, next)
		for i := len(w.stack) - 1; i >= 0 && i >= len(w.stack)-w.Ahead; i-- {
			w.begin(ctx, w.stack[i])
		}
		if err := w.visit(ctx, next); err != nil {
			w.fail(next.path, err)
		}
	}
	whole := h.Settle(ctx) && !w.broken
	if ctx.Err() != nil {
		return w.report, context.Cause(ctx)
	}
	if o.Delete && !w.report.Stopped {
		w.deleteOrphans(ctx, whole)
	}
	return w.report, nil
}

func (w *walk) fail(path string, err error) {
	w.broken = true
	if !w.hands.Fail(path, err) {
		w.report.Stopped = true
	}
}

// begin starts the listings of a pair.
func (w *walk) begin(ctx context.Context, d *pair) {
	if d.source == nil {
		d.source = w.Source.List(ctx, d.path)
		if d.there {
			d.target = w.Target.List(ctx, d.path)
		}
	}
}

// visit reads both directories, decides of what is in them, and puts those below on
// the stack.
func (w *walk) visit(ctx context.Context, d *pair) error {
	w.directories++
	source, err := d.source()
	var target session.Listing
	if d.there {
		// It is waited for in any case: it may have been begun.
		var other error
		if target, other = d.target(); err == nil {
			err = other
		}
	}
	if err != nil {
		return err
	}
	d.source, d.target = nil, nil
	w.unsure = w.unsure || incomplete(source) || incomplete(target)
	from, there := w.sorted(source), w.sorted(target)
	twins := w.twins(ctx, d, from, there)
	to := newIndex(there, w.FoldTarget || twins.fold)
	var below []*pair
	for _, e := range from {
		at, found := to.take(e.Name)
		switch {
		case found == isFound && at.Name != e.Name && hasName(from, at.Name):
			found = isTaken // the one that is spelt alike has it
			to.giveBack(e.Name)
		case found == isMissing && twins.lost(ctx, w, d, e):
			found = isTaken
		}
		came := false
		if e.Kind == session.KindDir {
			if down := w.directory(ctx, d, e, at, found); down != nil {
				below = append(below, down)
				came = down.there
				down.name, down.twins = e, &twins
			}
		} else {
			came = w.file(ctx, d, e, at, found)
		}
		if came && twins.awaited(e.Name) {
			twins.came(e.Name)
		}
		if w.report.Stopped || ctx.Err() != nil {
			return nil
		}
	}
	w.collect(d, twins.spare(to.rest()))
	slices.Reverse(below)
	w.stack = append(w.stack, below...)
	return nil
}

// incomplete reports whether names may be in the directory that the listing does not
// show.
func incomplete(l session.Listing) bool { return l.Unknown > 0 || l.Hostile > 0 }

// sorted are the entries in the order of names, each once, without unfinished files.
func (w *walk) sorted(l session.Listing) []session.Entry {
	entries := slices.DeleteFunc(l.Entries, func(e session.Entry) bool { return names.IsPart(e.Name) })
	slices.SortStableFunc(entries, func(a, b session.Entry) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(entries, func(a, b session.Entry) bool { return a.Name == b.Name })
}

// directory decides of a directory of the source, and returns it if it is to be
// visited.
func (w *walk) directory(ctx context.Context, d *pair, e, at session.Entry, found match) *pair {
	if !w.Subdirs {
		return nil
	}
	path := join(d.path, e.Name)
	step := Step{Path: path, Source: e, Target: at, HasTarget: found != isMissing}
	switch {
	case w.excluded(path, true):
		step.Why = IsExcluded
		w.hands.Pass(step)
		return nil
	case found == isTaken:
		w.leave(step, NameTaken)
		return nil
	case found == isFound && at.Kind != session.KindDir:
		w.leave(step, TargetNoFile)
		return nil
	case found == isMissing && w.Usable != nil && w.Usable(e.Name) != nil:
		w.leave(step, NotUsableName)
		return nil
	case d.depth >= mostDepth, len(path) > longestPath:
		w.fail(path, tooMuch("the tree is deeper than %d directories", mostDepth))
		return nil
	case w.directories+len(w.stack) >= mostDirectories:
		w.fail(path, tooMuch("the tree has more than %d directories", mostDirectories))
		w.report.Stopped = true
		return nil
	}
	down := &pair{path: path, depth: d.depth + 1, parent: d, there: found == isFound}
	if !down.there && w.Chosen == nil && !w.make(ctx, down) {
		return nil
	}
	return down
}

func tooMuch(format string, limit int) error {
	return &session.Error{Op: "walking through the directories", Cause: session.ProtocolError, Class: session.ClassProtocol, Err: fmt.Errorf(format, limit)}
}

// make makes a directory of the target, and those above it that are missing.
func (w *walk) make(ctx context.Context, d *pair) bool {
	if d.there {
		return true
	}
	if !w.make(ctx, d.parent) {
		return false
	}
	if d.twins != nil && d.twins.lost(ctx, w, d.parent, d.name) {
		w.leave(Step{Path: d.path, Source: d.name}, NameTaken)
		return false
	}
	if d.there = w.hands.MakeDir(ctx, d.path); !d.there {
		w.broken = true
	} else if d.twins != nil && d.twins.awaited(d.name.Name) {
		d.twins.came(d.name.Name)
	}
	return d.there
}

// file decides of anything else of the source, and reports whether it was begun to be
// brought over.
func (w *walk) file(ctx context.Context, d *pair, e, at session.Entry, found match) (begun bool) {
	if w.Chosen != nil && !w.Chosen(e.Name) {
		return false
	}
	step := Step{Path: join(d.path, e.Name), Source: e, Target: at, HasTarget: found == isFound}
	switch {
	case w.excluded(step.Path, false):
		step.Why = IsExcluded
		w.hands.Pass(step)
		return false
	case e.Kind != session.KindFile:
		step.Why = NoFile
		w.hands.Pass(step)
		return false
	}
	w.report.Files++
	switch {
	case found == isTaken:
		w.leave(step, NameTaken)
		return false
	case found == isFound && at.Kind != session.KindFile:
		w.leave(step, TargetNoFile)
		return false
	case found == isFound:
		step.Why = w.Compare.Compare(step.Path, e, at)
	case w.Usable != nil && w.Usable(e.Name) != nil:
		w.leave(step, NotUsableName)
		return false
	}
	if !step.Why.Transfers() {
		w.hands.Pass(step)
		return false
	}
	if !w.make(ctx, d) {
		w.report.Stopped = w.report.Stopped || ctx.Err() != nil
		return false
	}
	if !w.hands.Transfer(ctx, step) {
		w.report.Stopped = true
	}
	return true
}

// leave passes over what should have gone and cannot.
func (w *walk) leave(s Step, why Reason) {
	s.Why = why
	w.broken = true
	w.hands.Pass(s)
}

func (w *walk) excluded(path string, dir bool) bool {
	return w.Excluded != nil && w.Excluded(path, dir)
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// match is what an index has of a name.
type match uint8

const (
	isMissing match = iota
	isFound
	isTaken // by another name of the source
)

// index finds entries of the target by names of the source.
type index struct {
	entries []session.Entry
	places  map[string]int
	fold    bool
	asked   map[string]bool
}

func newIndex(entries []session.Entry, fold bool) *index {
	x := &index{entries: entries, fold: fold, places: make(map[string]int, len(entries)), asked: make(map[string]bool)}
	for i, e := range entries {
		x.places[x.key(e.Name)] = i
	}
	return x
}

func (x *index) key(name string) string {
	if x.fold {
		return folded(name)
	}
	return name
}

// take finds what a name of the source stands for in the target. Each is found once.
func (x *index) take(name string) (session.Entry, match) {
	key := x.key(name)
	if x.asked[key] {
		return session.Entry{}, isTaken
	}
	x.asked[key] = true
	if i, found := x.places[key]; found {
		return x.entries[i], isFound
	}
	return session.Entry{}, isMissing
}

// giveBack undoes the newest take of a name.
func (x *index) giveBack(name string) { delete(x.asked, x.key(name)) }

// rest are the entries that were not taken.
func (x *index) rest() []session.Entry {
	var rest []session.Entry
	for _, e := range x.entries {
		if !x.asked[x.key(e.Name)] {
			rest = append(rest, e)
		}
	}
	return rest
}
