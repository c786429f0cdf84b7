package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/compiler"
	"github.com/sftpc/sftpc/vm/diag"
)

type checkVerb struct {
	Paths    []app.Word `arg:"" name:"path" help:"scripts, and folders whose .ftp files are checked"`
	JSON     bool       `name:"json" help:"one JSON object a finding"`
	Failures bool       `help:"tell also, for every command, whether the script looks at its failure"`
	Encoding string     `placeholder:"NAME" help:"how scripts that are not UTF-8 are written, as in windows-1252"`
}

func (v *checkVerb) do(p *app.Process) int {
	files, err := scripts(p, v.Paths)
	if err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	found := false
	for _, file := range files {
		source, err := p.ReadFile(file)
		if err != nil {
			return p.Refuse(app.StatusUsage, err)
		}
		folder, done := p.Folder(file)
		report, messages := compiler.Check(file, source, catalog.Commands(), compiler.Options{Encoding: v.Encoding, Includes: folder})
		done()
		if v.JSON {
			err = diag.WriteJSON(p.Stdout, messages)
		} else {
			err = diag.WriteText(p.Stdout, messages, p.StdoutTerminal && p.Color())
		}
		if err != nil {
			return p.Refuse(app.StatusFound, err)
		}
		if messages.HasErrors() {
			found = true
			continue
		}
		if v.Failures && !v.JSON {
			for _, c := range report.Calls {
				fmt.Fprintf(p.Stdout, "%s:%d: %s: failure %s\n", diag.Escape(c.File), c.Line, c.Command, fate(c))
			}
		}
	}
	if found {
		return app.StatusFound
	}
	return app.StatusGood
}

// fate is what becomes of a command's failure.
func fate(c compiler.CallReport) string {
	switch {
	case c.Looked:
		return "looked at"
	case c.Caught:
		return "not looked at, goes to the CATCH"
	case c.Abandons:
		return "not looked at, abandons the statement"
	}
	return "not looked at"
}

// scripts are those that the paths name, in the order given and sorted within a
// folder.
func scripts(p *app.Process, paths []app.Word) ([]string, error) {
	var files []string
	for _, path := range app.Words(paths) {
		info, err := os.Stat(p.Path(path))
		if path == "-" || err == nil && !info.IsDir() {
			files = append(files, path)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: no such file or folder", path)
		}
		before := len(files)
		err = filepath.WalkDir(p.Path(path), func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.EqualFold(filepath.Ext(name), ".ftp") {
				relative, _ := filepath.Rel(p.Path(path), name)
				files = append(files, filepath.Join(path, relative))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, fmt.Errorf("%s: no .ftp files in this folder", path)
		}
	}
	return files, nil
}
