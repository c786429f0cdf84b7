package compiler

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

// linker gives the constants, imports and functions of a program their numbers, in
// the order of their first use in the code, so that the same source makes the same
// bundle.
type linker struct {
	program   *bytecode.Program
	consts    map[string]int
	imports   map[bytecode.Import]int
	functions map[*function]int
	called    []*function // by their numbers, from 1
}

func newLinker(m *meaning, name string) *linker {
	l := &linker{
		program: &bytecode.Program{Name: name, Language: bytecode.LanguageVersion},
		consts:  map[string]int{}, imports: map[bytecode.Import]int{}, functions: map[*function]int{},
	}
	for _, s := range m.sources[1:] {
		l.program.Files = append(l.program.Files, s.shown)
	}
	return l
}

func (l *linker) number(code []instruction) {
	for i := range code {
		in := &code[i]
		switch in.op {
		case bytecode.LoadConst:
			in.index = l.constant(in.text)
		case bytecode.Call:
			in.index = l.imported(in.site)
		case bytecode.CallFunction:
			in.index = l.functionNumber(in.invoked)
		}
	}
}

func (l *linker) constant(text string) int {
	index, known := l.consts[text]
	if !known {
		index = len(l.program.Consts)
		l.consts[text] = index
		l.program.Consts = append(l.program.Consts, text)
	}
	return index
}

func (l *linker) imported(s *site) int {
	key := bytecode.Import{
		Command: s.command.Name, Form: s.form.Key, Args: uint8(len(s.args)), Outs: uint8(len(s.outs)), Telling: s.telling,
	}
	index, known := l.imports[key]
	if !known {
		index = len(l.program.Imports)
		l.imports[key] = index
		l.program.Imports = append(l.program.Imports, key)
	}
	return index
}

func (l *linker) functionNumber(f *function) int {
	index, known := l.functions[f]
	if !known {
		l.called = append(l.called, f)
		index = len(l.called)
		l.functions[f] = index
	}
	return index
}

// tooLarge is a limit of the bytecode that a script exceeds.
type tooLarge struct{ what string }

func (e *tooLarge) Error() string { return "the script is too large: " + e.what }

// emitProgram makes the program of a resolved script and reports the statements
// that can never run and the variables read before anything sets them. Functions
// that nothing calls are left out.
func emitProgram(m *meaning, name string, optimize bool) *bytecode.Program {
	l, e, err := linkScript(m, name, optimize)
	failed := m.script
	if err == nil {
		e.reportWarnings()
		// Calls in a function add others to the end of the list.
		for i := 0; i < len(l.called) && err == nil; i++ {
			failed = l.called[i].unit
			err = l.addFunction(failed, optimize)
		}
	}
	if err == nil {
		failed = m.script
		err = l.check()
	}
	if err != nil {
		code, at := codeInternal, diag.Span{}
		if _, limit := err.(*tooLarge); limit {
			code = codeTooLarge
		}
		if failed.function != nil {
			at = failed.function.nameSpan
		}
		failed.source.errorf(code, at, "", "%s", err)
		return nil
	}
	l.reportNeverCalled(m)
	return l.program
}

// linkScript emits the script itself. Variables that do not fit its frame become
// script variables, as those that functions share are.
func linkScript(m *meaning, name string, optimize bool) (*linker, *emitter, error) {
	u := m.script
	room := bytecode.MaxSlots - 2*u.nesting
	for {
		locals, globals := u.place(room)
		e := emitBlocks(u, optimize, locals)
		l := newLinker(m, name)
		f, err := l.function(e)
		if err != nil {
			return nil, nil, err
		}
		if spare := bytecode.MaxFrame - f.MaxStack - f.Locals; spare < 0 {
			// An expression needs much of the operand stack: variables make room.
			if room = locals + spare; room >= 0 {
				continue
			}
			return nil, nil, &tooLarge{"an expression needs too many values at once"}
		}
		l.program.Functions = append(l.program.Functions, *f)
		l.program.Globals = globals
		return l, e, nil
	}
}

// place gives the symbols of a unit their places: as many as there is room for live
// in slots, the others are script variables.
func (u *unit) place(room int) (locals, globals int) {
	for _, s := range u.order {
		if s.shared {
			s.local, s.slot = false, globals
			globals++
		}
	}
	for _, s := range u.order {
		switch {
		case s.shared:
		case locals < room:
			s.local, s.slot = true, locals
			locals++
		default:
			s.local, s.slot = false, globals
			globals++
		}
	}
	return locals, globals
}

