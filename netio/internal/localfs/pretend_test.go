package localfs

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/internal/pretend"
	"github.com/sftpc/sftpc/netio/session"
)

// A pretending FS shows what would be there, tells what would be done, and changes
// nothing but its own folder, which goes with it.
func TestPretend(t *testing.T) {
	root, scratch := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"a": "alpha", "d/b": "beta", "d/e/c": "gamma"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := New(Options{Drives: map[string]string{"C": root}})
	if err != nil {
		t.Fatal(err)
	}
	var told []pretend.Effect
	if err := f.Pretend(scratch, func(e pretend.Effect) { told = append(told, e) }); err != nil {
		t.Fatal(err)
	}
	at := func(written string) Path {
		t.Helper()
		p, err := f.Resolve(Path{}, `C:\`+written)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	list := func(dir string) string {
		t.Helper()
		entries, err := f.List(at(dir))
		must(err)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name)
		}
		return strings.Join(names, " ")
	}

	must(f.Mkdir(at("new")))
	must(f.MkdirAll(at(`new\in\it`)))
	part, err := f.CreatePart(at(`new\file`), Note{Size: 5, Time: time.Unix(1_700_000_000, 0)})
	must(err)
	_, err = part.File().WriteString("hello")
	must(err)
	must(part.Commit(time.Unix(1_700_000_000, 0)))
	if e, err := f.Stat(at(`NEW\FILE`)); err != nil || e.Size != 5 || e.ModTime.Unix() != 1_700_000_000 {
		t.Errorf("%v %v", e, err)
	}
	if got := list("new"); got != "file in" {
		t.Error(got)
	}
	if got := list(""); got != "a d new" {
		t.Error(got)
	}

	must(f.Rename(context.Background(), at("a"), at(`d\moved`), false))
	must(f.Rename(context.Background(), at("d"), at("x"), false))
	if got := list("x"); got != "b e moved" {
		t.Error(got)
	}
	file, err := f.Open(at(`x\moved`))
	must(err)
	if text, err := io.ReadAll(file); string(text) != "alpha" || err != nil {
		t.Errorf("%q %v", text, err)
	}
	file.Close()
	wantCause(t, f.Rmdir(at("x")), session.DirectoryNotEmpty)
	wantCause(t, f.Mkdir(at("x")), session.LocalExists)
	if _, err := f.Stat(at(`d\b`)); session.CauseOf(err) != session.NoSuchLocalFile {
		t.Error(err)
	}
	wantCause(t, f.Mkdir(at(`nowhere\x`)), session.NoSuchLocalFile)

	// A file that is changed is a copy.
	log, err := f.OpenFile(at(`x\b`), os.O_WRONLY|os.O_APPEND, 0)
	must(err)
	_, err = log.WriteString(" and more")
	must(err)
	must(log.Close())
	if e, err := f.Stat(at(`x\b`)); err != nil || e.Size != int64(len("beta and more")) {
		t.Errorf("%v %v", e, err)
	}
	must(f.Copy(context.Background(), at(`x\b`), at("copy")))
	must(f.Remove(at(`x\e\c`)))
	must(f.Rmdir(at(`x\e`)))

	var kinds []pretend.Kind
	for _, e := range told {
		kinds = append(kinds, e.Kind)
	}
	want := []pretend.Kind{pretend.MakeDir, pretend.MakeDir, pretend.Write, pretend.Rename, pretend.Rename, pretend.Write, pretend.Write, pretend.Delete, pretend.RemoveDir}
	if !slices.Equal(kinds, want) {
		t.Errorf("told: %v", told)
	}
	must(f.Done())
	if got := list(""); got != "a d" {
		t.Error(got)
	}
	if text, err := os.ReadFile(filepath.Join(root, "d", "b")); string(text) != "beta" || err != nil {
		t.Errorf("%q %v", text, err)
	}
	if left, err := os.ReadDir(scratch); len(left) > 0 || err != nil {
		t.Errorf("%v is left: %v", left, err)
	}
	must(f.Close())
}
