package bytecode

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// VerifyError says which rule a program breaks, and where.
type VerifyError struct {
	Function int // index, -1 when it is not about a function
	PC       int // word address, -1 when it is not about an instruction
	Message  string
}

// Error is one line.
func (e *VerifyError) Error() string {
	switch {
	case e.Function < 0:
		return "program refused: " + e.Message
	case e.PC < 0:
		return fmt.Sprintf("program refused: function %d: %s", e.Function, e.Message)
	}
	return fmt.Sprintf("program refused: function %d, word 0x%x: %s", e.Function, e.PC, e.Message)
}

// Limits of a program. They keep what a bundle can ask of the machine that loads
// it in proportion to its size.
const (
	MaxFunctions = 1 << 16
	MaxImports   = 1 << 16
	MaxConsts    = 1 << 16
	MaxGlobals   = 1 << 16
	MaxFiles     = 1 << 12
	MaxCode      = 1 << 22 // words of a function: every jump reaches
	MaxName      = 255     // bytes of the name of a command, function, local or file
	MaxLine      = 1 << 30 // lines and columns
)

// Verify proves that the program cannot make the machine read or write outside
// its frame, run off its code, or call what is not declared, and marks it
// verified. What it does not prove costs fuel at run time: loops end by budget or
// cancellation only. Its time is linear in the size of the program.
//
// Besides being safe a program has to be canonical: no unreachable code, no bits
// set that mean nothing, the exact stack height. The compiler's output always
// is, and a listing of the program then shows all there is.
func Verify(p *Program) error {
	if err := verifyTables(p); err != nil {
		return err
	}
	for i := range p.Functions {
		v := verifier{program: p, index: i, function: &p.Functions[i]}
		if err := v.run(); err != nil {
			return err
		}
	}
	p.verified.Store(true)
	return nil
}

func refuse(format string, args ...any) error {
	return &VerifyError{Function: -1, PC: -1, Message: fmt.Sprintf(format, args...)}
}

func verifyTables(p *Program) error {
	switch {
	case len(p.Functions) == 0:
		return refuse("it has no functions")
	case len(p.Functions) > MaxFunctions, len(p.Imports) > MaxImports, len(p.Consts) > MaxConsts, len(p.Files) > MaxFiles:
		return refuse("it has too many functions, imports, constants or files")
	case p.Globals < 0 || p.Globals > MaxGlobals:
		return refuse("it has %d script variables, the limit is %d", p.Globals, MaxGlobals)
	case p.Functions[0].Params != 0:
		return refuse("the script itself takes parameters")
	}
	if err := checkText("name", p.Name); err != nil {
		return refuse("%v", err)
	}
	if err := checkText("language", p.Language); err != nil {
		return refuse("%v", err)
	}
	for _, name := range p.Files {
		if err := checkText("name of an included file", name); err != nil {
			return refuse("%v", err)
		}
	}
	for i, imported := range p.Imports {
		if !isIdentifier(imported.Command) || imported.Form != "" && !isIdentifier(imported.Form) {
			return refuse("import %d has no proper name", i)
		}
	}
	for i, text := range p.Consts {
		if !utf8.ValidString(text) {
			return refuse("constant %d is not UTF-8", i)
		}
	}
	return nil
}

// checkText accepts names that are shown to people and stored nowhere else.
func checkText(what, s string) error {
	if len(s) > MaxName {
		return fmt.Errorf("the %s is longer than %d bytes", what, MaxName)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("the %s is not UTF-8", what)
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return fmt.Errorf("the %s has control characters", what)
		}
	}
	return nil
}

// IsVariableName reports whether a slot or a function can have the name: letters, those beyond
// ASCII included, digits and _, 1 to MaxName bytes.
func IsVariableName(s string) bool {
	for _, r := range s {
		// A byte that is not UTF-8 reads as U+FFFD, which is no letter.
		if r != '_' && (r < '0' || r > '9') && !unicode.IsLetter(r) {
			return false
		}
	}
	return s != "" && len(s) <= MaxName
}

// isIdentifier accepts ASCII letters, digits and _, at least one.
func isIdentifier(s string) bool {
	if s == "" || len(s) > MaxName {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
		default:
			return false
		}
	}
	return true
}

