package ftpconn

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

	"github.com/sftpc/sftpc/netio/session"
)

// mostRefusedTold bounds how many strangers at one listener are told of.
const mostRefusedTold = 16

// prepareActive listens, and tells the server where: with PORT for an IPv4
// address, with EPRT for IPv6 (RFC 2428) and, if the feature is enabled, first
// for IPv4 too. The listener is made for this one transfer.
func (s *Session) prepareActive(mode session.DataMode) (*dataConn, *session.Error) {
	about := session.DataConn{Active: true, Command: "PORT"}
	if s.proxied {
		e := fault(session.ActiveThroughProxy, errors.New("the server cannot connect to us through the proxy"))
		e.Hint = "SETPASSIVE(ENABLED); or SETPROXY(\"\") and OPENHOST again, for a server that can be reached without the proxy"
		return nil, e
	}
	if !s.local.IsValid() {
		return nil, s.unprepared(about, session.Reply{}, errors.New("active mode needs a direct connection to the server"))
	}
	listener, err := s.listen(mode)
	if err != nil {
		return nil, s.unprepared(about, session.Reply{}, err)
	}
	at := listener.Addr().(*net.TCPAddr).AddrPort()
	announced := netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
	if mode.Announce.IsValid() {
		announced = netip.AddrPortFrom(mode.Announce.Unmap().WithZone(""), at.Port())
	}
	about.Local, about.Listen = at.String(), announced.String()

	data := newDataConn(s, about, nil)
	data.await(listener, s.peer)
	reply, e := s.announce(announced, data)
	about = data.description()
	switch {
	case e == nil && !completed(reply.Code):
		e, _ = ofReply(about.Command, reply, true)
		if e.Cause != session.AccessRefused && e.Cause != session.TooManyConnections {
			e = s.unprepared(about, reply, nil)
		}
	case e != nil && e.Cause == session.ConnectionLost && contains(strings.ToLower(reply.Text), "data channel", "data connection"):
		// pyftpdlib's own patience was the shorter one, and it hangs up behind its 421.
		e = s.unprepared(about, reply, nil)
		s.op.failure = e
	}
	if e != nil {
		data.Close()
		return nil, e
	}
	s.op.prepared = reply
	return data, nil
}

// announce tells the server where data listens.
func (s *Session) announce(at netip.AddrPort, data *dataConn) (reply session.Reply, e *session.Error) {
	extended := s.feature("EPRT") == session.FeatureEnabled && !s.unknown["EPRT"]
	if extended || at.Addr().Is6() {
		reply, e = s.announceBy("EPRT", extendedPort(at), data)
		if e != nil || completed(reply.Code) || at.Addr().Is6() {
			return reply, e
		}
	}
	ip, port := at.Addr().As4(), at.Port()
	reply, e = s.announceBy("PORT", fmt.Sprintf("%d,%d,%d,%d,%d,%d", ip[0], ip[1], ip[2], ip[3], port>>8, port&255), data)
	if extended && e == nil && completed(reply.Code) {
		// Only now it is the command that was refused, and not the address.
		s.unknown["EPRT"] = true
		s.note("EPRT was refused, PORT from now on")
	}
	return reply, e
}

// announceBy sends EPRT or PORT. pyftpdlib connects first and answers then, so that
// a firewall which drops its connection looks like a server that is gone. It is taken
// for the firewall where the server has spoken just before; else the session may have
// died meanwhile, and a new one tells.
func (s *Session) announceBy(command, argument string, data *dataConn) (session.Reply, *session.Error) {
	w := waiting{reply: s.settings.Timeouts.Reply}
	patience := min(s.settings.Timeouts.Connect, w.reply)
	data.lock.Lock()
	data.about.Command = command
	data.lock.Unlock()
	if time.Since(s.control.heardAt) < patience {
		data.awaitFor(patience)
		w.data = data
	}
	return s.exchangeWithin(command+" "+argument, w)
}

// extendedPort is the argument of EPRT.
func extendedPort(at netip.AddrPort) string {
	family := 2
	if at.Addr().Is4() {
		family = 1
	}
	return fmt.Sprintf("|%d|%s|%d|", family, at.Addr(), at.Port())
}

