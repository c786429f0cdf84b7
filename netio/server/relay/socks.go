package relay

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// overSOCKS is SOCKS5 with CONNECT requests.
type overSOCKS struct{}

func (overSOCKS) request(s *Server, in *bufio.Reader, conn net.Conn) string {
	methods := take(in, 1)
	if methods == nil {
		return ""
	}
	offered := counted(in)
	switch {
	case s.options.User == "" && bytes.IndexByte(offered, 0) >= 0:
		conn.Write([]byte{5, 0})
	case s.options.User != "" && bytes.IndexByte(offered, 2) >= 0:
		conn.Write([]byte{5, 2})
		if take(in, 1) == nil {
			return ""
		}
		user, password := string(counted(in)), string(counted(in))
		if user != s.options.User || password != s.options.Password {
			conn.Write([]byte{1, 1})
			return ""
		}
		conn.Write([]byte{1, 0})
	default:
		conn.Write([]byte{5, 0xff})
		return ""
	}
	head := take(in, 4)
	if head == nil || head[1] != 1 {
		return ""
	}
	host := ""
	switch head[3] {
	case 1:
		host = addressOf(take(in, 4))
	case 3:
		host = string(counted(in))
	case 4:
		host = addressOf(take(in, 16))
	}
	port := take(in, 2)
	if host == "" || port == nil {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port[0])<<8|int(port[1])))
}

func addressOf(raw []byte) string {
	address, ok := netip.AddrFromSlice(raw)
	if !ok {
		return ""
	}
	return address.String()
}

// take reads n bytes, nil if they do not come.
func take(in io.Reader, n int) []byte {
	raw := make([]byte, n)
	if _, err := io.ReadFull(in, raw); err != nil {
		return nil
	}
	return raw
}

// counted reads a byte that counts and the bytes that it counts.
func counted(in io.Reader) []byte {
	n := take(in, 1)
	if n == nil {
		return nil
	}
	return take(in, int(n[0]))
}

func (overSOCKS) answer(of outcome) []byte {
	code := map[outcome]byte{forbidden: 2, unreachable: 5}[of]
	return []byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0}
}
