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
	// Calls are the places of the calls that led there, innermost first, at most
	// 16; empty in the script itself.
	Calls   []Position
	Message string
	Err     error // nil, or what Message was made of
}

// Error is "file:line:column: message".
func (e *RuntimeError) Error() string { return e.Position.String() + ": " + e.Message }

// Unwrap returns the error below.
func (e *RuntimeError) Unwrap() error { return e.Err }
