package server

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// resolve turns a name of the client into an absolute virtual path: "/" is the
// folder handed out, ".." stops there. The os.Root below is what keeps links
// inside; this only works on the text.
func (s *session) resolve(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = s.dir + "/" + name
	}
	virtual := path.Clean("/" + name)
	if s.options.FoldsCase {
		return s.spelt(virtual)
	}
	return virtual
}

// spelt is a virtual path with those of its components that are there as they are
// spelt there.
func (s *session) spelt(virtual string) string {
	at := "/"
	for part := range strings.SplitSeq(strings.TrimPrefix(virtual, "/"), "/") {
		name := part
		if dir, err := s.server.root.Open(local(at)); err == nil {
			names, _ := dir.Readdirnames(-1) // what cannot be read is not found later either
			dir.Close()
			for _, there := range names {
				if strings.EqualFold(there, part) {
					name = there
				}
			}
		}
		at = path.Join(at, name)
	}
	return at
}

// local is the name of a virtual path below the root.
func local(virtual string) string {
	if virtual == "/" {
		return "."
	}
	return filepath.FromSlash(strings.TrimPrefix(virtual, "/"))
}

// errForeignSeparator refuses names that would mean several components here.
var errForeignSeparator = errors.New("the name holds a separator of this system")

// checkName refuses virtual paths that this system would read differently.
func checkName(virtual string) error {
	if filepath.Separator != '/' && strings.ContainsRune(virtual, filepath.Separator) {
		return errForeignSeparator
	}
	return nil
}

func (s *session) statFile(virtual string) (fs.FileInfo, error) {
	if err := checkName(virtual); err != nil {
		return nil, err
	}
	return s.server.root.Stat(local(virtual))
}

func (s *session) lstat(virtual string) (fs.FileInfo, error) {
	if err := checkName(virtual); err != nil {
		return nil, err
	}
	return s.server.root.Lstat(local(virtual))
}

// refuse answers a command whose file operation failed. The words are ours: an
// error of the system may name directories outside of the root.
func (s *session) refuse(c *command, err error) {
	code, text := refusal(err)
	s.reply(c, code, "%s", text)
}

func refusal(err error) (code int, text string) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 550, "No such file or directory"
	case errors.Is(err, syscall.ENOTEMPTY): // before "exists", which it is to package fs, too
		return 550, "Directory not empty"
	case errors.Is(err, fs.ErrExist):
		return 550, "File exists"
	case errors.Is(err, fs.ErrPermission):
		return 550, "Permission denied"
	case errors.Is(err, syscall.ENOSPC):
		return 452, "No space left on device"
	case errors.Is(err, syscall.EDQUOT):
		return 552, "Quota exceeded"
	case errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, errForeignSeparator):
		return 553, "File name not allowed"
	case errors.Is(err, syscall.ENOTDIR):
		return 550, "Not a directory"
	case errors.Is(err, syscall.EISDIR):
		return 550, "Is a directory"
	case errors.Is(err, syscall.EINVAL):
		return 550, "Invalid name"
	}
	// os.Root's refusal to follow a link outside comes here too.
	return 550, "Not allowed"
}

// quotePath is a path in a 257 reply: in quotation marks, those in it doubled.
func quotePath(virtual string) string {
	return `"` + strings.ReplaceAll(virtual, `"`, `""`) + `"`
}

// openRegular opens a file for reading and refuses everything that could block
// or has no end. O_NONBLOCK keeps a named pipe from holding up the open itself.
func (s *session) openRegular(virtual string) (*os.File, fs.FileInfo, error) {
	if err := checkName(virtual); err != nil {
		return nil, nil, err
	}
	file, err := s.server.root.OpenFile(local(virtual), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = syscall.EISDIR
		if !info.IsDir() {
			err = fs.ErrPermission
		}
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// openStore opens a file for an upload without changing what it holds, and says
// whether it was made by this call.
func (s *session) openStore(virtual string, flags int) (file *os.File, made bool, err error) {
	if err := checkName(virtual); err != nil {
		return nil, false, err
	}
	flags |= os.O_WRONLY | os.O_CREATE | syscall.O_NONBLOCK
	file, err = s.server.root.OpenFile(local(virtual), flags|os.O_EXCL, 0o666)
	if err == nil {
		return file, true, nil
	}
	if flags&os.O_EXCL != 0 || !errors.Is(err, fs.ErrExist) {
		return nil, false, err
	}
	file, err = s.server.root.OpenFile(local(virtual), flags, 0o666)
	if err != nil {
		return nil, false, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, false, fs.ErrPermission
	}
	return file, false, nil
}
