package spec_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestErrorsPage wants a row of errors.md for each code in the compiler's
// sources, in their order, and none for a code that there is not.
func TestErrorsPage(t *testing.T) {
	isCode := regexp.MustCompile(`^[EW][0-9]{4}$`)
	var codes []string
	eachSource(t, func(path string, file *ast.File, _ *token.FileSet) {
		if !strings.HasPrefix(path, "compiler/") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil && isCode.MatchString(text) {
					codes = append(codes, text)
				}
			}
			return true
		})
	})
	slices.Sort(codes)
	if twice := slices.Compact(slices.Clone(codes)); len(twice) != len(codes) {
		t.Errorf("a code stands twice in the sources: %q", codes)
	}
	if len(codes) < 40 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	if rows := firstColumn(t, "errors.md", "<!-- errors:"); !slices.Equal(rows, codes) {
		for _, c := range codes {
			if !slices.Contains(rows, c) {
				t.Errorf("errors.md has no row for %s", c)
			}
		}
		for _, r := range rows {
			if !slices.Contains(codes, r) {
				t.Errorf("errors.md has a row for %s, which there is not", r)
			}
		}
		if !t.Failed() {
			t.Errorf("the rows stand in the order %q", rows)
		}
	}
}
