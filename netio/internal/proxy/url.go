package proxy

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// Proxy is what a URL names. It is not changed after Parse and safe for concurrent
// use.
type Proxy struct {
	scheme   string // http, https or socks5
	host     string // without brackets
	port     int
	login    bool
	user     string
	password string
	roots    *x509.CertPool // whom an https proxy must be signed by; nil is the system's
}

// schemes are the schemes of proxies with the port that stands for none. Names are
// resolved by the proxy in any case, which is what some call socks5h.
func schemes() map[string]int {
	return map[string]int{"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
}

// Parse reads scheme://[user[:password]@]host[:port]. Percent signs escape bytes
// in user and password. The error is a *session.Error of BadArgument and shows
// nothing of the login.
func Parse(text string) (*Proxy, error) {
	p, err := parse(text)
	if err != nil {
		e := fault(session.BadArgument, err)
		e.Op = "reading the URL of a proxy"
		e.Hint = "as in http://proxy.example:3128, https://user:password@proxy.example:443 or socks5://proxy.example:1080"
		return nil, e
	}
	return p, nil
}

func parse(text string) (*Proxy, error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return nil, errors.New("it has no scheme: http, https or socks5 and ://")
	}
	scheme = strings.ToLower(scheme)
	port, known := schemes()[scheme]
	if !known {
		return nil, errors.New("its scheme is none of http, https and socks5")
	}
	p := &Proxy{scheme: strings.TrimSuffix(scheme, "h"), port: port}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, password, _ := strings.Cut(rest[:at], ":")
		rest, p.login = rest[at+1:], true
		var err error
		if p.user, err = unescape(user); err != nil {
			return nil, fmt.Errorf("the user %w", err)
		}
		if p.password, err = unescape(password); err != nil {
			return nil, fmt.Errorf("the password %w", err)
		}
		if err := p.checkLogin(); err != nil {
			return nil, err
		}
	}
	return p, p.readAuthority(strings.TrimSuffix(rest, "/"))
}

// checkLogin refuses a login that the protocol has no way to write.
func (p *Proxy) checkLogin() error {
	const most = 255 // RFC 1929 writes the length in one byte
	switch {
	case p.scheme != "socks5" && strings.Contains(p.user, ":"):
		return errors.New("the user holds a colon, which Basic authentication cannot have")
	case p.scheme == "socks5" && (len(p.user) > most || len(p.password) > most):
		return fmt.Errorf("user and password of SOCKS5 have at most %d bytes", most)
	case p.scheme == "socks5" && p.user == "":
		return errors.New("it has a password and no user")
	}
	return nil
}

func unescape(part string) (string, error) {
	plain, err := url.PathUnescape(part)
	if err != nil {
		return "", errors.New("holds a percent sign that is not followed by two hexadecimal digits")
	}
	if strings.ContainsAny(plain, "\r\n\x00") {
		return "", errors.New("holds a line end or NUL")
	}
	return plain, nil
}

// readAuthority reads host, host:port, [v6] and [v6]:port.
func (p *Proxy) readAuthority(text string) error {
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		p.host = strings.TrimSuffix(inner, "]")
	} else if strings.Contains(text, ":") {
		host, port, err := net.SplitHostPort(text)
		if err != nil {
			return errors.New("an IPv6 address needs brackets, and a port one colon")
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return errors.New("its port is not a number from 1 to 65535")
		}
		p.host, p.port = host, int(n)
	} else {
		p.host = text
	}
	if strings.HasPrefix(text, "[") || strings.Contains(p.host, ":") {
		if address, err := netip.ParseAddr(p.host); err != nil || !address.Is6() {
			return errors.New("what stands in brackets is no IPv6 address")
		}
	}
	switch {
	case p.host == "":
		return errors.New("it names no host")
	case strings.ContainsAny(p.host, "/?#"):
		return errors.New("nothing can stand behind the host and its port")
	case !isHost(p.host):
		return errors.New("its host holds a character that no host's name has")
	}
	return nil
}

// isHost refuses what could end a line of a request or be taken for another part
// of it.
func isHost(host string) bool {
	for i := 0; i < len(host); i++ {
		if c := host[i]; c <= ' ' || c == 0x7f || strings.IndexByte(`/\@?#"<>`, c) >= 0 {
			return false
		}
	}
	return host != "" && len(host) <= 255
}

// Host is the proxy's name or address, without brackets, and its port.
func (p *Proxy) Host() (host string, port int) { return p.host, p.port }

// Address is the proxy's host:port, for dialling and for messages.
func (p *Proxy) Address() string { return net.JoinHostPort(p.host, strconv.Itoa(p.port)) }
