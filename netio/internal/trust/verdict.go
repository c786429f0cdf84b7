package trust

import (
	"fmt"

	"golang.org/x/crypto/ssh"
)

// State is what the files say of a key that a server shows.
type State uint8

const (
	Unknown State = iota // nothing is known of the server, or of its keys of this type
	Known
	Changed // another key of this type is known
	Revoked
)

// Verdict is what is known of one key.
type Verdict struct {
	State State
	Place string // file:line; "" for Unknown
	Since string // when sftpc recorded that line; "" if it did not
	Other string // the fingerprint of the key that is known, for Changed
}

// Judge says what the files know of a key, and records nothing. Pins and the level
// are not asked.
func (h *HostKeys) Judge(key ssh.PublicKey) Verdict {
	verdict := func(state State, l *knownLine) Verdict {
		since, _ := recordedAt(l.comment)
		return Verdict{State: state, Place: l.place(), Since: since}
	}
	if line := h.known.revoked(h.server.Host, h.server.Port, key); line != nil {
		return verdict(Revoked, line)
	}
	lines, loose := h.known.about(h.server.Host, h.server.Port, "")
	var other *knownLine
	for _, l := range lines {
		if sameKey(l.key, key) {
			return verdict(Known, l)
		}
		if !loose && l.key.Type() == key.Type() {
			other = l
		}
	}
	if other == nil {
		return Verdict{}
	}
	changed := verdict(Changed, other)
	changed.Other = Fingerprint(other.key)
	return changed
}

// String completes the sentence "this key is …".
func (v Verdict) String() string {
	since := ""
	if v.Since != "" {
		since = ", recorded " + v.Since
	}
	switch v.State {
	case Known:
		return fmt.Sprintf("known (%s%s)", v.Place, since)
	case Changed:
		return fmt.Sprintf("CHANGED: %s (%s%s) is known", v.Other, v.Place, since)
	case Revoked:
		return fmt.Sprintf("REVOKED (%s)", v.Place)
	}
	return "not known"
}
