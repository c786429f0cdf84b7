package names

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// HasWildcard reports whether name holds a sign that Match takes specially.
func HasWildcard(name string) bool { return strings.ContainsAny(name, "*?") }

// Match reports whether the whole of name matches pattern: `*` stands for any
// text, also none; `?` for one character (one byte where name is not UTF-8);
// every other sign for itself, `[` and `\` too. Of all patterns only `*.*` means
// `*`. With fold letters match in any case.
func Match(pattern, name string, fold bool) bool {
	if pattern == "*.*" {
		pattern = "*"
	}
	return Glob(pattern, name, fold)
}

// Glob is Match for what is no file's name, such as a host's: `*.*` asks for a point.
//
// It needs at most len(pattern) × len(name) steps: only the newest star is ever
// tried again, since a later star can take up whatever an earlier one could.
func Glob(pattern, name string, fold bool) bool {
	p, n := 0, 0
	afterStar, retry := -1, 0
	for n < len(name) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				p++
				afterStar, retry = p, n
				continue
			}
			if dp, dn, ok := matchOne(pattern[p:], name[n:], fold); ok {
				p += dp
				n += dn
				continue
			}
		}
		if afterStar < 0 {
			return false
		}
		_, size := utf8.DecodeRuneInString(name[retry:])
		retry += size
		p, n = afterStar, retry
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchOne matches one character at the start of both texts, neither of them
// empty, and returns how many bytes each gave.
func matchOne(pattern, name string, fold bool) (dp, dn int, ok bool) {
	letter, nameSize := utf8.DecodeRuneInString(name)
	if pattern[0] == '?' {
		return 1, nameSize, true
	}
	sign, patternSize := utf8.DecodeRuneInString(pattern)
	if sign == utf8.RuneError && patternSize == 1 || letter == utf8.RuneError && nameSize == 1 {
		// Not UTF-8: all such bytes decode to the same rune and must not be equal.
		return 1, 1, pattern[0] == name[0]
	}
	return patternSize, nameSize, sign == letter || fold && foldRune(sign) == foldRune(letter)
}

// EqualFold reports whether two names differ at most in the case of letters.
// Bytes that are not UTF-8 must be the same.
func EqualFold(a, b string) bool {
	for a != "" && b != "" {
		da, db, ok := matchOneLiteral(a, b)
		if !ok {
			return false
		}
		a, b = a[da:], b[db:]
	}
	return a == b
}

func matchOneLiteral(a, b string) (da, db int, ok bool) {
	if a[0] == '?' {
		return 1, 1, b[0] == '?'
	}
	return matchOne(a, b, true)
}

// foldRune returns the smallest rune of those that differ only in case.
func foldRune(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}
