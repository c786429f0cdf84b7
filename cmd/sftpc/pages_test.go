package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/compiler"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/spec"
)

// world is what the examples of the pages find: their hosts' files and their
// drives. testdata/examples/README.md tells who needs what.
const world = "../../testdata/examples"

// pageExample is a script that a page shows.
type pageExample struct {
	page   string // from the module's root, with slashes
	line   int    // of its first statement
	source string
	status int // what its rehearsal must end with
}

func (e pageExample) name() string { return fmt.Sprintf("%s:%d", e.page, e.line) }

// TestPages compiles every script that a page shows, without a word of the
// compiler, and rehearses it as a reader would, in a copy of the examples' world.
// A block that is meant to end badly says how: ```ftp status=3.
func TestPages(t *testing.T) {
	t.Parallel()
	var examples []pageExample
	for _, p := range pages(t) {
		examples = append(examples, ftpBlocks(t, p.name, p.text)...)
	}
	if len(examples) < 50 {
		t.Fatalf("only %d examples were found", len(examples))
	}
	for _, e := range examples {
		t.Run(e.name(), func(t *testing.T) {
			t.Parallel()
			e.compile(t)
			e.rehearse(t, "--copy", absolute(t, world))
		})
	}
}

// TestCookbook rehearses each script of the cookbook in a world of its own, and
// compares what it leaves on both sides with what its first lines promise. One whose
// rehearsal must end badly says so in its world's file "status".
func TestCookbook(t *testing.T) {
	t.Parallel()
	scripts, err := fs.Glob(spec.Files(), "cookbook/*.ftp")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no cookbook: %v", err)
	}
	for _, script := range scripts {
		source, err := fs.ReadFile(spec.Files(), script)
		if err != nil {
			t.Fatal(err)
		}
		e := pageExample{page: "spec/" + script, line: 1, source: string(source)}
		name := strings.TrimSuffix(filepath.Base(script), ".ftp")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e.compile(t)
			own := absolute(t, filepath.Join(world, "cookbook", name))
			if text, err := os.ReadFile(filepath.Join(own, "status")); err == nil {
				if e.status, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
					t.Fatal(err)
				}
			}
			e.rehearse(t, "--copy", own, "--expect", filepath.Join(own, "after"))
		})
	}
}

func (e pageExample) compile(t *testing.T) {
	t.Helper()
	_, messages := compiler.Compile(e.name(), []byte(e.source), catalog.Commands(), compiler.Options{})
	for _, m := range messages {
		line, column := m.File.Position(m.Span.Start)
		t.Errorf("line %d, column %d: %s %s\n%s", line, column, m.Code, m.Message, e.source)
	}
}

