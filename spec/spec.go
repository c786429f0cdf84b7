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
	var names []string
	for _, file := range all() {
		if path.Dir(file) != "commands" {
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
