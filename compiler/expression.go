package compiler

import (
	"fmt"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/sftpc/sftpc/vm/diag"
)

// expressionRule is an expression as the grammar sees it. participle hands over
// to its Parse, because operators with ten levels would cost ten nested rules and
// most of the time of a compilation.
type expressionRule struct {
	tree     expression
	mistakes []mistake // what can be read, and is wrong all the same
}

// syntaxError ends a statement: what follows cannot be understood.
type syntaxError struct {
	mistake
	earlier []mistake
}

// Error, Message and Position make it an error of participle, which passes it on
// untouched.
func (e *syntaxError) Error() string            { return e.message }
func (e *syntaxError) Message() string          { return e.message }
func (e *syntaxError) Position() lexer.Position { return lexer.Position{Offset: e.span.Start} }

// Parse reads an expression. Faced with what cannot begin a value it takes one
// token all the same, so that participle, which looks no token ahead, sees that
// this way was taken and reports the error instead of trying another way.
func (e *expressionRule) Parse(lex *lexer.PeekingLexer) error {
	if isOperator(lex.Peek(), ")") {
		return participle.NextMatch // f(), or a value that the rule around it will miss
	}
	c := climber{lex: lex}
	e.tree = c.climb(levelOr)
	if c.failure != nil {
		c.failure.earlier = c.mistakes
		lex.Next()
		return c.failure
	}
	e.mistakes = c.mistakes
	return nil
}

// resultRule is the expression of RETURN, which may be left out.
type resultRule struct{ expressionRule }

// Parse reads the expression if there is one.
func (r *resultRule) Parse(lex *lexer.PeekingLexer) error {
	if t := lex.Peek(); t.Type == tokenEOL || t.EOF() {
		return participle.NextMatch
	}
	return r.expressionRule.Parse(lex)
}

// The levels of operators, loosest first. NOT stands between AND and the
// comparisons, and unary minus behind the products.
type level int

const (
	noOperator level = iota
	levelOr
	levelAnd
	levelNot
	levelCompare
	levelJoin
	levelSum
	levelProduct
)

// infix returns what t means between two values; noOperator if nothing. A single
// = is taken for == here.
func infix(t *lexer.Token) (operator, level) {
	switch t.Type {
	case tokenKeyword:
		switch t.Value {
		case "OR":
			return opOr, levelOr
		case "AND":
			return opAnd, levelAnd
		}
	case tokenOperator:
		switch t.Value {
		case ".":
			return opJoin, levelJoin
		case "+":
			return opAdd, levelSum
		case "-":
			return opSubtract, levelSum
		case "*":
			return opMultiply, levelProduct
		case "/":
			return opDivide, levelProduct
		case "==", "=":
			return opEqual, levelCompare
		case "!=":
			return opNotEqual, levelCompare
		case "<":
			return opLess, levelCompare
		case ">":
			return opGreater, levelCompare
		case "<=":
			return opLessEqual, levelCompare
		case ">=":
			return opGreaterEqual, levelCompare
		}
	}
	return 0, noOperator
}

// climber reads one expression by precedence climbing. After a failure every
// method returns nil at once.
type climber struct {
	lex       *lexer.PeekingLexer
	depth     int // brackets, calls, NOT and minus around this place
	operators int
	mistakes  []mistake
	failure   *syntaxError
}

// climb reads an expression whose operators are at least as tight as least.
func (c *climber) climb(least level) expression {
	left := c.prefix(least)
	return c.rest(left, least)
}

// rest reads the operators behind left and their right sides.
func (c *climber) rest(left expression, least level) expression {
	for c.failure == nil {
		t := c.lex.Peek()
		op, tight := infix(t)
		if tight < least || tight == noOperator {
			break
		}
		if c.operators++; c.operators > longestOperation {
			c.fail(mistake{codeDeepExpression, spanOf(t), fmt.Sprintf("more than %d operators in one expression", longestOperation),
				"build the text in several statements"})
			break
		}
		chained := tight == levelCompare && c.bareComparison(left)
		c.lex.Next()
		if t.Value == "=" {
			c.mistakes = append(c.mistakes, mistake{codeAssignedHere, spanOf(t), "= assigns and does not compare", "write =="})
		}
		right := c.climb(tight + 1)
		if c.failure != nil {
			break
		}
		if chained {
			c.chain(left.(*binary), t)
		}
		left = &binary{node{left.at().To(right.at())}, op, spanOf(t), left, right}
	}
	if c.failure != nil {
		return nil
	}
	return left
}

// bareComparison reports whether e, just read, is a comparison without brackets
// around it.
func (c *climber) bareComparison(e expression) bool {
	b, ok := e.(*binary)
	return ok && b.operator >= opEqual && b.operator <= opGreaterEqual && spanOf(c.previous()).End == b.span.End
}

// chain reports a second comparison behind a first one.
func (c *climber) chain(first *binary, t *lexer.Token) {
	hint := "compare twice and join the two with AND"
	if middle, ok := simple(first.right); ok {
		hint = "write … AND " + middle + " " + t.Value + " …"
	}
	c.mistakes = append(c.mistakes, mistake{codeChain, spanOf(t), "comparisons do not chain", hint})
}

// simple spells an expression of one token.
func simple(e expression) (string, bool) {
	switch e := e.(type) {
	case *variableUse:
		return e.spelling, true
	case *numberLiteral:
		return e.text, true
	case *textLiteral:
		return `"` + shortened(e.value) + `"`, true
	}
	return "", false
}

