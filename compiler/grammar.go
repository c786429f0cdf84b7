package compiler

import (
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// The statements and the heads and ends of blocks, as participle reads them. The
// structs hold what parse.go needs to make the nodes of tree.go. Every rule can be
// told from the others by its first token, and no rule needs to look ahead, so
// that an error is always that of the statement at hand. spec/grammar.ebnf has the
// same rules for people; a test compares them.
type (
	scriptRule struct {
		Lines []*lineRule `parser:"@@*"`
	}
	lineRule struct {
		Statement *statementRule `parser:"@@? EOL"`
	}
	statementRule struct {
		Assignment *assignmentRule `parser:"  @@"`
		Command    *commandRule    `parser:"| @@"`
		If         *ifRule         `parser:"| @@"`
		Else       *elseRule       `parser:"| @@"`
		While      *whileRule      `parser:"| @@"`
		ForEach    *forEachRule    `parser:"| @@"`
		End        *endRule        `parser:"| @@"`
		Break      *breakRule      `parser:"| @@"`
		Continue   *continueRule   `parser:"| @@"`
		Goto       *gotoRule       `parser:"| @@"`
		Label      *labelRule      `parser:"| @@"`
	}

	assignmentRule struct {
		Name  lexer.Token    `parser:"@Variable '='"`
		Value expressionRule `parser:"@@"`
	}
	commandRule struct {
		Name      lexer.Token    `parser:"@Name"`
		Arguments *argumentsRule `parser:"@@?"`
	}
	argumentsRule struct {
		Open   lexer.Token      `parser:"@'('"`
		Values []expressionRule `parser:"(@@ (',' @@)*)?"`
		Close  lexer.Token      `parser:"@')'"`
	}

	ifRule struct {
		Head      lexer.Token    `parser:"@'IF' '('"`
		Condition expressionRule `parser:"@@"`
		Close     lexer.Token    `parser:"@')'"`
	}
	elseRule struct {
		Head      lexer.Token     `parser:"@'ELSE'"`
		If        *lexer.Token    `parser:"(@'IF' '('"`
		Condition *expressionRule `parser:"@@"`
		Close     *lexer.Token    `parser:"@')')?"`
	}
	whileRule struct {
		Head      lexer.Token    `parser:"@'WHILE' '('"`
		Condition expressionRule `parser:"@@"`
		Close     lexer.Token    `parser:"@')'"`
	}
	forEachRule struct {
		Head lexer.Token    `parser:"@'FOREACH'"`
		Item lexer.Token    `parser:"@Variable 'IN'"`
		List expressionRule `parser:"@@"`
	}
	endRule struct {
		Head lexer.Token `parser:"@'END'"`
		Of   lexer.Token `parser:"@('IF' | 'WHILE' | 'FOREACH')"`
	}

	breakRule struct {
		Head lexer.Token `parser:"@'BREAK'"`
	}
	continueRule struct {
		Head lexer.Token `parser:"@'CONTINUE'"`
	}
	gotoRule struct {
		Head  lexer.Token  `parser:"@'GOTO'"`
		Colon *lexer.Token `parser:"@':'?"`
		Label lexer.Token  `parser:"@Name"`
	}
	labelRule struct {
		Colon lexer.Token `parser:"@':'"`
		Label lexer.Token `parser:"@Name"`
	}
)

// grammar is the parser of a whole script and, made from it, one for each
// production that parse.go starts with.
type grammar struct {
	script     *participle.Parser[scriptRule]
	assignment *participle.Parser[assignmentRule]
	command    *participle.Parser[commandRule]
	ifHead     *participle.Parser[ifRule]
	elseHead   *participle.Parser[elseRule]
	whileHead  *participle.Parser[whileRule]
	forEach    *participle.Parser[forEachRule]
	end        *participle.Parser[endRule]
	breaks     *participle.Parser[breakRule]
	continues  *participle.Parser[continueRule]
	jump       *participle.Parser[gotoRule]
	label      *participle.Parser[labelRule]
}

// rules builds the grammar once a process, when the first script is parsed.
// Building it takes half a millisecond, which a run of a bundle need not spend.
var rules = sync.OnceValue(func() *grammar {
	script := participle.MustBuild[scriptRule](participle.Lexer(definition{}), participle.UseLookahead(0))
	return &grammar{
		script:     script,
		assignment: production[assignmentRule](script),
		command:    production[commandRule](script),
		ifHead:     production[ifRule](script),
		elseHead:   production[elseRule](script),
		whileHead:  production[whileRule](script),
		forEach:    production[forEachRule](script),
		end:        production[endRule](script),
		breaks:     production[breakRule](script),
		continues:  production[continueRule](script),
		jump:       production[gotoRule](script),
		label:      production[labelRule](script),
	}
})

// production returns the parser of one rule. A rule that the script does not hold
// is a mistake in this file, which every test meets.
func production[P any](script *participle.Parser[scriptRule]) *participle.Parser[P] {
	p, err := participle.ParserForProduction[P](script)
	if err != nil {
		panic(err)
	}
	return p
}
