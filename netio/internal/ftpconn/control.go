package ftpconn

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

const (
	// waitingReplies is how many replies may lie unread before the reader stops
	// reading; a server that goes on talking fills its own socket, not our memory.
	waitingReplies = 4
	// mostUnasked is how many replies that answer nothing are thrown away before a
	// command; more is a server out of its mind.
	mostUnasked = 32
)

// control is the control connection: lines go out, replies come in. A goroutine
// reads all the time, so that a 421, a refusal in the middle of a transfer or the
// end of the connection is known when it happens and not at the next command.
type control struct {
	conn    net.Conn
	heard   *overhearing // below TLS; nil in the clear
	observe func(session.Wire)

	replies chan session.Reply
	ended   chan struct{} // closed when the reader has ended; ending is set before
	ending  error
	closing chan struct{}
	once    sync.Once

	// The fields below belong to the goroutine of the running command; the watcher
	// of a transfer (watch.go) uses them only while that goroutine moves bytes.
	early   *session.Reply // arrived in mid-transfer, still to be taken
	last    session.Reply  // the newest reply of all
	answer  session.Reply  // the newest reply of the running operation
	promise session.Reply  // the newest 1xx of all
	pending bool           // a command was sent whose final reply has not been taken
	noops   int            // keep-alive NOOPs whose answers have not been seen
	moving  bool           // between the 1xx and the final reply of a transfer
	heardAt time.Time      // when the newest reply was taken
}

// newControl takes over conn and what reader has buffered of it.
func newControl(conn net.Conn, reader *replyReader, observe func(session.Wire)) *control {
	c := &control{
		conn:    conn,
		observe: observe,
		replies: make(chan session.Reply, waitingReplies),
		ended:   make(chan struct{}),
		closing: make(chan struct{}),
	}
	go c.read(reader)
	return c
}

func (c *control) read(reader *replyReader) {
	defer close(c.ended)
	for {
		reply, err := reader.next()
		if err != nil {
			c.ending = err
			return
		}
		select {
		case c.replies <- reply:
		case <-c.closing:
			c.ending = net.ErrClosed
			return
		}
	}
}

// close ends the connection and waits for the reader.
func (c *control) close() {
	c.once.Do(func() {
		close(c.closing)
		c.conn.Close()
	})
	<-c.ended
}

// send writes one command line. Lines are checked where they are made; this last
// check stands guard over all of them, the library's too.
func (c *control) send(ctx context.Context, line string, within time.Duration) error {
	if badLine(line) {
		return fault(session.BadArgument, errors.New("a command line cannot hold CR, LF or NUL"))
	}
	if ctx.Err() != nil { // a write that is cut short is the end of a connection under TLS
		return cancelled(ctx)
	}
	c.conn.SetWriteDeadline(time.Now().Add(within))
	set := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.conn.SetWriteDeadline(longAgo)
		close(set)
	})
	defer func() {
		if !stop() {
			<-set // late, the deadline would be the next command's, and ABOR is that
		}
		// TLS also writes when the reader is told to: new keys, hours after a command.
		c.conn.SetWriteDeadline(time.Time{})
	}()
	c.observe(session.Wire{Kind: session.WireCommand, Text: masked(line)})
	c.pending = true
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		if ctx.Err() != nil {
			return cancelled(ctx)
		}
		return c.lost(err)
	}
	return nil
}

// waiting says how long a reply may take.
type waiting struct {
	reply time.Duration
	// whole is the time that reply is the rest of; 0 is reply itself.
	whole time.Duration
	// data is the active-mode connection that must come about before or after the
	// reply, until it expires; nil where there is none.
	data *dataConn
}

