package sftpserver

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pkg/sftp"
)

// handlers do what requests ask for, below a root.
type handlers struct {
	root     *os.Root
	readOnly bool
}

// said is a refusal in our own words: an error of the system may name directories
// outside of the root.
type said struct {
	error
	text string
}

func (s said) Error() string { return s.text }

func (s said) Unwrap() error { return s.error }

func refusal(err error) error {
	switch {
	case err == nil, err == io.EOF:
		return err
	case errors.Is(err, fs.ErrNotExist):
		return sftp.ErrSSHFxNoSuchFile
	case errors.Is(err, syscall.ENOTEMPTY): // before "exists", which it is to package fs, too
		return said{sftp.ErrSSHFxFailure, "Directory not empty"}
	case errors.Is(err, fs.ErrExist):
		return said{sftp.ErrSSHFxFailure, "File exists"}
	case errors.Is(err, fs.ErrPermission):
		return sftp.ErrSSHFxPermissionDenied
	case errors.Is(err, syscall.ENOSPC):
		return said{sftp.ErrSSHFxFailure, "No space left on device"}
	case errors.Is(err, errUnsupported):
		return sftp.ErrSSHFxOpUnsupported
	}
	// os.Root's refusal to follow a link outside comes here too, and that to follow
	// a loop of links.
	return said{sftp.ErrSSHFxFailure, "Failure"}
}

var errUnsupported = errors.New("not supported")

// local is the name of an absolute path below the root.
func local(path string) (string, error) {
	name := strings.TrimPrefix(path, "/")
	switch {
	case name == "":
		return ".", nil
	case filepath.Separator != '/' && strings.ContainsRune(name, filepath.Separator):
		return "", fs.ErrInvalid
	}
	return filepath.FromSlash(name), nil
}

func (h *handlers) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	file, err := h.open(r.Filepath, os.O_RDONLY)
	if err != nil {
		return nil, refusal(err)
	}
	return file, nil
}

func (h *handlers) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if h.readOnly {
		return nil, sftp.ErrSSHFxPermissionDenied
	}
	asked, flags := r.Pflags(), os.O_WRONLY
	for flag, wanted := range map[int]bool{os.O_CREATE: asked.Creat, os.O_TRUNC: asked.Trunc, os.O_EXCL: asked.Excl} {
		if wanted {
			flags |= flag
		}
	}
	file, err := h.open(r.Filepath, flags)
	if err != nil {
		return nil, refusal(err)
	}
	return file, nil
}

// open opens regular files only: another kind could block or has no end.
func (h *handlers) open(path string, flags int) (*os.File, error) {
	name, err := local(path)
	if err != nil {
		return nil, err
	}
	file, err := h.root.OpenFile(name, flags|syscall.O_NONBLOCK, 0o666)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, errors.Join(err, errors.New("no plain file"))
	}
	return file, nil
}

// Filecmd is what changes names and attributes.
func (h *handlers) Filecmd(r *sftp.Request) error {
	if h.readOnly {
		return sftp.ErrSSHFxPermissionDenied
	}
	name, err := local(r.Filepath)
	if err != nil {
		return refusal(err)
	}
	return refusal(h.change(r, name))
}

func (h *handlers) change(r *sftp.Request, name string) error {
	switch r.Method {
	case "Setstat":
		return h.setAttributes(r, name)
	case "Mkdir":
		return h.root.Mkdir(name, 0o777)
	case "Rename":
		return h.rename(name, r.Target, false)
	case "Rmdir", "Remove":
		info, err := h.root.Lstat(name)
		switch {
		case err != nil:
			return err
		case name == ".":
			return fs.ErrPermission
		case info.IsDir() != (r.Method == "Rmdir"):
			return errors.New("of the other kind")
		}
		err = h.root.Remove(name)
		if r.Method == "Rmdir" && errors.Is(err, fs.ErrExist) {
			return syscall.ENOTEMPTY
		}
		return err
	case "Symlink":
		// The library has the target in Filepath, where it is no path of ours.
		to, err := local(r.Target)
		if err != nil {
			return err
		}
		return h.root.Symlink(strings.TrimPrefix(r.Filepath, "/"), to)
	}
	return errUnsupported
}

// PosixRename replaces what is there.
func (h *handlers) PosixRename(r *sftp.Request) error {
	if h.readOnly {
		return sftp.ErrSSHFxPermissionDenied
	}
	name, err := local(r.Filepath)
	if err == nil {
		err = h.rename(name, r.Target, true)
	}
	return refusal(err)
}

func (h *handlers) rename(from, target string, replace bool) error {
	to, err := local(target)
	if err != nil {
		return err
	}
	if from == "." || to == "." {
		return fs.ErrPermission
	}
	if _, err := h.root.Lstat(to); err == nil && !replace {
		return fs.ErrExist
	}
	return h.root.Rename(from, to)
}

func (h *handlers) setAttributes(r *sftp.Request, name string) error {
	which, values := r.AttrFlags(), r.Attributes()
	if which.Size {
		file, err := h.open(r.Filepath, os.O_WRONLY)
		if err != nil {
			return err
		}
		err = file.Truncate(int64(values.Size))
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	if which.Permissions {
		if err := h.root.Chmod(name, values.FileMode()&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
			return err
		}
	}
	if which.Acmodtime {
		return h.root.Chtimes(name, time.Unix(int64(values.Atime), 0), time.Unix(int64(values.Mtime), 0))
	}
	return nil
}

// Filelist is what tells of names.
func (h *handlers) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	name, err := local(r.Filepath)
	if err != nil {
		return nil, refusal(err)
	}
	switch r.Method {
	case "List":
		dir, err := h.root.Open(name)
		if err != nil {
			return nil, refusal(err)
		}
		defer dir.Close()
		infos, err := dir.Readdir(-1)
		if err != nil {
			return nil, refusal(err)
		}
		return lister(infos), nil
	case "Stat":
		info, err := h.root.Stat(name)
		return one(info), refusal(err)
	}
	return nil, refusal(errUnsupported)
}

func (h *handlers) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	name, err := local(r.Filepath)
	if err != nil {
		return nil, refusal(err)
	}
	info, err := h.root.Lstat(name)
	return one(info), refusal(err)
}

func (h *handlers) Readlink(path string) (string, error) {
	name, err := local(path)
	if err != nil {
		return "", refusal(err)
	}
	target, err := h.root.Readlink(name)
	return target, refusal(err)
}

func one(info fs.FileInfo) sftp.ListerAt { return lister([]fs.FileInfo{info}) }

// lister hands out what was read at once.
type lister []fs.FileInfo

func (l lister) ListAt(to []fs.FileInfo, offset int64) (int, error) {
	if offset >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(to, l[offset:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}
