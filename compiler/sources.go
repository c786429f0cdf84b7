package compiler

import (
	"slices"

	"github.com/sftpc/sftpc/vm/diag"
)

// source is one file of a script: the script itself or a file that it includes.
type source struct {
	*reporter
	tree   *script
	number int    // of bytecode.Position.File: 0 is the script
	shown  string // how the program calls an included file
	parsed bool   // without errors
}

func newSource(report *reporter, number int) *source {
	tree := parse(report.file, report)
	return &source{reporter: report, tree: tree, number: number, parsed: report.errors == 0}
}

// anyErrors reports whether one of the files holds an error.
func anyErrors(sources []*source) bool {
	return slices.ContainsFunc(sources, func(s *source) bool { return s.errors > 0 })
}

// everything returns what was reported of all files, each file's in the order of
// its text.
func everything(sources []*source) diag.List {
	var all diag.List
	for _, s := range sources {
		all = append(all, s.sorted()...)
	}
	return all
}
