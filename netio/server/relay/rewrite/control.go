package rewrite

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sftpc/sftpc/netio/server/door"
	"github.com/sftpc/sftpc/netio/server/fault"
)

// mostLine bounds a line of a control connection; what is longer ends the session.
const mostLine = 64 << 10

// control is one control connection of FTP.
type control struct {
	relay *Relay
	ctx   context.Context // ends with the session
	pair  *pair

	// The two sides, which TLS replaces: the reading of commands waits for that.
	client, server net.Conn
	in, out        *bufio.Reader
	tickets        tickets

	writing sync.Mutex // to the client
	lock    sync.Mutex
	sent    []*command   // that the server was sent, and has not answered for good
	moving  *command     // the newest transfer
	private bool         // data connections are under TLS
	data    net.Listener // where the client's next data connection comes to
	newest  *bridge      // the newest data connection
	bridges sync.WaitGroup
}

// command is one that the server was sent.
type command struct {
	verb   string
	effect fault.Effect
	quiet  bool          // its last reply is left out, as another has been taken for it; under lock
	done   chan struct{} // closed with the last reply
}

// overFTP serves a session until one side ends it.
func (r *Relay) overFTP(ctx context.Context, p *pair) {
	ctx, cancel := context.WithCancel(ctx)
	c := &control{relay: r, ctx: ctx, pair: p, client: p.client, server: p.server}
	defer c.bridges.Wait()
	defer cancel()
	if r.options.Implicit && !c.secure() {
		return
	}
	c.in, c.out = bufio.NewReaderSize(c.client, mostLine), bufio.NewReaderSize(c.server, mostLine)
	greeting := &command{verb: fault.Connect, effect: r.options.Faults.Next(fault.Connect, ""), done: make(chan struct{})}
	c.sent = []*command{greeting}
	var replying sync.WaitGroup
	replying.Go(func() {
		c.replies()
		p.end(false)
	})
	c.commands()
	p.end(false)
	replying.Wait()
	c.listen(nil)
}

// secure puts both sides under TLS.
func (c *control) secure() bool {
	client := tls.Server(c.client, c.relay.tls)
	server := tls.Client(c.server, c.believing())
	if client.HandshakeContext(c.ctx) != nil || server.HandshakeContext(c.ctx) != nil {
		return false
	}
	c.client, c.server = client, server
	c.in, c.out = bufio.NewReaderSize(client, mostLine), bufio.NewReaderSize(server, mostLine)
	return true
}

// commands reads what the client sends until there is no more.
func (c *control) commands() {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return
		}
		line = slices.Clone(line)
		verb, argument := parse(line)
		if verb == "AUTH" && c.relay.tls == nil {
			// Behind it nothing could be read.
			c.tell("500 not through this relay\r\n")
			continue
		}
		effect := c.relay.options.Faults.Next(verb, argument)
		if !door.Pause(c.ctx, effect.Delay) {
			return
		}
		if instead, replaces := replacement(effect); replaces {
			c.relay.log("%s is answered with %q", verb, instead)
			c.tell(instead)
			if effect.Close || effect.Reset {
				c.pair.end(effect.Reset)
				return
			}
			continue
		}
		if effect.EndsAtOnce() {
			c.relay.log("%s ends the connection", verb)
			c.pair.end(effect.Reset)
			return
		}
		one := &command{verb: verb, effect: effect, done: make(chan struct{})}
		c.lock.Lock()
		if !slices.Contains([]string{"ABOR", "NOOP", "QUIT", "STAT"}, verb) {
			// Whoever goes on has been answered: Pure-FTPd has no word for the end of a
			// download that was aborted.
			c.sent = slices.DeleteFunc(c.sent, func(before *command) bool { return !before.quiet })
		}
		c.sent = append(c.sent, one)
		if moves(verb) {
			c.moving = one
		}
		if verb == "PROT" {
			c.private = strings.EqualFold(argument, "P")
		}
		c.lock.Unlock()
		if _, err := c.server.Write(line); err != nil {
			return
		}
		if verb == "AUTH" {
			// What follows its reply is TLS, and is not for this reader.
			select {
			case <-one.done:
			case <-c.ctx.Done():
				return
			}
		}
	}
}

// replacement is what stands in place of a command.
func replacement(e fault.Effect) (text string, replaces bool) {
	switch {
	case e.Silence:
		return "", true
	case e.Reply != "":
		return e.Reply + "\r\n", true
	case e.Raw != "":
		return e.Raw, true
	case e.Refuse:
		return "425 cannot open a data connection\r\n", true
	}
	return "", false
}

// parse reads a command line; what Telnet puts in front of one is passed over.
func parse(line []byte) (verb, argument string) {
	text := strings.TrimRight(string(line), "\r\n")
	for text != "" && text[0] >= 0xf0 {
		text = text[1:]
	}
	verb, argument, _ = strings.Cut(text, " ")
	return strings.ToUpper(verb), argument
}

