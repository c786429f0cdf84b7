package compiler

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/diag"
)

// Format writes a script in the one layout: four blanks a block, words of the language
// in capitals, one blank around operators and behind commas. Comments, texts, numbers,
// the case of variables and labels, and lines that go on inside brackets stay as their
// author wrote them; of several empty lines one stays. The result is UTF-8 without a
// mark, with the line ends of the source's first line, and formatted again it is the
// same. It compiles to the same program, but for places.
//
// A script that cannot be parsed is not formatted: the list says why. Names that are
// unknown are no hindrance. Format is safe for concurrent use.
func Format(name string, source []byte, commands []catalog.Command, opts Options) ([]byte, diag.List) {
	file, problems := openSource(name, source, opts.Encoding)
	if problems.errors > 0 {
		return nil, problems.sorted()
	}
	parse(file, problems)
	if problems.errors > 0 {
		return nil, problems.sorted()
	}
	f := formatter{text: file.Text(), end: lineEndOf(file.Text()), words: capitalWords(commands)}
	f.tokens(scan(file, newReporter(file)).list)
	return []byte(f.out.String()), nil
}

// lineEndOf is how the first line of a text ends: LF if it does not.
func lineEndOf(text string) string {
	at := strings.IndexAny(text, "\r\n")
	switch {
	case at < 0 || text[at] == '\n':
		return "\n"
	case strings.HasPrefix(text[at:], "\r\n"):
		return "\r\n"
	}
	return "\n" // CR alone is nobody's habit any more
}

// capitalWords are the names that are written in capitals: those of commands and of
// their constants. What else is a bare word is the writer's own.
func capitalWords(commands []catalog.Command) map[string]bool {
	words := map[string]bool{"TRUE": true, "FALSE": true, catalog.OK: true}
	for _, r := range catalog.Results() {
		words[r.Name] = true
	}
	for _, c := range commands {
		words[c.Name] = true
		for _, form := range c.Forms {
			for _, p := range form.Params {
				for _, constant := range p.Constants {
					words[constant] = true
				}
			}
		}
	}
	return words
}

// indent is what one block deeper begins with.
const indent = "    "

// formatter writes the lines of a script anew.
type formatter struct {
	text  string // the source
	end   string // of each line written
	words map[string]bool
	out   strings.Builder

	depth    int  // blocks open around this statement
	deeper   bool // the statement opens one, from the next line on
	within   bool // the statement goes on: the line to come is not its first
	last     lexer.Token
	unary    bool // last is a sign, not an operator between two values
	lineOpen bool // something stands on the line that is being written
	blank    bool // an empty line is due before the next one
}

// tokens writes all of a file. What stands between two tokens are blanks, line ends and
// comments.
func (f *formatter) tokens(list []lexer.Token) {
	at := 0
	ended := true // the statement before has ended
	for i := range list {
		t := &list[i]
		switch t.Type {
		case tokenEOL:
			ended = true
			continue
		case lexer.EOF:
			f.between(f.text[at:], true)
			f.breakLine()
			return
		}
		start := t.Pos.Offset
		f.between(f.text[at:start], ended)
		if ended {
			f.begin(list[i:])
			ended = false
		}
		f.token(t)
		at = start + len(t.Value)
	}
}

// between writes the comments of what stands between two tokens, and ends lines where
// the source does. ended says that the statement before it is whole.
func (f *formatter) between(gap string, ended bool) {
	lines := 0
	for gap != "" {
		switch gap[0] {
		case '\n', '\r':
			if lines++; lines > 1 && f.out.Len() > 0 {
				f.blank = true
			}
			f.breakLine()
			if ended {
				f.finish()
			}
			f.within = !ended
			if strings.HasPrefix(gap, "\r\n") {
				gap = gap[1:]
			}
			gap = gap[1:]
		case '#':
			comment := gap
			if i := strings.IndexAny(gap, "\r\n"); i >= 0 {
				comment = gap[:i]
			}
			gap = gap[len(comment):]
			f.comment(comment)
			lines = 0
		default:
			gap = gap[1:]
		}
	}
}

// comment writes a comment: behind what stands on its line, or as a line of its own.
func (f *formatter) comment(text string) {
	if f.lineOpen {
		f.out.WriteString("  ")
	} else {
		f.openLine()
	}
	f.out.WriteString(strings.TrimRight(text, " \t\u00a0"))
	f.lineOpen = true
}

// begin looks at the first words of a statement: they say where its line stands.
func (f *formatter) begin(list []lexer.Token) {
	f.finish()
	f.within, f.last = false, lexer.Token{Type: tokenEOL}
	switch first := &list[0]; {
	case first.Type != tokenKeyword:
	case isKeyword(first, "END"):
		f.depth = max(0, f.depth-1)
	case isKeyword(first, "ELSE"), isKeyword(first, "CATCH"):
		f.depth = max(0, f.depth-1)
		f.deeper = true
	case isKeyword(first, "IF"), isKeyword(first, "WHILE"), isKeyword(first, "FOREACH"), isKeyword(first, "FUNCTION"), isKeyword(first, "TRY"):
		f.deeper = true
	}
}

// finish goes into the block that the statement opened.
func (f *formatter) finish() {
	if f.deeper {
		f.depth++
		f.deeper = false
	}
}

// token writes one token, with a blank before it where one belongs.
func (f *formatter) token(t *lexer.Token) {
	value := t.Value
	if t.Type == tokenName && f.words[strings.ToUpper(value)] && !isOperator(&f.last, ":") && !isKeyword(&f.last, "GOTO") {
		value = strings.ToUpper(value)
	}
	switch {
	case !f.lineOpen:
		f.openLineBefore(t)
	case f.apart(t):
		f.out.WriteByte(' ')
	}
	f.unary = isOperator(t, "-") && !f.valueBefore()
	f.out.WriteString(value)
	f.lineOpen, f.last = true, *t
}

// valueBefore reports whether the last token ends a value, so that a minus behind it
// lies between two.
func (f *formatter) valueBefore() bool {
	switch f.last.Type {
	case tokenText, tokenNumber, tokenVariable, tokenName:
		return true
	}
	return isOperator(&f.last, ")")
}

// apart reports whether a blank belongs between the last token and t.
func (f *formatter) apart(t *lexer.Token) bool {
	switch last := &f.last; {
	case isOperator(t, ")"), isOperator(t, ","), isOperator(last, "("), isOperator(last, ":"):
		return false
	case isOperator(t, "("):
		return last.Type != tokenName && !isKeyword(last, "IF") && !isKeyword(last, "WHILE")
	case f.unary:
		return isOperator(t, "-") // two of them are not to be taken for another sign
	}
	return true
}

// openLine begins a line of its own at the statement's place.
func (f *formatter) openLine() {
	if f.blank {
		f.out.WriteString(f.end)
		f.blank = false
	}
	f.out.WriteString(strings.Repeat(indent, f.depth))
	if f.within {
		f.out.WriteString(indent)
	}
}

// openLineBefore is openLine for a line that begins with t: a bracket that closes what
// lines above opened stands below the statement.
func (f *formatter) openLineBefore(t *lexer.Token) {
	if isOperator(t, ")") {
		f.within = false
	}
	f.openLine()
}

// breakLine ends the line that is being written, if there is one.
func (f *formatter) breakLine() {
	if f.lineOpen {
		f.out.WriteString(f.end)
		f.lineOpen = false
	}
}
