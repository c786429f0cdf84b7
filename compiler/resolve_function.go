package compiler

import (
	"fmt"
	"strings"

	"github.com/sftpc/sftpc/vm/bytecode"
)

// declare makes a function known by its head, before anything that may call it is
// resolved.
func (r *resolver) declare(s *functionStatement) {
	if s.name == "" {
		return // its head did not parse
	}
	f := &function{functionStatement: s, spelling: r.spelling(s.nameSpan), source: r.source}
	r.declared = append(r.declared, f)
	command := r.words.commands[s.name]
	first := r.functions[s.name]
	_, isWord := r.words.texts[s.name]
	switch {
	case first != nil:
		r.errorf(codeFunctionName, s.nameSpan, "", "function %s stands already in %s", f.spelling, first.place(r.source))
		return
	case isWord:
		r.errorf(codeFunctionName, s.nameSpan, "choose another name", "%s stands for a result and names no function", f.spelling)
	case command != nil && command.Documented:
		r.errorf(codeFunctionName, s.nameSpan, "choose another name", "%s is a command of the language", command.Name)
	case command != nil:
		r.warnf(codeHidesCommand, s.nameSpan, "", "this function hides the command %s", command.Name)
	case len(f.spelling) > bytecode.MaxName:
		r.errorf(codeTooLarge, s.nameSpan, "", "the name of a function has more than %d bytes", bytecode.MaxName)
	}
	r.functions[s.name] = f
	if len(s.params) > mostArguments {
		r.errorf(codeTooLarge, s.params[mostArguments].span, "", "%s has more than %d parameters", f.spelling, mostArguments)
	}
	for i, p := range s.params {
		for _, before := range s.params[:i] {
			if before.key == p.key {
				r.errorf(codeParameterTwice, p.span, "", "parameter %s stands twice", p.spelling)
				break
			}
		}
	}
}

// place is where the function stands, told to a reader of the file from.
func (f *function) place(from *source) string {
	line, _ := f.source.file.Position(f.nameSpan.Start)
	if f.source == from {
		return fmt.Sprintf("line %d", line)
	}
	return fmt.Sprintf("%s, line %d", f.source.file.Name(), line)
}

// syntax is how the function is called.
func (f *function) syntax() string {
	if len(f.params) == 0 {
		return f.spelling
	}
	names := make([]string, len(f.params))
	for i, p := range f.params {
		names[i] = p.spelling
	}
	return f.spelling + "(" + strings.Join(names, ", ") + ")"
}

// functionUnit resolves a function's body in variables of its own.
func (r *resolver) functionUnit(f *function) *unit {
	r.function, r.source, r.variables = f, f.source, newVariables()
	for i := range f.params {
		r.assigned(&f.params[i])
	}
	body := f.body
	for len(body) > 0 {
		global, ok := body[0].(*globalStatement)
		if !ok {
			break
		}
		r.share(global)
		body = body[1:]
	}
	return r.unit(f, f.source, r.variables, body)
}

// share gives a function the script's variables that GLOBAL names.
func (r *resolver) share(s *globalStatement) {
	own := r.variables
	for i := range s.names {
		v := &s.names[i]
		if known := own.symbols[v.key]; known != nil {
			if !known.shared {
				r.errorf(codeGlobalPlace, v.span, "", "%s is a parameter of %s", v.spelling, r.function.spelling)
			}
			continue
		}
		r.variables = r.script
		shared := r.symbol(v)
		r.variables = own
		shared.shared = true
		own.symbols[v.key] = shared
	}
}

func (r *resolver) misplacedGlobal(s *globalStatement) {
	if r.function == nil {
		r.errorf(codeOutsideFunction, s.span, "it is written in the functions that use the variable", "GLOBAL stands outside of a function")
		return
	}
	r.errorf(codeGlobalPlace, s.span, "put it below line "+fmt.Sprint(r.headLine()), "GLOBAL stands behind other statements of the function")
}

func (r *resolver) headLine() int {
	line, _ := r.file.Position(r.function.span.Start)
	return line
}

func (r *resolver) returnStatement(s *returnStatement) step {
	step := &returnStep{s.node, &constant{node: s.node}}
	if s.value != nil {
		step.value = r.expression(s.value)
	}
	if r.function == nil && r.parsed {
		r.errorf(codeOutsideFunction, s.span, "STOP ends the script", "RETURN stands outside of a function")
	}
	return step
}

// apply resolves a call of a function.
func (r *resolver) apply(c *call, f *function) operand {
	if given := len(c.arguments); given != len(f.params) {
		takes := plural(len(f.params), "argument")
		if len(f.params) == 0 {
			takes = "no argument"
		}
		r.errorf(codeArity, c.nameSpan, "write "+f.syntax(), "%s takes %s, not %s", f.spelling, takes, countText(given))
		r.wrongArguments(c)
		return placeholder(c.span)
	}
	made := &invocation{node: c.node, function: f, name: c.nameSpan}
	for _, a := range c.arguments {
		made.args = append(made.args, r.expression(a))
	}
	return made
}

// markForsaking finds the functions whose value may be missing: a RETURN of theirs
// holds a telling call that nothing looks at, or calls such a function.
func markForsaking(m *meaning) {
	callers := map[*function][]*function{}
	var found []*function
	mark := func(f *function) {
		if !f.forsakes {
			f.forsakes = true
			found = append(found, f)
		}
	}
	for _, f := range m.functions {
		eachReturn(f.unit.body, func(value operand) {
			if abandons(value) {
				mark(f)
			}
			eachInvocation(value, func(i *invocation) { callers[i.function] = append(callers[i.function], f) })
		})
	}
	for len(found) > 0 {
		last := found[len(found)-1]
		found = found[:len(found)-1]
		for _, f := range callers[last] {
			mark(f)
		}
	}
}

func eachReturn(steps []step, visit func(operand)) {
	for _, s := range steps {
		if s, ok := s.(*returnStep); ok {
			visit(s.value)
		}
		eachBody(s, func(body []step) { eachReturn(body, visit) })
	}
}

// eachBody visits the lists of statements that stand in a statement.
func eachBody(s step, visit func([]step)) {
	switch s := s.(type) {
	case *ifStep:
		for i := range s.arms {
			visit(s.arms[i].body)
		}
	case *whileStep:
		visit(s.body)
	case *forEachStep:
		visit(s.body)
	case *includeStep:
		visit(s.body)
	case *tryStep:
		visit(s.body)
		visit(s.handler)
	}
}

func eachInvocation(o operand, visit func(*invocation)) {
	if i, ok := o.(*invocation); ok {
		visit(i)
	}
	eachPart(o, func(part operand) { eachInvocation(part, visit) })
}

// eachPart visits the operands that an operand is made of.
func eachPart(o operand, visit func(operand)) {
	switch o := o.(type) {
	case *site:
		for _, a := range o.args {
			visit(a)
		}
	case *invocation:
		for _, a := range o.args {
			visit(a)
		}
	case *operation:
		visit(o.left)
		visit(o.right)
	case *inversion:
		visit(o.operand)
	case *truth:
		visit(o.operand)
	case *joined:
		for _, p := range o.parts {
			visit(p)
		}
	}
}
