package ftpconn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/jlaffaye/ftp"

	"github.com/sftpc/sftpc/netio/session"
)

// farewell bounds how long QUIT is waited for.
const farewell = 3 * time.Second

// Session is an FTP control connection that is logged in. It implements
// session.Session and session.Adjuster. Functions that it calls (Observe,
// DataMode, Moved, the reader or writer of a transfer) must not call it back.
type Session struct {
	running sync.Mutex // held by the one command that runs

	host     string // host:port for messages
	settings session.Settings
	control  *control
	shim     *shim
	library  *ftp.ServerConn
	local    netip.Addr // our end of the control connection; invalid if it is not plain TCP
	peer     netip.Addr // the server's end
	dialHost string     // where passive data connections go
	namesFor string     // the system on which names of listings must be safe, "" is this one
	proxied  bool       // settings.Dial goes through Endpoint.Proxy

	protection *protection  // nil in the clear
	heard      *overhearing // what goes by below TLS on the control connection

	keepAlive     time.Duration     // between two NOOPs of a transfer
	quiet         time.Duration     // without a byte on the control connection is long for what lies in between
	keptAlive     session.KeepAlive // what NOOPs in transfers do here
	undecoded     bool              // nobody decodes names
	notUTF8       bool              // and some were not written in UTF-8
	paths         string            // one of session.PathStyles; "" is not known
	askedSYST     bool
	recalledPaths bool // they were so in an earlier session only
	greeting      string
	features      map[string]string
	unknown       map[string]bool // commands that this server turned out not to know
	passedEPSV    bool            // EPSV was refused or led nowhere while PASV worked
	// recalledEPSV says that it was so in an earlier session only.
	recalledEPSV bool
	setsTime     string // the command that has set a file's time; "" is not known
	listZone     listZone
	replacing    replacing
	dialect      string // of the newest LIST, "" before
	lastPort     int    // where the last active connection was listened for
	directory    string // the current directory, "" when it must be asked
	wantedType   session.Type
	actualType   session.Type
	buffer       []byte // for copying, made when first needed
	stored       string // the name of the newest STOU, "" if it was not told
	chosenHash   string // by OPTS HASH, "" before

	op     operation
	owed   owing          // what an abort has left to be waited for
	gone   *session.Error // why the connection was given up
	closed bool
}

// operation is what one call of a method does on the wire.
type operation struct {
	ctx  context.Context
	verb string // of the newest command
	mode *session.DataMode
	raw  bool // the command is the script's, and any reply may be meant

	rewrite func(line string) string // turns the library's data command into the one meant
	consume func(*dataConn) error    // takes a listing's bytes instead of the library

	data    *dataConn
	noops   int           // were sent while bytes moved
	silence time.Duration // while they moved, where nothing went over the control connection

	prepared session.Reply // the server's answer to EPSV, PASV, EPRT or PORT
	transfer bool          // a data command was sent
	begun    bool          // and its 1xx has come
	aborted  bool          // ABOR was sent

	// failure ends the operation: nothing more of it is said to the server.
	failure *session.Error
	// broken is what the data connection ran into; the server's reply may know
	// better and goes first.
	broken error
}

// Caps answers from what is known already.
func (s *Session) Caps() session.Caps {
	s.running.Lock()
	defer s.running.Unlock()
	return session.Caps{
		DataConnections: true,
		ExactTimes:      s.usesMLSD() || s.has("MDTM"),
		SetTimes:        s.canSetTime(),
		Chmod:           !s.unknown["SITE CHMOD"],
		Resume:          s.may("REST") && s.wantedType == session.TypeBinary,
		RawCommands:     true,
		Features:        maps.Clone(s.features),
		Greeting:        s.greeting,
	}
}

// LastReply is the newest reply, without those to keep-alives and probes.
func (s *Session) LastReply() session.Reply {
	s.running.Lock()
	defer s.running.Unlock()
	return s.control.last
}

// Adjust takes new time-outs and features for the following commands.
func (s *Session) Adjust(settings session.Settings) {
	s.running.Lock()
	defer s.running.Unlock()
	s.settings.Timeouts = settings.Timeouts.WithDefaults()
	s.settings.Features = maps.Clone(settings.Features)
}

// Close says good-bye if the connection is in step and closes it. A command that
// still runs in another goroutine ends at once with ConnectionLost.
func (s *Session) Close(ctx context.Context) error {
	if !s.running.TryLock() {
		s.control.close()
		s.running.Lock()
	}
	defer s.running.Unlock()
	if s.closed {
		return nil
	}
	if s.gone == nil && !s.owed.replies && ctx.Err() == nil && s.control.discard() == nil {
		ctx, stop := context.WithTimeout(ctx, min(farewell, s.settings.Timeouts.Reply))
		s.op = operation{ctx: ctx}
		s.exchange("QUIT")
		stop()
	}
	s.closed = true
	s.control.close()
	s.tellLearned()
	return nil
}

