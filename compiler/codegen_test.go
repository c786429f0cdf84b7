package compiler

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/bytecode"
)

// mustCompile compiles a script that has no errors.
func mustCompile(t testing.TB, source string, opts Options) *bytecode.Program {
	t.Helper()
	program, list := Compile("test.ftp", []byte(source), catalog.Commands(), opts)
	if err := list.Err(); err != nil {
		t.Fatalf("%v\n%s", list, source)
	}
	if err := bytecode.Verify(program); err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	return program
}

// listing shows the script's instructions, one a line: operands by name, jumps
// by the number of the line they lead to, from 0.
func listing(p *bytecode.Program) string {
	f := &p.Functions[0]
	numbers := map[int]int{}
	for pc, n := 0, 0; pc < len(f.Code); n++ {
		numbers[pc] = n
		pc += bytecode.OpOf(f.Code[pc]).Width()
	}
	var lines []string
	for pc := 0; pc < len(f.Code); {
		w, x := f.Code[pc], uint32(0)
		op := bytecode.OpOf(w)
		if op.Width() == 2 {
			x = f.Code[pc+1]
		}
		words := []string{op.String()}
		for _, o := range op.Properties().Operands {
			words = append(words, showOperand(p, o, w, x, func(distance int) string {
				return fmt.Sprintf("-> %d", numbers[pc+op.Width()+distance])
			}))
		}
		lines = append(lines, strings.Join(words, " "))
		pc += op.Width()
	}
	return strings.Join(lines, "\n")
}

func showOperand(p *bytecode.Program, o bytecode.Operand, w, x uint32, jump func(int) string) string {
	var v int
	switch o.Place {
	case bytecode.InA:
		v = bytecode.A(w)
	case bytecode.InB:
		v = bytecode.B(w)
	case bytecode.InC:
		v = bytecode.C(w)
	case bytecode.InBx:
		v = bytecode.Bx(w)
	case bytecode.InAx:
		v = bytecode.Ax(w)
	case bytecode.InExtraA:
		v = bytecode.A(x)
	case bytecode.InExtraAx:
		v = bytecode.Ax(x)
	}
	switch o.Kind {
	case bytecode.SlotOperand:
		return "$" + p.Functions[0].LocalNames[v]
	case bytecode.ConstOperand:
		return strconv.Quote(p.Consts[v])
	case bytecode.ImportOperand:
		return p.Imports[v].Command
	case bytecode.FlagsOperand:
		return map[int]string{0: "unlooked", bytecode.LookedAt: "looked"}[v]
	case bytecode.ComparisonOperand:
		return bytecode.Comparison(v).String()
	case bytecode.JumpOperand:
		return jump(v)
	}
	return strconv.Itoa(v)
}

func lines(text string) string {
	var kept []string
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		kept = append(kept, strings.TrimSpace(l))
	}
	return strings.Join(kept, "\n")
}

