package builtins

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// exec runs a program in the current local directory and waits for it. With one
// argument that is the shell's affair, with several the first is the program. The
// result is OK or the exit code. Nothing that it started outlives it.
func (s *State) exec(a *arguments) error {
	if a.text(0) == "" {
		return a.bad(0, "is empty: a command is needed")
	}
	if strings.Contains(a.text(0), "\x00") {
		return a.bad(0, "holds NUL, which a command cannot have")
	}
	policy := s.options.Exec
	if policy == ExecNone {
		return denied("this run may not start programs")
	}
	if a.key() == "shell" && (policy == ExecFiles || runtime.GOOS != "windows" || s.dry.on) {
		if old, ok := parseOldCommand(a.text(0)); ok {
			return s.oldCommand(a.ctx, old)
		}
	}
	if policy != ExecAll {
		return denied("this run may use EXEC only for del, copy, move, ren, md, rd, type and dir with plain arguments")
	}
	if s.here.IsZero() {
		return denied("this run has no local directory that a program could run in")
	}
	if s.dry.on {
		s.effect(netio.Effect{Kind: netio.EffectRun, To: strings.TrimPrefix(s.echoOf(a), a.row.Name)})
		return nil
	}
	if a.key() == "shell" {
		return s.start(a.ctx, shellCommand(a.text(0), s.variable))
	}
	path, err := s.findProgram(a.text(0))
	if err != nil {
		return err
	}
	return s.start(a.ctx, &exec.Cmd{Path: path, Args: append([]string{a.text(0)}, a.rest(1)...)})
}

func denied(sentence string) error {
	return &session.Error{Op: sentence, Cause: session.Denied, Class: session.ClassDenied}
}

// variable looks a variable of ExecEnviron up, the last one of a name. The
// process's own environment is never asked.
func (s *State) variable(name string) string {
	value := ""
	for _, entry := range s.options.ExecEnviron {
		if key, v, ok := strings.Cut(entry, "="); ok && sameVariable(key, name) {
			value = v
		}
	}
	return value
}

func sameVariable(a, b string) bool {
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}

// findProgram is where a program lies: a name with a separator is a local path of
// the script, any other is looked for along the PATH of ExecEnviron and nowhere
// else, the current directory least of all: that is where downloads land.
func (s *State) findProgram(name string) (string, error) {
	if strings.ContainsAny(name, `/\`) {
		path, err := s.localPath(name)
		if err != nil {
			return "", err
		}
		return s.files.SystemPath(path), nil
	}
	for _, dir := range filepath.SplitList(s.variable("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		for _, ending := range programEndings(name, s.variable("PATHEXT")) {
			path := filepath.Join(dir, name+ending)
			if info, err := os.Stat(path); err == nil && executable(info) {
				return path, nil
			}
		}
	}
	return "", &session.Error{Op: "looking for the program " + quoted(name), Cause: session.CommandFailed, Class: session.ClassLocal,
		Name: name, Err: exec.ErrNotFound}
}

// start runs a program with its output told line by line.
func (s *State) start(ctx context.Context, program *exec.Cmd) error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return startFailure(program, err)
	}
	defer reader.Close()
	program.Dir = s.files.SystemPath(s.here)
	// nil would mean the process's own environment.
	program.Env = append([]string{}, s.options.ExecEnviron...)
	program.Stdout, program.Stderr = writer, writer
	group, err := startGroup(program)
	writer.Close()
	if err != nil {
		return startFailure(program, err)
	}
	output := &programOutput{pipe: reader}
	told := make(chan struct{})
	go func() {
		defer close(told)
		s.tellOutput(output)
	}()
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
			group.end(ended)
		case <-ended:
		}
	}()
	err = program.Wait()
	close(ended)
	<-watched
	// What the program left running dies with it; its output ends then too.
	group.kill()
	output.finish(told)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitFailure(exitCode(exit.ProcessState))
	}
	if err != nil {
		return startFailure(program, err)
	}
	return nil
}

func startFailure(program *exec.Cmd, err error) error {
	return &session.Error{Op: "starting " + quoted(program.Args[0]), Cause: session.CommandFailed, Class: session.ClassLocal,
		Name: program.Args[0], Err: err}
}

// exitFailure is a program that ended with another status than 0. The script
// gets the exit code itself, so there is no name for it.
func exitFailure(code int) *Failure {
	return &Failure{ExitCode: code, Attempt: 1, Of: 1, Result: catalog.Result{
		Code: code, Class: session.ClassLocal.String(), Sentence: fmt.Sprintf("the program ended with exit code %d", code),
	}}
}

// programOutput is the near end of the pipe that a program writes into.
type programOutput struct {
	pipe *os.File

	lock    sync.Mutex
	got     int           // bytes
	waited  time.Duration // for them
	waiting time.Time     // since when; zero while what came is told
}

func (o *programOutput) Read(p []byte) (int, error) {
	o.note(0, time.Now())
	n, err := o.pipe.Read(p)
	o.note(n, time.Time{})
	return n, err
}

// note is called when a wait begins, and when it ends with so many bytes.
func (o *programOutput) note(got int, waiting time.Time) {
	o.lock.Lock()
	defer o.lock.Unlock()
	if !o.waiting.IsZero() {
		o.waited += time.Since(o.waiting)
	}
	o.got, o.waiting = o.got+got, waiting
}

func (o *programOutput) soFar() (got int, waited time.Duration) {
	o.lock.Lock()
	defer o.lock.Unlock()
	if o.waiting.IsZero() {
		return o.got, o.waited
	}
	return o.got, o.waited + time.Since(o.waiting)
}

const (
	// outputGrace is how long output is waited for after a program ended, when
	// something that it left behind keeps the pipe open and cannot be killed with it.
	outputGrace = 2 * time.Second
	// mostInPipe is more than a pipe holds: what comes beyond is not the program's.
	mostInPipe = 1 << 20
)

// finish is called when the program has ended. It returns when all output is told,
// however long that takes whoever reads it; only waiting for more has an end.
func (o *programOutput) finish(told <-chan struct{}) {
	before, waited := o.soFar()
	ticker := time.NewTicker(outputGrace / 20)
	defer ticker.Stop()
	for {
		select {
		case <-told:
			return
		case <-ticker.C:
			if got, now := o.soFar(); got-before > mostInPipe || now-waited > outputGrace {
				o.pipe.Close()
				<-told
				return
			}
		}
	}
}

// longestOutputLine bounds the bytes of one message; a longer line is several.
const longestOutputLine = 64 << 10

// tellOutput makes a message of each line.
func (s *State) tellOutput(output io.Reader) {
	lines := bufio.NewReaderSize(output, longestOutputLine)
	for {
		line, err := lines.ReadSlice('\n')
		if text := strings.TrimRight(string(line), "\r\n"); text != "" || err == nil {
			s.tell("%s", text)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
