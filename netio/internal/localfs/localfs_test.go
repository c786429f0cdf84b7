package localfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

// makeFiles makes files below a new folder; a name that ends in a slash is a
// directory. A file holds its name.
func makeFiles(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		var err error
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o777)
		} else {
			err = os.WriteFile(path, []byte(name), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, o Options) *FS {
	t.Helper()
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func resolve(t *testing.T, f *FS, dir Path, written string) Path {
	t.Helper()
	p, err := f.Resolve(dir, written)
	if err != nil {
		t.Fatalf("%s: %v", written, err)
	}
	return p
}

func child(t *testing.T, f *FS, dir Path, name string) Path {
	t.Helper()
	p, err := f.Child(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantCause fails unless err is a *session.Error of the cause, and neither its
// text nor its hint tells where files really lie.
func wantCause(t *testing.T, err error, want session.Cause) *session.Error {
	t.Helper()
	var e *session.Error
	if !errors.As(err, &e) || e.Cause != want {
		t.Fatalf("got %v (cause %d), want cause %d", err, session.CauseOf(err), want)
	}
	if strings.Contains(e.Error()+e.Hint, os.TempDir()) {
		t.Errorf("%v tells where the folder lies (hint %q)", e, e.Hint)
	}
	return e
}

func content(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