// verifier follows every path through one function once. The state of a path is
// only the height of the operand stack: values have no types.
type verifier struct {
	program  *Program
	index    int
	function *Function

	// heights holds for each word the height before it, or one of the marks.
	heights []int16
	// inner holds for each word the innermost range around it, -1 for none;
	// outer the range around a range.
	inner, outer []int32
	entered      []bool // ranges whose target has been put on the list
	iterators    [MaxFrame + 1]slotKind
	pending      []int32 // addresses whose height is known, not yet followed
	highest      int
	pc           int // for errors
}

const (
	notReached  int16 = -1
	inTheMiddle int16 = -2 // an extension word
)

type slotKind uint8

const (
	plainSlot slotKind = iota
	iteratorFirst
	iteratorSecond
)

var errHeights = errors.New("paths meet with different stack heights")

func (v *verifier) fail(format string, args ...any) error {
	return &VerifyError{Function: v.index, PC: v.pc, Message: fmt.Sprintf(format, args...)}
}

func (v *verifier) run() error {
	v.pc = -1
	if err := v.header(); err != nil {
		return err
	}
	if err := v.words(); err != nil {
		return err
	}
	v.pc = -1
	if err := v.ranges(); err != nil {
		return err
	}
	v.pending = append(v.pending, 0)
	v.heights[0] = 0
	for len(v.pending) > 0 {
		pc := int(v.pending[len(v.pending)-1])
		v.pending = v.pending[:len(v.pending)-1]
		if err := v.follow(pc); err != nil {
			return err
		}
	}
	for pc, height := range v.heights {
		if height == notReached {
			v.pc = pc
			return v.fail("the code is not reachable")
		}
	}
	v.pc = -1
	if v.highest != v.function.MaxStack {
		return v.fail("the stack reaches height %d, not %d as declared", v.highest, v.function.MaxStack)
	}
	return v.positions()
}

// header checks what the function declares of itself.
func (v *verifier) header() error {
	f := v.function
	switch {
	case !IsVariableName(f.Name):
		return v.fail("it has no proper name")
	case f.Params < 0 || f.Params > f.Locals:
		return v.fail("%d parameters do not fit %d slots", f.Params, f.Locals)
	case f.Locals < 0 || f.Locals > MaxSlots:
		return v.fail("%d slots are more than %d", f.Locals, MaxSlots)
	case f.MaxStack < 0 || f.Locals+f.MaxStack > MaxFrame:
		return v.fail("%d slots and %d values on the stack are more than a frame holds, %d", f.Locals, f.MaxStack, MaxFrame)
	case len(f.Code) == 0 || len(f.Code) > MaxCode:
		return v.fail("%d words of code, not 1 to %d", len(f.Code), MaxCode)
	case len(f.LocalNames) != 0 && len(f.LocalNames) != f.Locals:
		return v.fail("%d names for %d slots", len(f.LocalNames), f.Locals)
	}
	for _, name := range f.LocalNames {
		if name != "" && !IsVariableName(name) {
			return v.fail("a slot has no proper name")
		}
	}
	least := f.Params
	for _, first := range f.Iterators {
		if int(first) < least || int(first)+1 >= f.Locals {
			return v.fail("iterator slot %d is out of order, taken or too high", first)
		}
		v.iterators[first], v.iterators[first+1] = iteratorFirst, iteratorSecond
		least = int(first) + 2
	}
	return nil
}

// words checks every instruction by itself and finds where instructions begin.
func (v *verifier) words() error {
	code := v.function.Code
	v.heights = make([]int16, len(code))
	for pc := 0; pc < len(code); {
		v.pc = pc
		op := OpOf(code[pc])
		if !op.Valid() || op == Extra {
			return v.fail("there is no instruction with code %d", uint8(op))
		}
		width := op.Width()
		if pc+width > len(code) {
			return v.fail("%v lacks its second word", op)
		}
		v.heights[pc] = notReached
		var extension uint32
		if width == 2 {
			extension = code[pc+1]
			v.heights[pc+1] = inTheMiddle
		}
		if err := v.operands(op, code[pc], extension, pc+width); err != nil {
			return err
		}
		pc += width
	}
	return nil
}

