package value

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Errors of arithmetic. Both end a script, at the line that asked.
var (
	ErrDivideByZero = errors.New("division by zero")
	ErrTooLarge     = errors.New("the number is too large: 1e21 and beyond are not supported")
)

const (
	// exactLimit is 2^53: up to here every whole number is a float64.
	exactLimit = 1 << 53
	// tooLarge and tooSmall bound the magnitudes of made numbers: both have to be
	// printed without an exponent.
	tooLarge = 1e21
	tooSmall = 1e-21
	// significant is how many decimal digits survive rounding: the most for which
	// text -> float64 -> text is the identity.
	significant = 15
	// maxNumberLength is the longest text of a made number: sign, "0.", 20 zeros
	// and 15 digits.
	maxNumberLength = 1 + 2 + 20 + significant
)

// powers holds the powers of ten that a float64 represents exactly.
var powers = [23]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// whole returns f, with -0 made 0, and whether it is a whole number of at most
// 2^53 in magnitude: what arithmetic keeps as it is.
func whole(f float64) (float64, bool) {
	i := int64(f)
	r := float64(i)
	return r, r == f && uint64(i+exactLimit) <= 2*exactLimit
}

// Round makes a result of arithmetic a number of the language: whole numbers up
// to 2^53 stay, all others keep 15 significant digits, magnitudes below 1e-21
// become 0, and those from 1e21 up (and NaN) are ErrTooLarge. What it returns
// prints as a text that reads back as the same number.
func Round(f float64) (float64, error) {
	if r, ok := whole(f); ok {
		return r, nil
	}
	magnitude := math.Abs(f)
	if magnitude < tooSmall {
		return 0, nil
	}
	if !(magnitude < tooLarge) {
		return 0, ErrTooLarge
	}
	r, ok := roundFast(magnitude)
	if !ok {
		r = roundExact(magnitude)
	}
	// Rounding may reach either bound: 999999999999999.6e6 is 1e21.
	if r >= tooLarge {
		return 0, ErrTooLarge
	}
	return math.Copysign(r, f), nil
}

// roundFast scales f to 15 digits before the point, rounds, and scales back. Both
// the digits and the power of ten are exact float64s, so the division or
// multiplication gives the float64 nearest to the decimal number. The first
// scaling may be off by half of its last place; where that could decide the
// rounding it leaves the work to roundExact.
func roundFast(f float64) (float64, bool) {
	if f < 1e-7 {
		return 0, false // needs powers of ten that are not exact
	}
	// 30103/100000 approximates log10(2); the estimate may be one too low.
	exponent := int(math.Float64bits(f)>>52) - 1023
	decimal := exponent * 30103 / 100000
	if exponent < 0 {
		decimal--
	}
	scale := significant - 1 - decimal
	if scaled := scaleBy(f, scale); scaled >= 1e15 {
		scale--
	} else if scaled < 1e14 {
		scale++
	}
	if scale > 22 || scale < -22 {
		return 0, false
	}
	scaled := scaleBy(f, scale)
	digits := math.Floor(scaled)
	switch rest := scaled - digits; {
	case rest > 0.57:
		digits++
	case rest > 0.43:
		return 0, false
	}
	if digits < 1e14 || digits > 1e15 {
		return 0, false
	}
	return scaleBy(digits, -scale), true
}

func scaleBy(f float64, power int) float64 {
	if power > 22 || power < -22 {
		return 0
	}
	if power >= 0 {
		return float64(f * powers[power]) // the conversion forbids fusing with what follows
	}
	return f / powers[-power]
}

func roundExact(f float64) float64 {
	var buffer [32]byte
	r, _ := strconv.ParseFloat(string(strconv.AppendFloat(buffer[:0], f, 'e', significant-1, 64)), 64)
	return r
}

// FormatNumber is the text of a number: no exponent, whole numbers without a
// point, rounded as Round says. Numbers without a value (NaN, from 1e21 up) have
// the empty text.
func FormatNumber(f float64) string {
	if i := int64(f); float64(i) == f && i >= 0 && i < 100 {
		return strconv.Itoa(int(i)) // these texts exist already
	}
	var buffer [maxNumberLength]byte
	return string(appendNumber(buffer[:0], f))
}

func appendNumber(b []byte, f float64) []byte {
	if r, ok := whole(f); ok {
		return strconv.AppendInt(b, int64(r), 10)
	}
	f, err := Round(f)
	if err != nil {
		return b
	}
	// Shortest digits that read back as f: at most 15, because f was rounded.
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

func formatInt(i int64) string { return strconv.FormatInt(i, 10) }

// ParseNumber is the one predicate: whether s, without blanks, tabs and line ends
// around it, is an optional minus, ASCII digits, and optionally a point and more
// digits; and the nearest float64. Magnitudes below 1e-21 are 0, those beyond
// float64 are clamped to its largest.
func ParseNumber(s string) (float64, bool) {
	// Most texts of scripts are names: decide by the first byte.
	if len(s) == 0 || (s[0] > '9' || s[0] < '0') && s[0] != '-' && !isBlank(s[0]) {
		return 0, false
	}
	s = trim(s)
	digits := s
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	var mantissa uint64
	point := -1
	for i := 0; i < len(digits); i++ {
		switch c := digits[i]; {
		case c >= '0' && c <= '9':
			mantissa = mantissa*10 + uint64(c-'0') // wraps beyond 19 digits, and is not used then
		case c == '.' && point < 0 && i > 0:
			point = i
		default:
			return 0, false
		}
	}
	if len(digits) == 0 || point == len(digits)-1 {
		return 0, false
	}
	f := float64(mantissa)
	decimals := 0
	if point >= 0 {
		decimals = len(digits) - 1 - point
	}
	switch {
	case len(digits) > significant+1:
		// ParseFloat reports a range error together with an infinity.
		f, _ = strconv.ParseFloat(digits, 64)
		f = min(f, math.MaxFloat64)
		if f < tooSmall {
			f = 0
		}
	case decimals > 0:
		f /= powers[decimals] // both exact, so this is the nearest
	}
	if len(digits) < len(s) && f != 0 {
		f = -f
	}
	return f, true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func trim(s string) string {
	if len(s) > 0 && !isBlank(s[0]) && !isBlank(s[len(s)-1]) {
		return s
	}
	return strings.Trim(s, " \t\r\n")
}

// isZeroText reports whether a text that is a number has no digit but 0. The
// float64 cannot tell: 1e-30 written out is not 0.
func isZeroText(s string) bool { return !strings.ContainsAny(s, "123456789") }
