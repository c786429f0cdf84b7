package builtins

import (
	"context"
	"errors"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// SETBACKUP: what a transfer would replace is moved into a folder on its own side
// first. If that fails nothing is replaced.

// setBackup is SETBACKUP(folder | NONE).
func (s *State) setBackup(a *arguments) (err error) {
	folder := ""
	if a.constant(0) != "NONE" {
		if folder, err = a.folder(0); err != nil {
			return err
		}
	}
	s.settings.backup = folder
	return nil
}

// backUpLocal moves what bears the name path into rel in the backup folder. restore
// moves it back, where the replacement did not come about; it does nothing where nothing
// was moved. was is the file that was moved, and moved whether there was one.
func (s *State) backUpLocal(ctx context.Context, path netio.LocalPath, rel []string) (was netio.LocalEntry, moved bool, restore func(), err error) {
	restore = func() {}
	if s.settings.backup == "" {
		return was, false, restore, nil
	}
	was, err = s.files.Lstat(path)
	switch {
	case session.CauseOf(err) == session.NoSuchLocalFile:
		return was, false, restore, nil
	case err != nil:
		return was, false, restore, backupFailed(ctx, path.String(), err)
	case was.Kind == session.KindDir:
		return was, false, restore, nil // nothing replaces a directory
	}
	to, err := s.stowLocal(ctx, path, s.settings.backup, rel)
	if err != nil {
		return was, false, restore, backupFailed(ctx, path.String(), err)
	}
	s.tellDone("Moved the old %s to %s", path, to)
	return was, true, func() {
		if err := s.files.Rename(context.WithoutCancel(ctx), to, path, false); err != nil {
			s.warn("what %s was before is in %s and could not be moved back: %v", path, to, err)
			return
		}
		s.tell("Moved %s back to %s", to, path)
	}, nil
}

// backUpRemote is backUpLocal for a name on the server.
func (s *State) backUpRemote(ctx context.Context, remote string, rel []string) (restore func(), err error) {
	restore = func() {}
	if s.settings.backup == "" {
		return restore, nil
	}
	e, err := s.session.Stat(ctx, remote)
	switch {
	case session.CauseOf(err) == session.NoSuchRemoteFile:
		return restore, nil
	case err != nil:
		return restore, backupFailed(ctx, remote, err)
	case e.Kind == session.KindDir:
		return restore, nil
	}
	to, err := s.stowRemote(ctx, remote, s.settings.backup, rel)
	if err != nil {
		return restore, backupFailed(ctx, remote, err)
	}
	s.tellDone("Moved the old %s to %s on the server", remote, to)
	return func() {
		ctx, end := lingering(ctx)
		defer end()
		if err := s.session.Rename(ctx, to, remote); err != nil {
			s.warn("what %s was before is in %s on the server and could not be moved back: %v", remote, to, err)
			return
		}
		s.tell("Moved %s back to %s on the server", to, remote)
	}, nil
}

// backupFailed is BACKUP_FAILED: the name keeps what it has.
func backupFailed(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	e := &session.Error{Op: "keeping what " + name + " was", Cause: session.BackupFailed, Class: session.ClassPermanent, Name: name, Err: err}
	if passes(err) {
		e.Class = session.ClassTransient
	}
	var below *session.Error
	if errors.As(err, &below) {
		e.Hint = below.Hint
	}
	return e
}
