//go:build servers

package netio_test

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// cell is one square of the matrix: a server, how it is protected, by which
// version of TLS, and how data connections are made.
type cell struct {
	server   string
	protocol session.Protocol
	version  uint16 // 0 in the clear
	way      way
}

func (c cell) String() string {
	protected := map[session.Protocol]string{session.FTP: "plain", session.FTPSExplicit: "explicit", session.FTPSImplicit: "implicit"}
	text := c.server + "/" + protected[c.protocol]
	if c.version != 0 {
		text += "/" + strings.ReplaceAll(tls.VersionName(c.version), " ", "")
	}
	return text + "/" + c.way.command
}

// cells are all of them, those too that a server cannot offer.
func cells() []cell {
	var all []cell
	for _, server := range []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib"} {
		for _, protocol := range []session.Protocol{session.FTP, session.FTPSExplicit, session.FTPSImplicit} {
			versions := []uint16{tls.VersionTLS12, tls.VersionTLS13}
			if protocol == session.FTP {
				versions = []uint16{0}
			}
			for _, version := range versions {
				for _, way := range (rigServer{}).ways() {
					all = append(all, cell{server, protocol, version, way})
				}
			}
		}
	}
	return all
}

// notOffered says why a server has no such cell, "" where it has. What it must do
// instead is to refuse in one clean error, before a password is sent.
func (c cell) notOffered() string {
	switch {
	case c.protocol == session.FTPSImplicit && c.server == "pureftpd":
		return "Pure-FTPd has no port with TLS from the first byte on"
	case c.protocol == session.FTPSImplicit && c.server == "pyftpdlib":
		return "pyftpdlib has no port with TLS from the first byte on"
	case c.protocol == session.FTPSExplicit && !strings.Contains(os.Getenv("SFTPC_RIG_TLS"), c.server):
		return c.server + " has no library for TLS on this machine"
	}
	return ""
}

func (c cell) rig(t *testing.T) rigServer {
	port := "SFTPC_RIG_" + strings.ToUpper(c.server)
	if c.protocol == session.FTPSImplicit && c.notOffered() == "" {
		port += "_IMPLICIT"
	}
	r := rigServer{name: c.server, address: net.JoinHostPort(mustEnv(t, "SFTPC_RIG_HOST"), mustEnv(t, port)), protocol: c.protocol}
	r.protect = session.Protection{LeastTLS: c.version, MostTLS: c.version}
	return r
}

// TestServerMatrix does the whole work of a file's life in every cell.
func TestServerMatrix(t *testing.T) {
	var lock sync.Mutex
	ran := map[string]bool{}
	t.Run("cells", func(t *testing.T) {
		for _, c := range cells() {
			t.Run(c.String(), func(t *testing.T) {
				t.Parallel()
				if c.notOffered() != "" {
					c.refuses(t)
				} else {
					c.lifeOfFiles(t)
				}
				lock.Lock()
				ran[c.String()] = true
				lock.Unlock()
			})
		}
	})
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return // some cells were asked for
	}
	for _, c := range cells() {
		if !ran[c.String()] {
			t.Errorf("%s did not run to its end", c)
		} else if why := c.notOffered(); why != "" {
			t.Logf("%s: refused, for %s", c, why)
		}
	}
}

// refuses insists on one error that says what is wrong.
func (c cell) refuses(t *testing.T) {
	var sent []string
	settings := session.Settings{Timeouts: session.Timeouts{Connect: time.Minute}, Observe: func(w session.Wire) {
		if w.Kind == session.WireCommand {
			sent = append(sent, w.Text)
		}
	}}
	s, err := netio.Dial(t.Context(), c.rig(t).endpoint(t), settings)
	if err == nil {
		s.Close(t.Context())
		t.Fatalf("it is offered after all; the table says: %s", c.notOffered())
	}
	var e *session.Error
	if !errors.As(err, &e) || e.Cause != session.TLSFailed || e.Hint == "" {
		t.Errorf("%v, want TLSFailed with a hint", err)
	}
	for _, line := range sent {
		if !strings.HasPrefix(line, "AUTH ") {
			t.Errorf("%s was sent", line)
		}
	}
}

