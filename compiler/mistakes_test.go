package compiler

import (
	"flag"
	"fmt"
	"go/ast"
	goparser "go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/vm/diag"
)

var update = flag.Bool("update-mistakes", false, "write testdata/mistakes.golden anew")

// badScripts are scripts and all that is said about them: "line code message | hint",
// message and hint being parts of the real ones.
func badScripts() []struct {
	text string
	want []string
} {
	return []struct {
		text string
		want []string
	}{
		// Values.
		{"$x = ", []string{"1 E0120 a value is missing behind ="}},
		{"$x = 1 +\n$y = 2", []string{"1 E0120 a value is missing behind + | inside brackets"}},
		{"PRINT(", []string{"1 E0120 a value is missing behind ("}},
		{"PRINT(,1)", []string{"1 E0120 a value is missing before ,"}},
		{"PRINT(1,)", []string{"1 E0120 a value is missing before )"}},
		{"$x = f(1,)", []string{"1 E0120 a value is missing before )"}},
		{"$x = ()", []string{"1 E0120 a value is missing before )"}},
		{"$x = +1", []string{"1 E0120 before + | a number has no +"}},
		{"$x = .5", []string{"1 E0120 before . | a number begins with a digit"}},
		{"$x = 1 == == 2", []string{"1 E0120 a value is missing before =="}},
		{"$x = AND 1", []string{"1 E0120 a value is missing before AND"}},
		{"$x = IF", []string{"1 E0122 a value was expected here, not IF"}},
		{"IF()\nEND IF", []string{"1 E0120 a value is missing before )"}},
		{"CHDIR(/www)", []string{"1 E0127 a value cannot begin with / | a text needs quotes"}},
		{"GETFILE(*.txt)", []string{"1 E0127 begin with * | a text needs quotes"}},
		{"LOCALCHDIR(C:/x)", []string{"1 E0127 : cannot stand in an expression | a text needs quotes"}},
		{`LOCALCHDIR(C:\x)`, []string{`1 E0110 \ means nothing here | a text needs quotes`}},
		{"PRINT(Hello big world)", []string{`1 E0127 words in a row | a text needs quotes: "Hello big`}},
		{"$x = hello world", []string{`1 E0127 words in a row`}},
		{`PRINT("a" "b")`, []string{`1 E0128 nothing stands between the text "a" and the text "b" | write .`}},
		{`PRINT("say "hi"")`, []string{`1 E0128 the text ends before hi | doubled`}},
		{"$x = 1 2", []string{"1 E0128 nothing stands between the number 1 and the number 2"}},
		{`$x = GETFILE "a"`, []string{`1 E0131 between GETFILE and the text "a" | in brackets: GETFILE("a")`}},
		{"$x = $a (1)", []string{"1 E0122 $a is a variable and takes no arguments"}},
		{"$x = (1, 2)", []string{"1 E0122 these brackets hold one value"}},
		{"$x = 1, 2", []string{"1 E0122 a comma cannot stand here | lists are texts"}},

		// Brackets.
		{"PRINT(\"a\"\nPRINT(\"b\")", []string{"1 E0121 a ) is missing"}},
		{"$x = (1 + (2 * 3)\n$y = 1", []string{"1 E0121 a ) is missing"}},
		{"IF($a == 1\nEND IF", []string{"1 E0121 a ) is missing"}},
		{"PRINT(\"a\",\nEND", []string{"1 E0120 a value is missing behind ,", "2 E0136 does not say | write END IF"}},
		{"PRINT(1))", []string{"1 E0122 this ) closes nothing"}},
		{"$x = 1)", []string{"1 E0122 this ) closes nothing"}},
		{"$x = f(1 2", []string{"1 E0128 nothing stands"}},

		// Operators.
		{"IF($a = 1)\nEND IF", []string{"1 E0126 = assigns and does not compare | write =="}},
		{"IF($a = 1 AND $b = 2)\nEND IF", []string{"1 E0126 = assigns", "1 E0126 = assigns"}},
		{"$a = $b = 1", []string{"1 E0126"}},
		{`$x = "a" == "b" == "c"`, []string{`1 E0123 comparisons do not chain | … AND "b" == …`}},
		{"IF(1 < $x < 9)\nEND IF", []string{"1 E0123 chain | AND $x < …"}},
		{"IF(1 < f(1) < 9)\nEND IF", []string{"1 E0123 chain | join the two with AND"}},
		{"$x = NOT($a) == $b", []string{"1 E0124 two ways | write NOT (($a) == $b)\nor    (NOT ($a)) == $b"}},
		{`IF(NOT (GETFILE("x")) . "a" == "b" OR 1)` + "\nEND IF", []string{`1 E0124 | write NOT ((GETFILE("x")) . "a" == "b")`}},
		{"$x = 1 == NOT $a", []string{"1 E0122 NOT cannot stand | (NOT …)"}},
		{"$x = - NOT $a", []string{"1 E0122 NOT cannot stand"}},
		{"$x = $a && !$b", []string{"1 E0115 &&", "1 E0115 !"}},

		// Statements.
		{`name = "x"`, []string{"1 E0130 a variable begins with $ | write $name ="}},
		{"in = 1", []string{"1 E0130"}},
		{`count = 1 +`, []string{"1 E0130"}},
		{`PRINT "a" . $b`, []string{`1 E0131 the arguments of PRINT stand in brackets | write PRINT("a" . $b)`}},
		{"REM nightly run", []string{"1 E0116 REM begins no comment | begins with #"}},
		{"LET $x = 1", []string{"1 E0136 LET is no keyword | write $name = …"}},
		{"chdir www", []string{"1 E0131 CHDIR | write chdir(www)"}},
		{"IF $a == 1\nEND IF", []string{"1 E0131 the condition of IF | write IF($a == 1)"}},
		{"IF $a == 1 THEN\nEND IF", []string{"1 E0131 the condition of IF | write IF($a == 1)"}},
		{"WHILE $a\nEND WHILE", []string{"1 E0131 the condition of WHILE | write WHILE($a)"}},
		{"IF($a)\nELSE IF $b\nEND IF", []string{"2 E0131 the condition of IF | write IF($b)"}},
		{"IF ($a) AND ($b)\nEND IF", []string{"1 E0131 ends before AND | IF(($a) AND ($b))"}},
		{"IF($a)\nELSE IF ($a) OR ($b) THEN\nEND IF", []string{"2 E0131 ends before OR | ELSE IF(($a) OR ($b))"}},
		{"IF($a, $b)\nEND IF", []string{"1 E0122 a condition is one value"}},
		{"IF($a) THEN\nEND IF", []string{"1 E0136 THEN | leave it out"}},
		{"IF($a) PRINT(1)\nEND IF", []string{"1 E0132 PRINT | begins on the next line"}},
		{"IF(1)\nELSE(2)\nEND IF", []string{"2 E0143 ELSE takes no condition"}},
		{"IF(1)\nELSE PRINT(2)\nEND IF", []string{"2 E0132 PRINT"}},
		{"PRINT(1) PRINT(2)", []string{"1 E0132 nothing may follow here, but PRINT does"}},
		{`GETFILE("a") == "OK"`, []string{"1 E0135 a comparison alone | IF(…)"}},
		{"BREAK 2", []string{"1 E0132 the number 2"}},
		{"$x", []string{"1 E0135 $x alone does nothing"}},
		{"$x == 5", []string{"1 E0135 a comparison alone does nothing"}},
		{"$x(5)", []string{"1 E0122 $x is a variable"}},
		{"$x 5", []string{"1 E0135 = was expected behind $x"}},
		{`"a"`, []string{"1 E0135 a value alone"}},
		{"5", []string{"1 E0135 a value alone"}},
		{"(1)", []string{"1 E0135 no statement begins with ("}},
		{"$x = 1\n  . 2", []string{"2 E0135 no statement begins with . | with brackets"}},
		{"AND 1", []string{"1 E0135 begins with AND"}},
		{"INCLUDE", []string{"1 E0137 INCLUDE alone does nothing | write INCLUDE \"file.ftp\""}},
		{"INCLUDE lib.ftp", []string{"1 E0137 nothing like lib can stand behind INCLUDE"}},
		{"INCLUDE(\"lib.ftp\")", []string{"1 E0137 nothing like ( can"}},
		{"INCLUDE \"a.ftp\", \"b.ftp\"", []string{"1 E0137 nothing like , can"}},
		{"IF(1)\nINCLUDE \"x.ftp\"\nEND IF", []string{"2 E0145 INCLUDE stands in the IF of line 1"}},
		{"FUNCTION f\nINCLUDE \"x.ftp\"\nEND FUNCTION", []string{"2 E0145 INCLUDE stands in the FUNCTION of line 1"}},
		{"TRY", []string{"1 E0142 this TRY has no END TRY"}},
		{"TRY\nEND TRY", []string{"1 E0147 this TRY has no CATCH"}},
		{"TRY 1\nCATCH\nEND TRY", []string{"1 E0137 the number 1 can stand behind TRY"}},
		{"TRY\nCATCH($x)\nEND TRY", []string{"2 E0137 nothing like ( can stand behind CATCH | CATCH $code"}},
		{"TRY\nCATCH $x $y\nEND TRY", []string{"2 E0137 nothing like $y"}},
		{"TRY\nCATCH\nCATCH\nEND TRY", []string{"3 E0146 CATCH stands behind the CATCH of the TRY of line 1"}},
		{"CATCH", []string{"1 E0146 CATCH stands outside of a TRY"}},
		{"TRY\nIF(1)\nCATCH\nEND TRY", []string{"3 E0146 CATCH stands in the IF of line 2 | END IF is missing above it"}},
		{"TRY\nCATCH\nENDTRY", []string{"3 E0136 ENDTRY | write END TRY"}},
		{"ONERROR", []string{"1 E0137 ONERROR alone does nothing | write ONERROR STOP or"}},
		{"ONERROR(STOP)", []string{"1 E0137 nothing like ( can"}},
		{"ONERROR GOTO :x", []string{"1 E0137 nothing like GOTO can"}},
		{"ONERROR STOP 1", []string{"1 E0137 the number 1"}},
		{"$a = 1; $b = = 2", []string{"1 E0110 ;", "1 E0120"}},

		// Labels and loops.
		{":", []string{"1 E0133 a label is : and a name"}},
		{":a b", []string{"1 E0133 a label stands alone"}},
		{":$a", []string{"1 E0133 a label is"}},
		{"GOTO", []string{"1 E0133 GOTO needs the name"}},
		{`GOTO "a"`, []string{"1 E0133 GOTO needs the name | write GOTO :name"}},
		{"GOTO :a:b", []string{"1 E0132"}},
		{"GOTO a\n:a", []string{"1 W0102 no colon | write GOTO :a"}},
		{"FOREACH f IN $l\nEND FOREACH", []string{"1 E0134 the item of FOREACH is a variable | write $f"}},
		{"FOREACH ($f IN $l)\nEND FOREACH", []string{"1 E0134 takes no brackets"}},
		{"FOREACH $f OF $l\nEND FOREACH", []string{"1 E0134 IN is missing behind $f"}},
		{"FOREACH $f IN\nEND FOREACH", []string{"1 E0120 a value is missing behind IN"}},
		{"FOREACH\nEND FOREACH", []string{"1 E0134 the item of FOREACH is missing"}},
		{"FOREACH $f IN $l $m\nEND FOREACH", []string{"1 E0128"}},
		{"FOREECH $f IN $l\nEND FOREACH", []string{"1 E0136 FOREECH is no keyword | did you mean FOREACH?", "2 E0141"}},
		{"FOR $i = 1 TO 5", []string{"1 E0136 FOR is no keyword | WHILE(…)"}},

		// Functions.
		{"FUNCTION\nEND FUNCTION", []string{"1 E0138 the name of the function is missing | write FUNCTION name($a, $b)"}},
		{"FUNCTION IF($a)\nEND FUNCTION", []string{"1 E0138 IF is a word of the language"}},
		{"FUNCTION f(a)\nEND FUNCTION", []string{"1 E0138 a parameter is a variable | write $a"}},
		{"FUNCTION f($a = 1)\nEND FUNCTION", []string{"1 E0138 a parameter has no value of its own"}},
		{"FUNCTION f($a $b)\nEND FUNCTION", []string{"1 E0138 a parameter was expected here, not $b"}},
		{"FUNCTION f($a,)\nEND FUNCTION", []string{"1 E0138 a parameter was expected here, not )"}},
		{"FUNCTION f $a\nEND FUNCTION", []string{"1 E0138 stand in brackets | write FUNCTION name($a, $b)"}},
		{"FUNCTION f($a\nEND FUNCTION", []string{"1 E0121 a ) is missing"}},
		{"FUNCTION f($a)", []string{"1 E0142 this FUNCTION has no END FUNCTION"}},
		{"FUNCTION f($a)\nENDFUNCTION", []string{"2 E0136 ENDFUNCTION | write END FUNCTION"}},
		{"FUNCTION f\nFUNCTION g\nEND FUNCTION", []string{"2 E0145 FUNCTION stands in the FUNCTION of line 1 | END FUNCTION is missing above it"}},
		{"IF(1)\nFUNCTION f\nEND FUNCTION\nEND IF", []string{"2 E0145 FUNCTION stands in the IF of line 1"}},
		{"END FUNCTION", []string{"1 E0141 END FUNCTION closes nothing"}},
		{"RETURN 1 2", []string{"1 E0128 nothing stands between"}},
		{"RETURN $a, $b", []string{"1 E0132"}},
		{"RETURN +", []string{"1 E0120 a value is missing before +"}},
		{"RETURN )", []string{"1 E0122 this ) closes nothing"}},
		{"GLOBAL", []string{"1 E0139 a variable is missing behind GLOBAL"}},
		{"GLOBAL a", []string{"1 E0139 GLOBAL names variables | write $a"}},
		{"GLOBAL($a)", []string{"1 E0139 GLOBAL takes no brackets"}},
		{"GLOBAL $a $b", []string{"1 E0139 a comma was expected here, not $b"}},
		{"GLOBAL $a = 1", []string{"1 E0139 a comma was expected here, not ="}},

		// Blocks.
		{"IF(1)\nPRINT(1)", []string{"1 E0142 this IF has no END IF"}},
		{"WHILE(1)\nFOREACH $x IN 1", []string{"1 E0142 this WHILE", "2 E0142 this FOREACH"}},
		{"END IF", []string{"1 E0141 END IF closes nothing | there is no IF before it"}},
		{"WHLIE($a)\nEND WHILE", []string{"2 E0141 | is WHLIE in line 1 a WHILE?"}},
		{"IF(1)\nEND WHILE", []string{"2 E0140 END WHILE closes the IF of line 1 | write END IF"}},
		{"WHILE(1)\nIF(2)\nEND WHILE\nPRINT(1)", []string{"3 E0140 END WHILE closes the IF of line 2 | END IF is missing above it"}},
		{"ELSE", []string{"1 E0143 ELSE stands outside of an IF"}},
		{"IF(1)\nWHILE(2)\nELSE IF(3)\nEND IF", []string{"3 E0143 ELSE IF stands in the WHILE of line 2 | END WHILE is missing above it"}},
		{"IF(1)\nELSE\nELSE\nEND IF", []string{"3 E0143 ELSE stands behind the ELSE of the IF of line 1"}},
		{"IF(1)\nENDIF", []string{"2 E0136 ENDIF | write END IF"}},
		{"WHILE(1)\nwend", []string{"2 E0136 WEND | write END WHILE"}},
		{"FOREACH $x IN 1\nNEXT", []string{"2 E0136 NEXT | write END FOREACH"}},
		{"IF(1)\nELSEIF($a)\nEND IF", []string{"2 E0136 ELSEIF | write ELSE IF"}},
		{"IF(1)\nELIF($a <> 1)\nEND IF", []string{"2 E0136 ELIF", "2 E0115 <>"}},
		{"IF(1)\nEND\nPRINT(1)", []string{"2 E0136 END does not say | write END IF"}},
		{"IF(1)\nEND IFF", []string{"2 E0136 END IFF ends nothing | write END IF"}},
		{"IF(1 +)\nELSE IF(+)\nWHILE(*)\nEND WHILE\nEND IF", []string{"1 E0120", "2 E0120", "3 E0127"}},
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range badScripts() {
		_, report := parsed(c.text)
		if len(report.list) != len(c.want) {
			t.Errorf("%q: %d messages, want %d:\n%v", c.text, len(report.list), len(c.want), rendered(report))
			continue
		}
		for i, d := range report.list {
			line, _ := d.Position()
			expectMessage(t, c.text, line, d, c.want[i])
		}
	}
}

func rendered(report *reporter) string {
	var b strings.Builder
	if err := diag.WriteText(&b, report.list, false); err != nil {
		return err.Error()
	}
	return b.String()
}

// One file with many mistakes, as a person sees them. Each costs its own line,
// and the statements between are in the tree.
func TestMistakes_ManyInOneFile(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("testdata", "mistakes.ftp"))
	if err != nil {
		t.Fatal(err)
	}
	tree, report := parsed(string(source))
	got := strings.ReplaceAll(rendered(report), "test.ftp", "mistakes.ftp") + "\nread all the same:\n" + dumpAll(tree.body) + "\n"
	path := filepath.Join("testdata", "mistakes.golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s; run with -update-mistakes and look at the change\n%s", path, got)
	}
	marked := 0
	for i, line := range strings.Split(string(source), "\n") {
		if strings.Contains(line, "### ") {
			marked++
			if !strings.Contains(got, fmt.Sprintf("mistakes.ftp:%d:", i+1)) {
				t.Errorf("line %d: nothing is said about %s", i+1, line)
			}
		}
	}
	if marked < 10 || marked != report.errors {
		t.Errorf("%d lines are marked, %d errors reported", marked, report.errors)
	}
}

