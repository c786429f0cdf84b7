package app

import (
	"io"
	"time"

	"github.com/sftpc/sftpc/builtins"
)

// writers hands a run's events to those who tell them: the transcript on
// standard error, the log, and on a terminal the progress bar.
type writers struct {
	transcripts []*builtins.Transcript
	progress    *progress
}

func newWriters(f *ScriptFlags, p *Process, out *output, log io.Writer, zone *time.Location) *writers {
	level := builtins.Normal
	switch {
	case f.Verbose >= 2:
		level = builtins.Traffic
	case f.Verbose == 1:
		level = builtins.Verbose
	}
	w := &writers{}
	var stderr io.Writer = talk{out}
	if p.StderrTerminal && !f.Quiet {
		w.progress = newProgress(stderr)
		stderr = w.progress
	}
	w.transcripts = append(w.transcripts, builtins.NewTranscript(stderr, builtins.TranscriptOptions{Level: level, Quiet: f.Quiet, Color: p.Color()}))
	if log != nil {
		w.transcripts = append(w.transcripts, builtins.NewTranscript(log, builtins.TranscriptOptions{Level: level, Everything: true, Times: true, Zone: zone}))
	}
	return w
}

func (w *writers) event(e builtins.Event) {
	if w.progress != nil {
		w.progress.event(e)
	}
	for _, t := range w.transcripts {
		t.Write(e)
	}
}

func (w *writers) close() {
	if w.progress != nil {
		w.progress.close()
	}
}
