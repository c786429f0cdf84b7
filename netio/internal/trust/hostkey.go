package trust

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

// Server is a server of SSH as its keys are recorded: by the name that was asked
// for, wherever that leads.
type Server struct {
	User string // for messages
	Host string
	Port string
	// Alias is the name by which its keys are known, whatever its port; "" is Host.
	Alias string
	// Asked is the name that `sftpc trust` takes, where that is not Host with its
	// port; "" is.
	Asked string
	// OnTheWay says that it is a jump host: SETHOSTKEY is about the target only.
	OnTheWay bool
}

// knownAs is the name and the port that its keys are looked up and recorded under.
func (s Server) knownAs() (host, port string) {
	if s.Alias != "" {
		return s.Alias, sshPort
	}
	return s.Host, s.Port
}

// String is the account as messages name it: user@host:port.
func (s Server) String() string {
	at := joinPort(s.Host, s.Port)
	if s.User == "" {
		return at
	}
	return s.User + "@" + at
}

// HostKeys decides whether the key that a server shows is its own. It is made for
// one server and one connection, and is not safe for concurrent use.
type HostKeys struct {
	trust   session.Trust
	server  Server
	known   *knownHosts
	revoked *revokedKeys
	pins    []string
}

// about returns the lines about the server that bear the marker.
func (h *HostKeys) about(marker string) (lines []*knownLine, loose bool) {
	host, port := h.server.knownAs()
	return h.known.about(host, port, marker)
}

// revocation is where a key is revoked for the server; "" if it is not. A certificate is
// revoked with its key and with its authority's.
func (h *HostKeys) revocation(key ssh.PublicKey) (place string) {
	keys := []ssh.PublicKey{key}
	if certificate, ok := key.(*ssh.Certificate); ok {
		keys = []ssh.PublicKey{certificate.Key, certificate.SignatureKey}
	}
	host, port := h.server.knownAs()
	if line := h.known.revoked(host, port, keys...); line != nil {
		return line.place()
	}
	return h.revoked.place(key)
}

// OpenHostKeys reads what is known of a server. The error is for files that exist
// and cannot be read, and for pins that are none.
func OpenHostKeys(trust session.Trust, server Server) (*HostKeys, error) {
	h := &HostKeys{trust: trust, server: server, known: &knownHosts{}, revoked: &revokedKeys{}}
	for _, written := range trust.HostKeys {
		pin, err := ParsePin(written)
		if err != nil {
			return nil, &session.Error{Op: "reading the host key to insist on", Cause: session.BadArgument, Class: session.ClassUsage, Err: err}
		}
		h.pins = append(h.pins, pin)
	}
	if len(h.pins) > 0 || trust.Level == session.TrustAny {
		return h, nil // nothing else counts
	}
	var err error
	if h.known, err = readKnownHosts(trust.KnownHosts); err != nil {
		return nil, &session.Error{
			Op: "reading the known host keys", Cause: session.HostKeyUnknown, Class: session.ClassTrust, Name: server.Host,
			Hint: "a file that cannot be read may revoke a key, so no key is believed without it", Err: err,
		}
	}
	if trust.RevokedHostKeys != "" {
		if h.revoked, err = readRevoked(trust.RevokedHostKeys); err != nil {
			return nil, &session.Error{
				Op: "reading the revoked host keys", Cause: session.HostKeyUnknown, Class: session.ClassTrust, Name: server.Host,
				Hint: "RevokedHostKeys in ssh_config names that file; what it revokes is not known, so no key is believed without it", Err: err,
			}
		}
	}
	for _, sentence := range h.known.damaged {
		h.notice(sentence)
	}
	return h, nil
}

func (h *HostKeys) notice(text string) {
	if h.trust.Notice != nil {
		h.trust.Notice(text)
	}
}