func TestReporter_Limit(t *testing.T) {
	_, report := parsed(strings.Repeat("$x = \n", 250) + "GOTO a")
	if len(report.list) != errorLimit+1 || report.errors != 250 {
		t.Fatalf("%d messages, %d errors", len(report.list), report.errors)
	}
	last := report.list[errorLimit]
	if line, _ := last.Position(); last.Severity != diag.Warning || line != errorLimit+1 || !strings.Contains(last.Message, "more errors than 100") {
		t.Errorf("the last message: %v", last)
	}
}

// Nothing that can be nested or repeated makes the parser fall over.
func TestParse_Limits(t *testing.T) {
	const many, lines = 100_000, 5_000
	for _, c := range []struct{ name, text, want string }{
		{"brackets", "$x = " + strings.Repeat("(", many) + "1" + strings.Repeat(")", many), "E0125 more than 200 brackets, NOTs or minus signs in each other"},
		{"brackets left open", "$x = " + strings.Repeat("(", many), "E0125"},
		{"brackets over lines", "$x = " + strings.Repeat("(\n", many), "E0125"},
		{"calls", "PRINT(" + strings.Repeat("f(", many), "E0125"},
		{"minus", "$x = " + strings.Repeat("-", many) + "1", "E0125"},
		{"NOT", "$x = " + strings.Repeat("NOT ", many) + "1", "E0125"},
		{"operators", "$x = 1" + strings.Repeat(" . 1", many), "E0125 more than 10000 operators"},
		{"IF", strings.Repeat("IF(1)\n", lines) + strings.Repeat("END IF\n", lines), "E0144 more than 200 blocks in each other"},
		{"open loops", strings.Repeat("WHILE(1)\n", lines), "E0142"},
		{"comments", strings.Repeat("a /* b\n", lines), "E0116"},
		{"comments on one line", strings.Repeat("/*a*/", many), "E0116"},
		{"quotes", "$x = " + strings.Repeat(`"a`, lines), "E0128"},
		{"typographic quotes", strings.Repeat("“a”", lines), "E0111"},
		{"closing brackets", strings.Repeat(")", lines), "E0135"},
	} {
		_, report := parsed(c.text)
		if len(report.list) == 0 || len(report.list) > errorLimit+1 || !strings.Contains(report.list[0].Code+" "+report.list[0].Message, c.want) {
			t.Errorf("%s: %.200s", c.name, rendered(report))
		}
	}
	if deep := parsedWell(t, "$x = "+strings.Repeat("(", deepestNesting)+"1"+strings.Repeat(")", deepestNesting)); deep != "(set X 1)" {
		t.Errorf("brackets as deep as allowed: %s", deep)
	}
	parsedWell(t, strings.Repeat("IF(1)\n", deepestNesting)+strings.Repeat("END IF\n", deepestNesting))
	parsedWell(t, "$x = 1"+strings.Repeat(" . 1", longestOperation))
}

// A code is given to one mistake only, and each says in its comment what it is for.
func TestCodes(t *testing.T) {
	form := regexp.MustCompile(`^"[EW]0[1-9]\d\d"$`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, name := range files {
		parsed, err := goparser.ParseFile(gotoken.NewFileSet(), name, nil, goparser.ParseComments)
		if err != nil || strings.HasSuffix(name, "_test.go") {
			continue
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "code") {
				return true
			}
			literal, ok := spec.Values[0].(*ast.BasicLit)
			if !ok || literal.Kind != gotoken.STRING {
				return true
			}
			if !form.MatchString(literal.Value) {
				t.Errorf("%s is %s", spec.Names[0].Name, literal.Value)
			}
			if other := seen[literal.Value]; other != "" {
				t.Errorf("%s is both %s and %s", literal.Value, other, spec.Names[0].Name)
			}
			seen[literal.Value] = spec.Names[0].Name
			if name == "mistakes.go" && spec.Comment == nil {
				t.Errorf("%s has no comment", spec.Names[0].Name)
			}
			return true
		})
	}
	if len(seen) < 30 {
		t.Errorf("only %d codes found", len(seen))
	}
}
