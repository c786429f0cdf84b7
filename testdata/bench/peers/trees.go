//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// tree is what is moved: files of one size, spread evenly over directories, or in one
// where there are none.
type tree struct {
	files, directories, size int
}

func (t tree) String() string {
	if t.files == 1 {
		return bytesText(t.size)
	}
	return fmt.Sprintf("%s x %s in %s directories", grouped(t.files), bytesText(t.size), grouped(t.directories))
}

func bytesText(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// grouped writes 100,000.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}

// path is the place of a file below the top of its tree.
func (t tree) path(i int) string {
	if t.directories == 0 {
		return fmt.Sprintf("file-%05d.dat", i)
	}
	each := (t.files + t.directories - 1) / t.directories
	return fmt.Sprintf("folder-%04d/file-%05d.dat", i/each, i)
}

// content is what is in a file: none is like another, and nothing compresses it.
func (t tree) content(i int, into []byte) {
	source := rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), byte(i >> 16)})
	_, _ = source.Read(into[:t.size])
}

// timeOf is the time of a file. It is recent, so that listings tell it to the minute,
// and odd, so that nothing is right by chance.
func (t tree) timeOf(i int, now time.Time) time.Time {
	return now.Add(-10*24*time.Hour - time.Duration(i)*37*time.Second).Truncate(time.Second)
}

// make writes the tree into a directory that is made for it.
func (t tree) make(dir string, now time.Time) error {
	content := make([]byte, t.size)
	for i := range t.files {
		path := filepath.Join(dir, t.path(i))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		t.content(i, content)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
		if when := t.timeOf(i, now); os.Chtimes(path, when, when) != nil {
			return errors.New("the time of " + path + " could not be set")
		}
	}
	return nil
}

// keeps is how exactly a client gives what arrives the time of what was sent.
type keeps int

const (
	noTimes keeps = iota
	toTheMinute
	toTheSecond
)

// check compares a directory with the tree: the same names and bytes and nothing else,
// and times as far as they are promised.
func (t tree) check(dir string, now time.Time, times keeps) error {
	content := make([]byte, t.size)
	for i := range t.files {
		path := filepath.Join(dir, t.path(i))
		got, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("missing: %w", err)
		}
		if t.content(i, content); !bytes.Equal(got, content) {
			return fmt.Errorf("%s is not what was sent", t.path(i))
		}
		if times == noTimes {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		off, most := info.ModTime().Sub(t.timeOf(i, now)).Abs(), time.Second
		if times == toTheMinute {
			most = time.Minute
		}
		if off >= most {
			return fmt.Errorf("the time of %s is off by %v", t.path(i), off)
		}
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files++
		}
		return err
	})
	if err == nil && files != t.files {
		err = fmt.Errorf("there are %d files, %d were sent", files, t.files)
	}
	return err
}
