package ftpconn

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/netio/session"
)

// passiveReplies are texts of 227 and what they mean, "" for nothing.
func passiveReplies() map[string]string {
	return map[string]string{
		"Entering Passive Mode (192,168,1,53,4,210).":              "192.168.1.53:1234",
		"Entering Passive Mode 10,0,0,1,255,255":                   "10.0.0.1:65535",
		"=127,0,0,1,0,21":                                          "127.0.0.1:21",
		"Entering Passive Mode (127, 0, 0, 1, 4, 210)":             "127.0.0.1:1234",
		"Passive (127,0,0,1,4,210)(ignored)":                       "127.0.0.1:1234",
		"(see manual) Entering 127,0,0,1,4,210":                    "127.0.0.1:1234",
		"Mode 2 entered (127,0,0,1,4,210)":                         "127.0.0.1:1234",
		"Entering Passive Mode (127,0,0,1,4)":                      "",
		"Entering Passive Mode (127,0,0,1,4,210,7)":                "",
		"Entering Passive Mode (127,0,0,256,4,210)":                "",
		"Entering Passive Mode (127,0,0,1,0,0)":                    "",
		"Entering Passive Mode (127,0,0,1,-4,210)":                 "",
		"Entering Passive Mode (127,0,0,0001,4,210)":               "",
		"Entering Passive Mode (127.0.0.1.4.210)":                  "",
		"Entering Passive Mode (127,0,0,1,4,99999999999)":          "",
		"Entering Passive Mode":                                    "",
		"":                                                         "",
		strings.Repeat("x", mostPassiveText) + "(127,0,0,1,4,210)": "",
	}
}

func TestParsePassive(t *testing.T) {
	for text, want := range passiveReplies() {
		got, err := parsePassive(text)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is %s, want none", clip(text), got)
		case want != "" && (err != nil || got != netip.MustParseAddrPort(want)):
			t.Errorf("%q is %s, %v, want %s", text, got, err, want)
		}
	}
}

func extendedReplies() map[string]uint16 {
	return map[string]uint16{
		"Entering Extended Passive Mode (|||49152|)":  49152,
		"Entering Extended Passive Mode (|||49152|).": 49152,
		"(!!!21!)":                 21,
		"Extended |||7|":           7,
		"(|||65535|)":              65535,
		"(|||65536|)":              0,
		"(|||0|)":                  0,
		"(|||-1|)":                 0,
		"(|||123456|)":             0,
		"(||49152|)":               0,
		"(|||49152)":               0,
		"(|1|192.0.2.1|49152|)":    0,
		"(|||49152!)":              0,
		"(1112221)":                0,
		"(\x00\x00\x0049152\x00)":  0,
		"no port":                  0,
		"":                         0,
		"(   49152 )":              0,
		"(|||0000000000000049152|": 0,
	}
}

func TestParseExtendedPassive(t *testing.T) {
	for text, want := range extendedReplies() {
		got, err := parseExtendedPassive(text)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q is %d, %v, want %d", text, got, err, want)
		}
	}
}

func FuzzPassiveReply(f *testing.F) {
	for text := range passiveReplies() {
		f.Add(text)
	}
	for text := range extendedReplies() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at, err := parsePassive(text); err == nil {
			ip, port := at.Addr().As4(), at.Port()
			if !at.Addr().Is4() || port == 0 {
				t.Errorf("%q is %s", text, at)
			}
			again, err := parsePassive(fmt.Sprintf("(%d,%d,%d,%d,%d,%d)", ip[0], ip[1], ip[2], ip[3], port>>8, port&255))
			if err != nil || again != at {
				t.Errorf("%s is written and read as %s, %v", at, again, err)
			}
		}
		if port, err := parseExtendedPassive(text); err == nil && (port == 0 || !strings.Contains(text, fmt.Sprint(port))) {
			t.Errorf("%q is port %d", text, port)
		}
	})
}

