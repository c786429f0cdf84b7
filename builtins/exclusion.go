package builtins

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sftpc/sftpc/netio"
)

// place is a file or directory by its components from the root of its tree, so
// that exclusions compare components and not texts: a backslash in the name of a
// file on Unix is no separator.
type place struct {
	volume string // of a local path: "C:", `\\server\share`, in lower case; else ""
	parts  []string
}

// within is the place of name in the directory. It shares no memory with p.
func (p place) within(name string) place {
	parts := make([]string, len(p.parts), len(p.parts)+1)
	copy(parts, p.parts)
	return place{p.volume, append(parts, name)}
}

// localPlace is the place of a local path.
func localPlace(path netio.LocalPath) place {
	var parts []string
	for path.Name() != "" {
		parts = append(parts, path.Name())
		path = path.Parent()
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	volume, _ := cutVolume(path.String())
	return place{volume, parts}
}

// remotePlace is the place of a path on the server that begins at the root.
func remotePlace(path string) place {
	var p place
	for part := range strings.SplitSeq(path, "/") {
		switch part {
		case "", ".":
		case "..":
			if len(p.parts) > 0 {
				p.parts = p.parts[:len(p.parts)-1]
			}
		default:
			p.parts = append(p.parts, part)
		}
	}
	return p
}

// cutVolume takes the drive or share off a local path that a script wrote or
// that localfs shows.
func cutVolume(path string) (volume, rest string) {
	if len(path) >= 2 && path[1] == ':' {
		return strings.ToLower(path[:2]), path[2:]
	}
	if len(path) < 3 || !isSeparator(path[0]) || !isSeparator(path[1]) || isSeparator(path[2]) {
		return "", path
	}
	server := path[2:]
	end := strings.IndexAny(server, `/\`)
	if end < 0 {
		return `\\` + strings.ToLower(server), ""
	}
	share := server[end+1:]
	rest = ""
	if next := strings.IndexAny(share, `/\`); next >= 0 {
		share, rest = share[:next], share[next:]
	}
	return `\\` + strings.ToLower(server[:end]+`\`+share), rest
}

func isSeparator(b byte) bool { return b == '/' || b == '\\' }

// exclusion is one pattern of ADDEXCLUSION, taken apart.
type exclusion struct {
	// parts are the patterns of the components: one for a bare name, which
	// applies anywhere; all from the root for a full path, which applies there.
	parts     []string
	full      bool
	volume    string // as place.volume
	directory bool   // written with a separator at its end
	literal   bool   // parts are names, not patterns
}

// parseExclusion reads a pattern of the side. `/` and `\` separate in local ones,
// only `/` in remote ones; either at the end means a directory.
func parseExclusion(of side, pattern string) (exclusion, error) {
	fail := func(why string) (exclusion, error) {
		return exclusion{}, badArgument(fmt.Sprintf("the exclusion %s %s", quoted(pattern), why))
	}
	separators := "/"
	if of == localSide {
		separators = `/\`
	}
	if strings.ContainsAny(pattern, "\r\n\x00") {
		return fail("holds a line end or NUL, which no name has")
	}
	var e exclusion
	rest := strings.TrimRight(pattern, `/\`)
	e.directory = rest != pattern
	if of == localSide {
		e.volume, rest = cutVolume(rest)
	}
	if strings.Trim(rest, separators) == "" {
		return fail("names no file or directory; to transfer nothing, call nothing")
	}
	e.full = strings.ContainsAny(rest[:1], separators)
	if !e.full && (e.volume != "" || strings.ContainsAny(rest, separators)) {
		return fail("is neither a bare name nor a full path from the root, so it would never apply")
	}
	for part := range strings.FieldsFuncSeq(rest, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		switch part {
		case ".":
		case "..":
			return fail(`holds "..", which no full path needs`)
		default:
			e.parts = append(e.parts, part)
		}
	}
	if len(e.parts) == 0 {
		return fail("names no file or directory")
	}
	return e, nil
}

// covers reports whether the exclusion keeps p out. The first from components of
// p are the directory that the command works in, which a bare name does not
// concern: it was not found there but chosen.
func (e exclusion) covers(p place, from int, directory, fold bool) bool {
	last := len(p.parts) - 1
	switch {
	case e.full && e.volume != p.volume:
		return false
	case e.full:
		n := len(e.parts)
		if n > len(p.parts) || !e.directory && (directory || n != len(p.parts)) || e.directory && n == len(p.parts) && !directory {
			return false
		}
		for i, part := range e.parts {
			if e.literal && part != p.parts[i] || !e.literal && !netio.Match(part, p.parts[i], fold) {
				return false
			}
		}
		return true
	case e.directory:
		for i := from; i <= last; i++ {
			if (i < last || directory) && netio.Match(e.parts[0], p.parts[i], fold) {
				return true
			}
		}
		return false
	}
	return !directory && last >= 0 && netio.Match(e.parts[0], p.parts[last], fold)
}

// excluder holds the exclusions of one side for one command.
type excluder struct {
	list []exclusion
	fold bool // local names on Windows match in any case
}

// newExcluder reads patterns that ADDEXCLUSION accepted.
func newExcluder(of side, patterns []string, fold bool) (excluder, error) {
	x := excluder{fold: fold}
	for _, pattern := range patterns {
		e, err := parseExclusion(of, pattern)
		if err != nil {
			return x, err
		}
		x.list = append(x.list, e)
	}
	return x, nil
}

// addFolder excludes the directory p, if it lies below the directory at.
func (x *excluder) addFolder(p, at place) {
	if p.volume == at.volume && len(p.parts) > len(at.parts) && slices.Equal(p.parts[:len(at.parts)], at.parts) {
		x.list = append(x.list, exclusion{parts: p.parts, volume: p.volume, full: true, directory: true, literal: true})
	}
}

// needsPlaces reports whether any pattern is a full path, so that places must
// begin at the root.
func (x excluder) needsPlaces() bool {
	for _, e := range x.list {
		if e.full {
			return true
		}
	}
	return false
}

// any reports whether there is anything to compare with.
func (x excluder) any() bool { return len(x.list) > 0 }

func (x excluder) covers(p place, from int, directory bool) bool {
	for _, e := range x.list {
		if e.covers(p, from, directory, x.fold) {
			return true
		}
	}
	return false
}

// addExclusion is ADDEXCLUSION(side, pattern).
func (s *State) addExclusion(a *arguments) error {
	list, of := &s.exclusions.local, localSide
	if a.constant(0) == "REMOTE" {
		list, of = &s.exclusions.remote, remoteSide
	}
	if _, err := parseExclusion(of, a.text(1)); err != nil {
		return err
	}
	if len(*list) >= mostExclusions {
		return badArgument(fmt.Sprintf("more than %d exclusions of one side", mostExclusions))
	}
	*list = append(*list, a.text(1))
	return nil
}

// mostExclusions bounds what a script that adds in a loop makes every file be
// compared with.
const mostExclusions = 10000

// clearExclusion is CLEAREXCLUSION([side]).
func (s *State) clearExclusion(a *arguments) error {
	if a.constant(0) != "REMOTE" {
		s.exclusions.local = nil
	}
	if a.constant(0) != "LOCAL" {
		s.exclusions.remote = nil
	}
	return nil
}
