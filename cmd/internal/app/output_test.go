package app

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestOutput_Order: whatever goes to standard error finds what was printed before
// on standard output.
func TestOutput_Order(t *testing.T) {
	var merged strings.Builder
	out := newOutput(&Process{Stdout: &merged, Stderr: &merged})
	fmt.Fprintln(out, "one")
	fmt.Fprintln(talk{out}, "two")
	fmt.Fprintln(out, "three")
	fmt.Fprintln(out, "four")
	fmt.Fprintln(talk{out}, "five")
	fmt.Fprintln(out, "six")
	if strings.Contains(merged.String(), "six") {
		t.Error("a write into a pipe went out at once, which is slow")
	}
	out.Flush()
	if want := "one\ntwo\nthree\nfour\nfive\nsix\n"; merged.String() != want {
		t.Errorf("in the order %q", merged.String())
	}
}

// TestOutput_Bytes: files and pipes get what was printed, terminals what is safe.
func TestOutput_Bytes(t *testing.T) {
	printed := "é\tred \x1b[31m \x00 \xff\r\nnext\n"
	for _, c := range []struct {
		terminal bool
		want     string
	}{
		{false, printed},
		{true, "é\tred \\x1b[31m \\x00 \\xff\\r\nnext\n"},
	} {
		var stdout strings.Builder
		out := newOutput(&Process{Stdout: &stdout, Stderr: io.Discard, StdoutTerminal: c.terminal})
		n, err := io.WriteString(out, printed)
		if n != len(printed) || err != nil {
			t.Errorf("wrote %d of %d, %v", n, len(printed), err)
		}
		if !c.terminal {
			out.Flush()
		}
		if stdout.String() != c.want {
			t.Errorf("terminal %v: %q, expected %q", c.terminal, stdout.String(), c.want)
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// TestOutput_Lost: output that cannot be written is remembered.
func TestOutput_Lost(t *testing.T) {
	out := newOutput(&Process{Stdout: fullDisk{}, Stderr: io.Discard})
	io.WriteString(out, "x\n")
	if out.Err() != nil {
		t.Error("lost before it was written")
	}
	out.Flush()
	if !errors.Is(out.Err(), errFull) {
		t.Errorf("error is %v", out.Err())
	}
	// Standard error still works.
	var stderr strings.Builder
	out.stderr = &stderr
	fmt.Fprintln(talk{out}, "said")
	if stderr.String() != "said\n" {
		t.Errorf("standard error is %q", stderr.String())
	}
}
