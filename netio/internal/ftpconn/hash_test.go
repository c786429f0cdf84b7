package ftpconn

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

const (
	sha1Hex = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
	md5Hex  = "5D41402ABC4B2A76B9719D911017C592"
	crcHex  = "3610a686"
)

// How the replies of servers are read, and what is no reply.
func TestHashReplies(t *testing.T) {
	cases := []struct {
		hash bool // to HASH
		way  string
		text string
		want string
	}{
		{true, "SHA1", "SHA-1 0-5 " + sha1Hex + " a b.txt", sha1Hex},
		{true, "SHA1", "Computing SHA-1 digest\nsha-1 0-4 " + strings.ToUpper(sha1Hex) + " /a", sha1Hex},
		{true, "SHA1", "SHA-1 0-5 " + sha1Hex, sha1Hex},
		{true, "SHA1", "SHA-256 0-5 " + sha1Hex + " a", ""},
		{true, "SHA1", "SHA-1 1-5 " + sha1Hex + " a", ""},
		{true, "SHA1", "SHA-1 0- " + sha1Hex + " a", ""},
		{true, "SHA1", "SHA-1 -5 " + sha1Hex + " a", ""},
		{true, "SHA1", "SHA-1 " + sha1Hex + " a", ""},
		{true, "SHA1", "SHA-1 0-5 " + sha1Hex[1:] + " a", ""},
		{true, "SHA1", "SHA-1 0-5 x" + sha1Hex[1:] + " a", ""},
		{true, "SHA1", "", ""},
		{false, "MD5", md5Hex, md5Hex},
		{false, "MD5", "Computing MD5 digest\n" + md5Hex, md5Hex},
		{false, "MD5", `"a b.txt" ` + md5Hex, md5Hex},
		{false, "MD5", "a.txt " + md5Hex + "\r\n", md5Hex},
		{false, "MD5", md5Hex + " a.txt", ""},
		{false, "MD5", md5Hex[2:], ""},
		{false, "MD5", "done", ""},
		{false, "CRC32", crcHex, crcHex},
		{false, "CRC32", "0x" + crcHex, ""},
		{false, "CRC32", crcHex[1:], ""},
	}
	for _, c := range cases {
		var way hashWay
		for _, w := range hashWays() {
			if w.algorithm == c.way {
				way = w
			}
		}
		sum, ok := plainHashReply(c.text, way)
		if c.hash {
			sum, ok = hashReply(c.text, way)
		}
		if got := hex.EncodeToString(sum); got != strings.ToLower(c.want) || ok != (c.want != "") {
			t.Errorf("%q is read as %s, want %s", c.text, got, c.want)
		}
	}
}

// No bytes of a server make a hash of another length than the algorithm's.
func FuzzHashReply(f *testing.F) {
	for _, seed := range []string{"SHA-1 0-5 " + sha1Hex + " a", md5Hex, `"a" ` + crcHex, "a\n\n", "SHA-1 0-5", "SHA-1 00-1 " + sha1Hex} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, way := range hashWays() {
			for _, parse := range []func(string, hashWay) ([]byte, bool){hashReply, plainHashReply} {
				sum, ok := parse(text, way)
				if ok && len(sum) != way.bytes {
					t.Errorf("%q gives %x for %s", text, sum, way.algorithm)
				}
				if ok && !bytes.Contains(bytes.ToLower([]byte(text)), []byte(hex.EncodeToString(sum))) {
					t.Errorf("%q does not hold %x", text, sum)
				}
			}
		}
	})
}

// Which way is taken is the server's FEAT; what it does not know after all is not
// asked a second time.
func TestHash(t *testing.T) {
	all := []string{"SHA512", "SHA256", "SHA1", "MD5", "CRC32"}
	reply := func(text string) func(*fakeConn, string) {
		return func(c *fakeConn, _ string) { c.say("%s", text) }
	}
	cases := []struct {
		name      string
		features  []string
		on        map[string]func(*fakeConn, string)
		algorithm string
		cause     session.Cause
		sent      string
	}{
		{name: "nothing listed", cause: session.NotSupported},
		{name: "HASH", features: []string{"HASH MD5;SHA-1*"}, algorithm: "SHA1", sent: "OPTS HASH SHA-1, HASH f",
			on: map[string]func(*fakeConn, string){"OPTS": reply("200 SHA-1"), "HASH": reply("213 SHA-1 0-5 " + sha1Hex + " f")}},
		{name: "HASH that cannot be chosen", features: []string{"HASH SHA-1", "XMD5"}, algorithm: "MD5", sent: "OPTS HASH SHA-1, XMD5 f",
			on: map[string]func(*fakeConn, string){"OPTS": reply("501 no"), "XMD5": reply("250 " + md5Hex)}},
		{name: "commands of their own", features: []string{"XCRC", "XSHA1", "XMD5"}, algorithm: "SHA1", sent: "XSHA1 f",
			on: map[string]func(*fakeConn, string){"XSHA1": reply("250 " + sha1Hex)}},
		{name: "listed and not known", features: []string{"XMD5", "XCRC"}, algorithm: "CRC32", sent: "XMD5 f, XCRC f",
			on: map[string]func(*fakeConn, string){"XMD5": reply("502 no"), "XCRC": reply("250-one moment\r\n250 " + crcHex)}},
		{name: "refused", features: []string{"XMD5", "XCRC"}, cause: session.NoRemotePermission, sent: "XMD5 f",
			on: map[string]func(*fakeConn, string){"XMD5": reply("550 Permission denied")}},
		{name: "a reply that holds none", features: []string{"XMD5"}, cause: session.ProtocolError, sent: "XMD5 f",
			on: map[string]func(*fakeConn, string){"XMD5": reply("250 done")}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := newFake(t)
			server.features = c.features
			for verb, do := range c.on {
				server.handle(verb, do)
			}
			s := server.connect(session.Settings{})
			algorithm, sum, err := s.Hash(context.Background(), "f", all)
			if session.CauseOf(err) != c.cause || algorithm != c.algorithm || (err == nil) != (sum != nil) {
				t.Errorf("got %s %x, %v", algorithm, sum, err)
			}
			var sent []string
			for _, line := range server.seen() {
				if strings.Contains(line, "HASH") || strings.HasPrefix(line, "X") {
					sent = append(sent, line)
				}
			}
			if got := strings.Join(sent, ", "); got != c.sent {
				t.Errorf("sent %s, want %s", got, c.sent)
			}
		})
	}
}

func TestUniqueNames(t *testing.T) {
	for _, c := range []struct{ promise, answer, want string }{
		{"FILE: ftp.1", "Transfer complete", "ftp.1"},
		{"Opening data connection\nFILE: a b", "", "a b"},
		{"Opening BINARY mode data connection", "Transfer complete (unique file name:x.1).", "x.1"},
		{"", "Transfer complete. (Unique file name: x.1)", "x.1"},
		{"Opening FILE", "Transfer complete", ""},
		{"FILE: ", "(unique file name:)", ""},
		{"", "", ""},
	} {
		if got := uniqueName(c.promise, c.answer); got != c.want {
			t.Errorf("%q and %q name %q, want %q", c.promise, c.answer, got, c.want)
		}
	}
}
