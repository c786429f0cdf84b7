package rewrite_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/relay/rewrite"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what has to come; no test waits it out.
const patience = time.Minute

const text = "0123456789"

// behind starts a relay and returns where it listens.
func behind(t *testing.T, script string, options rewrite.Options) string {
	t.Helper()
	var err error
	if options.Faults, err = fault.Parse(script); err != nil {
		t.Fatal(err)
	}
	options.Log = func(line string) { t.Log(line) }
	r, err := rewrite.Listen(context.Background(), "127.0.0.1:0", options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r.Addr()
}

// client speaks raw FTP.
type client struct {
	*testing.T
	conn   net.Conn
	in     *bufio.Reader
	config *tls.Config // of FTPS
}

// login is a client of a server behind a relay. protect chooses how: "", "explicit" or
// "implicit", the latter two with data connections that must resume the session.
func login(t *testing.T, script, protect string) (c *client, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	options := server.Options{Dir: dir, Users: map[string]string{"joe": "secret"}, LoginDelay: -1, DataTimeout: patience}
	relayed := rewrite.Options{Implicit: protect == "implicit"}
	if protect != "" {
		options.TLS = &server.TLS{Implicit: protect == "implicit", Required: true, Reuse: server.ReuseSession}
		authority, err := server.NewAuthority(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if relayed.Certificate, err = authority.Issue(server.Certificate{}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := server.Listen(t.Context(), "127.0.0.1:0", options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	relayed.Server = s.Addr()
	conn, err := net.DialTimeout("tcp", behind(t, script, relayed), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	c = &client{T: t, conn: conn, in: bufio.NewReader(conn)}
	if protect != "" {
		c.config = &tls.Config{InsecureSkipVerify: true}
	}
	if protect == "implicit" {
		c.secure()
	}
	c.expect("220")
	if protect == "explicit" {
		c.want("AUTH TLS", "234")
		c.secure()
	}
	c.want("USER joe", "331")
	c.want("PASS secret", "230")
	c.want("TYPE I", "200")
	if protect != "" {
		c.want("PBSZ 0", "200")
		c.want("PROT P", "200")
	}
	return c, dir
}

func (c *client) secure() {
	c.Helper()
	conn := tls.Client(c.conn, c.config)
	if err := conn.Handshake(); err != nil {
		c.Fatal(err)
	}
	c.conn, c.in = conn, bufio.NewReader(conn)
}

// reply reads a reply, lines joined by LF; "" is the end of the connection.
func (c *client) reply() string {
	var lines []string
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return ""
		}
		line = strings.TrimRight(line, "\r\n")
		lines = append(lines, line)
		if len(line) > 3 && line[3] == ' ' && line[:3] == lines[0][:3] {
			return strings.Join(lines, "\n")
		}
	}
}

func (c *client) send(line string) { io.WriteString(c.conn, line+"\r\n") }

func (c *client) expect(prefix string) string {
	c.Helper()
	got := c.reply()
	if !strings.HasPrefix(got, prefix) || prefix == "" && got != "" {
		c.Fatalf("the reply is %q, want %q", got, prefix)
	}
	return got
}

func (c *client) want(line, prefix string) string {
	c.Helper()
	c.send(line)
	return c.expect(prefix)
}

// data opens a data connection by EPSV or PASV.
func (c *client) data(verb string) *net.TCPConn {
	c.Helper()
	var address string
	if verb == "EPSV" {
		var port int
		if _, err := fmt.Sscanf(strings.SplitN(c.want("EPSV", "229"), "(", 2)[1], "|||%d|", &port); err != nil {
			c.Fatal(err)
		}
		address = fmt.Sprintf("127.0.0.1:%d", port)
	} else {
		var h [4]int
		var high, low int
		if _, err := fmt.Sscanf(strings.SplitN(c.want("PASV", "227"), "(", 2)[1], "%d,%d,%d,%d,%d,%d", &h[0], &h[1], &h[2], &h[3], &high, &low); err != nil {
			c.Fatal(err)
		}
		address = fmt.Sprintf("%d.%d.%d.%d:%d", h[0], h[1], h[2], h[3], high<<8|low)
	}
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn)
}

// moved carries out a transfer command up to its last reply, and returns what came over
// the data connection and the two replies.
func (c *client) moved(line, payload string) (got, first, last string) {
	c.Helper()
	tcp := c.data([]string{"EPSV", "PASV"}[len(line)%2])
	c.send(line)
	first = c.reply()
	if first == "" || first[0] != '1' {
		tcp.Close()
		return "", first, ""
	}
	var conn interface {
		net.Conn
		CloseWrite() error
	} = tcp
	if c.config != nil {
		conn = tls.Client(tcp, c.config)
	}
	if strings.HasPrefix(line, "STOR") {
		io.WriteString(conn, payload)
		conn.CloseWrite()
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		all = append(all, " broken"...)
	}
	tcp.Close()
	return string(all), first, c.reply()
}

// What a script does to one command, and that the next one is served as if nothing had
// been.
func TestReplies(t *testing.T) {
	for _, protect := range []string{"", "explicit", "implicit"} {
		for _, c := range []struct {
			name, script, line string
			got, first, last   string
			stored             string // under the name new; "-" is none
		}{
			{"nothing", "", "RETR file", text, "150", "226", "-"},
			{"nothing, stored", "", "STOR new", "", "150", "226", "payload"},
			{"in place of the command", "on STOR 1: reply 425 No", "STOR new", "", "425 No", "", "-"},
			{"in place of the promise", "on RETR 1: preliminary 425 No", "RETR file", "", "425 No", "", "-"},
			{"in place of the end", "on STOR 1: final 552 Quota", "STOR new", "", "150", "552 Quota", "payload"},
			{"no data connection", "on RETR 1: refuse", "RETR file", "", "425", "", "-"},
			{"a cut", "on RETR 1: cut 4; final 426 Closed", "RETR file", " broken", "150", "426 Closed", "-"},
			{"another listing", `on MLSD 1: payload "type=file;size=1; a\r\n"`, "MLSD", "type=file;size=1; a\r\n", "150", "226", "-"},
		} {
			t.Run(protect+" "+c.name, func(t *testing.T) {
				s, dir := login(t, c.script, protect)
				got, first, last := s.moved(c.line, "payload")
				if c.name == "a cut" {
					got = strings.TrimPrefix(got, text[:4]) // which may have been lost with the rest
				}
				if got != c.got || !strings.HasPrefix(first, c.first) || !strings.HasPrefix(last, c.last) {
					t.Errorf("got %q, %q, %q", got, first, last)
				}
				s.want("NOOP", "200")
				stored, err := os.ReadFile(filepath.Join(dir, "new"))
				if err == nil && c.stored == "-" || err != nil && c.stored != "-" || err == nil && string(stored) != c.stored {
					t.Errorf("%q is stored: %v", stored, err)
				}
				if got, _, last := s.moved("RETR file", ""); got != text || !strings.HasPrefix(last, "226") {
					t.Errorf("the next time %q, %q", got, last)
				}
			})
		}
	}
}

func TestRepliesToQuestions(t *testing.T) {
	for _, c := range []struct{ script, line, want string }{
		{"on SIZE: size 400000", "SIZE file", "213 400000"},
		{"on MLST: size 400000", "MLST file", "250-"},
		{"on SIZE: reply 550 No; close", "SIZE file", "550 No"},
		{`on SIZE: raw "213-x\r\n213 5\r\n"`, "SIZE file", "213-x\n213 5"},
		{"on SIZE: close", "SIZE file", ""},
		{"on SIZE: final none; close", "SIZE file", ""},
		{"on SIZE: final 421 Going; reset", "SIZE file", "421 Going"},
	} {
		t.Run(c.script, func(t *testing.T) {
			s, _ := login(t, c.script, "")
			s.send(c.line)
			got := s.reply()
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("got %q", got)
			}
			if c.line == "MLST file" && !strings.Contains(strings.ToLower(got), "size=400000;") {
				t.Errorf("got %q", got)
			}
			if strings.Contains(c.script, "close") && s.reply() != "" {
				t.Error("the connection is still there")
			}
		})
	}
	t.Run("a listing's sizes", func(t *testing.T) {
		s, _ := login(t, "on MLSD: size 400000\non LIST: size 400000", "")
		for _, verb := range []string{"MLSD", "LIST"} {
			if got, _, _ := s.moved(verb, ""); !strings.Contains(got, "400000") || strings.Contains(got, "size=10;") {
				t.Errorf("%s: %q", verb, got)
			}
		}
	})
	t.Run("what never comes", func(t *testing.T) {
		s, _ := login(t, "on SIZE 1: silence\non MDTM 1: final none", "")
		s.send("SIZE file")
		s.send("MDTM file")
		s.want("NOOP", "200")
		s.want("SIZE file", "213 10")
	})
	t.Run("no TLS without a certificate", func(t *testing.T) {
		s, _ := login(t, "", "")
		s.want("AUTH TLS", "500")
	})
}

// files is an SFTP client of a server behind a relay.
func files(t *testing.T, script string) (*sftp.Client, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := sftpserver.Listen(t.Context(), "127.0.0.1:0", sftpserver.Options{Dir: dir, Users: map[string]string{"joe": "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	options := rewrite.Options{Server: s.Addr()}
	if options.HostKey, err = ssh.NewSignerFromKey(private); err != nil {
		t.Fatal(err)
	}
	address := behind(t, script, options)
	if _, err := ssh.Dial("tcp", address, &ssh.ClientConfig{User: "joe", Auth: []ssh.AuthMethod{ssh.Password("wrong")}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}); err == nil {
		t.Error("a wrong password opens it")
	}
	connection, err := ssh.Dial("tcp", address, &ssh.ClientConfig{User: "joe", Auth: []ssh.AuthMethod{ssh.Password("secret")}, HostKeyCallback: ssh.FixedHostKey(options.HostKey.PublicKey())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if got := string(connection.ServerVersion()); got != "SSH-2.0-sftpc" {
		t.Errorf("the server is called %s", got)
	}
	c, err := sftp.NewClient(connection)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, dir
}

func TestAnswersOfSFTP(t *testing.T) {
	const failure = `sftp: "no" (SSH_FX_FAILURE)`
	read := func(c *sftp.Client) (string, error) {
		f, err := c.Open("/file")
		if err != nil {
			return "", err
		}
		defer f.Close()
		all, err := io.ReadAll(f)
		return string(all), err
	}
	stat := func(c *sftp.Client) (string, error) {
		info, err := c.Stat("/file")
		if err != nil {
			return "", err
		}
		return fmt.Sprint(info.Size()), nil
	}
	list := func(c *sftp.Client) (string, error) {
		all, err := c.ReadDir("/")
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s %d", all[0].Name(), all[0].Size()), nil
	}
	rename := func(c *sftp.Client) (string, error) { return "", c.Rename("/file", "/moved") }
	for _, c := range []struct {
		name, script string
		do           func(*sftp.Client) (string, error)
		got          string
		failure      string
		moved        bool
	}{
		{"nothing", "", read, text, "", false},
		{"in place of a request", "on RENAME 1: reply 004 no", rename, "", failure, false},
		{"in place of an answer", "on RENAME 1: final 004 no", rename, "", failure, true},
		{"in place of an OPEN", "on OPEN 1: final 004 no", read, "", failure, false},
		{"a size", "on STAT 1: size 400000\non LSTAT: size 400000", stat, "400000", "", false},
		{"a size that was not asked", `on STAT 1: payload "7"`, stat, "7", "", false},
		{"sizes of a listing", "on READDIR 1: size 400000", list, "file 400000", "", false},
		{"an end", "on RENAME 1: close", rename, "", "connection lost", false},
		{"an end behind it", "on RENAME 1: final none; close", rename, "", "connection lost", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, dir := files(t, c.script)
			got, err := c.do(client)
			if got != c.got || c.failure == "" && err != nil || c.failure != "" && (err == nil || !strings.Contains(err.Error(), c.failure)) {
				t.Errorf("got %q, %v", got, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "moved")); (err == nil) != c.moved {
				t.Errorf("it was carried out: %t", err == nil)
			}
			if c.failure == "connection lost" || c.moved {
				return
			}
			if got, err := read(client); got != text || err != nil {
				t.Errorf("the next time %q, %v", got, err)
			}
		})
	}
	t.Run("an answer that never comes", func(t *testing.T) {
		client, dir := files(t, "on RENAME 1: final none\non STAT 1: silence")
		waited := make(chan error, 2)
		go func() { waited <- client.Rename("/file", "/moved") }()
		go func() { _, err := client.Stat("/moved"); waited <- err }()
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, "moved")); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("it was not carried out")
			}
		}
		if got, err := client.ReadDir("/"); err != nil || len(got) != 1 {
			t.Errorf("others are not answered: %v, %v", got, err)
		}
		client.Close()
		for range 2 {
			if err := <-waited; !errors.Is(err, sftp.ErrSSHFxConnectionLost) {
				t.Errorf("it ended with %v", err)
			}
		}
	})
}

// TestCut looks at what the server sees of a data connection that is cut: a reset, but an
// end in order where its own word for that is replaced.
func TestCut(t *testing.T) {
	for script, inOrder := range map[string]bool{"on STOR: cut 4": false, "on STOR: cut 4; final 426 Connection closed": true} {
		t.Run(script, func(t *testing.T) {
			control, data := listening(t), listening(t)
			ended := make(chan error, 1)
			go func() {
				conn, err := control.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				in := bufio.NewReader(conn)
				io.WriteString(conn, "220 here\r\n")
				in.ReadString('\n') // PASV
				port := data.Addr().(*net.TCPAddr).Port
				fmt.Fprintf(conn, "227 at (127,0,0,1,%d,%d)\r\n", port>>8, port&0xff)
				in.ReadString('\n') // STOR
				moved, err := data.Accept()
				if err != nil {
					return
				}
				defer moved.Close()
				io.WriteString(conn, "150 go on\r\n")
				_, err = io.Copy(io.Discard, moved)
				ended <- err
				io.WriteString(conn, "226 done\r\n")
				in.ReadString('\n')
			}()
			conn, err := net.DialTimeout("tcp", behind(t, script, rewrite.Options{Server: control.Addr().String()}), patience)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			c := &client{T: t, conn: conn, in: bufio.NewReader(conn)}
			c.expect("220")
			moving := c.data("PASV")
			defer moving.Close()
			c.want("STOR x", "150")
			io.WriteString(moving, text)
			if err := <-ended; (err == nil) != inOrder {
				t.Errorf("the server saw %v", err)
			}
		})
	}
}

// listening is a listener on this machine until the test ends.
func listening(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestNoServer(t *testing.T) {
	if _, err := rewrite.Listen(t.Context(), "127.0.0.1:0", rewrite.Options{}); err == nil {
		t.Error("a relay without a server was made")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	conn, err := net.Dial("tcp", behind(t, "", rewrite.Options{Server: l.Addr().String()}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
