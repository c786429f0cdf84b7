package server

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/server/door"
	"github.com/sftpc/sftpc/netio/server/fault"
)

// Bounds of what one connection may make the server hold.
const (
	maxLine    = 8 << 10  // bytes of a command line; the longest path is 4 KiB
	maxDiscard = 64 << 10 // bytes of a line that is too long, before the connection is closed
	maxQueued  = 32       // commands that wait for the end of a transfer
)

// session is one control connection. Its fields belong to the goroutine of run
// but for those below writing; a transfer runs in a goroutine of its own and has
// what it needs in a transfer value.
type session struct {
	server  *Server
	options *Options
	number  uint64
	raw     net.Conn // the socket
	conn    net.Conn // what commands travel on: raw, or TLS on it
	peer    netip.Addr
	local   netip.Addr
	ctx     context.Context
	ended   bool
	reset   bool // end with a TCP reset

	user       string
	loggedIn   bool
	attempts   int    // wrong passwords
	dir        string // virtual, absolute, clean
	ascii      bool
	restart    int64  // from REST; for the next command only
	renameFrom string // from RNFR; for the next command only
	facts      uint8  // which facts MLSD and MLST tell
	onlyEPSV   bool   // after EPSV ALL
	hashKind   string // what OPTS HASH chose, "" before
	data       dataSource
	secured    bool     // conn is TLS
	private    bool     // data connections are, too
	ticketKey  [32]byte // of the tickets of all of its connections
	transfer   *transfer

	goOn chan struct{} // the reader may read what follows AUTH

	writing sync.Mutex // held while a reply is written
}

// command is one line of the control connection.
type command struct {
	verb     string // capitals
	argument string
	effect   fault.Effect
}

func newSession(server *Server, number uint64, conn net.Conn) *session {
	return &session{
		server: server, options: &server.options, number: number, raw: conn, conn: conn,
		peer: addressOf(conn.RemoteAddr()), local: addressOf(conn.LocalAddr()),
		ctx: server.door.Done(), dir: "/", facts: allFacts,
		goOn: make(chan struct{}),
	}
}

// addressOf is the address without port, zone kept, IPv4 in its short form.
func addressOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// turnAway answers a connection too many.
func (s *session) turnAway() {
	if s.server.security != nil && s.server.security.options.Implicit {
		s.conn.Close()
		return
	}
	s.reply(&command{}, 421, "Too many connections, try again later")
	s.conn.Close()
}

// run serves the connection until it ends or ctx does, and leaves no goroutine
// and no socket behind.
func (s *session) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	s.ctx = ctx
	// A peer that does not read must not hold up the end of the server.
	stopHurry := context.AfterFunc(ctx, func() { s.raw.SetWriteDeadline(time.Now().Add(time.Second)) })
	lines := make(chan string)
	var reader sync.WaitGroup
	defer func() {
		stopHurry()
		cancel()
		s.dropData()
		if s.transfer != nil {
			s.transfer.cancel()
			<-s.transfer.done
		}
		if tcp, ok := s.raw.(*net.TCPConn); ok && s.reset {
			tcp.SetLinger(0)
			s.raw.Close()
		}
		s.conn.Close()
		s.raw.Close()
		reader.Wait()
	}()
	if s.server.security != nil && s.server.security.options.Implicit && s.secure() != nil {
		return
	}
	if !s.greet() {
		return
	}
	reader.Add(1)
	go func() {
		defer reader.Done()
		defer close(lines)
		s.readLines(ctx, lines)
	}()
	s.loop(lines)
}

func (s *session) loop(lines <-chan string) {
	var queue []*command
	idle := time.NewTimer(s.options.IdleTimeout)
	defer idle.Stop()
	for !s.ended {
		if s.transfer == nil && len(queue) > 0 {
			next := queue[0]
			queue = queue[1:]
			s.execute(next)
			continue
		}
		idle.Reset(s.options.IdleTimeout)
		var timeout <-chan time.Time
		var finished <-chan struct{}
		input := lines
		if s.transfer == nil {
			timeout = idle.C
		} else {
			finished = s.transfer.done
			if len(queue) >= maxQueued {
				input = nil
			}
		}
		select {
		case line, ok := <-input:
			if !ok {
				return
			}
			c := s.parse(line)
			if s.transfer == nil {
				s.execute(c)
			} else if !s.executeMeanwhile(c) {
				queue = append(queue, c)
			}
		case <-finished:
			s.endTransfer()
		case <-timeout:
			s.reply(&command{}, 421, "No command for too long, closing")
			return
		case <-s.ctx.Done():
			s.reply(&command{}, 421, "The server is shutting down")
			return
		}
	}
}

// greet sends the banner and reports whether the connection goes on.
func (s *session) greet() bool {
	c := &command{verb: fault.Connect, effect: s.options.Faults.Next(fault.Connect, "")}
	if !s.precede(c) {
		return !s.ended
	}
	text := strings.Split(strings.TrimRight(s.options.Banner, "\n"), "\n")
	if len(text) == 1 {
		s.reply(c, 220, "%s", text[0])
	} else {
		s.replyLines(c, 220, text[0], text[1:len(text)-1], text[len(text)-1])
	}
	s.conclude(c)
	return !s.ended
}

