package compiler

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sftpc/sftpc/vm/diag"
)

// source is one file of a script: the script itself or a file that it includes.
type source struct {
	*reporter
	tree     *script
	number   int    // of bytecode.Position.File: 0 is the script
	path     string // from the script's folder, with slashes
	shown    string // how the program calls an included file
	parsed   bool   // without errors
	included map[*includeStatement]*source
}

func newSource(report *reporter, number int) *source {
	tree := parse(report.file, report)
	return &source{reporter: report, tree: tree, number: number, parsed: report.errors == 0, included: map[*includeStatement]*source{}}
}

// anyErrors reports whether one of the files holds an error.
func anyErrors(sources []*source) bool {
	return slices.ContainsFunc(sources, func(s *source) bool { return s.errors > 0 })
}

// everything returns what was reported of all files, each file's in the order of
// its text.
func everything(sources []*source) diag.List {
	var all diag.List
	for _, s := range sources {
		all = append(all, s.sorted()...)
	}
	return all
}

// Limits of what a script includes.
const (
	mostIncluded  = 1000
	mostSourceLen = 64 << 20 // bytes of all included files together
)

// includer reads the files that a script includes. It opens nothing but regular files
// of the one file system that it is given, below its root, whose names end in .ftp:
// whatever stands in a file may be shown in a message.
type includer struct {
	files    fs.FS // nil: none
	encoding string
	folder   string // what stands before a path in messages
	sources  []*source
	byPath   map[string]*source
	chain    []*source // the file at hand and those that led to it
	length   int64
}

// includeAll reads everything that the script includes, directly and indirectly, and
// returns all files, the script first.
func includeAll(script *source, name string, opts Options) []*source {
	last := strings.LastIndexAny(name, `/\`) + 1
	script.path = name[last:]
	in := &includer{files: opts.Includes, encoding: opts.Encoding, folder: name[:last], sources: []*source{script}, byPath: map[string]*source{script.path: script}}
	in.follow(script)
	return in.sources
}

// follow reads what a file includes.
func (in *includer) follow(from *source) {
	in.chain = append(in.chain, from)
	for _, s := range from.tree.body {
		if s, ok := s.(*includeStatement); ok {
			in.include(from, s)
		}
	}
	in.chain = in.chain[:len(in.chain)-1]
}

func (in *includer) include(from *source, s *includeStatement) {
	name, ok := in.resolve(from, s)
	if !ok {
		return
	}
	if known := in.byPath[name]; known != nil {
		if at := slices.Index(in.chain, known); at >= 0 {
			var way []string
			for _, file := range append(slices.Clone(in.chain[at:]), known) {
				way = append(way, file.path)
			}
			from.errorf(codeIncludeCircle, s.pathSpan, "", "a file would include itself: %s", strings.Join(way, ", "))
		}
		return // once is enough
	}
	if len(in.sources) > mostIncluded {
		from.errorf(codeTooLarge, s.pathSpan, "", "more than %d files are included", mostIncluded)
		return
	}
	text, err := in.read(name)
	if err != nil {
		from.errorf(codeInclude, s.pathSpan, in.hint(name, err), "cannot include %s: %v", name, plainCause(err))
		return
	}
	_, report := openSource(in.folder+name, text, in.encoding)
	made := &source{reporter: report, tree: &script{file: report.file}, number: len(in.sources)}
	if report.errors == 0 {
		made = newSource(report, len(in.sources))
	}
	made.path, made.shown = name, programText(name)
	in.sources = append(in.sources, made)
	in.byPath[name] = made
	from.included[s] = made
	in.follow(made)
}

// resolve is the path of an included file from the script's folder. Nothing is asked
// of the file system for what is refused here.
func (in *includer) resolve(from *source, s *includeStatement) (string, bool) {
	written := strings.ReplaceAll(s.path, `\`, "/")
	name := path.Join(path.Dir(from.path), written)
	switch {
	case in.files == nil:
		from.errorf(codeIncludeOutside, s.span, "a script from standard input, and a host that gives none, have no folder", "there is no folder to include files from")
	case written == "":
		from.errorf(codeInclude, s.pathSpan, "", "the name of the file is missing")
	case strings.HasPrefix(written, "/") || strings.Contains(written, ":") || name == ".." || strings.HasPrefix(name, "../"):
		from.errorf(codeIncludeOutside, s.pathSpan, "name it from the folder of this file", "an included file lies in the folder of the script or below it")
	case !strings.EqualFold(path.Ext(name), ".ftp"):
		from.errorf(codeIncludeOutside, s.pathSpan, "", "an included file has a name that ends in .ftp")
	case !fs.ValidPath(name) || strings.ContainsRune(name, 0):
		from.errorf(codeInclude, s.pathSpan, "", "no file can have this name")
	default:
		return name, true
	}
	return "", false
}

var (
	errNoFile   = errors.New("it is no file")
	errTooLarge = fmt.Errorf("all files together are larger than %d bytes", mostSourceLen)
)

func (in *includer) read(name string) ([]byte, error) {
	// A pipe would be waited for, so this is asked before it is opened.
	info, err := fs.Stat(in.files, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	file, err := in.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	left := mostSourceLen - in.length
	text, err := io.ReadAll(io.LimitReader(file, left+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > left {
		return nil, errTooLarge
	}
	in.length += int64(len(text))
	return text, nil
}

// plainCause is why a file could not be read, without a path: the file system's own
// may tell more than a message should.
func plainCause(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, errNoFile), errors.Is(err, errTooLarge):
		return err.Error()
	case errors.Is(err, fs.ErrPermission):
		return "it may not be read"
	}
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err.Error()
	}
	return err.Error()
}

// hint names a file that differs from a missing one in case only.
func (in *includer) hint(name string, err error) string {
	if !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	entries, _ := fs.ReadDir(in.files, path.Dir(name))
	for _, e := range entries {
		if strings.EqualFold(e.Name(), path.Base(name)) {
			return "found: " + e.Name()
		}
	}
	return ""
}
