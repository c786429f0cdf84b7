package compiler_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/compiler"
	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
)

// generator writes scripts that end: loops go over short lists or count down.
type generator struct {
	t      *rapid.T
	b      strings.Builder
	indent int
	loops  int
	labels int

	functions int // how many can be called: those from calls on
	calls     int
	inside    bool // of a function
}

// function writes a function that calls only those behind it, so that the script ends.
func (g *generator) function(n int) {
	g.calls, g.inside = n+1, true
	g.line("FUNCTION f%d($a, $p)", n)
	if g.chance(60) {
		g.line("GLOBAL %s", g.pick("$b", "$c", "$b, $c"))
	}
	g.block(2)
	if g.chance(70) {
		g.line("RETURN %s", g.expression(2))
	}
	g.line("END FUNCTION")
	g.calls, g.inside = 0, false
}

func (g *generator) pick(words ...string) string { return rapid.SampledFrom(words).Draw(g.t, "word") }
func (g *generator) chance(percent int) bool {
	return rapid.IntRange(0, 99).Draw(g.t, "chance") < percent
}

func (g *generator) line(format string, args ...any) {
	g.b.WriteString(strings.Repeat("  ", g.indent) + fmt.Sprintf(format, args...) + "\n")
}

func (g *generator) variable() string { return g.pick("$a", "$b", "$c", "$d") }

func (g *generator) literal() string {
	if g.chance(2) {
		return "100000000000000000000"
	}
	return g.pick("0", "1", "5", "2.5", "007", `"x"`, `""`, `"a|b"`, `"10"`, "TRUE", "FALSE", "OK",
		`"2024_02_29-10_20_30"`, `" 3 "`, `"-4"`)
}

func (g *generator) expression(depth int) string {
	if depth == 0 || g.chance(25) {
		if g.chance(60) {
			return g.variable()
		}
		return g.literal()
	}
	inner := func() string { return g.expression(depth - 1) }
	if g.calls < g.functions && g.chance(15) {
		return fmt.Sprintf("f%d(%s, %s)", rapid.IntRange(g.calls, g.functions-1).Draw(g.t, "function"), inner(), inner())
	}
	switch rapid.IntRange(0, 9).Draw(g.t, "expression") {
	case 0, 1:
		return fmt.Sprintf("(%s %s %s)", inner(), g.pick("+", "-", "+", "-", "*", "/"), inner())
	case 2, 3:
		return fmt.Sprintf("(%s %s %s)", inner(), g.pick("==", "!=", "<", ">", "<=", ">="), inner())
	case 4:
		return fmt.Sprintf("(%s %s %s)", inner(), g.pick("AND", "OR"), inner())
	case 5:
		return fmt.Sprintf("(NOT %s)", inner())
	case 6:
		return fmt.Sprintf("(-%s)", inner())
	case 7:
		return fmt.Sprintf("(%s . %s . %s)", inner(), inner(), inner())
	case 8:
		return fmt.Sprintf("TELL(%s, %s)", inner(), g.pick("OK", "20201", g.variable()))
	default:
		return fmt.Sprintf("(%s . %s)", g.pick(`ATTEMPT("OK")`, "ATTEMPT(20201)", "STORE("+g.variable()+", "+inner()+")", "MOMENT"), inner())
	}
}

func (g *generator) block(depth int) {
	g.indent++
	for range rapid.IntRange(0, 4).Draw(g.t, "statements") {
		g.statement(depth)
	}
	g.indent--
}

