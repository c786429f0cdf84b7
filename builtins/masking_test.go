package builtins

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMasker_shortOrMonotonousSecretsAreNotLookedFor(t *testing.T) {
	for secret, looked := range map[string]bool{
		"":          false,
		"1234567":   false,
		"12345678":  true,
		"aaaaaaaa":  false,
		"abcabcab":  false,
		"abcdabcd":  true,
		"geheim!":   false,
		"pässwört1": true,
	} {
		var m masker
		if got := m.add(secret); got != looked {
			t.Errorf("add(%q) = %v, want %v", secret, got, looked)
		}
		if hidden := m.hide("<" + secret + ">"); looked && hidden != "<******>" || !looked && hidden != "<"+secret+">" {
			t.Errorf("hide(%q) = %q", secret, hidden)
		}
	}
}

func TestMasker_ofTwoSecretsTheLongerIsTriedFirst(t *testing.T) {
	var m masker
	m.add("password")
	m.add("password-of-acme")
	if got := m.hide("x password-of-acme password y"); got != "x ****** ****** y" {
		t.Error(got)
	}
}

func secrets() *rapid.Generator[string] {
	return rapid.StringMatching(`[ -~]{8,40}`).Filter(maskable)
}

// Whatever stands around it, neither a secret nor its usual disguises survive.
func TestMasker_hidesEveryDisguise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := secrets().Draw(t, "secret")
		before, after := rapid.String().Draw(t, "before"), rapid.String().Draw(t, "after")
		var m masker
		m.add(secret)
		for name, text := range map[string]string{
			"plain":      before + secret + after,
			"query":      before + url.QueryEscape(secret) + after,
			"path":       before + url.PathEscape(secret) + after,
			"lower":      before + lowerEscapes(url.QueryEscape(secret)) + after,
			"base64":     base64.StdEncoding.EncodeToString([]byte(before + secret + after)),
			"base64 url": base64.RawURLEncoding.EncodeToString([]byte(before + secret + after)),
		} {
			hidden := m.hide(text)
			if !strings.Contains(hidden, mask) {
				t.Errorf("%s: %q is shown as %q", name, text, hidden)
			}
			if strings.Contains(hidden, secret) && !strings.Contains(mask, secret) {
				t.Errorf("%s: %q still holds the secret", name, hidden)
			}
		}
	})
}

func TestMasker_leavesOtherTextsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m masker
		m.add(secrets().Draw(t, "secret") + "\x00") // no text below holds NUL
		text := rapid.StringMatching(`[ -~\n]{0,80}`).Draw(t, "text")
		if got := m.hide(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestHideUserInfo(t *testing.T) {
	for host, want := range map[string]struct{ shown, password string }{
		"ftp.example.com":                      {"ftp.example.com", ""},
		"ftp://ftp.example.com/dir":            {"ftp://ftp.example.com/dir", ""},
		"ftp://acme@ftp.example.com":           {"ftp://acme@ftp.example.com", ""},
		"ftp://acme:secret@ftp.example.com/in": {"ftp://acme:******@ftp.example.com/in", "secret"},
		"ftp://acme:a%40b@ftp.example.com":     {"ftp://acme:******@ftp.example.com", "a@b"},
		"ftp://acme:a@b@ftp.example.com":       {"ftp://acme:******@ftp.example.com", "a@b"},
		"ftp://acme:a/b@ftp.example.com":       {"ftp://acme:******@ftp.example.com", "a/b"},
		"ftp://acme:100%@ftp.example.com":      {"ftp://acme:******@ftp.example.com", "100%"},
		// No URL, and refused; but what was meant as a password is one.
		"acme:secret@ftp.example.com":      {"acme:******@ftp.example.com", "secret"},
		"ftp:/acme:secret@ftp.example.com": {"ftp:******@ftp.example.com", "/acme:secret"},
		"acme@ftp.example.com":             {"acme@ftp.example.com", ""},
		"[::1]:21":                         {"[::1]:21", ""},
	} {
		shown, password := hideUserInfo(host)
		if shown != want.shown || password != want.password {
			t.Errorf("%s: %q, %q", host, shown, password)
		}
	}
}

// Whatever a script gets wrong, a password that it wrote is in nothing that is
// told.
func TestSecretsOfRefusedCommandsAreMasked(t *testing.T) {
	for _, statement := range []string{
		`OPENHOST("joe:Geheim.123@ftp.test")`,
		`OPENHOST("ftp:/joe:Geheim.123@ftp.test")`,
		`OPENHOST("gopher://joe:Geheim.123@ftp.test")`,
		`OPENHOST("ftp://joe:Geheim.123@ftp.test:99999")`,
		`OPENHOST("ftp://joe:Geheim.123@ftp.test","ann")`,
		`OPENHOST("ftp://joe:Geheim.123@ftp.test","","Geheim.123")`,
		`RAWCOMMAND("PASS Geheim.123")`,
		`RAWCOMMAND("  pass  Geheim.123")`,
		`RAWCOMMAND("ACCT Geheim.123")`,
		`RAWCOMMAND("PASS	Geheim.123")`,
	} {
		s := newSite(t, siteOptions{})
		o := s.on(statement, `PRINT(GETERROR)`)
		if strings.Contains(o.transcript+o.stdout, "Geheim") || !o.has(mask) || o.stdout == "\n" {
			t.Errorf("%s:\n%s%s", statement, o.transcript, o.stdout)
		}
		for _, e := range o.events {
			if text := fmt.Sprintf("%+v %+v", e, e.Failure); strings.Contains(text, "Geheim") {
				t.Errorf("%s: the event %s", statement, text)
			}
		}
	}
	// Too short to be looked for by value.
	s := newSite(t, siteOptions{})
	if o := s.on(`RAWCOMMAND("PASS abc")`); strings.Contains(o.transcript, "abc") {
		t.Errorf("a short one:\n%s", o.transcript)
	}
}
