package diag

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestFile_Position(t *testing.T) {
	f := NewFile("a.ftp", "ab\ncd\r\ne\xffé\rx\n")
	for _, c := range []struct{ offset, line, column int }{
		{-1, 1, 1}, {0, 1, 1}, {1, 1, 2}, {2, 1, 3}, {3, 2, 1}, {5, 2, 3}, {6, 2, 4}, {7, 3, 1},
		{8, 3, 2}, {9, 3, 3}, {11, 3, 4}, {12, 4, 1}, {13, 4, 2}, {14, 5, 1}, {99, 5, 1},
	} {
		if line, column := f.Position(c.offset); line != c.line || column != c.column {
			t.Errorf("Position(%d) = %d:%d, want %d:%d", c.offset, line, column, c.line, c.column)
		}
	}
	for n, want := range map[int]string{0: "", 1: "ab", 2: "cd", 3: "e\xffé", 4: "x", 5: "", 6: ""} {
		if got := f.Line(n); got != want {
			t.Errorf("Line(%d) = %q, want %q", n, got, want)
		}
	}
	if f.Lines() != 5 {
		t.Errorf("Lines() = %d, want 5", f.Lines())
	}
}

func TestList_Err(t *testing.T) {
	f := NewFile("a.ftp", "x\ny")
	warning := Diagnostic{Severity: Warning, Code: "W1", File: f, Message: "odd"}
	wrong := Diagnostic{Code: "E0001", File: f, Span: Span{2, 3}, Message: "bad"}
	if err := (List{warning}).Err(); err != nil {
		t.Errorf("warnings alone are an error: %v", err)
	}
	for want, list := range map[string]List{
		"a.ftp:2:1: error E0001: bad":                      {warning, wrong},
		"a.ftp:2:1: error E0001: bad (and one more error)": {wrong, wrong},
		"a.ftp:2:1: error E0001: bad (and 2 more errors)":  {wrong, warning, wrong, wrong},
		`error: a\nb`: {{Message: "a\nb"}},
	} {
		var back List
		if err := list.Err(); err.Error() != want || !errors.As(err, &back) {
			t.Errorf("got %q, want %q", err, want)
		}
	}
	list := List{wrong, warning, {File: NewFile("b", ""), Message: "z"}, {File: f, Message: "second"}}
	list.Sort()
	if list[0].Message != "odd" || list[1].Message != "second" || list[2].Message != "bad" || list[3].Message != "z" {
		t.Errorf("sorted wrongly: %v", list)
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain C:\\TEMP é 日本": "plain C:\\TEMP é 日本",
		"a\nb\r\tc":           `a\nb\r\tc`,
		"\x1b[31m\x00\x7f":    `\x1b[31m\x00\x7f`,
		"\u009b\u202e\ufeff":  `\u009b\u202e\ufeff`,
		"a\xffb":              `a\xffb`,
		"\U000e0041":          `\U000e0041`,
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
	if got := EscapeLines("a\n\tb\r"); got != "a\n\tb\\r" {
		t.Errorf("EscapeLines: %q", got)
	}
}

// Whatever comes in, what goes out is one line that moves no cursor.
func TestEscape_Harmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		out := Escape(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		if !utf8.ValidString(out) {
			t.Fatalf("not UTF-8: %q", out)
		}
		for _, r := range out {
			if r < ' ' || r == 0x7f || invisible(r) {
				t.Fatalf("%q holds %U", out, r)
			}
		}
	})
}

func TestNearest(t *testing.T) {
	names := []string{"GETFILE", "PUTFILE", "GETLIST", "OPENHOST", "IF", "PRINT", "STOP"}
	for word, want := range map[string]string{
		"GETFLIE": "GETFILE", "getfil": "GETFILE", "OPENHSOT": "OPENHOST", "PRNT": "PRINT", "PRINTT": "PRINT",
		"FI": "IF", "XX": "", "DOWNLOAD": "", "": "", "STPO": "STOP", strings.Repeat("A", 300): "", "ÄÖ": "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Nearest(strings.Repeat("ı", 32), []string{strings.Repeat("ſ", 32)}); got != "" {
		t.Errorf("nearest of foreign letters: %q", got)
	}
}

