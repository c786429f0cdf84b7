package builtins

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/diag"
)

// TranscriptOptions say how a Transcript is written. The zero value is what the
// command writes on standard error without flags.
type TranscriptOptions struct {
	// Level is how much is written: Normal, Verbose or Traffic.
	Level Level
	// Quiet writes failures, warnings and the closing line only (-q).
	Quiet bool
	// Everything writes also what PRINT wrote, and does not obey SILENT(ON): for
	// logs.
	Everything bool
	// Times begins each line with date and time in Zone, nil for UTC: for logs.
	Times bool
	Zone  *time.Location
	// Color marks failures and warnings with the terminal's colours.
	Color bool
}

// Transcript writes events as text for people: each network command as it is
// called, its messages, an empty line; failures with everything known; a closing
// line. One event is one line, but for failures; whatever came from outside is
// escaped. It is not safe for concurrent use; Job.Events never calls concurrently.
type Transcript struct {
	w       io.Writer
	options TranscriptOptions
	err     error
}

// NewTranscript returns a Transcript that writes to w, which stays the caller's.
// Each event is one Write.
func NewTranscript(w io.Writer, options TranscriptOptions) *Transcript {
	return &Transcript{w: w, options: options}
}

// Err is the first error of the writer. After one nothing more is written.
func (t *Transcript) Err() error { return t.err }

// Write writes one event. It may be given as Job.Events.
func (t *Transcript) Write(e Event) {
	if t.err != nil || e.Level > t.options.Level || e.Silent && !t.options.Everything {
		return
	}
	lines := t.lines(e)
	if len(lines) == 0 {
		return
	}
	prefix := ""
	if t.options.Times {
		zone := t.options.Zone
		if zone == nil {
			zone = time.UTC
		}
		prefix = e.Time.In(zone).Format("2006-01-02 15:04:05 ")
	}
	var b strings.Builder
	for _, line := range lines {
		if line != "" {
			b.WriteString(prefix)
			b.WriteString(line)
		}
		b.WriteByte('\n')
	}
	_, t.err = io.WriteString(t.w, b.String())
}

func (t *Transcript) lines(e Event) []string {
	switch e.Kind {
	case CommandStart, Message, Wire:
		if t.options.Quiet {
			return nil
		}
		return []string{diag.Escape(e.Text)}
	case Print:
		if !t.options.Everything {
			return nil
		}
		return []string{diag.Escape(e.Text)}
	case Warning:
		return []string{t.paint(yellow, "warning: ") + t.placed(e) + diag.Escape(e.Text)}
	case RunError:
		return append([]string{t.paint(red, diag.Escape(e.Text))}, callLines(e.Calls)...)
	case FileEnd:
		return t.fileLines(e)
	case CommandEnd:
		var lines []string
		if e.Failure != nil {
			lines = t.failureLines(e.Failure, e.Looked)
		}
		if e.Network && !t.options.Quiet {
			lines = append(lines, "")
		}
		return lines
	case RunEnd:
		return t.closingLines(e.Summary)
	}
	return nil
}

// placed is where a warning belongs, if it belongs to a statement.
func (t *Transcript) placed(e Event) string {
	if e.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", diag.Escape(e.Script), e.Line)
}

// fileLines tells of a file that failed within a command: the command's own
// failure only counts those. A file that went well is a message of its command.
func (t *Transcript) fileLines(e Event) []string {
	if e.Failure == nil || e.File == nil || e.File.Only {
		return nil
	}
	name := e.File.Remote
	if e.File.Upload {
		name = e.File.Local
	}
	return append([]string{fmt.Sprintf("%s: %s", diag.Escape(name), t.cause(e.Failure))}, t.details(e.Failure, false)...)
}

// failureLines is the block of a failed command. One that the script looks at is
// its own affair: what went wrong, and the details for those who asked for more.
func (t *Transcript) failureLines(f *Failure, looked bool) []string {
	place := ""
	if f.Line != 0 {
		place = fmt.Sprintf("%s:%d: ", diag.Escape(f.Script), f.Line)
	}
	color := red
	if looked {
		color = plain
	}
	lines := []string{t.paint(color, place+diag.Escape(f.Command)+" failed: "+t.cause(f))}
	if looked && t.options.Level < Verbose {
		return append(lines, t.details(f, true)...)
	}
	return append(append(lines, t.details(f, false)...), callLines(f.Calls)...)
}

// callLines say in which functions something happened: one line each, with where it
// was called.
func callLines(calls []vm.Frame) []string {
	var lines []string
	label := "in"
	for _, c := range calls {
		at := c.Called.File
		if c.Called.Line != 0 {
			at = fmt.Sprintf("%s:%d", at, c.Called.Line)
		}
		lines = append(lines, fmt.Sprintf("  %-8s%s, called at %s", label, diag.Escape(c.Function), diag.Escape(at)))
		label = ""
		if c.More > 0 {
			lines = append(lines, fmt.Sprintf("  %-8s… and %d more", "", c.More))
		}
	}
	return lines
}

