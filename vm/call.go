package vm

import (
	"context"
	"fmt"

	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/value"
)

// Call is one call of a command. It and its arguments are valid until the Func
// returns; a text taken from it may be kept.
type Call struct {
	machine  *Machine
	ctx      context.Context
	args     []value.Value // aliases the machine's window
	outs     []value.Value
	result   value.Value
	returned bool
	looked   bool
	imported int
	pc       int // a word of the calling instruction
}

// Position is a place in a script's source. Line 0 means unknown: the program is
// stripped, and File then names the word address.
type Position struct {
	File   string
	Line   int
	Column int // in characters, from 1
}

// String is file:line:column, as far as known.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Context ends when the run has to: every blocking step of a command obeys it.
func (c *Call) Context() context.Context { return c.ctx }

// Import is the index of the program's import that is called.
func (c *Call) Import() int { return c.imported }

// Len is the number of arguments passed; out variables are not among them.
func (c *Call) Len() int { return len(c.args) }

// Arg returns argument i, from 0; beyond the last it is the empty text.
func (c *Call) Arg(i int) value.Value {
	if i < 0 || i >= len(c.args) {
		return value.Value{}
	}
	return c.args[i]
}

// Text returns the text of argument i, from 0; beyond the last it is empty.
func (c *Call) Text(i int) string {
	if i < 0 || i >= len(c.args) {
		return ""
	}
	return c.args[i].String()
}

// Float reads argument i as a number.
func (c *Call) Float(i int) (f float64, isNumber bool) {
	if i < 0 || i >= len(c.args) {
		return 0, false
	}
	return c.args[i].Float()
}

// Return sets the command's result.
func (c *Call) Return(v value.Value) { c.result, c.returned = v, true }

// ReturnText sets the command's result to a text.
func (c *Call) ReturnText(s string) { c.Return(value.Text(s)) }

// SetOut gives out variable i, from 0, its value. Outs that the form does not
// have are ignored; those not set become the empty text.
func (c *Call) SetOut(i int, v value.Value) {
	if i >= 0 && i < len(c.outs) {
		c.outs[i] = v
	}
}

// Looked reports whether the script looks at the result, so that a failure is its
// own affair.
func (c *Call) Looked() bool { return c.looked }

// Caught reports whether a failure that the script does not look at would go to a
// CATCH.
func (c *Call) Caught() bool {
	_, _, ok := c.machine.findCatch(c.pc)
	return ok
}

// Stops reports whether a failure that the script does not look at, and no CATCH takes,
// would end the script: ONERROR STOP.
func (c *Call) Stops() bool { return c.machine.reaction == bytecode.Stop }

// Position is where in the source the call stands.
func (c *Call) Position() Position { return c.machine.position(c.machine.function, c.pc) }

// Calls are the functions of the script that are running, innermost first, as
// RuntimeError.Calls tells them.
func (c *Call) Calls() []Frame { return c.machine.calls() }

// Imported is the import that is called.
func (c *Call) Imported() bytecode.Import { return c.machine.program.Imports[c.imported] }
