package ftpconn

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
	faulty "github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/session"
)

// secureServer is the embedded server under TLS, which lives as long as the test.
func secureServer(t *testing.T, options server.Options) (*server.Server, session.Endpoint) {
	t.Helper()
	if options.TLS == nil {
		options.TLS = &server.TLS{Reuse: server.ReuseSession}
	}
	if options.TLS.Names == nil {
		options.TLS.Names = []string{"embedded"}
	}
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	options.Users, options.SkipSync = map[string]string{"u": "p"}, true
	embedded, err := server.Listen(context.Background(), "127.0.0.1:0", options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { embedded.Close() })
	endpoint := session.Endpoint{Protocol: session.FTPSExplicit, Host: "embedded", Address: embedded.Addr(), User: "u", Password: "p",
		Trust: session.Trust{Authorities: embedded.Authority()}}
	if options.TLS.Implicit {
		endpoint.Protocol = session.FTPSImplicit
	}
	return embedded, endpoint
}

// dialSecure logs in; the session is closed with the test.
func dialSecure(t *testing.T, endpoint session.Endpoint, settings session.Settings) *Session {
	t.Helper()
	if settings.Timeouts == (session.Timeouts{}) {
		settings.Timeouts = patient
	}
	client, err := Dial(context.Background(), endpoint, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(context.Background()) })
	return client
}

func versions() map[string]uint16 {
	return map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}
}

// TestOwnServer_TLS runs the suite against a server that insists on resumed
// sessions, from the control connection's own ticket or from any.
func TestOwnServer_TLS(t *testing.T) {
	for name, version := range versions() {
		for _, implicit := range []bool{false, true} {
			for _, reuse := range []server.ReusePolicy{server.ReuseSession} {
				t.Run(fmt.Sprintf("%s/implicit=%v/reuse=%d", name, implicit, reuse), func(t *testing.T) {
					t.Parallel()
					_, endpoint := secureServer(t, server.Options{TLS: &server.TLS{Implicit: implicit, Reuse: reuse, Required: true}})
					endpoint.Protect = session.Protection{LeastTLS: version, MostTLS: version}
					conform(t, endpoint)
				})
			}
		}
	}
}

// A server that takes the control connection's own ticket only: the first refusal
// teaches that, and costs nothing but one round.
func TestResumption_ControlOnly(t *testing.T) {
	for name, version := range versions() {
		t.Run(name, func(t *testing.T) {
			_, endpoint := secureServer(t, server.Options{TLS: &server.TLS{Reuse: server.ReuseControl}})
			endpoint.Protect = session.Protection{LeastTLS: version, MostTLS: version}
			client := dialSecure(t, endpoint, session.Settings{})
			for i := range 4 {
				if _, err := client.List(context.Background(), ""); err != nil {
					t.Fatalf("listing %d: %v", i, err)
				}
				if _, err := client.Upload(context.Background(), "f", session.StoreReplace, strings.NewReader("x")); err != nil {
					t.Fatalf("upload %d: %v", i, err)
				}
			}
		})
	}
}

// A server that is never content: the error says that a new login may help, and
// the session does not pretend to be of use.
func TestResumption_Refused(t *testing.T) {
	for _, refusal := range []string{
		"425 TLS session of data connection not resumed",
		"425 Unable to build data connection: Operation not permitted",
		"522 SSL connection failed; session reuse required: see require_ssl_reuse option in vsftpd.conf man page",
		"450 TLS session of data connection has not resumed or the session does not match the control connection",
	} {
		t.Run(refusal[:3], func(t *testing.T) {
			_, endpoint := secureServer(t, server.Options{TLS: &server.TLS{Reuse: server.ReuseNever, RefusedReuse: refusal}})
			client := dialSecure(t, endpoint, session.Settings{})
			for range 2 {
				_, err := client.List(context.Background(), "")
				if session.CauseOf(err) == session.ConnectionLost {
					return
				}
				e := wantCause(t, err, session.TLSFailed)
				if e.Class != session.ClassTransient || !strings.Contains(e.Error(), "resume") || !strings.Contains(e.Hint, "login") {
					t.Errorf("%v (%s): %s", e, e.Class, e.Hint)
				}
			}
			t.Error("the session was not given up")
		})
	}
}

func TestProtection_Clear(t *testing.T) {
	_, endpoint := secureServer(t, server.Options{TLS: &server.TLS{Reuse: server.ReuseNever}})
	endpoint.Protect.ClearData = true
	client := dialSecure(t, endpoint, session.Settings{})
	if _, err := client.Upload(context.Background(), "f", session.StoreReplace, strings.NewReader("plain")); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := client.Download(context.Background(), "f", 0, &got); err != nil || got.String() != "plain" {
		t.Errorf("%q, %v", got.String(), err)
	}
}

