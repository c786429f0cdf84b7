package netio

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/sftpc/sftpc/netio/internal/encoded"
	"github.com/sftpc/sftpc/netio/internal/ftpconn"
	"github.com/sftpc/sftpc/netio/internal/proxy"
	"github.com/sftpc/sftpc/netio/internal/sshconn"
	"github.com/sftpc/sftpc/netio/session"
)

// Dial connects to an endpoint and logs in. The caller closes the session. Every
// error is a *session.Error; NotSupported is the one for a protocol that this
// version does not speak.
func Dial(ctx context.Context, endpoint session.Endpoint, settings session.Settings) (session.Session, error) {
	settings, err := throughProxy(endpoint, settings)
	if err != nil {
		return nil, err
	}
	if endpoint.Encoding != "" {
		return dialEncoded(ctx, endpoint, settings)
	}
	return dial(ctx, endpoint, settings)
}

// dialEncoded puts the endpoint's encoding over the session.
func dialEncoded(ctx context.Context, endpoint session.Endpoint, settings session.Settings) (session.Session, error) {
	encoding, err := encoded.Find(endpoint.Encoding)
	if err != nil {
		return nil, err
	}
	if endpoint.Protocol != session.SFTP { // SSH has its user names in UTF-8 always
		if endpoint, err = encoding.Login(endpoint); err != nil {
			return nil, err
		}
	}
	s, err := dial(ctx, endpoint, encoding.Settings(settings))
	if err != nil {
		return nil, encoding.Failure(err)
	}
	return encoded.Wrap(s, encoding), nil
}

// CheckEncoding reports why an encoding cannot be an Endpoint's; nil if it can.
func CheckEncoding(name string) error {
	_, err := encoded.Find(name)
	return err
}

func dial(ctx context.Context, endpoint session.Endpoint, settings session.Settings) (session.Session, error) {
	if connect := settings.Dial; connect != nil {
		settings.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			return connect(session.WithProtocol(ctx, endpoint.Protocol), network, address)
		}
	}
	switch endpoint.Protocol {
	case session.FTP, session.FTPSExplicit, session.FTPSImplicit:
		s, err := ftpconn.Dial(ctx, endpoint, settings)
		if err != nil {
			return nil, err
		}
		return s, nil
	case session.SFTP:
		s, err := sshconn.Dial(ctx, endpoint, settings)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	return nil, &session.Error{
		Op:    "connecting to " + endpoint.Host,
		Cause: session.NotSupported,
		Class: session.ClassPermanent,
		Host:  endpoint.Address,
		Name:  endpoint.Host,
		Err:   fmt.Errorf("%s is no protocol that is spoken", nameOf(endpoint.Protocol)),
	}
}

// throughProxy makes every connection of a session, data connections included, go
// through the endpoint's proxy. The protocols see a dial function and no more.
func throughProxy(endpoint session.Endpoint, settings session.Settings) (session.Settings, error) {
	if endpoint.Proxy == "" {
		return settings, nil
	}
	p, err := proxy.Parse(endpoint.Proxy)
	if err != nil {
		var e *session.Error
		if errors.As(err, &e) {
			e.Host, e.Name = endpoint.Address, endpoint.Host
		}
		return settings, err
	}
	if !settings.Direct {
		settings.Dial = p.Through(settings.Dial)
	}
	return settings, nil
}

// CheckProxy reads the URL of a proxy as Dial would and returns the host and port
// that it names. The error is a *session.Error and shows nothing of a login.
func CheckProxy(url string) (host string, port int, err error) {
	p, err := proxy.Parse(url)
	if err != nil {
		return "", 0, err
	}
	host, port = p.Host()
	return host, port, nil
}

func nameOf(protocol session.Protocol) string {
	switch protocol {
	case session.FTP:
		return "FTP"
	case session.FTPSExplicit, session.FTPSImplicit:
		return "FTPS"
	case session.SFTP:
		return "SFTP"
	}
	return fmt.Sprintf("protocol %d", protocol)
}
