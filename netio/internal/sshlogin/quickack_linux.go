package sshlogin

import (
	"net"
	"syscall"
)

// acknowledge has what was received acknowledged at once. While a login goes on both
// sides send little and wait; a server that does not send a second small packet before
// the first is acknowledged (sshd until a session is open) loses 40 ms each time to a
// system that hopes to send its acknowledgement along with something. The system goes
// back to that by itself (tcp(7), TCP_QUICKACK).
func acknowledge(conn net.Conn) {
	tcp, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		// It is a hint: where it is not taken, only time is lost.
		_ = raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
		})
	}
}