// operands checks that each operand is in range and that no other bit is set.
func (v *verifier) operands(op Op, w, x uint32, next int) error {
	row := &table[op]
	var values [4]int
	for i, o := range row.Operands {
		n := operand(o.Place, w, x)
		values[i] = n
		switch o.Kind {
		case SlotOperand:
			if n >= v.function.Locals {
				return v.fail("%v names slot %d of %d", op, n, v.function.Locals)
			}
			if v.iterators[n] != plainSlot {
				return v.fail("%v uses slot %d of an iterator", op, n)
			}
		case IteratorOperand:
			if n >= v.function.Locals || v.iterators[n] != iteratorFirst {
				return v.fail("%v names slot %d, which begins no iterator", op, n)
			}
		case ConstOperand:
			if n >= len(v.program.Consts) {
				return v.fail("%v names constant %d of %d", op, n, len(v.program.Consts))
			}
		case GlobalOperand:
			if n >= v.program.Globals {
				return v.fail("%v names script variable %d of %d", op, n, v.program.Globals)
			}
		case ImportOperand:
			if n >= len(v.program.Imports) {
				return v.fail("%v names import %d of %d", op, n, len(v.program.Imports))
			}
			if op != Call && v.program.Imports[n].Outs != 0 {
				return v.fail("%v calls import %d, which gives back more than a result", op, n)
			}
		case FunctionOperand:
			if n == 0 || n >= len(v.program.Functions) {
				return v.fail("%v names function %d of %d", op, n, len(v.program.Functions))
			}
			if args, params := values[0], v.program.Functions[n].Params; args != params {
				return v.fail("%v passes %d arguments to function %d, which takes %d", op, args, n, params)
			}
		case CountOperand:
			if n < row.Least {
				return v.fail("%v takes %d values, less than %d", op, n, row.Least)
			}
		case FlagsOperand:
			if n&^LookedAt != 0 {
				return v.fail("%v has unknown flags", op)
			}
		case ComparisonOperand:
			if n >= int(comparisonCount) {
				return v.fail("%v has no comparison %d", op, n)
			}
		case ReactionOperand:
			if n >= int(reactionCount) {
				return v.fail("%v has no reaction %d", op, n)
			}
		case JumpOperand:
			if target := next + n; target < 0 || target >= len(v.function.Code) {
				return v.fail("%v leaves the function", op)
			}
		}
	}
	if cleanWord, cleanExtension := assemble(op, values[:]); w != cleanWord || row.Flags&WithExtra != 0 && x != cleanExtension {
		return v.fail("%v has bits set that mean nothing", op)
	}
	if row.Flags&InMain != 0 && v.index != 0 || row.Flags&InFunction != 0 && v.index == 0 {
		return v.fail("%v is not for this kind of function", op)
	}
	return nil
}

// begins reports whether an instruction begins at pc; the end of the code counts
// where ranges end.
func (v *verifier) begins(pc int) bool {
	return pc >= 0 && pc < len(v.heights) && v.heights[pc] != inTheMiddle
}

// ranges checks that failure ranges nest, stand in order and lead somewhere, and
// notes for each word the innermost one.
func (v *verifier) ranges() error {
	list := v.function.Ranges
	if len(list) == 0 {
		return nil
	}
	v.entered = make([]bool, len(list))
	v.outer = make([]int32, len(list))
	v.inner = make([]int32, len(v.heights))
	for i := range v.inner {
		v.inner[i] = -1
	}
	var open []int // ranges that no later one encloses so far
	for i, r := range list {
		v.outer[i] = -1
		switch {
		case r.Kind >= rangeKindCount:
			return v.fail("failure range %d is of no known kind", i)
		case r.From >= r.To || !v.begins(r.From) || r.To != len(v.heights) && !v.begins(r.To):
			return v.fail("failure range %d does not cover whole instructions", i)
		case !v.begins(r.Target):
			return v.fail("failure range %d leads to no instruction", i)
		case r.Target >= r.From && r.Target < r.To:
			return v.fail("failure range %d leads into itself", i)
		}
		if i > 0 {
			last := list[i-1]
			if r.To < last.To || r.To == last.To && r.From > last.From || r.From == last.From && r.To == last.To && r.Kind <= last.Kind {
				return v.fail("failure range %d is out of order", i)
			}
		}
		for len(open) > 0 && list[open[len(open)-1]].From >= r.From {
			v.outer[open[len(open)-1]] = int32(i)
			open = open[:len(open)-1]
		}
		if len(open) > 0 && list[open[len(open)-1]].To > r.From {
			return v.fail("failure ranges %d and %d cross", open[len(open)-1], i)
		}
		open = append(open, i)
	}
	v.paint(list)
	return nil
}

