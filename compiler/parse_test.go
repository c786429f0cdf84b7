package compiler

import (
	"os"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/vm/diag"
)

func seedScript(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("../testdata/seed.ftp")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// goodScripts are scripts with nothing wrong, and their trees.
func goodScripts() [][2]string {
	return [][2]string{
		{"", ""},
		{"$a = 1", "(set A 1)"},
		{"$A='x'\n\n$b=$a", "(set A `x`) (set B $A)"},
		{"CLOSEHOST\nclosehost()", "(do CLOSEHOST()) (do CLOSEHOST())"},
		{`OPENHOST ("h", 'u' ,"p")`, "(do OPENHOST(`h`, `u`, `p`))"},
		{`$r = GETFILE("a")`, "(set R GETFILE(`a`))"},
		{"$r = GETDATE", "(set R GETDATE)"},
		{"SETPASSIVE(disabled)", "(do SETPASSIVE(DISABLED))"},
		{"IF($a)\nEND IF", "(if [$A: ])"},
		{"if ( $a ) # c\n$b=1\nelse if($c)\n$b=2\nELSE\n$b=3\nend if", "(if [$A: (set B 1)] [$C: (set B 2)] [else: (set B 3)])"},
		{"WHILE(TRUE)\nBREAK\nCONTINUE\nEND WHILE\nSTOP", "(while TRUE: break continue) (do STOP())"},
		{"FOREACH $f IN $l . '|x'\nPRINT($f)\nEND FOREACH", "(foreach F ($L . `|x`): (do PRINT($F)))"},
		{"WHILE(1)\nIF(2)\nFOREACH $x IN 3\nEND FOREACH\nELSE\nEND IF\nEND WHILE", "(while 1: (if [2: (foreach X 3: )] [else: ]))"},
		{":top # again\nGOTO :TOP\nGOTO : end\n:end", ":TOP (goto TOP) (goto END) :END"},
		{"PRINT(\n  \"a\" . # first\n  \"b\"\n)", "(do PRINT((`a` . `b`)))"},
		{"IF($a == 1\n   AND $b == 2)\nEND IF", "(if [(($A == 1) AND ($B == 2)): ])"},
		{"$x = (1\n - 2)", "(set X (1 - 2))"},
		{"FUNCTION f($a, $B)\nGLOBAL $c\nGLOBAL $d, $e\nRETURN $a . $c\nEND FUNCTION\nf(1, 2)",
			"(function F(A B): (global C) (global D E) (return ($A . $C))) (do F(1, 2))"},
		{"INCLUDE \"lib.ftp\"\ninclude 'a\\b.ftp' # why", "(include `lib.ftp`) (include `a\\b.ftp`)"},
		{"TRY\nTRY\nSTOP\nCATCH $x\nEND TRY\nCATCH\nonerror stop\nEND TRY\nONERROR CONTINUE\nstop",
			"(try: (try: (do STOP()) catch X: ) catch: (onerror stop)) (onerror continue) (do STOP())"},
		{"function f\nreturn # early\nend function\n$x = F", "(function F(): return) (set X F)"},
		{"FUNCTION f(\n  $a,\n  $b\n)\nEND FUNCTION", "(function F(A B): )"},
		{"$try = $function . $global\nGOTO :try\n:try", "(set TRY ($FUNCTION . $GLOBAL)) (goto TRY) :TRY"},
		{"$été = $ÉTÉ", "(set ÉTÉ $ÉTÉ)"},
	}
}

// goodExpressions are expressions and their trees, in the order of the operators
// from loose to tight.
func goodExpressions() [][2]string {
	return [][2]string{
		{"$a OR $b OR $c", "(($A OR $B) OR $C)"},
		{"$a OR $b AND $c", "($A OR ($B AND $C))"},
		{"$a AND NOT $b OR $c", "(($A AND (NOT $B)) OR $C)"},
		{"NOT NOT $a", "(NOT (NOT $A))"},
		{"NOT $a == 1", "(NOT ($A == 1))"},
		{"NOT ($a == 1)", "(NOT ($A == 1))"},
		{"NOT($a) AND $b", "((NOT $A) AND $B)"},
		{"NOT f($a) == 1", "(NOT (F($A) == 1))"},
		{"$a . $b == $c . $d", "(($A . $B) == ($C . $D))"},
		{"($a == $b) == TRUE", "(($A == $B) == TRUE)"},
		{"$a == ($b == $c)", "($A == ($B == $C))"},
		{"1 < 2 AND 2 <= 3", "((1 < 2) AND (2 <= 3))"},
		{"1 != 2", "(1 != 2)"}, {"1 > 2", "(1 > 2)"}, {"1 >= 2", "(1 >= 2)"},
		{"$a . 1 + 2", "($A . (1 + 2))"},
		{"1 + 2 . $a", "((1 + 2) . $A)"},
		{"1 - 2 - 3", "((1 - 2) - 3)"},
		{"1 + 2 * 3 - 4 / 5", "((1 + (2 * 3)) - (4 / 5))"},
		{"(1 + 2) * 3", "((1 + 2) * 3)"},
		{"-1 * -$a", "((neg 1) * (neg $A))"},
		{"- -1", "(neg (neg 1))"}, {"1--1", "(1 - (neg 1))"},
		{"-f(1) + 2", "((neg F(1)) + 2)"},
		{"f()", "F()"}, {"f(g(1), (2), h)", "F(G(1), 2, H)"},
		{"$a.1", "($A . 1)"},
		{`"a""b" . 'c''d'`, "(`a\"b` . `c'd`)"},
		{"1 + (NOT $a)", "(1 + (NOT $A))"},
	}
}

func TestParse(t *testing.T) {
	for _, c := range goodScripts() {
		if got := parsedWell(t, c[0]); got != c[1] {
			t.Errorf("%q:\n got %s\nwant %s", c[0], got, c[1])
		}
	}
	for _, c := range goodExpressions() {
		if got, want := parsedWell(t, "$x = "+c[0]), "(set X "+c[1]+")"; got != want {
			t.Errorf("%s:\n got %s\nwant %s", c[0], got, want)
		}
		if got, want := parsedWell(t, "IF("+c[0]+")\nEND IF"), "(if ["+c[1]+": ])"; got != want {
			t.Errorf("%s:\n got %s\nwant %s", c[0], got, want)
		}
	}
}

func TestParse_Seed(t *testing.T) {
	want := "(do LOCALCHDIR(`C:\\WINDOWS\\TEMP`)) (do OPENHOST(`ftp.myhost.com`, `myuser`, `mypassword`)) (do SETPASSIVE(DISABLED))" +
		" (do GETFILE(`sales.xls`)) (do CLOSEHOST()) (do OPENHOST(`192.168.1.53`)) (do SETPASSIVE(ENABLED))" +
		" (do PUTFILE(`sales.xls`)) (do CLOSEHOST()) (do EXEC(`del sales.xls`))"
	text := seedScript(t)
	for _, variant := range []string{text, strings.ReplaceAll(text, "\n", "\r\n"), strings.ReplaceAll(text, "\n", "\r"), "\ufeff" + text} {
		if got := parsedWell(t, variant); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// Spans point at what they say, whatever stands around it.
func TestParse_Spans(t *testing.T) {
	text := "# é\n$x = (f( $a ) . \"b\") + -12"
	tree, _ := parsed(text)
	set := tree.body[0].(*assignment)
	var got []string
	spans(set.value, func(s diag.Span) { got = append(got, text[s.Start:s.End]) })
	want := []string{`f( $a ) . "b") + -12`, "+", `f( $a ) . "b"`, ".", "f( $a )", "f", "$a", `"b"`, "-12", "12"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if s := set.at(); text[s.Start:s.End] != text[5:] {
		t.Errorf("the statement is %q", text[s.Start:s.End])
	}
	if s := set.name.at(); text[s.Start:s.End] != "$x" || set.name.spelling != "$x" {
		t.Errorf("the name is %q", text[s.Start:s.End])
	}
	tree, _ = parsed("WHILE($a) # c\nIF($b)\nELSE\nEND IF\nEND WHILE")
	loop := tree.body[0].(*whileStatement)
	arms := loop.body[0].(*ifStatement).arms
	file := tree.file.Text()
	for i, want := range map[int]string{0: "WHILE($a)", 1: "IF($b)", 2: "ELSE"} {
		s := []diag.Span{loop.at(), arms[0].at(), arms[1].at()}[i]
		if file[s.Start:s.End] != want {
			t.Errorf("head %d is %q, want %q", i, file[s.Start:s.End], want)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	const piece = "IF($a == 1 AND GETFILE(\"x\" . $b) != \"OK\")\n  PRINT(\"hello\" . $x . 'world')\nELSE\n  $x = $x + 1 * 3\nEND IF\n" +
		"FOREACH $f IN $list\n  PUTFILE($f)\n  # a comment\n  $n = $n + 1\nEND FOREACH\n"
	text := strings.Repeat(piece, 500)
	file := diag.NewFile("a.ftp", text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		report := newReporter(file)
		if parse(file, report); report.errors > 0 {
			b.Fatal(report.list)
		}
	}
}
