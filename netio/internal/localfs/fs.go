package localfs

import (
	"context"
	"io/fs"
	"os"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// Options say which local files there are. The zero value has none.
type Options struct {
	// System is the system whose rules for names hold, as runtime.GOOS spells
	// it; "" is the running one.
	System string
	// Root is the folder in which paths without a drive lie; "" is none.
	Root string
	// SystemPaths lets paths without a drive mean this system's own; on Windows
	// also paths with a drive or share that Drives does not map. Root must be "".
	SystemPaths bool
	// WorkDir is where Start is: absolute with SystemPaths, else below Root. With
	// SystemPaths and "" there is no start, and relative paths are refused.
	WorkDir string
	// Drives maps "C" or `\\server\share`, in any case, to folders.
	Drives map[string]string
	// Umask is taken off the permissions 0666 and 0777 of what is made.
	Umask uint32
}

// Unmapped reports whether written names a drive or share that a run with these
// options does not have, and which, as Drives would name it. It looks at no file.
func (o Options) Unmapped(written string) (drive string, unmapped bool) { return "", false }

// DriveOption is the option of the command line that would map drive, as
// returned by Unmapped: --drive C=DIR.
func DriveOption(drive string) string { return "" }

// FS is the local files of one run. It is safe for concurrent use; the current
// directory is not in it but the caller's, a Path.
type FS struct{}

// New opens the folders of the options. A folder that does not exist is an error
// that names it.
func New(o Options) (*FS, error) { return nil, nil }

// Close releases the folders. Paths of the FS are useless afterwards.
func (f *FS) Close() error { return nil }

// Start is the directory a run begins in; the zero Path if there is none.
func (f *FS) Start() Path { return Path{} }

// System is the system whose rules for names hold, as runtime.GOOS.
func (f *FS) System() string { return "" }

// FoldsCase reports whether wildcards and exclusions match local names in any
// case: they do on Windows.
func (f *FS) FoldsCase() bool { return false }

// Unmapped is Options.Unmapped.
func (f *FS) Unmapped(written string) (drive string, unmapped bool) { return "", false }

// IsRelative reports whether what written means depends on the current
// directory: a, a\b, C:a, and \a where it is taken on the current drive.
func (f *FS) IsRelative(written string) bool { return false }

// Path names a file or directory, existing or not, in one of an FS's trees. The
// zero Path names nothing. Paths are values and may be compared with Same.
type Path struct{}

// IsZero reports whether the path names nothing.
func (p Path) IsZero() bool { return true }

// Same reports whether two paths name the same place (links are not followed).
func (p Path) Same(other Path) bool { return false }

// String shows the path as a script would write it: C:\TEMP\x below a mapped
// drive, /srv/x in the system's tree. Bytes are not escaped here.
func (p Path) String() string { return "" }

// Name is the last component as it is on disk, "" for the root of a tree.
func (p Path) Name() string { return "" }

// Parent is the directory that holds the path; a root's parent is itself.
func (p Path) Parent() Path { return Path{} }

// Resolve turns a path that a script wrote into a Path, relative ones in dir. `\`
// and `/` both separate; `..` stops at the tree's root; below a mapped drive a
// part that does not exist as written is looked for without regard to case. What
// does not exist is taken as written.
//
// Errors: BadArgument for an empty text, a NUL, two matches; Denied for a drive
// that is not mapped and for a link that leads out.
func (f *FS) Resolve(dir Path, written string) (Path, error) { return Path{}, nil }

// ResolveParent resolves all but the last part of what a script wrote, and
// returns the last part as written: for wildcards, and for new names that must
// not be matched with what is there (renaming a to A).
func (f *FS) ResolveParent(dir Path, written string) (parent Path, last string, err error) {
	return Path{}, "", nil
}

// ChangeDir resolves written and insists that it is a directory.
func (f *FS) ChangeDir(dir Path, written string) (Path, error) { return Path{}, nil }

// Child is the path of name in dir, for names from a server or from List: one
// component, as it is. Names that are not safe on this system give UnsafeName.
func (f *FS) Child(dir Path, name string) (Path, error) { return Path{}, nil }

// SystemPath is where p really lies, for EXEC's working directory. It is not for
// messages.
func (f *FS) SystemPath(p Path) string { return "" }

// Entry is what is known of a file or directory.
type Entry struct {
	Name    string
	Kind    session.EntryKind
	Size    int64       // bytes; 0 but for files
	ModTime time.Time   // UTC
	Mode    fs.FileMode // permission bits
}

// Stat follows links, Lstat does not.
func (f *FS) Stat(p Path) (Entry, error)  { return Entry{}, nil }
func (f *FS) Lstat(p Path) (Entry, error) { return Entry{}, nil }

// Exists reports whether p names a file or directory (links are followed). An
// error means that it could not be found out.
func (f *FS) Exists(p Path) (bool, error) { return false, nil }

// List returns what dir holds, sorted by the bytes of the names, links as links.
// Unfinished downloads of ours are left out. A directory that could not be read
// whole is an error.
func (f *FS) List(dir Path) ([]Entry, error) { return nil, nil }

// Open opens a regular file for reading.
func (f *FS) Open(p Path) (*os.File, error) { return nil, nil }

// OpenFile opens a regular file with the flags of package os, as for a log. perm
// is used as it is, the Umask is not taken off.
func (f *FS) OpenFile(p Path, flag int, perm fs.FileMode) (*os.File, error) { return nil, nil }

// Mkdir makes a directory; LocalExists if the name exists.
func (f *FS) Mkdir(p Path) error { return nil }

// MkdirAll makes a directory and those above it that are missing.
func (f *FS) MkdirAll(p Path) error { return nil }

// Rmdir removes an empty directory.
func (f *FS) Rmdir(p Path) error { return nil }

// Remove removes a file or a link, never a directory.
func (f *FS) Remove(p Path) error { return nil }

// Rename renames or moves; a file also to another drive. Without replace an
// existing target is LocalExists.
func (f *FS) Rename(ctx context.Context, from, to Path, replace bool) error { return nil }

// Copy copies a file with its time and permissions; the target appears when whole.
func (f *FS) Copy(ctx context.Context, from, to Path) error { return nil }

// SetModTime sets the modification time.
func (f *FS) SetModTime(p Path, t time.Time) error { return nil }

// Failure makes a *session.Error of an error that reading from or writing to an
// opened file of p gave. doing completes the message: "writing". A nil err stays nil.
func (f *FS) Failure(doing string, p Path, err error) error { return nil }

// Note says what an unfinished download is part of.
type Note struct {
	Source string    // server, user and remote path, or whatever tells sources apart
	Size   int64     // of the whole, -1 if unknown
	Time   time.Time // of the source, zero if unknown
}

// CreatePart opens the unfinished file that will become target. What an earlier
// run kept is taken up if its note is the same and says size and time; otherwise
// it starts empty. The folder must exist. A part that another run is writing is
// LocalFailure of class transient.
func (f *FS) CreatePart(target Path, note Note) (*Part, error) { return nil, nil }

// Part is an unfinished file, locked against other runs. Exactly one of Commit,
// Keep and Discard ends it; what is called after that does nothing.
type Part struct{}

// File is the open file, at its end. The Part keeps ownership.
func (p *Part) File() *os.File { return nil }

// Offset is how many bytes an earlier run left, 0 for a new part.
func (p *Part) Offset() int64 { return 0 }

// Restart empties the part, for a server that cannot resume.
func (p *Part) Restart() error { return nil }

// Checkpoint makes what was written so far durable, so that it can be taken up
// even if this run ends without Keep.
func (p *Part) Checkpoint() error { return nil }

// Commit makes the part the target: bytes on disk, permissions of the file that
// it replaces or 0666 less the Umask, modTime unless zero, renamed. If it fails
// the part is still open.
func (p *Part) Commit(modTime time.Time) error { return nil }

// Keep closes the part and leaves it for a later run.
func (p *Part) Keep() error { return nil }

// Discard closes the part and removes it.
func (p *Part) Discard() error { return nil }
