package bytecode

import "fmt"

// Op is an instruction's code: the low byte of its first word.
//
// An instruction is one 32-bit word, some are followed by one extension word:
//
//	31      24 23      16 15       8 7        0
//	|    C    |    B     |    A     | opcode  |   three small operands
//	|        Bx          |    A     | opcode  |   a small operand and an index
//	|             Ax                | opcode  |   a signed jump distance
//
// An extension word has the opcode Extra and carries either a jump (Ax) or a
// slot (A). A jump's distance counts words from the word that follows the whole
// instruction, extension included: 0 falls through. Fixed words instead of a byte
// stream because operands that must be assembled byte by byte cost a third of the
// loop's speed; the file format packs them, so bundles stay small.
//
// Numbers are dense from 0 so that the machine's switch becomes a jump table, and
// frozen once a format is released: new ones are added at the end.
type Op uint8

// The comment of each opcode is its stack picture: what it takes -> what it
// leaves, top of the stack on the right. "a" is the slot A, "k" a constant.
const (
	Extra Op = iota // not executed: the second word of the instruction before. 0, so that zeroed memory is no program

	LoadConst   // Bx          -> k
	LoadLocal   // A           -> a
	StoreLocal  // A      x ->        a = x
	LoadGlobal  // Bx          -> g
	StoreGlobal // Bx     x ->        g = x
	Pop         //        x ->

	Add // x y -> x+y    arithmetic: a text that is no number counts as 0, dates have their own rules
	Sub // x y -> x-y
	Mul // x y -> x*y
	Div // x y -> x/y
	Neg //   x -> -x

	Equal        // x y -> x==y    comparisons leave TRUE or FALSE
	NotEqual     // x y -> x!=y
	Less         // x y -> x<y
	LessEqual    // x y -> x<=y
	Greater      // x y -> x>y
	GreaterEqual // x y -> x>=y

	Concat // A   x1 … xA -> x1.….xA    A is 2 or more
	Not    //     x -> FALSE or TRUE
	Truth  //     x -> TRUE or FALSE    for AND and OR that are stored, not tested

	Jump        // Ax  ->
	JumpIfTrue  // Ax  x ->     jumps when x holds
	JumpIfFalse // Ax  x ->     jumps when x does not hold

	Call         // A Bx   args -> result outs    A: bit 0 set if the script looks at the result; Bx: import; the last out is on top
	CallFunction // A Bx   args -> result         A: how many arguments; Bx: function
	Return       //        x ->                   back to the caller, which gets x
	Halt         //        ->                     the end of the script

	ForEachStart // A      list ->        the iterator in slots A and A+1 stands before the first item
	ForEachNext  // A, Ax  -> item        the next item; none left: jumps, and pushes nothing

	// Fused instructions: what several of the above do, chosen by the compiler
	// from the shape of a statement. The machine writes straight into the slot.

	StoreConst        // A Bx       a = k
	MoveLocal         // A B        a = b
	AddLocalConst     // A Bx       a = a + k
	AddLocalLocal     // A B        a = a + b
	SubLocalConst     // A Bx       a = a - k
	JumpCompareLocals // A B C, Ax  jumps when "a C b" holds; C is a Comparison
	JumpCompareConst  // A B C, Ax  jumps when "a C k" holds; B is a constant below 256
	ConcatStore       // A B    x1 … xB ->     a = x1.….xB     B is 2 or more
	AppendLocal       // A B    x1 … xB ->     a = a.x1.….xB   B is 1 or more
	CallDrop          // A Bx   args ->        Call, Pop; imports without outs only
	CallStore         // A Bx, A  args ->      Call, StoreLocal (slot in the extension); imports without outs only
	ForEachStore      // A B, Ax               b = the next item of iterator A; none left: jumps, and b keeps the last

	// Since format 0.2.

	Abandon    //     ->        the function ends without a value; the caller's statement is abandoned
	LoadCaught //     -> code   the result of the failure that a CATCH took last
	OnError    // A   ->        what a failure that nothing looks at or catches does from now on: A is a Reaction

	opCount // how many there are
)

// Comparison is the C operand of the comparing jumps.
type Comparison uint8

const (
	IfEqual Comparison = iota
	IfNotEqual
	IfLess
	IfLessEqual
	IfGreater
	IfGreaterEqual

	comparisonCount
)

