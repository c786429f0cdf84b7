package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

type buildVerb struct {
	File     app.Word `arg:"" help:"the script, or - for standard input"`
	Output   app.Word `short:"o" placeholder:"FILE" help:"the bundle to write (default: the script's name with .ftpc)"`
	Strip    bool     `help:"leave out lines and names: smaller, and failures tell no line"`
	Encoding string   `placeholder:"NAME" help:"how a script that is not UTF-8 is written, as in windows-1252"`
}

func (v *buildVerb) do(p *app.Process) int {
	source, err := p.ReadFile(string(v.File))
	if err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	output := string(v.Output)
	if output == "" {
		if string(v.File) == "-" {
			return p.Refuse(app.StatusUsage, fmt.Errorf("a script from standard input needs -o FILE"))
		}
		output = strings.TrimSuffix(string(v.File), filepath.Ext(string(v.File))) + ".ftpc"
	}
	program, messages := compileFile(p, string(v.File), source, v.Encoding)
	if len(messages) > 0 {
		diag.WriteText(p.Stderr, messages, p.Color())
	}
	if messages.HasErrors() {
		return app.StatusFound
	}
	warnSecrets(p, string(v.File), program)
	if v.Strip {
		program.Strip()
	}
	bundle, err := bytecode.Encode(program)
	if err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	if err := writeWhole(p.Path(output), bundle, 0o644); err != nil {
		return p.Refuse(app.StatusFound, fmt.Errorf("writing %s: %w", output, err))
	}
	fmt.Fprintf(p.Stderr, "%s: %d bytes\n", output, len(bundle))
	return app.StatusGood
}

// warnSecrets says which literals a bundle would carry readable for everybody.
func warnSecrets(p *app.Process, file string, program *bytecode.Program) {
	for _, a := range program.ConstantArguments() {
		command, parameter := parameterOf(program, a)
		if parameter != nil && parameter.Secret && a.Text != "" {
			fmt.Fprintf(p.Stderr, "%s:%d: warning: the %s of %s is a text that anybody can read in the bundle\n", diag.Escape(file), a.Line, parameter.Name, command)
		}
	}
}

// parameterOf finds the catalogue's parameter that a constant argument is for.
func parameterOf(program *bytecode.Program, a bytecode.ConstantArgument) (command string, parameter *catalog.Param) {
	i := program.Imports[a.Import]
	for _, c := range catalog.Commands() {
		if c.Name != i.Command {
			continue
		}
		if form := c.Form(i.Form); form != nil {
			return c.Name, form.Passed(a.Arg)
		}
	}
	return i.Command, nil
}

// writeWhole writes a file so that its name never stands for half of it.
func writeWhole(name string, data []byte, mode fs.FileMode) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), ".sftpc-*.part")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	if _, err = temporary.Write(data); err == nil {
		err = temporary.Chmod(mode)
	}
	if err == nil {
		err = temporary.Sync()
	}
	if closing := temporary.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	return err
}
