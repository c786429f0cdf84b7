package localfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// tree is access to the files below one folder. Names are relative, with slashes,
// and "." is the folder itself.
type tree interface {
	OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
	Mkdir(name string, perm fs.FileMode) error
	MkdirAll(name string, perm fs.FileMode) error
	Remove(name string) error
	Rename(from, to string) error
	Chtimes(name string, accessed, modified time.Time) error
	// ReadDir describes what a directory holds, in no order, links as links. What
	// vanished meanwhile is left out.
	ReadDir(name string) ([]fs.FileInfo, error)
	Close() error
}

// rootTree keeps all access below its folder: `..` and links that lead out fail.
type rootTree struct{ *os.Root }

func openRoot(folder string) (tree, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	return rootTree{root}, nil
}

func (t rootTree) ReadDir(name string) ([]fs.FileInfo, error) {
	// A root of its own spares walking down to the directory for every entry.
	dir, err := t.OpenRoot(name)
	if err != nil {
		// What OpenRoot says then is an error without a kind.
		if info, statErr := t.Stat(name); statErr == nil && !info.IsDir() {
			return nil, errNotDir
		}
		return nil, err
	}
	defer dir.Close()
	d, err := dir.Open(".")
	if err != nil {
		return nil, err
	}
	return describe(d, dir.Lstat)
}

// plainTree is the system's own tree below a prefix: "/", `C:\`. Links lead
// where they lead.
type plainTree string

func (t plainTree) at(name string) string {
	return filepath.Join(string(t), filepath.FromSlash(name))
}

func (t plainTree) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(t.at(name), flag, perm)
}
func (t plainTree) Stat(name string) (fs.FileInfo, error)     { return os.Stat(t.at(name)) }
func (t plainTree) Lstat(name string) (fs.FileInfo, error)    { return os.Lstat(t.at(name)) }
func (t plainTree) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(t.at(name), perm) }
func (t plainTree) MkdirAll(name string, perm fs.FileMode) error {
	return os.MkdirAll(t.at(name), perm)
}
func (t plainTree) Remove(name string) error     { return os.Remove(t.at(name)) }
func (t plainTree) Rename(from, to string) error { return os.Rename(t.at(from), t.at(to)) }
func (t plainTree) Chtimes(name string, accessed, modified time.Time) error {
	return os.Chtimes(t.at(name), accessed, modified)
}
func (t plainTree) Close() error { return nil }

func (t plainTree) ReadDir(name string) ([]fs.FileInfo, error) {
	d, err := os.Open(t.at(name))
	if err != nil {
		return nil, err
	}
	return describe(d, func(child string) (fs.FileInfo, error) { return os.Lstat(filepath.Join(d.Name(), child)) })
}

// describe reads the open directory d, and closes it.
func describe(d *os.File, lstat func(name string) (fs.FileInfo, error)) ([]fs.FileInfo, error) {
	defer d.Close()
	all, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	infos := make([]fs.FileInfo, 0, len(all))
	for _, name := range all {
		info, err := lstat(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}
