package sshconn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/internal/sshlogin"
	"github.com/sftpc/sftpc/netio/session"
)

// abortGrace is how long a command that was given up waits for the server to
// answer what is under way, so that the session can go on.
const abortGrace = 2 * time.Second

// Session is an SSH connection with SFTP on it, or what several sessions share of one.
// It implements session.Session, session.Adjuster, session.Hasher, session.Replacer,
// session.UniqueNamer and session.Sharer. Functions that it calls
// (Observe, Moved, the reader or writer of a transfer) must not call it back.
type Session struct {
	*trunk
	running sync.Mutex // held by the one command that runs

	guest     bool // the connection is another session's
	settings  session.Settings
	directory string // the current directory, which SFTP itself has not; "" is not known; written with trunk.lock held
	commands  int    // how many have begun
	ahead     *ahead // what is known before it is asked for; nil is nothing
	last      session.Reply
	stored    string          // what the newest StoreUnique chose
	ctx       context.Context // of the command that runs
	timer     *time.Timer     // for its waits
	memory    []byte          // for small files
	closed    bool
}

// Dial logs in and starts SFTP.
func Dial(ctx context.Context, endpoint session.Endpoint, settings session.Settings) (*Session, error) {
	op := "connecting to " + endpoint.Host
	settings.Timeouts = settings.Timeouts.WithDefaults()
	settings.Limits = settings.Limits.WithDefaults()
	settings.Features = maps.Clone(settings.Features)
	connection, err := sshlogin.Connect(ctx, endpoint, settings)
	if err != nil {
		return nil, err
	}
	s := newSession(&trunk{host: endpoint.Address, connection: connection, ended: make(chan struct{})}, settings)
	s.ctx = ctx
	for i := range s.companions {
		s.companions[i].of(endpoint, settings, connection)
	}
	go func() {
		connection.Wait()
		close(s.ended)
	}()
	if err := s.start(); err != nil {
		e := asFault(err)
		s.giveUp(e)
		<-s.ended
		e.Op, e.Host, e.Name = op, endpoint.Address, endpoint.Host
		if errors.Is(err, errNoSubsystem) {
			e.Hint = "the account may be allowed a shell and no files: ask who runs the server for the subsystem sftp"
		}
		return nil, e
	}
	return s, nil
}

func newSession(t *trunk, settings session.Settings) *Session {
	s := &Session{trunk: t, settings: settings, timer: time.NewTimer(time.Hour)}
	s.timer.Stop()
	return s
}

// start opens the first lane, and asks where we are.
func (s *Session) start() error {
	var lane *lane
	if err := s.await(s.settings.Timeouts.Connect, func() (err error) {
		lane, err = openLane(s.connection, true)
		return err
	}); err != nil {
		return err
	}
	s.main = lane
	s.note(fmt.Sprintf("SFTP version 3, %d extensions", len(s.extensions())))
	s.readSize, s.writeSize = pieceLength, pieceLength
	s.tell("REALPATH .")
	s.questions = lane.introduce()
	return nil
}

