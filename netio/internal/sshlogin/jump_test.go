package sshlogin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/internal/trust"
	"github.com/sftpc/sftpc/netio/session"
)

// forward carries connections to where a client asks, as a jump host does; reached
// collects the addresses.
func forward(reached *[]string, lock *sync.Mutex) func(<-chan ssh.NewChannel) {
	return func(channels <-chan ssh.NewChannel) {
		var carried sync.WaitGroup
		for opened := range channels {
			var target struct {
				Host   string
				Port   uint32
				From   string
				Source uint32
			}
			if opened.ChannelType() != "direct-tcpip" || ssh.Unmarshal(opened.ExtraData(), &target) != nil {
				opened.Reject(ssh.UnknownChannelType, "no")
				continue
			}
			address := net.JoinHostPort(target.Host, fmt.Sprint(target.Port))
			lock.Lock()
			*reached = append(*reached, address)
			lock.Unlock()
			conn, err := net.Dial("tcp", address)
			if err != nil {
				opened.Reject(ssh.ConnectionFailed, "nobody there")
				continue
			}
			channel, requests, err := opened.Accept()
			if err != nil {
				conn.Close()
				continue
			}
			go ssh.DiscardRequests(requests)
			carried.Go(func() {
				io.Copy(conn, channel)
				conn.Close()
			})
			carried.Go(func() {
				io.Copy(channel, conn)
				channel.Close()
			})
		}
		carried.Wait()
	}
}

// journey is a target behind two jump hosts, and the folder of a user who knows them.
type journey struct {
	home    string
	target  *sshServer
	jumps   [2]*sshServer
	address [3]string // of the target and the jump hosts
	lock    sync.Mutex
	reached []string
}

func newJourney(t *testing.T) *journey {
	j := &journey{home: t.TempDir()}
	key := fixturePublic(t, "openssh-ed25519.pub")
	j.target = &sshServer{password: "correct horse"}
	j.address[0] = j.target.start(t)
	for i := range j.jumps {
		j.jumps[i] = &sshServer{keys: []ssh.PublicKey{key}, hostKeys: []ssh.Signer{keyPool.other}, channels: forward(&j.reached, &j.lock)}
		j.address[i+1] = j.jumps[i].start(t)
	}
	j.write(t, "id", string(fixture(t, "openssh-ed25519")))
	j.know(t, keyPool.ed25519, keyPool.other)
	return j
}

