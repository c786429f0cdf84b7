package compiler

import (
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		// What is known is computed.
		{`1 + 2 * 3`, `LoadConst "7"`},
		{`7 / 2`, `LoadConst "3.5"`},
		{`0.1 + 0.2`, `LoadConst "0.3"`},
		{`-5`, `LoadConst "-5"`},
		{`-(2 - 4)`, `LoadConst "2"`},
		{`" 5 " + 1`, `LoadConst "6"`},
		{`10 > 9`, `LoadConst "TRUE"`},
		{`"10" > "9a"`, `LoadConst "FALSE"`},
		{`NOT 0`, `LoadConst "TRUE"`},
		{`NOT "x"`, `LoadConst "TRUE"`},
		{`1 AND "x"`, `LoadConst "FALSE"`},
		{`0 OR "true"`, `LoadConst "TRUE"`},
		{`"a" . 1 + 1 . "b"`, `LoadConst "a2b"`},
		{`007`, `LoadConst "007"`},

		// Neighbours in a chain are joined, empty ones dropped.
		{`"a" . "b" . $x . "c" . "d"`, `LoadConst "ab"; LoadLocal $x; LoadConst "cd"; Concat 3`},
		{`"" . $x`, `LoadLocal $x`},
		{`$x . "" . $x`, `LoadLocal $x; LoadLocal $x; Concat 2`},
		{`$x . ("a" . ("b" . $x))`, `LoadLocal $x; LoadConst "ab"; LoadLocal $x; Concat 3`},

		// A known left side decides AND and OR, and its right side is not there.
		{`FALSE AND EXEC("x") == "OK"`, `LoadConst "FALSE"`},
		{`TRUE OR EXEC("x") == "OK"`, `LoadConst "TRUE"`},
		{`TRUE AND $x`, `LoadLocal $x; Truth`},
		{`FALSE OR $x == 1`, `LoadLocal $x; LoadConst "1"; Equal`},
		{`NOT NOT $x`, `LoadLocal $x; Truth`},

		// Left to the run: what fails, and what it tells about.
		{`1 / 0`, `LoadConst "1"; LoadConst "0"; Div`},
		{`5 * "abc"`, `LoadConst "5"; LoadConst "abc"; Mul`},
		{`"" + 1`, `LoadConst ""; LoadConst "1"; Add`},
		{`-"abc"`, `LoadConst "abc"; Neg`},
		{`100000000000000000000 * 100`, `LoadConst "100000000000000000000"; LoadConst "100"; Mul`},
		{`"2024_01_01-00_00_00" - 1`, `LoadConst "2024_01_01-00_00_00"; LoadConst "1"; Sub`},
		// A known right side does not spare the call on the left.
		{`GETENV("a") AND FALSE`, `LoadConst "a"; Call unlooked GETENV; JumpIfFalse -> 5; LoadConst "FALSE"; Jump -> 6; LoadConst "FALSE"`},
	} {
		t.Run(c.expression, func(t *testing.T) {
			got := strings.ReplaceAll(listing(mustCompile(t, "PRINT("+c.expression+")", Options{})), "\n", "; ")
			if want := c.want + "; CallDrop unlooked PRINT; Halt"; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// Folding builds new operands and leaves the resolved ones as they are, because
// the report and the warnings read them afterwards.
func TestFold_changesNothing(t *testing.T) {
	inner := &operation{operator: opAdd, left: &constant{text: "1"}, right: &constant{text: "2"}}
	chain := &joined{parts: []operand{&constant{text: "a"}, inner, &constant{text: "b"}}}
	call := &site{args: []operand{chain}}
	folded, ok := fold(call).(*site)
	if !ok || folded == call {
		t.Fatal("the call itself was returned")
	}
	if c, ok := folded.args[0].(*constant); !ok || c.text != "a3b" {
		t.Errorf("folded argument is %#v", folded.args[0])
	}
	if call.args[0] != operand(chain) || len(chain.parts) != 3 || chain.parts[1] != operand(inner) {
		t.Error("folding changed what it was given")
	}
}
