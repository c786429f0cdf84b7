package session

import (
	"context"
	"net"
)

// Login is what proves who we are besides a password. The bytes are a file's
// contents: whoever makes an Endpoint has read what the script named.
type Login struct {
	// Key is a private key for SFTP in any form that OpenSSH writes; nil is none.
	// Passphrase opens it. KeyName is how messages call it. KeyCertificate is the
	// user's certificate that belongs to it, as in a file -cert.pub; nil is none.
	Key            []byte
	KeyName        string
	Passphrase     string
	KeyCertificate []byte
	// Certificate and CertificateKey are a client certificate for FTPS and its key,
	// in PEM; nil is none.
	Certificate    []byte
	CertificateKey []byte
	// Agent connects to the SSH agent; nil is none. The session closes what it got.
	Agent func(ctx context.Context) (net.Conn, error)
	// SSH is what this machine's user has for SSH; the zero value is nothing.
	SSH SSHFiles
}

// SSHFiles names what is read for a login over SSH; every path is absolute, and a
// missing file is no failure.
type SSHFiles struct {
	// Config are ssh_config files in the order of their precedence; none is read
	// where there are none.
	Config []string
	// Keys are private keys that are tried, in this order.
	Keys []string
	// Certificates are certificates of those keys, or of an agent's, besides those that
	// lie beside Keys.
	Certificates []string
	// KeysOnly leaves out the keys of the agent that are none of Keys.
	KeysOnly bool
	// Home is what ~ and %d stand for, LocalUser what %u does.
	Home, LocalUser string
	// AddressGiven and PortGiven say that the address of the endpoint, or its port, is
	// the script's or the command line's own: Config does not change it then.
	AddressGiven, PortGiven bool
}

// Protection says how FTPS protects a session.
type Protection struct {
	// ClearData leaves data connections without encryption (PROT C).
	ClearData bool
	// LeastTLS and MostTLS bound the versions of TLS, as in crypto/tls; zero is 1.2
	// and the newest.
	LeastTLS, MostTLS uint16
}
