package spec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/compiler"
	"github.com/sftpc/sftpc/spec"
)

// sections are the headings of a page about a command, in order.
func sections() []string {
	return []string{"Syntax", "Values", "Protocols", "Returns", "Remarks", "Example"}
}

// TestCommandPages compares each page of commands with the catalogue. The parts
// that only repeat it are rewritten with go test ./spec -update.
func TestCommandPages(t *testing.T) {
	wanted := make(map[string]bool)
	for _, c := range catalog.Commands() {
		file := strings.ToLower(c.Name) + ".md"
		wanted[file] = true
		t.Run(c.Name, func(t *testing.T) {
			path := filepath.Join("commands", file)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("every command has a page: %v", err)
			}
			p := readPage(t, string(text))
			p.repeats(t, "Syntax", "    "+strings.Join(catalog.Syntax(c), "\n    "))
			p.repeats(t, "Protocols", protocolsLine(c.Protocols))
			if *update {
				if err := os.WriteFile(path, []byte(p.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			p.compare(t, c)
			if page, found := spec.Page(strings.ToLower(c.Name)); !*update && (!found || page != string(text)) {
				t.Error("the page that is built in is not the file")
			}
		})
	}
	files, err := os.ReadDir("commands")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !wanted[f.Name()] {
			t.Errorf("commands/%s is about no command", f.Name())
		}
	}
}

func protocolsLine(p catalog.Protocols) string {
	if p == 0 {
		return "None: the command uses no connection."
	}
	return p.String()
}

// page is a page taken apart at its headings.
type page struct {
	title, summary string
	parts          map[string]string // by heading, without the empty lines around
}

func readPage(t *testing.T, text string) *page {
	t.Helper()
	head, rest, _ := strings.Cut(text, "\n## ")
	title, summary, _ := strings.Cut(head, "\n")
	p := &page{title: strings.TrimPrefix(title, "# "), summary: strings.TrimSpace(summary), parts: make(map[string]string)}
	var found []string
	for _, part := range strings.Split(rest, "\n## ") {
		heading, body, _ := strings.Cut(part, "\n")
		found = append(found, heading)
		p.parts[heading] = strings.Trim(body, "\n")
	}
	if !slices.Equal(found, sections()) {
		t.Fatalf("the sections are %q, want %q", found, sections())
	}
	return p
}

func (p *page) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", p.title, p.summary)
	for _, heading := range sections() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", heading, p.parts[heading])
	}
	return b.String()
}

// repeats holds a section against what the catalogue says.
func (p *page) repeats(t *testing.T, heading, want string) {
	t.Helper()
	if *update {
		p.parts[heading] = want
	}
	if p.parts[heading] != want {
		t.Errorf("%s is\n%s\nwant\n%s\nrewrite it with go test ./spec -update", heading, p.parts[heading], want)
	}
}

// compare checks that a page speaks of all that the catalogue knows, and of no
// result that there is not.
func (p *page) compare(t *testing.T, c catalog.Command) {
	t.Helper()
	if p.title != c.Name {
		t.Errorf("the title is %q", p.title)
	}
	if p.summary == "" || strings.Contains(p.summary, "\n\n") {
		t.Errorf("one sentence says what the command does, not %q", p.summary)
	}
	for _, form := range c.Forms {
		for _, param := range form.Params {
			names := param.Constants
			if param.Kind != catalog.ParamConstant {
				names = append([]string{param.Name}, names...)
			}
			for _, name := range names {
				if !strings.Contains(p.parts["Values"], "`"+name+"`") {
					t.Errorf("Values does not explain `%s`", name)
				}
			}
		}
	}
	for _, word := range codeWords(p.parts["Returns"]) {
		if _, known := catalog.ResultNamed(word); strings.Contains(word, "_") && word == strings.ToUpper(word) && !known {
			t.Errorf("Returns names %s, which is no result", word)
		}
	}
	if doing := c.KindOf(&c.Forms[0]) == catalog.Doing; doing && c.Name != "STOP" && c.Name != "EXIT" && !strings.Contains(p.parts["Returns"], "`OK`") {
		t.Error("Returns does not say when a doing command returns OK")
	}
	for i, line := range strings.Split(p.String(), "\n") {
		if len([]rune(line)) > 100 && !strings.HasPrefix(line, "    ") {
			t.Errorf("line %d is longer than 100 characters", i+1)
		}
	}
}

// codeWords are what stands between single backquotes.
func codeWords(text string) []string {
	var words []string
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			words = append(words, part)
		}
	}
	return words
}

// TestCommandExamples compiles the example of each page. It must use its command,
// and nothing in it may be a mistake, or look like one.
func TestCommandExamples(t *testing.T) {
	commands := catalog.Commands()
	for _, c := range commands {
		text, _ := spec.Page(strings.ToLower(c.Name))
		_, example, found := strings.Cut(text, "```ftp\n")
		example, _, closed := strings.Cut(example, "```")
		if !found || !closed {
			t.Errorf("%s: the page has no example", c.Name)
			continue
		}
		program, list := compiler.Compile(strings.ToLower(c.Name)+".ftp", []byte(example), commands, compiler.Options{})
		for _, d := range list {
			t.Errorf("%s: %s %s\n%s", c.Name, d.Code, d.Message, example)
		}
		if program == nil {
			continue
		}
		used := false
		for _, i := range program.Imports {
			used = used || i.Command == c.Name
		}
		if !used {
			t.Errorf("%s: the example does not use the command", c.Name)
		}
	}
}

// TestCommandPagesLink follows the links of the pages.
func TestCommandPagesLink(t *testing.T) {
	for _, c := range catalog.Commands() {
		text, _ := spec.Page(strings.ToLower(c.Name))
		for _, rest := range strings.Split(text, "](")[1:] {
			target, _, _ := strings.Cut(rest, ")")
			if _, err := os.Stat(filepath.Join("commands", filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s: %v", c.Name, target, err)
			}
		}
	}
}
