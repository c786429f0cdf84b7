package spec_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sftpc/sftpc/"

// rooms says which rooms of the module each room may reach, directly or through
// others. What stands below a room in the table is above it in the house.
var rooms = []struct {
	room string
	may  []string
}{
	{"vm/value", nil},
	{"vm/diag", nil},
	{"vm/bytecode", []string{"vm/value", "vm/diag"}},
	{"vm", []string{"vm/bytecode", "vm/value", "vm/diag"}},
	{"builtins/catalog", nil},
	{"compiler", []string{"vm/bytecode", "vm/value", "vm/diag", "builtins/catalog"}},
	{"netio/session", nil},
	{"netio/internal/names", nil},
	{"netio/internal/cause", []string{"netio/session"}},
	{"netio/internal/filelock", nil},
	{"netio/internal/listing", []string{"netio/session", "netio/internal/names"}},
	{"netio/internal/pretend", []string{"netio/session", "netio/internal/names"}},
	{"netio/internal/localfs", []string{"netio/session", "netio/internal/filelock", "netio/internal/names", "netio/internal/pretend"}},
	{"netio/internal/trust", []string{"netio/session", "netio/internal/filelock", "netio/internal/names"}},
	{"netio/internal/proxy", []string{"netio/session", "netio/internal/cause"}},
	{"netio/internal/record", []string{"netio/session"}},
	{"netio/internal/encoded", []string{"netio/session", "netio/internal/names"}},
	{"netio/internal/sshconfig", []string{"netio/internal/names"}},
	{"netio/internal/sshlogin", []string{"netio/session", "netio/internal/cause", "netio/internal/filelock", "netio/internal/trust", "netio/internal/sshconfig", "netio/internal/names"}},
	{"netio/internal/sshconn", []string{"netio/session", "netio/internal/cause", "netio/internal/filelock", "netio/internal/names", "netio/internal/sshconfig", "netio/internal/sshlogin", "netio/internal/trust"}},
	{"netio/internal/ftpconn", []string{"netio/session", "netio/internal/cause", "netio/internal/filelock", "netio/internal/names", "netio/internal/listing", "netio/internal/trust"}},
	{"netio", []string{"netio/session", "netio/internal"}},
	{"netio/engine", []string{"netio/session", "netio/internal/names", "netio/internal/filelock"}},
	{"netio/server/fault", nil},
	{"netio/server/door", nil},
	{"netio/server/wire", nil},
	{"netio/server/relay", []string{"netio/server/door"}},
	{"netio/server/relay/rewrite", []string{"netio/server/door", "netio/server/fault", "netio/server/wire"}},
	{"netio/server", []string{"netio/session", "netio/server/door", "netio/server/fault"}},
	{"netio/server/sftpserver", []string{"netio/server/door", "netio/server/fault", "netio/server/wire"}},
	{"builtins", []string{"vm", "builtins/catalog", "netio", "netio/engine", "netio/session", "netio/internal", "vm/bytecode", "vm/value", "vm/diag"}},
	{"cmd/internal/doctor", []string{"builtins", "builtins/catalog", "vm", "vm/bytecode", "vm/value", "vm/diag", "netio", "netio/engine", "netio/session", "netio/internal"}},
	{"cmd/internal/app", []string{"builtins", "builtins/catalog", "vm", "vm/bytecode", "vm/value", "vm/diag", "netio", "netio/engine", "netio/session", "netio/internal"}},
	{"cmd/sftpc-run", []string{"cmd/internal/app", "builtins", "builtins/catalog", "vm", "vm/bytecode", "vm/value", "vm/diag", "netio", "netio/engine", "netio/session", "netio/internal"}},
	{"cmd/sftpc", []string{""}},
	{"spec", nil},
}

