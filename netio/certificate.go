package netio

import (
	"context"
	"crypto/tls"
	"crypto/x509"

	"github.com/sftpc/sftpc/netio/internal/ftpconn"
	"github.com/sftpc/sftpc/netio/internal/trust"
	"github.com/sftpc/sftpc/netio/session"
)

// Certificate is what a server of FTPS showed.
type Certificate struct {
	Fingerprint string            // SHA256:…, as SETCERTIFICATE takes it
	Leaf        *x509.Certificate // the server's own; what is written in it is the server's word
	TLS         string            // the version that was agreed on, TLS 1.3
	Cipher      string
	// Verdict is why the endpoint's trust does not believe it, a *session.Error; nil
	// where it does.
	Verdict error
}

// ShowCertificate asks a server of FTPS for its certificate. It does not log in, and
// believes and records nothing. Endpoint.Protect bounds the version of TLS. Every
// error is a *session.Error.
func ShowCertificate(ctx context.Context, endpoint session.Endpoint, settings session.Settings) (Certificate, error) {
	settings, err := throughProxy(endpoint, settings)
	if err != nil {
		return Certificate{}, err
	}
	state, verdict, err := ftpconn.Show(ctx, endpoint, settings)
	if err != nil {
		return Certificate{}, err
	}
	shown := Certificate{TLS: tls.VersionName(state.Version), Cipher: tls.CipherSuiteName(state.CipherSuite), Verdict: verdict}
	if len(state.PeerCertificates) > 0 {
		shown.Leaf = state.PeerCertificates[0]
		shown.Fingerprint = trust.CertificateFingerprint(shown.Leaf)
	}
	return shown, nil
}

// RecordCertificate puts a certificate that was shown on record for the endpoint's
// server, in Endpoint.Trust.KnownCertificates. Where another one is on record nothing is
// written, and the error says so.
func RecordCertificate(endpoint session.Endpoint, shown Certificate) error {
	certificates, err := trust.NewCertificates(endpoint)
	if err != nil {
		return err
	}
	return certificates.Record(shown.Leaf)
}
