package compiler

import (
	"slices"
	"strings"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/diag"
)

// resolver turns the trees of a script into its meaning and collects what is
// wrong with it. It goes on after every error: the meaning of a script with
// errors is never emitted, so a placeholder will do for what is missing.
type resolver struct {
	*source // the file at hand
	words   *vocabulary

	*variables            // of the script, or of the function at hand
	script     *variables // which GLOBAL reaches
	function   *function  // at hand; nil in the script itself
	functions  map[string]*function
	declared   []*function
	sites      []*site

	labels  map[string]*label // of the function and file at hand
	marks   []*label
	gotos   []*gotoStep
	scope   *scope
	loops   int // loops of both kinds around the statement at hand
	forEach int // FOREACH loops around it
	nesting int
	tries   int  // TRYs around the statement at hand, before their CATCH
	anyTry  bool // one in the whole script
	lenient bool // among the arguments of an unknown command: no more errors about bare words

	unquoted diag.Span // the newest text without quotes that was told of
}

// deepestForEach bounds how many FOREACH loops stand in each other: each needs two
// slots of its own.
const deepestForEach = 50

// vocabulary is the catalogue made ready for looking words up. It is shared by
// nobody and lives as long as one compilation.
type vocabulary struct {
	commands map[string]*catalog.Command
	names    []string          // of commands, as the catalogue orders them
	alone    []string          // those that need no argument
	texts    map[string]string // TRUE, FALSE, OK and results' names, with what they stand for
	fixed    []string          // the words of texts, in a fixed order
}

func newVocabulary(commands []catalog.Command) *vocabulary {
	v := &vocabulary{
		commands: make(map[string]*catalog.Command, len(commands)),
		texts:    map[string]string{"TRUE": "TRUE", "FALSE": "FALSE", catalog.OK: catalog.OK},
		fixed:    []string{"TRUE", "FALSE", catalog.OK},
	}
	for i := range commands {
		c := &commands[i]
		v.commands[c.Name] = c
		v.names = append(v.names, c.Name)
		if c.Match(nil) != nil {
			v.alone = append(v.alone, c.Name)
		}
	}
	for _, result := range catalog.Results() {
		v.texts[result.Name] = result.Text()
		v.fixed = append(v.fixed, result.Name)
	}
	return v
}

// resolve gives every name of the script its meaning. The first of the sources is
// the script itself.
func resolve(sources []*source, words *vocabulary) *meaning {
	r := &resolver{words: words, functions: map[string]*function{}, script: newVariables()}
	for _, s := range sources {
		r.source = s
		for _, f := range s.tree.functions {
			r.declare(f)
		}
	}
	m := &meaning{sources: sources, functions: r.declared}
	m.script = r.unit(nil, sources[0], r.script, sources[0].tree.body)
	for _, f := range r.declared {
		f.unit = r.functionUnit(f)
	}
	m.sites, m.tries = r.sites, r.anyTry
	if !anyErrors(sources) {
		// What failed to parse or resolve may be what sets a variable.
		r.reportNeverAssigned(m)
	}
	markLooked(m)
	markForsaking(m)
	markEmptied(m)
	reportIdleTries(m)
	return m
}

// unit resolves the statements of the script or of a function.
func (r *resolver) unit(f *function, from *source, variables *variables, body []statement) *unit {
	r.function, r.source, r.variables = f, from, variables
	r.loops, r.forEach, r.nesting, r.tries, r.unquoted = 0, 0, 0, 0, diag.Span{}
	steps := r.labelled(body)
	return &unit{variables: variables, function: f, source: from, body: steps, nesting: r.nesting}
}

// labelled resolves the statements of a function or file, whose labels are its own.
func (r *resolver) labelled(body []statement) []step {
	labels, marks, gotos, around := r.labels, r.marks, r.gotos, r.scope
	r.labels, r.marks, r.gotos, r.scope = map[string]*label{}, nil, nil, &scope{}
	steps := r.statements(body)
	r.connectLabels()
	r.labels, r.marks, r.gotos, r.scope = labels, marks, gotos, around
	return steps
}

func (r *resolver) statements(list []statement) []step {
	steps := make([]step, 0, len(list))
	for _, s := range list {
		if s := r.statement(s); s != nil {
			steps = append(steps, s)
		}
	}
	return steps
}

// block resolves the statements between a head and its end in a scope of their own.
func (r *resolver) block(list []statement) []step {
	r.scope = &scope{parent: r.scope}
	defer func() { r.scope = r.scope.parent }()
	return r.statements(list)
}

func (r *resolver) loop(list []statement) []step {
	r.loops++
	defer func() { r.loops-- }()
	return r.block(list)
}

