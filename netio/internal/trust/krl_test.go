package trust

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

// krlKey is a key or certificate of testdata/krl, which ssh-keygen 9.2 made with the lists
// there: krl revokes the key plain and the digests of sha1 and sha256, and of the
// certificates that ca signed the serial numbers 5, 100 to 200, 1000 to 1003 and some odd
// ones behind, and the key id "lost laptop"; ca_only.krl revokes the key ca2.
func krlKey(t testing.TB, name string) ssh.PublicKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "krl", name))
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// What ssh-keygen -Q says of each, and the certificates' own names.
func TestRevocationList(t *testing.T) {
	for name, want := range map[string]bool{
		"plain.pub": true, "sha1.pub": true, "sha256.pub": true, "good.pub": false, "host.pub": false, "ca.pub": false, "ca2.pub": false,
		"cert_serial5.pub": true, "cert_range150.pub": true, "cert_bitmap1002.pub": true, "cert_byid.pub": true,
		"cert_fine.pub": false, "cert_zero.pub": false, "cert_ca2.pub": false,
	} {
		key := krlKey(t, name)
		host := "h.example " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
		if _, ok := key.(*ssh.Certificate); ok {
			authority := key.(*ssh.Certificate).SignatureKey
			host = "@cert-authority * " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(authority)))
		}
		for list, want := range map[string]bool{"krl": want, "ca_only.krl": name == "ca2.pub" || name == "cert_ca2.pub"} {
			h, err := OpenHostKeys(session.Trust{KnownHosts: []string{writeKnown(t, host)}, RevokedHostKeys: filepath.Join("testdata", "krl", list)}, Server{Host: "h.example", Port: "22"})
			if err != nil {
				t.Fatal(err)
			}
			err = h.Check(key)
			if revoked := session.CauseOf(err) == session.HostKeyChanged; revoked != want || !revoked && err != nil {
				t.Errorf("%s by %s: %v, want it revoked: %t", name, list, err, want)
			}
		}
	}
}

// Serial numbers around those that are revoked, and of another authority.
func TestRevocationList_Serials(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "krl", "krl"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := parseKRL(data)
	if err != nil {
		t.Fatal(err)
	}
	certificate := *krlKey(t, "cert_fine.pub").(*ssh.Certificate)
	revoked := []uint64{5, 100, 101, 200, 1000, 1001, 1002, 1003, 1005, 1007, 1009, 1011}
	for _, serial := range append([]uint64{0, 1, 4, 6, 99, 201, 999, 1004, 1006, 1010, 1012, 1016, 1 << 40, 1<<64 - 1}, revoked...) {
		certificate.Serial = serial
		if got := list.revokes(&certificate); got != slices.Contains(revoked, serial) {
			t.Errorf("serial number %d: %t", serial, got)
		}
	}
	certificate.Serial, certificate.SignatureKey = 5, krlKey(t, "ca2.pub")
	if list.revokes(&certificate) {
		t.Error("a serial number of another authority is revoked")
	}
}

// A list that is cut anywhere, or says what is not understood, is refused.
func TestRevocationList_Damaged(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "krl", "krl"))
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for n := range data {
		if _, err := parseKRL(data[:n]); err == nil {
			whole++
		}
	}
	if whole > 4 { // between its sections, where it is a shorter list
		t.Errorf("%d beginnings of it are read as lists", whole)
	}
	text := func(s string) string { return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s }
	head := krlMagic + "\x00\x00\x00\x01" + strings.Repeat("\x00", 24) + text("") + text("")
	for name, c := range map[string]struct {
		data string
		says string
	}{
		"nothing":                     {head, ""},
		"another version":             {strings.Replace(head, "\x00\x00\x00\x01", "\x00\x00\x00\x02", 1), "version 2"},
		"an unknown section":          {head + "\x09" + text("x"), "kind 9"},
		"a signature":                 {head + "\x04" + text("anything"), ""},
		"an extension":                {head + "\xff" + text(text("x@y")+"\x00"+text("z")), ""},
		"an extension that must be":   {head + "\xff" + text(text("x@y")+"\x01"+text("z")), `"x@y"`},
		"of certificates, unknown":    {head + "\x01" + text(text("")+text("")+"\x77"+text("")), "kind 119"},
		"of certificates, extension":  {head + "\x01" + text(text("")+text("")+"\x39"+text(text("x@y")+"\x01"+text(""))), `"x@y"`},
		"of certificates, half a one": {head + "\x01" + text(text("")+text("")+"\x20"+text("1234567")), "middle"},
		"a key longer than the list":  {head + "\x02" + text("\xff\xff\xff\xffx"), "middle"},
	} {
		if _, err := parseKRL([]byte(c.data)); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
