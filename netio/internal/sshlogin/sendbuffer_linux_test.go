package sshlogin

import (
	"net"
	"syscall"
	"testing"
)

// Widening never makes the send buffer smaller than the system may choose to make it.
func TestWiden(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	size := func() (n int) {
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { n, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF) })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := size()
	widen(conn)
	if after := size(); after != before && after <= bound("/proc/sys/net/ipv4/tcp_wmem") {
		t.Errorf("%d bytes, where the system goes up to %d by itself", after, bound("/proc/sys/net/ipv4/tcp_wmem"))
	}
	widen(posedConn{}) // what is no TCP is left as it is
	if n := bound("/nowhere"); n != 0 {
		t.Errorf("a bound of %d from no file", n)
	}
}

type posedConn struct{ net.Conn }
