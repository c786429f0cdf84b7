package app

import (
	"bufio"
	"io"
	"sync"

	"github.com/sftpc/sftpc/vm/diag"
)

// output keeps the two streams in program order: what was printed is on standard
// output before anything goes to standard error. It is safe for concurrent use.
type output struct {
	mu       sync.Mutex
	buffer   *bufio.Writer
	terminal bool
	stderr   io.Writer
	err      error // the first failure of standard output
}

func newOutput(p *Process) *output {
	return &output{buffer: bufio.NewWriterSize(p.Stdout, 64<<10), terminal: p.StdoutTerminal, stderr: p.Stderr}
}

// Write is PRINT's: buffered, raw into files and pipes; on a terminal control
// bytes are escaped and every write is shown at once.
func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := data
	if o.terminal {
		text = []byte(diag.EscapeLines(string(data)))
	}
	if _, err := o.buffer.Write(text); err != nil {
		return 0, o.fail(err)
	}
	if o.terminal {
		o.flush()
	}
	return len(data), o.err
}

// Flush brings everything printed to standard output.
func (o *output) Flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush()
}

func (o *output) flush() {
	if err := o.buffer.Flush(); err != nil {
		o.fail(err)
	}
}

func (o *output) fail(err error) error {
	if o.err == nil {
		o.err = err
	}
	return err
}

// Err is the first failure of standard output: what was printed is lost then.
func (o *output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// talk is standard error, in order with what was printed.
type talk struct{ *output }

func (t talk) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush()
	return t.stderr.Write(data)
}
