package ftpconn

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/jlaffaye/ftp"

	"github.com/sftpc/sftpc/netio/internal/cause"
	"github.com/sftpc/sftpc/netio/session"
)

// Dial connects to the endpoint and logs in. An empty user is anonymous.
func Dial(ctx context.Context, endpoint session.Endpoint, settings session.Settings) (*Session, error) {
	settings.Timeouts = settings.Timeouts.WithDefaults()
	settings.Limits = settings.Limits.WithDefaults()
	settings.Features = maps.Clone(settings.Features)
	settings.Observe = inOrder(settings.Observe)
	s := &Session{
		host:      hostForMessages(endpoint),
		namesFor:  namesFor(endpoint),
		proxied:   endpoint.Proxy != "",
		settings:  settings,
		keepAlive: keepAliveEvery,
		quiet:     quietForLong,
		undecoded: endpoint.Encoding == "",
		features:  map[string]string{},
		unknown:   map[string]bool{},
	}
	s.shim = &shim{s: s}
	var e *session.Error
	if s.protection, e = newProtection(endpoint); e == nil {
		e = s.connect(ctx, endpoint)
	}
	if e != nil {
		e.Op, e.Host, e.Name = "connecting to "+s.host, s.host, endpoint.Host
		return nil, e
	}
	s.recall()
	if e := s.login(ctx, endpoint); e != nil {
		e.Op, e.Host, e.Name = "logging in to "+s.host, s.host, endpoint.Host
		s.control.close()
		return nil, e
	}
	return s, nil
}

// namesFor is the system, as runtime.GOOS, on which the names of listings must be
// safe; "" is this one. Whoever decodes names checks them for it: the second byte of
// a Japanese letter may look like a separator of Windows.
func namesFor(endpoint session.Endpoint) string {
	if endpoint.Encoding != "" {
		return "linux"
	}
	return ""
}

// inOrder lets one goroutine at a time tell what happened.
func inOrder(observe func(session.Wire)) func(session.Wire) {
	if observe == nil {
		return nil
	}
	var order sync.Mutex
	return func(w session.Wire) {
		order.Lock()
		defer order.Unlock()
		observe(w)
	}
}

// hostForMessages is the name that the script wrote with the port connected to.
func hostForMessages(endpoint session.Endpoint) string {
	_, port, err := net.SplitHostPort(endpoint.Address)
	if endpoint.Host == "" || err != nil {
		return endpoint.Address
	}
	return net.JoinHostPort(endpoint.Host, port)
}

// connect makes the control connection and reads the greeting, all within the
// connect time-out.
func (s *Session) connect(ctx context.Context, endpoint session.Endpoint) *session.Error {
	within := s.settings.Timeouts.Connect
	limited, stop := context.WithTimeout(ctx, within)
	defer stop()
	conn, err := dialWith(limited, s.settings, endpoint.Address)
	if err != nil {
		if ctx.Err() != nil {
			return cancelled(ctx)
		}
		return cause.OfDial(err, within)
	}
	s.local, s.peer = addressOf(conn.LocalAddr()), addressOf(conn.RemoteAddr())
	s.dialHost, _, _ = net.SplitHostPort(endpoint.Address)
	if s.peer.IsValid() && s.settings.Dial == nil {
		// The name may have several addresses; data must go to the one in use.
		s.dialHost = s.peer.String()
	}

	release := context.AfterFunc(limited, func() { conn.SetDeadline(longAgo) })
	e := s.open(conn)
	if !release() {
		if e == nil {
			s.control.close()
			e = fault(session.ConnectTimeout, errTimeout("no connection", within))
		}
		if ctx.Err() != nil {
			e = cancelled(ctx)
		}
	}
	if e != nil {
		conn.Close()
	}
	return e
}

// open reads the greeting and makes the connection as private as it is to be:
// before the greeting or, asked for, behind it. The deadlines of conn are the
// caller's, who closes it after an error.
func (s *Session) open(conn net.Conn) (e *session.Error) {
	lines := conn
	if s.protection != nil && s.protection.implicit {
		if lines, e = s.secure(conn); e != nil {
			return e
		}
	}
	reader := s.readReplies(lines)
	greeting, err := reader.next()
	for err == nil && preliminary(greeting.Code) { // 120: ready in so many minutes
		greeting, err = reader.next()
	}
	if err != nil {
		return s.opened(err, "no greeting")
	}
	s.greeting = greeting.Text
	if !completed(greeting.Code) {
		e, _ := ofReply("", greeting, false)
		return e
	}
	if s.protection != nil && !s.protection.implicit {
		if lines, e = s.negotiate(lines, reader); e != nil {
			return e
		}
		reader = s.readReplies(lines)
	}
	s.control = newControl(lines, reader, s.observe)
	s.control.heard = s.heard
	s.control.last = greeting
	s.shim.give(session.Reply{Code: 220, Text: firstLine(greeting.Text)})
	return nil
}

