package sshlogin

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

// mostKeyFile bounds a file of a private key or its certificate.
const mostKeyFile = 1 << 20

// ReadKey opens a private key in any form that OpenSSH writes: its own, PKCS #1 and
// SEC 1 in PEM, PKCS #8 with and without a passphrase. name is how messages call it.
// DSA keys are taken only where legacy says so. The error is a *session.Error,
// KeyUnusable.
func ReadKey(data []byte, passphrase, name string, legacy bool) (ssh.Signer, error) {
	raw, err := parseKey(data, passphrase)
	if err != nil {
		return nil, unusable(name, data, passphrase, err)
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, unusable(name, data, passphrase, err)
	}
	if signer.PublicKey().Type() == typeDSA && !legacy {
		e := fault(session.KeyUnusable, fmt.Errorf("%s is a DSA key, which servers gave up as unsafe", name))
		e.Hint = "ssh-keygen -t ed25519 makes a new one; SETALGORITHMS(LEGACY) takes it all the same"
		return nil, e
	}
	return restrict(signer, legacy), nil
}

// typeDSA is the type of DSA keys; the library's own name for it is marked as one not
// to use.
const typeDSA = "ssh-dss"

var errWrongPassphrase = errors.New("the passphrase is wrong")

func parseKey(data []byte, passphrase string) (any, error) {
	if block, _ := pem.Decode(data); block != nil && block.Type == "ENCRYPTED PRIVATE KEY" {
		if passphrase == "" {
			return nil, &ssh.PassphraseMissingError{}
		}
		plain, err := decryptPKCS8(block.Bytes, passphrase)
		if err != nil {
			return nil, err
		}
		key, err := x509.ParsePKCS8PrivateKey(plain)
		if err != nil {
			return nil, errWrongPassphrase // what it decrypted is noise
		}
		return key, nil
	}
	// A passphrase that is not needed is no failure: the key may have lost it since.
	key, err := ssh.ParseRawPrivateKey(data)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked && passphrase != "" {
		key, err = ssh.ParseRawPrivateKeyWithPassphrase(data, []byte(passphrase))
		if errors.Is(err, x509.IncorrectPasswordError) {
			err = errWrongPassphrase
		}
	}
	return key, err
}

// unusable says why a key cannot be used, and what kind of file it is instead.
func unusable(name string, data []byte, passphrase string, err error) *session.Error {
	e := fault(session.KeyUnusable, nil)
	_, locked := errors.AsType[*ssh.PassphraseMissingError](err)
	text := bytes.TrimSpace(data)
	switch {
	case locked:
		e.Err = fmt.Errorf("%s is locked with a passphrase", name)
		e.Hint = "SETKEYFILE takes the passphrase as its second argument"
	case errors.Is(err, errWrongPassphrase):
		e.Err = fmt.Errorf("%s cannot be opened: %w", name, err)
	case bytes.HasPrefix(text, []byte("PuTTY-User-Key-File")):
		e.Err = fmt.Errorf("%s is a key of PuTTY's, which is not read here", name)
		e.Hint = "puttygen KEY.ppk -O private-openssh -o KEY writes it in OpenSSH's form"
	case isPublicKey(text):
		e.Err = fmt.Errorf("%s is a public key, and the private one is needed", name)
		e.Hint = "it lies beside it as a rule, under the same name without .pub"
	default:
		e.Err = fmt.Errorf("%s is not a private key that can be read: %s", name, strings.TrimPrefix(err.Error(), "ssh: "))
	}
	return e
}

func isPublicKey(text []byte) bool {
	_, _, _, _, err := ssh.ParseAuthorizedKey(text)
	return err == nil || bytes.HasPrefix(text, []byte("---- BEGIN SSH2 PUBLIC KEY")) || bytes.HasPrefix(text, []byte("-----BEGIN PUBLIC KEY"))
}

