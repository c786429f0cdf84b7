package trust_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/internal/trust"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/session"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// judge makes ready for a server.
func judge(rule session.Trust, host, address string) (*trust.Certificates, error) {
	return trust.NewCertificates(session.Endpoint{Trust: rule, Host: host, Address: address})
}

func authority(t *testing.T) *server.Authority {
	t.Helper()
	a, err := server.NewAuthority(now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// shown is what a server shows, and its pin.
func shown(t *testing.T, a *server.Authority, what server.Certificate) (tls.ConnectionState, string) {
	t.Helper()
	if what.From.IsZero() {
		what.From = now.Add(-time.Hour)
	}
	if what.Names == nil {
		what.Names = []string{"ftp.example.com", "192.0.2.7"}
	}
	certificate, err := a.Issue(what)
	if err != nil {
		t.Fatal(err)
	}
	return tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate.Leaf}}, server.Pin(certificate)
}

// hexPin is the pin as other programs show it, in hexadecimal.
func hexPin(t *testing.T, state tls.ConnectionState, with string) string {
	t.Helper()
	pin, err := trust.ParseCertificatePin(trust.CertificateFingerprint(state.PeerCertificates[0]))
	if err != nil {
		t.Fatal(err)
	}
	var bytes []string
	for _, b := range pin {
		bytes = append(bytes, fmt.Sprintf("%02X", b))
	}
	return "SHA256:" + strings.Join(bytes, with)
}

func TestCertificates_Verify(t *testing.T) {
	ours, other := authority(t), authority(t)
	good, pin := shown(t, ours, server.Certificate{})
	_, otherPin := shown(t, ours, server.Certificate{})
	expired, _ := shown(t, ours, server.Certificate{From: now.AddDate(-2, 0, 0), Until: now.AddDate(-1, 0, 0)})
	early, _ := shown(t, ours, server.Certificate{From: now.AddDate(0, 1, 0)})
	selfSigned, selfPin := shown(t, ours, server.Certificate{SelfSigned: true})
	unknown, _ := shown(t, other, server.Certificate{})
	wrong, _ := shown(t, ours, server.Certificate{Names: []string{"www.example.com"}})
	all := session.Trust{Authorities: ours.PEM()}
	with := func(change func(*session.Trust)) session.Trust {
		copied := all
		change(&copied)
		return copied
	}
	tests := []struct {
		name  string
		rule  session.Trust
		host  string
		state tls.ConnectionState
		want  session.Cause
		says  []string
	}{
		{"good", all, "ftp.example.com", good, 0, nil},
		{"good, in capitals with a last dot", all, "FTP.Example.com.", good, 0, nil},
		{"good by address", all, "192.0.2.7", good, 0, nil},
		{"expired", all, "ftp.example.com", expired, session.CertificateExpired, []string{"has expired", "2024-11-24 to 2025-11-24"}},
		{"not valid yet", all, "ftp.example.com", early, session.CertificateExpired, []string{"not valid yet"}},
		{"self-signed", all, "ftp.example.com", selfSigned, session.CertificateUntrusted, []string{"signed by itself", selfPin, `SETCERTIFICATE("` + selfPin + `")`}},
		{"unknown authority", all, "ftp.example.com", unknown, session.CertificateUntrusted, []string{"not vouched for", `issued by "CN=sftpc authority for tests"`}},
		{"wrong name", all, "ftp.example.com", wrong, session.CertificateWrongName, []string{`not for ftp.example.com but for "www.example.com"`}},
		{"no certificate", all, "ftp.example.com", tls.ConnectionState{}, session.TLSFailed, nil},
		{"pinned", with(func(r *session.Trust) { r.Certificates = []string{selfPin} }), "ftp.example.com", selfSigned, 0, nil},
		{"one of two pins", with(func(r *session.Trust) { r.Certificates = []string{otherPin, selfPin} }), "ftp.example.com", selfSigned, 0, nil},
		{"pinned in hexadecimal", with(func(r *session.Trust) { r.Certificates = []string{hexPin(t, good, ":")} }), "ftp.example.com", good, 0, nil},
		{"pinned in hexadecimal without colons", with(func(r *session.Trust) { r.Certificates = []string{hexPin(t, good, "")} }), "ftp.example.com", good, 0, nil},
		{"pinned under another name, expired", with(func(r *session.Trust) {
			r.Certificates = []string{trust.CertificateFingerprint(expired.PeerCertificates[0])}
		}), "x", expired, 0, nil},
		{"wrong pin, though it verifies", with(func(r *session.Trust) { r.Certificates = []string{otherPin} }), "ftp.example.com", good, session.PinMismatch, []string{pin, otherPin, "in between"}},
		{"wrong pin under ANY", with(func(r *session.Trust) { r.Certificates = []string{otherPin}; r.Level = session.TrustAny }), "ftp.example.com", good, session.PinMismatch, nil},
		{"ANY", with(func(r *session.Trust) { r.Level = session.TrustAny }), "ftp.example.com", selfSigned, 0, nil},
		{"NEW without a record", with(func(r *session.Trust) { r.Level = session.TrustNew }), "ftp.example.com", selfSigned, session.CertificateUntrusted, []string{"no file"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.rule.Now = func() time.Time { return now }
			c, err := judge(test.rule, test.host, "127.0.0.1:21")
			if err != nil {
				t.Fatal(err)
			}
			err = c.Verify(test.state)
			if session.CauseOf(err) != test.want {
				t.Fatalf("%v, want cause %d", err, test.want)
			}
			text := fmt.Sprint(err)
			if e, ok := err.(*session.Error); ok {
				text += "\n" + e.Hint
			}
			for _, says := range test.says {
				if !strings.Contains(text, says) {
					t.Errorf("%s\ndoes not say %q", text, says)
				}
			}
		})
	}
}

