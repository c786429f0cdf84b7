package sshlogin

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

func TestConnect_ByPassword(t *testing.T) {
	server := &sshServer{password: "correct horse"}
	client := connect(t, visit(server.start(t)), patient())
	if client.User() != "alice" {
		t.Errorf("logged in as %q", client.User())
	}
	if got, want := server.logins(), []string{"none", "password ok"}; !slices.Equal(got, want) {
		t.Errorf("logins %q, want %q", got, want)
	}
}

func TestConnect_ByKeyboardInteractive(t *testing.T) {
	ask := func(rounds ...[]string) func(*ssh.ServerConfig) {
		return func(config *ssh.ServerConfig) {
			config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
				for i, questions := range rounds {
					answers, err := challenge("", "", questions, make([]bool, len(questions)))
					if err != nil {
						return nil, err
					}
					if i == 0 && (len(answers) != 1 || answers[0] != "correct horse") {
						return nil, io.EOF
					}
				}
				return nil, nil
			}
		}
	}
	t.Run("one question", func(t *testing.T) {
		server := &sshServer{change: ask([]string{"Password: "})}
		connect(t, visit(server.start(t)), patient())
	})
	t.Run("a round without questions behind it", func(t *testing.T) {
		server := &sshServer{change: ask([]string{"Password: "}, nil)}
		connect(t, visit(server.start(t)), patient())
	})
	t.Run("a code is asked for too", func(t *testing.T) {
		server := &sshServer{change: ask([]string{"Password: "}, []string{"Verification code: "})}
		refuse(t, visit(server.start(t)), patient(), session.AccessRefused, `the server asks "Verification code: "`)
	})
}

// Servers count wrong passwords: one that was refused to a question for it is not given
// a second time. A question for something else leaves the password its chance.
func TestConnect_APasswordIsGivenOnce(t *testing.T) {
	for question, want := range map[string][]string{
		"Password: ":                 {"none", "keyboard-interactive"},
		"(alice@h) PASSWORD for NIS": {"none", "keyboard-interactive"},
		"Token: ":                    {"none", "keyboard-interactive", "password ok"},
	} {
		server := &sshServer{password: "correct horse", change: func(config *ssh.ServerConfig) {
			config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
				challenge("", "", []string{question}, []bool{false})
				return nil, io.EOF
			}
		}}
		client, err := Connect(t.Context(), visit(server.start(t)), patient())
		if err == nil {
			client.Close()
		}
		if got := server.logins(); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q (%v)", question, got, want, err)
		}
	}
}

func TestConnect_Refused(t *testing.T) {
	onlyKeys := &sshServer{keys: []ssh.PublicKey{keyPool.other.PublicKey()}}
	passwords := &sshServer{password: "another"}
	for name, c := range map[string]struct {
		server   *sshServer
		password string
		says     []string
	}{
		"wrong password":       {passwords, "correct horse", []string{"logging in to alice@files.example.com:", "the server refused password; it takes password"}},
		"nothing to give":      {passwords, "", []string{"we have nothing that the server takes: password", "SETKEYFILE"}},
		"takes keys only":      {onlyKeys, "correct horse", []string{"we have nothing that the server takes: publickey", "this server takes no passwords"}},
		"takes keys, has none": {onlyKeys, "", []string{"takes: publickey", "SETKEYFILE"}},
	} {
		t.Run(name, func(t *testing.T) {
			endpoint := visit(c.server.start(t))
			endpoint.Password = c.password
			refuse(t, endpoint, patient(), session.AccessRefused, c.says...)
		})
	}
}

func TestConnect_NoServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	refuse(t, visit(address), patient(), session.ConnectionRefused, "connecting to files.example.com:")
	refuse(t, visit("no-port"), patient(), session.BadArgument)
	if _, err := Connect(cut(), visit(address), patient()); session.CauseOf(err) != session.Cancelled {
		t.Errorf("cancelled: %v", err)
	}
}

