package ftpconn

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"

	"github.com/sftpc/sftpc/netio/internal/trust"
	"github.com/sftpc/sftpc/netio/session"
)

// Show connects as Dial does up to the end of the TLS handshake, does not log in, and
// returns what the server showed with the verdict of the endpoint's trust under
// TrustStrict, whatever its level: nothing is believed or recorded. The connection's
// error is a *session.Error, and so is a verdict that is not nil.
func Show(ctx context.Context, endpoint session.Endpoint, settings session.Settings) (shown tls.ConnectionState, verdict, err error) {
	settings.Timeouts = settings.Timeouts.WithDefaults()
	settings.Limits = settings.Limits.WithDefaults()
	settings.Features = maps.Clone(settings.Features)
	settings.Observe = inOrder(settings.Observe)
	endpoint.Trust.Level = session.TrustStrict
	s := &Session{host: hostForMessages(endpoint), proxied: endpoint.Proxy != "", settings: settings}
	s.shim = &shim{s: s}
	fail := func(e *session.Error) (tls.ConnectionState, error, error) {
		e.Op, e.Host, e.Name = "asking "+s.host+" for its certificate", s.host, endpoint.Host
		return tls.ConnectionState{}, nil, e
	}
	judge, err := trust.NewCertificates(endpoint)
	if err != nil {
		return fail(asFault(err))
	}
	var e *session.Error
	if s.protection, e = newProtection(endpoint); e != nil {
		return fail(e)
	}
	if s.protection == nil {
		return fail(fault(session.BadArgument, errors.New("plain FTP shows no certificate")))
	}
	s.protection.config.VerifyConnection = func(state tls.ConnectionState) error {
		shown = state
		verdict = judge.Verify(state)
		return nil
	}
	if e := s.connect(ctx, endpoint); e != nil {
		return fail(e)
	}
	s.control.close()
	return shown, verdict, nil
}