// The layout that people see, one golden file for all of it.
func TestWriteText(t *testing.T) {
	long := "PRINT(" + strings.Repeat(`"abcdefghi" . `, 40) + "$wrong" + strings.Repeat(` . "tail"`, 400) + ")"
	f := NewFile("dir/deploy.ftp", strings.Join([]string{
		`$ok = GETFLIE("a.txt")`,
		"\tIF\t($a = 1)",
		`PRINT("日本語" . $x)`,
		"PRINT(\"\x1b[2J\u202e\xff\" . $x)",
		long,
		`PRINT("é` + "\u0301" + `" $x)`,
		"",
		"END WHILE",
	}, "\r\n"))
	at := func(line int, part string) Span {
		start, _ := f.LineSpan(line)
		start += strings.Index(f.Line(line), part)
		return Span{start, start + len(part)}
	}
	end := len(f.Text())
	list := List{
		{Code: "E0202", File: f, Span: at(1, "GETFLIE"), Message: "unknown command GETFLIE", Hint: "did you mean GETFILE?"},
		{Code: "E0105", File: f, Span: at(2, "="), Message: "= assigns", Hint: "write == to compare"},
		{Code: "E0001", File: f, Span: at(3, "$x"), Message: "wide characters stand before"},
		{Code: "E0001", File: f, Span: at(4, "$x"), Message: "control\x07 bytes and \u202e turns", Hint: "not \x1b[31m obeyed"},
		{Code: "E0001", File: f, Span: at(5, "$wrong"), Message: "in the middle of a long line", Hint: "short"},
		{Code: "E0001", File: f, Span: at(5, "PRINT"), Message: "at the start of a long line"},
		{Code: "E0001", File: f, Span: at(5, long), Message: "all of a long line", Hint: "below"},
		{Code: "E0001", File: f, Span: Span{at(5, "PRINT").Start + len(long) - 1, at(5, "PRINT").Start + len(long)}, Message: "at the end of a long line"},
		{Code: "E0001", File: f, Span: at(6, "$x"), Message: "a combining accent has no width", Hint: "two\nlines of hints"},
		{Code: "E0001", File: f, Span: at(7, ""), Message: "an empty line"},
		{Severity: Warning, File: f, Span: Span{at(8, "END").Start, end + 50}, Message: "without a code, beyond the end"},
		{Code: "E0001", File: f, Span: Span{end, end}, Message: "at the end of the file", Hint: strings.Repeat("a long hint ", 8)},
		{Message: "about no file", Hint: "a hint"},
	}
	var b strings.Builder
	if err := WriteText(&b, list, false); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\nin colour:\n")
	if err := WriteText(&b, list[:1], true); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\nas JSON:\n")
	if err := WriteJSON(&b, list[:4]); err != nil {
		t.Fatal(err)
	}
	golden(t, "layout.golden", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at the change\n%s", path, got)
	}
}

// Any text and any span give lines of bounded width with the caret inside.
func TestWriteText_Bounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{"a", "\t", "日", "\xff", "\x1b", "é", "\n", strings.Repeat("x", 90), "\u0301", "\r\n"})
		text := strings.Join(rapid.SliceOf(piece).Draw(t, "text"), "")
		f := NewFile("f", text)
		span := Span{rapid.IntRange(-1, len(text)+1).Draw(t, "start"), rapid.IntRange(-1, len(text)+1).Draw(t, "end")}
		var b strings.Builder
		if err := WriteText(&b, List{{File: f, Span: span, Message: "m"}}, false); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		if len(lines) != 4 || !strings.Contains(lines[2], "^") {
			t.Fatalf("not header, line and caret: %q", lines)
		}
		for _, l := range lines {
			if columns(l) > window+16 {
				t.Fatalf("%d columns: %q", columns(l), l)
			}
		}
	})
}

func TestWriteJSON_OneObjectALine(t *testing.T) {
	var b strings.Builder
	f := NewFile("<f>\n", "a\nb")
	if err := WriteJSON(&b, List{{File: f, Code: "E1", Message: "x\ny"}, {Severity: Warning, Message: "z"}}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %q", len(lines), b.String())
	}
	for _, l := range lines {
		if !json.Valid([]byte(l)) {
			t.Errorf("not JSON: %s", l)
		}
	}
}
