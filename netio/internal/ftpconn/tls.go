package ftpconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/internal/trust"
	"github.com/sftpc/sftpc/netio/session"
)

// protection is what a session under TLS has; a session in the clear has none.
type protection struct {
	config   *tls.Config // of both kinds of connections, but for the cache
	tickets  *tickets
	implicit bool
	data     bool // data connections are encrypted (PROT P)
	lenient  bool // the server took a data connection that resumed nothing
	// wants is what the server was seen to want of data connections.
	wants session.Resumption
}

// newProtection makes the configuration for an endpoint of FTPS, nil for plain FTP.
func newProtection(endpoint session.Endpoint) (*protection, *session.Error) {
	if endpoint.Protocol != session.FTPSExplicit && endpoint.Protocol != session.FTPSImplicit {
		return nil, nil
	}
	certificates, err := trust.NewCertificates(endpoint)
	if err != nil {
		return nil, asFault(err)
	}
	host := endpoint.Host
	if host == "" {
		host, _, _ = net.SplitHostPort(endpoint.Address)
	}
	config := &tls.Config{
		// Always set: without a name crypto/tls resumes nothing, for the port of each
		// data connection is another one.
		ServerName: trust.ServerName(host),
		// crypto/tls does not judge the certificate; Verify does, on every connection,
		// resumed ones too.
		InsecureSkipVerify:          true,
		VerifyConnection:            certificates.Verify,
		MinVersion:                  tls.VersionTLS12,
		MaxVersion:                  endpoint.Protect.MostTLS,
		DynamicRecordSizingDisabled: true, // files are long
	}
	if endpoint.LegacyAlgorithms {
		config.MinVersion = tls.VersionTLS10
		config.Renegotiation = tls.RenegotiateFreelyAsClient // servers before 1.3, to be looked at by Verify again
		for _, suites := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
			for _, suite := range suites {
				config.CipherSuites = append(config.CipherSuites, suite.ID)
			}
		}
	}
	if endpoint.Protect.LeastTLS != 0 {
		config.MinVersion = endpoint.Protect.LeastTLS
	}
	if login := endpoint.Login; login.Certificate != nil {
		certificate, err := tls.X509KeyPair(login.Certificate, login.CertificateKey)
		if err != nil {
			return nil, fault(session.KeyUnusable, fmt.Errorf("the client certificate: %w", err))
		}
		// Whatever authorities the server asks for: the script named this one.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	}
	return &protection{
		config: config, tickets: new(tickets),
		implicit: endpoint.Protocol == session.FTPSImplicit,
		data:     !endpoint.Protect.ClearData,
	}, nil
}

// over makes a TLS connection on conn, whose handshake is still to come.
func (p *protection) over(conn net.Conn, cache tls.ClientSessionCache) *tls.Conn {
	config := p.config.Clone()
	config.ClientSessionCache = cache
	return tls.Client(conn, config)
}

