package spec

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed *.md *.ebnf commands guide cookbook
var files embed.FS

// Page returns the page about a command or a subject ("getfile", "language",
// "start", "deliver"), in Markdown or, for the cookbook, as the script. Names are
// in lower case and without an ending.
func Page(name string) (text string, found bool) {
	for _, file := range all() {
		if stem(file) == name {
			data, err := files.ReadFile(file)
			return string(data), err == nil
		}
	}
	return "", false
}

// Pages lists the pages that are not about a single command, by name.
func Pages() []string {
	return named(func(dir string) bool { return dir != "commands" })
}

// Scripts lists the scripts of the cookbook, by name.
func Scripts() []string {
	return named(func(dir string) bool { return dir == "cookbook" })
}

// Title is what a page of Pages is about: its first line without its sign.
func Title(name string) string {
	text, _ := Page(name)
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(strings.TrimLeft(first, "#"))
}

// named are the names of the pages in the folders chosen, in order.
func named(chosen func(dir string) bool) []string {
	var names []string
	for _, file := range all() {
		if chosen(path.Dir(file)) {
			names = append(names, stem(file))
		}
	}
	slices.Sort(names)
	return names
}

// Files are the pages as a file system, for those who list or test them.
func Files() fs.FS { return files }

func stem(file string) string { return strings.TrimSuffix(path.Base(file), path.Ext(file)) }

// all are the paths of the pages. The tree is part of the program, so walking it
// cannot fail.
func all() []string {
	var paths []string
	fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			paths = append(paths, name)
		}
		return err
	})
	return paths
}
