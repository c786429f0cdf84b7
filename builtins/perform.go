package builtins

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/value"
)

// bind makes the machine's function of a command: the one way in.
func (s *State) bind(b *binding) vm.Func {
	return func(call *vm.Call) error { return s.perform(b, call) }
}

// perform is the wrapper around every command, in this order: take and check
// the arguments, echo, hold the brakes, ask for a connection, run, tell how it
// ended, record a failure. So a command is only its own work.
func (s *State) perform(b *binding, call *vm.Call) error {
	a := &s.args
	a.call, a.ctx = call, call.Context()
	a.refill(b, call)
	s.tally.commands++
	if !b.pure {
		s.voice.at(call.Position(), b.row.Name)
		if s.learnSecrets(a) {
			s.voice.warnOnce(shortSecret)
		}
	}
	if b.row.Echo {
		s.voice.tell(Event{Kind: CommandStart, Text: s.echoOf(a), Network: true})
	}
	err := s.attempt(b, a)
	if err == nil {
		s.brake(b.row, false, false)
		s.hand(call, b, a)
		s.finish(a, nil, false)
		return nil
	}
	return s.fail(call, b, a, err)
}

// attempt checks the arguments and runs the command, unless something holds it.
func (s *State) attempt(b *binding, a *arguments) error {
	if movesSets(b.row.Name) {
		s.last.begin()
		s.foldersMade = nil
	}
	if err := a.check(); err != nil && b.row.Name != "EXIT" {
		if b.row.Name == "OPENHOST" {
			s.leave(a.ctx) // no script goes on at the host before
		}
		return err
	}
	if b.pure {
		return b.run(s, a)
	}
	u := a.usage()
	if err := s.hold(u); err != nil {
		return err
	}
	if s.session == nil && (b.row.NeedsHost || u.remote) {
		return &session.Error{Op: "there is no connection", Cause: session.NotConnected, Class: session.ClassUsage,
			Hint: "OPENHOST comes first, and its result says whether it worked"}
	}
	total := s.settings.timeouts.Total
	if b.row.Capability != catalog.Net || total <= 0 {
		return b.run(s, a)
	}
	var end context.CancelFunc
	a.ctx, end = context.WithTimeoutCause(a.ctx, total, errTotal)
	defer end()
	err := b.run(s, a)
	if err != nil && errors.Is(context.Cause(a.ctx), errTotal) && session.CauseOf(err) == session.Cancelled {
		return &session.Error{Op: fmt.Sprintf("%s took longer than SETTIMEOUT(%v, TOTAL) allows", b.row.Name, total.Seconds()),
			Cause: session.ReplyTimeout, Class: session.ClassTransient, Err: err}
	}
	return err
}

// errTotal is the cause of a context that SETTIMEOUT(…, TOTAL) ended.
var errTotal = errors.New("the time for the whole command ran out")

// hand gives the machine what the command returned. The machine itself makes OK
// of a doing command that returned nothing.
func (s *State) hand(call *vm.Call, b *binding, a *arguments) {
	if b.foreign {
		return // it had the call itself
	}
	if a.returned {
		call.Return(a.result)
	}
	next := 0
	for place := range a.values {
		if p := b.form.Param(place); p != nil && p.Out() && next < b.outs {
			call.SetOut(next, a.outs[place])
			next++
		}
	}
}

// fail records what went wrong and says it. Ends of the run pass through: they
// are no failures of a command.
func (s *State) fail(call *vm.Call, b *binding, a *arguments, err error) error {
	if _, ok := errors.AsType[*vm.Exit](err); ok {
		s.finish(a, nil, false)
		return err
	}
	s.voice.at(call.Position(), b.row.Name)
	if call.Context().Err() != nil {
		// The command ended because the run does: that is told, and the machine
		// stops with the context's cause whatever the command made of it.
		if session.CauseOf(err) != session.Cancelled {
			err = &session.Error{Cause: session.Cancelled, Class: session.ClassCancelled, Err: err}
		}
		f := s.failure(a, err)
		s.tally.record(f, false)
		s.finish(a, f, false)
		return context.Cause(call.Context())
	}
	if b.foreign && !understood(err) {
		s.finish(a, nil, false)
		return err
	}
	f := s.failure(a, err)
	looked := call.Looked()
	s.brake(b.row, true, looked)
	s.lastFailure = f
	// A TRY that catches it deals with it, as looking at it does; but only looking
	// lets a brake stay off.
	handled := looked || call.Caught()
	s.tally.record(f, handled)
	s.finish(a, f, handled)
	if a.partial && (looked || !call.Caught() && !call.Stops()) {
		// Out variables that a failure leaves a value in: the machine empties them
		// after an error, so the code is handed to it as any other result.
		a.returns(f.ResultCode())
		s.hand(call, b, a)
		return nil
	}
	return f
}

// understood reports whether an embedder's error is a result for the script.
func understood(err error) bool {
	if _, ok := errors.AsType[*Failure](err); ok {
		return true
	}
	_, ok := errors.AsType[*session.Error](err)
	return ok
}

