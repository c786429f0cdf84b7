package compiler

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/sftpc/sftpc/vm/diag"
)

// tokens are a file cut into tokens. Blanks and comments are not among them, nor
// the ends of empty lines and of lines that go on inside brackets. The last two
// are an EOL and the EOF, but in an empty file.
type tokens struct {
	list   []lexer.Token
	faults []int // offsets of what was reported while cutting, ascending
}

// scanner cuts a file into tokens.
type scanner struct {
	file   *diag.File
	text   string
	at     int
	report *reporter
	tokens
	open      int  // brackets open in this statement
	lineStart bool // no token of this line yet
	endless   bool // no */ follows, so looking for one again would be in vain
	wrong     []wrongOperator
}

// scan cuts the file into tokens and reports what cannot be read. What it
// reports does not stop it: a wrong operator becomes the one that was meant, a
// character that means nothing is passed over.
func scan(file *diag.File, report *reporter) tokens {
	s := scanner{file: file, text: file.Text(), report: report, lineStart: true, wrong: wrongOperators()}
	s.list = make([]lexer.Token, 0, len(s.text)/4+16)
	for s.at < len(s.text) {
		s.next()
	}
	s.endLine(s.at)
	s.list = append(s.list, lexer.EOFToken(lexer.Position{Offset: s.at}))
	return s.tokens
}

// next reads what stands at s.at: a token, or something between tokens.
func (s *scanner) next() {
	switch c := s.text[s.at]; {
	case c == ' ' || c == '\t':
		s.at++
	case c == '\n' || c == '\r':
		s.endLine(s.at)
		s.at++
		s.lineStart = true
	case c == '#':
		s.at = s.lineEnd()
	case isLetter(c):
		s.word()
	case isDigit(c):
		s.number()
	case c == '$':
		s.variable()
	case c == '"' || c == '\'':
		s.quoted(c)
	case c < utf8.RuneSelf:
		s.sign(c)
	default:
		s.foreign()
	}
}

// emit appends a token. At the start of a line it also decides whether the line
// before goes on: it does inside brackets if this line begins with ) or an
// operator. If the line before ended with a comma or an operator it was taken to
// go on already; a word that can only begin a statement undoes that, so that a
// forgotten bracket is reported on its own line.
func (s *scanner) emit(kind lexer.TokenType, value string, offset int) {
	if s.lineStart && s.open > 0 {
		n := len(s.list)
		switch ended := s.list[n-1].Type == tokenEOL; {
		case ended && goesOnBefore(kind, value):
			s.list = s.list[:n-1]
		case ended && kind == tokenOperator && value == ",":
			s.list = s.list[:n-1]
			s.fault(codeUnexpected, offset, "put the comma at the end of the line above", "a line cannot begin with a comma")
		case ended:
			s.open = 0
		case beginsStatement(kind, value):
			last := &s.list[n-1]
			s.list = append(s.list, lexer.Token{Type: tokenEOL, Value: "\n", Pos: lexer.Position{Offset: spanOf(last).End}})
			s.open = 0
		}
	}
	s.lineStart = false
	s.list = append(s.list, lexer.Token{Type: kind, Value: value, Pos: lexer.Position{Offset: offset}})
}

// endLine ends the statement, unless there is none or it goes on.
func (s *scanner) endLine(offset int) {
	n := len(s.list)
	if n == 0 || s.list[n-1].Type == tokenEOL || s.open > 0 && offset < len(s.text) && goesOnAfter(&s.list[n-1]) {
		return
	}
	s.list = append(s.list, lexer.Token{Type: tokenEOL, Value: "\n", Pos: lexer.Position{Offset: offset}})
}

// goesOnBefore reports whether a line that begins so continues the one before it
// inside brackets. A minus does: a value stands before it, so it is no unary one.
func goesOnBefore(kind lexer.TokenType, value string) bool {
	switch kind {
	case tokenOperator:
		return value != "(" && value != "," && value != ":"
	case tokenKeyword:
		return value == "AND" || value == "OR"
	}
	return false
}

// goesOnAfter reports whether a line that ends so is continued inside brackets.
func goesOnAfter(last *lexer.Token) bool {
	switch last.Type {
	case tokenOperator:
		return last.Value != ")" && last.Value != ":"
	case tokenKeyword:
		return last.Value == "AND" || last.Value == "OR" || last.Value == "NOT"
	}
	return false
}

func beginsStatement(kind lexer.TokenType, value string) bool {
	switch kind {
	case tokenKeyword:
		return value != "AND" && value != "OR" && value != "NOT" && value != "IN"
	case tokenOperator:
		return value == ":"
	}
	return false
}