func TestCodegen(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"the sum loop takes three instructions a turn", `
			$sum = 0
			$i = 1
			WHILE($i <= 1000000)
				$sum = $sum + $i
				$i = $i + 1
			END WHILE
			PRINT($sum)`, `
			StoreConst $sum "0"
			StoreConst $i "1"
			Jump -> 5
			AddLocalLocal $sum $i
			AddLocalConst $i "1"
			JumpCompareConst $i <= "1000000" -> 3
			LoadLocal $sum
			CallDrop unlooked PRINT
			Halt`},
		{"a list loop takes two and its body", `
			FOREACH $x IN "a|b"
				PRINT($x)
			END FOREACH`, `
			LoadConst "a|b"
			ForEachStart 1
			ForEachStore 1 $x -> 6
			LoadLocal $x
			CallDrop unlooked PRINT
			Jump -> 2
			Halt`},
		{"neighbouring loops share an iterator, inner ones do not", `
			FOREACH $x IN "a"
				FOREACH $y IN "b"
				END FOREACH
			END FOREACH
			FOREACH $y IN "c"
			END FOREACH`, `
			LoadConst "a"
			ForEachStart 2
			ForEachStore 2 $x -> 7
			LoadConst "b"
			ForEachStart 4
			ForEachStore 4 $y -> 2
			Jump -> 5
			LoadConst "c"
			ForEachStart 2
			ForEachStore 2 $y -> 11
			Jump -> 9
			Halt`},
		{"a condition puts no truth on the stack", `
			IF($a > 1 AND NOT $a == $b OR $b)
				PRINT("x")
			ELSE
				PRINT("y")
			END IF
			$a = 1
			$b = 2`, `
			JumpCompareConst $a <= "1" -> 2
			JumpCompareLocals $a != $b -> 4
			LoadLocal $b
			JumpIfFalse -> 7
			LoadConst "x"
			CallDrop unlooked PRINT
			Jump -> 9
			LoadConst "y"
			CallDrop unlooked PRINT
			StoreConst $a "1"
			StoreConst $b "2"
			Halt`},
		{"AND and OR as values", `
			$a = 1
			$c = $a AND $b
			$b = $a OR $c == 1
			PRINT($b . $c)`, `
			StoreConst $a "1"
			LoadLocal $a
			JumpIfFalse -> 6
			LoadLocal $b
			Truth
			Jump -> 7
			LoadConst "FALSE"
			StoreLocal $c
			LoadLocal $a
			JumpIfTrue -> 14
			LoadLocal $c
			LoadConst "1"
			Equal
			Jump -> 15
			LoadConst "TRUE"
			StoreLocal $b
			LoadLocal $b
			LoadLocal $c
			Concat 2
			CallDrop unlooked PRINT
			Halt`},
		{"a growing text", `
			$a = "x"
			$a = $a . "," . $a
			PRINT($a)`, `
			StoreConst $a "x"
			LoadConst ","
			LoadLocal $a
			AppendLocal $a 2
			LoadLocal $a
			CallDrop unlooked PRINT
			Halt`},
		{"the old text is kept from a call that sets the variable", `
			$a = "x"
			$a = $a . LOCALCWDIR($a)
			PRINT($a)`, `
			StoreConst $a "x"
			LoadLocal $a
			Call looked LOCALCWDIR
			StoreLocal $a
			ConcatStore $a 2
			LoadLocal $a
			CallDrop unlooked PRINT
			Halt`},
		{"a result and an out variable", `
			$r = GETLIST($list, LOCAL_FILES)
			PRINT($r . $list)
			GETLIST($list, LOCAL_FILES)`, `
			LoadConst "LOCAL_FILES"
			Call looked GETLIST
			StoreLocal $list
			StoreLocal $r
			LoadLocal $r
			LoadLocal $list
			Concat 2
			CallDrop unlooked PRINT
			LoadConst "LOCAL_FILES"
			Call unlooked GETLIST
			StoreLocal $list
			Pop
			Halt`},
		{"a stored result", `
			$p = GETPARAM(1)
			PRINT($p)`, `
			LoadConst "1"
			CallStore looked GETPARAM $p
			LoadLocal $p
			CallDrop unlooked PRINT
			Halt`},
		{"an endless loop has no test", `
			WHILE(1 == 1)
				PRINT("x")
			END WHILE`, `
			LoadConst "x"
			CallDrop unlooked PRINT
			Jump -> 0`},
		{"an empty endless loop", `
			WHILE(TRUE)
			END WHILE`, `
			Jump -> 0`},
		{"a circle of jumps", `
			:a
			GOTO :b
			:c
			GOTO :a
			:b
			GOTO :c`, `
			Jump -> 0`},
		{"jumps to jumps are followed", `
			FOREACH $x IN "a"
				IF($x == "b")
					CONTINUE
				ELSE
					GOTO :end
				END IF
			END FOREACH
			:end`, `
			LoadConst "a"
			ForEachStart 1
			ForEachStore 1 $x -> 4
			JumpCompareConst $x == "b" -> 2
			Halt`},
		{"what never runs is not there, nor are its texts", `
			GOTO :end
			EXEC("never")
			:end
			PRINT("end")
			STOP
			PRINT("never")`, `
			LoadConst "end"
			CallDrop unlooked PRINT
			CallDrop unlooked STOP
			Halt`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := listing(mustCompile(t, c.source, Options{})), lines(c.want); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// What functions are made of, as the listing of a program shows it.
func TestCodegen_functions(t *testing.T) {
	p := mustCompile(t, `
		FUNCTION unused
			unused
		END FUNCTION
		FUNCTION total($a, $b)
			GLOBAL $sum
			$sum = $sum + $a
			IF($b > 1)
				RETURN twice($b)
			END IF
		END FUNCTION
		FUNCTION twice($n)
			RETURN GETENV($n) . $n
		END FUNCTION
		$sum = 1
		$own = 2
		$own = total($own, 3)
		total(4, $own)`, Options{})
	var b strings.Builder
	if err := bytecode.Disassemble(&b, p); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range strings.Split(b.String(), "\n") {
		if len(l) > 17 && l[4:6] == "  " {
			l = l[17:] // address and position
		}
		got = append(got, strings.Join(strings.Fields(l), " "))
	}
	want := lines(`
		program "test.ftp" language="0.1" globals=1
		import GETENV args=1 outs=0 telling
		const "1"
		const "2"
		const "3"
		const "4"
		const ""

		function main params=0 locals=1 stack=2
		local r0 own
		range statement L0003 L0007 L0007
		range statement L0007 L000b L000b
		LoadConst "1"
		StoreGlobal g0
		StoreConst $own "2"
		L0003:
		LoadLocal $own
		LoadConst "3"
		CallFunction 2 f1
		StoreLocal $own
		L0007:
		LoadConst "4"
		LoadLocal $own
		CallFunction 2 f1
		Pop
		L000b:
		Halt

		function total params=2 locals=2 stack=2
		local r0 a
		local r1 b
		range statement L0006 L0009 L000b
		LoadGlobal g0
		LoadLocal $a
		Add
		StoreGlobal g0
		JumpCompareConst $b <= "1" L0009
		L0006:
		LoadLocal $b
		CallFunction 1 f2
		Return
		L0009:
		LoadConst ""
		Return
		L000b:
		Abandon

		function twice params=1 locals=1 stack=2
		local r0 n
		range statement L0000 L0005 L0005
		L0000:
		LoadLocal $n
		Call unlooked GETENV
		LoadLocal $n
		Concat 2
		Return
		L0005:
		Abandon`)
	if got := strings.TrimSpace(strings.Join(got, "\n")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCodegen_unoptimized(t *testing.T) {
	p := mustCompile(t, `
		$sum = 1 + 2
		WHILE($sum < 5 * 2)
			$sum = $sum + 1
		END WHILE`, Options{Unoptimized: true})
	want := lines(`
		LoadConst "1"
		LoadConst "2"
		Add
		StoreLocal $sum
		Jump -> 9
		LoadLocal $sum
		LoadConst "1"
		Add
		StoreLocal $sum
		LoadLocal $sum
		LoadConst "5"
		LoadConst "2"
		Mul
		Less
		JumpIfTrue -> 5
		Halt`)
	if got := listing(p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Chains of jumps are followed to their end however long they are, and circles of
// any size, entered anywhere, become one jump.
func TestCodegen_longChainsOfJumps(t *testing.T) {
	for _, c := range []struct {
		name   string
		length int
		back   int // where the last jump leads, -1 to the end
		want   string
	}{
		{"short", 3, -1, "Halt"},
		{"long", 200, -1, "Halt"},
		{"even", 201, -1, "Halt"},
		{"circle", 200, 0, "Jump -> 0"},
		{"circle at the end", 200, 150, "Jump -> 0"},
		{"odd circle at the end", 200, 151, "Jump -> 0"},
		{"circle of one", 200, 199, "Jump -> 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Labels stand in the reverse order, so that nothing falls through.
			var b strings.Builder
			b.WriteString("GOTO :l0\n")
			for n := c.length - 1; n >= 0; n-- {
				next := fmt.Sprintf("l%d", n+1)
				if n == c.length-1 {
					if next = "end"; c.back >= 0 {
						next = fmt.Sprintf("l%d", c.back)
					}
				}
				fmt.Fprintf(&b, ":l%d\nGOTO :%s\n", n, next)
			}
			b.WriteString(":end\n")
			if got := listing(mustCompile(t, b.String(), Options{})); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
