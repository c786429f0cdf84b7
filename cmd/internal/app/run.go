package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

// Loader turns a source into a program; sftpc-run has none.
type Loader func(script Script, commands []catalog.Command) (*bytecode.Program, diag.List)

// Script is a source and what is needed to compile it.
type Script struct {
	Name     string // as messages show it
	Source   []byte
	Encoding string // of --encoding
	Folder   fs.FS  // from which it may include files; nil for none
}

// RunFlags are the flags of run, the same in both commands.
type RunFlags struct {
	Host          []Word `placeholder:"NAME=ADDR[:PORT]" sep:"none" help:"connect to ADDR when the script opens NAME (repeatable)"`
	Proxy         Word   `placeholder:"URL" help:"reach servers through this proxy: http://, https:// or socks5://[USER:PASSWORD@]HOST:PORT"`
	Drive         []Word `placeholder:"C=DIR" sep:"none" help:"where drive C:, or a share '\\\\server\\share', lies on this machine (repeatable)"`
	Secret        []Word `placeholder:"NAME=SOURCE" sep:"none" help:"where GETSECRET(NAME) comes from: env:VARIABLE, file:PATH, cred:NAME, exec:PROGRAM ARGS (repeatable)"`
	State         Word   `placeholder:"DIR" help:"keep in DIR what was learned of servers (default: $STATE_DIRECTORY, else the user's state folder)"`
	DryRun        bool   `name:"dry-run" short:"n" help:"connect, read and list, but change nothing on either side: tell what would be done"`
	NoState       bool   `name:"no-state" help:"remember nothing of servers, from this run or from others"`
	IdentityFlags `embed:""`
	ScriptFlags   `embed:""`
}

// ScriptFlags are the flags of whatever runs a script: run and rehearse.
type ScriptFlags struct {
	Quiet       bool          `short:"q" help:"tell nothing but failures on standard error"`
	Verbose     int           `short:"v" type:"counter" help:"tell more; -vv tells every line on the wire"`
	Log         Word          `placeholder:"FILE" help:"append everything told to FILE"`
	Timeout     time.Duration `placeholder:"DURATION" help:"stop after this time with status 124, as in 90s or 2h"`
	Encoding    string        `placeholder:"NAME" help:"how a script that is not UTF-8 is written, as in windows-1252"`
	Timezone    string        `placeholder:"ZONE" help:"zone of date texts, as in Europe/Berlin (default: this machine's)"`
	Strict      bool          `help:"arithmetic on a text that is no number ends the script"`
	StopOnError bool          `name:"stop-on-error" help:"begin with ONERROR STOP: a failure that nothing looks at or catches ends the script"`
	FailOn      string        `name:"fail-on" enum:"unlooked,any,none" default:"unlooked" placeholder:"WHICH" help:"failures that make the status 1, 75 or 126: unlooked (those that the script does not look at), any, none"`
	Atomic      bool          `help:"uploads go to another name and are renamed when whole"`
	Retry       Word          `placeholder:"TIMES[,SECONDS]" help:"attempts in all, and the wait before the second (default: 3,2)"`
	Parallel    Word          `placeholder:"N" help:"connections that a set of files may use at a time (default: 4, and 1 for PUTFILE)"`
	Limit       float64       `placeholder:"KB/S" help:"move files no faster than this many kilobytes a second, both ways together, whatever the script says"`
	// Command holds FILE and the script's arguments: whatever stands behind FILE
	// is the script's, byte for byte, and is never read as a flag of ours.
	Command []Word `arg:"" name:"file" passthrough:"partial" help:"a script, a bundle, or - for standard input; all behind it is the script's"`
}

// Target splits FILE from the script's arguments.
func (f *ScriptFlags) Target() (file string, args []string, err error) {
	words := Words(f.Command)
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		return "", nil, errors.New("expected a file: a script, a bundle, or - for standard input")
	}
	return words[0], words[1:], nil
}

// Run carries a run out and returns the exit status.
func (f *RunFlags) Run(p *Process, load Loader) int {
	ctx, handled, stop := takeSignals(context.Background())
	defer stop()
	p.handled = handled
	return f.run(ctx, p, load)
}

