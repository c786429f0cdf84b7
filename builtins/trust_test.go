package builtins

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

// Two keys that SETHOSTKEY takes.
const (
	pinA = "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM"
	pinB = "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDUHvy8mBVjwSWL7Cw"
)

// endpointsOf runs statements and hands out the endpoint of each OPENHOST, which
// connects to nothing.
func endpointsOf(t *testing.T, options Options, protocol session.Protocol, statements ...string) (all []session.Endpoint, o ran) {
	t.Helper()
	b := newBench(t, options)
	b.replace("OPENHOST", func(s *State, a *arguments) error {
		e := session.Endpoint{Protocol: protocol, Trust: s.trust(protocol), LegacyAlgorithms: s.settings.proof.legacy}
		err := s.prove(&e, false, false)
		if err == nil {
			all = append(all, e)
		}
		return err
	})
	o = b.run(statements...)
	if o.err != nil {
		t.Fatal(o.err)
	}
	return all, o
}

func TestSetTrust(t *testing.T) {
	for name, c := range map[string]struct {
		floor  session.TrustLevel
		calls  []string
		level  session.TrustLevel
		status int
	}{
		"nothing said":               {session.TrustAny, nil, session.TrustStrict, 0},
		"new":                        {session.TrustAny, []string{`SETTRUST(NEW)`}, session.TrustNew, 0},
		"any":                        {session.TrustAny, []string{`SETTRUST(ANY)`}, session.TrustAny, 0},
		"any, then strict":           {session.TrustAny, []string{`SETTRUST(ANY)`, `SETTRUST("strict")`}, session.TrustStrict, 0},
		"the floor itself":           {session.TrustNew, []string{`SETTRUST(NEW)`}, session.TrustNew, 0},
		"below the floor":            {session.TrustNew, []string{`SETTRUST(NEW)`, `SETTRUST(ANY)`}, session.TrustNew, 126},
		"below the floor, looked at": {session.TrustStrict, []string{`$r = SETTRUST(NEW)`, `IF($r == DENIED)`, `PRINT("denied")`, `END IF`}, session.TrustStrict, 0},
	} {
		t.Run(name, func(t *testing.T) {
			endpoints, o := endpointsOf(t, Options{WeakestTrust: c.floor}, session.SFTP, append(c.calls, `OPENHOST("h")`)...)
			if o.result.Status != c.status || len(endpoints) != 1 || endpoints[0].Trust.Level != c.level {
				t.Errorf("status %d, endpoints %+v", o.result.Status, endpoints)
			}
			if strings.Contains(name, "looked at") != (o.stdout == "denied\n") {
				t.Errorf("printed %q", o.stdout)
			}
		})
	}
	t.Run("embedders are strict where they say nothing", func(t *testing.T) {
		if _, err := NewHost(Options{Settings: map[string]string{"trust": "NEW"}}); err == nil || !strings.Contains(err.Error(), "STRICT") {
			t.Errorf("%v", err)
		}
		if _, err := NewHost(Options{Settings: map[string]string{"trust": "NEW"}, WeakestTrust: session.TrustNew}); err != nil {
			t.Error(err)
		}
	})
}

