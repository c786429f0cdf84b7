package sshlogin

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/netio/internal/sshconfig"
	"github.com/sftpc/sftpc/netio/session"
)

// Route is an endpoint as ssh_config has it, with the hosts on the way to it.
type Route struct {
	Endpoint session.Endpoint
	Jumps    []session.Endpoint // the first one first
}

// Resolve applies what the files of Login.SSH.Config say of the host. What the script
// says goes before: a user, a port, and an address that the run maps the host to. The
// address of the result is final, and its Config is empty. The error is a
// *session.Error.
func Resolve(endpoint session.Endpoint) (Route, error) {
	files := &endpoint.Login.SSH
	host, port, err := net.SplitHostPort(endpoint.Address)
	if err != nil {
		return Route{}, &session.Error{Op: "connecting to " + endpoint.Address, Cause: session.BadArgument, Class: session.ClassUsage, Err: err}
	}
	asked := endpoint.Host
	if asked == "" {
		asked = host
	}
	var answer sshconfig.Answer
	if len(files.Config) > 0 {
		answer, err = sshconfig.Lookup(files.Config, sshconfig.Question{
			Host: asked, User: endpoint.User, Home: files.Home, LocalUser: files.LocalUser,
		})
		if err != nil {
			return Route{}, &session.Error{
				Op: "reading ssh_config", Cause: session.BadArgument, Class: session.ClassUsage, Name: asked, Err: err,
				Hint: "what cannot be understood may say that the host is elsewhere; --no-ssh-config does without it",
			}
		}
	}
	files.Config = nil
	asIs := endpoint
	if !files.AddressGiven {
		if answer.Port != 0 && !files.PortGiven {
			port = strconv.Itoa(answer.Port)
		}
		if answer.HostName != "" {
			host, endpoint.Host = answer.HostName, answer.HostName
		}
		endpoint.Address = net.JoinHostPort(host, port)
	}
	if endpoint.User == "" {
		endpoint.User = answer.User
	}
	if endpoint.User == "" {
		endpoint.User = files.LocalUser
	}
	if len(answer.IdentityFiles) > 0 || answer.NoIdentity {
		files.Keys = answer.IdentityFiles
	}
	if len(answer.CertificateFiles) > 0 {
		files.Certificates = answer.CertificateFiles
	}
	files.KeysOnly = files.KeysOnly || answer.IdentitiesOnly
	endpoint.Trust = trusting(endpoint.Trust, answer)
	endpoint.Login.Agent = agentFor(endpoint, asked, answer.IdentityAgent)
	if endpoint.Trust.Notice != nil {
		for _, u := range answer.Unheeded {
			endpoint.Trust.Notice(unheeded(u, asked))
		}
	}
	return Route{Endpoint: endpoint, Jumps: jumpsOf(asIs, answer.Jumps)}, nil
}

// trusting is whom to believe where ssh_config names other files of host keys, or
// another name for them. The user's file is the first of KnownHosts, the others are
// the system's.
func trusting(t session.Trust, answer sshconfig.Answer) session.Trust {
	user, system := t.KnownHosts[:min(1, len(t.KnownHosts))], t.KnownHosts[min(1, len(t.KnownHosts)):]
	if said := answer.KnownHosts; said.Place != "" {
		user = withoutNull(said.Paths)
		if len(user) == 0 || isNull(said.Paths[0]) {
			// Else the next file would be recorded in, which may be the system's.
			user = append([]string{""}, user...)
			t.Unrecorded = "UserKnownHostsFile in ssh_config (" + said.Place + ") names no file that keeps it"
		}
	}
	if said := answer.GlobalKnownHosts; said.Place != "" {
		system = withoutNull(said.Paths)
		if len(user) == 0 {
			user = []string{""}
		}
	}
	t.KnownHosts = slices.Concat(user, system)
	if said := answer.RevokedHostKeys; len(said.Paths) > 0 {
		t.RevokedHostKeys = said.Paths[0]
	}
	if t.HostKeyAlias == "" {
		t.HostKeyAlias = answer.HostKeyAlias
	}
	return t
}

// isNull tells of the file that keeps nothing, which many name to have no file.
func isNull(path string) bool { return path == os.DevNull || path == "/dev/null" }

func withoutNull(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), isNull)
}

// agentFor is the agent that ssh_config names for the host, or else that of the run. A
// name that begins with $ is a variable, and the environment is not read here.
func agentFor(endpoint session.Endpoint, host string, said sshconfig.Files) func(context.Context) (net.Conn, error) {
	switch {
	case said.None:
		return nil
	case len(said.Paths) == 0 || said.Paths[0] == "SSH_AUTH_SOCK":
		return endpoint.Login.Agent
	case strings.HasPrefix(said.Paths[0], "$"):
		if endpoint.Trust.Notice != nil {
			endpoint.Trust.Notice(fmt.Sprintf("the IdentityAgent for %s (%s) is a variable, which is not read; the agent is that of SSH_AUTH_SOCK", host, said.Place))
		}
		return endpoint.Login.Agent
	}
	return func(ctx context.Context) (net.Conn, error) { return DialAgent(ctx, said.Paths[0]) }
}

// unheeded says what a line of ssh_config would have meant for where we connect.
func unheeded(u sshconfig.Unheeded, host string) string {
	switch {
	case u.What == "ProxyCommand":
		return fmt.Sprintf("the ProxyCommand for %s (%s) is not run; ProxyJump, SETPROXY and --host are ways through", host, u.Place)
	case strings.HasPrefix(u.What, "Match "):
		return fmt.Sprintf("what stands behind %s (%s) is passed over, and may say where %s is", u.What, u.Place, host)
	}
	return fmt.Sprintf("the %s for %s (%s) is not obeyed: the connection is made as if it were not there", u.What, host, u.Place)
}

// jumpsOf makes the endpoints of the hosts on the way. They are logged in to with what
// this machine's user has: the script's key, password and pins are the target's.
func jumpsOf(target session.Endpoint, jumps []sshconfig.Jump) []session.Endpoint {
	var all []session.Endpoint
	for _, j := range jumps {
		e := session.Endpoint{
			Protocol: session.SFTP, Host: j.Host, User: j.User, LegacyAlgorithms: target.LegacyAlgorithms,
			Login: session.Login{Agent: target.Login.Agent, SSH: target.Login.SSH},
			Trust: target.Trust,
		}
		e.Trust.HostKeys, e.Trust.HostKeyAlias = nil, ""
		e.Login.SSH.AddressGiven, e.Login.SSH.PortGiven = false, j.Port != 0
		port := 22
		if j.Port != 0 {
			port = j.Port
		}
		e.Address = net.JoinHostPort(j.Host, strconv.Itoa(port))
		all = append(all, e)
	}
	return all
}
