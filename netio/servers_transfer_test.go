//go:build servers

package netio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

// contents are size bytes that depend on the size and never repeat; two readers
// of them bring the same.
func contents(size int64) io.Reader {
	var seed [32]byte
	copy(seed[:], fmt.Sprint("contents of ", size))
	return io.LimitReader(rand.NewChaCha8(seed), size)
}

// comparer is a writer that compares with contents as the bytes come, so that no
// test holds a large file.
type comparer struct {
	want   io.Reader
	buffer [64 << 10]byte
	passed int64
	wrong  bool
}

func (c *comparer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n, _ := io.ReadFull(c.want, c.buffer[:min(len(rest), len(c.buffer))])
		if n == 0 {
			return 0, fmt.Errorf("more than %d bytes came", c.passed)
		}
		if !bytes.Equal(rest[:n], c.buffer[:n]) {
			c.wrong = true
			return 0, fmt.Errorf("the bytes behind %d are not what was sent", c.passed)
		}
		c.passed += int64(n)
		rest = rest[n:]
	}
	return len(p), nil
}

// roundTrip sends a file of the size and brings it back.
func (v *visit) roundTrip(size int64) {
	v.t.Helper()
	ctx := v.t.Context()
	name := fmt.Sprintf("file-%d", size)
	n, err := v.Upload(ctx, name, session.StoreReplace, contents(size))
	if err != nil || n != size {
		v.t.Fatalf("uploading %d bytes: %d, %v", size, n, err)
	}
	e, err := v.Stat(ctx, name)
	if err != nil || e.Size != size {
		v.t.Fatalf("%d bytes have become %d, %v", size, e.Size, err)
	}
	check := &comparer{want: contents(size)}
	if n, err = v.Download(ctx, name, 0, check); err != nil || n != size || check.passed != size {
		v.t.Fatalf("downloading %d bytes: %d, %v", size, n, err)
	}
}

func TestServerEveryDataMode(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server rigServer) {
		for _, w := range server.ways() {
			t.Run(w.command, func(t *testing.T) {
				v := server.visit(t)
				v.take(w)
				for _, size := range []int64{0, 1, 4096} {
					v.roundTrip(size)
					v.came(w)
				}
				if got := v.names(""); !slices.Equal(got, []string{"file-0", "file-1", "file-4096"}) {
					t.Errorf("listed: %q", got)
				}
				for _, data := range v.data {
					if data.Command != w.command {
						t.Errorf("a data connection was made by %s, want %s", data.Command, w.command)
					}
					if _, port, _ := net.SplitHostPort(data.Listen); w.active && (port == "" || len(port) < 4) {
						t.Errorf("active mode listened at %q, want a port above 1023", data.Listen)
					}
				}
			})
		}
	})
}

// One passive and one active way over IPv4, one more over IPv6: that both
// directions are in each is enough of what takes seconds.
func TestServerLargeFiles(t *testing.T) {
	const size = 300_000_000
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		large := []string{"EPSV", "PORT"}
		if server.sixth {
			large = []string{"EPRT"}
		}
		for _, w := range server.ways() {
			if !slices.Contains(large, w.command) {
				continue
			}
			v.take(w)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			v.roundTrip(size)
			runtime.ReadMemStats(&after)
			v.came(w)
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 32<<20 {
				t.Errorf("%s: %d bytes were allocated to move a file twice", w.command, allocated)
			}
		}
	})
}

func TestServerSwitchingInMidSession(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		ways := server.ways()
		for i := range 12 {
			w := ways[(i*3+i/4)%len(ways)] // every way follows every other at some time
			v.take(w)
			text := fmt.Sprint("round ", i)
			v.put("file", text)
			v.came(w)
			w = ways[(i+i/3)%len(ways)]
			v.take(w)
			if got := v.get("file"); got != text {
				t.Errorf("%s brought %q, want %q", w.command, got, text)
			}
			v.came(w)
		}
	})
}

