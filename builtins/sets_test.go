package builtins

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

func TestSplitAndJoinRemote(t *testing.T) {
	for _, c := range []struct{ name, dir, last string }{
		{"a", "", "a"}, {"/a", "/", "a"}, {"//a", "/", "a"}, {"a/b", "a", "b"}, {"/a/b", "/a", "b"}, {"a//b", "a", "b"}, {"a/", "a", ""}, {"/", "/", ""},
	} {
		if dir, last := splitRemote(c.name); dir != c.dir || last != c.last {
			t.Errorf("%q is %q and %q, want %q and %q", c.name, dir, last, c.dir, c.last)
		}
	}
	for _, c := range []struct{ dir, name, want string }{{"", "a", "a"}, {"/", "a", "/a"}, {"a", "b", "a/b"}, {"/a", "b", "/a/b"}} {
		if got := joinRemote(c.dir, c.name); got != c.want {
			t.Errorf("%q in %q is %q, want %q", c.name, c.dir, got, c.want)
		}
	}
}

// planted is a session whose directories are a map: "dir/file" to nothing.
type planted struct {
	session.Session
	files []string
	lists int
}

func (p *planted) List(_ context.Context, dir string) (session.Listing, error) {
	p.lists++
	var l session.Listing
	seen := make(map[string]bool)
	for _, file := range p.files {
		rest, below := strings.CutPrefix(file, dir+"/")
		if dir == "" {
			rest, below = file, true
		}
		if !below {
			continue
		}
		name, _, isDir := strings.Cut(rest, "/")
		if seen[name] {
			continue
		}
		seen[name] = true
		kind := session.KindFile
		if isDir {
			kind = session.KindDir
		}
		l.Entries = append(l.Entries, session.Entry{Name: name, Kind: kind, Size: 1})
	}
	return l, nil
}

// names are short and of few letters, so that patterns match now and then.
func drawName(t *rapid.T) string {
	return rapid.StringMatching(`[ab.*]{1,3}`).Filter(func(s string) bool { return s != "." && s != ".." }).Draw(t, "name")
}

// The walk finds what a plain search through all paths finds: each file once, the
// files of a directory before those below, all in the order of names.
func TestWalkFindsWhatASearchFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := make(map[string]bool) // paths; true for directories
		for range rapid.IntRange(0, 12).Draw(t, "files") {
			path := ""
			for depth := rapid.IntRange(0, 3).Draw(t, "depth"); depth > 0; depth-- {
				if path = joinRemote(path, drawName(t)); tree[path] || !hasKey(tree, path) {
					tree[path] = true
				} else {
					path = ""
				}
			}
			if path = joinRemote(path, drawName(t)); !hasKey(tree, path) {
				tree[path] = false
			}
		}
		pattern := rapid.StringMatching(`[ab.*?]{1,3}`).Draw(t, "pattern")
		subdirs := rapid.Bool().Draw(t, "subdirs")
		excluded := rapid.SliceOfN(rapid.StringMatching(`[ab.*]{1,2}/?`), 0, 2).Draw(t, "exclusions")

		exclude, err := newExcluder(remoteSide, excluded, false)
		if err != nil {
			t.Skip("a pattern that is refused")
		}
		var files []string
		for path, dir := range tree {
			if !dir {
				files = append(files, path)
			}
		}
		var want []string
		literal := slices.Contains(files, pattern) || isDirOf(files, pattern)
		for _, path := range files {
			dir, name := splitRemote(path)
			matches := name == pattern || !literal && netio.Match(pattern, name, false)
			if matches && (subdirs || dir == "") && !exclude.covers(remotePlace(path), 0, false) {
				want = append(want, path)
			}
		}
		slices.SortFunc(want, byWalk)

		s := &State{session: &planted{files: files}}
		s.voice.state, s.args.state = s, s
		var got []string
		w := &remoteSet{state: s, pattern: pattern, subdirs: subdirs, exclude: exclude, outcome: &setOutcome{},
			visit: func(dir string, rel []string, e session.Entry) bool {
				if path := joinRemote(dir, e.Name); path != joinRemote(strings.Join(rel, "/"), e.Name) {
					t.Fatalf("%s is said to lie in %q", path, rel)
				} else {
					got = append(got, path)
				}
				return true
			}}
		if err := w.walk(context.Background(), "", place{}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("found %q, want %q", got, want)
		}
	})
}

func hasKey(m map[string]bool, key string) bool {
	_, ok := m[key]
	return ok
}

// isDirOf reports whether the first component of some path is name.
func isDirOf(files []string, name string) bool {
	return slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(f, name+"/") })
}

