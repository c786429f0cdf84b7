package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"github.com/sftpc/sftpc/netio/session"
)

// signers for every test; their keys are made once.
var keyA, keyB, keyRSA, keyCA = newSigner(), newSigner(), newRSASigner(), newSigner()

func newSigner() ssh.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return signerOf(key)
}

func newRSASigner() ssh.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return signerOf(key)
}

func signerOf(key any) ssh.Signer {
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		panic(err)
	}
	return signer
}

// keyText is a key as a line of known hosts has it.
func keyText(signer ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func writeKnown(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// verdictOf holds a key of a server against files, strictly.
func verdictOf(t testing.TB, file, host, port string, key ssh.PublicKey) error {
	t.Helper()
	h, err := OpenHostKeys(session.Trust{KnownHosts: []string{file}}, Server{User: "u", Host: host, Port: port})
	if err != nil {
		t.Fatal(err)
	}
	return h.Check(key)
}

// What a line of a file is about: as OpenSSH has it, and as the library has it but
// where that is told.
func TestCheck_Names(t *testing.T) {
	a, b := keyText(keyA), keyText(keyB)
	hashed := xknownhosts.HashHostname("h.example")
	hashedPort := xknownhosts.HashHostname("[h.example]:2222")
	const good, unknown, changed = session.CauseNone, session.HostKeyUnknown, session.HostKeyChanged
	for _, c := range []struct {
		lines      []string
		host, port string
		want       session.Cause
		differs    string // why the library says something else; "" if it does not
	}{
		{[]string{"h.example " + a}, "h.example", "22", good, ""},
		{[]string{"h.example " + b}, "h.example", "22", changed, ""},
		{[]string{"h.example " + b, "h.example " + a}, "h.example", "22", good, ""},
		{[]string{"other " + a}, "h.example", "22", unknown, ""},
		{nil, "h.example", "22", unknown, ""},
		{[]string{"h.example,192.0.2.7 " + a}, "192.0.2.7", "22", good, ""},
		{[]string{"H.Example " + a}, "h.eXample", "22", good, "it minds case, which names have not"},
		{[]string{"h.example " + a}, "h.example.", "22", good, "it minds the dot that ends a full name"},
		{[]string{"[h.example]:2222 " + a}, "h.example", "2222", good, ""},
		{[]string{"[h.example]:2222 " + b}, "h.example", "2222", changed, ""},
		{[]string{"[h.example]:2222 " + a}, "h.example", "22", unknown, ""},
		{[]string{"h.example " + a}, "h.example", "2222", good, "it knows the port only, OpenSSH takes the same key"},
		{[]string{"h.example " + b}, "h.example", "2222", unknown, ""},
		{[]string{"h.example " + a, "[h.example]:2222 " + b}, "h.example", "2222", changed, ""},
		{[]string{"*.example " + a}, "h.example", "22", good, ""},
		{[]string{"*.example " + a}, "h.example", "2222", good, ""},
		{[]string{"*.example,!h.example " + a}, "h.example", "22", unknown, ""},
		{[]string{"!h.example,*.example " + a}, "g.example", "22", good, ""},
		{[]string{"h.exampl? " + a}, "h.example", "22", good, ""},
		{[]string{"* " + a}, "h.example", "22", good, ""},
		{[]string{hashed + " " + a}, "h.example", "22", good, ""},
		{[]string{hashed + " " + b}, "h.example", "22", changed, ""},
		{[]string{hashed + " " + a}, "g.example", "22", unknown, ""},
		{[]string{hashedPort + " " + a}, "h.example", "2222", good, ""},
		{[]string{hashedPort + " " + a}, "h.example", "22", unknown, ""},
		{[]string{"::1 " + a}, "::1", "22", good, ""},
		{[]string{"[::1]:2222 " + a}, "::1", "2222", good, ""},
		{[]string{"h.example " + keyText(keyRSA)}, "h.example", "22", changed, ""},
		{[]string{"@revoked * " + a, "h.example " + a}, "h.example", "22", changed, ""},
		{[]string{"@revoked * " + b, "h.example " + a}, "h.example", "22", good, ""},
		{[]string{"@revoked g.example " + a, "h.example " + a}, "h.example", "22", good, "it revokes for every host"},
		{[]string{"@cert-authority * " + a}, "h.example", "22", unknown, "it takes an authority's key for a host's"},
		{[]string{"# h.example " + b, "", "  ", "h.example " + a + " with a comment"}, "h.example", "22", good, ""},
	} {
		name := fmt.Sprintf("%s:%s in %.60q", c.host, c.port, c.lines)
		file := writeKnown(t, c.lines...)
		err := verdictOf(t, file, c.host, c.port, keyA.PublicKey())
		if got := session.CauseOf(err); got != c.want {
			t.Errorf("%s: %v (cause %d), want cause %d", name, err, got, c.want)
		}
		db, err := knownhosts.NewDB(file)
		if err != nil {
			t.Fatal(err)
		}
		theirs := db.HostKeyCallback()(net.JoinHostPort(c.host, c.port), &net.TCPAddr{IP: net.IPv4zero}, keyA.PublicKey())
		if same := (theirs == nil) == (c.want == good); same != (c.differs == "") {
			t.Errorf("%s: the library says %v; the table says it differs: %q", name, theirs, c.differs)
		}
	}
}

func TestCheck_AllFilesAreRead(t *testing.T) {
	first, second := writeKnown(t, "other "+keyText(keyB)), writeKnown(t, "h "+keyText(keyA))
	h, err := OpenHostKeys(session.Trust{KnownHosts: []string{first, filepath.Join(t.TempDir(), "missing"), second}}, Server{Host: "h", Port: "22"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Check(keyA.PublicKey()); err != nil {
		t.Error(err)
	}
	if _, err := OpenHostKeys(session.Trust{KnownHosts: []string{t.TempDir()}}, Server{Host: "h", Port: "22"}); session.CauseOf(err) != session.HostKeyUnknown {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

// One line that somebody damaged must not keep every host away.
func TestDamagedLines(t *testing.T) {
	file := writeKnown(t,
		"h", "h ssh-ed25519", "h ssh-ed25519 AAAA", "@revoked", "@nonsense h "+keyText(keyA), "|1|bad|hash "+keyText(keyA),
		"h ssh-rsa "+strings.Fields(keyText(keyA))[1], "h "+strings.Repeat("x", mostKnownLine), "h "+keyText(keyA))
	var told []string
	h, err := OpenHostKeys(session.Trust{KnownHosts: []string{file}, Notice: func(text string) { told = append(told, text) }}, Server{Host: "h", Port: "22"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Check(keyA.PublicKey()); err != nil {
		t.Error(err)
	}
	if len(told) != 8 {
		t.Errorf("told %d of 8 damaged lines: %q", len(told), told)
	}
	for i, text := range told {
		if !strings.HasPrefix(text, fmt.Sprintf("%s:%d: this line is left out: ", file, i+1)) {
			t.Errorf("line %d: %q", i+1, text)
		}
	}
}

func TestCheck_Texts(t *testing.T) {
	file := writeKnown(t, "h "+keyText(keyB)+" recorded by sftpc 2026-01-02T03:04:05Z")
	err := verdictOf(t, file, "h", "22", keyA.PublicKey())
	var e *session.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for _, text := range []string{"u@h:22", Fingerprint(keyA.PublicKey()), Fingerprint(keyB.PublicKey()), file + ":1, recorded 2026-01-02T03:04:05Z"} {
		if !strings.Contains(e.Error(), text) {
			t.Errorf("%q is not in %v", text, e)
		}
	}
	e = nil
	if err := verdictOf(t, file, "new", "2222", keyA.PublicKey()); !errors.As(err, &e) {
		t.Fatal(err)
	}
	for _, text := range []string{"sftpc trust new:2222", "SETHOSTKEY(\"" + Fingerprint(keyA.PublicKey()), "add to " + file + ": [new]:2222 " + keyText(keyA)} {
		if !strings.Contains(e.Hint, text) {
			t.Errorf("%q is not in\n%s", text, e.Hint)
		}
	}
}

func TestCheck_Certificates(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	certify := func(change func(*ssh.Certificate)) *ssh.Certificate {
		c := &ssh.Certificate{
			Key: keyA.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"h.example"},
			ValidAfter: uint64(now.Add(-time.Hour).Unix()), ValidBefore: uint64(now.Add(time.Hour).Unix()),
		}
		if change != nil {
			change(c)
		}
		if err := c.SignCert(rand.Reader, keyCA); err != nil {
			t.Fatal(err)
		}
		return c
	}
	authority := "@cert-authority *.example " + keyText(keyCA)
	for name, c := range map[string]struct {
		lines []string
		cert  *ssh.Certificate
		want  session.Cause
	}{
		"good":                {[]string{authority}, certify(nil), session.CauseNone},
		"for ever":            {[]string{authority}, certify(func(c *ssh.Certificate) { c.ValidAfter, c.ValidBefore = 0, ssh.CertTimeInfinity }), session.CauseNone},
		"another authority":   {[]string{"@cert-authority *.example " + keyText(keyB)}, certify(nil), session.HostKeyUnknown},
		"of other hosts":      {[]string{"@cert-authority *.com " + keyText(keyCA)}, certify(nil), session.HostKeyUnknown},
		"a known key only":    {[]string{"h.example " + keyText(keyA)}, certify(nil), session.HostKeyUnknown},
		"expired":             {[]string{authority}, certify(func(c *ssh.Certificate) { c.ValidBefore = uint64(now.Unix()) }), session.CertificateExpired},
		"not yet":             {[]string{authority}, certify(func(c *ssh.Certificate) { c.ValidAfter = uint64(now.Unix()) + 1 }), session.CertificateExpired},
		"another name":        {[]string{authority}, certify(func(c *ssh.Certificate) { c.ValidPrincipals = []string{"g.example"} }), session.CertificateWrongName},
		"no name":             {[]string{authority}, certify(func(c *ssh.Certificate) { c.ValidPrincipals = nil }), session.CertificateWrongName},
		"a user's":            {[]string{authority}, certify(func(c *ssh.Certificate) { c.CertType = ssh.UserCert }), session.HostKeyUnknown},
		"revoked key":         {[]string{authority, "@revoked * " + keyText(keyA)}, certify(nil), session.HostKeyChanged},
		"revoked authority":   {[]string{authority, "@revoked * " + keyText(keyCA)}, certify(nil), session.HostKeyChanged},
		"a forged signature":  {[]string{authority}, func() *ssh.Certificate { c := certify(nil); c.Serial++; return c }(), session.HostKeyUnknown},
		"a critical option":   {[]string{authority}, certify(func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"x": "y"} }), session.HostKeyUnknown},
		"signed by itself":    {[]string{"@cert-authority *.example " + keyText(keyA)}, certify(nil), session.HostKeyUnknown},
		"under another level": {[]string{authority}, certify(nil), session.CauseNone},
	} {
		h, err := OpenHostKeys(session.Trust{KnownHosts: []string{writeKnown(t, c.lines...)}, Now: func() time.Time { return now }}, Server{Host: "h.example", Port: "22"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Check(c.cert); session.CauseOf(err) != c.want {
			t.Errorf("%s: %v, want cause %d", name, err, c.want)
		}
	}
}

// What RevokedHostKeys names is revoked for every host, known or not, with the
// certificates that it signed.
func TestCheck_RevokedHostKeys(t *testing.T) {
	certificate := &ssh.Certificate{Key: keyA.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"h.example"}, ValidBefore: ssh.CertTimeInfinity}
	if err := certificate.SignCert(rand.Reader, keyCA); err != nil {
		t.Fatal(err)
	}
	certified := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(certificate)))
	known := writeKnown(t, "h.example "+keyText(keyA), "@cert-authority *.example "+keyText(keyCA))
	for name, c := range map[string]struct {
		revoked string
		key     ssh.PublicKey
		want    session.Cause
	}{
		"nothing":            {"\n# none\n", keyA.PublicKey(), session.CauseNone},
		"another key":        {keyText(keyB), keyA.PublicKey(), session.CauseNone},
		"the key":            {"# lost\n\n  " + keyText(keyA) + " comment", keyA.PublicKey(), session.HostKeyChanged},
		"an unknown key":     {keyText(keyB), keyB.PublicKey(), session.HostKeyChanged},
		"its certificate":    {certified, keyA.PublicKey(), session.HostKeyChanged},
		"a certified key":    {keyText(keyA), certificate, session.HostKeyChanged},
		"an authority":       {keyText(keyCA), certificate, session.HostKeyChanged},
		"another one":        {keyText(keyB), certificate, session.CauseNone},
		"what is no key":     {keyText(keyB) + "\nssh-ed25519 AAAA", keyA.PublicKey(), session.HostKeyUnknown},
		"with a host":        {"h.example " + keyText(keyB), keyA.PublicKey(), session.HostKeyUnknown},
		"a list that is cut": {krlMagic, keyA.PublicKey(), session.HostKeyUnknown},
	} {
		for _, level := range []session.TrustLevel{session.TrustStrict, session.TrustNew} {
			h, err := OpenHostKeys(session.Trust{Level: level, KnownHosts: []string{known}, RevokedHostKeys: writeKnown(t, c.revoked)}, Server{Host: "h.example", Port: "22"})
			if err == nil {
				err = h.Check(c.key)
			}
			if got := session.CauseOf(err); got != c.want {
				t.Errorf("%s, %s: %v, want cause %d", name, level, err, c.want)
			}
		}
	}
	h, err := OpenHostKeys(session.Trust{KnownHosts: []string{known}, RevokedHostKeys: writeKnown(t, keyText(keyA))}, Server{Host: "h.example", Port: "22"})
	if err != nil {
		t.Fatal(err)
	}
	if v := h.Judge(keyA.PublicKey()); v.State != Revoked || !strings.HasSuffix(v.Place, ":1") {
		t.Errorf("%+v", v)
	}
}

func TestAlgorithms(t *testing.T) {
	all := ssh.SupportedAlgorithms().HostKeys
	for name, c := range map[string]struct {
		lines []string
		first string
		certs bool
	}{
		"nothing known":  {nil, ssh.KeyAlgoED25519, false},
		"RSA known":      {[]string{"h " + keyText(keyRSA)}, ssh.KeyAlgoRSASHA256, false},
		"Ed25519 known":  {[]string{"h " + keyText(keyA)}, ssh.KeyAlgoED25519, false},
		"both known":     {[]string{"h " + keyText(keyRSA), "h " + keyText(keyA)}, ssh.KeyAlgoED25519, false},
		"an authority":   {[]string{"@cert-authority h " + keyText(keyCA)}, ssh.CertAlgoED25519v01, true},
		"another's only": {[]string{"g " + keyText(keyRSA), "@cert-authority g " + keyText(keyCA)}, ssh.KeyAlgoED25519, false},
	} {
		h, err := OpenHostKeys(session.Trust{KnownHosts: []string{writeKnown(t, c.lines...)}}, Server{Host: "h", Port: "22"})
		if err != nil {
			t.Fatal(err)
		}
		got := h.Algorithms(all)
		if got[0] != c.first {
			t.Errorf("%s: %q is asked for first, want %q", name, got[0], c.first)
		}
		if certs := isCertificate(got[0]); certs != c.certs {
			t.Errorf("%s: certificates asked for: %v", name, certs)
		}
	}
}

func TestParsePin(t *testing.T) {
	want := Fingerprint(keyA.PublicKey())
	sum, err := digestBytes(strings.TrimPrefix(want, "SHA256:"))
	if err != nil {
		t.Fatal(err)
	}
	var colons []string
	for _, b := range sum {
		colons = append(colons, fmt.Sprintf("%02X", b))
	}
	for _, good := range []string{
		want, " " + want + "\n", want + "=", "sha256:" + strings.TrimPrefix(want, "SHA256:"), fmt.Sprintf("SHA256:%x", sum), "SHA256:" + strings.Join(colons, ":"),
		keyText(keyA), keyText(keyA) + " a comment", "h.example " + keyText(keyA), "[h]:22,|x " + keyText(keyA),
	} {
		if got, err := ParsePin(good); got != want || err != nil {
			t.Errorf("%q: %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{
		"", "SHA256:", "SHA256:abc", want[:len(want)-1], want + "A", "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "hello",
		"@cert-authority * " + keyText(keyA), "@revoked * " + keyText(keyA), keyText(keyA) + "\n" + keyText(keyB),
	} {
		if got, err := ParsePin(bad); err == nil {
			t.Errorf("%q is taken for %q", bad, got)
		}
	}
}

// FuzzKnownHosts reads what somebody else may have written: nothing panics, every
// line is either good or told, and a line that is good is so alone as well.
func FuzzKnownHosts(f *testing.F) {
	f.Add([]byte("h " + keyText(keyA) + "\n@revoked * " + keyText(keyB) + "\n"))
	f.Add([]byte("|1|c2FsdA==|" + strings.Repeat("A", 27) + "= " + keyText(keyA)))
	f.Add([]byte("@ h\n@cert-authority\n,,, x y\n\x00\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		known := &knownHosts{}
		if err := known.read(strings.NewReader(string(data)), "f"); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(data), "\n")
		for _, l := range known.lines {
			if l.number < 1 || l.number > len(lines) || l.key == nil || len(l.hosts) == 0 {
				t.Errorf("%+v", l)
			}
			if again, err := parseKnownLine([]byte(lines[l.number-1])); err != nil || again == nil {
				t.Errorf("line %d is good in the file and alone it is not: %v", l.number, err)
			}
		}
		if most := len(lines); len(known.lines)+len(known.damaged) > most {
			t.Errorf("%d good and %d damaged of %d lines", len(known.lines), len(known.damaged), most)
		}
		known.about("h", "22", "")
		known.about("h", "2222", markAuthority)
		known.revoked("h", "22", keyA.PublicKey())
	})
}
