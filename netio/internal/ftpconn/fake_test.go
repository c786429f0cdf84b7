package ftpconn

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sftpc/sftpc/netio/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeServer is an FTP server that keeps files in memory and does what it is told
// to do wrong: a function in on takes a command's place.
type fakeServer struct {
	t        *testing.T
	listener net.Listener
	greeting string
	features []string
	on       map[string]func(c *fakeConn, argument string)

	start    sync.Once
	lock     sync.Mutex
	files    map[string][]byte
	dirs     map[string]bool
	commands []string
	conns    []io.Closer
	wait     sync.WaitGroup
}

type fakeConn struct {
	s       *fakeServer
	conn    net.Conn
	in      *bufio.Reader
	dir     string
	passive net.Listener
	active  string
	rest    int64
	from    string
}

// newFake makes a server that ends with the test. It serves from the first call of
// endpoint on; until then its fields may be changed.
func newFake(t *testing.T) *fakeServer { return newFakeOn(t, "127.0.0.1:0") }

func newFakeOn(t *testing.T, address string) *fakeServer {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("nothing can listen on %s here: %v", address, err)
	}
	s := &fakeServer{
		t: t, listener: listener, greeting: "220 fake",
		features: []string{"EPSV", "MLST type*;size*;modify*;", "MDTM", "MFMT", "SIZE", "UTF8", "REST STREAM"},
		on:       map[string]func(*fakeConn, string){},
		files:    map[string][]byte{}, dirs: map[string]bool{"/": true},
	}
	t.Cleanup(func() {
		listener.Close()
		s.lock.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.lock.Unlock()
		s.wait.Wait()
	})
	return s
}

func (s *fakeServer) track(c io.Closer) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.conns = append(s.conns, c)
}

func (s *fakeServer) serve() {
	defer s.wait.Done()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.track(conn)
		s.wait.Add(1)
		go func() {
			defer s.wait.Done()
			defer conn.Close()
			c := &fakeConn{s: s, conn: conn, in: bufio.NewReader(conn), dir: "/"}
			defer c.closePassive()
			c.run()
		}()
	}
}

// seen returns the commands so far, passwords left out.
func (s *fakeServer) seen() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return slices.Clone(s.commands)
}

func (s *fakeServer) count(verb string) int {
	n := 0
	for _, line := range s.seen() {
		if verbOf(line) == verb {
			n++
		}
	}
	return n
}

func (s *fakeServer) put(name string, data []byte) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.files[name] = data
}

// handle changes what a command does while the server runs.
func (s *fakeServer) handle(verb string, do func(*fakeConn, string)) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.on[verb] = do
}

func (s *fakeServer) get(name string) ([]byte, bool) {
	s.lock.Lock()
	defer s.lock.Unlock()
	data, ok := s.files[name]
	return data, ok
}

func (c *fakeConn) say(format string, args ...any) { fmt.Fprintf(c.conn, format+"\r\n", args...) }

func (c *fakeConn) run() {
	if c.s.greeting != "" {
		c.say("%s", c.s.greeting)
	}
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb := verbOf(line)
		_, argument, _ := strings.Cut(line, " ")
		c.s.lock.Lock()
		c.s.commands = append(c.s.commands, line)
		handler := c.s.on[verb]
		c.s.lock.Unlock()
		if verb == "QUIT" {
			c.say("221 bye")
			return
		}
		if handler != nil {
			handler(c, argument)
			continue
		}
		c.ordinary(verb, argument)
	}
}

func (c *fakeConn) name(argument string) string {
	if argument == "" {
		return c.dir
	}
	if !strings.HasPrefix(argument, "/") {
		argument = c.dir + "/" + argument
	}
	return path.Clean(argument)
}

