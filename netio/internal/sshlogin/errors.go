package sshlogin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

// fault is an error of the given cause; what was being done and the host are filled
// in where Connect ends.
func fault(cause session.Cause, err error) *session.Error {
	return &session.Error{Cause: cause, Class: cause.Class(), Err: err}
}

func asFault(err error) *session.Error {
	var e *session.Error
	if errors.As(err, &e) {
		return e
	}
	return fault(session.Internal, err)
}

func cancelled(ctx context.Context) *session.Error {
	return fault(session.Cancelled, context.Cause(ctx))
}

// clip bounds what a message repeats of what a server said: its packets have 256 KiB.
func clip(text string) string {
	const most = 1000 // OpenSSH's longest list of algorithms has some 600
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func errTimeout(what string, after time.Duration) error {
	return fmt.Errorf("%s within %s", what, after)
}

// ofHandshake is the error for a login that came to nothing. The library's own
// errors are texts, so what is known besides decides: what we refused, what time ran
// out, and which proofs were offered.
func (c *connecting) ofHandshake(ctx context.Context, err error, h *handshake, l *login) *session.Error {
	var negotiation *ssh.AlgorithmNegotiationError
	text := clip(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "ssh: handshake failed: "), "ssh: "))
	switch {
	case ctx.Err() != nil:
		return cancelled(ctx)
	case h.refused != nil:
		return h.refused
	case h.late.Load():
		if other := h.otherProtocol(); other != nil {
			return fault(session.ProtocolError, other)
		}
		if !h.known.Load() {
			return fault(session.ConnectTimeout, errTimeout("no key exchange", c.settings.Timeouts.Connect))
		}
		return fault(session.ReplyTimeout, errTimeout("no answer to the login", c.settings.Timeouts.Reply))
	case errors.As(err, &negotiation):
		e := fault(session.ProtocolError, fmt.Errorf("no %s in common: the server offers %s", what(negotiation.What), clip(strings.Join(negotiation.RequestedAlgorithms, ", "))))
		if offersWeak(negotiation.RequestedAlgorithms) {
			e.Hint = "the server knows only algorithms that were given up as unsafe; SETALGORITHMS(LEGACY) takes them all the same"
		}
		return e
	case !h.known.Load():
		if other := h.otherProtocol(); other != nil {
			return fault(session.ProtocolError, other)
		}
		if isLost(err) {
			return fault(session.ConnectionLost, errors.New("the server closed the connection before its key exchange"))
		}
		return fault(session.ProtocolError, errors.New(text))
	}
	e := c.ofLogin(err, text, l)
	e.Op = "logging in to " + c.server.String()
	return e
}

// ofLogin is the error for proofs that were not taken.
func (c *connecting) ofLogin(err error, text string, l *login) *session.Error {
	switch {
	case strings.Contains(text, "disconnect, reason"):
		// Servers count the keys that they are shown.
		e := fault(session.AccessRefused, fmt.Errorf("%s, and the server ended the login: %s", l.describe(), text))
		if strings.Contains(strings.ToLower(text), "too many authentication failures") {
			e.Hint = "the server takes only so many keys: SETKEYFILE names the one to show"
		}
		return e
	case isLost(err) && len(l.tried) == 0:
		return fault(session.ConnectionLost, errors.New("the server closed the connection before the login"))
	case isLost(err):
		return fault(session.AccessRefused, fmt.Errorf("%s, and the server closed the connection", l.describe()))
	case l.asked != nil:
		e := fault(session.AccessRefused, fmt.Errorf("%s: %w", l.describe(), l.asked))
		e.Hint = "a login that asks for more than a password cannot be done unattended; ask for an account with a key"
		return e
	case l.began:
		return l.refused()
	}
	return fault(session.ProtocolError, errors.New(text))
}

// refused is the error for a login all of whose proofs were refused.
func (l *login) refused() *session.Error {
	e := fault(session.AccessRefused, errors.New(l.describe()))
	e.Hint = l.certificateHint()
	switch {
	case e.Hint != "":
	case len(l.signers) == 0 && l.c.endpoint.Password == "":
		e.Hint = "nothing was given to log in with: a password as OPENHOST's third argument, or a key by SETKEYFILE"
	case l.steps > 0:
		e.Hint = "the server wants more than one proof: give both a key (SETKEYFILE) and a password"
	case !slices.Contains(l.offered, "publickey") && l.c.endpoint.Password == "":
		e.Hint = "this server takes no keys: it needs a password"
	case l.onlyRSA() && !slices.Contains(l.offered, "password") && !l.c.endpoint.LegacyAlgorithms:
		e.Hint = "if this server is old it may know RSA with SHA-1 only, which SETALGORITHMS(LEGACY) allows"
	case len(l.signers) == 0 && !slices.Contains(l.offered, "password") && !slices.Contains(l.offered, "keyboard-interactive"):
		e.Hint = "this server takes no passwords: it needs a key (SETKEYFILE)"
	}
	return e
}

