package pretend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

// Server is what a server's files would be. It outlives sessions: who logs in again
// finds what was changed before.
type Server struct{ tree *Tree[session.Entry] }

// NewServer returns one to which nothing has happened.
func NewServer() *Server { return &Server{NewTree[session.Entry]()} }

// Session carries out nothing that changes the server: such things happen in mind, and
// later questions see them. Everything else is asked of the session below. Like that one
// it is for one goroutine at a time.
type Session struct {
	base   session.Session
	server *Server
	tell   func(Effect)
	now    func() time.Time

	// here is the current directory by its components, once it was asked for; where it
	// is there in mind only, the session below is somewhere else.
	here    []string
	known   bool
	virtual bool
	stored  string
	last    *session.Reply // stands for a reply that never came
}

var (
	_ session.Session     = (*Session)(nil)
	_ session.Adjuster    = (*Session)(nil)
	_ session.Hasher      = (*Session)(nil)
	_ session.Dater       = (*Session)(nil)
	_ session.Glancer     = (*Session)(nil)
	_ session.UniqueNamer = (*Session)(nil)
	_ session.Replacer    = (*Session)(nil)
)

// Over is a Session over base. tell is told each effect; now is the time of what is
// changed in mind.
func Over(base session.Session, server *Server, tell func(Effect), now func() time.Time) *Session {
	return &Session{base: base, server: server, tell: tell, now: now}
}

// Base is the session below.
func (s *Session) Base() session.Session { return s.base }

// clean are the components of a name; ".." is carried out.
func clean(name string) []string {
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			parts = parts[:max(0, len(parts)-1)]
		default:
			parts = append(parts, part)
		}
	}
	return parts
}

// parts are the components of a name from the root.
func (s *Session) parts(ctx context.Context, name string) ([]string, error) {
	if strings.HasPrefix(name, "/") {
		return clean(name), nil
	}
	if !s.known {
		dir, err := s.base.CurrentDir(ctx)
		if err != nil {
			return nil, err
		}
		s.here, s.known = clean(dir), true
	}
	return clean("/" + strings.Join(s.here, "/") + "/" + name), nil
}

// real is how the session below is asked for a place: by the name that was given where
// that means the same to it, so that servers with names of another form are asked in it.
func (s *Session) real(name string, parts []string, p Place[session.Entry]) string {
	if slices.Equal(p.Base, parts) && (!s.virtual || strings.HasPrefix(name, "/")) {
		return name
	}
	return "/" + strings.Join(p.Base, "/")
}

func missing(op, name string) error {
	return &session.Error{Op: op + " " + name, Cause: session.NoSuchRemoteFile, Class: session.ClassPermanent, Name: name, Err: errors.New("it is not there any more in this dry run")}
}

func refuse(op, name string, cause session.Cause, why string) error {
	return &session.Error{Op: op + " " + name, Cause: cause, Class: cause.Class(), Name: name, Err: errors.New(why)}
}

// find is the place of a name.
func (s *Session) find(ctx context.Context, name string) (parts []string, p Place[session.Entry], err error) {
	if parts, err = s.parts(ctx, name); err != nil {
		return nil, p, err
	}
	return parts, s.server.tree.Find(parts), nil
}

// Caps are those of the session below.
func (s *Session) Caps() session.Caps { return s.base.Caps() }

// CurrentDir is where this run would be.
func (s *Session) CurrentDir(ctx context.Context) (string, error) {
	if s.virtual {
		return "/" + strings.Join(s.here, "/"), nil
	}
	dir, err := s.base.CurrentDir(ctx)
	if err == nil {
		s.here, s.known = clean(dir), true
	}
	return dir, err
}

// ChangeDir goes to a directory, in mind where it is there in mind only.
func (s *Session) ChangeDir(ctx context.Context, dir string) error {
	parts, p, err := s.find(ctx, dir)
	switch {
	case err != nil:
		return err
	case p.Gone:
		return missing("entering", dir)
	case p.File != nil:
		return refuse("entering", dir, session.RemoteRefused, "it is a file")
	case p.Made || !slices.Equal(p.Base, parts):
		if !p.Made {
			if e, err := s.base.Stat(ctx, s.real(dir, parts, p)); err != nil || e.Kind == session.KindFile {
				return errors.Join(err, refuse("entering", dir, session.RemoteRefused, "it is no directory"))
			}
		}
		s.here, s.known, s.virtual = parts, true, true
		return nil
	}
	if err := s.base.ChangeDir(ctx, s.real(dir, parts, p)); err != nil {
		return err
	}
	s.known, s.virtual = false, false
	return nil
}