func (s *Session) readReplies(conn net.Conn) *replyReader {
	return newReplyReader(conn, s.settings.Limits, func(line string) {
		s.observe(session.Wire{Kind: session.WireReply, Text: line})
	})
}

func addressOf(address net.Addr) netip.Addr {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap()
}

func (s *Session) login(ctx context.Context, endpoint session.Endpoint) *session.Error {
	user, password := endpoint.User, endpoint.Password
	if user == "" {
		user = "anonymous"
		if password == "" {
			password = "anonymous@"
		}
	}
	if badLine(user) || badLine(password) {
		return fault(session.BadArgument, errors.New("a user name or password cannot hold CR, LF or NUL"))
	}
	s.op = operation{ctx: ctx}
	library, err := ftp.Dial(endpoint.Address,
		ftp.DialWithDialFunc(s.shim.dial),
		ftp.DialWithDisabledEPSV(true), // its PASV is enough to say "prepare", see prepare.go
		ftp.DialWithDisabledUTF8(s.feature("UTF8") == session.FeatureDisabled),
		ftp.DialWithWritingMDTM(true),
	)
	if err == nil {
		s.library = library
		err = library.Login(user, password)
	}
	e, _ := s.verdict(err)
	if e != nil {
		if verb := s.op.verb; e.Cause == session.AccessRefused && verb != "USER" && verb != "PASS" && s.op.failure == nil {
			e.Hint = "the login itself was accepted; " + verb + " was refused"
		}
		return e
	}
	return s.protect()
}

// learnFeatures makes a note of what a FEAT reply lists: on each line between the
// first and the last a name and its arguments.
func (s *Session) learnFeatures(reply session.Reply) {
	lines := strings.Split(reply.Text, "\n")
	if len(lines) < 3 {
		return
	}
	for _, line := range lines[1 : len(lines)-1] {
		name, arguments, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, arguments = strings.ToUpper(name), strings.TrimSpace(arguments)
		if name == "SITE" { // ProFTPD has a line for each of its commands
			name, arguments = strings.ToUpper("SITE "+arguments), ""
		}
		if name != "" {
			s.features[name] = arguments
		}
	}
}

// featuresForLibrary answers the library's FEAT with what is true after the
// overrides of the settings, so that it acts on them without an option for each.
// MLST is kept from it: it has no parser that we would trust (listing does that).
func (s *Session) featuresForLibrary() session.Reply {
	lines := []string{"Features:"}
	for _, name := range []string{"MDTM", "MFMT", "PRET", "UTF8"} {
		if s.has(name) && !(name == "UTF8" && s.unknown[optsUTF8] && s.feature(name) == session.FeatureAuto) {
			lines = append(lines, " "+name)
		}
	}
	return session.Reply{Code: 211, Text: strings.Join(append(lines, "End"), "\n")}
}

// optsUTF8 asks for names in UTF-8. Servers that list the feature and refuse the command
// write them as they like, whether they are asked or not.
const optsUTF8 = "OPTS UTF8"

func (s *Session) feature(name string) session.Feature { return s.settings.Features[name] }

// has tells whether the server offers a feature, by its own word or by override.
func (s *Session) has(name string) bool {
	switch s.feature(name) {
	case session.FeatureEnabled:
		return true
	case session.FeatureDisabled:
		return false
	}
	_, listed := s.features[name]
	return listed && !s.unknown[name]
}

// may tells whether a command that old servers know without listing it is worth
// trying.
func (s *Session) may(name string) bool {
	switch s.feature(name) {
	case session.FeatureEnabled:
		return true
	case session.FeatureDisabled:
		return false
	}
	return !s.unknown[name]
}

// learnUnknown remembers a command that the server does not know.
func (s *Session) learnUnknown(name string, code int) bool {
	if code == 500 || code == 502 || code == 504 {
		s.unknown[name] = true
		return true
	}
	return false
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// until is what is left of a time that began at start.
func until(start time.Time, within time.Duration) time.Duration {
	return max(within-time.Since(start), 0)
}
