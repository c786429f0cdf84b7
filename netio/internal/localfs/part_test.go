package localfs

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

var noteOfSales = Note{Source: "ftp://me@host/sales.xls\xe4\n", Size: 10, Time: time.Date(2026, 11, 21, 18, 30, 5, 123, time.UTC)}

func startPart(t *testing.T, f *FS, note Note) *Part {
	t.Helper()
	p, err := f.CreatePart(child(t, f, f.Start(), "sales.xls"), note)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Discard() })
	return p
}

func write(t *testing.T, p *Part, text string) {
	t.Helper()
	if _, err := io.WriteString(p.File(), text); err != nil {
		t.Fatal(err)
	}
}

// only fails unless the folder holds these names and nothing else.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

func TestPart_Commit(t *testing.T) {
	when := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, text := range []string{"0123456789", ""} {
		dir := makeFiles(t)
		f := open(t, Options{Root: dir})
		p := startPart(t, f, noteOfSales)
		write(t, p, text)
		only(t, dir, names.Part("sales.xls"))
		if err := p.Commit(when); err != nil {
			t.Fatal(err)
		}
		only(t, dir, "sales.xls")
		if got := content(t, dir, "sales.xls"); got != text {
			t.Errorf("got %q", got)
		}
		if e, _ := f.Stat(p.Target()); !e.ModTime.Equal(when) {
			t.Errorf("time: got %v", e.ModTime)
		}
		for _, end := range []func() error{p.Discard, p.Keep, func() error { return p.Commit(when) }} {
			if err := end(); err != nil {
				t.Error("ended twice:", err)
			}
		}
		only(t, dir, "sales.xls")
	}
}

func TestPart_ReplacesOnlyWhenWhole(t *testing.T) {
	dir := makeFiles(t, "sales.xls")
	f := open(t, Options{Root: dir})
	p := startPart(t, f, noteOfSales)
	write(t, p, "half")
	if got := content(t, dir, "sales.xls"); got != "sales.xls" {
		t.Errorf("before the end: %q", got)
	}
	if err := p.Discard(); err != nil {
		t.Error(err)
	}
	only(t, dir, "sales.xls")
	if got := content(t, dir, "sales.xls"); got != "sales.xls" {
		t.Errorf("after Discard: %q", got)
	}
}

// What is taken up again, and what is not.
func TestPart_Resume(t *testing.T) {
	other := func(change func(*Note)) Note {
		n := noteOfSales
		change(&n)
		return n
	}
	noSize := other(func(n *Note) { n.Size = -1 })
	noTime := other(func(n *Note) { n.Time = time.Time{} })
	part, note := names.Part("sales.xls"), names.Note("sales.xls")
	tests := []struct {
		name          string
		first, second Note
		between       func(dir string) error
		want          int64
	}{
		{"the same", noteOfSales, noteOfSales, nil, 5},
		{"the same time in another zone", noteOfSales, other(func(n *Note) { n.Time = n.Time.In(time.FixedZone("x", 3600)) }), nil, 5},
		{"another source", noteOfSales, other(func(n *Note) { n.Source = "elsewhere" }), nil, 0},
		{"another size", noteOfSales, other(func(n *Note) { n.Size++ }), nil, 0},
		{"another time", noteOfSales, other(func(n *Note) { n.Time = n.Time.Add(1) }), nil, 0},
		{"size unknown", noSize, noSize, nil, 0},
		{"time unknown", noTime, noTime, nil, 0},
		{"note lost", noteOfSales, noteOfSales, func(dir string) error { return os.Remove(filepath.Join(dir, note)) }, 0},
		{"note damaged", noteOfSales, noteOfSales, func(dir string) error { return os.Truncate(filepath.Join(dir, note), 40) }, 0},
		{"part shorter than the note says", noteOfSales, noteOfSales, func(dir string) error { return os.Truncate(filepath.Join(dir, part), 4) }, 0},
		{"more bytes than are known to be on disk", noteOfSales, noteOfSales, func(dir string) error { return os.Truncate(filepath.Join(dir, part), 9) }, 5},
		{"longer than the whole", other(func(n *Note) { n.Size = 4 }), other(func(n *Note) { n.Size = 4 }), nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := makeFiles(t)
			f := open(t, Options{Root: dir})
			p := startPart(t, f, tt.first)
			write(t, p, "01234")
			if err := p.Keep(); err != nil {
				t.Fatal(err)
			}
			only(t, dir, note, part)
			if tt.between != nil {
				if err := tt.between(dir); err != nil {
					t.Fatal(err)
				}
			}
			again := startPart(t, f, tt.second)
			if again.Offset() != tt.want {
				t.Errorf("resumes at %d, want %d", again.Offset(), tt.want)
			}
			write(t, again, "rest")
			if err := again.Commit(time.Time{}); err != nil {
				t.Fatal(err)
			}
			if got, want := content(t, dir, "sales.xls"), "01234"[:tt.want]+"rest"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			only(t, dir, "sales.xls")
		})
	}
}

