package localfs

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// lock takes the file for this run without waiting; false if another has it. The
// lock ends with the file. One byte far behind any content is locked, since locks
// of Windows keep others from reading.
func lock(file *os.File) (bool, error) {
	connection, err := file.SyscallConn()
	if err != nil {
		return false, err
	}
	var failed error
	if err := connection.Control(func(handle uintptr) {
		failed = windows.LockFileEx(windows.Handle(handle), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
			0, 1, 0, &windows.Overlapped{OffsetHigh: 0x7fff_ffff})
	}); err != nil {
		return false, err
	}
	if errors.Is(failed, windows.ERROR_LOCK_VIOLATION) || errors.Is(failed, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return failed == nil, failed
}

// isOurs reports whether a file can be our own: a file, not a link.
func isOurs(info fs.FileInfo) bool { return info.Mode().IsRegular() }

// isPrivate reports whether nobody else can have written to a file of ours. Who
// may write into the folder is for its access list to say.
func isPrivate(fs.FileInfo) bool { return true }

// syncDir has nothing to do: Windows has no such call, and its file systems keep
// a journal of renames.
func syncDir(tree, string) error { return nil }
