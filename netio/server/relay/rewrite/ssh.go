package rewrite

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// loginTime bounds a login on each side.
const loginTime = 30 * time.Second

var errSecondProof = errors.New("a relay passes one proof on")

// overSSH serves a connection until one side ends it. The server is logged in to as who
// the client says he is, with his password: the one proof that can be passed on.
func (r *Relay) overSSH(ctx context.Context, p *pair) {
	var server ssh.Conn
	var theirs <-chan ssh.NewChannel
	var asked <-chan *ssh.Request
	p.client.SetDeadline(time.Now().Add(loginTime))
	p.server.SetDeadline(time.Now().Add(loginTime))
	behind, version, err := greeted(p.server)
	if err != nil {
		r.log("no greeting: %v", err)
		return
	}
	// Clients go by the name of the server's program.
	config := &ssh.ServerConfig{ServerVersion: version, MaxAuthTries: 1, PasswordCallback: func(about ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		if server != nil {
			return nil, errSecondProof
		}
		interactive := func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = string(password)
			}
			return answers, nil
		}
		var err error
		server, theirs, asked, err = ssh.NewClientConn(behind, r.options.Server, &ssh.ClientConfig{
			User: about.User(), Auth: []ssh.AuthMethod{ssh.Password(string(password)), ssh.KeyboardInteractive(interactive)},
			HostKeyCallback: ssh.InsecureIgnoreHostKey(), // whoever it is: it is the test's
		})
		return nil, err
	}}
	config.AddHostKey(r.options.HostKey)
	client, wishes, requests, err := ssh.NewServerConn(p.client, config)
	if err != nil || server == nil {
		r.log("no login: %v", err)
		return
	}
	p.client.SetDeadline(time.Time{})
	p.server.SetDeadline(time.Time{})
	var open sync.WaitGroup
	defer open.Wait()
	defer p.end(false)
	open.Go(func() { ssh.DiscardRequests(asked) })
	open.Go(func() {
		for wish := range theirs {
			wish.Reject(ssh.Prohibited, "a relay opens nothing towards clients")
		}
	})
	open.Go(func() {
		for request := range requests {
			ok, answer, err := server.SendRequest(request.Type, request.WantReply, request.Payload)
			if request.WantReply {
				request.Reply(ok && err == nil, answer)
			}
		}
	})
	open.Go(func() {
		server.Wait()
		p.end(false)
	})
	for wish := range wishes {
		there, fromThere, err := server.OpenChannel(wish.ChannelType(), wish.ExtraData())
		if refused := new(ssh.OpenChannelError); errors.As(err, &refused) {
			wish.Reject(refused.Reason, refused.Message)
			continue
		}
		if err != nil {
			break
		}
		here, fromHere, err := wish.Accept()
		if err != nil {
			there.Close()
			break
		}
		open.Go(func() { r.channel(ctx, p, here, there, fromHere, fromThere) })
	}
	client.Close()
}

// greeted reads a server's greeting, and returns a connection on which it is still to come.
func greeted(conn net.Conn) (net.Conn, string, error) {
	var line []byte
	for len(line) < 255 && (len(line) == 0 || line[len(line)-1] != '\n') {
		var b [1]byte
		if _, err := io.ReadFull(conn, b[:]); err != nil {
			return nil, "", err
		}
		line = append(line, b[0])
	}
	version := strings.TrimRight(string(line), "\r\n")
	if !strings.HasPrefix(version, "SSH-2.0-") {
		return nil, "", errors.New("no greeting of SSH: " + strconv.Quote(version))
	}
	return &unread{conn, io.MultiReader(bytes.NewReader(line), conn)}, version, nil
}

// unread is a connection some of whose bytes were read before.
type unread struct {
	net.Conn
	from io.Reader
}

func (u *unread) Read(b []byte) (int, error) { return u.from.Read(b) }

// channel is one channel through the relay. What SFTP is spoken on is changed; all others
// pass as they are.
func (r *Relay) channel(ctx context.Context, p *pair, here, there ssh.Channel, fromHere, fromThere <-chan *ssh.Request) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { // what the server says of the channel, until it closes it
		for request := range fromThere {
			ok, err := here.SendRequest(request.Type, request.WantReply, request.Payload)
			if request.WantReply {
				request.Reply(ok && err == nil, nil)
			}
		}
		here.Close()
	})
	all.Go(func() { io.Copy(here.Stderr(), there.Stderr()) })
	begun := false
	for request := range fromHere {
		var wanted struct{ Name string }
		subsystem := request.Type == "subsystem" && ssh.Unmarshal(request.Payload, &wanted) == nil
		ok, err := there.SendRequest(request.Type, request.WantReply, request.Payload)
		if request.WantReply {
			request.Reply(ok && err == nil, nil)
		}
		switch {
		case begun || err != nil || request.WantReply && !ok:
		case subsystem && wanted.Name == "sftp":
			begun = true
			q := &requests{relay: r, ctx: ctx, pair: p, here: here, due: make(map[uint32]asked)}
			all.Go(func() { q.up(bufio.NewReader(here), there) })
			all.Go(func() { q.down(bufio.NewReader(there)) })
		case subsystem || request.Type == "exec" || request.Type == "shell":
			begun = true
			all.Go(func() { pass(there, here) })
			all.Go(func() { pass(here, there) })
		}
	}
	there.Close()
}

// pass copies one direction of a channel, and its end.
func pass(to, from ssh.Channel) {
	io.Copy(to, from)
	to.CloseWrite()
}