func TestServerResumeAppendAndUnique(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		ctx := t.Context()
		for _, w := range server.ways() {
			v.take(w)
			v.put("file", "0123456789")
			var tail bytes.Buffer
			if n, err := v.Download(ctx, "file", 4, &tail); err != nil || n != 6 || tail.String() != "456789" {
				t.Errorf("%s: from 4 on: %d bytes %q, %v", w.command, n, tail.String(), err)
			}
			if n, err := v.Upload(ctx, "file", session.StoreAppend, strings.NewReader("abc")); err != nil || n != 3 {
				t.Errorf("%s: appending: %d, %v", w.command, n, err)
			}
			if n, err := v.Upload(ctx, "file", session.StoreAppend, strings.NewReader("")); err != nil || n != 0 {
				t.Errorf("%s: appending nothing: %d, %v", w.command, n, err)
			}
			if got := v.get("file"); got != "0123456789abc" {
				t.Errorf("%s: the file holds %q", w.command, got)
			}
		}
		before := len(v.names(""))
		if _, err := v.Upload(ctx, "", session.StoreUnique, strings.NewReader("x")); session.CauseOf(err) == session.NotSupported {
			t.Logf("%s has no STOU", server.name)
		} else if err != nil {
			t.Errorf("STOU: %v", err)
		} else if after := len(v.names("")); after != before+1 {
			t.Errorf("STOU: %d names before, %d after", before, after)
		}
	})
}

func TestServerASCII(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		ctx := t.Context()
		v.must(v.SetType(ctx, session.TypeASCII))
		v.put("text", "one\ntwo\n")
		if got := v.get("text"); got != "one\ntwo\n" {
			t.Errorf("in lines: %q", got)
		}
		v.must(v.SetType(ctx, session.TypeBinary))
		if got := v.get("text"); got != "one\ntwo\n" {
			t.Errorf("on the server's disk: %q", got)
		}
	})
}

var errEnough = errors.New("enough of it")

// stopper ends the transfer after some bytes: by its context, or by an error of
// its own.
type stopper struct {
	io.Reader
	left   int
	cancel context.CancelFunc
}

func (s *stopper) spend(n int) error {
	if s.left -= n; s.left > 0 {
		return nil
	}
	if s.cancel == nil {
		return errEnough
	}
	s.cancel()
	return nil
}

func (s *stopper) Write(p []byte) (int, error) { return len(p), s.spend(len(p)) }

func (s *stopper) Read(p []byte) (int, error) {
	if err := s.spend(len(p)); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// A transfer that was given up leaves a session that does everything, and no
// server takes a cut upload for a whole one.
func TestServerAbortedTransfers(t *testing.T) {
	const size, enough = 200_000_000, 1_000_000
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		n, err := v.Upload(t.Context(), "large", session.StoreReplace, contents(size))
		if err != nil || n != size {
			t.Fatalf("uploading: %d, %v", n, err)
		}
		for _, w := range server.ways() {
			t.Run(w.command, func(t *testing.T) {
				outer := v.t
				v.t = t
				defer func() { v.t = outer }()
				v.take(w)
				for _, how := range []string{"context", "error"} {
					begin := func() (context.Context, *stopper) {
						ctx, cancel := context.WithCancel(t.Context())
						t.Cleanup(cancel)
						s := &stopper{Reader: contents(size), left: enough}
						if how == "context" {
							s.cancel = cancel
						}
						return ctx, s
					}
					ctx, stop := begin()
					n, err := v.Download(ctx, "large", 0, stop)
					v.wasCut("downloading, ended by "+how, n, size, err, how)
					v.usable(w)

					ctx, stop = begin()
					n, err = v.Upload(ctx, "cut", session.StoreReplace, stop)
					v.wasCut("uploading, ended by "+how, n, size, err, how)
					v.usable(w)
				}
			})
		}
	})
}

func (v *visit) wasCut(what string, n, size int64, err error, how string) {
	v.t.Helper()
	if err == nil || n >= size {
		v.t.Fatalf("%s: %d of %d bytes, %v", what, n, size, err)
	}
	if how == "error" && !errors.Is(err, errEnough) {
		v.t.Errorf("%s: %v, want it to wrap the error that ended it", what, err)
	}
	if how == "context" {
		v.fails(what, err, session.Cancelled)
	}
}

