package vm

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/value"
)

// Options bound what a run may use. The zero value sets no budget.
type Options struct {
	// Fuel is how much a run may compute, 0 without bound. A jump backwards costs
	// the words it leaps over, a function its length, a command 16, and 64 bytes
	// of text made, compared or read as a number cost 1. The same run costs the
	// same on every machine.
	Fuel int64
	// CallDepth is how deep functions may call each other; 0 is 1,000.
	CallDepth int
	// MaxText is how many bytes of text a run may make in all, 0 without bound. A
	// single text is at most 256 MiB in any case.
	MaxText int64
	// StopOnError begins the run as ONERROR STOP does: a failure of a command that
	// nothing looks at or catches ends the script.
	StopOnError bool
	// Strict makes it a runtime error to compute with a text that is neither a
	// number nor empty.
	Strict bool
	// NotNumber is told of such a text where it is not an error, once for each
	// place in the program; nil tells nobody. The text is as it is, not escaped.
	NotNumber func(at Position, text string)
}

const (
	defaultDepth = 1000
	// MaxTextLength is the most bytes a text that the machine makes can have.
	MaxTextLength = 256 << 20

	// windowSize is what the loop's window pointer spans: every slot an 8-bit
	// operand can name lies in it, so the compiler needs no bounds checks.
	windowSize = 256
	// quantum is how much may be computed before cancellation is looked at: well
	// below a millisecond of plain instructions.
	quantum = 1 << 15
	// callCost is what a command costs in fuel; see Options.Fuel.
	callCost = 16
	// textShift makes bytes of text into units of fuel.
	textShift = 6
)

// Machine runs one program, any number of times one after the other.
type Machine struct {
	program *bytecode.Program
	host    Host
	options Options
	consts  []value.Value // with their readings cached; private, because caching writes

	// What the loop takes into locals at each change of frame, and what it gives
	// back where it calls out.
	code     []uint32
	base     int // where in stack the frame's window begins
	pc       int
	sp       uint8 // in the window; slots lie below
	function int

	stack   []value.Value // windowSize values of slack at the end
	frames  []frame       // the callers
	globals []value.Value

	left int64 // countdown to the next look at budget and cancellation
	fuel int64 // what remains beyond left
	text int64 // what remains of MaxText
	stop atomic.Bool

	caught   value.Value       // the result of the failure that a CATCH took last
	reaction bytecode.Reaction // to failures that nothing looks at or catches
	err      error             // why the loop ended
	funcs    []Func
	call     Call
	outs     [windowSize]value.Value
	growing  [16]strings.Builder
	nextGrow int
	scratch  []byte
	told     map[place]struct{}
	outer    [][]int32 // by function; see outerRanges
	running  atomic.Bool
	context  context.Context
}

// place is an instruction of a program.
type place struct{ function, pc int }

// New makes a machine for the program. The program is verified first unless it is
// already, and the host must have all its imports.
func New(program *bytecode.Program, host Host, options Options) (*Machine, error) {
	if !program.Verified() {
		if err := bytecode.Verify(program); err != nil {
			return nil, err
		}
	}
	if err := host.Check(program.Imports); err != nil {
		return nil, err
	}
	if options.CallDepth <= 0 {
		options.CallDepth = defaultDepth
	}
	m := &Machine{
		program: program,
		host:    host,
		options: options,
		consts:  make([]value.Value, len(program.Consts)),
		globals: make([]value.Value, program.Globals),
		stack:   make([]value.Value, 2*windowSize),
	}
	for i, text := range program.Consts {
		m.consts[i] = value.Text(text)
		m.consts[i].Warm()
	}
	return m, nil
}

// Run executes the program from its beginning. It returns nil at the script's
// end, an *Exit when a command ended it, else a *RuntimeError, which wraps
// context.Cause(ctx) after cancellation, ErrFuel and its like for a budget, and
// ErrInternal for a fault of ours. An error of Host.Open is returned as it is.
func (m *Machine) Run(ctx context.Context) error {
	if !m.running.CompareAndSwap(false, true) {
		return ErrBusy
	}
	defer m.running.Store(false)
	if err := ctx.Err(); err != nil {
		return &RuntimeError{Position: Position{File: m.program.Name}, Message: context.Cause(ctx).Error(), Err: context.Cause(ctx)}
	}
	bound, err := m.host.Open(ctx, m.program)
	if err != nil {
		return err
	}
	if bound.Close != nil {
		defer bound.Close()
	}
	if len(bound.Funcs) != len(m.program.Imports) {
		return fmt.Errorf("%w: the host bound %d of %d imports", ErrInternal, len(bound.Funcs), len(m.program.Imports))
	}
	m.reset(ctx, bound.Funcs)
	// No goroutine waits for the context during the run: the flag is set when it
	// ends, and the loop looks at it when its countdown is over.
	set := make(chan struct{})
	release := context.AfterFunc(ctx, func() {
		m.stop.Store(true)
		close(set)
	})
	defer m.drop()
	defer func() {
		if !release() {
			<-set // late, the flag would stop the next run
		}
	}()
	return m.finish(m.guarded())
}

