package sshlogin

import (
	"net"
	"os"
	"strconv"
	"strings"
)

// widen lets the system keep more that is sent and not acknowledged than it would of
// itself, where its administrator allows that: what an upload over one connection
// carries in a round trip is bounded by it. Setting the size ends the system's own
// choosing, which goes up to tcp_wmem, so it is set only where it comes out larger: the
// system gives twice what is asked for, and wmem_max bounds the asking (socket(7)).
func widen(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	most, chosen := bound("/proc/sys/net/core/wmem_max"), bound("/proc/sys/net/ipv4/tcp_wmem")
	if ask := min(most, mostSendBuffer/2); chosen > 0 && 2*ask > chosen {
		_ = tcp.SetWriteBuffer(ask) // it is as it was otherwise
	}
}

// mostSendBuffer is enough for 80 MB/s at 100 ms, with what TCP keeps beside the bytes.
const mostSendBuffer = 16 << 20

// bound is the last number of a file of sysctl; zero if there is none.
func bound(file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	words := strings.Fields(string(text))
	if len(words) == 0 {
		return 0
	}
	n, err := strconv.Atoi(words[len(words)-1])
	if err != nil {
		return 0
	}
	return n
}
