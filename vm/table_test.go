package vm_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/sftpc/sftpc/vm/bytecode"
)

// Every opcode has a case of its own in the loop's switch, and the function that
// holds it has nothing that would cost it its registers.
func TestExecute_hasEveryOpcode(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "run.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]int{}
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok || f.Name.Name != "execute" {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.DeferStmt, *ast.GoStmt, *ast.FuncLit, *ast.SelectStmt, *ast.TypeAssertExpr, *ast.RangeStmt:
				t.Errorf("the loop has a %T", n)
			case *ast.CaseClause:
				for _, e := range n.List {
					if s, ok := e.(*ast.SelectorExpr); ok {
						if x, ok := s.X.(*ast.Ident); ok && x.Name == "bytecode" {
							cases[s.Sel.Name]++
						}
					}
				}
			}
			return true
		})
	}
	for _, op := range bytecode.Ops() {
		if cases[op.String()] != 1 {
			t.Errorf("%v has %d cases", op, cases[op.String()])
		}
	}
	if len(cases) != len(bytecode.Ops()) {
		t.Errorf("%d cases for %d opcodes", len(cases), len(bytecode.Ops()))
	}
}
