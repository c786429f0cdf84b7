package sshlogin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/session"
)

// mostJumps bounds the hosts on the way, those included that are on the way to them.
const mostJumps = 8

// throughJumps connects to the target through the hosts on the way, each with a host
// key check and a login of its own. Closing the connection closes them all.
func (c *connecting) throughJumps(ctx context.Context) (net.Conn, *session.Error) {
	settings := c.settings
	way := &jumpConn{}
	for i, jump := range c.jumps {
		client, e := c.visit(ctx, jump, settings, i == 0)
		if e != nil {
			way.Close()
			return nil, e
		}
		way.clients = append(way.clients, client)
		settings.Dial = client.DialContext
	}
	within := c.settings.Timeouts.Connect
	limited, stop := context.WithTimeout(ctx, within)
	defer stop()
	conn, err := settings.Dial(limited, "tcp", c.endpoint.Address)
	if err == nil {
		way.Conn = conn
		return way, nil
	}
	way.Close()
	last := c.jumps[len(c.jumps)-1].Host
	var refused *ssh.OpenChannelError
	switch {
	case ctx.Err() != nil:
		return nil, cancelled(ctx)
	case errors.As(err, &refused) && refused.Reason == ssh.Prohibited:
		return nil, fault(session.ConnectionRefused, fmt.Errorf("the jump host %s does not forward connections: %q", last, clip(refused.Message)))
	case errors.As(err, &refused):
		return nil, fault(session.ConnectionRefused, fmt.Errorf("the jump host %s cannot connect: %q", last, clip(refused.Message)))
	case cause.IsTimeout(err):
		return nil, fault(session.ConnectTimeout, errTimeout("no connection through the jump host "+last, within))
	}
	return nil, fault(session.ConnectionLost, fmt.Errorf("the connection through the jump host %s failed: %w", last, err))
}

// visit logs in to one host on the way. Only the first may have hosts on the way to
// it: the others are reached through it.
func (c *connecting) visit(ctx context.Context, jump session.Endpoint, settings session.Settings, first bool) (*ssh.Client, *session.Error) {
	jump.Login.SSH.Config = c.config
	h, e := newConnecting(jump, settings)
	if e != nil {
		return nil, e
	}
	h.server.OnTheWay = true
	if !first {
		h.jumps = nil
	}
	if h.depth = c.depth + 1; h.depth > mostJumps || len(c.jumps) > mostJumps {
		return nil, fault(session.BadArgument, fmt.Errorf("more than %d hosts are on the way, or they are on the way to each other", mostJumps))
	}
	client, e := h.connect(ctx)
	if e != nil {
		return nil, h.finish(e)
	}
	c.note(fmt.Sprintf("on the way through %s", h.server))
	return client, nil
}

// jumpConn is a connection that goes through other connections.
type jumpConn struct {
	net.Conn // nil while it is made
	clients  []*ssh.Client
	once     sync.Once
	err      error
}

// Close ends the connection and those that it goes through.
func (c *jumpConn) Close() error {
	c.once.Do(func() {
		if c.Conn != nil {
			c.err = c.Conn.Close()
		}
		for _, client := range slices.Backward(c.clients) {
			client.Close() // what it carried is over
		}
	})
	return c.err
}