func (c *fakeConn) ordinary(verb, argument string) {
	s, name := c.s, c.name(argument)
	switch verb {
	case "USER":
		c.say("331 password please")
	case "PASS":
		c.say("230 in")
	case "FEAT":
		c.say("211-Features:")
		for _, feature := range s.features {
			c.say(" %s", feature)
		}
		c.say("211 End")
	case "TYPE", "NOOP", "OPTS":
		c.say("200 ok")
	case "ABOR":
		c.say("226 nothing to abort")
	case "PWD":
		c.say(`257 "%s" is current`, strings.ReplaceAll(c.dir, `"`, `""`))
	case "CWD":
		if !s.dirs[name] {
			c.say("550 Failed to change directory.")
			return
		}
		c.dir = name
		c.say("250 ok")
	case "MKD":
		s.lock.Lock()
		s.dirs[name] = true
		s.lock.Unlock()
		c.say(`257 "%s" made`, name)
	case "DELE":
		if _, ok := s.get(name); !ok {
			c.say("550 Delete operation failed.")
			return
		}
		s.lock.Lock()
		delete(s.files, name)
		s.lock.Unlock()
		c.say("250 gone")
	case "RNFR":
		c.from = name
		c.say("350 go on")
	case "RNTO":
		data, _ := s.get(c.from)
		s.put(name, data)
		c.say("250 moved")
	case "SIZE":
		data, ok := s.get(name)
		if !ok {
			c.say("550 Could not get file size.")
			return
		}
		c.say("213 %d", len(data))
	case "MDTM":
		c.say("213 20260102030405.678")
	case "MFMT":
		c.say("213 Modify=20260102030405; %s", argument)
	case "MLST":
		c.mlst(name)
	case "EPSV":
		c.listen("127.0.0.1")
		c.say("229 Entering Extended Passive Mode (|||%s|)", portOf(c.passive.Addr().String()))
	case "PASV":
		c.listen("127.0.0.1")
		port, _ := strconv.Atoi(portOf(c.passive.Addr().String()))
		c.say("227 Entering Passive Mode (127,0,0,1,%d,%d).", port>>8, port&255)
	case "PORT":
		at, err := parsePassive(argument)
		if err != nil {
			c.say("501 bad address")
			return
		}
		c.active = at.String()
		c.say("200 PORT ok")
	case "EPRT":
		fields := strings.Split(argument, "|")
		c.active = net.JoinHostPort(fields[2], fields[3])
		c.say("200 EPRT ok")
	case "REST":
		c.rest, _ = strconv.ParseInt(argument, 10, 64)
		c.say("350 ok")
	case "RETR":
		data, ok := s.get(name)
		if !ok {
			c.say("550 Failed to open file.")
			return
		}
		data, c.rest = data[c.rest:], 0
		c.transfer(func(conn net.Conn) { conn.Write(data) })
	case "STOR", "APPE", "STOU":
		if verb == "STOU" {
			name = "/unique.1"
		}
		c.transfer(func(conn net.Conn) {
			data, err := io.ReadAll(conn)
			if err != nil {
				return
			}
			if old, _ := s.get(name); verb == "APPE" {
				data = append(slices.Clone(old), data...)
			}
			s.put(name, data)
		})
	case "MLSD", "LIST":
		if strings.HasPrefix(argument, "-") {
			name = c.dir
		}
		if verb == "MLSD" && !s.dirs[name] {
			c.closePassive()
			c.say("550 No such directory.")
			return
		}
		c.transfer(func(conn net.Conn) { c.list(conn, verb, name) })
	case "SITE":
		if verbOf(argument) != "CHMOD" {
			c.say("500 SITE %s is not known here", verbOf(argument))
			return
		}
		c.say("200 done")
	default:
		c.say("502 %s is not known here", verb)
	}
}

func (c *fakeConn) mlst(name string) {
	data, ok := c.s.get(name)
	switch {
	case c.s.dirs[name]:
		c.say("250-Listing\r\n type=dir;modify=20260102030405; %s\r\n250 End", name)
	case ok:
		c.say("250-Listing\r\n type=file;size=%d;modify=20260102030405; %s\r\n250 End", len(data), name)
	default:
		c.say("550 No such file or directory.")
	}
}

