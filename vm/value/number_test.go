package value_test

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/vm/value"
)

func TestParseNumber(t *testing.T) {
	for _, test := range []struct {
		text string
		want float64
	}{
		{"5", 5}, {"-5", -5}, {"5.25", 5.25}, {"007", 7}, {" 5 ", 5}, {"\t\r\n5\n", 5}, {"0", 0}, {"-0", 0}, {"-0.0", 0},
		{"0.1", 0.1}, {"0.000001", 1e-6}, {"123456789012345", 123456789012345}, {"1234567890.12345", 1234567890.12345},
		{"9007199254740993", 9007199254740992}, {"12345678901234567890", 12345678901234567890},
		{"0.0000000000000000000001", 0}, {"0.00000000000000000000999", 9.99e-21},
		{"000000000000000000000000000005", 5}, {"5.00000000000000000000000000000", 5},
		{"1" + zeros(400), math.MaxFloat64}, {"-1" + zeros(400), -math.MaxFloat64},
	} {
		if got, ok := value.ParseNumber(test.text); !ok || got != test.want || math.Signbit(got) != math.Signbit(test.want) {
			t.Errorf("ParseNumber(%q) = %v, %v; want %v", test.text, got, ok, test.want)
		}
	}
	for _, text := range []string{
		"", " ", "-", "--5", "- 5", "1e3", "0x10", "+5", ".5", "5.", "-.5", "1,5", "1_000", "Inf", "-Inf", "NaN", "5 5", "1.2.3", "5a", "a5",
		"٣", "５", "\u00a05", "5\x00", "\v5", "2026_01_02-03_04_05",
	} {
		if got, ok := value.ParseNumber(text); ok {
			t.Errorf("ParseNumber(%q) = %v; want no number", text, got)
		}
	}
}

func TestFormatNumber(t *testing.T) {
	for _, test := range []struct {
		number float64
		want   string
	}{
		{0, "0"}, {math.Copysign(0, -1), "0"}, {7, "7"}, {-7, "-7"}, {99, "99"}, {100, "100"}, {1e15, "1000000000000000"},
		{1 << 53, "9007199254740992"}, {-(1 << 53), "-9007199254740992"},
		{1<<53 + 2, "9007199254740990"}, {1e20, "100000000000000000000"}, {123456789012345678901, "123456789012346000000"},
		{0.5, "0.5"}, {-0.25, "-0.25"}, {0.1 + 0.2, "0.3"}, {1.0 / 3, "0.333333333333333"}, {2.0 / 3, "0.666666666666667"},
		{1e-7, "0.0000001"}, {1.5e-20, "0.000000000000000000015"}, {1e-21, "0.000000000000000000001"}, {1e-22, "0"},
		{1e21, ""}, {999999999999999.9e6, ""}, {math.Inf(1), ""}, {math.NaN(), ""},
	} {
		if got := value.FormatNumber(test.number); got != test.want {
			t.Errorf("FormatNumber(%v) = %q; want %q", test.number, got, test.want)
		}
		if v := value.Number(test.number); v.String() != test.want {
			t.Errorf("Number(%v) = %q; want %q", test.number, v.String(), test.want)
		}
	}
	for _, i := range []int64{0, -1, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64} {
		if v := value.Int(i); v.String() != strconv.FormatInt(i, 10) {
			t.Errorf("Int(%d) = %q", i, v.String())
		}
	}
}

// anyMagnitude draws numbers of all sizes the language has, not only the large
// ones that uniform bits would give.
func anyMagnitude(t *rapid.T) float64 {
	mantissa := rapid.Float64Range(-10, 10).Draw(t, "mantissa")
	power := rapid.IntRange(-22, 21).Draw(t, "power")
	f := mantissa * math.Pow10(power)
	if rapid.Bool().Draw(t, "whole") {
		f = math.Trunc(f)
	}
	return f
}

func TestRound_isWhatTheDecimalPrinterSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyMagnitude(t)
		got, err := value.Round(f)
		want, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'e', 14, 64), 64)
		switch {
		case f == math.Trunc(f) && math.Abs(f) <= 1<<53:
			want = f
		case math.Abs(f) < 1e-21:
			want = 0
		case math.Abs(want) >= 1e21:
			if err == nil {
				t.Fatalf("Round(%v) = %v; want an error", f, got)
			}
			return
		}
		if err != nil || got != want {
			t.Fatalf("Round(%v) = %v, %v; want %v", f, got, err, want)
		}
	})
}

