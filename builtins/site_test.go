package builtins

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
)

// site is a bench with a server: scripts reach it as ftp.test.
type site struct {
	*bench
	server  *server.Server
	address string // where it listens
	remote  string // the folder that the server hands out
	local   string // the folder that is / for scripts
	// login are the statements that log in and go to remote, and print the result; nil
	// are those for the servers of newSite and its like.
	login []string
}

// siteOptions say how a test's server differs from a healthy one.
type siteOptions struct {
	faults  string // package fault's text form
	files   map[string]string
	change  func(*server.Options)
	options func(*Options)
	folders func(remote, local string) // before anything is in them
}

func newSite(t *testing.T, o siteOptions) *site {
	t.Helper()
	s := &site{remote: t.TempDir(), local: t.TempDir()}
	if o.folders != nil {
		o.folders(s.remote, s.local)
	}
	write(t, s.remote, o.files)
	faults, err := fault.Parse(o.faults)
	if err != nil {
		t.Fatal(err)
	}
	options := server.Options{
		Dir: s.remote, Users: map[string]string{"joe": "pass-word-1"}, Anonymous: true,
		DataTimeout: time.Minute, LoginDelay: -1, SkipSync: true, Faults: faults,
		Log: func(line string) { t.Log(line) },
	}
	if o.change != nil {
		o.change(&options)
	}
	if s.server, err = server.Listen(context.Background(), "127.0.0.1:0", options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.server.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	s.address = s.server.Addr()
	hosted := Options{Root: s.local, Hosts: []string{"ftp.test"}, HostMap: map[string]string{"ftp.test": s.server.Addr()}}
	if o.options != nil {
		o.options(&hosted)
	}
	s.bench = newBench(t, hosted)
	return s
}

// on runs statements after a login.
func (s *site) on(statements ...string) ran {
	s.Helper()
	return s.run(append([]string{`OPENHOST("ftp.test","joe","pass-word-1")`}, statements...)...)
}

// result runs statements after a login and returns the name of what $r was given.
// GETERROR is printed too, so that what is told can be looked for by ran.tells.
func (s *site) result(statements ...string) (string, ran) {
	s.Helper()
	o := s.on(append(statements, "PRINT(GETERROR)", "PRINT($r)", "PRINT(GETERROR(NAME))")...)
	if o.err != nil {
		s.Fatal(o.err)
	}
	lines := o.lines()
	if len(lines) < 2 {
		s.Fatalf("the script did not come to its end:\n%s", o.transcript)
	}
	if result := lines[len(lines)-2]; result == "OK" {
		return result, o
	}
	return lines[len(lines)-1], o
}

// tells reports whether the transcript or standard output holds the text.
func (o ran) tells(text string) bool { return o.has(text) || strings.Contains(o.stdout, text) }

// write makes files below dir; a name that ends in a slash is a directory.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns all files below dir by their names with slashes.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// holds compares all files below dir with what they should be.
func holds(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := read(t, dir)
	for name := range got {
		if netio.IsPartName(filepath.Base(name)) {
			t.Errorf("an unfinished file is left: %s", name)
		}
	}
	if want == nil {
		want = map[string]string{}
	}
	if !maps.Equal(got, want) {
		t.Errorf("files are %q\n     want %q", got, want)
	}
}
