package vm

import (
	"context"
	"errors"
	"sort"

	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/value"
)

// frame is what a caller resumes with.
type frame struct {
	function int
	pc       int // behind the call
	base     int
}

// enterAt makes function the running one, with its window at base.
func (m *Machine) enterAt(function, base, pc int, sp uint8) {
	m.function, m.base, m.pc, m.sp = function, base, pc, sp
	m.code = m.program.Functions[function].Code
}

// enter calls a function of the script. The arguments on the caller's operand
// stack are the callee's first slots where they lie; nothing is copied.
//
//go:noinline
func (m *Machine) enter(w uint32) bool {
	if len(m.frames) >= m.options.CallDepth {
		m.err = ErrDepth
		return false
	}
	callee := bytecode.Bx(w)
	f := &m.program.Functions[callee]
	if m.left -= int64(len(f.Code)); m.left < 0 && !m.pause() {
		return false
	}
	m.frames = append(m.frames, frame{m.function, m.pc, m.base})
	base := m.base + int(m.sp) - f.Params
	if base+windowSize > len(m.stack) {
		grown := make([]value.Value, 2*len(m.stack))
		copy(grown, m.stack)
		m.stack = grown
	}
	if f.Locals > f.Params {
		clear(m.stack[base+f.Params : base+f.Locals])
	}
	m.enterAt(callee, base, 0, uint8(f.Locals))
	return true
}

// leave returns to the caller. The callee's slot 0 is where the caller's operand
// stack continues.
//
//go:noinline
func (m *Machine) leave(bottom, result *value.Value) {
	*bottom = *result
	caller := m.frames[len(m.frames)-1]
	m.frames = m.frames[:len(m.frames)-1]
	m.enterAt(caller.function, caller.base, caller.pc, uint8(m.base-caller.base+1))
}

// callHost calls a command. On goOn the arguments are gone from the stack, and
// for all but CallDrop the result and the outs are there.
//
//go:noinline
func (m *Machine) callHost(w uint32) next {
	index := bytecode.Bx(w)
	imported := &m.program.Imports[index]
	window := m.stack[m.base:][:windowSize]
	first := int(m.sp) - int(imported.Args)

	c := &m.call
	c.args = window[first:m.sp:m.sp]
	c.outs = m.outs[:imported.Outs]
	c.result, c.returned = value.Value{}, false
	c.looked = bytecode.A(w)&bytecode.LookedAt != 0
	c.imported = index
	c.pc = m.pc - 1

	err := m.funcs[index](c)
	if err == nil && !c.returned && !imported.Telling {
		c.result = value.Text("OK")
	}
	if err != nil {
		if goes := m.failed(err, imported); goes != goOn {
			return goes
		}
	}
	if m.stop.Load() {
		m.err = context.Cause(m.context)
		return stop
	}
	if m.left -= callCost; m.left < 0 && !m.pause() {
		return stop
	}
	length := c.result.TextLen()
	if bytecode.Op(w) != bytecode.CallDrop {
		window[first] = c.result
		first++
	}
	for i := range c.outs {
		length += c.outs[i].TextLen()
		window[first] = c.outs[i]
		first++
		c.outs[i] = value.Value{}
	}
	m.sp = uint8(first)
	if !m.charge(length) {
		return stop
	}
	return goOn
}

// failed decides what an error of a command means for the script.
func (m *Machine) failed(err error, imported *bytecode.Import) next {
	c := &m.call
	var exit *Exit
	if errors.As(err, &exit) {
		m.err = exit
		return stop
	}
	var f failure
	if !errors.As(err, &f) {
		m.err = err
		if m.context.Err() != nil {
			m.err = context.Cause(m.context) // the command only passes on why it ended
		}
		return stop
	}
	clear(c.outs)
	c.result = value.Value{}
	if !imported.Telling {
		c.result = value.Text(f.ResultCode())
	}
	if c.looked {
		return goOn
	}
	if depth, target, ok := m.findCatch(c.pc); ok {
		m.caught = value.Text(f.ResultCode())
		return m.abandon(depth, target)
	}
	if m.reaction == bytecode.Stop {
		m.err = &Exit{OnError: true}
		return stop
	}
	if imported.Telling {
		if target, ok := m.find(m.function, c.pc, bytecode.RangeStatement); ok {
			return m.abandon(len(m.frames), target)
		}
	}
	return goOn
}

