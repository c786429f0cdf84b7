package bytecode_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/vm/bytecode"
)

const head = `
program "x.ftp" language="0.1" globals=1
import PRINT args=1 outs=0 doing
import GETLIST args=1 outs=1 doing
import GETFILESIZE args=1 outs=0 telling
const "a"
`

// Each program breaks one rule only. Its code stands in a function with three
// plain slots and an iterator in slots 3 and 4, unless it declares its own.
func TestVerify_rules(t *testing.T) {
	const main = "function main params=0 locals=5 stack=%d\niterator r3\n"
	for _, test := range []struct {
		name  string
		stack int
		code  string
		want  string // "" is a good program
	}{
		{"good", 1, "LoadConst \"a\"\n StoreLocal r0\n Halt", ""},

		{"no such opcode", 0, ".word 0x000000f0\n Halt", "no instruction with code 240"},
		{"extension as instruction", 0, ".word 0x00000000\n Halt", "no instruction with code 0"},
		{"extension missing", 0, fmt.Sprintf(".word 0x%08x", bytecode.Word(bytecode.ForEachStore, 3, 0, 0)), "lacks its second word"},
		{"extension of another kind", 0, fmt.Sprintf(".word 0x%08x\n Halt\n Halt", bytecode.Word(bytecode.JumpCompareLocals, 0, 1, 0)), "bits set that mean nothing"},
		{"unused bits", 0, fmt.Sprintf(".word 0x%08x", bytecode.Word(bytecode.Halt, 1, 0, 0)), "bits set that mean nothing"},
		{"unused bits of a slot", 0, fmt.Sprintf(".word 0x%08x\n Halt", bytecode.Word(bytecode.MoveLocal, 0, 1, 1)), "bits set that mean nothing"},

		{"slot too high", 1, "LoadConst \"a\"\n StoreLocal r5\n Halt", "slot 5 of 5"},
		{"slot of an iterator", 1, "LoadConst \"a\"\n StoreLocal r3\n Halt", "slot 3 of an iterator"},
		{"second slot of an iterator", 0, "MoveLocal r0 r4\n Halt", "slot 4 of an iterator"},
		{"no iterator", 1, "LoadConst \"a\"\n ForEachStart r0\n Halt", "begins no iterator"},
		{"middle of an iterator", 1, "LoadConst \"a\"\n ForEachStart r4\n Halt", "begins no iterator"},
		{"iterator too high", 1, "LoadConst \"a\"\n ForEachStart r9\n Halt", "begins no iterator"},
		{"slot of CallStore", 1, "LoadConst \"a\"\n CallStore unlooked PRINT r7\n Halt", "slot 7 of 5"},
		{"constant", 1, "LoadConst k1\n Pop\n Halt", "constant 1 of 1"},
		{"constant of a comparison", 0, "JumpCompareConst r0 == k9 end\n end:\n Halt", "constant 9 of 1"},
		{"script variable", 1, "LoadGlobal g1\n Pop\n Halt", "script variable 1 of 1"},
		{"import", 1, "LoadConst \"a\"\n CallDrop unlooked @3\n Halt", "import 3 of 3"},
		{"out variable dropped", 1, "LoadConst \"a\"\n CallDrop unlooked GETLIST\n Halt", "more than a result"},
		{"out variable stored", 1, "LoadConst \"a\"\n CallStore unlooked GETLIST r0\n Halt", "more than a result"},
		{"flags", 1, "LoadConst \"a\"\n CallDrop 2 PRINT\n Halt", "unknown flags"},
		{"comparison", 0, "JumpCompareLocals r0 6 r1 end\n end:\n Halt", "no comparison 6"},
		{"count of a join", 1, "LoadConst \"a\"\n Concat 1\n Pop\n Halt", "less than 2"},
		{"count of an append", 0, "AppendLocal r0 0\n Halt", "less than 1"},
		{"the script as a function", 1, "CallFunction 0 f0\n Pop\n Halt", "function 0 of 1"},
		{"function", 1, "CallFunction 0 f1\n Pop\n Halt", "function 1 of 1"},
		{"jump before the code", 0, "Jump -5\n Halt", "leaves the function"},
		{"jump behind the code", 0, "Jump +1\n Halt", "leaves the function"},
		{"jump into an instruction", 0, "JumpCompareLocals r0 == r1 -1\n Halt", "middle of an instruction"},

		{"too few values", 0, "Pop\n Halt", "takes 1 values, the stack has 0"},
		{"too few for a call", 0, "CallDrop unlooked PRINT\n Halt", "takes 1 values"},
		{"too few for a join", 1, "LoadConst \"a\"\n Concat 2\n Pop\n Halt", "takes 2 values"},
		{"too few for a comparison", 1, "LoadConst \"a\"\n Equal\n Pop\n Halt", "takes 2 values"},
		{"heights differ forwards", 1, "LoadConst \"a\"\n JumpIfTrue end\n LoadConst \"a\"\n end:\n Halt", "different stack heights"},
		{"heights differ backwards", 2, "again:\n LoadConst \"a\"\n Jump again", "different stack heights"},
		{"pushed only when it falls", 1, "again:\n ForEachNext r3 end\n Jump again\n end:\n Halt", "different stack heights"},
		{"height declared too low", 0, "LoadConst \"a\"\n Pop\n Halt", "height 1, not 0"},
		{"height declared too high", 2, "LoadConst \"a\"\n Pop\n Halt", "height 1, not 2"},
		{"values left at the end", 1, "LoadConst \"a\"\n Halt", "leaves 1 values"},
		{"frame too high", 250, strings.Repeat("LoadConst \"a\"\n", 251) + strings.Repeat("Pop\n", 251) + "Halt", "higher than a frame"},

		{"falls off the end", 0, "MoveLocal r0 r1", "without an end"},
		{"falls off after a call", 1, "LoadConst \"a\"\n CallDrop unlooked PRINT", "without an end"},
		{"unreachable behind a jump", 0, "Jump end\n MoveLocal r0 r1\n end:\n Halt", "not reachable"},
		{"unreachable at the end", 0, "Halt\n Halt", "not reachable"},
		{"unreachable circle", 0, "Halt\n again:\n Jump again", "not reachable"},
		{"return from the script", 1, "LoadConst \"a\"\n Return", "not for this kind"},
		{"end of the script in a function", 0, "Halt\nfunction f\n Halt", "not for this kind"},
		{"return without a value", 0, "Halt\nfunction f\n Return", "takes 1 values"},
		{"return with two", 0, "Halt\nfunction f stack=2\n LoadConst \"a\"\n LoadConst \"a\"\n Return", "leaves 1 values"},
		{"arguments", 1, "CallFunction 0 f1\n Pop\n Halt\nfunction f params=1 locals=1 stack=1\n LoadConst \"a\"\n Return", "passes 0 arguments"},
		{"function good", 1, "LoadConst \"a\"\n CallFunction 1 f1\n Pop\n Halt\nfunction f params=1 locals=1 stack=1\n LoadConst \"a\"\n Return", ""},

		{"function without a value good", 0, "Halt\nfunction größe\n Abandon", ""},
		{"function without a value, in the script", 0, "Abandon", "not for this kind"},
		{"function without a value, with one on the stack", 0, "Halt\nfunction f stack=1\n LoadConst \"a\"\n Abandon", "leaves 1 values"},
		{"behind a function without a value", 0, "Halt\nfunction f\n Abandon\n Abandon", "not reachable"},
		{"slot of a function", 0, "Halt\nfunction f params=1 locals=1 stack=1\n LoadLocal r1\n Return", "slot 1 of 1"},
		{"stack of a function", 0, "Halt\nfunction f params=1 locals=1 stack=2\n LoadLocal r0\n Return", "height 1, not 2"},
		{"result of a failure good", 1, "LoadCaught\n Pop\n Halt", ""},
		{"result of a failure left", 1, "LoadCaught\n Halt", "leaves 1 values"},
		{"reaction good", 0, "OnError stop\n OnError continue\n Halt", ""},
		{"reaction", 0, "OnError 2\n Halt", "no reaction 2"},
		{"reaction with other bits", 0, fmt.Sprintf(".word 0x%08x\n Halt", bytecode.Word(bytecode.OnError, 1, 1, 0)), "bits set that mean nothing"},

		{"range good", 1, "range statement from end end\nfrom:\n LoadConst \"a\"\n CallDrop unlooked GETFILESIZE\n end:\n Halt", ""},
		{"range of one place twice, of both kinds", 1, "range statement from end end\nrange catch from end end\nfrom:\n LoadConst \"a\"\n CallDrop unlooked GETFILESIZE\n end:\n Halt", ""},
		{"range twice", 1, "range statement from end end\nrange statement from end end\nfrom:\n LoadConst \"a\"\n CallDrop unlooked GETFILESIZE\n end:\n Halt", "out of order"},
		{"range empty", 0, "range statement from from end\nfrom:\n end:\n Halt", "whole instructions"},
		{"range into itself", 1, "range statement from end from\nfrom:\n LoadConst \"a\"\n CallDrop unlooked GETFILESIZE\n end:\n Halt", "into itself"},
		{"range outer first", 1, "range statement from end end\nrange statement mid end end\nfrom:\n LoadConst \"a\"\n mid:\n CallDrop unlooked GETFILESIZE\n end:\n Halt", "out of order"},
		{"ranges cross", 1, "range statement from mid end\nrange statement in end end\nfrom:\n LoadConst \"a\"\n in:\n Pop\n mid:\n LoadConst \"a\"\n CallDrop unlooked GETFILESIZE\n end:\n Halt", "cross"},
		{"range target with values", 2, "range statement from end end\nfrom:\n LoadConst \"a\"\n LoadConst \"a\"\n CallDrop unlooked GETFILESIZE\n end:\n Pop\n Halt", "different stack heights"},
		{"range that nothing enters", 0, "range statement from end handler\nfrom:\n MoveLocal r0 r1\n end:\n Halt\n handler:\n Halt", "not reachable"},
		{"range to the end of the code", 1, "range statement from last end\nfrom:\n LoadConst \"a\"\n CallDrop unlooked GETFILESIZE\n Jump end\n end:\n Halt\nlast:", "into itself"},

		{"position good", 0, "2:1 MoveLocal r0 r1\n Halt", ""},
		{"position without a line", 0, "0:1 Halt", "no proper line"},
		{"position without a column", 0, "1:0 Halt", "no proper line"},
		{"position beyond all lines", 0, "9999999999:1 Halt", "no proper line"},
		{"position in an unknown file", 0, "1:1@1 Halt", "no file"},
	} {
		p := assemble(t, head+fmt.Sprintf(main, test.stack)+test.code)
		err := bytecode.Verify(p)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v; want %q", test.name, err, test.want)
		case p.Verified() != (err == nil):
			t.Errorf("%s: marked %v", test.name, p.Verified())
		}
	}
}

