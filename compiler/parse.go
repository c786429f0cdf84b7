package compiler

import (
	"errors"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/sftpc/sftpc/vm/diag"
)

// parse makes the tree of a file's text. Everything wrong with it goes to report;
// the statements around a faulty one are still parsed, and of a faulty one as
// much is kept as can be, so the tree serves for finding further errors. It must
// not be compiled if report.errors > 0. Statements and expressions of the tree
// are pointers to the types of tree.go.
func parse(file *diag.File, report *reporter) *script {
	scanned := scan(file, report)
	lex, err := lexer.Upgrade(&tokenReader{scanned.list})
	if err != nil { // a tokenReader has no errors
		report.errorf(codeUnexpected, diag.Span{}, "", "%v", err)
		return &script{file: file}
	}
	p := parser{file: file, report: report, tokens: scanned.list, faults: scanned.faults, lex: lex, rules: rules(), blocks: newBlocks(report)}
	for lex.Peek().Type != lexer.EOF {
		p.line()
	}
	tree := &script{file: file, body: p.blocks.finish(), functions: p.blocks.functions}
	report.list.Sort()
	return tree
}

// parser reads a file statement by statement.
type parser struct {
	file   *diag.File
	report *reporter
	tokens []lexer.Token // the same as lex hands out
	faults []int         // offsets of what the scanner reported and p has not passed
	lex    *lexer.PeekingLexer
	rules  *grammar
	blocks *blocks
	start  int // index of the statement's first token
}

// line reads a statement and the end of its line.
func (p *parser) line() {
	p.start = int(p.lex.RawCursor())
	first := &p.tokens[p.start]
	switch first.Type {
	case tokenVariable:
		p.assignment()
	case tokenName:
		p.command(first)
	case tokenKeyword:
		p.keyword(first)
	case tokenEOL:
	default:
		if isOperator(first, ":") {
			p.label()
		} else {
			p.refuse(notAStatement(first))
		}
	}
	p.skip()
}

// skip goes behind the end of the line.
func (p *parser) skip() {
	for p.lex.Peek().Type != tokenEOL && !p.lex.Peek().EOF() {
		p.lex.Next()
	}
	p.lex.Next()
}

// attempt reads one rule and the end of its line. If it fails it reports why, and
// returns what was read, perhaps nothing, and false. The lexer then stands
// somewhere in the statement.
func attempt[P any](p *parser, production *participle.Parser[P]) (*P, bool) {
	from := p.lex.MakeCheckpoint()
	rule, err := production.ParseFromLexer(p.lex, participle.AllowTrailing(true))
	if err == nil {
		at := int(p.lex.RawCursor())
		if p.tokens[at].Type == tokenEOL {
			return rule, true
		}
		p.refuse(p.trailing(at))
		return rule, false
	}
	p.lex.LoadCheckpoint(from)
	var own *syntaxError
	var unexpected participle.Error
	switch {
	case errors.As(err, &own):
		p.mistakes(own.earlier)
		p.refuse(own.mistake)
	case errors.As(err, &unexpected):
		p.refuse(p.explain(p.index(unexpected.Position().Offset)))
	}
	return rule, false
}

// index finds the statement's token at an offset.
func (p *parser) index(offset int) int {
	at := p.start
	for p.tokens[at].Type != tokenEOL && p.tokens[at].Pos.Offset < offset {
		at++
	}
	return at
}

// refuse reports what ends a statement, unless the scanner has reported
// something in it that is probably the cause.
func (p *parser) refuse(m mistake) {
	end := p.end()
	for len(p.faults) > 0 && p.faults[0] < p.tokens[p.start].Pos.Offset {
		p.faults = p.faults[1:]
	}
	if len(p.faults) == 0 || p.faults[0] > p.tokens[end].Pos.Offset {
		p.report.mistake(m)
	}
}

// end is the index of the statement's EOL.
func (p *parser) end() int {
	at := p.start
	for p.tokens[at].Type != tokenEOL {
		at++
	}
	return at
}

func (p *parser) mistakes(list []mistake) {
	for _, m := range list {
		p.report.mistake(m)
	}
}

