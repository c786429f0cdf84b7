package listing

import "bytes"

const (
	monthNames   = "janfebmaraprmayjunjulaugsepoctnovdec"
	weekdayNames = "montuewedthufrisatsun"
)

// month reads the English abbreviation in any case, one of another language that
// cannot be taken for another month, or a number with the sign for month behind
// it; 0 is none.
func month(text []byte) int {
	text = bytes.TrimSuffix(text, []byte{'.'})
	if n := place(monthNames, text); n > 0 {
		return n
	}
	if number, ok := cutSign(text, monthSigns); ok {
		if n, ok := small(number, 1, 2); ok && n <= 12 {
			return n
		}
		return 0
	}
	if len(text) < 3 || len(text) > longestMonth {
		return 0
	}
	return foreignMonth(text)
}

// longestMonth is the length of the longest name of foreignMonth.
const longestMonth = 5

// foreignMonth knows what ls writes in German, French, Spanish, Portuguese,
// Italian, Dutch and the Nordic languages where it is not as in English, in UTF-8
// and in Latin-1.
func foreignMonth(text []byte) int {
	var lower [longestMonth]byte
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	switch string(lower[:len(text)]) {
	case "ene", "gen", "janv":
		return 1
	case "f\u00e9v", "f\xe9v", "f\u00e9vr", "f\xe9vr", "fev", "fevr":
		return 2
	case "m\u00e4r", "m\xe4r", "mrz", "mars", "mrt", "maa":
		return 3
	case "avr", "abr":
		return 4
	case "mai", "maj", "mei", "mag", "maio":
		return 5
	case "giu", "juin":
		return 6
	case "lug", "juil":
		return 7
	case "ao\u00fb", "ao\xfb", "ao\u00fbt", "ao\xfbt", "ago", "aout":
		return 8
	case "sept", "set":
		return 9
	case "okt", "ott", "out":
		return 10
	case "dez", "d\u00e9c", "d\xe9c", "dic", "des":
		return 12
	}
	return 0
}

// monthSigns and daySigns are what Japanese and Chinese put behind the number, in
// UTF-8, Shift JIS, EUC-JP and GBK.
var (
	monthSigns = []string{"\u6708", "\x8c\x8e", "\xb7\xee", "\xd4\xc2"}
	daySigns   = []string{"\u65e5", "\x93\xfa", "\xc6\xfc", "\xc8\xd5"}
)

func cutSign(text []byte, signs []string) (number []byte, ok bool) {
	if len(text) == 0 || text[len(text)-1] < 0x80 {
		return text, false // no sign ends so, and owners' names come by here, too
	}
	for _, sign := range signs {
		if number, ok := bytes.CutSuffix(text, []byte(sign)); ok {
			return number, true
		}
	}
	return text, false
}

// dayOfMonth reads "2", "02" and "2."; 0 is none.
func dayOfMonth(text []byte) int {
	text = bytes.TrimSuffix(text, []byte{'.'})
	n, ok := small(text, 1, 2)
	if !ok {
		number, _ := cutSign(text, daySigns)
		n, ok = small(number, 1, 2)
	}
	if !ok || n > 31 {
		return 0
	}
	return n
}

func weekday(text []byte) bool { return place(weekdayNames, bytes.TrimSuffix(text, []byte{','})) > 0 }

// place finds a word of three letters in a run of such words, from 1; 0 is none.
func place(words string, text []byte) int {
	if len(text) != 3 {
		return 0
	}
	for i := 0; i < len(words); i += 3 {
		if words[i] == text[0]|0x20 && words[i+1] == text[1]|0x20 && words[i+2] == text[2]|0x20 {
			return i/3 + 1
		}
	}
	return 0
}
