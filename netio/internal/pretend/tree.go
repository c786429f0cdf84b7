package pretend

import (
	"maps"
	"slices"
)

// Tree is what lies over a tree of files that must not change: what would have come,
// gone or been moved. T is what is known of a file that is there in mind only. Places
// are given by their components from the root; none is the root itself. It is not safe
// for concurrent use.
type Tree[T any] struct{ root *node[T] }

// node is a place that differs from what is really there, or has such places below.
type node[T any] struct {
	gone bool
	file *T // a file that is there in mind only
	// base is the place that this one really is, with all that is not in below; bare says
	// that there is none: a directory that was made in mind.
	base  []string
	bare  bool
	below map[string]*node[T]
}

// Place is what a Tree knows of a place.
type Place[T any] struct {
	// Gone: there is nothing, whatever the real tree says.
	Gone bool
	// File is a file that is there in mind only; nil where it is a directory or real.
	File *T
	// Made: a directory that is there in mind only.
	Made bool
	// Base is where the real tree has what is here; Real says that it may have something.
	Base []string
	Real bool
}

// NewTree returns one over which nothing has changed.
func NewTree[T any]() *Tree[T] { return &Tree[T]{root: &node[T]{}} }

// Find tells what a place is.
func (t *Tree[T]) Find(parts []string) Place[T] {
	at := t.root
	for i, part := range parts {
		next := at.below[part]
		switch {
		case next != nil && (next.gone || next.file != nil && i+1 < len(parts)):
			return Place[T]{Gone: true}
		case next != nil:
			at = next
		case at.bare || at.file != nil:
			return Place[T]{Gone: true}
		default:
			return Place[T]{Real: true, Base: join(at.base, parts[i:])}
		}
	}
	switch {
	case at.file != nil:
		return Place[T]{File: at.file}
	case at.bare:
		return Place[T]{Made: true}
	}
	return Place[T]{Real: true, Base: at.base}
}

// Untouched reports whether nothing has changed on the way to a place and below it.
func (t *Tree[T]) Untouched(parts []string) bool {
	at := t.root
	for _, part := range parts {
		next := at.below[part]
		if next == nil {
			return !at.gone && !at.bare && at.file == nil && slices.Equal(at.base, parts[:len(at.base)])
		}
		at = next
	}
	return false
}

// Names tells how the names in a directory differ from those that its Base has: those
// that were put there, and those that are not there any more.
func (t *Tree[T]) Names(parts []string) (put, gone []string) {
	at := t.root
	for _, part := range parts {
		if at = at.below[part]; at == nil {
			return nil, nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(at.below)) {
		switch n := at.below[name]; {
		case n.gone:
			gone = append(gone, name)
		case n.file != nil, n.bare, !at.bare && !slices.Equal(n.base, join(at.base, []string{name})), at.bare:
			put = append(put, name)
		}
	}
	return put, gone
}

// PutFile makes a place a file. The directory must be there.
func (t *Tree[T]) PutFile(parts []string, file T) { t.set(parts, &node[T]{file: &file}) }

// PutDir makes a place an empty directory.
func (t *Tree[T]) PutDir(parts []string) { t.set(parts, &node[T]{bare: true}) }

// Remove takes away what is at a place.
func (t *Tree[T]) Remove(parts []string) { t.set(parts, &node[T]{gone: true}) }

// Move makes what is at from be at to, with all that is below.
func (t *Tree[T]) Move(from, to []string) {
	moved := *t.reach(from)
	moved.below = maps.Clone(moved.below)
	t.Remove(from)
	t.set(to, &moved)
}

func (t *Tree[T]) set(parts []string, n *node[T]) {
	parent := t.reach(parts[:len(parts)-1])
	if parent.below == nil {
		parent.below = make(map[string]*node[T])
	}
	parent.below[parts[len(parts)-1]] = n
}

// reach is the node of a place, which is made if nothing is known of it yet.
func (t *Tree[T]) reach(parts []string) *node[T] {
	at := t.root
	for _, part := range parts {
		next := at.below[part]
		if next == nil {
			next = &node[T]{base: join(at.base, []string{part}), bare: at.bare}
			if at.below == nil {
				at.below = make(map[string]*node[T])
			}
			at.below[part] = next
		}
		at = next
	}
	return at
}

func join(a, b []string) []string { return append(slices.Clip(slices.Clone(a)), b...) }