// readLines hands on the lines of the connection without their ends.
func (s *session) readLines(ctx context.Context, lines chan<- string) {
	reader := bufio.NewReaderSize(s.conn, maxLine)
	for {
		line, err := reader.ReadSlice('\n')
		text := string(line)
		if errors.Is(err, bufio.ErrBufferFull) {
			if !discardLine(reader) {
				return
			}
			// A verb that no table has: the answer is 500, in its turn.
			text = tooLong
		} else if err != nil {
			return
		}
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
		select {
		case lines <- text:
		case <-ctx.Done():
			return
		}
		if verb, _ := cutVerb(text); verb != "AUTH" {
			continue
		}
		// What was read beyond AUTH came in the clear and is forgotten.
		select {
		case <-s.goOn:
			reader.Reset(s.conn)
		case <-ctx.Done():
			return
		}
	}
}

const tooLong = "\x00"

func discardLine(reader *bufio.Reader) bool {
	for dropped := 0; dropped < maxDiscard; {
		line, err := reader.ReadSlice('\n')
		if err == nil {
			return true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return false
		}
		dropped += len(line)
	}
	return false
}

// cutVerb splits a line. Bytes of the Telnet protocol before the verb (the
// interrupt that RFC 959 wants before ABOR) are dropped; no verb begins with one.
func cutVerb(line string) (verb, argument string) {
	line = strings.TrimLeftFunc(line, func(r rune) bool { return r == 0xFFFD })
	verb, argument, _ = strings.Cut(line, " ")
	return strings.ToUpper(verb), argument
}

func (s *session) parse(line string) *command {
	verb, argument := cutVerb(line)
	c := &command{verb: verb, argument: argument}
	c.effect = s.options.Faults.Next(c.verb, c.argument)
	s.logCommand(c)
	return c
}

// execute carries a command out while no transfer runs.
func (s *session) execute(c *command) {
	if c.verb == "AUTH" {
		defer s.readOn()
	}
	if !s.precede(c) {
		return
	}
	if s.restart > 0 && !keepsRestart(c.verb) {
		s.restart = 0
	}
	if c.verb != "RNTO" {
		s.renameFrom = ""
	}
	s.dispatch(c)
	if s.transfer == nil {
		s.conclude(c)
	}
}

// readOn lets the reader go on behind AUTH, on the connection that is ours now.
func (s *session) readOn() {
	select {
	case s.goOn <- struct{}{}:
	case <-s.ctx.Done():
	}
}

// keepsRestart reports the verbs that may stand between REST and its transfer;
// clients differ in whether REST or PASV comes first.
func keepsRestart(verb string) bool {
	switch verb {
	case "RETR", "STOR", "APPE", "STOU", "PASV", "EPSV", "PORT", "EPRT", "TYPE", "NOOP":
		return true
	}
	return false
}

func (s *session) dispatch(c *command) {
	v, known := s.server.verb(c.verb)
	switch {
	case strings.ContainsAny(c.verb+c.argument, "\x00\r"):
		if c.verb == tooLong {
			s.reply(c, 500, "The command line is too long")
		} else {
			s.reply(c, 501, "A command holds no control characters")
		}
	case !known:
		s.reply(c, 500, "Unknown command")
	case s.server.disabled[c.verb]:
		s.reply(c, 502, "%s is not implemented", c.verb)
	case v.login && !s.loggedIn:
		s.reply(c, 530, "Please log in with USER and PASS")
	case v.argument == needed && c.argument == "":
		s.reply(c, 501, "%s needs an argument", c.verb)
	case v.argument == none && c.argument != "":
		s.reply(c, 501, "%s takes no argument", c.verb)
	case v.writes && s.options.ReadOnly:
		s.reply(c, 550, "Permission denied: this server is read-only")
	default:
		v.run(s, c)
	}
}

// executeMeanwhile carries out what a client may ask during a transfer and
// reports false for commands that have to wait for its end.
func (s *session) executeMeanwhile(c *command) bool {
	meanwhile := c.verb == "ABOR" || c.verb == "NOOP" || c.verb == "STAT" && c.argument == ""
	if !meanwhile || c.effect.Defer || s.server.disabled[c.verb] {
		return false
	}
	if s.precede(c) {
		s.dispatch(c)
		s.conclude(c)
	}
	return true
}

// precede carries out the part of the effect that comes before or instead of the
// command, and reports whether the command itself is to be carried out.
func (s *session) precede(c *command) bool {
	e := &c.effect
	if !door.Pause(s.ctx, e.Delay) {
		return false
	}
	switch {
	case e.Replaces():
		s.misbehave(c)
	case !e.EndsAtOnce():
		return true
	}
	s.conclude(c)
	return false
}

// conclude carries out the part of the effect that comes after the command.
func (s *session) conclude(c *command) {
	if c.effect.Close || c.effect.Reset {
		s.ended = true
		s.reset = c.effect.Reset
	}
}
