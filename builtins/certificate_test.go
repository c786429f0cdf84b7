package builtins

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/session"
)

// safeSite is a site under TLS whose authority the script finds in authority.pem.
func safeSite(t *testing.T, o siteOptions) *site {
	t.Helper()
	if o.files == nil {
		o.files = tree()
	}
	before := o.change
	o.change = func(s *server.Options) {
		if s.TLS = (&server.TLS{Names: []string{"ftp.test"}, Required: true, Reuse: server.ReuseSession}); before != nil {
			before(s)
		}
	}
	allow := o.options
	o.options = func(h *Options) {
		h.WeakestTrust, h.Now = session.TrustAny, time.Now // the certificate is of this hour
		if allow != nil {
			allow(h)
		}
	}
	s := newSite(t, o)
	write(t, s.local, map[string]string{"authority.pem": string(s.server.Authority()), "none.pem": "no certificate\n"})
	return s
}

func TestFTPS(t *testing.T) {
	for _, c := range []struct {
		name     string
		implicit bool
		lines    []string
		want     string // OPENHOST's result
		says     string
	}{
		{"a file of authorities", false, []string{`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("authority.pem")`}, "OK", ""},
		{"a pin", false, []string{`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("PIN")`}, "OK", ""},
		{"a pin, implicit", true, []string{`SETPROTOCOL(FTPS_IMPLICIT)`, `SETCERTIFICATE("PIN")`}, "OK", ""},
		{"nobody vouches for it", false, []string{`SETPROTOCOL(FTPS)`}, "CERTIFICATE_UNTRUSTED", `SETCERTIFICATE("PIN")`},
		{"another pin", false, []string{`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("` + pinA + `")`}, "PIN_MISMATCH", "PIN"},
		{"one of two pins", false, []string{`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("` + pinA + `")`, `SETCERTIFICATE("PIN")`}, "OK", ""},
		{"none after all", false, []string{`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("PIN")`, `SETCERTIFICATE(NONE)`}, "CERTIFICATE_UNTRUSTED", ""},
		{"anybody", false, []string{`SETPROTOCOL(FTPS)`, `SETTRUST(ANY)`}, "OK", "was not checked"},
		{"a pin under ANY", false, []string{`SETPROTOCOL(FTPS)`, `SETTRUST(ANY)`, `SETCERTIFICATE("` + pinA + `")`}, "PIN_MISMATCH", ""},
		{"a missing file is no way round", false, []string{`SETPROTOCOL(FTPS)`, `SETTRUST(ANY)`, `$r = SETCERTIFICATE("missing.pem")`, `PRINT($r)`}, "20701\nNO_SUCH_LOCAL_FILE", "cannot be used"},
		{"a file without certificates is no way round", false, []string{`SETPROTOCOL(FTPS)`, `SETTRUST(ANY)`, `$r = SETCERTIFICATE("none.pem")`, `PRINT($r)`}, "20301\nBAD_ARGUMENT", "holds no certificate"},
		{"half a pin is no way round", false, []string{`SETPROTOCOL(FTPS)`, `SETTRUST(ANY)`, `$r = SETCERTIFICATE("SHA256:abc")`, `PRINT($r)`}, "20301\nBAD_ARGUMENT", "no pin"},
		{"a client certificate that is none", false, []string{`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("PIN")`, `$r = SETCLIENTCERT("authority.pem")`, `PRINT($r)`}, "20001\nKEY_UNUSABLE", "NONE in its place"},
		{"data in the clear", false, []string{`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("PIN")`, `SETPROTECTION(CLEAR)`}, "TLS_FAILED", "SETPROTECTION(PRIVATE)"},
		{"the wrong kind of TLS", false, []string{`SETPROTOCOL(FTPS_IMPLICIT)`, `SETCERTIFICATE("PIN")`}, "TLS_FAILED", "SETPROTOCOL(FTPS_EXPLICIT)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := safeSite(t, siteOptions{change: func(o *server.Options) { o.TLS.Implicit = c.implicit }})
			open := `OPENHOST("ftp.test","joe","pass-word-1")`
			lines := append(c.lines, `$r = `+open, `PRINT($r)`, open) // the last time unhandled, so that the hint is told
			for i := range lines {
				lines[i] = strings.ReplaceAll(lines[i], "PIN", s.server.Pin())
			}
			o := s.run(lines...)
			got, want := o.stdout, strings.Split(c.want, "\n")
			if last := want[len(want)-1]; last != "OK" {
				want[len(want)-1] = codeOf(t, last)
			}
			if got != strings.Join(want, "\n")+"\n" {
				t.Errorf("printed %q, want %q\n%s", got, want, o.transcript)
			}
			if says := strings.ReplaceAll(c.says, "PIN", s.server.Pin()); !strings.Contains(o.transcript, says) {
				t.Errorf("the transcript does not say %q:\n%s", says, o.transcript)
			}
		})
	}
}

// What TLS is for: files go both ways, in both modes, on one login.
func TestFTPS_Files(t *testing.T) {
	s := safeSite(t, siteOptions{})
	o := s.run(
		`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("authority.pem")`, `OPENHOST("ftp.test","joe","pass-word-1")`,
		`GETFILE("a.txt")`, `SETPASSIVE(DISABLED)`, `PUTFILE("a.txt","copy.txt")`, `GETLIST($list, REMOTE_FILES)`,
		`PRINT(FILEEXISTS("copy.txt"))`, `CLOSEHOST`,
	)
	if o.result.Status != 0 {
		t.Errorf("status %d\n%s", o.result.Status, o.transcript)
	}
}

