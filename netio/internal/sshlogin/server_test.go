package sshlogin

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keyPool makes each kind of key once: making RSA keys takes long.
var keyPool = struct {
	ed25519, ecdsa, rsa, other ssh.Signer
}{
	newKey(newEd25519()), newKey(newECDSA()), newKey(newRSA()), newKey(newEd25519()),
}

func newEd25519() crypto.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func newECDSA() crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func newRSA() crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newKey(key crypto.Signer) ssh.Signer {
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		panic(err)
	}
	return signer
}

// sshServer is a server that lets in who knows the password or has a key.
type sshServer struct {
	hostKeys []ssh.Signer
	password string
	keys     []ssh.PublicKey             // that may log in
	change   func(*ssh.ServerConfig)     // last word on the configuration
	requests func(<-chan *ssh.Request)   // global requests; nil answers them
	channels func(<-chan ssh.NewChannel) // nil refuses them

	lock    sync.Mutex
	methods []string // of the logins, in order, with "ok" behind those that were taken
}

// start serves until the test ends and returns the address.
func (s *sshServer) start(t *testing.T) string {
	t.Helper()
	config := &ssh.ServerConfig{
		MaxAuthTries: 6,
		AuthLogCallback: func(_ ssh.ConnMetadata, method string, err error) {
			s.lock.Lock()
			defer s.lock.Unlock()
			if err == nil {
				method += " ok"
			}
			s.methods = append(s.methods, method)
		},
	}
	if s.password != "" {
		config.PasswordCallback = func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if string(password) != s.password {
				return nil, errors.New("wrong")
			}
			return nil, nil
		}
	}
	if s.keys != nil {
		config.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if certificate, ok := key.(*ssh.Certificate); ok {
				key = certificate.SignatureKey
			}
			if slices.ContainsFunc(s.keys, func(k ssh.PublicKey) bool { return string(k.Marshal()) == string(key.Marshal()) }) {
				return nil, nil
			}
			return nil, errors.New("unknown key")
		}
	}
	if s.hostKeys == nil {
		s.hostKeys = []ssh.Signer{keyPool.ed25519}
	}
	for _, key := range s.hostKeys {
		config.AddHostKey(key)
	}
	if s.change != nil {
		s.change(config)
	}
	return listen(t, func(conn net.Conn) {
		server, channels, requests, err := ssh.NewServerConn(conn, config)
		if err != nil {
			return
		}
		var served sync.WaitGroup
		served.Go(func() {
			if s.requests != nil {
				s.requests(requests)
				return
			}
			ssh.DiscardRequests(requests)
		})
		served.Go(func() {
			if s.channels != nil {
				s.channels(channels)
				return
			}
			for c := range channels {
				c.Reject(ssh.Prohibited, "no")
			}
		})
		server.Wait()
		served.Wait()
	})
}

func (s *sshServer) logins() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return slices.Clone(s.methods)
}

// listen serves connections until the test ends and waits for all of them.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	var lock sync.Mutex
	var open []net.Conn
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			lock.Lock()
			open = append(open, conn)
			lock.Unlock()
			served.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		lock.Lock()
		for _, conn := range open {
			conn.Close()
		}
		lock.Unlock()
		served.Wait()
	})
	return listener.Addr().String()
}

// visit is an endpoint that trusts a server at the address, for a test to change.
func visit(address string) session.Endpoint {
	return session.Endpoint{
		Protocol: session.SFTP, Host: "files.example.com", Address: address, User: "alice", Password: "correct horse",
		Trust: session.Trust{HostKeys: []string{ssh.FingerprintSHA256(keyPool.ed25519.PublicKey())}},
	}
}

// patient settings never run out on a slow machine where a test does not want it.
func patient() session.Settings {
	return session.Settings{Timeouts: session.Timeouts{Connect: time.Minute, Reply: time.Minute}}
}

// connect expects a login to succeed.
func connect(t *testing.T, endpoint session.Endpoint, settings session.Settings) *ssh.Client {
	t.Helper()
	client, err := Connect(t.Context(), endpoint, settings)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// refuse expects a login to fail in a certain way.
func refuse(t *testing.T, endpoint session.Endpoint, settings session.Settings, cause session.Cause, says ...string) *session.Error {
	t.Helper()
	client, err := Connect(t.Context(), endpoint, settings)
	if err == nil {
		client.Close()
		t.Fatal("connected")
	}
	var e *session.Error
	if !errors.As(err, &e) || e.Cause != cause || e.Class != cause.Class() {
		t.Fatalf("cause %d (%s), want %d: %v", session.CauseOf(err), e.Class, cause, err)
	}
	for _, text := range says {
		if !strings.Contains(err.Error()+"\n"+e.Hint, text) {
			t.Errorf("%q is not in:\n%v\n%s", text, err, e.Hint)
		}
	}
	return e
}

// write makes a file of the test's and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// cut is a context that ends before anything is done.
func cut() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
