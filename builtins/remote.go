package builtins

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

func remoteCommands() family {
	return family{
		"CHDIR":       (*State).changeDir,
		"CWDIR":       (*State).currentDirOf,
		"MKDIR":       (*State).makeDir,
		"RMDIR":       (*State).removeDir,
		"RENAMEFILE":  (*State).renameFile,
		"DELETEFILE":  (*State).deleteFile,
		"CHMOD":       (*State).chmod,
		"GETFILETIME": (*State).getFileTime,
		"GETFILESIZE": (*State).getFileSize,
		"FILEEXISTS":  (*State).fileExists,
		"GETHASH":     (*State).getHash,
	}
}

func (s *State) changeDir(a *arguments) error {
	// Also after a failure: a server may have gone part of the way.
	s.remoteDir = ""
	if err := s.session.ChangeDir(a.ctx, a.text(0)); err != nil {
		return err
	}
	if l, ok := s.session.(*link); ok {
		s.remoteDir = l.told
	}
	return nil
}

// currentDirOf is CWDIR and CWDIR($directory).
func (s *State) currentDirOf(a *arguments) error {
	s.remoteDir = "" // the script asks the server, not us
	dir, err := s.currentDir(a.ctx)
	if err != nil {
		return err
	}
	a.gives(dir)
	return nil
}

// gives answers a command that returns a value or, in the form "into", stores it.
func (a *arguments) gives(text string) {
	if a.key() == "into" {
		a.setOut(0, text)
		return
	}
	a.returns(text)
}

func (s *State) makeDir(a *arguments) error    { return s.session.MakeDir(a.ctx, a.text(0)) }
func (s *State) removeDir(a *arguments) error  { return s.session.RemoveDir(a.ctx, a.text(0)) }
func (s *State) renameFile(a *arguments) error { return s.session.Rename(a.ctx, a.text(0), a.text(1)) }

// chmod is CHMOD(name, mode); the mode is octal as people write it.
func (s *State) chmod(a *arguments) error {
	text := strings.TrimSpace(a.text(1))
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil || mode > 0o7777 || len(text) < 3 || len(text) > 5 {
		return a.bad(1, "must be three or four octal digits as in 644, not %s", quoted(a.text(1)))
	}
	return s.session.Chmod(a.ctx, a.text(0), uint32(mode))
}

// deleteFile is DELETEFILE(name or wildcard).
func (s *State) deleteFile(a *arguments) error {
	name := a.text(0)
	dir, last := splitRemote(name)
	switch {
	case last == "":
		return a.bad(0, "ends in a slash: the name of a file is needed")
	case netio.HasWildcard(last):
		return s.deleteSet(a.ctx, dir, last)
	}
	return s.session.Remove(a.ctx, name)
}

// deleteSet deletes the files that a wildcard matches. A listing that was not
// understood as a whole is no ground to delete anything: what looks like a match
// may be a piece of something else.
func (s *State) deleteSet(ctx context.Context, dir, pattern string) error {
	listing, err := s.session.List(ctx, dir)
	if err != nil {
		return err
	}
	var o setOutcome
	o.left = s.tellIncomplete(dir, listing)
	if listing.Unknown > 0 {
		return protocolError("reading the listing of "+joinRemote(dir, pattern), joinRemote(dir, pattern),
			fmt.Errorf("%s not understood, so nothing is deleted", plural(listing.Unknown, "line")))
	}
	names := chosenFiles(listing, pattern)
	for _, name := range names {
		path := joinRemote(dir, name)
		err := s.session.Remove(ctx, path)
		if err == nil {
			s.tellDone("Deleted %s", path)
		} else {
			s.tell("%s was not deleted: %v", path, err)
		}
		if !o.add(err) {
			break
		}
	}
	if len(names) == 0 {
		s.tell("No file matches %s", joinRemote(dir, pattern))
	}
	return o.err("deleted")
}

// chosenFiles are the names of the files of a listing that a pattern means, in
// order.
func chosenFiles(l session.Listing, pattern string) []string {
	choose := newChooser(pattern, false, func(name string) bool {
		return slices.ContainsFunc(l.Entries, func(e session.Entry) bool { return e.Name == name })
	})
	var names []string
	for _, e := range l.Entries {
		if e.Kind == session.KindFile && !netio.IsPartName(e.Name) && choose.chooses(e.Name) {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// sided takes the two forms (name) and (LOCAL | REMOTE, name) apart.
func (a *arguments) sided() (name string, local bool) {
	if a.key() == "side" {
		return a.text(1), a.constant(0) == "LOCAL"
	}
	return a.text(0), false
}

// dateLayout is how the language writes dates.
const dateLayout = "2006_01_02-15_04_05"

func (s *State) getFileTime(a *arguments) error {
	name, local := a.sided()
	var at time.Time
	if local {
		e, err := s.localEntry(name)
		if err != nil {
			return err
		}
		at = e.ModTime
	} else {
		e, err := s.session.Stat(a.ctx, name)
		if err != nil {
			return err
		}
		if at = e.Time; at.IsZero() {
			return s.untold(name, "time")
		}
		if !e.Exact {
			s.tellVerbose("the time of %s is from a listing: it may be cut to the minute, and its zone may be a guess", name)
		}
	}
	a.returns(at.In(s.zone()).Format(dateLayout))
	return nil
}

func (s *State) getFileSize(a *arguments) error {
	name, local := a.sided()
	kind, size := session.KindFile, int64(0)
	if local {
		e, err := s.localEntry(name)
		if err != nil {
			return err
		}
		kind, size = e.Kind, e.Size
	} else {
		e, err := s.session.Stat(a.ctx, name)
		if err != nil {
			return err
		}
		kind, size = e.Kind, e.Size
	}
	switch {
	case kind == session.KindDir:
		return badArgument(quoted(name) + " is a directory, which has no size")
	case size < 0:
		return s.untold(name, "size")
	}
	a.returns(strconv.FormatInt(size, 10))
	return nil
}

// fileExists is FILEEXISTS. Only a clear answer is an answer.
func (s *State) fileExists(a *arguments) error {
	name, local := a.sided()
	exists := true
	if local {
		path, err := s.localPath(name)
		if err != nil {
			return err
		}
		if exists, err = s.files.Exists(path); err != nil {
			return err
		}
	} else if _, err := s.session.Stat(a.ctx, name); err != nil {
		if session.CauseOf(err) != session.NoSuchRemoteFile {
			return err
		}
		exists = false
	}
	a.returns(truth(exists))
	return nil
}

func truth(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}

func (s *State) localEntry(name string) (netio.LocalEntry, error) {
	path, err := s.localPath(name)
	if err != nil {
		return netio.LocalEntry{}, err
	}
	return s.files.Stat(path)
}

func (s *State) untold(name, what string) error {
	return &session.Error{
		Op: "asking for the " + what + " of " + name, Cause: session.NotSupported, Class: session.ClassPermanent,
		Host: s.endpoint.Address, Name: name, Err: fmt.Errorf("the server does not tell it"),
	}
}
