package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// Try takes the file without waiting; false if another has it. The lock ends with
// the file. One byte far behind any content is locked, since locks of Windows keep
// others from reading.
func Try(file *os.File) (bool, error) {
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
