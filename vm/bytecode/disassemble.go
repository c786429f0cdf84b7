package bytecode

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Disassemble writes the program as text that Assemble makes the same program of,
// bit for bit if the program is verified. A program that is not may be shown as
// well; words that are no instruction appear as .word.
//
// A line of code is: word address, source position where it changes, mnemonic,
// operands. Slots appear by name where they have one, constants quoted, jumps as
// labels.
func Disassemble(w io.Writer, p *Program) error {
	out := bufio.NewWriter(w)
	d := lister{out: out, program: p, consts: firstIndex(p.Consts), imports: make(map[string]int)}
	for i, imported := range p.Imports {
		if name := imported.name(); !has(d.imports, name) {
			d.imports[name] = i
		}
	}
	d.tables()
	for i := range p.Functions {
		d.function(i)
	}
	return out.Flush()
}

// name is how listings call an import: the command, and the form if it has one.
func (i Import) name() string {
	if i.Form == "" {
		return i.Command
	}
	return i.Command + "/" + i.Form
}

func has(m map[string]int, key string) bool { _, ok := m[key]; return ok }

// firstIndex maps each text to its first place: only that one can be written as
// itself, others need their number.
func firstIndex(list []string) map[string]int {
	index := make(map[string]int, len(list))
	for i, s := range list {
		if !has(index, s) {
			index[s] = i
		}
	}
	return index
}

type lister struct {
	out     *bufio.Writer
	program *Program
	consts  map[string]int
	imports map[string]int
	slots   map[string]int
	labels  []bool
}

func (d *lister) tables() {
	p := d.program
	fmt.Fprintf(d.out, "program %s language=%s globals=%d\n", strconv.Quote(p.Name), strconv.Quote(p.Language), p.Globals)
	for _, name := range p.Files {
		fmt.Fprintf(d.out, "file %s\n", strconv.Quote(name))
	}
	for _, i := range p.Imports {
		kind := "doing"
		if i.Telling {
			kind = "telling"
		}
		fmt.Fprintf(d.out, "import %s args=%d outs=%d %s\n", i.name(), i.Args, i.Outs, kind)
	}
	for _, s := range p.Consts {
		fmt.Fprintf(d.out, "const %s\n", strconv.Quote(s))
	}
}

func (d *lister) function(index int) {
	f := &d.program.Functions[index]
	fmt.Fprintf(d.out, "\nfunction %s params=%d locals=%d stack=%d\n", f.Name, f.Params, f.Locals, f.MaxStack)
	for _, first := range f.Iterators {
		fmt.Fprintf(d.out, "iterator r%d\n", first)
	}
	d.slots = firstIndex(f.LocalNames)
	delete(d.slots, "")
	for i, name := range f.LocalNames {
		if name == "" {
			name = "-"
		}
		fmt.Fprintf(d.out, "local r%d %s\n", i, name)
	}
	d.labels = jumpTargets(f)
	for _, r := range f.Ranges {
		for _, at := range []int{r.From, r.To} {
			if at >= 0 && at < len(d.labels) {
				d.labels[at] = true
			}
		}
		fmt.Fprintf(d.out, "range %v %s %s %s\n", r.Kind, label(r.From), label(r.To), label(r.Target))
	}
	positions := f.Positions
	for pc := 0; pc < len(f.Code); {
		if d.labels[pc] {
			fmt.Fprintf(d.out, "%s:\n", label(pc))
		}
		at := ""
		if len(positions) > 0 && positions[0].PC == pc {
			at = fmt.Sprintf("%d:%d", positions[0].Line, positions[0].Column)
			if positions[0].File != 0 {
				at += "@" + strconv.Itoa(positions[0].File)
			}
			positions = positions[1:]
		}
		fmt.Fprintf(d.out, "%04x  %-9s  ", pc, at)
		pc = d.instruction(f, pc)
	}
	if d.labels[len(f.Code)] {
		fmt.Fprintf(d.out, "%s:\n", label(len(f.Code)))
	}
}

func label(pc int) string { return fmt.Sprintf("L%04x", pc) }

// instruction writes one line and returns where the next begins.
func (d *lister) instruction(f *Function, pc int) int {
	w := f.Code[pc]
	op := OpOf(w)
	next := pc + op.Width()
	if !op.Valid() || op == Extra || next > len(f.Code) {
		fmt.Fprintf(d.out, ".word 0x%08x\n", w)
		return pc + 1
	}
	var operands []string
	for _, o := range table[op].Operands {
		operands = append(operands, d.operand(f, o.Kind, operand(o.Place, w, f.Code[next-1]), next))
	}
	line := fmt.Sprintf("%-18s %s", op, strings.Join(operands, " "))
	fmt.Fprintln(d.out, strings.TrimRight(line, " "))
	return next
}

func (d *lister) operand(f *Function, kind Kind, n, next int) string {
	switch kind {
	case SlotOperand:
		if n < len(f.LocalNames) && f.LocalNames[n] != "" && d.slots[f.LocalNames[n]] == n {
			return "$" + f.LocalNames[n]
		}
		return "r" + strconv.Itoa(n)
	case IteratorOperand:
		return "r" + strconv.Itoa(n)
	case ConstOperand:
		if n < len(d.program.Consts) && d.consts[d.program.Consts[n]] == n {
			return strconv.Quote(d.program.Consts[n])
		}
		return "k" + strconv.Itoa(n)
	case GlobalOperand:
		return "g" + strconv.Itoa(n)
	case ImportOperand:
		if n < len(d.program.Imports) && d.imports[d.program.Imports[n].name()] == n {
			return d.program.Imports[n].name()
		}
		return "@" + strconv.Itoa(n)
	case FunctionOperand:
		return "f" + strconv.Itoa(n)
	case FlagsOperand:
		switch n {
		case 0:
			return "unlooked"
		case LookedAt:
			return "looked"
		}
		return strconv.Itoa(n)
	case ComparisonOperand:
		if Comparison(n) < comparisonCount {
			return Comparison(n).String()
		}
		return strconv.Itoa(n)
	case ReactionOperand:
		if Reaction(n) < reactionCount {
			return Reaction(n).String()
		}
		return strconv.Itoa(n)
	case JumpOperand:
		if target := next + n; target >= 0 && target <= len(f.Code) {
			return label(target)
		}
		return fmt.Sprintf("%+d", n)
	}
	return strconv.Itoa(n)
}
