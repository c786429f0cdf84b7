//go:build !linux

package sftpserver

import "os"

const knowsSpace = false

func spaceOf(*os.Root) (free, total uint64, err error) { return 0, 0, errUnsupported }
