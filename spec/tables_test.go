package spec_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/spec"
)

var update = flag.Bool("update", false, "rewrite the generated parts of the pages")

// TestPagesAreFoundByName asks for pages of every folder as sftpc doc does.
func TestPagesAreFoundByName(t *testing.T) {
	for name, file := range map[string]string{
		"grammar": "grammar.ebnf", "errors": "errors.md", "language": "language.md",
		"start": "guide/start.md", "deliver": "cookbook/deliver.ftp", "getfile": "commands/getfile.md",
	} {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if text, found := spec.Page(name); !found || text != string(want) {
			t.Errorf("the page %s is not %s", name, file)
		}
		if name != "getfile" && !slices.Contains(spec.Pages(), name) { // commands have a list of their own
			t.Errorf("%s is in no list", name)
		}
	}
}

// TestResultsPage compares the table of results.md with the catalogue.
func TestResultsPage(t *testing.T) {
	var table strings.Builder
	table.WriteString("| code | name | class | meaning |\n|---|---|---|---|\n")
	for _, r := range catalog.Results() {
		fmt.Fprintf(&table, "| %d | %s | %s | %s |\n", r.Code, r.Name, r.Class, r.Sentence)
	}
	comparePart(t, "results.md", "results", table.String())
}

// comparePart compares what stands between two marks of a page with want.
func comparePart(t *testing.T, page, part, want string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "<!-- "+part+":")
	mark, rest, ok2 := strings.Cut(rest, "-->\n")
	have, after, ok3 := strings.Cut(rest, "<!-- end of "+part+" -->")
	if !ok || !ok2 || !ok3 {
		t.Fatalf("%s: the marks of %s are gone", page, part)
	}
	if have == want {
		return
	}
	if *update {
		whole := before + "<!-- " + part + ":" + mark + "-->\n" + want + "<!-- end of " + part + " -->" + after
		if err := os.WriteFile(page, []byte(whole), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s: %s is not what the code says; rewrite it with go test ./spec -update\nwant:\n%s", page, part, want)
}

// TestCompatPageHasEveryCommand wants a row of compat.md for each command, and
// none for what is no command.
func TestCompatPageHasEveryCommand(t *testing.T) {
	rows := firstColumn(t, "compat.md", "<!-- compat:")
	var names []string
	for _, c := range catalog.Commands() {
		names = append(names, c.Name)
		if !slices.Contains(rows, c.Name) {
			t.Errorf("compat.md has no row for %s", c.Name)
		}
	}
	for _, row := range rows {
		if !slices.Contains(names, row) {
			t.Errorf("compat.md has a row for %s, which is no command", row)
		}
	}
}

// TestCompatPageNamesArguments wants every parameter and constant of a command in
// one of its rows, and nothing in capitals that it does not take.
func TestCompatPageNamesArguments(t *testing.T) {
	text, err := os.ReadFile("compat.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- compat:")
	arguments := map[string][]string{} // the words of the second column by command
	command := ""
	for _, line := range strings.Split(rest, "\n") {
		cells := strings.Split(line, "|")
		if strings.HasPrefix(line, "## ") {
			break
		}
		if len(cells) < 5 {
			continue
		}
		if name := strings.TrimSpace(cells[1]); name != "" {
			command = name
		}
		arguments[command] = append(arguments[command], strings.FieldsFunc(cells[2], func(r rune) bool { return strings.ContainsRune(" ,;:…", r) })...)
	}
	for _, c := range catalog.Commands() {
		var taken []string
		for _, form := range c.Forms {
			for _, p := range form.Params {
				taken = append(taken, p.Constants...)
				if p.Kind != catalog.ParamConstant {
					taken = append(taken, p.Name)
				}
			}
		}
		for _, word := range taken {
			if !slices.Contains(arguments[c.Name], word) {
				t.Errorf("compat.md: the rows of %s do not speak of %s", c.Name, word)
			}
		}
		for _, word := range arguments[c.Name] {
			if word == strings.ToUpper(word) && word != "URL" && !slices.Contains(taken, word) {
				t.Errorf("compat.md: %s does not take %s", c.Name, word)
			}
		}
	}
}

// TestEveryDependencyEarnsItsLine wants a row of rationale.md for each direct
// requirement of go.mod.
func TestEveryDependencyEarnsItsLine(t *testing.T) {
	rows := firstColumn(t, "rationale.md", "<!-- dependencies:")
	file, err := os.Open("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var direct []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) >= 2 && strings.HasPrefix(words[1], "v") && !strings.Contains(lines.Text(), "// indirect") {
			direct = append(direct, words[0])
		}
	}
	if len(direct) == 0 {
		t.Fatal("no requirement was found in go.mod")
	}
	for _, d := range direct {
		if !slices.Contains(rows, d) {
			t.Errorf("rationale.md does not say what %s is for", d)
		}
	}
}

// firstColumn reads the first column of the table behind a mark.
func firstColumn(t *testing.T, page, mark string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), mark)
	if !ok {
		t.Fatalf("%s: the mark %s is gone", page, mark)
	}
	var rows []string
	started := false
	for _, line := range strings.Split(rest, "\n")[1:] {
		if !strings.HasPrefix(line, "|") {
			if started {
				break
			}
			continue
		}
		started = true
		cell := strings.TrimSpace(strings.Split(line, "|")[1])
		if cell != "" && !strings.HasPrefix(cell, "-") {
			rows = append(rows, cell)
		}
	}
	return rows[1:]
}
