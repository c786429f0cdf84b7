package localfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBatch finishes files of several folders on several goroutines, and commits them in
// order, as a command with a set does. Some are given up instead.
func TestBatch(t *testing.T) {
	when := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	dir := makeFiles(t)
	f := open(t, Options{Root: dir})
	batch := f.NewBatch()
	defer batch.Close()
	const count = 60
	parts := make([]*Part, count)
	var all sync.WaitGroup
	for i := range parts {
		folder := child(t, f, f.Start(), fmt.Sprintf("folder%d", i%6))
		if err := f.MkdirAll(folder); err != nil {
			t.Fatal(err)
		}
		p, err := f.CreatePart(child(t, f, folder, fmt.Sprintf("file%02d", i)), Note{Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Discard() })
		parts[i] = p
		all.Go(func() {
			write(t, p, fmt.Sprint("this is ", i))
			batch.Finish(p, when)
		})
	}
	all.Wait()
	for i, p := range parts {
		name := filepath.Join(dir, fmt.Sprintf("folder%d", i%6), fmt.Sprintf("file%02d", i))
		if _, err := os.Lstat(name); err == nil {
			t.Errorf("%s is there before it was committed", name)
		}
		if i%10 == 3 {
			if err := p.Discard(); err != nil {
				t.Error(err)
			}
			continue
		}
		if err := p.Commit(when); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != fmt.Sprint("this is ", i) {
			t.Errorf("%s holds %q (%v)", name, got, err)
		}
		if info, err := os.Stat(name); err != nil || !info.ModTime().Equal(when) {
			t.Errorf("%s: its time is %v (%v)", name, info.ModTime(), err)
		}
	}
	if err := batch.Close(); err != nil {
		t.Error(err)
	}
	for i := range 6 {
		entries, err := os.ReadDir(filepath.Join(dir, fmt.Sprintf("folder%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), "file") {
				t.Errorf("%s is left in folder %d", e.Name(), i)
			}
		}
	}
}

// TestBatch_TakenAway: what another program did to a finished part is seen when it is
// committed.
func TestBatch_TakenAway(t *testing.T) {
	dir := makeFiles(t)
	f := open(t, Options{Root: dir})
	batch := f.NewBatch()
	defer batch.Close()
	p := startPart(t, f, noteOfSales)
	write(t, p, "0123456789")
	batch.Finish(p, time.Time{})
	p.settle()
	if err := os.Remove(filepath.Join(dir, p.path.Name())); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(time.Time{}); err == nil {
		t.Error("what is gone was committed")
	}
}

// TestBatch_Each has batches that must not ask for the whole file system.
func TestBatch_Each(t *testing.T) {
	dir := makeFiles(t)
	f := open(t, Options{Root: dir})
	var none *Batch
	for name, batch := range map[string]*Batch{"no batch": none, "a file system that others write much to": f.NewBatch()} {
		if batch != nil {
			batch.patient = time.Hour
		}
		var parts []*Part
		for i := range 10 {
			p, err := f.CreatePart(child(t, f, f.Start(), fmt.Sprintf("each%d", i)), Note{Size: -1})
			if err != nil {
				t.Fatal(err)
			}
			write(t, p, name)
			batch.Finish(p, time.Time{})
			parts = append(parts, p)
		}
		for _, p := range parts {
			if err := p.Commit(time.Time{}); err != nil {
				t.Error(name, err)
			}
			if got := content(t, dir, p.Target().Name()); got != name {
				t.Errorf("%s: got %q", name, got)
			}
		}
		if err := batch.Close(); err != nil {
			t.Error(name, err)
		}
	}
}
