package builtins

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/vm/value"
)

func TestTexts(t *testing.T) {
	b := newBench(t, Options{})
	b.expect([]telling{
		{`TEXTREPLACE("a b b", "b", "xx")`, "a xx xx", ""},
		{`TEXTREPLACE("aaa", "aa", "a")`, "aa", ""},
		{`TEXTREPLACE("abc", "b", "")`, "ac", ""},
		{`TEXTREPLACE("abc", "B", "x")`, "abc", ""},
		{`TEXTREPLACE("a.b", ".", "*")`, "a*b", ""},
		{`TEXTREPLACE(101, 0, 2)`, "121", ""},
		{`TEXTREPLACE("abc", "", "x")`, "", "BAD_ARGUMENT"},

		{`TEXTFIND("abcabc", "c")`, "3", ""},
		{`TEXTFIND("abcabc", "c", 3)`, "3", ""},
		{`TEXTFIND("abcabc", "c", 4)`, "6", ""},
		{`TEXTFIND("abcabc", "c", 7)`, "0", ""},
		{`TEXTFIND("abc", "C")`, "0", ""},
		{`TEXTFIND("äöü", "ü")`, "3", ""},
		{`TEXTFIND("", "x")`, "0", ""},
		{`TEXTFIND("abc", "")`, "", "BAD_ARGUMENT"},
		{`TEXTFIND("abc", "c", 0)`, "", "BAD_ARGUMENT"},

		{`TEXTUPPER("sales äß.xls")`, "SALES Äß.XLS", ""},
		{`TEXTLOWER("SALES ÄÖ.XLS")`, "sales äö.xls", ""},

		{`"[".TEXTTRIM("  a b  ")."]"`, "[a b]", ""},
		{`"[".TEXTTRIM("   ")."]"`, "[]", ""},
		{`TEXTTRIM("/in/", "/")`, "in", ""},
		{`TEXTTRIM("xyabyx", "xy")`, "ab", ""},
		{`TEXTTRIM(" a ", "") . "."`, " a .", ""},

		{`TEXTMATCH("orders_2026.csv", "^orders_[0-9]+[.]csv$")`, "TRUE", ""},
		{`TEXTMATCH("orders.csv", "[0-9]")`, "FALSE", ""},
		{`TEXTMATCH("Orders", "(?i)orders")`, "TRUE", ""},
		{`TEXTMATCH("a_2026_b", "_([0-9]+)_(.)", 0)`, "_2026_b", ""},
		{`TEXTMATCH("a_2026_b", "_([0-9]+)_(.)", 2)`, "b", ""},
		{`TEXTMATCH("abc", "(x)|b", 1)`, "", ""},
		{`TEXTMATCH("abc", "(x)", 1)`, "", ""},
		{`TEXTMATCH("abc", "(x)", 2)`, "", "BAD_ARGUMENT"},
		{`TEXTMATCH("abc", "(x")`, "", "BAD_ARGUMENT"},

		{`TEXTSPLIT("a;b;;c", ";")`, "a|b||c", ""},
		{`TEXTSPLIT("a, b", ", ")`, "a|b", ""},
		{`TEXTSPLIT("a", ";")`, "a", ""},
		{`TEXTSPLIT("", ";")`, "", ""},
		{`TEXTSPLIT("a||b", "||")`, "a|b", ""},
		{`TEXTSPLIT("a|b", ";")`, "", "BAD_ARGUMENT"},
		{`TEXTSPLIT("a;b", "")`, "", "BAD_ARGUMENT"},

		{`TEXTEQUAL("007", 7)`, "FALSE", ""},
		{`TEXTEQUAL(7, "7")`, "TRUE", ""},
		{`TEXTEQUAL("Ab", "aB")`, "FALSE", ""},
		{`TEXTEQUAL("Äb", "äB", NOCASE)`, "TRUE", ""},
	})
}

