package compiler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sftpc/sftpc/compiler"
	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

// chunk is one script of a file of testdata/lang and what it must do.
type chunk struct {
	line     int // of its first line in the file, from 0
	source   string
	files    fstest.MapFS // that it may include
	output   []string
	errors   []expectation
	warnings []expectation
}

// expectation is a line of the chunk or one of its files, from 1, and what its message
// must match.
type expectation struct {
	file    string // "" is the chunk
	line    int
	pattern *regexp.Regexp
}

var (
	outputMark  = regexp.MustCompile(`#> ?(.*)$`)
	errorMark   = regexp.MustCompile(`### (".*")\s*$`)
	warningMark = regexp.MustCompile(`##\? (".*")\s*$`)
)

func readChunks(t testing.TB, file string) []chunk {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var chunks []chunk
	current := chunk{files: fstest.MapFS{}}
	var source []string
	part := "" // the included file at hand
	finishPart := func() {
		text := strings.Join(source, "\n") + "\n"
		if part == "" {
			current.source = text
		} else {
			current.files[part] = &fstest.MapFile{Data: []byte(text)}
		}
		source = nil
	}
	finish := func(next int) {
		finishPart()
		chunks = append(chunks, current)
		current, part = chunk{line: next, files: fstest.MapFS{}}, ""
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for n, line := range lines {
		if line == "---" {
			finish(n + 1)
			continue
		}
		if name, ok := strings.CutPrefix(line, "--- "); ok {
			finishPart()
			part = name
			continue
		}
		source = append(source, line)
		expect := func(mark *regexp.Regexp, list *[]expectation) {
			if m := mark.FindStringSubmatch(line); m != nil {
				pattern, err := strconv.Unquote(m[1])
				if err != nil {
					t.Fatalf("%s:%d: %v", file, n+1, err)
				}
				*list = append(*list, expectation{part, len(source), regexp.MustCompile(pattern)})
			}
		}
		expect(errorMark, &current.errors)
		expect(warningMark, &current.warnings)
		if m := outputMark.FindStringSubmatch(line); m != nil {
			current.output = append(current.output, m[1])
		}
	}
	finish(len(lines))
	return chunks
}

// ways are the roads from a source to a program that runs; each must lead to the
// same behaviour.
var ways = []struct {
	name     string
	options  compiler.Options
	stripped bool
	travel   func(*bytecode.Program) (*bytecode.Program, error)
}{
	{name: "as compiled"},
	{name: "unoptimized", options: compiler.Options{Unoptimized: true}},
	{name: "through a bundle", travel: func(p *bytecode.Program) (*bytecode.Program, error) {
		data, err := bytecode.Encode(p)
		if err != nil {
			return nil, err
		}
		return bytecode.Load(bytes.NewReader(data))
	}},
	{name: "through the assembler", travel: func(p *bytecode.Program) (*bytecode.Program, error) {
		var text strings.Builder
		if err := bytecode.Disassemble(&text, p); err != nil {
			return nil, err
		}
		return bytecode.Assemble(text.String())
	}},
	{name: "stripped", stripped: true, travel: func(p *bytecode.Program) (*bytecode.Program, error) {
		p.Strip()
		return p, nil
	}},
}

func TestLanguage(t *testing.T) {
	files, err := filepath.Glob("../testdata/lang/*.ftp")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		base := strings.TrimSuffix(filepath.Base(file), ".ftp")
		for _, c := range readChunks(t, file) {
			t.Run(fmt.Sprintf("%s/line_%d", base, c.line+1), func(t *testing.T) {
				for _, way := range ways {
					way.options.Includes = c.files
					program, list := compiler.Compile("dir/"+base+".ftp", []byte(c.source), langCommands(), way.options)
					if !c.expectCompiled(t, list, way.options.Unoptimized) {
						return
					}
					if err := bytecode.Verify(program); err != nil {
						t.Fatalf("%s: %v", way.name, err)
					}
					if way.travel != nil {
						if program, err = way.travel(program); err != nil {
							t.Fatalf("%s: %v", way.name, err)
						}
					}
					c.expectRun(t, program, way.name, way.stripped)
				}
			})
		}
	}
}

