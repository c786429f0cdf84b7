package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMemory_KeepsWhatItIsTold(t *testing.T) {
	folder := t.TempDir()
	of := Directories{Server: "ftp://h:21", Account: "joe", Local: "/in", Remote: "/out"}
	facts := map[string]Fact{
		"a.txt":        {LocalSize: 5, LocalTime: time.Unix(1_700_000_000, 123).UTC(), ServerSize: -1},
		"d/\xe4|\n\"x": {LocalSize: 0, ServerSize: 7, ServerTime: time.Unix(1_700_000_000, 0).UTC(), Rough: time.Minute},
		"cut":          {Unfinished: true},
	}
	m := OpenMemory(folder, of)
	m.Keep("gone", Fact{LocalSize: 1})
	for path, f := range facts {
		m.Keep(path, f)
	}
	m.Forget("gone")
	// A run that is killed closes nothing.
	for _, of := range []Directories{of, {}, {Server: "ftp://h:21", Account: "eve", Local: "/in", Remote: "/out"}} {
		got := OpenMemory(folder, of)
		for path, want := range facts {
			if f, known := got.Recall(path); known != (of == m.of) || known && f != want {
				t.Errorf("%+v: %q is %+v (%v), want %+v", of, path, f, known, want)
			}
		}
		if _, known := got.Recall("gone"); known {
			t.Error("what is gone is remembered")
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever is in the file, it is read without harm and written on.
func TestMemory_DamagedFiles(t *testing.T) {
	of := Directories{Server: "ftp://h:21"}
	whole := func() string {
		folder := t.TempDir()
		m := OpenMemory(folder, of)
		m.Keep("a", Fact{LocalSize: 1})
		m.Close()
		raw, err := os.ReadFile(m.path)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}()
	tests := []struct {
		name, content string
		known         bool
	}{
		{"nothing", "", false},
		{"no heading", "{}\n" + whole, false},
		{"another version", strings.Replace(whole, `"format":1`, `"format":2`, 1), false},
		{"another pair", strings.Replace(whole, "ftp://h:21", "ftp://g:21", 1), false},
		{"a line that was cut", whole + `{"p":"b","ls":`, true},
		{"a line that is no fact", whole + "nonsense\n[]\n", true},
		{"a line without an end", whole + strings.Repeat("x", longestLine+1), true},
		{"zeros", whole + strings.Repeat("\x00", 100), true},
	}
	for _, tt := range tests {
		folder := t.TempDir()
		m := OpenMemory(folder, of)
		if err := os.MkdirAll(filepath.Dir(m.path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(m.path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		m = OpenMemory(folder, of)
		if _, known := m.Recall("a"); known != tt.known {
			t.Errorf("%s: known is %v", tt.name, known)
		}
		m.Keep("new", Fact{LocalSize: 3})
		if err := m.Close(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.name == "a line without an end" {
			continue // nothing behind it is read
		}
		if f, _ := OpenMemory(folder, of).Recall("new"); f.LocalSize != 3 {
			t.Errorf("%s: what was added is not read", tt.name)
		}
	}
}

func TestMemory_IsWrittenAnewWhenMostIsOld(t *testing.T) {
	folder := t.TempDir()
	m := OpenMemory(folder, Directories{})
	for i := range 300 {
		m.Keep("a", Fact{LocalSize: int64(i)})
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(m.path)
	if err != nil || strings.Count(string(raw), "\n") != 2 {
		t.Errorf("%d lines, %v", strings.Count(string(raw), "\n"), err)
	}
	if f, _ := OpenMemory(folder, Directories{}).Recall("a"); f.LocalSize != 299 {
		t.Errorf("the last fact is %+v", f)
	}
}

// Two runs of one pair: the second remembers what there is and writes nothing.
func TestMemory_OfTwoRuns(t *testing.T) {
	folder := t.TempDir()
	first := OpenMemory(folder, Directories{})
	first.Keep("a", Fact{LocalSize: 1})
	second := OpenMemory(folder, Directories{})
	second.Keep("b", Fact{LocalSize: 2})
	if err := second.Close(); err == nil {
		t.Error("the second one kept something beside the first")
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, known := OpenMemory(folder, Directories{}).Recall("b"); known {
		t.Error("the second one has written into the first one's file")
	}
}

func TestMemory_None(t *testing.T) {
	var m *Memory
	m.Keep("a", Fact{})
	m.Forget("a")
	if _, known := m.Recall("a"); known || m.Close() != nil {
		t.Error("a memory that is none remembers")
	}
}

func FuzzMemory(f *testing.F) {
	f.Add([]byte("{\"format\":1,\"server\":\"s\"}\n{\"p\":\"a\",\"ls\":1,\"lt\":9223372036854775807,\"rt\":-9223372036854775808}\n"))
	f.Add([]byte("{\"format\":1,\"server\":\"s\"}\n{\"b\":\"5A==\",\"cut\":true}\n\n\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		folder := t.TempDir()
		of := Directories{Server: "s"}
		path := OpenMemory(folder, of).path
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		m := OpenMemory(folder, of)
		m.Keep("new", Fact{LocalSize: 3})
		if err := m.Close(); err != nil {
			t.Fatal(fmt.Errorf("%w: %q", err, raw))
		}
	})
}