// tree returns the expression of a rule and reports what is wrong with it. A
// placeholder stands for one that could not be read, so that a tree has no holes.
func (p *parser) tree(e *expressionRule) expression {
	if e == nil || e.tree == nil {
		return &textLiteral{node: node{spanOf(&p.tokens[p.start])}}
	}
	p.mistakes(e.mistakes)
	return e.tree
}

// span is the whole statement, without the end of the line.
func (p *parser) span() diag.Span {
	return spanOf(&p.tokens[p.start]).To(spanOf(&p.tokens[max(p.start, p.end()-1)]))
}

// assignment reads $name = value. If the value is faulty the variable counts as
// assigned all the same.
func (p *parser) assignment() {
	name := &p.tokens[p.start]
	rule, ok := attempt(p, p.rules.assignment)
	if ok || isOperator(&p.tokens[p.start+1], "=") {
		p.blocks.add(&assignment{node{p.span()}, variableOf(name), p.tree(&rule.Value)})
	}
}

// command reads a line that begins with a word.
func (p *parser) command(first *lexer.Token) {
	word := capitals(first.Value)
	following := &p.tokens[p.start+1]
	switch {
	case isOperator(following, "="):
		p.withoutDollar(first)
		return
	case p.wrongKeyword(word):
		return
	}
	if rule, ok := attempt(p, p.rules.command); ok {
		made := &call{node{p.span()}, word, spanOf(first), nil}
		if len(rule.Arguments) > 0 {
			made.arguments = make([]expression, len(rule.Arguments))
			for i := range rule.Arguments {
				made.arguments[i] = p.tree(&rule.Arguments[i])
			}
		}
		p.blocks.add(&commandStatement{node{p.span()}, made})
	}
}

// withoutDollar reports name = value and reads it as $name = value.
func (p *parser) withoutDollar(first *lexer.Token) {
	p.report.mistake(mistake{codeMissingDollar, spanOf(first), "a variable begins with $", "write $" + first.Value + " = …"})
	p.lex.Next()
	p.lex.Next()
	value := expressionRule{}
	if err := value.Parse(p.lex); err != nil {
		value.tree = nil // one error for a line is enough
	}
	p.blocks.add(&assignment{node{p.span()},
		variable{node{spanOf(first)}, capitals(first.Value), "$" + first.Value}, p.tree(&value)})
}

// wrongKeyword reads ENDIF, ELSEIF and their like: it reports them and matches
// blocks as if they were written as they should be.
func (p *parser) wrongKeyword(word string) bool {
	meant := wrongKeyword(word)
	following := &p.tokens[p.start+1]
	if meant == "" || meant == "ELSE IF" != isOperator(following, "(") {
		return false
	}
	p.report.mistake(mistake{codeWrongKeyword, spanOf(&p.tokens[p.start]), word + " is no word of this language", "write " + meant})
	if keyword, ok := strings.CutPrefix(meant, "END "); ok {
		p.blocks.end(keyword, p.span())
		return true
	}
	p.lex.Next()
	condition := expressionRule{}
	if err := condition.Parse(p.lex); err != nil {
		condition.tree = nil
	}
	p.blocks.otherwise(p.span(), p.tree(&condition))
	return true
}

// keyword reads a line that begins with a keyword. The head of a block opens it
// even if it is faulty, lest its END be reported too.
func (p *parser) keyword(first *lexer.Token) {
	switch first.Value {
	case "IF":
		rule, _ := attempt(p, p.rules.ifHead)
		p.blocks.beginIf(p.span(), p.tree(&rule.Condition))
	case "WHILE":
		rule, _ := attempt(p, p.rules.whileHead)
		p.blocks.beginWhile(p.span(), p.tree(&rule.Condition))
	case "FOREACH":
		p.forEach()
	case "ELSE":
		rule, _ := attempt(p, p.rules.elseHead)
		if isKeyword(&p.tokens[p.start+1], "IF") {
			p.blocks.otherwise(p.span(), p.tree(rule.Condition))
		} else {
			p.blocks.otherwise(p.span(), nil)
		}
	case "END":
		p.endOfBlock()
	case "BREAK":
		if _, ok := attempt(p, p.rules.breaks); ok {
			p.blocks.add(&breakStatement{node{p.span()}})
		}
	case "CONTINUE":
		if _, ok := attempt(p, p.rules.continues); ok {
			p.blocks.add(&continueStatement{node{p.span()}})
		}
	case "GOTO":
		p.jump()
	case "FUNCTION":
		p.function()
	case "RETURN":
		p.result()
	case "GLOBAL":
		p.global()
	case "INCLUDE":
		p.include()
	case "TRY":
		attempt(p, p.rules.try)
		p.blocks.beginTry(p.span())
	case "CATCH":
		p.catch()
	case "ONERROR":
		if rule, ok := attempt(p, p.rules.onError); ok {
			p.blocks.add(&onErrorStatement{node{p.span()}, rule.What == "STOP"})
		}
	default:
		if isOperator(&p.tokens[p.start+1], "=") {
			p.withoutDollar(first)
		} else {
			p.refuse(notAStatement(first))
		}
	}
}