// MakeDir makes a directory in mind.
func (s *Session) MakeDir(ctx context.Context, dir string) error {
	parts, err := s.free(ctx, "making directory", dir)
	if err != nil {
		return err
	}
	s.server.tree.PutDir(parts)
	s.tell(Effect{Kind: MakeDir, Name: dir, Remote: true})
	return nil
}

// free makes sure that a name could be made: nothing bears it, and its directory is
// there.
func (s *Session) free(ctx context.Context, op, name string) ([]string, error) {
	parts, err := s.parts(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, refuse(op, name, session.RemoteExists, "it is the root")
	}
	switch _, err := s.Stat(ctx, name); session.CauseOf(err) {
	case session.CauseNone:
		return nil, refuse(op, name, session.RemoteExists, "the name exists already")
	case session.NoSuchRemoteFile:
	default:
		return nil, err
	}
	return parts, s.within(ctx, op, name, parts)
}

// within makes sure that the directory of a name is there.
func (s *Session) within(ctx context.Context, op, name string, parts []string) error {
	if len(parts) < 2 {
		return nil
	}
	parent := parts[:len(parts)-1]
	switch p := s.server.tree.Find(parent); {
	case p.Gone:
		return missing(op, name)
	case p.File != nil:
		return refuse(op, name, session.RemoteRefused, "its directory is a file")
	case p.Made:
		return nil
	case slices.Equal(parent, s.here) && !s.virtual:
		return nil // this run is there
	}
	// What cannot be found out is taken for a directory that is there.
	e, err := s.Stat(ctx, "/"+strings.Join(parent, "/"))
	if session.CauseOf(err) == session.NoSuchRemoteFile {
		return err
	}
	if err == nil && e.Kind == session.KindFile {
		return refuse(op, name, session.RemoteRefused, "its directory is a file")
	}
	return nil
}

// RemoveDir removes an empty directory in mind.
func (s *Session) RemoveDir(ctx context.Context, dir string) error {
	parts, err := s.parts(ctx, dir)
	if err != nil {
		return err
	}
	e, err := s.Stat(ctx, dir)
	switch {
	case err != nil && session.CauseOf(err) != session.NotSupported:
		return err
	case err == nil && e.Kind != session.KindDir, len(parts) == 0:
		return refuse("removing directory", dir, session.RemoteRefused, "it is no directory that can be removed")
	}
	listing, err := s.List(ctx, dir)
	switch {
	case err != nil:
		return err
	case len(listing.Entries)+listing.Unknown+listing.Hostile > 0:
		return refuse("removing directory", dir, session.DirectoryNotEmpty, "it is not empty")
	}
	s.server.tree.Remove(parts)
	s.tell(Effect{Kind: RemoveDir, Name: dir, Remote: true})
	return nil
}

// List is the listing of the session below, as it would be by now.
func (s *Session) List(ctx context.Context, dir string) (session.Listing, error) {
	parts, p, err := s.find(ctx, dir)
	var l session.Listing
	switch {
	case err != nil:
		return l, err
	case p.Gone:
		return l, missing("listing", dir)
	case p.File != nil:
		return l, refuse("listing", dir, session.RemoteRefused, "it is a file")
	case p.Made:
		l.Source = "MLSD"
	default:
		if l, err = s.base.List(ctx, s.real(dir, parts, p)); err != nil {
			return l, err
		}
	}
	put, gone := s.server.tree.Names(parts)
	l.Entries = slices.DeleteFunc(l.Entries, func(e session.Entry) bool { return slices.Contains(put, e.Name) || slices.Contains(gone, e.Name) })
	for _, name := range put {
		e, err := s.Stat(ctx, "/"+strings.Join(join(parts, []string{name}), "/"))
		if err != nil {
			return l, err
		}
		e.Name = name
		l.Entries = append(l.Entries, e)
	}
	return l, nil
}

// Stat is what would be told of a name by now.
func (s *Session) Stat(ctx context.Context, name string) (session.Entry, error) {
	parts, p, err := s.find(ctx, name)
	switch {
	case err != nil:
		return session.Entry{}, err
	case p.Gone:
		return session.Entry{}, missing("asking for", name)
	case p.File != nil:
		e := *p.File
		e.Name = name
		return e, nil
	case p.Made:
		return session.Entry{Name: name, Kind: session.KindDir, Size: -1, Time: s.now().UTC(), Exact: true}, nil
	}
	return s.base.Stat(ctx, s.real(name, parts, p))
}