// certificateHint says what is wrong with a certificate that was refused, as far as it
// can be seen here: servers say nothing but no. "" if nothing is seen.
func (l *login) certificateHint() string {
	now := time.Now()
	if clock := l.c.endpoint.Trust.Now; clock != nil {
		now = clock()
	}
	var hints []string
	for i, s := range l.signers {
		key, err := ssh.ParsePublicKey(s.PublicKey().Marshal()) // an agent's keys are of a type of its own
		certificate, ok := key.(*ssh.Certificate)
		if err != nil || !ok {
			continue
		}
		if wrong := wrongWith(certificate, l.c.endpoint.User, now); wrong != "" {
			hints = append(hints, fmt.Sprintf("the certificate %s %s", l.names[i], wrong))
		}
	}
	return strings.Join(hints, "\n")
}

// wrongWith says why a server may refuse a user's certificate.
func wrongWith(c *ssh.Certificate, user string, now time.Time) string {
	at := func(seconds uint64) string { return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339) }
	seconds := uint64(max(now.Unix(), 0))
	switch {
	case c.ValidBefore != ssh.CertTimeInfinity && seconds >= c.ValidBefore:
		return "expired at " + at(c.ValidBefore) + ": have the key signed again"
	case seconds < c.ValidAfter:
		return "is not valid before " + at(c.ValidAfter) + "; is the clock of this machine right?"
	case len(c.ValidPrincipals) > 0 && !slices.Contains(c.ValidPrincipals, user):
		return fmt.Sprintf("is for %s, and the login is as %s: have the key signed for that name, or log in as one of these", clip(strings.Join(c.ValidPrincipals, ", ")), user)
	case c.CriticalOptions["source-address"] != "":
		return "is good only for connections from " + clip(c.CriticalOptions["source-address"])
	}
	return ""
}

// describe says what was tried and what the server takes.
func (l *login) describe() string {
	text := "the server refused "
	if len(l.tried) == 0 {
		text = "we have nothing that the server takes"
	} else {
		var proofs []string
		for _, method := range l.tried {
			if method == "publickey" {
				method = fmt.Sprintf("publickey (%s)", l.keyNames())
			}
			proofs = append(proofs, method)
		}
		text += strings.Join(proofs, ", ")
	}
	if len(l.offered) > 0 && len(l.tried) == 0 {
		text += ": " + strings.Join(l.offered, ", ")
	} else if len(l.offered) > 0 {
		text += "; it takes " + clip(strings.Join(l.offered, ", "))
	}
	return text
}

func (l *login) onlyRSA() bool {
	return len(l.signers) > 0 && !slices.ContainsFunc(l.signers, func(s ssh.Signer) bool { return !strings.HasPrefix(s.PublicKey().Type(), "ssh-rsa") })
}

// keyNames names the keys that were shown, the first of many.
func (l *login) keyNames() string {
	const most = 6
	var names []string
	for i, s := range l.signers {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(l.signers)-most))
			break
		}
		names = append(names, fmt.Sprintf("%s %s of %s", s.PublicKey().Type(), ssh.FingerprintSHA256(s.PublicKey()), l.names[i]))
	}
	return strings.Join(names, ", ")
}

// what names the library's word for a kind of algorithm in ours.
func what(kind string) string {
	switch {
	case strings.Contains(kind, "host key"):
		return "type of host key"
	case strings.Contains(kind, "cipher"):
		return "cipher"
	case strings.Contains(kind, "MAC"):
		return "check of integrity (MAC)"
	case strings.Contains(kind, "key exchange"):
		return "key exchange"
	}
	return kind
}

func offersWeak(offered []string) bool {
	weak := ssh.InsecureAlgorithms()
	for _, list := range [][]string{weak.KeyExchanges, weak.Ciphers, weak.MACs, weak.HostKeys} {
		for _, algorithm := range list {
			if slices.Contains(offered, algorithm) {
				return true
			}
		}
	}
	return false
}

// isLost tells a connection that broke from one whose bytes made no sense.
func isLost(err error) bool {
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &network)
}

// otherProtocol says what a server speaks that does not speak SSH; nil if it may.
// RFC 4253 allows lines before the one that begins with SSH-.
func (h *handshake) otherProtocol() error {
	h.lock.Lock()
	defer h.lock.Unlock()
	if len(h.first) == 0 || bytes.Contains(h.first, []byte("SSH-")) {
		return nil
	}
	line, _, _ := bytes.Cut(h.first, []byte("\n"))
	return fmt.Errorf("the server does not speak SSH, it says: %q", strings.TrimRight(string(line), "\r"))
}
