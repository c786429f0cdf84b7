package builtins

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
)

// goodbye bounds what closing may take after a run that was cancelled: a server
// that does not answer must not keep the process alive.
const goodbye = 3 * time.Second

// Run carries out a program. The error is nil when it was carried out, also if
// the script failed: then Result.Status is not 0. It is not nil when
//
//   - nothing ran: a *LinkError, an *UnmappedError, a program that does not
//     verify, or local folders that are gone. Result is nil then.
//   - the run was cut short: ctx ended (its cause is wrapped), a budget ran out
//     (vm.ErrFuel, vm.ErrText), or a defect (vm.ErrInternal). Result says how far
//     it came.
//
// When Run returns, no goroutine, connection, open file or child process of the
// run is left.
func (h *Host) Run(ctx context.Context, program *bytecode.Program, job Job) (*Result, error) {
	if job.Script == "" {
		job.Script = program.Name
	}
	r := &run{host: h, job: job}
	machine, err := vm.New(program, r, vm.Options{
		Fuel: h.options.Fuel, MaxText: h.options.MaxText, Strict: h.options.Strict, StopOnError: h.options.StopOnError, NotNumber: r.notNumber,
	})
	if err != nil {
		return nil, err
	}
	if unmapped := h.CheckPaths(program); len(unmapped) > 0 {
		return nil, &UnmappedError{Paths: unmapped}
	}
	defer r.close()
	err = machine.Run(ctx)
	if r.state == nil {
		return nil, err
	}
	return r.state.end(ctx, err)
}

// run is the vm.Host of one run.
type run struct {
	host  *Host
	job   Job
	state *State // nil before Open
}

func (r *run) Check(imports []bytecode.Import) error { return r.host.Check(imports) }

func (r *run) Open(_ context.Context, program *bytecode.Program) (vm.Bound, error) {
	state, err := r.host.newState(r.job)
	if err != nil {
		return vm.Bound{}, err
	}
	r.state = state
	funcs := make([]vm.Func, len(program.Imports))
	for i := range program.Imports {
		b, err := r.host.bindingOf(&program.Imports[i])
		if err != nil {
			return vm.Bound{}, err
		}
		funcs[i] = state.bind(b)
		state.last.wanted = state.last.wanted || b.row.Name == "GETLIST"
	}
	state.voice.tell(Event{Kind: RunStart, Script: r.job.Script})
	return vm.Bound{Funcs: funcs, Close: r.hangUp}, nil
}

// hangUp ends the connection when the machine stops. The log stays open for the
// closing line.
func (r *run) hangUp() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	// What the server says to a good-bye changes nothing any more.
	_ = r.state.disconnect(ctx)
}

func (r *run) close() {
	if r.state == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	// A log that could not be written was told when it happened or cannot be told.
	_ = r.state.close(ctx)
}

// notNumber is told of arithmetic on a text that is no number, once a place.
func (r *run) notNumber(place vm.Position, text string) {
	r.state.voice.at(place, "")
	r.state.warn("%s is not a number and counts as 0", quoted(text))
}

// end makes the Result of how the machine ended.
func (s *State) end(ctx context.Context, err error) (*Result, error) {
	s.voice.at(vm.Position{}, "")
	result := &Result{Failures: s.tally.failures}
	exit, orderly := errors.AsType[*vm.Exit](err)
	switch {
	case err == nil || orderly:
		err = nil
		if orderly && exit.OnError {
			s.tell("The script ends here, as it stops on failures.")
		}
		result.Status = s.tally.status(s.options.FailOn)
		if s.exitStatus != nil {
			result.Status = *s.exitStatus
		}
	case ctx.Err() != nil:
		result.Status = 1
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			result.Status = statusTimeout
		}
	case errors.Is(err, vm.ErrFuel), errors.Is(err, vm.ErrText):
		result.Status = statusTimeout
		s.voice.tell(Event{Kind: RunError, Text: firstLine(err.Error()), Calls: callsOf(err)})
	default:
		result.Status = 1
		s.voice.tell(Event{Kind: RunError, Text: firstLine(err.Error()), Calls: callsOf(err)})
		result.Err = err
		if fault, ok := errors.AsType[*vm.RuntimeError](err); ok && !errors.Is(fault, vm.ErrInternal) {
			err = nil
		}
	}
	result.Summary = s.tally.summary(result.Status, s.now())
	s.voice.flush()
	if s.dry.on || s.dry.run.all > 0 {
		s.tell("Dry run: %s; nothing of it was done.", &s.dry.run)
	}
	summary := result.Summary
	s.voice.tell(Event{Kind: RunEnd, Script: s.job.Script, Summary: &summary})
	return result, err
}

// callsOf are the functions in which a run ended.
func callsOf(err error) []vm.Frame {
	if failed, ok := errors.AsType[*vm.RuntimeError](err); ok {
		return failed.Calls
	}
	return nil
}

// firstLine leaves out the stack below the sentence of an internal error; the
// error that Run returns has it.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// Statuses of a run besides 0, 1 and what EXIT said; spec/results.md has the table.
const (
	statusPassing = 75 // all failures may pass when tried again
	statusTimeout = 124
	statusDenied  = 126
)

// status is what the failures make of a run that came to its end.
func (t *tally) status(on FailOn) int {
	switch on {
	case FailOnNone:
		return 0
	case FailOnAny:
		return t.all.status()
	}
	return t.unlooked.status()
}

func (k *kinds) status() int {
	switch {
	case k.count == 0:
		return 0
	case k.denied > 0:
		return statusDenied
	case k.passing > 0 && k.passing+k.following == k.count:
		return statusPassing
	}
	return 1
}

func (t *tally) summary(status int, now time.Time) Summary {
	return Summary{
		Status: status, Commands: t.commands, Failed: t.failed, Handled: t.handled,
		Lines: ascending(t.unlookedLines), FailedLines: ascending(t.failedLines),
		Bytes: t.bytes, Took: now.Sub(t.started),
	}
}

func ascending(lines []int) []int {
	sorted := slices.Clone(lines)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// preset runs a SET command before the script does, for Options.Settings.
func (s *State) preset(b *binding, passed []string) error {
	a := &s.args
	a.ctx = context.Background()
	a.refill(b, texts(passed))
	s.learnSecrets(a)
	s.learnSecrets(a)
	if err := a.check(); err != nil {
		return err
	}
	return b.run(s, a)
}
