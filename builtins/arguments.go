package builtins

import (
	"context"
	"fmt"
	"strings"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/value"
)

// arguments are what a command was called with. They are checked against the
// catalogue before the command runs, so the accessors cannot fail: a number is a
// number, a constant one of its words, a name not empty. Places are those of the
// form's parameters, out variables included, from 0.
//
// A command may keep the texts but not the arguments themselves: they are
// refilled for the next call.
type arguments struct {
	// ctx ends with the run, and with SETTIMEOUT(…, TOTAL) for commands that use
	// the network.
	ctx   context.Context
	state *State
	row   *catalog.Command
	form  *catalog.Form
	call  *vm.Call // nil where a setting gets its first value from Options

	values []value.Value // by place; the empty text for out variables
	words  []string      // by place; the constant that the argument is, as the catalogue lists it
	outs   []value.Value // by place; what setOut assigned

	result   value.Value
	returned bool
	partial  bool   // the out variables hold something although the command failed
	echoed   string // how the transcript names this call
}

// passed is where arguments come from: a *vm.Call, which counts those that are not
// out variables.
type passed interface {
	Len() int
	Arg(i int) value.Value
}

// texts are the arguments of a call that no script made.
type texts []string

func (t texts) Len() int { return len(t) }

func (t texts) Arg(i int) value.Value { return value.Text(t[i]) }

// refill takes the arguments of the next call.
func (a *arguments) refill(b *binding, from passed) {
	a.row, a.form = b.row, b.form
	a.values, a.words, a.outs = a.values[:0], a.words[:0], a.outs[:0]
	a.result, a.returned, a.partial, a.echoed = value.Value{}, false, false, ""
	next, count := 0, from.Len()
	for place := 0; place < count+b.outs; place++ {
		var v value.Value
		if p := a.form.Param(place); p != nil && !p.Out() && next < count {
			v = from.Arg(next)
			next++
		}
		a.values = append(a.values, v)
		a.words = append(a.words, "")
		a.outs = append(a.outs, value.Value{})
	}
}

// key is the key of the form that was called.
func (a *arguments) key() string { return a.form.Key }

// has reports whether an argument stands at the place.
func (a *arguments) has(place int) bool { return place < len(a.values) }

// text is the argument as text; the empty text if it was left out.
func (a *arguments) text(place int) string {
	if !a.has(place) {
		return ""
	}
	return a.values[place].String()
}

// rest are the texts from the place on, for a variadic parameter.
func (a *arguments) rest(place int) []string {
	var all []string
	for ; a.has(place); place++ {
		all = append(all, a.text(place))
	}
	return all
}

// number is the argument as a number; 0 if it was left out or is a word.
func (a *arguments) number(place int) float64 {
	if !a.has(place) {
		return 0
	}
	f, _ := a.values[place].Float()
	return f
}

// whole is the argument as a whole number between least and most.
func (a *arguments) whole(place int, least, most int64) (int64, error) {
	f := a.number(place)
	if n := int64(f); float64(n) == f && n >= least && n <= most {
		return n, nil
	}
	return 0, a.bad(place, "must be a whole number from %d to %d, not %s", least, most, quoted(a.text(place)))
}

// constant is the word that the argument is, as the catalogue lists it (ON for
// ENABLED where the catalogue says ON); "" if it was left out or is a value at a
// place that takes both, such as DEFAULT.
func (a *arguments) constant(place int) string {
	if !a.has(place) {
		return ""
	}
	return a.words[place]
}

// on reports whether the argument is the word that switches something on.
func (a *arguments) on(place int) bool {
	word := a.constant(place)
	return word == "ON" || word == "ENABLED"
}

// setOut assigns the variable at the place.
func (a *arguments) setOut(place int, text string) { a.outs[place] = value.Text(text) }

// returns is the command's result: the value of a telling command, or something
// else than OK for a doing one.
func (a *arguments) returns(text string) { a.returnsValue(value.Text(text)) }

