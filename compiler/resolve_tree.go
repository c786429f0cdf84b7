package compiler

import (
	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/diag"
)

// The meaning of a script: the tree with every name resolved. Variables are
// symbols, labels are pointers, calls know their form, bare words are constants
// or calls. It is built beside the tree, which stays as the user wrote it, and
// folding builds new operands instead of changing these.

// meaning is a resolved script with all that it includes.
type meaning struct {
	sources   []*source
	script    *unit
	tries     bool        // there is a TRY somewhere
	functions []*function // in order of appearance, by file
	sites     []*site     // those of the script, then those of each function
}

// unit is code with slots of its own: the script, or a function.
type unit struct {
	*variables
	function *function // nil for the script
	source   *source   // where it begins
	body     []step
	nesting  int // how deep FOREACH loops stand in each other
}

// variables are the symbols of a unit.
type variables struct {
	symbols map[string]*symbol // by their names in capitals
	order   []*symbol          // in order of first appearance
}

func newVariables() *variables { return &variables{symbols: map[string]*symbol{}} }

// function is a FUNCTION of the script or of an included file.
type function struct {
	*functionStatement
	spelling string // its name as written
	source   *source
	unit     *unit // nil until its body is resolved
	// forsakes: the value of a RETURN may be missing, and then the statement that
	// called the function is abandoned.
	forsakes bool
}

// symbol is a variable of a unit.
type symbol struct {
	index    int
	key      string    // capitals
	name     string    // as first written, without $
	assigned bool      // some place may give it a value
	read     bool      // some place uses its value
	shared   bool      // a function names it with GLOBAL
	first    diag.Span // its first appearance
	source   *source   // where that is
	local    bool      // it lives in a slot, else in a script variable
	slot     int       // the number of either; set by emission
}

// label is a place that GOTO names.
type label struct {
	node
	name  string
	scope *scope
	used  bool
}

// scope is a list of statements between a head and its end; the script itself is
// the outermost. A GOTO may leave scopes, never enter one.
type scope struct{ parent *scope }

// within reports whether s is outer or stands in it.
func (s *scope) within(outer *scope) bool {
	for ; s != nil; s = s.parent {
		if s == outer {
			return true
		}
	}
	return false
}

// step is one resolved statement.
type step interface{ at() diag.Span }

type (
	assignStep struct {
		node
		target *symbol
		value  operand
	}
	// callStep is a call by itself, of a command or a function.
	callStep struct {
		node
		call operand // *site or *invocation
	}
	// returnStep is RETURN, with the empty text where the script gives no value.
	returnStep struct {
		node
		value operand
	}
	// includeStep is the statements of a file where it is first included.
	includeStep struct {
		node
		file *source
		body []step
	}
	// tryStep has a nil code where CATCH names no variable.
	tryStep struct {
		node
		body    []step
		catch   diag.Span
		code    *symbol
		handler []step
	}
	onErrorStep struct {
		node
		stop bool
	}
	ifStep struct {
		node
		arms []armStep
	}
	// armStep has a nil condition for ELSE; its span is the head's.
	armStep struct {
		node
		condition operand
		body      []step
	}
	whileStep struct {
		node
		condition operand
		body      []step
	}
	// forEachStep is the depth-th loop of its kind from outside, from 0: loops
	// that do not stand in each other share their iterator's slots.
	forEachStep struct {
		node
		item  *symbol
		list  operand
		depth int
		body  []step
	}
	breakStep    struct{ node }
	continueStep struct{ node }
	gotoStep     struct {
		node
		name  string
		scope *scope
		to    *label
	}
	labelStep struct {
		node
		label *label
	}
)

// operand is one resolved expression.
type operand interface{ at() diag.Span }

type (
	// constant is a text known now: a literal, a constant of a parameter, a
	// result's code, or what folding made of them.
	constant struct {
		node
		text string
	}
	load struct {
		node
		symbol *symbol
	}
	// site is a call of a command.
	site struct {
		node
		command    *catalog.Command
		form       *catalog.Form
		name       diag.Span
		args       []operand // what is passed, without the out variables
		outs       []*symbol // in the order of the form's parameters
		telling    bool
		looked     bool // its failure is looked at; set by markLooked
		ends       bool // the script ends here: STOP, and EXIT with a number
		inFunction bool
		tried      bool // it stands between a TRY and its CATCH
		empties    bool // a failure leaves the statement before the out variables are set
		source     *source
	}
	// invocation is a call of a function.
	invocation struct {
		node
		function *function
		name     diag.Span
		args     []operand
	}
	// operation is arithmetic, a comparison, AND or OR.
	operation struct {
		node
		operator    operator
		place       int // offset of the operator
		left, right operand
	}
	// inversion is unary minus or NOT.
	inversion struct {
		node
		operator operator
		operand  operand
	}
	// joined is a chain of joins; at least two parts, none of them a chain.
	joined struct {
		node
		place int // offset of the first operator
		parts []operand
	}
	// truth is the operand's truth as TRUE or FALSE; only folding makes it.
	truth struct {
		node
		operand operand
	}
)

// isComparison reports whether o is one of == != < > <= >=.
func (o operator) isComparison() bool { return o >= opEqual && o <= opGreaterEqual }

// isLogical reports whether o is AND or OR.
func (o operator) isLogical() bool { return o == opAnd || o == opOr }
