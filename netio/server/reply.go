package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/server/door"
	"github.com/sftpc/sftpc/netio/server/fault"
)

// writeTimeout bounds the sending of one reply to a client that does not read.
const writeTimeout = 30 * time.Second

// reply sends one line.
func (s *session) reply(c *command, code int, format string, arguments ...any) {
	s.send(c, code, strconv.Itoa(code)+" "+oneLine(fmt.Sprintf(format, arguments...))+"\r\n")
}

// replyLines sends a multi-line reply; the lines between are indented, so that
// none can be taken for the last one (RFC 959, 4.2).
func (s *session) replyLines(c *command, code int, first string, between []string, last string) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d-%s\r\n", code, oneLine(first))
	for _, line := range between {
		b.WriteString(" " + oneLine(line) + "\r\n")
	}
	fmt.Fprintf(&b, "%d %s\r\n", code, oneLine(last))
	s.send(c, code, b.String())
}

// oneLine keeps a name with an end of line in it from forging replies.
func oneLine(text string) string {
	return strings.NewReplacer("\r", "?", "\n", "?", "\x00", "?").Replace(text)
}

// send writes a reply, with the disturbances that the command's effect has for
// replies. Errors show at the next read of the connection.
func (s *session) send(c *command, code int, text string) {
	e := &c.effect
	preliminary := code/100 == 1
	switch {
	case preliminary && e.NoPreliminary, !preliminary && e.NoFinal:
		return
	case preliminary && e.Preliminary != "":
		text = e.Preliminary + "\r\n"
	case !preliminary && e.Final != "":
		text = e.Final + "\r\n"
	}
	s.write(e, text)
}

func (s *session) write(e *fault.Effect, text string) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.logReply(text)
	if !e.Drip {
		s.writeBytes([]byte(text))
		return
	}
	for i := range len(text) {
		if !s.writeBytes([]byte{text[i]}) || !door.Pause(s.ctx, e.DripPause) {
			return
		}
	}
}

func (s *session) writeBytes(b []byte) bool {
	s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if s.ctx.Err() != nil {
		s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	}
	_, err := s.conn.Write(b)
	return err == nil
}

// misbehave carries out an effect that stands in place of a command.
func (s *session) misbehave(c *command) {
	e := &c.effect
	switch {
	case e.Silence:
		s.log("> (silence)")
	case e.Reply != "":
		s.write(e, e.Reply+"\r\n")
	case e.Raw != "":
		s.write(e, e.Raw)
	case e.Clear != "":
		s.log("> (in the clear) " + e.Clear)
		s.raw.SetWriteDeadline(time.Now().Add(writeTimeout))
		io.WriteString(s.raw, e.Clear)
	case e.Garbage > 0:
		s.write(e, string(garbage(e.Garbage))+"\r\n")
	case e.EndlessLine:
		s.endless("220 ", bytes.Repeat([]byte("x"), 4<<10))
	case e.EndlessReply:
		s.endless("220-this reply\r\n", bytes.Repeat([]byte("220-goes on\r\n"), 256))
	}
}

// endless sends the block again and again until the peer is gone.
func (s *session) endless(head string, block []byte) {
	s.log("> " + head + "(without end)")
	s.writing.Lock()
	defer s.writing.Unlock()
	if !s.writeBytes([]byte(head)) {
		return
	}
	for s.ctx.Err() == nil && s.writeBytes(block) {
	}
	s.ended = true
}

// garbage is n bytes that look like no reply: the same ones every time, high
// and low, without an end of line.
func garbage(n int) []byte {
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
		if b[i] == '\n' || b[i] == '\r' || b[i] >= '0' && b[i] <= '9' {
			b[i] = 0xFE
		}
	}
	return b
}

func (s *session) logCommand(c *command) {
	line := c.verb
	if c.argument != "" {
		line += " " + c.argument
	}
	if c.verb == "PASS" || c.verb == "ACCT" {
		line = c.verb + " ******"
	}
	s.log("< " + line)
}

func (s *session) logReply(text string) {
	for line := range strings.Lines(text) {
		s.log("> " + strings.TrimRight(line, "\r\n"))
	}
}

// log tells Options.Log one line, control bytes and bytes that are no UTF-8
// escaped.
func (s *session) log(line string) {
	if s.options.Log == nil {
		return
	}
	quoted := strconv.Quote(line)
	line = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
	s.options.Log(strconv.FormatUint(s.number, 10) + " " + line)
}

// closeHard ends a TCP connection with a reset, which no peer can take for the
// orderly end of a file.
func closeHard(conn net.Conn) {
	socket := belowTLS(conn)
	if tcp, ok := socket.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	socket.Close()
}
