package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// TLS says how a server protects its connections (RFC 4217).
type TLS struct {
	// Implicit speaks TLS from the first byte on; otherwise clients ask for it with
	// AUTH TLS.
	Implicit bool
	// Required refuses logins in the clear and PROT C.
	Required bool
	// Certificate is the server's; nil has New make one, for Names, signed by an
	// authority made for it (Server.Authority).
	Certificate *tls.Certificate
	// Names are the hosts and addresses that a made certificate is for; none is
	// localhost and the loopback addresses.
	Names []string
	// Least and Most bound the versions, as in crypto/tls; zero is 1.2 and the newest.
	Least, Most uint16
	// Reuse says which data connections are taken.
	Reuse ReusePolicy
	// RefusedReuse is the reply to those that are not (default "425 TLS session of
	// data connection not resumed").
	RefusedReuse string
	// DataCertificate is shown on data connections instead, which then resume nothing:
	// somebody else's server at the data port. nil is Certificate.
	DataCertificate *tls.Certificate
	// ClientAuthorities, in PEM, sign the certificates of clients; nil asks for none.
	// ClientRequired refuses clients without one.
	ClientAuthorities []byte
	ClientRequired    bool
}

// ReusePolicy says which TLS session a data connection must resume, as the proof
// that it comes from the client that is logged in.
type ReusePolicy uint8

const (
	ReuseFree    ReusePolicy = iota // none
	ReuseSession                    // one of this control connection or of its data connections
	ReuseControl                    // the control connection's own
	ReuseNever                      // every data connection is refused
)

// security is what New makes of a TLS.
type security struct {
	options   TLS
	config    *tls.Config
	authority []byte // nil where the certificate was given
}

func newSecurity(options *TLS) (*security, error) {
	if options == nil {
		return nil, nil
	}
	s := &security{options: *options}
	if s.options.Certificate == nil {
		authority, err := NewAuthority(time.Now())
		if err != nil {
			return nil, fmt.Errorf("ftp server: %w", err)
		}
		s.authority = authority.PEM()
		if s.options.Certificate, err = authority.Issue(Certificate{Names: options.Names}); err != nil {
			return nil, fmt.Errorf("ftp server: %w", err)
		}
	}
	s.config = &tls.Config{
		Certificates: []tls.Certificate{*s.options.Certificate},
		MinVersion:   max(options.Least, tls.VersionTLS10),
		MaxVersion:   options.Most,
	}
	if options.Least == 0 {
		s.config.MinVersion = tls.VersionTLS12
	}
	if options.ClientAuthorities != nil {
		s.config.ClientCAs = x509.NewCertPool()
		if !s.config.ClientCAs.AppendCertsFromPEM(options.ClientAuthorities) {
			return nil, errors.New("ftp server: the authorities of clients hold no certificate in PEM")
		}
		s.config.ClientAuth = tls.VerifyClientCertIfGiven
	}
	if options.ClientRequired {
		s.config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return s, nil
}

// Authority is the certificate of the authority made by New, in PEM; nil where
// there is no TLS or the certificate was given.
func (s *Server) Authority() []byte {
	if s.security == nil {
		return nil
	}
	return s.security.authority
}

// Pin is the server's certificate as SETCERTIFICATE takes it; "" without TLS.
func (s *Server) Pin() string {
	if s.security == nil {
		return ""
	}
	return Pin(s.security.options.Certificate)
}

// Whose ticket it is stands in the ticket.
const (
	ofControl = "control"
	ofData    = "data"
)

// ticketed is the configuration of one session's connections: its keys are its
// own, so that no ticket of another session resumes anything here.
func (s *security) ticketed(kind string, key [32]byte) *tls.Config {
	config := s.config.Clone()
	config.SetSessionTicketKeys([][32]byte{key})
	config.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, []byte(kind))
		return config.EncryptTicket(state, session)
	}
	config.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := config.DecryptTicket(ticket, state)
		if err != nil || session == nil || s.options.Reuse != ReuseControl {
			return session, err
		}
		for _, extra := range session.Extra {
			if string(extra) == ofData {
				return nil, nil
			}
		}
		return session, nil
	}
	return config
}

