package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority signs certificates for servers that are made for a test or a
// rehearsal. Its key is nowhere but in memory.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes an authority that nobody trusts yet. It is valid from a day
// before now for ten years.
func NewAuthority(now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "sftpc authority for tests"},
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	return &Authority{certificate, key}, nil
}

// PEM is the authority's own certificate, for those who are to trust it.
func (a *Authority) PEM() []byte { return inPEM("CERTIFICATE", a.certificate.Raw) }

// Certificate says what a certificate is to be like.
type Certificate struct {
	// Names are the host names and addresses that it is for; none is localhost and
	// the loopback addresses.
	Names []string
	// From and Until bound its validity; zero is an hour ago and a year from then.
	From, Until time.Time
	// SelfSigned leaves the authority out.
	SelfSigned bool
}

// Issue makes a certificate, good for a server and for a client, with its key.
func (a *Authority) Issue(what Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if len(what.Names) == 0 {
		what.Names = []string{"localhost", "127.0.0.1", "::1"}
	}
	if what.From.IsZero() {
		what.From = time.Now().Add(-time.Hour)
	}
	if what.Until.IsZero() {
		what.Until = what.From.AddDate(1, 0, 0)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: what.Names[0]},
		NotBefore: what.From, NotAfter: what.Until,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range what.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	parent, signer := a.certificate, a.key
	if what.SelfSigned {
		parent, signer = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}, nil
}

// InPEM writes a certificate of Issue and its key as files have them.
func InPEM(certificate *tls.Certificate) (chain, key []byte, err error) {
	raw, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	for _, one := range certificate.Certificate {
		chain = append(chain, inPEM("CERTIFICATE", one)...)
	}
	return chain, inPEM("PRIVATE KEY", raw), nil
}

// Pin is a certificate as SETCERTIFICATE takes it.
func Pin(certificate *tls.Certificate) string {
	sum := sha256.Sum256(certificate.Certificate[0])
	return fmt.Sprintf("SHA256:%s", base64.RawStdEncoding.EncodeToString(sum[:]))
}

func inPEM(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}

func serial() *big.Int {
	raw := make([]byte, 16)
	rand.Read(raw) // never fails
	raw[0] &= 0x7F // a positive number
	return new(big.Int).SetBytes(raw)
}
