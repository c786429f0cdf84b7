package sshlogin

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/internal/trust"
	"github.com/sftpc/sftpc/netio/session"
)

// knownFile is a file that knows keys of the host that visit names.
func knownFile(t *testing.T, address string, keys ...ssh.Signer) string {
	t.Helper()
	_, port, _ := strings.Cut(address, ":")
	var lines []string
	for _, key := range keys {
		lines = append(lines, trust.Line(trust.Server{Host: "files.example.com", Port: port}, key.PublicKey()))
	}
	return write(t, "known_hosts", strings.Join(append(lines, ""), "\n"))
}

// The library would have the server show its ECDSA key, find another type in the
// file, and cry that the key has changed.
func TestConnect_OneOfSeveralKeysIsKnown(t *testing.T) {
	all := []ssh.Signer{keyPool.rsa, keyPool.ecdsa, keyPool.ed25519}
	for _, known := range all {
		t.Run(known.PublicKey().Type(), func(t *testing.T) {
			server := &sshServer{password: "correct horse", hostKeys: all}
			endpoint := visit(server.start(t))
			endpoint.Trust = session.Trust{KnownHosts: []string{knownFile(t, endpoint.Address, known)}}
			connect(t, endpoint, patient())
			endpoint.Trust = session.Trust{HostKeys: []string{ssh.FingerprintSHA256(known.PublicKey())}}
			connect(t, endpoint, patient())
		})
	}
}

func TestConnect_Trust(t *testing.T) {
	server := &sshServer{password: "correct horse", hostKeys: []ssh.Signer{keyPool.ed25519, keyPool.rsa}}
	address := server.start(t)
	_, port, _ := strings.Cut(address, ":")
	fingerprint := ssh.FingerprintSHA256(keyPool.ed25519.PublicKey())
	pin := func(key ssh.Signer) session.Trust {
		return session.Trust{HostKeys: []string{ssh.FingerprintSHA256(key.PublicKey())}}
	}
	know := func(level session.TrustLevel, keys ...ssh.Signer) session.Trust {
		return session.Trust{Level: level, KnownHosts: []string{knownFile(t, address, keys...)}}
	}
	for name, c := range map[string]struct {
		trust session.Trust
		cause session.Cause
		says  []string
	}{
		"known":              {know(session.TrustStrict, keyPool.ed25519), session.CauseNone, nil},
		"unknown":            {know(session.TrustStrict), session.HostKeyUnknown, []string{"alice@files.example.com:" + port, fingerprint, "known_hosts", "sftpc trust files.example.com:" + port, `SETHOSTKEY("` + fingerprint}},
		"no file at all":     {session.Trust{}, session.HostKeyUnknown, []string{"no file of known hosts is read here"}},
		"changed":            {know(session.TrustStrict, keyPool.other), session.HostKeyChanged, []string{"known_hosts:1", fingerprint, ssh.FingerprintSHA256(keyPool.other.PublicKey())}},
		"changed, under NEW": {know(session.TrustNew, keyPool.other), session.HostKeyChanged, nil},
		"another type":       {know(session.TrustNew, keyPool.ecdsa), session.HostKeyChanged, nil},
		"pinned":             {pin(keyPool.ed25519), session.CauseNone, nil},
		"pinned, the second": {pin(keyPool.rsa), session.CauseNone, nil},
		"another pinned":     {pin(keyPool.other), session.PinMismatch, []string{"insists on " + ssh.FingerprintSHA256(keyPool.other.PublicKey()), fingerprint}},
		"a pin over files":   {session.Trust{HostKeys: pin(keyPool.ed25519).HostKeys, KnownHosts: know(0, keyPool.other).KnownHosts}, session.CauseNone, nil},
		"a pin over ANY":     {session.Trust{HostKeys: pin(keyPool.other).HostKeys, Level: session.TrustAny}, session.PinMismatch, nil},
		"no pin":             {session.Trust{HostKeys: []string{"SHA256:short"}}, session.BadArgument, nil},
	} {
		t.Run(name, func(t *testing.T) {
			endpoint := visit(address)
			endpoint.Trust = c.trust
			if c.cause == session.CauseNone {
				connect(t, endpoint, patient())
				return
			}
			before := len(server.logins())
			refuse(t, endpoint, patient(), c.cause, c.says...)
			if got := server.logins()[before:]; len(got) != 0 {
				t.Errorf("logins were tried with a server that is not trusted: %q", got)
			}
		})
	}
}

func TestConnect_NewAndAny(t *testing.T) {
	server := &sshServer{password: "correct horse"}
	endpoint := visit(server.start(t))
	var told []string
	file := write(t, "known_hosts", "")
	endpoint.Trust = session.Trust{Level: session.TrustNew, KnownHosts: []string{file}, Notice: func(text string) { told = append(told, text) }}
	connect(t, endpoint, patient())
	if len(told) != 1 || !strings.Contains(told[0], "is recorded in "+file) {
		t.Errorf("told %q", told)
	}
	connect(t, endpoint, patient())
	endpoint.Trust.Level = session.TrustStrict
	connect(t, endpoint, patient())
	if len(told) != 1 {
		t.Errorf("told %q", told)
	}
	before, _ := os.ReadFile(file)
	endpoint.Trust.Level = session.TrustAny
	connect(t, endpoint, patient())
	connect(t, endpoint, patient())
	if len(told) != 3 || !strings.Contains(told[1], "is not checked") || !slices.Equal(told[1:2], told[2:]) {
		t.Errorf("told %q", told)
	}
	if after, _ := os.ReadFile(file); string(after) != string(before) {
		t.Errorf("ANY recorded something")
	}
}

// Keys are exchanged again after so many bytes, and the host key is shown again: that
// is no news, and nothing is told or recorded a second time.
func TestConnect_FurtherKeyExchanges(t *testing.T) {
	server := &sshServer{password: "correct horse", change: func(config *ssh.ServerConfig) { config.RekeyThreshold = 256 }}
	var told []string
	endpoint := visit(server.start(t))
	endpoint.Trust = session.Trust{Level: session.TrustAny, Notice: func(text string) { told = append(told, text) }}
	client := connect(t, endpoint, patient())
	for range 50 {
		if _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 1 {
		t.Errorf("told %q", told)
	}
}
