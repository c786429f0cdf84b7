package sftpserver

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/server/door"
	"github.com/sftpc/sftpc/netio/server/wire"
)

// client is one connection that is logged in.
type client struct {
	server *Server
	number uint64
	conn   *disturbed

	mu   sync.Mutex
	open int // channels
}

// offer answers the wish for a channel; open is done with when it has ended.
func (c *client) offer(ctx context.Context, wish ssh.NewChannel, open *sync.WaitGroup) {
	if wish.ChannelType() != "session" {
		wish.Reject(ssh.UnknownChannelType, "only sessions are served")
		return
	}
	e := c.server.options.Faults.Next("CHANNEL", "")
	if !door.Pause(ctx, e.Delay) {
		return
	}
	c.conn.arm(e)
	c.mu.Lock()
	full := c.open >= c.server.options.MaxChannels
	if !full {
		c.open++
	}
	c.mu.Unlock()
	switch {
	case e.Silence:
		return
	case e.Close, e.Reset:
		c.conn.end(e.Reset)
		return
	case full, e.Reply != "", e.Refuse:
		wish.Reject(ssh.Prohibited, "too many sessions")
		return
	}
	inner, requests, err := wish.Accept()
	if err != nil {
		return
	}
	open.Add(1)
	go func() {
		defer open.Done()
		c.session(ctx, inner, requests)
		c.mu.Lock()
		c.open--
		c.mu.Unlock()
	}()
}

// session waits for the subsystem and serves it.
func (c *client) session(ctx context.Context, inner ssh.Channel, requests <-chan *ssh.Request) {
	defer inner.Close()
	var serving sync.WaitGroup
	defer serving.Wait()
	begun := false
	for request := range requests {
		var wanted struct{ Name string }
		ok := !begun && request.Type == "subsystem" && ssh.Unmarshal(request.Payload, &wanted) == nil && wanted.Name == "sftp"
		if request.WantReply {
			request.Reply(ok, nil)
		}
		if !ok {
			continue
		}
		begun = true
		serving.Add(1)
		go func() {
			defer serving.Done()
			defer inner.Close()
			c.files(ctx, inner)
		}()
	}
}

// files serves SFTP on a channel: filter reads, changes and passes requests to
// the library, whose answers go out between those that filter gives itself.
func (c *client) files(ctx context.Context, inner ssh.Channel) {
	in, out := io.Pipe()
	answers := &answers{to: inner}
	h := &handlers{server: c.server, root: c.server.root, readOnly: c.server.options.ReadOnly, handles: handles{most: c.server.options.MaxHandles}}
	library := sftp.NewRequestServer(struct {
		io.Reader
		io.WriteCloser
	}{in, answers}, sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h})
	var filtering sync.WaitGroup
	filtering.Add(1)
	go func() {
		defer filtering.Done()
		f := &filter{client: c, ctx: ctx, answers: answers, to: out}
		f.run(bufio.NewReader(inner))
		out.Close()
	}()
	library.Serve()
	in.Close()
	inner.Close()
	filtering.Wait()
}

// answers puts whole packets on the channel.
type answers struct {
	mu      sync.Mutex
	to      io.WriteCloser
	partial []byte
	late    map[uint32]int // how many others the answer with the id is to let pass
	held    []*heldAnswer
}

// heldAnswer is one that others overtake.
type heldAnswer struct {
	packet []byte
	others int // that are still to pass
	timer  *time.Timer
}

// mostHeld is how long an answer waits for others to overtake it: a client may wait for
// nothing but this one.
const mostHeld = 50 * time.Millisecond

// Write takes what the library writes, which may be a part of a packet.
func (a *answers) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.partial = append(a.partial, p...)
	for len(a.partial) >= 4 {
		whole := 4 + int(binary.BigEndian.Uint32(a.partial))
		if len(a.partial) < whole {
			break
		}
		if err := a.pass(a.partial[:whole]); err != nil {
			return 0, err
		}
		a.partial = append(a.partial[:0], a.partial[whole:]...)
	}
	return len(p), nil
}

// pass sends a packet, or holds it back, and then what it has overtaken.
func (a *answers) pass(packet []byte) error {
	var id uint32
	if len(packet) >= 9 {
		id = binary.BigEndian.Uint32(packet[5:])
	}
	others, late := a.late[id]
	if late {
		delete(a.late, id)
		held := &heldAnswer{packet: slices.Clone(packet), others: others + 1}
		held.timer = time.AfterFunc(mostHeld, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			if i := slices.Index(a.held, held); i >= 0 {
				a.held = slices.Delete(a.held, i, i+1)
				a.to.Write(held.packet)
			}
		})
		a.held = append(a.held, held)
	} else if _, err := a.to.Write(packet); err != nil {
		return err
	}
	for i := 0; i < len(a.held); {
		held := a.held[i]
		if held.others--; held.others > 0 {
			i++
			continue
		}
		held.timer.Stop()
		a.held = slices.Delete(a.held, i, i+1)
		if _, err := a.to.Write(held.packet); err != nil {
			return err
		}
	}
	return nil
}

