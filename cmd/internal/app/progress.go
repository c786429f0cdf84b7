package app

import (
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/vm/diag"
)

// barAfter is how long a transfer takes before a bar is worth a person's eyes.
const barAfter = time.Second

// progress shows a bar on a terminal for the file that is being transferred. As
// a writer it passes lines on, above the bar while there is one.
type progress struct {
	mu      sync.Mutex
	out     io.Writer
	started time.Time
	bars    *mpb.Progress // nil while no bar is shown
	bar     *mpb.Bar
}

func newProgress(out io.Writer) *progress { return &progress{out: out} }

// Write passes lines of the transcript on.
func (p *progress) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars != nil {
		return p.bars.Write(data)
	}
	return p.out.Write(data)
}

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

// show opens a bar; of unknown sizes only the bytes and the speed are shown.
func (p *progress) show(file *builtins.FileEvent) {
	name := file.Remote
	if file.Upload {
		name = file.Local
	}
	p.bars = mpb.New(mpb.WithOutput(p.out), mpb.WithAutoRefresh(), mpb.WithWidth(40))
	p.bar = p.bars.AddBar(max(file.Size, 0),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(diag.Escape(name)+" ")),
		mpb.AppendDecorators(
			decor.CountersKibiByte("% .1f / % .1f "),
			decor.AverageSpeed(decor.SizeB1024(0), "% .1f "),
			decor.AverageETA(decor.ET_STYLE_GO),
		))
}

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
