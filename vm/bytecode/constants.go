package bytecode

// ConstantArgument is an argument of a call that is written out in the script: a
// literal and nothing else.
type ConstantArgument struct {
	Import       int    // index of Program.Imports
	Arg          int    // which argument, from 0; out variables are not counted
	Text         string // the literal
	Function     int
	PC           int // word address of the call
	Line, Column int // of the call, 0 if the program is stripped
	File         string
}

// ConstantArguments lists the literal arguments of every call, in the order of
// the code. What a script does with its directories can so be checked before its
// first statement. The program has to be verified.
//
// A value that one of several paths chose, as AND and OR do, is not a literal, nor
// is one that a variable holds.
func (p *Program) ConstantArguments() []ConstantArgument {
	var found []ConstantArgument
	for i := range p.Functions {
		found = p.constantArguments(found, i)
	}
	return found
}

// notLiteral stands in the mirror of the operand stack for every value that is no
// constant.
const notLiteral = -1

func (p *Program) constantArguments(found []ConstantArgument, index int) []ConstantArgument {
	f := &p.Functions[index]
	backwards := backwardTargets(f)
	joins := make(map[int][]int) // what the stack holds where jumps lead that leave something on it
	var stack []int              // indices of constants, or notLiteral
	falls := true                // whether the instruction before leads here
	for pc := 0; pc < len(f.Code); {
		if held, ok := joins[pc]; ok && !falls {
			stack = held
		} else if ok {
			stack = meet(held, stack)
		} else if !falls {
			stack = stack[:0]
		}
		if backwards[pc] {
			stack = meet(stack, nil)
		}
		op, w := OpOf(f.Code[pc]), f.Code[pc]
		next := pc + op.Width()
		pops, pushes := p.effect(w)
		if table[op].Flags&Calls != 0 {
			argument := p.at(f, pc)
			argument.Import, argument.Function, argument.PC = Bx(w), index, pc
			for arg, k := range stack[len(stack)-pops:] {
				if k != notLiteral {
					argument.Arg, argument.Text = arg, p.Consts[k]
					found = append(found, argument)
				}
			}
		}
		stack = stack[:len(stack)-pops]
		if target, ok := jumpTarget(f, pc); ok && len(stack) > 0 && target > pc {
			if held, ok := joins[target]; ok {
				joins[target] = meet(held, stack)
			} else {
				joins[target] = append([]int(nil), stack...)
			}
		}
		for range pushes {
			stack = append(stack, notLiteral)
		}
		if op == LoadConst {
			stack[len(stack)-1] = Bx(w)
		}
		falls = table[op].Flags&Ends == 0
		pc = next
	}
	return found
}

// meet keeps in a what b has as well.
func meet(a, b []int) []int {
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			a[i] = notLiteral
		}
	}
	return a
}

func (p *Program) at(f *Function, pc int) ConstantArgument {
	at, ok := f.Position(pc)
	if !ok {
		return ConstantArgument{File: p.Name}
	}
	return ConstantArgument{Line: at.Line, Column: at.Column, File: p.FileName(at.File)}
}

// jumpTarget returns where the instruction at word pc can jump to, as its operand
// says; in code that is not verified that may be anywhere.
func jumpTarget(f *Function, pc int) (target int, ok bool) {
	op := OpOf(f.Code[pc])
	next := pc + op.Width()
	if next > len(f.Code) {
		return 0, false
	}
	for _, o := range op.Properties().Operands {
		if o.Kind == JumpOperand {
			return next + operand(o.Place, f.Code[pc], f.Code[next-1]), true
		}
	}
	return 0, false
}

// jumpTargets marks the words that are reached by a jump or a failure range.
func jumpTargets(f *Function) []bool {
	targets := make([]bool, len(f.Code)+1)
	mark := func(pc int) {
		if pc >= 0 && pc < len(targets) {
			targets[pc] = true
		}
	}
	for pc := 0; pc < len(f.Code); pc += OpOf(f.Code[pc]).Width() {
		if target, ok := jumpTarget(f, pc); ok {
			mark(target)
		}
	}
	for _, r := range f.Ranges {
		mark(r.Target)
	}
	return targets
}

// backwardTargets marks the words of verified code that are jumped back to.
func backwardTargets(f *Function) []bool {
	targets := make([]bool, len(f.Code))
	for pc := 0; pc < len(f.Code); pc += OpOf(f.Code[pc]).Width() {
		if target, ok := jumpTarget(f, pc); ok && target <= pc {
			targets[target] = true
		}
	}
	return targets
}