// abandon continues at target in the frame at depth, with an empty operand stack.
// It costs as a command does, so that no loop of failures runs for free.
func (m *Machine) abandon(depth, target int) next {
	if m.stop.Load() {
		m.err = context.Cause(m.context)
		return stop
	}
	if m.left -= callCost; m.left < 0 && !m.pause() {
		return stop
	}
	function, base := m.function, m.base
	if depth < len(m.frames) {
		function, base = m.frames[depth].function, m.frames[depth].base
		m.frames = m.frames[:depth]
	}
	m.enterAt(function, base, target, uint8(m.program.Functions[function].Locals))
	return reload
}

// abandonCaller ends the function at hand without a value: the statement that called
// it is abandoned. One that cannot be gets the empty text and goes on.
//
//go:noinline
func (m *Machine) abandonCaller() bool {
	if m.stop.Load() {
		m.err = context.Cause(m.context)
		return false
	}
	if m.left -= callCost; m.left < 0 && !m.pause() {
		return false
	}
	caller := m.frames[len(m.frames)-1]
	m.frames = m.frames[:len(m.frames)-1]
	if target, ok := m.find(caller.function, caller.pc-1, bytecode.RangeStatement); ok {
		m.enterAt(caller.function, caller.base, target, uint8(m.program.Functions[caller.function].Locals))
		return true
	}
	m.stack[m.base] = value.Value{}
	m.enterAt(caller.function, caller.base, caller.pc, uint8(m.base-caller.base+1))
	return true
}

// loadCaught stores the result of the failure that a CATCH took last.
//
//go:noinline
func (m *Machine) loadCaught(target *value.Value) { *target = m.caught }

// react carries OnError out.
//
//go:noinline
func (m *Machine) react(w uint32) { m.reaction = bytecode.Reaction(w >> 8) }

// findCatch looks for the innermost TRY that is running at word pc: in the
// current function first, then in its callers. depth is how many callers remain.
func (m *Machine) findCatch(pc int) (depth, target int, ok bool) {
	function := m.function
	for depth = len(m.frames); ; depth-- {
		if target, ok = m.find(function, pc, bytecode.RangeCatch); ok || depth == 0 {
			return depth, target, ok
		}
		function, pc = m.frames[depth-1].function, m.frames[depth-1].pc-1
	}
}

// find looks for the innermost range of the kind around word pc. Ranges are
// ordered by their ends and nest, so all that are around pc enclose the first that
// ends behind it, or are that one.
func (m *Machine) find(function, pc int, kind bytecode.RangeKind) (target int, ok bool) {
	list := m.program.Functions[function].Ranges
	at := sort.Search(len(list), func(i int) bool { return list[i].To > pc })
	if at == len(list) {
		return 0, false
	}
	outer := m.outerRanges(function)
	for ; at >= 0; at = int(outer[at]) {
		if r := &list[at]; r.Kind == kind && r.From <= pc {
			return r.Target, true
		}
	}
	return 0, false
}

// outerRanges gives for each range of a function the one around it, -1 for none.
// It is made when the function first fails: most never do.
func (m *Machine) outerRanges(function int) []int32 {
	if m.outer == nil {
		m.outer = make([][]int32, len(m.program.Functions))
	}
	if m.outer[function] != nil {
		return m.outer[function]
	}
	list := m.program.Functions[function].Ranges
	outer := make([]int32, len(list))
	var open []int // ranges that none seen so far encloses
	for i := range list {
		outer[i] = -1
		for len(open) > 0 && list[open[len(open)-1]].From >= list[i].From {
			outer[open[len(open)-1]] = int32(i)
			open = open[:len(open)-1]
		}
		open = append(open, i)
	}
	m.outer[function] = outer
	return outer
}
