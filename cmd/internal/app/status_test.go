package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sftpc/sftpc/builtins"
)

// TestStatuses_AreWrittenDown: spec/results.md has exactly the statuses of here.
func TestStatuses_AreWrittenDown(t *testing.T) {
	page, err := os.ReadFile("../../../spec/results.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "## Exit statuses of run")
	if !found {
		t.Fatal("the page has no section about them")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	written := map[int]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(section, -1) {
		n, _ := strconv.Atoi(row[1])
		written[n] = true
	}
	all := []int{StatusOK, StatusFailed, StatusTransient, StatusTimeout, StatusNotRun, StatusDenied, StatusInterrupted, StatusTerminated}
	for _, status := range all {
		if !written[status] {
			t.Errorf("%d is not on the page", status)
		}
		delete(written, status)
	}
	for status := range written {
		t.Errorf("%d is on the page only", status)
	}
}

// TestEnding: which status and last word a run's end makes.
func TestEnding(t *testing.T) {
	result := func(status int) *builtins.Result { return &builtins.Result{Status: status} }
	unmapped := &builtins.UnmappedError{Paths: []builtins.UnmappedPath{
		{Script: "a.ftp", Line: 3, Column: 1, Command: "LOCALCHDIR", Literal: `C:\IN`, Option: "--drive C=DIR"}}}
	ended := func(cause error) context.Context {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(cause)
		return ctx
	}
	alive := context.Background()
	cases := []struct {
		name   string
		ctx    context.Context
		args   []string
		result *builtins.Result
		err    error
		status int
		word   string // "" is no word at all
	}{
		{"all went well", alive, nil, result(0), nil, 0, ""},
		{"a failure", alive, nil, result(1), nil, 1, ""},
		{"failures that may pass", alive, nil, result(75), nil, 75, ""},
		{"denied", alive, nil, result(126), nil, 126, ""},
		{"the script's own status", alive, nil, result(42), nil, 42, ""},
		{"no drive", alive, nil, nil, unmapped, 125, "--drive C=DIR"},
		{"no drive, flag behind the file", alive, []string{"--drive", "C=in"}, nil, unmapped, 125, "hint: flags stand before FILE"},
		{"no drive, flag behind the file, joined", alive, []string{"--drive=C=in"}, nil, unmapped, 125, "hint: flags stand before FILE"},
		{"does not link", alive, nil, nil, &builtins.LinkError{Missing: []string{"SYNC is unknown"}}, 125, "SYNC is unknown"},
		{"Ctrl-C", ended(signalError{os.Interrupt}), nil, result(1), signalError{os.Interrupt}, 130, "stopped by SIGINT"},
		{"SIGTERM", ended(signalError{syscall.SIGTERM}), nil, result(1), fmt.Errorf("a.ftp:3: %w", signalError{syscall.SIGTERM}), 143, "stopped by SIGTERM"},
		{"Ctrl-C, and nothing came back in time", ended(signalError{os.Interrupt}), nil, nil, signalError{os.Interrupt}, 130, "stopped by SIGINT"},
		{"Ctrl-C when all was done", ended(signalError{os.Interrupt}), nil, result(0), nil, 0, ""},
		{"--timeout", ended(errTimeout), nil, result(124), errTimeout, 124, "stopped after 2s: the time of --timeout ran out"},
		{"a budget", alive, nil, result(124), errors.New("out of fuel"), 124, "out of fuel"},
		{"a defect, with its stack", alive, nil, result(1), errors.New("internal error\nstack\x1b"), 1, `internal error\nstack\x1b`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &ScriptFlags{Timeout: 2 * time.Second}
			status, word := f.ending(c.ctx, c.args, c.result, c.err)
			if status != c.status || !strings.Contains(word, c.word) || (c.word == "") != (word == "") {
				t.Errorf("status %d, %q; expected %d, %q", status, word, c.status, c.word)
			}
		})
	}
}
