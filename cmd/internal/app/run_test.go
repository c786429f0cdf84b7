package app

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

// assembled is a Loader for scripts in assembler text: this room has no compiler.
func assembled(script Script, _ []catalog.Command) (*bytecode.Program, diag.List) {
	program, err := bytecode.Assemble(string(script.Source))
	if err != nil {
		file := diag.NewFile(script.Name, string(script.Source))
		return nil, diag.List{{Severity: diag.Error, Code: "E0000", File: file, Message: err.Error() + " " + script.Encoding}}
	}
	return program, nil
}

// hello prints its first argument and fails to enter a folder.
const hello = `program "hello.ftp" language="0.1" globals=0
import PRINT args=1 outs=0 doing
import GETPARAM args=1 outs=0 telling
import LOCALCHDIR args=1 outs=0 doing
const "1"
const "nowhere"
function main params=0 locals=0 stack=1
1:1 LoadConst "1"
Call unlooked GETPARAM
CallDrop unlooked PRINT
2:1 LoadConst "nowhere"
CallDrop unlooked LOCALCHDIR
Halt
`

// world is a process for one test, with its streams.
type world struct {
	*Process
	stdout, stderr bytes.Buffer
}

func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	w := &world{Process: &Process{Dir: t.TempDir(), Zone: time.UTC, Umask: 0o022}}
	w.Stdout, w.Stderr = &w.stdout, &w.stderr
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(w.Dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		words []Word
		file  string
		args  []string
	}{
		{[]Word{"a.ftp"}, "a.ftp", nil},
		{[]Word{"a.ftp", "-q", "", "--"}, "a.ftp", []string{"-q", "", "--"}},
		{[]Word{"--", "-q.ftp", "x"}, "-q.ftp", []string{"x"}},
		{[]Word{"-"}, "-", nil},
	} {
		file, args, err := (&ScriptFlags{Command: c.words}).Target()
		if file != c.file || !slices.Equal(args, c.args) || err != nil {
			t.Errorf("%q: %q, %q, %v", c.words, file, args, err)
		}
	}
	for _, words := range [][]Word{nil, {"--"}} {
		if file, _, err := (&ScriptFlags{Command: words}).Target(); err == nil {
			t.Errorf("%q is %q", words, file)
		}
	}
}

func TestOptions(t *testing.T) {
	p := &Process{Zone: time.UTC, Umask: 0o027, Dir: t.TempDir()}
	f := &ScriptFlags{Timezone: "Europe/Berlin", Strict: true, Atomic: true}
	options, err := f.Options(p)
	if err != nil || options.Zone.String() != "Europe/Berlin" || !options.Strict || options.Settings["upload-mode"] != "ATOMIC" || options.Umask != 0o027 {
		t.Errorf("%+v, %v", options, err)
	}
	if options.System || options.Root != "" || len(options.Hosts) != 0 || options.Exec != 0 {
		t.Errorf("flags alone let a script touch something: %+v", options)
	}
	for _, f := range []*ScriptFlags{{Timezone: "Mars/Olympus"}, {Timeout: -1}} {
		if _, err := f.Options(p); err == nil {
			t.Errorf("%+v passes", f)
		}
	}
}

// TestRun: a run as a whole, from a source and from its bundle.
func TestRun(t *testing.T) {
	program, err := bytecode.Assemble(hello)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := bytecode.Encode(program)
	if err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{"source": hello, "bundle": string(bundle)} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"job": script})
			f := &RunFlags{ScriptFlags: ScriptFlags{Command: []Word{"job", "--first"}, Log: "run.log"}}
			if status := f.Run(w.Process, assembled); status != StatusFailed {
				t.Errorf("status %d", status)
			}
			if w.stdout.String() != "--first\n" {
				t.Errorf("standard output is %q", w.stdout.String())
			}
			for _, want := range []string{"LOCALCHDIR(\"nowhere\")\n", "hello.ftp:2: LOCALCHDIR", "1 command failed: line 2\n"} {
				if !strings.Contains(w.stderr.String(), want) {
					t.Errorf("%q is not in\n%s", want, w.stderr.String())
				}
			}
			log, err := os.ReadFile(filepath.Join(w.Dir, "run.log"))
			if err != nil || !strings.Contains(string(log), " --first\n") || !strings.Contains(string(log), "1 command failed") {
				t.Errorf("the log is %q, %v", log, err)
			}
		})
	}
}

