package app

import (
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/sftpc/sftpc/builtins"
)

// screen collects what a terminal would be sent.
type screen struct {
	lock sync.Mutex
	sent strings.Builder
}

func (s *screen) Write(data []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.sent.Write(data)
}

func (s *screen) text() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.sent.String()
}

// await waits until the screen was sent something.
func (s *screen) await(t *testing.T, what string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(s.text(), what); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q in %q", what, s.text())
		}
	}
}

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fileEvent is an event about a file, so long after its start.
func fileEvent(kind builtins.EventKind, after time.Duration, file builtins.FileEvent) builtins.Event {
	return builtins.Event{Kind: kind, Time: began.Add(after), File: &file}
}

var control = regexp.MustCompile(`\x1b\[[0-9]*[A-Z]`)

// TestProgress_Quick: a transfer that takes a second or less shows no bar, and
// lines pass as they are.
func TestProgress_Quick(t *testing.T) {
	s := &screen{}
	p := newProgress(s, 80)
	file := builtins.FileEvent{Remote: "a.txt", Size: 1000}
	io.WriteString(p, "GETFILE(\"a.txt\")\n")
	p.event(fileEvent(builtins.FileStart, 0, file))
	file.Done = 500
	p.event(fileEvent(builtins.FileProgress, 999*time.Millisecond, file))
	io.WriteString(p, "between\n")
	p.event(fileEvent(builtins.FileEnd, 999*time.Millisecond, file))
	io.WriteString(p, "Downloaded a.txt\n")
	p.close()
	if want := "GETFILE(\"a.txt\")\nbetween\nDownloaded a.txt\n"; s.text() != want {
		t.Errorf("sent %q", s.text())
	}
}

// TestProgress_Bar: after a second there is a bar with name, bytes and speed; lines
// of the transcript stay whole above it; it is gone when the file is done.
func TestProgress_Bar(t *testing.T) {
	s := &screen{}
	p := newProgress(s, 80)
	file := builtins.FileEvent{Remote: "in\x1b[31m.bin", Size: 4 << 20, Done: 0}
	p.event(fileEvent(builtins.FileStart, 0, file))
	file.Done = 1 << 20
	p.event(fileEvent(builtins.FileProgress, time.Second, file))
	s.await(t, "1.0 MiB / 4.0 MiB")
	if !strings.Contains(s.text(), `in\x1b[31m.bin`) {
		t.Errorf("the name is not there, or as it came: %q", s.text())
	}
	io.WriteString(p, "a line of the transcript\n")
	file.Done = 3 << 20
	p.event(fileEvent(builtins.FileProgress, 2*time.Second, file))
	s.await(t, "3.0 MiB / 4.0 MiB")
	file.Done = 4 << 20
	p.event(fileEvent(builtins.FileProgress, 3*time.Second, file))
	p.event(fileEvent(builtins.FileEnd, 3*time.Second, file))
	io.WriteString(p, "Downloaded\n")
	p.close()

	sent := s.text()
	if !strings.Contains(control.ReplaceAllString(sent, ""), "\na line of the transcript\n") {
		t.Errorf("the transcript's line is torn: %q", sent)
	}
	if !strings.HasSuffix(sent, "\x1b[JDownloaded\n") {
		t.Errorf("the bar was not wiped before what follows: %q", sent[max(0, len(sent)-200):])
	}
	for _, line := range strings.Split(control.ReplaceAllString(sent, ""), "\n") {
		if runewidth.StringWidth(line) >= 80 {
			t.Errorf("a line of %d columns wraps: %q", runewidth.StringWidth(line), line)
		}
	}
}

// TestProgress_Unknown: without a size there is nothing to promise.
func TestProgress_Unknown(t *testing.T) {
	s := &screen{}
	p := newProgress(s, 0)
	file := builtins.FileEvent{Upload: true, Local: strings.Repeat("long", 50), Size: -1}
	p.event(fileEvent(builtins.FileStart, 0, file))
	file.Done = 5 << 20
	p.event(fileEvent(builtins.FileProgress, 2*time.Second, file))
	s.await(t, "5.0 MiB")
	p.close() // the run was cut short
	if strings.Contains(s.text(), " / ") || !strings.Contains(s.text(), "longlong") {
		t.Errorf("sent %q", s.text())
	}
	p.close()
}
