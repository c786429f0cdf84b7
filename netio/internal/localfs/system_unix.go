//go:build unix

package localfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// isOurs reports whether a file can be our own: it is a file, belongs to the user
// we run as and has no second name. One without any name is just being removed by
// another run.
func isOurs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode().IsRegular() && int(stat.Uid) == os.Geteuid() && stat.Nlink <= 1
}

// isPrivate reports whether nobody else can have written to a file of ours.
func isPrivate(info fs.FileInfo) bool { return info.Mode()&0o022 == 0 }

// syncDir makes a rename durable.
func syncDir(t tree, name string) error {
	dir, err := t.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		// A folder that may be written but not read; the rename itself is done.
		return nil
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}