// String is the operator as scripts write it.
func (c Comparison) String() string {
	if c < comparisonCount {
		return [...]string{"==", "!=", "<", "<=", ">", ">="}[c]
	}
	return fmt.Sprintf("comparison(%d)", uint8(c))
}

// Negate is the comparison that holds exactly when c does not.
func (c Comparison) Negate() Comparison {
	return [...]Comparison{IfNotEqual, IfEqual, IfGreaterEqual, IfGreater, IfLessEqual, IfLess}[c]
}

// Comparison returns the comparison that the opcodes Equal to GreaterEqual make.
func (op Op) Comparison() (Comparison, bool) {
	if op < Equal || op > GreaterEqual {
		return 0, false
	}
	return Comparison(op - Equal), true
}

// Reaction is the operand of OnError.
type Reaction uint8

const (
	Continue Reaction = iota // the next statement runs
	Stop                     // the script ends

	reactionCount
)

// String is the word as scripts write it, in small letters.
func (r Reaction) String() string {
	if r < reactionCount {
		return [...]string{"continue", "stop"}[r]
	}
	return fmt.Sprintf("reaction(%d)", uint8(r))
}

// opsOfMinor is how many opcodes the minor versions of the format define.
var opsOfMinor = [FormatMinor + 1]Op{0: Abandon, 1: Abandon, 2: opCount}

// LookedAt is bit 0 of the A operand of Call, CallDrop and CallStore.
const LookedAt = 1

// Kind says what an operand means, and so how it is checked, stored and shown.
type Kind uint8

const (
	NoOperand         Kind = iota
	SlotOperand            // a plain local slot
	IteratorOperand        // the first of an iterator's two slots
	ConstOperand           // an index of Program.Consts
	GlobalOperand          // an index of a script variable, below Program.Globals
	ImportOperand          // an index of Program.Imports
	FunctionOperand        // an index of Program.Functions, not 0
	CountOperand           // how many values are taken from the stack
	ArgumentsOperand       // how many arguments are taken: the function's Params
	FlagsOperand           // LookedAt or 0
	ComparisonOperand      // a Comparison
	JumpOperand            // a signed distance in words
	ReactionOperand        // a Reaction
)

// Place is where in an instruction an operand lies.
type Place uint8

const (
	InA       Place = iota // bits 8-15
	InB                    // bits 16-23
	InC                    // bits 24-31
	InBx                   // bits 16-31
	InAx                   // bits 8-31, signed
	InExtraA               // bits 8-15 of the extension word
	InExtraAx              // bits 8-31 of the extension word, signed
)

// Operand is one operand of an opcode: what it is and where it lies.
type Operand struct {
	Kind  Kind
	Place Place
}

// Flags are yes-or-no properties of an opcode.
type Flags uint8

const (
	Ends       Flags = 1 << iota // what follows is not reached by falling through
	Calls                        // calls a host function: failure ranges and fuel matter
	Fails                        // can end the run with a runtime error: wants a position
	WithExtra                    // an extension word follows
	PushOnFall                   // its push happens only when it does not jump
	InMain                       // only in function 0
	InFunction                   // in any function but 0
)

// FromOperand as Pops or Pushes: the number comes from the count operand, the
// import or the function.
const FromOperand = -1

// Properties is one row of the table.
type Properties struct {
	Name     string
	Operands []Operand // in the order in which they are encoded and shown
	Pops     int
	Pushes   int
	Flags    Flags
	Least    int // the least count operand
}

var (
	slot       = Operand{SlotOperand, InA}
	slotB      = Operand{SlotOperand, InB}
	iterator   = Operand{IteratorOperand, InA}
	constant   = Operand{ConstOperand, InBx}
	flags      = Operand{FlagsOperand, InA}
	imported   = Operand{ImportOperand, InBx}
	jump       = Operand{JumpOperand, InAx}
	jumpExtra  = Operand{JumpOperand, InExtraAx}
	comparison = Operand{ComparisonOperand, InC}
	countA     = Operand{CountOperand, InA}
	countB     = Operand{CountOperand, InB}
	globalOp   = Operand{GlobalOperand, InBx}
)

