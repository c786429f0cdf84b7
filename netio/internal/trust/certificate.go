package trust

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// Certificates holds the certificates that one server shows against a
// session.Trust. There is one for each session: its first certificate may be
// recorded, and all that its further connections show must pass the same rule,
// with nothing recorded any more. It is safe for concurrent use.
type Certificates struct {
	rule  session.Trust
	host  string // the name that certificates must have
	place string // host:port, as the record has it
	pins  []Sum
	// implicit is for messages: TLS from the first byte on.
	implicit bool
	roots    *x509.CertPool // nil is the system's

	lock     sync.Mutex
	accepted []byte // the certificate that passed first; nil before
}

// NewCertificates makes ready to judge the server of an endpoint, as its Trust, Host
// and Address say. The error is a *session.Error: a pin that
// is none, or authorities that cannot be read.
func NewCertificates(endpoint session.Endpoint) (*Certificates, error) {
	rule, host := endpoint.Trust, endpoint.Host
	pins, err := parsePins(rule.Certificates)
	if err != nil {
		return nil, &session.Error{Cause: session.BadArgument, Class: session.ClassUsage, Err: err}
	}
	c := &Certificates{rule: rule, pins: pins, implicit: endpoint.Protocol == session.FTPSImplicit}
	dialled, port, err := net.SplitHostPort(endpoint.Address)
	if host == "" {
		host = dialled
	}
	c.host = ServerName(host)
	c.place = c.host
	if err == nil {
		c.place = net.JoinHostPort(c.host, port)
	}
	if rule.Authorities != nil {
		c.roots = x509.NewCertPool()
		if !c.roots.AppendCertsFromPEM(rule.Authorities) {
			return nil, &session.Error{Cause: session.BadArgument, Class: session.ClassUsage,
				Err: errors.New("the authorities hold no certificate in PEM")}
		}
	}
	return c, nil
}

// ServerName is host as certificates have it: no brackets, no zone, no last dot,
// small letters.
func ServerName(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.Contains(host, ":") {
		host, _, _ = strings.Cut(host, "%")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// CertificateFingerprint is a certificate as SETCERTIFICATE takes it: SHA256: and
// unpadded base64.
func CertificateFingerprint(certificate *x509.Certificate) string {
	return Sum(sha256.Sum256(certificate.Raw)).String()
}

// Verify judges what a server showed; it is made for tls.Config.VerifyConnection,
// which is called for resumed sessions too. Every error is a *session.Error.
func (c *Certificates) Verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return &session.Error{Cause: session.TLSFailed, Class: session.TLSFailed.Class(), Err: errors.New("the server shows no certificate")}
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	leaf := state.PeerCertificates[0]
	if c.accepted != nil && slices.Equal(c.accepted, leaf.Raw) {
		return nil
	}
	if err := c.judge(leaf, state.PeerCertificates[1:]); err != nil {
		return err
	}
	if c.accepted == nil {
		c.accepted = leaf.Raw
	}
	return nil
}

func (c *Certificates) judge(leaf *x509.Certificate, between []*x509.Certificate) error {
	print := Sum(sha256.Sum256(leaf.Raw))
	first := c.accepted == nil
	switch {
	case len(c.pins) > 0:
		if !slices.Contains(c.pins, print) {
			return c.refusal(session.PinMismatch, leaf, fmt.Sprintf("is not the one that the script names, %s", c.pins[0]))
		}
		return nil
	case c.rule.Level == session.TrustAny:
		if first {
			c.notice(fmt.Sprintf("SETTRUST(ANY): whether %s is who it says it is was not checked; its certificate is %s", c.place, print))
		}
		return nil
	}
	known, err := c.known()
	if err != nil {
		return err
	}
	if len(known) > 0 {
		return c.insist(leaf, print, known)
	}
	unverified := c.verify(leaf, between)
	if unverified == nil || c.rule.Level != session.TrustNew || !first {
		return unverified
	}
	return c.record(leaf, print, unverified)
}

// Record puts a certificate on record for this server because the user asked for it
// by name. Where another one is on record nothing is written.
func (c *Certificates) Record(leaf *x509.Certificate) error {
	if c.rule.KnownCertificates == "" {
		return errors.New("there is no file to record certificates in")
	}
	sum := Sum(sha256.Sum256(leaf.Raw))
	known, err := recordCertificate(c.rule.KnownCertificates, c.place, sum, c.now())
	if err != nil {
		return err
	}
	return c.insist(leaf, sum, known)
}

// known are the certificates that are on record for this server.
func (c *Certificates) known() ([]Sum, error) {
	if c.rule.KnownCertificates == "" {
		return nil, nil
	}
	known, err := knownCertificates(c.rule.KnownCertificates, c.place)
	if err != nil {
		return nil, &session.Error{Cause: session.CertificateUntrusted, Class: session.ClassTrust,
			Err: fmt.Errorf("the record of certificates cannot be read: %w", err)}
	}
	return known, nil
}

// insist holds the certificate against the record, and against nothing else: who
// recorded it had looked at it.
func (c *Certificates) insist(leaf *x509.Certificate, print Sum, known []Sum) error {
	if slices.Contains(known, print) {
		return nil
	}
	return c.refusal(session.CertificateChanged, leaf,
		fmt.Sprintf("is not the one on record in %s, %s", c.rule.KnownCertificates, known[0]))
}

// record keeps a certificate at first contact. Where there is no file for it, or
// where another run was quicker with another one, it is refused.
func (c *Certificates) record(leaf *x509.Certificate, print Sum, unverified error) error {
	file := c.rule.KnownCertificates
	if file == "" {
		var e *session.Error
		if errors.As(unverified, &e) {
			e.Err = fmt.Errorf("%w; and there is no file in which SETTRUST(NEW) could record it", e.Err)
		}
		return unverified
	}
	known, err := recordCertificate(file, c.place, print, c.now())
	if err != nil {
		return &session.Error{Cause: session.CertificateUntrusted, Class: session.ClassTrust,
			Err: fmt.Errorf("the certificate %s of %s cannot be recorded: %w", print, c.place, err)}
	}
	if err := c.insist(leaf, print, known); err != nil {
		return err
	}
	c.notice(fmt.Sprintf("SETTRUST(NEW): the certificate %s of %s was recorded in %s", print, c.place, file))
	return nil
}

func (c *Certificates) notice(text string) {
	if c.rule.Notice != nil {
		c.rule.Notice(text)
	}
}

func (c *Certificates) now() time.Time {
	if c.rule.Now != nil {
		return c.rule.Now()
	}
	return time.Now()
}

// verify is the rule of public authorities: a chain to one that is believed,
// valid now, for this name. Where several of these fail, who signed it comes
// first, for without that the rest proves nothing.
func (c *Certificates) verify(leaf *x509.Certificate, between []*x509.Certificate) error {
	now := c.now()
	outOfDate := now.Before(leaf.NotBefore) || now.After(leaf.NotAfter)
	options := x509.VerifyOptions{Roots: c.roots, Intermediates: x509.NewCertPool(), CurrentTime: now}
	for _, certificate := range between {
		options.Intermediates.AddCert(certificate)
	}
	if outOfDate { // that is said by itself
		options.CurrentTime = leaf.NotBefore
		if now.After(leaf.NotAfter) {
			options.CurrentTime = leaf.NotAfter
		}
	}
	_, err := leaf.Verify(options)
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && !outOfDate:
		return c.refusal(session.CertificateExpired, leaf, "was signed by an authority whose own certificate is not valid now")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired: // of a chain that has gone with the leaf
	case err != nil && isSelfSigned(leaf):
		return c.refusal(session.CertificateUntrusted, leaf, "is signed by itself and by no authority that is believed")
	case err != nil:
		return c.refusal(session.CertificateUntrusted, leaf, "is not vouched for by an authority that is believed ("+clip(reason(err))+")")
	}
	switch {
	case now.Before(leaf.NotBefore):
		return c.refusal(session.CertificateExpired, leaf, "is not valid yet")
	case outOfDate:
		return c.refusal(session.CertificateExpired, leaf, "has expired")
	}
	if err := leaf.VerifyHostname(c.host); err != nil {
		return c.refusal(session.CertificateWrongName, leaf, "is not for "+c.host+" but for "+namesOf(leaf))
	}
	return nil
}

