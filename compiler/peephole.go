package compiler

import "github.com/sftpc/sftpc/vm/bytecode"

// The peephole fuses neighbouring instructions of a block into one. Every fused
// instruction does exactly what the instructions of its pattern do; which are
// worth having was counted on real scripts, and each costs a rule of the verifier,
// so a row is added only with figures.

// rewrite is a row of the table: where pattern matches and when, if there is one,
// agrees, the instructions become the one that fuse makes.
type rewrite struct {
	name    string
	pattern []opSet
	when    func(w []instruction) bool
	fuse    func(w []instruction) instruction
}

// opSet is a set of opcodes: bit n is opcode n.
type opSet uint64

func anyOf(ops ...bytecode.Op) opSet {
	var set opSet
	for _, op := range ops {
		set |= 1 << op
	}
	return set
}

func (s opSet) has(op bytecode.Op) bool { return s>>op&1 != 0 }

var (
	loadsLocal  = anyOf(bytecode.LoadLocal)
	loadsConst  = anyOf(bytecode.LoadConst)
	storesLocal = anyOf(bytecode.StoreLocal)
	calls       = anyOf(bytecode.Call)
	compares    = anyOf(bytecode.Equal, bytecode.NotEqual, bytecode.Less, bytecode.LessEqual, bytecode.Greater, bytecode.GreaterEqual)
	tests       = anyOf(bytecode.JumpIfTrue, bytecode.JumpIfFalse)
)

// rewrites is tried from the top at each instruction; the first that matches wins.
var rewrites = []rewrite{
	{
		name:    "add a constant to a variable",
		pattern: []opSet{loadsLocal, loadsConst, anyOf(bytecode.Add), storesLocal},
		when:    backToFirst,
		fuse:    func(w []instruction) instruction { return withConst(bytecode.AddLocalConst, w[0].a, w[1]) },
	},
	{
		name:    "add a variable to a variable",
		pattern: []opSet{loadsLocal, loadsLocal, anyOf(bytecode.Add), storesLocal},
		when:    backToFirst,
		fuse: func(w []instruction) instruction {
			return instruction{op: bytecode.AddLocalLocal, a: w[0].a, b: w[1].a}
		},
	},
	{
		name:    "subtract a constant from a variable",
		pattern: []opSet{loadsLocal, loadsConst, anyOf(bytecode.Sub), storesLocal},
		when:    backToFirst,
		fuse:    func(w []instruction) instruction { return withConst(bytecode.SubLocalConst, w[0].a, w[1]) },
	},
	{
		name:    "compare two variables and jump",
		pattern: []opSet{loadsLocal, loadsLocal, compares, tests},
		fuse: func(w []instruction) instruction {
			return instruction{op: bytecode.JumpCompareLocals, a: w[0].a, b: w[1].a, c: int(comparison(w[2], w[3])), target: w[3].target}
		},
	},
	{
		name:    "compare a variable with a constant and jump",
		pattern: []opSet{loadsLocal, loadsConst, compares, tests},
		when:    func(w []instruction) bool { return w[1].index < smallConstants },
		fuse: func(w []instruction) instruction {
			return instruction{op: bytecode.JumpCompareConst, a: w[0].a, b: w[1].index, c: int(comparison(w[2], w[3])), target: w[3].target}
		},
	},
	{
		name:    "compare a constant with a variable and jump",
		pattern: []opSet{loadsConst, loadsLocal, compares, tests},
		when:    func(w []instruction) bool { return w[0].index < smallConstants },
		fuse: func(w []instruction) instruction {
			return instruction{op: bytecode.JumpCompareConst, a: w[1].a, b: w[0].index, c: int(mirrored(comparison(w[2], w[3]))), target: w[3].target}
		},
	},
	{
		name:    "set a variable to a constant",
		pattern: []opSet{loadsConst, storesLocal},
		fuse:    func(w []instruction) instruction { return withConst(bytecode.StoreConst, w[1].a, w[0]) },
	},
	{
		name:    "set a variable to another",
		pattern: []opSet{loadsLocal, storesLocal},
		fuse:    func(w []instruction) instruction { return instruction{op: bytecode.MoveLocal, a: w[1].a, b: w[0].a} },
	},
	{
		name:    "store what was joined",
		pattern: []opSet{anyOf(bytecode.Concat), storesLocal},
		fuse:    func(w []instruction) instruction { return instruction{op: bytecode.ConcatStore, a: w[1].a, b: w[0].a} },
	},
	{
		name:    "drop a result",
		pattern: []opSet{calls, anyOf(bytecode.Pop)},
		when:    withoutOuts,
		fuse: func(w []instruction) instruction {
			return instruction{op: bytecode.CallDrop, a: w[0].a, index: w[0].index, site: w[0].site}
		},
	},
	{
		name:    "store a result",
		pattern: []opSet{calls, storesLocal},
		when:    withoutOuts,
		fuse: func(w []instruction) instruction {
			return instruction{op: bytecode.CallStore, a: w[0].a, b: w[1].a, index: w[0].index, site: w[0].site}
		},
	},
	{
		name:    "store the next item",
		pattern: []opSet{anyOf(bytecode.ForEachNext), storesLocal},
		fuse: func(w []instruction) instruction {
			return instruction{op: bytecode.ForEachStore, a: w[0].a, b: w[1].a, target: w[0].target}
		},
	},
}

