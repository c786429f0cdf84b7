package sftpserver

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/server/door"
	"github.com/sftpc/sftpc/netio/server/fault"
)

// Options are what a server is made from. Root or Dir must be set, and one of
// Users, AuthorizedKeys and AllowAnyLogin; all other zero values are usable.
type Options struct {
	// Root is the folder handed out; the caller closes it after the server. Where it
	// is nil, Dir is opened as a root by the server.
	Root *os.Root
	Dir  string

	Users map[string]string // password by user name
	// AuthorizedKeys are the keys that open the server for any user, as in a file
	// authorized_keys; what a line has besides a key is ignored.
	AuthorizedKeys []byte
	AllowAnyLogin  bool // everybody is let in (rehearsals)
	// Interactive asks for passwords by keyboard-interactive and not by password, as
	// some systems do.
	Interactive bool
	ReadOnly    bool // what would change anything is refused

	// HostKeys are what the server proves itself with; a fresh ed25519 key where
	// there is none.
	HostKeys []ssh.Signer
	Version  string // behind "SSH-2.0-" (default "sftpc")

	// DisabledExtensions are left out of what is announced and are refused, so that
	// older servers can be mimicked: "fsync@openssh.com".
	DisabledExtensions []string
	// Space is how many bytes statvfs@openssh.com says are free, and of how many; nil is
	// what the system says.
	Space func() (free, total uint64)

	MaxConnections int           // further ones are closed (default 256)
	MaxChannels    int           // sessions of one connection; further ones are refused (default 10, as OpenSSH)
	MaxHandles     int           // files and directories that a session has open; further ones are refused (default 256)
	LoginTime      time.Duration // for a login, before the connection is closed (default 30 s)

	// Faults disturb what the server does; nil is a healthy server. The verbs are
	// those of the protocol: INIT, OPEN, CLOSE, READ, WRITE, STAT, LSTAT, FSTAT,
	// SETSTAT, FSETSTAT, OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH, RENAME,
	// READLINK, SYMLINK, extended ones by their name without what follows "@"
	// (POSIX-RENAME), CHANNEL for a session that is opened, and CONNECT. Requests
	// about handles have the handle for an argument.
	Faults *fault.Script
	// Log is told each request, with the number of the connection, bytes of the
	// client as they are. It must be safe for concurrent use.
	Log func(line string)
}

func (o Options) withDefaults() Options {
	if o.Version == "" {
		o.Version = "sftpc"
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 256
	}
	if o.MaxChannels <= 0 {
		o.MaxChannels = 10
	}
	if o.MaxHandles <= 0 {
		o.MaxHandles = 256
	}
	if o.LoginTime <= 0 {
		o.LoginTime = 30 * time.Second
	}
	return o
}

// Server is an SFTP server. Its methods are safe for concurrent use.
type Server struct {
	options    Options
	root       *os.Root
	ownRoot    bool
	hostKeys   []ssh.Signer
	authorized map[string]bool // keys by their wire form

	door *door.Door
}

// Listen makes a server that serves on address ("127.0.0.1:0" for any port) until
// ctx ends or Close is called. Close must be called in both cases.
func Listen(ctx context.Context, address string, options Options) (*Server, error) {
	s, err := newServer(options)
	if err != nil {
		return nil, fmt.Errorf("sftp server: %w", err)
	}
	if err := s.door.Listen(ctx, address); err != nil {
		s.Close()
		return nil, fmt.Errorf("sftp server: %w", err)
	}
	return s, nil
}

func newServer(options Options) (*Server, error) {
	switch {
	case options.Root == nil && options.Dir == "":
		return nil, errors.New("no folder to hand out")
	case len(options.Users) == 0 && len(options.AuthorizedKeys) == 0 && !options.AllowAnyLogin:
		return nil, errors.New("nobody could log in: no users, no keys")
	}
	s := &Server{options: options.withDefaults(), root: options.Root, hostKeys: options.HostKeys, authorized: map[string]bool{}}
	for rest := options.AuthorizedKeys; len(rest) > 0; {
		key, _, _, next, err := ssh.ParseAuthorizedKey(rest)
		if err != nil {
			return nil, fmt.Errorf("authorized keys: %w", err)
		}
		s.authorized[string(key.Marshal())] = true
		rest = next
	}
	if len(s.hostKeys) == 0 {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		signer, err := ssh.NewSignerFromKey(private)
		if err != nil {
			return nil, err
		}
		s.hostKeys = []ssh.Signer{signer}
	}
	if s.root == nil {
		root, err := os.OpenRoot(options.Dir)
		if err != nil {
			return nil, err
		}
		s.root, s.ownRoot = root, true
	}
	s.door = door.New(s.options.MaxConnections, s.serve)
	return s, nil
}

// Addr is the address that the server listens on, "127.0.0.1:40211".
func (s *Server) Addr() string { return s.door.Addr() }

// HostKey is the key that the server proves itself with first.
func (s *Server) HostKey() ssh.PublicKey { return s.hostKeys[0].PublicKey() }

// Fingerprint is that of HostKey, as SETHOSTKEY takes it.
func (s *Server) Fingerprint() string { return ssh.FingerprintSHA256(s.HostKey()) }

// Close stops the server: it closes the listener and all connections and returns
// when no goroutine and no socket of the server is alive. Further calls wait too.
func (s *Server) Close() error {
	if s.door.Close() && s.ownRoot {
		return s.root.Close()
	}
	return nil
}

// serve is one connection.
func (s *Server) serve(ctx context.Context, v door.Visit) {
	conn := newDisturbed(v.Conn)
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if v.Full || !s.greet(ctx, conn) {
		return
	}
	number := v.Number
	conn.SetDeadline(time.Now().Add(s.options.LoginTime))
	connection, channels, requests, err := ssh.NewServerConn(conn, s.config())
	if err != nil {
		s.log(number, "no login: "+err.Error())
		return
	}
	conn.SetDeadline(time.Time{})
	c := &client{server: s, number: number, conn: conn}
	s.log(number, "login of "+connection.User())
	var open sync.WaitGroup
	open.Add(1)
	go func() {
		defer open.Done()
		ssh.DiscardRequests(requests)
	}()
	for channel := range channels {
		c.offer(ctx, channel, &open)
	}
	open.Wait()
}

// greet carries out what is to go wrong before anything is said, and reports
// whether the connection goes on.
func (s *Server) greet(ctx context.Context, conn *disturbed) bool {
	e := s.options.Faults.Next(fault.Connect, "")
	if !door.Pause(ctx, e.Delay) {
		return false
	}
	conn.arm(e)
	switch {
	case e.Silence:
		<-ctx.Done()
	case e.Raw != "":
		conn.Write([]byte(e.Raw))
	case e.Garbage > 0:
		conn.Write(garbage(e.Garbage))
	case e.Close, e.Reset:
		conn.end(e.Reset)
	default:
		return true
	}
	return false
}

func (s *Server) log(number uint64, line string) {
	if s.options.Log != nil {
		s.options.Log(fmt.Sprintf("[%d] %s", number, line))
	}
}
