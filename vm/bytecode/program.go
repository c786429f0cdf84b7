package bytecode

import (
	"slices"
	"sort"
	"sync/atomic"
)

// LanguageVersion is the version of the language that this tree compiles. A
// bundle carries the version it was compiled for, and a newer machine keeps its
// behaviour.
const LanguageVersion = "0.1"

// Program is a compiled script. After Verify has passed it must not be changed;
// it is then safe for any number of machines at once.
type Program struct {
	Name     string   // the script's name as errors show it: a base name, never a path
	Language string   // LanguageVersion of the compiler that made it
	Files    []string // names of included files; Position.File counts from 1 into it
	Imports  []Import
	Consts   []string
	// Functions holds the script itself at index 0, user functions after it.
	Functions []Function
	Globals   int // how many script variables functions can reach by LoadGlobal

	verified atomic.Bool
}

// Import is a command that the script calls, in one shape. A host is asked for
// it before anything runs.
type Import struct {
	Command string // capitals
	Form    string // the catalogue's key of the form, often ""
	Args    uint8  // arguments passed, out variables not counted
	Outs    uint8  // values given back besides the result
	Telling bool   // answers with a value instead of OK or a code
}

// Function is a unit of code with its own slots.
type Function struct {
	Name     string
	Params   int // slots 0 to Params-1 are the arguments
	Locals   int // slots, parameters and iterators included; at most MaxSlots
	MaxStack int // greatest height of the operand stack, exactly

	// Iterators lists the first slot of each FOREACH, ascending. Such a slot and
	// the next belong to the ForEach instructions alone.
	Iterators []uint8
	Code      []uint32
	Positions []Position // ascending PC; empty when stripped
	// LocalNames names the slots without `$`, "" for those the compiler made;
	// either empty or Locals long.
	LocalNames []string
	Ranges     []Range // inner before outer, else in order of the code
}

// Position is where in the source the instructions from PC on come from.
type Position struct {
	PC     int // word address
	Line   int // from 1
	Column int // in characters, from 1
	File   int // 0 the script, n Program.Files[n-1]
}

// Range says where a command failure that nothing looks at leads. Ranges are
// consulted only when a command failed.
type Range struct {
	From, To int // words of the function: From <= pc < To
	Target   int // where the run continues, with an empty operand stack; outside From..To
	Kind     RangeKind
}

// RangeKind is which failures a Range takes.
type RangeKind uint8

const (
	// RangeStatement takes failures of telling commands: the statement that
	// would have used the value is abandoned.
	RangeStatement RangeKind = iota
	// RangeCatch takes every command failure, also from functions called
	// within: TRY.
	RangeCatch

	rangeKindCount
)

// String is the word of the disassembly.
func (k RangeKind) String() string {
	if k == RangeCatch {
		return "catch"
	}
	return "statement"
}

// Verified reports whether Verify has accepted the program.
func (p *Program) Verified() bool { return p.verified.Load() }

// Strip removes positions and the names of locals. What remains runs the same;
// errors then name a word address instead of a line. Not to be called on
// a program that is running.
func (p *Program) Strip() {
	p.Files = nil
	for i := range p.Functions {
		p.Functions[i].Positions = nil
		p.Functions[i].LocalNames = nil
	}
}

// Stripped reports whether no function has positions or names.
func (p *Program) Stripped() bool {
	return !slices.ContainsFunc(p.Functions, func(f Function) bool {
		return len(f.Positions) > 0 || len(f.LocalNames) > 0
	})
}

// FileName is the name of the source file with the number of Position.File.
func (p *Program) FileName(file int) string {
	if file > 0 && file <= len(p.Files) {
		return p.Files[file-1]
	}
	return p.Name
}

// Position returns where the instruction at word pc comes from; ok is false if
// the function has no position for it.
func (f *Function) Position(pc int) (at Position, ok bool) {
	i := sort.Search(len(f.Positions), func(i int) bool { return f.Positions[i].PC > pc })
	if i == 0 {
		return Position{}, false
	}
	return f.Positions[i-1], true
}
