package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// dataSource is where the next data connection comes from: it was set up by PORT,
// EPRT, PASV or EPSV and serves one transfer.
type dataSource interface {
	// open makes the connection; it ends with ctx or after wait.
	open(ctx context.Context, wait time.Duration) (net.Conn, error)
	// active reports that the server connects, which it does before its 150.
	active() bool
	close()
}

// dropData forgets an announced address or closes a listening port.
func (s *session) dropData() {
	if s.data != nil {
		s.data.close()
		s.data = nil
	}
}

func (s *session) setType(c *command) {
	switch words := strings.Fields(strings.ToUpper(c.argument)); {
	case len(words) == 0:
		s.reply(c, 501, "TYPE needs an argument")
	case words[0] == "I" && len(words) == 1, words[0] == "L" && len(words) == 2 && words[1] == "8":
		s.ascii = false
		s.reply(c, 200, "Type is binary")
	case words[0] == "A" && (len(words) == 1 || len(words) == 2 && words[1] == "N"):
		s.ascii = true
		s.reply(c, 200, "Type is ASCII")
	case strings.Contains("AEIL", words[0]):
		s.reply(c, 504, "Types are A, I and L 8")
	default:
		s.reply(c, 501, "No such type")
	}
}

func (s *session) mode(c *command) { s.oneOf(c, "S", "SBC", "Mode is stream") }
func (s *session) stru(c *command) { s.oneOf(c, "F", "FRP", "Structure is file") }

// oneOf answers a command of which we have one parameter of those that RFC 959 names.
func (s *session) oneOf(c *command, ours, known, text string) {
	switch word := strings.ToUpper(c.argument); {
	case word == ours:
		s.reply(c, 200, "%s", text)
	case len(word) == 1 && strings.Contains(known, word):
		s.reply(c, 504, "Only %s is implemented", ours)
	default:
		s.reply(c, 501, "No such parameter")
	}
}

// Active mode.

func (s *session) port(c *command) {
	if s.refuseAfterEPSVALL(c) {
		return
	}
	address, ok := parsePORT(c.argument)
	if !ok {
		s.reply(c, 501, "PORT needs h1,h2,h3,h4,p1,p2")
		return
	}
	s.acceptAddress(c, address)
}

// parsePORT reads "127,0,0,1,195,80".
func parsePORT(argument string) (netip.AddrPort, bool) {
	fields := strings.Split(argument, ",")
	if len(fields) != 6 {
		return netip.AddrPort{}, false
	}
	var b [6]byte
	for i, field := range fields {
		n, err := strconv.ParseUint(strings.TrimSpace(field), 10, 8)
		if err != nil {
			return netip.AddrPort{}, false
		}
		b[i] = byte(n)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), uint16(b[4])<<8|uint16(b[5])), true
}

func (s *session) eprt(c *command) {
	if s.refuseAfterEPSVALL(c) {
		return
	}
	// The first character separates the fields (RFC 2428, 2): |2|::1|5282|
	fields := strings.Split(c.argument, c.argument[:1])
	if len(fields) != 5 || fields[0] != "" || fields[4] != "" {
		s.reply(c, 501, "EPRT needs |protocol|address|port|")
		return
	}
	if !s.knowsFamily(c, fields[1]) {
		return
	}
	address, err := netip.ParseAddr(fields[2])
	port, portErr := strconv.ParseUint(fields[3], 10, 16)
	if err != nil || portErr != nil || address.Is4() != (fields[1] == "1") {
		s.reply(c, 501, "EPRT needs |protocol|address|port|")
		return
	}
	// A link-local address comes without the zone, which is the peer's business.
	if address.WithZone(s.peer.Zone()) == s.peer {
		address = s.peer
	}
	s.acceptAddress(c, netip.AddrPortFrom(address, uint16(port)))
}

// knowsFamily answers 522 to a network protocol that this control connection
// does not use (RFC 2428: 1 is IPv4, 2 is IPv6).
func (s *session) knowsFamily(c *command, family string) bool {
	ours := "2"
	if s.local.Is4() {
		ours = "1"
	}
	if family != ours {
		s.reply(c, 522, "Network protocol not supported, use (%s)", ours)
	}
	return family == ours
}

// acceptAddress takes the address of PORT or EPRT. Another host than the peer
// and ports below 1024 are refused: else a client could make this server knock at
// other machines' doors (RFC 2577, 3).
func (s *session) acceptAddress(c *command, address netip.AddrPort) {
	if s.options.ForeignPORT == ForeignIsPeer {
		address = netip.AddrPortFrom(s.peer, address.Port())
	}
	foreign := address.Addr() != s.peer && s.options.ForeignPORT == RefuseForeign
	if foreign || address.Port() < 1024 {
		s.reply(c, 500, "Illegal %s command: not your address, or a port below 1024", c.verb)
		return
	}
	if s.options.OnPORT != nil {
		s.options.OnPORT(address)
	}
	s.dropData()
	s.data = &activeSource{from: s.local, to: address, refused: c.effect.Refuse}
	s.reply(c, 200, "%s accepted", c.verb)
}

