package ftpconn

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// prepare makes a data connection ready in the mode that holds now. Passive: it
// is connected when prepare returns. Active: we listen and the server knows where.
func (s *Session) prepare() (*dataConn, *session.Error) {
	mode := s.mode()
	if mode.Active {
		return s.prepareActive(mode)
	}
	return s.preparePassive(mode)
}

// unprepared is the error for a data connection that could not be made ready.
func (s *Session) unprepared(about session.DataConn, reply session.Reply, err error) *session.Error {
	cause := session.PassiveDataFailed
	if about.Active {
		cause = session.ActiveDataFailed
	}
	e := fault(cause, err)
	e.Reply = reply
	e.Data = &about
	var known *session.Error
	if errors.As(err, &known) { // a proxy's word, which knows whether to try again
		e.Class = known.Class
	}
	e.Hint = s.hintFor(e)
	return e
}

// hintFor says what to do about a data connection that failed.
func (s *Session) hintFor(e *session.Error) string {
	hint := s.wayOn(e)
	if strings.Contains(hint, "firewall") && !s.proxied {
		host, port, _ := net.SplitHostPort(s.host)
		if port != "21" {
			host = s.host
		}
		hint += "\nsftpc doctor " + host + " --firewall tries every way and names the openings"
	}
	return hint
}

func (s *Session) wayOn(e *session.Error) string {
	about := e.Data
	if about == nil {
		return ""
	}
	switch {
	case s.proxied && e.Cause == session.PassiveDataFailed && about.Remote != "":
		return fmt.Sprintf("the proxy must let port %s of the server through, and all others that it opens for data", portOf(about.Remote))
	case s.proxied: // the other ways to make a data connection lead round the proxy
		return ""
	case e.Cause == session.ActiveDataFailed && about.Listen == "":
		return "SETACTIVEPORTS(from, to) names the ports to listen on, or SETPASSIVE(ENABLED)"
	case e.Cause == session.ActiveDataFailed && about.Remote == "" && refusesAddress(e.Reply.Code):
		return fmt.Sprintf("the server refuses to connect to %s: behind address translation SETACTIVEADDRESS(address) names the outer one, or SETPASSIVE(ENABLED)", about.Listen)
	case e.Cause == session.ActiveDataFailed:
		return fmt.Sprintf("a firewall may keep the server from %s, where we listened: SETPASSIVE(ENABLED), or let ports in and name them with SETACTIVEPORTS(from, to)", about.Listen)
	case e.Cause == session.PassiveDataFailed && about.Remote != "":
		return fmt.Sprintf("a firewall may drop port %s outward: SETPASSIVE(DISABLED) lets the server connect to us", portOf(about.Remote))
	case e.Cause == session.PassiveDataFailed:
		return "SETPASSIVE(DISABLED) lets the server connect to us"
	case e.Cause == session.DataTimeout && about.Active:
		return fmt.Sprintf("nothing came through the connection to %s: a firewall may drop it; SETPASSIVE(ENABLED) tries the other way", about.Listen)
	case e.Cause == session.DataTimeout:
		return fmt.Sprintf("nothing came through the connection to %s: a firewall may drop it; SETPASSIVE(DISABLED) tries the other way", about.Remote)
	}
	return ""
}

// refusesAddress tells whether PORT or EPRT itself was turned down.
func refusesAddress(code int) bool { return code >= 500 && code != 550 }
