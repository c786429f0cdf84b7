package sshlogin

import (
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// keepAliveEvery is how often a connection is asked for a sign of life. Routers
// forget connections that are silent for some minutes, and a peer that is gone
// would otherwise be noticed after two hours.
const keepAliveEvery = 30 * time.Second

// liveConn is the connection of a client together with the goroutine that watches
// it: closing it waits for that one too.
type liveConn struct {
	ssh.Conn
	hostKey []byte // as on the wire
	watched sync.WaitGroup
	ended   chan struct{} // closed when the connection has ended
}

// HostKey is the host key, as it is on the wire, that the server of a client which
// Connect returned has shown; nil of any other client.
func HostKey(client *ssh.Client) []byte {
	if live, ok := client.Conn.(*liveConn); ok {
		return live.hostKey
	}
	return nil
}

func newClient(connection ssh.Conn, hostKey ssh.PublicKey, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request, patience time.Duration) *ssh.Client {
	live := &liveConn{Conn: connection, hostKey: hostKey.Marshal(), ended: make(chan struct{})}
	live.watched.Go(func() {
		connection.Wait()
		close(live.ended)
	})
	live.watched.Go(func() { live.keepAlive(keepAliveEvery, patience) })
	return ssh.NewClient(live, channels, requests)
}

// Close ends the connection and waits until nothing watches it any more.
func (c *liveConn) Close() error {
	err := c.Conn.Close()
	c.watched.Wait()
	return err
}

// keepAlive asks the server every now and then for a sign of life. One request waits
// at a time: they are answered in order, and a second would hold the first up. An
// answer that does not come within patience ends the connection.
func (c *liveConn) keepAlive(every, patience time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-c.ended:
			return
		case <-ticker.C:
		}
		giveUp := time.AfterFunc(patience, func() { c.Conn.Close() })
		// Any answer will do; most servers answer that they do not know the request.
		_, _, err := c.Conn.SendRequest("keepalive@openssh.com", true, nil)
		giveUp.Stop()
		if err != nil {
			return
		}
	}
}
