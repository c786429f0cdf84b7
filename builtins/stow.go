package builtins

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// Moving files out of the way, on their own side: SETAFTER stows what arrived,
// SETBACKUP what would be lost. A name that is taken in the folder is never replaced.

// mostStowNames bounds the names that are tried for one file.
const mostStowNames = 100

// stowName is the n-th name to try for a file that is called name: its own, then one
// with the time in it, then numbered ones. The ending stays the last part, for whoever
// opens the file or looks for it by a wildcard.
func stowName(name string, at time.Time, n int) string {
	if n == 0 {
		return name
	}
	ending := path.Ext(name)
	if ending == name {
		ending = "" // .profile has a name and no ending
	}
	stamp := at.Format(dateLayout)
	if n > 1 {
		stamp += fmt.Sprintf("-%d", n)
	}
	return strings.TrimSuffix(name, ending) + "." + stamp + ending
}

var errNoStowName = errors.New("no name for it is free there")

// stowRemote moves a file on the server into folder and there into rel, which are
// made if they are missing. It returns where the file is then.
func (s *State) stowRemote(ctx context.Context, from, folder string, rel []string) (to string, err error) {
	dir := strings.TrimRight(folder, "/")
	if dir == "" {
		dir = "/"
	}
	for _, part := range rel {
		dir = joinRemote(dir, part)
	}
	parent, name := splitRemote(from)
	here, err := s.absolute(ctx, parent)
	if err != nil {
		return "", err
	}
	there, err := s.absolute(ctx, dir)
	if err != nil {
		return "", err
	}
	if slices.Equal(remotePlace(here).parts, remotePlace(there).parts) {
		return "", badArgument(fmt.Sprintf("%s lies in %s already", quoted(from), quoted(folder)))
	}
	if err := s.ensureRemoteFolder(ctx, dir); err != nil {
		return "", err
	}
	for n := range mostStowNames {
		to := joinRemote(dir, stowName(name, s.now().In(s.zone()), n))
		// Many servers rename onto what exists without a word.
		switch _, err := s.session.Stat(ctx, to); session.CauseOf(err) {
		case session.CauseNone:
			continue
		case session.NoSuchRemoteFile:
		default:
			return "", err
		}
		if err := s.session.Rename(ctx, from, to); session.CauseOf(err) != session.RemoteExists {
			return to, withName(err, "moving "+from+" to "+to, from)
		}
	}
	return "", &session.Error{Op: "moving " + from + " to " + folder, Cause: session.RemoteExists, Class: session.ClassPermanent, Name: from, Err: errNoStowName}
}

// ensureRemoteFolder makes a directory and those above it that are missing, once in a
// command.
func (s *State) ensureRemoteFolder(ctx context.Context, dir string) error {
	if s.foldersMade[dir] {
		return nil
	}
	if e, err := s.session.Stat(ctx, dir); err != nil || e.Kind == session.KindFile {
		parent := ""
		if strings.HasPrefix(dir, "/") {
			parent = "/"
		}
		for _, part := range strings.FieldsFunc(dir, func(r rune) bool { return r == '/' }) {
			if err := s.ensureRemoteDir(ctx, parent, part); err != nil {
				return err
			}
			parent = joinRemote(parent, part)
		}
	}
	if s.foldersMade == nil {
		s.foldersMade = make(map[string]bool)
	}
	s.foldersMade[dir] = true
	return nil
}

// stowLocal is stowRemote for a local file.
func (s *State) stowLocal(ctx context.Context, from netio.LocalPath, folder string, rel []string) (to netio.LocalPath, err error) {
	dir, err := s.localPath(folder)
	if err != nil {
		return to, err
	}
	for _, part := range rel {
		if dir, err = s.files.Child(dir, part); err != nil {
			return to, err
		}
	}
	if dir.Same(from.Parent()) {
		return to, badArgument(fmt.Sprintf("%s lies in %s already", quoted(from.String()), quoted(folder)))
	}
	if err := s.files.MkdirAll(dir); err != nil {
		return to, err
	}
	for n := range mostStowNames {
		if to, err = s.files.Child(dir, stowName(from.Name(), s.now().In(s.zone()), n)); err != nil {
			return to, err
		}
		if err := s.files.Rename(ctx, from, to, false); session.CauseOf(err) != session.LocalExists {
			return to, err
		}
	}
	return to, &session.Error{Op: "moving " + from.String() + " to " + dir.String(), Cause: session.LocalExists, Class: session.ClassLocal, Name: from.String(), Err: errNoStowName}
}

// stowFolders are the folders of SETAFTER and SETBACKUP. Which side each is used on
// depends on the command; on the other one nobody keeps anything of that name by
// accident.
func (s *State) stowFolders() []string {
	var all []string
	for _, folder := range []string{s.settings.after.folder, s.settings.backup} {
		if folder != "" {
			all = append(all, folder)
		}
	}
	return all
}

// excludeStowed adds the folders of SETAFTER and SETBACKUP that lie below dir on the
// server to what a set there leaves out: what was moved there is done with. at is the
// place of dir then, which is needed for that.
func (s *State) excludeStowed(ctx context.Context, exclude excluder, dir string, at place) (excluder, place, error) {
	folders := s.stowFolders()
	if len(folders) == 0 {
		return exclude, at, nil
	}
	full, err := s.absolute(ctx, dir)
	if err != nil {
		return exclude, at, err
	}
	at = remotePlace(full)
	for _, folder := range folders {
		if full, err = s.absolute(ctx, folder); err != nil {
			return exclude, at, err
		}
		exclude.addFolder(remotePlace(full), at)
	}
	return exclude, at, nil
}

// excludeStowedLocal is excludeStowed for a set in a local directory. A folder that is
// no local path holds nothing here.
func (s *State) excludeStowedLocal(exclude excluder, dir netio.LocalPath) excluder {
	for _, folder := range s.stowFolders() {
		if path, err := s.localPath(folder); err == nil {
			exclude.addFolder(localPlace(path), localPlace(dir))
		}
	}
	return exclude
}

// stowUsage adds to what a transfer touches the folders that it moves files into: the
// source's side has after, that of SETAFTER, the other one that of SETBACKUP.
func (s *State) stowUsage(u *usage, upload bool, after string) {
	remote, local := after, s.settings.backup
	if upload {
		remote, local = local, remote
	}
	u.relativeRemote = u.relativeRemote || remote != "" && !strings.HasPrefix(remote, "/")
	u.relativeLocal = u.relativeLocal || local != "" && s.files.IsRelative(local)
}