// rehearse runs the verb itself, in a fresh folder.
func (e pageExample) rehearse(t *testing.T, flags ...string) {
	t.Helper()
	dir := t.TempDir()
	script := filepath.Join(dir, "example.ftp")
	if err := os.WriteFile(script, []byte(e.source), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := append([]string{"rehearse", "--root", filepath.Join(dir, "root")}, flags...)
	status := sftpc(&app.Process{
		Args: append(args, script), Dir: dir, Zone: time.UTC, Umask: 0o022,
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Environ: []string{"ACME_PASSWORD=very-secret-1", "FTP_USER=acme", "FTP_PASSWORD=very-secret-1"},
	})
	if status != e.status {
		t.Errorf("status %d, want %d\n%s\nstandard output:\n%s\nstandard error:\n%s", status, e.status, e.source, &stdout, &stderr)
	}
}

// page is a page by its path from the module's root, with slashes.
type page struct{ name, text string }

// pages reads those of spec, and the README and CONTRIBUTING.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	for _, name := range []string{"README.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page{name, string(text)})
	}
	err := fs.WalkDir(spec.Files(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".md" {
			return err
		}
		text, err := fs.ReadFile(spec.Files(), name)
		all = append(all, page{"spec/" + name, string(text)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// ftpBlocks are the blocks of a page that begin with ```ftp.
func ftpBlocks(t *testing.T, page, text string) []pageExample {
	t.Helper()
	var blocks []pageExample
	inside, ours := false, false
	for i, line := range strings.SplitAfter(text, "\n") {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && inside:
			inside, ours = false, false
		case isFence:
			words := strings.Fields(fence)
			inside, ours = true, len(words) > 0 && words[0] == "ftp"
			if ours {
				blocks = append(blocks, pageExample{page: page, line: i + 2, status: blockStatus(t, page, words[1:])})
			}
		case ours:
			blocks[len(blocks)-1].source += line
		}
	}
	if inside {
		t.Errorf("%s: a block has no end", page)
	}
	return blocks
}

// blockStatus reads what stands behind ```ftp.
func blockStatus(t *testing.T, page string, words []string) int {
	t.Helper()
	status := 0
	for _, word := range words {
		number, known := strings.CutPrefix(word, "status=")
		n, err := strconv.Atoi(number)
		if !known || err != nil {
			t.Errorf("%s: what is ```ftp %s? Known is status=N", page, word)
		}
		status = n
	}
	return status
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return absolute
}

// TestPageOfFailures holds the block of results.md to what a run prints, but for
// the addresses and ports of the day.
func TestPageOfFailures(t *testing.T) {
	t.Parallel()
	faults, err := fault.Parse("on EPRT: refuse\non PORT: refuse\n")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := server.Listen(t.Context(), "127.0.0.1:0", server.Options{Dir: dir, AllowAnyLogin: true, Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	source := "OPENHOST('ftp.example.com', 'acme', 'very-secret-1')\nSETPASSIVE(DISABLED)\nPUTFILE('orders.csv')\n"
	for name, text := range map[string]string{"acme-in.ftp": source, "orders.csv": "4711;3\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	sftpc(&app.Process{
		Args: []string{"run", "--host", "ftp.example.com=" + s.Addr(), "acme-in.ftp"}, Dir: dir, Zone: time.UTC,
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
	})
	page, err := fs.ReadFile(spec.Files(), "results.md")
	if err != nil {
		t.Fatal(err)
	}
	addresses := regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+:[0-9]+|(ftp\.example\.com):[0-9]+`)
	block := func(text, indent string) string {
		_, rest, _ := strings.Cut(text, "\n"+indent+"acme-in.ftp:3: ")
		rest, _, _ = strings.Cut(rest, "\n\n")
		return addresses.ReplaceAllString(strings.ReplaceAll(rest, "\n"+indent, "\n"), "$1:PORT")
	}
	// On the port of FTP the doctor needs none.
	shown := block(string(page), "    ")
	told := strings.Replace(block(stderr.String(), ""), "doctor ftp.example.com:PORT ", "doctor ftp.example.com ", 1)
	if told == "" || shown != told {
		t.Errorf("results.md shows\n%s\nand a run tells\n%s", shown, told)
	}
}

// TestPagesNameVerbs wants every command line that a page shows to have a verb
// and flags that there are.
func TestPagesNameVerbs(t *testing.T) {
	verbs, flags := completions()
	for _, page := range pages(t) {
		for i, line := range strings.Split(page.text, "\n") {
			for _, shown := range commandLines(line) {
				words := strings.Fields(shown)
				if strings.HasPrefix(words[0], "--") {
					continue // of sftpc itself
				}
				if !slices.Contains(verbs, words[0]) {
					t.Errorf("%s:%d: there is no verb %s", page.name, i+1, words[0])
				}
				for _, word := range words[1:] {
					flag, _, _ := strings.Cut(word, "=")
					if strings.HasPrefix(flag, "--") && !slices.Contains(flags[words[0]], flag) {
						t.Errorf("%s:%d: %s has no flag %s", page.name, i+1, words[0], flag)
					}
				}
			}
		}
	}
}

// commandLines are the calls of sftpc in a line of a page: in an indented block
// one, in running text any that stand between backquotes.
func commandLines(line string) []string {
	var shown []string
	take := func(code string) {
		if _, call, ok := strings.Cut(" "+code, " sftpc "); ok {
			shown = append(shown, call)
		} else if _, call, ok := strings.Cut(code, "bin/sftpc "); ok {
			shown = append(shown, call)
		}
	}
	if strings.HasPrefix(line, "    ") {
		code, _, _ := strings.Cut(line, " # ")
		take(strings.TrimSpace(code))
		return shown
	}
	for i, part := range strings.Split(line, "`") {
		if i%2 == 1 {
			take(part)
		}
	}
	return shown
}

// TestReadmeCommands runs the commands of the README's first block as they stand,
// where its reader would.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, steps, _ := strings.Cut(string(readme), "## First steps\n\n")
	steps, _, _ = strings.Cut(steps, "\n\n")
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "testdata", "demo"), os.DirFS("../../testdata/demo")); err != nil {
		t.Fatal(err)
	}
	seed, err := os.ReadFile("../../testdata/seed.ftp")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "testdata", "seed.ftp"), seed, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil { // as make build does
		t.Fatal(err)
	}
	ran := 0
	for _, line := range strings.Split(steps, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "bin/sftpc" {
			continue
		}
		ran++
		var stdout, stderr bytes.Buffer
		status := sftpc(&app.Process{Args: words[1:], Dir: dir, Zone: time.UTC, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
		if status != 0 {
			t.Errorf("%s: status %d\n%s%s", line, status, &stdout, &stderr)
		}
	}
	if ran < 4 {
		t.Errorf("only %d commands were found", ran)
	}
}