func TestNewCertificates_Refuses(t *testing.T) {
	for name, rule := range map[string]session.Trust{
		"no prefix":   {Certificates: []string{"abc"}},
		"too short":   {Certificates: []string{"SHA256:abcd"}},
		"no base64":   {Certificates: []string{"SHA256:" + strings.Repeat("?", 43)}},
		"authorities": {Authorities: []byte("hello")},
	} {
		if _, err := judge(rule, "h", "h:21"); session.CauseOf(err) != session.BadArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A certificate is recorded at first contact, and then nothing else is taken, on
// data connections and in later runs.
func TestCertificates_Record(t *testing.T) {
	a := authority(t)
	first, pin := shown(t, a, server.Certificate{SelfSigned: true})
	second, _ := shown(t, a, server.Certificate{SelfSigned: true})
	file := filepath.Join(t.TempDir(), "new", "certificates")
	var notices []string
	rule := session.Trust{Level: session.TrustNew, Authorities: a.PEM(), KnownCertificates: file,
		Now: func() time.Time { return now }, Notice: func(text string) { notices = append(notices, text) }}
	open := func(level session.TrustLevel) *trust.Certificates {
		t.Helper()
		rule.Level = level
		c, err := judge(rule, "ftp.example.com", "127.0.0.1:2121")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open(session.TrustNew)
	if err := c.Verify(first); err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(first); err != nil {
		t.Errorf("the data connection: %v", err)
	}
	if err := c.Verify(second); session.CauseOf(err) != session.CertificateChanged {
		t.Errorf("another certificate on a data connection: %v", err)
	}
	if err := open(session.TrustNew).Verify(second); session.CauseOf(err) != session.CertificateChanged {
		t.Errorf("another certificate in a later run: %v", err)
	}
	if err := open(session.TrustStrict).Verify(first); err != nil {
		t.Errorf("a recorded one under STRICT: %v", err)
	}
	// What authorities vouch for is not unknown, but a record goes before them.
	verified, _ := shown(t, a, server.Certificate{})
	if err := open(session.TrustStrict).Verify(verified); session.CauseOf(err) != session.CertificateChanged {
		t.Errorf("a verified one against the record: %v", err)
	}
	text, err := os.ReadFile(file)
	if want := "ftp.example.com:2121 " + pin + " 2026-11-24\n"; err != nil || string(text) != want {
		t.Errorf("the record is %q, %v; want %q", text, err, want)
	}
	if info, _ := os.Stat(file); info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("the record has mode %s", info.Mode())
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "was recorded in "+file) {
		t.Errorf("notices: %q", notices)
	}
}

func TestCertificates_NewDoesNotRecordWhatVerifies(t *testing.T) {
	a := authority(t)
	verified, _ := shown(t, a, server.Certificate{})
	stranger, _ := shown(t, a, server.Certificate{SelfSigned: true})
	file := filepath.Join(t.TempDir(), "certificates")
	c, err := judge(session.Trust{Level: session.TrustNew, Authorities: a.PEM(), KnownCertificates: file, Now: func() time.Time { return now }}, "ftp.example.com", "h:21")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(verified); err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(stranger); session.CauseOf(err) != session.CertificateUntrusted {
		t.Errorf("a stranger on the data connection: %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("something was recorded")
	}
}

func TestCertificates_AnySaysSoOnce(t *testing.T) {
	state, pin := shown(t, authority(t), server.Certificate{SelfSigned: true})
	var notices []string
	c, err := judge(session.Trust{Level: session.TrustAny, Notice: func(text string) { notices = append(notices, text) }}, "h", "h:21")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := c.Verify(state); err != nil {
			t.Fatal(err)
		}
	}
	if len(notices) != 1 || !strings.Contains(notices[0], pin) || !strings.Contains(notices[0], "not checked") {
		t.Errorf("notices: %q", notices)
	}
}

// Lines of others, comments and blank lines stay; a line that cannot be read is
// told of instead of passing for an unknown server.
func TestCertificates_RecordOfOthers(t *testing.T) {
	a := authority(t)
	state, pin := shown(t, a, server.Certificate{SelfSigned: true})
	open := func(text string) (*trust.Certificates, string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "certificates")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := judge(session.Trust{Level: session.TrustNew, Authorities: a.PEM(), KnownCertificates: file}, "h", "h:21")
		if err != nil {
			t.Fatal(err)
		}
		return c, file
	}
	c, file := open("# ours\n\nother:21 SHA256:bad\nh:990 SHA256:bad")
	if err := c.Verify(state); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	if !strings.HasPrefix(string(text), "# ours\n\nother:21 SHA256:bad\nh:990 SHA256:bad\nh:21 "+pin+" ") {
		t.Errorf("the record is %q", text)
	}
	for _, text := range []string{"h:21\n", "h:21 SHA256:bad\n", "H:21 none\n"} {
		c, _ := open(text)
		if err := c.Verify(state); session.CauseOf(err) != session.CertificateUntrusted {
			t.Errorf("with the record %q: %v", text, err)
		}
	}
}

// Runs that meet at one record lose no line, and of two that see different
// certificates of one host only one gets its way.
func TestCertificates_RecordTogether(t *testing.T) {
	a := authority(t)
	file := filepath.Join(t.TempDir(), "certificates")
	const runs = 16
	var wait sync.WaitGroup
	var lock sync.Mutex
	refused := 0
	for i := range runs {
		state, _ := shown(t, a, server.Certificate{SelfSigned: true})
		wait.Go(func() {
			rule := session.Trust{Level: session.TrustNew, Authorities: a.PEM(), KnownCertificates: file}
			for _, host := range []string{fmt.Sprintf("h%d", i), "common"} {
				c, err := judge(rule, host, "h:21")
				if err != nil {
					t.Error(err)
					return
				}
				err = c.Verify(state)
				if host == "common" && session.CauseOf(err) == session.CertificateChanged {
					lock.Lock()
					refused++
					lock.Unlock()
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	text, err := os.ReadFile(file)
	if lines := strings.Count(string(text), "\n"); err != nil || lines != runs+1 {
		t.Errorf("the record has %d lines, want %d: %v", lines, runs+1, err)
	}
	if refused != runs-1 {
		t.Errorf("%d runs were refused, want all but one", refused)
	}
}
