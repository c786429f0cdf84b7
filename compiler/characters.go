package compiler

import (
	"fmt"
	"strings"
	"unicode"
)

// What word processors and web pages put in place of plain characters.
const (
	doubleQuotes = "“”„‟«»″＂"
	singleQuotes = "‘’‚‛‹›′＇"
	dashes       = "‐‑‒–—―−﹣－"
)

func isTypographicQuote(r rune) bool { return strings.ContainsRune(doubleQuotes+singleQuotes, r) }

// closes reports whether r ends a text that the typographic quote open began:
// any quote that is as single or double as it is, plain ones included.
func closes(open, r rune) bool {
	if strings.ContainsRune(doubleQuotes, open) {
		return r == '"' || strings.ContainsRune(doubleQuotes, r)
	}
	return r == '\'' || strings.ContainsRune(singleQuotes, r)
}

// plainQuote is the quote that a typographic one stands for.
func plainQuote(r rune) string {
	if strings.ContainsRune(doubleQuotes, r) {
		return `"`
	}
	return "'"
}

// named is how a message calls a character: itself if it can be seen, and its
// number, since many look alike.
func named(r rune) string {
	switch {
	case r < 0x80 && r > ' ' && r != 0x7f:
		return string(r)
	case r == 0:
		return "a NUL byte"
	case r < ' ' || r == 0x7f || unicode.Is(unicode.Cc, r):
		return fmt.Sprintf("the control character U+%04X", r)
	case unicode.IsSpace(r) || r == '\ufeff' || !unicode.IsGraphic(r):
		return fmt.Sprintf("the invisible character U+%04X", r)
	}
	return fmt.Sprintf("%c (U+%04X)", r, r)
}

// characterHint says what to do about a character that means nothing.
func characterHint(r rune) string {
	switch {
	case r == ';':
		return "a statement ends with its line"
	case r == '{' || r == '}':
		return "blocks end with END IF, END WHILE, END FOREACH"
	case r == '[' || r == ']':
		return "lists are texts joined by |; FOREACH walks through them"
	case r == '\\':
		return `a text needs quotes; a quote in a text is doubled: "say ""hi"""`
	case r == '%':
		return "a variable is $name, and a text needs quotes"
	case r == '?' || r == '@' || r == '~':
		return "a text needs quotes"
	case r == '`':
		return `texts stand in "…" or '…'`
	case r < ' ' || unicode.IsSpace(r) || !unicode.IsGraphic(r):
		return "delete it; only blanks, tabs and line ends may stand between words"
	}
	return ""
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