func (j *journey) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(j.home, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// know records the key of the target, by its alias's name, and that of both jumps.
func (j *journey) know(t *testing.T, target, jump ssh.Signer) {
	t.Helper()
	var lines []string
	for i, address := range j.address {
		host, port, _ := net.SplitHostPort(address)
		key := jump
		if i == 0 {
			key = target
		}
		lines = append(lines, trust.Line(trust.Server{Host: host, Port: port}, key.PublicKey()))
	}
	j.write(t, "known_hosts", strings.Join(lines, "\n")+"\n")
}

// endpoint is what a script's OPENHOST("files", …) makes with this ssh_config, in which
// TARGET, JUMP1 and JUMP2 are ports.
func (j *journey) endpoint(t *testing.T, config string) session.Endpoint {
	t.Helper()
	for i, name := range []string{"TARGET", "JUMP1", "JUMP2"} {
		_, port, _ := net.SplitHostPort(j.address[i])
		config = strings.ReplaceAll(config, name, port)
	}
	return session.Endpoint{
		Protocol: session.SFTP, Host: "files", Address: "files:22", Password: "correct horse",
		Login: session.Login{SSH: session.SSHFiles{Config: []string{j.write(t, "config", config)}, Home: j.home, LocalUser: "me"}},
		Trust: session.Trust{KnownHosts: []string{filepath.Join(j.home, "known_hosts")}},
	}
}

const throughOne = `
Host files
  HostName 127.0.0.1
  Port TARGET
  User alice
  ProxyJump first
Host first
  HostName 127.0.0.1
  Port JUMP1
  IdentityFile ~/id
`

func TestConnect_Config(t *testing.T) {
	j := newJourney(t)
	client := connect(t, j.endpoint(t, "Host files\nHostName 127.0.0.1\nPort TARGET\nUser alice\n"), patient())
	if client.User() != "alice" {
		t.Errorf("logged in as %q", client.User())
	}
	t.Run("the script goes before", func(t *testing.T) {
		endpoint := j.endpoint(t, "Host files\nHostName 192.0.2.1\nPort 1\nUser alice\n")
		endpoint.User, endpoint.Address = "bob", j.address[0]
		endpoint.Login.SSH.AddressGiven = true
		endpoint.Trust = session.Trust{HostKeys: []string{ssh.FingerprintSHA256(keyPool.ed25519.PublicKey())}}
		if client := connect(t, endpoint, patient()); client.User() != "bob" {
			t.Errorf("logged in as %q", client.User())
		}
	})
	t.Run("a port of the script's", func(t *testing.T) {
		_, port, _ := net.SplitHostPort(j.address[0])
		endpoint := j.endpoint(t, "Host files\nHostName 127.0.0.1\nPort 1\n")
		endpoint.Address, endpoint.Login.SSH.PortGiven = "files:"+port, true
		if client := connect(t, endpoint, patient()); client.User() != "me" {
			t.Errorf("logged in as %q", client.User())
		}
	})
	t.Run("its own known hosts", func(t *testing.T) {
		j.write(t, "empty", "")
		endpoint := j.endpoint(t, "Host files\nHostName 127.0.0.1\nPort TARGET\nUserKnownHostsFile ~/empty\n")
		refuse(t, endpoint, patient(), session.HostKeyUnknown, filepath.Join(j.home, "empty"))
	})
	t.Run("a command is not run, and that is told", func(t *testing.T) {
		var told []string
		endpoint := j.endpoint(t, "Host files\nHostName 127.0.0.1\nPort TARGET\nProxyCommand touch ~/ran\n")
		endpoint.Trust.Notice = func(text string) { told = append(told, text) }
		connect(t, endpoint, patient())
		if len(told) != 1 || !strings.Contains(told[0], "config:4) is not run") {
			t.Errorf("told %q", told)
		}
	})
	t.Run("what leads elsewhere is told of", func(t *testing.T) {
		var told []string
		endpoint := j.endpoint(t, "Match exec \"touch ~/ran\"\nHostName 192.0.2.1\nHost files\nHostName 127.0.0.1\nPort TARGET\nBindAddress 127.0.0.1\nIdentityAgent $OTHER\n")
		endpoint.Trust.Notice = func(text string) { told = append(told, text) }
		connect(t, endpoint, patient())
		for i, want := range []string{"IdentityAgent for files (", "Match exec (", "BindAddress for files ("} {
			if len(told) != 3 || !strings.Contains(told[i], want) {
				t.Errorf("told %q, want %q", told, want)
			}
		}
		if _, err := os.Stat(filepath.Join(j.home, "ran")); err == nil {
			t.Error("a program was run")
		}
	})
	t.Run("a name for its keys", func(t *testing.T) {
		j.write(t, "aliased", trust.Line(trust.Server{Host: "x", Port: "1", Alias: "web"}, keyPool.ed25519.PublicKey())+"\n")
		const config = "Host files\nHostName 127.0.0.1\nPort TARGET\nHostKeyAlias web\nUserKnownHostsFile ~/"
		connect(t, j.endpoint(t, config+"aliased\n"), patient())
		j.know(t, keyPool.ed25519, keyPool.other)
		// The address itself is known there, and does not count.
		refuse(t, j.endpoint(t, config+"known_hosts\n"), patient(), session.HostKeyUnknown, "sftpc trust files\n", ": web ssh-ed25519 ")
		endpoint := j.endpoint(t, config+"fresh\n")
		endpoint.Trust.Level = session.TrustNew
		connect(t, endpoint, patient())
		if text, _ := os.ReadFile(filepath.Join(j.home, "fresh")); !strings.HasPrefix(string(text), "web ssh-ed25519 ") {
			t.Errorf("recorded %q", text)
		}
	})
	t.Run("another agent", func(t *testing.T) {
		asked := make(chan struct{}, 1)
		socket := filepath.Join(j.home, "agent.sock")
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Skip("no sockets with names here:", err)
		}
		defer listener.Close()
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				asked <- struct{}{}
				conn.Close()
			}
		}()
		endpoint := j.endpoint(t, "Host files\nHostName 127.0.0.1\nPort TARGET\nIdentityAgent ~/agent.sock\n")
		endpoint.Login.Agent = func(context.Context) (net.Conn, error) {
			t.Error("the run's agent was asked")
			return nil, os.ErrNotExist
		}
		address := (&sshServer{password: "correct horse", keys: []ssh.PublicKey{keyPool.ecdsa.PublicKey()}}).start(t)
		_, port, _ := net.SplitHostPort(address)
		endpoint.Address, endpoint.Login.SSH.PortGiven = "files:"+port, true
		endpoint.Trust = session.Trust{HostKeys: []string{ssh.FingerprintSHA256(keyPool.ed25519.PublicKey())}}
		connect(t, endpoint, patient())
		select {
		case <-asked:
		default:
			t.Error("the agent that ssh_config names was not asked")
		}
		endpoint.Login.SSH.Config = []string{j.write(t, "config", "Host files\nHostName 127.0.0.1\nIdentityAgent none\n")}
		connect(t, endpoint, patient())
	})
	t.Run("no file of known hosts", func(t *testing.T) {
		system := j.write(t, "system", "")
		for _, said := range []string{"UserKnownHostsFile none", "UserKnownHostsFile /dev/null", "UserKnownHostsFile /dev/null ~/second"} {
			endpoint := j.endpoint(t, "Host files\nHostName 127.0.0.1\nPort TARGET\n"+said+"\n")
			endpoint.Trust.Level = session.TrustNew
			endpoint.Trust.KnownHosts = append(endpoint.Trust.KnownHosts, system)
			refuse(t, endpoint, patient(), session.HostKeyUnknown, "config:4) names no file that keeps it", "SETHOSTKEY")
			if text, _ := os.ReadFile(system); len(text) > 0 {
				t.Errorf("%s: recorded in the system's file: %q", said, text)
			}
		}
		j.know(t, keyPool.ed25519, keyPool.other)
		endpoint := j.endpoint(t, "Host files\nHostName 127.0.0.1\nPort TARGET\nUserKnownHostsFile none\nGlobalKnownHostsFile ~/known_hosts\n")
		connect(t, endpoint, patient())
	})
	t.Run("revoked keys", func(t *testing.T) {
		line := string(ssh.MarshalAuthorizedKey(keyPool.ed25519.PublicKey()))
		const config = "Host files\nHostName 127.0.0.1\nPort TARGET\nRevokedHostKeys ~/revoked\n"
		for text, says := range map[string]string{
			"# gone\n" + line: "is revoked by " + filepath.Join(j.home, "revoked") + ":2",
			"no key\n":        "line 1 is no public key",
			"SSHKRL\n\x00..":  "it ends in the middle",
		} {
			j.write(t, "revoked", text)
			cause := session.HostKeyUnknown
			if strings.HasSuffix(text, line) {
				cause = session.HostKeyChanged
			}
			refuse(t, j.endpoint(t, config), patient(), cause, says)
		}
		os.Remove(filepath.Join(j.home, "revoked"))
		refuse(t, j.endpoint(t, config), patient(), session.HostKeyUnknown, "no such file", "no key is believed without it")
		j.write(t, "revoked", string(ssh.MarshalAuthorizedKey(keyPool.other.PublicKey())))
		connect(t, j.endpoint(t, config), patient())
	})
	t.Run("one that cannot be understood", func(t *testing.T) {
		refuse(t, j.endpoint(t, "Host files\nPort x\n"), patient(), session.BadArgument, "config:2: Port", "--no-ssh-config")
	})
	t.Run("where it leads may be denied", func(t *testing.T) {
		settings := patient()
		settings.Permit = func(host string, port int) error {
			return &session.Error{Op: "asking for " + host, Cause: session.Denied, Class: session.ClassDenied, Err: errors.New("no")}
		}
		refuse(t, j.endpoint(t, "Host files\nHostName 127.0.0.1\nPort TARGET\n"), settings, session.Denied, "asking for 127.0.0.1")
		refuse(t, j.endpoint(t, throughOne), settings, session.Denied)
	})
	t.Run("nobody says who", func(t *testing.T) {
		endpoint := j.endpoint(t, "")
		endpoint.Login.SSH.LocalUser = ""
		refuse(t, endpoint, patient(), session.BadArgument, "needs a user")
	})
}

