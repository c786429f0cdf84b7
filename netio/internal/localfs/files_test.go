package localfs

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

func TestFiles(t *testing.T) {
	dir := makeFiles(t, "b", "a", "Z", "sub/x", names.Part("b"), names.Note("b"))
	f := open(t, Options{Root: dir})
	root := f.Start()
	at := func(name string) Path { return resolve(t, f, root, name) }

	entries, err := f.List(root)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name)
	}
	if err != nil || !slices.Equal(got, []string{"Z", "a", "b", "sub"}) {
		t.Errorf("List: got %q, %v", got, err)
	}
	if e := entries[1]; e.Kind != session.KindFile || e.Size != 1 || e.ModTime.Location() != time.UTC {
		t.Errorf("a file: got %+v", e)
	}
	if e := entries[3]; e.Kind != session.KindDir || e.Size != 0 {
		t.Errorf("a directory: got %+v", e)
	}
	_, err = f.List(at("none"))
	wantCause(t, err, session.NoSuchLocalFile)
	_, err = f.List(at("a"))
	wantCause(t, err, session.NoSuchLocalFile)

	if err := f.Mkdir(at("new")); err != nil {
		t.Error(err)
	}
	wantCause(t, f.Mkdir(at("new")), session.LocalExists)
	wantCause(t, f.Mkdir(at("none/new")), session.NoSuchLocalFile)
	if err := f.MkdirAll(at("deep/er/still")); err != nil {
		t.Error(err)
	}
	wantCause(t, f.Rmdir(at("sub")), session.DirectoryNotEmpty)
	wantCause(t, f.Rmdir(at("a")), session.NoSuchLocalFile)
	wantCause(t, f.Rmdir(root), session.LocalFailure)
	if err := f.Rmdir(at("new")); err != nil {
		t.Error(err)
	}
	wantCause(t, f.Remove(at("sub")), session.LocalFailure)
	wantCause(t, f.Remove(at("none")), session.NoSuchLocalFile)
	if err := f.Remove(at("Z")); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]bool{"a": true, "sub": true, "none": false, "none/x": false, "a/x": false} {
		if exists, err := f.Exists(at(name)); exists != want || err != nil {
			t.Errorf("%s exists: %v, %v", name, exists, err)
		}
	}
	_, err = f.Open(at("sub"))
	wantCause(t, err, session.LocalFailure)

	when := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	if err := f.SetModTime(at("a"), when); err != nil {
		t.Error(err)
	}
	if e, err := f.Stat(at("a")); err != nil || !e.ModTime.Equal(when) {
		t.Errorf("got %v, %v", e.ModTime, err)
	}
}

// A folder that seems empty but holds an unfinished download says so.
func TestRmdir_OnlyParts(t *testing.T) {
	f := open(t, Options{Root: makeFiles(t, "dir/"+names.Part("x"))})
	err := f.Rmdir(resolve(t, f, f.Start(), "dir"))
	if e := wantCause(t, err, session.DirectoryNotEmpty); e.Hint == "" {
		t.Error("no hint")
	}
}

func TestOpenFile_Log(t *testing.T) {
	dir := makeFiles(t)
	f := open(t, Options{Root: dir})
	for _, line := range []string{"one\n", "two\n"} {
		log, err := f.OpenFile(resolve(t, f, f.Start(), "run.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(log, line)
		log.Close()
	}
	if got := content(t, dir, "run.log"); got != "one\ntwo\n" {
		t.Errorf("got %q", got)
	}
}

func TestRename(t *testing.T) {
	ctx := context.Background()
	c, d := makeFiles(t, "a", "b", "dir/x", "e"), makeFiles(t, "old")
	f := open(t, Options{Drives: map[string]string{"C": c, "D": d}})
	at := func(written string) Path { return resolve(t, f, Path{}, written) }
	if err := f.Rename(ctx, at(`C:\a`), at(`C:\new`), false); err != nil || content(t, c, "new") != "a" {
		t.Error(err)
	}
	wantCause(t, f.Rename(ctx, at(`C:\new`), at(`C:\b`), false), session.LocalExists)
	wantCause(t, f.Rename(ctx, at(`C:\new`), at(`C:\dir`), true), session.LocalExists)
	wantCause(t, f.Rename(ctx, at(`C:\none`), at(`C:\x`), true), session.NoSuchLocalFile)
	if err := f.Rename(ctx, at(`C:\new`), at(`C:\b`), true); err != nil || content(t, c, "b") != "a" {
		t.Error(err)
	}
	if err := f.Rename(ctx, at(`C:\b`), at(`D:\moved`), false); err != nil || content(t, d, "moved") != "a" {
		t.Error(err)
	}
	if exists, _ := f.Exists(at(`C:\b`)); exists {
		t.Error("moved to another drive, but still there")
	}
	wantCause(t, f.Rename(ctx, at(`C:\e`), at(`D:\old`), false), session.LocalExists)
	wantCause(t, f.Rename(ctx, at(`C:\dir`), at(`D:\dir`), false), session.LocalFailure)

	// Changing only the case needs a target that was not looked for.
	parent, last, err := f.ResolveParent(Path{}, `C:\E`)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Rename(ctx, at(`C:\e`), child(t, f, parent, last), false); err != nil {
		t.Error(err)
	}
	if all, _ := f.List(parent); !slices.ContainsFunc(all, func(e Entry) bool { return e.Name == "E" }) {
		t.Errorf("no E in %+v", all)
	}
}

func TestCopy(t *testing.T) {
	ctx := context.Background()
	dir := makeFiles(t, "a", "dir/x")
	when := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "a"), when, when); err != nil {
		t.Fatal(err)
	}
	f := open(t, Options{Root: dir})
	at := func(name string) Path { return resolve(t, f, f.Start(), name) }
	if err := f.Copy(ctx, at("a"), at("copy")); err != nil || content(t, dir, "copy") != "a" {
		t.Fatal(err)
	}
	if e, err := f.Stat(at("copy")); err != nil || !e.ModTime.Equal(when) {
		t.Errorf("time: got %v, %v", e.ModTime, err)
	}
	wantCause(t, f.Copy(ctx, at("a"), at("a")), session.BadArgument)
	wantCause(t, f.Copy(ctx, at("a"), at("dir")), session.LocalExists)
	wantCause(t, f.Copy(ctx, at("none"), at("x")), session.NoSuchLocalFile)
	wantCause(t, f.Copy(ctx, at("dir"), at("x")), session.LocalFailure)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	wantCause(t, f.Copy(ended, at("dir/x"), at("copy")), session.Cancelled)
	if content(t, dir, "copy") != "a" {
		t.Error("a copy that was cancelled changed the target")
	}
	if all, _ := os.ReadDir(dir); len(all) != 3 {
		t.Errorf("left behind: %v", all)
	}
}
