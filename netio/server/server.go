package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/server/door"
	"github.com/sftpc/sftpc/netio/server/fault"
)

// Options are what a server is made from. Root or Dir must be set, and one of
// Users, Anonymous and AllowAnyLogin; all other zero values are usable.
type Options struct {
	// Root is the folder handed out; the caller closes it after the server. Where it
	// is nil, Dir is opened as a root by the server.
	Root *os.Root
	Dir  string

	Users         map[string]string // password by user name
	Anonymous     bool              // "anonymous" and "ftp" may log in with any password
	AllowAnyLogin bool              // every name and password is taken (rehearsals)
	ReadOnly      bool              // commands that change anything are refused with 550

	Banner string // text of the greeting, several lines allowed (default "sftpc server ready")

	// PassiveAddress is announced in replies to PASV instead of the control
	// connection's local address (a server behind address translation). IPv4 only.
	PassiveAddress netip.Addr
	// PassivePorts bound the ports of passive mode, both included; zero is any.
	PassivePorts [2]int
	// ForeignPORT says what becomes of PORT and EPRT that name another host than the
	// control connection's peer.
	ForeignPORT ForeignPolicy

	MaxConnections int           // further ones get 421 (default 256)
	IdleTimeout    time.Duration // control connection without a command or transfer (default 5 min)
	DataTimeout    time.Duration // wait for a data connection, and for a byte on it (default 30 s)
	// LoginDelay is the wait before the reply to the first wrong password of an
	// address; it doubles with each further one up to 32 times (default 100 ms;
	// negative: no wait).
	LoginDelay time.Duration

	// DisabledCommands are answered with 502 and left out of FEAT, so that old
	// servers can be mimicked: "MLSD", "EPSV", "SIZE", "SITE CHMOD".
	DisabledCommands []string
	// Listings answer LIST of a directory, by its path from the root, with these lines
	// instead of what ls would write, so that servers of other systems can be
	// mimicked; lines end in LF. Names in them should be files of Root.
	Listings map[string]string
	// Zone is the time zone of the times in LIST; nil is UTC. MLSD and MDTM always
	// tell UTC.
	Zone *time.Location
	// ClockOffset is how far this server's clock is ahead: it is added to every time
	// that the server tells and taken off every time that it is told.
	ClockOffset time.Duration
	// Grain is what times are cut to when they are told, as on file systems that keep
	// no more: 2 s is DOS. 0 cuts nothing that the protocol does not.
	Grain time.Duration
	// FoldsCase takes names that differ in case only for one, as other systems do. A
	// name is kept as it was first spelt.
	FoldsCase bool
	// SkipSync leaves the flush to disk before the final reply of an upload out.
	SkipSync bool

	// TLS protects connections; nil has no TLS.
	TLS *TLS

	// Faults disturb what the server does; nil is a healthy server.
	Faults *fault.Script
	// Log is told each line of the control connections, with the number of the
	// connection and masked passwords, control bytes escaped. It must be safe for
	// concurrent use.
	Log func(line string)
	// OnPORT is told each address that a PORT or EPRT named, before the reply to it
	// goes out, so that a test can be at the client's door first.
	OnPORT func(address netip.AddrPort)
	// OnPASV is told each address that was opened for PASV or EPSV, before the reply
	// to it goes out, for those who let a client reach only what is ours.
	OnPASV func(address netip.AddrPort)
}

// ForeignPolicy says whether the server connects to other hosts than the client.
type ForeignPolicy uint8

const (
	RefuseForeign ForeignPolicy = iota // 500: nobody can aim this server at a third host
	AllowForeign                       // for tests with several loopback addresses only
	// ForeignIsPeer takes any address for the peer's own, as if a router between the
	// two translated it: for rehearsals of scripts that announce an outer address.
	ForeignIsPeer
)

