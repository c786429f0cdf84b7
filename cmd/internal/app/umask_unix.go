//go:build unix

package app

import "golang.org/x/sys/unix"

// umask reads the process's file mode creation mask. There is no call that only
// reads it, so it is set and set back; System runs before any other goroutine.
func umask() uint32 {
	mask := unix.Umask(0o077)
	unix.Umask(mask)
	return uint32(mask)
}
