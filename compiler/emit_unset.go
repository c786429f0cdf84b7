package compiler

// mostFacts bounds the work of reportNotYetSet: blocks times variables. Beyond it
// the warnings are left out, which are a help and no promise.
const mostFacts = 1 << 24

// symbolSet is a set of symbols by index.
type symbolSet []uint64

func (s symbolSet) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }
func (s symbolSet) add(i int)      { s[i/64] |= 1 << (i % 64) }

// join adds the other set and reports whether that changed anything.
func (s symbolSet) join(other symbolSet) bool {
	changed := false
	for i, w := range other {
		if w&^s[i] != 0 {
			s[i] |= w
			changed = true
		}
	}
	return changed
}

// reportNotYetSet warns of variables read where no way from the start has set
// them. Variables that nothing sets anywhere were reported by their names.
func (e *emitter) reportNotYetSet() {
	words := (len(e.unit.order) + 63) / 64
	if words == 0 || words*64*len(e.layout) > mostFacts {
		return
	}
	// What may be set when a block begins; nil for blocks that nothing reached yet.
	before := make([]symbolSet, len(e.layout))
	before[0] = make(symbolSet, words)
	if f := e.unit.function; f != nil {
		for i := range f.params {
			before[0].add(i)
		}
	}
	waiting := []*block{e.layout[0]}
	scratch := make(symbolSet, words)
	for len(waiting) > 0 {
		at := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		copy(scratch, before[at.order])
		for i := at.from; i < at.to; i++ {
			if s := e.code[i].sets; s != nil && !s.shared {
				scratch.add(s.index)
			}
		}
		// An edge out of the middle of a block is taken to have all of it behind it:
		// that loses warnings, and invents none.
		ways := append([]*block{at.next, at.yes}, at.edges...)
		for t := at.try; t != nil && at.calls; t = t.outer {
			ways = append(ways, t.handler)
		}
		for _, next := range ways {
			if next == nil {
				continue
			}
			if before[next.order] == nil {
				before[next.order] = make(symbolSet, words)
				before[next.order].join(scratch)
				waiting = append(waiting, next)
			} else if before[next.order].join(scratch) {
				waiting = append(waiting, next)
			}
		}
	}
	told := make(symbolSet, words)
	for _, at := range e.layout {
		if !at.live {
			continue
		}
		copy(scratch, before[at.order])
		for i := at.from; i < at.to; i++ {
			in := &e.code[i]
			if in.read != nil {
				if s := in.read.symbol; s.assigned && !s.shared && !scratch.has(s.index) && !told.has(s.index) {
					told.add(s.index)
					in.source.warnf(codeNotYetSet, in.read.span, "it is the empty text here", "$%s has no value yet", s.name)
				}
			}
			if s := in.sets; s != nil && !s.shared {
				scratch.add(s.index)
			}
		}
	}
}