func (a *arguments) returnsValue(v value.Value) { a.result, a.returned = v, true }

// partly is for a command that failed and yet gives its out variables what it
// has; any other failure empties them.
func (a *arguments) partly(err error) error {
	a.partial = true
	return err
}

// bad is BAD_ARGUMENT with a sentence about the argument at the place.
func (a *arguments) bad(place int, format string, args ...any) error {
	return badArgument(fmt.Sprintf("argument %d of %s ", place+1, a.row.Name) + fmt.Sprintf(format, args...))
}

// badArgument is BAD_ARGUMENT with the sentence.
func badArgument(sentence string) error {
	return &session.Error{Op: sentence, Cause: session.BadArgument, Class: session.ClassUsage}
}

// check holds the arguments against their parameters' kinds.
func (a *arguments) check() error {
	for place := range a.values {
		p := a.form.Param(place)
		if p == nil || p.Out() {
			continue
		}
		if err := a.checkOne(place, p); err != nil {
			return err
		}
	}
	return nil
}

func (a *arguments) checkOne(place int, p *catalog.Param) error {
	if len(p.Constants) > 0 {
		word, known := p.Allows(a.text(place))
		if known {
			a.words[place] = word
			return nil
		}
		if p.Kind == catalog.ParamConstant {
			return a.bad(place, "must be %s, not %s", oneOf(p.Constants), quoted(a.text(place)))
		}
	}
	switch p.Kind {
	case catalog.ParamText, catalog.ParamVariable, catalog.ParamConstant, catalog.ParamURL:
	case catalog.ParamNumber:
		if _, ok := a.values[place].Float(); !ok {
			return a.bad(place, "must be a number, not %s", quoted(a.text(place)))
		}
		return nil
	default:
		if a.text(place) == "" {
			return a.bad(place, "is empty: a %s is needed", nounOf(p))
		}
	}
	return a.checkBytes(place, p)
}

// checkBytes keeps bytes out that would end a control line early or cut a name.
func (a *arguments) checkBytes(place int, p *catalog.Param) error {
	forbidden := ""
	switch side := a.sideOf(place, p); {
	case side == localSide:
		forbidden = "\x00"
	case side == remoteSide, p.Kind == catalog.ParamHost, p.Kind == catalog.ParamURL, p.Kind == catalog.ParamText && a.row.Capability == catalog.Net:
		forbidden = "\r\n\x00"
	}
	if forbidden == "" || !strings.ContainsAny(a.text(place), forbidden) {
		return nil
	}
	return a.bad(place, "holds a line end or NUL, which a %s cannot have", nounOf(p))
}

// nounOf is what a parameter holds, for sentences: its own name may be "from".
func nounOf(p *catalog.Param) string {
	switch p.Kind {
	case catalog.ParamHost:
		return "host"
	case catalog.ParamURL:
		return "URL"
	case catalog.ParamPattern:
		return "pattern"
	case catalog.ParamText:
		return "text"
	}
	return "name"
}

// side is where a name is taken.
type side uint8

const (
	noSide side = iota
	localSide
	remoteSide
)

// sideOf says on which side the argument at the place is a name.
func (a *arguments) sideOf(place int, p *catalog.Param) side {
	switch p.Kind {
	case catalog.ParamLocalPath, catalog.ParamLocalPattern:
		return localSide
	case catalog.ParamRemotePath, catalog.ParamRemotePattern:
		return remoteSide
	case catalog.ParamSidePath:
		for before := place - 1; before >= 0; before-- {
			switch a.words[before] {
			case "LOCAL":
				return localSide
			case "REMOTE":
				return remoteSide
			}
		}
	}
	return noSide
}

// oneOf joins words as a sentence does: A, B or C.
func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// quoted shows a text from a script in a sentence, cut where it would drown it.
func quoted(text string) string {
	const most = 60
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return `"` + text + `"`
}