// A certificate of one server must never be good for another.
func TestSetCertificate_BeginsAnew(t *testing.T) {
	s := safeSite(t, siteOptions{})
	o := s.run(
		`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("`+s.server.Pin()+`")`, `OPENHOST("ftp.test","joe","pass-word-1")`,
		`SETCERTIFICATE("`+pinA+`")`, `$r = OPENHOST("ftp.test","joe","pass-word-1")`, `PRINT($r)`,
	)
	if want := codeOf(t, "PIN_MISMATCH") + "\n"; o.stdout != want {
		t.Errorf("printed %q, want %q\n%s", o.stdout, want, o.transcript)
	}
}

func TestSetClientCert(t *testing.T) {
	ours, err := server.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := ours.Issue(server.Certificate{Names: []string{"joe"}})
	if err != nil {
		t.Fatal(err)
	}
	chain, key, err := server.InPEM(certificate)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ line, want string }{
		"shown":           {`SETCLIENTCERT("joe.crt","joe.key")`, "OK"},
		"both in one":     {`SETCLIENTCERT("joe.pem")`, "OK"},
		"not shown":       {`SETPASSIVE(ENABLED)`, "TLS_FAILED"},
		"taken back":      {`SETCLIENTCERT(NONE)`, "TLS_FAILED"},
		"another's key":   {`SETCLIENTCERT("joe.crt","authority.pem")`, "KEY_UNUSABLE"},
		"the key missing": {`SETCLIENTCERT("joe.crt","missing")`, "NO_SUCH_LOCAL_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			s := safeSite(t, siteOptions{change: func(o *server.Options) {
				o.TLS.ClientAuthorities, o.TLS.ClientRequired = ours.PEM(), true
			}})
			write(t, s.local, map[string]string{"joe.crt": string(chain), "joe.key": string(key), "joe.pem": string(key) + string(chain)})
			o := s.run(`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("authority.pem")`, `$s = `+c.line, `$r = OPENHOST("ftp.test","joe","pass-word-1")`, `PRINT($r)`)
			want := c.want
			if want != "OK" {
				want = codeOf(t, want)
			}
			if o.stdout != want+"\n" {
				t.Errorf("printed %q, want %q\n%s", o.stdout, want, o.transcript)
			}
		})
	}
}

// codeOf is a result as PRINT shows it.
func codeOf(t *testing.T, name string) string {
	t.Helper()
	r, ok := catalog.ResultNamed(name)
	if !ok {
		t.Fatalf("%s is no result", name)
	}
	return strconv.Itoa(r.Code)
}

// A server that no longer takes the TLS session of a login gets a new login.
func TestFTPS_LoginAgain(t *testing.T) {
	s := safeSite(t, siteOptions{
		faults:  "on STOR 1: reply 522 SSL connection failed, session reuse required\non MLSD 1: reply 425 TLS session of data connection not resumed",
		options: func(h *Options) { h.Settings = map[string]string{"retry": "3, 0"} },
	})
	write(t, s.local, map[string]string{"up.txt": "whole"})
	o := s.run(
		`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("authority.pem")`, `OPENHOST("ftp.test","joe","pass-word-1")`,
		`PUTFILE("up.txt")`, `GETLIST($list, REMOTE_FILES)`, `PRINT(FILEEXISTS("up.txt"))`,
	)
	if o.result.Status != 0 || !strings.Contains(o.transcript, "Connected again.") {
		t.Errorf("status %d\n%s", o.result.Status, o.transcript)
	}
}

// A pin is no relative name, so the brake does not hold it; a file is one.
func TestSetCertificate_WrongDirectory(t *testing.T) {
	s := safeSite(t, siteOptions{})
	o := s.run(`LOCALCHDIR("missing")`, `PRINT(SETCERTIFICATE("`+pinA+`"))`, `PRINT(SETCERTIFICATE("authority.pem"))`, `PRINT(SETCERTIFICATE(NONE))`)
	if want := "OK\n" + codeOf(t, "WRONG_DIRECTORY") + "\nOK\n"; o.stdout != want {
		t.Errorf("printed %q, want %q\n%s", o.stdout, want, o.transcript)
	}
}

// Cuts under TLS are gone on with like others, those too that look like an end.
func TestFTPS_CutsAreResumed(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 1<<14)
	for name, faults := range map[string]string{
		"download, reset":               "on RETR 1: cut 100000",
		"download, FIN without a mark":  "on RETR 1: cut 100000 orderly; final 226 done",
		"download, control connection":  "on RETR 1: cut 100000; reset",
		"upload, reset":                 "on STOR 1: cut 100000",
		"upload, control connection":    "on STOR 1: cut 100000; reset",
		"upload, the server in the end": "on STOR 1: final 426 broken",
	} {
		t.Run(name, func(t *testing.T) {
			s := safeSite(t, siteOptions{
				files: map[string]string{"down.bin": content}, faults: faults,
				options: func(h *Options) { h.Settings = map[string]string{"retry": "3, 0"} },
			})
			write(t, s.local, map[string]string{"up.bin": content})
			o := s.run(`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("authority.pem")`, `OPENHOST("ftp.test","joe","pass-word-1")`, `GETFILE("down.bin")`, `PUTFILE("up.bin")`)
			if o.result.Status != 0 {
				t.Errorf("status %d\n%s", o.result.Status, o.transcript)
			}
			for _, file := range []string{filepath.Join(s.local, "down.bin"), filepath.Join(s.remote, "up.bin")} {
				if data, err := os.ReadFile(file); err != nil || string(data) != content {
					t.Errorf("%s has %d bytes, %v\n%s", filepath.Base(file), len(data), err, o.transcript)
				}
			}
		})
	}
}
