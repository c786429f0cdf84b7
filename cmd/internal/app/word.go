package app

import (
	"fmt"

	"github.com/alecthomas/kong"
)

// Word is a word of the command line, byte for byte. kong passes strings through
// JSON, which replaces what is not UTF-8; file names and a script's arguments may
// be any bytes.
type Word string

// Decode takes the word from kong's scanner as it is.
func (w *Word) Decode(ctx *kong.DecodeContext) error {
	token, err := ctx.Scan.PopValue("text")
	if err != nil {
		return err
	}
	text, ok := token.Value.(string)
	if !ok {
		return fmt.Errorf("expected a text, found %v", token.Value)
	}
	*w = Word(text)
	return nil
}

// Words turns words into plain texts.
func Words(words []Word) []string {
	var texts []string
	for _, w := range words {
		texts = append(texts, string(w))
	}
	return texts
}
