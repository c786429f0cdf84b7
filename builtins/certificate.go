package builtins

import (
	"errors"
	"fmt"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// certificates are what the script said of certificates: of the server's, which it
// believes, and of its own, which it shows.
type certificates struct {
	// pins and authorities are of SETCERTIFICATE. Like the keys of SETHOSTKEY, calls
	// add up until an OPENHOST over FTPS has used them.
	pins        []string
	authorities []byte // nil is the system's
	used        bool
	broken      error // why SETCERTIFICATE failed; OPENHOST over FTPS then fails too

	own, ownKey []byte // SETCLIENTCERT; nil is none
	ownBroken   error
	clear       bool // SETPROTECTION(CLEAR)
}

// setCertificate is SETCERTIFICATE(pin | file | NONE). What begins as a pin does is
// one, and all else a file.
func (s *State) setCertificate(a *arguments) error {
	c := &s.settings.certificates
	if c.used || a.constant(0) == "NONE" {
		c.pins, c.authorities, c.broken, c.used = nil, nil, nil, false
	}
	if a.constant(0) == "NONE" {
		return nil
	}
	err := s.believe(a, a.text(0))
	if err != nil && c.broken == nil {
		c.broken = err
	}
	return err
}

func (s *State) believe(a *arguments, written string) error {
	c := &s.settings.certificates
	if netio.IsCertificatePin(written) {
		pin, err := netio.ParseCertificatePin(written)
		if err != nil {
			return a.bad(0, "is no certificate: %v", err)
		}
		c.pins = append(c.pins[:len(c.pins):len(c.pins)], pin)
		return nil
	}
	data, err := s.readCertificate(written)
	if err != nil {
		return err
	}
	if err := netio.CheckAuthorities(data); err != nil {
		return a.bad(0, "is a file that %v", err)
	}
	c.authorities = append(c.authorities[:len(c.authorities):len(c.authorities)], data...)
	return nil
}

// readCertificate reads a file that holds certificates or a key.
func (s *State) readCertificate(written string) ([]byte, error) {
	path, err := s.localPath(written)
	if err != nil {
		return nil, err
	}
	data, err := s.readSmall(path, false)
	if err != nil {
		return nil, s.files.Failure("reading the certificate", path, err)
	}
	return append(data, '\n'), nil // where the next file may begin
}

// setClientCert is SETCLIENTCERT(certificate [, key]) and SETCLIENTCERT(NONE).
func (s *State) setClientCert(a *arguments) error {
	c := &s.settings.certificates
	c.own, c.ownKey, c.ownBroken = nil, nil, nil
	if a.constant(0) == "NONE" {
		return nil
	}
	if c.ownBroken = s.readOwn(a); c.ownBroken != nil {
		c.own, c.ownKey = nil, nil
	}
	return c.ownBroken
}

func (s *State) readOwn(a *arguments) (err error) {
	c := &s.settings.certificates
	if c.own, err = s.readCertificate(a.text(0)); err != nil {
		return err
	}
	c.ownKey = c.own
	if a.has(1) {
		if c.ownKey, err = s.readCertificate(a.text(1)); err != nil {
			return err
		}
	}
	if err := netio.CheckClientCertificate(c.own, c.ownKey); err != nil {
		return &session.Error{Op: "reading the client certificate " + quoted(a.text(0)), Cause: session.KeyUnusable, Class: session.ClassAuth, Err: err,
			Hint: "the files must be in PEM, and the key without a passphrase: openssl pkey -in KEY -out KEY.open"}
	}
	return nil
}

func (s *State) setProtection(a *arguments) error {
	s.settings.certificates.clear = a.constant(0) == "CLEAR"
	return nil
}

// certify puts into the endpoint what the script said of certificates. A rehearsal
// shows the servers in between no certificate of ours, which they could not check.
func (s *State) certify(e *session.Endpoint) error {
	if e.Protocol != session.FTPSExplicit && e.Protocol != session.FTPSImplicit {
		return nil
	}
	c := &s.settings.certificates
	c.used = true
	if err := errors.Join(c.broken, c.ownBroken); err != nil {
		return &session.Error{Op: "connecting to " + e.Host, Cause: session.CauseOf(err), Class: errorOf(err).Class, Name: e.Host,
			Err:  fmt.Errorf("a certificate that was named cannot be used: %w", err),
			Hint: "without it somebody else could be taken for the server, or we for somebody else; NONE in its place does without"}
	}
	e.Protect.ClearData = c.clear
	if s.options.Pretended {
		return nil
	}
	e.Trust.Certificates, e.Trust.Authorities = c.pins, c.authorities
	e.Login.Certificate, e.Login.CertificateKey = c.own, c.ownKey
	return nil
}
