package trust

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

func TestJudge(t *testing.T) {
	file := writeKnown(t,
		"h "+keyText(keyA)+" recorded by sftpc 2026-01-02T03:04:05Z",
		"[g]:2222 "+keyText(keyB),
		"@revoked r "+keyText(keyA),
	)
	for _, c := range []struct {
		host, port string
		key        ssh.Signer
		want       State
		says       string
	}{
		{"h", "22", keyA, Known, "known (" + file + ":1, recorded 2026-01-02T03:04:05Z)"},
		{"h", "22", keyRSA, Unknown, "not known"}, // of another type
		{"h", "22", keyB, Changed, "CHANGED: " + Fingerprint(keyA.PublicKey()) + " (" + file + ":1, recorded"},
		{"h", "2222", keyA, Known, "known"},
		{"h", "2222", keyB, Unknown, "not known"}, // the port was never spoken of
		{"g", "2222", keyA, Changed, ""},
		{"g", "22", keyB, Unknown, ""},
		{"r", "22", keyA, Revoked, "REVOKED (" + file + ":3)"},
		{"n", "22", keyA, Unknown, ""},
	} {
		h, err := OpenHostKeys(session.Trust{KnownHosts: []string{file}}, Server{Host: c.host, Port: c.port})
		if err != nil {
			t.Fatal(err)
		}
		if v := h.Judge(c.key.PublicKey()); v.State != c.want || !strings.HasPrefix(v.String(), c.says) {
			t.Errorf("%s:%s %s: %d %q, want %d %q", c.host, c.port, c.key.PublicKey().Type(), v.State, v, c.want, c.says)
		}
	}
}

// Somebody in between who shows keys of other types only is not a server that has got
// a key more.
func TestJudgeAll(t *testing.T) {
	file := writeKnown(t, "h "+keyText(keyA))
	for _, c := range []struct {
		name, port string
		shown      []ssh.Signer
		want       []State
	}{
		{"known, and one more", "22", []ssh.Signer{keyA, keyRSA}, []State{Known, Unknown}},
		{"another of the type, and one more", "22", []ssh.Signer{keyB, keyRSA}, []State{Changed, Changed}},
		{"none of the type", "22", []ssh.Signer{keyRSA}, []State{Changed}},
		{"another port", "2222", []ssh.Signer{keyRSA}, []State{Unknown}},
		{"none", "22", nil, []State{}},
	} {
		h, err := OpenHostKeys(session.Trust{KnownHosts: []string{file}}, Server{Host: "h", Port: c.port})
		if err != nil {
			t.Fatal(err)
		}
		var keys []ssh.PublicKey
		for _, s := range c.shown {
			keys = append(keys, s.PublicKey())
		}
		got := []State{}
		for _, v := range h.JudgeAll(keys) {
			got = append(got, v.State)
			if v.State == Changed && v.Other != Fingerprint(keyA.PublicKey()) {
				t.Errorf("%s: %s is told for the known key", c.name, v.Other)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestRecordKeys(t *testing.T) {
	moment := time.Date(2026, 3, 9, 14, 5, 6, 0, time.UTC)
	server := Server{Host: "h", Port: "22"}
	file := writeKnown(t, "h "+keyText(keyA))
	keys := func(signers ...ssh.Signer) (all []ssh.PublicKey) {
		for _, s := range signers {
			all = append(all, s.PublicKey())
		}
		return all
	}
	if n, err := RecordKeys(file, server, keys(keyA, keyRSA), moment); n != 1 || err != nil {
		t.Errorf("a further type: %d, %v", n, err)
	}
	if n, err := RecordKeys(file, server, keys(keyA, keyRSA), moment); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	if n, err := RecordKeys(file, server, keys(keyB), moment); n != 0 || err == nil || !strings.Contains(err.Error(), file+":1 knows another ssh-ed25519 key of h:22") {
		t.Errorf("another key: %d, %v", n, err)
	}
	if n, err := RecordKeys(file, Server{Host: "h", Port: "2222"}, keys(keyB), moment); n != 1 || err != nil {
		t.Errorf("another port: %d, %v", n, err)
	}
	known, err := readKnownHosts([]string{file})
	if err != nil || len(known.lines) != 3 {
		t.Errorf("%d lines, %v", len(known.lines), err)
	}
}

// Where a key is named nothing else counts: not the files, not the level.
func TestCheck_Pins(t *testing.T) {
	file := writeKnown(t, "h "+keyText(keyB), "@revoked * "+keyText(keyA))
	for _, level := range []session.TrustLevel{session.TrustStrict, session.TrustNew, session.TrustAny} {
		h, err := OpenHostKeys(session.Trust{Level: level, KnownHosts: []string{file}, HostKeys: []string{Fingerprint(keyCA.PublicKey()), keyText(keyA)}}, Server{Host: "h", Port: "22"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Check(keyA.PublicKey()); err != nil {
			t.Errorf("%s: %v", level, err)
		}
		if err := h.Check(keyB.PublicKey()); session.CauseOf(err) != session.PinMismatch {
			t.Errorf("%s: %v", level, err)
		}
	}
	if _, err := OpenHostKeys(session.Trust{HostKeys: []string{"no key"}}, Server{Host: "h", Port: "22"}); session.CauseOf(err) != session.BadArgument {
		t.Errorf("%v", err)
	}
}
