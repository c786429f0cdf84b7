package sshlogin

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/internal/trust"
	"github.com/sftpc/sftpc/netio/session"
)

// Connect dials the endpoint, checks its host key and logs in. The caller closes the
// client, which ends all goroutines of the connection. When an answer to a
// keep-alive fails to come within the reply time-out the connection is closed, and
// everything that waits on it fails.
func Connect(ctx context.Context, endpoint session.Endpoint, settings session.Settings) (*ssh.Client, error) {
	c, e := newConnecting(endpoint, settings)
	if e != nil {
		return nil, e
	}
	if c.endpoint.User == "" {
		e := fault(session.BadArgument, errors.New("a login over SSH needs a user"))
		e.Hint = "OPENHOST takes it as its second argument"
		return nil, c.finish(e)
	}
	client, e := c.connect(ctx)
	if e != nil {
		return nil, c.finish(e)
	}
	return client, nil
}

// clientVersion is how we name ourselves to servers.
const clientVersion = "SSH-2.0-sftpc"

// newConnecting finds out from ssh_config where the host is.
func newConnecting(endpoint session.Endpoint, settings session.Settings) (*connecting, *session.Error) {
	settings.Timeouts = settings.Timeouts.WithDefaults()
	c := &connecting{settings: settings, config: endpoint.Login.SSH.Config}
	route, err := Resolve(endpoint)
	if err != nil {
		return nil, asFault(err)
	}
	c.endpoint, c.jumps = route.Endpoint, route.Jumps
	host, port, err := net.SplitHostPort(c.endpoint.Address)
	if err != nil {
		return nil, fault(session.Internal, err) // Resolve has read it
	}
	if c.endpoint.Host != "" {
		host = c.endpoint.Host
	}
	c.server = trust.Server{User: c.endpoint.User, Host: host, Port: port, Alias: c.endpoint.Trust.HostKeyAlias}
	if c.server.Alias != "" { // under its own name its keys would be looked for elsewhere
		c.server.Asked = endpoint.Host
		if _, given, err := net.SplitHostPort(endpoint.Address); err == nil && endpoint.Login.SSH.PortGiven {
			c.server.Asked = net.JoinHostPort(endpoint.Host, given)
		}
	}
	asked := slices.Clone(c.jumps)
	if c.endpoint.Address != endpoint.Address {
		asked = append(asked, c.endpoint)
	}
	for _, e := range asked {
		if err := c.permitted(e); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// permitted asks for leave to connect to an address that only ssh_config named.
func (c *connecting) permitted(e session.Endpoint) *session.Error {
	if c.settings.Permit == nil {
		return nil
	}
	host, text, err := net.SplitHostPort(e.Address)
	port, wrong := strconv.Atoi(text)
	if err = errors.Join(err, wrong); err == nil {
		err = c.settings.Permit(host, port)
	}
	if err != nil {
		return asFault(err)
	}
	return nil
}

// finish fills in whom an error is about.
func (c *connecting) finish(e *session.Error) *session.Error {
	at := net.JoinHostPort(c.server.Host, c.server.Port)
	if e.Op == "" {
		e.Op = "connecting to " + at
	}
	if e.Host == "" { // else it is about a host on the way
		e.Host, e.Name = at, c.server.Host
	}
	return e
}

// connecting is one login in the making.
type connecting struct {
	endpoint session.Endpoint
	settings session.Settings
	server   trust.Server
	config   []string           // files of ssh_config, for the hosts on the way
	jumps    []session.Endpoint // hosts on the way, the first one first
	depth    int                // how many are being visited for another
}

// note tells a decision to those who asked for more.
func (c *connecting) note(text string) {
	if c.settings.Observe != nil {
		c.settings.Observe(session.Wire{Kind: session.WireNote, Text: text})
	}
}

// connect tries again, with other types of keys, while the server shows keys that
// are not the pinned one: a pin does not say of which type its key is, and a server
// with several keys shows only one.
func (c *connecting) connect(ctx context.Context) (*ssh.Client, *session.Error) {
	var mismatch *session.Error
	var shown []string // types of keys that are not the pinned one
	for {
		a, e := c.attempt(ctx, shown)
		if e == nil {
			return a.client, nil
		}
		if mismatch != nil && (a == nil || a.negotiation != nil) {
			return nil, mismatch // no further key
		}
		if e.Cause != session.PinMismatch {
			return nil, e
		}
		if mismatch == nil {
			mismatch = e
		}
		if a.shown == nil || slices.Contains(shown, a.shown.Type()) {
			return nil, mismatch
		}
		shown = append(shown, a.shown.Type())
	}
}

// attempt is one connection: what became of it.
type attempt struct {
	client      *ssh.Client
	shown       ssh.PublicKey // the host key, once there was one
	negotiation *ssh.AlgorithmNegotiationError
}

// attempt connects once, without the host keys of the types in without.
func (c *connecting) attempt(ctx context.Context, without []string) (*attempt, *session.Error) {
	keys, err := trust.OpenHostKeys(c.endpoint.Trust, c.server)
	if err != nil {
		return nil, asFault(err)
	}
	login, e := c.newLogin(ctx)
	if e != nil {
		return nil, e
	}
	defer login.close()
	algorithms := algorithmsFor(c.endpoint.LegacyAlgorithms)
	offered := slices.DeleteFunc(keys.Algorithms(algorithms.HostKeys), func(algorithm string) bool {
		return slices.Contains(without, keyType(algorithm))
	})
	if len(offered) == 0 {
		return nil, fault(session.PinMismatch, errors.New("the server has no key of another type"))
	}
	start := time.Now()
	conn, e := c.dial(ctx)
	if e != nil {
		return nil, e
	}
	widen(conn)
	a := &attempt{}
	h := newHandshake(ctx, conn, c.settings.Timeouts, start, login)
	config := &ssh.ClientConfig{
		Config: ssh.Config{
			KeyExchanges: algorithms.KeyExchanges, Ciphers: algorithms.Ciphers, MACs: algorithms.MACs,
		},
		User:              c.endpoint.User,
		ClientVersion:     clientVersion,
		HostKeyAlgorithms: offered,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if a.shown != nil { // a further key exchange of the same connection
				if bytes.Equal(a.shown.Marshal(), key.Marshal()) {
					return nil
				}
				return errors.New("the server showed another host key than before")
			}
			a.shown = key
			if err := keys.Check(key); err != nil {
				h.refused = asFault(err)
				return err
			}
			h.checked()
			return nil
		},
		BannerCallback: func(string) error { return nil }, // text from outside that nobody asked for
		AuthCallback: func(state *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
			h.restart()
			return login.next(state)
		},
	}
	connection, channels, requests, err := ssh.NewClientConn(h, c.endpoint.Address, config)
	if err == nil && !h.end() {
		connection.Close()
		err = errHandshakeCut
	}
	if err != nil {
		h.end()
		conn.Close()
		errors.As(err, &a.negotiation)
		return a, c.ofHandshake(ctx, err, h, login)
	}
	a.client = newClient(connection, a.shown, channels, requests, c.settings.Timeouts.Reply)
	return a, nil
}

// dial makes the connection of TCP, or what stands for it behind hosts on the way.
func (c *connecting) dial(ctx context.Context) (net.Conn, *session.Error) {
	if len(c.jumps) > 0 {
		return c.throughJumps(ctx)
	}
	within := c.settings.Timeouts.Connect
	limited, stop := context.WithTimeout(ctx, within)
	defer stop()
	dial := c.settings.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(limited, "tcp", c.endpoint.Address)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, cancelled(ctx)
	}
	return nil, cause.OfDial(err, within)
}

