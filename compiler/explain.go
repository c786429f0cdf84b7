package compiler

import (
	"fmt"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/sftpc/sftpc/vm/diag"
)

// Why a statement could not be read, in words. The grammar says at which token it
// stopped; what a person probably meant is told from the tokens around it.

// behind is the place behind a token, where something is missing.
func behind(t *lexer.Token) diag.Span {
	end := spanOf(t).End
	return diag.Span{Start: end, End: end}
}

// missingValue explains a token that stands where a value should.
func missingValue(before, found *lexer.Token) mistake {
	switch {
	case found.Type == tokenEOL || found.EOF():
		hint := ""
		if _, tight := infix(before); tight != noOperator && before.Value != "=" {
			hint = "inside brackets an expression may go on in the next line, elsewhere it ends with its line"
		}
		return mistake{codeMissingValue, behind(before), "a value is missing behind " + described(before), hint}
	case isOperator(found, ")") || isOperator(found, ","):
		return mistake{codeMissingValue, spanOf(found), "a value is missing before " + found.Value, ""}
	case isOperator(found, "+"):
		return mistake{codeMissingValue, spanOf(found), "a value is missing before +", "a number has no + before it"}
	case isOperator(found, "."):
		return mistake{codeMissingValue, spanOf(found), "a value is missing before .", "a number begins with a digit, and a text needs quotes"}
	case isOperator(found, "/") || isOperator(found, ":") || isOperator(found, "*"):
		return mistake{codeMissingQuotes, spanOf(found), "a value cannot begin with " + found.Value, "a text needs quotes"}
	}
	if _, tight := infix(found); tight != noOperator {
		return mistake{codeMissingValue, spanOf(found), "a value is missing before " + found.Value, ""}
	}
	return mistake{codeUnexpected, spanOf(found), "a value was expected here, not " + described(found), "a text needs quotes"}
}

// missingClosing explains a token that stands where a bracket should be closed.
func missingClosing(before, found *lexer.Token) mistake {
	switch {
	case found.Type == tokenEOL || found.EOF():
		return mistake{codeMissingBracket, behind(before), "a ) is missing",
			"a line goes on after ( , or an operator, and if the next one begins with ) or an operator"}
	case startsValue(found):
		return twoValues(before, found)
	case isOperator(found, ","):
		return mistake{codeUnexpected, spanOf(found), "these brackets hold one value, not several", "a comma separates the arguments of a command"}
	case isOperator(found, ":"):
		return mistake{codeMissingQuotes, spanOf(found), ": cannot stand in an expression", "a text needs quotes"}
	}
	return mistake{codeUnexpected, spanOf(found), "an operator or ) was expected here, not " + described(found), ""}
}

// twoValues explains a value behind a value.
func twoValues(before, found *lexer.Token) mistake {
	touching := spanOf(before).End == found.Pos.Offset
	at := spanOf(found)
	switch {
	case before.Type == tokenName && (found.Type == tokenName || found.Type == tokenNumber):
		return mistake{codeMissingQuotes, spanOf(before).To(at), "words in a row are no value",
			`a text needs quotes: "` + shortened(before.Value+" "+found.Value) + ` …"`}
	case before.Type == tokenName && (found.Type == tokenText || found.Type == tokenVariable):
		return mistake{codeMissingBrackets, at, fmt.Sprintf("nothing stands between %s and %s", described(before), described(found)),
			"the arguments of a command stand in brackets: " + before.Value + "(" + shortened(found.Value) + ")"}
	case touching && before.Type == tokenText && found.Type == tokenName:
		return mistake{codeMissingJoin, at, "the text ends before " + shortened(found.Value),
			`a quote inside of a text is doubled: "say ""hi"""`}
	case isOperator(found, "(") && before.Type == tokenVariable:
		return mistake{codeUnexpected, at, before.Value + " is a variable and takes no arguments", ""}
	}
	return mistake{codeMissingJoin, at, fmt.Sprintf("nothing stands between %s and %s", described(before), described(found)),
		"write . between texts, an operator between numbers, a comma between arguments"}
}