// A key of one server must never be good for another.
func TestSetHostKey(t *testing.T) {
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8wdtYsSuFAovfmRfNivJc87A/ZTBK6vpwQhejE2/gD"
	for name, c := range map[string]struct {
		statements []string
		want       [][]string
	}{
		"none":                    {[]string{`OPENHOST("h")`}, [][]string{nil}},
		"two for one server":      {[]string{`SETHOSTKEY("` + pinA + `")`, `SETHOSTKEY("` + pinB + `")`, `OPENHOST("h")`}, [][]string{{pinA, pinB}}},
		"one for each":            {[]string{`SETHOSTKEY("` + pinA + `")`, `OPENHOST("h")`, `SETHOSTKEY("` + pinB + `")`, `OPENHOST("i")`}, [][]string{{pinA}, {pinB}}},
		"it stays":                {[]string{`SETHOSTKEY("` + pinA + `")`, `OPENHOST("h")`, `OPENHOST("h")`}, [][]string{{pinA}, {pinA}}},
		"until NONE":              {[]string{`SETHOSTKEY("` + pinA + `")`, `OPENHOST("h")`, `SETHOSTKEY(NONE)`, `OPENHOST("i")`}, [][]string{{pinA}, nil}},
		"the key itself":          {[]string{`SETHOSTKEY("` + key + `")`, `OPENHOST("h")`}, [][]string{{"SHA256:kkYrL1vrMVce2Q6cTtupWF6vxZFeeVoxc8gWKwqwSiY"}}},
		"one that cannot be read": {[]string{`SETHOSTKEY("SHA256:tooshort")`, `OPENHOST("h")`}, [][]string{{"SHA256:tooshort"}}},
	} {
		t.Run(name, func(t *testing.T) {
			endpoints, o := endpointsOf(t, Options{}, session.SFTP, c.statements...)
			var got [][]string
			for _, e := range endpoints {
				got = append(got, e.Trust.HostKeys)
			}
			if !slices.EqualFunc(got, c.want, slices.Equal[[]string]) {
				t.Errorf("pins %q, want %q\n%s", got, c.want, o.transcript)
			}
		})
	}
}

func TestSetKeyFile(t *testing.T) {
	folder := t.TempDir()
	fixtures := filepath.Join("..", "netio", "internal", "sshlogin", "testdata", "keys")
	for _, name := range []string{"openssh-ed25519", "openssh-ed25519-cert.pub", "openssh-ed25519-locked"} {
		data, err := os.ReadFile(filepath.Join(fixtures, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options := Options{Root: folder}
	t.Run("with the certificate beside it", func(t *testing.T) {
		endpoints, _ := endpointsOf(t, options, session.SFTP, `SETKEYFILE("openssh-ed25519")`, `OPENHOST("h")`, `SETKEYFILE(NONE)`, `OPENHOST("h")`)
		if len(endpoints) != 2 || endpoints[0].Login.Key == nil || endpoints[0].Login.KeyCertificate == nil || endpoints[1].Login.Key != nil {
			t.Errorf("%+v", endpoints)
		}
	})
	t.Run("that others can read", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("Windows has access lists instead of modes")
		}
		path := filepath.Join(folder, "openssh-ed25519")
		for mode, warned := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if _, o := endpointsOf(t, options, session.SFTP, `SETKEYFILE("openssh-ed25519")`); o.has("can be read by others") != warned || o.result.Status != 0 {
				t.Errorf("mode %o: %s", mode, o.transcript)
			}
		}
	})
	t.Run("locked", func(t *testing.T) {
		endpoints, o := endpointsOf(t, options, session.SFTP, `SETKEYFILE("openssh-ed25519-locked", "open sesame")`, `OPENHOST("h")`)
		if len(endpoints) != 1 || endpoints[0].Login.Passphrase != "open sesame" {
			t.Errorf("%+v", endpoints)
		}
		if strings.Contains(o.merged, "sesame") || !o.has(`SETKEYFILE("openssh-ed25519-locked",******)`) {
			t.Errorf("the passphrase is not masked:\n%s", o.transcript)
		}
	})
	// Whoever goes on after the failure must not log in as somebody else.
	for name, call := range map[string]string{
		"wrong passphrase": `SETKEYFILE("openssh-ed25519-locked", "open barley")`,
		"no such file":     `SETKEYFILE("missing")`,
		"a public key":     `SETKEYFILE("openssh-ed25519-cert.pub")`,
	} {
		t.Run(name, func(t *testing.T) {
			endpoints, o := endpointsOf(t, options, session.SFTP, `SETKEYFILE("openssh-ed25519")`, `$r = `+call, `PRINT($r)`, `OPENHOST("h")`)
			want := map[string]string{"no such file": "20701\n"}[name]
			if want == "" {
				want = "20001\n"
			}
			if o.stdout != want || len(endpoints) != 0 {
				t.Errorf("result %q, endpoints %+v", o.stdout, endpoints)
			}
			if endpoints, _ := endpointsOf(t, options, session.FTP, `$r = `+call, `IF($r == OK)`, `END IF`, `OPENHOST("h")`); len(endpoints) != 1 {
				t.Error("a key is nothing to FTP")
			}
		})
	}
	t.Run("NONE is no relative name", func(t *testing.T) {
		_, o := endpointsOf(t, options, session.SFTP, `LOCALCHDIR("missing")`, `$r = SETKEYFILE(NONE)`, `$s = SETKEYFILE("openssh-ed25519")`, `PRINT($r . " " . $s)`)
		if o.stdout != "OK 20302\n" {
			t.Errorf("%q\n%s", o.stdout, o.transcript)
		}
	})
}

