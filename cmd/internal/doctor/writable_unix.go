//go:build unix

package doctor

import "golang.org/x/sys/unix"

// writable asks the system whether this account may make files in folder; nothing is
// written to find out.
func writable(folder string) error { return unix.Access(folder, unix.W_OK|unix.X_OK) }