var errHandshakeCut = errors.New("the connection was given up")

// handshake is a connection while the parties get to know each other: it ends when
// a step takes too long or the context does, and keeps the first bytes that the
// server said. Closing is the one way to end a read on every kind of connection; the
// channels that lead through a jump host know no deadlines.
type handshake struct {
	net.Conn
	timeouts session.Timeouts
	timer    *time.Timer
	release  func() bool

	quick   int         // how many more reads are acknowledged at once
	learned atomic.Bool // first is not added to any more
	lock    sync.Mutex  // guards first, which the library's own goroutine may still add to
	first   []byte      // what the server said first, at most mostFirst bytes
	known   atomic.Bool // the key exchange is over, and the host key is good
	late    atomic.Bool // a step took too long
	refused *session.Error
}

// mostFirst is enough to see that a server does not speak SSH, and what instead.
const mostFirst = 256

// quickReads is longer than a login with the opening of some channels after it.
const quickReads = 64

// newHandshake watches over conn, whose making began at start, and over what the
// login waits for.
func newHandshake(ctx context.Context, conn net.Conn, timeouts session.Timeouts, start time.Time, l *login) *handshake {
	h := &handshake{Conn: conn, timeouts: timeouts, quick: quickReads}
	giveUp := func() {
		conn.Close()
		l.close()
	}
	h.timer = time.AfterFunc(max(timeouts.Connect-time.Since(start), 0), func() {
		h.late.Store(true)
		giveUp()
	})
	h.release = context.AfterFunc(ctx, giveUp)
	return h
}