// Glance is Stat without a listing.
func (s *Session) Glance(ctx context.Context, name string) (session.Entry, bool, error) {
	parts, p, err := s.find(ctx, name)
	switch {
	case err != nil:
		return session.Entry{}, false, err
	case p.Real:
		return session.Glance(ctx, s.base, s.real(name, parts, p))
	case p.Gone:
		return session.Entry{}, false, nil
	}
	e, err := s.Stat(ctx, name)
	return e, err == nil, err
}

// Dated asks the session below for a directory that it has itself.
func (s *Session) Dated(ctx context.Context, dir string, l session.Listing) (session.Listing, error) {
	dater, ok := s.base.(session.Dater)
	parts, p, err := s.find(ctx, dir)
	if err != nil || !ok || !p.Real || !s.server.tree.Untouched(parts) {
		return l, err
	}
	return dater.Dated(ctx, s.real(dir, parts, p), l)
}

// Download moves no bytes to a FastFile: its file gets the length that it would have. Any
// other writer is given them, since reading changes nothing.
func (s *Session) Download(ctx context.Context, name string, offset int64, w io.Writer) (int64, error) {
	parts, p, err := s.find(ctx, name)
	if err != nil {
		return 0, err
	}
	to, fast := w.(session.FastFile)
	if !fast && p.Real {
		return s.base.Download(ctx, s.real(name, parts, p), offset, w)
	}
	e, err := s.Stat(ctx, name)
	if err != nil && session.CauseOf(err) != session.NotSupported {
		return 0, err
	}
	size := e.Size
	if err == nil && e.Kind == session.KindDir {
		return 0, refuse("downloading", name, session.RemoteRefused, "it is a directory")
	}
	left := max(0, size-offset)
	if fast {
		file := to.File()
		if err := file.Truncate(max(0, size)); err != nil {
			return 0, err
		}
		if _, err := file.Seek(0, io.SeekEnd); err != nil {
			return 0, err
		}
		to.Moved(left)
	}
	if err != nil {
		size = -1
	}
	s.tell(Effect{Kind: Download, Name: name, Size: size, Remote: true})
	return left, nil
}

// lengthOf is how many bytes a reader has, which is at its end then.
func lengthOf(r io.Reader) (int64, error) {
	from, fast := r.(session.FastFile)
	if !fast {
		return io.Copy(io.Discard, r)
	}
	file := from.File()
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	from.Moved(end - at)
	return end - at, nil
}

// Upload makes the file in mind.
func (s *Session) Upload(ctx context.Context, name string, mode session.StoreMode, r io.Reader) (int64, error) {
	if mode == session.StoreUnique {
		for n, first := 1, name; ; n++ {
			if _, err := s.Stat(ctx, name); session.CauseOf(err) == session.NoSuchRemoteFile {
				break
			} else if err != nil {
				return 0, err
			}
			name = fmt.Sprintf("%s.%d", first, n)
		}
		s.stored = name
	}
	begin := int64(0)
	if mode == session.StoreAppend {
		if e, err := s.Stat(ctx, name); err == nil {
			begin = max(0, e.Size)
		} else if session.CauseOf(err) != session.NoSuchRemoteFile && session.CauseOf(err) != session.NotSupported {
			return 0, err
		}
	}
	return s.store(ctx, name, begin, r)
}

// UploadFrom goes on in mind.
func (s *Session) UploadFrom(ctx context.Context, name string, offset int64, r io.Reader) (int64, error) {
	return s.store(ctx, name, offset, r)
}

// store makes name a file of begin bytes and those of r.
func (s *Session) store(ctx context.Context, name string, begin int64, r io.Reader) (int64, error) {
	parts, err := s.parts(ctx, name)
	if err != nil {
		return 0, err
	}
	e, err := s.Stat(ctx, name)
	there := err == nil
	switch {
	case there && e.Kind == session.KindDir, len(parts) == 0:
		return 0, refuse("uploading", name, session.RemoteRefused, "it is a directory")
	case !there && session.CauseOf(err) == session.NoSuchRemoteFile:
		if err := s.within(ctx, "uploading", name, parts); err != nil {
			return 0, err
		}
	case !there && session.CauseOf(err) != session.NotSupported:
		return 0, err
	}
	n, err := lengthOf(r)
	if err != nil {
		return n, err
	}
	s.server.tree.PutFile(parts, session.Entry{Kind: session.KindFile, Size: begin + n, Time: s.now().UTC().Truncate(time.Second), Exact: true})
	if !names.IsPart(parts[len(parts)-1]) { // what is renamed when whole is told then
		s.tell(Effect{Kind: Upload, Name: name, Size: n, Replaces: there && begin == 0, Remote: true})
	}
	return n, nil
}

// StoredName is the name that the newest upload with StoreUnique would have.
func (s *Session) StoredName() string { return s.stored }

