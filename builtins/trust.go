package builtins

import (
	"fmt"
	"strings"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// belief is what the script said of the servers that it believes.
type belief struct {
	level session.TrustLevel // SETTRUST
	// hostKeys are the pins of SETHOSTKEY. Calls add up until an OPENHOST has used
	// them; the next call begins anew, so that a key of one server is never good
	// for another.
	hostKeys     []string
	hostKeysUsed bool
}

// setTrust is SETTRUST(STRICT | NEW | ANY). A level below the run's floor is denied
// and not taken: what was set before, which is safer, stays.
func (s *State) setTrust(a *arguments) error {
	level := trustLevels()[a.constant(0)]
	if level > s.options.WeakestTrust {
		return &session.Error{
			Op:    fmt.Sprintf("trusting servers less strictly than %s", s.options.WeakestTrust),
			Cause: session.Denied, Class: session.ClassDenied,
			Err:  fmt.Errorf("this run allows nothing weaker; %s stays", s.settings.belief.level),
			Hint: "who starts the run decides that, with --trust; a key can be named by SETHOSTKEY or recorded by sftpc trust",
		}
	}
	s.settings.belief.level = level
	return nil
}

// trustLevels are the words of SETTRUST.
func trustLevels() map[string]session.TrustLevel {
	words := make(map[string]session.TrustLevel)
	for _, level := range []session.TrustLevel{session.TrustStrict, session.TrustNew, session.TrustAny} {
		words[level.String()] = level
	}
	return words
}

// setHostKey is SETHOSTKEY(key | NONE).
func (s *State) setHostKey(a *arguments) error {
	b := &s.settings.belief
	if a.constant(0) == "NONE" {
		b.hostKeys, b.hostKeysUsed = nil, false
		return nil
	}
	// A key that cannot be read is kept: if the script goes on regardless, OPENHOST
	// must fail and not believe whatever is known.
	pin, err := netio.ParseHostKeyPin(a.text(0))
	if err != nil {
		pin = a.text(0)
	}
	if b.hostKeysUsed {
		b.hostKeys, b.hostKeysUsed = nil, false
	}
	b.hostKeys = append(b.hostKeys[:len(b.hostKeys):len(b.hostKeys)], pin)
	if err != nil {
		return a.bad(0, "is no host key: %v", err)
	}
	return nil
}

// warnOfPins says that nothing proves a server of plain FTP, whatever the script has
// named for it.
func (s *State) warnOfPins(e session.Endpoint) {
	if e.Protocol != session.FTP {
		return
	}
	var named []string
	if len(s.settings.belief.hostKeys) > 0 {
		named = append(named, "SETHOSTKEY")
	}
	if c := &s.settings.certificates; len(c.pins) > 0 || c.authorities != nil || c.broken != nil {
		named = append(named, "SETCERTIFICATE")
	}
	if len(named) > 0 {
		s.warn("what %s named proves nothing here: plain FTP shows neither key nor certificate, and anybody in between can read and change what is sent", strings.Join(named, " and "))
	}
}

// trust is what a new connection over the protocol is told of whom to believe.
func (s *State) trust(over session.Protocol) session.Trust {
	if s.options.Pretended {
		return session.Trust{Level: session.TrustAny}
	}
	b := &s.settings.belief
	if over == session.SFTP {
		b.hostKeysUsed = true
	}
	return s.pretendedTrust(session.Trust{
		Level:             b.level,
		HostKeys:          b.hostKeys,
		KnownHosts:        s.options.KnownHosts,
		KnownCertificates: s.options.KnownCertificates,
		Now:               s.options.Now,
		Notice:            func(text string) { s.warn("%s", text) },
	})
}
