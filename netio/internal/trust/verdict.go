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
	Changed // another key of this type is known, or of any type where none of them is shown
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
	if place := h.revocation(key); place != "" {
		return Verdict{State: Revoked, Place: place}
	}
	lines, loose := h.about("")
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

// JudgeAll is Judge for all the keys that a server shows. Where other keys of it are
// known and it shows none of them, its keys are not unknown but changed: a login is
// refused then too, and somebody in between would show a key of another type to be
// taken for a key that was added.
func (h *HostKeys) JudgeAll(keys []ssh.PublicKey) []Verdict {
	all := make([]Verdict, len(keys))
	known := false
	for i, key := range keys {
		all[i] = h.Judge(key)
		known = known || all[i].State == Known
	}
	lines, loose := h.about("")
	if known || loose || len(lines) == 0 {
		return all
	}
	for i := range all {
		if all[i].State == Unknown {
			since, _ := recordedAt(lines[0].comment)
			all[i] = Verdict{State: Changed, Place: lines[0].place(), Since: since, Other: Fingerprint(lines[0].key)}
		}
	}
	return all
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
