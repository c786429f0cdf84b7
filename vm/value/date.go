package value

// Dates are texts YYYY_MM_DD-hh_mm_ss of the plain Gregorian calendar, reckoned
// back before its introduction, without time zone, daylight saving or leap
// seconds: what scripts subtract is what their texts say.

const (
	dateLength = len("YYYY_MM_DD-hh_mm_ss")
	daySeconds = 24 * 60 * 60
	// daysTo10000 is the days from 0001-01-01 to 10000-01-01.
	daysTo10000 = 9999*365 + 9999/4 - 9999/100 + 9999/400
	// lastSecond is the largest difference that can stay in the calendar.
	lastSecond = daysTo10000*daySeconds - 1
)

// ParseDate reads a date that names a real moment of the years 0001 to 9999 and
// returns the seconds since 0001-01-01 00:00:00. Nothing may stand around it.
func ParseDate(s string) (seconds int64, ok bool) {
	if len(s) != dateLength || s[4] != '_' || s[7] != '_' || s[10] != '-' || s[13] != '_' || s[16] != '_' {
		return 0, false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && i != 4 && i != 7 && i != 10 && i != 13 && i != 16 {
			return 0, false
		}
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	year := two(0)*100 + two(2)
	month, day, hour, minute, second := two(5), two(8), two(11), two(14), two(17)
	if year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	days := daysBefore(year) + dayOfYear(year, month) + day - 1
	return int64(days)*daySeconds + int64(hour*3600+minute*60+second), true
}

// FormatDate is the date text of the seconds since 0001-01-01 00:00:00; ok is
// false outside the years 0001 to 9999.
func FormatDate(seconds int64) (text string, ok bool) {
	if seconds < 0 || seconds > lastSecond {
		return "", false
	}
	days, rest := int(seconds/daySeconds), int(seconds%daySeconds)
	year := days/366 + 1 // never too high, at most 21 too low
	for daysBefore(year+1) <= days {
		year++
	}
	days -= daysBefore(year)
	month := 1
	for month < 12 && dayOfYear(year, month+1) <= days {
		month++
	}
	day := days - dayOfYear(year, month) + 1
	b := []byte("0000_00_00-00_00_00")
	put := func(i, n int) { b[i], b[i+1] = byte('0'+n/10), byte('0'+n%10) }
	put(0, year/100)
	put(2, year%100)
	put(5, month)
	put(8, day)
	put(11, rest/3600)
	put(14, rest/60%60)
	put(17, rest%60)
	return string(b), true
}

func isLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// daysBefore counts the days from 0001-01-01 to the first of January of year.
func daysBefore(year int) int {
	y := year - 1
	return y*365 + y/4 - y/100 + y/400
}

// dayOfYear counts the days of year before the month.
func dayOfYear(year, month int) int {
	days := [...]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}[month-1]
	if month > 2 && isLeap(year) {
		days++
	}
	return days
}

func daysIn(year, month int) int {
	if month == 12 {
		return 31
	}
	return dayOfYear(year, month+1) - dayOfYear(year, month)
}
