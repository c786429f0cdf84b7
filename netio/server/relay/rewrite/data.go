package rewrite

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/server/fault"
)

// mostListing bounds a listing whose sizes are changed.
const mostListing = 1 << 20

var (
	addressOf227 = regexp.MustCompile(`\d+,\d+,\d+,\d+,(\d+),(\d+)`)
	portOf229    = regexp.MustCompile(`\(\|\|\|(\d+)\|\)`)
)

// announce puts an address of the relay's in place of the one that the server waits at.
// What holds none is returned as it is.
func (c *control) announce(reply string, code int) string {
	var port int
	if code == 227 {
		if found := addressOf227.FindStringSubmatch(reply); found != nil {
			high, _ := strconv.Atoi(found[1])
			low, _ := strconv.Atoi(found[2])
			port = high<<8 | low
		}
	} else if found := portOf229.FindStringSubmatch(reply); found != nil {
		port, _ = strconv.Atoi(found[1])
	}
	host, _, _ := net.SplitHostPort(c.pair.client.LocalAddr().String())
	there, _, _ := net.SplitHostPort(c.relay.options.Server)
	if port == 0 {
		return reply
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return reply
	}
	c.listen(listener)
	c.bridges.Go(func() { c.bridge(listener, net.JoinHostPort(there, strconv.Itoa(port))) })
	here := listener.Addr().(*net.TCPAddr)
	if code == 229 {
		return portOf229.ReplaceAllString(reply, fmt.Sprintf("(|||%d|)", here.Port))
	}
	if ip := here.IP.To4(); ip != nil {
		return addressOf227.ReplaceAllString(reply, fmt.Sprintf("%d,%d,%d,%d,%d,%d", ip[0], ip[1], ip[2], ip[3], here.Port>>8, here.Port&0xff))
	}
	return reply
}

// listen closes the listener of an earlier announcement and keeps this one; nil is none.
func (c *control) listen(listener net.Listener) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.data != nil {
		c.data.Close()
	}
	c.data = listener
}

// bridge takes one data connection of the client's to the server.
func (c *control) bridge(listener net.Listener, address string) {
	client, err := listener.Accept()
	listener.Close()
	if err != nil {
		return
	}
	server, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(c.ctx, "tcp", address)
	if err != nil {
		client.(*net.TCPConn).SetLinger(0)
		client.Close()
		return
	}
	b := &bridge{control: c, pair: &pair{client: client, server: server}, stalled: make(chan struct{}), over: make(chan struct{})}
	c.lock.Lock()
	c.newest = b
	c.lock.Unlock()
	defer close(b.over)
	defer b.pair.end(false)
	defer context.AfterFunc(c.ctx, func() { b.pair.end(true) })()
	b.run()
}

// bridge is one data connection through the relay.
type bridge struct {
	control *control
	pair    *pair
	stalled chan struct{}
	once    sync.Once
	over    chan struct{} // closed with it
}

// halfCloser is a connection one of whose directions can end.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

func (b *bridge) run() {
	client, server := b.pair.client.(halfCloser), b.pair.server.(halfCloser)
	c := b.control
	c.lock.Lock()
	private := c.private
	c.lock.Unlock()
	if private {
		// Not before the client begins: pyftpdlib loses what comes too early.
		begun := make(chan struct{})
		config := c.relay.tls.Clone()
		config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			close(begun)
			return c.relay.tls, nil
		}
		in, out := tls.Server(client, config), tls.Client(server, c.believing())
		var both sync.WaitGroup
		both.Go(func() {
			defer func() {
				select {
				case <-begun:
				default:
					close(begun) // it has not come so far, and both are closed
				}
			}()
			b.shake(in)
		})
		both.Go(func() { <-begun; b.shake(out) })
		both.Wait()
		client, server = in, out
	}
	var both sync.WaitGroup
	both.Go(func() { b.pump(server, client, true) })
	both.Go(func() { b.pump(client, server, false) })
	both.Wait()
}

// shake gives the other side up where this one does not come to an agreement.
func (b *bridge) shake(conn *tls.Conn) {
	if err := conn.HandshakeContext(b.control.ctx); err != nil {
		b.control.relay.log("TLS of a data connection: %v", err)
		b.pair.end(true)
	}
}

// effect is what goes wrong with the transfer that this connection is of. It is asked for
// when something has come, and so when the command has passed.
func (b *bridge) effect(up bool) fault.Effect {
	c := b.control
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.moving == nil || up != stores(c.moving.verb) {
		return fault.Effect{}
	}
	return c.moving.effect
}

func stores(verb string) bool { return verb == "STOR" || verb == "APPE" || verb == "STOU" }

// pump moves bytes one way until the end, which it hands on as such.
func (b *bridge) pump(to, from halfCloser, up bool) {
	buffer := make([]byte, 16<<10)
	var moved int64
	for {
		n, err := from.Read(buffer)
		e := b.effect(up)
		if e.Payload != nil || e.Sized {
			b.replace(to, from, buffer[:n], err, e)
			return
		}
		piece := buffer[:n]
		if harmed := e.Cut || e.Stall; harmed && moved+int64(n) >= e.CutAt {
			to.Write(piece[:e.CutAt-moved])
			b.harm(e)
			return
		}
		moved += int64(n)
		if len(piece) > 0 {
			if _, err := to.Write(piece); err != nil {
				b.pair.end(true)
				return
			}
		}
		if err != nil {
			b.finish(to, err)
			return
		}
	}
}

// harm ends both connections, or has them stand still until the session ends or the
// client gives them up. Where something else stands in the place of what the server says
// of it, its side ends in order: pyftpdlib has nothing to say of a connection that is
// reset before it has looked at it, and then there would be no reply to change.
func (b *bridge) harm(e fault.Effect) {
	if e.Cut {
		if e.Final != "" {
			b.pair.server.Close()
		}
		b.pair.end(true)
		return
	}
	b.once.Do(func() { close(b.stalled) })
	<-b.control.ctx.Done()
}

// finish hands the end of one direction on.
func (b *bridge) finish(to halfCloser, err error) {
	if !errors.Is(err, io.EOF) {
		b.pair.end(true)
		return
	}
	select {
	case <-b.stalled: // nothing passes any more, nor does the end
	default:
		to.CloseWrite()
	}
}

// replace sends what stands in place of a listing whose first bytes have come.
func (b *bridge) replace(to, from halfCloser, first []byte, err error, e fault.Effect) {
	var rest bytes.Buffer
	if err == nil {
		_, err = io.Copy(&rest, io.LimitReader(from, mostListing))
	} else if errors.Is(err, io.EOF) {
		err = nil
	}
	text := e.Payload
	if text == nil {
		text = []byte(resizedListing(string(first)+rest.String(), e.Size))
	}
	if err == nil {
		_, err = to.Write(text)
	}
	if err == nil {
		err = io.EOF
	}
	b.finish(to, err)
}

// believing is the TLS of the side of the server. Data connections resume the session of
// the control connection, which some servers demand.
func (c *control) believing() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, ServerName: "relay", ClientSessionCache: &c.tickets}
}

// tickets keeps the newest session of the control connection, which is the one that came
// first with TLS 1.2, and any under 1.3, where those of data connections count as much.
type tickets struct {
	lock  sync.Mutex
	state *tls.ClientSessionState
}

func (t *tickets) Get(string) (*tls.ClientSessionState, bool) {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.state, t.state != nil
}

func (t *tickets) Put(_ string, state *tls.ClientSessionState) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if state != nil {
		t.state = state
	}
}
