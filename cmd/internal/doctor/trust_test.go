package doctor

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// secured is a clinic of FTPS whose authority the endpoint believes.
func secured(t *testing.T, options server.TLS) *clinic {
	t.Helper()
	if options.Names == nil {
		options.Names = []string{"ftp.example"}
	}
	c := newClinic(t, "", server.Options{TLS: &options})
	c.endpoint.Protocol = session.FTPSExplicit
	if options.Implicit {
		c.endpoint.Protocol = session.FTPSImplicit
	}
	c.endpoint.Trust.Authorities = c.server.Authority()
	return c
}

func TestExamine_FTPS(t *testing.T) {
	for name, options := range map[string]server.TLS{
		"explicit": {Required: true}, "implicit": {Implicit: true},
		"session reuse required": {Reuse: server.ReuseSession}, "the control connection's own": {Reuse: server.ReuseControl},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, found := secured(t, options).examine()
			if !report.Good {
				t.Errorf("%+v", report)
			}
			for _, id := range []string{"host.trust", "host.encryption", "host.login", "data.epsv", "data.pasv", "data.port", "data.eprt", "data.resumption"} {
				if found[id].State != Works {
					t.Errorf("%s: %+v", id, found[id])
				}
			}
			if detail := found["host.encryption"].Detail; !strings.HasPrefix(detail, "TLS 1.3 with ") || !strings.HasSuffix(detail, "the server takes TLS 1.3, TLS 1.2") {
				t.Errorf("encryption: %s", detail)
			}
			if detail := found["host.trust"].Detail; !strings.Contains(detail, "SHA256:") || !strings.Contains(detail, "days more") {
				t.Errorf("trust: %s", detail)
			}
		})
	}
}

// A server that is not believed is not sent a password, and the line that believes it
// is told where that is a user's to decide.
func TestExamine_FTPSNotBelieved(t *testing.T) {
	cases := []struct {
		name   string
		change func(c *clinic)
		cause  string
		script bool
	}{
		{"unknown authority", func(c *clinic) { c.endpoint.Trust.Authorities = nil }, "CERTIFICATE_UNTRUSTED", true},
		{"another name", func(c *clinic) { c.endpoint.Host = "other.example" }, "CERTIFICATE_WRONG_NAME", true},
		{"expired", func(c *clinic) {
			c.endpoint.Trust.Now = func() time.Time { return time.Now().AddDate(5, 0, 0) }
		}, "CERTIFICATE_EXPIRED", true},
		{"another pin", func(c *clinic) {
			c.endpoint.Trust.Certificates = []string{"SHA256:" + strings.Repeat("00", 32)}
		}, "PIN_MISMATCH", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clinic := secured(t, server.TLS{})
			c.change(clinic)
			report, found := clinic.examine()
			f := found["host.trust"]
			if f.State != Fails || !f.Matters || f.Cause != c.cause || len(f.Script) > 0 != c.script || report.Good {
				t.Errorf("%+v", f)
			}
			if c.script && f.Script[0] != `SETCERTIFICATE("`+clinic.server.Pin()+`")` {
				t.Errorf("the line is %s, the certificate %s", f.Script, clinic.server.Pin())
			}
			if _, tried := found["host.login"]; tried {
				t.Error("a login was tried")
			}
		})
	}
	believed := secured(t, server.TLS{})
	believed.endpoint.Trust.Authorities = nil
	believed.endpoint.Trust.Certificates = []string{believed.server.Pin()}
	if report, _ := believed.examine(); !report.Good {
		t.Errorf("%+v", report)
	}
}

// The end of a certificate is told before it comes, and a server without TLS is no
// server of FTPS.
func TestExamine_FTPSOther(t *testing.T) {
	ending := secured(t, server.TLS{})
	ending.options.Now = func() time.Time { return time.Now().AddDate(1, 0, -8) }
	_, found := ending.examine()
	if f := found["host.trust"]; f.State != Fails || !f.Matters || !strings.Contains(f.Hint, "renew") {
		t.Errorf("%+v", f)
	}
	plain := newClinic(t, "", server.Options{})
	plain.endpoint.Protocol = session.FTPSExplicit
	report, found := plain.examine()
	if f := found["host.connection"]; f.Cause != "TLS_FAILED" || report.Good {
		t.Errorf("%+v", f)
	}
	offering := secured(t, server.TLS{})
	offering.endpoint.Protocol = session.FTP
	_, found = offering.examine()
	if f := found["host.encryption"]; f.State != Note || !strings.Contains(f.Hint, "SETPROTOCOL(FTPS)") {
		t.Errorf("%+v", f)
	}
}

func TestExamine_HostKeys(t *testing.T) {
	listen := func() *sftpserver.Server {
		s, err := sftpserver.Listen(context.Background(), "127.0.0.1:0", sftpserver.Options{Dir: t.TempDir(), Users: map[string]string{"joe": "very-secret-1"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	s, other := listen(), listen()
	endpoint := session.Endpoint{Protocol: session.SFTP, Host: "files.example", Address: s.Addr(), User: "joe", Password: "very-secret-1"}
	_, keys, err := netio.ShowHostKeys(context.Background(), endpoint, session.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := endpoint
	elsewhere.Address = other.Addr()
	_, wrong, err := netio.ShowHostKeys(context.Background(), elsewhere, session.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(s.Addr())
	record := func(line string) string {
		name := filepath.Join(t.TempDir(), "known_hosts")
		if err := os.WriteFile(name, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	cases := []struct {
		name   string
		trust  session.Trust
		cause  string // "" is believed
		script string
	}{
		{"known", session.Trust{KnownHosts: []string{record(keys[0].Line)}}, "", ""},
		{"pinned", session.Trust{HostKeys: []string{keys[0].Fingerprint}}, "", ""},
		{"unknown", session.Trust{}, "HOST_KEY_UNKNOWN", `SETHOSTKEY("` + keys[0].Fingerprint + `")`},
		{"another pin", session.Trust{HostKeys: []string{wrong[0].Fingerprint}}, "PIN_MISMATCH", ""},
		{"changed", session.Trust{KnownHosts: []string{record(strings.Replace(wrong[0].Line, wrong[0].Line[:strings.Index(wrong[0].Line, " ")], "[files.example]:"+port, 1))}}, "HOST_KEY_CHANGED", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			endpoint := endpoint
			endpoint.Trust = c.trust
			clinic := &clinic{endpoint: endpoint, options: Options{Connections: 1}}
			report, found := clinic.examine()
			f := found["host.trust"]
			if f.Cause != c.cause || report.Good != (c.cause == "") || strings.Join(f.Script, "") != c.script || !strings.Contains(f.Detail, keys[0].Fingerprint) {
				t.Errorf("%+v", f)
			}
			if _, tried := found["host.login"]; tried != (c.cause == "") {
				t.Errorf("%+v", found["host.login"])
			}
		})
	}
}
