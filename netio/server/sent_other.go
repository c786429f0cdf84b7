//go:build !linux

package server

import (
	"net"
	"time"
)

// waitSent gives the peer a moment to take what was written; this system does
// not tell when it has.
func waitSent(_ *net.TCPConn, longest time.Duration) {
	time.Sleep(min(longest, 100*time.Millisecond))
}
