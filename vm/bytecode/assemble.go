package bytecode

import (
	"fmt"
	"strconv"
	"strings"
)

// Assemble reads what Disassemble writes, and what people write in tests: blank
// lines and comments from ` ;` on are skipped, word addresses may be left out, a
// label is any word with a colon. Constants need no declaration: a quoted operand
// that the table lacks is added to it. The program is not verified.
func Assemble(text string) (*Program, error) {
	a := assembler{program: &Program{}}
	for number, line := range strings.Split(text, "\n") {
		words, err := fields(line)
		if err == nil && len(words) > 0 {
			err = a.line(words)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
	}
	if err := a.endFunction(); err != nil {
		return nil, err
	}
	return a.program, nil
}

// fields splits a line at blanks; a quoted text is one field, quotes included.
func fields(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == ';' {
			return words, nil
		}
		end := strings.IndexAny(line, " \t\r")
		if quote := strings.IndexByte(line, '"'); quote >= 0 && (end < 0 || quote < end) {
			quoted, err := strconv.QuotedPrefix(line[quote:])
			if err != nil {
				return nil, fmt.Errorf("bad quoted text: %s", line[quote:])
			}
			end = quote + len(quoted)
		}
		if end < 0 {
			end = len(line)
		}
		words = append(words, line[:end])
		line = line[end:]
	}
}

type assembler struct {
	program  *Program
	function *Function // nil before the first
	labels   map[string]int
	jumps    []pendingJump
	ranges   []pendingRange
	constAt  map[string]int
}

type pendingJump struct {
	word   int // which word gets the distance
	next   int // where the distance counts from
	target string
}

type pendingRange struct{ from, to, target string }

func (a *assembler) line(words []string) error {
	switch words[0] {
	case "program":
		return a.header(words[1:])
	case "file":
		name, err := one(words[1:], strconv.Unquote)
		a.program.Files = append(a.program.Files, name)
		return err
	case "import":
		return a.imported(words[1:])
	case "const":
		text, err := one(words[1:], strconv.Unquote)
		a.program.Consts = append(a.program.Consts, text)
		a.constAt = nil
		return err
	case "function":
		return a.beginFunction(words[1:])
	}
	if a.function == nil {
		return fmt.Errorf("%s before the first function", words[0])
	}
	switch words[0] {
	case "iterator":
		slot, err := one(words[1:], a.slot)
		a.function.Iterators = append(a.function.Iterators, uint8(slot))
		return err
	case "local":
		return a.local(words[1:])
	case "range":
		return a.failureRange(words[1:])
	}
	return a.code(words)
}

// one reads the only word of a directive.
func one[T any](words []string, read func(string) (T, error)) (T, error) {
	if len(words) != 1 {
		var none T
		return none, fmt.Errorf("one operand expected, not %d", len(words))
	}
	return read(words[0])
}

// settings reads name=number pairs into their places.
func settings(words []string, places map[string]*int) error {
	for _, word := range words {
		name, number, _ := strings.Cut(word, "=")
		place := places[name]
		if place == nil {
			return fmt.Errorf("unknown setting %s", word)
		}
		n, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		*place = n
	}
	return nil
}

func (a *assembler) header(words []string) error {
	var rest []string
	for i, word := range words {
		var err error
		if language, ok := strings.CutPrefix(word, "language="); ok {
			a.program.Language, err = strconv.Unquote(language)
		} else if i == 0 {
			a.program.Name, err = strconv.Unquote(word)
		} else {
			rest = append(rest, word)
		}
		if err != nil {
			return err
		}
	}
	return settings(rest, map[string]*int{"globals": &a.program.Globals})
}

func (a *assembler) imported(words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("import NAME args=N outs=N doing|telling expected")
	}
	imported := Import{}
	imported.Command, imported.Form, _ = strings.Cut(words[0], "/")
	last := len(words) - 1
	switch words[last] {
	case "telling":
		imported.Telling = true
	case "doing":
	default:
		return fmt.Errorf("doing or telling expected, not %s", words[last])
	}
	var args, outs int
	if err := settings(words[1:last], map[string]*int{"args": &args, "outs": &outs}); err != nil {
		return err
	}
	imported.Args, imported.Outs = uint8(args), uint8(outs)
	a.program.Imports = append(a.program.Imports, imported)
	return nil
}

