package engine

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/sftpc/sftpc/netio/session"
)

// Names that differ in case only. Whether a target takes them for one depends on its
// file system, not on its system: a server's, a stick's, a folder's of a Mac. It is
// found out where there are such names, and nowhere else: a second one would replace
// the first without a word, and what was just brought over would be deleted for an
// orphan under its other spelling.

// Answer is what a target says when it is asked.
type Answer uint8

const (
	No Answer = iota
	Yes
	Untold // it cannot be found out
)

// twins are the names of a directory that differ from another one in case only.
type twins struct {
	fold bool // the target takes them for one
	// first is, by the folded name, the one of several names of the source that the
	// target has by now; "" while it has none.
	first map[string]string
	// kept are folded names of the target of which it is not known whether they are
	// names of the source.
	kept map[string]bool
}

// mostAsked bounds the names by which it is found out what a directory does.
const mostAsked = 3

// twins looks for them. Where all names are the same on both sides it costs nothing.
func (w *walk) twins(ctx context.Context, d *pair, from, there []session.Entry) (t twins) {
	if w.FoldTarget || w.Alias == nil {
		return t
	}
	lacking := make(map[string]session.Entry)
	for _, e := range from {
		if hasName(there, e.Name) {
			continue
		}
		key := folded(e.Name)
		if _, other := lacking[key]; other {
			t.note(key, "")
		}
		if before, other := lacking[key]; !other || before.Kind == session.KindLink {
			lacking[key] = e
		}
	}
	if len(lacking) == 0 {
		return t
	}
	var met []session.Entry
	for _, e := range there {
		// Links are neither brought over nor deleted.
		if source, other := lacking[folded(e.Name)]; other && (source.Kind != session.KindLink || e.Kind != session.KindLink) {
			met = append(met, e)
		}
	}
	if len(met) == 0 {
		return t
	}
	switch w.folds(ctx, d, there, met, lacking) {
	case Yes:
		return twins{fold: true}
	case No:
		return twins{}
	}
	// What may be a name of the source is no orphan, and nothing is brought over onto
	// what may be another file.
	w.unsure = true
	t.kept = make(map[string]bool)
	for _, e := range met {
		t.kept[folded(e.Name)] = true
		if hasName(from, e.Name) {
			t.note(folded(e.Name), e.Name)
		}
	}
	return t
}

// folds finds out whether a directory of the target takes names that differ in case for
// one: what holds for one of them holds for all. Files are asked for first, since most
// can be told of those; a link that leads nowhere tells nothing.
func (w *walk) folds(ctx context.Context, d *pair, there, met []session.Entry, lacking map[string]session.Entry) Answer {
	spelt := make(map[string]bool, len(there))
	for _, e := range there {
		if key := folded(e.Name); spelt[key] {
			return No // it has both
		} else {
			spelt[key] = true
		}
	}
	for _, kind := range []session.EntryKind{session.KindFile, session.KindDir} {
		asked := 0
		for _, e := range there {
			other := swapped(e.Name)
			if e.Kind != kind || other == e.Name || asked == mostAsked {
				continue
			}
			if answer := w.Alias(ctx, d.path, other, e); answer != Untold {
				return answer
			}
			asked++
		}
	}
	for _, e := range met[:min(len(met), mostAsked)] {
		if answer := w.Alias(ctx, d.path, lacking[folded(e.Name)].Name, e); answer != Untold {
			return answer
		}
	}
	if d.parent != nil && d.parent.there {
		base := d.name
		base.Name = d.path[len(d.path)-len(base.Name):]
		if other := swapped(base.Name); base.Name != "" && other != base.Name {
			return w.Alias(ctx, d.parent.path, other, base)
		}
	}
	return Untold
}

func (t *twins) note(key, name string) {
	if t.first == nil {
		t.first = make(map[string]string)
	}
	t.first[key] = name
}

// awaited reports whether another spelling of the name is to be looked for when this
// one has been brought over.
func (t *twins) awaited(name string) bool {
	first, met := t.first[folded(name)]
	return met && first == ""
}

// came notes that a name was brought over that was awaited.
func (t *twins) came(name string) { t.note(folded(name), name) }

// lost reports whether a name that the target lacked is there by now, as that of
// another file of this directory, which was just brought over.
func (t *twins) lost(ctx context.Context, w *walk, d *pair, e session.Entry) bool {
	first := t.first[folded(e.Name)]
	if first == "" || first == e.Name {
		return false
	}
	w.hands.Settle(ctx) // it must be there to be asked for
	known := e
	known.Name = first
	return w.Alias(ctx, d.path, e.Name, known) != No
}

// spare leaves out of orphans what may be names of the source.
func (t *twins) spare(orphans []session.Entry) []session.Entry {
	if len(t.kept) == 0 {
		return orphans
	}
	return slices.DeleteFunc(orphans, func(e session.Entry) bool { return t.kept[folded(e.Name)] })
}

func folded(name string) string { return strings.ToLower(name) }

// swapped is a name with its letters in the other case.
func swapped(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, name)
}

// hasName looks a name up in entries that are in the order of names.
func hasName(entries []session.Entry, name string) bool {
	_, found := slices.BinarySearchFunc(entries, name, func(e session.Entry, name string) int { return strings.Compare(e.Name, name) })
	return found
}
