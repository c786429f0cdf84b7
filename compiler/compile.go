package compiler

import (
	"strings"
	"unicode/utf8"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

// Compile compiles a script. name is what messages call it; of a path the program
// keeps the last part only. commands is what the script may call, usually a host's
// catalogue; it is not changed.
//
// The list holds warnings too. If it holds an error (List.Err), the program is
// nil. The same arguments make the same program, byte for byte, on every system.
// Compile is safe for concurrent use.
func Compile(name string, source []byte, commands []catalog.Command, opts Options) (*bytecode.Program, diag.List) {
	program, _, list := compile(name, source, commands, opts)
	return program, list
}

// Check is Compile for people: it tells instead of a program what the script does
// with failures. The report is empty if the list holds errors.
func Check(name string, source []byte, commands []catalog.Command, opts Options) (Report, diag.List) {
	program, m, list := compile(name, source, commands, opts)
	if program == nil {
		return Report{}, list
	}
	return report(m), list
}

func compile(name string, text []byte, commands []catalog.Command, opts Options) (*bytecode.Program, *meaning, diag.List) {
	_, problems := openSource(name, text, opts.Encoding)
	if problems.errors > 0 {
		return nil, nil, problems.sorted()
	}
	sources := includeAll(newSource(problems, 0), name, opts)
	// Statements that did not parse may hold what others need, a label for
	// instance; what can be said of the others is said all the same.
	m := resolve(sources, newVocabulary(commands))
	if anyErrors(sources) {
		return nil, nil, everything(sources)
	}
	program := emitProgram(m, programName(name), !opts.Unoptimized)
	return program, m, everything(sources)
}

// sorted returns everything reported, in the order of the source.
func (r *reporter) sorted() diag.List {
	r.list.Sort()
	return r.list
}

// programName is the last part of a path of any system: a program must not tell
// where its source lay. A file may be called what a bundle's name may not.
func programName(path string) string {
	return programText(path[strings.LastIndexAny(path, `/\`)+1:])
}

// programText is a file's name as a bundle may hold it.
func programText(name string) string {
	name = diag.Escape(name)
	for len(name) > bytecode.MaxName {
		_, last := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-last]
	}
	return name
}
