package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long something is waited for that has to come. No test waits it
// out, so that it may suit the slowest machine.
const patience = time.Minute

// start serves a fresh folder for "joe" with the password "secret" and returns
// the server's address and the folder.
func start(t testing.TB, change ...func(*server.Options)) (address, dir string) {
	t.Helper()
	return startOn(t, "127.0.0.1:0", change...)
}

func startOn(t testing.TB, listen string, change ...func(*server.Options)) (address, dir string) {
	t.Helper()
	dir = t.TempDir()
	options := server.Options{
		Dir: dir, Users: map[string]string{"joe": "secret"},
		DataTimeout: patience, LoginDelay: -1,
		Log: func(line string) {
			if testing.Verbose() {
				fmt.Println(line)
			}
		},
	}
	for _, f := range change {
		f(&options)
	}
	s, err := server.Listen(context.Background(), listen, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return s.Addr(), dir
}

func withFaults(t *testing.T, script string) func(*server.Options) {
	t.Helper()
	faults, err := fault.Parse(script)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *server.Options) { o.Faults = faults }
}

// client speaks raw FTP: nothing between the test and the line.
type client struct {
	t    testing.TB
	conn *net.TCPConn
	in   *bufio.Reader
}

func dial(t testing.TB, address string) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &client{t: t, conn: conn.(*net.TCPConn), in: bufio.NewReader(conn)}
}

// login is a client that is logged in and has binary type.
func login(t testing.TB, address string) *client {
	t.Helper()
	c := dial(t, address)
	c.expect("220")
	c.want("USER joe", "331")
	c.want("PASS secret", "230")
	c.want("TYPE I", "200")
	return c
}

func (c *client) send(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.t.Fatalf("sending %q: %v", line, err)
	}
}

// reply reads a whole reply, lines joined by LF.
func (c *client) reply() string {
	c.t.Helper()
	var lines []string
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("reading a reply after %q: %v", lines, err)
		}
		if !strings.HasSuffix(line, "\r\n") {
			c.t.Fatalf("reply line without CR LF: %q", line)
		}
		line = strings.TrimSuffix(line, "\r\n")
		lines = append(lines, line)
		if len(line) >= 4 && line[3] == ' ' && line[:3] == lines[0][:3] {
			return strings.Join(lines, "\n")
		}
	}
}

func (c *client) cmd(line string) string {
	c.t.Helper()
	c.send(line)
	return c.reply()
}

// expect reads one reply that begins with prefix.
func (c *client) expect(prefix string) string {
	c.t.Helper()
	got := c.reply()
	if !strings.HasPrefix(got, prefix) {
		c.t.Fatalf("reply is %q, want %s", got, prefix)
	}
	return got
}

func (c *client) want(line, prefix string) string {
	c.t.Helper()
	got := c.cmd(line)
	if !strings.HasPrefix(got, prefix) {
		c.t.Fatalf("%s: reply is %q, want %s", line, got, prefix)
	}
	return got
}

// gone insists that the server has closed the control connection.
func (c *client) gone() {
	c.t.Helper()
	if b, err := c.in.ReadByte(); err == nil {
		c.t.Fatalf("the control connection still brings %q", b)
	}
}

// dataMode makes the data connection of the next transfer. announce is done
// before the command; the function it returns makes the connection afterwards.
type dataMode struct {
	name     string
	announce func(c *client) func() *net.TCPConn
}

func dataModes() []dataMode {
	return []dataMode{
		{"EPSV", func(c *client) func() *net.TCPConn { return c.passive("EPSV", 229) }},
		{"PASV", func(c *client) func() *net.TCPConn { return c.passive("PASV", 227) }},
		{"EPRT", func(c *client) func() *net.TCPConn { return c.active("EPRT") }},
		{"PORT", func(c *client) func() *net.TCPConn { return c.active("PORT") }},
	}
}

func (c *client) host() string { return c.conn.LocalAddr().(*net.TCPAddr).IP.String() }

func (c *client) passive(verb string, code int) func() *net.TCPConn {
	c.t.Helper()
	port := announcedPort(c.t, c.want(verb, strconv.Itoa(code)))
	conn, err := net.Dial("tcp", net.JoinHostPort(c.host(), strconv.Itoa(port)))
	if err != nil {
		c.t.Fatal(err)
	}
	return func() *net.TCPConn { return c.prepared(conn) }
}

// announcedPort reads the port of a 227 or 229 reply.
func announcedPort(t testing.TB, reply string) int {
	t.Helper()
	inside := reply[strings.IndexByte(reply, '(')+1 : strings.LastIndexByte(reply, ')')]
	if port, ok := strings.CutPrefix(inside, "|||"); ok {
		n, err := strconv.Atoi(strings.TrimSuffix(port, "|"))
		if err != nil {
			t.Fatalf("cannot read the port of %q", reply)
		}
		return n
	}
	var b [6]int
	if _, err := fmt.Sscanf(inside, "%d,%d,%d,%d,%d,%d", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]); err != nil {
		t.Fatalf("cannot read the address of %q", reply)
	}
	return b[4]<<8 | b[5]
}

func (c *client) active(verb string) func() *net.TCPConn {
	c.t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(c.host(), "0"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { listener.Close() })
	port := listener.Addr().(*net.TCPAddr).Port
	c.want(activeCommand(verb, c.host(), port), "200")
	return func() *net.TCPConn {
		defer listener.Close()
		listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
		conn, err := listener.Accept()
		if err != nil {
			c.t.Fatal(err)
		}
		return c.prepared(conn)
	}
}

func activeCommand(verb, host string, port int) string {
	if verb == "PORT" {
		return fmt.Sprintf("PORT %s,%d,%d", strings.ReplaceAll(host, ".", ","), port>>8, port&0xFF)
	}
	family := 1
	if strings.Contains(host, ":") {
		family = 2
	}
	return fmt.Sprintf("EPRT |%d|%s|%d|", family, host, port)
}

func (c *client) prepared(conn net.Conn) *net.TCPConn {
	c.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn)
}

// get carries a download or listing out over EPSV and returns its bytes and the
// last reply.
func (c *client) get(line string) (data, final string) {
	c.t.Helper()
	return c.getBy(dataModes()[0], line)
}

func (c *client) getBy(mode dataMode, line string) (data, final string) {
	c.t.Helper()
	open := mode.announce(c)
	c.want(line, "150")
	conn := open()
	b, err := io.ReadAll(conn)
	if err != nil {
		c.t.Fatalf("%s: reading data: %v", line, err)
	}
	conn.Close()
	return string(b), c.reply()
}

// put carries an upload out and returns the preliminary and the last reply.
func (c *client) put(line, data string) (preliminary, final string) {
	c.t.Helper()
	return c.putBy(dataModes()[0], line, data)
}

func (c *client) putBy(mode dataMode, line, data string) (preliminary, final string) {
	c.t.Helper()
	open := mode.announce(c)
	preliminary = c.want(line, "150")
	conn := open()
	if _, err := io.WriteString(conn, data); err != nil {
		c.t.Fatalf("%s: writing data: %v", line, err)
	}
	conn.Close()
	return preliminary, c.reply()
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
