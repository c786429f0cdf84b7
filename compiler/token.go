package compiler

import (
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/sftpc/sftpc/vm/diag"
)

// The kinds of tokens. participle reserves -1 for the end of the file.
const (
	tokenEOL      lexer.TokenType = -2 - iota // the end of a statement
	tokenText                                 // with its quotes, as written
	tokenNumber                               // digits, perhaps a point and digits
	tokenVariable                             // with its $, as written
	tokenName                                 // a word that is no keyword, as written
	tokenKeyword                              // in capitals
	tokenOperator                             // operators, brackets, comma, colon
)

// Values of a token are the bytes of the source at its offset, but for three: a
// keyword is in capitals, an operator of another language (&&, <>, a long dash)
// has become ours, and the end of a line is "\n". Of the position only the offset
// is filled in; diag.File knows lines and columns.

// symbols are the kinds as the grammar names them.
func symbols() map[string]lexer.TokenType {
	return map[string]lexer.TokenType{
		"EOF": lexer.EOF, "EOL": tokenEOL, "Text": tokenText, "Number": tokenNumber, "Variable": tokenVariable,
		"Name": tokenName, "Keyword": tokenKeyword, "Operator": tokenOperator,
	}
}

// longestKeyword is the length of CONTINUE and FUNCTION.
const longestKeyword = 8

// keyword returns the word in capitals if it is a keyword, "" if it is not. It
// allocates nothing, since it is asked for every word of a script.
func keyword(word string) string {
	if len(word) < 2 || len(word) > longestKeyword {
		return ""
	}
	var capitals [longestKeyword]byte
	for i := range len(word) {
		c := word[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		capitals[i] = c
	}
	switch string(capitals[:len(word)]) {
	case "IF":
		return "IF"
	case "ELSE":
		return "ELSE"
	case "END":
		return "END"
	case "WHILE":
		return "WHILE"
	case "FOREACH":
		return "FOREACH"
	case "IN":
		return "IN"
	case "BREAK":
		return "BREAK"
	case "CONTINUE":
		return "CONTINUE"
	case "GOTO":
		return "GOTO"
	case "AND":
		return "AND"
	case "OR":
		return "OR"
	case "NOT":
		return "NOT"
	case "FUNCTION":
		return "FUNCTION"
	case "RETURN":
		return "RETURN"
	case "GLOBAL":
		return "GLOBAL"
	case "INCLUDE":
		return "INCLUDE"
	case "TRY":
		return "TRY"
	case "CATCH":
		return "CATCH"
	case "ONERROR":
		return "ONERROR"
	}
	return ""
}

// spanOf is where a token stands.
func spanOf(t *lexer.Token) diag.Span {
	if t.Type == tokenEOL {
		return diag.Span{Start: t.Pos.Offset, End: t.Pos.Offset}
	}
	return diag.Span{Start: t.Pos.Offset, End: t.Pos.Offset + len(t.Value)}
}

// isOperator reports whether t is that operator, bracket, comma or colon.
func isOperator(t *lexer.Token, value string) bool {
	return t.Type == tokenOperator && t.Value == value
}

func isKeyword(t *lexer.Token, value string) bool {
	return t.Type == tokenKeyword && t.Value == value
}

// startsValue reports whether an expression can begin with t.
func startsValue(t *lexer.Token) bool {
	switch t.Type {
	case tokenText, tokenNumber, tokenVariable, tokenName:
		return true
	}
	return isOperator(t, "(") || isOperator(t, "-") || isKeyword(t, "NOT")
}

// unquote returns the value of a text token: without its quotes, and with
// doubled quotes of its own kind as one.
func unquote(raw string) string {
	quote, size := utf8.DecodeRuneInString(raw)
	inner := raw[size:]
	if quote != '"' && quote != '\'' {
		_, last := utf8.DecodeLastRuneInString(inner) // typographic, reported already
		return inner[:len(inner)-last]
	}
	inner = strings.TrimSuffix(inner, raw[:1])
	if strings.IndexByte(inner, raw[0]) < 0 {
		return inner
	}
	return strings.ReplaceAll(inner, raw[:1]+raw[:1], raw[:1])
}

// described is how a message calls a token that it did not expect.
func described(t *lexer.Token) string {
	switch t.Type {
	case lexer.EOF:
		return "the end of the file"
	case tokenEOL:
		return "the end of the line"
	case tokenText:
		return "the text " + shortened(t.Value)
	case tokenNumber:
		return "the number " + shortened(t.Value)
	}
	return shortened(t.Value)
}

// shortened cuts what a message quotes from the script.
func shortened(s string) string {
	const most = 40
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

// spelled writes tokens as a person would, for hints that show a correction.
func spelled(tokens []lexer.Token) string {
	var b strings.Builder
	for i := range tokens {
		t := &tokens[i]
		if i > 0 && !isOperator(t, ")") && !isOperator(t, ",") && !isOperator(&tokens[i-1], "(") &&
			!(isOperator(t, "(") && tokens[i-1].Type == tokenName) {
			b.WriteByte(' ')
		}
		b.WriteString(t.Value)
		if b.Len() > 200 {
			return b.String() + " …"
		}
	}
	return b.String()
}