// prefix reads what stands before the operators of a level: NOT and its operand
// where NOT may stand, else a value.
func (c *climber) prefix(least level) expression {
	t := c.lex.Peek()
	if !isKeyword(t, "NOT") {
		return c.value()
	}
	if least > levelNot {
		c.mistakes = append(c.mistakes, mistake{codeUnexpected, spanOf(t), "NOT cannot stand behind a tighter operator", "put it in brackets: (NOT …)"})
	}
	if !c.enter(t) {
		return nil
	}
	defer c.leave()
	c.lex.Next()
	var operand expression
	if open := c.lex.Peek(); isOperator(open, "(") {
		from := c.lex.RawCursor()
		group := c.value()
		operand = c.rest(group, levelCompare)
		if operand != group && operand != nil {
			c.twoReadings(t, from, operand.at())
		}
	} else {
		operand = c.climb(levelNot)
	}
	if operand == nil {
		return nil
	}
	return &unary{node{spanOf(t).To(operand.at())}, opNot, operand}
}

// twoReadings reports NOT(x) == y: NOT looks like a function and is looser than
// the operator behind the brackets. from is the raw cursor of the opening bracket.
func (c *climber) twoReadings(not *lexer.Token, from lexer.RawCursor, operand diag.Span) {
	list := c.lex.Range(from, c.lex.RawCursor())
	closing, open := 0, 0
	for i := range list {
		if isOperator(&list[i], "(") {
			open++
		} else if isOperator(&list[i], ")") {
			if open--; open == 0 {
				closing = i
				break
			}
		}
	}
	group, rest := spelled(list[:closing+1]), spelled(list[closing+1:])
	c.mistakes = append(c.mistakes, mistake{codeTwoReadings, spanOf(not).To(operand), "this can be read in two ways",
		fmt.Sprintf("write NOT (%s %s)\nor    (NOT %s) %s", group, rest, group, rest)})
}

// value reads unary minus, a literal, a variable, a bare word, a call or an
// expression in brackets.
func (c *climber) value() expression {
	if c.failure != nil {
		return nil
	}
	t := c.lex.Peek()
	at := node{spanOf(t)}
	switch t.Type {
	case tokenText:
		c.lex.Next()
		return &textLiteral{at, unquote(t.Value)}
	case tokenNumber:
		c.lex.Next()
		return &numberLiteral{at, t.Value}
	case tokenVariable:
		c.lex.Next()
		return &variableUse{variableOf(t)}
	case tokenName:
		return c.name(t)
	case tokenOperator:
		switch t.Value {
		case "(":
			return c.group(t)
		case "-":
			return c.negation(t)
		}
	}
	c.fail(missingValue(c.previous(), t))
	return nil
}

func (c *climber) negation(t *lexer.Token) expression {
	if !c.enter(t) {
		return nil
	}
	defer c.leave()
	c.lex.Next()
	operand := c.prefix(levelProduct + 1)
	if operand == nil {
		return nil
	}
	return &unary{node{spanOf(t).To(operand.at())}, opNegate, operand}
}

// group reads an expression in brackets, which leave no trace in the tree.
func (c *climber) group(open *lexer.Token) expression {
	if !c.enter(open) {
		return nil
	}
	defer c.leave()
	c.lex.Next()
	inner := c.climb(levelOr)
	if c.failure != nil {
		return nil
	}
	if t := c.lex.Peek(); !isOperator(t, ")") {
		c.fail(missingClosing(c.previous(), t))
		return nil
	}
	c.lex.Next()
	return inner
}

// name reads a bare word, or a call with its arguments.
func (c *climber) name(t *lexer.Token) expression {
	c.lex.Next()
	open := c.lex.Peek()
	if !isOperator(open, "(") {
		return &bareWord{node{spanOf(t)}, capitals(t.Value)}
	}
	if !c.enter(open) {
		return nil
	}
	defer c.leave()
	c.lex.Next()
	made := &call{name: capitals(t.Value), nameSpan: spanOf(t)}
	for !isOperator(c.lex.Peek(), ")") || len(made.arguments) > 0 {
		argument := c.climb(levelOr)
		if c.failure != nil {
			return nil
		}
		made.arguments = append(made.arguments, argument)
		if !isOperator(c.lex.Peek(), ",") {
			break
		}
		c.lex.Next()
	}
	closing := c.lex.Peek()
	if !isOperator(closing, ")") {
		c.fail(missingClosing(c.previous(), closing))
		return nil
	}
	c.lex.Next()
	made.span = spanOf(t).To(spanOf(closing))
	return made
}

// enter counts the nesting and reports false, with a failure, if it is too deep.
func (c *climber) enter(t *lexer.Token) bool {
	if c.depth++; c.depth <= deepestNesting {
		return true
	}
	c.fail(mistake{codeDeepExpression, spanOf(t), fmt.Sprintf("more than %d brackets, NOTs or minus signs in each other", deepestNesting),
		"take parts of the expression into variables"})
	c.depth--
	return false
}

func (c *climber) leave() { c.depth-- }

// fail notes the first mistake that ends the expression.
func (c *climber) fail(m mistake) {
	if c.failure == nil {
		c.failure = &syntaxError{mistake: m}
	}
}

// previous is the token read last; the first one of the file if there is none.
func (c *climber) previous() *lexer.Token {
	at := c.lex.RawCursor()
	return &c.lex.Range(max(at-1, 0), max(at, 1))[0]
}

func variableOf(t *lexer.Token) variable {
	return variable{node{spanOf(t)}, capitals(t.Value[1:]), t.Value}
}
