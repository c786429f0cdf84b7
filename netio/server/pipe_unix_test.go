//go:build unix

package server_test

import "syscall"

func makePipe(name string) error { return syscall.Mkfifo(name, 0o666) }