// Halves of the fifteenth digit are where a shortcut would differ.
func TestRound_nearHalves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.Int64Range(1e14, 1e15-1).Draw(t, "digits")
		power := rapid.IntRange(-21, 5).Draw(t, "power")
		nudge := rapid.IntRange(-2, 2).Draw(t, "nudge")
		f, _ := strconv.ParseFloat(strconv.FormatInt(digits, 10)+"5e"+strconv.Itoa(power-1), 64)
		for ; nudge > 0; nudge-- {
			f = math.Nextafter(f, math.Inf(1))
		}
		for ; nudge < 0; nudge++ {
			f = math.Nextafter(f, 0)
		}
		got, err := value.Round(f)
		want, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'e', 14, 64), 64)
		if f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
			want = f
		} else if math.Abs(f) < 1e-21 {
			want = 0
		}
		if err == nil && got != want || err != nil && want < 1e21 {
			t.Fatalf("Round(%v) = %v, %v; want %v", f, got, err, want)
		}
	})
}

func TestNumber_textAndNumberAreOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := value.Number(anyMagnitude(t))
		text := v.String()
		if text == "" {
			return
		}
		back, ok := value.ParseNumber(text)
		f, isNumber := v.Float()
		if !ok || !isNumber || back != f || value.FormatNumber(back) != text {
			t.Fatalf("%v prints %q, which reads %v, %v", f, text, back, ok)
		}
		asText := value.Text(text)
		if !value.Equal(&v, &asText) {
			t.Fatalf("%q is not equal to its number", text)
		}
	})
}

// The machine's fast path gives what Arithmetic and Compare give, or nothing.
func TestWhole_isArithmetic(t *testing.T) {
	limits := []int64{0, 1, -1, 7, 1<<51 - 1, 1 << 51, 1<<51 + 1, -(1 << 51), -(1 << 51) - 1, 1 << 50, -(1 << 50), 1<<53 - 1, 1 << 53, -(1 << 53), 1<<53 + 2}
	check := func(t interface{ Errorf(string, ...any) }, a, b value.Value) {
		a.Warm()
		b.Warm()
		for name, op := range map[value.Operator]func(v, w *value.Value) bool{value.OpAdd: (*value.Value).AddWhole, value.OpSub: (*value.Value).SubWhole} {
			x, y := a, b
			want, _, err := value.Arithmetic(name, &x, &y)
			x, y = a, b
			if op(&x, &y) && (err != nil || x.String() != want.String() || !value.Equal(&x, &want)) {
				t.Errorf("%s, %s: fast %s, else %s, %v", a.String(), b.String(), x.String(), want.String(), err)
			}
		}
		order := map[int]uint32{-1: value.Less, 0: value.Same, 1: value.Greater}[value.Compare(&a, &b)]
		if got := a.OrderWhole(&b); got != order && got != value.Unknown {
			t.Errorf("%q, %q: fast order %d, else %d", a.String(), b.String(), got, order)
		}
	}
	for _, i := range limits {
		for _, j := range limits {
			check(t, value.Int(i), value.Int(j))
			check(t, value.Number(float64(i)), value.Text(strconv.FormatInt(j, 10)+".00000000000000000001"))
			check(t, value.Number(float64(i)+0.5), value.Number(float64(j)))
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, value.Number(anyMagnitude(t)), value.Number(anyMagnitude(t))) })
	// And it does take what loops are made of.
	a, b, text := value.Int(40), value.Int(2), value.Text("2")
	text.Warm()
	if !a.AddWhole(&b) || !a.SubWhole(&text) || a.String() != "40" || a.OrderWhole(&text) != value.Greater || b.OrderWhole(&text) != value.Same {
		t.Errorf("%s", a.String())
	}
	if !text.AddWhole(&b) || text.String() != "4" {
		t.Errorf("%s", text.String())
	}
	var cold value.Value
	if cold.AddWhole(&b) || b.SubWhole(&cold) || b.OrderWhole(&cold) != value.Unknown {
		t.Error("a text that was not read is taken for a number")
	}
}

func zeros(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0'
	}
	return string(b)
}
