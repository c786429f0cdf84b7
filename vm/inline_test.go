package vm_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The loop's speed rests on these being inlined and the slow paths not; the
// compiler says so when asked, and this test asks.
func TestFastPath_isInlined(t *testing.T) {
	out, err := exec.Command("go", "build", "-gcflags=-m", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "run.go:") {
			continue
		}
		if _, name, ok := strings.Cut(strings.TrimSpace(line), "inlining call to "); ok {
			said[name] = true
		}
	}
	for _, name := range []string{"value.(*Value).AddWhole", "value.(*Value).SubWhole", "value.(*Value).OrderWhole", "value.Bool"} {
		if !said[name] {
			t.Errorf("%s is not inlined into the loop", name)
		}
	}
	for name := range said {
		if strings.HasPrefix(name, "(*Machine)") {
			t.Errorf("%s is inlined into the loop, and takes its registers", name)
		}
	}
}
