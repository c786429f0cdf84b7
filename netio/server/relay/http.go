package relay

import (
	"bufio"
	"encoding/base64"
	"io"
	"net"
	"strings"
)

// overHTTP is CONNECT.
type overHTTP struct{}

func (overHTTP) request(s *Server, in *bufio.Reader, conn net.Conn) string {
	var head []string
	for {
		line, err := in.ReadString('\n')
		if err != nil || len(head) > 100 {
			return ""
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			break
		}
		head = append(head, line)
	}
	if len(head) == 0 {
		return ""
	}
	words := strings.Fields(head[0])
	if len(words) != 3 || words[0] != "CONNECT" {
		io.WriteString(conn, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
		return ""
	}
	if s.options.User == "" {
		return words[1]
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(s.options.User+":"+s.options.Password))
	for _, line := range head[1:] {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "Proxy-Authorization") && strings.TrimSpace(value) == want {
			return words[1]
		}
	}
	io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"relay\"\r\nContent-Length: 0\r\n\r\n")
	return ""
}

func (overHTTP) answer(of outcome) []byte {
	switch of {
	case connected:
		return []byte("HTTP/1.1 200 Connection established\r\nVia: relay\r\n\r\n")
	case forbidden:
		return []byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
	}
	return []byte("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
}
