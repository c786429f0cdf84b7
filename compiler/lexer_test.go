package compiler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/sftpc/sftpc/vm/diag"
)

// scanned writes the tokens of a text as "kind value" words, ends of lines as /.
func scanned(text string) (string, *reporter) {
	file := diag.NewFile("a.ftp", text)
	report := newReporter(file)
	var b strings.Builder
	names := lexer.SymbolsByRune(definition{})
	for _, t := range scan(file, report).list {
		switch t.Type {
		case lexer.EOF:
		case tokenEOL:
			b.WriteString("/ ")
		case tokenOperator:
			b.WriteString(t.Value + " ")
		default:
			fmt.Fprintf(&b, "%s:%s ", names[t.Type][:1], t.Value)
		}
	}
	return strings.TrimSuffix(b.String(), " "), report
}

func TestScan(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		// Statements, blanks, line ends.
		{"", ""},
		{"\n \t\u00a0\r\n# only a comment\n", ""},
		{"a", "N:a /"},
		{"a\nb\r\nc\rd", "N:a / N:b / N:c / N:d /"},
		{"\u00a0if\u00a0\tNot", "K:IF K:NOT /"},
		{"a # x\n#y\nb", "N:a / N:b /"},
		{"été_2 Ωmega", "N:été_2 N:Ωmega /"},

		// Keywords ignore case, and are none behind $ and colon.
		{"foreach FOREACH ForEach foreachs", "K:FOREACH K:FOREACH K:FOREACH N:foreachs /"},
		{"$if :end : end", "V:$if : N:end : N:end /"},
		{"GOTO :end\nEND", "K:GOTO : N:end / K:END /"},

		// Texts.
		{`"a'b" 'a"b'`, `T:"a'b" T:'a"b' /`},
		{`"C:\TEMP\" 'x'`, `T:"C:\TEMP\" T:'x' /`},
		{`"a""b" '''' ""`, `T:"a""b" T:'''' T:"" /`},
		{`"a # b" # c`, `T:"a # b" /`},

		// Numbers.
		{"1 1.5 007", "N:1 N:1.5 N:007 /"},
		{"$a.1", "V:$a . N:1 /"},
		{`1."x"`, `N:1 . T:"x" /`},
		{"1.5 . 2", "N:1.5 . N:2 /"},
		{"1 .5", "N:1 . N:5 /"},
		{"5-3", "N:5 - N:3 /"},

		// Operators, the longest first.
		{"= == != < <= > >= . + - * / , : ( )", "= == != < <= > >= . + - * / , : ( ) /"},
		{"$x=-1", "V:$x = - N:1 /"},
		{"$a<-1", "V:$a < - N:1 /"},
		{"1--1", "N:1 - - N:1 /"},

		// Lines that go on inside brackets.
		{"f(\n1,\n\n# c\n2\n)", "N:f ( N:1 , N:2 ) /"},
		{"f(1 +\n2)", "N:f ( N:1 + N:2 ) /"},
		{"f(1\n+ 2)", "N:f ( N:1 + N:2 ) /"},
		{"f(1\n- 2)", "N:f ( N:1 - N:2 ) /"},
		{"f(1 and\nnot\n2\nor 3)", "N:f ( N:1 K:AND K:NOT N:2 K:OR N:3 ) /"},
		{"f(1 # c\n . 2 # d\n)", "N:f ( N:1 . N:2 ) /"},
		{"f((1)\n)", "N:f ( ( N:1 ) ) /"},
		{"1 +\n2", "N:1 + / N:2 /"},
		{"f(1)\n- 2", "N:f ( N:1 ) / - N:2 /"},

		// … and those that do not: the missing bracket is on the first line.
		{"f(1\nf(2)", "N:f ( N:1 / N:f ( N:2 ) /"},
		{"f(1\n2)", "N:f ( N:1 / N:2 ) /"},
		{"f(1,\nEND IF", "N:f ( N:1 , / K:END K:IF /"},
		{"f(\n:x", "N:f ( / : N:x /"},
		{"f(", "N:f ( /"},
	} {
		got, report := scanned(c.text)
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
		for _, d := range report.list {
			t.Errorf("%q: %v", c.text, d)
		}
	}
}

