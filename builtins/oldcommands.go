package builtins

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// The file commands of Windows' shell that old scripts use: del, erase, copy,
// move, ren, rename, md, mkdir, rd, type, dir. Elsewhere the runner carries them
// out itself, with the rules of local names that hold for the whole script, so
// that EXEC("del sales.xls") works wherever the script is carried. Only a whole
// command with plain arguments is one; everything else is the shell's.

// oldCommand is such a command, taken apart.
type oldCommand struct {
	name string // lower case, one name for each: del, copy, move, ren, md, rd, type, dir
	args []string
}

// parseOldCommand takes a command line apart; false if it is not one of these.
func parseOldCommand(line string) (oldCommand, bool) {
	words, ok := splitOldCommand(line)
	if !ok || len(words) == 0 {
		return oldCommand{}, false
	}
	var old oldCommand
	name, least, most := strings.ToLower(words[0]), 1, len(words)
	switch name {
	case "del", "erase":
		old.name = "del"
	case "copy", "move":
		old.name, most = name, 2
	case "ren", "rename":
		old.name, least, most = "ren", 2, 2
	case "md", "rd", "type":
		old.name = name
	case "mkdir":
		// mkdir is everybody's; only a path of Windows makes it the old one.
		if !strings.Contains(line, `\`) {
			return oldCommand{}, false
		}
		old.name = "md"
	case "dir":
		old.name, least, most = "dir", 0, 1
	default:
		return oldCommand{}, false
	}
	for _, word := range words[1:] {
		switch {
		case harmlessSwitch(word):
		case isSwitch(word):
			return oldCommand{}, false
		default:
			old.args = append(old.args, word)
		}
	}
	return old, len(old.args) >= least && len(old.args) <= most
}

// harmlessSwitch reports switches that only say "do not ask", which nobody does.
func harmlessSwitch(word string) bool {
	switch strings.ToLower(word) {
	case "/y", "/-y", "/q", "/f":
		return true
	}
	return false
}

// isSwitch reports what Windows' shell takes for a switch: a slash and one letter,
// as in rd /s, or dir /a:d. It must not be taken for a name at the root.
func isSwitch(word string) bool {
	rest, slash := strings.CutPrefix(word, "/")
	letter, _, _ := strings.Cut(strings.TrimPrefix(rest, "-"), ":")
	return slash && len(letter) == 1
}

// splitOldCommand splits at blanks outside double quotes, the only quotes that
// the old shell knew. false for what a shell would have to interpret.
func splitOldCommand(line string) (words []string, ok bool) {
	var word strings.Builder
	inWord, inQuotes := false, false
	for _, c := range line {
		switch {
		case c == '"':
			inQuotes, inWord = !inQuotes, true
		case !inQuotes && (c == ' ' || c == '\t'):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case c == '\n', c == '\r', c == '%', !inQuotes && strings.ContainsRune("|&<>^;", c):
			return nil, false
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, !inQuotes
}

// oldCommand carries the command out.
func (s *State) oldCommand(ctx context.Context, old oldCommand) error {
	for _, arg := range old.args {
		if arg == "" {
			return badArgument(fmt.Sprintf("%s has an empty argument", old.name))
		}
	}
	switch old.name {
	case "del":
		return s.oldEach(ctx, old, s.files.Remove)
	case "rd":
		return s.oldEach(ctx, old, s.files.Rmdir)
	case "md":
		return s.oldEach(ctx, old, s.oldMakeDir)
	case "type":
		return s.oldEach(ctx, old, s.oldType)
	case "dir":
		return s.oldDir(old)
	case "ren":
		return s.oldRename(ctx, old)
	}
	return s.oldCopyOrMove(ctx, old)
}

// oldEach does something with each argument; wildcards stand for files.
func (s *State) oldEach(ctx context.Context, old oldCommand, do func(netio.LocalPath) error) error {
	for _, arg := range old.args {
		paths, err := s.filesNamed(arg, old.name == "del" || old.name == "type")
		if err != nil {
			return err
		}
		if len(paths) == 0 {
			s.tell("No file matches %s.", arg)
		}
		for _, path := range paths {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := do(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *State) oldMakeDir(path netio.LocalPath) error {
	exists, err := s.files.Exists(path)
	if err != nil {
		return err
	}
	if exists {
		return &session.Error{Op: "making the directory " + path.String(), Cause: session.LocalExists, Class: session.ClassLocal, Name: path.String()}
	}
	return s.files.MkdirAll(path)
}

// oldType tells what a file holds.
func (s *State) oldType(path netio.LocalPath) error {
	file, err := s.files.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	checked := &failingReader{reader: file}
	s.tellOutput(checked)
	return s.files.Failure("reading", path, checked.err)
}

// failingReader remembers the error that ended reading.
type failingReader struct {
	reader io.Reader
	err    error // nil at the end of the file
}

func (r *failingReader) Read(p []byte) (int, error) {
	n, err := r.reader.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// oldDir tells what a directory holds, or what matches.
func (s *State) oldDir(old oldCommand) error {
	dir, pattern := s.here, "*"
	if len(old.args) == 1 {
		path, err := s.localPath(old.args[0])
		if err != nil {
			return err
		}
		entry, err := s.files.Stat(path)
		switch {
		case err == nil && entry.Kind == session.KindDir:
			dir = path
		case err != nil && !netio.HasWildcard(old.args[0]):
			return err
		default:
			if dir, pattern, err = s.files.ResolveParent(s.here, old.args[0]); err != nil {
				return err
			}
		}
	}
	entries, err := s.files.List(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name != pattern && !netio.Match(pattern, entry.Name, s.files.FoldsCase()) {
			continue
		}
		size := fmt.Sprintf("%14d", entry.Size)
		if entry.Kind == session.KindDir {
			size = "<DIR>         "
		}
		s.tell("%s  %s  %s", entry.ModTime.In(s.zone()).Format("2006-01-02 15:04"), size, entry.Name)
	}
	return nil
}

// oldRename gives a file a new name in its directory.
func (s *State) oldRename(ctx context.Context, old oldCommand) error {
	if netio.HasWildcard(old.args[0]) || netio.HasWildcard(old.args[1]) {
		return notCarriedOut("ren with wildcards")
	}
	if strings.ContainsAny(old.args[1], `/\:`) {
		return badArgument("ren takes a new name without a directory: move moves")
	}
	from, err := s.localPath(old.args[0])
	if err != nil {
		return err
	}
	to, err := s.files.Child(from.Parent(), old.args[1])
	if err != nil {
		return err
	}
	return s.files.Rename(ctx, from, to, false)
}

// oldCopyOrMove copies or moves to another name or into a directory; without a
// target that is the current one. What is there already is replaced, as it is in
// a batch file.
func (s *State) oldCopyOrMove(ctx context.Context, old oldCommand) error {
	if strings.Contains(old.args[0], "+") {
		return notCarriedOut("copy that joins files with +")
	}
	target := s.here
	if len(old.args) == 2 {
		var err error
		if target, err = s.localPath(old.args[1]); err != nil {
			return err
		}
	}
	entry, err := s.files.Stat(target)
	into := err == nil && entry.Kind == session.KindDir
	sources, err := s.filesNamed(old.args[0], true)
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		s.tell("No file matches %s.", old.args[0])
	}
	if len(sources) > 1 && !into {
		return badArgument(fmt.Sprintf("%s of several files needs a directory as its target", old.name))
	}
	for _, from := range sources {
		to := target
		if into {
			if to, err = s.files.Child(target, from.Name()); err != nil {
				return err
			}
		}
		if err := s.oldTransfer(ctx, old.name, from, to); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) oldTransfer(ctx context.Context, name string, from, to netio.LocalPath) error {
	if from.Same(to) {
		return badArgument(fmt.Sprintf("%s of %s onto itself", name, from))
	}
	if name == "copy" {
		return s.files.Copy(ctx, from, to)
	}
	return s.files.Rename(ctx, from, to, true)
}

func notCarriedOut(what string) error {
	return &session.Error{Op: what + " is not carried out here", Cause: session.NotSupported, Class: session.ClassPermanent}
}
