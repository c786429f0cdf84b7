package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// makeTree makes files below a folder; names that end in a slash are folders.
func makeTree(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func treeOf(t *testing.T, files map[string]string) tree {
	t.Helper()
	dir := t.TempDir()
	makeTree(t, dir, files)
	found, err := snapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSnapshot(t *testing.T) {
	found := treeOf(t, map[string]string{
		"hosts/h/a.txt": "one", "hosts/h/deep/b.txt": "two", "drives/C/empty/": "", "drives/local/": "", "elsewhere/x": "no",
	})
	want := []string{"drives/C/empty/", "drives/local/", "hosts/h/a.txt", "hosts/h/deep/b.txt"}
	if have := found.paths(); !slices.Equal(have, want) {
		t.Errorf("paths are %q", have)
	}
	if found["hosts/h/a.txt"].size != 3 || found["hosts/h/a.txt"] == found["hosts/h/deep/b.txt"] {
		t.Errorf("entries are %v", found)
	}
	if empty, err := snapshot(t.TempDir()); err != nil || len(empty) != 0 {
		t.Errorf("of nothing: %v, %v", empty, err)
	}
}

func TestShowChanges(t *testing.T) {
	before := treeOf(t, map[string]string{
		"hosts/h/kept.txt": "same", "hosts/h/changed.txt": "old", "hosts/h/gone.txt": "bye", "drives/local/": "",
	})
	after := treeOf(t, map[string]string{
		"hosts/h/kept.txt": "same", "hosts/h/changed.txt": "new!", "hosts/h/new\x1b[31m.txt": "", "hosts/other/": "", "drives/local/": "",
	})
	var told strings.Builder
	showChanges(&told, before, after)
	want := `hosts/
  ~ h/changed.txt  (4 bytes)
  - h/gone.txt  (3 bytes)
    h/kept.txt  (4 bytes)
  + h/new\x1b[31m.txt  (0 bytes)
  + other/

drives/
    nothing

+ new, ~ changed, - gone
`
	if told.String() != want {
		t.Errorf("told\n%s\nexpected\n%s", &told, want)
	}
}

func TestCompareTrees(t *testing.T) {
	want := treeOf(t, map[string]string{"hosts/h/a": "1", "hosts/h/b": "2", "drives/C/c": "3", "drives/D/": ""})
	is := treeOf(t, map[string]string{"hosts/h/a": "1", "hosts/h/b": "22", "drives/C/d": "4"})
	have := compareTrees(want, is)
	expected := []string{
		"drives/C/c is missing", "drives/C/d is too many", "hosts/h/b has other content: 2 bytes, expected 1",
	}
	if !slices.Equal(have, expected) {
		t.Errorf("differences: %q", have)
	}
	if same := compareTrees(want, want); len(same) != 0 {
		t.Errorf("differences of the same: %q", same)
	}
}

// TestCopyTree: files and folders go, links do not, and none leads out.
func TestCopyTree(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	makeTree(t, from, map[string]string{"a.txt": "a", "deep/b.txt": "b", "empty/": ""})
	root, err := os.OpenRoot(to)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := makeFolder(root, "drives/C"); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(from, root, "drives/C"); err != nil {
		t.Fatal(err)
	}
	copied, err := snapshot(to)
	if err != nil || !slices.Equal(copied.paths(), []string{"drives/C/a.txt", "drives/C/deep/b.txt", "drives/C/empty/"}) {
		t.Errorf("copied %q, %v", copied.paths(), err)
	}
	if err := os.Symlink(from, filepath.Join(from, "link")); err != nil {
		return // a system without links, or without the right to make them
	}
	if err := copyTree(from, root, "drives/C"); err == nil {
		t.Error("a link was copied")
	}
}

func TestFolderName(t *testing.T) {
	for host, want := range map[string]string{
		"ftp.myhost.com": "ftp.myhost.com", "192.168.1.53": "192.168.1.53", "::1": "__1", "..": "_", "": "_", "a/../b": "a_.._b", `a\b`: "a_b", "é": "_",
	} {
		if have := folderName(host); have != want {
			t.Errorf("%q is %q, expected %q", host, have, want)
		}
	}
}

func TestParagraphs(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"a\n", "a\n\nb"}, {"a\n\n", "a\n\nb"}, {"a\n|\n", "a\n\nb"}, {"", "\nb"},
	} {
		var out strings.Builder
		w := &paragraphs{to: &out}
		for _, part := range strings.Split(c.written, "|") {
			w.Write([]byte(part))
		}
		w.newParagraph()
		w.Write([]byte("b"))
		if out.String() != c.want {
			t.Errorf("%q: %q", c.written, out.String())
		}
	}
}
