package vm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/vm"
)

const printTop = "\nCallDrop unlooked PRINT\n"

// Each program prints; the words are what it should have printed.
func TestRun(t *testing.T) {
	for _, test := range []struct{ name, code, want string }{
		{"constants keep their text", "function main\nLoadConst \"007\"" + printTop + "Halt", "007"},
		{"arithmetic", `function main
			LoadConst "2"
			LoadConst "3"
			Add
			LoadConst "4"
			Mul
			LoadConst "6"
			Sub
			LoadConst "4"
			Div
			Neg` + printTop + "Halt", "-3.5"},
		{"arithmetic beyond the fast path", `function main
			LoadConst "0.1"
			LoadConst "0.2"
			Add` + printTop + `
			LoadConst "1"
			LoadConst "3"
			Div` + printTop + `
			LoadConst "0"
			LoadConst "-5"
			Mul` + printTop + `
			LoadConst "9007199254740991"
			LoadConst "3"
			Add` + printTop + `
			LoadConst "abc"
			LoadConst "5"
			Mul` + printTop + "Halt", "0.3 0.333333333333333 0 9007199254740990 0"},
		{"dates", `function main
			LoadConst "2024_02_29-00_00_00"
			LoadConst "86400"
			Add` + printTop + `
			LoadConst "2024_03_01-00_00_00"
			LoadConst "2024_02_28-00_00_00"
			Sub` + printTop + `
			LoadConst "2024_03_01-00_00_00"
			LoadConst "1"
			Sub` + printTop + "Halt", "2024_03_01-00_00_00 172800 2024_02_29-23_59_59"},
		{"comparisons", `function main
			LoadConst "0.1"
			LoadConst "0.10"
			Equal` + printTop + `
			LoadConst "9007199254740993"
			LoadConst "9007199254740992"
			Greater` + printTop + `
			LoadConst "abc"
			LoadConst "ABC"
			NotEqual` + printTop + `
			LoadConst "9"
			LoadConst "10"
			Less` + printTop + `
			LoadConst "9x"
			LoadConst "10"
			LessEqual` + printTop + `
			LoadConst "b"
			LoadConst "a"
			GreaterEqual` + printTop + "Halt", "TRUE TRUE TRUE TRUE FALSE TRUE"},
		{"truth", `function main
			LoadConst "true"
			Truth` + printTop + `
			LoadConst "0.0"
			Truth` + printTop + `
			LoadConst "yes"
			Not` + printTop + `
			LoadConst "-1"
			Not` + printTop + "Halt", "TRUE FALSE TRUE FALSE"},
		{"joining", `function main locals=1
			LoadConst "a"
			LoadConst "1"
			LoadConst "2"
			Add
			LoadConst "b"
			Concat 3` + printTop + `
			LoadConst "x"
			LoadConst "y"
			ConcatStore r0 2
			LoadConst "z"
			AppendLocal r0 1
			LoadLocal r0` + printTop + "Halt", "a3b xyz"},
		{"locals and script variables", `function main locals=3
			StoreConst r0 "1"
			MoveLocal r1 r0
			AddLocalLocal r1 r0
			AddLocalConst r1 "10"
			SubLocalConst r1 "0.5"
			LoadLocal r1
			StoreGlobal g1
			LoadGlobal g1` + printTop + `
			LoadGlobal g0
			StoreLocal r2
			LoadLocal r2` + printTop + "Halt", "11.5 "},
		{"jumps", `function main
			LoadConst "TRUE"
			JumpIfTrue a
			LoadConst "wrong"` + printTop + `
			a:
			LoadConst "0"
			JumpIfFalse b
			LoadConst "wrong"` + printTop + `
			b:
			LoadConst "x"
			JumpIfTrue c
			LoadConst "right"` + printTop + `
			Jump d
			c:
			LoadConst "wrong"` + printTop + `
			d:
			Halt`, "right"},
		{"comparing jumps", `function main locals=2
			StoreConst r0 "5"
			StoreConst r1 "5.0"
			JumpCompareLocals r0 == r1 a
			LoadConst "wrong"` + printTop + `
			a:
			JumpCompareLocals r0 != r1 wrong
			JumpCompareLocals r0 < r1 wrong
			JumpCompareLocals r0 > r1 wrong
			JumpCompareLocals r0 <= r1 b
			wrong:
			LoadConst "wrong"` + printTop + `
			b:
			JumpCompareConst r0 >= "5.00000000000000000001" wrong
			JumpCompareConst r0 != "five" c
			Jump wrong
			c:
			JumpCompareConst r0 < "five" d
			Jump wrong
			d:
			LoadConst "right"` + printTop + "Halt", "right"},
		{"a loop", `function main locals=2
			StoreConst r0 "0"
			StoreConst r1 "1"
			again:
			AddLocalLocal r0 r1
			AddLocalConst r1 "1"
			JumpCompareConst r1 <= "100" again
			LoadLocal r0` + printTop + "Halt", "5050"},
		{"foreach", `function main locals=3
			iterator r0
			LoadConst "a||b"
			ForEachStart r0
			again:
			ForEachStore r0 r2 end
			LoadConst "("
			LoadLocal r2
			LoadConst ")"
			Concat 3` + printTop + `
			Jump again
			end:
			LoadLocal r2` + printTop + "Halt", "(a) () (b) b"},
		{"foreach pushes", `function main locals=2
			iterator r0
			LoadConst "x|y"
			ForEachStart r0
			again:
			ForEachNext r0 end` + printTop + `
			Jump again
			end:
			LoadConst "done"` + printTop + "Halt", "x y done"},
		{"foreach of nothing keeps the variable", `function main locals=3
			iterator r0
			StoreConst r2 "before"
			LoadConst ""
			ForEachStart r0
			again:
			ForEachStore r0 r2 end
			Jump again
			end:
			LoadLocal r2` + printTop + "Halt", "before"},
		{"foreach of a number", `function main locals=3
			iterator r0
			LoadConst "1"
			LoadConst "2"
			Add
			ForEachStart r0
			again:
			ForEachStore r0 r2 end
			LoadLocal r2` + printTop + `
			Jump again
			end:
			Halt`, "3"},
		{"foreach left and begun again", `function main locals=3
			iterator r0
			LoadConst "a|b"
			ForEachStart r0
			ForEachStore r0 r2 end
			LoadConst "c|d"
			ForEachStart r0
			again:
			ForEachStore r0 r2 end
			LoadLocal r2` + printTop + `
			Jump again
			end:
			ForEachStore r0 r2 last
			LoadConst "wrong"` + printTop + `
			last:
			Halt`, "c d"},
		{"functions", `function main locals=1
			StoreConst r0 "mine"
			LoadConst "under"
			LoadConst "7"
			LoadConst "8"
			CallFunction 2 f1
			Concat 2` + printTop + `
			LoadLocal r0` + printTop + `Halt
			function f params=2 locals=3
			LoadLocal r2
			JumpIfTrue used
			StoreConst r2 "TRUE"
			LoadLocal r0
			LoadLocal r1
			Mul
			Return
			used:
			LoadConst "old values"
			Return`, "under56 mine"},
		{"fresh slots at each call", `function main
			LoadConst ""
			CallFunction 1 f1` + printTop + `
			LoadConst ""
			CallFunction 1 f1` + printTop + `Halt
			function f params=1 locals=2
			LoadLocal r1
			LoadConst "set"
			StoreLocal r1
			Return`, " "},
		{"recursion", `function main
			LoadConst "20"
			CallFunction 1 f1` + printTop + `Halt
			function fib params=1 locals=1
			JumpCompareConst r0 >= "2" more
			LoadLocal r0
			Return
			more:
			LoadLocal r0
			LoadConst "1"
			Sub
			CallFunction 1 f1
			LoadLocal r0
			LoadConst "2"
			Sub
			CallFunction 1 f1
			Add
			Return`, "6765"},
		{"commands", `function main locals=2
			LoadConst "ok?"
			Call looked PRINT` + printTop + `
			LoadConst "abcd"
			CallStore unlooked LENGTH r0
			LoadLocal r0` + printTop + `
			LoadConst "x"
			LoadConst "y"
			Call unlooked GETLIST
			StoreLocal r1` + printTop + `
			LoadLocal r1` + printTop + "Halt", "ok? OK 4 OK x|y"},
	} {
		if got, err := run(t, test.code, vm.Options{}); err != nil || got != test.want {
			t.Errorf("%s: printed %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

// What a text grew from keeps its bytes, and each copy may grow on.
func TestRun_appendLeavesCopiesAlone(t *testing.T) {
	long := strings.Repeat("0123456789", 30)
	got, err := run(t, `function main locals=3
		StoreConst r0 "`+long+`"
		LoadConst "a"
		AppendLocal r0 1
		MoveLocal r1 r0
		LoadConst "b"
		LoadConst "1"
		LoadConst "1"
		Add
		AppendLocal r0 2
		LoadConst "c"
		AppendLocal r1 1
		MoveLocal r2 r1
		LoadLocal r2
		AppendLocal r2 1
		LoadLocal r0`+printTop+`
		LoadLocal r1`+printTop+`
		LoadLocal r2`+printTop+"Halt", vm.Options{})
	want := long + "ab2 " + long + "ac " + long + "ac" + long + "ac"
	if err != nil || got != want {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
}

// A text that grows by a piece a turn must not be copied whole each time.
func TestRun_appendIsNotQuadratic(t *testing.T) {
	p := assemble(t, `function main locals=2
		StoreConst r1 "0"
		again:
		LoadConst "ab"
		AppendLocal r0 1
		AddLocalConst r1 "1"
		JumpCompareConst r1 < "200000" again
		LoadLocal r0
		CallStore unlooked LENGTH r1
		LoadLocal r1`+printTop+"Halt")
	h := &host{}
	m, err := vm.New(p, h, vm.Options{MaxText: 450_000, Fuel: 3_000_000})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err != nil || h.printed[0] != "400000" {
		t.Errorf("%v, printed %q", err, h.printed)
	}
}

// Nor must each of several that grow in one loop.
func TestRun_appendManyIsNotQuadratic(t *testing.T) {
	const many = 12
	appends := ""
	for slot := range many {
		appends += fmt.Sprintf("LoadConst \"ab\"\nAppendLocal r%d 1\n", slot+1)
	}
	p := assemble(t, fmt.Sprintf(`function main locals=%d
		StoreConst r0 "0"
		again:
		%s
		AddLocalConst r0 "1"
		JumpCompareConst r0 < "10000" again
		Halt`, many+1, appends))
	m, err := vm.New(p, &host{}, vm.Options{MaxText: many * 25_000})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err != nil {
		t.Error(err)
	}
}