// What a write that failed left behind what was counted is gone.
func TestPart_GoOn(t *testing.T) {
	dir := makeFiles(t)
	f := open(t, Options{Root: dir})
	p := startPart(t, f, Note{Size: -1})
	write(t, p, "0123 of which nobody knows")
	if err := p.GoOn(4); err != nil {
		t.Fatal(err)
	}
	write(t, p, "45")
	if err := p.GoOn(9); err == nil {
		t.Error("the part goes on behind its end")
	}
	if err := p.Commit(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, "sales.xls"); got != "012345" {
		t.Errorf("got %q", got)
	}
}

// A run that was killed leaves what it had made durable.
func TestPart_Killed(t *testing.T) {
	dir := makeFiles(t)
	f := open(t, Options{Root: dir})
	p := startPart(t, f, noteOfSales)
	write(t, p, "01234")
	if err := p.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	write(t, p, "567")
	p.File().Close() // the lock ends, nothing else happens
	again := startPart(t, f, noteOfSales)
	if again.Offset() != 5 {
		t.Errorf("resumes at %d", again.Offset())
	}
	if err := again.Restart(); err != nil || again.Offset() != 0 {
		t.Error(again.Offset(), err)
	}
	write(t, again, "new")
	if err := again.Commit(time.Time{}); err != nil || content(t, dir, "sales.xls") != "new" {
		t.Error(err)
	}
}

func TestPart_KeepOfNothing(t *testing.T) {
	dir := makeFiles(t)
	f := open(t, Options{Root: dir})
	if err := startPart(t, f, noteOfSales).Keep(); err != nil {
		t.Error(err)
	}
	only(t, dir)
}

func TestPart_Locked(t *testing.T) {
	f := open(t, Options{Root: makeFiles(t)})
	p := startPart(t, f, noteOfSales)
	_, err := f.CreatePart(p.Target(), noteOfSales)
	if e := wantCause(t, err, session.LocalFailure); e.Class != session.ClassTransient {
		t.Errorf("class %v: a rerun may help", e.Class)
	}
	p.Discard()
	second, err := f.CreatePart(p.Target(), noteOfSales)
	if err != nil {
		t.Fatal(err)
	}
	second.Discard()
}

func TestPart_Refused(t *testing.T) {
	f := open(t, Options{Root: makeFiles(t, "dir/", "file")})
	for written, cause := range map[string]session.Cause{
		"dir": session.LocalExists, "none/x": session.NoSuchLocalFile, "file/x": session.NoSuchLocalFile, "/": session.LocalFailure,
		strings.Repeat("x", 256): session.LocalFailure,
	} {
		_, err := f.CreatePart(resolve(t, f, f.Start(), written), noteOfSales)
		wantCause(t, err, cause)
	}
	// The name became a directory while the bytes came in.
	p := startPart(t, f, noteOfSales)
	if err := f.Mkdir(p.Target()); err != nil {
		t.Fatal(err)
	}
	wantCause(t, p.Commit(time.Time{}), session.LocalExists)
	if err := p.Keep(); err != nil {
		t.Error(err)
	}
}

// However many runs want the same file, each finished one is whole.
func TestPart_ManyRuns(t *testing.T) {
	dir := makeFiles(t)
	f := open(t, Options{Root: dir})
	target := child(t, f, f.Start(), "sales.xls")
	var runs sync.WaitGroup
	for run := range 8 {
		runs.Go(func() {
			for done := 0; done < 5; {
				p, err := f.CreatePart(target, Note{Source: fmt.Sprint(run), Size: -1})
				if err != nil {
					if session.CauseOf(err) != session.LocalFailure {
						t.Error(err)
						return
					}
					runtime.Gosched() // another run has it
					continue
				}
				done++
				for range 10 {
					fmt.Fprint(p.File(), run)
				}
				if run%2 == 0 {
					err = p.Commit(time.Time{})
				} else {
					err = p.Discard()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	runs.Wait()
	if got := content(t, dir, "sales.xls"); len(got) != 10 || strings.Count(got, got[:1]) != 10 {
		t.Errorf("got %q", got)
	}
	only(t, dir, "sales.xls")
}

func TestNote_Parse(t *testing.T) {
	text := noteOfSales.text("sales\n\xff.xls", 7)
	n, name, kept, ok := parseNote(text)
	if !ok || !n.fits(noteOfSales) || name != "sales\n\xff.xls" || kept != 7 {
		t.Errorf("got %+v, %q, %d, %v", n, name, kept, ok)
	}
	for cut := range text {
		if _, _, _, ok := parseNote(text[:cut]); ok {
			t.Errorf("the first %d bytes pass for a note", cut)
		}
	}
}
