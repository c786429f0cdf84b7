package trust

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sftpc/sftpc/netio/session"
)

// recordMany makes the test binary a program that records keys: FILE FROM TO.
const recordMany = "TRUST_TEST_RECORD"

func TestMain(m *testing.M) {
	if words := strings.Fields(os.Getenv(recordMany)); len(words) == 3 {
		var from, to int
		fmt.Sscan(words[1], &from)
		fmt.Sscan(words[2], &to)
		for n := from; n < to; n++ {
			if err := recordHost(words[0], n); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func recordHost(file string, n int) error {
	h, err := OpenHostKeys(session.Trust{Level: session.TrustNew, KnownHosts: []string{file}}, Server{Host: fmt.Sprintf("host%d", n), Port: "22"})
	if err != nil {
		return err
	}
	return h.Check(keyA.PublicKey())
}

// Several runs record at once, goroutines of one and processes of their own: nothing
// is lost, and no line is torn.
func TestRecord_AtTheSameTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", ".ssh", "known_hosts")
	const goroutines, processes, each = 4, 3, 15
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() {
			for n := range each {
				if err := recordHost(file, i*each+n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range processes {
		all.Go(func() {
			from := (goroutines + i) * each
			command := exec.Command(os.Args[0], "-test.run=^$")
			command.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", recordMany, file, from, from+each))
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	known, err := readKnownHosts([]string{file})
	if err != nil || len(known.damaged) > 0 {
		t.Fatalf("%v, %q", err, known.damaged)
	}
	const want = (goroutines + processes) * each
	if len(known.lines) != want {
		t.Errorf("%d lines, want %d", len(known.lines), want)
	}
	for n := range want {
		if lines, _ := known.about(fmt.Sprintf("host%d", n), "22", ""); len(lines) != 1 {
			t.Errorf("host%d has %d lines", n, len(lines))
		}
	}
}

// Two runs meet the same new host: one line, and a second key is not recorded.
func TestRecord_TheSameHost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "known_hosts")
	open := func() *HostKeys {
		h, err := OpenHostKeys(session.Trust{Level: session.TrustNew, KnownHosts: []string{file}}, Server{Host: "h", Port: "22"})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first, second, third := open(), open(), open() // all have read an empty file
	if err := first.Check(keyA.PublicKey()); err != nil {
		t.Error(err)
	}
	if err := second.Check(keyA.PublicKey()); err != nil {
		t.Error(err)
	}
	if err := third.Check(keyB.PublicKey()); session.CauseOf(err) != session.HostKeyChanged {
		t.Errorf("%v", err)
	}
	if known, _ := readKnownHosts([]string{file}); len(known.lines) != 1 {
		t.Errorf("%d lines", len(known.lines))
	}
}

func TestRecord_File(t *testing.T) {
	t.Run("is its owner's, and so is its folder", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("Windows has access lists instead of modes")
		}
		file := filepath.Join(t.TempDir(), "a", "b", "known_hosts")
		if err := recordHost(file, 1); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]fs.FileMode{file: 0o600, filepath.Dir(file): 0o700 | fs.ModeDir} {
			if info, err := os.Stat(path); err != nil || info.Mode() != want {
				t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
			}
		}
	})
	t.Run("that ends in the middle of a line", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "known_hosts")
		os.WriteFile(file, []byte("other "+keyText(keyB)), 0o600)
		if err := recordHost(file, 1); err != nil {
			t.Fatal(err)
		}
		if known, _ := readKnownHosts([]string{file}); len(known.lines) != 2 || len(known.damaged) != 0 {
			t.Errorf("%+v", known)
		}
	})
	t.Run("that cannot be written", func(t *testing.T) {
		file := filepath.Join(writeKnown(t), "below a file")
		h, err := OpenHostKeys(session.Trust{Level: session.TrustNew, KnownHosts: []string{file}}, Server{Host: "h", Port: "22"})
		if err == nil {
			err = h.Check(keyA.PublicKey())
		}
		if session.CauseOf(err) != session.HostKeyUnknown {
			t.Errorf("%v", err)
		}
	})
	t.Run("nowhere", func(t *testing.T) {
		h, err := OpenHostKeys(session.Trust{Level: session.TrustNew, KnownHosts: []string{"", writeKnown(t, "other "+keyText(keyA))}}, Server{Host: "h", Port: "22"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Check(keyA.PublicKey()); session.CauseOf(err) != session.HostKeyUnknown {
			t.Errorf("%v", err)
		}
	})
	t.Run("a name that would be a pattern", func(t *testing.T) {
		h, err := OpenHostKeys(session.Trust{Level: session.TrustNew, KnownHosts: []string{writeKnown(t)}}, Server{Host: "*", Port: "22"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Check(keyA.PublicKey()); session.CauseOf(err) != session.HostKeyUnknown {
			t.Errorf("%v", err)
		}
	})
}

func TestRecord_TellsWhen(t *testing.T) {
	file := writeKnown(t)
	moment := time.Date(2026, 3, 9, 14, 5, 6, 0, time.UTC)
	h, err := OpenHostKeys(session.Trust{Level: session.TrustNew, KnownHosts: []string{file}, Now: func() time.Time { return moment }}, Server{Host: "h", Port: "22"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Check(keyA.PublicKey()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	if want := "h " + keyText(keyA) + " recorded by sftpc 2026-03-09T14:05:06Z"; last != want {
		t.Errorf("%q, want %q", last, want)
	}
}