// word reads a name or a keyword. Behind a colon it is a label, whatever it says:
// GOTO :end is too common to forbid.
func (s *scanner) word() {
	start := s.at
	s.at = s.wordEnd(start)
	text := s.text[start:s.at]
	n := len(s.list)
	if n > 0 && isKeyword(&s.list[n-1], "ONERROR") && strings.EqualFold(text, "STOP") {
		s.emit(tokenKeyword, "STOP", start) // elsewhere it is a command
		return
	}
	if k := keyword(text); k != "" && (n == 0 || !isOperator(&s.list[n-1], ":")) {
		s.emit(tokenKeyword, k, start)
		return
	}
	s.emit(tokenName, text, start)
}

// wordEnd returns where the letters, digits and _ from offset i on end.
func (s *scanner) wordEnd(i int) int {
	for i < len(s.text) {
		c := s.text[i]
		if isLetter(c) || isDigit(c) {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			break
		}
		r, size := utf8.DecodeRuneInString(s.text[i:])
		if !unicode.IsLetter(r) {
			break
		}
		i += size
	}
	return i
}

// number reads digits, or digits point digits. A number with a point must not
// touch another point, because 1.5.2 could be cut in two ways.
func (s *scanner) number() {
	start := s.at
	s.digits()
	pointed := false
	if s.byteAt(s.at) == '.' && isDigit(s.byteAt(s.at+1)) {
		pointed = true
		s.at++
		s.digits()
	}
	if end := s.wordEnd(s.at); end > s.at {
		s.at = end
		s.fault(codeNumber, start, "a name begins with a letter, a text needs quotes, and a number has digits only",
			"%s is neither a number nor a name", shortened(s.text[start:end]))
	} else if pointed && (s.byteAt(s.at) == '.' || start > 0 && s.text[start-1] == '.') {
		for s.byteAt(s.at) == '.' || isDigit(s.byteAt(s.at)) {
			s.at++
		}
		s.fault(codeNumber, start, "blanks round the point join, quotes round the digits keep them together",
			"%s touches another point, so it is not clear which one joins", shortened(s.text[start:s.at]))
	}
	s.emit(tokenNumber, s.text[start:s.at], start)
}

func (s *scanner) digits() {
	for isDigit(s.byteAt(s.at)) {
		s.at++
	}
}

// byteAt is the byte at offset i, 0 behind the end.
func (s *scanner) byteAt(i int) byte {
	if i < len(s.text) {
		return s.text[i]
	}
	return 0
}

func (s *scanner) variable() {
	start := s.at
	s.at++
	if c := s.byteAt(s.at); !isDigit(c) {
		s.at = s.wordEnd(s.at)
	}
	if s.at == start+1 {
		hint := "a variable is $ and a name of letters, digits and _, not a digit first"
		if s.byteAt(s.at) == '{' {
			hint = "write $name without braces; join with ."
			if end := s.wordEnd(s.at + 1); s.byteAt(end) == '}' {
				s.at = end + 1
			}
		} else {
			s.at = s.wordEnd(s.at)
		}
		s.fault(codeVariableName, start, hint, "a name is missing behind $")
	}
	s.emit(tokenVariable, s.text[start:s.at], start)
}

// quoted reads a text. It ends on its line; two quotes of its own kind are one.
func (s *scanner) quoted(quote byte) {
	start := s.at
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case quote:
			if s.byteAt(s.at+1) == quote {
				s.at++
				continue
			}
			s.at++
			s.emit(tokenText, s.text[start:s.at], start)
			return
		case '\r', '\n':
			s.unclosed(start)
			return
		}
	}
	s.unclosed(start)
}

// unclosed reports a text that goes on to the end of its line, at s.at.
func (s *scanner) unclosed(start int) {
	text := s.text[start:s.at]
	hint := "a text ends on its line"
	if i := strings.IndexFunc(text, isTypographicQuote); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		hint = named(r) + " is typographic and closes nothing; write " + text[:1]
	}
	s.fault(codeOpenText, start, hint, "the closing %s of this text is missing", text[:1])
	s.emit(tokenText, text, start)
}

// lineEnd is the offset of the end of the line at s.at.
func (s *scanner) lineEnd() int {
	if i := strings.IndexAny(s.text[s.at:], "\r\n"); i >= 0 {
		return s.at + i
	}
	return len(s.text)
}