// secure runs the handshake of the control connection and returns it.
func (s *Session) secure(conn net.Conn) (net.Conn, *session.Error) {
	heard := &overhearing{Conn: conn}
	secured := s.protection.over(heard, s.protection.tickets.ofControl())
	if err := secured.Handshake(); err != nil {
		return nil, ofTLS(err, heard)
	}
	state := secured.ConnectionState()
	s.note(fmt.Sprintf("%s with %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)))
	s.heard = heard
	return secured, nil
}

// negotiate asks a server that greeted in the clear for TLS: AUTH TLS, or AUTH SSL
// of old servers, which is the same.
func (s *Session) negotiate(conn net.Conn, reader *replyReader) (net.Conn, *session.Error) {
	var reply session.Reply
	for _, line := range []string{"AUTH TLS", "AUTH SSL"} {
		s.observe(session.Wire{Kind: session.WireCommand, Text: line})
		if _, err := conn.Write([]byte(line + "\r\n")); err != nil {
			return nil, s.opened(err, "no answer to "+line)
		}
		var err error
		if reply, err = reader.next(); err != nil {
			return nil, s.opened(err, "no answer to "+line)
		}
		if !negative(reply.Code) {
			break
		}
	}
	if reply.Code != 234 && reply.Code != 334 {
		e := fault(session.TLSFailed, errors.New("the server does not offer TLS"))
		e.Reply = reply
		e.Hint = "the password was not sent; some servers speak TLS from the first byte on a port of its own, often 990: SETPROTOCOL(FTPS_IMPLICIT)"
		return nil, e
	}
	// What follows the reply in the clear was put there by somebody in between, to
	// be taken for the server's word under TLS.
	if n := reader.lines.Buffered(); n > 0 {
		return nil, fault(session.TLSFailed, fmt.Errorf("%d bytes in the clear follow the server's answer to AUTH, as nobody honest sends them", n))
	}
	return s.secure(conn)
}

// protect says how data connections are protected. A server that will not encrypt
// them is refused; only one of implicit TLS may know no PROT, for its data
// connections are encrypted without a word.
func (s *Session) protect() *session.Error {
	if s.protection == nil {
		return nil
	}
	level := "PROT C"
	if s.protection.data {
		level = "PROT P"
	}
	if _, e := s.exchange("PBSZ 0"); e != nil { // PROT says what is needed
		return e
	}
	reply, e := s.exchange(level)
	switch {
	case e != nil:
		return e
	case completed(reply.Code):
		return nil
	case s.protection.implicit && s.protection.data && knowsNot(reply.Code):
		s.note("the server knows no PROT; under implicit TLS data is encrypted without")
		return nil
	}
	e = fault(session.TLSFailed, errors.New("the server does not encrypt data connections"))
	e.Hint = "nothing is sent in the clear unless the script says SETPROTECTION(CLEAR)"
	if !s.protection.data {
		e.Err = errors.New("the server does not leave data connections in the clear")
		e.Hint = "SETPROTECTION(PRIVATE) encrypts them"
	}
	e.Reply = reply
	return e
}

func knowsNot(code int) bool { return code == 500 || code == 502 || code == 503 || code == 504 }

// opened is the error for a connection that broke before the login began.
func (s *Session) opened(err error, silence string) *session.Error {
	var broken *protocolError
	switch {
	case cause.IsTimeout(err), errors.Is(err, context.Canceled):
		return fault(session.ConnectTimeout, errTimeout(silence, s.settings.Timeouts.Connect))
	case errors.As(err, &broken):
		return fault(session.ProtocolError, err)
	}
	if e := brokenTLS(err, s.heard); e != nil {
		return e
	}
	return fault(session.ConnectionLost, errors.New("the server closed the connection before its greeting"))
}

// overhearing remembers the newest bytes of a connection under TLS, so that a
// server which suddenly speaks in the clear can be quoted. Only the goroutine that
// reads the connection uses what it remembers.
type overhearing struct {
	net.Conn
	newest [clearText]byte
	length int
	ended  bool // the socket said so, and not TLS
}

// clearText is how much of what was said in the clear is quoted.
const clearText = 120

func (o *overhearing) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	if n > 0 {
		o.length = copy(o.newest[:], p[:n])
	}
	if err == io.EOF {
		o.ended = true
	}
	return n, err
}

// CloseWrite ends our direction where the connection can.
func (o *overhearing) CloseWrite() error { return closeWrite(o.Conn) }

func closeWrite(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// ofTLS is the error for a handshake that failed.
func ofTLS(err error, heard *overhearing) *session.Error {
	if e := brokenTLS(err, heard); e != nil {
		return e
	}
	e := fault(session.TLSFailed, fmt.Errorf("the TLS handshake failed: %w", err))
	if cause.IsTimeout(err) {
		e.Err = errors.New("the TLS handshake was not finished in time")
	}
	if cause.IsTimeout(err) || isBroken(err) {
		e.Class = session.ClassTransient
	}
	return e
}

// brokenTLS is the error for what TLS itself has to say, nil for all other errors.
func brokenTLS(err error, heard *overhearing) *session.Error {
	var known *session.Error // the certificate was refused
	var header tls.RecordHeaderError
	var network *net.OpError
	switch {
	case errors.As(err, &known):
		copied := *known
		return &copied
	case errors.As(err, &header):
		return ofHeader(header, heard)
	case errors.As(err, &network) && network.Op == "remote error":
		e := fault(session.TLSFailed, fmt.Errorf("the server refused: %s", strings.TrimPrefix(network.Err.Error(), "tls: ")))
		e.Hint = hintForAlert(network.Err.Error())
		return e
	case strings.HasPrefix(err.Error(), "tls: "), strings.HasPrefix(err.Error(), "local error: tls: "):
		e := fault(session.TLSFailed, err)
		e.Hint = hintForAlert(err.Error())
		return e
	}
	return nil
}

// ofHeader is the error for bytes that are no TLS. Where they are text, that is
// mostly the server's reason, and it is quoted.
func ofHeader(err tls.RecordHeaderError, heard *overhearing) *session.Error {
	text := string(err.RecordHeader[:])
	if heard != nil && strings.Contains(string(heard.newest[:heard.length]), text) {
		_, rest, _ := strings.Cut(string(heard.newest[:heard.length]), text)
		line, _, _ := strings.Cut(text+rest, "\n")
		text = strings.TrimRight(line, "\r")
	}
	if !isText(err.RecordHeader[:]) {
		return fault(session.TLSFailed, errors.New("the server sends what is no TLS: "+strings.TrimPrefix(err.Error(), "tls: ")))
	}
	e := fault(session.TLSFailed, fmt.Errorf("the server speaks in the clear where TLS is spoken: %q", clip(text)))
	if strings.HasPrefix(text, "500 OOPS") {
		// vsftpd's last words, in the clear wherever it is: the handshake of a data
		// connection that is cut is enough for it.
		e.Class = session.ClassTransient
	}
	if strings.HasPrefix(text, "220") {
		e.Hint = "this server begins in the clear: SETPROTOCOL(FTPS_EXPLICIT) asks it for TLS"
	}
	return e
}

func isText(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// hintForAlert says what to do about the reasons that TLS gives.
func hintForAlert(text string) string {
	switch {
	case contains(text, "protocol version", "unsupported versions", "handshake failure", "no cipher suite", "insufficient security", "illegal parameter"):
		return "an old server may need SETALGORITHMS(LEGACY), which is not safe"
	case contains(text, "certificate required", "bad certificate", "unknown certificate", "certificate unknown", "unknown certificate authority", "access denied", "unsupported certificate"):
		return "the server wants another certificate of ours: SETCLIENTCERT(cert, key)"
	}
	return ""
}
