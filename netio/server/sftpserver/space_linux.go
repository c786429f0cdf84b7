package sftpserver

import (
	"os"

	"golang.org/x/sys/unix"
)

const knowsSpace = true

// spaceOf is how many bytes are free for everybody below root, of how many.
func spaceOf(root *os.Root) (free, total uint64, err error) {
	dir, err := root.Open(".")
	if err != nil {
		return 0, 0, err
	}
	defer dir.Close() // it was only asked
	var about unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &about); err != nil {
		return 0, 0, err
	}
	return about.Bavail * uint64(about.Bsize), about.Blocks * uint64(about.Bsize), nil
}
