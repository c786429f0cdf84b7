package main

import (
	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/compiler"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

type runVerb struct {
	app.RunFlags
}

func (v *runVerb) do(p *app.Process) int { return v.RunFlags.Run(p, compile) }

// compile is the loader of sources that app is handed.
func compile(script app.Script, commands []catalog.Command) (*bytecode.Program, diag.List) {
	return compiler.Compile(script.Name, script.Source, commands, compiler.Options{Encoding: script.Encoding, Includes: script.Folder})
}

// compileFile compiles for the verbs that look at a script and do not run it.
func compileFile(p *app.Process, file string, source []byte, encoding string) (*bytecode.Program, diag.List) {
	folder, done := p.Folder(file)
	defer done()
	return compile(app.Script{Name: file, Source: source, Encoding: encoding, Folder: folder}, catalog.Commands())
}
