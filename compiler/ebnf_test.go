package compiler

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// grammarFile reads spec/grammar.ebnf: the rules by name, blanks as one each.
func grammarFile(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("../spec/grammar.ebnf")
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]string{}
	var rule []string
	for _, token := range ebnfTokens(string(b)) {
		if rule = append(rule, token); token == "." {
			if len(rule) < 4 || rule[1] != "=" {
				t.Fatalf("not a rule: %q", rule)
			}
			rules[rule[0]] = strings.Join(rule[2:len(rule)-1], " ")
			rule = nil
		}
	}
	if rule != nil {
		t.Fatalf("no point behind %q", rule)
	}
	return rules
}

// ebnfToken: a comment, a literal, a token's or rule's name, a range, a sign.
var ebnfToken = regexp.MustCompile(`#.*|"(?:\\.|[^"\\])*"|'[^']*'|<\w+>|\w+|\.\.|[=.()|?*+]`)

func ebnfTokens(text string) []string {
	var list []string
	for _, token := range ebnfToken.FindAllString(text, -1) {
		if token[0] != '#' {
			list = append(list, token)
		}
	}
	return list
}

// The file's rules for lines are the ones that the parser has. participle names
// rules as the Go types, ending in Rule.
func TestGrammar_FileAndParserAgree(t *testing.T) {
	file := grammarFile(t)
	for _, line := range strings.Split(rules().script.String(), "\n") {
		name, body, _ := strings.Cut(line, " = ")
		name = strings.TrimSuffix(name, "Rule")
		body = strings.Join(ebnfTokens(strings.TrimSuffix(body, " .")), " ")
		body = strings.NewReplacer("Rule", "", "expression", "Expression", "result", "Result").Replace(body)
		if file[name] != body {
			t.Errorf("%s\n in the file   %s\n in the parser %s", name, file[name], body)
		}
	}
}

// The whole grammar, as one parser, takes what the compiler takes statement by
// statement.
func TestGrammar_WholeScript(t *testing.T) {
	for _, c := range goodScripts() {
		if _, err := rules().script.ParseString("test.ftp", c[0]); err != nil {
			t.Errorf("%q: %v", c[0], err)
		}
	}
	if _, err := rules().script.ParseString("test.ftp", "$x = 1 2"); err == nil {
		t.Error("the grammar takes what it must not")
	}
	if _, err := rules().script.ParseString("test.ftp", "$x = “1”"); err == nil {
		t.Error("the lexer takes what it must not")
	}
}

// generator makes random sentences of the file's grammar.
type generator struct {
	t     *rapid.T
	rules map[string][]string // tokens of the bodies
	b     strings.Builder
	left  int  // choices left; then everything is as short as can be
	exact bool // within a token: no blanks between the parts
}

// Sentences of the grammar parse, and say what they say: printing the tree of one
// and of its copy with other blanks gives the same.
func TestGrammar_Sentences(t *testing.T) {
	bodies := map[string][]string{}
	for name, body := range grammarFile(t) {
		bodies[name] = ebnfTokens(body)
	}
	rapid.Check(t, func(t *rapid.T) {
		g := generator{t: t, rules: bodies, left: rapid.IntRange(10, 150).Draw(t, "size")}
		g.rule("Program")
		text := g.b.String()
		tree, report := parsed(text)
		if report.errors > 0 {
			t.Fatalf("%s\n%s", text, rendered(report))
		}
		if spread := dumpAll(mustParse(t, spreadOut(text)).body); spread != dumpAll(tree.body) {
			t.Fatalf("%s\n%s\n%s", text, dumpAll(tree.body), spread)
		}
	})
}

func mustParse(t *rapid.T, text string) *script {
	tree, report := parsed(text)
	if report.errors > 0 {
		t.Fatalf("%s\n%s", text, rendered(report))
	}
	return tree
}

// spreadOut doubles the blanks between tokens and the ends of lines.
func spreadOut(text string) string {
	file, report := openSource("", []byte(text), "")
	var b strings.Builder
	end := 0
	for _, token := range scan(file, report).list {
		span := spanOf(&token)
		b.WriteString(strings.Repeat(text[end:span.Start], 2) + text[span.Start:span.End])
		end = span.End
	}
	return b.String()
}

func (g *generator) rule(name string) {
	body, ok := g.rules[name]
	if !ok {
		g.t.Fatalf("there is no rule %s", name)
	}
	g.alternatives(body)
}

// alternatives writes one of the alternatives of a body. When enough is written it
// takes the last, which every recursive rule keeps for its simplest form.
func (g *generator) alternatives(body []string) {
	choices := split(body)
	choice := len(choices) - 1
	if g.left--; g.left > 0 {
		choice = rapid.IntRange(0, choice).Draw(g.t, "choice")
	}
	g.sequence(choices[choice])
}

// split cuts a body at its | outside of brackets.
func split(body []string) [][]string {
	var list [][]string
	start, open := 0, 0
	for i, token := range body {
		switch token {
		case "(":
			open++
		case ")":
			open--
		case "|":
			if open == 0 {
				list = append(list, body[start:i])
				start = i + 1
			}
		}
	}
	return append(list, body[start:])
}

func (g *generator) sequence(parts []string) {
	for i := 0; i < len(parts); {
		end := i + 1
		if parts[i] == "(" {
			for open := 1; open > 0; end++ {
				switch parts[end] {
				case "(":
					open++
				case ")":
					open--
				}
			}
		}
		part := parts[i:end]
		if end+1 < len(parts) && parts[end] == ".." {
			part = parts[i : end+2]
			end += 2
		}
		times := 1
		if end < len(parts) {
			least, most := 1, 1
			switch parts[end] {
			case "?":
				least = 0
			case "*":
				least, most = 0, 3
			case "+":
				most = 3
			}
			if least != most {
				end++
				if times = least; g.left > 0 {
					times = rapid.IntRange(least, most).Draw(g.t, "times")
				}
			}
		}
		for range times {
			g.part(part)
		}
		i = end
	}
}

func (g *generator) part(part []string) {
	first := part[0]
	switch {
	case first == "(":
		g.alternatives(part[1 : len(part)-1])
	case len(part) == 3:
		low, high := []rune(literal(first))[0], []rune(literal(part[2]))[0]
		g.b.WriteRune(rune(rapid.IntRange(int(low), int(high)).Draw(g.t, "character")))
	case first[0] == '<':
		g.token(first[1 : len(first)-1])
	case first[0] == '"' || first[0] == '\'':
		word := literal(first)
		if !g.exact {
			word = g.cased(word) + g.space()
		}
		g.b.WriteString(word)
	default:
		g.rule(first)
	}
}

// token writes a token, which is no keyword.
func (g *generator) token(name string) {
	inner := generator{t: g.t, rules: g.rules, left: 12, exact: true}
	inner.rule(name)
	text := inner.b.String()
	if name == "name" && keyword(text) != "" {
		text += "_"
	}
	if name == "eol" {
		g.b.WriteString(text)
		return
	}
	g.b.WriteString(text + g.space())
}

// space is what stands behind a token.
func (g *generator) space() string {
	return rapid.SampledFrom([]string{" ", " ", "  ", "\t", "\u00a0"}).Draw(g.t, "space")
}

func (g *generator) cased(word string) string {
	if rapid.Bool().Draw(g.t, "small") {
		return strings.ToLower(word)
	}
	return word
}

func literal(quoted string) string {
	if quoted[0] == '\'' {
		return quoted[1 : len(quoted)-1]
	}
	text, err := strconv.Unquote(quoted)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", quoted, err))
	}
	return text
}
