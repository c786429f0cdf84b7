package compiler

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/diag"
	"github.com/sftpc/sftpc/vm/value"
)

// mostArguments is how many arguments a call can have; all of them are on the
// operand stack at once.
const mostArguments = 100

// keywords may be what is meant where a statement begins with an unknown command.
var keywords = []string{"IF", "WHILE", "FOREACH", "BREAK", "CONTINUE", "GOTO", "ELSE", "END", "FUNCTION", "RETURN", "GLOBAL", "INCLUDE", "TRY", "CATCH", "ONERROR"}

// call resolves a call by its name: a site, an invocation of a function, or a
// placeholder after an error.
func (r *resolver) call(c *call, statement bool) operand {
	if f := r.functions[c.name]; f != nil {
		return r.apply(c, f)
	}
	if command := r.words.commands[c.name]; command != nil {
		return r.invoke(c, command)
	}
	candidates := r.words.names
	for _, f := range r.declared {
		candidates = append(candidates[:len(candidates):len(candidates)], f.spelling)
	}
	if statement {
		candidates = slices.Concat(candidates, keywords)
	}
	hint := didYouMean(c.name, candidates, "")
	r.errorf(codeUnknownCommand, c.nameSpan, hint, "unknown command %s", r.spelling(c.nameSpan))
	r.wrongArguments(c)
	return placeholder(c.span)
}

// invoke chooses the form of a known command and resolves its arguments.
func (r *resolver) invoke(c *call, command *catalog.Command) operand {
	shapes := make([]catalog.Argument, len(c.arguments))
	for i, a := range c.arguments {
		switch a := a.(type) {
		case *bareWord:
			shapes[i].Bare = a.word
		case *variableUse:
			shapes[i].Variable = true
		}
	}
	form := command.Match(shapes)
	if form == nil {
		r.explain(c, command)
		r.wrongArguments(c)
		return placeholder(c.span)
	}
	if len(c.arguments) > mostArguments {
		r.errorf(codeTooLarge, c.arguments[mostArguments].at(), "", "%s has more than %d arguments", command.Name, mostArguments)
	}
	s := &site{node: c.node, command: command, form: form, name: c.nameSpan, telling: command.KindOf(form) == catalog.Telling, source: r.source, tried: r.tries > 0, inFunction: r.function != nil}
	r.sites = append(r.sites, s)
	for i, a := range c.arguments {
		param := form.Param(i)
		if param.Out() {
			if v, ok := a.(*variableUse); ok {
				s.outs = append(s.outs, r.assigned(&v.variable))
			}
			continue
		}
		s.args = append(s.args, r.argument(c, i, param))
	}
	r.checkEnd(s)
	return s
}

// wrongArguments resolves the arguments of a call that is wrong, for the errors
// and variables in them. Its bare words may be constants of what was meant.
func (r *resolver) wrongArguments(c *call) {
	outer := r.lenient
	r.lenient = true
	defer func() { r.lenient = outer }()
	for i, a := range c.arguments {
		switch a := a.(type) {
		case *bareWord:
			r.word(a, c, i)
		case *variableUse:
			// It may be meant to be set here, so nothing is said of never being set.
			r.assigned(&a.variable)
			r.used(&a.variable)
		default:
			r.expression(a)
		}
	}
}

func (r *resolver) argument(c *call, place int, param *catalog.Param) operand {
	if w, ok := c.arguments[place].(*bareWord); ok {
		if text, allowed := param.Allows(w.word); allowed {
			return &constant{w.node, text}
		}
		return r.word(w, c, place)
	}
	o := r.expression(c.arguments[place])
	text, known := constantOf(o)
	if !known {
		return o
	}
	// Computed literals are checked as quoted ones are; what is emitted for them
	// does not depend on this, so that folding changes no message.
	listed, allowed := param.Allows(text)
	switch {
	case param.Kind == catalog.ParamConstant && !allowed:
		r.refuseWord(o.at(), text, c.name, param)
	case param.Kind == catalog.ParamNumber && !allowed:
		if _, isNumber := value.ParseNumber(text); !isNumber {
			r.warnf(codeNotANumber, o.at(), "", "%s needs a number here, and %s is none", c.name, strconv.Quote(text))
		}
	case param.Kind == catalog.ParamConstant:
		if literal, ok := o.(*constant); ok {
			return &constant{literal.node, listed}
		}
	}
	return o
}

