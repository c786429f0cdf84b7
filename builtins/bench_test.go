package builtins

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/sftpc/sftpc/compiler"
)

// What the wrapper costs a command that does next to nothing; a loop of 1,000.
func BenchmarkPerform(b *testing.B) {
	host, err := NewHost(Options{Now: func() time.Time { return time.Time{} }})
	if err != nil {
		b.Fatal(err)
	}
	for name, statement := range map[string]string{
		"pure":     `$x = TEXTLENGTH("abc")`,
		"constant": `VERBOSE(OFF)`,
		"print":    `PRINT("abc")`,
		"failing":  `$x = TEXTCUT("abc", 0, 1)`,
	} {
		b.Run(name, func(b *testing.B) {
			source := "$n = 0\nWHILE($n < 1000)\n" + statement + "\n$n = $n + 1\nEND WHILE\nPRINT($x)\n"
			program, list := compiler.Compile("bench.ftp", []byte(source), host.Catalog(), compiler.Options{})
			if err := list.Err(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := host.Run(context.Background(), program, Job{Stdout: io.Discard}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