// await takes the next reply. A 421 is an error, for the server closes behind it.
func (c *control) await(ctx context.Context, w waiting) (session.Reply, error) {
	timer := time.NewTimer(w.reply)
	defer timer.Stop()
	var noConnection <-chan time.Time
	var arrived <-chan struct{}
	if w.data != nil && w.data.listener != nil {
		arrived = w.data.arrived
		expiry := time.NewTimer(time.Until(w.data.expires))
		defer expiry.Stop()
		noConnection = expiry.C
	}
	for {
		if reply, ok := c.waitingReply(); ok {
			return c.take(reply)
		}
		select {
		case reply := <-c.replies:
			if c.answersKeepAlive(reply) {
				continue
			}
			return c.take(reply)
		case <-ctx.Done():
			return session.Reply{}, cancelled(ctx)
		case <-arrived:
			arrived = nil
			if w.data.established() {
				noConnection = nil
			}
		case <-noConnection:
			return session.Reply{}, w.data.neverCame()
		case <-timer.C:
			if noConnection != nil && !time.Now().Before(w.data.expires) { // both at the same moment
				return session.Reply{}, w.data.neverCame()
			}
			return session.Reply{}, fault(session.ReplyTimeout, errTimeout("no reply", cmp.Or(w.whole, w.reply)))
		case <-c.ended:
			if len(c.replies) == 0 { // else the last words come first
				return session.Reply{}, c.lost(c.ending)
			}
		}
	}
}

// waitingReply returns the reply that lies here already, if there is one: it goes
// before a time-out or an end that came at the same moment.
func (c *control) waitingReply() (session.Reply, bool) {
	if c.early != nil {
		reply := *c.early
		c.early = nil
		return reply, true
	}
	for {
		select {
		case reply := <-c.replies:
			if !c.answersKeepAlive(reply) {
				return reply, true
			}
		default:
			return session.Reply{}, false
		}
	}
}

func (c *control) take(reply session.Reply) (session.Reply, error) {
	c.last, c.answer, c.heardAt = reply, reply, time.Now()
	if preliminary(reply.Code) {
		c.promise = reply
	} else {
		c.pending = false
	}
	if reply.Code == 421 {
		e := fault(session.ConnectionLost, nil)
		e.Reply = reply
		if crowded(reply.Text) {
			e.Cause = session.TooManyConnections
			e.Class = e.Cause.Class()
		}
		return reply, e
	}
	return reply, nil
}

// answersKeepAlive tells whether reply belongs to a NOOP of ours. While bytes move
// ProFTPD answers them at once with 200 and Pure-FTPd with 500, and vsftpd lets
// them wait until the transfer's own reply is out. Where they are never answered, the
// next command's reply must not be taken for theirs: see catchUp.
func (c *control) answersKeepAlive(reply session.Reply) bool {
	if c.noops == 0 || !answersNOOP(reply.Code) {
		return false
	}
	c.noops--
	return true
}

// discard throws away what the server said without being asked, so that the next
// reply is the next command's. A 421 among it, or the end, is an error.
func (c *control) discard() error {
	for range mostUnasked {
		if reply, ok := c.waitingReply(); ok {
			if _, err := c.take(reply); err != nil {
				return err
			}
			c.observe(session.Wire{Kind: session.WireNote, Text: "a reply that answers no command was passed over"})
			continue
		}
		select {
		case <-c.ended:
			if len(c.replies) == 0 {
				return c.lost(c.ending)
			}
		default:
			return nil
		}
	}
	return fault(session.ProtocolError, protocolFault("the server sends replies that were not asked for"))
}

// lost is the error for a control connection that broke or broke the protocol.
func (c *control) lost(err error) *session.Error {
	var broken *protocolError
	if errors.As(err, &broken) {
		return fault(session.ProtocolError, err)
	}
	if e := brokenTLS(err, c.heard); e != nil {
		return e
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the server closed the connection")
	}
	return fault(session.ConnectionLost, err)
}

func (c *control) isOver() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

func badLine(line string) bool { return strings.ContainsAny(line, "\r\n\x00") }

// masked hides what must not be shown to a listener.
func masked(line string) string {
	switch verb := verbOf(line); verb {
	case "PASS", "ACCT":
		return verb + " ******"
	}
	return line
}

// verbOf is a command line's first word in capitals.
func verbOf(line string) string {
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		end = len(line)
	}
	return strings.ToUpper(line[:end])
}