func (a *assembler) beginFunction(words []string) error {
	if err := a.endFunction(); err != nil {
		return err
	}
	if len(words) == 0 {
		return fmt.Errorf("a function needs a name")
	}
	f := Function{Name: words[0]}
	if err := settings(words[1:], map[string]*int{"params": &f.Params, "locals": &f.Locals, "stack": &f.MaxStack}); err != nil {
		return err
	}
	a.program.Functions = append(a.program.Functions, f)
	a.function = &a.program.Functions[len(a.program.Functions)-1]
	a.labels = make(map[string]int)
	return nil
}

// endFunction puts the addresses in, now that all labels are known.
func (a *assembler) endFunction() error {
	if a.function == nil {
		return nil
	}
	at := func(name string) (int, error) {
		pc, ok := a.labels[name]
		if !ok {
			return 0, fmt.Errorf("function %s: there is no label %s", a.function.Name, name)
		}
		return pc, nil
	}
	for _, jump := range a.jumps {
		target, err := at(jump.target)
		if err != nil {
			return err
		}
		a.function.Code[jump.word] |= uint32(int32(target-jump.next)) << 8
	}
	for i, names := range a.ranges {
		r := &a.function.Ranges[i]
		for place, name := range map[*int]string{&r.From: names.from, &r.To: names.to, &r.Target: names.target} {
			pc, err := at(name)
			if err != nil {
				return err
			}
			*place = pc
		}
	}
	a.jumps, a.ranges = nil, nil
	return nil
}

func (a *assembler) local(words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("local rN NAME expected")
	}
	slot, err := a.slot(words[0])
	if err != nil {
		return err
	}
	for len(a.function.LocalNames) <= slot {
		a.function.LocalNames = append(a.function.LocalNames, "")
	}
	if words[1] != "-" {
		a.function.LocalNames[slot] = words[1]
	}
	return nil
}

func (a *assembler) failureRange(words []string) error {
	if len(words) != 4 {
		return fmt.Errorf("range KIND FROM TO TARGET expected")
	}
	r := Range{Kind: RangeStatement}
	switch words[0] {
	case RangeCatch.String():
		r.Kind = RangeCatch
	case RangeStatement.String():
	default:
		return fmt.Errorf("unknown kind of range %s", words[0])
	}
	a.function.Ranges = append(a.function.Ranges, r)
	a.ranges = append(a.ranges, pendingRange{words[1], words[2], words[3]})
	return nil
}

// code reads a label, or an instruction with an address and a position before it.
func (a *assembler) code(words []string) error {
	f := a.function
	if name, ok := strings.CutSuffix(words[0], ":"); ok && len(words) == 1 {
		if _, twice := a.labels[name]; twice {
			return fmt.Errorf("label %s stands twice", name)
		}
		a.labels[name] = len(f.Code)
		return nil
	}
	if address, err := strconv.ParseUint(words[0], 16, 32); err == nil && len(words[0]) >= 4 && len(words) > 1 {
		if int(address) != len(f.Code) {
			return fmt.Errorf("address %s at word %04x", words[0], len(f.Code))
		}
		words = words[1:]
	}
	if c := words[0][0]; c >= '0' && c <= '9' && len(words) > 1 {
		at, err := position(words[0])
		if err != nil {
			return err
		}
		at.PC = len(f.Code)
		f.Positions = append(f.Positions, at)
		words = words[1:]
	}
	if words[0] == ".word" {
		w, err := one(words[1:], func(s string) (uint64, error) { return strconv.ParseUint(s, 0, 32) })
		f.Code = append(f.Code, uint32(w))
		return err
	}
	return a.instruction(words[0], words[1:])
}

