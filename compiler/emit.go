package compiler

import (
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

// emitter writes the blocks of the statements of a unit. At the start of every
// statement the operand stack is empty: loops keep their state in slots, so GOTO,
// BREAK and abandoned statements need no clearing up.
type emitter struct {
	*builder
	unit     *unit
	optimize bool
	locals   int // how many symbols live in slots

	giveUp *block // in a function: where it ends without a value; nil if it never does
	loops  []loopBlocks
	labels map[*label]*block
	starts []start
	parent int // index in starts of the statement around, -1 outside
}

// loopBlocks is where CONTINUE and BREAK lead.
type loopBlocks struct{ again, exit *block }

// start remembers where a statement begins, to tell which can never run.
type start struct {
	span           diag.Span
	source         *source
	block          *block
	parent, before int // indexes in starts, -1: none
}

// emitBlocks writes a whole unit, whose symbols have their places; locals is how many
// of them are slots.
func emitBlocks(u *unit, optimize bool, locals int) *emitter {
	length := 0
	if u.function == nil {
		length = len(u.source.file.Text())
	}
	e := &emitter{
		builder: newBuilder(u.source, length), unit: u, optimize: optimize, locals: locals,
		labels: map[*label]*block{}, parent: -1,
	}
	e.steps(u.body)
	e.finish()
	if e.giveUp != nil {
		e.begin(e.giveUp)
		e.end(forsakes, nil, nil, unplaced)
	}
	return e
}

// finish ends the script, or the function with the empty text.
func (e *emitter) finish() {
	if e.unit.function == nil {
		e.end(halt, nil, nil, unplaced)
		return
	}
	if e.current.ending == open {
		e.constant("")
		e.end(yields, nil, nil, unplaced)
	}
}

// iterator is the first slot of the FOREACH loop at a depth.
func (e *emitter) iterator(depth int) int { return e.locals + 2*depth }

// fold simplifies the operand unless optimization is off.
func (e *emitter) fold(o operand) operand {
	if e.optimize {
		return fold(o)
	}
	return o
}

func (e *emitter) steps(list []step) {
	before, parent := -1, e.parent
	for _, s := range list {
		if l, ok := s.(*labelStep); ok {
			e.begin(e.labelBlock(l.label))
			continue
		}
		e.starts = append(e.starts, start{s.at(), e.source, e.begun(), parent, before})
		before = len(e.starts) - 1
		e.parent = before
		e.mark = s.at().Start
		e.step(s)
	}
	e.parent = parent
}

func (e *emitter) step(s step) {
	switch s := s.(type) {
	case *assignStep:
		value := e.fold(s.value)
		e.guarded(value, func() { e.assign(s.target, value) })
	case *callStep:
		e.callStep(s)
	case *returnStep:
		e.returnStep(s)
	case *includeStep:
		outer := e.source
		e.source = s.file
		e.steps(s.body)
		e.source = outer
	case *tryStep:
		e.tryStep(s)
	case *onErrorStep:
		in := instruction{op: bytecode.OnError, place: unplaced}
		if s.stop {
			in.a = int(bytecode.Stop)
		}
		e.emit(in)
	case *ifStep:
		e.ifStep(s)
	case *whileStep:
		e.whileStep(s)
	case *forEachStep:
		e.forEachStep(s)
	case *breakStep:
		e.jump(e.loops[len(e.loops)-1].exit, unplaced)
	case *continueStep:
		e.jump(e.loops[len(e.loops)-1].again, unplaced)
	case *gotoStep:
		e.jump(e.labelBlock(s.to), unplaced)
	}
}

// guarded writes a statement; if it holds a telling call that nothing looks at, a
// failure leads behind it.
func (e *emitter) guarded(value operand, write func()) {
	if !abandons(value) {
		write()
		return
	}
	after := &block{}
	e.abandon = after
	write()
	e.abandon = nil
	e.begin(after)
}

// head writes the test of a block; a failure in it leads behind the whole block.
func (e *emitter) head(condition operand, yes, no, after *block) {
	condition = e.fold(condition)
	if abandons(condition) {
		e.abandon = after
	}
	e.condition(condition, yes, no)
	e.abandon = nil
}

func (e *emitter) labelBlock(l *label) *block {
	at := e.labels[l]
	if at == nil {
		at = &block{}
		e.labels[l] = at
	}
	return at
}

func (e *emitter) callStep(s *callStep) {
	value := e.fold(s.call)
	e.guarded(value, func() {
		e.value(value)
		e.emit(instruction{op: bytecode.Pop, place: unplaced})
	})
	if site, ok := s.call.(*site); ok && site.ends {
		e.finish()
	}
}

// returnStep writes RETURN. A value that is missing leaves the statement that called
// the function without it, too.
func (e *emitter) returnStep(s *returnStep) {
	value := e.fold(s.value)
	if abandons(value) {
		if e.giveUp == nil {
			e.giveUp = &block{}
		}
		e.abandon = e.giveUp
	}
	e.value(value)
	e.abandon = nil
	e.end(yields, nil, nil, unplaced)
}

// tryStep writes TRY as a range: its body costs nothing more than it would outside. The
// handler begins by taking the failure's result in every case, so that no two ranges
// cover the same code.
func (e *emitter) tryStep(s *tryStep) {
	after := &block{}
	e.try = &tryBlocks{outer: e.try, handler: &block{pinned: true}}
	try := e.try
	e.tries = append(e.tries, try)
	e.begin(&block{})
	try.from = e.current.order
	e.steps(s.body)
	e.jump(after, unplaced)
	try.to = len(e.layout)
	e.try = try.outer
	e.begin(try.handler)
	e.mark = s.catch.Start
	e.emit(instruction{op: bytecode.LoadCaught, place: unplaced})
	if s.code != nil {
		e.store(s.code)
	} else {
		e.emit(instruction{op: bytecode.Pop, place: unplaced})
	}
	e.steps(s.handler)
	e.begin(after)
}

func (e *emitter) ifStep(s *ifStep) {
	end := &block{}
	for i := range s.arms {
		arm := &s.arms[i]
		if arm.condition == nil {
			e.steps(arm.body)
			break
		}
		body, other := &block{}, end
		if i+1 < len(s.arms) {
			other = &block{}
		}
		e.mark = arm.span.Start
		e.head(arm.condition, body, other, end)
		e.begin(body)
		e.steps(arm.body)
		if other != end {
			e.jump(end, unplaced)
			e.begin(other)
		}
	}
	e.begin(end)
}

// whileStep puts the test behind the body, so that a turn takes one jump.
func (e *emitter) whileStep(s *whileStep) {
	test, body, exit := &block{}, &block{}, &block{}
	e.jump(test, unplaced)
	e.begin(body)
	e.loop(s.body, test, exit)
	e.jump(test, s.span.Start)
	e.begin(test)
	e.mark = s.span.Start
	e.head(s.condition, body, exit, exit)
	e.begin(exit)
}

func (e *emitter) forEachStep(s *forEachStep) {
	next, exit := &block{}, &block{}
	iterator := e.iterator(s.depth)
	list := e.fold(s.list)
	if abandons(list) {
		e.abandon = exit
	}
	e.value(list)
	e.emit(instruction{op: bytecode.ForEachStart, a: iterator, place: unplaced})
	e.abandon = nil
	e.begin(next)
	e.mark = s.span.Start
	e.emit(instruction{op: bytecode.ForEachNext, a: iterator, target: exit, place: unplaced})
	e.store(s.item)
	e.loop(s.body, next, exit)
	e.jump(next, s.span.Start)
	e.begin(exit)
}

func (e *emitter) loop(body []step, again, exit *block) {
	e.loops = append(e.loops, loopBlocks{again, exit})
	e.steps(body)
	e.loops = e.loops[:len(e.loops)-1]
}

// neverRun returns the statements that no way leads to: of neighbours the first,
// and none inside of another.
func (e *emitter) neverRun() []start {
	var all []start
	for _, s := range e.starts {
		if s.block.possible ||
			s.parent >= 0 && !e.starts[s.parent].block.possible ||
			s.before >= 0 && !e.starts[s.before].block.possible {
			continue
		}
		all = append(all, s)
	}
	return all
}
