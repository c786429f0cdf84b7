package localfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/sftpc/sftpc/netio/internal/filelock"
	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/internal/pretend"
	"github.com/sftpc/sftpc/netio/session"
)

// Part is an unfinished file, locked against other runs. Exactly one of Commit,
// Keep and Discard ends it; what is called after that does nothing, so Discard
// may be deferred. It is not safe for concurrent use.
type Part struct {
	fs     *FS
	target Path // what it will become
	path   Path // where it is
	note   Note
	file   *os.File
	offset int64
	noted  bool // there may be a note beside it
	ended  bool

	// Of a part that is being put on disk with others (batch.go). flushErr is set before
	// flushed is closed.
	batch    *Batch
	flushed  chan struct{}
	flushErr error
	dressed  fs.FileMode // what it was given; 0 is nothing yet
	dated    time.Time
}

// partTries bounds how often another run may get in between.
const partTries = 10

// CreatePart opens the unfinished file that will become target. What an earlier
// run kept is taken up if its note is the same and says size and time; otherwise
// it starts empty. The folder must exist. A part that another run is writing is
// LocalFailure of class transient.
//
// The part lies in target's folder, because a rename is whole or not at all only
// within one file system. Its name can be guessed, and the folder may be open to
// others: a link, a file of another user or one with a second name is never
// written to.
func (f *FS) CreatePart(target Path, note Note) (*Part, error) {
	if target.mount == nil || target.name == "" {
		return nil, f.failure("writing", target, errIsDir)
	}
	p := &Part{fs: f, target: target, path: target.Parent().child(names.Part(target.Name())), note: note}
	// What would keep the rename from working is better known before the transfer.
	if _, err := p.standing(); err != nil {
		return nil, err
	}
	for range partTries {
		switch again, err := p.open(); {
		case err != nil:
			return nil, f.failure("writing", target, err)
		case !again:
			return p, nil
		}
	}
	return nil, p.busy()
}

func (p *Part) busy() error {
	return &session.Error{Op: "writing " + p.target.String(), Cause: session.LocalFailure, Class: session.ClassTransient, Name: p.target.String(),
		Err: errors.New("another run is downloading it")}
}

// standing is what bears the target's name, nil if nothing does. A directory, or a link
// to one, which the rename would replace, is an error.
func (p *Part) standing() (fs.FileInfo, error) {
	tree, name := p.target.mount, p.target.inTree()
	old, err := tree.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, p.fail(err)
	case old.Mode().IsRegular():
		return old, nil
	}
	if led, err := tree.Stat(name); err == nil && led.IsDir() {
		return nil, &session.Error{Op: "writing " + p.target.String(), Cause: session.LocalExists, Class: session.ClassLocal, Name: p.target.String(), Err: errIsDir}
	}
	return old, nil
}

// open tries once to get hold of the part. again says that another run was in
// between.
func (p *Part) open() (again bool, err error) {
	tree, name := p.path.mount, p.path.inTree()
	file, err := tree.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	fresh := err == nil
	if errors.Is(err, fs.ErrExist) {
		old, err := tree.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if !isOurs(old) {
			if err := tree.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false, err
			}
			return true, nil
		}
		if file, err = tree.OpenFile(name, os.O_RDWR, 0); errors.Is(err, fs.ErrNotExist) {
			return true, nil
		} else if err != nil {
			return false, err
		}
	} else if err != nil {
		return false, err
	}
	p.file = file
	locked, err := filelock.Try(file)
	switch {
	case err != nil:
	case !locked && fresh:
		again = true // another run was faster; it is found next time
	case !locked:
		err = p.busy()
	case !p.isInPlace():
		// What we hold the lock of has been renamed or removed meanwhile, or the
		// name is a link by now.
		again = true
	case fresh:
		p.noted = true // of one whose run was killed
		err = p.removeNote()
	default:
		again, err = p.takeUp()
	}
	if again || err != nil {
		if err != nil && fresh && p.isInPlace() {
			err = errors.Join(err, p.removeNote(), tree.Remove(name))
		}
		file.Close()
	}
	return again, err
}