// sign reads an operator or bracket of ASCII.
func (s *scanner) sign(c byte) {
	start := s.at
	following := s.byteAt(s.at + 1)
	if c == '/' && (following == '/' || following == '*') {
		s.wrongComment(following)
		return
	}
	for _, w := range s.wrong {
		if w.written[0] == c && strings.HasPrefix(s.text[start:], w.written) && !(w.written == "!" && following == '=') {
			s.at += len(w.written)
			s.wrongOperator(w, start)
			return
		}
	}
	value := s.text[start : start+1]
	switch c {
	case '=', '<', '>', '!':
		if following == '=' {
			value = s.text[start : start+2]
		}
	case '(', ')', ',', '.', '+', '-', '*', '/', ':':
	default:
		s.at++
		s.fault(codeCharacter, start, characterHint(rune(c)), "%s means nothing here", named(rune(c)))
		if c == ';' && s.open == 0 {
			s.endLine(start)
		}
		return
	}
	s.at += len(value)
	s.emit(tokenOperator, value, start)
	switch c {
	case '(':
		s.open++
	case ')':
		s.open = max(0, s.open-1)
	}
}

// wrongOperator reports an operator of another language and puts ours in its place.
func (s *scanner) wrongOperator(w wrongOperator, start int) {
	hint := w.hint
	if n := len(s.list); n > 0 && s.list[n-1].Type == tokenVariable {
		hint = strings.ReplaceAll(hint, "$name", s.list[n-1].Value)
	}
	s.fault(codeWrongOperator, start, hint, "%s is no operator", w.written)
	switch {
	case w.kept == "":
	case isLetter(w.kept[0]):
		s.emit(tokenKeyword, w.kept, start)
	default:
		s.emit(tokenOperator, w.kept, start)
	}
}

func (s *scanner) wrongComment(following byte) {
	start := s.at
	closed := -1
	if following == '*' && !s.endless {
		closed = strings.Index(s.text[start+2:], "*/")
		s.endless = closed < 0
	}
	if closed >= 0 {
		s.at += 2 + closed + 2
	} else {
		s.at = s.lineEnd() // asked only here: a line can hold many comments
	}
	s.fault(codeWrongComment, start, "a comment begins with #", "/%c begins no comment", following)
}

// foreign reads what begins with a character beyond ASCII.
func (s *scanner) foreign() {
	start := s.at
	r, size := utf8.DecodeRuneInString(s.text[start:])
	switch {
	case r == '\u00a0':
		s.at += size
	case unicode.IsLetter(r):
		s.word()
	case isTypographicQuote(r):
		s.typographicText(r, size)
	case strings.ContainsRune(dashes, r):
		s.at += size
		s.fault(codeTypographic, start, "write -", "%s is a typographic dash", named(r))
		s.emit(tokenOperator, "-", start)
	default:
		s.at += size
		s.fault(codeCharacter, start, characterHint(r), "%s means nothing here", named(r))
	}
}

// typographicText reads a text in quotes of a word processor, to the first quote
// that can be meant to close it.
func (s *scanner) typographicText(open rune, size int) {
	start := s.at
	hint := "write " + plainQuote(open)
	for s.at += size; s.at < len(s.text); {
		r, size := utf8.DecodeRuneInString(s.text[s.at:])
		if r == '\r' || r == '\n' {
			break
		}
		s.at += size
		if !closes(open, r) {
			continue
		}
		if r == open || r < utf8.RuneSelf {
			s.fault(codeTypographic, start, hint, "%s is a typographic quote", named(open))
		} else {
			s.fault(codeTypographic, start, hint, "%s and %s are typographic quotes", named(open), named(r))
		}
		s.emit(tokenText, s.text[start:s.at], start)
		return
	}
	s.fault(codeTypographic, start, hint, "%s is a typographic quote", named(open))
	s.emit(tokenText, s.text[start:s.at]+plainQuote(open), start)
}

// fault reports what stands between start and s.at. The parser says nothing more
// about a statement that holds a fault.
func (s *scanner) fault(code string, start int, hint, format string, args ...any) {
	s.faults = append(s.faults, start)
	s.report.errorf(code, diag.Span{Start: start, End: s.at}, hint, format, args...)
}

// definition makes the scanner a lexer of participle. The parser proper scans
// beforehand, with a reporter, and takes only the names of the kinds from here.
type definition struct{}

func (definition) Symbols() map[string]lexer.TokenType { return symbols() }

func (definition) Lex(filename string, r io.Reader) (lexer.Lexer, error) {
	source, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	file := diag.NewFile(filename, string(source))
	report := newReporter(file)
	list := scan(file, report)
	return &tokenReader{list.list}, report.list.Err()
}

// tokenReader hands tokens to participle one by one.
type tokenReader struct{ list []lexer.Token }

// Next returns the next token; the last one is the EOF, again and again.
func (r *tokenReader) Next() (lexer.Token, error) {
	t := r.list[0]
	if len(r.list) > 1 {
		r.list = r.list[1:]
	}
	return t, nil
}