// failure makes the Failure of an error, with every text masked.
func (s *State) failure(a *arguments, err error) *Failure {
	f := &Failure{Attempt: 1, Of: 1}
	if tried, ok := err.(*triedError); ok && tried.attempt > 1 {
		f.Attempt, f.Of = tried.attempt, tried.of
	}
	if ready, ok := errors.AsType[*Failure](err); ok {
		*f = *ready
	} else {
		f.Err = errorOf(err)
		f.Result = s.resultOf(f.Err.Cause)
		if f.Err.Class != session.ClassNone {
			// The cause decides the code, the class whether a rerun may help: a local
			// file that another run holds is a local failure, and transient.
			f.Result.Class = f.Err.Class.String()
		}
	}
	f.Script, f.Line = s.voice.where()
	if a.call != nil {
		f.Calls = a.call.Calls()
	}
	f.Command = s.echoOf(a)
	f.Err = s.masks.hideError(f.Err)
	return f
}

// learnSecrets makes the masker know every secret among the arguments before
// anything of the call is told, whatever becomes of the command. It reports whether
// one was too short to be looked for.
func (s *State) learnSecrets(a *arguments) (short bool) {
	s.voice.lock.Lock()
	defer s.voice.lock.Unlock()
	for place := range a.values {
		p := a.form.Param(place)
		secret := ""
		switch {
		case p == nil:
		case p.Secret:
			secret = a.text(place)
		case p.Kind == catalog.ParamHost, p.Kind == catalog.ParamURL:
			_, secret = hideUserInfo(a.text(place))
		case a.row.Name == "RAWCOMMAND":
			_, secret = hideRaw(a.text(place))
		}
		if secret != "" && !s.masks.add(secret) {
			short = true
		}
	}
	return short
}

// finish tells how a command ended: each one that was echoed, and every failure.
func (s *State) finish(a *arguments, f *Failure, looked bool) {
	if s.dry.on {
		s.tellEffects()
	}
	if !a.row.Echo && f == nil {
		return
	}
	e := Event{Kind: CommandEnd, Failure: f, Looked: looked, Network: a.row.Echo}
	switch {
	case f != nil && a.row.KindOf(a.form) == catalog.Doing:
		e.Result = f.ResultCode()
	case f != nil:
	case a.returned:
		e.Result = a.result.String()
	default:
		e.Result = catalog.OK
	}
	s.voice.tell(e)
}

// echoOf is how a call is shown: the name in capitals, its arguments as
// evaluated, secrets masked by their position.
func (s *State) echoOf(a *arguments) string {
	if a.echoed != "" {
		return a.echoed
	}
	var b strings.Builder
	b.WriteString(a.row.Name)
	if len(a.values) > 0 {
		b.WriteByte('(')
		for place := range a.values {
			if place > 0 {
				b.WriteByte(',')
			}
			b.WriteString(s.echoArgument(a, place))
		}
		b.WriteByte(')')
	}
	a.echoed = s.masks.hide(b.String())
	return a.echoed
}

func (s *State) echoArgument(a *arguments, place int) string {
	p, text := a.form.Param(place), a.text(place)
	switch {
	case p == nil:
		return quoteArgument(text)
	case p.Out():
		return "$" + p.Name
	case p.Secret:
		return mask
	case p.Kind == catalog.ParamHost, p.Kind == catalog.ParamURL:
		shown, _ := hideUserInfo(text)
		return quoteArgument(shown)
	case a.row.Name == "RAWCOMMAND":
		shown, _ := hideRaw(text)
		return quoteArgument(shown)
	}
	if word, ok := p.Allows(text); ok && (p.Kind == catalog.ParamConstant || p.Kind == catalog.ParamNumber) {
		return word
	}
	if p.Kind == catalog.ParamNumber {
		if _, ok := value.ParseNumber(text); ok {
			return strings.TrimSpace(text)
		}
	}
	return quoteArgument(text)
}

// quoteArgument quotes as a script would: double quotes, single ones around a
// text that holds double ones.
func quoteArgument(text string) string {
	switch {
	case !strings.Contains(text, `"`):
		return `"` + text + `"`
	case !strings.Contains(text, `'`):
		return `'` + text + `'`
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// follows reports whether a failure, coming after an unlooked one, says nothing
// new: without the earlier one there would have been a connection, and the right
// directory.
func follows(f *Failure) bool {
	return f.Result.Name == "NOT_CONNECTED" || f.Result.Name == "WRONG_DIRECTORY"
}

func (k *kinds) add(f *Failure) {
	k.count++
	switch f.Result.Class {
	case session.ClassUsage.String():
		if k.count > 1 && follows(f) {
			k.following++
		}
	case session.ClassTransient.String(), session.ClassCapacity.String():
		k.passing++
	case session.ClassDenied.String():
		k.denied++
	}
}

// record counts a failure.
func (t *tally) record(f *Failure, looked bool) {
	t.failed++
	if len(t.failedLines) < mostFailures && f.Line != 0 {
		t.failedLines = append(t.failedLines, f.Line)
	}
	t.all.add(f)
	if looked {
		t.handled++
		return
	}
	t.unlooked.add(f)
	if len(t.failures) < mostFailures {
		t.failures = append(t.failures, f)
		if f.Line != 0 {
			t.unlookedLines = append(t.unlookedLines, f.Line)
		}
	}
}
