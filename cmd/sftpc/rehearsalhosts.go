package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// rehearsalHosts answers every host that a script opens with an embedded server.
type rehearsalHosts struct {
	ctx  context.Context
	root *os.Root // below hosts each host has a folder

	mu      sync.Mutex
	servers map[string]embeddedServer // by host name in lower case, behind "ftps " for implicit TLS and "sftp " for SFTP
	doors   map[string]string         // addresses opened for data connections by the host:port a client names, until used
	closed  bool
}

// embeddedServer is a server of any protocol.
type embeddedServer interface {
	Addr() string
	Close() error
}

func newRehearsalHosts(ctx context.Context, root *os.Root) *rehearsalHosts {
	return &rehearsalHosts{ctx: ctx, root: root, servers: map[string]embeddedServer{}, doors: map[string]string{}}
}

// dial connects to the server that stands for the address's host: at its control
// port, whatever port is asked for, but for the ports that this server has just
// opened for passive data connections. So nothing but our servers can be reached.
func (h *rehearsalHosts) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	to, err := h.serve(host, session.ProtocolOf(ctx))
	if err != nil {
		return nil, err
	}
	if door, ok := h.door(host, port); ok {
		to = door
	}
	return (&net.Dialer{}).DialContext(ctx, network, to)
}

// door takes a data port of the host that was opened and not used yet.
func (h *rehearsalHosts) door(host, port string) (address string, ok bool) {
	key := net.JoinHostPort(strings.ToLower(host), port)
	h.mu.Lock()
	defer h.mu.Unlock()
	address, ok = h.doors[key]
	delete(h.doors, key)
	return address, ok
}

// opened remembers that the host's server opened a data port.
func (h *rehearsalHosts) opened(host string, address netip.AddrPort) {
	key := net.JoinHostPort(host, strconv.Itoa(int(address.Port())))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doors[key] = address.String()
}

// serve starts the server of a host, once, and returns its address. Each speaks TLS
// when asked for it; with TLS from the first byte on it is another one, for the same
// folder, and so it is with SFTP.
func (h *rehearsalHosts) serve(host string, protocol session.Protocol) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return "", errors.New("the rehearsal is over")
	}
	key := strings.ToLower(host)
	name := key
	switch protocol {
	case session.FTPSImplicit:
		name = "ftps " + key
	case session.SFTP:
		name = "sftp " + key
	}
	if s := h.servers[name]; s != nil {
		return s.Addr(), nil
	}
	folder, err := makeFolder(h.root, "hosts/"+folderName(key))
	if err != nil {
		return "", err
	}
	if protocol == session.SFTP {
		s, err := sftpserver.Listen(h.ctx, "127.0.0.1:0", sftpserver.Options{Dir: folder, AllowAnyLogin: true})
		if err != nil {
			return "", err
		}
		h.servers[name] = s
		return s.Addr(), nil
	}
	s, err := server.Listen(h.ctx, "127.0.0.1:0", server.Options{
		Dir: folder, AllowAnyLogin: true, Anonymous: true, LoginDelay: -1,
		TLS:         &server.TLS{Implicit: protocol == session.FTPSImplicit, Names: []string{key}},
		ForeignPORT: server.ForeignIsPeer, SkipSync: true, Banner: fmt.Sprintf("rehearsal of %s", key), OnPASV: func(address netip.AddrPort) { h.opened(key, address) },
	})
	if err != nil {
		return "", err
	}
	h.servers[name] = s
	return s.Addr(), nil
}

// close ends all servers; it may be called again. The lock is not held while
// they end, because what still runs in them may ask for it.
func (h *rehearsalHosts) close() {
	h.mu.Lock()
	servers := h.servers
	h.servers, h.closed = map[string]embeddedServer{}, true
	h.mu.Unlock()
	for _, s := range servers {
		s.Close()
	}
}

// folderName makes one safe component of a host: IPv6 colons and whatever is no
// letter, digit, dot or hyphen become underscores, and dots alone are no name.
func folderName(host string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-':
			return r
		}
		return '_'
	}, host)
	if strings.Trim(safe, ".") == "" {
		return "_"
	}
	return safe
}
