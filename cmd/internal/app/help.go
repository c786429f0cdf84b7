package app

import (
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// PrintHelp prints kong's help. Of what runs a script it says that flags come
// before FILE, which kong's own usage line has the other way round.
func PrintHelp(options kong.HelpOptions, context *kong.Context) error {
	var text strings.Builder
	stdout := context.Stdout
	context.Stdout = &text
	err := kong.DefaultHelpPrinter(options, context)
	context.Stdout = stdout
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, strings.Replace(text.String(), "<file> ... [flags]", "[flags] FILE [ARG ...]", 1))
	return err
}