// notAStatement explains a line that cannot begin as it does.
func notAStatement(first *lexer.Token) mistake {
	at := spanOf(first)
	if first.Type == tokenText || first.Type == tokenNumber {
		return mistake{codeNotAStatement, at, "a value alone does nothing", "PRINT(…) shows it, $name = … keeps it"}
	}
	hint := ""
	if _, tight := infix(first); tight != noOperator {
		hint = "the line above ended its statement; with brackets round the expression it goes on"
	}
	return mistake{codeNotAStatement, at, "no statement begins with " + described(first), hint}
}

// explain says why a rule stopped at the token with this index.
func (p *parser) explain(at int) mistake {
	head, found := &p.tokens[p.start], &p.tokens[at]
	before := &p.tokens[max(at-1, p.start)]
	if isOperator(head, ":") {
		return mistake{codeLabel, spanOf(head).To(spanOf(found)), "a label is : and a name", ""}
	}
	if head.Type == tokenVariable {
		return p.explainAssignment(head, found)
	}
	switch head.Value {
	case "IF", "WHILE", "ELSE":
		if isKeyword(before, "IF") || isKeyword(before, "WHILE") {
			return mistake{codeMissingBrackets, spanOf(found), "the condition of " + before.Value + " stands in brackets",
				"write " + before.Value + "(" + spelled(p.condition(at)) + ")"}
		}
	case "END":
		hint := "write END IF, END WHILE, END FOREACH, END FUNCTION or END TRY"
		if open := p.blocks.innermost().keyword; open != "" {
			hint = "write END " + open
		}
		if found.Type == tokenEOL {
			return mistake{codeWrongKeyword, spanOf(head), "END does not say what it ends", hint}
		}
		return mistake{codeWrongKeyword, spanOf(found), "END " + described(found) + " ends nothing", hint}
	case "FOREACH":
		return p.explainForEach(before, found)
	case "RETURN":
		return missingValue(before, found)
	case "GOTO":
		return mistake{codeLabel, spanOf(head).To(spanOf(found)), "GOTO needs the name of a label", "write GOTO :name"}
	case "FUNCTION":
		return explainFunction(before, found)
	case "GLOBAL":
		return explainGlobal(before, found)
	case "INCLUDE", "ONERROR":
		return explainWord(head, found)
	}
	// What is left are brackets: a value is missing before ) or the ) itself.
	if isOperator(found, ")") || isOperator(before, "(") || isOperator(before, ",") {
		return missingValue(before, found)
	}
	if isOperator(found, ",") {
		return mistake{codeUnexpected, spanOf(found), "a condition is one value, not several", "AND and OR join conditions"}
	}
	return missingClosing(before, found)
}

func (p *parser) explainAssignment(head, found *lexer.Token) mistake {
	at := spanOf(found)
	switch {
	case found.Type == tokenEOL:
		return mistake{codeNotAStatement, spanOf(head), head.Value + " alone does nothing",
			"PRINT(" + head.Value + ") shows it, " + head.Value + " = … changes it"}
	case isOperator(found, "=="):
		return mistake{codeNotAStatement, at, "a comparison alone does nothing", "write = to assign, IF(…) to decide"}
	case isOperator(found, "("):
		return mistake{codeUnexpected, at, head.Value + " is a variable and takes no arguments", ""}
	}
	return mistake{codeNotAStatement, at, "= was expected behind " + head.Value + ", not " + described(found), ""}
}