// do runs one command: it brings the control connection into step, calls the
// command, cleans up after it and gives the error its place.
func (s *Session) do(ctx context.Context, op, name string, command func() error) error {
	return s.doAgain(ctx, op, name, func() bool { return true }, command)
}

// doAgain is do for a command that may be run twice only if again says so.
func (s *Session) doAgain(ctx context.Context, op, name string, again func() bool, command func() error) error {
	s.running.Lock()
	defer s.running.Unlock()
	e := s.begin(ctx)
	attempt := func() *session.Error { return s.attempt(ctx, name, command) }
	if e != nil {
		e.Unsent = true
	} else if e = s.attemptResumed(attempt(), again, attempt); e == nil {
		return nil
	}
	e.Op, e.Host, e.Name = op, s.host, name
	return e
}

// attempt runs command as an operation of its own and says why it failed.
func (s *Session) attempt(ctx context.Context, name string, command func() error) *session.Error {
	s.op = operation{ctx: ctx}
	s.control.answer = session.Reply{}
	s.shim.reset()
	err := command()
	s.cleanUp()
	e, certain := s.verdict(err)
	s.learnFromTransfer(e)
	if e != nil && !certain && s.gone == nil && !s.owed.replies {
		s.investigate(e, s.op.verb, name)
	}
	s.hintAtEncoding(e, name)
	return e
}

// nested runs command within another operation, whose state it leaves alone.
func (s *Session) nested(command func() error) *session.Error {
	outer, answer := s.op, s.control.answer
	s.op = operation{ctx: outer.ctx}
	s.control.answer = session.Reply{}
	s.shim.reset()
	err := command()
	s.cleanUp()
	e, _ := s.verdict(err)
	s.learnFromTransfer(e)
	s.op, s.control.answer = outer, answer
	return e
}

func (s *Session) begin(ctx context.Context) *session.Error {
	switch {
	case s.closed:
		return fault(session.NotConnected, errors.New("the session was closed"))
	case s.gone != nil:
		e := fault(session.ConnectionLost, s.gone)
		e.Reply = s.gone.Reply
		return e
	case ctx.Err() != nil:
		return cancelled(ctx)
	}
	if s.owed.replies {
		if e := s.resync(ctx, s.settings.Timeouts.Reply); e != nil {
			if e.Cause != session.Cancelled {
				s.giveUp(e)
			}
			return e
		}
	}
	if err := s.control.discard(); err != nil {
		e := asFault(err)
		s.giveUp(e)
		return e
	}
	if s.control.noops > 0 {
		if e := s.catchUp(ctx); e != nil {
			return e
		}
	}
	return nil
}

// cleanUp leaves no data connection behind and no reply that the next command
// would take for its own: a transfer is aborted, anything else costs the session.
func (s *Session) cleanUp() {
	if s.op.data != nil {
		s.op.data.Close()
	}
	failure, over := s.op.failure, s.control.isOver()
	switch {
	case failure != nil && (over || failure.Reply.Code == 421):
		s.giveUp(failure)
	case s.control.pending && over:
		s.giveUp(s.control.lost(s.control.ending))
	case s.control.pending && s.op.transfer:
		s.settle()
	case s.control.pending && failure != nil:
		s.giveUp(failure)
	case s.control.pending:
		s.giveUp(fault(session.ConnectionLost, errors.New("a command was left without its reply")))
	}
}

// giveUp closes the control connection; later commands name the reason.
func (s *Session) giveUp(reason *session.Error) {
	if s.gone == nil {
		s.gone = reason
	}
	s.control.close()
}

// fail notes the error that ends the operation; the first one counts.
func (s *Session) fail(err error) *session.Error {
	if s.op.failure == nil {
		s.op.failure = asFault(err)
	}
	return s.op.failure
}

func asFault(err error) *session.Error {
	var e *session.Error
	if errors.As(err, &e) {
		return e
	}
	return fault(session.Internal, err)
}

