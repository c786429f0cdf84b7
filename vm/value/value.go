package value

import (
	"math"
	"strconv"
)

// Value is a text, or a number that has not been needed as a text yet. The zero
// Value is the empty text.
//
// It is 24 bytes without an interface or a pointer of its own, so that arithmetic
// allocates nothing. The reading of a text as a number is done once and cached
// beside it; the text stays authoritative: "007" prints as 007 after arithmetic
// has read it. Do not compare Values with ==, the cache would decide; use Equal.
type Value struct {
	s string
	// n is the cached class, see below. s == "" together with a number here is a
	// number whose text is made on demand.
	n uint64
}

// The cache holds one of these, told apart by the twelve highest bits:
//
//	0x000  no plain number: a class below, 0 for a text not looked at yet
//	0x800  a whole number from -2^51 to 2^51-1, in the other 52 bits, plus 2^51
//	other  the inverted bits of a float64: whatever else is a number
//
// Only finite float64s are stored, so the inverted bits never begin with 0x000 or
// 0x800, which are those of NaN and infinities. A number is always in the first of
// the two forms if it can be. Counters and sums then need integer instructions
// only: two of them are added, checked for overflow and compared without taking
// them out of the cache.
const (
	classBits = 52

	classUnknown   uint64 = 0
	classNotNumber uint64 = 1       // counts as 0 in arithmetic
	classHuge      uint64 = 2       // a number from 1e21 up: compares, but arithmetic refuses it
	classDate      uint64 = 1 << 51 // plus the seconds since 0001-01-01, which need 39 bits

	classWhole = 0x800
	wholeZero  = classWhole<<classBits + 1<<51
)

// bitsOf is the cache of a finite number; -0 becomes 0.
func bitsOf(f float64) uint64 {
	if i := int64(f); float64(i) == f && uint64(i+1<<51) < 1<<classBits {
		return wholeZero + uint64(i)
	}
	return ^math.Float64bits(f)
}

func floatOf(n uint64) float64 {
	if n>>classBits == classWhole {
		return float64(int64(n - wholeZero))
	}
	return math.Float64frombits(^n)
}

const (
	textTrue  = "TRUE"
	textFalse = "FALSE"
)

// Text is the value of a text. Its bytes are kept as they are.
func Text(s string) Value { return Value{s: s} }

// Bool is TRUE or FALSE.
func Bool(b bool) Value {
	if b {
		return Value{s: textTrue, n: classNotNumber}
	}
	return Value{s: textFalse, n: classNotNumber}
}

// Number is the value of f, rounded as every made number is (see Round). Infinite
// numbers, NaN and magnitudes from 1e21 up have no value and give the empty
// text; use Round first where f is not known to be in range.
func Number(f float64) Value {
	f, err := Round(f)
	if err != nil {
		return Value{}
	}
	return made(f)
}

// Int is the value of a whole number, exact also beyond 2^53.
func Int(i int64) Value {
	if i > exactLimit || i < -exactLimit {
		return Value{s: formatInt(i)}
	}
	return made(float64(i))
}

// made wraps a number that Round has passed.
func made(f float64) Value { return Value{n: bitsOf(f)} }

// String is the value's text.
func (v Value) String() string {
	if len(v.s) == 0 && v.n>>classBits != 0 {
		return FormatNumber(floatOf(v.n))
	}
	return v.s
}

// Text is String, in the field's own term.
func (v Value) Text() string { return v.String() }

// AppendTo appends the value's text to b.
func (v *Value) AppendTo(b []byte) []byte {
	if len(v.s) == 0 && v.n>>classBits != 0 {
		if v.n>>classBits == classWhole {
			return strconv.AppendInt(b, int64(v.n-wholeZero), 10)
		}
		return appendNumber(b, floatOf(v.n))
	}
	return append(b, v.s...)
}

// TextLen is a bound of the length of the value's text: exact for texts, at least
// as large for numbers. It makes no text.
func (v *Value) TextLen() int {
	if len(v.s) == 0 && v.n>>classBits != 0 {
		return maxNumberLength
	}
	return len(v.s)
}

// IsEmpty reports whether the value is the empty text.
func (v *Value) IsEmpty() bool { return len(v.s) == 0 && v.n>>classBits == 0 }

