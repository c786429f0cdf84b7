package app

import (
	"fmt"
	"io"
	"time"

	"github.com/sftpc/sftpc/builtins"
)

// writers hands a run's events to those who tell them: the transcript on
// standard error, the log, and on a terminal the progress bar.
type writers struct {
	told     *builtins.Transcript
	progress *progress // nil where nobody watches
	logged   *builtins.Transcript
	stderr   io.Writer
	log      io.Writer
	zone     *time.Location
}

func newWriters(f *ScriptFlags, p *Process, out *output, log io.Writer, zone *time.Location) *writers {
	level := builtins.Normal
	switch {
	case f.Verbose >= 2:
		level = builtins.Traffic
	case f.Verbose == 1:
		level = builtins.Verbose
	}
	w := &writers{stderr: talk{out}, log: log, zone: zone}
	if p.StderrTerminal && !f.Quiet {
		w.progress = newProgress(w.stderr, p.StderrWidth)
		w.stderr = w.progress
	}
	w.told = builtins.NewTranscript(w.stderr, builtins.TranscriptOptions{Level: level, Quiet: f.Quiet, Color: p.Color()})
	if log != nil {
		w.logged = builtins.NewTranscript(log, builtins.TranscriptOptions{Level: level, Everything: true, Times: true, Zone: zone})
	}
	return w
}

func (w *writers) event(e builtins.Event) {
	if w.progress != nil {
		w.progress.event(e)
	}
	w.told.Write(e)
	if w.logged != nil {
		w.logged.Write(e)
	}
}

// lastWord tells why a run ended that did not come to its end, on standard error
// and in the log.
func (w *writers) lastWord(text string) {
	fmt.Fprintln(w.stderr, text)
	if w.log != nil {
		fmt.Fprintf(w.log, "%s %s\n", time.Now().In(w.zone).Format(time.DateTime), text)
	}
}

// logError is why the log is not whole, nil if it is.
func (w *writers) logError() error {
	if w.logged == nil {
		return nil
	}
	return w.logged.Err()
}

func (w *writers) close() {
	if w.progress != nil {
		w.progress.close()
	}
}
