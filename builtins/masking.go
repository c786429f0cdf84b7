package builtins

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// mask stands where a secret stood. Its length says nothing of the secret's.
const mask = "******"

// masker hides secrets by value in everything that is told. Secrets are also
// masked by position, when a command is echoed; the masker is the second line,
// for servers and programs that repeat what they were given.
type masker struct {
	secrets  []string
	replacer *strings.Replacer // nil without secrets
}

// Secrets shorter than this, or with fewer different bytes, are not looked for:
// masking every "1234" or "aaaa" would ruin messages and hide nothing.
const (
	leastSecretBytes     = 8
	leastDifferentLetter = 4
)

// shortSecret is said once of secrets that are not looked for.
const shortSecret = "a secret of fewer than 8 bytes, or with fewer than 4 different ones, is masked only where it is an argument"

// add makes the masker look for the secret from now on. It reports false for a
// secret that is too short to be looked for.
func (m *masker) add(secret string) bool {
	if !maskable(secret) {
		return false
	}
	if slices.Contains(m.secrets, secret) {
		return true
	}
	m.secrets = append(m.secrets, secret)
	var forms []string
	for _, s := range m.secrets {
		forms = append(forms, disguises(s)...)
	}
	// Of two secrets that begin alike the longer must be tried first, or its
	// rest would be shown.
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, mask)
	}
	m.replacer = strings.NewReplacer(pairs...)
	return true
}

// HiderOf returns a function that hides an endpoint's secrets by their value, as runs
// hide them in all that they tell, for those who connect without a script.
func HiderOf(endpoint session.Endpoint) func(text string) string {
	var m masker
	m.add(endpoint.Password)
	m.add(endpoint.Login.Passphrase)
	_, password := hideUserInfo(endpoint.Proxy)
	m.add(password)
	return m.hide
}

// hide returns text without any secret that was added.
func (m *masker) hide(text string) string {
	if m.replacer == nil || text == "" {
		return text
	}
	return m.replacer.Replace(text)
}

func maskable(secret string) bool {
	var seen [256]bool
	different := 0
	for i := 0; i < len(secret); i++ {
		if !seen[secret[i]] {
			seen[secret[i]] = true
			different++
		}
	}
	return len(secret) >= leastSecretBytes && different >= leastDifferentLetter
}

// disguises are the spellings in which a secret of its value is found: as it is,
// escaped for URLs, and in base64 whatever stands before and after it.
func disguises(secret string) []string {
	all := []string{secret}
	add := func(s string) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	add(url.QueryEscape(secret))
	add(url.PathEscape(secret))
	add(lowerEscapes(url.QueryEscape(secret)))
	add(lowerEscapes(url.PathEscape(secret)))
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			add(base64Core(encoding, secret, before))
		}
	}
	return all
}

// base64Core is the part of the base64 of a text that a secret within it decides
// alone, when before bytes modulo 3 stand in front: the letters at both edges
// depend on the neighbours too.
func base64Core(encoding *base64.Encoding, secret string, before int) string {
	encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
	start := (before*8 + 5) / 6
	end := (before + len(secret)) * 8 / 6
	return encoded[start:end]
}

// lowerEscapes writes %2F as %2f, as some programs do.
func lowerEscapes(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
			i += 2
		}
	}
	return string(b)
}

// ShownHost is how a host or URL that a script wrote may be told: the password of
// a URL is masked. hidden reports whether there was one.
func ShownHost(written string) (shown string, hidden bool) {
	shown, password := hideUserInfo(written)
	return shown, password != ""
}

// hideUserInfo masks the password in a URL that a script gives as a host, by
// position: scheme://user:******@host/. The second result is the password. What
// is no URL is treated alike: user:password@host is refused, and must not be told
// while it is.
func hideUserInfo(host string) (shown, password string) {
	begin := 0
	if scheme := strings.Index(host, "://"); scheme >= 0 {
		begin = scheme + 3
	}
	rest := host[begin:]
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		// An @ after the first slash is a password with a slash in it more likely
		// than a path with an @: better to hide too much.
		if at = strings.LastIndexByte(rest, '@'); at < 0 {
			return host, ""
		}
	}
	colon := strings.IndexByte(rest[:at], ':')
	if colon < 0 {
		return host, ""
	}
	password = rest[colon+1 : at]
	if plain, err := url.PathUnescape(password); err == nil {
		password = plain
	}
	return host[:begin] + rest[:colon+1] + mask + rest[at:], password
}

// hideRaw masks what follows PASS and ACCT in a command line of RAWCOMMAND, which
// is refused all the same. The second result is what was masked.
func hideRaw(line string) (shown, secret string) {
	start := len(line) - len(strings.TrimLeft(line, " \t"))
	end := strings.IndexAny(line[start:], " \t")
	if end < 0 {
		return line, ""
	}
	switch end += start; strings.ToUpper(line[start:end]) {
	case "PASS", "ACCT":
		return line[:end+1] + mask, strings.TrimSpace(line[end:])
	}
	return line, ""
}
