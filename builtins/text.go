package builtins

import (
	"unicode/utf8"

	"github.com/sftpc/sftpc/vm/value"
)

// textCommands compute with texts. Characters are those of UTF-8; a byte that is
// not UTF-8 counts as one character, so that any text can be cut and nothing is
// lost or changed by it.
func textCommands() family {
	return family{
		"TEXTCUT":    (*State).textCut,
		"TEXTLENGTH": (*State).textLength,
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