// listen opens the listener for one transfer. In a range of ports it begins
// behind the last one used: a server that connects from its port 20 cannot use
// the same pair of ports again while the old connection is in TIME_WAIT.
func (s *Session) listen(mode session.DataMode) (*net.TCPListener, error) {
	address := s.local
	if mode.ListenOn.IsValid() {
		address = mode.ListenOn.Unmap()
	}
	from, to := mode.PortFrom, mode.PortTo
	if from <= 0 && to <= 0 {
		return listenOn(s.op.ctx, address, 0)
	}
	if from <= 0 || to < from || to > 65535 {
		return nil, fmt.Errorf("ports %d to %d are no range", from, to)
	}
	count := to - from + 1
	first := s.lastPort + 1 - from
	if s.lastPort < from || s.lastPort > to {
		first = rand.IntN(count)
	}
	var last error
	for i := range count {
		port := from + (first+i)%count
		listener, err := listenOn(s.op.ctx, address, port)
		if err == nil {
			s.lastPort = port
			return listener, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no port from %d to %d is free: %w", from, to, last)
}

func listenOn(ctx context.Context, address netip.Addr, port int) (*net.TCPListener, error) {
	network := "tcp6"
	if address.Is4() {
		network = "tcp4"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, network, net.JoinHostPort(address.String(), strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return listener.(*net.TCPListener), nil
}

// await accepts in the background: servers connect before they answer PORT
// (pyftpdlib), before their 150 (vsftpd) or after it (Pure-FTPd). Only the control connection's peer is let in, from any
// port; others are closed and the wait goes on.
func (d *dataConn) await(listener *net.TCPListener, peer netip.Addr) {
	d.listener = listener
	d.arrived = make(chan struct{})
	go func() {
		defer close(d.arrived)
		defer listener.Close()
		for strangers := 0; ; {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			from := addressOf(conn.RemoteAddr())
			if from.WithZone("") == peer.WithZone("") {
				d.adopt(conn)
				return
			}
			conn.SetLinger(0)
			conn.Close()
			if strangers++; strangers <= mostRefusedTold {
				refused := d.description()
				refused.Remote = conn.RemoteAddr().String()
				text := fmt.Sprintf("%s, which is not the server, connected to %s and was turned away", refused.Remote, refused.Local)
				d.s.observe(session.Wire{Kind: session.WireRefused, Text: text, Data: &refused})
			}
		}
	}()
}

// adopt takes the server's connection.
func (d *dataConn) adopt(conn *net.TCPConn) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.closed {
		conn.Close()
		return
	}
	d.conn = conn
	d.about.Remote = conn.RemoteAddr().String()
	if d.stopped != nil {
		conn.SetDeadline(longAgo)
	}
	about := d.about
	d.s.observe(session.Wire{Kind: session.WireData, Text: about.Command + " " + about.Remote, Data: &about})
}

// established waits for nothing: it tells whether the connection is there.
func (d *dataConn) established() bool {
	d.lock.Lock()
	defer d.lock.Unlock()
	return d.conn != nil
}

// awaitFor says from now on how long the server may take to connect.
func (d *dataConn) awaitFor(patience time.Duration) {
	d.patience, d.expires = patience, time.Now().Add(patience)
}

// establish waits for the server's connection until the connect time-out that
// began with the transfer command.
func (d *dataConn) establish() error {
	if d.listener == nil {
		return nil
	}
	timer := time.NewTimer(time.Until(d.expires))
	defer timer.Stop()
	select {
	case <-d.arrived:
	case <-d.interrupted:
	case <-timer.C:
		return d.neverCame()
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	switch {
	case d.conn != nil:
		return nil
	case d.stopped != nil:
		return d.stopped
	}
	return fault(session.ActiveDataFailed, errors.New("the listener was closed"))
}

// neverCame is the error for a server that did not connect in time. Its own timer
// may be a minute (vsftpd), so this side does not wait for its 425.
func (d *dataConn) neverCame() *session.Error {
	about := d.description()
	return d.s.unprepared(about, session.Reply{},
		errTimeout("the server did not connect to "+about.Listen, d.patience))
}
