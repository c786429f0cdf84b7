package localfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/internal/pretend"
	"github.com/sftpc/sftpc/netio/session"
)

// Pretend makes the FS carry out changes in mind only, from now on: files that would be
// written lie in a folder of their own below scratch, and everything that looks finds
// what would be there. tell is told each effect. Nothing may be open meanwhile, and
// paths stay what they are. Done ends it, and so does Close.
func (f *FS) Pretend(scratch string, tell func(pretend.Effect)) error {
	if f.pretending != nil {
		return nil
	}
	if scratch == "" {
		return &session.Error{Op: "beginning a dry run", Cause: session.NotSupported, Class: session.ClassPermanent, Err: errors.New("this run has no folder for what would be written")}
	}
	folder, err := os.MkdirTemp(scratch, "sftpc-dry-")
	if err != nil {
		return failure("making a folder for what would be written in", scratch, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pretending = &pretending{folder: folder, tell: tell}
	for _, m := range f.mounts() {
		m.tree = f.pretending.over(m.tree)
	}
	return nil
}

// Scratch is the folder in which a pretending FS keeps what would be written; "" for one
// that does not pretend.
func (f *FS) Scratch() string {
	if f.pretending == nil {
		return ""
	}
	return f.pretending.folder
}

// Done ends pretending. What was done in mind is forgotten.
func (f *FS) Done() error {
	if f.pretending == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.mounts() {
		if t, ok := m.tree.(*pretendTree); ok {
			m.tree = t.base
		}
	}
	folder := f.pretending.folder
	f.pretending = nil
	return failure("removing", folder, os.RemoveAll(folder))
}

// mounts are all trees of the FS.
func (f *FS) mounts() []*mount {
	var all []*mount
	if f.base != nil {
		all = append(all, f.base)
	}
	for _, table := range []map[string]*mount{f.drives, f.volumes} {
		for _, m := range table {
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	return all
}

// effect tells of a change that was made in mind only. Names of unfinished files tell
// nothing: what they become is told.
func (f *FS) effect(e pretend.Effect) {
	if f.pretending == nil || names.IsPart(e.Name[strings.LastIndexAny(e.Name, `/\`)+1:]) {
		return
	}
	f.pretending.tell(e)
}

// there reports whether something bears the name, for effects.
func (f *FS) there(p Path) bool {
	if f.pretending == nil {
		return false
	}
	_, err := p.mount.Lstat(p.inTree())
	return err == nil
}

// pretending is what all trees of a pretending FS share.
type pretending struct {
	folder string
	tell   func(pretend.Effect)

	lock sync.Mutex // of all trees, and the count
	made int        // files in the folder so far
}

func (p *pretending) over(base tree) tree {
	return &pretendTree{base: base, all: p, over: pretend.NewTree[imagined]()}
}

// imagined is a file that is there in mind only; path is where it lies, under its name
// in a folder of its own.
type imagined struct{ path string }

// pretendTree is a tree over which changes lie.
type pretendTree struct {
	base tree
	all  *pretending
	over *pretend.Tree[imagined]
}

func partsOf(name string) []string {
	if name == "." || name == "" {
		return nil
	}
	return strings.Split(name, "/")
}

func nameOf(parts []string) string {
	if len(parts) == 0 {
		return "."
	}
	return strings.Join(parts, "/")
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// called is a file's info under another name.
type called struct {
	fs.FileInfo
	name string
}

func (c called) Name() string { return c.name }

// info describes a place; look is Stat or Lstat of the tree below.
func (t *pretendTree) info(op, name string, look func(string) (fs.FileInfo, error)) (fs.FileInfo, error) {
	parts := partsOf(name)
	switch p := t.over.Find(parts); {
	case p.Gone:
		return nil, pathError(op, name, fs.ErrNotExist)
	case p.File != nil:
		return os.Lstat(p.File.path)
	case p.Made:
		info, err := os.Stat(t.all.folder)
		if err != nil || len(parts) == 0 {
			return info, err
		}
		return called{info, parts[len(parts)-1]}, nil
	default:
		info, err := look(nameOf(p.Base))
		if err == nil && !slices.Equal(p.Base, parts) && len(parts) > 0 {
			info = called{info, parts[len(parts)-1]}
		}
		return info, err
	}
}

func (t *pretendTree) Stat(name string) (fs.FileInfo, error) {
	t.all.lock.Lock()
	defer t.all.lock.Unlock()
	return t.info("stat", name, t.base.Stat)
}

func (t *pretendTree) Lstat(name string) (fs.FileInfo, error) {
	t.all.lock.Lock()
	defer t.all.lock.Unlock()
	return t.lstat(name)
}

func (t *pretendTree) lstat(name string) (fs.FileInfo, error) {
	return t.info("lstat", name, t.base.Lstat)
}

// within makes sure that the directory of a name is there.
func (t *pretendTree) within(op string, parts []string) error {
	if len(parts) == 0 {
		return pathError(op, ".", fs.ErrExist)
	}
	info, err := t.info(op, nameOf(parts[:len(parts)-1]), t.base.Stat)
	if err == nil && !info.IsDir() {
		err = pathError(op, nameOf(parts), errNotDir)
	}
	return err
}

const changes = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREATE | os.O_TRUNC

func (t *pretendTree) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	t.all.lock.Lock()
	defer t.all.lock.Unlock()
	parts := partsOf(name)
	p := t.over.Find(parts)
	if flag&changes == 0 {
		switch {
		case p.Gone:
			return nil, pathError("open", name, fs.ErrNotExist)
		case p.File != nil:
			return os.OpenFile(p.File.path, flag, 0)
		case p.Made:
			return os.Open(t.all.folder)
		}
		return t.base.OpenFile(nameOf(p.Base), flag, perm)
	}
	info, err := t.info("open", name, t.base.Stat)
	switch {
	case err == nil && flag&os.O_EXCL != 0:
		return nil, pathError("open", name, fs.ErrExist)
	case err == nil && info.IsDir():
		return nil, pathError("open", name, errIsDir)
	case err != nil && (!errors.Is(err, fs.ErrNotExist) || flag&os.O_CREATE == 0):
		return nil, err
	}
	if err := t.within("open", parts); err != nil {
		return nil, err
	}
	if p.File == nil {
		path, fail := t.all.newFile(parts[len(parts)-1], perm)
		if fail == nil && err == nil {
			fail = t.copy(nameOf(p.Base), path, info, flag)
		}
		if fail != nil {
			return nil, fail
		}
		t.over.PutFile(parts, imagined{path})
		p = t.over.Find(parts)
	}
	return os.OpenFile(p.File.path, flag&^(os.O_EXCL|os.O_CREATE), 0)
}

// newFile makes an empty file in a folder of its own.
func (p *pretending) newFile(name string, perm fs.FileMode) (string, error) {
	p.made++
	folder := filepath.Join(p.folder, strconv.Itoa(p.made))
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(folder, name)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return "", err
	}
	return path, file.Close()
}

// mostCopied bounds what is copied of a file that would be changed; of a longer one only
// the length is kept.
const mostCopied = 64 << 20

// copy makes the file at path what a real one is, before it is changed in mind.
func (t *pretendTree) copy(name, path string, info fs.FileInfo, flag int) error {
	if err := os.Chmod(path, info.Mode().Perm()|0o600); err != nil {
		return err
	}
	if flag&os.O_TRUNC != 0 {
		return nil
	}
	if info.Size() > mostCopied {
		return os.Truncate(path, info.Size())
	}
	from, err := t.base.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

func (t *pretendTree) Mkdir(name string, _ fs.FileMode) error {
	t.all.lock.Lock()
	defer t.all.lock.Unlock()
	return t.mkdir(partsOf(name))
}

func (t *pretendTree) mkdir(parts []string) error {
	if _, err := t.lstat(nameOf(parts)); err == nil {
		return pathError("mkdir", nameOf(parts), fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := t.within("mkdir", parts); err != nil {
		return err
	}
	t.over.PutDir(parts)
	return nil
}

func (t *pretendTree) MkdirAll(name string, _ fs.FileMode) error {
	t.all.lock.Lock()
	defer t.all.lock.Unlock()
	parts := partsOf(name)
	for i := range parts {
		info, err := t.info("mkdir", nameOf(parts[:i+1]), t.base.Stat)
		switch {
		case err == nil && !info.IsDir():
			return pathError("mkdir", name, errNotDir)
		case err == nil:
			continue
		}
		if err := t.mkdir(parts[:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (t *pretendTree) Remove(name string) error {
	t.all.lock.Lock()
	defer t.all.lock.Unlock()
	info, err := t.lstat(name)
	if err != nil {
		return err
	}
	parts := partsOf(name)
	if info.IsDir() {
		infos, err := t.readDir(name)
		switch {
		case err != nil:
			return err
		case len(infos) > 0:
			return pathError("remove", name, errNotEmpty)
		case len(parts) == 0:
			return pathError("remove", name, fs.ErrInvalid)
		}
	}
	t.over.Remove(parts)
	return nil
}

func (t *pretendTree) Rename(from, to string) error {
	t.all.lock.Lock()
	defer t.all.lock.Unlock()
	source, target := partsOf(from), partsOf(to)
	info, err := t.lstat(from)
	if err != nil {
		return err
	}
	if len(source) == 0 {
		return pathError("rename", from, fs.ErrInvalid)
	}
	if err := t.within("rename", target); err != nil {
		return err
	}
	if old, err := t.lstat(to); err == nil && (old.IsDir() || info.IsDir()) && !slices.Equal(source, target) {
		return pathError("rename", to, fs.ErrExist)
	}
	if info.IsDir() && len(target) > len(source) && slices.Equal(target[:len(source)], source) {
		return pathError("rename", to, fs.ErrInvalid) // into itself
	}
	if slices.Equal(source, target) {
		return nil
	}
	if file := t.over.Find(source).File; file != nil {
		path := filepath.Join(filepath.Dir(file.path), target[len(target)-1])
		if err := os.Rename(file.path, path); err != nil {
			return err
		}
		file.path = path
	}
	t.over.Move(source, target)
	return nil
}

// Chtimes sets the time of a file that is there in mind only; that of a real one is no
// loss to a dry run.
func (t *pretendTree) Chtimes(name string, accessed, modified time.Time) error {
	t.all.lock.Lock()
	defer t.all.lock.Unlock()
	if file := t.over.Find(partsOf(name)).File; file != nil {
		return os.Chtimes(file.path, accessed, modified)
	}
	_, err := t.lstat(name)
	return err
}

func (t *pretendTree) ReadDir(name string) ([]fs.FileInfo, error) {
	t.all.lock.Lock()
	defer t.all.lock.Unlock()
	return t.readDir(name)
}

func (t *pretendTree) readDir(name string) ([]fs.FileInfo, error) {
	parts := partsOf(name)
	var infos []fs.FileInfo
	switch p := t.over.Find(parts); {
	case p.Gone:
		return nil, pathError("open", name, fs.ErrNotExist)
	case p.File != nil:
		return nil, pathError("open", name, errNotDir)
	case p.Real:
		var err error
		if infos, err = t.base.ReadDir(nameOf(p.Base)); err != nil {
			return nil, err
		}
	}
	put, gone := t.over.Names(parts)
	infos = slices.DeleteFunc(infos, func(i fs.FileInfo) bool { return slices.Contains(put, i.Name()) || slices.Contains(gone, i.Name()) })
	for _, child := range put {
		info, err := t.lstat(nameOf(append(slices.Clip(parts), child)))
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (t *pretendTree) Close() error { return t.base.Close() }
