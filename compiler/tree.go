package compiler

import "github.com/sftpc/sftpc/vm/diag"

// The tree of a script: what the parser makes and everything after it reads.
// Spans are byte offsets into the file, so that messages can show the place.

// script is a parsed file. Its functions stand in the body as well, or in a block of
// it where they must not.
type script struct {
	file      *diag.File
	body      []statement
	functions []*functionStatement
}

// statement is one of the types below.
type statement interface{ at() diag.Span }

type node struct{ span diag.Span }

func (n node) at() diag.Span { return n.span }

type (
	// assignment is `$name = value`.
	assignment struct {
		node
		name  variable
		value expression
	}
	// commandStatement is a call that stands alone; its result is dropped.
	commandStatement struct {
		node
		call *call
	}
	// ifStatement is IF … ELSE IF … ELSE … END IF; every arm has a condition but
	// a last one without (ELSE).
	ifStatement struct {
		node
		arms []arm
	}
	// arm is a condition (nil for ELSE) and what follows it. Its span is the head's.
	arm struct {
		node
		condition expression
		body      []statement
	}
	whileStatement struct {
		node
		condition expression
		body      []statement
	}
	forEachStatement struct {
		node
		item variable
		list expression
		body []statement
	}
	// functionStatement is FUNCTION name($a, $b) … END FUNCTION.
	functionStatement struct {
		node
		name     string // capitals
		nameSpan diag.Span
		params   []variable
		body     []statement
	}
	// returnStatement has no value where the script gives none.
	returnStatement struct {
		node
		value expression
	}
	globalStatement struct {
		node
		names []variable
	}
	includeStatement struct {
		node
		path     string // as written
		pathSpan diag.Span
	}
	// tryStatement is TRY … CATCH $code … END TRY; code is nil where CATCH names none.
	tryStatement struct {
		node
		body    []statement
		catch   diag.Span
		code    *variable
		handler []statement
	}
	onErrorStatement struct {
		node
		stop bool
	}
	breakStatement    struct{ node }
	continueStatement struct{ node }
	// gotoStatement and labelStatement carry the label's name in capitals.
	gotoStatement struct {
		node
		label string
	}
	labelStatement struct {
		node
		label string
	}
)

// variable is a name with its `$`; key is the name in capitals without it.
type variable struct {
	node
	key      string
	spelling string
}

// expression is one of the types below.
type expression interface{ at() diag.Span }

type (
	// textLiteral is a quoted text, value without quotes and with doubled quotes undone.
	textLiteral struct {
		node
		value string
	}
	// numberLiteral keeps the digits as written.
	numberLiteral struct {
		node
		text string
	}
	variableUse struct{ variable }
	// bareWord is a word without brackets in an expression: a constant, TRUE,
	// FALSE, OK, a result's name, or a command without arguments. resolve decides.
	bareWord struct {
		node
		word string // capitals
	}
	// call is COMMAND(arguments) or, as a statement, COMMAND.
	call struct {
		node
		name      string // capitals
		nameSpan  diag.Span
		arguments []expression
	}
	unary struct {
		node
		operator operator // opNegate, opNot
		operand  expression
	}
	binary struct {
		node
		operator     operator
		operatorSpan diag.Span
		left, right  expression
	}
)

// operator is an operator of expressions.
type operator uint8

const (
	opOr operator = iota
	opAnd
	opNot
	opEqual
	opNotEqual
	opLess
	opGreater
	opLessEqual
	opGreaterEqual
	opJoin
	opAdd
	opSubtract
	opMultiply
	opDivide
	opNegate
)