func (f *RunFlags) run(ctx context.Context, p *Process, load Loader) int {
	options, err := f.options(p)
	if err != nil {
		return p.Refuse(StatusNotRun, err)
	}
	file, args, err := f.Target()
	if err != nil {
		return p.Refuse(StatusNotRun, err)
	}
	return f.Execute(ctx, p, load, file, args, options)
}

// options adds what run's own flags say: the command may touch all that its user
// may.
func (f *RunFlags) options(p *Process) (builtins.Options, error) {
	options, err := f.Options(p)
	if err != nil {
		return options, err
	}
	if options.HostMap, err = HostMap(Words(f.Host)); err != nil {
		return options, err
	}
	if options.Drives, err = DriveMap(Words(f.Drive), p.Dir); err != nil {
		return options, err
	}
	if f.Proxy != "" {
		options.Settings["proxy"] = oneArgument.Replace(string(f.Proxy))
	}
	if err := f.apply(p, &options); err != nil {
		return options, err
	}
	secrets, err := secretsOf(p, Words(f.Secret))
	if err != nil {
		return options, err
	}
	options.Secret = secrets.fetch
	switch {
	case f.NoState && f.State != "":
		return options, errors.New("--state and --no-state: expected one of them")
	case f.NoState:
	case f.State != "":
		options.StateDir = p.Path(string(f.State))
	default:
		options.StateDir = p.State
	}
	options.DryRun = f.DryRun
	options.System = true
	options.WorkDir = p.Dir
	options.Hosts = []string{"*"}
	options.Exec = builtins.ExecAll
	options.Environ = secrets.environ
	options.ExecEnviron = secrets.execEnviron()
	return options, nil
}

// oneArgument writes a URL so that it is one argument of one call in
// Options.Settings: what would separate several is escaped.
var oneArgument = strings.NewReplacer(",", "%2C", ";", "%3B", `"`, "%22")

// Options turns the flags into options that touch nothing yet.
func (f *ScriptFlags) Options(p *Process) (builtins.Options, error) {
	options := builtins.Options{Zone: p.Zone, Strict: f.Strict, Umask: p.Umask, Scratch: os.TempDir(), Settings: map[string]string{}}
	if f.Timezone != "" {
		zone, err := time.LoadLocation(f.Timezone)
		if err != nil {
			return options, fmt.Errorf("--timezone %s: no such zone: write it as in Europe/Berlin or UTC", f.Timezone)
		}
		options.Zone = zone
	}
	if f.Timeout < 0 {
		return options, fmt.Errorf("--timeout %s: expected a time above zero", f.Timeout)
	}
	if f.Limit < 0 || f.Limit > mostLimit || f.Limit > 0 && f.Limit*1024 < 1 {
		return options, fmt.Errorf("--limit %v: expected kilobytes a second, to %d", f.Limit, mostLimit)
	}
	options.SpeedLimit = int64(f.Limit * 1024)
	options.StopOnError = f.StopOnError
	switch f.FailOn {
	case "", "unlooked": // "" where sftpc-run parses nothing
	case "any":
		options.FailOn = builtins.FailOnAny
	case "none":
		options.FailOn = builtins.FailOnNone
	default:
		return options, fmt.Errorf("--fail-on %s: expected unlooked, any or none", f.FailOn)
	}
	if f.Atomic {
		options.Settings["upload-mode"] = "ATOMIC"
	}
	if f.Parallel != "" {
		options.Settings["parallel"] = string(f.Parallel)
	}
	if f.Retry != "" {
		options.Settings["retry"] = string(f.Retry)
	}
	return options, nil
}

