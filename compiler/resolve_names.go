package compiler

import (
	"strings"

	"github.com/sftpc/sftpc/vm/diag"
)

func (r *resolver) symbol(v *variable) *symbol {
	s := r.symbols[v.key]
	if s == nil {
		s = &symbol{index: len(r.order), key: v.key, name: strings.TrimPrefix(v.spelling, "$"), first: v.span, source: r.source}
		r.symbols[v.key] = s
		r.order = append(r.order, s)
	}
	return s
}

// assigned is the symbol of a variable that is given a value.
func (r *resolver) assigned(v *variable) *symbol {
	s := r.symbol(v)
	s.assigned = true
	return s
}

// used is a variable whose value is read.
func (r *resolver) used(v *variable) operand {
	s := r.symbol(v)
	s.read = true
	return &load{v.node, s}
}

// reportNeverAssigned warns of variables that nothing ever sets. Those that are
// set somewhere, but not on the way to a use, are found on blocks: see reportNotYetSet.
// What a library of functions shares with its script the script may set.
func (r *resolver) reportNeverAssigned(m *meaning) {
	library := m.isLibrary()
	for _, u := range m.units() {
		r.variables = u.variables
		for _, s := range u.order {
			if s.assigned || library && s.shared {
				continue
			}
			hint := "it is the empty text"
			if near := r.nearName(s); near != "" {
				hint = "did you mean $" + near + "?"
			} else if of := m.script.symbols[s.key]; u.function != nil && of != nil && of.assigned {
				hint = "GLOBAL $" + s.name + " lets the function use the script's"
			}
			s.source.warnf(codeNeverAssigned, s.first, hint, "$%s is never given a value", s.name)
		}
	}
}

// units are the script and its functions.
func (m *meaning) units() []*unit {
	all := []*unit{m.script}
	for _, f := range m.functions {
		all = append(all, f.unit)
	}
	return all
}

// isLibrary reports whether the script only declares functions, for others to
// include it.
func (m *meaning) isLibrary() bool { return len(m.functions) > 0 && doesNothing(m.script.body) }

func doesNothing(steps []step) bool {
	for _, s := range steps {
		if s, ok := s.(*includeStep); !ok || !doesNothing(s.body) {
			return false
		}
	}
	return true
}

func (r *resolver) labelStatement(s *labelStatement) step {
	l := &label{node: s.node, name: s.label, scope: r.scope}
	if first, twice := r.labels[s.label]; twice {
		line, _ := r.file.Position(first.span.Start)
		r.errorf(codeDuplicateLabel, s.span, "", "label :%s stands already on line %d", r.labelName(l), line)
	} else {
		r.labels[s.label] = l
		r.marks = append(r.marks, l)
	}
	return &labelStep{s.node, l}
}

// labelName is the label as the script spells it.
func (r *resolver) labelName(l *label) string {
	name := strings.TrimLeft(r.spelling(l.span), ": \t\u00a0")
	if strings.EqualFold(name, l.name) {
		return name
	}
	return l.name
}

// connectLabels finds the label of every GOTO, which may stand before it.
func (r *resolver) connectLabels() {
	names := make([]string, len(r.marks))
	for i, l := range r.marks {
		names[i] = ":" + r.labelName(l)
	}
	for _, g := range r.gotos {
		l := r.labels[g.name]
		if l == nil {
			r.errorf(codeUnknownLabel, g.span, didYouMean(":"+g.name, names, "a label is a line of its own, :"+strings.ToLower(g.name)),
				"there is no label :%s", g.name)
			continue
		}
		l.used, g.to = true, l
		if !g.scope.within(l.scope) {
			line, _ := r.file.Position(l.span.Start)
			r.errorf(codeJumpIntoBlock, g.span, "a label must stand in the same block as its GOTO, or in one around it",
				"GOTO :%s would jump into the block around line %d", r.labelName(l), line)
		}
	}
	for _, l := range r.marks {
		if !l.used {
			r.warnf(codeUnusedLabel, l.span, "", "nothing goes to label :%s", r.labelName(l))
		}
	}
}

// word resolves a word without brackets; place is the parameter's index when it
// is an argument of the call at c, which may be nil. Constants of parameters have
// been tried by then.
func (r *resolver) word(w *bareWord, c *call, place int) operand {
	if text, ok := r.words.texts[w.word]; ok {
		return &constant{w.node, text}
	}
	if f := r.functions[w.word]; f != nil {
		return r.apply(&call{node: w.node, name: w.word, nameSpan: w.span}, f)
	}
	if command := r.words.commands[w.word]; command != nil {
		return r.invoke(&call{node: w.node, name: w.word, nameSpan: w.span}, command)
	}
	if r.lenient || r.unquoted.Start < w.span.Start && w.span.End <= r.unquoted.End {
		return &constant{w.node, w.word}
	}
	hint := r.wordHint(w, c, place)
	span := w.span
	if hint == "" {
		r.unquoted = r.textWithoutQuotes(w)
		span, hint = r.unquoted, `a text needs quotes: "`+r.spelling(r.unquoted)+`"`
	}
	r.errorf(codeUnknownWord, span, hint, "unknown word %s", r.spelling(span))
	return &constant{w.node, w.word}
}

// textWithoutQuotes is where the text lies that an unknown word begins. To the
// parser ftp.example.com is three words to be joined, and quotes round each would
// lose the points. A word that means something ends it.
func (r *resolver) textWithoutQuotes(w *bareWord) diag.Span {
	text, span := r.file.Text(), w.span
	for span.End+1 < len(text) && text[span.End] == '.' && isLetter(text[span.End+1]) {
		end := span.End + 1
		for end < len(text) && (isLetter(text[end]) || isDigit(text[end])) {
			end++
		}
		next := strings.ToUpper(text[span.End+1 : end])
		if _, known := r.words.texts[next]; known || r.words.commands[next] != nil || r.symbols[next] != nil {
			break
		}
		span.End = end
	}
	return span
}

// wordHint is what an unknown word may be meant for, "" if it is like nothing.
func (r *resolver) wordHint(w *bareWord, c *call, place int) string {
	if s := r.symbols[w.word]; s != nil {
		return "did you mean $" + s.name + "?"
	}
	var candidates []string
	if c != nil {
		candidates = r.constantsAt(r.words.commands[c.name], place)
	}
	candidates = distinct(candidates, r.words.fixed...)
	candidates = distinct(candidates, r.words.alone...)
	for _, f := range r.declared {
		if len(f.params) == 0 {
			candidates = append(candidates, f.spelling)
		}
	}
	return didYouMean(w.word, candidates, "")
}

// placeholder stands for what could not be resolved.
func placeholder(span diag.Span) operand { return &constant{node: node{span}} }
