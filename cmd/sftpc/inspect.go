package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

type inspectVerb struct {
	File     app.Word `arg:"" help:"a bundle, or a script, which is compiled first"`
	Asm      bool     `help:"show the instructions"`
	Encoding string   `placeholder:"NAME" help:"how a script that is not UTF-8 is written, as in windows-1252"`
}

func (v *inspectVerb) do(p *app.Process) int {
	data, err := p.ReadFile(string(v.File))
	if err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	var program *bytecode.Program
	if bytecode.IsBundle(data) {
		program, err = bytecode.Load(bytes.NewReader(data))
		if err != nil {
			return p.Refuse(app.StatusFound, fmt.Errorf("%s: %w", string(v.File), err))
		}
	} else {
		var messages diag.List
		program, messages = compileFile(p, string(v.File), data, v.Encoding)
		if messages.HasErrors() {
			diag.WriteText(p.Stderr, messages, p.Color())
			return app.StatusFound
		}
	}
	if v.Asm {
		if err := bytecode.Disassemble(p.Stdout, program); err != nil {
			return p.Refuse(app.StatusFound, err)
		}
		return app.StatusGood
	}
	describe(p.Stdout, program)
	return app.StatusGood
}

// describe tells what a program is made of and what it may touch.
func describe(w io.Writer, program *bytecode.Program) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	words := 0
	for _, f := range program.Functions {
		words += len(f.Code)
	}
	fmt.Fprintf(table, "script\t%s\n", diag.Escape(program.Name))
	fmt.Fprintf(table, "language\t%s\n", diag.Escape(program.Language))
	fmt.Fprintf(table, "code\t%s in %s\n", count(words, "word"), count(len(program.Functions), "function"))
	fmt.Fprintf(table, "texts\t%d\n", len(program.Consts))
	fmt.Fprintf(table, "may touch\t%s\n", strings.Join(capabilities(program), ", "))
	for _, name := range program.Files {
		fmt.Fprintf(table, "file\t%s\n", diag.Escape(name))
	}
	for _, f := range program.Functions[1:] {
		fmt.Fprintf(table, "function\t%s\t%s\n", diag.Escape(f.Name), count(f.Params, "argument"))
	}
	for _, i := range program.Imports {
		name := i.Command
		if i.Form != "" {
			name += " (" + i.Form + ")"
		}
		fmt.Fprintf(table, "command\t%s\t%s\n", diag.Escape(name), count(int(i.Args)+int(i.Outs), "argument"))
	}
	for _, a := range program.ConstantArguments() {
		command, parameter := parameterOf(program, a)
		if parameter == nil {
			continue
		}
		switch {
		case (parameter.Kind == catalog.ParamHost || parameter.Kind == catalog.ParamURL) && a.Text != "":
			shown, hidden := builtins.ShownHost(a.Text)
			what := "host"
			if parameter.Kind == catalog.ParamURL {
				what = parameter.Name
			}
			fmt.Fprintf(table, "%s\t%s%s\n", what, diag.Escape(shown), lineCell(a.Line))
			if hidden {
				fmt.Fprintf(table, "secret\tthe password in the URL is readable%s\n", lineCell(a.Line))
			}
		case parameter.Secret && a.Text != "":
			fmt.Fprintf(table, "secret\tthe %s of %s is readable%s\n", parameter.Name, command, lineCell(a.Line))
		case command == "SETCERTIFICATE" && netio.IsCertificatePin(a.Text):
			fmt.Fprintf(table, "certificate\t%s%s\n", diag.Escape(a.Text), lineCell(a.Line))
		case parameter.Kind == catalog.ParamLocalPath || parameter.Kind == catalog.ParamLocalPattern:
			fmt.Fprintf(table, "local path\t%s%s\n", diag.Escape(a.Text), lineCell(a.Line))
		}
	}
}

// lineCell is the last cell of a row about a place; a stripped bundle knows none.
func lineCell(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf("\tline %d", line)
}

// count is "1 word", "2 words".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// capabilities are what the program's commands may touch, by the catalogue.
func capabilities(program *bytecode.Program) []string {
	var words []string
	for _, i := range program.Imports {
		for _, c := range catalog.Commands() {
			if c.Name != i.Command {
				continue
			}
			for _, touched := range []catalog.Capability{c.Capability, c.Also} {
				if touched != catalog.Pure {
					words = append(words, touched.String())
				}
			}
		}
	}
	slices.Sort(words)
	words = slices.Compact(words)
	if len(words) == 0 {
		words = []string{"nothing"}
	}
	return words
}
