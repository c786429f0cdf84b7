package bytecode_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/vm/bytecode"
)

// BenchmarkLoad decodes and verifies the bundle of a script of 5,000 lines, each a
// command with a text of its own.
func BenchmarkLoad(b *testing.B) {
	var text strings.Builder
	text.WriteString("program \"large.ftp\" language=\"0.1\"\nimport PUTFILE/set args=1 outs=0 doing\nfunction main params=0 locals=1 stack=1\nlocal r0 result\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "%d:1 LoadConst \"file-%d.csv\"\nCallStore looked PUTFILE/set $result\n", i+1, i)
	}
	text.WriteString("Halt\n")
	data := encode(b, assemble(b, text.String()))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bytecode.Load(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