// Files and directories that are not there: the refusal is told and the session
// goes on, whichever way the data would have taken.
func TestServerRefusedTransfers(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		ctx := t.Context()
		for _, w := range server.ways() {
			v.take(w)
			n, err := v.Download(ctx, "none", 0, io.Discard)
			if n != 0 {
				t.Errorf("%d bytes of nothing", n)
			}
			v.fails(w.command+": a file that is not there", err, session.NoSuchRemoteFile, 550)
			if _, err = v.Upload(ctx, "no/where", session.StoreReplace, strings.NewReader("x")); err == nil {
				t.Errorf("%s: storing into a directory that is not there succeeds", w.command)
			}
			if _, err = v.List(ctx, "none"); err == nil {
				t.Logf("%s lists a directory that is not there as empty", server.name)
			}
			v.usable(w)
		}
	})
}

// An address that is not ours: every server refuses to connect to third parties,
// and the session goes on in passive and in active mode.
func TestServerRefusesForeignAddress(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		foreign := netip.MustParseAddr("192.0.2.1")
		if server.sixth {
			foreign = netip.MustParseAddr("2001:db8::1")
		}
		for _, w := range server.ways() {
			if !w.active {
				continue
			}
			v.take(w)
			v.mode.Announce = foreign
			_, err := v.Upload(t.Context(), "file", session.StoreReplace, strings.NewReader("x"))
			v.fails(w.command+" to another host", err, session.ActiveDataFailed, 425, 500, 501)
			v.mode.Announce = netip.Addr{}
			for _, next := range server.ways() {
				// Over IPv4 a session that had EPRT refused once keeps to PORT.
				if server.sixth || next.command != "EPRT" {
					v.usable(next)
				}
			}
		}
	})
}

// misdirected changes the port that PORT and EPRT name into one where nobody
// listens, behind the client's back: as a firewall would look like.
type misdirected struct {
	*net.TCPConn
	port int
}

func (m *misdirected) Write(p []byte) (int, error) {
	line := string(p)
	line = regexp.MustCompile(`^(PORT (?:\d+,){4})\d+,\d+`).ReplaceAllString(line, fmt.Sprintf("${1}%d,%d", m.port>>8, m.port&255))
	line = regexp.MustCompile(`^(EPRT \|\d\|[^|]*\|)\d+`).ReplaceAllString(line, fmt.Sprintf("${1}%d", m.port))
	if _, err := m.TCPConn.Write([]byte(line)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// silentPort is a port that refuses connections until the test ends: it is bound,
// so that no other test gets it, and nobody listens.
func silentPort(t *testing.T) int {
	t.Helper()
	family, address := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{}) // of both kinds
	if os.Getenv("SFTPC_RIG_HOST6") == "" {
		family, address = syscall.AF_INET, &syscall.SockaddrInet4{}
	}
	socket, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(socket) })
	if err := syscall.Bind(socket, address); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	if six, ok := bound.(*syscall.SockaddrInet6); ok {
		return six.Port
	}
	return bound.(*syscall.SockaddrInet4).Port
}

// A port that the server cannot reach: its 425 becomes the cause, and the session
// goes on the other way.
func TestServerCannotConnectBack(t *testing.T) {
	port := silentPort(t)
	onEveryServer(t, func(t *testing.T, server rigServer) {
		first := true
		v := server.visit(t, func(s *session.Settings) {
			s.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				if err != nil || !first {
					return conn, err
				}
				first = false // the control connection
				return &misdirected{conn.(*net.TCPConn), port}, nil
			}
		})
		for _, w := range server.ways() {
			if !w.active {
				continue
			}
			v.take(w)
			_, err := v.Upload(t.Context(), "file", session.StoreReplace, strings.NewReader("x"))
			v.fails(w.command+" to a closed port", err, session.ActiveDataFailed, 425)
			_, err = v.List(t.Context(), "")
			v.fails(w.command+" to a closed port", err, session.ActiveDataFailed, 425)
			for _, next := range server.ways() {
				if !next.active {
					v.usable(next)
				}
			}
		}
	})
}
