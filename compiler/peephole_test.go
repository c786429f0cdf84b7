package compiler

import (
	"strings"
	"testing"
)

// rewriteCases has a case for each row of the peephole's table: a script whose
// optimized code is the row's instruction and what surrounds it.
var rewriteCases = map[string]struct{ source, plain, fused string }{
	"add a constant to a variable": {
		"$a = $a + 5",
		`LoadLocal $a; LoadConst "5"; Add; StoreLocal $a; Halt`,
		`AddLocalConst $a "5"; Halt`,
	},
	"add a variable to a variable": {
		"$a = $a + $b",
		`LoadLocal $a; LoadLocal $b; Add; StoreLocal $a; Halt`,
		`AddLocalLocal $a $b; Halt`,
	},
	"subtract a constant from a variable": {
		"$a = $a - 5",
		`LoadLocal $a; LoadConst "5"; Sub; StoreLocal $a; Halt`,
		`SubLocalConst $a "5"; Halt`,
	},
	"compare two variables and jump": {
		"WHILE($a < $b)\nEND WHILE",
		`LoadLocal $a; LoadLocal $b; Less; JumpIfTrue -> 0; Halt`,
		`JumpCompareLocals $a < $b -> 0; Halt`,
	},
	"compare a variable with a constant and jump": {
		"WHILE($a >= 5)\nEND WHILE",
		`LoadLocal $a; LoadConst "5"; GreaterEqual; JumpIfTrue -> 0; Halt`,
		`JumpCompareConst $a >= "5" -> 0; Halt`,
	},
	"compare a constant with a variable and jump": {
		"WHILE(5 >= $a)\nEND WHILE",
		`LoadConst "5"; LoadLocal $a; GreaterEqual; JumpIfTrue -> 0; Halt`,
		`JumpCompareConst $a <= "5" -> 0; Halt`,
	},
	"set a variable to a constant": {
		"$a = 5",
		`LoadConst "5"; StoreLocal $a; Halt`,
		`StoreConst $a "5"; Halt`,
	},
	"set a variable to another": {
		"$a = $b",
		`LoadLocal $b; StoreLocal $a; Halt`,
		`MoveLocal $a $b; Halt`,
	},
	"store what was joined": {
		"$a = $b . $a",
		`LoadLocal $b; LoadLocal $a; Concat 2; StoreLocal $a; Halt`,
		`LoadLocal $b; LoadLocal $a; ConcatStore $a 2; Halt`,
	},
	"drop a result": {
		"PRINT($a)",
		`LoadLocal $a; Call unlooked PRINT; Pop; Halt`,
		`LoadLocal $a; CallDrop unlooked PRINT; Halt`,
	},
	"store a result": {
		"$a = PRINT($a)",
		`LoadLocal $a; Call looked PRINT; StoreLocal $a; Halt`,
		`LoadLocal $a; CallStore looked PRINT $a; Halt`,
	},
	"store the next item": {
		"FOREACH $a IN $b\nEND FOREACH",
		`LoadLocal $b; ForEachStart 2; ForEachNext 2 -> 5; StoreLocal $a; Jump -> 2; Halt`,
		`LoadLocal $b; ForEachStart 2; ForEachStore 2 $a -> 4; Jump -> 2; Halt`,
	},
}

func TestPeephole_everyRow(t *testing.T) {
	for _, row := range rewrites {
		c, ok := rewriteCases[row.name]
		if !ok {
			t.Errorf("row %q has no test", row.name)
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			for _, way := range []struct {
				want string
				opts Options
			}{{c.plain, Options{Unoptimized: true}}, {c.fused, Options{}}} {
				got := strings.ReplaceAll(listing(mustCompile(t, c.source, way.opts)), "\n", "; ")
				if got != way.want {
					t.Errorf("got  %s\nwant %s", got, way.want)
				}
			}
		})
	}
	if len(rewrites) != len(rewriteCases) {
		t.Errorf("%d rows, %d tests", len(rewrites), len(rewriteCases))
	}
}

func TestPeephole_leavesAlone(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"a sum for another variable", "$c = $a + $b", `LoadLocal $a; LoadLocal $b; Add; StoreLocal $c; Halt`},
		{"a constant on the left, which may meet a date", "$a = 5 + $a", `LoadConst "5"; LoadLocal $a; Add; StoreLocal $a; Halt`},
		{"a product", "$a = $a * 2", `LoadLocal $a; LoadConst "2"; Mul; StoreLocal $a; Halt`},
		{"an out variable", "GETLIST($a, LOCAL_FILES)", `LoadConst "LOCAL_FILES"; Call unlooked GETLIST; StoreLocal $a; Pop; Halt`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.ReplaceAll(listing(mustCompile(t, c.source, Options{})), "\n", "; "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// A comparing jump names its constant in 8 bits; constants beyond that are compared
// on the stack.
func TestPeephole_manyConstants(t *testing.T) {
	var source strings.Builder
	for n := range 300 {
		source.WriteString("PRINT(\"text " + string(rune('a'+n%26)) + strings.Repeat("x", n/26) + "\")\n")
	}
	source.WriteString("$a = \"last\"\nIF($a == \"other\")\nPRINT($a)\nEND IF\n")
	got := listing(mustCompile(t, source.String(), Options{}))
	if strings.Contains(got, "JumpCompareConst") {
		t.Error("constant 301 in an 8-bit operand")
	}
	if !strings.Contains(got, "LoadConst \"other\"\nEqual\nJumpIfFalse") {
		t.Errorf("no plain comparison at the end of\n%s", got)
	}
}
