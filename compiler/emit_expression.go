package compiler

import (
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/value"
)

// mostJoined is how many parts one Concat takes: longer chains are joined in
// pieces, so that the operand stack stays small.
const mostJoined = 32

// arithmetic maps operators to the instructions that take two values.
var arithmetic = [...]bytecode.Op{
	opAdd: bytecode.Add, opSubtract: bytecode.Sub, opMultiply: bytecode.Mul, opDivide: bytecode.Div,
	opEqual: bytecode.Equal, opNotEqual: bytecode.NotEqual,
	opLess: bytecode.Less, opLessEqual: bytecode.LessEqual,
	opGreater: bytecode.Greater, opGreaterEqual: bytecode.GreaterEqual,
}

// value writes what leaves the operand's value on the stack.
func (e *emitter) value(o operand) {
	switch o := o.(type) {
	case *constant:
		e.constant(o.text)
	case *load:
		if s := o.symbol; s.local {
			e.emit(instruction{op: bytecode.LoadLocal, a: s.slot, read: o, place: unplaced})
		} else {
			e.emit(instruction{op: bytecode.LoadGlobal, index: s.slot, read: o, place: unplaced})
		}
	case *site:
		e.call(o)
	case *invocation:
		for _, a := range o.args {
			e.value(a)
		}
		e.emit(instruction{op: bytecode.CallFunction, a: len(o.args), invoked: o.function, place: o.name.Start})
	case *operation:
		if o.operator.isLogical() {
			e.logical(o)
			return
		}
		e.value(o.left)
		e.value(o.right)
		e.emit(instruction{op: arithmetic[o.operator], place: o.place})
	case *inversion:
		e.value(o.operand)
		if o.operator == opNot {
			e.emit(instruction{op: bytecode.Not, place: unplaced})
		} else {
			e.emit(instruction{op: bytecode.Neg, place: o.span.Start})
		}
	case *truth:
		e.value(o.operand)
		e.emit(instruction{op: bytecode.Truth, place: unplaced})
	case *joined:
		e.join(o.parts, o.place)
	}
}

func (e *emitter) constant(text string) {
	e.emit(instruction{op: bytecode.LoadConst, text: text, place: unplaced})
}

func (e *emitter) store(s *symbol) {
	if s.local {
		e.emit(instruction{op: bytecode.StoreLocal, a: s.slot, sets: s, place: unplaced})
	} else {
		e.emit(instruction{op: bytecode.StoreGlobal, index: s.slot, sets: s, place: unplaced})
	}
}

// call leaves the result; the out variables lie above it, the last on top.
func (e *emitter) call(s *site) {
	for _, a := range s.args {
		e.value(a)
	}
	if s.empties {
		for _, out := range s.outs {
			e.constant("")
			e.store(out)
		}
	}
	in := instruction{op: bytecode.Call, site: s, place: s.name.Start}
	if s.looked {
		in.a = bytecode.LookedAt
	}
	e.emit(in)
	for i := len(s.outs) - 1; i >= 0; i-- {
		e.store(s.outs[i])
	}
}

// join leaves the parts as one text.
func (e *emitter) join(parts []operand, place int) {
	waiting := 0
	for _, p := range parts {
		if waiting == mostJoined {
			e.emit(instruction{op: bytecode.Concat, a: waiting, place: place})
			waiting = 1
		}
		e.value(p)
		waiting++
	}
	if waiting > 1 {
		e.emit(instruction{op: bytecode.Concat, a: waiting, place: place})
	}
}

// assign writes `$target = o`.
func (e *emitter) assign(target *symbol, o operand) {
	if !e.grow(target, o) {
		e.value(o)
		e.store(target)
	}
}

// grow writes `$x = $x . rest` as AppendLocal, which lets a text grow without
// copying it at every turn of a loop. The parts of the rest are any number of
// instructions, so no row of the peephole could see this.
func (e *emitter) grow(target *symbol, o operand) bool {
	chain, isChain := o.(*joined)
	if !e.optimize || !isChain || !target.local {
		return false
	}
	first, ok := chain.parts[0].(*load)
	if !ok || first.symbol != target {
		return false
	}
	rest := chain.parts[1:]
	for _, p := range rest {
		if assigns(p, target) {
			// The old text is to be joined, not what the call stores.
			return false
		}
	}
	count := len(rest)
	if count > mostJoined {
		e.join(rest, chain.place)
		count = 1
	} else {
		for _, p := range rest {
			e.value(p)
		}
	}
	e.emit(instruction{op: bytecode.AppendLocal, a: target.slot, b: count, read: first, sets: target, place: chain.place})
	return true
}

// assigns reports whether evaluating the operand can set the variable, which lives in
// a slot: no function that is called can reach it.
func assigns(o operand, target *symbol) bool {
	if o, ok := o.(*site); ok {
		for _, s := range o.outs {
			if s == target {
				return true
			}
		}
	}
	found := false
	eachPart(o, func(part operand) { found = found || assigns(part, target) })
	return found
}

// logical leaves TRUE or FALSE for AND and OR; the right side runs only if the
// left one does not decide.
func (e *emitter) logical(o *operation) {
	right, decided, end := &block{}, &block{}, &block{}
	if o.operator == opAnd {
		e.condition(o.left, right, decided)
	} else {
		e.condition(o.left, decided, right)
	}
	e.begin(right)
	e.value(o.right)
	if !isTruth(o.right) {
		e.emit(instruction{op: bytecode.Truth, place: unplaced})
	}
	e.jump(end, unplaced)
	e.begin(decided)
	e.constant(value.Bool(o.operator == opOr).String())
	e.begin(end)
}

// condition goes to yes if the operand holds, else to no. Comparisons, AND, OR and
// NOT become jumps; no truth is put on the stack.
func (e *emitter) condition(o operand, yes, no *block) {
	switch o := o.(type) {
	case *constant:
		if !isTrue(o.text) {
			yes = no
		}
		e.jump(yes, unplaced)
		return
	case *truth:
		e.condition(o.operand, yes, no)
		return
	case *inversion:
		if o.operator == opNot {
			e.condition(o.operand, no, yes)
			return
		}
	case *operation:
		if o.operator.isLogical() {
			right := &block{}
			if o.operator == opAnd {
				e.condition(o.left, right, no)
			} else {
				e.condition(o.left, yes, right)
			}
			e.begin(right)
			e.condition(o.right, yes, no)
			return
		}
	}
	e.value(o)
	e.branch(yes, no)
}
