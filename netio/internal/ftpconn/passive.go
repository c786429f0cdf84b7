package ftpconn

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/session"
)

// preparePassive connects to the server: where EPSV says, and where that is
// refused or leads nowhere, where PASV says. What worked is remembered for the
// session. Both together stay within the connect time-out.
func (s *Session) preparePassive(mode session.DataMode) (*dataConn, *session.Error) {
	start, within := time.Now(), s.settings.Timeouts.Connect
	if s.recalledEPSV && s.feature("EPSV") == session.FeatureAuto && !mode.PassiveServer {
		return s.passiveAsRecalled(mode, within)
	}
	if !s.wantsEPSV(mode) {
		return s.plainPassive(mode, within)
	}
	insisted := s.feature("EPSV") == session.FeatureEnabled
	share := within
	if !insisted {
		share = within / 2
	}
	data, first := s.extendedPassive(share)
	if first == nil || insisted || s.op.failure != nil {
		return data, first
	}
	data, e := s.plainPassive(mode, until(start, within))
	switch {
	case e == nil:
		s.passedEPSV = true
		s.note("EPSV does not work here, PASV from now on")
		return data, nil
	case s.op.failure == nil && first.Data.Remote != "" && e.Data.Remote == "":
		return nil, first // PASV is not known here: the dead port is the news
	}
	return nil, e
}

// passiveAsRecalled takes PASV, as it had to be in an earlier session. Where that
// does not work any more, what was remembered is forgotten.
func (s *Session) passiveAsRecalled(mode session.DataMode, within time.Duration) (*dataConn, *session.Error) {
	start := time.Now()
	s.recalledEPSV = false
	data, first := s.plainPassive(mode, within/2)
	if first == nil || s.op.failure != nil {
		return data, first
	}
	data, e := s.extendedPassive(until(start, within))
	if e == nil {
		s.passedEPSV = false
		s.note("PASV does not work here any more, EPSV from now on")
		return data, nil
	}
	if s.op.failure != nil {
		return nil, e
	}
	return nil, first
}

func (s *Session) wantsEPSV(mode session.DataMode) bool {
	switch {
	case mode.PassiveServer: // only a 227 names a host
		return false
	case s.feature("EPSV") == session.FeatureDisabled:
		return false
	case s.feature("EPSV") == session.FeatureEnabled:
		return true
	}
	return !s.passedEPSV
}

func (s *Session) extendedPassive(within time.Duration) (*dataConn, *session.Error) {
	about := session.DataConn{Command: "EPSV"}
	reply, e := s.exchange("EPSV")
	if e != nil {
		return nil, e
	}
	if reply.Code != 229 {
		return nil, s.notPassive(about, reply)
	}
	port, err := parseExtendedPassive(reply.Text)
	if err != nil {
		return nil, s.unprepared(about, reply, err)
	}
	return s.connectData(about, reply, s.dialHost, port, within)
}

func (s *Session) plainPassive(mode session.DataMode, within time.Duration) (*dataConn, *session.Error) {
	about := session.DataConn{Command: "PASV"}
	reply, e := s.exchange("PASV")
	if e != nil {
		return nil, e
	}
	if reply.Code != 227 {
		return nil, s.notPassive(about, reply)
	}
	named, err := parsePassive(reply.Text)
	if err != nil {
		return nil, s.unprepared(about, reply, err)
	}
	return s.connectData(about, reply, s.passiveHost(mode, named.Addr()), named.Port(), within)
}

// passiveHost decides where a 227 leads: to the control connection's peer,
// whatever it names, so that no server can aim us at third parties; unless the
// script trusts this server's word.
func (s *Session) passiveHost(mode session.DataMode, named netip.Addr) string {
	if named == s.peer || !s.peer.IsValid() && !mode.PassiveServer {
		return s.dialHost
	}
	if mode.PassiveServer && !named.IsUnspecified() && !named.IsMulticast() {
		return named.String()
	}
	s.note(fmt.Sprintf("the 227 reply names %s; connecting to %s all the same", named, s.dialHost))
	return s.dialHost
}

// notPassive is the error for an EPSV or PASV that was refused.
func (s *Session) notPassive(about session.DataConn, reply session.Reply) *session.Error {
	e, _ := ofReply(about.Command, reply, false)
	switch e.Cause {
	case session.AccessRefused, session.TooManyConnections:
		e.Data = &about
		return e
	}
	return s.unprepared(about, reply, nil)
}

func (s *Session) connectData(about session.DataConn, reply session.Reply, host string, port uint16, within time.Duration) (*dataConn, *session.Error) {
	about.Remote = net.JoinHostPort(host, strconv.Itoa(int(port)))
	start := time.Now()
	conn, err := s.dial(s.op.ctx, about.Remote, within)
	switch {
	case err == nil:
	case s.op.ctx.Err() != nil:
		return nil, s.fail(cancelled(s.op.ctx))
	case cause.IsTimeout(err) && !s.proxied:
		return nil, s.unprepared(about, reply, errTimeout("no connection to "+about.Remote, time.Since(start).Round(time.Millisecond)))
	default:
		return nil, s.unprepared(about, reply, err)
	}
	// What was reached, where the name of the host was dialled.
	about.Local, about.Remote = conn.LocalAddr().String(), conn.RemoteAddr().String()
	s.op.prepared = reply
	s.observe(session.Wire{Kind: session.WireData, Text: about.Command + " " + about.Remote, Data: &about})
	return newDataConn(s, about, conn), nil
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
