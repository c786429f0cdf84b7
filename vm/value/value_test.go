package value_test

import (
	"errors"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/vm/value"
)

func TestValue_isSmall(t *testing.T) {
	if size := unsafe.Sizeof(value.Value{}); size != 24 && unsafe.Sizeof(uintptr(0)) == 8 {
		t.Errorf("a Value has %d bytes", size)
	}
}

func TestValue_zeroIsTheEmptyText(t *testing.T) {
	var v value.Value
	if v.String() != "" || !v.IsEmpty() || v.IsTrue() || v.TextLen() != 0 {
		t.Errorf("%q", v.String())
	}
	if _, isNumber := v.Float(); isNumber || !v.IsEmpty() {
		t.Error("the empty text is a number")
	}
}

// Reading a text as a number leaves the text alone.
func TestValue_textIsAuthoritative(t *testing.T) {
	for _, text := range []string{"007", " 5 ", "5.00", "-0", "1" + zeros(30), "x", "2024_02_29-00_00_00", "\xff|\x00"} {
		v := value.Text(text)
		v.Float()
		v.Date()
		v.IsTrue()
		if v.String() != text || v.Text() != text || string(v.AppendTo([]byte("a"))) != "a"+text || v.TextLen() != len(text) {
			t.Errorf("%q became %q", text, v.String())
		}
	}
}

func TestValue_isTrue(t *testing.T) {
	for text, want := range map[string]bool{
		"TRUE": true, "true": true, "tRuE": true, "FALSE": false, "": false, " TRUE": false, "TRUE ": false, "TRUTH": false, "YES": false, "OK": false,
		"1": true, "-1": true, " 0.5 ": true, "0": false, "-0": false, "0.000": false, "00": false,
		"0." + zeros(40) + "1": true, "1" + zeros(40): true, "2024_01_01-00_00_00": false, "12x": false,
	} {
		v := value.Text(text)
		for _, cache := range []string{"cold", "warm"} {
			if v.IsTrue() != want {
				t.Errorf("%q, %s: %v", text, cache, !want)
			}
			v.Warm()
		}
	}
	for f, want := range map[float64]bool{0: false, 1: true, -2.5: true, 1e-22: false} {
		if v := value.Number(f); v.IsTrue() != want {
			t.Errorf("%v: %v", f, !want)
		}
	}
	if v, w := value.Bool(true), value.Bool(false); !v.IsTrue() || w.IsTrue() || v.String() != "TRUE" || w.String() != "FALSE" {
		t.Errorf("%q %q", v.String(), w.String())
	}
}

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"5", "5", 0}, {"5", "5.0", 0}, {"007", "7", 0}, {" 5\n", "5", 0}, {"0.1", "0.10", 0}, {"-0", "0", 0}, {"0.0", "-0.000", 0},
		{"9", "10", -1}, {"-9", "-10", 1}, {"-1", "1", -1}, {"0.1", "0.11", -1}, {"2.5", "2.45", 1},
		{"9007199254740993", "9007199254740992", 1}, {"9007199254740993", "9007199254740993.0", 0},
		{"12345678901234567890123", "12345678901234567890124", -1}, {"-12345678901234567890123", "-12345678901234567890124", 1},
		{"0." + zeros(30) + "1", "0", 1}, {"-0." + zeros(30) + "1", "0", -1}, {"0." + zeros(400) + "1", "0." + zeros(400) + "10", 0},
		{"1" + zeros(400), "2" + zeros(400), -1}, {"1" + zeros(400), "1" + zeros(399), 1}, {"-1" + zeros(400), "5", -1},
		{"0.1000000000000000055511151231257827", "0.1", 1},
		{"a", "b", -1}, {"a", "A", 1}, {"abc", "ab", 1}, {"", "a", -1}, {"", "", 0}, {"", "0", -1}, {"12x", "9", -1}, {"1e3", "1000", 1},
		{"12451", "12451", 0}, {"OK", "12451", 1}, {"2024_01_01-00_00_00", "2023_12_31-23_59_59", 1}, {"TRUE", "true", -1}, {"\xff", "z", 1},
	} {
		for _, warm := range []string{"neither", "left", "right", "both"} {
			a, b := value.Text(test.a), value.Text(test.b)
			if warm == "left" || warm == "both" {
				a.Warm()
			}
			if warm == "right" || warm == "both" {
				b.Warm()
			}
			if got := value.Compare(&a, &b); got != test.want {
				t.Errorf("%s warm: %q and %q compare %d; want %d", warm, test.a, test.b, got, test.want)
			}
			if got := value.Compare(&b, &a); got != -test.want {
				t.Errorf("%s warm: %q and %q compare %d; want %d", warm, test.b, test.a, got, -test.want)
			}
			if value.Equal(&a, &b) != (test.want == 0) {
				t.Errorf("%q and %q: Equal differs from Compare", test.a, test.b)
			}
		}
	}
	number, text := value.Number(12), value.Text("12x")
	if value.Compare(&number, &text) != -1 || value.Compare(&text, &number) != 1 {
		t.Error("a made number and a text do not compare as texts")
	}
	made, long := value.Number(1<<53), value.Text("9007199254740993")
	if value.Compare(&made, &long) != -1 {
		t.Error("a made number and a longer text compare by what is lost")
	}
}