// settle takes the answers to what was asked at the beginning and not waited for:
// where we are, and what the server takes at most. A script that names its files from
// the root does not wait for the first, and before the second is needed it is there.
func (s *Session) settle() error {
	q := s.unsettled()
	if q == nil && s.directory != "" {
		return nil
	}
	if q != nil {
		if err := s.ask(func() error { <-q.answered; return q.home.err }); err != nil {
			return err
		}
		s.settleWith(q)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.directory == "" {
		s.directory = s.home
	}
	return nil
}

// placed sees to it that the current directory is known.
func (s *Session) placed() error {
	if err := s.settle(); err != nil || s.directory != "" {
		return err
	}
	return s.homeless
}

// knownExtensions are those that something here depends on, or that a user may
// want to know of.
func knownExtensions() []string {
	return []string{"posix-rename@openssh.com", "statvfs@openssh.com", "fstatvfs@openssh.com", "hardlink@openssh.com", "fsync@openssh.com",
		"lsetstat@openssh.com", "limits@openssh.com", "expand-path@openssh.com", "copy-data", "home-directory", "users-groups-by-id@openssh.com",
		"check-file", "copy-file", "vendor-id", "versions", "supported2", "acl-supported", "space-available"}
}

func (s *Session) extensions() map[string]string {
	found := map[string]string{}
	if s.main == nil {
		return found
	}
	for _, name := range knownExtensions() {
		if data, ok := s.main.library.HasExtension(name); ok {
			found[name] = printable(data)
		}
	}
	return found
}

// printable keeps what an extension says of itself where it is a version or a
// word, and not the binary that some have.
func printable(data string) string {
	for _, c := range []byte(data) {
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return data
}

// Caps answers from what is known already. Features are the server's extensions.
func (s *Session) Caps() session.Caps {
	s.running.Lock()
	defer s.running.Unlock()
	limits := s.told()
	return session.Caps{
		ExactTimes: true, SetTimes: true, Chmod: true, Resume: true, BytesOnly: true,
		Features: s.extensions(),
		Greeting: string(s.connection.ServerVersion()),
		Overlap:  overlap,
		Packets:  limits,
		Abreast:  abreast(limits),
	}
}

// LastReply is what the server said last of a request about a name. SFTP has no
// reply codes.
func (s *Session) LastReply() session.Reply {
	s.running.Lock()
	defer s.running.Unlock()
	return s.last
}

// StoredName is the name that the newest upload with StoreUnique was given.
func (s *Session) StoredName() string {
	s.running.Lock()
	defer s.running.Unlock()
	return s.stored
}

// Adjust takes new time-outs and features, and how many connections there may be, for
// the following commands.
func (s *Session) Adjust(settings session.Settings) {
	s.running.Lock()
	defer s.running.Unlock()
	s.settings.Timeouts = settings.Timeouts.WithDefaults()
	s.settings.Features = maps.Clone(settings.Features)
	s.settings.Connections = settings.Connections
}

// Close ends the connection, unless it is another session's. A command that still runs
// in another goroutine ends at once with ConnectionLost; where the connection is
// another's it is waited for. SSH has no farewell that a server would answer, so
// nothing is waited for but our own goroutines.
func (s *Session) Close(context.Context) error {
	if !s.guest && !s.running.TryLock() {
		s.connection.Close()
		s.running.Lock()
	} else if s.guest {
		s.running.Lock()
	}
	defer s.running.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.guest {
		return nil
	}
	s.hangUp(errClosed)
	<-s.ended
	s.extra.wait()
	for i := range s.companions {
		s.companions[i].wait()
	}
	return nil
}

// do runs one command and gives its error a place.
func (s *Session) do(ctx context.Context, op, name string, command func() error) error {
	s.running.Lock()
	defer s.running.Unlock()
	s.ctx = ctx
	if err := s.begin(ctx); err != nil {
		err.Op, err.Host, err.Name, err.Unsent = op, s.host, name, true
		return err
	}
	s.commands++
	err := command()
	if err == nil {
		if s.last = (session.Reply{Text: "OK"}); s.settings.Observe != nil {
			s.observe(session.Wire{Kind: session.WireReply, Text: "OK"})
		}
		return nil
	}
	e := *asFault(err)
	e.Op, e.Host, e.Name = op, s.host, name
	var said status
	if errors.As(err, &said) {
		s.last = session.Reply{Text: said.text}
		s.observe(session.Wire{Kind: session.WireReply, Text: fmt.Sprintf("%s %s", statusName(said.code), said.text)})
	}
	return &e
}

func (s *Session) begin(ctx context.Context) *session.Error {
	switch {
	case s.closed:
		return fault(session.NotConnected, errors.New("the session was closed"))
	case s.lost() != nil:
		e := fault(session.ConnectionLost, s.lost())
		e.Unsent = true
		return e
	case ctx.Err() != nil:
		return cancelled(ctx)
	}
	if err := s.main.wire.why(); err != nil {
		s.giveUp(asFault(err))
		e := *asFault(err)
		e.Unsent = true
		return &e
	}
	return nil
}

// await runs what waits for the server, and gives the connection up where it does
// not answer in time: nobody knows which answers would still come. A command that
// is cancelled leaves the server a moment, for the session's sake.
func (s *Session) await(within time.Duration, ask func() error) error {
	done := make(chan error, 1)
	go func() {
		// What a server sends must not end the program, whatever the library makes
		// of it.
		defer func() {
			if r := recover(); r != nil {
				done <- nonsense("what the library does not survive: %v", r)
			}
		}()
		done <- ask()
	}()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case err := <-done:
		return s.reason(err)
	case <-timer.C:
		e := fault(session.ReplyTimeout, fmt.Errorf("no answer within %s", within))
		s.giveUp(e)
		<-done
		return e
	case <-s.ctx.Done():
	}
	e := cancelled(s.ctx)
	timer.Reset(min(abortGrace, within))
	select {
	case <-done:
	case <-timer.C:
		s.giveUp(e)
		<-done
	}
	return e
}

// ask is await with the time-out of replies.
func (s *Session) ask(ask func() error) error { return s.await(s.settings.Timeouts.Reply, ask) }

// reason puts in the place of an error that the wire's end caused why it ended,
// and gives the connection up then.
func (s *Session) reason(err error) error {
	if err == nil || s.main == nil {
		return err
	}
	why := s.main.wire.why()
	if why == nil {
		return err
	}
	if why == errChannelEnded {
		// Which of the two went first is known a moment later.
		select {
		case <-s.ended:
			why = errConnectionEnded
		case <-time.After(100 * time.Millisecond):
		}
	}
	e := asFault(why)
	s.giveUp(e)
	switch e.Cause {
	case session.ReplyTimeout, session.DataTimeout, session.Cancelled:
		// Of another session on the same connection, which gave it up.
		return fault(session.ConnectionLost, e)
	}
	return e
}

func (s *Session) note(text string) {
	s.observe(session.Wire{Kind: session.WireNote, Text: text})
}

// tell shows a request as it would look as a command line.
func (s *Session) tell(format string, args ...any) {
	if s.settings.Observe != nil {
		s.observe(session.Wire{Kind: session.WireCommand, Text: fmt.Sprintf(format, args...)})
	}
}

func (s *Session) observe(w session.Wire) {
	if s.settings.Observe != nil {
		s.settings.Observe(w)
	}
}