func (o Options) withDefaults() Options {
	if o.Banner == "" {
		o.Banner = "sftpc server ready"
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 256
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = 5 * time.Minute
	}
	if o.DataTimeout <= 0 {
		o.DataTimeout = 30 * time.Second
	}
	if o.LoginDelay == 0 {
		o.LoginDelay = 100 * time.Millisecond
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Root == nil && o.Dir == "":
		return errors.New("ftp server: no folder to hand out")
	case len(o.Users) == 0 && !o.Anonymous && !o.AllowAnyLogin:
		return errors.New("ftp server: nobody could log in: no users, not anonymous")
	case o.PassiveAddress.IsValid() && !o.PassiveAddress.Unmap().Is4():
		return fmt.Errorf("ftp server: PASV cannot announce %s, which is not an IPv4 address", o.PassiveAddress)
	}
	low, high := o.PassivePorts[0], o.PassivePorts[1]
	if (low != 0 || high != 0) && (low < 1 || high > 65535 || low > high) {
		return fmt.Errorf("ftp server: %d-%d is no range of ports", low, high)
	}
	return nil
}

// Server is an FTP server. Its methods are safe for concurrent use.
type Server struct {
	options  Options
	root     *os.Root
	ownRoot  bool // root was opened from Options.Dir
	verbs    map[string]verb
	disabled map[string]bool // Options.DisabledCommands in capitals
	failures loginFailures
	security *security // nil without TLS

	door *door.Door

	mu sync.Mutex
	// claims are the newest upload of each name below the root, so that the late end of
	// one that was cut does not take away what the next one writes.
	claims map[string]uint64
	claim  uint64 // uploads so far
}

// claimName makes the caller the newest upload of a name, before it opens the file.
func (s *Server) claimName(name string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims == nil {
		s.claims = make(map[string]uint64)
	}
	s.claim++
	s.claims[name] = s.claim
	return s.claim
}

// releaseName ends a claim, and with remove the file too, if nobody has claimed the
// name since.
func (s *Server) releaseName(name string, claim uint64, remove bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims[name] != claim {
		return
	}
	delete(s.claims, name)
	if remove {
		s.root.Remove(name)
	}
}

// New makes a server that does not listen yet. Close must be called even if
// Serve never is.
func New(options Options) (*Server, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	s := &Server{options: options.withDefaults(), root: options.Root, verbs: verbTable(), disabled: map[string]bool{}}
	var err error
	if s.security, err = newSecurity(options.TLS); err != nil {
		return nil, err
	}
	for _, name := range options.DisabledCommands {
		s.disabled[strings.ToUpper(name)] = true
	}
	if s.root == nil {
		root, err := os.OpenRoot(options.Dir)
		if err != nil {
			return nil, fmt.Errorf("ftp server: %w", err)
		}
		s.root, s.ownRoot = root, true
	}
	s.door = door.New(s.options.MaxConnections, s.serve)
	return s, nil
}

// Listen makes a server that serves on address ("127.0.0.1:0" for any port)
// until ctx ends or Close is called. Close must be called in both cases.
func Listen(ctx context.Context, address string, options Options) (*Server, error) {
	s, err := New(options)
	if err != nil {
		return nil, err
	}
	if err := s.door.Listen(ctx, address); err != nil {
		s.Close()
		return nil, fmt.Errorf("ftp server: %w", err)
	}
	return s, nil
}

// Serve serves on listener and closes it. It returns nil after Close or the end
// of ctx, when all of its connections have ended, else the listener's error.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	if err := s.door.Serve(ctx, listener); err != nil {
		return fmt.Errorf("ftp server: %w", err)
	}
	return nil
}

func (s *Server) serve(ctx context.Context, v door.Visit) {
	session := newSession(s, v.Number, v.Conn)
	if v.Full {
		session.turnAway()
		return
	}
	session.run(ctx)
}

// Addr is the address that the server listens on, "127.0.0.1:40211"; empty
// before it listens.
func (s *Server) Addr() string { return s.door.Addr() }

// Close stops the server: it closes the listener and all connections and
// returns when no goroutine and no socket of the server is alive. Further calls
// wait too.
func (s *Server) Close() error {
	if s.door.Close() && s.ownRoot {
		return s.root.Close()
	}
	return nil
}