// isInPlace reports whether the open file is still the one that bears the part's
// name, and no link leads to it.
func (p *Part) isInPlace() bool {
	open, err := p.file.Stat()
	if err != nil {
		return false
	}
	named, err := p.path.mount.Lstat(p.path.inTree())
	return err == nil && os.SameFile(open, named)
}

// takeUp goes on with what an earlier run kept, if it is a piece of the same.
// again says that the file was no good and has been removed.
func (p *Part) takeUp() (again bool, err error) {
	p.noted = true
	info, err := p.file.Stat()
	if err != nil {
		return false, err
	}
	if !isPrivate(info) {
		// Looked at only now that it is locked: a run that is finishing gives its
		// part the permissions of the target.
		return true, p.path.mount.Remove(p.path.inTree())
	}
	kept := p.readNote()
	if kept <= 0 || kept > info.Size() {
		return false, p.startAnew()
	}
	// Only what was known to be on disk counts: after a crash of the machine the
	// rest may be zeros.
	if err := p.file.Truncate(kept); err != nil {
		return false, err
	}
	if _, err := p.file.Seek(kept, io.SeekStart); err != nil {
		return false, err
	}
	p.offset = kept
	return false, nil
}

// startAnew empties the part. The note of an earlier one goes; this one's is written
// when there is something to keep.
func (p *Part) startAnew() error {
	if err := p.removeNote(); err != nil {
		return err
	}
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	p.offset = 0
	return nil
}

// File is the open file, at its end. The Part keeps ownership.
func (p *Part) File() *os.File { return p.file }

// Target is the path that Commit gives the file.
func (p *Part) Target() Path { return p.target }

// Offset is how many bytes an earlier run left, 0 for a new part.
func (p *Part) Offset() int64 { return p.offset }

// Restart empties the part, for a server that cannot resume.
func (p *Part) Restart() error {
	if p.ended {
		return nil
	}
	return p.fail(p.startAnew())
}

// GoOn makes the part end at offset, where the next byte is written then. What lies
// behind is of a write that failed in the middle, which nobody counted.
func (p *Part) GoOn(offset int64) error {
	if p.ended {
		return nil
	}
	info, err := p.file.Stat()
	switch {
	case err != nil:
		return p.fail(err)
	case info.Size() < offset:
		return p.fail(fmt.Errorf("the unfinished file has %d bytes, of %d that were written", info.Size(), offset))
	case info.Size() > offset:
		if err := p.file.Truncate(offset); err != nil {
			return p.fail(err)
		}
	}
	_, err = p.file.Seek(offset, io.SeekStart)
	return p.fail(err)
}

// Checkpoint makes what was written so far durable, so that it can be taken up
// even if this run ends without Keep. It waits for the disk: once in many
// megabytes is enough.
func (p *Part) Checkpoint() error {
	if p.ended {
		return nil
	}
	_, err := p.checkpoint()
	return p.fail(err)
}

func (p *Part) checkpoint() (size int64, err error) {
	if err := p.file.Sync(); err != nil {
		return 0, err
	}
	info, err := p.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), p.writeNote(info.Size())
}

// Commit makes the part the target: bytes on disk, permissions of the file that
// it replaces or 0666 less the Umask, modTime unless zero, renamed. If it fails
// before the rename the part can still be kept or discarded. The name of one that
// was finished by a Batch is on disk when that is closed.
func (p *Part) Commit(modTime time.Time) error {
	return p.commit(modTime, p.fs.usualMode)
}

// CommitInPlaceOf is Commit, but the file gets the permissions of old, which bore the
// name until it was moved away.
func (p *Part) CommitInPlaceOf(old Entry, modTime time.Time) error {
	return p.commit(modTime, func(fs.FileInfo) fs.FileMode { return old.Mode })
}

// usualMode is the permissions of a finished file, given the file that it replaces, nil
// if it replaces none.
func (f *FS) usualMode(old fs.FileInfo) fs.FileMode {
	if old != nil && old.Mode().IsRegular() {
		return old.Mode().Perm()
	}
	return f.fileMode()
}