// reset makes the machine as new, keeping its memory.
func (m *Machine) reset(ctx context.Context, funcs []Func) {
	clear(m.stack[:windowSize])
	clear(m.globals)
	m.frames = m.frames[:0]
	m.enterAt(0, 0, 0, uint8(m.program.Functions[0].Locals))
	m.context, m.funcs, m.err = ctx, funcs, nil
	m.told = nil
	m.caught, m.reaction = value.Value{}, bytecode.Continue
	if m.options.StopOnError {
		m.reaction = bytecode.Stop
	}
	m.stop.Store(false)
	m.text = m.options.MaxText
	m.fuel = math.MaxInt64
	if m.options.Fuel > 0 {
		m.fuel = m.options.Fuel
	}
	m.left = min(quantum, m.fuel)
	m.fuel -= m.left
	m.call = Call{machine: m, ctx: ctx}
}

// drop forgets what the run made, so that an idle machine holds no large texts.
func (m *Machine) drop() {
	clear(m.stack)
	clear(m.globals)
	clear(m.outs[:])
	for i := range m.growing {
		m.growing[i].Reset()
	}
	m.call, m.funcs, m.context, m.caught = Call{}, nil, nil, value.Value{}
}

// guarded is the one place that recovers: from a fault of a command or of the
// machine itself, which must not take an embedder's process down. The loop's own
// function has no defer, which would cost it its registers.
func (m *Machine) guarded() (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%w: %v in function %d at or after word 0x%x\n%s", ErrInternal, fault, m.function, m.pc, debug.Stack())
		}
	}()
	return m.execute()
}

// finish gives an error of the loop its place. m.pc is behind the instruction.
func (m *Machine) finish(err error) error {
	switch err := err.(type) {
	case nil:
		return nil
	case *Exit:
		return err
	}
	return &RuntimeError{Position: m.position(m.function, m.pc-1), Calls: m.calls(), Message: err.Error(), Err: err}
}

// What is told of calls that stand deep in each other.
const (
	innerCalls = 12
	outerCalls = 4
)

// calls are the functions that are running.
func (m *Machine) calls() []Frame {
	var list []Frame
	function := m.function
	for i := len(m.frames) - 1; i >= 0; i-- {
		caller := &m.frames[i]
		list = append(list, Frame{Function: m.program.Functions[function].Name, Called: m.position(caller.function, caller.pc-1)})
		function = caller.function
		if left := i - outerCalls; len(list) == innerCalls && left > 0 {
			list[len(list)-1].More = left
			i -= left
			function = m.frames[i].function
		}
	}
	return list
}

// position finds where in the source word pc of the function comes from.
func (m *Machine) position(function, pc int) Position {
	f := &m.program.Functions[function]
	if at, ok := f.Position(pc); ok {
		return Position{File: m.program.FileName(at.File), Line: at.Line, Column: at.Column}
	}
	if function == 0 {
		return Position{File: fmt.Sprintf("%s+0x%x", m.program.Name, pc)}
	}
	return Position{File: fmt.Sprintf("%s+%s:0x%x", m.program.Name, f.Name, pc)}
}

// pause is called when the countdown is below zero. It reports whether the run
// may go on.
//
//go:noinline
func (m *Machine) pause() bool {
	if m.stop.Load() {
		m.err = context.Cause(m.context)
		return false
	}
	available := m.fuel + m.left
	if available < 0 {
		m.err = ErrFuel
		return false
	}
	m.left = min(quantum, available)
	m.fuel = available - m.left
	return true
}

// charge accounts for n bytes of text that the run made.
func (m *Machine) charge(n int) bool {
	m.left -= int64(n) >> textShift
	if m.options.MaxText > 0 {
		if m.text -= int64(n); m.text < 0 {
			m.err = ErrText
			return false
		}
	}
	return true
}
