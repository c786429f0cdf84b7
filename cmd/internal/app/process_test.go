package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGetenv(t *testing.T) {
	p := &Process{Environ: []string{"A=1", "EMPTY=", "A=2", "B=x=y", "=C:=odd"}}
	for name, want := range map[string]string{"A": "2", "B": "x=y", "EMPTY": ""} {
		if have, found := p.Getenv(name); have != want || !found {
			t.Errorf("%s is %q, %v", name, have, found)
		}
	}
	if have, found := p.Getenv("a"); found {
		t.Errorf("a is %q", have)
	}
}

func TestColor(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		environ  []string
		want     bool
	}{
		{true, nil, true},
		{true, []string{"NO_COLOR="}, true},
		{true, []string{"NO_COLOR=1"}, false},
		{false, nil, false},
	} {
		p := &Process{StderrTerminal: c.terminal, Environ: c.environ}
		if p.Color() != c.want {
			t.Errorf("terminal %v, %q: %v", c.terminal, c.environ, p.Color())
		}
	}
}

func TestWithSignals_Stop(t *testing.T) {
	ctx, stop := WithSignals(context.Background())
	if ctx.Err() != nil {
		t.Error("ended before any signal")
	}
	if _, ok := endedBySignal(ctx); ok {
		t.Error("a signal ended it")
	}
	stop()
	if _, ok := endedBySignal(ctx); ok {
		t.Error("stop counts as a signal")
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.ftp"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := &Process{Dir: dir, Stdin: strings.NewReader("piped")}
	for name, want := range map[string]string{"a.ftp": "text", filepath.Join(dir, "a.ftp"): "text", "-": "piped"} {
		if data, err := p.ReadFile(name); string(data) != want || err != nil {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	for _, name := range []string{"none.ftp", "."} {
		_, err := p.ReadFile(name)
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.Stdin = endless{}
	if _, err := p.ReadFile("-"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("an endless input: %v", err)
	}
}

type endless struct{}

func (endless) Read(data []byte) (int, error) { return len(data), nil }
