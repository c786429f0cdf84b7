package sshconn

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	scripted "github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// No test may leave a goroutine behind: after Close nothing of a session is alive.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is an embedded server and a session with it.
type site struct {
	*testing.T
	*Session
	dir    string // the server's folder
	server *sftpserver.Server
	wire   *wireLog
}

type wireLog struct {
	sync.Mutex
	lines []string
}

func (w *wireLog) observe(e session.Wire) {
	w.Lock()
	defer w.Unlock()
	w.lines = append(w.lines, fmt.Sprintf("%s %s", [...]string{">", "<", "=", "!", "#"}[e.Kind], e.Text))
}

// patient are time-outs that no test is to meet.
func patient() session.Timeouts {
	return session.Timeouts{Connect: time.Minute, Reply: time.Minute, Idle: time.Minute}
}

// hasty are for a test that waits until one runs out. Only that one is short: the
// other would run out too where the machine stands still for a moment.
func hasty(cause session.Cause) session.Timeouts {
	timeouts := patient()
	if cause == session.DataTimeout {
		timeouts.Idle = time.Second
	} else {
		timeouts.Reply = 300 * time.Millisecond
	}
	return timeouts
}

type siteOptions struct {
	faults   string
	timeouts session.Timeouts
	features map[string]session.Feature
	limits   session.Limits
	server   sftpserver.Options
	// large lets the server say how long a request may be: from one that is near pieces
	// as long are asked for then, and which it is depends on how fast the machine is.
	large bool
}

func visit(t *testing.T, o siteOptions) *site {
	t.Helper()
	s := serve(t, o)
	client, err := s.dial(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Session = client
	return s
}

func serve(t *testing.T, o siteOptions) *site {
	t.Helper()
	s := &site{T: t, dir: t.TempDir(), wire: &wireLog{}}
	faults, err := scripted.Parse(o.faults)
	if err != nil {
		t.Fatal(err)
	}
	options := o.server
	options.Dir, options.Faults = s.dir, faults
	if !o.large {
		options.DisabledExtensions = append(slices.Clone(options.DisabledExtensions), "limits@openssh.com")
	}
	options.Users = map[string]string{"u": "p"}
	if s.server, err = sftpserver.Listen(context.Background(), "127.0.0.1:0", options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.Session != nil {
			s.Close(context.Background())
		}
		s.server.Close()
		if t.Failed() {
			for _, line := range s.wire.lines[max(0, len(s.wire.lines)-60):] {
				t.Log(line)
			}
		}
	})
	return s
}

func (s *site) endpoint() session.Endpoint {
	return session.Endpoint{Protocol: session.SFTP, Host: "embedded", Address: s.server.Addr(), User: "u", Password: "p",
		Trust: session.Trust{HostKeys: []string{s.server.Fingerprint()}}}
}

func (s *site) dial(o siteOptions) (*Session, error) {
	if o.timeouts == (session.Timeouts{}) {
		o.timeouts = patient()
	}
	return Dial(context.Background(), s.endpoint(), session.Settings{Timeouts: o.timeouts, Features: o.features, Limits: o.limits, Observe: s.wire.observe})
}

// far makes the server look far away until its answers show that it is not.
func (s *site) far() {
	s.Helper()
	_, err := s.CurrentDir(context.Background())
	s.must(err)
	s.roundTrip = 100 * time.Millisecond
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// fails insists on a cause.
func (s *site) fails(what string, err error, want session.Cause) {
	s.Helper()
	var e *session.Error
	if !errors.As(err, &e) || e.Cause != want {
		s.Errorf("%s: cause %d, want %d: %v", what, session.CauseOf(err), want, err)
	}
}

// noise is size bytes that never repeat.
func noise(size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size), byte(size >> 8)}).Read(b)
	return b
}

func (s *site) file(name string, data []byte) {
	s.Helper()
	s.must(os.WriteFile(filepath.Join(s.dir, name), data, 0o644))
}

func (s *site) read(name string) []byte {
	s.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	s.must(err)
	return data
}

// temporary is an open file that holds data.
func temporary(t *testing.T, data []byte) *os.File {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := file.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	return file
}

// progress is a FastFile that counts.
type progress struct {
	file  *os.File
	moved int64
}

func (p *progress) File() *os.File { return p.file }

func (p *progress) Moved(n int64) { p.moved += n }

func (p *progress) Read(b []byte) (int, error) { panic("the file is to be read itself") }

func (p *progress) Write(b []byte) (int, error) { panic("the file is to be written itself") }
