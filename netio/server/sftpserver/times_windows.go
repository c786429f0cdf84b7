package sftpserver

import (
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// setTimes sets the times of an open file, in seconds since 1970.
func setTimes(file *os.File, access, modified uint32) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	a := windows.NsecToFiletime(int64(access) * int64(time.Second))
	m := windows.NsecToFiletime(int64(modified) * int64(time.Second))
	var failed error
	if err := raw.Control(func(handle uintptr) { failed = windows.SetFileTime(windows.Handle(handle), nil, &a, &m) }); err != nil {
		return err
	}
	return failed
}
