package sshlogin

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/sftpc/sftpc/netio/session"
)

// A server that refuses a certificate says nothing but no. What can be seen of it here
// is told: each reason in a sentence of its own.
func TestConnect_RefusedCertificates(t *testing.T) {
	now := time.Now()
	authority := newKey(newEd25519())
	server := &sshServer{change: func(config *ssh.ServerConfig) {
		checker := &ssh.CertChecker{IsUserAuthority: func(key ssh.PublicKey) bool {
			return bytes.Equal(key.Marshal(), authority.PublicKey().Marshal())
		}}
		config.PublicKeyCallback = checker.Authenticate
	}}
	endpoint := visit(server.start(t))
	endpoint.Password = ""
	for name, c := range map[string]struct {
		change func(*ssh.Certificate)
		cause  session.Cause
		says   []string
	}{
		"good":      {func(*ssh.Certificate) {}, session.CauseNone, nil},
		"expired":   {func(c *ssh.Certificate) { c.ValidBefore = uint64(now.Unix() - 1) }, session.AccessRefused, []string{"the certificate agent expired at ", "have the key signed again"}},
		"not yet":   {func(c *ssh.Certificate) { c.ValidAfter = uint64(now.Unix() + 3600) }, session.AccessRefused, []string{"is not valid before ", "the clock of this machine"}},
		"another":   {func(c *ssh.Certificate) { c.ValidPrincipals = []string{"bob", "carol"} }, session.AccessRefused, []string{"is for bob, carol, and the login is as alice"}},
		"elsewhere": {func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"source-address": "192.0.2.0/24"} }, session.AccessRefused, []string{"only for connections from 192.0.2.0/24"}},
	} {
		t.Run(name, func(t *testing.T) {
			private := newEd25519()
			certificate := &ssh.Certificate{
				Key: newKey(private).PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"alice"},
				ValidAfter: uint64(now.Unix() - 3600), ValidBefore: uint64(now.Unix() + 3600),
			}
			c.change(certificate)
			if err := certificate.SignCert(rand.Reader, authority); err != nil {
				t.Fatal(err)
			}
			ring := agent.NewKeyring()
			if err := ring.Add(agent.AddedKey{PrivateKey: private, Certificate: certificate}); err != nil {
				t.Fatal(err)
			}
			endpoint := endpoint
			endpoint.Login.Agent = agentOf(t, ring)
			if name == "good" { // also where only the keys of the user are to be shown
				public := write(t, "id.pub", string(ssh.MarshalAuthorizedKey(certificate.Key)))
				endpoint.Login.SSH = session.SSHFiles{Keys: []string{strings.TrimSuffix(public, ".pub")}, KeysOnly: true}
			}
			if c.cause == session.CauseNone {
				connect(t, endpoint, patient())
				return
			}
			refuse(t, endpoint, patient(), c.cause, c.says...)
		})
	}
}