// expectCompiled compares what the compiler said with what the chunk announces,
// and reports whether there is a program to run. Some warnings need folding, so
// the unoptimized way may have fewer.
func (c *chunk) expectCompiled(t *testing.T, list diag.List, fewer bool) bool {
	t.Helper()
	pending := map[*expectation]bool{}
	for i := range c.warnings {
		pending[&c.warnings[i]] = true
	}
	compiles := !list.HasErrors()
	if !compiles {
		for i := range c.errors {
			pending[&c.errors[i]] = true
		}
	}
	for _, d := range list {
		expected := c.errors
		if d.Severity == diag.Warning {
			expected = c.warnings
		}
		line, _ := d.Position()
		file := strings.TrimPrefix(d.File.Name(), "dir/")
		if c.files[file] == nil {
			file = ""
		}
		found := false
		for i := range expected {
			if e := &expected[i]; e.file == file && e.line == line && e.pattern.MatchString(d.Message+"\n"+d.Hint) {
				found = true
				delete(pending, e)
			}
		}
		if !found {
			t.Errorf("line %d: unexpected: %v (%s)", c.line+line, d, d.Hint)
		}
	}
	if !fewer {
		for e := range pending {
			// A script that does not compile is not analysed to the end.
			if compiles || !isIn(e, c.warnings) {
				t.Errorf("line %d: nothing said that matches %q", c.line+e.line, e.pattern)
			}
		}
	}
	return compiles && !t.Failed()
}

func isIn(e *expectation, list []expectation) bool {
	for i := range list {
		if e == &list[i] {
			return true
		}
	}
	return false
}

// expectRun runs the program and compares output and runtime error.
func (c *chunk) expectRun(t *testing.T, program *bytecode.Program, way string, stripped bool) {
	t.Helper()
	host := &langHost{}
	machine, err := vm.New(program, host, vm.Options{
		Fuel:      10_000_000,
		NotNumber: func(_ vm.Position, text string) { host.write("? " + text) },
	})
	if err != nil {
		t.Fatalf("%s: %v", way, err)
	}
	err = machine.Run(context.Background())
	var exit *vm.Exit
	var failed *vm.RuntimeError
	switch {
	case errors.As(err, &exit):
		host.write("exit " + strconv.Itoa(exit.Status))
	case errors.As(err, &failed):
		c.expectRuntimeError(t, failed, way, stripped)
	case err != nil:
		t.Errorf("%s: %v", way, err)
	case len(c.errors) > 0:
		t.Errorf("%s: line %d did not fail", way, c.line+c.errors[0].line)
	}
	if got, want := strings.Join(host.written, "\n"), strings.Join(c.output, "\n"); got != want {
		t.Errorf("%s: wrote\n%s\nwant\n%s", way, got, want)
	}
}

func (c *chunk) expectRuntimeError(t *testing.T, failed *vm.RuntimeError, way string, stripped bool) {
	t.Helper()
	line := failed.Position.Line
	switch {
	case len(c.errors) == 0:
		t.Errorf("%s: %v", way, failed)
	case !c.errors[0].pattern.MatchString(failed.Message):
		t.Errorf("%s: failed with %q, want %q", way, failed.Message, c.errors[0].pattern)
	case stripped && line != 0:
		t.Errorf("%s: a stripped program knows line %d", way, line)
	case !stripped && (line != c.errors[0].line || c.errors[0].file != "" && failed.Position.File != c.errors[0].file):
		t.Errorf("%s: failed in line %d of %s, want %d", way, c.line+line, failed.Position.File, c.line+c.errors[0].line)
	}
}
