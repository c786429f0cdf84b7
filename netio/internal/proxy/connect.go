package proxy

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

const (
	// mostHeader bounds all that a proxy may say before the tunnel begins.
	mostHeader = 64 << 10
	// mostReason bounds how much of a proxy's words gets into a message.
	mostReason = 200
	// mostMethods bounds how many ways to log in are told.
	mostMethods = 5
)

// askCONNECT asks an HTTP proxy for the server.
func (p *Proxy) askCONNECT(w io.Writer, r *bufio.Reader, to target) error {
	request := "CONNECT " + to.String() + " HTTP/1.1\r\nHost: " + to.String() + "\r\n"
	if p.login {
		request += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password)) + "\r\n"
	}
	if _, err := io.WriteString(w, request+"\r\n"); err != nil {
		return err
	}
	reply, err := readConnectReply(r)
	if err != nil {
		return err
	}
	return reply.judge(p.login, to)
}

// connectReply is what counts of a reply to CONNECT.
type connectReply struct {
	status  int
	reason  string   // at most mostReason bytes
	methods []string // of logging in, as a 407 lists them
}

// readConnectReply reads a reply up to the empty line that ends its header, and not
// a byte more. Replies of 1xx announce another one.
func readConnectReply(r *bufio.Reader) (connectReply, error) {
	budget := mostHeader
	for {
		reply, err := readHead(r, &budget)
		if err != nil || reply.status >= 200 {
			return reply, err
		}
	}
}

func readHead(r *bufio.Reader, budget *int) (reply connectReply, err error) {
	// The first byte tells already; the end of a line may never come.
	if first, err := r.Peek(1); err != nil {
		return reply, err
	} else if first[0] != 'H' {
		begin, _ := r.Peek(r.Buffered())
		return reply, notHTTP(string(begin))
	}
	line, err := readLine(r, budget)
	if err != nil {
		return reply, err
	}
	if reply.status, reply.reason, err = statusLine(line); err != nil {
		return reply, err
	}
	for {
		line, err := readLine(r, budget)
		if err != nil {
			return reply, err
		}
		if line == "" {
			return reply, nil
		}
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimSpace(name), "Proxy-Authenticate") && len(reply.methods) < mostMethods {
			method, _, _ := strings.Cut(strings.TrimSpace(value), " ")
			reply.methods = append(reply.methods, short(method, 20))
		}
	}
}

// readLine reads one line without its end, CRLF or LF.
func readLine(r *bufio.Reader, budget *int) (string, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		if *budget -= len(piece); *budget < 0 {
			return "", nonsense("sent more than %d KiB of headers", mostHeader>>10)
		}
		line = append(line, piece...)
		switch {
		case err == nil:
			return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

func notHTTP(line string) *refusal {
	r := nonsense("does not speak HTTP: %q", short(line, 60))
	if strings.HasPrefix(line, "\x05") {
		r.hint = "it speaks SOCKS5: the URL has to begin with socks5://"
	}
	return r
}

// statusLine reads HTTP/1.1 200 Connection established.
func statusLine(line string) (status int, reason string, err error) {
	version, rest, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(version, "HTTP/") {
		return 0, "", notHTTP(line)
	}
	code, reason, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if len(code) != 3 || code[0] < '1' || code[0] > '5' || code[1] < '0' || code[1] > '9' || code[2] < '0' || code[2] > '9' {
		return 0, "", nonsense("sent a status that HTTP does not have: %q", short(line, 60))
	}
	status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	return status, short(strings.TrimSpace(reason), mostReason), nil
}

// judge says what a status means. HTTP has none for "no such host" or "refused", so
// what a proxy found out is in its own words.
func (c connectReply) judge(login bool, to target) error {
	if c.status/100 == 2 {
		return nil
	}
	text := fmt.Sprintf("refused a connection to %s: %s", to, strings.TrimSpace(fmt.Sprintf("%d %s", c.status, c.reason)))
	switch c.status {
	case 407:
		r := refused(session.ProxyFailed, session.ClassAuth, text)
		r.hint = "the URL names the login: http://user:password@host:port"
		if login {
			r.hint = "the proxy does not take this login"
		}
		if len(c.methods) > 0 && !hasBasic(c.methods) {
			r.hint = "the proxy wants a login by " + strings.Join(c.methods, ", ") + "; only Basic is spoken here"
		}
		return r
	case 408, 429, 500, 502, 503, 504:
		return refused(session.ProxyFailed, session.ClassTransient, text)
	case 403, 405:
		r := refused(session.ProxyFailed, session.ClassPermanent, text)
		r.hint = fmt.Sprintf("many proxies let through port 443 only; whoever runs this one can allow port %d", to.port)
		return r
	}
	return refused(session.ProxyFailed, session.ClassPermanent, text)
}

func hasBasic(methods []string) bool {
	for _, m := range methods {
		if strings.EqualFold(m, "Basic") {
			return true
		}
	}
	return false
}

// short cuts what a proxy says to most bytes of valid text.
func short(text string, most int) string {
	if len(text) <= most {
		return strings.ToValidUTF8(text, "�")
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
