//go:build unix

package localfs

import (
	"errors"
	"syscall"
)

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func isNotEmpty(err error) bool { return errors.Is(err, syscall.ENOTEMPTY) }

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }

func isBusy(err error) bool { return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.ETXTBSY) }

func isOtherDevice(err error) bool { return errors.Is(err, syscall.EXDEV) }