func (c cell) lifeOfFiles(t *testing.T) {
	v := c.rig(t).visit(t)
	ctx := t.Context()
	v.take(c.way)
	for _, size := range []int64{0, 1, 43_277, 8 << 20} {
		v.roundTrip(size)
		v.came(c.way)
	}
	if names := v.names(""); fmt.Sprint(names) != "[file-0 file-1 file-43277 file-8388608]" {
		t.Errorf("the listing holds %q", names)
	}

	// Cut at a random byte, both ways, and gone on with.
	const size = 1_500_000
	at := 1 + rand.Int64N(size-1)
	rest := func(from int64) io.Reader {
		r := contents(size)
		if _, err := io.CopyN(io.Discard, r, from); err != nil {
			t.Fatal(err)
		}
		return r
	}
	_, err := v.Upload(ctx, "cut", session.StoreReplace, &stopper{Reader: contents(size), left: int(at)})
	if !errors.Is(err, errEnough) {
		t.Fatalf("an upload cut at %d: %v", at, err)
	}
	var arrived int64
	switch e, err := v.Stat(ctx, "cut"); {
	case err == nil:
		arrived = e.Size
	case session.CauseOf(err) != session.NoSuchRemoteFile:
		t.Fatal(err)
	}
	if arrived >= size {
		t.Fatalf("an upload cut at %d has %d bytes", at, arrived)
	}
	if n, err := v.UploadFrom(ctx, "cut", arrived, rest(arrived)); err != nil || n != size-arrived {
		t.Fatalf("resuming an upload at %d: %d, %v", arrived, n, err)
	}
	if _, err := v.Download(ctx, "cut", 0, &stopper{left: int(at)}); !errors.Is(err, errEnough) {
		t.Fatalf("a download cut at %d: %v", at, err)
	}
	check := &comparer{want: rest(at)}
	if n, err := v.Download(ctx, "cut", at, check); err != nil || n != size-at {
		t.Fatalf("resuming a download at %d: %d, %v", at, n, err)
	}

	// Overwritten by less, renamed, dated, removed; odd names.
	for _, name := range []string{"file-43277", "with some spaces.txt", "Grüße-日本.txt"} {
		v.put(name, "longer than what comes")
		v.put(name, "short")
		if got := v.get(name); got != "short" {
			t.Errorf("%q holds %q", name, got)
		}
		v.must(v.Rename(ctx, name, "renamed "+name))
		v.must(v.Rename(ctx, "renamed "+name, name))
		when := time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
		if err := v.SetModTime(ctx, name, when); err != nil && session.CauseOf(err) != session.NotSupported {
			t.Errorf("dating %q: %v", name, err)
		} else if e, statErr := v.Stat(ctx, name); statErr != nil || err == nil && !e.Time.Equal(when) {
			t.Errorf("%q is of %s, %v", name, e.Time, statErr)
		}
		v.must(v.Remove(ctx, name))
		if _, err := v.Stat(ctx, name); session.CauseOf(err) != session.NoSuchRemoteFile {
			t.Errorf("%q after its removal: %v", name, err)
		}
	}
	v.came(c.way)
}

// Three sessions of one host at a time, each in both modes: no ticket of one is
// offered by another.
func TestServerThreeAtOnce(t *testing.T) {
	for _, server := range strings.Fields(mustEnv(t, "SFTPC_RIG_TLS")) {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			for i := range 3 {
				t.Run(fmt.Sprint(i), func(t *testing.T) {
					t.Parallel()
					r := cell{server: server, protocol: session.FTPSExplicit}.rig(t)
					v := r.visit(t)
					for range 4 {
						for _, w := range r.ways() {
							v.take(w)
							v.roundTrip(200_000 + int64(i))
							v.names("")
						}
					}
				})
			}
		})
	}
}

// Uploads over TLS 1.3 are whole: the tickets that the server sends after the
// handshake, if they lay unread when we close, would reset the connection and take
// the end of the file along.
func TestServerTwoHundredUploads(t *testing.T) {
	const uploads, size = 200, 300_000
	v := cell{server: "vsftpd", protocol: session.FTPSExplicit, version: tls.VersionTLS13}.rig(t).visit(t)
	for i := range uploads {
		v.mode.Active = i%2 == 1
		if n, err := v.Upload(t.Context(), fmt.Sprintf("upload-%03d", i), session.StoreReplace, contents(size)); err != nil || n != size {
			t.Fatalf("upload %d: %d, %v", i, n, err)
		}
	}
	listing, err := v.List(t.Context(), "")
	v.must(err)
	whole := 0
	for _, e := range listing.Entries {
		if e.Size == size {
			whole++
		}
	}
	if whole != uploads {
		t.Errorf("%d of %d files are whole", whole, uploads)
	}
	for i := 0; i < uploads; i += 20 {
		check := &comparer{want: contents(size)}
		if n, err := v.Download(t.Context(), fmt.Sprintf("upload-%03d", i), 0, check); err != nil || n != size {
			t.Errorf("upload %d: %d, %v", i, n, err)
		}
	}
}
