package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
)

// child is a command of ours running as a process of its own, whose streams can
// be waited for.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	lock   sync.Mutex
	output strings.Builder // both streams
	grown  chan struct{}   // told after each line
	ended  chan error
	began  time.Time
}

// startChild runs sftpc in dir. It is killed when the test ends, if it is alive.
func startChild(t *testing.T, dir string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, grown: make(chan struct{}, 1), ended: make(chan error, 1), began: time.Now()}
	// The test binary looks at its name and is the command then.
	c.cmd = &exec.Cmd{Path: self, Args: append([]string{"sftpc"}, args...), Dir: dir, Stdout: writer, Stderr: writer}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.read(reader)
	}()
	go func() {
		c.ended <- c.cmd.Wait()
	}()
	t.Cleanup(func() {
		c.cmd.Process.Kill()
		<-read
		reader.Close()
	})
	return c
}

func (c *child) read(from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		c.lock.Lock()
		c.output.WriteString(line)
		c.lock.Unlock()
		select {
		case c.grown <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (c *child) text() string {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.output.String()
}

// age is how long ago the child was started.
func (c *child) age() time.Duration { return time.Since(c.began) }

// patience is how long something that has to come is waited for.
const patience = time.Minute

// await waits until what the child wrote matches, and returns the first group.
func (c *child) await(pattern string) string {
	c.t.Helper()
	expression := regexp.MustCompile(pattern)
	deadline := time.After(patience)
	for {
		if found := expression.FindStringSubmatch(c.text()); found != nil {
			return found[len(found)-1]
		}
		select {
		case <-c.grown:
		case <-deadline:
			c.t.Fatalf("no %s in\n%s", pattern, c.text())
		}
	}
}

// exit waits for the end within a time and returns the status.
func (c *child) exit(within time.Duration) int {
	c.t.Helper()
	select {
	case <-c.ended:
		return c.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		c.t.Fatalf("still running after %s:\n%s", within, c.text())
		return -1
	}
}

// startServer serves a folder for anybody, disturbed as faults say.
func startServer(t *testing.T, folder, faults string) (address string) {
	t.Helper()
	script, err := fault.Parse(faults)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Listen(context.Background(), "127.0.0.1:0", server.Options{Dir: folder, Anonymous: true, Faults: script})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.Addr()
}

// write makes a file in a folder.
func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// names are the files of a folder, sorted.
func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}