// byWalk orders paths as a walk does: what lies in a directory goes before what
// lies below it.
func byWalk(a, b string) int {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i := 0; i < len(as) && i < len(bs); i++ {
		aFile, bFile := i == len(as)-1, i == len(bs)-1
		if aFile != bFile {
			if aFile {
				return -1
			}
			return 1
		}
		if c := strings.Compare(as[i], bs[i]); c != 0 {
			return c
		}
	}
	return 0
}

func TestWalkStopsInTreesOfManyDirectories(t *testing.T) {
	// Each directory to a depth of 20 holds two: a million listings without a limit.
	s := &State{session: doubling{}}
	s.voice.state, s.args.state = s, s
	o := &setOutcome{}
	w := &remoteSet{state: s, command: "GETFILE", pattern: "*", subdirs: true, outcome: o,
		visit: func(string, []string, session.Entry) bool { return true }}
	if err := w.walk(context.Background(), "", place{}); err != nil {
		t.Fatal(err)
	}
	if w.directories > mostDirectories || session.CauseOf(o.err("downloaded")) != session.ProtocolError {
		t.Errorf("%d directories, %v", w.directories, o.err("downloaded"))
	}
}

type doubling struct{ session.Session }

func (doubling) List(_ context.Context, dir string) (session.Listing, error) {
	if strings.Count(dir, "/") > 20 {
		return session.Listing{}, nil
	}
	return session.Listing{Entries: []session.Entry{{Name: "a", Kind: session.KindDir}, {Name: "b", Kind: session.KindDir}}}, nil
}

func TestSetOutcome(t *testing.T) {
	fail := func(c session.Cause) error { return &session.Error{Op: "trying", Cause: c} }
	cases := []struct {
		name  string
		files []error
		left  int
		want  session.Cause
		tried int
	}{
		{"nothing", nil, 0, session.CauseNone, 0},
		{"all well", []error{nil, nil}, 0, session.CauseNone, 2},
		{"some", []error{nil, fail(session.NoRemotePermission), nil}, 0, session.PartialSuccess, 3},
		{"none", []error{fail(session.NoRemotePermission), fail(session.RemoteBusy)}, 0, session.NoRemotePermission, 2},
		{"names left out", []error{nil}, 1, session.PartialSuccess, 1},
		{"only names left out", nil, 1, session.PartialSuccess, 0},
		{"cut short", []error{nil, fail(session.ConnectionLost), nil}, 0, session.ConnectionLost, 2},
		{"a firewall", slices.Repeat([]error{fail(session.PassiveDataFailed)}, 9), 0, session.PassiveDataFailed, 3},
		{"a firewall now and then", []error{fail(session.DataTimeout), nil, fail(session.DataTimeout), nil, fail(session.DataTimeout), nil}, 0, session.PartialSuccess, 6},
	}
	for _, c := range cases {
		var o setOutcome
		o.left = c.left
		tried := 0
		for _, err := range c.files {
			tried++
			if !o.add(err) {
				break
			}
		}
		if got := session.CauseOf(o.err("moved")); got != c.want || tried != c.tried {
			t.Errorf("%s: %v after %d files, want %v after %d", c.name, o.err("moved"), tried, c.want, c.tried)
		}
	}
}

// What a script writes as a host is never shown with a password, and whatever is
// taken can be written again.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"h", "h:21", "[::1]:21", "ftp://u:p@h:21/d%20e", "ftp://h//d", "::1", "ftp://%", "ftp://u:p%40@[fe80::1%25eth0]/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		got, err := parseTarget(written)
		if err != nil {
			return
		}
		if got.host == "" || got.port < 0 || got.port > 65535 || strings.ContainsAny(got.user+got.password+got.dir, "\r\n\x00") {
			t.Errorf("%q is taken as %+v", written, got)
		}
		if got.protocol == "" && got.port != 0 {
			again, err := parseTarget(fmt.Sprintf("%s:%d", bracketed(got.host), got.port))
			if err != nil || again.host != got.host || again.port != got.port {
				t.Errorf("%q is %+v, and again %+v, %v", written, got, again, err)
			}
		}
	})
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// An exclusion that is taken covers what it names, if it is no wildcard.
func FuzzExclusion(f *testing.F) {
	for _, seed := range slices.Sorted(maps.Keys(map[string]bool{"a": true, "/a/b/": true, `C:\a`: true, `\\s\s\a\`: true, "*.*": true, "..": true, "a/b": true})) {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, pattern string, local bool) {
		of := remoteSide
		if local {
			of = localSide
		}
		e, err := parseExclusion(of, pattern)
		if err != nil {
			return
		}
		p := place{e.volume, e.parts}
		if len(e.parts) == 0 || !e.covers(p, 0, e.directory, false) && pattern != "*.*" {
			t.Errorf("%q, taken as %+v, does not cover itself", pattern, e)
		}
		if e.covers(p, 0, !e.directory, false) {
			t.Errorf("%q covers a file and a directory", pattern)
		}
	})
}
