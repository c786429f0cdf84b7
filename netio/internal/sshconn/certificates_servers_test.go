//go:build servers

package sshconn

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// realDial logs in to the real OpenSSH, and says what came of it with its hint.
func realDial(t *testing.T, e session.Endpoint) (session.Cause, string) {
	t.Helper()
	s, err := Dial(context.Background(), e, session.Settings{Timeouts: patient()})
	if err != nil {
		var known *session.Error
		errors.As(err, &known)
		return session.CauseOf(err), err.Error() + "\n" + known.Hint
	}
	defer s.Close(context.Background())
	if _, err := s.List(context.Background(), ""); err != nil {
		t.Error(err)
	}
	return session.CauseNone, ""
}

// Keys that OpenSSH takes for their certificate only, and what is said of certificates
// that it does not take: it says nothing but no itself.
func TestRealServers_UserCertificates(t *testing.T) {
	for name, test := range map[string]struct {
		want session.Cause
		says string
	}{
		"certified_ed25519":   {session.CauseNone, ""},
		"certified_ecdsa":     {session.CauseNone, ""},
		"certified_rsa":       {session.CauseNone, ""},
		"certified_expired":   {session.AccessRefused, "expired-cert.pub expired at 2020-01-0"},
		"certified_future":    {session.AccessRefused, "is not valid before 20"},
		"certified_stranger":  {session.AccessRefused, "is for somebody-else, and-another, and the login is as " + rigVariable(t, "SFTPC_RIG_USER")},
		"certified_elsewhere": {session.AccessRefused, "is good only for connections from 192.0.2.0/24"},
		"certified_unsigned":  {session.AccessRefused, "ssh-ed25519-cert-v01@openssh.com"},
	} {
		t.Run(name, func(t *testing.T) {
			read := func(name string) []byte {
				text, err := os.ReadFile(rigKey(t, name))
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			scripted := realEndpoint(t, "openssh")
			scripted.Password = ""
			users := scripted
			scripted.Login = session.Login{Key: read(name), KeyName: name, KeyCertificate: read(name + "-cert.pub")}
			users.Login = session.Login{SSH: session.SSHFiles{Keys: []string{rigKey(t, name)}}}
			for whose, e := range map[string]session.Endpoint{"the script's": scripted, "the user's": users} {
				got, said := realDial(t, e)
				if got != test.want || !strings.Contains(said, test.says) {
					t.Errorf("%s: cause %d, want %d with %q: %s", whose, got, test.want, test.says, said)
				}
			}
			bare := scripted
			bare.Login.KeyCertificate = nil
			if got, said := realDial(t, bare); got != session.AccessRefused {
				t.Errorf("without the certificate: cause %d, %s", got, said)
			}
		})
	}
}

// OpenSSH proves itself with its certificate to who knows the authority of its name.
func TestRealServers_HostCertificate(t *testing.T) {
	e := realEndpoint(t, "openssh")
	const host = "files.rig.example"
	for name, test := range map[string]struct {
		host, files string
		now         time.Time
		want        session.Cause
		says        string
	}{
		"good":                     {host, "known_authority", time.Now(), session.CauseNone, ""},
		"expired":                  {host, "known_authority", time.Date(2091, 1, 1, 0, 0, 0, 0, time.UTC), session.CertificateExpired, "is valid from 20"},
		"not yet":                  {host, "known_authority", time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC), session.CertificateExpired, "is valid from 20"},
		"wrong name":               {"other.rig.example", "known_authority", time.Now(), session.CertificateWrongName, "is for " + host},
		"no authority of its name": {"files.example", "known_authority", time.Now(), session.HostKeyUnknown, "nothing is known of"},
		"by its key":               {rigVariable(t, "SFTPC_RIG_HOST"), "known_hosts", time.Now(), session.CauseNone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := e
			e.Host = test.host
			e.Trust = session.Trust{KnownHosts: []string{rigKey(t, test.files)}, Now: func() time.Time { return test.now }}
			got, said := realDial(t, e)
			if got != test.want || !strings.Contains(said, test.says) {
				t.Errorf("cause %d, want %d with %q: %s", got, test.want, test.says, said)
			}
		})
	}
	// Another authority in the same place is refused.
	ca, err := os.ReadFile(rigKey(t, "ca_other.pub"))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(e.Address)
	known := temporary(t, []byte("@cert-authority ["+host+"]:"+port+" "+string(ca)))
	e.Host, e.Trust = host, session.Trust{KnownHosts: []string{known.Name()}}
	if got, said := realDial(t, e); got != session.HostKeyUnknown || !strings.Contains(said, "which is not the authority of") {
		t.Errorf("cause %d: %s", got, said)
	}
	// The key of the certificate, or its authority's, may be revoked.
	for _, name := range []string{"server.pub", "ca_host.pub"} {
		e.Trust = session.Trust{KnownHosts: []string{rigKey(t, "known_authority")}, RevokedHostKeys: rigKey(t, name)}
		if got, said := realDial(t, e); got != session.HostKeyChanged || !strings.Contains(said, "is revoked by "+rigKey(t, name)+":1") {
			t.Errorf("%s: cause %d: %s", name, got, said)
		}
	}
}
