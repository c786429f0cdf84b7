package builtins

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// putFile is PUTFILE(name [, SUBDIRS]) and PUTFILE(local, remote).
func (s *State) putFile(a *arguments) error {
	if err := s.prepareTransfer(a.ctx); err != nil {
		return err
	}
	s.sweep(a.ctx)
	if a.key() == "named" {
		path, err := s.localPath(a.text(0))
		if err != nil {
			return err
		}
		if _, last := splitRemote(a.text(1)); last == "" {
			return a.bad(1, "ends in a slash: the name that the file is to have is needed")
		}
		return s.putOne(a.ctx, path, a.text(0), a.text(1))
	}
	dir, last, err := s.files.ResolveParent(s.here, a.text(0))
	if err != nil {
		return err
	}
	if last == "" {
		return a.bad(0, "names no file: name those in it, as in %s", quoted(a.text(0)+"*"))
	}
	subdirs := a.constant(1) == "SUBDIRS"
	if subdirs || netio.HasWildcard(last) {
		return s.putSet(a.ctx, dir, writtenParent(a.text(0), last), last, subdirs)
	}
	path, err := s.localPath(a.text(0))
	if err != nil {
		return err
	}
	return s.putOne(a.ctx, path, a.text(0), last)
}

// putOne uploads the file that the script named as written.
func (s *State) putOne(ctx context.Context, path netio.LocalPath, written, remote string) error {
	exclude, err := newExcluder(localSide, s.exclusions.local, s.files.FoldsCase())
	if err != nil {
		return err
	}
	if p := localPlace(path); exclude.covers(p, max(0, len(p.parts)-1), false) {
		s.tell("Skipping (excluded) %s", path)
		return nil
	}
	if take, err := s.chosenLocal(ctx, path); !take {
		return err
	}
	u := uploader{state: s, ctx: ctx, alone: true}
	return u.upload(path, remote, func(at time.Time, err error) { s.last.settle(written, path.Name(), at, err) })
}

// putSet uploads all that last means in dir, and with subdirs below it, one by
// one in the order of names. parent is how the script wrote dir, with the separator.
func (s *State) putSet(ctx context.Context, dir netio.LocalPath, parent, last string, subdirs bool) error {
	exclude, err := newExcluder(localSide, s.exclusions.local, s.files.FoldsCase())
	if err != nil {
		return err
	}
	var o setOutcome
	chosen := s.newSelection(&o)
	exclude = s.excludeStowedLocal(exclude, dir)
	set := localSet{state: s, pattern: last, subdirs: subdirs, exclude: exclude, from: len(localPlace(dir).parts)}
	err = chosen.firstLook(ctx, func() error {
		w := set
		w.quiet, w.outcome = true, &setOutcome{}
		w.visit = func(path netio.LocalPath, _ []string, entry netio.LocalEntry) bool {
			chosen.noteLocal(path, entry)
			return ctx.Err() == nil
		}
		return w.walk(dir)
	})
	if err != nil {
		return err
	}
	u := uploader{state: s, ctx: ctx}
	var team *crew
	w := set
	w.outcome = &o
	w.visit = func(path netio.LocalPath, rel []string, entry netio.LocalEntry) bool {
		if !chosen.local(path, entry) {
			return true
		}
		written := writtenChild(parent, rel, entry.Name)
		if err := u.enter(rel); err != nil {
			s.tellFile(FileEnd, FileEvent{Upload: true, Local: path.String(), Remote: u.remote(entry.Name), Size: entry.Size}, err)
			s.last.settle(written, entry.Name, entry.ModTime, err)
			return o.add(err)
		}
		remote := u.remote(entry.Name)
		return team.do(entry.Size, func(s *State) error {
			one := uploader{state: s, ctx: ctx, rel: rel}
			return one.upload(path, remote, func(at time.Time, err error) { s.last.settle(written, entry.Name, at, err) })
		}, func(err error) bool {
			s.tellStep(err)
			return o.add(err)
		})
	}
	// Partners wait for a last file, so that they come one by one unless asked otherwise.
	most := s.parallel(1)
	if mode := s.settings.upload; mode != uploadOverwrite && mode != uploadAtomic {
		most = 1 // what was cut on one connection must not begin anew on another
	}
	err = s.inCrew(ctx, most, func(c *crew) error {
		team = c
		return w.walk(dir)
	})
	if err != nil {
		return err
	}
	chosen.end()
	if w.matched == 0 && o.failed == 0 && o.left == 0 {
		if !netio.HasWildcard(last) {
			return &session.Error{
				Op: "looking for " + last, Cause: session.NoSuchLocalFile, Class: session.ClassLocal, Name: last,
				Err: fmt.Errorf("no directory that was looked through holds it"),
			}
		}
		s.tell("No file matches %s", last)
	}
	return o.err("uploaded")
}

// uploader uploads the files of one command.
type uploader struct {
	state *State
	ctx   context.Context
	alone bool // the command is about one file

	rel []string // the directory entered last
	dir string   // rel as the server is told it; "" is the current directory
}

// remote is name in the directory entered last.
func (u *uploader) remote(name string) string { return joinRemote(u.dir, name) }

// enter makes the directory rel below the current one, if it is missing. The walk
// goes depth first, so that what has been made already is a beginning of the
// directory entered last.
func (u *uploader) enter(rel []string) error {
	if slices.Equal(rel, u.rel) {
		return nil
	}
	common := 0
	for common < len(rel) && common < len(u.rel) && rel[common] == u.rel[common] {
		common++
	}
	for i := common; i < len(rel); i++ {
		if err := u.state.ensureRemoteDir(u.ctx, strings.Join(rel[:i], "/"), rel[i]); err != nil {
			return err
		}
		u.rel = slices.Clone(rel[:i+1])
	}
	u.rel, u.dir = slices.Clone(rel), strings.Join(rel, "/")
	return nil
}

// ensureRemoteDir makes name in dir unless it is there. Servers refuse to make
// what exists with the same code as what they do not allow, so only a listing
// tells the two apart.
func (s *State) ensureRemoteDir(ctx context.Context, dir, name string) error {
	path := joinRemote(dir, name)
	refused := s.session.MakeDir(ctx, path)
	if refused == nil {
		if !s.dry.on {
			s.tellVerbose("Made directory %s", path)
		}
		return nil
	}
	if cause := session.CauseOf(refused); cause == session.RemoteExists || ends(cause) {
		if cause == session.RemoteExists {
			return nil
		}
		return refused
	}
	listing, err := s.session.List(ctx, dir)
	if err != nil {
		return refused
	}
	for _, e := range listing.Entries {
		if e.Name == name && (e.Kind == session.KindDir || e.Kind == session.KindLink) {
			return nil
		}
	}
	return withName(refused, "making directory "+path, path)
}

// put uploads one file and verifies it.
func (u *uploader) put(o *sending, path netio.LocalPath, remote string) error {
	err := o.put(remote)
	o.meter.end(err)
	if err != nil || o.skipped {
		return err
	}
	as := ""
	if _, last := splitRemote(o.meter.event.Remote); last != path.Name() {
		as = " as " + o.meter.event.Remote
	}
	u.state.tellDone("Uploaded %s%s, %s%s", path, as, plural64(o.meter.event.Done, "byte"), o.proof)
	return nil
}

func (u *uploader) open(path netio.LocalPath) (*os.File, os.FileInfo, error) {
	file, err := u.state.files.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, u.state.files.Failure("reading", path, err)
	}
	return file, info, nil
}
