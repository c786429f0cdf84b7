package compiler

import (
	"cmp"
	"slices"

	"github.com/sftpc/sftpc/builtins/catalog"
)

// Which failures are looked at is decided here, once, from the script's text
// alone: a doing command's where its result is used, a telling command's where
// the script can tell the empty text of a failure from a value. Everything else
// about failures (what is noted, what is abandoned) follows from this bit.

// use says what becomes of the value of an expression.
type use uint8

const (
	useDropped  use = iota // a statement by itself, or given to a variable that nothing reads
	useValue               // part of a larger expression
	useStored              // the whole right side of an assignment to a variable that is read
	useCompared            // compared with the literal ""
)

// markLooked sets looked of every site of the script. It needs to know which
// variables are read anywhere, so it runs after all names are resolved.
func markLooked(m *meaning) {
	for _, u := range m.units() {
		lookSteps(u.body)
	}
}

func lookSteps(steps []step) {
	for _, s := range steps {
		switch s := s.(type) {
		case *assignStep:
			if s.target.read {
				look(s.value, useStored)
			} else {
				look(s.value, useDropped)
			}
		case *callStep:
			look(s.call, useDropped)
		case *returnStep:
			look(s.value, useValue)
		case *ifStep:
			for _, arm := range s.arms {
				look(arm.condition, useValue)
				lookSteps(arm.body)
			}
		case *whileStep:
			look(s.condition, useValue)
			lookSteps(s.body)
		case *forEachStep:
			look(s.list, useValue)
			lookSteps(s.body)
		case *includeStep:
			lookSteps(s.body)
		case *tryStep:
			lookSteps(s.body)
			lookSteps(s.handler)
		}
	}
}

func look(o operand, as use) {
	switch o := o.(type) {
	case *site:
		if o.telling {
			o.looked = as == useStored || as == useCompared
		} else {
			o.looked = as != useDropped
		}
		// The command takes its arguments' values whatever becomes of its own.
		for _, a := range o.args {
			look(a, useValue)
		}
	case *invocation:
		for _, a := range o.args {
			look(a, useValue)
		}
	case *operation:
		left, right := within(as), within(as)
		if o.operator.isComparison() {
			if isEmptyText(o.right) {
				left = useCompared
			}
			if isEmptyText(o.left) {
				right = useCompared
			}
		}
		look(o.left, left)
		look(o.right, right)
	case *inversion:
		look(o.operand, within(as))
	case *joined:
		for _, p := range o.parts {
			look(p, within(as))
		}
	}
}

// within is the use of a part of an expression: what is computed from a result
// only to be dropped looks at nothing.
func within(as use) use {
	if as == useDropped {
		return useDropped
	}
	return useValue
}

func isEmptyText(o operand) bool {
	c, ok := o.(*constant)
	return ok && c.text == ""
}

// abandons reports whether a failure inside of the operand abandons its
// statement: it holds a telling call that nothing looks at, or calls a function whose
// value may be missing for that reason.
func abandons(o operand) bool {
	switch o := o.(type) {
	case *site:
		if o.telling && !o.looked {
			return true
		}
	case *invocation:
		if o.function.forsakes {
			return true
		}
	}
	found := false
	eachPart(o, func(part operand) { found = found || abandons(part) })
	return found
}

// Report is what `check` shows besides diagnostics.
type Report struct {
	Calls []CallReport // in the order of the source, the script before what it includes
}

// CallReport says of one call what happens if it fails.
type CallReport struct {
	File         string // as in diagnostics
	Line, Column int    // of the command's name, from 1
	Command      string // capitals
	Form         string // the form's key in the catalogue
	Kind         catalog.Kind
	Looked       bool // the script looks at the failure
	Abandons     bool // the failure abandons the statement, or the block whose head it stands in
	Caught       bool // the failure goes to the CATCH of a TRY around the call
}

func report(m *meaning) Report {
	var all Report
	order := map[string]int{}
	for _, s := range m.sources {
		order[s.file.Name()] = s.number
	}
	for _, s := range m.sites {
		line, column := s.source.file.Position(s.name.Start)
		kind := catalog.Doing
		if s.telling {
			kind = catalog.Telling
		}
		all.Calls = append(all.Calls, CallReport{
			File: s.source.file.Name(), Line: line, Column: column, Command: s.command.Name, Form: s.form.Key, Kind: kind,
			Looked: s.looked, Abandons: s.telling && !s.looked && !s.tried, Caught: s.tried && !s.looked,
		})
	}
	slices.SortStableFunc(all.Calls, func(a, b CallReport) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return all
}
