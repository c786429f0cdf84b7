package localfs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/sftpc/sftpc/netio/internal/pretend"
)

// Rename renames or moves; a file also to another drive. Without replace an
// existing target is LocalExists, a directory as the target always.
func (f *FS) Rename(ctx context.Context, from, to Path, replace bool) error {
	const doing = "renaming"
	if from.mount == nil || to.mount == nil {
		return noDirectory("")
	}
	source, err := from.mount.Lstat(from.inTree())
	if err != nil {
		return f.failure(doing, from, err)
	}
	// A name that differs only in case is the same file on some systems.
	if old, err := to.mount.Lstat(to.inTree()); err == nil && !os.SameFile(source, old) && (!replace || old.IsDir()) {
		return f.failure(doing+" "+from.String()+" to", to, errExists)
	}
	if from.mount == to.mount {
		there := f.there(to)
		if err = from.mount.Rename(from.inTree(), to.inTree()); !isOtherDevice(err) {
			if err == nil {
				f.effect(pretend.Effect{Kind: pretend.Rename, Name: from.String(), To: to.String(), Replaces: there})
			}
			return f.failure(doing, from, err)
		}
	}
	if !source.Mode().IsRegular() {
		return f.failure(doing, from, errors.New("only files can be moved to another drive"))
	}
	if err := f.Copy(ctx, from, to); err != nil {
		return err
	}
	return f.Remove(from)
}

// copyPiece is how many bytes are copied between two looks at the context.
const copyPiece = 16 << 20

// Copy copies a file with its time and permissions; the target appears when whole.
func (f *FS) Copy(ctx context.Context, from, to Path) error {
	const doing = "copying"
	source, err := f.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return f.failure(doing, from, err)
	}
	if to.mount == nil {
		return noDirectory("")
	}
	if old, err := to.mount.Stat(to.inTree()); err == nil && os.SameFile(info, old) {
		return badPath(to.String(), errors.New("a file cannot be copied onto itself"))
	}
	part, err := f.CreatePart(to, Note{Size: -1})
	if err != nil {
		return err
	}
	defer part.Discard()
	for err == nil {
		if err = ctx.Err(); err == nil {
			// Both ends are files: the system can copy without us.
			_, err = io.CopyN(part.File(), source, copyPiece)
		}
	}
	if err != io.EOF {
		return f.failure(doing+" "+from.String()+" to", to, err)
	}
	return part.commit(info.ModTime(), func(fs.FileInfo) fs.FileMode { return info.Mode().Perm() })
}
