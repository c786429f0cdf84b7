package compiler

import (
	"sync"

	"github.com/alecthomas/participle/v2"
)

// The statements and the heads and ends of blocks, as participle reads them. The
// structs hold the expressions and little else, since every field costs time; names
// and places parse.go takes from the tokens. Every rule can be
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
		Function   *functionRule   `parser:"| @@"`
		Return     *returnRule     `parser:"| @@"`
		Global     *globalRule     `parser:"| @@"`
		Include    *includeRule    `parser:"| @@"`
		Try        *tryRule        `parser:"| @@"`
		Catch      *catchRule      `parser:"| @@"`
		OnError    *onErrorRule    `parser:"| @@"`
		End        *endRule        `parser:"| @@"`
		Break      *breakRule      `parser:"| @@"`
		Continue   *continueRule   `parser:"| @@"`
		Goto       *gotoRule       `parser:"| @@"`
		Label      *labelRule      `parser:"| @@"`
	}

	assignmentRule struct {
		Value expressionRule `parser:"Variable '=' @@"`
	}
	commandRule struct {
		Arguments []expressionRule `parser:"Name ('(' (@@ (',' @@)*)? ')')?"`
	}

	ifRule struct {
		Condition expressionRule `parser:"'IF' '(' @@ ')'"`
	}
	elseRule struct {
		Condition *expressionRule `parser:"'ELSE' ('IF' '(' @@ ')')?"`
	}
	whileRule struct {
		Condition expressionRule `parser:"'WHILE' '(' @@ ')'"`
	}
	forEachRule struct {
		List expressionRule `parser:"'FOREACH' Variable 'IN' @@"`
	}
	endRule struct {
		Of string `parser:"'END' @('IF' | 'WHILE' | 'FOREACH' | 'FUNCTION' | 'TRY')"`
	}

	functionRule struct {
		Name string `parser:"'FUNCTION' @Name ('(' (Variable (',' Variable)*)? ')')?"`
	}
	returnRule struct {
		Value *resultRule `parser:"'RETURN' @@?"`
	}
	globalRule struct {
		First string `parser:"'GLOBAL' @Variable (',' Variable)*"`
	}

	includeRule struct {
		Path string `parser:"'INCLUDE' @Text"`
	}
	tryRule struct {
		Word string `parser:"@'TRY'"`
	}
	catchRule struct {
		Code string `parser:"'CATCH' @Variable?"`
	}
	onErrorRule struct {
		What string `parser:"'ONERROR' @('STOP' | 'CONTINUE')"`
	}

	breakRule struct {
		Word string `parser:"@'BREAK'"`
	}
	continueRule struct {
		Word string `parser:"@'CONTINUE'"`
	}
	gotoRule struct {
		Colon string `parser:"'GOTO' @':'?"`
		Label string `parser:"@Name"`
	}
	labelRule struct {
		Label string `parser:"':' @Name"`
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
	function   *participle.Parser[functionRule]
	result     *participle.Parser[returnRule]
	global     *participle.Parser[globalRule]
	include    *participle.Parser[includeRule]
	try        *participle.Parser[tryRule]
	catch      *participle.Parser[catchRule]
	onError    *participle.Parser[onErrorRule]
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
		function:   production[functionRule](script),
		result:     production[returnRule](script),
		global:     production[globalRule](script),
		include:    production[includeRule](script),
		try:        production[tryRule](script),
		catch:      production[catchRule](script),
		onError:    production[onErrorRule](script),
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