// addFunction emits a function. All of its variables live in its frame, since each
// call has its own.
func (l *linker) addFunction(u *unit, optimize bool) error {
	room := bytecode.MaxSlots - 2*u.nesting
	locals, spilled := u.place(room)
	if spilled > 0 {
		return &tooLarge{fmt.Sprintf("%s has more than %d variables", u.function.spelling, room)}
	}
	e := emitBlocks(u, optimize, locals)
	f, err := l.function(e)
	if err != nil {
		return err
	}
	if f.MaxStack+f.Locals > bytecode.MaxFrame {
		return &tooLarge{fmt.Sprintf("an expression of %s needs too many values at once", u.function.spelling)}
	}
	f.Name, f.Params = u.function.spelling, len(u.function.params)
	l.program.Functions = append(l.program.Functions, *f)
	e.reportWarnings()
	return nil
}

func (e *emitter) reportWarnings() {
	for _, s := range e.neverRun() {
		s.source.warnf(codeNeverRuns, s.span, "", "this can never run")
	}
	e.reportNotYetSet()
}

// reportNeverCalled warns of the script's own functions that nothing calls. Those of
// a file that is included, or that only declares functions, are there to choose from.
func (l *linker) reportNeverCalled(m *meaning) {
	if m.isLibrary() {
		return
	}
	for _, f := range m.functions {
		if _, called := l.functions[f]; !called && f.source == m.script.source {
			f.source.warnf(codeNeverCalled, f.nameSpan, "", "nothing calls %s", f.spelling)
		}
	}
}

func (l *linker) check() error {
	if len(l.program.Consts) > bytecode.MaxBx+1 {
		return &tooLarge{fmt.Sprintf("more than %d different texts", bytecode.MaxBx+1)}
	}
	if len(l.program.Imports) > bytecode.MaxBx+1 || l.program.Globals > bytecode.MaxBx+1 || len(l.called) > bytecode.MaxBx {
		return &tooLarge{"too many names"}
	}
	return nil
}

// function gives the blocks addresses and writes the words.
func (l *linker) function(e *emitter) (*bytecode.Function, error) {
	stretches := e.linearize()
	address := 0
	for i := range stretches {
		s := &stretches[i]
		l.number(s.code)
		if e.optimize {
			s.code = peephole(s.code)
		}
		s.block.address = address
		for j := range s.code {
			address += s.code[j].op.Width()
		}
	}
	if address > bytecode.MaxJump {
		return nil, &tooLarge{fmt.Sprintf("more than %d words of code", bytecode.MaxJump)}
	}
	most, err := measure(stretches)
	if err != nil {
		return nil, err
	}
	f := &bytecode.Function{
		Name: "main", Locals: e.locals + 2*e.unit.nesting, MaxStack: most,
		Code: make([]uint32, 0, address),
	}
	for _, s := range e.unit.order {
		if !s.local {
			continue
		}
		name := s.name
		if !bytecode.IsVariableName(name) {
			name = "" // longer than a bundle holds, which only a listing would show
		}
		f.LocalNames = append(f.LocalNames, name)
	}
	for depth := range e.unit.nesting {
		f.Iterators = append(f.Iterators, uint8(e.iterator(depth)))
		f.LocalNames = append(f.LocalNames, "", "")
	}
	f.Positions = make([]bytecode.Position, 0, address/2)
	w := writer{f: f, last: unplaced}
	for _, s := range stretches {
		for i := range s.code {
			w.write(&s.code[i])
		}
	}
	f.Ranges = append(f.Ranges, e.catchRanges(stretches, address)...)
	slices.SortStableFunc(f.Ranges, func(a, b bytecode.Range) int {
		return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(b.From, a.From), cmp.Compare(a.Kind, b.Kind))
	})
	return f, nil
}

// catchRanges are those of the TRYs that anything can leave; end is where the code
// ends.
func (e *emitter) catchRanges(stretches []stretch, end int) []bytecode.Range {
	var ranges []bytecode.Range
	addressOf := func(order int) int {
		i, _ := slices.BinarySearchFunc(stretches, order, func(s stretch, order int) int { return cmp.Compare(s.block.order, order) })
		if i == len(stretches) {
			return end
		}
		return stretches[i].block.address
	}
	for _, t := range e.tries {
		if t.handler.live {
			ranges = append(ranges, bytecode.Range{
				From: addressOf(t.from), To: addressOf(t.to), Target: t.handler.address, Kind: bytecode.RangeCatch,
			})
		}
	}
	return ranges
}

// writer turns instructions into words, positions and ranges.
type writer struct {
	f       *bytecode.Function
	at      locator
	source  *source // the file of the last position
	last    int     // and its place
	abandon *block  // of the instruction before
}

