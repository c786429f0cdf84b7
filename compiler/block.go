package compiler

import "github.com/sftpc/sftpc/vm/bytecode"

// Emission writes basic blocks, in the order in which they will lie in the
// code: a script reads from top to bottom, and so does its disassembly. Each block
// ends in one way to go on. What no way from the start reaches is dropped, jumps
// to jumps are shortened, and a block that is followed by its successor needs
// no jump at all.

// instruction is one instruction before it has an address. The fields lie in the
// word as their names say; only those that the opcode has are meant.
type instruction struct {
	op      bytecode.Op
	a, b, c int
	index   int    // Bx: constant, import or global
	text    string // of a constant, before it has an index
	site    *site  // of calls
	invoked *function
	read    *load   // of what reads a variable
	sets    *symbol // of what sets a variable
	target  *block  // of jumps
	source  *source // the file of place
	place   int     // offset in the source, or unplaced
	abandon *block  // where a telling failure leads, nil: nowhere
}

const unplaced = -1

// calls reports whether a failure can come out of the instruction: only then do its
// ranges lead anywhere.
func (in *instruction) calls() bool {
	return in.op == bytecode.CallFunction || in.op.Properties().Flags&bytecode.Calls != 0
}

// ending says how a block goes on.
type ending uint8

const (
	open   ending = iota // not ended yet
	goOn                 // to next
	branch               // takes a value: true to yes, false to next
	halt
	yields   // takes a value: back to the caller with it
	forsakes // back to the caller without one
)

// block is a stretch of instructions entered only at its start.
type block struct {
	from, to  int // its instructions in the builder's list
	order     int // its place in the layout
	ending    ending
	next, yes *block
	place     int      // in the source, of the jump at its end
	source    *source  // the file of place
	edges     []*block // where its instructions can lead besides next and yes
	pinned    bool     // keeps its own address: failures lead here
	calls     bool     // some instruction of it can fail
	try       *tryBlocks
	possible  bool // some way from the start leads here
	live      bool // and still does after jumps have been shortened
	address   int
	height    int // values on the operand stack at its start, -1 before it is known
}

// tryBlocks is a TRY around blocks: a failure in them leads to its handler.
type tryBlocks struct {
	outer    *tryBlocks
	handler  *block
	from, to int // the blocks between TRY and CATCH, by their order
}

// builder holds the blocks of the script or function at hand.
type builder struct {
	code    []instruction
	layout  []*block
	current *block
	source  *source // the file at hand
	abandon *block  // of the statement at hand
	try     *tryBlocks
	tries   []*tryBlocks // all of the unit
	mark    int          // start of a statement whose first instruction is still to come
}

// newBuilder starts with room for about as many instructions as a script of the
// given length has.
func newBuilder(from *source, length int) *builder {
	b := &builder{source: from, mark: unplaced, code: make([]instruction, 0, 16+length/bytesPerInstruction)}
	b.begin(&block{})
	return b
}

// bytesPerInstruction is how much source makes an instruction, in scripts with few
// comments.
const bytesPerInstruction = 8

// begin makes next the block that is written from now on; the current one goes on
// there unless it has ended otherwise.
func (b *builder) begin(next *block) {
	if b.current != nil {
		b.jump(next, unplaced)
	}
	next.from, next.to, next.order, next.height = len(b.code), len(b.code), len(b.layout), -1
	next.try = b.try
	b.current = next
	b.layout = append(b.layout, next)
}

// end ends the current block, unless it has ended already.
func (b *builder) end(how ending, next, yes *block, place int) {
	if b.current.ending != open {
		return
	}
	at := b.current
	at.ending, at.next, at.yes, at.place, at.source = how, next, yes, b.takeMark(place), b.source
}

// takeMark prefers the place given to that of the statement just begun.
func (b *builder) takeMark(place int) int {
	if place == unplaced {
		place = b.mark
	}
	b.mark = unplaced
	return place
}

// jump ends the current block with a way to another.
func (b *builder) jump(to *block, place int) { b.end(goOn, to, nil, place) }

// branch ends the current block with a test of the value on the stack.
func (b *builder) branch(yes, no *block) { b.end(branch, no, yes, unplaced) }

// emit appends an instruction to the current block.
func (b *builder) emit(in instruction) {
	at := b.begun()
	in.place, in.source = b.takeMark(in.place), b.source
	if in.target != nil {
		at.edges = append(at.edges, in.target)
	}
	at.calls = at.calls || in.calls()
	if in.abandon = b.abandon; in.abandon != nil && in.calls() {
		in.abandon.pinned = true
		if n := len(at.edges); n == 0 || at.edges[n-1] != in.abandon {
			at.edges = append(at.edges, in.abandon)
		}
	}
	b.code = append(b.code, in)
	at.to = len(b.code)
}

