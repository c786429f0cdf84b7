package ftpconn

import (
	"net/netip"
	"strings"
)

// mostPassiveText bounds how much of a 227 or 229 is looked at.
const mostPassiveText = 1024

// parsePassive reads the address of a 227 reply: six numbers from 0 to 255 with
// commas between. RFC 959 does not say where in the text they stand, so both the
// usual brackets and a bare group are taken, but never one of five or of seven
// numbers, and never port 0.
func parsePassive(text string) (netip.AddrPort, error) {
	if len(text) > mostPassiveText {
		return netip.AddrPort{}, protocolFault("a 227 reply of %d bytes", len(text))
	}
	if open := strings.IndexByte(text, '('); open >= 0 {
		if address, ok := sixNumbers(text[open+1:]); ok {
			return address, nil
		}
	}
	for i := 0; i < len(text); i++ {
		if !digit(text[i]) || i > 0 && (digit(text[i-1]) || text[i-1] == ',') {
			continue
		}
		if address, ok := sixNumbers(text[i:]); ok {
			return address, nil
		}
	}
	return netip.AddrPort{}, protocolFault("a 227 reply without a usable address: %q", clip(text))
}

// sixNumbers reads h1,h2,h3,h4,p1,p2 at the beginning of s. Blanks may follow a
// comma, as some servers write them.
func sixNumbers(s string) (netip.AddrPort, bool) {
	var numbers [6]byte
	for i := range numbers {
		if i > 0 {
			if s == "" || s[0] != ',' {
				return netip.AddrPort{}, false
			}
			s = s[1:]
		}
		s = strings.TrimLeft(s, " ")
		n, rest, ok := number(s, 3)
		if !ok || n > 255 {
			return netip.AddrPort{}, false
		}
		numbers[i], s = byte(n), rest
	}
	if s != "" && (digit(s[0]) || s[0] == ',') {
		return netip.AddrPort{}, false
	}
	port := uint16(numbers[4])<<8 | uint16(numbers[5])
	if port == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(numbers[:4])), port), true
}

// parseExtendedPassive reads the port of a 229 reply: (|||port|) with any
// printable delimiter that is no digit (RFC 2428, 3). The two fields before the
// port must be empty, for the reply names no host.
func parseExtendedPassive(text string) (uint16, error) {
	if len(text) <= mostPassiveText {
		for i := 0; i+4 < len(text); i++ {
			d := text[i]
			if d < 33 || d > 126 || digit(d) || text[i+1] != d || text[i+2] != d {
				continue
			}
			n, rest, ok := number(text[i+3:], 5)
			if ok && n >= 1 && n <= 65535 && rest != "" && rest[0] == d {
				return uint16(n), nil
			}
		}
	}
	return 0, protocolFault("a 229 reply without a usable port: %q", clip(text))
}

// number reads one to most decimal digits; a longer run is no number.
func number(s string, most int) (n int, rest string, ok bool) {
	length := 0
	for length < len(s) && digit(s[length]) {
		if length == most {
			return 0, s, false
		}
		n = n*10 + int(s[length]-'0')
		length++
	}
	return n, s[length:], length > 0
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
