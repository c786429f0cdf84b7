package compiler

import (
	"fmt"

	"github.com/sftpc/sftpc/vm/diag"
)

// The codes of what the front end reports. They are stable: a number is never
// given to another mistake, whatever becomes of the message. E01xx is the text of
// a script, E02xx (resolve_messages.go) its meaning.
const (
	// The file.
	codeEncoding        = "E0101" // neither UTF-8 nor UTF-16 with a mark
	codeUnknownEncoding = "E0102" // --encoding names an encoding that is not known
	codeDamagedUTF16    = "E0103" // half a character of UTF-16

	// Characters and words.
	codeCharacter     = "E0110" // a character that means nothing outside of a text
	codeTypographic   = "E0111" // a typographic quote or dash
	codeOpenText      = "E0112" // a text without its closing quote
	codeNumber        = "E0113" // digits that are no number
	codeVariableName  = "E0114" // a $ without a name
	codeWrongOperator = "E0115" // an operator of another language
	codeWrongComment  = "E0116" // a comment of another language

	// Expressions.
	codeMissingValue   = "E0120" // a value is missing
	codeMissingBracket = "E0121" // a ) is missing
	codeUnexpected     = "E0122" // something that cannot stand here
	codeChain          = "E0123" // comparisons do not chain
	codeTwoReadings    = "E0124" // NOT(x) == y
	codeDeepExpression = "E0125" // too many brackets in each other, or operators in a row
	codeAssignedHere   = "E0126" // = for ==
	codeMissingQuotes  = "E0127" // words that look like a text
	codeMissingJoin    = "E0128" // two values with nothing between them

	// Statements.
	codeMissingDollar   = "E0130" // name = … without $
	codeMissingBrackets = "E0131" // arguments or a condition without brackets
	codeOneStatement    = "E0132" // something behind the end of a statement
	codeLabel           = "E0133" // a label or GOTO that is not :name
	codeForEach         = "E0134" // FOREACH that is not $item IN list
	codeNotAStatement   = "E0135" // a line that does nothing, or cannot begin so
	codeWrongKeyword    = "E0136" // a keyword of another language: ENDIF, ELSEIF, THEN
	codeWords           = "E0137" // INCLUDE, TRY, CATCH or ONERROR with something else behind it than it takes
	codeFunctionHead    = "E0138" // FUNCTION that is not FUNCTION name($a, $b)
	codeGlobal          = "E0139" // GLOBAL that is not GLOBAL $a, $b

	// Blocks.
	codeWrongEnd   = "E0140" // END of another block than the innermost
	codeStrayEnd   = "E0141" // END without a block
	codeMissingEnd = "E0142" // a block without END
	codeStrayElse  = "E0143" // ELSE without IF, or behind ELSE
	codeDeepBlocks = "E0144" // too many blocks in each other
	codeOutermost  = "E0145" // FUNCTION or INCLUDE inside of a block
	codeStrayCatch = "E0146" // CATCH without TRY, or a second one
	codeNoCatch    = "E0147" // a TRY without CATCH

	// Warnings.
	codeMoreErrors   = "W0101" // errors beyond the hundredth
	codeGotoNoColon  = "W0102" // GOTO name, as version 2 wrote it
	errorLimit       = 100     // errors of a file that are reported
	deepestNesting   = 200     // brackets, calls, NOT and minus in each other; blocks in each other
	longestOperation = 10_000  // operators in one expression
)

// mistake is something to say about a place, before it is known whether it will
// be said: an expression collects its own and the statement reports them.
type mistake struct {
	code    string
	span    diag.Span
	message string
	hint    string
}

// wrongOperators are operators of other languages: what they become so that the
// line can be read on, and what to write. Longer ones are looked for first.
type wrongOperator struct{ written, kept, hint string }

func wrongOperators() []wrongOperator {
	return []wrongOperator{
		{"===", "==", "write =="},
		{"!==", "!=", "write !="},
		{"<=>", "==", "compare with <, == or >"},
		{"<>", "!=", "write !="},
		{"=<", "<=", "write <="},
		{"=>", ">=", "write >="},
		{"=~", "==", ""},
		{"&&", "AND", "write AND"},
		{"||", "OR", "write OR"},
		{"&", ".", "write . to join texts, AND for both conditions"},
		{"|", "OR", "write OR; a text that holds | needs quotes"},
		{"++", "", "write $name = $name + 1"},
		{"+=", "=", "write $name = $name + …"},
		{"-=", "=", "write $name = $name - …"},
		{"*=", "=", "write $name = $name * …"},
		{"/=", "=", "write $name = $name / …"},
		{".=", "=", "write $name = $name . …"},
		{":=", "=", "write ="},
		{"**", "*", "there is no power; multiply"},
		{"^", "*", "there is no power; multiply"},
		{"!", "NOT", "write NOT"},
	}
}

// wrongKeyword returns the line of ours that a word of other languages, or two of
// ours written together, stands for; "" if the word is none of them.
func wrongKeyword(word string) string {
	switch word {
	case "ENDIF", "FI":
		return "END IF"
	case "ENDWHILE", "WEND", "ENDDO":
		return "END WHILE"
	case "ENDFOREACH", "ENDFOR", "NEXT":
		return "END FOREACH"
	case "ENDFUNCTION", "ENDFUNC":
		return "END FUNCTION"
	case "ENDTRY":
		return "END TRY"
	case "ELSEIF", "ELSIF", "ELIF":
		return "ELSE IF"
	}
	return ""
}

// reporter collects what is wrong with one file.
type reporter struct {
	file   *diag.File
	list   diag.List
	errors int // how many there were, those not in the list included
}

func newReporter(file *diag.File) *reporter { return &reporter{file: file} }

// errorf reports an error at a span; hint says what to do, "" if that is plain.
func (r *reporter) errorf(code string, span diag.Span, hint, format string, args ...any) {
	r.add(diag.Diagnostic{Severity: diag.Error, Code: code, Span: span, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// warnf reports a warning at a span.
func (r *reporter) warnf(code string, span diag.Span, hint, format string, args ...any) {
	r.add(diag.Diagnostic{Severity: diag.Warning, Code: code, Span: span, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

func (r *reporter) mistake(m mistake) { r.errorf(m.code, m.span, m.hint, "%s", m.message) }

// add files a diagnostic. Once there are too many errors, a warning says so and
// the rest is only counted.
func (r *reporter) add(d diag.Diagnostic) {
	d.File = r.file
	if d.Severity == diag.Error {
		r.errors++
	}
	switch {
	case r.errors <= errorLimit:
		r.list = append(r.list, d)
	case r.errors == errorLimit+1 && d.Severity == diag.Error:
		r.list = append(r.list, diag.Diagnostic{Severity: diag.Warning, Code: codeMoreErrors, File: r.file, Span: d.Span,
			Message: fmt.Sprintf("the file has more errors than %d; those from here on are not shown", errorLimit)})
	}
}
