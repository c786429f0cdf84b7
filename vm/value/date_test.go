package value_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/vm/value"
)

func TestParseDate_refuses(t *testing.T) {
	for _, text := range []string{
		"", "2024_01_01", "2024_01_01-00_00", "2024-01-01_00-00-00", "2024_1_1-00_00_00", " 2024_01_01-00_00_00", "2024_01_01-00_00_00 ",
		"0000_01_01-00_00_00", "2024_00_01-00_00_00", "2024_13_01-00_00_00", "2024_01_00-00_00_00", "2024_01_32-00_00_00", "2024_04_31-00_00_00",
		"2023_02_29-00_00_00", "1900_02_29-00_00_00", "2024_01_01-24_00_00", "2024_01_01-00_60_00", "2024_01_01-00_00_60", "2024_01_01-0a_00_00",
		"-024_01_01-00_00_00", "10000_01_01-00_00_00",
	} {
		if seconds, ok := value.ParseDate(text); ok {
			t.Errorf("%q is a date, %d", text, seconds)
		}
	}
}

func TestDate_ends(t *testing.T) {
	if seconds, ok := value.ParseDate("0001_01_01-00_00_00"); !ok || seconds != 0 {
		t.Errorf("the first second is %d, %v", seconds, ok)
	}
	last, ok := value.ParseDate("9999_12_31-23_59_59")
	if text, back := value.FormatDate(last); !ok || !back || text != "9999_12_31-23_59_59" {
		t.Errorf("the last second %d is %q", last, text)
	}
	for _, seconds := range []int64{-1, last + 1, 1 << 62} {
		if text, ok := value.FormatDate(seconds); ok {
			t.Errorf("%d is %q", seconds, text)
		}
	}
}

// The calendar is the one of package time in UTC, in both directions.
func TestDate_isTheGregorianCalendar(t *testing.T) {
	start := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	check := func(t interface {
		Helper()
		Fatalf(string, ...any)
	}, seconds int64) {
		t.Helper()
		want := time.Unix(start.Unix()+seconds, 0).UTC().Format("2006_01_02-15_04_05")
		text, ok := value.FormatDate(seconds)
		if !ok || text != want {
			t.Fatalf("%d is %q, not %q", seconds, text, want)
		}
		if back, ok := value.ParseDate(text); !ok || back != seconds {
			t.Fatalf("%q is %d, not %d", text, back, seconds)
		}
	}
	const day = 86_400
	for days := int64(0); days < 3_652_059; days += 17 {
		check(t, days*day)
		check(t, days*day+day-1)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.Int64Range(0, 3_652_059*day-1).Draw(t, "seconds")) })
}

// x - y + y is x, and so is x + seconds - seconds.
func TestDate_thereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) value.Value {
			text, _ := value.FormatDate(rapid.Int64Range(0, 3_652_059*86_400-1).Draw(t, name))
			return value.Text(text)
		}
		x, y := draw("x"), draw("y")
		between, err := value.Sub(&x, &y)
		if err != nil {
			t.Fatal(err)
		}
		back, err := value.Add(&between, &y)
		if err != nil || !value.Equal(&back, &x) || back.String() != x.String() {
			t.Fatalf("%s - %s + %s = %s, %v", x.String(), y.String(), y.String(), back.String(), err)
		}
		back, err = value.Sub(&x, &between)
		if err != nil || back.String() != y.String() {
			t.Fatalf("%s - %s = %s, %v", x.String(), between.String(), back.String(), err)
		}
		if _, isDate := back.Date(); !isDate {
			t.Fatalf("%s is no date", back.String())
		}
	})
}
