package diag

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes a text from outside harmless in a line of output: control
// characters, marks that turn the writing direction, other invisible characters
// and bytes that are not UTF-8 become \n, \t, \x1b, \u202e and so on. The result
// is one line. A backslash stays as it is, since local names are full of them, so
// the result is for reading and cannot be turned back.
func Escape(s string) string { return escape(s, "") }

// EscapeLines is Escape for texts of several lines: LF and tab stay.
func EscapeLines(s string) string { return escape(s, "\n\t") }

func escape(s, keep string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if strings.IndexByte(keep, s[i]) >= 0 {
			b.WriteByte(s[i])
		} else {
			b.WriteString(escapeRune(r, s[i:i+size]))
		}
		i += size
	}
	return b.String()
}

// plain is the quick answer for nearly every text: printable ASCII.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// escapeRune returns how the character r, spelled raw, is shown.
func escapeRune(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < ' ' || r == 0x7f:
		return fmt.Sprintf(`\x%02x`, r)
	case invisible(r):
		if r > 0xffff {
			return fmt.Sprintf(`\U%08x`, r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	}
	return raw
}

// invisible characters can make a line look like another one. The two joiners
// are spared: scripts of South Asia and emoji are spelled with them.
func invisible(r rune) bool {
	if r < 0x80 || r == '\u200c' || r == '\u200d' {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
