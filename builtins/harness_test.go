package builtins

import (
	"bytes"
	"context"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/compiler"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm/bytecode"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// No test may leave a goroutine behind: after Run nothing of a run is alive.
// TestMain lets more tests run at a time than there are processors, unless told
// otherwise: those that are parallel here wait for time-outs.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// ran is everything that a run gave.
type ran struct {
	stdout     string
	transcript string // at Normal level
	merged     string // stdout and transcript as a terminal would show them
	events     []Event
	result     *Result
	err        error
}

// lines are the lines that PRINT wrote.
func (o ran) lines() []string {
	return strings.Split(strings.TrimSuffix(o.stdout, "\n"), "\n")
}

// has reports whether the transcript holds the text.
func (o ran) has(text string) bool { return strings.Contains(o.transcript, text) }

// bench is a host with what its scripts run in.
type bench struct {
	*testing.T
	host *Host
	job  Job
}

func newBench(t *testing.T, options Options) *bench {
	t.Helper()
	if options.Now == nil {
		options.Now = func() time.Time { return time.Date(2026, 3, 9, 14, 5, 6, 0, time.UTC) }
	}
	if options.Pause == nil {
		options.Pause = func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }
	}
	if options.Settings["retry"] == "" {
		// Faults are counted: a test that wants more than one attempt says so.
		options.Settings = maps.Clone(options.Settings)
		if options.Settings == nil {
			options.Settings = make(map[string]string)
		}
		options.Settings["retry"] = "1"
	}
	host, err := NewHost(options)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{T: t, host: host}
}

// compile makes a program of statements, one a line.
func (b *bench) compile(source string) *bytecode.Program {
	b.Helper()
	program, list := compiler.Compile("job.ftp", []byte(source), b.host.Catalog(), compiler.Options{})
	if err := list.Err(); err != nil {
		b.Fatalf("%s\n%v", source, err)
	}
	return program
}

// run compiles and runs statements.
func (b *bench) run(statements ...string) ran {
	b.Helper()
	return b.runContext(context.Background(), statements...)
}

func (b *bench) runContext(ctx context.Context, statements ...string) ran {
	b.Helper()
	program := b.compile(strings.Join(statements, "\n") + "\n")
	var o ran
	var stdout, pending, told, merged bytes.Buffer
	transcript := NewTranscript(&told, TranscriptOptions{})
	job := b.job
	job.Stdout = writerFunc(func(p []byte) (int, error) {
		stdout.Write(p)
		return pending.Write(p)
	})
	flushed := job.Flush
	job.Flush = func() {
		if flushed != nil {
			flushed()
		}
		merged.Write(pending.Bytes())
		pending.Reset()
	}
	also := job.Events
	job.Events = func(e Event) {
		if also != nil {
			also(e)
		}
		o.events = append(o.events, e)
		from := told.Len()
		transcript.Write(e)
		merged.Write(told.Bytes()[from:])
	}
	o.result, o.err = b.host.Run(ctx, program, job)
	o.stdout, o.transcript, o.merged = stdout.String(), told.String(), merged.String()
	return o
}

// status runs statements and returns the exit status.
func (b *bench) status(statements ...string) int {
	b.Helper()
	o := b.run(statements...)
	if o.err != nil {
		b.Fatal(o.err)
	}
	return o.result.Status
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// replace gives a command of the catalogue another function, as a family would
// have it, so that core behaviour is tested without servers.
func (b *bench) replace(name string, run command) {
	b.Helper()
	if b.host.rows[name] == nil {
		b.Fatalf("there is no command %s", name)
	}
	b.host.runs[name] = run
}

// failing is a command that fails with the cause.
func failing(cause session.Cause) command {
	return func(s *State, a *arguments) error {
		result := causeResults()[cause]
		for class := session.ClassNone; class <= session.ClassInternal; class++ {
			if class.String() == result.Class {
				return &session.Error{Op: "trying", Cause: cause, Class: class}
			}
		}
		return &session.Error{Op: "trying", Cause: cause}
	}
}

func succeeding(*State, *arguments) error { return nil }

// connected is a session that nothing is asked of.
type connected struct{ session.Session }

func (connected) Close(context.Context) error { return nil }
func (connected) LastReply() session.Reply    { return session.Reply{Code: 226, Text: "all is\nwell"} }

// openPretended makes OPENHOST succeed without a server.
func openPretended(s *State, a *arguments) error {
	s.session = connected{}
	s.tell("Connecting to %s", a.text(0))
	s.tell("Connected.")
	return nil
}

// golden compares text with a file of testdata/golden.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", name, text, want)
	}
}

// row makes a row for a command of a test's own.
func row(name string, kind catalog.Kind, params ...catalog.Param) catalog.Command {
	return catalog.Command{Name: name, Kind: kind, Family: catalog.FamilyProgram, Forms: []catalog.Form{{Params: params}}, Summary: "test"}
}