func TestSetAlgorithms(t *testing.T) {
	endpoints, _ := endpointsOf(t, Options{}, session.SFTP, `OPENHOST("h")`, `SETALGORITHMS(LEGACY)`, `OPENHOST("h")`, `SETALGORITHMS(SAFE)`, `OPENHOST("h")`)
	if len(endpoints) != 3 || endpoints[0].LegacyAlgorithms || !endpoints[1].LegacyAlgorithms || endpoints[2].LegacyAlgorithms {
		t.Errorf("%+v", endpoints)
	}
}

// A rehearsal leads every host to a server of its own, whose key nobody knows.
func TestPretendedServersAreBelieved(t *testing.T) {
	endpoints, _ := endpointsOf(t, Options{Pretended: true}, session.SFTP, `SETHOSTKEY("`+pinA+`")`, `OPENHOST("h")`)
	if trust := endpoints[0].Trust; trust.Level != session.TrustAny || trust.HostKeys != nil || trust.Notice != nil {
		t.Errorf("%+v", trust)
	}
}

// Over plain FTP a pin protects nothing, which is told at each OPENHOST; over protocols
// that check it nothing is told.
func TestPinsOverPlainFTP(t *testing.T) {
	for name, c := range map[string]struct {
		statements []string
		named      string // "" where nothing is told
	}{
		"none":               {nil, ""},
		"a host key":         {[]string{`SETHOSTKEY("` + pinA + `")`}, "SETHOSTKEY"},
		"a certificate":      {[]string{`SETCERTIFICATE("` + pinA + `")`}, "SETCERTIFICATE"},
		"both":               {[]string{`SETCERTIFICATE("` + pinA + `")`, `SETHOSTKEY("` + pinB + `")`}, "SETHOSTKEY and SETCERTIFICATE"},
		"taken back":         {[]string{`SETHOSTKEY("` + pinA + `")`, `SETHOSTKEY(NONE)`}, ""},
		"one that is no pin": {[]string{`SETCERTIFICATE("SHA256:abc")`}, "SETCERTIFICATE"},
		"over FTPS":          {[]string{`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("` + pinA + `")`}, ""},
		"a key over SFTP":    {[]string{`SETPROTOCOL(SFTP)`, `SETHOSTKEY("` + pinA + `")`}, ""},
		"a URL goes before":  {[]string{`SETHOSTKEY("` + pinA + `")`, `SETPROTOCOL(SFTP)`, `OPENHOST("ftp://ftp.test")`, `SETPROTOCOL(FTPS)`}, "SETHOSTKEY"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, siteOptions{})
			o := s.run(append(c.statements, `OPENHOST("ftp.test")`, `OPENHOST("ftp.test")`)...)
			want := map[bool]int{false: 0, true: 2}[c.named != ""]
			if name == "a URL goes before" {
				want = 1
			}
			if got := strings.Count(o.transcript, "what "+c.named+" named proves nothing here"); c.named != "" && got != want || c.named == "" && o.has("proves nothing here") {
				t.Errorf("told %d times:\n%s", got, o.transcript)
			}
		})
	}
}
