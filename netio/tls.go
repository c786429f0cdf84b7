package netio

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/sftpc/sftpc/netio/internal/trust"
)

// IsCertificatePin tells a certificate's fingerprint from the name of a file.
func IsCertificatePin(written string) bool {
	return strings.HasPrefix(strings.TrimSpace(written), trust.PinPrefix)
}

// ParseCertificatePin reads a fingerprint, "SHA256:" and base64 or hexadecimal, and
// returns it as session.Trust.Certificates has it.
func ParseCertificatePin(written string) (string, error) {
	sum, err := trust.ParseCertificatePin(written)
	if err != nil {
		return "", err
	}
	return sum.String(), nil
}

// CheckAuthorities reports why data holds no certificates that can be believed; nil
// if it does. The error completes "a file that".
func CheckAuthorities(data []byte) error {
	if !x509.NewCertPool().AppendCertsFromPEM(data) {
		return errors.New("holds no certificate in PEM")
	}
	return nil
}

// CheckClientCertificate reports why a certificate and key in PEM cannot be shown to
// a server; nil if they can.
func CheckClientCertificate(certificate, key []byte) error {
	_, err := tls.X509KeyPair(certificate, key)
	return err
}
