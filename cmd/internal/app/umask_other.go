//go:build !unix

package app

// umask is zero where the system has none.
func umask() uint32 { return 0 }
