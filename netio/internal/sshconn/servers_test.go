//go:build servers

// These tests speak to the real servers of testdata/servers. They are started by
// `make test-servers`; a server that is missing is a failure, never a skip.
package sshconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/sftpc/sftpc/netio/session"
)

func rigVariable(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: start the rig of testdata/servers (make test-servers)", name)
	}
	return value
}

// realEndpoint logs in by password; the host key is one that a file knows.
func realEndpoint(t *testing.T, server string) session.Endpoint {
	return session.Endpoint{
		Protocol: session.SFTP, Host: rigVariable(t, "SFTPC_RIG_HOST"),
		Address: net.JoinHostPort(rigVariable(t, "SFTPC_RIG_HOST"), rigVariable(t, "SFTPC_RIG_"+strings.ToUpper(server))),
		User:    rigVariable(t, "SFTPC_RIG_USER"), Password: rigVariable(t, "SFTPC_RIG_PASSWORD"),
		Trust: session.Trust{KnownHosts: []string{rigKey(t, "known_hosts")}},
	}
}

func rigKey(t *testing.T, name string) string {
	return filepath.Join(rigVariable(t, "SFTPC_RIG_SSH"), name)
}

func onRealServers(t *testing.T, test func(t *testing.T, server string)) {
	for _, server := range []string{"openssh", "modsftp"} {
		t.Run(server, func(t *testing.T) { test(t, server) })
	}
}

// Three sessions with each server at once do all that the suite asks.
func TestRealServers(t *testing.T) {
	onRealServers(t, func(t *testing.T, server string) {
		for i := range 3 {
			t.Run(fmt.Sprint("session ", i+1), func(t *testing.T) {
				t.Parallel()
				conform(t, realEndpoint(t, server), conformance{hashes: server == "modsftp"})
			})
		}
	})
}

func TestRealServers_Logins(t *testing.T) {
	onRealServers(t, func(t *testing.T, server string) {
		logins := map[string]func(t *testing.T, e *session.Endpoint){
			"password": func(*testing.T, *session.Endpoint) {},
			"agent": func(t *testing.T, e *session.Endpoint) {
				e.Password = ""
				e.Login.Agent = func(context.Context) (net.Conn, error) { return agentWith(t, rigKey(t, "user_ed25519")), nil }
			},
		}
		for _, name := range []string{"user_ed25519", "user_ecdsa", "user_rsa", "user_locked"} {
			logins[name] = func(t *testing.T, e *session.Endpoint) {
				key, err := os.ReadFile(rigKey(t, name))
				if err != nil {
					t.Fatal(err)
				}
				e.Password, e.Login.Key, e.Login.KeyName = "", key, name
				if name == "user_locked" {
					e.Login.Passphrase = "open sesame"
				}
			}
		}
		for name, prove := range logins {
			t.Run(name, func(t *testing.T) {
				e := realEndpoint(t, server)
				prove(t, &e)
				s, err := Dial(context.Background(), e, session.Settings{Timeouts: patient()})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close(context.Background())
				if _, err := s.List(context.Background(), ""); err != nil {
					t.Error(err)
				}
			})
		}
		refused := realEndpoint(t, server)
		refused.Password = "not this one"
		if _, err := Dial(context.Background(), refused, session.Settings{Timeouts: patient()}); session.CauseOf(err) != session.AccessRefused {
			t.Errorf("a wrong password: %v", err)
		}
		unknown := realEndpoint(t, server)
		unknown.Trust.KnownHosts = nil
		if _, err := Dial(context.Background(), unknown, session.Settings{Timeouts: patient()}); session.CauseOf(err) != session.HostKeyUnknown {
			t.Errorf("a host key that nobody knows: %v", err)
		}
	})
}

// agentWith is a connection to an agent that holds the key.
func agentWith(t *testing.T, path string) net.Conn {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	go agent.ServeAgent(ring, theirs)
	return ours
}

// cutter is a connection that breaks after so many bytes, in both directions
// together.
type cutter struct {
	net.Conn
	mu   sync.Mutex
	left int64
}

func (c *cutter) spend(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left -= int64(n); c.left < 0 {
		c.Conn.(*net.TCPConn).SetLinger(0)
		c.Conn.Close()
		return errors.New("cut by the test")
	}
	return nil
}

func (c *cutter) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if cut := c.spend(n); cut != nil {
		return 0, cut
	}
	return n, err
}

func (c *cutter) Write(p []byte) (int, error) {
	if err := c.spend(len(p)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Cut at a byte that nobody chose, over one channel and over several, a transfer
// goes on from what has come or was confirmed, and is whole.
func TestRealServers_Resume(t *testing.T) {
	data := noise(24 << 20)
	onRealServers(t, func(t *testing.T, server string) {
		for round := range 6 {
			far := round%2 == 1
			at := 20_000 + rand.Int64N(int64(len(data))-20_000)
			t.Run(fmt.Sprintf("cut at %d, far %t", at, far), func(t *testing.T) {
				ctx := context.Background()
				dial := func(cut bool) *Session {
					settings := session.Settings{Timeouts: patient()}
					if far && server == "openssh" { // mod_sftp mixes channels up
						settings.Features = map[string]session.Feature{"CHANNELS": session.FeatureEnabled}
					}
					if cut {
						settings.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
							conn, err := new(net.Dialer).DialContext(ctx, network, address)
							if err != nil {
								return nil, err
							}
							return &cutter{Conn: conn, left: at}, nil
						}
					}
					s, err := Dial(ctx, realEndpoint(t, server), settings)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { s.Close(ctx) })
					return s
				}
				name := fmt.Sprintf("resumed-%d", rand.Uint64())
				n, err := dial(true).Upload(ctx, name, session.StoreReplace, &progress{file: temporary(t, data)})
				if session.CauseOf(err) != session.ConnectionLost {
					t.Fatalf("%d bytes, %v", n, err)
				}
				s := dial(false)
				if entry, err := s.Stat(ctx, name); err != nil {
					if _, err := s.Upload(ctx, name, session.StoreReplace, bytes.NewReader(data)); err != nil {
						t.Fatal(err)
					}
				} else if n > entry.Size {
					t.Fatalf("%d bytes were confirmed, %d are there", n, entry.Size)
				} else if _, err := s.UploadFrom(ctx, name, n, bytes.NewReader(data[n:])); err != nil {
					t.Fatal(err)
				}
				part := &progress{file: temporary(t, nil)}
				if n, err = dial(true).Download(ctx, name, 0, part); session.CauseOf(err) != session.ConnectionLost {
					t.Fatalf("%d bytes, %v", n, err)
				}
				if _, err := s.Download(ctx, name, n, part); err != nil {
					t.Fatal(err)
				}
				part.file.Seek(0, io.SeekStart)
				if got, err := io.ReadAll(part.file); err != nil || !bytes.Equal(got, data) {
					t.Errorf("other bytes, %v", err)
				}
				if err := s.Remove(ctx, name); err != nil {
					t.Error(err)
				}
			})
		}
	})
}