// function reads the head of a function. A head that is faulty opens the block too,
// with the parameters that can be made out.
func (p *parser) function() {
	attempt(p, p.rules.function)
	made := &functionStatement{node: node{p.span()}}
	head := p.tokens[p.start+1 : p.end()]
	if len(head) > 0 && head[0].Type == tokenName {
		made.name, made.nameSpan = capitals(head[0].Value), spanOf(&head[0])
	}
	for i := range head {
		if head[i].Type == tokenVariable {
			made.params = append(made.params, variableOf(&head[i]))
		}
	}
	p.blocks.beginFunction(made)
}

func (p *parser) result() {
	rule, ok := attempt(p, p.rules.result)
	if !ok {
		return
	}
	made := &returnStatement{node: node{p.span()}}
	if rule.Value != nil {
		made.value = p.tree(&rule.Value.expressionRule)
	}
	p.blocks.add(made)
}

func (p *parser) global() {
	attempt(p, p.rules.global)
	made := &globalStatement{node: node{p.span()}}
	for i := p.start + 1; i < p.end(); i++ {
		if t := &p.tokens[i]; t.Type == tokenVariable {
			made.names = append(made.names, variableOf(t))
		}
	}
	p.blocks.add(made)
}

func (p *parser) include() {
	if _, ok := attempt(p, p.rules.include); !ok {
		return
	}
	if !p.blocks.outermost("INCLUDE", p.span()) {
		return
	}
	path := &p.tokens[p.start+1]
	p.blocks.add(&includeStatement{node{p.span()}, unquote(path.Value), spanOf(path)})
}

// catch reads the line between the two parts of a TRY. One that is faulty divides it
// all the same.
func (p *parser) catch() {
	attempt(p, p.rules.catch)
	var code *variable
	if t := &p.tokens[p.start+1]; t.Type == tokenVariable {
		v := variableOf(t)
		code = &v
	}
	p.blocks.catch(p.span(), code)
}

func (p *parser) forEach() {
	rule, _ := attempt(p, p.rules.forEach)
	// Whatever stands in the place of the item is taken for it, since the
	// statements of the loop will use it.
	item := &p.tokens[p.start+1]
	if item.Type != tokenVariable {
		item = &lexer.Token{Type: tokenVariable, Value: "$" + item.Value, Pos: item.Pos}
	}
	p.blocks.beginForEach(p.span(), variableOf(item), p.tree(&rule.List))
}

// endOfBlock reads END and its keyword. If that is faulty the innermost block is
// taken to end.
func (p *parser) endOfBlock() {
	rule, ok := attempt(p, p.rules.end)
	switch {
	case rule.Of != "":
		p.blocks.end(rule.Of, p.span())
	case !ok && p.blocks.innermost().keyword != "":
		p.blocks.end(p.blocks.innermost().keyword, p.span())
	}
}

func (p *parser) jump() {
	rule, ok := attempt(p, p.rules.jump)
	if !ok {
		return
	}
	if rule.Colon == "" {
		p.report.warnf(codeGotoNoColon, spanOf(&p.tokens[p.start+1]), "write GOTO :"+rule.Label, "the label of GOTO has no colon")
	}
	p.blocks.add(&gotoStatement{node{p.span()}, capitals(rule.Label)})
}

func (p *parser) label() {
	rule, _ := attempt(p, p.rules.label)
	if rule.Label != "" {
		p.blocks.add(&labelStatement{node{p.span()}, capitals(rule.Label)})
	}
}

// capitals is a word as the tree keeps it: names ignore case.
func capitals(word string) string { return strings.ToUpper(word) }