func (w *writer) write(in *instruction) {
	pc := len(w.f.Code)
	if in.place != unplaced && (in.place != w.last || in.source != w.source) {
		if in.source != w.source {
			w.at, w.source = locator{file: in.source.file}, in.source
		}
		line, column := w.at.position(in.place)
		w.f.Positions = append(w.f.Positions, bytecode.Position{PC: pc, Line: line, Column: column, File: in.source.number})
		w.last = in.place
	}
	word, extra := uint32(in.op), uint32(bytecode.Extra)
	for _, o := range in.op.Properties().Operands {
		switch o.Place {
		case bytecode.InA:
			word |= uint32(in.a) << 8
		case bytecode.InB:
			word |= uint32(in.b) << 16
		case bytecode.InC:
			word |= uint32(in.c) << 24
		case bytecode.InBx:
			word |= uint32(in.index) << 16
		case bytecode.InAx:
			word |= uint32(bytecode.Distance(in.op, pc, in.target.address)) << 8
		case bytecode.InExtraA:
			extra |= uint32(in.b) << 8
		case bytecode.InExtraAx:
			extra |= uint32(bytecode.Distance(in.op, pc, in.target.address)) << 8
		}
	}
	w.f.Code = append(w.f.Code, word)
	if in.op.Width() == 2 {
		w.f.Code = append(w.f.Code, extra)
	}
	w.extend(in, pc)
}

// locator finds lines and columns of places that mostly ascend. Counting each
// column from the start of its line would be quadratic in the longest line.
type locator struct {
	file         *diag.File
	line, column int
	offset, end  int // of the place found last, and of its line
}

func (l *locator) position(place int) (line, column int) {
	if l.line > 0 && l.offset <= place && place <= l.end {
		l.column += utf8.RuneCountInString(l.file.Text()[l.offset:place])
	} else {
		l.line, l.column = l.file.Position(place)
		_, l.end = l.file.LineSpan(l.line)
	}
	l.offset = place
	return l.line, l.column
}

// extend keeps the ranges of abandoned statements: a run of instructions that
// lead to the same place is one range.
func (w *writer) extend(in *instruction, pc int) {
	if in.abandon != nil {
		if in.abandon != w.abandon {
			w.f.Ranges = append(w.f.Ranges, bytecode.Range{From: pc, Target: in.abandon.address, Kind: bytecode.RangeStatement})
		}
		w.f.Ranges[len(w.f.Ranges)-1].To = len(w.f.Code)
	}
	w.abandon = in.abandon
}

// measure computes the height of the operand stack at the start of every block
// and returns the greatest anywhere. Blocks that disagree are a fault of emission.
func measure(stretches []stretch) (int, error) {
	byBlock := make(map[*block]int, len(stretches))
	for i, s := range stretches {
		byBlock[s.block] = i
	}
	most := 0
	var failed error
	var waiting []int
	meet := func(at *block, height int) {
		i, known := byBlock[at]
		switch {
		case !known:
			failed = fmt.Errorf("internal error: a jump leads to dropped code")
		case at.height < 0:
			at.height = height
			waiting = append(waiting, i)
		case at.height != height:
			failed = fmt.Errorf("internal error: operand stack of %d and %d values", at.height, height)
		}
	}
	meet(stretches[0].block, 0)
	for len(waiting) > 0 && failed == nil {
		i := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		height, falls := stretches[i].block.height, true
		for t := stretches[i].block.try; t != nil && stretches[i].block.calls; t = t.outer {
			meet(t.handler, 0)
		}
		for j := range stretches[i].code {
			in := &stretches[i].code[j]
			pops, pushes := effect(in)
			if height -= pops; height < 0 {
				return 0, fmt.Errorf("internal error: %s takes more than there is", in.op)
			}
			flags := in.op.Properties().Flags
			if flags&bytecode.PushOnFall == 0 {
				height += pushes
			}
			if in.target != nil {
				meet(in.target, height)
			}
			if flags&bytecode.PushOnFall != 0 {
				height += pushes
			}
			most = max(most, height)
			if in.abandon != nil && in.calls() {
				meet(in.abandon, 0)
			}
			falls = flags&bytecode.Ends == 0
		}
		if falls && failed == nil {
			if i+1 == len(stretches) {
				return 0, fmt.Errorf("internal error: the code has no end")
			}
			meet(stretches[i+1].block, height)
		}
	}
	return most, failed
}

// effect is how many values an instruction takes and leaves.
func effect(in *instruction) (pops, pushes int) {
	p := in.op.Properties()
	pops, pushes = p.Pops, p.Pushes
	switch in.op {
	case bytecode.Call:
		return len(in.site.args), 1 + len(in.site.outs)
	case bytecode.CallDrop, bytecode.CallStore:
		return len(in.site.args), pushes
	case bytecode.CallFunction:
		return in.a, pushes
	case bytecode.Concat:
		return in.a, pushes
	case bytecode.ConcatStore, bytecode.AppendLocal:
		return in.b, pushes
	}
	return pops, pushes
}
