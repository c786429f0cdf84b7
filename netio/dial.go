package netio

import (
	"context"
	"fmt"

	"github.com/sftpc/sftpc/netio/internal/ftpconn"
	"github.com/sftpc/sftpc/netio/session"
)

// Dial connects to an endpoint and logs in. The caller closes the session. Every
// error is a *session.Error; NotSupported is the one for a protocol that this
// version does not speak.
func Dial(ctx context.Context, endpoint session.Endpoint, settings session.Settings) (session.Session, error) {
	switch endpoint.Protocol {
	case session.FTP:
		s, err := ftpconn.Dial(ctx, endpoint, settings)
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
		Hint:  "SETPROTOCOL(FTP) speaks FTP, which protects nothing on its way",
		Err:   fmt.Errorf("this version speaks FTP only, not %s", nameOf(endpoint.Protocol)),
	}
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