// hold has the answer to a request go out behind others.
func (a *answers) hold(request []byte, others int) {
	if others <= 0 || len(request) < 9 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.late == nil {
		a.late = make(map[uint32]int)
	}
	a.late[binary.BigEndian.Uint32(request[5:])] = others
}

func (a *answers) Close() error {
	a.mu.Lock()
	for _, held := range a.held {
		held.timer.Stop()
	}
	a.held = nil
	a.mu.Unlock()
	return a.to.Close()
}

func (a *answers) raw(p []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.to.Write(p)
}

// filter looks at each request before the library does.
type filter struct {
	client  *client
	ctx     context.Context
	answers *answers
	to      io.Writer
}

func (f *filter) run(from *bufio.Reader) {
	for {
		packet, err := wire.Read(from)
		if err != nil {
			return
		}
		verb, argument := wire.Describe(packet)
		if f.client.server.options.Log != nil && verb != "READ" && verb != "WRITE" {
			f.client.server.log(f.client.number, strings.TrimSuffix(verb+" "+argument, " "))
		}
		passes, err := f.disturb(packet, verb, argument)
		if err != nil {
			return
		}
		if passes {
			packet = f.own(packet, verb)
		}
		if passes && packet != nil {
			if _, err := f.to.Write(packet); err != nil {
				return
			}
		}
	}
}

// own answers what the library does not know, and returns what it is to be asked; nil
// is nothing.
func (f *filter) own(packet []byte, verb string) []byte {
	server := f.client.server
	if verb == "INIT" {
		f.answers.raw(server.version())
		return nil
	}
	if len(packet) < 13 {
		return packet
	}
	switch verb {
	case "FSETSTAT":
		cleanFlags(packet)
	case "OPEN":
		markFlags(packet)
	}
	if packet[4] != 200 {
		return packet
	}
	name, rest := wire.Text(packet[9:])
	if !server.has(name) {
		return packet // which the library refuses, or finds refused
	}
	switch name {
	case "limits@openssh.com":
		f.answers.raw(server.limits(packet))
		return nil
	case "fsync@openssh.com":
		handle, _ := wire.Text(rest)
		return asSync(packet, handle)
	}
	return packet
}

// disturb carries out what is to go wrong with a request; it may change the
// packet. passes is false where the library is not to see it.
func (f *filter) disturb(packet []byte, verb, argument string) (passes bool, err error) {
	e := f.client.server.options.Faults.Next(verb, argument)
	if !door.Pause(f.ctx, e.Delay) {
		return false, context.Canceled
	}
	f.client.conn.arm(e)
	switch {
	case e.Silence:
		return false, nil
	case e.Reply != "":
		f.answers.raw(wire.Status(packet, e.Reply))
	case e.Raw != "":
		f.answers.raw([]byte(e.Raw))
	case e.Garbage > 0:
		f.answers.raw(garbage(e.Garbage))
	case verb == "READDIR" && e.EndlessReply:
		f.answers.raw(wire.Names(packet, []string{"again"}))
	case verb == "READDIR" && e.Payload != nil:
		f.answers.raw(wire.Names(packet, strings.Split(string(e.Payload), "\n")))
	case strings.HasSuffix(verb, "STAT") && e.Payload != nil:
		f.answers.raw(wire.Attributes(packet, string(e.Payload)))
	case verb == "READ" && e.Payload != nil:
		f.answers.raw(wire.Framed(103, packet[5:9], wire.AppendText(nil, string(e.Payload))))
	case e.Close, e.Reset:
		f.client.conn.end(e.Reset)
		return false, io.ErrClosedPipe
	default:
		f.answers.hold(packet, e.Late)
		if e.WrongID && len(packet) >= 9 {
			packet[6] ^= 0x55
		}
		if at := len(packet) - 4; e.Short > 0 && verb == "READ" && at >= 9 {
			asked := binary.BigEndian.Uint32(packet[at:])
			binary.BigEndian.PutUint32(packet[at:], min(asked, uint32(min(e.Short, math.MaxUint32))))
		}
		return true, nil
	}
	return false, nil
}
