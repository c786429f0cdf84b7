package bytecode_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/vm/bytecode"
)

// The pages state what the code does; these tests fail when either moves alone.

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "spec", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// row is the part of a table row of spec/bytecode.md that follows from the
// opcode's properties; what it does stands behind it in words.
func row(op bytecode.Op) string {
	p := op.Properties()
	kinds := map[bytecode.Kind]string{
		bytecode.SlotOperand: "slot", bytecode.IteratorOperand: "iterator", bytecode.ConstOperand: "constant", bytecode.GlobalOperand: "global",
		bytecode.ImportOperand: "import", bytecode.FunctionOperand: "function", bytecode.CountOperand: "count", bytecode.ArgumentsOperand: "arguments",
		bytecode.FlagsOperand: "flags", bytecode.ComparisonOperand: "comparison", bytecode.JumpOperand: "jump",
		bytecode.ReactionOperand: "reaction",
	}
	places := map[bytecode.Place]string{
		bytecode.InA: "A", bytecode.InB: "B", bytecode.InC: "C", bytecode.InBx: "Bx", bytecode.InAx: "Ax", bytecode.InExtraA: "+A", bytecode.InExtraAx: "+Ax",
	}
	var operands []string
	for _, o := range p.Operands {
		operands = append(operands, places[o.Place]+" "+kinds[o.Kind])
	}
	number := func(n int) string {
		if n == bytecode.FromOperand {
			return "n"
		}
		return fmt.Sprint(n)
	}
	fails := ""
	if p.Flags&bytecode.Fails != 0 {
		fails = "yes"
	}
	return fmt.Sprintf("| %d | `%v` | %s | %s | %s | %s |", op, op, strings.Join(operands, ", "), number(p.Pops), number(p.Pushes), fails)
}

func TestSpec_opcodes(t *testing.T) {
	text := page(t, "bytecode.md")
	for _, op := range bytecode.Ops() {
		if !strings.Contains(text, "\n"+row(op)+" ") {
			t.Errorf("spec/bytecode.md lacks the row\n%s …", row(op))
		}
	}
	if rows := len(regexp.MustCompile("(?m)^\\| [0-9]+ \\| `").FindAllString(text, -1)); rows != len(bytecode.Ops()) {
		t.Errorf("spec/bytecode.md has %d rows for %d opcodes", rows, len(bytecode.Ops()))
	}
	for c := bytecode.IfEqual; c <= bytecode.IfGreaterEqual; c++ {
		if !strings.Contains(text, fmt.Sprintf("%d `%v`", c, c)) {
			t.Errorf("spec/bytecode.md lacks comparison %d", c)
		}
	}
	for what, limit := range map[string]int{
		"slots": bytecode.MaxSlots, "slots and stack together": bytecode.MaxFrame, "words of code": bytecode.MaxCode, "functions": bytecode.MaxFunctions,
		"imports": bytecode.MaxImports, "constants": bytecode.MaxConsts, "script variables": bytecode.MaxGlobals, "included files": bytecode.MaxFiles,
		"bytes of a name": bytecode.MaxName, "bytes of a bundle": bytecode.MaxBundle,
	} {
		if line := fmt.Sprintf("| %s | %d |", what, limit); !strings.Contains(text, line) {
			t.Errorf("spec/bytecode.md lacks the limit %s", line)
		}
	}
}

// The page shows a whole bundle, byte by byte: `offset  bytes  what they are`. It
// has to be the bundle that the assembler text on the same page makes.
func TestSpec_bundle(t *testing.T) {
	text := page(t, "bundle.md")
	block := func(mark string) string {
		_, rest, found := strings.Cut(text, "```"+mark+"\n")
		body, _, closed := strings.Cut(rest, "\n```")
		if !found || !closed {
			t.Fatalf("spec/bundle.md has no block %q", mark)
		}
		return body
	}
	p := assemble(t, block("asm"))
	want := encode(t, p)
	var got []byte
	lines := bufio.NewScanner(strings.NewReader(block("dump")))
	for lines.Scan() {
		offset, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), "  ")
		bytesText, _, _ := strings.Cut(strings.TrimSpace(rest), "  ")
		if offset != fmt.Sprint(len(got)) {
			t.Errorf("a line says offset %s, it is %d", offset, len(got))
		}
		part, err := hex.DecodeString(strings.ReplaceAll(bytesText, " ", ""))
		if err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		got = append(got, part...)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("spec/bundle.md shows\n%x\nthe bundle is\n%x", got, want)
	}
	if _, err := bytecode.Load(bytes.NewReader(got)); err != nil {
		t.Error(err)
	}
	// The listing is complete: it makes the same bytes.
	if listed := listing(t, p); !bytes.Equal(encode(t, assemble(t, listed)), want) {
		t.Errorf("the listing makes another bundle:\n%s", listed)
	}
}
