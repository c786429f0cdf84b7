package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/compiler"
	"github.com/sftpc/sftpc/vm/diag"
)

type fmtVerb struct {
	Paths []app.Word `arg:"" optional:"" name:"path" help:"scripts, and folders whose .ftp files are meant; standard input if none"`
	Write bool       `short:"w" xor:"what" help:"write the files anew instead of standard output"`
	Diff  bool       `short:"d" xor:"what" help:"show what would change, with status 1 if anything would"`
	List  bool       `short:"l" xor:"what" help:"name the files that would change, with status 1 if any would"`
	From  string     `placeholder:"ENCODING" help:"how scripts that are not UTF-8 are written, as in windows-1252; the result is UTF-8"`
}

func (v *fmtVerb) do(p *app.Process) int {
	files := []string{"-"}
	if len(v.Paths) > 0 {
		var err error
		if files, err = scripts(p, v.Paths); err != nil {
			return p.Refuse(app.StatusUsage, err)
		}
	}
	status := app.StatusGood
	for _, file := range files {
		if v.Write && file == "-" {
			return p.Refuse(app.StatusUsage, fmt.Errorf("standard input cannot be written anew: -w needs a file"))
		}
		source, err := p.ReadFile(file)
		if err != nil {
			return p.Refuse(app.StatusUsage, err)
		}
		formatted, messages := compiler.Format(file, source, catalog.Commands(), compiler.Options{Encoding: v.from(source)})
		if messages.HasErrors() {
			diag.WriteText(p.Stderr, messages, p.Color())
			status = app.StatusFound
			continue
		}
		changed, err := v.tell(p, file, source, formatted)
		if err != nil {
			return p.Refuse(app.StatusFound, err)
		}
		if changed && (v.Diff || v.List) {
			status = app.StatusFound
		}
	}
	return status
}

// from is the encoding that one source is read in. What is UTF-8 already stays so: nobody
// writes such bytes in another encoding, and the same command twice must not spoil what
// the first one made.
func (v *fmtVerb) from(source []byte) string {
	if utf8.Valid(source) && !bytes.ContainsRune(source, 0) {
		return ""
	}
	return v.From
}

// tell writes one formatted script where it belongs, and reports whether it differs
// from its source.
func (v *fmtVerb) tell(p *app.Process, file string, source, formatted []byte) (changed bool, err error) {
	changed = !bytes.Equal(source, formatted)
	switch {
	case v.List && changed:
		_, err = fmt.Fprintln(p.Stdout, diag.Escape(file))
	case v.Diff && changed:
		text := string(diff.Diff(file, source, file+" formatted", formatted))
		if p.StdoutTerminal {
			text = diag.EscapeLines(text)
		}
		_, err = io.WriteString(p.Stdout, text)
	case v.List, v.Diff:
	case !v.Write:
		_, err = io.Copy(p.Stdout, bytes.NewReader(formatted))
	case changed:
		err = v.rewrite(p.Path(file), formatted)
	}
	if err != nil {
		return changed, fmt.Errorf("writing %s: %w", file, err)
	}
	return changed, nil
}

// rewrite replaces a file, or what a link of that name leads to, and keeps its
// permissions.
func (v *fmtVerb) rewrite(name string, formatted []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return writeWhole(name, formatted, info.Mode().Perm())
}
