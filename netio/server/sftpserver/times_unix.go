//go:build unix

package sftpserver

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// setTimes sets the times of an open file, in seconds since 1970.
func setTimes(file *os.File, access, modified uint32) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	times := []unix.Timeval{unix.NsecToTimeval(int64(access) * int64(time.Second)), unix.NsecToTimeval(int64(modified) * int64(time.Second))}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Futimes(int(fd), times) }); err != nil {
		return err
	}
	return failed
}
