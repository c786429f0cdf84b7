package pretend

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A Tree over a tree of files is at any time what the tree would be if the changes had
// been made.
func TestTreeIsWhatWouldBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// real never changes; would is changed for real: paths, "/" at the end of
		// directories.
		real := map[string]string{"a": "A", "b": "B", "d/": "", "d/x": "X", "d/e/": "", "d/e/y": "Y"}
		would := maps.Clone(real)
		over := NewTree[string]()
		name := func(label string) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "d", "e", "x", "y"}), 1, 3).Draw(t, label), "/")
		}
		dir := func(path string) bool {
			parent := path[:max(0, strings.LastIndexByte(path, '/'))]
			_, ok := would[parent+"/"]
			return parent == "" || ok
		}
		there := func(path string) bool {
			_, file := would[path]
			_, folder := would[path+"/"]
			return file || folder
		}
		for i := range rapid.IntRange(0, 12).Draw(t, "changes") {
			path := name("path")
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				if _, folder := would[path+"/"]; !folder && dir(path) {
					text := fmt.Sprint("new ", i)
					over.PutFile(strings.Split(path, "/"), text)
					would[path] = text
				}
			case 1:
				if !there(path) && dir(path) {
					over.PutDir(strings.Split(path, "/"))
					would[path+"/"] = ""
				}
			case 2:
				if there(path) {
					over.Remove(strings.Split(path, "/"))
					maps.DeleteFunc(would, func(other, _ string) bool { return other == path || strings.HasPrefix(other, path+"/") })
				}
			case 3:
				to := name("to")
				if there(path) && !there(to) && dir(to) && !strings.HasPrefix(to, path+"/") {
					over.Move(strings.Split(path, "/"), strings.Split(to, "/"))
					for other, text := range maps.Clone(would) {
						if rest, ok := strings.CutPrefix(other, path); ok && (rest == "" || rest[0] == '/') {
							delete(would, other)
							would[to+rest] = text
						}
					}
				}
			}
		}
		got := make(map[string]string)
		walk(over, real, nil, got)
		if !maps.Equal(got, would) {
			t.Fatalf("it is %q, want %q", got, would)
		}
	})
}

// walk reads a tree as a pretending session or file system does.
func walk(over *Tree[string], real map[string]string, at []string, got map[string]string) {
	put, gone := over.Names(at)
	names := slices.Clone(put)
	if p := over.Find(at); p.Real {
		base := strings.Join(p.Base, "/")
		if base != "" {
			base += "/"
		}
		for path := range real {
			rest, below := strings.CutPrefix(path, base)
			child, _, _ := strings.Cut(rest, "/")
			if below && rest != "" && !slices.Contains(gone, child) && !slices.Contains(names, child) {
				names = append(names, child)
			}
		}
	}
	for _, name := range names {
		parts := join(at, []string{name})
		path := strings.Join(parts, "/")
		p := over.Find(parts)
		base := strings.Join(p.Base, "/")
		_, folder := real[base+"/"]
		switch {
		case p.Gone:
			got[path] = "listed and gone"
		case p.File != nil:
			got[path] = *p.File
		case p.Made, p.Real && folder:
			got[path+"/"] = ""
			walk(over, real, parts, got)
		default:
			got[path] = real[base]
		}
	}
}

func TestUntouched(t *testing.T) {
	over := NewTree[string]()
	over.PutFile([]string{"d", "new"}, "x")
	over.Move([]string{"e"}, []string{"f"})
	for path, want := range map[string]bool{"a": true, "a/b": true, "d": false, "d/new": false, "d/old": true, "f": false, "f/x": false, "e/x": false} {
		if got := over.Untouched(strings.Split(path, "/")); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
