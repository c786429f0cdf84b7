package sshconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/internal/sshlogin"
	"github.com/sftpc/sftpc/netio/session"
)

const (
	// mostConnections bounds the connections that one file is spread over.
	mostConnections = 4
	// furtherDown is how many channels each of several connections gets for a download:
	// what one carries in a round trip is 2 to 3 MiB where the server's system has the
	// bounds of Linux (tcp_wmem, 4 MiB with all that TCP keeps beside the bytes).
	furtherDown = 2
	// furtherUp is the same for an upload, where our own system may allow more.
	furtherUp = 3
	// worthAConnection is how much a further connection has to be given to move: its
	// login and the slow start of its TCP take some twenty round trips.
	worthAConnection = 16 << 20
	// farEnough is the round trip from which one connection is the bound, and not
	// the processors at its ends.
	farEnough = 15 * time.Millisecond
)

// companion is a further connection of the same login that helps with large files at
// a distance. Whatever is wrong with it, the transfer goes on over the first: a
// server that refuses it, or shows another host key, is not asked again.
type companion struct {
	connect func(context.Context) (*ssh.Client, error)
	lanes   laneSet

	mu         sync.Mutex
	begun      bool
	connection *ssh.Client // nil until it has logged in
	use        func(*lane) // the newest transfer's
	failed     error       // the session is over
	stop       context.CancelFunc
	dialling   sync.WaitGroup
}

// of says how the connection is made, and how it is known to lead to where
// the first one does: behind one name there may be several servers, each with files
// of its own.
func (c *companion) of(endpoint session.Endpoint, settings session.Settings, first *ssh.Client) {
	// All there is to say was said at the first login.
	settings.Observe, endpoint.Trust.Notice = nil, nil
	c.lanes.fresh = true
	c.connect = func(ctx context.Context) (*ssh.Client, error) {
		further, err := sshlogin.Connect(ctx, endpoint, settings)
		if err != nil {
			return nil, err
		}
		if err := sameServer(first, further); err != nil {
			further.Close()
			return nil, err
		}
		return further, nil
	}
}

func sameServer(first, further *ssh.Client) error {
	if a, b := first.RemoteAddr().String(), further.RemoteAddr().String(); a != b {
		return fmt.Errorf("it leads to %s, and not to %s", b, a)
	}
	if !bytes.Equal(sshlogin.HostKey(first), sshlogin.HostKey(further)) {
		return errors.New("a server with another host key answers it")
	}
	return nil
}

// connectionsFor is how many connections a file of size bytes is spread over.
func (s *Session) connectionsFor(size int64) int {
	if s.distance() < farEnough {
		return 1
	}
	return int(min(max(size/worthAConnection, 1), max(int64(s.settings.Connections), 1), mostConnections))
}

// provide hands so many lanes of the connection to use, as laneSet.provide does,
// and makes that connection first, behind the caller's back.
func (c *companion) provide(s *Session, lanes int, use func(*lane)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if use != nil {
		c.use = use
	}
	if c.connection != nil {
		c.lanes.provide(c.connection, lanes, use)
		return
	}
	if c.begun || c.failed != nil {
		return
	}
	c.begun = true
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.dialling.Go(func() {
		defer stop()
		connection, err := c.connect(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case c.failed != nil:
			if err == nil {
				connection.Close()
			}
		case err != nil:
			s.note(fmt.Sprintf("one connection less moves large files: another was not to be had: %v", err))
		default:
			s.note("a further connection of the same login shares large files")
			c.connection = connection
			c.lanes.provide(connection, lanes, c.use)
		}
	})
}

// fail ends the connection, and the making of it.
func (c *companion) fail(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = reason
	if c.stop != nil {
		c.stop()
	}
	if c.connection != nil {
		c.connection.Close()
	}
	c.lanes.fail(reason)
}

// wait returns when nothing of a connection that fail has ended is alive any more.
func (c *companion) wait() {
	c.dialling.Wait()
	c.lanes.wait()
}
