package builtins

import (
	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm"
)

// Failure is a command that did not succeed: what the script gets (Result), and
// everything that a person needs to understand it.
type Failure struct {
	Result  catalog.Result
	Script  string
	Line    int
	Calls   []vm.Frame // the functions that were running, innermost first
	Command string     // as echoed, secrets masked: PUTFILE("orders.csv")
	Err     *session.Error
	Attempt int // which attempt this was, from 1
	Of      int // attempts in all
	// ExitCode is what EXEC's program ended with, 0 for all other failures. Result
	// holds it as its code then, without a name.
	ExitCode int
}

// Error is one line: the result's sentence and the cause.
func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Result.Sentence
	}
	return f.Result.Sentence + ": " + f.Err.Error()
}

// Unwrap returns the error below.
func (f *Failure) Unwrap() error {
	if f.Err == nil {
		return nil
	}
	return f.Err
}

// ResultCode is what a doing command returns.
func (f *Failure) ResultCode() string { return f.Result.Text() }
