package builtins

import (
	"fmt"
	"syscall"
	"testing"
)

// smallDisk puts a file system of about so many bytes where dir is; false where we
// may not.
func smallDisk(t *testing.T, dir string, bytes int) bool {
	t.Helper()
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		return false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return true
}
