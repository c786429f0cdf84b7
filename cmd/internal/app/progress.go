package app

import (
	"io"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/vm/diag"
)

// barAfter is how long a transfer takes before a bar is worth a person's eyes.
const barAfter = time.Second

// Columns of a bar's line. The last column of a terminal stays free: a line that
// fills it wraps, and the bar would not find its way back up.
const (
	usualWidth = 80
	mostWidth  = 120
	nameWidth  = 24
)

// progress shows a bar on a terminal for the file that is being transferred. As
// a writer it passes lines on, above the bar while there is one.
type progress struct {
	mu      sync.Mutex
	out     io.Writer
	width   int // columns of the terminal, 0 unknown
	started time.Time
	bars    *mpb.Progress // nil while no bar is shown
	bar     *mpb.Bar
}

func newProgress(out io.Writer, width int) *progress { return &progress{out: out, width: width} }

// Write passes lines of the transcript on.
func (p *progress) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars != nil {
		return p.bars.Write(data)
	}
	return p.out.Write(data)
}

// event shows how far a file is. Events come in order, from one goroutine at a
// time.
func (p *progress) event(e builtins.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case e.File == nil:
	case e.Kind == builtins.FileStart:
		p.started = e.Time
	case e.Kind == builtins.FileProgress && e.Time.Sub(p.started) >= barAfter:
		if p.bars == nil {
			p.show(e.File)
		}
		p.bar.SetCurrent(e.File.Done)
	case e.Kind == builtins.FileEnd:
		p.hide()
	}
}

// show opens a bar.
func (p *progress) show(file *builtins.FileEvent) {
	name := file.Remote
	if file.Upload {
		name = file.Local
	}
	width := p.width
	if width <= 0 {
		width = usualWidth
	}
	p.bars = mpb.New(mpb.WithOutput(p.out), mpb.WithAutoRefresh(), mpb.WithWidth(min(width, mostWidth)-1))
	// Speed and time left are of the whole transfer, also of the second before.
	speed := decor.NewAverageSpeed(decor.SizeB1024(0), "% .1f ", p.started)
	prefix := mpb.PrependDecorators(decor.Name(runewidth.Truncate(diag.Escape(name), nameWidth, "…") + " "))
	if file.Size <= 0 {
		// Nobody knows how much it will be.
		p.bar = p.bars.New(0, mpb.NopStyle(), prefix, mpb.AppendDecorators(decor.CurrentKibiByte("% .1f "), speed))
		return
	}
	p.bar = p.bars.New(0, mpb.BarStyle(), prefix, mpb.AppendDecorators(
		decor.CountersKibiByte("% .1f / % .1f "), speed, decor.NewAverageETA(decor.ET_STYLE_GO, p.started, nil)))
	// A bar that is made with its total ends by itself at the last byte, and its
	// last picture may stay; only hide ends this one.
	p.bar.SetTotal(file.Size, false)
}

// hide takes the bar away; what was written above it stays.
func (p *progress) hide() {
	if p.bars == nil {
		return
	}
	p.bar.Abort(true)
	p.bars.Wait()
	p.bars, p.bar = nil, nil
}

func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hide()
}