// moves reports whether a command has a data connection.
func moves(verb string) bool {
	return slices.Contains([]string{"RETR", "STOR", "APPE", "STOU", "LIST", "MLSD", "NLST"}, verb)
}

// tell sends the client text, which may be empty.
func (c *control) tell(text string) {
	c.writing.Lock()
	defer c.writing.Unlock()
	io.WriteString(c.client, text)
}

// replies reads what the server answers until there is no more.
func (c *control) replies() {
	for {
		reply, code, err := c.reply()
		if err != nil {
			return
		}
		last := code < 100 || code >= 200
		one := c.answered(code, last)
		if one == nil {
			c.tell(reply) // to nothing, as with the time-out of an idle session
			continue
		}
		goesOn := c.answer(one, reply, code, last)
		if last {
			close(one.done)
		}
		if !goesOn {
			return
		}
	}
}

// answered finds the command that a reply is to, nil where there is none. Servers answer
// in turn, but for a NOOP in the middle of a transfer.
func (c *control) answered(code int, last bool) *command {
	c.lock.Lock()
	defer c.lock.Unlock()
	if len(c.sent) == 0 {
		return nil
	}
	at := 0
	if code == 200 && moves(c.sent[0].verb) {
		at = max(0, slices.IndexFunc(c.sent, func(one *command) bool { return one.verb == "NOOP" }))
	}
	one := c.sent[at]
	if last {
		c.sent = slices.Delete(c.sent, at, at+1)
	}
	return one
}

// answer hands a reply on, or what is to be in its place, and reports whether the session
// goes on.
func (c *control) answer(one *command, reply string, code int, last bool) bool {
	e := one.effect
	instead := reply
	c.lock.Lock()
	quiet := one.quiet
	c.lock.Unlock()
	switch {
	case quiet:
		instead = ""
	case !last && e.NoPreliminary, last && e.NoFinal:
		instead = ""
	case !last && e.Preliminary != "":
		instead = e.Preliminary + "\r\n"
		if e.Preliminary[0] != '1' {
			c.giveUp(one)
		}
	case last && e.Final != "":
		instead = e.Final + "\r\n"
	case e.Sized:
		instead = resized(one.verb, reply, e.Size)
	}
	if instead != reply {
		c.relay.log("the reply to %s becomes %q from %q", one.verb, instead, reply)
	}
	if last && moves(one.verb) && (e.Close || e.Reset) {
		c.seeOff()
	}
	if code == 227 || code == 229 {
		instead = c.announce(instead, code)
	}
	c.tell(instead)
	if (e.Close || e.Reset) && last {
		c.pair.end(e.Reset)
		return false
	}
	if one.verb == "AUTH" && code == 234 {
		return c.secure()
	}
	return true
}

// seeOff waits until the data of a transfer that the server is done with has gone
// through, as it had where there was no relay.
func (c *control) seeOff() {
	c.lock.Lock()
	b := c.newest
	c.lock.Unlock()
	if b != nil {
		select {
		case <-b.over:
		case <-c.ctx.Done():
		}
	}
}

// giveUp ends the newest data connection, as a server does that will not use it. What the
// real one has to say of that is for nobody.
func (c *control) giveUp(one *command) {
	c.lock.Lock()
	defer c.lock.Unlock()
	one.quiet = true
	if c.newest != nil {
		c.newest.pair.end(true)
	}
}

// reply reads a whole reply with all its lines.
func (c *control) reply() (text string, code int, err error) {
	var b strings.Builder
	for {
		line, err := c.out.ReadSlice('\n')
		if err != nil || b.Len() > mostLine {
			return "", 0, io.ErrUnexpectedEOF
		}
		b.Write(line)
		first := b.String()
		if len(first) < 4 {
			return first, 0, nil
		}
		if code, err = strconv.Atoi(first[:3]); err != nil {
			return first, 0, nil
		}
		if first[3] != '-' || len(line) >= 4 && string(line[:3]) == first[:3] && line[3] == ' ' {
			return first, code, nil
		}
	}
}

var (
	sizeReply = regexp.MustCompile(`^(213[ -])\d+`)
	sizeFact  = regexp.MustCompile(`(?i)(\bsize=)\d+(;)`)
	// sizeColumn is that of a line as ls writes it, of a file.
	sizeColumn = regexp.MustCompile(`(?m)^(-\S+\s+\d+\s+\S+\s+\S+\s+)\d+(\s)`)
)

// resized puts another size into a reply.
func resized(verb, reply string, size int64) string {
	number := strconv.FormatInt(size, 10)
	switch verb {
	case "SIZE":
		return sizeReply.ReplaceAllString(reply, "${1}"+number)
	case "MLST", "STAT":
		return resizedListing(reply, size)
	}
	return reply
}

// resizedListing puts another size into every line of a listing that tells one.
func resizedListing(listing string, size int64) string {
	number := strconv.FormatInt(size, 10)
	listing = sizeFact.ReplaceAllString(listing, "${1}"+number+"${2}")
	return sizeColumn.ReplaceAllString(listing, "${1}"+number+"${2}")
}
