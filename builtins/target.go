package builtins

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// target is what OPENHOST was asked to connect to.
type target struct {
	protocol string // the constant of SETPROTOCOL that a URL's scheme means; "" without a scheme
	host     string // name or address, IPv6 without brackets
	port     int    // 0: not said
	user     string
	hasUser  bool
	password string
	dir      string // to change to after the login; "" is none
}

// parseTarget reads host, name:port, an address, [v6]:port, or a URL. It looks
// nothing up.
func parseTarget(written string) (target, error) {
	if scheme, rest, found := strings.Cut(written, "://"); found {
		return parseURL(written, strings.ToLower(scheme), rest)
	}
	return parseAuthority(written, hideURL(written))
}

// SplitHost reads what OPENHOST takes as a host and returns its name or address, IPv6
// without brackets, and its port, 0 if it has none. Nothing is looked up. The error
// is a *session.Error.
func SplitHost(written string) (host string, port int, err error) {
	t, err := parseTarget(written)
	return t.host, t.port, err
}

// schemes are the URL schemes and the protocols that they name.
func schemes() map[string]string {
	return map[string]string{"ftp": "FTP", "ftps": "FTPS_IMPLICIT", "ftpes": "FTPS_EXPLICIT", "sftp": "SFTP"}
}

func parseURL(written, scheme, rest string) (target, error) {
	protocol, known := schemes()[scheme]
	if !known {
		return target{}, badArgument(fmt.Sprintf("the host is a URL of the scheme %s; ftp:// is understood", quoted(scheme)))
	}
	authority, path, hasPath := strings.Cut(rest, "/")
	userInfo := ""
	at := strings.LastIndexByte(authority, '@')
	if at >= 0 {
		userInfo, authority = authority[:at], authority[at+1:]
	}
	t, err := parseAuthority(authority, hideURL(written))
	if err != nil {
		return target{}, err
	}
	t.protocol = protocol
	if at >= 0 {
		user, password, _ := strings.Cut(userInfo, ":")
		t.hasUser = true
		if t.user, err = unescape(user, "user"); err != nil {
			return target{}, err
		}
		if t.password, err = unescape(password, "password"); err != nil {
			return target{}, err
		}
	}
	if hasPath {
		// As RFC 1738 has it the path begins in the directory of the login; a
		// second slash, or %2F, makes it begin at the root.
		if t.dir, err = unescape(path, "directory"); err != nil {
			return target{}, err
		}
	}
	return t, nil
}

func hideURL(written string) string {
	shown, _ := hideUserInfo(written)
	return shown
}

// unescape resolves %XX in a part of a URL. The message must not show the part:
// it may be a password.
func unescape(part, what string) (string, error) {
	plain, err := url.PathUnescape(part)
	if err != nil {
		return "", badArgument(fmt.Sprintf("the %s in the URL holds a percent sign that is not followed by two hexadecimal digits", what))
	}
	if strings.ContainsAny(plain, "\r\n\x00") {
		return "", badArgument(fmt.Sprintf("the %s in the URL holds a line end or NUL", what))
	}
	return plain, nil
}

// parseAuthority reads host and port; shown is the whole for messages.
func parseAuthority(text, shown string) (target, error) {
	fail := func(why string) (target, error) {
		return target{}, badArgument(fmt.Sprintf("the host %s %s", quoted(shown), why))
	}
	var t target
	port := ""
	switch {
	case strings.HasPrefix(text, "["):
		host, rest, closed := strings.Cut(text[1:], "]")
		address, err := netip.ParseAddr(host)
		if !closed || err != nil || !address.Is6() || rest != "" && rest[0] != ':' {
			return fail("must be an IPv6 address in brackets, with :port behind them or nothing")
		}
		t.host = host
		if rest != "" {
			port = rest[1:]
			if port == "" {
				return fail("has a colon without a port behind it")
			}
		}
	case strings.Count(text, ":") > 1:
		if _, err := netip.ParseAddr(text); err != nil {
			return fail("has more than one colon and is no IPv6 address; with a port, an IPv6 address needs brackets")
		}
		t.host = text
	default:
		var found bool
		t.host, port, found = strings.Cut(text, ":")
		if found && port == "" {
			return fail("has a colon without a port behind it")
		}
	}
	if t.host == "" {
		return fail("names no host")
	}
	if strings.ContainsAny(t.host, " \t/\\@?#\u00a0") {
		return fail("holds a character that no host's name has")
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return fail("has a port that is not a number from 1 to 65535")
		}
		t.port = int(n)
	}
	return t, nil
}

// EndpointOf reads a host as OPENHOST does, for those who connect without a script.
// protocol is a constant of SETPROTOCOL and holds where a URL names none; port 0 is
// the protocol's own; hostMap is as in Options. A user and a password are those of the
// URL. The error is a *session.Error of BadArgument.
func EndpointOf(written, protocol string, port int, hostMap map[string]string) (session.Endpoint, error) {
	t, err := parseTarget(written)
	if err != nil {
		return session.Endpoint{}, err
	}
	if t.protocol != "" {
		protocol = t.protocol
	}
	spoken, known := protocolNames()[protocol]
	if !known {
		return session.Endpoint{}, badArgument(fmt.Sprintf("%s is no protocol", quoted(protocol)))
	}
	switch {
	case t.port != 0:
		port = t.port
	case port == 0:
		port = defaultPort(spoken)
	}
	address, _, err := mapHost(hostMap, t.host, port)
	return session.Endpoint{Protocol: spoken, Host: t.host, Address: address, User: t.user, Password: t.password}, err
}

// defaultPort is the protocol's own.
func defaultPort(p session.Protocol) int {
	switch p {
	case session.FTPSImplicit:
		return 990
	case session.SFTP:
		return 22
	}
	return 21
}

// allows reports whether the list of Options.Hosts has the host: "name:port",
// "name" (any port) or "*".
func allows(hosts []string, host string, port int) bool {
	for _, entry := range hosts {
		if entry == "*" || sameHost(entry, host, port) {
			return true
		}
	}
	return false
}

// sameHost compares an entry of Options.Hosts or Options.HostMap, with or
// without a port, with a host. Names are compared without case and without the
// dot that ends a full name, addresses by value.
func sameHost(entry, host string, port int) bool {
	t, err := parseAuthority(entry, entry)
	if err != nil {
		return false
	}
	return (t.port == 0 || t.port == port) && canonicalHost(t.host) == canonicalHost(host)
}

func canonicalHost(host string) string {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// mapHost applies Options.HostMap: the address to connect to for a host, and
// whether an entry named it. An entry with a port wins over one without.
func mapHost(table map[string]string, host string, port int) (address string, mapped bool, err error) {
	found, withPort := "", false
	for _, entry := range slices.Sorted(maps.Keys(table)) {
		if !sameHost(entry, host, port) {
			continue
		}
		t, _ := parseAuthority(entry, entry) // sameHost has read it already
		if found == "" || t.port != 0 && !withPort {
			found, withPort = table[entry], t.port != 0
		}
	}
	if found == "" {
		return net.JoinHostPort(host, strconv.Itoa(port)), false, nil
	}
	to, err := parseAuthority(found, found)
	if err != nil {
		return "", true, err
	}
	if to.port == 0 {
		to.port = port
	}
	return net.JoinHostPort(to.host, strconv.Itoa(to.port)), true, nil
}