func TestItems(t *testing.T) {
	b := newBench(t, Options{})
	b.expect([]telling{
		{`LISTLENGTH("")`, "0", ""},
		{`LISTLENGTH("a")`, "1", ""},
		{`LISTLENGTH("a||b")`, "3", ""},
		{`LISTITEM("a|b|c", 1)`, "a", ""},
		{`LISTITEM("a|b|c", 3)`, "c", ""},
		{`LISTITEM("a||c", 2)`, "", ""},
		{`LISTITEM("a|b", 3)`, "", "BAD_ARGUMENT"},
		{`LISTITEM("", 1)`, "", "BAD_ARGUMENT"},
		{`LISTITEM("a|b", 0)`, "", "BAD_ARGUMENT"},
		{`LISTCONTAINS("a|b|c", "b")`, "TRUE", ""},
		{`LISTCONTAINS("007|b", 7)`, "FALSE", ""},
		{`LISTCONTAINS("sales.xls", "sales")`, "FALSE", ""},
		{`LISTCONTAINS("", "")`, "FALSE", ""},
		{`LISTCONTAINS("a||b", "")`, "TRUE", ""},
		{`LISTADD("", "a")`, "a", ""},
		{`LISTADD("a|b", "c", "a")`, "a|b|c|a", ""},
		{`LISTADD("a", "b|c")`, "a|b|c", ""},
		{`LISTADD("a", "")`, "a|", ""},
		{`LISTREMOVE("a|b|a|c", "a")`, "b|c", ""},
		{`LISTREMOVE("a|b", "x")`, "a|b", ""},
		{`LISTREMOVE("a", "a")`, "", ""},
		{`LISTSORT("b|a|C")`, "C|a|b", ""},
		{`LISTSORT("b|a|C", DESC)`, "b|a|C", ""},
		{`LISTSORT("10|9|1")`, "1|10|9", ""},
		{`LISTSORT("10|9|-1.5", NUMBER)`, "-1.5|9|10", ""},
		{`LISTSORT("7|10|007", NUMBER, DESC)`, "10|7|007", ""},
		{`LISTSORT("10|x", NUMBER)`, "", "BAD_ARGUMENT"},
		{`LISTSORT("a|b", DESC, DESC)`, "", "BAD_ARGUMENT"},
		{`LISTSORT("")`, "", ""},
	})
}

func TestNumbers(t *testing.T) {
	b := newBench(t, Options{})
	b.expect([]telling{
		{`INT(1.7)`, "1", ""},
		{`INT(-1.7)`, "-1", ""},
		{`INT("007")`, "7", ""},
		{`INT("1x")`, "", "BAD_ARGUMENT"},
		{`ROUND(0.5)`, "1", ""},
		{`ROUND(-0.5)`, "-1", ""},
		{`ROUND(-0.4)`, "0", ""},
		{`ROUND(1.49)`, "1", ""},
		{`ROUND(2.675, 2)`, "2.68", ""},
		{`ROUND(1.005, 2)`, "1.01", ""},
		{`ROUND(9.995, 2)`, "10", ""},
		{`ROUND(5, 2)`, "5", ""},
		{`ROUND(123456789012345678)`, "123456789012346000", ""},
		{`ROUND(0.1 + 0.2, 1)`, "0.3", ""},
		{`ROUND(1, -1)`, "", "BAD_ARGUMENT"},
		{`ROUND(1, 0.5)`, "", "BAD_ARGUMENT"},
		{`MOD(7, 3)`, "1", ""},
		{`MOD(-7, 3)`, "-1", ""},
		{`MOD(7, -3)`, "1", ""},
		{`MOD(6, 3)`, "0", ""},
		{`MOD(5.5, 2)`, "1.5", ""},
		{`MOD(1, 0)`, "", "BAD_ARGUMENT"},
	})
}

// TestRound_isNearest holds ROUND against its meaning: no number with so few decimals
// is nearer, and what it gives prints with no more of them.
func TestRound_isNearest(t *testing.T) {
	b := newBench(t, Options{})
	rapid.Check(t, func(t *rapid.T) {
		number := value.FormatNumber(float64(rapid.Int64Range(-1e12, 1e12).Draw(t, "digits")) / float64(rapid.SampledFrom([]int{1, 10, 1000, 100000}).Draw(t, "power")))
		decimals := rapid.IntRange(0, 4).Draw(t, "decimals")
		text, failure := b.tell(fmt.Sprintf("ROUND(\"%s\", %d)", number, decimals))
		if failure != "" {
			t.Fatalf("ROUND(%s, %d): %s", number, decimals, failure)
		}
		if _, fraction, _ := strings.Cut(text, "."); len(fraction) > decimals {
			t.Fatalf("ROUND(%s, %d) is %s", number, decimals, text)
		}
		was, _ := value.ParseNumber(number)
		is, _ := value.ParseNumber(text)
		half := 0.5
		for range decimals {
			half /= 10
		}
		if d := was - is; d > half*1.000001 || d < -half*1.000001 {
			t.Fatalf("ROUND(%s, %d) is %s", number, decimals, text)
		}
	})
}