// decimalText draws texts that are numbers, of all lengths and spellings.
func decimalText(t *rapid.T, name string) string {
	return rapid.StringMatching(`[ \t]?-?(0{0,3}[0-9]{1,4}|[0-9]{14,24})(\.[0-9]{1,3}|\.[0-9]{13,20}|\.0+)?\n?`).Draw(t, name)
}

// Whether a reading is cached, and whether a number was made or read, must never
// show in a comparison.
func TestCompare_cachesDoNotShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) string {
			if rapid.IntRange(0, 3).Draw(t, name+" kind") == 0 {
				return rapid.SampledFrom([]string{"", "abc", "9x", "-", "2024_02_29-00_00_00", "TRUE"}).Draw(t, name)
			}
			return decimalText(t, name)
		}
		texts := [2]string{draw("a"), draw("b")}
		if rapid.Bool().Draw(t, "alike") {
			texts[1] = strings.TrimSpace(texts[0])
		}
		cold := [2]value.Value{value.Text(texts[0]), value.Text(texts[1])}
		warm := cold
		warm[0].Float()
		warm[1].Float()
		want := value.Compare(&cold[0], &cold[1])
		if got := value.Compare(&warm[0], &warm[1]); got != want {
			t.Fatalf("cold %d, warm %d", want, got)
		}
		// A number made of a text whose value is exact compares as the text does.
		if f, ok := value.ParseNumber(texts[0]); ok {
			made := value.Number(f)
			again := value.Text(made.String())
			if !made.IsEmpty() && value.Compare(&made, &cold[1]) != value.Compare(&again, &cold[1]) {
				t.Fatalf("%q compares differently as a number", texts[0])
			}
		}
	})
}

func TestCompare_isAnOrderOfNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := value.Text(decimalText(t, "a")), value.Text(decimalText(t, "b")), value.Text(decimalText(t, "c"))
		if value.Compare(&a, &b) <= 0 && value.Compare(&b, &c) <= 0 && value.Compare(&a, &c) > 0 {
			t.Fatalf("%q, %q, %q", a.String(), b.String(), c.String())
		}
	})
}

