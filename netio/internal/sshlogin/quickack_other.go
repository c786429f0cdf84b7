//go:build !linux

package sshlogin

import "net"

// acknowledge does nothing: only Linux can be told.
func acknowledge(net.Conn) {}