func (r *resolver) statement(s statement) step {
	switch s := s.(type) {
	case *assignment:
		// The right side first: in `$x = $x . "a"` the variable is read before it is set.
		value := r.expression(s.value)
		return &assignStep{s.node, r.assigned(&s.name), value}
	case *commandStatement:
		switch called := r.call(s.call, true).(type) {
		case *site, *invocation:
			return &callStep{s.node, called}
		}
		return nil
	case *ifStatement:
		step := &ifStep{node: s.node, arms: make([]armStep, len(s.arms))}
		for i := range s.arms {
			a := &s.arms[i]
			step.arms[i] = armStep{a.node, r.condition(a.condition), r.block(a.body)}
		}
		return step
	case *whileStatement:
		return &whileStep{s.node, r.condition(s.condition), r.loop(s.body)}
	case *forEachStatement:
		return r.forEachStatement(s)
	case *returnStatement:
		return r.returnStatement(s)
	case *globalStatement:
		r.misplacedGlobal(s)
		return nil
	case *includeStatement:
		return r.includeStatement(s)
	case *tryStatement:
		return r.tryStatement(s)
	case *onErrorStatement:
		return &onErrorStep{s.node, s.stop}
	case *breakStatement:
		r.requireLoop("BREAK", s.span)
		return &breakStep{s.node}
	case *continueStatement:
		r.requireLoop("CONTINUE", s.span)
		return &continueStep{s.node}
	case *gotoStatement:
		step := &gotoStep{node: s.node, name: s.label, scope: r.scope}
		r.gotos = append(r.gotos, step)
		return step
	case *labelStatement:
		return r.labelStatement(s)
	}
	return nil
}

func (r *resolver) forEachStatement(s *forEachStatement) step {
	list := r.expression(s.list)
	step := &forEachStep{node: s.node, item: r.assigned(&s.item), list: list, depth: r.forEach}
	if r.forEach++; r.forEach == deepestForEach+1 {
		r.errorf(codeTooDeep, s.span, "", "more than %d FOREACH loops stand in each other", deepestForEach)
	}
	r.nesting = max(r.nesting, r.forEach)
	step.body = r.loop(s.body)
	r.forEach--
	return step
}

func (r *resolver) requireLoop(word string, span diag.Span) {
	// A head that did not parse leaves its body without a loop.
	if r.loops == 0 && r.parsed {
		r.errorf(codeOutsideLoop, span, "it belongs between WHILE or FOREACH and its END", "%s stands outside of a loop", word)
	}
}

// condition resolves what is tested; nil for ELSE.
func (r *resolver) condition(e expression) operand {
	if e == nil {
		return nil
	}
	o := r.expression(e)
	r.refuseDoing(o)
	return o
}

// refuseDoing reports a doing command whose result would be tested as it is: OK
// is no truth, so the test would always fail.
func (r *resolver) refuseDoing(o operand) {
	if s, ok := o.(*site); ok && !s.telling {
		r.errorf(codeDoingCondition, s.span, `write == "OK" behind it`,
			"%s returns OK or a code, which is neither TRUE nor FALSE", s.command.Name)
	}
}

func (r *resolver) expression(e expression) operand {
	switch e := e.(type) {
	case *textLiteral:
		return &constant{e.node, e.value}
	case *numberLiteral:
		return &constant{e.node, e.text}
	case *variableUse:
		return r.used(&e.variable)
	case *bareWord:
		return r.word(e, nil, 0)
	case *call:
		return r.call(e, false)
	case *unary:
		o := r.expression(e.operand)
		if e.operator == opNot {
			r.refuseDoing(o)
		}
		return &inversion{e.node, e.operator, o}
	case *binary:
		return r.binary(e)
	}
	return &constant{}
}

func (r *resolver) binary(e *binary) operand {
	left, right := r.expression(e.left), r.expression(e.right)
	if e.operator == opJoin {
		// Joining is associative, so a chain is one operand however it is bracketed.
		// A left chain belongs to nobody else and grows; copying it for each
		// operator would make long chains quadratic.
		chain, ok := left.(*joined)
		if !ok {
			chain = &joined{place: e.operatorSpan.Start, parts: []operand{left}}
		}
		chain.node = e.node
		if inner, ok := right.(*joined); ok {
			chain.parts = append(chain.parts, inner.parts...)
		} else {
			chain.parts = append(chain.parts, right)
		}
		return chain
	}
	if e.operator.isLogical() {
		r.refuseDoing(left)
		r.refuseDoing(right)
	}
	return &operation{e.node, e.operator, e.operatorSpan.Start, left, right}
}

// spelling is what stands at the span in the source.
func (r *resolver) spelling(span diag.Span) string {
	text := r.file.Text()
	if span.Start < 0 || span.End > len(text) || span.Start > span.End {
		return ""
	}
	return text[span.Start:span.End]
}

// nearName is the variable meant by a misspelt one, "" if none is near.
func (r *resolver) nearName(of *symbol) string {
	var names []string
	for _, s := range r.order {
		if s != of && s.assigned {
			names = append(names, s.name)
		}
	}
	return diag.Nearest(of.name, names)
}

// wordList is "A, B or C".
func wordList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// distinct appends the words that list lacks.
func distinct(list []string, words ...string) []string {
	for _, w := range words {
		if !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	return list
}
