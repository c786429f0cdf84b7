package rewrite

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/server/door"
	"github.com/sftpc/sftpc/netio/server/fault"
)

// Options say what stands behind a relay and what it does to it. Server must be set.
type Options struct {
	// Server is where the server listens, "127.0.0.1:2121".
	Server string
	// Faults are what goes wrong; nil is nothing. Of the actions of package fault a relay
	// carries out:
	//
	//	delay, silence, reply, raw, refuse   in place of the command or request, which the
	//	                                     server does not see
	//	preliminary, final                   in place of what the server answered when it had
	//	                                     carried the command or request out, or nothing;
	//	                                     a "preliminary" from 200 on leaves the last
	//	                                     reply out, as clients take it for that
	//	size                                 in what it answered and in listings
	//	payload                              in place of a listing, or of a STAT's answer
	//	cut, stall                           on data connections, counted one way
	//	close, reset                         of both sides, behind the reply or at once
	//
	// The verbs are those of FTP, or of SFTP as package sftpserver names them. With FTP
	// CONNECT is the greeting.
	Faults *fault.Script
	// Certificate is what clients see of FTPS; nil is FTP without it. Implicit speaks TLS
	// from the first byte on, on both sides.
	Certificate *tls.Certificate
	Implicit    bool
	// HostKey is what clients see of SFTP; where it is not nil, SSH is spoken.
	HostKey ssh.Signer
	// Log is told what is done to which command. It must be safe for concurrent use; nil
	// means that nobody listens.
	Log func(line string)
}

// Relay is a relay. Its methods are safe for concurrent use.
type Relay struct {
	options Options
	door    *door.Door
	tls     *tls.Config // of the side of the clients; its tickets are good for all connections
}

// Listen makes a relay that serves on address ("127.0.0.1:0" for any port) until ctx ends
// or Close is called. Close must be called in both cases.
func Listen(ctx context.Context, address string, options Options) (*Relay, error) {
	if options.Server == "" {
		return nil, errors.New("relay: no server to stand before")
	}
	r := &Relay{options: options}
	if options.Certificate != nil {
		r.tls = &tls.Config{Certificates: []tls.Certificate{*options.Certificate}, MinVersion: tls.VersionTLS12}
	}
	r.door = door.New(math.MaxInt, r.visit)
	if err := r.door.Listen(ctx, address); err != nil {
		r.door.Close()
		return nil, fmt.Errorf("relay: %w", err)
	}
	return r, nil
}

// Addr is the address that the relay listens on.
func (r *Relay) Addr() string { return r.door.Addr() }

// Close ends the relay and all connections through it, and waits for them.
func (r *Relay) Close() error {
	r.door.Close()
	return nil
}

func (r *Relay) visit(ctx context.Context, v door.Visit) {
	server, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", r.options.Server)
	if err != nil {
		r.log("%v", err)
		return
	}
	p := &pair{client: v.Conn, server: server}
	defer p.end(false)
	defer context.AfterFunc(ctx, func() { p.end(false) })()
	if r.options.HostKey != nil {
		r.overSSH(ctx, p)
		return
	}
	r.overFTP(ctx, p)
}

func (r *Relay) log(format string, args ...any) {
	if r.options.Log != nil {
		r.options.Log("relay: " + fmt.Sprintf(format, args...))
	}
}

// pair are the two TCP connections of a client: to it, and to the server.
type pair struct{ client, server net.Conn }

// end closes both, with a TCP reset if so wanted.
func (p *pair) end(reset bool) {
	for _, conn := range []net.Conn{p.client, p.server} {
		if tcp, ok := conn.(*net.TCPConn); ok && reset {
			tcp.SetLinger(0)
		}
		conn.Close()
	}
}