// dress gives the part the permissions and the time of the finished file. mode are the
// former.
func (p *Part) dress(modTime time.Time, mode fs.FileMode) error {
	if !p.isInPlace() {
		return p.fail(errors.New("another program took the unfinished file away"))
	}
	// Windows knows only "read-only", which would forbid the next download.
	if runtime.GOOS != "windows" && (p.dressed != mode || mode == 0) {
		err := p.file.Chmod(mode)
		// The file is ours, so a refusal means a file system without permissions.
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
			return p.fail(err)
		}
		p.dressed = mode
	}
	if !modTime.IsZero() && !modTime.Equal(p.dated) {
		// A time that the file system cannot hold is no reason to throw a whole
		// file away.
		_ = p.path.mount.Chtimes(p.path.inTree(), time.Time{}, modTime)
		p.dated = modTime
	}
	return nil
}

// commit asks modeOf for the permissions of the finished file, given the file that it
// replaces.
func (p *Part) commit(modTime time.Time, modeOf func(old fs.FileInfo) fs.FileMode) error {
	if p.ended {
		return nil
	}
	p.settle()
	tree := p.path.mount
	old, err := p.standing()
	if err == nil {
		err = p.dress(modTime, modeOf(old))
	}
	if err != nil {
		return err
	}
	if p.flushed == nil {
		p.flushErr = p.file.Sync()
	}
	if p.flushErr != nil {
		return p.fail(p.flushErr)
	}
	// The note goes first: after the rename another run may have its own.
	if err := p.removeNote(); err != nil {
		return p.fail(err)
	}
	size := p.length()
	if runtime.GOOS == "windows" {
		// An open file cannot be renamed there.
		if err := p.file.Close(); err != nil {
			return p.fail(err)
		}
	}
	if err := tree.Rename(p.path.inTree(), p.target.inTree()); err != nil {
		return p.fail(errors.Join(err, p.reopen()))
	}
	replaces := old != nil && old.Mode().IsRegular()
	p.fs.effect(pretend.Effect{Kind: pretend.Write, Name: p.target.String(), Size: size, Replaces: replaces})
	p.ended = true
	p.file.Close()
	if p.batch != nil {
		p.batch.renamed(p)
		return nil
	}
	return p.fail(syncDir(tree, p.target.Parent().inTree()))
}

// settle waits until nothing else uses the open file.
func (p *Part) settle() {
	if p.flushed != nil {
		<-p.flushed
	}
}

// length is how many bytes the part has, -1 where that is not told.
func (p *Part) length() int64 {
	info, err := p.file.Stat()
	if err != nil {
		return -1
	}
	return info.Size()
}

// reopen undoes the closing before a rename that failed, so that the part can
// still be kept or discarded.
func (p *Part) reopen() error {
	if runtime.GOOS != "windows" {
		return nil
	}
	file, err := p.path.mount.OpenFile(p.path.inTree(), os.O_RDWR, 0)
	if err != nil {
		p.ended = true
		return err
	}
	p.file = file
	if locked, err := filelock.Try(file); err != nil || !locked {
		p.ended = true
		return errors.Join(err, file.Close())
	}
	return nil
}

// Keep closes the part and leaves it for a later run; an empty one is discarded.
func (p *Part) Keep() error {
	if p.ended {
		return nil
	}
	p.settle()
	if info, err := p.file.Stat(); err != nil || info.Size() == 0 {
		return p.Discard()
	}
	_, err := p.checkpoint()
	p.ended = true
	return p.fail(errors.Join(err, p.file.Close()))
}

// Discard closes the part and removes it.
func (p *Part) Discard() error {
	if p.ended {
		return nil
	}
	p.settle()
	p.ended = true
	if !p.isInPlace() { // another program's by now
		p.file.Close()
		return nil
	}
	err := p.removeNote()
	if runtime.GOOS == "windows" {
		// An open file cannot be removed there.
		p.file.Close()
	}
	err = errors.Join(err, p.path.mount.Remove(p.path.inTree()))
	p.file.Close()
	return p.fail(err)
}

func (p *Part) fail(err error) error { return p.fs.failure("writing", p.target, err) }