// What is wrong is reported, and the tokens are those that were probably meant.
func TestScan_Faults(t *testing.T) {
	for _, c := range []struct{ text, want, message string }{
		{"1.5.2", "N:1.5.2 /", "1 E0113 1.5.2 touches another point"},
		{"$a.1.5", "V:$a . N:1.5 /", "4 E0113 1.5 touches another point"},
		{`1.5."x"`, `N:1.5. T:"x" /`, "1 E0113 1.5. touches"},
		{"12abc", "N:12abc /", "1 E0113 12abc is neither"},
		{"1e3", "N:1e3 /", "1 E0113"},
		{"1.5x", "N:1.5x /", "1 E0113"},
		{"0x10", "N:0x10 /", "1 E0113"},
		{"$ a", "V:$ N:a /", "1 E0114 a name is missing behind $"},
		{"$5", "V:$5 /", "1 E0114"},
		{"${a}", "V:${a} /", "1 E0114 | write $name without braces"},
		{`f("a)`, `N:f ( T:"a) /`, `3 E0112 the closing " of this text`},
		{"f('a\nb", "N:f ( T:'a / N:b /", "3 E0112 the closing ' of"},
		{`"a”`, `T:"a” /`, "1 E0112 | ” (U+201D) is typographic and closes nothing"},
		{"“a”", "T:“a” /", "1 E0111 “ (U+201C) and ” (U+201D) are typographic quotes"},
		{"”a” b", "T:”a” N:b /", "1 E0111 ” (U+201D) is a typographic quote"},
		{"‘a'", "T:‘a' /", "1 E0111 | write '"},
		{"„a", "T:„a\" /", "1 E0111"},
		{"1 – 2", "N:1 - N:2 /", "3 E0111 – (U+2013) is a typographic dash"},
		{"a — b", "N:a - N:b /", "3 E0111 —"},
		{"1 <> 2", "N:1 != N:2 /", "3 E0115 <> is no operator"},
		{"1 && 2 ", "N:1 K:AND N:2 /", "3 E0115 | write AND"},
		{"1 || 2 ", "N:1 K:OR N:2 /", "3 E0115 | write OR"},
		{"!1", "K:NOT N:1 /", "1 E0115 | write NOT"},
		{"1 === 2", "N:1 == N:2 /", "3 E0115 ==="},
		{"1 !== 2", "N:1 != N:2 /", "3 E0115 !=="},
		{"1 =< 2", "N:1 <= N:2 /", "3 E0115"},
		{"$i += 2", "V:$i = N:2 /", "4 E0115 | write $i = $i + …"},
		{"$i++", "V:$i /", "3 E0115 | write $i = $i + 1"},
		{"1 & 2", "N:1 . N:2 /", "3 E0115 | write . to join"},
		{"f(1\n,2)", "N:f ( N:1 , N:2 ) /", "1 E0122 cannot begin with a comma | at the end of the line above"},
		{"1; 2", "N:1 / N:2 /", "2 E0110 ; means nothing here | a statement ends with its line"},
		{"{ 1", "N:1 /", "1 E0110 | blocks end with"},
		{"[ 1", "N:1 /", "1 E0110 | lists are texts joined"},
		{`C:\x`, "N:C : N:x /", `3 E0110 \ means nothing`},
		{"%a", "N:a /", "1 E0110 | a variable is $name"},
		{"a\x00", "N:a /", "2 E0110 a NUL byte"},
		{"a\x1b", "N:a /", "2 E0110 the control character U+001B"},
		{"a\u200b b", "N:a N:b /", "2 E0110 the invisible character U+200B"},
		{"a\u3000b", "N:a N:b /", "2 E0110 the invisible character U+3000 | delete it"},
		{"a € b", "N:a N:b /", "3 E0110 € (U+20AC) means nothing here"},
		{"a // b", "N:a /", "3 E0116 // begins no comment | a comment begins with #"},
		{"a /* b\nc */ d", "N:a N:d /", "3 E0116 /* begins no"},
		{"a /* b\nc", "N:a / N:c /", "3 E0116 /*"},
	} {
		got, report := scanned(c.text)
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
		if len(report.list) != 1 {
			t.Errorf("%q: %d messages: %v", c.text, len(report.list), report.list)
			continue
		}
		_, column := report.list[0].Position()
		expectMessage(t, c.text, column, report.list[0], c.message)
	}
}

// expectMessage compares a diagnostic with "number code message | hint", where
// message and hint are parts of what is said.
func expectMessage(t *testing.T, text string, number int, d diag.Diagnostic, want string) {
	t.Helper()
	head, hint, _ := strings.Cut(want, " | ")
	numberAndCode, message := head, ""
	if parts := strings.SplitN(head, " ", 3); len(parts) == 3 {
		numberAndCode, message = parts[0]+" "+parts[1], parts[2]
	}
	if got := fmt.Sprintf("%d %s", number, d.Code); got != numberAndCode || !strings.Contains(d.Message, message) || !strings.Contains(d.Hint, hint) {
		t.Errorf("%q:\n got %s %s | %s\nwant %s", text, got, d.Message, d.Hint, want)
	}
}

// Every token but the three kinds that token.go names is a piece of the source.
func TestScan_TokensAreSource(t *testing.T) {
	text := seedScript(t) + "\nIF ( $a == 1.5 ) # x\nPRINT('it''s')\nEND IF\n"
	file := diag.NewFile("a.ftp", text)
	for _, token := range scan(file, newReporter(file)).list {
		span := spanOf(&token)
		if token.Type != tokenEOL && token.Type != lexer.EOF && text[span.Start:span.End] != token.Value {
			t.Errorf("%q at %d is %q in the source", token.Value, span.Start, text[span.Start:span.End])
		}
	}
}

func TestUnquote(t *testing.T) {
	for raw, want := range map[string]string{
		`"a"`: "a", `'a'`: "a", `""`: "", `""""`: `"`, `'it''s'`: "it's", `"it''s"`: "it''s", `'say "hi"'`: `say "hi"`,
		`"C:\TEMP"`: `C:\TEMP`, "“a”": "a", "„a\"": "a", `"open`: "open",
	} {
		if got := unquote(raw); got != want {
			t.Errorf("unquote(%s) = %q, want %q", raw, got, want)
		}
	}
}