// secure makes the control connection private. It is called when nobody reads
// the connection.
func (s *session) secure() error {
	rand.Read(s.ticketKey[:]) // never fails
	secured := tls.Server(s.raw, s.server.security.ticketed(ofControl, s.ticketKey))
	s.raw.SetDeadline(time.Now().Add(s.options.DataTimeout))
	err := secured.HandshakeContext(s.ctx)
	s.raw.SetDeadline(time.Time{})
	if err != nil {
		s.log("- no TLS: " + err.Error())
		return err
	}
	s.conn, s.secured = secured, true
	s.private = s.server.security.options.Implicit
	state := secured.ConnectionState()
	s.log("- " + tls.VersionName(state.Version))
	return nil
}

func (s *session) auth(c *command) {
	security := s.server.security
	switch word := strings.ToUpper(c.argument); {
	case security == nil:
		s.reply(c, 502, "This server has no TLS")
	case word == "":
		s.reply(c, 501, "AUTH needs an argument")
	case s.secured:
		s.reply(c, 503, "This connection is private already")
	case word != "TLS" && word != "TLS-C" && word != "SSL" && word != "TLS-P":
		s.reply(c, 504, "Only TLS is implemented")
	default:
		s.reply(c, 234, "Begin the handshake")
		if s.secure() != nil {
			s.ended = true
			return
		}
		s.dropData()
		s.user, s.loggedIn = "", false
	}
}

func (s *session) pbsz(c *command) {
	if !s.secured {
		s.reply(c, 503, "Send AUTH first")
		return
	}
	s.reply(c, 200, "PBSZ=0")
}

func (s *session) prot(c *command) {
	switch level := strings.ToUpper(c.argument); {
	case !s.secured:
		s.reply(c, 503, "Send AUTH first")
	case level == "P":
		s.private = true
		s.reply(c, 200, "Data connections are private")
	case level == "C" && s.server.security.options.Required:
		s.reply(c, 534, "Data connections must be private")
	case level == "C":
		s.private = false
		s.reply(c, 200, "Data connections are in the clear")
	case level == "S" || level == "E":
		s.reply(c, 536, "Levels are P and C")
	default:
		s.reply(c, 504, "No such level")
	}
}

// needsTLS refuses a login in the clear where TLS is required.
func (s *session) needsTLS(c *command) bool {
	needs := s.server.security != nil && s.server.security.options.Required && !s.secured
	if needs {
		s.reply(c, 530, "Send AUTH TLS first")
	}
	return needs
}

// errNotReused is a data connection that proves nothing.
var errNotReused = errors.New("no session of this control connection was resumed")

// secureData makes a data connection private.
func (s *session) secureData(ctx context.Context, conn net.Conn) (net.Conn, error) {
	security := s.server.security
	config := security.ticketed(ofData, s.ticketKey)
	if other := security.options.DataCertificate; other != nil {
		config.Certificates, config.SessionTicketsDisabled = []tls.Certificate{*other}, true
	}
	secured := tls.Server(conn, config)
	conn.SetDeadline(time.Now().Add(s.options.DataTimeout))
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	resumed := secured.ConnectionState().DidResume
	s.log(fmt.Sprintf("- data %s resumed=%v", tls.VersionName(secured.ConnectionState().Version), resumed))
	if reuse := security.options.Reuse; reuse == ReuseNever || reuse != ReuseFree && !resumed {
		return nil, errNotReused
	}
	return secured, nil
}

// belowTLS is the socket of a connection.
func belowTLS(conn net.Conn) net.Conn {
	if secured, ok := conn.(*tls.Conn); ok {
		return secured.NetConn()
	}
	return conn
}