// begun returns the block that the next instruction will stand in. Behind a jump
// nothing leads to it; it is written all the same, to be dropped.
func (b *builder) begun() *block {
	if b.current.ending != open {
		b.begin(&block{})
	}
	return b.current
}

// trace marks what can run, depth first from the start: with shorten false what a
// reader would say can run, with shorten true the blocks that are left when no
// jump leads to a jump.
func (b *builder) trace(shorten bool) {
	var stack []*block
	visit := func(next **block) {
		if *next == nil {
			return
		}
		if shorten {
			*next = through(*next)
		}
		seen := &(*next).possible
		if shorten {
			seen = &(*next).live
		}
		if !*seen {
			*seen = true
			stack = append(stack, *next)
		}
	}
	start := b.layout[0]
	start.possible, start.live = true, shorten
	stack = append(stack, start)
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		visit(&at.next)
		visit(&at.yes)
		for i := range at.edges {
			visit(&at.edges[i])
		}
		for t := at.try; t != nil && at.calls; t = t.outer {
			if t.handler.possible && (!shorten || t.handler.live) {
				break // and so are those further out
			}
			visit(&t.handler)
		}
	}
}

// passes reports whether the block only leads on to its next one.
func (b *block) passes() bool { return b.from == b.to && b.ending == goOn && !b.pinned }

// mostEmptyBlocks is how far through looks before it searches for a circle.
const mostEmptyBlocks = 16

// through follows ways through empty blocks to the first that does something.
// Empty blocks can lead in a circle (`WHILE(TRUE)` with nothing in it); then one of
// the circle is the answer, the same for all that lead into it.
func through(b *block) *block {
	at := b
	for range mostEmptyBlocks {
		if !at.passes() {
			return at
		}
		at = at.next
	}
	// Two followers at different speeds meet in a circle, if there is one.
	slow := at
	for at.passes() && at.next.passes() {
		at, slow = at.next.next, slow.next
		if at == slow {
			return firstOf(slow)
		}
	}
	if at.passes() {
		return at.next
	}
	return at
}

// firstOf is the block of a circle that lies first in the code.
func firstOf(member *block) *block {
	first := member
	for at := member.next; at != member; at = at.next {
		if at.order < first.order {
			first = at
		}
	}
	return first
}

// stretch is a block's final code.
type stretch struct {
	block *block
	code  []instruction
}

// linearize returns the code of the live blocks in layout order, with jumps where
// a block is not followed by where it goes on.
func (b *builder) linearize() []stretch {
	b.trace(false)
	b.trace(true)
	var live []*block
	for _, at := range b.layout {
		if at.live {
			live = append(live, at)
		}
	}
	result := make([]stretch, len(live))
	code := make([]instruction, 0, len(b.code)+2*len(live))
	for i, at := range live {
		var following *block
		if i+1 < len(live) {
			following = live[i+1]
		}
		from := len(code)
		for _, in := range b.code[at.from:at.to] {
			if in.target != nil {
				in.target = through(in.target)
			}
			if in.abandon != nil && !in.abandon.live {
				in.abandon = nil // every call of the statement has been dropped
			}
			code = append(code, in)
		}
		code = at.leave(code, following)
		result[i] = stretch{at, code[from:len(code):len(code)]}
	}
	return result
}

// leave appends what ends the block.
func (b *block) leave(code []instruction, following *block) []instruction {
	var abandon *block
	if b.from != b.to {
		// The test belongs to the statement before it: one range covers both.
		abandon = code[len(code)-1].abandon
	}
	add := func(op bytecode.Op, target *block) {
		code = append(code, instruction{op: op, target: target, place: b.place, source: b.source, abandon: abandon})
	}
	switch {
	case b.ending == halt || b.ending == open:
		add(bytecode.Halt, nil)
		return code
	case b.ending == yields:
		add(bytecode.Return, nil)
		return code
	case b.ending == forsakes:
		add(bytecode.Abandon, nil)
		return code
	case b.ending == branch && b.yes == following:
		add(bytecode.JumpIfFalse, b.next)
		return code
	case b.ending == branch:
		add(bytecode.JumpIfTrue, b.yes)
	}
	if b.next != following {
		add(bytecode.Jump, b.next)
	}
	return code
}
