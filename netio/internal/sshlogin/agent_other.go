//go:build !windows

package sshlogin

import (
	"context"
	"net"
)

// DialAgent connects to the SSH agent behind a socket.
func DialAgent(ctx context.Context, name string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", name)
}
