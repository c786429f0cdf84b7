package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

// testScripts are the sources of every script that the tests of the command use,
// the first example and those of the cookbook, by a name.
func testScripts(t *testing.T) map[string]string {
	t.Helper()
	scripts := map[string]string{}
	add := func(name string) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		scripts[filepath.Base(name)] = string(data)
	}
	add("../../testdata/seed.ftp")
	for _, pattern := range []string{"../../spec/cookbook/*.ftp", "../../testdata/cli/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, name := range files {
			if filepath.Ext(name) == ".ftp" {
				add(name)
				continue
			}
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range archive.Files {
				if filepath.Ext(file.Name) == ".ftp" {
					scripts[filepath.Base(name)+" "+strings.ReplaceAll(file.Name, "/", " ")] = string(file.Data)
				}
			}
		}
	}
	return scripts
}

// endless are scripts that wait for a time-out or a signal: where it meets them
// differs from run to run.
var endless = regexp.MustCompile(`WHILE\(TRUE\)|GOTO :again|SLEEP\((10|60)\)`)

// TestBundlesBehaveAsTheirSources rehearses every test script as it is and as a
// bundle: the streams, the status and what lies in the trees must be the same.
func TestBundlesBehaveAsTheirSources(t *testing.T) {
	ran := 0
	for name, source := range testScripts(t) {
		program, messages := compile(app.Script{Name: "job.ftp", Source: []byte(source)}, catalog.Commands())
		if messages.HasErrors() || endless.MatchString(source) {
			continue // there is no bundle of it, or no end
		}
		ran++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bundle, err := bytecode.Encode(program)
			if err != nil {
				t.Fatal(err)
			}
			// Mistakes are told when a source is compiled, not when its bundle runs.
			var warnings strings.Builder
			diag.WriteText(&warnings, messages, false)
			fromSource := strings.Replace(rehearsal(t, []byte(source)), warnings.String(), "", 1)
			fromBundle := rehearsal(t, bundle)
			// Where a warning was the last word, an empty line follows it.
			empty := regexp.MustCompile(`\n{2,}`)
			if empty.ReplaceAllString(fromBundle, "\n") != empty.ReplaceAllString(fromSource, "\n") {
				t.Errorf("the source:\n%s\nthe bundle:\n%s", fromSource, fromBundle)
			}
		})
	}
	if ran < 40 {
		t.Errorf("only %d scripts ran", ran)
	}
}

// rehearsal is everything that can be seen of a rehearsal, without what differs
// from run to run.
func rehearsal(t *testing.T, script []byte) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "job.ftp", string(script))
	var stdout, stderr bytes.Buffer
	p := &app.Process{
		Args:   []string{"rehearse", "--timeout", "60s", "--root", "root", "job.ftp", "one", "", "--two"},
		Stdout: &stdout, Stderr: &stderr, Dir: dir, Zone: time.UTC, Umask: 0o022,
	}
	status := sftpc(p)
	trees, err := snapshot(filepath.Join(dir, "root"))
	if err != nil {
		t.Fatal(err)
	}
	seen := fmt.Sprintf("status %d\n%s\n%s\n%v", status, stdout.String(), stderr.String(), trees.paths())
	seen = strings.ReplaceAll(seen, dir, "DIR")
	return regexp.MustCompile(`:\d{4,5}\b`).ReplaceAllString(seen, ":PORT")
}

// TestBuildsAreReproducible: the bytes depend on the source and its bare name,
// and on nothing else of the place and time they are made in.
func TestBuildsAreReproducible(t *testing.T) {
	source, err := os.ReadFile("../../testdata/seed.ftp")
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for _, zone := range []string{"UTC", "Asia/Tokyo"} {
		for _, folder := range []string{"one", "two/three"} {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, dir, folder+"/nightly.ftp", string(source))
			location, err := time.LoadLocation(zone)
			if err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			p := &app.Process{Args: []string{"build", folder + "/nightly.ftp", "-o", "out.ftpc"}, Stderr: &stderr, Dir: dir, Zone: location}
			if status := sftpc(p); status != 0 {
				t.Fatalf("status %d: %s", status, stderr.String())
			}
			bundle, err := os.ReadFile(filepath.Join(dir, "out.ftpc"))
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = bundle
			}
			if !bytes.Equal(bundle, first) {
				t.Errorf("built in %s, %s: other bytes", folder, zone)
			}
			for _, trace := range []string{folder + "/", dir, "three"} {
				if bytes.Contains(bundle, []byte(trace)) {
					t.Errorf("%q is in the bundle", trace)
				}
			}
		}
	}
}