// TestTLS_Login tells what may go wrong before a login. In none of these cases is
// the password sent.
func TestTLS_Login(t *testing.T) {
	tests := []struct {
		name     string
		tls      *server.TLS // nil: none
		faults   string
		protocol session.Protocol
		protect  session.Protection
		want     session.Cause
		says     string
	}{
		{name: "no TLS there", protocol: session.FTPSExplicit, want: session.TLSFailed, says: "502"},
		{name: "clear text on an implicit port", protocol: session.FTPSImplicit, want: session.TLSFailed, says: `"220 sftpc server ready"`},
		{name: "injection", tls: &server.TLS{}, faults: `on AUTH: raw "234 go\r\n331 who\r\n230 in\r\n"`, protocol: session.FTPSExplicit, want: session.TLSFailed, says: "in the clear follow"},
		{name: "AUTH refused twice", tls: &server.TLS{}, faults: "on AUTH: reply 534 not today", protocol: session.FTPSExplicit, want: session.TLSFailed, says: "534 not today"},
		{name: "AUTH accepted, but no TLS", tls: &server.TLS{}, faults: `on AUTH: reply 234 go`, protocol: session.FTPSExplicit, want: session.TLSFailed, says: "in the clear where TLS"},
		{name: "no common version", tls: &server.TLS{Least: tls.VersionTLS13}, protocol: session.FTPSExplicit, protect: session.Protection{MostTLS: tls.VersionTLS12}, want: session.TLSFailed, says: "version"},
		{name: "closed", tls: &server.TLS{}, faults: "on AUTH: close", protocol: session.FTPSExplicit, want: session.ConnectionLost},
		{name: "client certificate wanted", tls: &server.TLS{ClientRequired: true}, protocol: session.FTPSExplicit, want: session.TLSFailed, says: "certificate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log atomic.Value
			log.Store("")
			faults, err := faulty.Parse(test.faults)
			if err != nil {
				t.Fatal(err)
			}
			options := server.Options{Dir: t.TempDir(), Users: map[string]string{"u": "p"}, TLS: test.tls, Faults: faults,
				Log: func(line string) {
					if strings.Contains(line, "< PASS") {
						log.Store(line)
					}
				}}
			embedded, err := server.Listen(context.Background(), "127.0.0.1:0", options)
			if err != nil {
				t.Fatal(err)
			}
			defer embedded.Close()
			endpoint := session.Endpoint{Protocol: test.protocol, Host: "localhost", Address: embedded.Addr(), User: "u", Password: "p",
				Protect: test.protect, Trust: session.Trust{Authorities: embedded.Authority()}}
			_, err = Dial(context.Background(), endpoint, session.Settings{Timeouts: patient})
			if e := wantCause(t, err, test.want); !strings.Contains(e.Error(), test.says) {
				t.Errorf("the message %q does not say %q", e, test.says)
			}
			if line := log.Load(); line != "" {
				t.Errorf("the password was sent: %s", line)
			}
		})
	}
}

// TestTLS_Certificates tells certificates that are not believed, over the wire; what
// becomes of which is in netio/internal/trust. The password is not sent.
func TestTLS_Certificates(t *testing.T) {
	ours, err := server.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	issue := func(what server.Certificate) *tls.Certificate {
		t.Helper()
		certificate, err := ours.Issue(what)
		if err != nil {
			t.Fatal(err)
		}
		return certificate
	}
	names := []string{"embedded"}
	other := issue(server.Certificate{Names: names})
	tests := []struct {
		name        string
		certificate *tls.Certificate
		trust       session.Trust
		want        session.Cause
	}{
		{"good", other, session.Trust{Authorities: ours.PEM()}, session.CauseNone},
		{"expired", issue(server.Certificate{Names: names, From: time.Now().AddDate(0, 0, -1), Until: time.Now().Add(-time.Minute)}), session.Trust{Authorities: ours.PEM()}, session.CertificateExpired},
		{"self-signed", issue(server.Certificate{Names: names, SelfSigned: true}), session.Trust{Authorities: ours.PEM()}, session.CertificateUntrusted},
		{"wrong name", issue(server.Certificate{Names: []string{"other"}}), session.Trust{Authorities: ours.PEM()}, session.CertificateWrongName},
		{"wrong pin", issue(server.Certificate{Names: names}), session.Trust{Authorities: ours.PEM(), Certificates: []string{server.Pin(other)}}, session.PinMismatch},
		{"pinned", other, session.Trust{Certificates: []string{server.Pin(other)}}, session.CauseNone},
	}
	for _, test := range tests {
		for _, implicit := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/implicit=%v", test.name, implicit), func(t *testing.T) {
				var log atomic.Value
				log.Store("")
				_, endpoint := secureServer(t, server.Options{TLS: &server.TLS{Certificate: test.certificate, Implicit: implicit}, Log: func(line string) {
					if strings.Contains(line, "< USER") {
						log.Store(line)
					}
				}})
				endpoint.Trust = test.trust
				client, err := Dial(context.Background(), endpoint, session.Settings{Timeouts: patient})
				if err == nil {
					client.Close(context.Background())
				}
				if session.CauseOf(err) != test.want {
					t.Errorf("%v, want cause %d", err, test.want)
				}
				if sent := log.Load() != ""; sent != (test.want == session.CauseNone) {
					t.Errorf("the user was sent: %v", sent)
				}
			})
		}
	}
}