func TestArithmetic(t *testing.T) {
	for _, test := range []struct {
		a    string
		op   value.Operator
		b    string
		want string
		odd  value.Odd
		err  error
	}{
		{"2", value.OpAdd, "3", "5", 0, nil},
		{"0.1", value.OpAdd, "0.2", "0.3", 0, nil},
		{" 007 ", value.OpAdd, "", "7", 0, nil},
		{"", value.OpSub, "3", "-3", 0, nil},
		{"5", value.OpMul, "abcdef", "0", value.OddRight, nil},
		{"1e3", value.OpAdd, "x", "0", value.OddLeft | value.OddRight, nil},
		{" ", value.OpAdd, "1", "1", value.OddLeft, nil},
		{"0", value.OpMul, "-5", "0", 0, nil},
		{"10", value.OpDiv, "4", "2.5", 0, nil},
		{"2", value.OpDiv, "3", "0.666666666666667", 0, nil},
		{"1", value.OpDiv, "0", "", 0, value.ErrDivideByZero},
		{"1", value.OpDiv, "", "", 0, value.ErrDivideByZero},
		{"1", value.OpDiv, "-0.0", "", 0, value.ErrDivideByZero},
		{"1", value.OpDiv, "abc", "", value.OddRight, value.ErrDivideByZero},
		{"999999999999999999999", value.OpAdd, "999999999999999999999", "", 0, value.ErrTooLarge},
		{"100000000000", value.OpMul, "10000000000", "", 0, value.ErrTooLarge},
		{"1" + zeros(21), value.OpSub, "1" + zeros(21), "", 0, value.ErrTooLarge},
		{"1", value.OpSub, "1" + zeros(500), "", 0, value.ErrTooLarge},
		{"0.00000000001", value.OpMul, "0.00000000001", "0", 0, nil},
		{"0.00000000001", value.OpMul, "0.0000000001", "0.000000000000000000001", 0, nil},
		{"9007199254740992", value.OpAdd, "1", "9007199254740992", 0, nil},
		{"9007199254740992", value.OpAdd, "2", "9007199254740990", 0, nil},
		{"123456789012345678", value.OpAdd, "0", "123456789012346000", 0, nil},

		{"2024_03_01-00_00_00", value.OpSub, "2024_02_28-00_00_00", "172800", 0, nil},
		{"2023_03_01-00_00_00", value.OpSub, "2023_02_28-23_59_59", "1", 0, nil},
		{"2024_02_28-23_59_59", value.OpAdd, "1", "2024_02_29-00_00_00", 0, nil},
		{"60", value.OpAdd, "2024_02_28-23_59_00", "2024_02_29-00_00_00", 0, nil},
		{"2024_01_01-00_00_00", value.OpSub, "1", "2023_12_31-23_59_59", 0, nil},
		{"2024_01_01-00_00_00", value.OpAdd, "1.9", "2024_01_01-00_00_01", 0, nil},
		{"2024_01_01-00_00_00", value.OpSub, "1.9", "2023_12_31-23_59_59", 0, nil},
		{"2024_01_01-00_00_00", value.OpAdd, "", "2024_01_01-00_00_00", 0, nil},
		{"2024_01_01-00_00_00", value.OpAdd, "x", "2024_01_01-00_00_00", value.OddRight, nil},
		{"0001_01_01-00_00_00", value.OpSub, "1", "", 0, value.ErrDateRange},
		{"9999_12_31-23_59_59", value.OpAdd, "1", "", 0, value.ErrDateRange},
		{"2024_01_01-00_00_00", value.OpAdd, "100000000000000000000", "", 0, value.ErrDateRange},
		{"2024_01_01-00_00_00", value.OpAdd, "1" + zeros(30), "", 0, value.ErrTooLarge},
		{"2024_01_01-00_00_00", value.OpAdd, "2024_01_01-00_00_00", "0", value.OddLeft | value.OddRight, nil},
		{"5", value.OpSub, "2024_01_01-00_00_00", "5", value.OddRight, nil},
		{"2", value.OpMul, "2024_01_01-00_00_00", "0", value.OddRight, nil},
		{"2024_02_30-00_00_00", value.OpAdd, "1", "1", value.OddLeft, nil},
	} {
		for _, warm := range []bool{false, true} {
			a, b := value.Text(test.a), value.Text(test.b)
			if warm {
				a.Warm()
				b.Warm()
			}
			got, odd, err := value.Arithmetic(test.op, &a, &b)
			if !errors.Is(err, test.err) || err == nil && got.String() != test.want || odd != test.odd {
				t.Errorf("%q %d %q = %q, %d, %v; want %q, %d, %v", test.a, test.op, test.b, got.String(), odd, err, test.want, test.odd, test.err)
			}
			named := []func(a, b *value.Value) (value.Value, error){value.Add, value.Sub, value.Mul, value.Div}[test.op]
			if v, again := named(&a, &b); !errors.Is(again, test.err) || again == nil && v.String() != test.want {
				t.Errorf("%q %d %q by name: %q, %v", test.a, test.op, test.b, v.String(), again)
			}
		}
	}
	for text, want := range map[string]string{"5": "-5", "-2.50": "2.5", "": "0", "0": "0", "x": "0"} {
		a := value.Text(text)
		if v, err := value.Neg(&a); err != nil || v.String() != want {
			t.Errorf("-%q = %q, %v", text, v.String(), err)
		}
	}
}

// Every result is a number that survives being written down and read again, so
// that a script cannot tell whether a value was kept or stored as text.
func TestArithmetic_resultsAreTheirTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := value.Number(anyMagnitude(t)), value.Number(anyMagnitude(t))
		op := value.Operator(rapid.IntRange(0, 3).Draw(t, "operator"))
		r, _, err := value.Arithmetic(op, &a, &b)
		if err != nil {
			return
		}
		text := value.Text(r.String())
		f, ok := text.Float()
		if g, _ := r.Float(); !ok || f != g || !value.Equal(&r, &text) {
			t.Fatalf("%v prints %q", g, r.String())
		}
		a, b = value.Text(a.String()), value.Text(b.String())
		again, _, err := value.Arithmetic(op, &a, &b)
		if err != nil || again.String() != r.String() {
			t.Fatalf("of the texts it is %q, %v", again.String(), err)
		}
	})
}

func TestJoin(t *testing.T) {
	v := value.Join(value.Text("item-"), value.Number(7), value.Text(""), value.Text(".txt"), value.Number(0.5))
	if v.String() != "item-7.txt0.5" {
		t.Errorf("%q", v.String())
	}
	if empty := value.Join(); !empty.IsEmpty() {
		t.Error("nothing joined is not empty")
	}
}

func TestNextItem(t *testing.T) {
	for list, want := range map[string][]string{
		"":      nil,
		"a":     {"a"},
		"a|b":   {"a", "b"},
		"a||b":  {"a", "", "b"},
		"|":     {"", ""},
		"a|":    {"a", ""},
		"|a":    {"", "a"},
		"ä b|ö": {"ä b", "ö"},
	} {
		var got []string
		for item, next, ok := value.NextItem(list, 0); ok; item, next, ok = value.NextItem(list, next) {
			got = append(got, item)
		}
		if strings.Join(got, "·") != strings.Join(want, "·") || len(got) != len(want) {
			t.Errorf("%q: %q", list, got)
		}
	}
	if _, _, ok := value.NextItem("a", 9); ok {
		t.Error("an item beyond the end")
	}
}
