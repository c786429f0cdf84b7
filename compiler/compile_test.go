package compiler

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

func TestCompile_seed(t *testing.T) {
	source, err := os.ReadFile("../testdata/seed.ftp")
	if err != nil {
		t.Fatal(err)
	}
	p, list := Compile("some/where/seed.ftp", source, catalog.Commands(), Options{})
	if len(list) != 0 {
		t.Fatal(list)
	}
	if p.Name != "seed.ftp" || p.Language != bytecode.LanguageVersion {
		t.Errorf("name %q, language %q", p.Name, p.Language)
	}
	want := lines(`
		LoadConst "C:\\WINDOWS\\TEMP"
		CallDrop unlooked LOCALCHDIR
		LoadConst "ftp.myhost.com"
		LoadConst "myuser"
		LoadConst "mypassword"
		CallDrop unlooked OPENHOST
		LoadConst "DISABLED"
		CallDrop unlooked SETPASSIVE
		LoadConst "sales.xls"
		CallDrop unlooked GETFILE
		CallDrop unlooked CLOSEHOST
		LoadConst "192.168.1.53"
		CallDrop unlooked OPENHOST
		LoadConst "ENABLED"
		CallDrop unlooked SETPASSIVE
		LoadConst "sales.xls"
		CallDrop unlooked PUTFILE
		CallDrop unlooked CLOSEHOST
		LoadConst "del sales.xls"
		CallDrop unlooked EXEC
		Halt`)
	if got := listing(p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCompile_name(t *testing.T) {
	for name, want := range map[string]string{
		"a.ftp": "a.ftp", "dir/a.ftp": "a.ftp", "/home/me/a.ftp": "a.ftp", `C:\jobs\a.ftp`: "a.ftp", "": "",
		"a\nb\x1b.ftp": `a\nb\x1b.ftp`, "caf\xe9.ftp": `caf\xe9.ftp`, strings.Repeat("é", 200): strings.Repeat("é", 127),
	} {
		p, _ := Compile(name, nil, nil, Options{})
		if p.Name != want {
			t.Errorf("%q: named %q, want %q", name, p.Name, want)
		}
		if err := bytecode.Verify(p); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Errors of parsing and of names come in one list, in the order of the source,
// and no program comes with them.
func TestCompile_allErrors(t *testing.T) {
	p, list := Compile("a.ftp", []byte("PRIMT(\"a\")\n$x = 1 +\nGOTO :b\nIF(PRINT(1))\nEND IF\n"), catalog.Commands(), Options{})
	if p != nil {
		t.Error("a program in spite of errors")
	}
	last := 0
	for _, d := range list {
		line, _ := d.Position()
		if line < last {
			t.Errorf("line %d behind line %d", line, last)
		}
		last = line
	}
	if len(list) != 4 || last != 4 {
		t.Errorf("%d errors, the last in line %d: %v", len(list), last, list)
	}
}

func TestCompile_positions(t *testing.T) {
	p := mustCompile(t, "$a = 1\n  PRINT(\"ä\" . 5 / $a)\nWHILE(TRUE)\nEND WHILE\n", Options{})
	f := &p.Functions[0]
	var got []string
	for pc := 0; pc < len(f.Code); pc++ {
		if op := bytecode.OpOf(f.Code[pc]); op.Properties().Flags&bytecode.Fails != 0 || op == bytecode.Jump {
			at, ok := f.Position(pc)
			got = append(got, fmt.Sprintf("%s %d:%d %v", op, at.Line, at.Column, ok))
		}
	}
	want := lines(`
		Div 2:17 true
		Concat 2:13 true
		CallDrop 2:3 true
		Jump 3:1 true`)
	if got := strings.Join(got, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The same source makes the same bundle, whoever compiles at the same time.
func TestCompile_reproducible(t *testing.T) {
	source := []byte(longScript(300))
	var wait sync.WaitGroup
	bundles := make([][]byte, 8)
	commands := catalog.Commands()
	for i := range bundles {
		wait.Go(func() {
			p, list := Compile(fmt.Sprintf("dir%d/a.ftp", i), source, commands, Options{})
			if list.HasErrors() {
				return
			}
			bundles[i], _ = bytecode.Encode(p)
		})
	}
	wait.Wait()
	for _, b := range bundles {
		if len(b) == 0 || !bytes.Equal(b, bundles[0]) {
			t.Fatal("two compilations differ")
		}
	}
}

// A catalogue of an embedder may hold anything; the words of the language stay.
func TestCompile_ownCatalogue(t *testing.T) {
	p, list := Compile("a.ftp", []byte("GREET(OK)\n"), []catalog.Command{
		{Name: "GREET", Kind: catalog.Doing, Forms: []catalog.Form{{Params: []catalog.Param{{Name: "whom"}}}}},
	}, Options{})
	if len(list) != 0 || len(p.Imports) != 1 || p.Imports[0].Command != "GREET" || p.Consts[0] != "OK" {
		t.Errorf("%v %+v", list, p)
	}
}

// longScript is a script of about the given number of lines with a bit of everything.
func longScript(length int) string {
	var b strings.Builder
	for n := 0; n*15 < length; n++ {
		fmt.Fprintf(&b, `# step %[1]d of the job
$count%[2]d = 0
OPENHOST("ftp%[1]d.example.com", "user", "password")
$result = GETLIST($names, REMOTE_FILES, "*.csv")
IF($result == "OK" AND $names != "")
  FOREACH $name IN $names
    IF(GETFILE($name, "in/" . $name) != "OK" OR $count%[2]d > 10 + %[1]d)
      PRINT("failed: " . $name . " " . $result)
      CONTINUE
    END IF
    $count%[2]d = $count%[2]d + 1
  END FOREACH
  PRINT($count%[2]d . " files")
END IF
CLOSEHOST
`, n, n%50)
	}
	return b.String()
}

func BenchmarkCompile(b *testing.B) {
	source, commands := []byte(longScript(5000)), catalog.Commands()
	b.SetBytes(int64(len(source)))
	b.ReportAllocs()
	for b.Loop() {
		if _, list := Compile("a.ftp", source, commands, Options{}); list.HasErrors() {
			b.Fatal(list)
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	source, commands := []byte(longScript(5000)), catalog.Commands()
	b.SetBytes(int64(len(source)))
	b.ReportAllocs()
	for b.Loop() {
		if _, list := Format("a.ftp", source, commands, Options{}); list.HasErrors() {
			b.Fatal(list)
		}
	}
}

// BenchmarkCompile_backEnd is what of BenchmarkCompile comes behind the parser.
func BenchmarkCompile_backEnd(b *testing.B) {
	file := diag.NewFile("a.ftp", longScript(5000))
	sources := []*source{newSource(newReporter(file), 0)}
	b.ReportAllocs()
	for b.Loop() {
		m := resolve(sources, newVocabulary(catalog.Commands()))
		if emitProgram(m, "a.ftp", true) == nil {
			b.Fatal(everything(sources))
		}
	}
}