// Algorithms orders the algorithms of host keys in which a server may prove itself:
// the types of the keys that are known come first, so that a server with keys of
// several types shows one that can be compared. Certificates are asked for only
// where an authority is known for the host. all is what may be used at all.
func (h *HostKeys) Algorithms(all []string) []string {
	authorities, _ := h.about(markAuthority)
	var plain, certified []string
	for _, algorithm := range preferred(all) {
		if isCertificate(algorithm) {
			certified = append(certified, algorithm)
		} else {
			plain = append(plain, algorithm)
		}
	}
	lines, _ := h.about("")
	known := func(algorithm string) bool {
		return slices.ContainsFunc(lines, func(l *knownLine) bool { return typeOf(algorithm) == l.key.Type() })
	}
	var ordered []string
	if len(authorities) > 0 {
		ordered = append(ordered, certified...)
	}
	for _, first := range []bool{true, false} {
		for _, algorithm := range plain {
			if known(algorithm) == first {
				ordered = append(ordered, algorithm)
			}
		}
	}
	return ordered
}

// preferred puts Ed25519 first: its key is the one whose fingerprint most owners of
// servers publish, and OpenSSH prefers it too.
func preferred(all []string) []string {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b string) int {
		rank := func(s string) int {
			if typeOf(s) == ssh.KeyAlgoED25519 || s == ssh.CertAlgoED25519v01 {
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
	return sorted
}

func isCertificate(algorithm string) bool { return strings.Contains(algorithm, "-cert-") }

// typeOf is the type of the keys that an algorithm signs with: RSA has three.
func typeOf(algorithm string) string {
	switch algorithm {
	case ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512:
		return ssh.KeyAlgoRSA
	}
	return algorithm
}

// Check says whether the key is the server's. The error is a *session.Error of one
// of the causes HostKeyUnknown, HostKeyChanged, PinMismatch, CertificateExpired and
// CertificateWrongName. Under session.TrustNew an unknown key is recorded first.
func (h *HostKeys) Check(key ssh.PublicKey) error {
	if len(h.pins) > 0 {
		return h.checkPins(key)
	}
	if h.trust.Level == session.TrustAny {
		h.notice(fmt.Sprintf("the host key of %s is not checked: %s %s; anybody on the way could be this server", h.server, key.Type(), Fingerprint(key)))
		return nil
	}
	if certificate, ok := key.(*ssh.Certificate); ok {
		return h.checkCertificate(certificate)
	}
	if place := h.revocation(key); place != "" {
		return h.isRevoked(place, key)
	}
	lines, loose := h.about("")
	for _, l := range lines {
		if sameKey(l.key, key) {
			return nil
		}
	}
	if len(lines) > 0 && !loose {
		return h.changed(lines, key)
	}
	if h.trust.Level != session.TrustNew {
		return h.unknown(key)
	}
	return h.recordFirst(key)
}

func (h *HostKeys) checkPins(key ssh.PublicKey) error {
	if certificate, ok := key.(*ssh.Certificate); ok {
		key = certificate.Key
	}
	if slices.Contains(h.pins, Fingerprint(key)) {
		return nil
	}
	e := h.fault(session.PinMismatch, fmt.Errorf("the %s key of %s is %s, and the script insists on %s",
		key.Type(), h.server, Fingerprint(key), strings.Join(h.pins, " or ")))
	e.Hint = "ask the server's owner whether the key was replaced; if so, SETHOSTKEY needs the new fingerprint"
	return e
}

// fault is an error about this server.
func (h *HostKeys) fault(cause session.Cause, err error) *session.Error {
	return &session.Error{
		Op: "checking the host key", Cause: cause, Class: cause.Class(),
		Host: joinPort(h.server.Host, h.server.Port), Name: h.server.Host, Err: err,
	}
}

func (h *HostKeys) isRevoked(place string, key ssh.PublicKey) error {
	e := h.fault(session.HostKeyChanged, fmt.Errorf("the %s key of %s, %s, is revoked by %s", key.Type(), h.server, Fingerprint(key), place))
	e.Hint = "whoever has this key is not to be believed any more; the server's owner has a new one, or should"
	return e
}

// changed tells what the key was, since when, and what it is.
func (h *HostKeys) changed(lines []*knownLine, key ssh.PublicKey) error {
	var was []string
	for _, l := range lines {
		text := fmt.Sprintf("%s %s (%s", l.key.Type(), Fingerprint(l.key), l.place())
		if since, ok := recordedAt(l.comment); ok {
			text += ", recorded " + since
		}
		was = append(was, text+")")
	}
	e := h.fault(session.HostKeyChanged, fmt.Errorf("%s showed the key %s %s, and what is known of it is %s",
		h.server, key.Type(), Fingerprint(key), strings.Join(was, " and ")))
	e.Hint = fmt.Sprintf("somebody may be listening between here and %s, or its owner replaced the key: ask.\nIf it was replaced, delete that line and record the new key: sftpc trust %s",
		h.server.Host, h.argument())
	return e
}

// unknown tells everything that is needed to go on.
func (h *HostKeys) unknown(key ssh.PublicKey) error {
	read := "no file of known hosts is read here"
	files := slices.DeleteFunc(slices.Clone(h.trust.KnownHosts), func(name string) bool { return name == "" })
	if len(files) > 0 {
		read = "it is not in " + strings.Join(files, " nor in ")
	}
	e := h.fault(session.HostKeyUnknown, fmt.Errorf("nothing is known of %s, which shows the key %s %s: %s", h.server, key.Type(), Fingerprint(key), read))
	ways := []string{"sftpc trust " + h.argument()}
	if !h.server.OnTheWay {
		ways = append(ways, fmt.Sprintf("SETHOSTKEY(\"%s\") in the script, before OPENHOST", Fingerprint(key)))
	}
	if len(h.trust.KnownHosts) > 0 && h.trust.KnownHosts[0] != "" {
		ways = append(ways, fmt.Sprintf("add to %s: %s", h.trust.KnownHosts[0], Line(h.server, key)))
	}
	e.Hint = "compare the fingerprint with what the server's owner says, then do one of these:\n  " + strings.Join(ways, "\n  ")
	return e
}

// argument is how `sftpc trust` is told of the server.
func (h *HostKeys) argument() string {
	if h.server.Asked != "" {
		return h.server.Asked
	}
	if h.server.Port == sshPort {
		return h.server.Host
	}
	return joinPort(h.server.Host, h.server.Port)
}

func (h *HostKeys) recordFirst(key ssh.PublicKey) error {
	if len(h.trust.KnownHosts) == 0 || h.trust.KnownHosts[0] == "" {
		why := h.trust.Unrecorded
		if why == "" {
			why = "there is no file to record host keys in"
		}
		e := h.fault(session.HostKeyUnknown, fmt.Errorf("nothing is known of %s, which shows the key %s %s, and it cannot be recorded: %s",
			h.server, key.Type(), Fingerprint(key), why))
		e.Hint = "what is recorded nowhere cannot be insisted on later: SETHOSTKEY names the key in the script"
		if h.server.OnTheWay {
			e.Hint = "what is recorded nowhere cannot be insisted on later: name a file that can be written"
		}
		return e
	}
	file := h.trust.KnownHosts[0]
	lines, err := record(file, h.server, key, h.now())
	if err != nil {
		e := h.fault(session.HostKeyUnknown, fmt.Errorf("nothing is known of %s, which shows the key %s %s, and it cannot be recorded: %w",
			h.server, key.Type(), Fingerprint(key), err))
		e.Hint = "what cannot be recorded cannot be insisted on later: make " + file + " writable, or name the key with SETHOSTKEY"
		return e
	}
	if len(lines) > 0 { // another run was quicker, with another key
		return h.changed(lines, key)
	}
	h.notice(fmt.Sprintf("the key of %s was not known and is recorded in %s: %s %s", h.server, file, key.Type(), Fingerprint(key)))
	return nil
}

func (h *HostKeys) now() time.Time {
	if h.trust.Now != nil {
		return h.trust.Now()
	}
	return time.Now()
}

// checkCertificate believes a certificate that a known authority signed for this
// host, that is valid now, and that is not revoked.
func (h *HostKeys) checkCertificate(certificate *ssh.Certificate) error {
	host, _ := h.server.knownAs()
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if place := h.revocation(certificate); place != "" {
		return h.isRevoked(place, certificate.Key)
	}
	authorities, _ := h.about(markAuthority)
	if !slices.ContainsFunc(authorities, func(l *knownLine) bool { return sameKey(l.key, certificate.SignatureKey) }) {
		return h.fault(session.HostKeyUnknown, fmt.Errorf("%s shows a certificate signed by %s, which is not the authority of %s",
			h.server, Fingerprint(certificate.SignatureKey), placesOf(authorities)))
	}
	now := uint64(max(h.now().Unix(), 0))
	switch {
	case certificate.CertType != ssh.HostCert:
		return h.fault(session.HostKeyUnknown, fmt.Errorf("%s shows a user's certificate as a host's", h.server))
	case now < certificate.ValidAfter, certificate.ValidBefore != ssh.CertTimeInfinity && now >= certificate.ValidBefore:
		return h.fault(session.CertificateExpired, fmt.Errorf("the host certificate of %s is valid from %s to %s only",
			h.server, certificateTime(certificate.ValidAfter), certificateTime(certificate.ValidBefore)))
	case !slices.Contains(certificate.ValidPrincipals, name):
		return h.fault(session.CertificateWrongName, fmt.Errorf("the host certificate that %s shows is for %s", h.server, clip(strings.Join(certificate.ValidPrincipals, ", "))))
	}
	// The signature and the critical options are left.
	checker := ssh.CertChecker{
		Clock:           h.now,
		IsHostAuthority: func(ssh.PublicKey, string) bool { return true },
	}
	if err := checker.CheckHostKey(joinPort(name, h.server.Port), noAddress{}, certificate); err != nil {
		return h.fault(session.HostKeyUnknown, fmt.Errorf("the host certificate of %s cannot be believed: %w", h.server, err))
	}
	return nil
}

type noAddress struct{}

func (noAddress) Network() string { return "none" }
func (noAddress) String() string  { return "" }

var _ net.Addr = noAddress{}

func placesOf(lines []*knownLine) string {
	var places []string
	for _, l := range lines {
		places = append(places, l.place())
	}
	return strings.Join(places, ", ")
}

func certificateTime(seconds uint64) string {
	if seconds >= uint64(1)<<40 {
		return "for ever"
	}
	return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
}

// Fingerprint is the key as `ssh-keygen -l` shows it: SHA256: and base64.
func Fingerprint(key ssh.PublicKey) string { return ssh.FingerprintSHA256(key) }

// Line is the line of a file of known hosts for a server's key.
func Line(server Server, key ssh.PublicKey) string {
	return knownName(server.knownAs()) + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// ParsePin reads a host key to insist on, and returns its fingerprint: "SHA256:" and
// base64 or hexadecimal, with or without colons; or the key itself, alone or as in
// a line of known_hosts or of a .pub file.
func ParsePin(written string) (fingerprint string, err error) {
	text := strings.TrimSpace(written)
	if digest, ok := cutPrefixFold(text, "SHA256:"); ok {
		sum, err := digestBytes(digest)
		if err != nil {
			return "", err
		}
		return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum), nil
	}
	if _, ok := cutPrefixFold(text, "MD5:"); ok {
		return "", errors.New("a fingerprint of MD5 does not tell one key from another: ssh-keyscan HOST | ssh-keygen -lf - shows that of SHA256")
	}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text)); err == nil && !strings.Contains(text, "\n") {
		return Fingerprint(key), nil
	}
	if line, err := parseKnownLine([]byte(text)); err == nil && line != nil && line.marker == "" && !strings.Contains(text, "\n") {
		return Fingerprint(line.key), nil
	}
	return "", errors.New("a host key is written SHA256: and its fingerprint, as ssh-keygen -l shows it, or as the key itself: ssh-ed25519 AAAA…")
}

func cutPrefixFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// digestBytes reads a sum of SHA-256 in base64 or hexadecimal.
func digestBytes(text string) ([]byte, error) {
	if sum, err := hex.DecodeString(strings.ReplaceAll(text, ":", "")); err == nil && len(sum) == sha256.Size {
		return sum, nil
	}
	sum, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(sum) != sha256.Size {
		return nil, fmt.Errorf("a fingerprint of SHA256 is 43 letters of base64 or 64 of hexadecimal, and %q is neither", text)
	}
	return sum, nil
}