// Rules about tables, which assembler text cannot break or not alone.
func TestVerify_tables(t *testing.T) {
	halt := []uint32{uint32(bytecode.Halt)}
	for name, test := range map[string]struct {
		want   string
		change func(p *bytecode.Program)
	}{
		"good":                  {"", func(p *bytecode.Program) {}},
		"no functions":          {"no functions", func(p *bytecode.Program) { p.Functions = nil }},
		"parameters":            {"takes parameters", func(p *bytecode.Program) { p.Functions[0].Params = 1 }},
		"globals":               {"script variables", func(p *bytecode.Program) { p.Globals = -1 }},
		"too many globals":      {"script variables", func(p *bytecode.Program) { p.Globals = 1 << 20 }},
		"too many constants":    {"too many", func(p *bytecode.Program) { p.Consts = make([]string, 1<<16+1) }},
		"name with control":     {"control characters", func(p *bytecode.Program) { p.Name = "a\nb" }},
		"name too long":         {"longer than", func(p *bytecode.Program) { p.Name = strings.Repeat("a", 256) }},
		"language not UTF-8":    {"UTF-8", func(p *bytecode.Program) { p.Language = "\xff" }},
		"file not UTF-8":        {"UTF-8", func(p *bytecode.Program) { p.Files = []string{"\xff"} }},
		"constant not UTF-8":    {"constant 0 is not UTF-8", func(p *bytecode.Program) { p.Consts = []string{"\xff"} }},
		"import without a name": {"import 0", func(p *bytecode.Program) { p.Imports = []bytecode.Import{{}} }},
		"import with blanks":    {"import 0", func(p *bytecode.Program) { p.Imports = []bytecode.Import{{Command: "A B"}} }},
		"form with blanks":      {"import 0", func(p *bytecode.Program) { p.Imports = []bytecode.Import{{Command: "A", Form: "a b"}} }},
		"function without name": {"proper name", func(p *bytecode.Program) { p.Functions[0].Name = "" }},
		"no code":               {"0 words", func(p *bytecode.Program) { p.Functions[0].Code = nil }},
		"too many slots":        {"more than 200", func(p *bytecode.Program) { p.Functions[0].Locals = 201 }},
		"frame too large":       {"frame holds", func(p *bytecode.Program) { p.Functions[0].Locals, p.Functions[0].MaxStack = 200, 56 }},
		"negative slots":        {"fit", func(p *bytecode.Program) { p.Functions[0].Locals = -1 }},
		"iterator of one slot":  {"iterator slot 0", func(p *bytecode.Program) { p.Functions[0].Locals = 1; p.Functions[0].Iterators = []uint8{0} }},
		"iterators overlap":     {"iterator slot 1", func(p *bytecode.Program) { p.Functions[0].Locals = 4; p.Functions[0].Iterators = []uint8{0, 1} }},
		"iterator of a param": {"iterator slot 0", func(p *bytecode.Program) {
			p.Functions = append(p.Functions, bytecode.Function{Name: "f", Params: 1, Locals: 2, Iterators: []uint8{0}, Code: halt})
		}},
		"names for other slots":    {"names for", func(p *bytecode.Program) { p.Functions[0].LocalNames = []string{"a"} }},
		"name of a slot":           {"slot has no proper name", func(p *bytecode.Program) { p.Functions[0].Locals = 1; p.Functions[0].LocalNames = []string{"a b"} }},
		"range of unknown kind":    {"no known kind", func(p *bytecode.Program) { p.Functions[0].Ranges = []bytecode.Range{{To: 1, Kind: 7}} }},
		"range before the code":    {"whole instructions", func(p *bytecode.Program) { p.Functions[0].Ranges = []bytecode.Range{{From: -1, To: 1}} }},
		"range beyond the code":    {"whole instructions", func(p *bytecode.Program) { p.Functions[0].Ranges = []bytecode.Range{{To: 2}} }},
		"range leads nowhere":      {"leads to no instruction", func(p *bytecode.Program) { p.Functions[0].Ranges = []bytecode.Range{{To: 1, Target: 1}} }},
		"position behind the code": {"position 0", func(p *bytecode.Program) { p.Functions[0].Positions = []bytecode.Position{{PC: 1, Line: 1, Column: 1}} }},
		"position twice": {"position 1", func(p *bytecode.Program) {
			at := bytecode.Position{Line: 1, Column: 1}
			p.Functions[0].Positions = []bytecode.Position{at, at}
		}},
		"position in an extension": {"position 0", func(p *bytecode.Program) {
			p.Functions[0].Locals = 1
			p.Functions[0].Code = []uint32{bytecode.Word(bytecode.JumpCompareLocals, 0, 0, 0), uint32(bytecode.Extra), halt[0]}
			p.Functions[0].Positions = []bytecode.Position{{PC: 1, Line: 1, Column: 1}}
		}},
	} {
		p := &bytecode.Program{Name: "x.ftp", Language: "0.1", Functions: []bytecode.Function{{Name: "main", Code: halt}}}
		test.change(p)
		err := bytecode.Verify(p)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
}

// A hostile program must not make the verifier slow: its time is linear also
// where every instruction jumps, calls or lies in many ranges.
func TestVerify_deepNesting(t *testing.T) {
	const depth = 2000
	var code, ranges strings.Builder
	for i := range depth {
		fmt.Fprintf(&code, "f%d:\n LoadConst \"a\"\n CallDrop unlooked GETFILESIZE\n", i)
	}
	for i := range depth {
		fmt.Fprintf(&code, "t%d:\n LoadConst \"a\"\n CallDrop unlooked GETFILESIZE\n", i)
		fmt.Fprintf(&ranges, "range statement f%d t%d t%d\n", depth-1-i, i, min(i+1, depth-1))
	}
	p := assemble(t, head+"function main locals=0 stack=1\n"+ranges.String()+code.String()+"Halt\n")
	if err := bytecode.Verify(p); err != nil {
		t.Fatal(err)
	}
}

func TestOps_table(t *testing.T) {
	names := map[string]bool{}
	for _, op := range bytecode.Ops() {
		row := op.Properties()
		if row.Name == "" || names[row.Name] || op.String() != row.Name || !op.Valid() {
			t.Errorf("opcode %d has no name of its own", op)
		}
		names[row.Name] = true
		places := map[bytecode.Place]bool{}
		for _, o := range row.Operands {
			if places[o.Place] {
				t.Errorf("%v uses a place twice", op)
			}
			places[o.Place] = true
			if (o.Place == bytecode.InExtraA || o.Place == bytecode.InExtraAx) != (op.Width() == 2 && o == row.Operands[len(row.Operands)-1]) {
				t.Errorf("%v: the extension holds the last operand, and only that", op)
			}
		}
		if len(row.Operands) > 4 {
			t.Errorf("%v has more operands than the codecs reserve", op)
		}
		if row.Pops == bytecode.FromOperand && len(row.Operands) == 0 {
			t.Errorf("%v takes its count from nowhere", op)
		}
	}
	if op := bytecode.Op(len(names)); op.Valid() || op.String() == "" || op.Width() != 1 || op.Properties().Name != "" {
		t.Errorf("%v is taken for an opcode", op)
	}
}

func TestWord(t *testing.T) {
	w := bytecode.Word(bytecode.JumpCompareConst, 1, 2, 3)
	if bytecode.OpOf(w) != bytecode.JumpCompareConst || bytecode.A(w) != 1 || bytecode.B(w) != 2 || bytecode.C(w) != 3 {
		t.Errorf("%08x", w)
	}
	w = bytecode.WordBx(bytecode.LoadConst, 7, 65535)
	if bytecode.OpOf(w) != bytecode.LoadConst || bytecode.A(w) != 7 || bytecode.Bx(w) != 65535 {
		t.Errorf("%08x", w)
	}
	for _, n := range []int{0, 1, -1, bytecode.MaxJump, -bytecode.MaxJump - 1} {
		if w := bytecode.WordAx(bytecode.Jump, n); bytecode.Ax(w) != n || bytecode.OpOf(w) != bytecode.Jump {
			t.Errorf("%d: %08x", n, w)
		}
	}
	if d := bytecode.Distance(bytecode.JumpCompareLocals, 10, 10); d != -2 {
		t.Errorf("a jump to itself has distance %d", d)
	}
	for c := bytecode.IfEqual; c <= bytecode.IfGreaterEqual; c++ {
		if c.Negate().Negate() != c || c.Negate() == c {
			t.Errorf("negation of %v", c)
		}
	}
	if c, ok := bytecode.LessEqual.Comparison(); !ok || c != bytecode.IfLessEqual {
		t.Error("LessEqual does not compare as <=")
	}
	if _, ok := bytecode.Add.Comparison(); ok {
		t.Error("Add compares")
	}
}