func (c *fakeConn) list(w io.Writer, verb, dir string) {
	c.s.lock.Lock()
	defer c.s.lock.Unlock()
	for name := range c.s.dirs {
		if path.Dir(name) == dir && name != dir {
			if verb == "MLSD" {
				fmt.Fprintf(w, "type=dir;modify=20260102030405; %s\r\n", path.Base(name))
			} else {
				fmt.Fprintf(w, "drwxr-xr-x 2 1 1 4096 Jan 02 2026 %s\r\n", path.Base(name))
			}
		}
	}
	for name, data := range c.s.files {
		if path.Dir(name) != dir {
			continue
		}
		if verb == "MLSD" {
			fmt.Fprintf(w, "type=file;size=%d;modify=20260102030405; %s\r\n", len(data), path.Base(name))
		} else {
			fmt.Fprintf(w, "-rw-r--r-- 1 1 1 %d Jan 02 2026 %s\r\n", len(data), path.Base(name))
		}
	}
}

func (c *fakeConn) listen(host string) {
	c.closePassive()
	address, _, _ := net.SplitHostPort(c.conn.LocalAddr().String())
	if host == "" {
		host = address
	} else if strings.Contains(address, ":") {
		host = address
	}
	c.passive, _ = net.Listen("tcp", net.JoinHostPort(host, "0"))
	c.s.track(c.passive)
	c.active = ""
}

func (c *fakeConn) closePassive() {
	if c.passive != nil {
		c.passive.Close()
		c.passive = nil
	}
}

// dataConn makes the data connection that was agreed on.
func (c *fakeConn) data() (net.Conn, error) {
	var conn net.Conn
	var err error
	if c.active != "" {
		conn, err = net.DialTimeout("tcp", c.active, time.Minute)
	} else if c.passive != nil {
		conn, err = c.passive.Accept()
		c.closePassive()
	} else {
		return nil, fmt.Errorf("no data connection was agreed on")
	}
	if err == nil {
		c.s.track(conn)
	}
	return conn, err
}

func (c *fakeConn) transfer(move func(net.Conn)) {
	conn, err := c.data()
	if err != nil {
		c.say("425 Failed to establish connection.")
		return
	}
	c.say("150 here it comes")
	move(conn)
	err = conn.Close()
	if err != nil {
		c.say("426 broken")
		return
	}
	c.say("226 done")
}

// wire collects what a session tells.
type wire struct {
	lock sync.Mutex
	all  []session.Wire
}

func (w *wire) observe(one session.Wire) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.all = append(w.all, one)
}

func (w *wire) of(kind session.WireKind) []session.Wire {
	w.lock.Lock()
	defer w.lock.Unlock()
	return slices.DeleteFunc(slices.Clone(w.all), func(one session.Wire) bool { return one.Kind != kind })
}

// patient are time-outs for tests in which none is to run out, on the slowest
// machine.
var patient = session.Timeouts{Connect: time.Minute, Reply: time.Minute, Idle: time.Minute}

func (s *fakeServer) endpoint() session.Endpoint {
	s.start.Do(func() {
		s.wait.Add(1)
		go s.serve()
	})
	return session.Endpoint{Host: "ftp.example", Address: s.listener.Addr().String(), User: "u", Password: "p"}
}

// connect logs in; the session is closed with the test.
func (s *fakeServer) connect(settings session.Settings) *Session {
	s.t.Helper()
	if settings.Timeouts == (session.Timeouts{}) {
		settings.Timeouts = patient
	}
	client, err := Dial(context.Background(), s.endpoint(), settings)
	if err != nil {
		s.t.Fatalf("connecting: %v", err)
	}
	s.t.Cleanup(func() { client.Close(context.Background()) })
	return client
}

// deadPort is a port of 127.0.0.1 that nobody listens on while the test runs: a
// connection of the test has it, so that the system gives it to no listener.
func deadPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	holder, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { holder.Close() })
	return portOf(holder.LocalAddr().String())
}

func wantCause(t *testing.T, err error, want session.Cause) *session.Error {
	t.Helper()
	if got := session.CauseOf(err); got != want {
		t.Fatalf("cause is %d, want %d: %v", got, want, err)
	}
	e, _ := err.(*session.Error)
	if e == nil {
		t.Fatalf("%T is not an *session.Error", err)
	}
	if e.Op == "" || e.Host == "" {
		t.Errorf("the error does not say what was done where: %+v", e)
	}
	return e
}

func temporary(t *testing.T, data []byte) *os.File {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := file.Write(data); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	return file
}