// cause is: sentence (NAME code, class, attempt 3 of 3).
func (t *Transcript) cause(f *Failure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (", f.Result.Sentence)
	if f.Result.Name != "" {
		b.WriteString(f.Result.Name + " ")
	}
	fmt.Fprintf(&b, "%d, %s", f.Result.Code, f.Result.Class)
	if f.Of > 1 {
		fmt.Fprintf(&b, ", attempt %d of %d", f.Attempt, f.Of)
	}
	b.WriteByte(')')
	return b.String()
}

// detailLines is how many lines of a reply or hint are shown: a hostile server
// may answer with a thousand.
const detailLines = 12

// details are the indented lines below a failure: what was being done, with
// which server, what it replied, what to do; brief stops after the first.
func (t *Transcript) details(f *Failure, brief bool) []string {
	e := f.Err
	if e == nil {
		return nil
	}
	var lines []string
	add := func(label, text string) {
		for i, line := range strings.Split(strings.TrimRight(text, "\r\n"), "\n") {
			if i == detailLines {
				lines = append(lines, "          …")
				return
			}
			lines = append(lines, fmt.Sprintf("  %-8s%s", label, diag.Escape(strings.TrimRight(line, "\r"))))
			label = ""
		}
	}
	// Of a data connection the command says what was being done, and the line of
	// the server why it failed: four lines tell all.
	if cause := causeText(f); cause != "" && cause != f.Result.Sentence && (brief || e.Data == nil) {
		add("cause", strings.ReplaceAll(cause, "\n", " "))
	}
	if brief {
		return lines
	}
	if server := serverText(f); server != "" {
		add("server", server)
	}
	if e.Reply.Code != 0 {
		add("reply", fmt.Sprintf("%d %s", e.Reply.Code, e.Reply.Text))
	}
	if e.Hint != "" {
		add("try", e.Hint)
	}
	return lines
}

// causeText is the error without the reply, which has a line of its own.
func causeText(f *Failure) string {
	var parts []string
	if f.Err.Op != "" {
		parts = append(parts, f.Err.Op)
	}
	if f.Err.Err != nil {
		parts = append(parts, f.Err.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// serverText is: host:port, passive, address:port of the data connection, and
// the reason that the system gave, if it gave one.
func serverText(f *Failure) string {
	var parts []string
	if f.Err.Host != "" {
		parts = append(parts, f.Err.Host)
	}
	if d := f.Err.Data; d != nil {
		mode, address := "passive", d.Remote
		if d.Active {
			mode, address = "active", d.Listen
			if address == "" {
				address = d.Local
			}
		}
		parts = append(parts, mode)
		if address != "" {
			parts = append(parts, address)
		}
		if f.Err.Err != nil {
			return strings.Join(parts, ", ") + ": " + strings.ReplaceAll(innermost(f.Err.Err).Error(), "\n", " ")
		}
	}
	return strings.Join(parts, ", ")
}

// innermost is the error that the others wrap: "connection refused" without the
// call and the address, which the line has already.
func innermost(err error) error {
	for {
		below := errors.Unwrap(err)
		if below == nil {
			return err
		}
		err = below
	}
}

// closingLineNumbers bounds the line numbers of the closing line.
const closingLineNumbers = 20

// closingLines count what failed; for those who asked for more, also what was done.
func (t *Transcript) closingLines(s *Summary) []string {
	if s == nil {
		return nil
	}
	var lines []string
	if s.Failed > 0 {
		text := plural(s.Failed, "command") + " failed"
		if s.Handled > 0 {
			text += fmt.Sprintf(", %d of them handled", s.Handled)
		}
		lines = append(lines, t.paint(red, text+lineNumbers(s.FailedLines)))
	}
	if t.options.Level >= Verbose {
		lines = append(lines, fmt.Sprintf("%s run, %s of files moved, %.1f s, status %d",
			plural(s.Commands, "command"), plural(int(s.Bytes), "byte"), s.Took.Seconds(), s.Status))
	}
	return lines
}

func lineNumbers(all []int) string {
	if len(all) == 0 {
		return ""
	}
	word, shown := "line", all
	if len(all) > 1 {
		word = "lines"
	}
	more := ""
	if len(shown) > closingLineNumbers {
		shown, more = shown[:closingLineNumbers], ", …"
	}
	texts := make([]string, len(shown))
	for i, n := range shown {
		texts[i] = fmt.Sprint(n)
	}
	return ": " + word + " " + strings.Join(texts, ", ") + more
}

const (
	plain  = ""
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
)

func (t *Transcript) paint(color, text string) string {
	if !t.options.Color || color == plain || text == "" {
		return text
	}
	return color + text + "\x1b[0m"
}