// Remove deletes a file in mind.
func (s *Session) Remove(ctx context.Context, name string) error {
	parts, err := s.parts(ctx, name)
	if err != nil {
		return err
	}
	e, err := s.Stat(ctx, name)
	switch {
	case err != nil && session.CauseOf(err) != session.NotSupported:
		return err
	case err == nil && e.Kind == session.KindDir, len(parts) == 0:
		return refuse("deleting", name, session.RemoteRefused, "it is a directory")
	}
	s.server.tree.Remove(parts)
	if !names.IsPart(parts[len(parts)-1]) {
		s.tell(Effect{Kind: Delete, Name: name, Remote: true})
	}
	return nil
}

// Rename moves in mind. What servers say to a name that exists differs; here it is
// replaced if it is a file.
func (s *Session) Rename(ctx context.Context, from, to string) error { return s.Replace(ctx, from, to) }

// Replace is Rename.
func (s *Session) Replace(ctx context.Context, from, to string) error {
	source, err := s.parts(ctx, from)
	if err != nil {
		return err
	}
	target, err := s.parts(ctx, to)
	if err != nil {
		return err
	}
	what, err := s.Stat(ctx, from)
	if err != nil && session.CauseOf(err) != session.NotSupported {
		return err
	}
	there, err := s.Stat(ctx, to)
	switch exists := err == nil; {
	case len(source) == 0, len(target) == 0, exists && there.Kind == session.KindDir:
		return refuse("renaming "+from+" to", to, session.RemoteExists, "it is a directory")
	case !exists && session.CauseOf(err) == session.NoSuchRemoteFile:
		if err := s.within(ctx, "renaming "+from+" to", to, target); err != nil {
			return err
		}
	case !exists && session.CauseOf(err) != session.NotSupported:
		return err
	}
	s.server.tree.Move(source, target)
	switch {
	case !names.IsPart(source[len(source)-1]):
		s.tell(Effect{Kind: Rename, Name: from, To: to, Replaces: err == nil, Remote: true})
	case !names.IsPart(target[len(target)-1]):
		s.tell(Effect{Kind: Upload, Name: to, Size: what.Size, Replaces: err == nil, Remote: true})
	}
	return nil
}

// Chmod sets no permissions.
func (s *Session) Chmod(ctx context.Context, name string, mode uint32) error {
	if _, err := s.Stat(ctx, name); err != nil && session.CauseOf(err) != session.NotSupported {
		return err
	}
	s.tell(Effect{Kind: Chmod, Name: name, To: fmt.Sprintf("%03o", mode), Remote: true})
	return nil
}

// SetModTime sets a time in mind. It is part of a transfer and told as that.
func (s *Session) SetModTime(ctx context.Context, name string, at time.Time) error {
	parts, err := s.parts(ctx, name)
	if err != nil {
		return err
	}
	e, err := s.Stat(ctx, name)
	if err != nil || e.Kind != session.KindFile {
		return err
	}
	e.Time, e.Exact, e.Grain = at.UTC(), true, 0
	s.server.tree.PutFile(parts, e)
	return nil
}

// SetType tells the session below: no file comes of it.
func (s *Session) SetType(ctx context.Context, t session.Type) error { return s.base.SetType(ctx, t) }

// Hash is the server's for what it really has.
func (s *Session) Hash(ctx context.Context, name string, algorithms []string) (string, []byte, error) {
	parts, p, err := s.find(ctx, name)
	if err != nil {
		return "", nil, err
	}
	hasher, ok := s.base.(session.Hasher)
	if !ok || !p.Real {
		return "", nil, refuse("asking for the hash of", name, session.NotSupported, "nothing was moved")
	}
	return hasher.Hash(ctx, s.real(name, parts, p), algorithms)
}

// Raw sends nothing: who knows what it would do.
func (s *Session) Raw(_ context.Context, line string) (session.Reply, error) {
	s.tell(Effect{Kind: Send, To: line, Remote: true})
	s.last = &session.Reply{Code: 200, Text: "not sent: this is a dry run"}
	return *s.last, nil
}

// LastReply is the newest reply of the server, or what stands for the newest that was
// not asked for.
func (s *Session) LastReply() session.Reply {
	if s.last != nil {
		return *s.last
	}
	return s.base.LastReply()
}

// Adjust tells the session below.
func (s *Session) Adjust(settings session.Settings) {
	if open, ok := s.base.(session.Adjuster); ok {
		open.Adjust(settings)
	}
}

// Close ends the session below.
func (s *Session) Close(ctx context.Context) error { return s.base.Close(ctx) }