// verdict says what became of the operation, given what the library thinks of
// it. An error that we noticed goes before the server's refusal, and that before
// a data connection that merely broke.
func (s *Session) verdict(err error) (e *session.Error, certain bool) {
	defer func() {
		if e != nil {
			s.complete(e)
		}
	}()
	if s.op.failure != nil {
		copied := *s.op.failure
		return &copied, true
	}
	if err == nil && s.op.broken == nil {
		return nil, true
	}
	var known *session.Error
	if errors.As(err, &known) {
		copied := *known
		return &copied, true
	}
	last := s.control.answer
	switch {
	case negative(last.Code) && s.refusesReuse(last):
		return notResumed(last), true
	case negative(last.Code):
		e, certain = ofReply(s.op.verb, last, s.isActive())
		e.Err = s.op.broken
		inHandshake := s.op.broken == errRefusedMidway && s.protection != nil && s.protection.data
		// All of an upload may be with the system before the end of the other side is.
		inHandshake = inHandshake || s.op.broken == nil && s.op.data != nil && s.op.data.secured != nil
		if (e.Cause == session.PassiveDataFailed || e.Cause == session.ActiveDataFailed) && (isBroken(s.op.broken) || errors.Is(s.op.broken, errNoEnd) || inHandshake) {
			// We had the connection, so nothing keeps it from being made: it broke before the
			// server could use it.
			e.Cause, e.Class = session.DataLost, session.DataLost.Class()
		}
		return e, certain
	case errors.As(s.op.broken, &known):
		copied := *known
		return &copied, true
	case s.op.broken != nil:
		return fault(session.DataLost, s.op.broken), true
	case errors.Is(err, ftp.ErrInvalidCommand):
		return fault(session.BadArgument, err), true
	case last.Code == 331 || last.Code == 332:
		return ofReply(s.op.verb, last, false)
	}
	e = fault(session.ProtocolError, err)
	e.Reply = last
	return e, true
}

// complete adds what is known of the data connection.
func (s *Session) complete(e *session.Error) {
	if s.op.data != nil && e.Data == nil {
		about := s.op.data.description()
		e.Data = &about
	}
	switch e.Cause {
	case session.DataTimeout, session.DataLost, session.ActiveDataFailed, session.PassiveDataFailed:
		if e.Reply.Code == 0 {
			e.Reply = s.op.prepared
		}
		if e.Hint == "" {
			e.Hint = s.hintFor(e)
		}
	}
}

// exchange sends one command and returns its final reply. The error is for
// replies that did not come; it ends the operation.
func (s *Session) exchange(line string) (session.Reply, *session.Error) {
	return s.exchangeWithin(line, waiting{reply: s.settings.Timeouts.Reply})
}

func (s *Session) exchangeWithin(line string, w waiting) (session.Reply, *session.Error) {
	s.op.verb = verbOf(line)
	if err := s.control.send(s.op.ctx, line, s.settings.Timeouts.Reply); err != nil {
		return session.Reply{}, s.fail(err)
	}
	reply, err := s.answer(w)
	if err != nil {
		return reply, s.fail(err)
	}
	return reply, nil
}

// answer takes the final reply of a command that moves no data. What only puts us
// off does not stretch the time that it may take.
func (s *Session) answer(w waiting) (session.Reply, error) {
	start, within := time.Now(), w.reply
	for range mostUnasked {
		reply, err := s.control.await(s.op.ctx, w)
		if err != nil || !preliminary(reply.Code) && !s.passOver(reply) {
			return reply, err
		}
		w.reply, w.whole = until(start, within), within
	}
	return session.Reply{}, fault(session.ProtocolError, protocolFault("the server sends replies and no answer"))
}

// passOver drops a reply that only a transfer can have when another command is
// waiting for its own: some servers confirm a transfer twice, and a change of
// directory must not take the second 226 for a yes.
func (s *Session) passOver(reply session.Reply) bool {
	switch reply.Code {
	case 225, 226, 426:
	default:
		return false
	}
	if s.op.transfer || s.op.raw {
		return false
	}
	s.control.pending = true
	s.note(fmt.Sprintf("a %d that answers no %s was passed over", reply.Code, s.op.verb))
	return true
}

func (s *Session) note(text string) {
	s.observe(session.Wire{Kind: session.WireNote, Text: text})
}

func (s *Session) observe(w session.Wire) {
	if s.settings.Observe != nil {
		s.settings.Observe(w)
	}
}

// mode asks once an operation how the data connection is to be made.
func (s *Session) mode() session.DataMode {
	if s.op.mode == nil {
		var mode session.DataMode
		if s.settings.DataMode != nil {
			mode = s.settings.DataMode()
		}
		s.op.mode = &mode
	}
	return *s.op.mode
}

func (s *Session) isActive() bool { return s.op.mode != nil && s.op.mode.Active }

// dial makes a TCP connection within the given time.
func (s *Session) dial(ctx context.Context, address string, within time.Duration) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	return dialWith(ctx, s.settings, address)
}

func dialWith(ctx context.Context, settings session.Settings, address string) (net.Conn, error) {
	if settings.Dial != nil {
		return settings.Dial(ctx, "tcp", address)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}
