package value

import "strings"

// Compare orders a and b: two numbers by their exact decimal value, anything else
// byte by byte. It returns -1, 0 or 1. The readings are cached in place and never
// change the answer.
func Compare(a, b *Value) int {
	x, aNumber := a.Float()
	y, bNumber := b.Float()
	if !aNumber || !bNumber {
		return compareTexts(a, b)
	}
	// Reading is monotone: different float64s mean different decimals in the same
	// order. Equal ones leave open what lies beyond their precision.
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case a.short() && b.short():
		return 0
	}
	return compareDecimals(a.String(), b.String())
}

// Equal reports whether Compare finds no difference.
func Equal(a, b *Value) bool { return Compare(a, b) == 0 }

func compareTexts(a, b *Value) int {
	if a.n>>classBits == 0 || len(a.s) != 0 {
		if b.n>>classBits == 0 || len(b.s) != 0 {
			return strings.Compare(a.s, b.s)
		}
	}
	var left, right [maxNumberLength]byte
	return strings.Compare(string(a.AppendTo(left[:0])), string(b.AppendTo(right[:0])))
}

// compareDecimals compares two texts that are numbers, digit by digit.
func compareDecimals(a, b string) int {
	aNegative, aWhole, aPart := decimal(a)
	bNegative, bWhole, bPart := decimal(b)
	if aNegative != bNegative {
		if aNegative {
			return -1
		}
		return 1
	}
	order := len(aWhole) - len(bWhole)
	if order == 0 {
		order = strings.Compare(aWhole, bWhole)
	}
	if order == 0 {
		order = strings.Compare(aPart, bPart)
	}
	if aNegative {
		order = -order
	}
	switch {
	case order < 0:
		return -1
	case order > 0:
		return 1
	}
	return 0
}

// decimal splits a number's text into sign, whole digits without leading zeros
// and decimals without trailing ones. Zero has no sign.
func decimal(s string) (negative bool, whole, part string) {
	whole = trim(s)
	if negative = whole[0] == '-'; negative {
		whole = whole[1:]
	}
	whole, part, _ = strings.Cut(whole, ".")
	whole = strings.TrimLeft(whole, "0")
	part = strings.TrimRight(part, "0")
	return negative && whole+part != "", whole, part
}