type activeSource struct {
	from    netip.Addr
	to      netip.AddrPort
	refused bool // a fault: do not even try
}

func (a *activeSource) active() bool { return true }
func (a *activeSource) close()       {}

func (a *activeSource) open(ctx context.Context, wait time.Duration) (net.Conn, error) {
	if a.refused {
		return nil, errors.New("refused by a fault script")
	}
	dialer := net.Dialer{Timeout: wait, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.from, 0))}
	return dialer.DialContext(ctx, "tcp", a.to.String())
}

// Passive mode.

func (s *session) pasv(c *command) {
	if s.refuseAfterEPSVALL(c) {
		return
	}
	if !s.local.Is4() {
		s.reply(c, 502, "PASV cannot announce an IPv6 address, use EPSV")
		return
	}
	port, ok := s.listen(c)
	if !ok {
		return
	}
	host := s.local
	if s.options.PassiveAddress.IsValid() {
		host = s.options.PassiveAddress.Unmap()
	}
	text := host.String()
	if c.effect.AddressHost != "" {
		text = c.effect.AddressHost
	}
	s.reply(c, 227, "Entering Passive Mode (%s,%d,%d)", strings.ReplaceAll(text, ".", ","), port>>8, port&0xFF)
}

func (s *session) epsv(c *command) {
	switch argument := strings.ToUpper(c.argument); argument {
	case "":
	case "ALL":
		s.onlyEPSV = true
		s.reply(c, 200, "Only EPSV from now on")
		return
	case "1", "2":
		if !s.knowsFamily(c, argument) {
			return
		}
	default:
		if _, err := strconv.ParseUint(argument, 10, 16); err == nil {
			s.knowsFamily(c, argument)
			return
		}
		s.reply(c, 501, "EPSV takes 1, 2, ALL or nothing")
		return
	}
	if port, ok := s.listen(c); ok {
		s.reply(c, 229, "Entering Extended Passive Mode (|||%d|)", port)
	}
}

// refuseAfterEPSVALL refuses all other ways to a data connection after EPSV ALL
// (RFC 2428, 4).
func (s *session) refuseAfterEPSVALL(c *command) bool {
	if s.onlyEPSV {
		s.reply(c, 501, "%s is not allowed after EPSV ALL", c.verb)
	}
	return s.onlyEPSV
}

// listen opens a port for the next data connection and returns the number to
// announce.
func (s *session) listen(c *command) (port int, ok bool) {
	s.dropData()
	listener, err := s.listenPassive()
	if err != nil {
		s.reply(c, 425, "No port is free for a data connection")
		return 0, false
	}
	port = listener.Addr().(*net.TCPAddr).Port
	if s.options.OnPASV != nil {
		s.options.OnPASV(netip.AddrPortFrom(s.local, uint16(port)))
	}
	if c.effect.Refuse {
		listener.Close()
	}
	s.data = &passiveSource{listener: listener, peer: s.peer, log: s.log}
	if c.effect.AddressPort != 0 {
		port = c.effect.AddressPort
	}
	return port, true
}

func (s *session) listenPassive() (*net.TCPListener, error) {
	low, high := s.options.PassivePorts[0], s.options.PassivePorts[1]
	count := high - low + 1
	// A random start: neighbouring sessions do not meet, and the next port cannot
	// be guessed from the last one.
	start := rand.IntN(count)
	err := errors.New("no port in the range")
	for i := range count {
		port := uint16(low + (start+i)%count)
		var listener *net.TCPListener
		listener, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.local, port)))
		if err == nil {
			return listener, nil
		}
	}
	return nil, fmt.Errorf("listening for a data connection: %w", err)
}

type passiveSource struct {
	listener *net.TCPListener
	peer     netip.Addr
	log      func(string)
}

func (p *passiveSource) active() bool { return false }
func (p *passiveSource) close()       { p.listener.Close() }

// open accepts the first connection that comes from the control connection's
// peer; strangers are closed and the wait goes on.
func (p *passiveSource) open(ctx context.Context, wait time.Duration) (net.Conn, error) {
	defer p.listener.Close()
	defer context.AfterFunc(ctx, func() { p.listener.Close() })()
	p.listener.SetDeadline(time.Now().Add(wait))
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return nil, err
		}
		if from := addressOf(conn.RemoteAddr()); from != p.peer {
			p.log("- turned away " + from.String() + " at the passive port")
			closeHard(conn)
			continue
		}
		return conn, nil
	}
}
