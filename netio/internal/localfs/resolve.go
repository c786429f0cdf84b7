package localfs

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

// Resolve turns a path that a script wrote into a Path, relative ones in dir. `\`
// and `/` both separate; `..` stops at the tree's root; below a mapped drive a
// part that does not exist as written is looked for without regard to case. What
// does not exist is taken as written.
//
// C:a is taken in dir if that is on C:, else in C:'s root. \a is taken in the
// root of the mapped drive that dir is on: only scripts for Windows write it,
// and that is what it means there.
//
// Errors: BadArgument for an empty text, a NUL, two matches; Denied for a drive
// that is not mapped and for a link that leads out.
func (f *FS) Resolve(dir Path, written string) (Path, error) {
	w, err := parseWritten(written, f.system)
	if err != nil {
		return Path{}, badPath(written, err)
	}
	return f.resolve(dir, w, written)
}

// ResolveParent resolves all but the last part of what a script wrote, and
// returns the last part as written: for wildcards, and for new names that must
// not be matched with what is there (renaming a to A).
func (f *FS) ResolveParent(dir Path, written string) (parent Path, last string, err error) {
	w, err := parseWritten(written, f.system)
	if err != nil {
		return Path{}, "", badPath(written, err)
	}
	if len(w.parts) == 0 || w.parts[len(w.parts)-1] == ".." {
		return Path{}, "", badPath(written, errors.New("the path names a directory, not something in it"))
	}
	last = w.parts[len(w.parts)-1]
	w.parts = w.parts[:len(w.parts)-1]
	parent, err = f.resolve(dir, w, written)
	return parent, last, err
}

// ChangeDir resolves written and insists that it is a directory.
func (f *FS) ChangeDir(dir Path, written string) (Path, error) {
	p, err := f.Resolve(dir, written)
	if err != nil {
		return Path{}, err
	}
	if err := f.insistOnDir("entering", p); err != nil {
		return Path{}, err
	}
	return p, nil
}

// Child is the path of name in dir, for names from a server or from List: one
// component, as it is. Names that are not safe on this system give UnsafeName.
func (f *FS) Child(dir Path, name string) (Path, error) {
	if err := names.SafeName(name, f.system); err != nil {
		return Path{}, &session.Error{Op: "using the name " + name, Cause: session.UnsafeName, Class: session.ClassProtocol, Name: name, Err: err}
	}
	if dir.mount == nil {
		return Path{}, noDirectory(name)
	}
	return dir.child(name), nil
}

// IsRelative reports whether what written means depends on the current
// directory: a, a\b, C:a, and \a where it is taken on the current drive.
func (f *FS) IsRelative(written string) bool {
	w, err := parseWritten(written, f.system)
	switch {
	case err != nil:
		return false
	case !w.rooted:
		return true
	case w.drive != "":
		return false
	}
	onDrive := len(f.drives) > 0 || f.options.SystemPaths
	return f.base == nil || onDrive && (f.system == "windows" || w.backslash && len(f.drives) > 0)
}

func (f *FS) resolve(dir Path, w written, text string) (Path, error) {
	start, err := f.anchor(dir, w, text)
	if err != nil {
		return Path{}, err
	}
	p := start
	for i, part := range w.parts {
		if part == ".." {
			p = p.Parent()
			continue
		}
		// A part that the next one takes back is not looked for.
		if i+1 < len(w.parts) && w.parts[i+1] == ".." || !p.mount.mapped {
			p = p.child(part)
			continue
		}
		if p, err = f.findPart(p, part); err != nil {
			return Path{}, err
		}
	}
	return p, nil
}

// anchor is the directory in which the parts of w are taken.
func (f *FS) anchor(dir Path, w written, text string) (Path, error) {
	switch {
	case w.drive != "":
		m := f.mountOf(w.drive)
		if m == nil {
			return Path{}, unmapped(w.drive, text)
		}
		if !w.rooted && dir.mount == m {
			return dir, nil
		}
		return m.root(), nil
	case !w.rooted && dir.mount != nil:
		return dir, nil
	case !w.rooted:
		return Path{}, noDirectory(text)
	}
	onDrive := dir.mount != nil && dir.mount.drive != ""
	if onDrive && (f.base == nil || f.system == "windows" || w.backslash) {
		return dir.mount.root(), nil
	}
	if f.base == nil {
		return Path{}, noDirectory(text)
	}
	return f.base.root(), nil
}

// findPart adds a part to a directory below a mapped drive: as it is written if
// that exists or nothing like it does, else the one name that differs in case.
func (f *FS) findPart(dir Path, part string) (Path, error) {
	p := dir.child(part)
	_, err := p.mount.Lstat(p.inTree())
	if err == nil {
		return p, nil
	}
	if isEscape(err) {
		return Path{}, f.failure("finding", p, err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return p, nil // what the path is used for will say what is wrong
	}
	switch found := namesLike(dir, part); len(found) {
	case 0:
		return p, nil
	case 1:
		return dir.childShown(found[0], part), nil
	default:
		return Path{}, badPath(p.String(), errors.New("no such name, but several that differ in case: "+strings.Join(found, ", ")))
	}
}

// namesLike lists the names in dir that differ from name in case only, sorted. A
// directory that cannot be read has none.
func namesLike(dir Path, name string) []string {
	all, err := namesIn(dir)
	if err != nil {
		return nil
	}
	all = slices.DeleteFunc(all, func(other string) bool { return other == name || !names.EqualFold(other, name) })
	slices.Sort(all)
	return all
}

// namesIn lists all names in dir, without looking at each unless the directory is not
// really as it is taken to be.
func namesIn(dir Path) ([]string, error) {
	if _, ok := dir.mount.tree.(*pretendTree); ok {
		infos, err := dir.mount.ReadDir(dir.inTree())
		var all []string
		for _, info := range infos {
			all = append(all, info.Name())
		}
		return all, err
	}
	d, err := dir.mount.OpenFile(dir.inTree(), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// insistOnDir fails unless p is a directory.
func (f *FS) insistOnDir(doing string, p Path) error {
	info, err := p.mount.Stat(p.inTree())
	if err == nil && !info.IsDir() {
		err = errNotDir
	}
	return f.failure(doing, p, err)
}
