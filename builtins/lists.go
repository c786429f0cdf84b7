package builtins

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

func listCommands() family {
	return family{"GETLIST": (*State).getList}
}

// listed is one name of a directory on either side.
type listed struct {
	name string
	base string // what wildcards match; "" is name
	time time.Time
}

// getList is GETLIST($list, what [, wildcard [, order]]).
func (s *State) getList(a *arguments) error {
	pattern := "" // all; a * could be a name on the other side
	if a.has(2) {
		pattern = a.text(2)
	}
	dirs := strings.HasSuffix(a.constant(1), "_DIRS")
	var found []listed
	var left int
	var err error
	switch what := a.constant(1); {
	case what == "DONE":
		found, left = s.listSettled(s.last.done, pattern)
	case what == "FAILED":
		found, left = s.listSettled(s.last.failed, pattern)
	case strings.HasPrefix(what, "LOCAL_"):
		found, err = s.listLocal(pattern, dirs)
	default:
		found, left, err = s.listRemote(a.ctx, pattern, dirs)
	}
	if err != nil {
		return err
	}
	sortListed(found, a.constant(3))
	var names []string
	for _, f := range found {
		if strings.ContainsAny(f.name, "|\x00\r\n") {
			s.tell("%s is left out: it holds a sign that would break the list", quoted(f.name))
			left++
			continue
		}
		names = append(names, f.name)
	}
	a.setOut(0, strings.Join(names, "|"))
	if left == 0 {
		return nil
	}
	return a.partly(&session.Error{
		Op: fmt.Sprintf("listed %s, %s left out", plural(len(names), "name"), plural(left, "name")), Cause: session.PartialSuccess, Class: session.ClassPermanent,
	})
}

// sortListed puts names in the order asked for; names of the same time are in
// the order of names, so that the result never depends on the server's order.
func sortListed(all []listed, order string) {
	slices.SortFunc(all, func(a, b listed) int {
		by := 0
		switch order {
		case "NEWEST":
			by = b.time.Compare(a.time)
		case "OLDEST":
			by = a.time.Compare(b.time)
		}
		if by == 0 {
			by = strings.Compare(a.name, b.name)
		}
		return by
	})
}

func (s *State) listRemote(ctx context.Context, pattern string, dirs bool) (found []listed, left int, err error) {
	listing, err := s.session.List(ctx, "")
	if err != nil {
		return nil, 0, err
	}
	left = s.tellIncomplete("", listing)
	choose := listChooser(pattern, false, func(name string) bool {
		return slices.ContainsFunc(listing.Entries, func(e session.Entry) bool { return e.Name == name })
	})
	seen := make(map[string]bool)
	for _, e := range listing.Entries {
		if s.listsKind(e.Kind, e.Name, dirs) && choose.chooses(e.Name) && !netio.IsPartName(e.Name) && !seen[e.Name] {
			seen[e.Name] = true
			found = append(found, listed{name: e.Name, time: e.Time})
		}
	}
	return found, left, nil
}

// listChooser is newChooser in which no pattern is every name.
func listChooser(pattern string, fold bool, exists func(string) bool) chooser {
	if pattern == "" {
		return newChooser("*", fold, func(string) bool { return false })
	}
	return newChooser(pattern, fold, exists)
}

func (s *State) listLocal(pattern string, dirs bool) ([]listed, error) {
	entries, err := s.files.List(s.here)
	if err != nil {
		return nil, err
	}
	choose := listChooser(pattern, s.files.FoldsCase(), func(name string) bool {
		return slices.ContainsFunc(entries, func(e netio.LocalEntry) bool { return e.Name == name })
	})
	var found []listed
	for _, e := range entries {
		if s.listsKind(e.Kind, e.Name, dirs) && choose.chooses(e.Name) {
			found = append(found, listed{name: e.Name, time: e.ModTime})
		}
	}
	return found, nil
}

// listSettled chooses among the files of the last set. left counts those of which
// nobody knows any more what became of them.
func (s *State) listSettled(files []listed, pattern string) (found []listed, left int) {
	choose := listChooser(pattern, false, func(name string) bool {
		return slices.ContainsFunc(files, func(f listed) bool { return f.base == name })
	})
	for _, f := range files {
		if choose.chooses(f.base) {
			found = append(found, f)
		}
	}
	if s.last.lost > 0 {
		s.tell("%s of the last set were not kept: it had more than %d", plural(s.last.lost, "name"), mostSettled)
	}
	return found, s.last.lost
}

// listsKind reports whether a list of files or of directories has the kind. A
// link is neither: nobody knows what it leads to.
func (s *State) listsKind(k session.EntryKind, name string, dirs bool) bool {
	if k == session.KindLink || k == session.KindOther {
		s.tellVerbose("%s is not listed: it is %s", name, kindName(k))
		return false
	}
	return (k == session.KindDir) == dirs
}
