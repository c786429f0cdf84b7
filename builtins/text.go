package builtins

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/value"
)

// textCommands compute with texts. Characters are those of UTF-8; a byte that is
// not UTF-8 counts as one character, so that any text can be cut and nothing is
// lost or changed by it.
func textCommands() family {
	return family{
		"TEXTCUT":     (*State).textCut,
		"TEXTLENGTH":  (*State).textLength,
		"TEXTREPLACE": (*State).textReplace,
		"TEXTFIND":    (*State).textFind,
		"TEXTUPPER":   func(_ *State, a *arguments) error { a.returns(mapLetters(a.text(0), unicode.ToUpper)); return nil },
		"TEXTLOWER":   func(_ *State, a *arguments) error { a.returns(mapLetters(a.text(0), unicode.ToLower)); return nil },
		"TEXTTRIM":    (*State).textTrim,
		"TEXTMATCH":   (*State).textMatch,
		"TEXTSPLIT":   (*State).textSplit,
		"TEXTEQUAL":   (*State).textEqual,
	}
}

// mostCharacters is beyond the length of any text: numbers above it mean "to the end".
const mostCharacters = 1 << 52

// textCut is length characters from the start-th on, the first being 1. What lies
// beyond the text is not there: the result is shorter, and not a failure.
func (s *State) textCut(a *arguments) error {
	text := a.text(0)
	start, err := a.whole(1, 1, mostCharacters)
	if err != nil {
		return err
	}
	length, err := a.whole(2, 0, mostCharacters)
	if err != nil {
		return err
	}
	from := skipCharacters(text, start-1)
	a.returns(text[from : from+skipCharacters(text[from:], length)])
	return nil
}

// skipCharacters is the number of bytes of the first n characters.
func skipCharacters(text string, n int64) int {
	at := 0
	for ; n > 0 && at < len(text); n-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

func (s *State) textLength(a *arguments) error {
	a.returnsValue(value.Number(float64(utf8.RuneCountInString(a.text(0)))))
	return nil
}

// textReplace is TEXTREPLACE(text, search, replacement): every occurrence from the
// left, none within what was put in.
func (s *State) textReplace(a *arguments) error {
	text, search, replacement := a.text(0), a.text(1), a.text(2)
	if search == "" {
		return a.bad(1, "is empty: the text to look for is needed")
	}
	if longer := len(replacement) - len(search); longer > 0 && len(text)+strings.Count(text, search)*longer > vm.MaxTextLength {
		return a.bad(2, "makes a text of more than %d bytes", vm.MaxTextLength)
	}
	a.returns(strings.ReplaceAll(text, search, replacement))
	return nil
}

// textFind is TEXTFIND(text, search [, start]): the place of the first occurrence that
// begins at start or behind it, 0 for none.
func (s *State) textFind(a *arguments) error {
	text, search, start := a.text(0), a.text(1), int64(1)
	if search == "" {
		return a.bad(1, "is empty: the text to look for is needed")
	}
	if a.has(2) {
		var err error
		if start, err = a.whole(2, 1, mostCharacters); err != nil {
			return err
		}
	}
	from := skipCharacters(text, start-1)
	place := 0
	if found := strings.Index(text[from:], search); found >= 0 {
		place = utf8.RuneCountInString(text[:from+found]) + 1
	}
	a.returnsValue(value.Number(float64(place)))
	return nil
}

// mapLetters replaces each letter by one other. Bytes that are not UTF-8 stay, which
// package strings would replace.
func mapLetters(text string, other func(rune) rune) string {
	var b strings.Builder
	b.Grow(len(text))
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if r == utf8.RuneError && size == 1 {
			b.WriteByte(text[at])
		} else {
			b.WriteRune(other(r))
		}
		at += size
	}
	return b.String()
}

// textTrim is TEXTTRIM(text [, characters]).
func (s *State) textTrim(a *arguments) error {
	around := " \t\r\n"
	if a.has(1) {
		around = a.text(1)
	}
	a.returns(strings.Trim(a.text(0), around))
	return nil
}

// mostRegexps bounds the regular expressions that a run keeps compiled.
const mostRegexps = 100

// regexp compiles a regular expression once: a loop asks with the same one each time.
func (s *State) regexp(a *arguments, place int) (*regexp.Regexp, error) {
	text := a.text(place)
	if compiled := s.regexps[text]; compiled != nil {
		return compiled, nil
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, a.bad(place, "is no regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if len(s.regexps) >= mostRegexps || s.regexps == nil {
		s.regexps = make(map[string]*regexp.Regexp)
	}
	s.regexps[text] = compiled
	return compiled, nil
}

// textMatch is TEXTMATCH(text, regexp [, group]): whether there is a match anywhere, or
// what a group of the first match holds, 0 being the whole. The expressions are RE2's,
// whose time grows with the text's length only, whatever they are.
func (s *State) textMatch(a *arguments) error {
	compiled, err := s.regexp(a, 1)
	if err != nil {
		return err
	}
	if !a.has(2) {
		a.returns(truth(compiled.MatchString(a.text(0))))
		return nil
	}
	group, err := a.whole(2, 0, int64(compiled.NumSubexp()))
	if err != nil {
		return err
	}
	if found := compiled.FindStringSubmatch(a.text(0)); found != nil {
		a.returns(found[group])
	} else {
		a.returns("")
	}
	return nil
}

// textSplit is TEXTSPLIT(text [, separator]); without a separator the parts are lines.
// A bar in a part would make two items of it, and a name that is cut in two is another
// name: so that is refused.
func (s *State) textSplit(a *arguments) error {
	text, between := a.text(0), a.text(1)
	switch {
	case !a.has(1):
		between = "\n"
		text = strings.NewReplacer("\r\n", between, "\r", between).Replace(text)
		text = strings.TrimSuffix(text, between)
	case between == "":
		return a.bad(1, "is empty: the text between the parts is needed")
	}
	if strings.Contains(strings.ReplaceAll(text, between, ""), separator) {
		return a.bad(0, "holds |, which stands between the items of a list")
	}
	a.returns(strings.ReplaceAll(text, between, separator))
	return nil
}

// textEqual is TEXTEQUAL(text, other [, NOCASE]): unlike == it never compares numbers.
func (s *State) textEqual(a *arguments) error {
	equal := a.text(0) == a.text(1)
	if a.constant(2) == "NOCASE" {
		equal = strings.EqualFold(a.text(0), a.text(1))
	}
	a.returns(truth(equal))
	return nil
}
