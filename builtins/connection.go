package builtins

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

func connectionCommands() family {
	return family{
		"OPENHOST":   (*State).openHost,
		"CLOSEHOST":  (*State).closeHost,
		"RAWCOMMAND": (*State).rawCommand,
	}
}

// openHost is OPENHOST(host [, user [, password]]). Whatever comes of it, the
// connection before is gone: a script that goes on after a failure must not
// find itself on another server than it asked for.
func (s *State) openHost(a *arguments) error {
	s.leave(a.ctx)
	s.mostConnections = 0
	t, err := parseTarget(a.text(0))
	if err != nil {
		return err
	}
	if user := a.text(1); user != "" {
		if t.hasUser {
			return a.bad(1, "names a user, and the URL names one too")
		}
		t.user = user
	}
	if a.has(2) {
		if t.password != "" {
			return a.bad(2, "is a password, and the URL holds one too")
		}
		t.password = a.text(2)
	}
	e, shown, err := s.endpointOf(t)
	if err != nil {
		return err
	}
	s.tell("Connecting to %s", shown)
	s.warnOfPins(e)
	s.endpoint = e
	open, err := s.connect(a.ctx, e)
	if err != nil {
		return err
	}
	s.session = s.dressed(open)
	s.tell("Connected.")
	if t.dir == "" {
		return nil
	}
	if err := s.session.ChangeDir(a.ctx, t.dir); err != nil {
		s.leave(a.ctx)
		return err
	}
	return nil
}

// endpointOf applies the settings, the policy and the mapping to what the script
// asked for. shown is how messages name the host.
func (s *State) endpointOf(t target) (e session.Endpoint, shown string, err error) {
	protocol := s.settings.protocol
	if t.protocol != "" {
		protocol = protocolNames()[t.protocol]
	}
	shown = t.host
	port := defaultPort(protocol)
	if s.settings.port != 0 {
		port = s.settings.port
	}
	if t.port != 0 {
		port = t.port
		shown = net.JoinHostPort(t.host, strconv.Itoa(port))
	}
	if err := s.permit(t.host, port); err != nil {
		return e, "", err
	}
	address, mapped, err := mapHost(s.options.HostMap, t.host, port)
	if err != nil {
		return e, "", err
	}
	if mapped {
		s.tellVerbose("%s is taken to %s, as this run maps it", shown, address)
	}
	e = session.Endpoint{Protocol: protocol, Host: t.host, Address: address, User: t.user, Password: t.password, Encoding: s.settings.encoding}
	e.Trust, e.LegacyAlgorithms = s.trust(protocol), s.settings.proof.legacy
	if err = s.prove(&e, mapped, t.port != 0 || s.settings.port != 0); err == nil {
		err = s.certify(&e)
	}
	if err == nil {
		e.Proxy, err = s.proxyFor(address)
	}
	if err != nil {
		return session.Endpoint{}, "", err
	}
	return e, shown, nil
}

// permit says why this run may not connect to a host, nil if it may.
func (s *State) permit(host string, port int) error {
	if allows(s.options.Hosts, host, port) {
		return nil
	}
	return &session.Error{
		Op:    "connecting to " + net.JoinHostPort(host, strconv.Itoa(port)),
		Cause: session.Denied, Class: session.ClassDenied, Name: host,
		Err: fmt.Errorf("this run may not connect to that host"),
	}
}

// proxyFor is the proxy through which an address is reached, "" for none.
func (s *State) proxyFor(address string) (url string, err error) {
	if s.settings.proxy == "" {
		return "", nil
	}
	if err := s.checkProxy(); err != nil {
		return "", err
	}
	if s.options.NoProxy {
		s.tell("The proxy is left out: this run leads every host elsewhere.")
		return s.settings.proxy, nil
	}
	shown, _ := hideUserInfo(s.settings.proxy)
	s.tellVerbose("%s is reached through the proxy %s", address, shown)
	return s.settings.proxy, nil
}

// leave closes the connection, if there is one. That a server did not say
// good-bye is no failure: the script is done with it.
func (s *State) leave(ctx context.Context) {
	if s.session == nil {
		return
	}
	if err := s.disconnect(ctx); err != nil {
		s.tellVerbose("the server did not say good-bye: %v", err)
	}
	s.remoteDir, s.bytesTold = "", false
	s.inPlace.Store(false)
	s.sizesUntold.Store(false)
	s.tell("Disconnected.")
}

// closeHost is CLOSEHOST. The settings stay.
func (s *State) closeHost(a *arguments) error {
	s.leave(a.ctx)
	return nil
}

// rawCommand is RAWCOMMAND(command).
func (s *State) rawCommand(a *arguments) error {
	line := strings.TrimSpace(a.text(0))
	if line == "" {
		return a.bad(0, "is empty: an FTP command is needed")
	}
	// The command may change the directory for all that is known here.
	s.remoteDir = ""
	reply, err := s.session.Raw(a.ctx, line)
	if err != nil {
		return err
	}
	if reply.Code < 400 {
		return nil
	}
	e := &session.Error{
		Op: "sending " + verbOf(line), Cause: session.RemoteRefused, Class: session.ClassPermanent,
		Host: s.endpoint.Address, Reply: reply,
	}
	switch {
	case reply.Code < 500:
		e.Cause, e.Class = session.RemoteBusy, session.ClassTransient
	case reply.Code == 500, reply.Code == 502, reply.Code == 504:
		e.Cause = session.NotSupported
	}
	return e
}

// verbOf is the command's name without its arguments, which may be private.
func verbOf(line string) string {
	verb, _, _ := strings.Cut(line, " ")
	return strings.ToUpper(verb)
}

// currentDir is the server's current directory, asked for once and kept until
// something may have changed it.
func (s *State) currentDir(ctx context.Context) (string, error) {
	if s.remoteDir != "" {
		return s.remoteDir, nil
	}
	dir, err := s.session.CurrentDir(ctx)
	if err != nil {
		return "", err
	}
	s.remoteDir = dir
	return dir, nil
}