// table is the one statement of what each opcode is; a test compares it with the
// machine's switch and with spec/bytecode.md.
var table = [opCount]Properties{
	Extra: {Name: "Extra"},

	LoadConst:   {Name: "LoadConst", Operands: ops(constant), Pushes: 1},
	LoadLocal:   {Name: "LoadLocal", Operands: ops(slot), Pushes: 1},
	StoreLocal:  {Name: "StoreLocal", Operands: ops(slot), Pops: 1},
	LoadGlobal:  {Name: "LoadGlobal", Operands: ops(globalOp), Pushes: 1},
	StoreGlobal: {Name: "StoreGlobal", Operands: ops(globalOp), Pops: 1},
	Pop:         {Name: "Pop", Pops: 1},

	Add: arithmetic("Add"),
	Sub: arithmetic("Sub"),
	Mul: arithmetic("Mul"),
	Div: arithmetic("Div"),
	Neg: {Name: "Neg", Pops: 1, Pushes: 1, Flags: Fails},

	Equal:        compares("Equal"),
	NotEqual:     compares("NotEqual"),
	Less:         compares("Less"),
	LessEqual:    compares("LessEqual"),
	Greater:      compares("Greater"),
	GreaterEqual: compares("GreaterEqual"),

	Concat: {Name: "Concat", Operands: ops(countA), Pops: FromOperand, Pushes: 1, Flags: Fails, Least: 2},
	Not:    {Name: "Not", Pops: 1, Pushes: 1},
	Truth:  {Name: "Truth", Pops: 1, Pushes: 1},

	Jump:        {Name: "Jump", Operands: ops(jump), Flags: Ends},
	JumpIfTrue:  {Name: "JumpIfTrue", Operands: ops(jump), Pops: 1},
	JumpIfFalse: {Name: "JumpIfFalse", Operands: ops(jump), Pops: 1},

	Call:         {Name: "Call", Operands: ops(flags, imported), Pops: FromOperand, Pushes: FromOperand, Flags: Calls | Fails},
	CallFunction: {Name: "CallFunction", Operands: ops(Operand{ArgumentsOperand, InA}, Operand{FunctionOperand, InBx}), Pops: FromOperand, Pushes: 1, Flags: Fails},
	Return:       {Name: "Return", Pops: 1, Flags: Ends | InFunction},
	Halt:         {Name: "Halt", Flags: Ends | InMain},

	ForEachStart: {Name: "ForEachStart", Operands: ops(iterator), Pops: 1},
	ForEachNext:  {Name: "ForEachNext", Operands: ops(iterator, jumpExtra), Pushes: 1, Flags: WithExtra | PushOnFall},

	StoreConst:        {Name: "StoreConst", Operands: ops(slot, constant)},
	MoveLocal:         {Name: "MoveLocal", Operands: ops(slot, slotB)},
	AddLocalConst:     {Name: "AddLocalConst", Operands: ops(slot, constant), Flags: Fails},
	AddLocalLocal:     {Name: "AddLocalLocal", Operands: ops(slot, slotB), Flags: Fails},
	SubLocalConst:     {Name: "SubLocalConst", Operands: ops(slot, constant), Flags: Fails},
	JumpCompareLocals: {Name: "JumpCompareLocals", Operands: ops(slot, comparison, slotB, jumpExtra), Flags: WithExtra},
	JumpCompareConst:  {Name: "JumpCompareConst", Operands: ops(slot, comparison, Operand{ConstOperand, InB}, jumpExtra), Flags: WithExtra},
	ConcatStore:       {Name: "ConcatStore", Operands: ops(slot, countB), Pops: FromOperand, Flags: Fails, Least: 2},
	AppendLocal:       {Name: "AppendLocal", Operands: ops(slot, countB), Pops: FromOperand, Flags: Fails, Least: 1},
	CallDrop:          {Name: "CallDrop", Operands: ops(flags, imported), Pops: FromOperand, Flags: Calls | Fails},
	CallStore:         {Name: "CallStore", Operands: ops(flags, imported, Operand{SlotOperand, InExtraA}), Pops: FromOperand, Flags: Calls | Fails | WithExtra},
	ForEachStore:      {Name: "ForEachStore", Operands: ops(iterator, slotB, jumpExtra), Flags: WithExtra},

	Abandon:    {Name: "Abandon", Flags: Ends | InFunction},
	LoadCaught: {Name: "LoadCaught", Pushes: 1},
	OnError:    {Name: "OnError", Operands: ops(Operand{ReactionOperand, InA})},
}

