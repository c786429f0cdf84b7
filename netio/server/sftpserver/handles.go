package sftpserver

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/pkg/sftp"
)

// handles are the files and directories that a client has open on one channel.
//
// The library knows an open file by the name that it was opened with, and asks for its
// attributes and sets them by that name. By then the name may be another file's, or
// nobody's, and FSTAT would tell of the wrong one. So the library is given a name for
// each open file that no path can be, and what it asks of that name is asked of the file.
type handles struct {
	most int

	mu    sync.Mutex
	open  int
	count int
	files map[string]*os.File // by the name that the library has for them
}

// openName begins these names. A client that writes one itself reaches what it has open
// anyway.
const openName = "/\x00open/"

var errTooMany = errors.New("too many open files")

// begin counts a handle that is about to be opened.
func (h *handles) begin() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open >= h.most {
		return errTooMany
	}
	h.open++
	return nil
}

func (h *handles) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
}

// keep gives the request that opened the file the name of the open file.
func (h *handles) keep(r *sftp.Request, file *os.File, appends bool) *openFile {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	name := openName + strconv.Itoa(h.count)
	if h.files == nil {
		h.files = make(map[string]*os.File)
	}
	h.files[name] = file
	r.Filepath = name
	return &openFile{File: file, appends: appends, forget: func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.files, name)
		h.open--
	}}
}

// file is the open file of that name; nil where the name is a path.
func (h *handles) file(name string) *os.File {
	if !strings.HasPrefix(name, openName) {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.files[name]
}

// openFile is what the library reads, writes and closes.
type openFile struct {
	*os.File
	appends bool
	forget  func()
}

// WriteAt writes at the end where the file was opened to append, wherever the client
// says.
func (f *openFile) WriteAt(b []byte, offset int64) (int, error) {
	if f.appends {
		n, err := f.File.Write(b)
		return n, refusal(err)
	}
	n, err := f.File.WriteAt(b, offset)
	return n, refusal(err)
}

// ReadAt reads as files do.
func (f *openFile) ReadAt(b []byte, offset int64) (int, error) {
	n, err := f.File.ReadAt(b, offset)
	return n, refusal(err)
}

func (f *openFile) Close() error {
	f.forget()
	return refusal(f.File.Close())
}

// openDir is a directory whose entries were read when it was opened.
type openDir struct {
	lister
	forget func()
}

func (d openDir) Close() error {
	d.forget()
	return nil
}
