package localfs

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// deviceOf names the file system of an open file.
func deviceOf(file *os.File) (device uint64, ok bool) {
	info, err := file.Stat()
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(stat.Dev), true
}

// syncFileSystem writes all that the system has for the file system of an open file, and
// reports whether all of it is on disk for certain. Kernels before 5.8 do not tell.
func syncFileSystem(file *os.File) bool {
	if !tellsOfAll() {
		return false
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Syncfs(int(fd)) }); err != nil {
		return false
	}
	return failed == nil
}

func tellsOfAll() bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	return atLeast(unix.ByteSliceToString(name.Release[:]), 5, 8)
}

// atLeast compares the release of a kernel, as in 5.10.0-28-amd64.
func atLeast(release string, major, minor int) bool {
	first, rest, _ := strings.Cut(release, ".")
	second := rest
	if end := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' }); end >= 0 {
		second = rest[:end]
	}
	a, err := strconv.Atoi(first)
	b, err2 := strconv.Atoi(second)
	return err == nil && err2 == nil && (a > major || a == major && b >= minor)
}
