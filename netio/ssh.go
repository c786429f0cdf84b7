package netio

import (
	"context"
	"errors"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/internal/sshlogin"
	"github.com/sftpc/sftpc/netio/internal/trust"
	"github.com/sftpc/sftpc/netio/session"
)

// ParseHostKeyPin reads a host key to insist on, as SETHOSTKEY takes it, and returns
// its fingerprint as session.Trust.HostKeys has it.
func ParseHostKeyPin(written string) (fingerprint string, err error) { return trust.ParsePin(written) }

// CheckKey reports why the private key of a login cannot be opened; nil if it can.
// The error is a *session.Error.
func CheckKey(login session.Login) error {
	// Whether a key of a type that was given up is taken is said at the login.
	const legacy = true
	_, err := sshlogin.ReadKey(login.Key, login.Passphrase, login.KeyName, legacy)
	return err
}

// CertificateSuffix is what stands behind a key file's name in the name of its
// certificate's.
const CertificateSuffix = sshlogin.CertificateSuffix

// HostKey is a host key that a server of SSH showed.
type HostKey struct {
	Type        string // ssh-ed25519
	Fingerprint string // SHA256:…
	Line        string // of a file of known hosts
	Verdict     HostKeyVerdict

	key ssh.PublicKey
}

// HostKeyVerdict is what the files of known hosts say of a key.
type HostKeyVerdict = trust.Verdict

// What may be known of a host key.
const (
	HostKeyUnknown = trust.Unknown
	HostKeyKnown   = trust.Known
	HostKeyChanged = trust.Changed
	HostKeyRevoked = trust.Revoked
)

// ShowHostKeys asks a server for its host keys, one of each type, and says what
// Endpoint.Trust.KnownHosts know of them. It does not log in, and believes nothing.
// Every error is a *session.Error.
func ShowHostKeys(ctx context.Context, endpoint session.Endpoint, settings session.Settings) ([]HostKey, error) {
	settings, err := throughProxy(endpoint, settings)
	if err != nil {
		return nil, err
	}
	server, err := serverOf(endpoint)
	if err != nil {
		return nil, err
	}
	known, err := trust.OpenHostKeys(session.Trust{KnownHosts: endpoint.Trust.KnownHosts, Notice: endpoint.Trust.Notice}, server)
	if err != nil {
		return nil, err
	}
	shown, err := sshlogin.Probe(ctx, endpoint, settings)
	if err != nil {
		return nil, err
	}
	keys := make([]HostKey, len(shown))
	for i, key := range shown {
		keys[i] = HostKey{Type: key.Type(), Fingerprint: trust.Fingerprint(key), Line: trust.Line(server, key), Verdict: known.Judge(key), key: key}
	}
	return keys, nil
}

// RecordHostKeys writes those of the keys that are not known into the first of
// Endpoint.Trust.KnownHosts and returns how many they were. Where another key of one
// of the types is known nothing is written.
func RecordHostKeys(endpoint session.Endpoint, keys []HostKey, now time.Time) (recorded int, err error) {
	server, err := serverOf(endpoint)
	if err != nil {
		return 0, err
	}
	if len(endpoint.Trust.KnownHosts) == 0 {
		return 0, errors.New("there is no file to record host keys in")
	}
	var unknown []ssh.PublicKey
	for _, k := range keys {
		if k.Verdict.State == trust.Unknown {
			unknown = append(unknown, k.key)
		}
	}
	return trust.RecordKeys(endpoint.Trust.KnownHosts[0], server, unknown, now)
}

// serverOf names the server of an endpoint as its keys are recorded.
func serverOf(endpoint session.Endpoint) (trust.Server, error) {
	host, port, err := net.SplitHostPort(endpoint.Address)
	if err != nil {
		return trust.Server{}, &session.Error{Op: "connecting to " + endpoint.Address, Cause: session.BadArgument, Class: session.ClassUsage, Err: err}
	}
	if endpoint.Host != "" {
		host = endpoint.Host
	}
	return trust.Server{User: endpoint.User, Host: host, Port: port}, nil
}
