package sftpserver

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pkg/sftp"

	"github.com/sftpc/sftpc/netio/server/wire"
)

// handlers do what the requests of one channel ask for, below a root.
type handlers struct {
	server   *Server
	root     *os.Root
	readOnly bool
	handles  handles
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
	case errors.Is(err, errTooMany), errors.Is(err, syscall.EMFILE):
		return said{sftp.ErrSSHFxFailure, "Too many open files"}
	case errors.Is(err, fs.ErrClosed):
		return said{sftp.ErrSSHFxFailure, "No such handle"}
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
	case strings.ContainsRune(name, 0):
		return "", fs.ErrInvalid
	case filepath.Separator != '/' && strings.ContainsRune(name, filepath.Separator):
		return "", fs.ErrInvalid
	}
	return filepath.FromSlash(name), nil
}

// Fileread and Filewrite are not used: a READ of a file that was opened by Filewrite
// writes zeros into it, since the library takes both for the one thing that it knows of
// the file. So every file goes through OpenFile, and the filter says with marks of its
// own what the client wanted.
func (h *handlers) Fileread(*sftp.Request) (io.ReaderAt, error) { return nil, refusal(errUnsupported) }

// Filewrite is not used.
func (h *handlers) Filewrite(*sftp.Request) (io.WriterAt, error) {
	return nil, refusal(errUnsupported)
}

// Marks in the flags of an OPEN, which clients cannot set.
const (
	onlyRead  = 0x20000000
	onlyWrite = 0x40000000
)

// markFlags has a file opened by OpenFile, whatever it is opened for.
func markFlags(request []byte) {
	_, rest := wire.Text(request[9:])
	if len(rest) < 4 {
		return
	}
	const read, write, known = 1, 2, 0x3f
	flags := binary.BigEndian.Uint32(rest) & known
	switch {
	case flags == 0: // which the library refuses
	case flags == read:
		flags |= write | onlyRead
	case flags&read == 0:
		flags |= read | write | onlyWrite
	default:
		flags |= write
	}
	binary.BigEndian.PutUint32(rest, flags)
}

// OpenFile opens a file for what its flags say.
func (h *handlers) OpenFile(r *sftp.Request) (sftp.WriterAtReaderAt, error) {
	asked, flags := r.Pflags(), os.O_RDWR
	switch {
	case r.Flags&onlyRead != 0:
		flags = os.O_RDONLY
	case r.Flags&onlyWrite != 0:
		flags = os.O_WRONLY
	}
	if flags != os.O_RDONLY {
		if h.readOnly {
			return nil, sftp.ErrSSHFxPermissionDenied
		}
		for flag, wanted := range map[int]bool{os.O_CREATE: asked.Creat, os.O_TRUNC: asked.Trunc, os.O_EXCL: asked.Excl, os.O_APPEND: asked.Append} {
			if wanted {
				flags |= flag
			}
		}
	}
	if err := h.handles.begin(); err != nil {
		return nil, refusal(err)
	}
	file, err := h.open(r.Filepath, flags)
	if err != nil {
		h.handles.end()
		return nil, refusal(err)
	}
	return h.handles.keep(r, file, asked.Append), nil
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
	if file := h.handles.file(r.Filepath); file != nil && r.Method == "Setstat" {
		return refusal(h.setOpen(r, file))
	}
	if h.readOnly {
		return sftp.ErrSSHFxPermissionDenied
	}
	name, err := local(r.Filepath)
	if r.Method == "Symlink" {
		name, err = "", nil // it is what the link is to say
	}
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
		return h.link(r.Filepath, r.Target)
	}
	return errUnsupported
}

// link makes a link at path. One that would lead out of the folder is refused: nobody
// can follow it here, but whoever else reads the folder could.
func (h *handlers) link(target, path string) error {
	at, err := local(path)
	if err != nil {
		return err
	}
	if rooted, ok := strings.CutPrefix(target, "/"); ok {
		// From our root, which the link cannot know.
		if target, err = filepath.Rel(filepath.Dir(at), filepath.Clean(filepath.FromSlash(rooted))); err != nil {
			return err
		}
	}
	target = filepath.FromSlash(target)
	if strings.ContainsRune(target, 0) || !filepath.IsLocal(filepath.Join(filepath.Dir(at), target)) {
		return fs.ErrPermission
	}
	return h.root.Symlink(target, at)
}

// PosixRename replaces what is there.
func (h *handlers) PosixRename(r *sftp.Request) error {
	if !h.server.has("posix-rename@openssh.com") {
		return sftp.ErrSSHFxOpUnsupported
	}
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

// setAttributes changes what a name leads to. A length is set first: it is what fails.
func (h *handlers) setAttributes(r *sftp.Request, name string) error {
	which, values := r.AttrFlags(), r.Attributes()
	if which.Size {
		file, err := h.open(r.Filepath, os.O_WRONLY)
		if err != nil {
			return err
		}
		err = truncate(file, values.Size)
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	if which.Permissions {
		if err := h.root.Chmod(name, permissions(values)); err != nil {
			return err
		}
	}
	if which.Acmodtime {
		return h.root.Chtimes(name, time.Unix(int64(values.Atime), 0), time.Unix(int64(values.Mtime), 0))
	}
	return nil
}

// setOpen changes a file that is open, or flushes it to the disk.
func (h *handlers) setOpen(r *sftp.Request, file *os.File) error {
	if r.Flags&toSync != 0 {
		return file.Sync()
	}
	which, values := r.AttrFlags(), r.Attributes()
	if h.readOnly && (which.Size || which.Permissions || which.Acmodtime) {
		return fs.ErrPermission
	}
	if which.Size {
		if err := truncate(file, values.Size); err != nil {
			return err
		}
	}
	if which.Permissions {
		if err := file.Chmod(permissions(values)); err != nil {
			return err
		}
	}
	if which.Acmodtime {
		return setTimes(file, values.Atime, values.Mtime)
	}
	return nil
}

func truncate(file *os.File, size uint64) error {
	if size > math.MaxInt64 {
		return fs.ErrInvalid
	}
	return file.Truncate(int64(size))
}

func permissions(values *sftp.FileStat) fs.FileMode {
	return values.FileMode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
}

// Filelist is what tells of names.
func (h *handlers) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if file := h.handles.file(r.Filepath); file != nil && r.Method == "Stat" {
		info, err := file.Stat()
		return one(info), refusal(err)
	}
	name, err := local(r.Filepath)
	if err != nil {
		return nil, refusal(err)
	}
	switch r.Method {
	case "List":
		if err := h.handles.begin(); err != nil {
			return nil, refusal(err)
		}
		infos, err := h.readDir(name)
		if err != nil {
			h.handles.end()
			return nil, refusal(err)
		}
		return openDir{infos, h.handles.end}, nil
	case "Stat":
		info, err := h.root.Stat(name)
		return one(info), refusal(err)
	}
	return nil, refusal(errUnsupported)
}

func (h *handlers) readDir(name string) (lister, error) {
	dir, err := h.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close() // it was only read
	return dir.Readdir(-1)
}

// Lstat tells of a link itself.
func (h *handlers) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	name, err := local(r.Filepath)
	if err != nil {
		return nil, refusal(err)
	}
	info, err := h.root.Lstat(name)
	return one(info), refusal(err)
}

// Readlink tells what a link says.
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
