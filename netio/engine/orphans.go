package engine

import (
	"context"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

// Kept is why nothing was deleted although there were orphans.
type Kept uint8

const (
	KeptNot      Kept = iota
	KeptFailed        // something could not be transferred, read or compared
	KeptUnsure        // a listing was not understood whole
	KeptEmpty         // the source has no file that is meant
	KeptTooMany       // there are more than Options.Most
	KeptUnlisted      // a directory that was to be deleted could not be read whole
)

// collect notes what the source lacks of a directory. Links and what is no file are
// never ours: nothing of what they stand for was transferred.
func (w *walk) collect(d *pair, rest []session.Entry) {
	if !w.Delete {
		return
	}
	for _, e := range rest {
		path := join(d.path, e.Name)
		switch {
		case e.Kind == session.KindDir && w.Subdirs && !w.kept(path, true):
			w.orphans = append(w.orphans, Orphan{path, true})
		case e.Kind == session.KindFile && (w.Chosen == nil || w.Chosen(e.Name)) && !w.kept(path, false):
			w.orphans = append(w.orphans, Orphan{path, false})
		}
	}
}

// deleteOrphans deletes, unless a brake holds it: what is asked before the first
// deletion is whether all that should be there was seen, and how many go.
func (w *walk) deleteOrphans(ctx context.Context, whole bool) {
	if len(w.orphans) == 0 {
		return
	}
	w.report.Orphans = len(w.orphans)
	switch {
	case !whole:
		w.report.Kept = KeptFailed
	case w.unsure && !w.Anyway:
		w.report.Kept = KeptUnsure
	case w.report.Files == 0 && !w.Anyway:
		w.report.Kept = KeptEmpty
	}
	if w.report.Kept != KeptNot {
		return
	}
	// In the order in which they go: what is in a directory, then the directory.
	var all []Orphan
	for _, o := range w.orphans {
		if !o.Dir {
			all = append(all, o)
			continue
		}
		var ok bool
		if all, _, ok = w.expand(ctx, o.Path, 0, all); !ok {
			w.report.Kept = KeptUnlisted
			return
		}
		if w.Most > 0 && len(all) > w.Most {
			break // no need to read further
		}
	}
	w.report.Orphans = len(all)
	if w.Most > 0 && len(all) > w.Most {
		w.report.Kept = KeptTooMany
		return
	}
	// stay are the directories in which something was not deleted.
	stay := make(map[string]bool)
	for _, o := range all {
		if ctx.Err() != nil {
			return
		}
		if o.Dir && stay[o.Path] {
			stay[parentOf(o.Path)] = true
			continue
		}
		if w.hands.Remove(ctx, o) {
			w.report.Deleted++
		} else {
			stay[parentOf(o.Path)] = true
		}
	}
}

// expand adds what is in an orphan directory, and the directory itself if all of that
// goes. ok is false where it could not be read whole.
func (w *walk) expand(ctx context.Context, dir string, depth int, all []Orphan) (_ []Orphan, empty, ok bool) {
	if w.directories++; depth > mostDepth || w.directories > mostDirectories {
		w.hands.Fail(dir, tooMuch("the tree has more than %d directories, or is too deep", mostDirectories))
		return all, false, false
	}
	listing, err := w.Target.List(ctx, dir)()
	switch {
	case err != nil:
		w.hands.Fail(dir, err)
		return all, false, false
	case incomplete(listing) && !w.Anyway:
		return all, false, false
	}
	empty = !incomplete(listing)
	for _, e := range listing.Entries {
		if names.IsPart(e.Name) {
			empty = false
		}
	}
	for _, e := range w.sorted(listing) {
		path := join(dir, e.Name)
		switch {
		case e.Kind == session.KindDir && !w.kept(path, true):
			var gone bool
			if all, gone, ok = w.expand(ctx, path, depth+1, all); !ok {
				return all, false, false
			}
			empty = empty && gone
		case e.Kind == session.KindFile && (w.Chosen == nil || w.Chosen(e.Name)) && !w.kept(path, false):
			all = append(all, Orphan{path, false})
		default:
			empty = false
		}
		if w.Most > 0 && len(all) > w.Most {
			return all, false, true
		}
	}
	if empty {
		all = append(all, Orphan{dir, true})
	}
	return all, empty, true
}

func parentOf(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:i]
		}
	}
	return ""
}

// kept reports whether a name of the target is none of ours although the source lacks
// it.
func (w *walk) kept(path string, dir bool) bool {
	return w.excluded(path, dir) || w.Protected != nil && w.Protected(path, dir)
}