func (g *generator) statement(depth int) {
	kind := rapid.IntRange(0, 15).Draw(g.t, "statement")
	if depth == 0 {
		kind %= 8
	}
	switch kind {
	case 0, 1:
		g.line("%s = %s", g.variable(), g.expression(3))
	case 2:
		v := g.variable()
		g.line("%s = %s %s %s", v, v, g.pick("+", "-", "."), g.pick(g.variable(), g.literal(), g.expression(2)))
	case 3:
		g.line("PRINT(%s)", g.expression(3))
	case 4:
		g.line("STORE(%s, %s, %s)", g.variable(), g.expression(2), g.pick("OK", "20201"))
	case 5:
		g.line("%s = TELL(%s, %s)", g.variable(), g.expression(1), g.pick("OK", "20201"))
	case 6:
		switch {
		case g.inside && g.chance(50):
			g.line("RETURN %s", g.expression(2))
		case g.calls < g.functions && g.chance(50):
			g.line("f%d(%s, %s)", g.functions-1, g.expression(1), g.variable())
		default:
			g.line("ATTEMPT(%s)", g.expression(1))
		}
	case 7:
		if g.loops > 0 && g.chance(50) {
			g.line("%s", g.pick("BREAK", "CONTINUE"))
		} else {
			// Forward only, so that the script ends.
			g.labels++
			label := g.labels
			g.line("IF(%s)", g.expression(2))
			g.line("  GOTO :l%d", label)
			g.line("END IF")
			g.line("%s = %s", g.variable(), g.expression(1))
			g.line(":l%d", label)
		}
	case 8, 9, 10:
		if g.chance(50) {
			// What becomes a comparing jump.
			g.line("IF(%s %s %s)", g.pick(g.variable(), g.literal()), g.pick("==", "!=", "<", ">", "<=", ">="), g.pick(g.variable(), g.literal()))
		} else {
			g.line("IF(%s)", g.expression(3))
		}
		g.block(depth - 1)
		if g.chance(50) {
			g.line("ELSE IF(%s)", g.expression(2))
			g.block(depth - 1)
		}
		if g.chance(50) {
			g.line("ELSE")
			g.block(depth - 1)
		}
		g.line("END IF")
	case 11:
		g.loops++
		counter := fmt.Sprintf("$n%d", g.loops)
		g.line("%s = 3", counter)
		g.line("WHILE(%s > 0 AND %s)", counter, g.pick("TRUE", g.expression(2)))
		g.line("  %s = %s - 1", counter, counter)
		g.block(depth - 1)
		g.line("END WHILE")
		g.loops--
	case 12, 13:
		g.line("TRY")
		g.block(depth - 1)
		if g.chance(50) {
			g.line("CATCH %s", g.variable())
		} else {
			g.line("CATCH")
		}
		g.block(depth - 1)
		g.line("END TRY")
		if g.chance(5) {
			g.line("ONERROR %s", g.pick("STOP", "CONTINUE"))
		}
	default:
		g.loops++
		// The list is bounded: a variable may have grown.
		g.line("FOREACH %s IN TEXTCUT(%s, 1, 6)", g.variable(), g.expression(2))
		g.block(depth - 1)
		g.line("END FOREACH")
		g.loops--
	}
}

// behaviour is everything that can be seen of a run: what it writes, and how and
// where it ends.
func behaviour(program *bytecode.Program) (text string, finished bool) {
	host := &langHost{}
	machine, err := vm.New(program, host, vm.Options{
		Fuel: 1_000_000, MaxText: 1 << 22,
		NotNumber: func(at vm.Position, text string) { host.write(fmt.Sprintf("? %s %d:%d", text, at.Line, at.Column)) },
	})
	if err != nil {
		return err.Error(), true
	}
	err = machine.Run(context.Background())
	if errors.Is(err, vm.ErrFuel) || errors.Is(err, vm.ErrText) {
		return "", false
	}
	if err != nil {
		host.write(err.Error())
	}
	return strings.Join(host.written, "\n"), true
}

// Optimized and unoptimized programs do the same, positions of notices and errors
// included.
func TestLanguage_optimizationIsInvisible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t, functions: rapid.IntRange(0, 3).Draw(t, "functions")}
		for n := range g.functions {
			g.function(n)
		}
		for _, v := range []string{"$a", "$b", "$c", "$d"} {
			g.line("%s = %s", v, g.literal())
		}
		for range rapid.IntRange(3, 12).Draw(t, "statements") {
			g.statement(3)
			g.line(`PRINT($a . "," . $b . "," . $c . "," . $d)`)
		}
		compareOptimized(t, g.b.String())
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}

func compareOptimized(t failer, source string) {
	fast, list := compiler.Compile("a.ftp", []byte(source), langCommands(), compiler.Options{})
	slow, slowList := compiler.Compile("a.ftp", []byte(source), langCommands(), compiler.Options{Unoptimized: true})
	if list.HasErrors() != slowList.HasErrors() {
		t.Fatalf("optimized: %v\nunoptimized: %v\n%s", list.Err(), slowList.Err(), source)
	}
	if list.HasErrors() {
		return
	}
	for _, p := range []*bytecode.Program{fast, slow} {
		if err := bytecode.Verify(p); err != nil {
			t.Fatalf("%v\n%s", err, source)
		}
	}
	got, finished := behaviour(fast)
	want, slowFinished := behaviour(slow)
	if finished && slowFinished && got != want {
		t.Fatalf("optimized:\n%s\nunoptimized:\n%s\n%s", got, want, source)
	}
}

// addChunks makes the chunks of the language seeds.
func addChunks(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("../testdata/lang/*.ftp")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, c := range readChunks(f, file) {
			f.Add(c.source)
		}
	}
}

// FuzzCompile looks for sources that make the compiler panic, or emit what the
// verifier refuses, or whose optimized program does something else.
func FuzzCompile(f *testing.F) {
	addChunks(f)
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 1<<12 {
			return
		}
		compareOptimized(t, source)
	})
}
