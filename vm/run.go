package vm

import (
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/value"
)

// next says how the loop goes on after it called out.
type next uint8

const (
	goOn   next = iota // with the following instruction; only m.sp may have moved
	reload             // in another frame or elsewhere in this one
	stop               // m.err says why
)

// decide maps a Comparison to the orders for which it holds, four bits each. One
// shift instead of a second switch.
const decide = value.Same<<(4*bytecode.IfEqual) | (value.Less|value.Greater)<<(4*bytecode.IfNotEqual) |
	value.Less<<(4*bytecode.IfLess) | (value.Less|value.Same)<<(4*bytecode.IfLessEqual) |
	value.Greater<<(4*bytecode.IfGreater) | (value.Greater|value.Same)<<(4*bytecode.IfGreaterEqual)

// execute is the loop. It returns when the script ends; m.pc then stands behind
// the last instruction.
//
// Its shape is what makes it fast, measured step by step:
//
//   - Two loops: the outer one takes the frame into locals, the inner one changes
//     only pc and sp. Whatever else changes the frame goes through `continue run`,
//     so the compiler keeps the rest in registers or spills it once per frame.
//   - regs is a pointer to an array of 256 values and its indices are uint8, which
//     leaves no bounds check. The verifier has proved that no slot beyond the
//     frame is named.
//   - No defer, closure, interface or fmt call in here; everything that is not
//     the common case of two whole numbers is in a function that is not inlined.
//   - Values are changed through pointers, not copied: the machine reads a text
//     as a number once, and the reading stays with the slot.
//   - Every error leaves through one exit.
//
// An array of functions instead of the switch, closures, and a look at the
// context in each instruction were tried; each cost between a third and three
// times.
func (m *Machine) execute() error {
	consts := m.consts
	pc := 0
run:
	for {
		code := m.code
		regs := (*[windowSize]value.Value)(m.stack[m.base:])
		pc = m.pc
		sp := m.sp
		for {
			w := code[pc]
			pc++
			switch bytecode.Op(w) {
			case bytecode.LoadConst:
				regs[sp] = consts[w>>16]
				sp++
			case bytecode.LoadLocal:
				regs[sp] = regs[uint8(w>>8)]
				sp++
			case bytecode.StoreLocal:
				sp--
				regs[uint8(w>>8)] = regs[sp]
			case bytecode.LoadGlobal:
				regs[sp] = m.globals[w>>16]
				sp++
			case bytecode.StoreGlobal:
				sp--
				m.globals[w>>16] = regs[sp]
			case bytecode.Pop:
				sp--

			case bytecode.Add:
				sp--
				if !regs[sp-1].AddWhole(&regs[sp]) && !m.arithmeticSlow(value.OpAdd, regs, sp, pc) {
					break run
				}
			case bytecode.Sub:
				sp--
				if !regs[sp-1].SubWhole(&regs[sp]) && !m.arithmeticSlow(value.OpSub, regs, sp, pc) {
					break run
				}
			case bytecode.Mul:
				sp--
				if !m.arithmeticSlow(value.OpMul, regs, sp, pc) {
					break run
				}
			case bytecode.Div:
				sp--
				if !m.arithmeticSlow(value.OpDiv, regs, sp, pc) {
					break run
				}
			case bytecode.Neg:
				if !m.negateSlow(&regs[sp-1], pc) {
					break run
				}

			case bytecode.Equal, bytecode.NotEqual, bytecode.Less, bytecode.LessEqual, bytecode.Greater, bytecode.GreaterEqual:
				sp--
				a, b := &regs[sp-1], &regs[sp]
				order := a.OrderWhole(b)
				if order == value.Unknown {
					order = m.compareSlow(a, b)
				}
				*a = value.Bool(decide>>(4*(w-uint32(bytecode.Equal))&31)&order != 0)

			case bytecode.Concat:
				n := uint8(w >> 8)
				sp -= n
				if !m.concatSlow(regs, sp, n, &regs[sp]) {
					break run
				}
				sp++
			case bytecode.Not:
				a := &regs[sp-1]
				*a = value.Bool(!m.holds(a))
			case bytecode.Truth:
				a := &regs[sp-1]
				*a = value.Bool(m.holds(a))

			case bytecode.Jump:
				jump := int(int32(w) >> 8)
				if jump < 0 {
					if m.left += int64(jump); m.left < 0 && !m.pause() {
						break run
					}
				}
				pc += jump
			case bytecode.JumpIfTrue:
				sp--
				if m.holds(&regs[sp]) {
					jump := int(int32(w) >> 8)
					if jump < 0 {
						if m.left += int64(jump); m.left < 0 && !m.pause() {
							break run
						}
					}
					pc += jump
				}
			case bytecode.JumpIfFalse:
				sp--
				if !m.holds(&regs[sp]) {
					jump := int(int32(w) >> 8)
					if jump < 0 {
						if m.left += int64(jump); m.left < 0 && !m.pause() {
							break run
						}
					}
					pc += jump
				}

			case bytecode.Call, bytecode.CallDrop:
				m.pc, m.sp = pc, sp
				switch m.callHost(w) {
				case goOn:
					sp = m.sp
				case reload:
					continue run
				default:
					break run
				}
			case bytecode.CallStore:
				slot := uint8(code[pc] >> 8)
				pc++
				m.pc, m.sp = pc, sp
				switch m.callHost(w) {
				case goOn:
					// The result was pushed; it moves into the slot.
					sp = m.sp - 1
					regs[slot] = regs[sp]
				case reload:
					continue run
				default:
					break run
				}
			case bytecode.CallFunction:
				m.pc, m.sp = pc, sp
				if !m.enter(w) {
					break run
				}
				continue run
			case bytecode.Return:
				m.leave(&regs[0], &regs[sp-1])
				continue run
			case bytecode.Halt:
				break run

			case bytecode.ForEachStart:
				sp--
				m.iterate(regs, uint8(w>>8), &regs[sp])
			case bytecode.ForEachNext:
				jump := int(int32(code[pc]) >> 8)
				pc++
				if m.nextItem(regs, uint8(w>>8), &regs[sp]) {
					sp++
				} else {
					if jump < 0 {
						if m.left += int64(jump); m.left < 0 && !m.pause() {
							break run
						}
					}
					pc += jump
				}

			case bytecode.StoreConst:
				regs[uint8(w>>8)] = consts[w>>16]
			case bytecode.MoveLocal:
				regs[uint8(w>>8)] = regs[uint8(w>>16)]
			case bytecode.AddLocalConst:
				if !regs[uint8(w>>8)].AddWhole(&consts[w>>16]) && !m.fusedSlow(regs, w, pc) {
					break run
				}
			case bytecode.AddLocalLocal:
				if !regs[uint8(w>>8)].AddWhole(&regs[uint8(w>>16)]) && !m.fusedSlow(regs, w, pc) {
					break run
				}
			case bytecode.SubLocalConst:
				if !regs[uint8(w>>8)].SubWhole(&consts[w>>16]) && !m.fusedSlow(regs, w, pc) {
					break run
				}
			case bytecode.JumpCompareLocals:
				a, b := &regs[uint8(w>>8)], &regs[uint8(w>>16)]
				jump := int(int32(code[pc]) >> 8)
				pc++
				order := a.OrderWhole(b)
				if order == value.Unknown {
					order = m.compareFused(regs, w)
				}
				if decide>>(4*(w>>24)&31)&order != 0 {
					if jump < 0 {
						if m.left += int64(jump); m.left < 0 && !m.pause() {
							break run
						}
					}
					pc += jump
				}
			case bytecode.JumpCompareConst:
				a, b := &regs[uint8(w>>8)], &consts[uint8(w>>16)]
				jump := int(int32(code[pc]) >> 8)
				pc++
				order := a.OrderWhole(b)
				if order == value.Unknown {
					order = m.compareFused(regs, w)
				}
				if decide>>(4*(w>>24)&31)&order != 0 {
					if jump < 0 {
						if m.left += int64(jump); m.left < 0 && !m.pause() {
							break run
						}
					}
					pc += jump
				}
			case bytecode.ConcatStore:
				n := uint8(w >> 16)
				sp -= n
				if !m.concatSlow(regs, sp, n, &regs[uint8(w>>8)]) {
					break run
				}
			case bytecode.AppendLocal:
				n := uint8(w >> 16)
				sp -= n
				if !m.appendSlow(regs, sp, n, &regs[uint8(w>>8)]) {
					break run
				}
			case bytecode.ForEachStore:
				jump := int(int32(code[pc]) >> 8)
				pc++
				if !m.nextItem(regs, uint8(w>>8), &regs[uint8(w>>16)]) {
					if jump < 0 {
						if m.left += int64(jump); m.left < 0 && !m.pause() {
							break run
						}
					}
					pc += jump
				}

			case bytecode.Abandon:
				m.pc = pc
				if !m.abandonCaller() {
					break run
				}
				continue run
			case bytecode.LoadCaught:
				m.loadCaught(&regs[sp])
				sp++
			case bytecode.OnError:
				m.react(w)

			case bytecode.Extra: // data; a case of its own lets the jump table begin at 0
				m.unreachable(w)
			default:
				m.unreachable(w)
			}
		}
	}
	m.pc = pc
	return m.err
}