// TestArrowsPointDown compares every room's imports with the table.
func TestArrowsPointDown(t *testing.T) {
	list := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Deps \" \"}}", "./...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		words := strings.Fields(line)
		room, ours := strings.CutPrefix(words[0], module)
		if !ours {
			continue
		}
		seen[room] = true
		i := slices.IndexFunc(rooms, func(r struct {
			room string
			may  []string
		}) bool {
			return r.room == room
		})
		if i < 0 {
			t.Errorf("%s is no room of the table: draw it in, or put it elsewhere", room)
			continue
		}
		for _, dependency := range words[1:] {
			if other, ours := strings.CutPrefix(dependency, module); ours && !allowed(rooms[i].may, other) {
				t.Errorf("%s reaches %s, which the table does not allow", room, other)
			}
			if room == "cmd/sftpc-run" && strings.HasPrefix(dependency, "github.com/alecthomas/participle") {
				t.Errorf("%s links the parser library", room)
			}
		}
	}
	for _, r := range rooms {
		if !seen[r.room] {
			t.Errorf("the table names %s, which does not exist", r.room)
		}
	}
}

func allowed(may []string, other string) bool {
	return slices.ContainsFunc(may, func(m string) bool {
		return m == "" || m == other || m == "netio/internal" && strings.HasPrefix(other, m+"/")
	})
}

// processState are the names that read or change the process: they may be used
// in cmd only.
var processState = map[string][]string{
	"os":            {"Getenv", "LookupEnv", "Environ", "Setenv", "Unsetenv", "Getwd", "Chdir", "Args", "Exit", "Stdin", "Stdout", "Stderr", "UserHomeDir", "UserConfigDir", "UserCacheDir", "ExpandEnv"},
	"os/signal":     {"Notify", "NotifyContext"},
	"time":          {"Local", "LoadLocation"},
	"path/filepath": {"Abs"},
}

// TestProcessStateIsTouchedInCmdOnly reads the sources below cmd.
func TestProcessStateIsTouchedInCmdOnly(t *testing.T) {
	eachSource(t, func(path string, file *ast.File, fset *token.FileSet) {
		if strings.HasPrefix(path, "cmd/") {
			return
		}
		names := map[string]string{}
		for _, i := range file.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(imported)
			if i.Name != nil {
				name = i.Name.Name
			}
			names[name] = imported
		}
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := selector.X.(*ast.Ident); ok && slices.Contains(processState[names[pkg.Name]], selector.Sel.Name) {
				t.Errorf("%s: %s.%s is the process's: take it from Options", fset.Position(n.Pos()), pkg.Name, selector.Sel.Name)
			}
			return true
		})
	})
}

// TestEveryRoomSaysWhatItIs wants a doc.go with something to read in each room.
func TestEveryRoomSaysWhatItIs(t *testing.T) {
	for _, r := range rooms {
		if strings.HasPrefix(r.room, "cmd/sftpc") {
			continue // main packages say it in main.go
		}
		text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(r.room), "doc.go"))
		if err != nil {
			t.Errorf("%s has no doc.go", r.room)
			continue
		}
		if lines := strings.Count(string(text), "\n"); lines < 8 || lines > 40 {
			t.Errorf("%s/doc.go has %d lines; 10 to 30 tell a reader what it is without tiring him", r.room, lines)
		}
	}
}

// TestFilesHaveOneSubject holds the size of source files.
func TestFilesHaveOneSubject(t *testing.T) {
	const most = 700
	eachSource(t, func(path string, file *ast.File, fset *token.FileSet) {
		if lines := fset.File(file.Pos()).LineCount(); lines > most {
			t.Errorf("%s has %d lines: split it by subject", path, lines)
		}
		for _, bad := range []string{"util", "utils", "common", "helpers", "misc"} {
			if file.Name.Name == bad {
				t.Errorf("%s: a package named %s has no subject", path, bad)
			}
		}
	})
}

// eachSource parses every Go file of the module but tests, with slashed paths
// from the module's root.
func eachSource(t *testing.T, visit func(path string, file *ast.File, fset *token.FileSet)) {
	t.Helper()
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative := filepath.ToSlash(strings.TrimPrefix(name, ".."+string(filepath.Separator)))
		if entry.IsDir() && (entry.Name() == ".git" || relative == "testdata") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		visit(relative, file, fset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
