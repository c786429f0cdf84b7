package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

// maxFile bounds what is read as a script or bundle, in bytes.
const maxFile = 64 << 20

// ReadFile reads a script or bundle; - is standard input. Relative names are
// taken from the process's directory.
func (p *Process) ReadFile(name string) ([]byte, error) {
	var from io.Reader = p.Stdin
	if name != "-" {
		file, err := os.Open(p.Path(name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, withoutPath(err))
		}
		defer file.Close()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, withoutPath(err))
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes, which no script is", name, maxFile)
	}
	return data, nil
}

// Folder is where a script lies, for the files that it includes: no path and no link
// leads out of it. Standard input lies nowhere. The function closes it.
func (p *Process) Folder(script string) (folder fs.FS, done func()) {
	if script == "-" {
		return nil, func() {}
	}
	root, err := os.OpenRoot(filepath.Dir(p.Path(script)))
	if err != nil {
		return nil, func() {} // the script itself could be read, so it is gone by now
	}
	return root.FS(), func() { root.Close() }
}

// withoutPath is the error of a file operation without the path, which the
// sentence around it names as the user did.
func withoutPath(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// Path is name, from the process's directory if it is relative.
func (p *Process) Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.Dir, name)
}

// load reads a file and makes a verified program of it. Whether it is a bundle
// is decided by its first bytes, never by its name. On failure everything has
// been told.
func (f *ScriptFlags) load(p *Process, load Loader, name string, commands []catalog.Command) (*bytecode.Program, bool) {
	data, err := p.ReadFile(name)
	if err != nil {
		p.Refuse(StatusNotRun, err)
		return nil, false
	}
	if bytecode.IsBundle(data) {
		program, err := bytecode.Load(bytes.NewReader(data))
		if err != nil {
			p.Refuse(StatusNotRun, fmt.Errorf("%s: %w", name, err))
			return nil, false
		}
		return program, true
	}
	if load == nil {
		p.Refuse(StatusNotRun, fmt.Errorf("%s: not a bundle: this runner has no compiler; make one with: sftpc build %s -o %s", name, name, "FILE.ftpc"))
		return nil, false
	}
	folder, closeFolder := p.Folder(name)
	defer closeFolder()
	program, messages := load(Script{Name: scriptName(name), Source: data, Encoding: f.Encoding, Folder: folder}, commands)
	if len(messages) > 0 && (messages.HasErrors() || !f.Quiet) {
		diag.WriteText(p.Stderr, messages, p.Color())
	}
	return program, program != nil && !messages.HasErrors()
}