// restrict makes RSA keys sign with SHA-2 only; SHA-1 is for legacy servers.
func restrict(signer ssh.Signer, legacy bool) ssh.Signer {
	able, ok := signer.(ssh.AlgorithmSigner)
	kind := signer.PublicKey().Type()
	if !ok || kind != ssh.KeyAlgoRSA && kind != ssh.CertAlgoRSAv01 {
		return signer
	}
	algorithms := []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	if legacy {
		algorithms = append(algorithms, ssh.KeyAlgoRSA)
	}
	restricted, err := ssh.NewSignerWithAlgorithms(able, algorithms)
	if err != nil {
		return signer // it signs with fewer, as it says itself
	}
	return restricted
}

// withCertificate makes the signer that shows a certificate in OpenSSH's form
// instead of the bare key.
func withCertificate(signer ssh.Signer, data []byte, name string) (ssh.Signer, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey(data)
	certificate, ok := key.(*ssh.Certificate)
	switch {
	case err != nil || !ok:
		return nil, fmt.Errorf("%s is not a certificate of OpenSSH's", name)
	case certificate.CertType != ssh.UserCert:
		return nil, fmt.Errorf("%s is a host's certificate, not a user's", name)
	}
	certified, err := ssh.NewCertSigner(certificate, signer)
	if err != nil {
		return nil, fmt.Errorf("%s is the certificate of another key", name)
	}
	return certified, nil
}

// scriptKey is the key that the script names, with its certificate before it. That
// it cannot be used is a failure: it was asked for.
func (l *login) scriptKey() *session.Error {
	given := l.c.endpoint.Login
	if given.Key == nil {
		return nil
	}
	name := given.KeyName
	if name == "" {
		name = "the key"
	}
	signer, err := ReadKey(given.Key, given.Passphrase, name, l.c.endpoint.LegacyAlgorithms)
	if err != nil {
		return asFault(err)
	}
	if given.KeyCertificate != nil {
		certified, err := withCertificate(signer, given.KeyCertificate, name+CertificateSuffix)
		if err != nil {
			return fault(session.KeyUnusable, err)
		}
		l.add(certified, name+CertificateSuffix)
	}
	l.add(signer, name)
	return nil
}

// CertificateSuffix is what OpenSSH appends to a key file's name for its certificate.
const CertificateSuffix = "-cert.pub"

// userKey adds a key of this machine's user, if the file is there and can be read
// without a passphrase. What cannot be used is left out with a note: nobody asked for
// it by name.
func (l *login) userKey(name string) {
	data, err := readKeyFile(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.c.note(fmt.Sprintf("%s is not used: %v", name, err))
		}
		return
	}
	signer, err := ReadKey(data, "", name, l.c.endpoint.LegacyAlgorithms)
	if err != nil {
		l.c.note("not used: " + err.Error())
		return
	}
	if data, err := readKeyFile(name + CertificateSuffix); err == nil {
		if certified, err := withCertificate(signer, data, name+CertificateSuffix); err != nil {
			l.c.note("not used: " + err.Error())
		} else {
			l.add(certified, name+CertificateSuffix)
		}
	}
	l.addCertified(signer)
	l.add(signer, name)
}

// addCertified takes a key on with those of Login.SSH.Certificates that are its own.
func (l *login) addCertified(signer ssh.Signer) {
	for _, name := range l.c.endpoint.Login.SSH.Certificates {
		data, err := readKeyFile(name)
		if err != nil {
			l.c.note(fmt.Sprintf("%s is not used: %v", name, err))
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(data)
		certificate, ok := key.(*ssh.Certificate)
		if err == nil && ok && !bytes.Equal(certificate.Key.Marshal(), signer.PublicKey().Marshal()) {
			continue // of another key
		}
		certified, err := withCertificate(signer, data, name)
		if err != nil {
			l.c.note("not used: " + err.Error())
			continue
		}
		l.add(certified, name)
	}
}

func readKeyFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a file")
	case info.Size() > mostKeyFile:
		return nil, errors.New("it is too long for a key")
	}
	return os.ReadFile(name)
}
