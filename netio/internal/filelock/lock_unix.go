//go:build unix

package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Try takes the file without waiting; false if another has it. The lock ends with
// the file. File systems that know no locks are used without.
func Try(file *os.File) (bool, error) {
	connection, err := file.SyscallConn()
	if err != nil {
		return false, err
	}
	var failed error
	if err := connection.Control(func(fd uintptr) {
		failed = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB)
	}); err != nil {
		return false, err
	}
	switch {
	case errors.Is(failed, unix.EWOULDBLOCK):
		return false, nil
	case errors.Is(failed, unix.ENOTSUP), errors.Is(failed, unix.ENOLCK), errors.Is(failed, unix.ENOSYS):
		return true, nil
	}
	return failed == nil, failed
}