func isSelfSigned(leaf *x509.Certificate) bool {
	return string(leaf.RawIssuer) == string(leaf.RawSubject) &&
		leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil
}

func reason(err error) string { return strings.TrimPrefix(err.Error(), "x509: ") }

// names are those that a certificate is for, quoted and bounded: whoever made it
// wrote them.
func namesOf(leaf *x509.Certificate) string {
	all := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	switch {
	case len(all) == 0 && leaf.Subject.CommonName != "":
		return fmt.Sprintf("%q, and that in the field CN, which no longer counts", clip(leaf.Subject.CommonName))
	case len(all) == 0:
		return "no name"
	case len(all) > 4:
		all = append(all[:4], "…")
	}
	return fmt.Sprintf("%q", clip(strings.Join(all, ", ")))
}

// refusal is the error for a certificate that is not taken: which one it is, who
// issued it, and what a user does who knows better.
func (c *Certificates) refusal(cause session.Cause, leaf *x509.Certificate, why string) *session.Error {
	print := CertificateFingerprint(leaf)
	const day = "2006-01-02"
	e := &session.Error{Cause: cause, Class: cause.Class(), Err: fmt.Errorf(
		"the certificate %s of %s %s; issued by %q for %q, valid from %s to %s", print, c.place, why,
		clip(leaf.Issuer.String()), clip(leaf.Subject.String()),
		leaf.NotBefore.UTC().Format(day), leaf.NotAfter.UTC().Format(day))}
	switch cause {
	case session.PinMismatch:
		e.Hint = fmt.Sprintf("unless the server's own people confirm the new one, somebody may be in between; if they do: SETCERTIFICATE(%q)", print)
	case session.CertificateChanged:
		e.Hint = fmt.Sprintf("unless the server's own people confirm the new one, somebody may be in between; if they do, delete the line of %s in %s and record it anew: %s; or SETCERTIFICATE(%q)", c.place, c.rule.KnownCertificates, c.command(), print)
	default:
		e.Hint = fmt.Sprintf("if the server's own people confirm that fingerprint, SETCERTIFICATE(%q) takes this certificate and no other; %s records it", print, c.command())
	}
	return e
}

// command is how a user records this server's certificate.
func (c *Certificates) command() string {
	host := c.place
	if name, port, err := net.SplitHostPort(host); err == nil && (port == "21" || port == "990" && c.implicit) {
		host = name
	}
	if c.implicit {
		return "sftpc trust --protocol FTPS_IMPLICIT " + host
	}
	return "sftpc trust --protocol FTPS " + host
}
