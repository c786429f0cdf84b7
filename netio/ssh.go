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

// DialAgent connects to the SSH agent at name: the path of a socket, or on Windows of a
// named pipe such as that of OpenSSH, \\.\pipe\openssh-ssh-agent.
func DialAgent(ctx context.Context, name string) (net.Conn, error) {
	return sshlogin.DialAgent(ctx, name)
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
// Endpoint.Trust.KnownHosts know of them; at is the server as ssh_config has it, with
// its port. It does not log in, but on hosts that are on the way, and believes nothing.
// Every error is a *session.Error.
func ShowHostKeys(ctx context.Context, endpoint session.Endpoint, settings session.Settings) (at string, keys []HostKey, err error) {
	settings, err = throughProxy(endpoint, settings)
	if err != nil {
		return "", nil, err
	}
	shown, err := sshlogin.Probe(ctx, endpoint, settings)
	if err != nil {
		return "", nil, err
	}
	server, files, err := serverOf(endpoint)
	if err != nil {
		return "", nil, err
	}
	known, err := trust.OpenHostKeys(session.Trust{KnownHosts: files.KnownHosts, RevokedHostKeys: files.RevokedHostKeys, Notice: endpoint.Trust.Notice}, server)
	if err != nil {
		return "", nil, err
	}
	keys = make([]HostKey, len(shown))
	verdicts := known.JudgeAll(shown)
	for i, key := range shown {
		keys[i] = HostKey{Type: key.Type(), Fingerprint: trust.Fingerprint(key), Line: trust.Line(server, key), Verdict: verdicts[i], key: key}
	}
	return net.JoinHostPort(server.Host, server.Port), keys, nil
}

// RecordHostKeys writes those of the keys that are not known into the first of
// Endpoint.Trust.KnownHosts, or the file that ssh_config names instead, and returns
// how many they were. Where another key of one of the types is known nothing is
// written.
func RecordHostKeys(endpoint session.Endpoint, keys []HostKey, now time.Time) (file string, recorded int, err error) {
	server, known, err := serverOf(endpoint)
	if err != nil {
		return "", 0, err
	}
	files := known.KnownHosts
	if len(files) == 0 || files[0] == "" {
		if known.Unrecorded != "" {
			return "", 0, errors.New("there is no file to record host keys in: " + known.Unrecorded)
		}
		return "", 0, errors.New("there is no file to record host keys in")
	}
	var unknown []ssh.PublicKey
	for _, k := range keys {
		if k.Verdict.State == trust.Unknown {
			unknown = append(unknown, k.key)
		}
	}
	recorded, err = trust.RecordKeys(files[0], server, unknown, now)
	return files[0], recorded, err
}

// serverOf names the server of an endpoint as its keys are recorded, and the files
// that they are in.
func serverOf(endpoint session.Endpoint) (server trust.Server, files session.Trust, err error) {
	endpoint.Trust.Notice = nil // it was told when the server was asked
	route, err := sshlogin.Resolve(endpoint)
	if err != nil {
		return server, files, err
	}
	host, port, err := net.SplitHostPort(route.Endpoint.Address)
	if err != nil {
		return server, files, err
	}
	if route.Endpoint.Host != "" {
		host = route.Endpoint.Host
	}
	files = route.Endpoint.Trust
	return trust.Server{User: route.Endpoint.User, Host: host, Port: port, Alias: files.HostKeyAlias}, files, nil
}
