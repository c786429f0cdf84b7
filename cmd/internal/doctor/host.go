package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm/diag"
)

// Options say how a host is examined.
type Options struct {
	// Timeouts bound each wait; no step takes longer than several of them.
	Timeouts session.Timeouts
	// Dial makes TCP connections and Lookup resolves names; nil is the system's.
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Lookup func(ctx context.Context, host string) ([]string, error)
	// Mode has the ports and addresses of active mode; whether it is active is decided
	// here.
	Mode session.DataMode
	// Connections is how many sessions at a time are tried; 1 tries no more than one.
	Connections int
	// Firewall adds the openings that each mode needs. AnyPorts are the ports that this
	// system gives where no range is set, both 0 if that is not known.
	Firewall bool
	AnyPorts [2]int
	// Records are what runs remember of servers; nil is nothing.
	Records *netio.Records
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Tell is told what is tried next, for people who wait; nil is nobody.
	Tell func(text string)
}

// patient is a host under examination.
type patient struct {
	*Subject
	endpoint session.Endpoint
	options  Options

	session session.Session // nil before the login and after a loss
	wire    recorder

	lock     sync.Mutex // the session asks for mode from where it likes
	mode     session.DataMode
	features map[string]session.Feature
	seen     seen
}

// seen is what later steps need to know of earlier ones.
type seen struct {
	listing      *session.Listing
	passivePorts []int
	activePorts  []int      // that the server connected from
	local        netip.Addr // our end of the connection
	peer         string     // the server's, as far as known
	unresumed    bool       // the last data connection did not resume the TLS session
	// worked are the ways of making a data connection that did.
	worked map[string]bool
}

// Examine finds out what works with a host. It returns when ctx ends, with what was
// found until then.
func Examine(ctx context.Context, endpoint session.Endpoint, options Options) Subject {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Lookup == nil {
		options.Lookup = net.DefaultResolver.LookupHost
	}
	options.Timeouts = options.Timeouts.WithDefaults()
	p := &patient{
		Subject: &Subject{Kind: "host", Name: diag.Escape(hostPort(endpoint)), Protocol: protocolName(endpoint.Protocol),
			Address: diag.Escape(endpoint.Address), User: diag.Escape(userOf(endpoint)),
			hide: builtins.HiderOf(endpoint)},
		endpoint: endpoint, options: options, mode: options.Mode, seen: seen{worked: map[string]bool{}},
	}
	defer p.close(ctx)
	if p.name(ctx) && p.proof(ctx) && p.connect(ctx) {
		p.server(ctx)
		p.dataConnections(ctx)
		p.listings(ctx)
		p.hashes(ctx)
		p.connections(ctx)
	}
	if options.Firewall {
		p.Openings = p.openings()
	}
	return *p.Subject
}

func hostPort(endpoint session.Endpoint) string {
	if _, port, err := net.SplitHostPort(endpoint.Address); err == nil && endpoint.Host != "" {
		return net.JoinHostPort(endpoint.Host, port)
	}
	return endpoint.Address
}

func userOf(endpoint session.Endpoint) string {
	if endpoint.User == "" && endpoint.Protocol != session.SFTP {
		return "anonymous"
	}
	return endpoint.User
}

// protocolName is the constant of SETPROTOCOL.
func protocolName(p session.Protocol) string {
	switch p {
	case session.FTPSExplicit:
		return "FTPS_EXPLICIT"
	case session.FTPSImplicit:
		return "FTPS_IMPLICIT"
	case session.SFTP:
		return "SFTP"
	}
	return "FTP"
}

// step bounds what one try may take, whatever the server does.
func (p *patient) step(ctx context.Context) (context.Context, context.CancelFunc) {
	t := p.options.Timeouts
	return context.WithTimeout(ctx, 2*(t.Connect+t.Reply+t.Idle))
}

func (p *patient) tell(format string, args ...any) {
	if p.options.Tell != nil {
		p.options.Tell(p.Name + ": " + diag.Escape(fmt.Sprintf(format, args...)))
	}
}