// Read notes what comes first.
func (h *handshake) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	if h.quick > 0 {
		h.quick--
		acknowledge(h.Conn)
	}
	if !h.learned.Load() {
		h.lock.Lock()
		defer h.lock.Unlock()
		h.first = append(h.first, b[:min(n, mostFirst-len(h.first))]...)
		if len(h.first) == mostFirst || bytes.HasPrefix(h.first, []byte("SSH-")) {
			h.learned.Store(true)
		} else if speaksOther(h.first) {
			return 0, errOtherProtocol
		}
	}
	return n, err
}

// errOtherProtocol ends a handshake at once; what the server said is in first.
var errOtherProtocol = errors.New("the server does not speak SSH")

// speaksOther recognizes the greetings of FTP, SMTP, HTTP, IMAP and POP3, behind which
// such a server waits for as long as we do. Any other line may stand before the one
// that begins with SSH-.
func speaksOther(first []byte) bool {
	line, _, ended := bytes.Cut(first, []byte("\n"))
	if !ended {
		return false
	}
	for _, prefix := range []string{"HTTP/", "* OK", "+OK"} {
		if bytes.HasPrefix(line, []byte(prefix)) {
			return true
		}
	}
	return len(line) > 3 && (line[3] == ' ' || line[3] == '-') && strings.Trim(string(line[:3]), "0123456789") == ""
}

// checked says that the server is the right one: the login has time of its own,
// which a server may need to look an account up.
func (h *handshake) checked() {
	h.known.Store(true)
	h.restart()
}

func (h *handshake) restart() {
	if h.timer.Stop() {
		h.timer.Reset(h.timeouts.Reply)
	}
}

// end stops watching; false if the connection was given up before.
func (h *handshake) end() bool {
	h.learned.Store(true)
	inTime := h.timer.Stop()
	return h.release() && inTime
}

// keyType is the type of the keys that an algorithm of host keys signs with.
func keyType(algorithm string) string {
	if algorithm == ssh.KeyAlgoRSASHA256 || algorithm == ssh.KeyAlgoRSASHA512 {
		return ssh.KeyAlgoRSA
	}
	return algorithm
}

// algorithmsFor are those without known weaknesses, and for old servers behind them
// those with.
func algorithmsFor(legacy bool) ssh.Algorithms {
	all := ssh.SupportedAlgorithms()
	if legacy {
		weak := ssh.InsecureAlgorithms()
		all.KeyExchanges = append(all.KeyExchanges, weak.KeyExchanges...)
		all.Ciphers = append(all.Ciphers, weak.Ciphers...)
		all.MACs = append(all.MACs, weak.MACs...)
		all.HostKeys = append(all.HostKeys, weak.HostKeys...)
		all.PublicKeyAuths = append(all.PublicKeyAuths, weak.PublicKeyAuths...)
	}
	return all
}