// Execute loads the file and runs it under the options.
func (f *ScriptFlags) Execute(ctx context.Context, p *Process, load Loader, file string, args []string, options builtins.Options) int {
	host, err := builtins.NewHost(options)
	if err != nil {
		return p.Refuse(StatusNotRun, err)
	}
	program, ok := f.load(p, load, file, host.Catalog())
	if !ok {
		return StatusNotRun
	}
	var log io.Writer
	if f.Log != "" {
		file, err := openLog(p.Path(string(f.Log)))
		if err != nil {
			return p.Refuse(StatusNotRun, err)
		}
		defer file.Close()
		log = file
	}
	if f.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.Timeout, errTimeout)
		defer cancel()
	}
	return f.carryOut(ctx, p, host, program, file, args, log, options.Zone)
}

// mostLimit is what SETSPEED takes, in kilobytes a second.
const mostLimit = 1 << 30

var errTimeout = errors.New("the time of --timeout ran out")

// grace is how long a run may take to clean up after a signal. What it leaves
// then are part files, never a half file under its final name.
const grace = 4 * time.Second

func (f *ScriptFlags) carryOut(ctx context.Context, p *Process, host *builtins.Host, program *bytecode.Program, file string, args []string, log io.Writer, zone *time.Location) int {
	out := newOutput(p)
	writers := newWriters(f, p, out, log, zone)
	type ending struct {
		result *builtins.Result
		err    error
	}
	ended := make(chan ending, 1)
	if p.handled != nil {
		<-p.handled
	}
	go func() {
		result, err := host.Run(ctx, program, builtins.Job{
			Args: args, Script: scriptName(file), Stdout: out, Events: writers.event, Flush: out.Flush,
		})
		ended <- ending{result, err}
	}()
	var end ending
	select {
	case end = <-ended:
	case <-ctx.Done():
		select {
		case end = <-ended:
		case <-time.After(grace):
			end.err = context.Cause(ctx)
		}
	}
	writers.close()
	out.Flush()
	status, word := f.ending(ctx, args, end.result, end.err)
	if word != "" {
		writers.lastWord(p.says() + word)
	}
	// What was promised and could not be written is a failure of the run.
	lost := func(what string, err error) {
		if err == nil {
			return
		}
		fmt.Fprintf(p.Stderr, "%swriting %s: %v\n", p.says(), what, err)
		if status == StatusOK {
			status = StatusFailed
		}
	}
	lost("standard output", out.Err())
	lost("the log", writers.logError())
	return status
}

// ending is the exit status of a run and the last word about it, empty where the
// transcript has said all.
func (f *ScriptFlags) ending(ctx context.Context, args []string, result *builtins.Result, err error) (status int, word string) {
	var unmapped *builtins.UnmappedError
	switch {
	case err == nil:
		return result.Status, ""
	case errors.As(err, &unmapped):
		return StatusNotRun, diag.EscapeLines(err.Error()) + misplaced(args)
	}
	if status, ok := endedBySignal(ctx); ok {
		return status, diag.Escape(context.Cause(ctx).Error())
	}
	if errors.Is(err, errTimeout) || errors.Is(context.Cause(ctx), errTimeout) {
		return StatusTimeout, fmt.Sprintf("stopped after %s: %v", f.Timeout, errTimeout)
	}
	status = StatusFailed
	if result == nil {
		status = StatusNotRun
	} else if result.Status != StatusOK {
		status = result.Status
	}
	return status, diag.Escape(err.Error())
}

// misplaced is a hint for those who wrote the flag that was missing, but behind
// the file, where everything is the script's.
func misplaced(args []string) string {
	for _, arg := range args {
		if arg == "--drive" || strings.HasPrefix(arg, "--drive=") {
			return "\nhint: flags stand before FILE; what follows it is the script's"
		}
	}
	return ""
}

// scriptName is what GETPARAM(0) tells: the file as it was named.
func scriptName(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

// Refuse says why nothing was done and returns the status.
func (p *Process) Refuse(status int, err error) int {
	fmt.Fprintf(p.Stderr, "%s%s\n", p.says(), diag.EscapeLines(err.Error()))
	return status
}

// openLog opens a log to append to. A new one is its owner's alone: it tells
// names of hosts, users and files.
func openLog(name string) (*os.File, error) {
	log, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--log: %w", err)
	}
	return log, nil
}
