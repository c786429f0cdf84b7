package server

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// waitSent waits until the peer's system has acknowledged all that was written,
// at most so long.
func waitSent(conn *net.TCPConn, longest time.Duration) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	for end := time.Now().Add(longest); time.Now().Before(end); time.Sleep(time.Millisecond) {
		pending := 0
		err := raw.Control(func(fd uintptr) {
			pending, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
		})
		if err != nil || pending == 0 {
			return
		}
	}
}