// TestTexts_keepStrangeBytes gives the commands bytes that are not UTF-8, as names of
// old servers have them.
func TestTexts_keepStrangeBytes(t *testing.T) {
	b := newBench(t, Options{Environ: func(string) (string, bool) { return "a\xe4\xffZ", true }})
	for expression, want := range map[string]string{
		`TEXTUPPER(GETENV("X"))`:              "A\xe4\xffZ",
		`TEXTLOWER(GETENV("X"))`:              "a\xe4\xffz",
		`TEXTFIND(GETENV("X"), "Z")`:          "4",
		`TEXTREPLACE(GETENV("X"), "a", "bb")`: "bb\xe4\xffZ",
		`TEXTTRIM(GETENV("X"), "a")`:          "\xe4\xffZ",
		`TEXTEQUAL(GETENV("X"), GETENV("X"))`: "TRUE",
	} {
		if text, failure := b.tell(expression); text != want || failure != "" {
			t.Errorf("%s is %q, failure %q; want %q", expression, text, failure, want)
		}
	}
}

func TestLocalFiles(t *testing.T) {
	for _, test := range []struct {
		name   string
		script []string
		result string
		want   map[string]string // of all files
	}{
		{"delete one", []string{`$r = LOCALDELETEFILE("a.txt")`}, "OK", map[string]string{"b.txt": "beta", "in/c.txt": "gamma"}},
		{"delete one that is not there", []string{`$r = LOCALDELETEFILE("x.txt")`}, "NO_SUCH_LOCAL_FILE", nil},
		{"delete a directory", []string{`$r = LOCALDELETEFILE("in")`}, "LOCAL_FAILURE", nil},
		{"delete several", []string{`$r = LOCALDELETEFILE("*.*")`}, "OK", map[string]string{"in/c.txt": "gamma"}},
		{"delete what nothing matches", []string{`$r = LOCALDELETEFILE("*.csv")`}, "OK", nil},
		{"delete in a directory", []string{`$r = LOCALDELETEFILE("in\?.txt")`}, "OK", map[string]string{"a.txt": "alpha", "b.txt": "beta"}},
		{"rename", []string{`$r = LOCALRENAMEFILE("a.txt", "z.txt")`}, "OK", map[string]string{"z.txt": "alpha", "b.txt": "beta", "in/c.txt": "gamma"}},
		{"move", []string{`$r = LOCALRENAMEFILE("a.txt", "in/a.txt")`}, "OK", map[string]string{"in/a.txt": "alpha", "b.txt": "beta", "in/c.txt": "gamma"}},
		{"rename a directory", []string{`$r = LOCALRENAMEFILE("in", "out")`}, "OK", map[string]string{"a.txt": "alpha", "b.txt": "beta", "out/c.txt": "gamma"}},
		{"rename onto a file", []string{`$r = LOCALRENAMEFILE("a.txt", "b.txt")`}, "LOCAL_EXISTS", nil},
		{"rename over a file", []string{`$r = LOCALRENAMEFILE("a.txt", "b.txt", OVERWRITE)`}, "OK", map[string]string{"b.txt": "alpha", "in/c.txt": "gamma"}},
		{"rename over a directory", []string{`$r = LOCALRENAMEFILE("a.txt", "in", OVERWRITE)`}, "LOCAL_EXISTS", nil},
		{"copy", []string{`$r = LOCALCOPYFILE("a.txt", "z.txt")`}, "OK", map[string]string{"a.txt": "alpha", "z.txt": "alpha", "b.txt": "beta", "in/c.txt": "gamma"}},
		{"copy onto a file", []string{`$r = LOCALCOPYFILE("a.txt", "b.txt")`}, "LOCAL_EXISTS", nil},
		{"copy over a file", []string{`$r = LOCALCOPYFILE("a.txt", "b.txt", OVERWRITE)`}, "OK", map[string]string{"a.txt": "alpha", "b.txt": "alpha", "in/c.txt": "gamma"}},
		{"copy onto itself", []string{`$r = LOCALCOPYFILE("a.txt", "in\..\a.txt", OVERWRITE)`}, "BAD_ARGUMENT", nil},
		{"copy what is not there", []string{`$r = LOCALCOPYFILE("x.txt", "z.txt")`}, "NO_SUCH_LOCAL_FILE", nil},
		{"write", []string{`$r = WRITEFILE("a.txt", "new")`}, "OK", map[string]string{"a.txt": "new\n", "b.txt": "beta", "in/c.txt": "gamma"}},
		{"write exactly", []string{`$r = WRITEFILE("a.txt", "new", OVERWRITE, EXACT)`}, "OK", map[string]string{"a.txt": "new", "b.txt": "beta", "in/c.txt": "gamma"}},
		{"append", []string{`$r = WRITEFILE("in/c.txt", ".", APPEND, EXACT)`, `WRITEFILE("in/c.txt", "x", APPEND)`}, "OK", map[string]string{"a.txt": "alpha", "b.txt": "beta", "in/c.txt": "gamma.x\n"}},
		{"append to a new file", []string{`$r = WRITEFILE("z.txt", "z", APPEND)`}, "OK", map[string]string{"a.txt": "alpha", "b.txt": "beta", "in/c.txt": "gamma", "z.txt": "z\n"}},
		{"write to a directory", []string{`$r = WRITEFILE("in", "x")`}, "LOCAL_EXISTS", nil},
		{"write where no directory is", []string{`$r = WRITEFILE("no/x.txt", "x")`}, "NO_SUCH_LOCAL_FILE", nil},
		{"read, change, write", []string{`WRITEFILE("a.txt", TEXTUPPER(READFILE("a.txt")), OVERWRITE, EXACT)`, `$r = OK`}, "OK", map[string]string{"a.txt": "ALPHA", "b.txt": "beta", "in/c.txt": "gamma"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			b := newBench(t, Options{Root: root})
			before := map[string]string{"a.txt": "alpha", "b.txt": "beta", "in/c.txt": "gamma"}
			write(t, root, before)
			o := b.run(append(test.script, `IF($r == OK)`, `PRINT("OK")`, `ELSE`, `PRINT(GETERROR(NAME))`, `END IF`)...)
			if got := strings.TrimSpace(o.stdout); o.err != nil || got != test.result {
				t.Errorf("it is %q, %v; want %s\n%s", got, o.err, test.result, o.transcript)
			}
			want := test.want
			if want == nil {
				want = before
			}
			holds(t, root, want)
		})
	}
}

