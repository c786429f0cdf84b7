package compiler

import (
	"testing"
	"unicode/utf8"

	"github.com/sftpc/sftpc/vm/diag"
)

// FuzzParse feeds bytes to decoder, lexer and parser: none may panic, the tree has
// no holes, every place that is reported lies in the file, and can be drawn.
func FuzzParse(f *testing.F) {
	f.Add([]byte(seedScript(f)), "")
	for _, c := range goodScripts() {
		f.Add([]byte(c[0]), "")
	}
	for _, c := range goodExpressions() {
		f.Add([]byte("IF("+c[0]+")\nEND IF"), "windows-1252")
	}
	for _, c := range badScripts() {
		f.Add([]byte(c.text), "")
	}
	f.Add([]byte("\xff\xfea\x00=\x00"), "")
	f.Fuzz(func(t *testing.T, source []byte, encodingName string) {
		file, report := openSource("f.ftp", source, encodingName)
		if !utf8.ValidString(file.Text()) {
			t.Fatal("the text is not UTF-8")
		}
		tree := parse(file, report)
		if len(report.list) > 2*errorLimit+len(source) {
			t.Fatalf("%d messages", len(report.list))
		}
		for _, d := range report.list {
			if d.Span.Start < 0 || d.Span.Start > len(file.Text()) || d.Span.End < d.Span.Start {
				t.Fatalf("%v stands at %v", d, d.Span)
			}
		}
		rendered(report)
		checkTree(t, file, tree.body, 0)
	})
}

func checkTree(t *testing.T, file *diag.File, body []statement, depth int) {
	if depth > deepestNesting {
		t.Fatalf("blocks %d deep", depth)
	}
	check := func(e expression) {
		spans(e, func(s diag.Span) {
			if s.Start < 0 || s.End < s.Start {
				t.Fatalf("a node stands at %v", s)
			}
		})
	}
	for _, s := range body {
		switch s := s.(type) {
		case *assignment:
			check(s.value)
		case *commandStatement:
			check(s.call)
		case *ifStatement:
			for i := range s.arms {
				if s.arms[i].condition != nil {
					check(s.arms[i].condition)
				}
				checkTree(t, file, s.arms[i].body, depth+1)
			}
		case *whileStatement:
			check(s.condition)
			checkTree(t, file, s.body, depth+1)
		case *forEachStatement:
			check(s.list)
			checkTree(t, file, s.body, depth+1)
		}
	}
}