// name looks the host up, unless that is the proxy's business.
func (p *patient) name(ctx context.Context) (goOn bool) {
	host, _, err := net.SplitHostPort(p.endpoint.Address)
	if err != nil {
		p.add(failed("host.name", true, err))
		return false
	}
	if p.endpoint.Proxy != "" {
		p.add(Finding{ID: "host.name", State: Skipped, Detail: "the proxy resolves it"})
		return true
	}
	if address, err := netip.ParseAddr(host); err == nil {
		p.seen.peer = address.String()
		p.add(Finding{ID: "host.name", State: Note, Detail: host + " is an address"})
		return true
	}
	p.tell("looking the name up")
	ctx, stop := context.WithTimeout(ctx, p.options.Timeouts.Connect)
	defer stop()
	addresses, err := p.options.Lookup(ctx, host)
	if err != nil {
		cause := session.ResolverFailed
		var lookup *net.DNSError
		if errors.As(err, &lookup) && lookup.IsNotFound {
			cause = session.NameNotResolved
		}
		p.add(failed("host.name", true, &session.Error{Cause: cause, Class: cause.Class(), Err: err,
			Hint: "--host NAME=ADDRESS does without the name, for this check and for run"}))
		return false
	}
	if len(addresses) > 8 {
		addresses = append(addresses[:8:8], "…")
	}
	p.add(Finding{ID: "host.name", State: Works, Detail: strings.Join(addresses, ", ")})
	return true
}

// connect opens the session that the other steps use.
func (p *patient) connect(ctx context.Context) (goOn bool) {
	p.tell("connecting")
	began := time.Now()
	err := p.open(ctx)
	took := time.Since(began).Round(time.Millisecond)
	greeting := p.wire.firstReply()
	if err != nil {
		if session.CauseOf(err) == session.AccessRefused || greeting != "" && session.CauseOf(err) != session.ConnectTimeout && strings.HasPrefix(greeting, "220") {
			p.add(Finding{ID: "host.connection", State: Works, Detail: strings.TrimSuffix("it answers: "+greeting, ": ")})
			p.add(failed("host.login", true, err))
			return false
		}
		f := failed("host.connection", true, err)
		if f.Hint == "" && session.CauseOf(err) == session.ConnectTimeout && greeting == "" && p.endpoint.Protocol == session.FTP {
			f.Hint = "a server of implicit TLS says nothing before we do: --protocol FTPS_IMPLICIT"
		}
		p.add(f)
		return false
	}
	p.add(Finding{ID: "host.connection", State: Works, Detail: "connected and logged in within " + took.String()})
	p.add(Finding{ID: "host.login", State: Works, Detail: "as " + userOf(p.endpoint)})
	return true
}

// open makes the session if there is none.
func (p *patient) open(ctx context.Context) error {
	if p.session != nil {
		return nil
	}
	s, err := p.dial(ctx, p.wire.observe)
	if err != nil {
		return err
	}
	p.session = s
	return nil
}

func (p *patient) dial(ctx context.Context, observe func(session.Wire)) (session.Session, error) {
	ctx, stop := p.step(ctx)
	defer stop()
	return netio.Dial(ctx, p.endpoint, session.Settings{
		Timeouts: p.options.Timeouts, Features: p.features, Dial: p.options.Dial, Observe: observe,
		DataMode: func() session.DataMode {
			p.lock.Lock()
			defer p.lock.Unlock()
			return p.mode
		},
	})
}

// use sets how the next data connection is made and which features are used.
func (p *patient) use(mode session.DataMode, features map[string]session.Feature) {
	p.lock.Lock()
	p.mode = mode
	p.lock.Unlock()
	p.features = features
	if adjustable, ok := p.session.(session.Adjuster); ok {
		adjustable.Adjust(session.Settings{Timeouts: p.options.Timeouts, Features: features})
	}
}

// dropIfLost forgets a session that is of no more use after err.
func (p *patient) dropIfLost(ctx context.Context, err error) {
	switch session.CauseOf(err) {
	case session.ConnectionLost, session.ReplyTimeout, session.ProtocolError, session.NotConnected, session.Cancelled:
		p.close(ctx)
	}
}

func (p *patient) close(ctx context.Context) {
	if p.session != nil {
		p.session.Close(ctx)
		p.session = nil
	}
}

// mostRecorded bounds what is remembered of the wire.
const mostRecorded = 2000

// recorder remembers what went over the wire since the last mark.
type recorder struct {
	lock  sync.Mutex
	since []session.Wire
	first string
}

func (r *recorder) observe(w session.Wire) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.first == "" && w.Kind == session.WireReply {
		r.first = w.Text
	}
	if len(r.since) < mostRecorded {
		r.since = append(r.since, w)
	}
}

func (r *recorder) mark() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.since = nil
}

func (r *recorder) firstReply() string {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.first
}

// all returns what happened since the last mark.
func (r *recorder) all() []session.Wire {
	r.lock.Lock()
	defer r.lock.Unlock()
	return slices.Clone(r.since)
}

// replyTo is the reply line behind the first command of the verb, "" if there is
// none.
func (r *recorder) replyTo(verb string) string {
	asked := false
	for _, w := range r.all() {
		switch {
		case w.Kind == session.WireCommand:
			word, _, _ := strings.Cut(w.Text, " ")
			asked = asked || word == verb
		case w.Kind == session.WireReply && asked:
			return w.Text
		}
	}
	return ""
}