func ops(list ...Operand) []Operand { return list }

func arithmetic(name string) Properties {
	return Properties{Name: name, Pops: 2, Pushes: 1, Flags: Fails}
}

func compares(name string) Properties {
	return Properties{Name: name, Pops: 2, Pushes: 1}
}

// Ops returns every opcode, in order.
func Ops() []Op {
	all := make([]Op, opCount)
	for i := range all {
		all[i] = Op(i)
	}
	return all
}

// Valid reports whether this format version defines the opcode.
func (op Op) Valid() bool { return op < opCount }

// Properties returns the opcode's row of the table; its slices are not to be
// changed. An opcode that is not Valid has an empty row.
func (op Op) Properties() Properties {
	if op < opCount {
		return table[op]
	}
	return Properties{}
}

// String is the mnemonic of the disassembly.
func (op Op) String() string {
	if op < opCount {
		return table[op].Name
	}
	return fmt.Sprintf("op(%d)", uint8(op))
}

// Width is how many words the instruction takes: 1 or 2.
func (op Op) Width() int {
	if op < opCount && table[op].Flags&WithExtra != 0 {
		return 2
	}
	return 1
}

// Limits of the word layout.
const (
	MaxJump  = 1<<23 - 1 // words a jump can reach forwards; backwards one more
	MaxBx    = 1<<16 - 1 // highest constant, import, function and global
	MaxSlots = 200       // locals of a function, iterators included
	MaxFrame = 255       // locals and operand stack of a function together
)

// Word makes an instruction of small operands. Operands must fit their places.
func Word(op Op, a, b, c int) uint32 {
	return uint32(op) | uint32(a)&0xff<<8 | uint32(b)&0xff<<16 | uint32(c)&0xff<<24
}

// WordBx makes an instruction of a small operand and an index.
func WordBx(op Op, a, bx int) uint32 {
	return uint32(op) | uint32(a)&0xff<<8 | uint32(bx)&0xffff<<16
}

// WordAx makes an instruction of a jump distance, -MaxJump-1 to MaxJump.
func WordAx(op Op, ax int) uint32 {
	return uint32(op) | uint32(int32(ax))<<8
}

// Distance is the Ax that makes the instruction at word at, of the given opcode,
// jump to word target.
func Distance(op Op, at, target int) int { return target - at - op.Width() }

// OpOf, A, B, C, Bx and Ax take a word apart.
func OpOf(w uint32) Op { return Op(w) }

// A is the operand in bits 8-15.
func A(w uint32) int { return int(uint8(w >> 8)) }

// B is the operand in bits 16-23.
func B(w uint32) int { return int(uint8(w >> 16)) }

// C is the operand in bits 24-31.
func C(w uint32) int { return int(w >> 24) }

// Bx is the operand in bits 16-31.
func Bx(w uint32) int { return int(w >> 16) }

// Ax is the signed operand in bits 8-31.
func Ax(w uint32) int { return int(int32(w) >> 8) }

// operand reads one operand of the instruction w with the extension word x.
func operand(place Place, w, x uint32) int {
	switch place {
	case InA:
		return A(w)
	case InB:
		return B(w)
	case InC:
		return C(w)
	case InBx:
		return Bx(w)
	case InAx:
		return Ax(w)
	case InExtraA:
		return A(x)
	default:
		return Ax(x)
	}
}

// assemble is the reverse of operand for a whole instruction: the words of op
// with the given operands, which are in range. The second word counts only
// for opcodes WithExtra.
func assemble(op Op, operands []int) (w, x uint32) {
	w, x = uint32(op), uint32(Extra)
	for i, o := range table[op].Operands {
		v := uint32(int32(operands[i]))
		switch o.Place {
		case InA:
			w |= v << 8
		case InB:
			w |= v << 16
		case InC:
			w |= v << 24
		case InBx:
			w |= v << 16
		case InAx:
			w |= v << 8
		case InExtraA, InExtraAx:
			x |= v << 8
		}
	}
	return w, x
}
