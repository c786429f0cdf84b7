package vm

import (
	"fmt"
	"strconv"

	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/value"
)

// The functions here are the loop's less common cases. They must not be inlined
// into it: their code would push the loop's own values out of registers. Those
// that return a bool report whether the run goes on; m.err says why not.

// arithmeticSlow computes the value below sp and the one at sp into the lower.
//
//go:noinline
func (m *Machine) arithmeticSlow(op value.Operator, regs *[windowSize]value.Value, sp uint8, pc int) bool {
	return m.compute(op, &regs[sp-1], &regs[sp], pc)
}

// fusedSlow carries out AddLocalConst, AddLocalLocal and SubLocalConst. It takes
// the word instead of two pointers, which the loop would have to save for the
// case that the call happens.
//
//go:noinline
func (m *Machine) fusedSlow(regs *[windowSize]value.Value, w uint32, pc int) bool {
	a := &regs[uint8(w>>8)]
	switch bytecode.Op(w) {
	case bytecode.AddLocalLocal:
		return m.compute(value.OpAdd, a, &regs[uint8(w>>16)], pc)
	case bytecode.SubLocalConst:
		return m.compute(value.OpSub, a, &m.consts[w>>16], pc)
	}
	return m.compute(value.OpAdd, a, &m.consts[w>>16], pc)
}

// compute stores a op b in a, by all rules of the language.
func (m *Machine) compute(op value.Operator, a, b *value.Value, pc int) bool {
	if a.Hot() && b.Hot() {
		r, err := value.Calculate(op, a, b)
		if err != nil {
			m.err = err
			return false
		}
		*a = r
		return true
	}
	m.left -= int64(a.TextLen()+b.TextLen()) >> textShift
	r, odd, err := value.Arithmetic(op, a, b)
	if odd != 0 && !m.notNumbers(odd, a, b, pc) {
		return false
	}
	if err != nil {
		m.err = err
		return false
	}
	*a = r
	return true
}

//go:noinline
func (m *Machine) negateSlow(a *value.Value, pc int) bool {
	var zero value.Value
	m.left -= int64(a.TextLen()) >> textShift
	r, odd, err := value.Arithmetic(value.OpSub, &zero, a)
	if odd != 0 && !m.notNumbers(odd, &zero, a, pc) {
		return false
	}
	if err != nil {
		m.err = err
		return false
	}
	*a = r
	return true
}

// notNumbers tells of operands that counted as 0, or ends a strict run.
func (m *Machine) notNumbers(odd value.Odd, a, b *value.Value, pc int) bool {
	text := b.String()
	if odd&value.OddLeft != 0 {
		text = a.String()
	}
	if m.options.Strict {
		m.err = fmt.Errorf("%s is %w", quoted(text), ErrNotNumber)
		return false
	}
	if m.options.NotNumber == nil {
		return true
	}
	at := place{m.function, pc - 1}
	if _, told := m.told[at]; told {
		return true
	}
	if m.told == nil {
		m.told = make(map[place]struct{})
	}
	m.told[at] = struct{}{}
	m.options.NotNumber(m.position(at.function, at.pc), text)
	return true
}

// quoted shows the beginning of a text on one line.
func quoted(s string) string {
	const most = 40
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return strconv.QuoteToASCII(s)
}

// compareFused is compareSlow for the operands of a comparing jump.
//
//go:noinline
func (m *Machine) compareFused(regs *[windowSize]value.Value, w uint32) uint32 {
	if bytecode.Op(w) == bytecode.JumpCompareConst {
		return m.compareSlow(&regs[uint8(w>>8)], &m.consts[uint8(w>>16)])
	}
	return m.compareSlow(&regs[uint8(w>>8)], &regs[uint8(w>>16)])
}

// compareSlow compares any two values.
//
//go:noinline
func (m *Machine) compareSlow(a, b *value.Value) uint32 {
	m.left -= int64(a.TextLen()+b.TextLen()) >> textShift
	switch c := value.Compare(a, b); {
	case c < 0:
		return value.Less
	case c > 0:
		return value.Greater
	}
	return value.Same
}

//go:noinline
func (m *Machine) holds(a *value.Value) bool {
	m.left -= int64(a.TextLen()) >> textShift
	return a.IsTrue()
}

