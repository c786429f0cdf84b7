package compiler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/bytecode"
)

func TestLimits_manyVariables(t *testing.T) {
	var source strings.Builder
	for n := range 500 {
		fmt.Fprintf(&source, "$v%d = %d\n", n, n)
	}
	source.WriteString("FOREACH $v499 IN $v0\n$v498 = $v497 + $v1\n$v498 = $v498 . $v2\nEND FOREACH\n")
	p := mustCompile(t, source.String(), Options{})
	f := &p.Functions[0]
	if f.Locals != bytecode.MaxSlots || p.Globals != 500-(bytecode.MaxSlots-2) {
		t.Errorf("%d slots, %d globals", f.Locals, p.Globals)
	}
	code := listing(p)
	for _, part := range []string{
		"ForEachNext 198", "LoadGlobal 299\nLoadLocal $v1\nAdd\nStoreGlobal 300", "LoadGlobal 300\nLoadLocal $v2\nConcat 2\nStoreGlobal 300",
	} {
		if !strings.Contains(code, part) {
			t.Errorf("no %q in\n%s", part, code[len(code)-300:])
		}
	}
}

// An expression that needs the room of the operand stack pushes variables out of
// their slots.
func TestLimits_deepExpression(t *testing.T) {
	var source strings.Builder
	for n := range 200 {
		fmt.Fprintf(&source, "$v%d = %d\n", n, n)
	}
	depth := 150
	source.WriteString("PRINT(" + strings.Repeat("$v1 - (", depth) + "1" + strings.Repeat(")", depth) + ")\n")
	p := mustCompile(t, source.String(), Options{})
	f := &p.Functions[0]
	if f.MaxStack != depth+1 || f.Locals+f.MaxStack > bytecode.MaxFrame || p.Globals != 200-f.Locals {
		t.Errorf("stack %d, slots %d, globals %d", f.MaxStack, f.Locals, p.Globals)
	}
}

// A function has no other place for its variables than its frame.
func TestLimits_functions(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "$v%d = 1\n", i)
		}
		return b.String()
	}
	deep := func(n int) string {
		return "RETURN " + strings.Repeat("$a - (", n) + "1" + strings.Repeat(")", n) + "\n"
	}
	for _, c := range []struct{ name, body, want string }{
		{"as many variables as there is room", many(199), ""},
		{"too many", many(200), "f has more than 200 variables"},
		{"with loops", "FOREACH $a IN 1\nFOREACH $a IN 2\nEND FOREACH\nEND FOREACH\n" + many(196), "more than 196 variables"},
		{"a deep expression", deep(100), ""},
		{"too deep", many(120) + deep(150), "an expression of f needs too many values"},
	} {
		source := "PRINT(f(1))\nFUNCTION f($a)\n" + c.body + "END FUNCTION\n"
		p, list := Compile("test.ftp", []byte(source), catalog.Commands(), Options{})
		err := list.Err()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || list[len(list)-1].Code != codeTooLarge):
			t.Errorf("%s: %v", c.name, err)
		case c.want == "":
			if err := bytecode.Verify(p); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	long := strings.Repeat("f", 256)
	if _, list := Compile("test.ftp", []byte(long+"\nFUNCTION "+long+"\nEND FUNCTION\n"), catalog.Commands(), Options{}); list.Err() == nil {
		t.Error("a function may have a name that no bundle holds")
	}
	// Many functions that lead to each other take linear time.
	var chain strings.Builder
	for n := range 3000 {
		fmt.Fprintf(&chain, "FUNCTION f%d\nRETURN f%d\nEND FUNCTION\n", n, n+1)
	}
	chain.WriteString("FUNCTION f3000\nRETURN GETENV(1)\nEND FUNCTION\nPRINT(f0)\n")
	if p := mustCompile(t, chain.String(), Options{}); len(p.Functions) != 3002 || len(p.Functions[1].Ranges) != 1 {
		t.Errorf("%d functions, %v", len(p.Functions), p.Functions[1].Ranges)
	}
}

// What a script may call a variable is no reason for the verifier to refuse it.
func TestLimits_variableNames(t *testing.T) {
	long := strings.Repeat("a", 1000)
	for name, kept := range map[string]string{"año": "año", "日本": "日本", "_1": "_1", long: ""} {
		p := mustCompile(t, "$"+name+" = 1\nPRINT($"+name+")\n", Options{})
		if err := bytecode.Verify(p); err != nil {
			t.Errorf("$%.20s: %v", name, err)
		}
		if got := p.Functions[0].LocalNames[0]; got != kept {
			t.Errorf("$%.20s is the slot %q, want %q", name, got, kept)
		}
	}
}

func TestLimits_longChain(t *testing.T) {
	p := mustCompile(t, "$a = 1\nPRINT($a"+strings.Repeat(" . 1 . $a", 500)+")\n", Options{})
	if most := p.Functions[0].MaxStack; most > mostJoined {
		t.Errorf("a chain of 1,001 parts needs a stack of %d", most)
	}
}

func TestLimits_areErrors(t *testing.T) {
	var texts strings.Builder
	for n := range bytecode.MaxBx + 2 {
		fmt.Fprintf(&texts, "PRINT(\"%d\")\n", n)
	}
	for _, c := range []struct{ name, source, code string }{
		{"loops in each other", strings.Repeat("FOREACH $x IN $x\n", deepestForEach+1) + strings.Repeat("END FOREACH\n", deepestForEach+1), codeTooDeep},
		{"texts", texts.String(), codeTooLarge},
		{"arguments", "EXEC(\"x\"" + strings.Repeat(", \"y\"", 300) + ")\n", codeTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, list := Compile("test.ftp", []byte(c.source), catalog.Commands(), Options{})
			if p != nil || len(list) == 0 || list[len(list)-1].Code != c.code {
				t.Errorf("got %v", list.Err())
			}
		})
	}
	mustCompile(t, strings.Repeat("FOREACH $x IN $x\n", deepestForEach)+strings.Repeat("END FOREACH\n", deepestForEach), Options{})
}

func TestCompile_nothing(t *testing.T) {
	for _, source := range []string{"", "\n", "# only a comment", "\uFEFF"} {
		if got := listing(mustCompile(t, source, Options{})); got != "Halt" {
			t.Errorf("%q: %s", source, got)
		}
	}
}
