package compiler_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/compiler"
	"github.com/sftpc/sftpc/vm/bytecode"
)

func TestFormat(t *testing.T) {
	for _, test := range []struct{ name, source, want string }{
		{"nothing", "", ""},
		{"empty lines", "\n \n\n", ""},
		{"a comment alone", "  # why", "# why\n"},
		{"blanks", "$a=1\n\t$b  =\u00a0$a", "$a = 1\n$b = $a\n"},
		{"capitals", "if($Count==ok and not true)\nprint($count)\nEnd  if", "IF($Count == OK AND NOT TRUE)\n    PRINT($count)\nEND IF\n"},
		{"own words stay", "nobody(nowhere)", "nobody(nowhere)\n"},
		{"a label is no command", ":stop\ngoto :stop\ngoto  stop", ":stop\nGOTO :stop\nGOTO stop\n"},
		{"operators", `$a=1+2*-3- -4/(5)."x".$b.1`, `$a = 1 + 2 * -3 - -4 / (5) . "x" . $b . 1` + "\n"},
		{"two signs", "$a = - -1", "$a = - -1\n"},
		{"signs behind words", "IF(NOT -1==-$a)\nEND IF\nFOREACH $x IN -1\nEND FOREACH", "IF(NOT -1 == -$a)\nEND IF\nFOREACH $x IN -1\nEND FOREACH\n"},
		{"comparisons", "$a = (1<2)!=(3>=4)", "$a = (1 < 2) != (3 >= 4)\n"},
		{"brackets", "WHILE ( $a )\nPRINT( ( 1 ) )\nCLOSEHOST ( )\nEND WHILE", "WHILE($a)\n    PRINT((1))\n    CLOSEHOST()\nEND WHILE\n"},
		{"brackets behind words", "IF($a AND($b)OR NOT($c))\nELSE IF ($d)\nEND IF", "IF($a AND ($b) OR NOT ($c))\nELSE IF($d)\nEND IF\n"},
		{"texts stay", `PRINT("a  ""b"" # c" . 'x')`, `PRINT("a  ""b"" # c" . 'x')` + "\n"},
		{"numbers stay", "$a = 007 + 1.50", "$a = 007 + 1.50\n"},
		{"comments", "$a=1#one\n#two  \n\n\n\n#three\n", "$a = 1  #one\n#two\n\n#three\n"},
		{"comments in blocks", "IF($a)\n# first\n\nPRINT(1)\n# last\nELSE\n# other\nEND IF\n# behind", "IF($a)\n    # first\n\n    PRINT(1)\n    # last\nELSE\n    # other\nEND IF\n# behind\n"},
		{"a comment behind a head", "WHILE(1) # forever\nBREAK\nEND WHILE", "WHILE(1)  # forever\n    BREAK\nEND WHILE\n"},
		{"lines that go on", "IF($a)\nOPENHOST(\"h\", # host\n# of joe\n\"joe\",\n\n\"pw\"\n)\nEND IF", "IF($a)\n    OPENHOST(\"h\",  # host\n        # of joe\n        \"joe\",\n\n        \"pw\"\n    )\nEND IF\n"},
		{"operators at ends and beginnings", "PRINT(1 +\n2\n. 3)", "PRINT(1 +\n    2\n    . 3)\n"},
		{"line ends of Windows", "$a=1\r\n$b=2\r\n", "$a = 1\r\n$b = 2\r\n"},
		{"line ends of old Macs", "$a=1\r$b=2", "$a = 1\n$b = 2\n"},
		{"a mark", "\xef\xbb\xbf$a=1", "$a = 1\n"},
		{"UTF-16", "\xff\xfe$\x00a\x00=\x001\x00", "$a = 1\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, list := compiler.Format("a.ftp", []byte(test.source), catalog.Commands(), compiler.Options{})
			if list.Err() != nil || string(got) != test.want {
				t.Errorf("formatted\n%s%v\nwant\n%s", got, list.Err(), test.want)
			}
			unchanged(t, test.source, catalog.Commands())
		})
	}
}

func TestFormat_encoding(t *testing.T) {
	got, list := compiler.Format("a.ftp", []byte("PRINT(\"\xe4\")"), catalog.Commands(), compiler.Options{Encoding: "windows-1252"})
	if list.Err() != nil || string(got) != "PRINT(\"ä\")\n" {
		t.Errorf("formatted %q, %v", got, list.Err())
	}
	for name, source := range map[string]string{"a wrong byte": "PRINT(\"\xe4\")", "a missing bracket": "PRINT(1", "a wrong operator": "$a := 1", "no END": "IF(1)"} {
		if got, list := compiler.Format("a.ftp", []byte(source), catalog.Commands(), compiler.Options{}); got != nil || !list.HasErrors() {
			t.Errorf("%s: formatted %q, %v", name, got, list)
		}
	}
}

// unchanged holds a formatted script against its source: formatted again it is the
// same, and it compiles to the same stripped bundle, or as the source to none.
func unchanged(t failer, source string, commands []catalog.Command) {
	formatted, list := compiler.Format("a.ftp", []byte(source), commands, compiler.Options{})
	if list.HasErrors() {
		return
	}
	again, list := compiler.Format("a.ftp", formatted, commands, compiler.Options{})
	if list.HasErrors() || !bytes.Equal(again, formatted) {
		t.Fatalf("formatted again:\n%s%v\nnot:\n%s\nthe source:\n%s", again, list.Err(), formatted, source)
	}
	if was, is := stripped(t, source, commands), stripped(t, string(formatted), commands); !bytes.Equal(was, is) {
		t.Fatalf("another program (%d bytes, was %d):\n%s\nthe source:\n%s", len(is), len(was), formatted, source)
	}
}

// stripped is the stripped bundle of a source, nil if it does not compile.
func stripped(t failer, source string, commands []catalog.Command) []byte {
	program, _ := compiler.Compile("a.ftp", []byte(source), commands, compiler.Options{})
	if program == nil {
		return nil
	}
	program.Strip()
	bundle, err := bytecode.Encode(program)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	return bundle
}

// TestFormat_changesNoProgram formats every script of the project.
func TestFormat_changesNoProgram(t *testing.T) {
	count := 0
	for _, dir := range []string{"../testdata", "../spec"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			switch {
			case strings.HasSuffix(path, ".ftp"):
				unchanged(t, string(text), catalog.Commands())
				count++
			case strings.HasSuffix(path, ".md"):
				for i, block := range strings.Split(string(text), "```ftp\n") {
					if block, _, _ := strings.Cut(block, "```"); i > 0 {
						unchanged(t, block, catalog.Commands())
						count++
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob("../testdata/lang/*.ftp")
	for _, file := range files {
		for _, c := range readChunks(t, file) {
			unchanged(t, c.source, langCommands())
			count++
		}
	}
	if count < 200 {
		t.Errorf("only %d scripts were found", count)
	}
}

// TestFormat_random formats random programs, written with random blanks.
func TestFormat_random(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t}
		for range rapid.IntRange(1, 12).Draw(t, "statements") {
			g.statement(3)
		}
		unchanged(t, g.b.String(), langCommands())
	})
}

// FuzzFormat looks for sources that are formatted into something else.
func FuzzFormat(f *testing.F) {
	addChunks(f)
	f.Add("IF ( 1 ) # a\r\n\r\n\r\n# b\rPRINT ( - -1 ,\n'x' )\nEND IF")
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 1<<12 {
			return
		}
		unchanged(t, source, langCommands())
	})
}
