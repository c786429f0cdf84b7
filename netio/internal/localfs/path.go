package localfs

import (
	"path/filepath"
	"strings"
)

// Path names a file or directory, existing or not, in one of an FS's trees. The
// zero Path names nothing. Paths are values; compare them with Same.
type Path struct {
	mount *mount
	// Components below the mount, joined by "/" whatever the system; "" is the
	// root. name is as on disk, shown as the script wrote it: they differ at most
	// in case, and have equally many components. A component itself never holds a
	// slash, but may hold a backslash where the system has no such separator.
	name, shown string
}

// IsZero reports whether the path names nothing.
func (p Path) IsZero() bool { return p.mount == nil }

// Same reports whether two paths name the same place (links are not followed).
func (p Path) Same(other Path) bool { return p.mount == other.mount && p.name == other.name }

// String shows the path as a script would write it: C:\TEMP\x below a mapped
// drive, /srv/x in the system's tree. Bytes are not escaped here.
func (p Path) String() string {
	switch {
	case p.mount == nil:
		return ""
	case p.mount.drive == "":
		return "/" + p.shown
	}
	return p.mount.drive + `\` + strings.ReplaceAll(p.shown, "/", `\`)
}

// Name is the last component as it is on disk, "" for the root of a tree.
func (p Path) Name() string { return p.name[strings.LastIndexByte(p.name, '/')+1:] }

// Parent is the directory that holds the path; a root's parent is itself.
func (p Path) Parent() Path {
	return Path{p.mount, p.name[:max(0, strings.LastIndexByte(p.name, '/'))], p.shown[:max(0, strings.LastIndexByte(p.shown, '/'))]}
}

// inTree is the name that the tree takes.
func (p Path) inTree() string {
	if p.name == "" {
		return "."
	}
	return p.name
}

// child adds one component, the same on disk and on screen.
func (p Path) child(name string) Path { return p.childShown(name, name) }

func (p Path) childShown(name, shown string) Path {
	if p.name == "" {
		return Path{p.mount, name, shown}
	}
	return Path{p.mount, p.name + "/" + name, p.shown + "/" + shown}
}

func (p Path) join(parts []string) Path {
	for _, part := range parts {
		p = p.child(part)
	}
	return p
}

// SystemPath is where p really lies, for EXEC's working directory. It is not for
// messages.
func (f *FS) SystemPath(p Path) string {
	if p.mount == nil {
		return ""
	}
	return filepath.Join(p.mount.folder, filepath.FromSlash(p.name))
}