// TestRun_NotRun: what keeps a run from starting has status 125 and says why.
func TestRun_NotRun(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags RunFlags
		load  Loader
		want  string
	}{
		{"no file", RunFlags{}, assembled, "expected a file"},
		{"a file that is not there", RunFlags{ScriptFlags: ScriptFlags{Command: []Word{"none"}}}, assembled, "none: no such file"},
		{"a mistake", RunFlags{ScriptFlags: ScriptFlags{Command: []Word{"bad"}, Encoding: "utf-8"}}, assembled, "bad:1:1: error E0000"},
		{"a source without a compiler", RunFlags{ScriptFlags: ScriptFlags{Command: []Word{"job"}}}, nil, "not a bundle: this runner has no compiler"},
		{"a host", RunFlags{Host: []Word{"x"}, ScriptFlags: ScriptFlags{Command: []Word{"job"}}}, assembled, "--host x"},
		{"a drive", RunFlags{Drive: []Word{"x"}, ScriptFlags: ScriptFlags{Command: []Word{"job"}}}, assembled, "--drive x"},
		{"a drive without a folder", RunFlags{Drive: []Word{"C=none"}, ScriptFlags: ScriptFlags{Command: []Word{"job"}}}, assembled, "none"},
		{"a zone", RunFlags{ScriptFlags: ScriptFlags{Command: []Word{"job"}, Timezone: "x"}}, assembled, "--timezone x"},
		{"a log", RunFlags{ScriptFlags: ScriptFlags{Command: []Word{"job"}, Log: "no/such.log"}}, assembled, "--log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"job": hello, "bad": "no such line\n"})
			if status := c.flags.Run(w.Process, c.load); status != StatusNotRun {
				t.Errorf("status %d", status)
			}
			if !strings.Contains(w.stderr.String(), c.want) || w.stdout.Len() > 0 {
				t.Errorf("told %q, printed %q", w.stderr.String(), w.stdout.String())
			}
		})
	}
}

// TestRun_LostOutput: a run whose output is lost has not succeeded.
func TestRun_LostOutput(t *testing.T) {
	w := newWorld(t, map[string]string{"job": strings.Replace(hello, `"nowhere"`, `"."`, 2)})
	w.Stdout = fullDisk{}
	f := &RunFlags{ScriptFlags: ScriptFlags{Command: []Word{"job", "x"}}}
	if status := f.Run(w.Process, assembled); status != StatusFailed || !strings.Contains(w.stderr.String(), "writing standard output: no space left") {
		t.Errorf("status %d, %q", status, w.stderr.String())
	}
}

// TestRunBundles: sftpc-run has run's flags and no compiler.
func TestRunBundles(t *testing.T) {
	program, err := bytecode.Assemble(hello)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := bytecode.Encode(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{[]string{"--version"}, 0, "sftpc-run 0", ""},
		{[]string{"--help"}, 0, "Usage: sftpc-run [flags] FILE [ARG ...]", ""},
		{[]string{}, 125, "", "hint: sftpc-run --help"},
		{[]string{"--no-such-flag"}, 125, "", "unknown flag --no-such-flag"},
		{[]string{"job.ftpc", "x"}, 1, "x\n", "1 command failed"},
		{[]string{"-q", "job.ftpc", "-q"}, 1, "-q\n", "1 command failed"},
		{[]string{"hello.ftp"}, 125, "", "sftpc-run: hello.ftp: not a bundle"},
	} {
		w := newWorld(t, map[string]string{"job.ftpc": string(bundle), "hello.ftp": hello})
		w.Args = c.args
		if status := RunBundles(w.Process); status != c.status {
			t.Errorf("%q: status %d, expected %d\n%s", c.args, status, c.status, w.stderr.String())
		}
		if !strings.Contains(w.stdout.String(), c.stdout) || !strings.Contains(w.stderr.String(), c.stderr) {
			t.Errorf("%q: printed %q, told %q", c.args, w.stdout.String(), w.stderr.String())
		}
	}
}