// concatSlow joins the n values at sp into target.
//
//go:noinline
func (m *Machine) concatSlow(regs *[windowSize]value.Value, sp, n uint8, target *value.Value) bool {
	parts := regs[sp:][:n]
	length := 0
	for i := range parts {
		length += parts[i].TextLen()
	}
	if length > MaxTextLength {
		m.err = ErrTextLength
		return false
	}
	// Into a buffer that is kept, then one allocation for the text itself. What is
	// too large to keep is made in place.
	const keep = 64 << 10
	var text string
	if length <= keep {
		b := m.scratch[:0]
		for i := range parts {
			b = parts[i].AppendTo(b)
		}
		text = string(b)
		m.scratch = b
	} else {
		b := make([]byte, 0, length)
		for i := range parts {
			b = parts[i].AppendTo(b)
		}
		text = string(b)
	}
	*target = value.Text(text)
	return m.charge(len(text))
}

// appendSlow appends the n values at sp to target.
//
// A text that grows in a loop would be copied whole each time. Long ones
// therefore live in one of a few builders: if target still is what a builder
// holds, only the new part is written behind it. Texts taken earlier keep their
// bytes, because a builder never rewrites what it has handed out, so there is
// nothing to freeze or invalidate. The comparison with the builder's text is
// cheap: same length and same memory is equal at once.
//
//go:noinline
func (m *Machine) appendSlow(regs *[windowSize]value.Value, sp, n uint8, target *value.Value) bool {
	parts := regs[sp:][:n]
	added := 0
	for i := range parts {
		added += parts[i].TextLen()
	}
	length := target.TextLen()
	if length+added > MaxTextLength {
		m.err = ErrTextLength
		return false
	}
	const worthIt = 128 // bytes; shorter texts are cheaper copied than kept
	if length+added < worthIt {
		b := target.AppendTo(m.scratch[:0])
		for i := range parts {
			b = parts[i].AppendTo(b)
		}
		m.scratch = b
		*target = value.Text(string(b))
		return m.charge(len(b))
	}
	text := target.String()
	slot := -1
	for i := range m.growing {
		if b := &m.growing[i]; b.Len() == len(text) && b.String() == text {
			slot = i
			break
		}
	}
	if slot < 0 {
		if !m.charge(len(text)) {
			return false
		}
		slot = m.nextGrow
		m.nextGrow = (slot + 1) % len(m.growing)
		b := &m.growing[slot]
		b.Reset()
		b.Grow(min(2*len(text)+added, MaxTextLength))
		b.WriteString(text)
	}
	b := &m.growing[slot]
	var digits [64]byte
	for i := range parts {
		if part := &parts[i]; part.Hot() && part.Bare() {
			b.Write(part.AppendTo(digits[:0]))
		} else {
			b.WriteString(part.String())
		}
	}
	*target = value.Text(b.String())
	return m.charge(b.Len() - len(text))
}

// iterate puts the iterator at slot before the first item of list. The text in
// the first slot is the list as it is now, whatever the loop's body assigns; the
// second slot holds the offset of the next item.
//
//go:noinline
func (m *Machine) iterate(regs *[windowSize]value.Value, slot uint8, list *value.Value) {
	text := list.String()
	regs[slot] = value.Text(text)
	regs[slot+1] = value.Int(0)
}

// nextItem stores the next item in target and reports whether there was one.
// Items share the list's memory.
//
//go:noinline
func (m *Machine) nextItem(regs *[windowSize]value.Value, slot uint8, target *value.Value) bool {
	offset, _ := regs[slot+1].Float() // whole, and exact: no text has 2^51 bytes
	item, after, ok := value.NextItem(regs[slot].Text(), int(offset))
	if !ok {
		regs[slot] = value.Value{} // the list need not live longer than its loop
		return false
	}
	regs[slot+1] = value.Int(int64(after))
	m.left -= int64(len(item)) >> textShift
	*target = value.Text(item)
	return true
}

// unreachable is for words that no verified program executes.
//
//go:noinline
func (m *Machine) unreachable(w uint32) {
	panic(fmt.Sprintf("instruction %v in verified code", bytecode.Op(w)))
}
