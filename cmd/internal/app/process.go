package app

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	// Zone names work on machines without a zone database.
	_ "time/tzdata"

	"golang.org/x/term"
)

// Process is what a command sees of the process it runs in. Tests make their own.
type Process struct {
	Name   string   // the command's, before its messages; "" is sftpc
	Args   []string // without the program's name
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// StdoutTerminal and StderrTerminal say whether a person watches the stream,
	// StdinTerminal whether one can answer.
	StdinTerminal, StdoutTerminal, StderrTerminal bool
	StderrWidth                                   int      // columns of a terminal on Stderr; 0 is unknown
	Environ                                       []string // NAME=value
	Dir                                           string   // the working directory, absolute
	Home                                          string   // the user's folder, absolute; "" is none
	Config                                        string   // the folder of the user's settings, absolute; "" is none
	State                                         string   // the folder of what programs remember, absolute; "" is none
	Zone                                          *time.Location
	Umask                                         uint32

	handled <-chan struct{} // closed when signals are ours; nil if nobody waits for that
}

// System is the process of the operating system.
func System() (*Process, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil {
		width = 0 // not a terminal
	}
	p := &Process{
		Args:           os.Args[1:],
		Stdin:          os.Stdin,
		Stdout:         os.Stdout,
		Stderr:         os.Stderr,
		StdinTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		StdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		StderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		StderrWidth:    width,
		Environ:        os.Environ(),
		Dir:            dir,
		Home:           absolute(os.UserHomeDir()),
		Config:         absolute(os.UserConfigDir()),
		Zone:           time.Local,
		Umask:          umask(),
	}
	p.State = p.stateFolder()
	return p, nil
}

// stateFolder is where this program may remember things between runs: what systemd
// gives a unit (StateDirectory=), else the user's.
func (p *Process) stateFolder() string {
	if given, _ := p.Getenv("STATE_DIRECTORY"); given != "" {
		first, _, _ := strings.Cut(given, ":")
		return absolute(first, nil)
	}
	if runtime.GOOS == "windows" {
		return below(absolute(os.UserCacheDir()), "sftpc") // %LocalAppData%
	}
	if given, _ := p.Getenv("XDG_STATE_HOME"); filepath.IsAbs(given) {
		return filepath.Join(given, "sftpc")
	}
	return below(p.Home, ".local", "state", "sftpc")
}

// below is a path in a folder, nothing where there is no folder.
func below(folder string, parts ...string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(append([]string{folder}, parts...)...)
}

// absolute is the folder, or nothing where there is none to speak of.
func absolute(folder string, err error) string {
	if err != nil || !filepath.IsAbs(folder) {
		return ""
	}
	return folder
}

// says is how the command's own messages begin.
func (p *Process) says() string {
	if p.Name == "" {
		return "sftpc: "
	}
	return p.Name + ": "
}

// Getenv looks a variable up; the last of several wins, as in a shell.
func (p *Process) Getenv(name string) (string, bool) {
	for i := len(p.Environ) - 1; i >= 0; i-- {
		if key, value, ok := strings.Cut(p.Environ[i], "="); ok && key == name {
			return value, true
		}
	}
	return "", false
}

// Color reports whether standard error may carry colours: it is a terminal and
// NO_COLOR is not set (https://no-color.org).
func (p *Process) Color() bool {
	v, _ := p.Getenv("NO_COLOR")
	return p.StderrTerminal && v == ""
}

// signalError is the cause of a context that a signal ended.
type signalError struct{ signal os.Signal }

// Error names the signal as the page of exit statuses does; the system's own words
// are "interrupt" and "terminated".
func (e signalError) Error() string {
	if e.signal == syscall.SIGTERM {
		return "stopped by SIGTERM"
	}
	return "stopped by SIGINT"
}

// WithSignals returns a context that SIGINT and SIGTERM end. A second signal
// ends the process at once, in case the first one's clean-up hangs. The caller
// calls stop when the run is over.
func WithSignals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, handled, stop := takeSignals(parent)
	<-handled
	return ctx, stop
}

// takeSignals is WithSignals that does not wait: arranging for signals takes a
// while, in which a run can be prepared. Before handled is closed a signal ends
// the process as it would without us.
func takeSignals(parent context.Context) (ctx context.Context, handled <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	arranged, done := make(chan struct{}), make(chan struct{})
	go func() {
		signals := make(chan os.Signal, 2)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(signals)
		close(arranged)
		for n := 0; ; n++ {
			select {
			case s := <-signals:
				if n > 0 {
					os.Exit(signalStatus(s))
				}
				cancel(signalError{s})
			case <-done:
				return
			}
		}
	}()
	return ctx, arranged, func() {
		close(done)
		cancel(nil)
	}
}

func signalStatus(s os.Signal) int {
	if s == syscall.SIGTERM {
		return StatusTerminated
	}
	return StatusInterrupted
}

// endedBySignal returns the status of a context that a signal ended.
func endedBySignal(ctx context.Context) (status int, ok bool) {
	var s signalError
	if errors.As(context.Cause(ctx), &s) {
		return signalStatus(s.signal), true
	}
	return 0, false
}
