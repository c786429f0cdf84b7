package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

// Whatever a proxy says to CONNECT, it is read to the end of its header and not
// further, and what is told of it is short.
func FuzzConnectReply(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 Connection established\r\n\r\n220 hello\r\n", "HTTP/1.0 200\n\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 407 x\r\nProxy-Authenticate: NTLM\r\n\r\n",
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello", "SSH-2.0-x\r\n", "\x05\x00", "HTTP/1.1 2", "HTTP/1.1 999 x\r\n\r\n", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		in := bufio.NewReader(bytes.NewReader(said))
		reply, err := readConnectReply(in)
		if err == nil {
			rest, _ := io.ReadAll(in)
			head := said[:len(said)-len(rest)]
			if !bytes.HasSuffix(head, []byte("\n")) || !bytes.HasSuffix(said, rest) || len(head) > mostHeader {
				t.Errorf("of %q the head is %q", said, head)
			}
			err = reply.judge(false, target{host: "h", port: 21})
		}
		checkRefusal(t, err)
	})
}

// The same of SOCKS: both of its replies.
func FuzzSOCKSReplies(f *testing.F) {
	for _, seed := range []string{
		"\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x00\x15220 hello", "\x05\x02\x01\x00\x05\x05\x00\x01", "\x05\xff", "HTTP/1.1 400", "\x05\x00\x05\x00\x00\x03\x04host\x00\x15",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		p := &Proxy{scheme: "socks5", host: "proxy", port: 1080, login: true, user: "u", password: "p"}
		in := bytes.NewReader(said)
		err := p.askSOCKS(struct {
			io.Reader
			io.Writer
		}{in, io.Discard}, target{host: "h", port: 21})
		if read := len(said) - in.Len(); err == nil && read > 2+2+4+1+255+2 {
			t.Errorf("%d bytes were read of %q", read, said)
		}
		checkRefusal(t, err)
	})
}

func checkRefusal(t *testing.T, err error) {
	var said *refusal
	if err == nil || !errors.As(err, &said) {
		return
	}
	if said.cause == session.CauseNone || said.class == session.ClassNone || len(said.text)+len(said.hint) > 2000 {
		t.Errorf("the refusal is %+v", said)
	}
}

// A URL is read or refused, and what is refused is not shown with its password.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"http://u:p@h:1", "socks5://[::1]:1080", "https://h", "http://u:p%40@h/", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		if host, port := p.Host(); !isHost(host) || port < 1 || port > 65535 || strings.ContainsAny(p.user+p.password, "\r\n\x00") {
			t.Errorf("%q is %+v", text, p)
		}
	})
}
