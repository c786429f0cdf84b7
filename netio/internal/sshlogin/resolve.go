package sshlogin

import (
	"fmt"
	"net"
	"strconv"

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
	files.KeysOnly = files.KeysOnly || answer.IdentitiesOnly
	if known := endpoint.Trust.KnownHosts; len(answer.KnownHosts) > 0 || answer.NoKnownHosts {
		// The user's file is the first; that of the system stays.
		endpoint.Trust.KnownHosts = append(answer.KnownHosts[:len(answer.KnownHosts):len(answer.KnownHosts)], known[min(1, len(known)):]...)
	}
	if answer.ProxyCommand != "" && endpoint.Trust.Notice != nil {
		endpoint.Trust.Notice(fmt.Sprintf("the ProxyCommand for %s (%s) is not run; ProxyJump, SETPROXY and --host are ways through", asked, answer.ProxyCommand))
	}
	return Route{Endpoint: endpoint, Jumps: jumpsOf(asIs, answer.Jumps)}, nil
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
		e.Trust.HostKeys = nil
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