// paint fills inner in one sweep: a word belongs to the first range of the order
// that covers it. Because ranges nest, walking the words backwards with the chain
// of enclosing ranges at hand takes each range once.
func (v *verifier) paint(list []Range) {
	current, next := int32(-1), len(list)-1
	for pc := len(v.inner) - 1; pc >= 0; pc-- {
		for current >= 0 && list[current].From > pc {
			current = v.outer[current]
		}
		// Ranges that end behind pc, from the outermost inwards.
		for next >= 0 && list[next].To > pc {
			if list[next].From <= pc {
				current = int32(next)
			}
			next--
		}
		v.inner[pc] = current
	}
}

// follow walks from pc until the path ends or joins one that was walked.
func (v *verifier) follow(pc int) error {
	code := v.function.Code
	height := int(v.heights[pc])
	for {
		v.pc = pc
		op := OpOf(code[pc])
		row := &table[op]
		width := op.Width()
		var x uint32
		if width == 2 {
			x = code[pc+1]
		}
		pops, pushes := v.program.effect(code[pc])
		if height < pops {
			return v.fail("%v takes %d values, the stack has %d", op, pops, height)
		}
		after := height - pops + pushes
		if v.highest = max(v.highest, after); after > MaxFrame-v.function.Locals {
			return v.fail("the stack is higher than a frame holds")
		}
		for _, o := range row.Operands {
			if o.Kind != JumpOperand {
				continue
			}
			there := after
			if row.Flags&PushOnFall != 0 {
				there -= pushes
			}
			if err := v.reach(pc+width+operand(o.Place, code[pc], x), there); err != nil {
				return err
			}
		}
		if row.Flags&Calls != 0 || op == CallFunction {
			if err := v.enterRanges(pc); err != nil {
				return err
			}
		}
		if row.Flags&Ends != 0 {
			if after != 0 && op != Jump {
				return v.fail("%v leaves %d values on the stack", op, after)
			}
			return nil
		}
		pc += width
		switch {
		case pc >= len(code):
			return v.fail("the code ends without an end of the script or a return")
		case v.heights[pc] == notReached:
			v.heights[pc] = int16(after)
			height = after
		case int(v.heights[pc]) != after:
			v.pc = pc
			return v.fail("%v", errHeights)
		default:
			return nil
		}
	}
}

// effect is what the instruction w takes from the stack and leaves on it.
func (p *Program) effect(w uint32) (pops, pushes int) {
	row := &table[OpOf(w)]
	pops, pushes = row.Pops, row.Pushes
	for _, o := range row.Operands {
		n := operand(o.Place, w, 0)
		switch o.Kind {
		case CountOperand, ArgumentsOperand:
			pops = n
		case ImportOperand:
			pops = int(p.Imports[n].Args)
			if pushes == FromOperand {
				pushes = 1 + int(p.Imports[n].Outs)
			}
		}
	}
	return pops, pushes
}

// reach notes that target is reached with the height.
func (v *verifier) reach(target, height int) error {
	switch have := v.heights[target]; {
	case have == inTheMiddle:
		return v.fail("a jump leads into the middle of an instruction")
	case have == notReached:
		v.heights[target] = int16(height)
		v.pending = append(v.pending, int32(target))
	case int(have) != height:
		v.pc = target
		return v.fail("%v", errHeights)
	}
	return nil
}

// enterRanges makes the targets of all ranges around a call reachable, each once.
func (v *verifier) enterRanges(pc int) error {
	if v.inner == nil {
		return nil
	}
	for r := v.inner[pc]; r >= 0 && !v.entered[r]; r = v.outer[r] {
		v.entered[r] = true
		if err := v.reach(v.function.Ranges[r].Target, 0); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) positions() error {
	last := -1
	for i, at := range v.function.Positions {
		switch {
		case at.PC <= last || !v.begins(at.PC):
			return v.fail("position %d is out of order or at no instruction", i)
		case at.Line < 1 || at.Line > MaxLine || at.Column < 1 || at.Column > MaxLine:
			return v.fail("position %d has no proper line and column", i)
		case at.File < 0 || at.File > len(v.program.Files):
			return v.fail("position %d is in no file of the program", i)
		}
		last = at.PC
	}
	return nil
}
