package sftpserver

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/server/wire"
)

// No goroutine of a server outlives its Close.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is a server, its folder, and what lies beside that and must not be reached.
type served struct {
	*testing.T
	*Server
	dir, outside string
	mu           sync.Mutex
	log          []string
}

func serve(t *testing.T, o Options) *served {
	t.Helper()
	top := t.TempDir()
	s := &served{T: t, dir: filepath.Join(top, "root"), outside: filepath.Join(top, "outside")}
	for _, dir := range []string{s.dir, s.outside} {
		s.must(os.Mkdir(dir, 0o755))
	}
	s.must(os.WriteFile(filepath.Join(s.outside, "secret"), []byte("secret"), 0o644))
	o.Dir = s.dir
	if o.Users == nil && o.AuthorizedKeys == nil && !o.AllowAnyLogin {
		o.Users = map[string]string{"u": "p"}
	}
	o.Log = func(line string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.log = append(s.log, line)
	}
	server, err := Listen(t.Context(), "127.0.0.1:0", o)
	s.must(err)
	s.Server = server
	t.Cleanup(func() { server.Close() })
	return s
}

func (s *served) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *served) file(name, text string) {
	s.Helper()
	s.must(os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644))
}

func (s *served) link(target, name string) {
	s.Helper()
	if runtime.GOOS == "windows" {
		s.Skip("links need a privilege there")
	}
	s.must(os.Symlink(target, filepath.Join(s.dir, name)))
}

func (s *served) read(name string) string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	s.must(err)
	return string(text)
}

// connect logs in.
func (s *served) connect(auth ...ssh.AuthMethod) (*ssh.Client, error) {
	if auth == nil {
		auth = []ssh.AuthMethod{ssh.Password("p")}
	}
	client, err := ssh.Dial("tcp", s.Addr(), &ssh.ClientConfig{User: "u", Auth: auth, HostKeyCallback: ssh.FixedHostKey(s.HostKey()), Timeout: time.Minute})
	if err == nil {
		s.Cleanup(func() { client.Close() })
	}
	return client, err
}

// open is a channel with SFTP on it, before INIT.
func (s *served) open(client *ssh.Client) *channel {
	s.Helper()
	inner, requests, err := client.OpenChannel("session", nil)
	s.must(err)
	go ssh.DiscardRequests(requests)
	ok, err := inner.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"}))
	if err != nil || !ok {
		s.Fatalf("no subsystem: %t, %v", ok, err)
	}
	return &channel{served: s, Channel: inner}
}

// visit logs in and says INIT.
func (s *served) visit() *channel {
	s.Helper()
	client, err := s.connect()
	s.must(err)
	c := s.open(client)
	c.init()
	return c
}

// channel speaks version 3 in plain packets, so that the server is not held against a
// library that shares its mistakes.
type channel struct {
	*served
	ssh.Channel
	id uint32
}

func (c *channel) init() map[string]string {
	c.Helper()
	c.raw(1, number(3))
	kind, body := c.receive()
	if kind != 2 || len(body) < 4 || binary.BigEndian.Uint32(body) != 3 {
		c.Fatalf("the answer to INIT is %d %q", kind, body)
	}
	extensions := map[string]string{}
	for rest := body[4:]; len(rest) > 0; {
		var name, data string
		name, rest = wire.Text(rest)
		data, rest = wire.Text(rest)
		extensions[name] = data
	}
	return extensions
}

// raw sends one packet whose body is what is given.
func (c *channel) raw(kind byte, fields ...[]byte) {
	c.Helper()
	var body []byte
	for _, f := range fields {
		body = append(body, f...)
	}
	if _, err := c.Write(wire.Framed(kind, nil, body)); err != nil {
		c.Fatal(err)
	}
}

func (c *channel) receive() (kind byte, body []byte) {
	c.Helper()
	var head [5]byte
	if _, err := io.ReadFull(c.Channel, head[:]); err != nil {
		c.Fatal(err)
	}
	body = make([]byte, binary.BigEndian.Uint32(head[:])-1)
	if _, err := io.ReadFull(c.Channel, body); err != nil {
		c.Fatal(err)
	}
	return head[4], body
}

