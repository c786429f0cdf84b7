package app

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// IdentityFlags say which servers are believed, and with what is logged in.
type IdentityFlags struct {
	Trust       string `placeholder:"LEVEL" help:"let no script trust servers less strictly than this: STRICT, NEW or ANY"`
	NoSSHConfig bool   `name:"no-ssh-config" help:"do not read ~/.ssh/config and /etc/ssh/ssh_config"`
}

// apply gives the run what this machine's user has: known hosts, keys, the agent.
func (f *IdentityFlags) apply(p *Process, options *builtins.Options) error {
	options.WeakestTrust = session.TrustAny
	if f.Trust != "" {
		level, ok := trustLevel(f.Trust)
		if !ok {
			return fmt.Errorf("--trust %s: expected STRICT, NEW or ANY", f.Trust)
		}
		options.WeakestTrust = level
	}
	options.KnownHosts, options.KnownCertificates = p.KnownServers()
	options.SSH = p.SSHFiles(!f.NoSSHConfig)
	options.Agent = p.SSHAgent()
	return nil
}

// Identity is what this machine's user has, for verbs that connect without a script:
// whom to believe, strictly, and what to log in with besides a password.
func (p *Process) Identity() (session.Trust, session.Login) {
	hosts, certificates := p.KnownServers()
	return session.Trust{KnownHosts: hosts, KnownCertificates: certificates},
		session.Login{SSH: p.SSHFiles(true), Agent: p.SSHAgent()}
}

func trustLevel(word string) (session.TrustLevel, bool) {
	for _, level := range []session.TrustLevel{session.TrustStrict, session.TrustNew, session.TrustAny} {
		if strings.EqualFold(level.String(), word) {
			return level, true
		}
	}
	return session.TrustStrict, false
}

// systemSSH is the folder of SSH's files that are for all users.
func (p *Process) systemSSH() string {
	if runtime.GOOS != "windows" {
		return "/etc/ssh"
	}
	if data, ok := p.Getenv("ProgramData"); ok && filepath.IsAbs(data) {
		return filepath.Join(data, "ssh")
	}
	return ""
}

// KnownServers are the files of known hosts, and the record of certificates.
func (p *Process) KnownServers() (hosts []string, certificates string) {
	hosts = []string{""} // nothing is recorded in the system's file
	if p.Home != "" {
		hosts[0] = filepath.Join(p.Home, ".ssh", "known_hosts")
	}
	if folder := p.systemSSH(); folder != "" {
		hosts = append(hosts, filepath.Join(folder, "ssh_known_hosts"))
	}
	if p.Config != "" {
		certificates = filepath.Join(p.Config, "sftpc", "known_certificates")
	}
	return hosts, certificates
}

// SSHFiles are what logins over SSH read of this user.
func (p *Process) SSHFiles(config bool) session.SSHFiles {
	files := session.SSHFiles{Home: p.Home}
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if user, ok := p.Getenv(name); ok && files.LocalUser == "" {
			files.LocalUser = user
		}
	}
	if p.Home != "" {
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			files.Keys = append(files.Keys, filepath.Join(p.Home, ".ssh", name))
		}
	}
	if !config {
		return files
	}
	if p.Home != "" {
		files.Config = append(files.Config, filepath.Join(p.Home, ".ssh", "config"))
	}
	if folder := p.systemSSH(); folder != "" {
		files.Config = append(files.Config, filepath.Join(folder, "ssh_config"))
	}
	return files
}

// SSHAgent connects to the agent of the session that the process was started in; nil
// where there is none.
func (p *Process) SSHAgent() func(context.Context) (net.Conn, error) {
	name := p.SSHAgentName()
	if name == "" {
		return nil
	}
	return func(ctx context.Context) (net.Conn, error) { return netio.DialAgent(ctx, name) }
}

// SSHAgentName is where that agent is; "" where there is none. On Windows OpenSSH's
// agent is a service with one name for everybody.
func (p *Process) SSHAgentName() string {
	if name, ok := p.Getenv("SSH_AUTH_SOCK"); ok && name != "" {
		return name
	}
	if runtime.GOOS == "windows" {
		return `\\.\pipe\openssh-ssh-agent`
	}
	return ""
}
