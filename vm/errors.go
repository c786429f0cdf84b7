package vm

import "errors"

// What a RuntimeError may wrap besides the errors of package value and a
// context's cause; ask with errors.Is.
var (
	ErrFuel       = errors.New("the budget of instructions is used up")
	ErrText       = errors.New("the budget of text is used up")
	ErrTextLength = errors.New("the text is longer than 256 MiB")
	ErrDepth      = errors.New("functions call each other too deeply")
	ErrNotNumber  = errors.New("not a number")
	ErrInternal   = errors.New("internal error, please report it")
	ErrBusy       = errors.New("the machine is running already")
)

// RuntimeError ends a script: the place, and why.
type RuntimeError struct {
	Position Position
	// Calls are the functions that were running, innermost first; empty in the script
	// itself.
	Calls   []Frame
	Message string
	Err     error // nil, or what Message was made of
}

// Frame is a function of the script that is running.
type Frame struct {
	Function string   // its name as the script spells it
	Called   Position // where it was called
	// More is how many functions are left out between this one and the next. Of many
	// the innermost twelve and the outermost four are told.
	More int
}

// Error is "file:line:column: message".
func (e *RuntimeError) Error() string { return e.Position.String() + ": " + e.Message }

// Unwrap returns the error below.
func (e *RuntimeError) Unwrap() error { return e.Err }
