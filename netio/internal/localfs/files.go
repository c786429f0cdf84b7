package localfs

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/internal/pretend"
	"github.com/sftpc/sftpc/netio/session"
)

// Entry is what is known of a file or directory.
type Entry struct {
	Name    string // as on disk
	Kind    session.EntryKind
	Size    int64       // bytes; 0 but for files
	ModTime time.Time   // UTC
	Mode    fs.FileMode // permission bits
}

func entryOf(info fs.FileInfo) Entry {
	e := Entry{Name: info.Name(), Kind: session.KindOther, ModTime: info.ModTime().UTC(), Mode: info.Mode().Perm()}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		e.Kind, e.Size = session.KindFile, info.Size()
	case mode.IsDir():
		e.Kind = session.KindDir
	case mode&fs.ModeSymlink != 0:
		e.Kind = session.KindLink
	}
	return e
}

// Stat describes what p names, following links.
func (f *FS) Stat(p Path) (Entry, error) {
	if p.mount == nil {
		return Entry{}, noDirectory("")
	}
	info, err := p.mount.Stat(p.inTree())
	if err != nil {
		return Entry{}, f.failure("looking at", p, err)
	}
	e := entryOf(info)
	e.Name = p.Name()
	return e, nil
}

// Lstat is Stat, but a link is described itself.
func (f *FS) Lstat(p Path) (Entry, error) {
	if p.mount == nil {
		return Entry{}, noDirectory("")
	}
	info, err := p.mount.Lstat(p.inTree())
	if err != nil {
		return Entry{}, f.failure("looking at", p, err)
	}
	e := entryOf(info)
	e.Name = p.Name()
	return e, nil
}

// Exists reports whether p names a file or directory (links are followed). An
// error means that it could not be found out.
func (f *FS) Exists(p Path) (bool, error) {
	_, err := f.Stat(p)
	if session.CauseOf(err) == session.NoSuchLocalFile {
		return false, nil
	}
	return err == nil, err
}

// List returns what dir holds, sorted by the bytes of the names, links as links.
// Unfinished downloads of ours are left out. A directory that could not be read
// whole is an error.
func (f *FS) List(dir Path) ([]Entry, error) {
	if dir.mount == nil {
		return nil, noDirectory("")
	}
	infos, err := dir.mount.ReadDir(dir.inTree())
	if err != nil {
		return nil, f.failure("listing", dir, err)
	}
	entries := make([]Entry, 0, len(infos))
	for _, info := range infos {
		if !names.IsPart(info.Name()) {
			entries = append(entries, entryOf(info))
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, nil
}

// Open opens a regular file for reading.
func (f *FS) Open(p Path) (*os.File, error) { return f.OpenFile(p, os.O_RDONLY, 0) }

// OpenFile opens a regular file with the flags of package os, as for a log. perm
// is used as it is, the Umask is not taken off.
func (f *FS) OpenFile(p Path, flag int, perm fs.FileMode) (*os.File, error) {
	if p.mount == nil {
		return nil, noDirectory("")
	}
	// Opening a pipe would wait for its other end, without regard to any context.
	if info, err := p.mount.Stat(p.inTree()); err == nil && info.IsDir() {
		return nil, f.failure("opening", p, errIsDir)
	} else if err == nil && !info.Mode().IsRegular() {
		return nil, f.failure("opening", p, errNotRegular)
	}
	there := f.there(p)
	file, err := p.mount.OpenFile(p.inTree(), flag, perm)
	if err != nil {
		return nil, f.failure("opening", p, err)
	}
	if flag&changes != 0 {
		f.effect(pretend.Effect{Kind: pretend.Write, Name: p.String(), Size: -1, Replaces: there && flag&os.O_TRUNC != 0})
	}
	return file, nil
}

func (f *FS) dirMode() fs.FileMode { return 0o777 &^ fs.FileMode(f.options.Umask) }

func (f *FS) fileMode() fs.FileMode { return 0o666 &^ fs.FileMode(f.options.Umask) }

// Mkdir makes a directory; LocalExists if the name exists.
func (f *FS) Mkdir(p Path) error {
	if p.mount == nil {
		return noDirectory("")
	}
	err := p.mount.Mkdir(p.inTree(), f.dirMode())
	if err == nil {
		f.effect(pretend.Effect{Kind: pretend.MakeDir, Name: p.String()})
	}
	return f.failure("making the directory", p, err)
}

// MkdirAll makes a directory and those above it that are missing.
func (f *FS) MkdirAll(p Path) error {
	if p.mount == nil {
		return noDirectory("")
	}
	there := f.there(p)
	err := p.mount.MkdirAll(p.inTree(), f.dirMode())
	if err == nil && !there {
		f.effect(pretend.Effect{Kind: pretend.MakeDir, Name: p.String()})
	}
	return f.failure("making the directory", p, err)
}

// Rmdir removes an empty directory.
func (f *FS) Rmdir(p Path) error {
	const doing = "removing the directory"
	switch {
	case p.mount == nil:
		return noDirectory("")
	case p.name == "":
		return f.failure(doing, p, errors.New("it is the root of a drive"))
	}
	info, err := p.mount.Lstat(p.inTree())
	if err == nil && !info.IsDir() {
		err = errNotDir
	}
	if err == nil {
		err = p.mount.Remove(p.inTree())
	}
	if err == nil {
		f.effect(pretend.Effect{Kind: pretend.RemoveDir, Name: p.String()})
	}
	err = f.failure(doing, p, err)
	var e *session.Error
	if errors.As(err, &e) && e.Cause == session.DirectoryNotEmpty {
		// Whoever lists it sees nothing: List leaves such names out.
		if infos, _ := p.mount.ReadDir(p.inTree()); len(infos) > 0 && !slices.ContainsFunc(infos, func(i fs.FileInfo) bool { return !names.IsPart(i.Name()) }) {
			e.Hint = "it holds only unfinished downloads, .sftpc-….part"
		}
	}
	return err
}

// Remove removes a file or a link, never a directory.
func (f *FS) Remove(p Path) error {
	if p.mount == nil {
		return noDirectory("")
	}
	info, err := p.mount.Lstat(p.inTree())
	if err == nil && info.IsDir() {
		err = errIsDir
	}
	if err == nil {
		err = p.mount.Remove(p.inTree())
	}
	if err == nil {
		f.effect(pretend.Effect{Kind: pretend.Delete, Name: p.String()})
	}
	return f.failure("deleting", p, err)
}

// SetModTime sets the modification time.
func (f *FS) SetModTime(p Path, t time.Time) error {
	if p.mount == nil {
		return noDirectory("")
	}
	return f.failure("setting the time of", p, p.mount.Chtimes(p.inTree(), time.Time{}, t))
}
