package compiler_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/value"
)

// langCommands is the catalogue of the language tests: testdata/lang/README.md
// says what each command does.
func langCommands() []catalog.Command {
	text := func(name string) catalog.Param { return catalog.Param{Name: name} }
	number := func(name string) catalog.Param { return catalog.Param{Name: name, Kind: catalog.ParamNumber} }
	out := catalog.Param{Name: "variable", Kind: catalog.ParamVariable}
	choice := func(words ...string) catalog.Param {
		return catalog.Param{Name: "mode", Kind: catalog.ParamConstant, Constants: words}
	}
	optional := func(p catalog.Param) catalog.Param { p.Optional = true; return p }
	command := func(name string, kind catalog.Kind, params ...catalog.Param) catalog.Command {
		return catalog.Command{Name: name, Kind: kind, Forms: []catalog.Form{{Params: params}}}
	}
	size := number("size")
	size.Constants = []string{"DEFAULT"}
	rest := text("more")
	rest.Optional, rest.Variadic = true, true
	return []catalog.Command{
		command("PRINT", catalog.Doing, text("value")),
		command("ATTEMPT", catalog.Doing, text("code")),
		command("TELL", catalog.Telling, text("value"), optional(text("code"))),
		command("MOMENT", catalog.Telling),
		command("STORE", catalog.Doing, out, text("value"), optional(text("code"))),
		{Name: "WHERE", Kind: catalog.Telling, Forms: []catalog.Form{
			{Key: "value"},
			{Key: "into", Kind: catalog.Doing, Params: []catalog.Param{out}},
		}},
		command("SWITCH", catalog.Doing, choice("ENABLED", "DISABLED")),
		command("MODE", catalog.Doing, choice("FAST", "SLOW"), optional(text("text"))),
		command("SIZE", catalog.Doing, size),
		command("ALL", catalog.Telling, text("text"), rest),
		command("TEXTCUT", catalog.Telling, text("text"), number("start"), number("length")),
		command("TEXTLENGTH", catalog.Telling, text("text")),
		command("STOP", catalog.Doing),
		command("EXIT", catalog.Doing, number("status")),
	}
}

// commandFailure is how the commands of the tests fail.
type commandFailure string

func (f commandFailure) Error() string      { return "failed with " + string(f) }
func (f commandFailure) ResultCode() string { return string(f) }

// langHost runs the commands of langCommands and collects what a run writes.
type langHost struct{ written []string }

func (h *langHost) write(line string) { h.written = append(h.written, line) }

func (h *langHost) Check(imports []bytecode.Import) error {
	for _, i := range imports {
		if h.function(i) == nil {
			return fmt.Errorf("no command %s", i.Command)
		}
	}
	return nil
}

func (h *langHost) Open(_ context.Context, program *bytecode.Program) (vm.Bound, error) {
	var bound vm.Bound
	for _, i := range program.Imports {
		command, run := i.Command, h.function(i)
		bound.Funcs = append(bound.Funcs, func(c *vm.Call) error {
			err := run(c)
			var failed commandFailure
			if errors.As(err, &failed) && !c.Looked() {
				h.write("! " + command + " " + string(failed))
			}
			return err
		})
	}
	return bound, nil
}

func (h *langHost) function(i bytecode.Import) func(*vm.Call) error {
	show := func(c *vm.Call) error {
		h.write(strings.TrimRight(i.Command+" "+c.Text(0)+" "+c.Text(1), " "))
		return nil
	}
	switch i.Command {
	case "PRINT":
		return func(c *vm.Call) error { h.write(c.Text(0)); return nil }
	case "ATTEMPT":
		return func(c *vm.Call) error { return failIf(c.Text(0)) }
	case "TELL":
		return func(c *vm.Call) error { c.Return(c.Arg(0)); return failIf(c.Text(1)) }
	case "MOMENT":
		return func(c *vm.Call) error { c.ReturnText("now"); return nil }
	case "STORE":
		return func(c *vm.Call) error { c.SetOut(0, c.Arg(0)); return failIf(c.Text(1)) }
	case "WHERE":
		return func(c *vm.Call) error {
			if i.Form == "into" {
				c.SetOut(0, value.Text("here"))
			} else {
				c.ReturnText("here")
			}
			return nil
		}
	case "SWITCH", "MODE", "SIZE":
		return show
	case "ALL":
		return func(c *vm.Call) error {
			var b strings.Builder
			for n := range c.Len() {
				b.WriteString("[" + c.Text(n) + "]")
			}
			c.ReturnText(b.String())
			return nil
		}
	case "TEXTCUT":
		return textCut
	case "TEXTLENGTH":
		return func(c *vm.Call) error {
			c.ReturnText(strconv.Itoa(utf8.RuneCountInString(c.Text(0))))
			return nil
		}
	case "STOP":
		return func(*vm.Call) error { return &vm.Exit{} }
	case "EXIT":
		return func(c *vm.Call) error {
			status, _ := c.Float(0)
			return &vm.Exit{Status: int(status)}
		}
	}
	return nil
}

func failIf(code string) error {
	if code == "" || code == catalog.OK {
		return nil
	}
	return commandFailure(code)
}

func textCut(c *vm.Call) error {
	runes := []rune(c.Text(0))
	start, _ := c.Float(1)
	length, _ := c.Float(2)
	from := min(max(int(start)-1, 0), len(runes))
	to := min(from+max(int(length), 0), len(runes))
	c.ReturnText(string(runes[from:to]))
	return nil
}
