package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/cmd/internal/app"
)

// TestTerminal: a bar is there only on a terminal and only for what takes more
// than a second, and the transcript is the same with and without it.
func TestTerminal(t *testing.T) {
	remote := t.TempDir()
	write(t, remote, "slow.bin", strings.Repeat("0123456789", 30_000))
	write(t, remote, "quick.bin", "0123456789")
	address := startServer(t, remote, "on RETR slow.bin: rate 200000")
	cases := []struct {
		name, file string
		terminal   bool
		flags      []string
		bar        bool
	}{
		{"slow, on a terminal", "slow.bin", true, nil, true},
		{"quick, on a terminal", "quick.bin", true, nil, false},
		{"slow, into a file", "slow.bin", false, nil, false},
		{"quick, on a terminal that wants quiet", "quick.bin", true, []string{"-q"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "job.ftp", "OPENHOST(\"h\")\nGETFILE(GETPARAM(1))\nCLOSEHOST\n")
			var stderr bytes.Buffer
			p := &app.Process{
				Args:   append(append([]string{"run"}, c.flags...), "--host", "h="+address, "job.ftp", c.file),
				Stdout: &bytes.Buffer{}, Stderr: &stderr, StderrTerminal: c.terminal, StderrWidth: 100,
				Environ: []string{"NO_COLOR=1"}, Dir: dir, Zone: time.UTC, Umask: 0o022,
			}
			if status := sftpc(p); status != 0 {
				t.Fatalf("status %d:\n%s", status, &stderr)
			}
			if !strings.Contains(strings.Join(names(t, dir), " "), c.file) {
				t.Errorf("%s is not in %s", c.file, filepath.Base(dir))
			}
			sent := stderr.String()
			if bar := strings.Contains(sent, "KiB / 293.0 KiB"); bar != c.bar {
				t.Errorf("a bar: %v\n%q", bar, sent)
			}
			if !c.bar && strings.Contains(sent, "\x1b") {
				t.Errorf("escape sequences without a bar: %q", sent)
			}
			// What stays on the screen is what a file would hold.
			stays := regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(onScreen(sent), "ADDRESS")
			size := map[string]string{"slow.bin": "300000", "quick.bin": "10"}[c.file]
			want := "OPENHOST(\"h\")\nConnecting to h\nConnected.\n\nGETFILE(\"" + c.file + "\")\npassive: ADDRESS connected to h (ADDRESS)\n" +
				"Downloaded " + c.file + ", " + size + " bytes\n\nCLOSEHOST\nDisconnected.\n\n"
			if c.flags != nil {
				want = ""
			}
			if stays != want {
				t.Errorf("on the screen stays\n%s\nexpected\n%s\nof %q", stays, want, sent)
			}
		})
	}
}

// onScreen carries out the one thing that a bar asks of a terminal: a line up, and
// wipe what is there.
func onScreen(sent string) string {
	shown := ""
	for i, part := range strings.Split(sent, "\x1b[1A\x1b[J") {
		if i > 0 {
			shown = shown[:strings.LastIndexByte(strings.TrimSuffix(shown, "\n"), '\n')+1]
		}
		shown += part
	}
	return shown
}
