package localfs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

var (
	errNotDir     = errors.New("not a directory")
	errIsDir      = errors.New("it is a directory")
	errNotRegular = errors.New("it is not a regular file")
	errExists     = errors.New("the name exists already")
	errNotEmpty   = errors.New("directory not empty")
)

// Failure makes a *session.Error of an error that reading from or writing to an
// opened file of p gave. doing completes the message: "writing". A nil err stays
// nil, and an error that is a *session.Error already stays as it is.
func (f *FS) Failure(doing string, p Path, err error) error { return f.failure(doing, p, err) }

// failure adds to the cause of err, for a missing file, what else is there.
func (f *FS) failure(doing string, p Path, err error) error {
	err = failure(doing, p.String(), err)
	var e *session.Error
	if errors.As(err, &e) && e.Cause == session.NoSuchLocalFile && e.Hint == "" && p.mount != nil {
		if found := similar(p); len(found) > 0 {
			e.Hint = "found: " + strings.Join(found, ", ")
		}
	}
	return err
}

// failure makes a *session.Error of err. The path is shown as a script writes
// it; the one in err, where the file really lies, is dropped.
func failure(doing, shown string, err error) error {
	var e *session.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	cause, class := causeOf(err)
	e = &session.Error{Op: strings.TrimSpace(doing + " " + shown), Cause: cause, Class: class, Name: shown, Err: bare(err)}
	if isEscape(err) {
		e.Hint = "a link there leads out of the folder that the run may use"
	}
	return e
}

// similar lists the names that differ in case only from the first part of p that
// does not exist.
func similar(p Path) []string {
	for p.name != "" {
		parent := p.Parent()
		if _, err := p.mount.Stat(parent.inTree()); err == nil {
			return namesLike(parent, p.Name())
		}
		p = parent
	}
	return nil
}

func causeOf(err error) (session.Cause, session.Class) {
	switch {
	case isEscape(err):
		return session.Denied, session.ClassDenied
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return session.Cancelled, session.ClassCancelled
	case isNoSpace(err):
		return session.NoLocalSpace, session.ClassCapacity
	case isNotEmpty(err), errors.Is(err, errNotEmpty): // before "exists", which it is to package fs, too
		return session.DirectoryNotEmpty, session.ClassLocal
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNotDir), isNotDir(err):
		return session.NoSuchLocalFile, session.ClassLocal
	case errors.Is(err, fs.ErrPermission), isReadOnly(err):
		return session.NoLocalPermission, session.ClassLocal
	case errors.Is(err, fs.ErrExist), errors.Is(err, errExists):
		return session.LocalExists, session.ClassLocal
	case isBusy(err):
		return session.LocalFailure, session.ClassTransient
	}
	return session.LocalFailure, session.ClassLocal
}

// bare takes the wrapping of package os off, which repeats the path.
func bare(err error) error {
	for {
		var path *fs.PathError
		var link *os.LinkError
		var call *os.SyscallError
		switch {
		case errors.As(err, &path):
			err = path.Err
		case errors.As(err, &link):
			err = link.Err
		case errors.As(err, &call):
			err = call.Err
		default:
			return err
		}
	}
}

// isEscape reports whether os.Root refused to be led out of its folder. Package
// os does not export the error.
func isEscape(err error) bool {
	return err != nil && bare(err).Error() == "path escapes from parent"
}

func badPath(text string, err error) error {
	return &session.Error{Op: "using the path " + text, Cause: session.BadArgument, Class: session.ClassUsage, Name: text, Err: err}
}

func unmapped(drive, text string) error {
	option := DriveOption(strings.TrimSuffix(driveName(drive), ":"))
	return &session.Error{Op: "using the path " + text, Cause: session.Denied, Class: session.ClassDenied, Name: text,
		Err: errors.New("this run has no " + driveName(drive)), Hint: "say where it lies: " + option}
}

func noDirectory(text string) error {
	return &session.Error{Op: strings.TrimSpace("using a local path " + text), Cause: session.Denied, Class: session.ClassDenied, Name: text,
		Err: errors.New("this run has no local directory in which it could lie")}
}