func (p *parser) explainForEach(before, found *lexer.Token) mistake {
	const form = "write FOREACH $item IN list"
	at := spanOf(found)
	switch {
	case isKeyword(before, "FOREACH") && isOperator(found, "("):
		return mistake{codeForEach, at, "FOREACH takes no brackets", form}
	case isKeyword(before, "FOREACH") && found.Type == tokenName:
		return mistake{codeForEach, at, "the item of FOREACH is a variable", "write $" + found.Value}
	case isKeyword(before, "FOREACH"):
		return mistake{codeForEach, at, "the item of FOREACH is missing", form}
	case isKeyword(before, "IN"):
		return missingValue(before, found)
	}
	return mistake{codeForEach, at, "IN is missing behind " + described(before), form}
}

func explainFunction(before, found *lexer.Token) mistake {
	const form = "write FUNCTION name($a, $b)"
	at := spanOf(found)
	switch {
	case isKeyword(before, "FUNCTION") && found.Type == tokenKeyword:
		return mistake{codeFunctionHead, at, found.Value + " is a word of the language and names no function", ""}
	case isKeyword(before, "FUNCTION"):
		return mistake{codeFunctionHead, at, "the name of the function is missing", form}
	case found.Type == tokenName:
		return mistake{codeFunctionHead, at, "a parameter is a variable", "write $" + found.Value}
	case isOperator(found, "="):
		return mistake{codeFunctionHead, at, "a parameter has no value of its own", "every call gives one"}
	case found.Type == tokenEOL:
		return mistake{codeMissingBracket, behind(before), "a ) is missing", form}
	}
	return mistake{codeFunctionHead, at, "a parameter was expected here, not " + described(found), form}
}

// explainWord says what INCLUDE, TRY, CATCH and ONERROR take.
func explainWord(head, found *lexer.Token) mistake {
	form := map[string]string{
		"INCLUDE": `INCLUDE "file.ftp"`, "TRY": "TRY", "CATCH": "CATCH or CATCH $code", "ONERROR": "ONERROR STOP or ONERROR CONTINUE",
	}[head.Value]
	if found.Type == tokenEOL {
		return mistake{codeWords, spanOf(head), head.Value + " alone does nothing", "write " + form}
	}
	return mistake{codeWords, spanOf(found), "nothing like " + described(found) + " can stand behind " + head.Value, "write " + form}
}

func explainGlobal(before, found *lexer.Token) mistake {
	at := spanOf(found)
	switch {
	case found.Type == tokenName:
		return mistake{codeGlobal, at, "GLOBAL names variables", "write $" + found.Value}
	case isOperator(found, "("):
		return mistake{codeGlobal, at, "GLOBAL takes no brackets", "write GLOBAL $a, $b"}
	case found.Type == tokenEOL:
		return mistake{codeGlobal, behind(before), "a variable is missing behind " + described(before), "write GLOBAL $a, $b"}
	}
	return mistake{codeGlobal, at, "a variable was expected here, not " + described(found), "write GLOBAL $a, $b"}
}

// condition are the tokens from an index to the end of the line, but for a THEN.
func (p *parser) condition(from int) []lexer.Token {
	end := p.end()
	if last := &p.tokens[end-1]; end-1 > from && last.Type == tokenName && capitals(last.Value) == "THEN" {
		end--
	}
	return p.tokens[from:end]
}

