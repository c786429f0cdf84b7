package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/sftpc/sftpc/netio/session"
)

// The bytes of RFC 1928 and RFC 1929.
const (
	socksVersion   = 5
	loginVersion   = 1
	methodNone     = 0x00
	methodLogin    = 0x02
	methodNoneFits = 0xff
	commandConnect = 1
	addressIPv4    = 1
	addressName    = 3
	addressIPv6    = 4
)

// askSOCKS asks a SOCKS5 proxy for the server. It reads exactly the proxy's bytes,
// so that the server's remain in the connection.
func (p *Proxy) askSOCKS(conn io.ReadWriter, to target) error {
	methods := []byte{methodNone}
	if p.login {
		methods = append(methods, methodLogin)
	}
	if _, err := conn.Write(append([]byte{socksVersion, byte(len(methods))}, methods...)); err != nil {
		return err
	}
	method, err := readMethod(conn)
	if err != nil {
		return err
	}
	switch {
	case method == methodNone:
	case method == methodLogin && p.login:
		if err := p.logIn(conn); err != nil {
			return err
		}
	case method == methodNoneFits:
		r := refused(session.ProxyFailed, session.ClassAuth, "accepts none of the ways to log in that it was offered")
		r.hint = "the URL names the login: socks5://user:password@host:port"
		if p.login {
			r.hint = "it takes no user and password; only these and no login at all are spoken here"
		}
		return r
	default:
		return nonsense("chose a way to log in, %d, that it was not offered", method)
	}
	if _, err := conn.Write(connectRequest(to)); err != nil {
		return err
	}
	return readSOCKSReply(conn, to)
}

// readMethod reads which of the offered ways to log in the proxy chose.
func readMethod(r io.Reader) (byte, error) {
	var reply [2]byte
	if _, err := io.ReadFull(r, reply[:]); err != nil {
		return 0, err
	}
	if reply[0] != socksVersion {
		return 0, notSOCKS(reply[:])
	}
	return reply[1], nil
}

func notSOCKS(begin []byte) *refusal {
	r := nonsense("does not speak SOCKS5: its first bytes are %q", begin)
	if begin[0] == 'H' {
		r.hint = "it may be an HTTP proxy: the URL has to begin with http://"
	}
	return r
}

// logIn is the exchange of RFC 1929. The version of its reply is not looked at:
// there are proxies that write 5.
func (p *Proxy) logIn(conn io.ReadWriter) error {
	request := []byte{loginVersion, byte(len(p.user))}
	request = append(request, p.user...)
	request = append(request, byte(len(p.password)))
	request = append(request, p.password...)
	if _, err := conn.Write(request); err != nil {
		return err
	}
	var reply [2]byte
	if _, err := io.ReadFull(conn, reply[:]); err != nil {
		if errors.Is(err, io.EOF) { // allowed by the RFC instead of a word
			return refused(session.ProxyFailed, session.ClassAuth, "closed the connection upon the login")
		}
		return err
	}
	if reply[1] != 0 {
		return refused(session.ProxyFailed, session.ClassAuth, "does not take this login")
	}
	return nil
}

// connectRequest asks for the server: by its name, which the proxy resolves, or by
// its address.
func connectRequest(to target) []byte {
	request := []byte{socksVersion, commandConnect, 0}
	if address, err := netip.ParseAddr(to.host); err != nil {
		request = append(request, addressName, byte(len(to.host)))
		request = append(request, to.host...)
	} else if address = address.Unmap(); address.Is4() {
		request = append(append(request, addressIPv4), address.AsSlice()...)
	} else {
		request = append(append(request, addressIPv6), address.AsSlice()...)
	}
	return append(request, byte(to.port>>8), byte(to.port))
}

// readSOCKSReply reads the reply to a request, whose address says nothing that is
// needed here. A refusal may be cut short behind its code.
func readSOCKSReply(r io.Reader, to target) error {
	var head [4]byte
	if n, err := io.ReadFull(r, head[:]); err != nil && n < 2 {
		return err
	} else if head[0] != socksVersion {
		return notSOCKS(head[:n])
	} else if head[1] != 0 {
		return socksRefusal(head[1], to)
	} else if err != nil {
		return err
	}
	length := 0
	switch head[3] {
	case addressIPv4:
		length = 4
	case addressIPv6:
		length = 16
	case addressName:
		var n [1]byte
		if _, err := io.ReadFull(r, n[:]); err != nil {
			return err
		}
		length = int(n[0])
	default:
		return nonsense("sent an address of the kind %d, which SOCKS5 does not have", head[3])
	}
	_, err := io.ReadFull(r, make([]byte, length+2))
	return err
}

// socksRefusal says what a code of RFC 1928, 6, means. Many proxies say 4 for names
// that they cannot resolve as well as for hosts that no way leads to, and 1 for
// anything, so neither is taken for the certain end of the matter.
func socksRefusal(code byte, to target) *refusal {
	rows := map[byte]struct {
		cause session.Cause
		class session.Class
		text  string
	}{
		1: {session.ProxyFailed, session.ClassTransient, "general failure"},
		2: {session.ProxyFailed, session.ClassPermanent, "its rules do not allow it"},
		3: {session.ConnectionRefused, session.ClassTransient, "no way leads to that network"},
		4: {session.ConnectionRefused, session.ClassTransient, "no way leads to that host, or its name is not known there"},
		5: {session.ConnectionRefused, session.ClassTransient, "that host refused the connection"},
		6: {session.ConnectTimeout, session.ClassTransient, "that host did not answer in time"},
		7: {session.ProxyFailed, session.ClassPermanent, "it makes no connections for others"},
		8: {session.ProxyFailed, session.ClassPermanent, "it does not know this kind of address"},
	}
	row, known := rows[code]
	if !known {
		return refused(session.ProxyFailed, session.ClassPermanent, fmt.Sprintf("refused a connection to %s with SOCKS code %d, which has no meaning", to, code))
	}
	r := refused(row.cause, row.class, fmt.Sprintf("refused a connection to %s: %s (SOCKS code %d)", to, row.text, code))
	if code == 2 {
		r.hint = fmt.Sprintf("whoever runs the proxy can allow port %d of that host", to.port)
	}
	return r
}
