package session

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Protocol names what is spoken to a server.
type Protocol uint8

const (
	FTP Protocol = iota
	FTPSExplicit
	FTPSImplicit
	SFTP
)

// Endpoint is where and as whom to log in. It is a plain value: sessions are
// remade from it.
type Endpoint struct {
	Protocol Protocol
	Host     string // the name or address that the script wrote, for messages
	Address  string // host:port to connect to; after --host mapping
	User     string // "" is anonymous
	Password string
	Login    Login      // what else proves who we are
	Trust    Trust      // which servers are believed
	Protect  Protection // FTPS
	// LegacyAlgorithms also offers what SSH and TLS have given up for reasons.
	LegacyAlgorithms bool
	// Proxy is a URL, http://[user:password@]host:port or socks5://…, through which
	// the server is reached; "" is none.
	Proxy string
	// Encoding is what names are written in on the server, as in "windows-1252";
	// "" is UTF-8, or the bytes as they are where the server does not say.
	Encoding string
}

// Settings are what a session is told besides its endpoint. It is a plain value
// but for its functions, which must be safe to call from any goroutine.
type Settings struct {
	Timeouts Timeouts
	Features map[string]Feature // by name in capitals: EPSV, EPRT, MLSD, SIZE, MDTM, MFMT, UTIME, UTF8, REST, PRET, NOOP, REPLACE, REUSE, HIDDEN, FSYNC, CHANNELS
	// DataMode is asked before every data connection, so that a change is
	// effective in the middle of a session. nil means passive.
	DataMode func() DataMode
	// Observe is told what goes over the wire, in order. nil means nobody listens.
	// Passwords never reach it.
	Observe func(Wire)
	// Dial makes TCP connections; nil is the system's dialer. ProtocolOf tells it what
	// for. A --host mapping and
	// an embedder's policy have been applied to the address before. An error that is
	// a *session.Error keeps its cause and class. A proxy is reached through it too.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Direct says that Dial leads to the server itself: Endpoint.Proxy is read and
	// then not used, and what no proxy can do is refused all the same.
	Direct bool
	// Permit is asked before a connection to a host that only ssh_config names: where
	// an alias leads, and the hosts on the way. Its error is that of the login; nil
	// permits all.
	Permit func(host string, port int) error
	// Connections is how many connections of its login a session may use to move one
	// large file, its own included; 0 is 1. Where a server allows no more it moves the
	// file all the same.
	Connections int
	// Zone is the server's time zone for listings that do not say it; nil is UTC.
	Zone *time.Location
	// Limits bound what a server may send; zero fields take the defaults.
	Limits Limits
	// Known is what earlier sessions have learned of the server. Learned is told, once
	// at the end of a session that was logged in, what is believed of it then; nil
	// means that nobody keeps it.
	Known   Facts
	Learned func(Facts)
}

// protocolKey finds the protocol in a context.
type protocolKey struct{}

// WithProtocol says which protocol a connection is made for, to whoever makes it.
func WithProtocol(ctx context.Context, p Protocol) context.Context {
	return context.WithValue(ctx, protocolKey{}, p)
}

// ProtocolOf is the protocol that a call of Settings.Dial makes a connection for;
// FTP where nothing is said.
func ProtocolOf(ctx context.Context) Protocol {
	p, _ := ctx.Value(protocolKey{}).(Protocol)
	return p
}

// DataMode says how the next data connection of FTP and FTPS is made.
type DataMode struct {
	Active bool
	// PortFrom and PortTo bound the listening port of active mode, both
	// included; 0, 0 is any port that the system gives.
	PortFrom, PortTo int
	// Announce is the address that PORT or EPRT names instead of the control
	// connection's local one (a client behind address translation); zero is none.
	Announce netip.Addr
	// ListenOn is the local address to listen on; zero is the control
	// connection's local address.
	ListenOn netip.Addr
	// PassiveServer connects to the host that a 227 names instead of the
	// control connection's peer. Off by default: a server could aim us anywhere.
	PassiveServer bool
}

// Feature overrides what is found out about a server.
type Feature uint8

const (
	FeatureAuto Feature = iota
	FeatureEnabled
	FeatureDisabled
)

// Timeouts bound every wait. A zero field takes its default, but for Total,
// where zero is none.
type Timeouts struct {
	Connect time.Duration // name lookup, TCP, greeting; and active mode's wait for the server (default 20 s)
	Reply   time.Duration // a reply while no data flows (default 90 s)
	Idle    time.Duration // a data connection without a byte (default 60 s)
	Total   time.Duration // one command as a whole (default none)
}

// WithDefaults fills the zero fields.
func (t Timeouts) WithDefaults() Timeouts {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&t.Connect, 20*time.Second)
	set(&t.Reply, 90*time.Second)
	set(&t.Idle, 60*time.Second)
	return t
}

// Limits bound what a server may make us hold in memory.
type Limits struct {
	ReplyLine  int   // bytes of one reply line (default 8 KiB)
	ReplyLines int   // lines of one reply (default 1,024)
	Listing    int64 // bytes of one listing (default 256 MiB)
	ListLine   int   // bytes of one line of a listing (default 64 KiB)
	Names      int   // names of one listing (default 2,000,000)
}

// WithDefaults fills the zero fields.
func (l Limits) WithDefaults() Limits {
	if l.ReplyLine <= 0 {
		l.ReplyLine = 8 << 10
	}
	if l.ReplyLines <= 0 {
		l.ReplyLines = 1024
	}
	if l.Listing <= 0 {
		l.Listing = 256 << 20
	}
	if l.Names <= 0 {
		l.Names = 2_000_000
	}
	if l.ListLine <= 0 {
		l.ListLine = 64 << 10
	}
	return l
}

// WireKind is what a Wire tells of.
type WireKind uint8

const (
	WireCommand WireKind = iota // a command line was sent; arguments of PASS and ACCT are masked
	WireReply                   // a reply line arrived
	WireData                    // a data connection was made
	WireRefused                 // a stranger reached our listening port and was turned away
	WireNote                    // a decision: EPSV refused, PASV from now on
)

// Wire is one thing that happened on the way to the server.
type Wire struct {
	Kind WireKind
	Text string // the line, the server's bytes; or the note
	Data *DataConn
}

// DataConn describes one data connection, made or attempted.
type DataConn struct {
	Active  bool
	Command string // EPSV, PASV, EPRT or PORT
	Local   string // our address:port
	Remote  string // the server's address:port; in active mode "" until it connected
	Listen  string // active: the address:port that we announced
}