func TestReadFile(t *testing.T) {
	root := t.TempDir()
	b := newBench(t, Options{Root: root})
	write(t, root, map[string]string{"lines.txt": "one\r\ntwo\n\nfour", "empty.txt": "", "in/x": ""})
	if err := os.WriteFile(filepath.Join(root, "large.bin"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(root, "large.bin"), mostRead+1); err != nil {
		t.Fatal(err)
	}
	b.expect([]telling{
		{`TEXTSPLIT(READFILE("lines.txt"))`, "one|two||four", ""},
		{`TEXTLENGTH(READFILE("lines.txt"))`, "14", ""},
		{`READFILE("empty.txt")`, "", ""},
		{`READFILE("none.txt")`, "", "NO_SUCH_LOCAL_FILE"},
		{`READFILE("in")`, "", "LOCAL_FAILURE"},
		{`READFILE("large.bin")`, "", "LOCAL_FAILURE"},
		{`GETHASH(LOCAL, "lines.txt")`, fmt.Sprintf("%x", sha256.Sum256([]byte("one\r\ntwo\n\nfour"))), ""},
		{`GETHASH(LOCAL, "empty.txt", MD5)`, "d41d8cd98f00b204e9800998ecf8427e", ""},
		{`GETHASH(LOCAL, "empty.txt", CRC32)`, "00000000", ""},
		{`GETHASH(LOCAL, "none.txt")`, "", "NO_SUCH_LOCAL_FILE"},
		{`GETHASH(REMOTE, "none.txt")`, "", "NOT_CONNECTED"},
	})
}