// smallConstants is how many constants an 8-bit operand can name. Constants are
// numbered before fusing, in the order of the code.
const smallConstants = 256

// backToFirst: the result goes to the variable that the first instruction loads.
func backToFirst(w []instruction) bool { return w[len(w)-1].a == w[0].a }

func withoutOuts(w []instruction) bool { return len(w[0].site.outs) == 0 }

func withConst(op bytecode.Op, slot int, k instruction) instruction {
	return instruction{op: op, a: slot, index: k.index, text: k.text}
}

// comparison is what holds when the test jumps. Of two values exactly one of <,
// == and > holds, so the opposite of a comparison is a comparison.
func comparison(compare, test instruction) bytecode.Comparison {
	c, _ := compare.op.Comparison()
	if test.op == bytecode.JumpIfFalse {
		return c.Negate()
	}
	return c
}

// mirrored is the comparison with its sides exchanged.
func mirrored(c bytecode.Comparison) bytecode.Comparison {
	return [...]bytecode.Comparison{
		bytecode.IfEqual, bytecode.IfNotEqual, bytecode.IfGreater, bytecode.IfGreaterEqual, bytecode.IfLess, bytecode.IfLessEqual,
	}[c]
}

// peephole fuses the instructions of one block, in place.
func peephole(code []instruction) []instruction {
	kept := code[:0]
	for len(code) > 0 {
		if row := rewriteFor(code); row != nil {
			window := code[:len(row.pattern)]
			code = code[len(window):]
			fused := row.fuse(window)
			fused.place, fused.source, fused.abandon = placeOf(window), window[0].source, window[0].abandon
			kept = append(kept, fused)
			continue
		}
		kept = append(kept, code[0])
		code = code[1:]
	}
	return kept
}

func rewriteFor(code []instruction) *rewrite {
	for i := range rewrites {
		row := &rewrites[i]
		if row.pattern[0].has(code[0].op) && row.matches(code) {
			return row
		}
	}
	return nil
}

func (r *rewrite) matches(code []instruction) bool {
	if len(code) < len(r.pattern) {
		return false
	}
	for i, set := range r.pattern {
		if !set.has(code[i].op) {
			return false
		}
	}
	return r.when == nil || r.when(code[:len(r.pattern)])
}

// placeOf is the place of what can fail among the instructions, else of the first
// that has one.
func placeOf(window []instruction) int {
	place := unplaced
	for _, in := range window {
		if in.place == unplaced {
			continue
		}
		if in.op.Properties().Flags&bytecode.Fails != 0 {
			return in.place
		}
		if place == unplaced {
			place = in.place
		}
	}
	return place
}