// refuseWord reports a word that the parameter does not list.
func (r *resolver) refuseWord(span diag.Span, word, command string, param *catalog.Param) {
	r.errorf(codeNotAConstant, span, didYouMean(word, param.Constants, "write "+wordList(param.Constants)),
		"%s does not know %s as its %s", command, word, param.Name)
}

// constantsAt are the bare words that some form of the command takes at a place.
func (r *resolver) constantsAt(command *catalog.Command, place int) []string {
	var words []string
	if command != nil {
		for i := range command.Forms {
			if p := command.Forms[i].Param(place); p != nil {
				words = distinct(words, p.Constants...)
			}
		}
	}
	return words
}

// explain reports why no form of the command takes the arguments: their number,
// or else the first argument that the form which came furthest cannot take.
func (r *resolver) explain(c *call, command *catalog.Command) {
	given := len(c.arguments)
	var closest *catalog.Form
	furthest := -1
	for i := range command.Forms {
		form := &command.Forms[i]
		if least, most := form.Arity(); given < least || most >= 0 && given > most {
			continue
		}
		if at := misfit(c, form); at > furthest {
			closest, furthest = form, at
		}
	}
	if closest == nil || furthest >= given {
		r.errorf(codeArity, c.nameSpan, usage(command), "%s takes %s, not %s", command.Name, arityText(command), countText(given))
		return
	}
	param, argument := closest.Param(furthest), c.arguments[furthest]
	if word, ok := argument.(*bareWord); ok && !param.Out() {
		anyForm := *param
		anyForm.Constants = r.constantsAt(command, furthest)
		r.refuseWord(word.span, r.spelling(word.span), command.Name, &anyForm)
		return
	}
	r.errorf(codeNotAVariable, argument.at(), usage(command), "%s sets a variable here", command.Name)
}

// misfit is the place of the first argument that the form cannot take, the number
// of arguments if each alone would do.
func misfit(c *call, form *catalog.Form) int {
	for i, a := range c.arguments {
		p := form.Param(i)
		_, isVariable := a.(*variableUse)
		w, isWord := a.(*bareWord)
		if p.Out() && !isVariable {
			return i
		}
		if isWord && p.Kind == catalog.ParamConstant {
			if _, ok := p.Allows(w.word); !ok {
				return i
			}
		}
	}
	return len(c.arguments)
}

func countText(n int) string {
	if n == 0 {
		return "none"
	}
	return strconv.Itoa(n)
}

// arityText is how many arguments the forms of a command take together.
func arityText(command *catalog.Command) string {
	least, most := command.Forms[0].Arity()
	for i := range command.Forms[1:] {
		l, m := command.Forms[i+1].Arity()
		least = min(least, l)
		if m < 0 || most < 0 {
			most = -1
		} else {
			most = max(most, m)
		}
	}
	switch {
	case most == 0:
		return "no argument"
	case most < 0:
		return plural(least, "argument") + " or more"
	case least == most:
		return plural(least, "argument")
	}
	return fmt.Sprintf("%d to %s", least, plural(most, "argument"))
}

// usage is the hint that shows how the command is written, a line for each form.
func usage(command *catalog.Command) string {
	return "write " + strings.Join(catalog.Syntax(*command), "\nor    ")
}

// reservedStatusesFrom is where the statuses begin that a run gives a meaning of
// its own: time-outs, refusals, interrupts.
const reservedStatusesFrom = 120

// checkEnd finds the calls that certainly end the script, and warns of statuses
// that a run gives a meaning of its own, or cannot give.
func (r *resolver) checkEnd(s *site) {
	s.ends = s.command.Name == "STOP"
	if s.command.Name != "EXIT" || len(s.args) != 1 {
		return
	}
	text, known := constantOf(s.args[0])
	if !known {
		return
	}
	status, isNumber := value.ParseNumber(text)
	s.ends = isNumber
	switch {
	case !isNumber:
	case status < 0 || status > 255 || status != float64(int(status)):
		r.warnf(codeExitStatus, s.args[0].at(), "use 0 to 119", "a status is a whole number from 0 to 255: this ends with status 1")
	case status >= reservedStatusesFrom:
		r.warnf(codeExitStatus, s.args[0].at(), "use 0 to 119", "statuses from %d up have meanings of their own", reservedStatusesFrom)
	}
}