// send asks something; answer takes what was said to it.
func (c *channel) send(kind byte, fields ...[]byte) (id uint32) {
	c.Helper()
	c.id++
	c.raw(kind, append([][]byte{number(c.id)}, fields...)...)
	return c.id
}

func (c *channel) answer(id uint32) (kind byte, body []byte) {
	c.Helper()
	kind, body = c.receive()
	if len(body) < 4 || binary.BigEndian.Uint32(body) != id {
		c.Fatalf("asked %d, answered %d %q", id, kind, body)
	}
	return kind, body[4:]
}

func (c *channel) ask(kind byte, fields ...[]byte) (answered byte, body []byte) {
	c.Helper()
	return c.answer(c.send(kind, fields...))
}

// Codes of statuses.
const (
	codeOK = iota
	codeEOF
	codeNoSuchFile
	codeDenied
	codeFailure
	codeBadMessage
	codeNoConnection
	codeLost
	codeUnsupported
)

// status insists on a status.
func (c *channel) status(what string, want uint32, kind byte, fields ...[]byte) (words string) {
	c.Helper()
	answered, body := c.ask(kind, fields...)
	if answered != 101 || len(body) < 4 || binary.BigEndian.Uint32(body) != want {
		c.Errorf("%s: answered %d %q, want status %d", what, answered, body, want)
		return ""
	}
	words, _ = wire.Text(body[4:])
	return words
}

const (
	flagRead   = 1
	flagWrite  = 2
	flagAppend = 4
	flagCreate = 8
	flagTrunc  = 16
	flagExcl   = 32
)

func (c *channel) openFile(name string, flags uint32) (handle []byte) {
	c.Helper()
	kind, body := c.ask(3, str(name), number(flags), number(0))
	if kind != 102 {
		c.Fatalf("opening %s: %d %q", name, kind, body)
	}
	return body
}

func (c *channel) sizeOf(handle []byte) uint64 {
	c.Helper()
	kind, body := c.ask(8, handle)
	if kind != 105 || len(body) < 12 {
		c.Fatalf("FSTAT: %d %q", kind, body)
	}
	return binary.BigEndian.Uint64(body[4:])
}

func number(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func long(n uint64) []byte   { return binary.BigEndian.AppendUint64(nil, n) }
func str(s string) []byte    { return wire.AppendText(nil, s) }

// ended insists that the server gives the channel up.
func (c *channel) ended(what string) {
	c.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, c.Channel)
		ended <- err
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		c.Errorf("%s: the channel is still open", what)
		c.Close()
		<-ended
	}
}

// names lists a directory to its end.
func (c *channel) names(dir string) (names []string) {
	c.Helper()
	kind, handle := c.ask(11, str(dir))
	if kind != 102 {
		c.Fatalf("OPENDIR %s: %d %q", dir, kind, handle)
	}
	for {
		kind, body := c.ask(12, handle)
		if kind == 101 {
			if code := binary.BigEndian.Uint32(body); code != codeEOF {
				c.Fatalf("READDIR: status %d", code)
			}
			c.status("CLOSE", codeOK, 4, handle)
			return names
		}
		count := binary.BigEndian.Uint32(body)
		rest := body[4:]
		for range count {
			var name string
			name, rest = wire.Text(rest)
			_, rest = wire.Text(rest) // as ls would write it
			rest = afterAttributes(c, rest)
			names = append(names, name)
		}
	}
}

func afterAttributes(c *channel, b []byte) []byte {
	c.Helper()
	flags := binary.BigEndian.Uint32(b)
	skip := 4
	for flag, size := range map[uint32]int{1: 8, 2: 8, 4: 4, 8: 8} {
		if flags&flag != 0 {
			skip += size
		}
	}
	if flags&^15 != 0 {
		c.Fatalf("flags %#x", flags)
	}
	return b[skip:]
}
