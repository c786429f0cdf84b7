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
func compile(name string, source []byte, commands []catalog.Command, encoding string) (*bytecode.Program, diag.List) {
	return compiler.Compile(name, source, commands, compiler.Options{Encoding: encoding})
}