// trailing explains what stands behind a whole statement.
func (p *parser) trailing(at int) mistake {
	head, found, before := &p.tokens[p.start], &p.tokens[at], &p.tokens[at-1]
	span := spanOf(found)
	_, tight := infix(found)
	switch {
	case isOperator(found, ")"):
		return mistake{codeUnexpected, span, "this ) closes nothing", ""}
	case head.Type == tokenName && before == head:
		return p.withoutBrackets(head, found, at)
	case head.Type == tokenName && tight == levelCompare:
		return mistake{codeNotAStatement, span, "a comparison alone does nothing", "write IF(…) to decide, $name = … to keep the result"}
	case isKeyword(head, "IF") || isKeyword(head, "WHILE") || isKeyword(head, "ELSE") && isKeyword(&p.tokens[p.start+1], "IF"):
		return p.behindCondition(head, found, at, tight)
	case isKeyword(head, "ELSE") && isOperator(found, "("):
		return mistake{codeStrayElse, span, "ELSE takes no condition", "write ELSE IF(…)"}
	case head.Type == tokenVariable || isKeyword(head, "FOREACH"):
		switch {
		case startsValue(found):
			return twoValues(before, found)
		case isOperator(found, ","):
			return mistake{codeUnexpected, span, "a comma cannot stand here", "lists are texts joined by |"}
		case isOperator(found, ":"):
			return mistake{codeMissingQuotes, span, ": cannot stand in an expression", "a text needs quotes"}
		}
	case isOperator(head, ":"):
		return mistake{codeLabel, span, "a label stands alone on its line", ""}
	case isKeyword(head, "FUNCTION") && found.Type == tokenVariable:
		return mistake{codeFunctionHead, span, "the parameters of a function stand in brackets", "write FUNCTION name($a, $b)"}
	case isKeyword(head, "GLOBAL"):
		return mistake{codeGlobal, span, "a comma was expected here, not " + described(found), "GLOBAL only names variables: write GLOBAL $a, $b"}
	case isKeyword(head, "INCLUDE") || isKeyword(head, "TRY") || isKeyword(head, "CATCH") || isKeyword(head, "ONERROR"):
		return explainWord(head, found)
	case isKeyword(head, "RETURN") && startsValue(found):
		return twoValues(before, found)
	}
	return mistake{codeOneStatement, span, "nothing may follow here, but " + described(found) + " does",
		"a statement ends with its line; a comment begins with #"}
}

// withoutBrackets explains COMMAND argument, and keywords misspelled.
func (p *parser) withoutBrackets(head, found *lexer.Token, at int) mistake {
	word := capitals(head.Value)
	if near := diag.Nearest(word, []string{"FOREACH", "WHILE", "GOTO", "ELSE", "END"}); near != "" && found.Type != tokenText {
		return mistake{codeWrongKeyword, spanOf(head), head.Value + " is no keyword", "did you mean " + near + "?"}
	}
	if word == "FOR" {
		return mistake{codeWrongKeyword, spanOf(head), "FOR is no keyword", "write FOREACH $item IN list, or WHILE(…)"}
	}
	switch word {
	case "REM":
		return mistake{codeWrongComment, spanOf(head), head.Value + " begins no comment", "a comment begins with #"}
	case "LET", "SET", "VAR", "DIM":
		return mistake{codeWrongKeyword, spanOf(head), head.Value + " is no keyword", "write $name = …"}
	}
	if !startsValue(found) {
		return mistake{codeUnexpected, spanOf(found), "( was expected behind " + head.Value + ", not " + described(found), ""}
	}
	return mistake{codeMissingBrackets, spanOf(found), "the arguments of " + word + " stand in brackets",
		"write " + head.Value + "(" + spelled(p.tokens[at:p.end()]) + ")"}
}

// behindCondition explains what follows the condition of IF or WHILE.
func (p *parser) behindCondition(head, found *lexer.Token, at int, tight level) mistake {
	from := p.start + 1
	word := head.Value
	if isKeyword(head, "ELSE") {
		from, word = from+1, "ELSE IF"
	}
	switch {
	case found.Type == tokenName && capitals(found.Value) == "THEN" && p.tokens[at+1].Type == tokenEOL:
		return mistake{codeWrongKeyword, spanOf(found), "THEN is no word of this language", "leave it out"}
	case tight != noOperator:
		return mistake{codeMissingBrackets, spanOf(found), "the condition of " + word + " ends before " + found.Value,
			"put all of it in brackets: " + word + "(" + spelled(p.condition(from)) + ")"}
	}
	return mistake{codeOneStatement, spanOf(found), "nothing may follow here, but " + described(found) + " does",
		"what " + word + " decides about begins on the next line"}
}
