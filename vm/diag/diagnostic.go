package diag

import (
	"fmt"
	"slices"
)

// Severity says whether a diagnostic stands in the way of running the script.
type Severity uint8

const (
	Error   Severity = iota // the script does not compile
	Warning                 // it does, and probably not as meant
)

// String is the word in messages and JSON.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one thing to say about a place in a file. Message is a sentence
// without capital and full stop; Hint says what to do, "" if that is plain, and
// may have several lines. Both may quote the script unescaped: the writers escape.
type Diagnostic struct {
	Severity Severity
	Code     string // stable, as in E0103
	File     *File  // nil: about no place
	Span     Span
	Message  string
	Hint     string
}

// Position returns line and column of the span's start, from 1; zeros without a file.
func (d Diagnostic) Position() (line, column int) {
	if d.File == nil {
		return 0, 0
	}
	return d.File.Position(d.Span.Start)
}

// place is what stands before the severity in the header.
func (d Diagnostic) place() string {
	if d.File == nil {
		return ""
	}
	line, column := d.Position()
	return fmt.Sprintf("%s:%d:%d: ", Escape(d.File.Name()), line, column)
}

// Error is the header as WriteText prints it, one line.
func (d Diagnostic) Error() string {
	return d.place() + d.label() + ": " + Escape(d.Message)
}

func (d Diagnostic) label() string {
	if d.Code == "" {
		return d.Severity.String()
	}
	return d.Severity.String() + " " + d.Code
}

// List is what a compilation has to say. It is an error if it is not empty of
// errors; use Err to return it as one.
type List []Diagnostic

// HasErrors reports whether one of the diagnostics is an error.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Err is the list as an error, nil if it holds warnings only.
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return l
}

// Error is the first error's header and how many follow it.
func (l List) Error() string {
	count, first := 0, ""
	for _, d := range l {
		if d.Severity != Error {
			continue
		}
		if count++; count == 1 {
			first = d.Error()
		}
	}
	switch count {
	case 0:
		return "no errors"
	case 1:
		return first
	case 2:
		return first + " (and one more error)"
	}
	return fmt.Sprintf("%s (and %d more errors)", first, count-1)
}

// Sort puts the diagnostics in the order of their places, keeping files and
// diagnostics of the same place in the order in which they came.
func (l List) Sort() {
	order := map[*File]int{}
	for _, d := range l {
		if _, seen := order[d.File]; !seen {
			order[d.File] = len(order)
		}
	}
	slices.SortStableFunc(l, func(a, b Diagnostic) int {
		if a.File != b.File {
			return order[a.File] - order[b.File]
		}
		return a.Span.Start - b.Span.Start
	})
}
