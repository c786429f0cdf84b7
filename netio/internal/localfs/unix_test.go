//go:build unix

package localfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

// Links below a mapped folder are followed as long as they stay there.
func TestLinks(t *testing.T) {
	outside := makeFiles(t, "secret", "dir/x")
	for name, o := range map[string]func(dir string) (Options, string){
		"root":  func(dir string) (Options, string) { return Options{Root: dir}, "/" },
		"drive": func(dir string) (Options, string) { return Options{Drives: map[string]string{"C": dir}}, `C:\` },
	} {
		t.Run(name, func(t *testing.T) {
			dir := makeFiles(t, "in/side", "real")
			for link, to := range map[string]string{
				"good": "real", "goodDir": "in", "absolute": filepath.Join(outside, "secret"), "up": "../" + filepath.Base(outside) + "/secret",
				"outDir": outside, "in/up": "../../" + filepath.Base(outside), "loop": "loop", "dangling": "none",
			} {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			options, root := o(dir)
			f := open(t, options)
			start := resolve(t, f, f.Start(), root)
			for written, want := range map[string]session.Cause{
				"good": 0, "goodDir/side": 0, "absolute": session.Denied, "up": session.Denied, "outDir/secret": session.Denied,
				"in/up/secret": session.Denied, "loop": session.LocalFailure, "dangling": session.NoSuchLocalFile,
			} {
				p, err := f.Resolve(start, written)
				if err == nil {
					var file *os.File
					if file, err = f.Open(p); err == nil {
						file.Close()
					}
				}
				if want == 0 && err != nil {
					t.Errorf("%s: %v", written, err)
				} else if want != 0 {
					wantCause(t, err, want)
				}
			}
			outDir, err := f.Child(start, "outDir")
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.List(outDir)
			wantCause(t, err, session.Denied)
			_, err = f.CreatePart(child(t, f, outDir, "x"), noteOfSales)
			wantCause(t, err, session.Denied)
			wantCause(t, f.MkdirAll(child(t, f, child(t, f, outDir, "dir"), "new")), session.Denied)
			entries, err := f.List(start)
			for _, e := range entries {
				if isLink := e.Kind == session.KindLink; isLink != (e.Name != "in" && e.Name != "real") {
					t.Errorf("%s: kind %d", e.Name, e.Kind)
				}
			}
			if err != nil || len(entries) != 9 {
				t.Errorf("%d entries, %v", len(entries), err)
			}
		})
	}
}

// The system's own tree has no walls; names are as they are.
func TestSystemPaths(t *testing.T) {
	outside := makeFiles(t, "x")
	dir := makeFiles(t, `back\slash/`, "Data/f")
	if err := os.Symlink(filepath.Join(outside, "x"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	f := open(t, Options{SystemPaths: true, WorkDir: dir})
	if f.Start().String() != dir || f.SystemPath(f.Start()) != dir {
		t.Errorf("starts in %s, at %s", f.Start(), f.SystemPath(f.Start()))
	}
	for written, want := range map[string]string{"link": "x", dir + "/Data/f": "Data/f", `Data\f`: "Data/f", `Data\..\Data\.\f`: "Data/f"} {
		if got := content(t, f.SystemPath(resolve(t, f, f.Start(), written))); got != want {
			t.Errorf("%s: got %q", written, got)
		}
	}
	entries, err := f.List(f.Start())
	if err != nil || len(entries) != 3 || entries[1].Name != `back\slash` || entries[2].Kind != session.KindLink {
		t.Errorf("got %+v, %v", entries, err)
	}
	_, err = f.Open(resolve(t, f, f.Start(), "data/f"))
	var e *session.Error
	if !errors.As(err, &e) || e.Cause != session.NoSuchLocalFile || e.Hint != "found: Data" && e.Hint != "" {
		t.Errorf("got %v", err)
	}
	inside := open(t, Options{SystemPaths: true, WorkDir: filepath.Join(dir, `back\slash`)})
	if inside.Start().Name() != `back\slash` {
		t.Errorf("starts in %s", inside.Start())
	}
	without := open(t, Options{SystemPaths: true})
	_, err = without.Resolve(without.Start(), "relative")
	wantCause(t, err, session.Denied)
}

// What others put under the part's name is never written to.
func TestPart_Planted(t *testing.T) {
	part, note := names.Part("sales.xls"), names.Note("sales.xls")
	plants := map[string]func(dir, victim string) error{
		"link":               func(dir, victim string) error { return os.Symlink(victim, filepath.Join(dir, part)) },
		"link in the folder": func(dir, victim string) error { return os.Symlink("victim", filepath.Join(dir, part)) },
		"link that dangles":  func(dir, victim string) error { return os.Symlink("none", filepath.Join(dir, part)) },
		"second name":        func(dir, victim string) error { return os.Link(victim, filepath.Join(dir, part)) },
		"writable by all": func(dir, victim string) error {
			path := filepath.Join(dir, part)
			return errors.Join(os.WriteFile(path, []byte("0123"), 0o600), os.Chmod(path, 0o666))
		},
		"pipe":            func(dir, victim string) error { return unix.Mkfifo(filepath.Join(dir, part), 0o600) },
		"empty directory": func(dir, victim string) error { return os.Mkdir(filepath.Join(dir, part), 0o700) },
		"note that is a link": func(dir, victim string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, part), []byte("0123"), 0o600), os.Symlink(victim, filepath.Join(dir, note)))
		},
	}
	if os.Geteuid() == 0 { // nobody else can give files away
		plants["another user's"] = func(dir, victim string) error {
			path := filepath.Join(dir, part)
			return errors.Join(os.WriteFile(path, []byte("0123"), 0o600), os.Chown(path, 12345, 12345))
		}
	}
	for name, plant := range plants {
		for _, system := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", system paths ", system), func(t *testing.T) {
				dir := makeFiles(t, "victim")
				victim := filepath.Join(dir, "victim")
				// A note that fits, so that only what the file is can speak against it.
				if err := os.WriteFile(victim, []byte(noteOfSales.text("sales.xls", 4)), 0o600); err != nil {
					t.Fatal(err)
				}
				before := content(t, victim)
				if err := plant(dir, victim); err != nil {
					t.Fatal(err)
				}
				if _, err := os.Lstat(filepath.Join(dir, note)); err != nil {
					if err := os.WriteFile(filepath.Join(dir, note), []byte(before), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				o := Options{Root: dir}
				if system {
					o = Options{SystemPaths: true, WorkDir: dir}
				}
				f := open(t, o)
				p := startPart(t, f, noteOfSales)
				if p.Offset() != 0 {
					t.Errorf("resumes at %d", p.Offset())
				}
				write(t, p, "new")
				if err := p.Commit(time.Time{}); err != nil {
					t.Fatal(err)
				}
				if got := content(t, dir, "sales.xls"); got != "new" {
					t.Errorf("got %q", got)
				}
				if got := content(t, victim); got != before {
					t.Errorf("the victim was written to: %q", got)
				}
				only(t, dir, "sales.xls", "victim")
			})
		}
	}
}

// A part that was exchanged while bytes came in does not become the file.
func TestPart_Exchanged(t *testing.T) {
	dir := makeFiles(t, "evil")
	f := open(t, Options{Root: dir})
	p := startPart(t, f, noteOfSales)
	if err := os.Rename(filepath.Join(dir, "evil"), filepath.Join(dir, names.Part("sales.xls"))); err != nil {
		t.Fatal(err)
	}
	wantCause(t, p.Commit(time.Time{}), session.LocalFailure)
	if exists, _ := f.Exists(p.Target()); exists {
		t.Error("the file appeared")
	}
}

func TestPart_Permissions(t *testing.T) {
	dir := makeFiles(t, "old", "target")
	f := open(t, Options{Root: dir, Umask: 0o027})
	if err := os.Chmod(filepath.Join(dir, "old"), 0o4604); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"new": 0o640, "old": 0o604, "link": 0o640} {
		p, err := f.CreatePart(child(t, f, f.Start(), name), noteOfSales)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(filepath.Join(dir, names.Part(name))); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s, unfinished: %v, %v", name, info.Mode(), err)
		}
		if err := p.Commit(time.Time{}); err != nil {
			t.Fatal(err)
		}
		// A link is replaced, never written through.
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, want %v (%v)", name, info.Mode(), want, err)
		}
	}
	if got := content(t, dir, "target"); got != "target" {
		t.Errorf("the link's target was changed: %q", got)
	}
}

func TestMkdir_Umask(t *testing.T) {
	dir := makeFiles(t)
	f := open(t, Options{Root: dir, Umask: 0o077})
	if err := f.MkdirAll(resolve(t, f, f.Start(), "a/b")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "a", "b")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
}

// Opening a pipe must not wait for its other end.
func TestOpen_Pipe(t *testing.T) {
	dir := makeFiles(t)
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t, Options{Root: dir})
	_, err := f.Open(resolve(t, f, f.Start(), "pipe"))
	wantCause(t, err, session.LocalFailure)
}

func TestCauses(t *testing.T) {
	f := open(t, Options{Root: makeFiles(t)})
	for err, want := range map[error]session.Cause{
		syscall.ENOSPC: session.NoLocalSpace, syscall.EDQUOT: session.NoLocalSpace, syscall.ENOENT: session.NoSuchLocalFile,
		syscall.ENOTDIR: session.NoSuchLocalFile, syscall.EACCES: session.NoLocalPermission, syscall.EPERM: session.NoLocalPermission,
		syscall.EROFS: session.NoLocalPermission, syscall.EEXIST: session.LocalExists, syscall.ENOTEMPTY: session.DirectoryNotEmpty,
		syscall.EIO: session.LocalFailure,
	} {
		failed := f.Failure("writing", f.Start(), &os.PathError{Op: "write", Path: os.TempDir(), Err: err})
		e := wantCause(t, failed, want)
		if e.Error() != "writing /: "+err.Error() || !errors.Is(e, err) {
			t.Errorf("got %v", e)
		}
	}
	if f.Failure("writing", f.Start(), nil) != nil {
		t.Error("no error became one")
	}
}