// What was given up is offered only where the script says so.
func TestTLS_LegacyAlgorithms(t *testing.T) {
	_, endpoint := secureServer(t, server.Options{TLS: &server.TLS{Least: tls.VersionTLS10, Most: tls.VersionTLS11, Reuse: server.ReuseSession}})
	_, err := Dial(context.Background(), endpoint, session.Settings{Timeouts: patient})
	if e := wantCause(t, err, session.TLSFailed); !strings.Contains(e.Hint, "SETALGORITHMS(LEGACY)") {
		t.Errorf("%v: %s", e, e.Hint)
	}
	endpoint.LegacyAlgorithms = true
	client := dialSecure(t, endpoint, session.Settings{})
	if _, err := client.Upload(context.Background(), "f", session.StoreReplace, strings.NewReader("old")); err != nil {
		t.Error(err)
	}
	if _, err := client.List(context.Background(), ""); err != nil {
		t.Error(err)
	}
}

// What a data connection shows must pass the same rule as the control connection:
// somebody else at the data port gets nothing, and the session goes on.
func TestTLS_DataCertificate(t *testing.T) {
	ours, err := server.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other, err := ours.Issue(server.Certificate{Names: []string{"embedded"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, version := range versions() {
		for _, active := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/active=%v", name, active), func(t *testing.T) {
				dir := t.TempDir()
				_, endpoint := secureServer(t, server.Options{Dir: dir, TLS: &server.TLS{DataCertificate: other}})
				endpoint.Protect.LeastTLS, endpoint.Protect.MostTLS = version, version
				client := dialSecure(t, endpoint, session.Settings{DataMode: func() session.DataMode { return session.DataMode{Active: active} }})
				_, err := client.List(context.Background(), "")
				wantCause(t, err, session.CertificateUntrusted)
				_, err = client.Upload(context.Background(), "secret", session.StoreReplace, strings.NewReader("for nobody else"))
				wantCause(t, err, session.CertificateUntrusted)
				if _, err := client.CurrentDir(context.Background()); err != nil {
					t.Errorf("the session afterwards: %v", err)
				}
				if data, _ := os.ReadFile(filepath.Join(dir, "secret")); len(data) > 0 {
					t.Errorf("the other server has got %q", data)
				}
			})
		}
	}
}

