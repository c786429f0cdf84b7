package builtins

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// localFileCommands do to local files what scripts used to leave to EXEC.
func localFileCommands() family {
	return family{
		"LOCALDELETEFILE": (*State).localDeleteFile,
		"LOCALRENAMEFILE": (*State).localRenameFile,
		"LOCALCOPYFILE":   (*State).localCopyFile,
		"READFILE":        (*State).readFile,
		"WRITEFILE":       (*State).writeFile,
	}
}

// localDeleteFile is LOCALDELETEFILE(name or wildcard). Directories are never deleted.
func (s *State) localDeleteFile(a *arguments) error {
	name := a.text(0)
	paths, err := s.filesNamed(name, true)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		s.tell("No file matches %s", name)
	}
	var o setOutcome
	for _, path := range paths {
		if a.ctx.Err() != nil {
			return context.Cause(a.ctx)
		}
		err := s.files.Remove(path)
		switch {
		case err != nil && len(paths) == 1:
			return err
		case err != nil:
			s.tell("%s was not deleted: %v", path, err)
		default:
			s.tellDone("Deleted %s", path)
		}
		if !o.add(err) {
			break
		}
	}
	return o.err("deleted")
}

// filesNamed are the paths that an argument of a command stands for: itself, or the
// files that match it, if wildcards are allowed and nothing has that very name.
func (s *State) filesNamed(arg string, wildcards bool) ([]netio.LocalPath, error) {
	if !wildcards || !netio.HasWildcard(arg) {
		path, err := s.localPath(arg)
		return []netio.LocalPath{path}, err
	}
	parent, last, err := s.files.ResolveParent(s.here, arg)
	if err != nil {
		return nil, err
	}
	entries, err := s.files.List(parent)
	if err != nil {
		return nil, err
	}
	var matching []netio.LocalPath
	for _, entry := range entries {
		if entry.Name != last && (entry.Kind == session.KindDir || !netio.Match(last, entry.Name, s.files.FoldsCase())) {
			continue
		}
		path, err := s.files.Child(parent, entry.Name)
		if err != nil {
			return nil, err
		}
		if entry.Name == last {
			return []netio.LocalPath{path}, nil
		}
		matching = append(matching, path)
	}
	return matching, nil
}

// localRenameFile is LOCALRENAMEFILE(from, to [, OVERWRITE]).
func (s *State) localRenameFile(a *arguments) error {
	from, to, err := s.fromTo(a)
	if err != nil {
		return err
	}
	return s.files.Rename(a.ctx, from, to, a.constant(2) == "OVERWRITE")
}

// localCopyFile is LOCALCOPYFILE(from, to [, OVERWRITE]).
func (s *State) localCopyFile(a *arguments) error {
	from, to, err := s.fromTo(a)
	if err != nil {
		return err
	}
	if a.constant(2) != "OVERWRITE" {
		switch exists, err := s.files.Exists(to); {
		case err != nil:
			return err
		case exists:
			return s.files.Failure("copying "+from.String()+" to", to, fs.ErrExist)
		}
	}
	return s.files.Copy(a.ctx, from, to)
}

func (s *State) fromTo(a *arguments) (from, to netio.LocalPath, err error) {
	if from, err = s.localPath(a.text(0)); err != nil {
		return from, to, err
	}
	to, err = s.localPath(a.text(1))
	return from, to, err
}

// mostRead is how many bytes of a file become a text.
const mostRead = 64 << 20

// readFile is READFILE(name): the bytes as they are.
func (s *State) readFile(a *arguments) error {
	path, err := s.localPath(a.text(0))
	if err != nil {
		return err
	}
	file, err := s.files.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var text strings.Builder
	if info, err := file.Stat(); err == nil && info.Size() <= mostRead {
		text.Grow(int(info.Size()))
	}
	// A file of the system's own may say another size than it has.
	read, err := io.Copy(&text, io.LimitReader(readerOf{a.ctx, file}, mostRead+1))
	switch {
	case err != nil:
		return s.files.Failure("reading", path, err)
	case read > mostRead:
		return s.files.Failure("reading", path, fmt.Errorf("it has more than %d bytes, which is the most for a text", mostRead))
	}
	a.returns(text.String())
	return nil
}

// writeFile is WRITEFILE(name, text [, OVERWRITE | APPEND [, EXACT]]). A text of a script
// cannot hold a line end, so that one is added unless EXACT says otherwise. What is
// replaced is so in one step, when the new file is whole; what is appended is all there,
// or nothing of it.
func (s *State) writeFile(a *arguments) error {
	path, err := s.localPath(a.text(0))
	if err != nil {
		return err
	}
	text := a.text(1)
	if a.constant(3) != "EXACT" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if a.constant(2) == "APPEND" {
		return s.files.Failure("writing", path, s.appendTo(path, text))
	}
	part, err := s.files.CreatePart(path, netio.PartNote{Size: -1})
	if err != nil {
		return err
	}
	defer part.Discard()
	if _, err := io.WriteString(part.File(), text); err != nil {
		return s.files.Failure("writing", path, err)
	}
	return part.Commit(time.Time{})
}

func (s *State) appendTo(path netio.LocalPath, text string) error {
	const newFile = 0o666
	file, err := s.files.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, newFile&^fs.FileMode(s.options.Umask))
	if err != nil {
		return err
	}
	before, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if written, err := io.WriteString(file, text); err != nil {
		if written > 0 {
			err = errors.Join(err, file.Truncate(before.Size()))
		}
		return errors.Join(err, file.Close())
	}
	return errors.Join(file.Sync(), file.Close())
}

// getHash is GETHASH(LOCAL | REMOTE, name [, SHA256 | MD5 | CRC32]). Of a file on the
// server it is what the server says: nothing is downloaded for it.
func (s *State) getHash(a *arguments) error {
	algorithm := a.constant(2)
	if algorithm == "" {
		algorithm = "SHA256"
	}
	name := a.text(1)
	var sum []byte
	var err error
	if a.constant(0) == "LOCAL" {
		sum, err = s.localHash(a.ctx, name, algorithm)
	} else {
		size := int64(0)
		if e, err := session.Pick(a.ctx, s.session, name, session.AspectSize); err == nil {
			size = max(size, e.Size)
		}
		_, sum, err = s.hashOf(a.ctx, name, size, []string{algorithm})
	}
	if err != nil {
		return err
	}
	a.returns(hex.EncodeToString(sum))
	return nil
}

func (s *State) localHash(ctx context.Context, name, algorithm string) ([]byte, error) {
	path, err := s.localPath(name)
	if err != nil {
		return nil, err
	}
	file, err := s.files.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := newHash(algorithm)
	if _, err := io.CopyBuffer(sum, readerOf{ctx, file}, make([]byte, 1<<20)); err != nil {
		return nil, s.files.Failure("reading", path, err)
	}
	return sum.Sum(nil), nil
}
