package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/session"
)

// Dial makes TCP connections, as session.Settings.Dial does.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// longest bounds a dial whose context has no deadline.
const longest = 2 * time.Minute

// longAgo is a deadline that ends a read or write at once.
var longAgo = time.Unix(1, 0)

// Through returns a function that reaches an address through the proxy, which it
// reaches by direct; nil is the system's dialer. The function is safe for
// concurrent use, ends with its context, and its errors are *session.Error values
// without Op and Host. The connections' RemoteAddr is the address that was asked
// for and no *net.TCPAddr; the caller closes them.
func (p *Proxy) Through(direct Dial) Dial {
	if direct == nil {
		direct = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			limited, stop := context.WithTimeout(ctx, longest)
			defer stop()
			ctx = limited
		}
		return p.dial(ctx, direct, address)
	}
}

func (p *Proxy) dial(ctx context.Context, direct Dial, address string) (net.Conn, error) {
	to, err := targetOf(address)
	if err != nil {
		return nil, fault(session.BadArgument, err)
	}
	began := time.Now()
	conn, err := direct(ctx, "tcp", p.Address())
	if err != nil {
		return nil, p.unreachable(ctx, err, began)
	}
	release := context.AfterFunc(ctx, func() { conn.SetDeadline(longAgo) })
	tunnel, err := p.open(ctx, conn, to)
	if !release() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, p.failure(ctx, err, to, began)
	}
	return tunnel, nil
}

// open speaks the proxy's protocol on conn until the server is at its other end.
func (p *Proxy) open(ctx context.Context, conn net.Conn, to target) (net.Conn, error) {
	if p.scheme == "socks5" {
		if err := p.askSOCKS(conn, to); err != nil {
			return nil, err
		}
		return &tunnel{Conn: conn, server: to}, nil
	}
	if p.scheme == "https" {
		secured := tls.Client(conn, &tls.Config{ServerName: p.host, RootCAs: p.roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secured
	}
	reader := bufio.NewReader(conn)
	if err := p.askCONNECT(conn, reader, to); err != nil {
		return nil, err
	}
	// A server that speaks first may have spoken already.
	head, err := reader.Peek(reader.Buffered())
	if err != nil {
		return nil, err
	}
	return &tunnel{Conn: conn, server: to, head: append([]byte(nil), head...)}, nil
}

// target is the server that is asked for.
type target struct {
	host string
	port uint16
}

func targetOf(address string) (target, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return target{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || n == 0:
		return target{}, errors.New("a proxy is asked for a port from 1 to 65535")
	case strings.Contains(host, "%"):
		return target{}, errors.New("an address with a zone means something on this machine only, and nothing to a proxy")
	case !isHost(host):
		return target{}, errors.New("the host holds a character that no host's name has, or is too long")
	}
	return target{host: host, port: uint16(n)}, nil
}

// Network and String make a target the address of a tunnel's other end.
func (t target) Network() string { return "tcp" }
func (t target) String() string  { return net.JoinHostPort(t.host, strconv.Itoa(int(t.port))) }

// tunnel is a connection to a server through a proxy.
type tunnel struct {
	net.Conn
	server target
	head   []byte // of the server, arrived together with the proxy's reply
}

func (t *tunnel) Read(b []byte) (int, error) {
	if len(t.head) > 0 {
		n := copy(b, t.head)
		t.head = t.head[n:]
		return n, nil
	}
	return t.Conn.Read(b)
}

// RemoteAddr is the server's address as it was asked for.
func (t *tunnel) RemoteAddr() net.Addr { return t.server }

// SetLinger is as that of a TCP connection: an upload that is given up must not
// end as a whole one does.
func (t *tunnel) SetLinger(seconds int) error {
	conn := t.Conn
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		return tcp.SetLinger(seconds)
	}
	return nil
}

// CloseWrite says that nothing more will be sent, where the connection has a way
// to say it.
func (t *tunnel) CloseWrite() error {
	if half, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// fault is an error of the given cause with its usual class.
func fault(cause session.Cause, err error) *session.Error {
	return &session.Error{Cause: cause, Class: cause.Class(), Err: err}
}

// refusal is a proxy's own word that it does not do what it is asked for.
type refusal struct {
	cause session.Cause
	class session.Class
	text  string
	hint  string
}

func (r *refusal) Error() string { return r.text }

func refused(cause session.Cause, class session.Class, text string) *refusal {
	return &refusal{cause: cause, class: class, text: text}
}

// nonsense is what no proxy of this kind says.
func nonsense(format string, args ...any) *refusal {
	return refused(session.ProxyFailed, session.ClassProtocol, fmt.Sprintf(format, args...))
}

// failure is the error for a proxy that was reached and made no connection.
func (p *Proxy) failure(ctx context.Context, err error, to target, began time.Time) *session.Error {
	var said *refusal
	var untrusted *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	name := "the proxy " + p.Address()
	switch {
	case errors.As(err, &said):
		e := fault(said.cause, fmt.Errorf("%s %s", name, said.text))
		e.Class, e.Hint = said.class, said.hint
		return e
	case ctx.Err() == context.Canceled:
		return fault(session.Cancelled, context.Cause(ctx))
	case ctx.Err() != nil || cause.IsTimeout(err):
		// Which of the two was slow cannot be known; to wait again may help for both.
		return fault(session.ConnectTimeout, fmt.Errorf("%s made no connection to %s within %s", name, to, since(began)))
	case errors.As(err, &untrusted):
		e := fault(session.ProxyFailed, fmt.Errorf("the certificate of %s is not believed: %w", name, untrusted))
		e.Class = session.ClassTrust
		return e
	case errors.As(err, &alert), errors.As(err, &record):
		e := fault(session.ProxyFailed, fmt.Errorf("no TLS with %s: %w", name, err))
		e.Class, e.Hint = session.ClassTrust, "most proxies are spoken to without TLS: http:// instead of https://"
		return e
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("closed the connection before its reply was whole")
	}
	e := fault(session.ProxyFailed, fmt.Errorf("%s: %w", name, err))
	e.Class = session.ClassTransient
	return e
}

// unreachable is the error for a proxy that was not reached at all.
func (p *Proxy) unreachable(ctx context.Context, err error, began time.Time) *session.Error {
	var lookup *net.DNSError
	e := fault(session.ProxyFailed, fmt.Errorf("the proxy %s cannot be reached: %w", p.Address(), err))
	e.Class = session.ClassTransient
	switch {
	case ctx.Err() == context.Canceled:
		return fault(session.Cancelled, context.Cause(ctx))
	case errors.As(err, &lookup) && lookup.IsNotFound:
		e.Class = session.ClassPermanent
	case ctx.Err() != nil || cause.IsTimeout(err):
		e.Err = fmt.Errorf("the proxy %s did not answer within %s", p.Address(), since(began))
	}
	return e
}

func since(began time.Time) time.Duration { return time.Since(began).Round(time.Millisecond) }