// A server that knows no PROT is believed to encrypt only where it does so
// without being asked.
func TestTLS_NoPROT(t *testing.T) {
	tests := []struct {
		name     string
		implicit bool
		faults   string
		clear    bool
		want     session.Cause
	}{
		{"explicit", false, "on PROT: reply 502 not here", false, session.TLSFailed},
		{"explicit, forbidden", false, "on PROT: reply 536 no", false, session.TLSFailed},
		{"implicit", true, "on PBSZ: reply 500 what\non PROT: reply 500 what", false, session.CauseNone},
		{"implicit, forbidden", true, "on PROT: reply 534 policy", false, session.TLSFailed},
		{"implicit, clear wanted", true, "on PROT: reply 500 what", true, session.TLSFailed},
		{"no PBSZ", false, "on PBSZ: reply 500 what", false, session.CauseNone},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			faults, err := faulty.Parse(test.faults)
			if err != nil {
				t.Fatal(err)
			}
			_, endpoint := secureServer(t, server.Options{Faults: faults, TLS: &server.TLS{Implicit: test.implicit}})
			endpoint.Protect.ClearData = test.clear
			client, err := Dial(context.Background(), endpoint, session.Settings{Timeouts: patient})
			if session.CauseOf(err) != test.want {
				t.Fatalf("%v, want cause %d", err, test.want)
			}
			if err != nil {
				return
			}
			defer client.Close(context.Background())
			if !test.implicit {
				return
			}
			if _, err := client.List(context.Background(), ""); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTLS_Faults breaks connections under TLS.
func TestTLS_Faults(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 4096)
	download := func(c *Session) error {
		n, err := c.Download(context.Background(), "f", 0, io.Discard)
		if err == nil {
			return fmt.Errorf("%d bytes passed for the file", n)
		}
		return err
	}
	upload := func(c *Session) error {
		_, err := c.Upload(context.Background(), "g", session.StoreReplace, io.LimitReader(endless{}, 64<<20))
		return err
	}
	small := func(c *Session) error {
		_, err := c.Upload(context.Background(), "g", session.StoreReplace, strings.NewReader("some"))
		return err
	}
	list := func(c *Session) error { _, err := c.List(context.Background(), ""); return err }
	pwd := func(c *Session) error { _, err := c.Raw(context.Background(), "NOOP"); return err }
	tests := []struct {
		name, faults string
		do           func(*Session) error
		want         session.Cause
		says         string
		alive        bool // the session goes on
	}{
		{"download reset", "on RETR: cut 1000", download, session.DataLost, "", true},
		{"download ends without the mark, 226", "on RETR: cut 1000 orderly; final 226 done", download, session.DataLost, "mark that TLS sets", true},
		{"download ends without the mark, 426", "on RETR: cut 1000 orderly", download, session.DataLost, "426", true},
		{"listing ends without the mark", "on MLSD: cut 10 orderly; final 226 done", list, session.DataLost, "mark that TLS sets", true},
		{"upload reset", "on STOR: cut 1000", upload, session.DataLost, "", true},
		{"upload handed over whole, and the end of its handshake lost", "on STOR: final 425 Cannot open data connection", small, session.DataLost, "425", true},
		{"control closed in a download", "on RETR: rate 20000; cut 1000; close", download, session.DataLost, "", false},
		{"control reset", "on NOOP: reset", pwd, session.ConnectionLost, "", false},
		{"data in the clear", `on RETR: clear-data`, download, session.TLSFailed, `in the clear where TLS is spoken: "0123456789`, true},
		{"clear text on the control connection", `on NOOP: clear "500 OOPS: child died\r\n"; close`, pwd, session.TLSFailed, `"500 OOPS: child died"`, false},
		{"other bytes on the control connection", `on NOOP: clear "\x80\x01\x02\x03\x04\x05\x06"; close`, pwd, session.TLSFailed, "no TLS", false},
		{"download stalls", "on RETR: stall 1000", download, session.DataTimeout, "", true},
		{"upload stalls", "on STOR: stall 1000", upload, session.DataTimeout, "", true},
	}
	for _, test := range tests {
		for name, version := range versions() {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				faults, err := faulty.Parse(test.faults)
				if err != nil {
					t.Fatal(err)
				}
				_, endpoint := secureServer(t, server.Options{Faults: faults})
				endpoint.Protect.LeastTLS, endpoint.Protect.MostTLS = version, version
				client := dialSecure(t, endpoint, session.Settings{})
				if _, err := client.Upload(context.Background(), "f", session.StoreAppend, strings.NewReader(content)); err != nil {
					t.Fatal(err)
				}
				hurry(client, test.want)
				err = test.do(client)
				if e := wantCause(t, err, test.want); !strings.Contains(e.Error(), test.says) {
					t.Errorf("the message %q does not say %q", e, test.says)
				}
				if len(faults.Unused()) > 0 {
					t.Error("the fault did not happen")
				}
				if _, err := client.CurrentDir(context.Background()); (err == nil) != test.alive {
					t.Errorf("the session afterwards: %v", err)
				}
			})
		}
	}
}

// An upload that is given up is no short file to any server.
func TestTLS_AbortedUpload(t *testing.T) {
	for name, version := range versions() {
		t.Run(name, func(t *testing.T) {
			var final atomic.Value
			final.Store("")
			_, endpoint := secureServer(t, server.Options{Log: func(line string) {
				if strings.Contains(line, "> 226 Transfer complete") || strings.Contains(line, "> 42") {
					final.CompareAndSwap("", line)
				}
			}})
			endpoint.Protect.LeastTLS, endpoint.Protect.MostTLS = version, version
			client := dialSecure(t, endpoint, session.Settings{})
			source := io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), failing{})
			_, err := client.Upload(context.Background(), "f", session.StoreReplace, source)
			wantCause(t, err, session.LocalFailure)
			if _, err := client.CurrentDir(context.Background()); err != nil {
				t.Fatal(err)
			}
			if line := final.Load().(string); !strings.Contains(line, "> 42") { // 425 where the reset overtook the handshake
				t.Errorf("the server said %q", line)
			}
		})
	}
}

// endless is more than any socket's buffer takes.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, fmt.Errorf("the disk is on fire") }