// A server that accepts and says nothing held the library for as long as it liked.
func TestConnect_MuteServer(t *testing.T) {
	hold := func(conn net.Conn) { io.Copy(io.Discard, conn) }
	settings := session.Settings{Timeouts: session.Timeouts{Connect: time.Second, Reply: time.Minute}}
	t.Run("without a word", func(t *testing.T) {
		refuse(t, visit(listen(t, hold)), settings, session.ConnectTimeout, "no key exchange within 1s")
	})
	t.Run("after its version", func(t *testing.T) {
		address := listen(t, func(conn net.Conn) {
			io.WriteString(conn, "SSH-2.0-mute\r\n")
			hold(conn)
		})
		refuse(t, visit(address), settings, session.ConnectTimeout, "no key exchange within 1s")
	})
	t.Run("in the login", func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		server := &sshServer{change: func(config *ssh.ServerConfig) {
			config.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
				<-release
				return nil, io.EOF
			}
		}}
		slow := session.Settings{Timeouts: session.Timeouts{Connect: time.Minute, Reply: 200 * time.Millisecond}}
		refuse(t, visit(server.start(t)), slow, session.ReplyTimeout, "no answer to the login within 200ms")
	})
}

func TestConnect_NotSSH(t *testing.T) {
	speak := func(text string, stay bool) string {
		return listen(t, func(conn net.Conn) {
			io.WriteString(conn, text)
			if stay {
				io.Copy(io.Discard, conn)
			}
		})
	}
	settings := session.Settings{Timeouts: session.Timeouts{Connect: 2 * time.Second, Reply: time.Minute}}
	refuse(t, visit(speak("220 Welcome\x1b[2J to FTP\r\n", true)), settings, session.ProtocolError, `does not speak SSH, it says: "220 Welcome\x1b[2J to FTP"`)
	refuse(t, visit(speak("", false)), patient(), session.ConnectionLost)
	refuse(t, visit(speak("HTTP/1.1 400 Bad Request\r\n\r\n", false)), patient(), session.ProtocolError, "HTTP/1.1 400 Bad Request")
}

// RFC 4253, 4.2: a server may say something before its version.
func TestConnect_LinesBeforeTheVersion(t *testing.T) {
	for _, before := range []string{"Authorized users only.\r\n", "2 lines\r\n\r\n", strings.Repeat("x", 200) + "\r\n", "1234 is no reply\r\n"} {
		server := &sshServer{password: "correct horse"}
		behind := server.start(t)
		address := listen(t, func(conn net.Conn) {
			io.WriteString(conn, before)
			through, err := net.Dial("tcp", behind)
			if err != nil {
				return
			}
			defer through.Close()
			var both sync.WaitGroup
			both.Go(func() { io.Copy(through, conn); through.Close() })
			both.Go(func() { io.Copy(conn, through); conn.Close() })
			both.Wait()
		})
		connect(t, visit(address), patient()).Close()
	}
}

func TestConnect_Algorithms(t *testing.T) {
	old := &sshServer{password: "correct horse", change: func(config *ssh.ServerConfig) {
		config.KeyExchanges = []string{ssh.InsecureKeyExchangeDH14SHA1}
		config.Ciphers = []string{ssh.InsecureCipherAES128CBC}
	}}
	endpoint := visit(old.start(t))
	refuse(t, endpoint, patient(), session.ProtocolError, "no key exchange in common: the server offers diffie-hellman-group14-sha1", "SETALGORITHMS(LEGACY)")
	endpoint.LegacyAlgorithms = true
	connect(t, endpoint, patient())
}

func TestKeepAlive(t *testing.T) {
	t.Run("an answer is awaited before the next question", func(t *testing.T) {
		asked, enough := make(chan string), make(chan struct{})
		server := &sshServer{password: "correct horse", requests: func(requests <-chan *ssh.Request) {
			for r := range requests {
				select {
				case asked <- r.Type:
				case <-enough:
				}
				r.Reply(false, nil)
			}
		}}
		client := connect(t, visit(server.start(t)), patient())
		live := client.Conn.(*liveConn)
		live.watched.Go(func() { live.keepAlive(time.Millisecond, time.Minute) })
		for range 3 {
			if got := <-asked; got != "keepalive@openssh.com" {
				t.Errorf("asked %q", got)
			}
		}
		close(enough)
		client.Close()
	})
	t.Run("no answer ends the connection", func(t *testing.T) {
		server := &sshServer{password: "correct horse", requests: func(requests <-chan *ssh.Request) {
			for range requests {
			}
		}}
		client := connect(t, visit(server.start(t)), patient())
		live := client.Conn.(*liveConn)
		live.watched.Go(func() { live.keepAlive(time.Millisecond, 50*time.Millisecond) })
		client.Wait()
	})
}
