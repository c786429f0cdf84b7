package vm

import (
	"context"

	"github.com/sftpc/sftpc/vm/bytecode"
)

// Host gives a program its commands. One Host may serve many machines at once.
type Host interface {
	// Check reports whether the host has every import, all that are missing in
	// one error. It is asked when a machine is made, before anything runs.
	Check(imports []bytecode.Import) error

	// Open begins a run: it binds the program's imports to fresh state. What it
	// returns is used by one goroutine, and closed in every case.
	Open(ctx context.Context, program *bytecode.Program) (Bound, error)
}

// Bound is what a run calls: one Func for each import of the program, in their
// order.
type Bound struct {
	Funcs []Func
	// Close is called once at the end of the run, however it ends; nil is nothing
	// to close.
	Close func()
}

// Func carries out one command. What it returns decides how the script goes on:
//
//   - nil: the command succeeded. Its result is what Return was given, for a doing
//     command OK and for a telling one the empty text if Return was not called.
//   - an error with a method ResultCode() string, found with errors.As: the command
//     failed. A doing command's result is that code, a telling one's is the empty
//     text, out variables become the empty text, and a failure that the script does
//     not look at leads where the program's ranges say.
//   - an error that is an *Exit: the script ends, with that status.
//   - any other error: a runtime error at the place of the call.
type Func func(*Call) error

// Exit is the orderly end of a script by a command, STOP or EXIT. It is an error
// only to travel; Run returns it as it is.
type Exit struct {
	// Status is what the script asked for, not bounded here.
	Status int
	// OnError: no command ended the script but a failure of one, under ONERROR STOP.
	OnError bool
}

// Error implements error.
func (e *Exit) Error() string { return "the script ended itself" }

// failure is a command failure as Func describes it.
type failure interface {
	error
	ResultCode() string
}