// IsTrue reports whether a condition made of the value holds: TRUE in any case,
// or a number other than 0.
func (v *Value) IsTrue() bool {
	if v.n>>classBits != 0 && len(v.s) == 0 {
		return floatOf(v.n) != 0
	}
	return v.isTrueText()
}

func (v *Value) isTrueText() bool {
	if len(v.s) == len(textTrue) && v.s[0]|0x20 == 't' {
		return v.s[1]|0x20 == 'r' && v.s[2]|0x20 == 'u' && v.s[3]|0x20 == 'e'
	}
	f, isNumber := v.Float()
	return isNumber && (f != 0 || !isZeroText(v.s))
}

// Float reads the value as a number and caches what it found; isNumber is false
// for dates and all other texts, f is then 0. A number from 1e21 up is clamped to
// the largest float64.
func (v *Value) Float() (f float64, isNumber bool) {
	if v.n>>classBits != 0 {
		return floatOf(v.n), true
	}
	return v.floatSlow()
}

//go:noinline
func (v *Value) floatSlow() (float64, bool) {
	switch v.class() {
	case classHuge:
		return ParseNumber(v.s)
	case classNotNumber:
		return 0, false
	}
	if v.n>>classBits != 0 {
		return floatOf(v.n), true
	}
	return 0, false
}

// Date returns the seconds since 0001-01-01 00:00:00 if the value is a date.
func (v *Value) Date() (seconds int64, ok bool) {
	if n := v.class(); n>>51 == 1 {
		return int64(n &^ classDate), true
	}
	return 0, false
}

// class returns the cache, filled.
func (v *Value) class() uint64 {
	if v.n == classUnknown {
		v.n = classify(v.s)
	}
	return v.n
}

func classify(s string) uint64 {
	if f, ok := ParseNumber(s); ok {
		if f >= tooLarge || f <= -tooLarge {
			return classHuge
		}
		return bitsOf(f)
	}
	if seconds, ok := ParseDate(s); ok {
		return classDate | uint64(seconds)
	}
	return classNotNumber
}

// Warm fills the cache of the value.
func (v *Value) Warm() { v.class() }

// Hot reports whether the value is a number, known without parsing. False says
// nothing about the text.
func (v *Value) Hot() bool { return v.n>>classBits != 0 }

// Bare reports whether the value has no text of its own: it is a number that was
// made, or the empty text.
func (v *Value) Bare() bool { return len(v.s) == 0 }

// The methods below are the machine's fast path: each is small enough to be
// inlined into its loop, which calls them through pointers into its window.

// AddWhole stores v + w in v if both are known to be whole numbers, and so is the
// sum; else it does nothing and returns false.
func (v *Value) AddWhole(w *Value) bool {
	if v.n>>classBits == classWhole && w.n>>classBits == classWhole {
		// A sum out of range carries into the class, or borrows from it.
		if n := v.n + w.n - wholeZero; n>>classBits == classWhole {
			v.setWhole(n)
			return true
		}
	}
	return false
}

// SubWhole is AddWhole for v - w.
func (v *Value) SubWhole(w *Value) bool {
	if v.n>>classBits == classWhole && w.n>>classBits == classWhole {
		if n := v.n - w.n + wholeZero; n>>classBits == classWhole {
			v.setWhole(n)
			return true
		}
	}
	return false
}

// setWhole replaces the value by a number. The text is cleared only where there is
// one, because storing a pointer costs a write barrier.
func (v *Value) setWhole(n uint64) {
	if len(v.s) != 0 {
		v.s = ""
	}
	v.n = n
}

// Orders of two values, as OrderWhole returns them: bits, so that a set of them
// can be asked for at once.
const (
	Unknown uint32 = 0
	Less    uint32 = 1
	Same    uint32 = 2
	Greater uint32 = 4
)

// OrderWhole compares two values that are known to be whole numbers; of others,
// and where long texts must decide, it says Unknown.
func (v *Value) OrderWhole(w *Value) uint32 {
	if v.n>>classBits == classWhole && w.n>>classBits == classWhole {
		if v.n < w.n {
			return Less
		}
		if v.n > w.n {
			return Greater
		}
		if v.short() && w.short() {
			return Same
		}
	}
	return Unknown
}

// short reports whether the value's decimal digits are so few that its float64
// tells it from every other short value: made numbers, and texts of at most 15
// bytes. It is meant for numbers.
func (v *Value) short() bool { return len(v.s) <= significant }
