package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// proof looks at what the server proves itself with, before any login: nobody's
// password is sent to a server that is not believed. It reports whether the login is
// worth trying.
func (p *patient) proof(ctx context.Context) (goOn bool) {
	switch p.endpoint.Protocol {
	case session.FTPSExplicit, session.FTPSImplicit:
		return p.certificate(ctx)
	case session.SFTP:
		return p.hostKeys(ctx)
	}
	return true
}

// settings are those of a connection that only asks who is there.
func (p *patient) settings() session.Settings {
	return session.Settings{Timeouts: p.options.Timeouts, Dial: p.options.Dial}
}

// soon is how long before its end a certificate is spoken of.
const soon = 14 * 24 * time.Hour

func (p *patient) certificate(ctx context.Context) (goOn bool) {
	p.tell("its certificate")
	limited, stop := p.step(ctx)
	defer stop()
	shown, err := netio.ShowCertificate(limited, p.endpoint, p.settings())
	if err != nil {
		f := failed("host.connection", true, err)
		if f.Hint == "" && session.CauseOf(err) == session.ConnectTimeout && p.endpoint.Protocol == session.FTPSExplicit {
			f.Hint = "a server of implicit TLS says nothing before we do: --protocol FTPS_IMPLICIT"
		}
		p.add(f)
		return false
	}
	p.versions(ctx, shown)
	if shown.Verdict != nil {
		f := failed("host.trust", true, shown.Verdict)
		switch session.CauseOf(shown.Verdict) {
		case session.CertificateChanged, session.PinMismatch: // somebody may be in between
		default:
			f.Script = []string{fmt.Sprintf("SETCERTIFICATE(%q)", shown.Fingerprint)}
		}
		p.add(f)
		return false
	}
	left := shown.Leaf.NotAfter.Sub(p.options.Now())
	f := Finding{ID: "host.trust", State: Works, Detail: fmt.Sprintf("%s, issued by %q, valid to %s, %d days more",
		shown.Fingerprint, shown.Leaf.Issuer.String(), shown.Leaf.NotAfter.UTC().Format("2006-01-02"), int(math.Floor(left.Hours()/24)))}
	if left < soon && len(p.endpoint.Trust.Certificates) == 0 {
		f.State, f.Matters = Fails, true
		f.Hint = "its owner has to renew it, or it will be refused"
	}
	p.add(f)
	return true
}

// versions tells which versions of TLS the server takes. Those that were given up are
// asked for as well: a server that still takes them is old.
func (p *patient) versions(ctx context.Context, agreed netio.Certificate) {
	p.tell("versions of TLS")
	var takes []string
	for _, version := range []uint16{tls.VersionTLS13, tls.VersionTLS12, tls.VersionTLS11, tls.VersionTLS10} {
		endpoint := p.endpoint
		endpoint.Protect.LeastTLS, endpoint.Protect.MostTLS = version, version
		endpoint.LegacyAlgorithms = version < tls.VersionTLS12
		limited, stop := p.step(ctx)
		if _, err := netio.ShowCertificate(limited, endpoint, p.settings()); err == nil {
			takes = append(takes, tls.VersionName(version))
		}
		stop()
	}
	f := Finding{ID: "host.encryption", State: Works, Detail: fmt.Sprintf("%s with %s; the server takes %s", agreed.TLS, agreed.Cipher, strings.Join(takes, ", "))}
	if len(takes) == 0 {
		f.Detail = fmt.Sprintf("%s with %s; and not a second time", agreed.TLS, agreed.Cipher)
	}
	p.add(f)
}

// hostKeys tells the host keys and what is known of them.
func (p *patient) hostKeys(ctx context.Context) (goOn bool) {
	p.tell("its host keys")
	limited, stop := p.step(ctx)
	defer stop()
	_, keys, err := netio.ShowHostKeys(limited, p.endpoint, p.settings())
	if err != nil {
		p.add(failed("host.connection", true, err))
		return false
	}
	var told, lines []string
	known, bad := false, false
	for _, key := range keys {
		verdict := key.Verdict.String()
		if slices.Contains(p.endpoint.Trust.HostKeys, key.Fingerprint) {
			known, verdict = true, "as --pin says"
		}
		told = append(told, fmt.Sprintf("%s %s, %s", key.Type, key.Fingerprint, verdict))
		switch key.Verdict.State {
		case netio.HostKeyKnown:
			known = true
		case netio.HostKeyChanged, netio.HostKeyRevoked:
			bad = true
		case netio.HostKeyUnknown:
			if len(lines) == 0 {
				lines = append(lines, fmt.Sprintf("SETHOSTKEY(%q)", key.Fingerprint))
			}
		}
	}
	f := Finding{ID: "host.trust", State: Works, Detail: strings.Join(told, "; ")}
	switch {
	case len(p.endpoint.Trust.HostKeys) > 0 && !known:
		f.State, f.Matters, f.Cause = Fails, true, "PIN_MISMATCH"
		f.Hint = "none of these is the key that --pin names: somebody may be in between"
	case len(p.endpoint.Trust.HostKeys) > 0:
	case bad:
		f.State, f.Matters, f.Cause = Fails, true, "HOST_KEY_CHANGED"
		f.Hint = "somebody may be in between, unless the server's own people replaced its key"
	case p.endpoint.Trust.Level == session.TrustAny, known:
	default:
		f.State, f.Matters, f.Cause, f.Script = Fails, true, "HOST_KEY_UNKNOWN", lines
		f.Hint = fmt.Sprintf("if the server's own people say the same: sftpc trust %s records it for all scripts, the line below is for one", p.trustTarget())
	}
	p.add(f)
	return f.State == Works
}

// trustTarget is the server as `sftpc trust` takes it.
func (p *patient) trustTarget() string {
	host, port, err := net.SplitHostPort(hostPort(p.endpoint))
	if err == nil && port == "22" {
		return host
	}
	return hostPort(p.endpoint)
}

// resumption tells whether data connections of FTPS resume the TLS session, which
// some servers insist on.
func (p *patient) resumption() {
	if p.endpoint.Protocol != session.FTPSExplicit && p.endpoint.Protocol != session.FTPSImplicit || len(p.seen.worked) == 0 {
		return
	}
	if p.seen.unresumed {
		p.add(Finding{ID: "data.resumption", State: Note, Detail: "the server does not resume the TLS session, and does not insist on it"})
		return
	}
	p.add(Finding{ID: "data.resumption", State: Works, Detail: "data connections resume the TLS session"})
}