// position reads line:column, with @file where it is not the script itself.
func position(s string) (Position, error) {
	var at Position
	place, file, ok := strings.Cut(s, "@")
	if ok {
		n, err := strconv.Atoi(file)
		if err != nil {
			return at, err
		}
		at.File = n
	}
	line, column, _ := strings.Cut(place, ":")
	var err error
	if at.Line, err = strconv.Atoi(line); err == nil {
		at.Column, err = strconv.Atoi(column)
	}
	return at, err
}

func (a *assembler) instruction(name string, words []string) error {
	op, ok := opByName(name)
	if !ok {
		return fmt.Errorf("there is no instruction %s", name)
	}
	row := &table[op]
	if len(words) != len(row.Operands) {
		return fmt.Errorf("%v takes %d operands, not %d", op, len(row.Operands), len(words))
	}
	f := a.function
	next := len(f.Code) + op.Width()
	var values [4]int
	for i, o := range row.Operands {
		if o.Kind == JumpOperand && !strings.HasPrefix(words[i], "+") && !strings.HasPrefix(words[i], "-") {
			a.jumps = append(a.jumps, pendingJump{next - 1, next, words[i]})
			continue
		}
		n, err := a.operand(o.Kind, words[i])
		if err != nil {
			return fmt.Errorf("%v: %w", op, err)
		}
		if !fits(o.Place, n) {
			return fmt.Errorf("%v: %s does not fit its place", op, words[i])
		}
		values[i] = n
	}
	w, x := assemble(op, values[:])
	f.Code = append(f.Code, w)
	if op.Width() == 2 {
		f.Code = append(f.Code, x)
	}
	return nil
}

func opByName(name string) (Op, bool) {
	for op := Extra + 1; op < opCount; op++ {
		if table[op].Name == name {
			return op, true
		}
	}
	return 0, false
}

func fits(place Place, n int) bool {
	switch place {
	case InBx:
		return n >= 0 && n <= MaxBx
	case InAx, InExtraAx:
		return n >= -MaxJump-1 && n <= MaxJump
	}
	return n >= 0 && n <= 0xff
}

func (a *assembler) operand(kind Kind, word string) (int, error) {
	switch kind {
	case SlotOperand, IteratorOperand:
		return a.slot(word)
	case ConstOperand:
		if word[0] == '"' {
			text, err := strconv.Unquote(word)
			return a.constant(text), err
		}
		return numbered("k", word)
	case GlobalOperand:
		return numbered("g", word)
	case FunctionOperand:
		return numbered("f", word)
	case ImportOperand:
		for i, imported := range a.program.Imports {
			if imported.name() == word {
				return i, nil
			}
		}
		return numbered("@", word)
	case FlagsOperand:
		switch word {
		case "unlooked":
			return 0, nil
		case "looked":
			return LookedAt, nil
		}
	case ReactionOperand:
		for r := range reactionCount {
			if r.String() == word {
				return int(r), nil
			}
		}
	case ComparisonOperand:
		for c := range comparisonCount {
			if c.String() == word {
				return int(c), nil
			}
		}
	}
	return strconv.Atoi(word)
}

func numbered(sign, word string) (int, error) {
	number, ok := strings.CutPrefix(word, sign)
	if !ok {
		return 0, fmt.Errorf("%s is not known here", word)
	}
	return strconv.Atoi(number)
}

func (a *assembler) slot(word string) (int, error) {
	if name, ok := strings.CutPrefix(word, "$"); ok {
		for i, local := range a.function.LocalNames {
			if local == name {
				return i, nil
			}
		}
		return 0, fmt.Errorf("no slot is called %s", word)
	}
	return numbered("r", word)
}

// constant finds or adds a constant.
func (a *assembler) constant(text string) int {
	if a.constAt == nil {
		a.constAt = firstIndex(a.program.Consts)
	}
	i, ok := a.constAt[text]
	if !ok {
		i = len(a.program.Consts)
		a.program.Consts = append(a.program.Consts, text)
		a.constAt[text] = i
	}
	return i
}
