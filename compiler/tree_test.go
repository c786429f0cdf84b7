package compiler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/vm/diag"
)

// parsed parses a script of a test.
func parsed(text string) (*script, *reporter) {
	file, report := openSource("test.ftp", []byte(text), "")
	return parse(file, report), report
}

// parsedWell is the dump of a script that must have nothing wrong.
func parsedWell(t *testing.T, text string) string {
	t.Helper()
	tree, report := parsed(text)
	for _, d := range report.list {
		t.Errorf("%q: %v", text, d)
	}
	return dumpAll(tree.body)
}

func dumpAll(body []statement) string {
	parts := make([]string, len(body))
	for i, s := range body {
		parts[i] = dump(s)
	}
	return strings.Join(parts, " ")
}

// dump writes a tree as nested lists.
func dump(s statement) string {
	switch s := s.(type) {
	case *assignment:
		return fmt.Sprintf("(set %s %s)", s.name.key, dumpExpression(s.value))
	case *commandStatement:
		return "(do " + dumpExpression(s.call) + ")"
	case *ifStatement:
		var b strings.Builder
		b.WriteString("(if")
		for _, a := range s.arms {
			condition := "else"
			if a.condition != nil {
				condition = dumpExpression(a.condition)
			}
			fmt.Fprintf(&b, " [%s: %s]", condition, dumpAll(a.body))
		}
		return b.String() + ")"
	case *whileStatement:
		return fmt.Sprintf("(while %s: %s)", dumpExpression(s.condition), dumpAll(s.body))
	case *forEachStatement:
		return fmt.Sprintf("(foreach %s %s: %s)", s.item.key, dumpExpression(s.list), dumpAll(s.body))
	case *functionStatement:
		var params []string
		for _, p := range s.params {
			params = append(params, p.key)
		}
		return fmt.Sprintf("(function %s(%s): %s)", s.name, strings.Join(params, " "), dumpAll(s.body))
	case *returnStatement:
		if s.value == nil {
			return "return"
		}
		return "(return " + dumpExpression(s.value) + ")"
	case *globalStatement:
		var names []string
		for _, v := range s.names {
			names = append(names, v.key)
		}
		return "(global " + strings.Join(names, " ") + ")"
	case *includeStatement:
		return "(include `" + s.path + "`)"
	case *tryStatement:
		code := ""
		if s.code != nil {
			code = " " + s.code.key
		}
		return fmt.Sprintf("(try: %s catch%s: %s)", dumpAll(s.body), code, dumpAll(s.handler))
	case *onErrorStatement:
		if s.stop {
			return "(onerror stop)"
		}
		return "(onerror continue)"
	case *breakStatement:
		return "break"
	case *continueStatement:
		return "continue"
	case *gotoStatement:
		return "(goto " + s.label + ")"
	case *labelStatement:
		return ":" + s.label
	}
	return fmt.Sprintf("(%T)", s)
}

func dumpExpression(e expression) string {
	switch e := e.(type) {
	case *textLiteral:
		return "`" + e.value + "`"
	case *numberLiteral:
		return e.text
	case *variableUse:
		return "$" + e.key
	case *bareWord:
		return e.word
	case *call:
		var b strings.Builder
		b.WriteString(e.name + "(")
		for i, a := range e.arguments {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(dumpExpression(a))
		}
		return b.String() + ")"
	case *unary:
		return "(" + operatorName(e.operator) + " " + dumpExpression(e.operand) + ")"
	case *binary:
		return fmt.Sprintf("(%s %s %s)", dumpExpression(e.left), operatorName(e.operator), dumpExpression(e.right))
	}
	return fmt.Sprintf("(%T)", e)
}

func operatorName(o operator) string {
	return [...]string{"OR", "AND", "NOT", "==", "!=", "<", ">", "<=", ">=", ".", "+", "-", "*", "/", "neg"}[o]
}

// spans collects where the nodes of an expression stand.
func spans(e expression, visit func(diag.Span)) {
	visit(e.at())
	switch e := e.(type) {
	case *call:
		visit(e.nameSpan)
		for _, a := range e.arguments {
			spans(a, visit)
		}
	case *unary:
		spans(e.operand, visit)
	case *binary:
		visit(e.operatorSpan)
		spans(e.left, visit)
		spans(e.right, visit)
	}
}