func TestReplyReader(t *testing.T) {
	limits := session.Limits{ReplyLine: 64, ReplyLines: 4}
	tests := []struct {
		in   string
		want session.Reply
		err  string
	}{
		{"220 hello\r\n", session.Reply{Code: 220, Text: "hello"}, ""},
		{"220 hello\n", session.Reply{Code: 220, Text: "hello"}, ""},
		{"220\r\n", session.Reply{Code: 220}, ""},
		{"220 \r\n", session.Reply{Code: 220}, ""},
		{"220-one\r\n two\r\n220 three\r\n", session.Reply{Code: 220, Text: "one\n two\nthree"}, ""},
		{"220-one\r\n221 no end\r\n220-nor this\r\n220\r\n", session.Reply{Code: 220, Text: "one\n221 no end\n220-nor this\n"}, ""},
		{"220-1\r\n2\r\n3\r\n4\r\n5\r\n", session.Reply{}, "more than 4 lines"},
		{"22 x\r\n", session.Reply{}, "not a reply"},
		{"2200 x\r\n", session.Reply{}, "not a reply"},
		{"abc x\r\n", session.Reply{}, "not a reply"},
		{"720 x\r\n", session.Reply{}, "not a reply"},
		{"\r\n", session.Reply{}, "not a reply"},
		{"220 " + strings.Repeat("x", 64) + "\r\n", session.Reply{}, "longer than 64"},
		{"220 x", session.Reply{}, "unexpected EOF"},
		{"220-x\r\n220", session.Reply{}, "unexpected EOF"},
		{"", session.Reply{}, "EOF"},
	}
	for _, test := range tests {
		got, err := newReplyReader(strings.NewReader(test.in), limits, func(string) {}).next()
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q is %+v, %v, want %+v, %s", test.in, got, err, test.want, test.err)
		}
	}
}

func TestReply_RenderedAndReadAgain(t *testing.T) {
	for _, reply := range []session.Reply{{Code: 200, Text: "x"}, {Code: 211, Text: "a\n b\nc"}, {Code: 250, Text: "a\n\n"}} {
		got, err := newReplyReader(strings.NewReader(render(reply)), session.Limits{}.WithDefaults(), func(string) {}).next()
		if err != nil || got != reply {
			t.Errorf("%+v came back as %+v, %v", reply, got, err)
		}
	}
}

func TestQuotedPath(t *testing.T) {
	tests := map[string]string{
		`"/" is the current directory`:              "/",
		`"/a b" is the current directory`:           "/a b",
		`"/a""b"" c" is current`:                    `/a"b" c`,
		`"/a "b" c" is your current location`:       `/a "b" c`,
		`"C:\home" is current`:                      `C:\home`,
		`/bare is current`:                          "/bare",
		`DISK$USER:[JANE.DATA] is current`:          "DISK$USER:[JANE.DATA]",
		`"DISK$USER:[JANE]" is current`:             "DISK$USER:[JANE]",
		`"'JANE.DATA.'" is the prefix`:              "'JANE.DATA.'",
		`[JANE] is no device`:                       "",
		`"/ends"`:                                   "/ends",
		`"" is nothing`:                             "",
		`"/open`:                                    "",
		`bare words`:                                "",
		``:                                          "",
		"\"/a\nb\" is a path of two lines":          "",
		`"/dir" is the current "working" directory`: "/dir",
	}
	for text, want := range tests {
		got, ok := quotedPath(text)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v, want %q", text, got, ok, want)
		}
	}
}

func TestTranslator(t *testing.T) {
	tests := []struct{ system, in, network, back string }{
		{"linux", "a\nb\n", "a\r\nb\r\n", "a\nb\n"},
		{"linux", "a\r\nb\n", "a\r\nb\r\n", "a\nb\n"},
		{"linux", "a\rb\r", "a\rb\r", "a\rb\r"},
		{"linux", "\n\n", "\r\n\r\n", "\n\n"},
		{"linux", "\r\r\n", "\r\r\n", "\r\n"},
		{"windows", "a\r\nb\n", "a\r\nb\r\n", "a\r\nb\r\n"},
	}
	for _, test := range tests {
		network := string(newTranslator(test.system).toNetwork([]byte(test.in)))
		back := string(newTranslator(test.system).fromNetwork([]byte(network), true))
		if network != test.network || back != test.back {
			t.Errorf("%s: %q becomes %q and %q", test.system, test.in, network, back)
		}
	}
}

// However a text is cut into pieces, the result is the same.
func TestTranslator_AnyPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringOfN(rapid.SampledFrom([]rune("a\r\n")), 0, 40, -1).Draw(t, "text"))
		cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
		up := newTranslator("linux")
		network := append(bytes.Clone(up.toNetwork(text[:cut])), up.toNetwork(text[cut:])...)
		if whole := newTranslator("linux").toNetwork(text); !bytes.Equal(network, whole) {
			t.Errorf("to the network in two pieces %q, in one %q", network, whole)
		}
		down := newTranslator("linux")
		local := append(bytes.Clone(down.fromNetwork(text[:cut], false)), down.fromNetwork(text[cut:], true)...)
		if whole := newTranslator("linux").fromNetwork(text, true); !bytes.Equal(local, whole) {
			t.Errorf("from the network in two pieces %q, in one %q", local, whole)
		}
	})
}