func TestConnect_Jumps(t *testing.T) {
	j := newJourney(t)
	t.Run("one", func(t *testing.T) {
		client := connect(t, j.endpoint(t, throughOne), patient())
		if client.User() != "alice" || !slices.Equal(j.reached, []string{j.address[0]}) {
			t.Errorf("%s reached %q", client.User(), j.reached)
		}
		if got := j.jumps[0].logins(); slices.Contains(got, "password") || !slices.Contains(got, "publickey ok") {
			t.Errorf("the jump host saw %q: the script's password is not for it", got)
		}
		// A second login inside, and everything ends with the client.
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	two := strings.Replace(throughOne, "ProxyJump first", "ProxyJump first,second", 1) + "Host second\n HostName 127.0.0.1\n Port JUMP2\n IdentityFile ~/id\n"
	nested := throughOne + "  ProxyJump second\nHost second\n HostName 127.0.0.1\n Port JUMP2\n IdentityFile ~/id\n"
	for name, c := range map[string]struct {
		config string
		want   []string
	}{
		"two":                         {two, []string{j.address[2], j.address[0]}},
		"one that is behind another":  {nested, []string{j.address[1], j.address[0]}},
		"one that the file only says": {strings.Replace(throughOne, "ProxyJump first", "ProxyJump eve@127.0.0.1:JUMP1", 1) + "Host *\n IdentityFile ~/id\n", []string{j.address[0]}},
	} {
		t.Run(name, func(t *testing.T) {
			j.reached = nil
			connect(t, j.endpoint(t, c.config), patient())
			j.lock.Lock()
			defer j.lock.Unlock()
			if !slices.Equal(j.reached, c.want) {
				t.Errorf("reached %q, want %q", j.reached, c.want)
			}
		})
	}
	t.Run("each is checked", func(t *testing.T) {
		j.know(t, keyPool.ed25519, keyPool.rsa)
		_, port, _ := net.SplitHostPort(j.address[1])
		refuse(t, j.endpoint(t, throughOne), patient(), session.HostKeyChanged, "me@127.0.0.1:"+port)
		j.know(t, keyPool.rsa, keyPool.other)
		_, port, _ = net.SplitHostPort(j.address[0])
		refuse(t, j.endpoint(t, throughOne), patient(), session.HostKeyChanged, "alice@127.0.0.1:"+port)
		j.know(t, keyPool.ed25519, keyPool.other)
	})
	t.Run("a pin is the target's", func(t *testing.T) {
		endpoint := j.endpoint(t, throughOne)
		endpoint.Trust.HostKeys = []string{ssh.FingerprintSHA256(keyPool.ed25519.PublicKey())}
		connect(t, endpoint, patient())
		endpoint.Trust.HostKeys = []string{ssh.FingerprintSHA256(keyPool.rsa.PublicKey())}
		refuse(t, endpoint, patient(), session.PinMismatch)
	})
	t.Run("nobody behind it", func(t *testing.T) {
		refuse(t, j.endpoint(t, strings.Replace(throughOne, "Port TARGET", "Port 1", 1)), patient(), session.ConnectionRefused, `the jump host first cannot connect: "nobody there"`)
	})
	t.Run("a login that it refuses", func(t *testing.T) {
		config := strings.Replace(throughOne, "IdentityFile ~/id", "IdentityFile none", 1)
		refuse(t, j.endpoint(t, config), patient(), session.AccessRefused, "logging in to me@127.0.0.1:")
	})
	t.Run("in a circle", func(t *testing.T) {
		refuse(t, j.endpoint(t, throughOne+"  ProxyJump first\n"), patient(), session.BadArgument, "on the way to each other")
	})
}
