package compiler

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sftpc/sftpc/vm/diag"
)

// encoding is how the bytes of a source stand for characters.
type encoding int

const (
	encodingUTF8 encoding = iota
	encodingUTF16LittleEndian
	encodingUTF16BigEndian
	encodingWindows1252
)

// encodings are the names that --encoding takes, in any case.
func encodings() map[string]encoding {
	return map[string]encoding{
		"utf-8": encodingUTF8, "utf8": encodingUTF8,
		"utf-16le": encodingUTF16LittleEndian, "utf-16be": encodingUTF16BigEndian,
		"windows-1252": encodingWindows1252, "cp1252": encodingWindows1252,
	}
}

// openSource decodes a script's bytes and makes its File and a reporter for it,
// which already holds what is wrong with the encoding. A mark at the start of the
// file decides, then the name given, then UTF-8.
//
// Of a file that is not UTF-8 every line that is not is read as windows-1252,
// nearly always rightly, so that messages show it as its author sees it; the
// error says what to do.
func openSource(name string, source []byte, encodingName string) (*diag.File, *reporter) {
	enc, known := encodings()[strings.ToLower(encodingName)]
	text := string(source)
	marked := true
	switch {
	case strings.HasPrefix(text, "\xef\xbb\xbf"):
		enc, text = encodingUTF8, text[3:]
	case strings.HasPrefix(text, "\xff\xfe"):
		enc, text = encodingUTF16LittleEndian, text[2:]
	case strings.HasPrefix(text, "\xfe\xff"):
		enc, text = encodingUTF16BigEndian, text[2:]
	default:
		marked = false
	}
	if encodingName != "" && !known && !marked {
		// Before the bytes are looked at: what they are is what the name should say.
		if !utf8.ValidString(text) {
			text = decodeWindows1252(text)
		}
		return withMistake(name, text, mistake{code: codeUnknownEncoding,
			message: "there is no encoding " + shortened(encodingName), hint: "known are utf-8, utf-16le, utf-16be and windows-1252"})
	}
	if !marked && enc == encodingUTF8 {
		if guess, ok := unmarkedUTF16(text); ok {
			return withMistake(name, decodeUTF16(text, guess), mistake{code: codeEncoding,
				message: "this looks like UTF-16 without a mark", hint: "save it as UTF-8, or as UTF-16 with a mark"})
		}
	}
	if enc == encodingUTF8 && !utf8.ValidString(text) {
		return mixedSource(name, text)
	}
	var file *diag.File
	switch enc {
	case encodingUTF8:
		file = diag.NewFile(name, text)
	case encodingWindows1252:
		file = diag.NewFile(name, decodeWindows1252(text))
	default:
		decoded := decodeUTF16(text, enc)
		if at := strings.IndexRune(decoded, utf8.RuneError); at >= 0 {
			return withMistake(name, decoded, mistake{codeDamagedUTF16, diag.Span{Start: at, End: at + len("\ufffd")},
				"half a character of UTF-16", "save the file anew, as UTF-8 or UTF-16"})
		}
		file = diag.NewFile(name, decoded)
	}
	return file, newReporter(file)
}

func withMistake(name, text string, m mistake) (*diag.File, *reporter) {
	file := diag.NewFile(name, text)
	report := newReporter(file)
	report.mistake(m)
	return file, report
}

// mixedSource reports a file that is not UTF-8 at its first such line, and reads
// these lines as windows-1252.
func mixedSource(name, text string) (*diag.File, *reporter) {
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	var span diag.Span
	var first byte
	wrong := 0
	for len(text) > 0 {
		line := text
		if i := strings.IndexAny(text, "\r\n"); i >= 0 {
			line = text[:i+1]
		}
		text = text[len(line):]
		if utf8.ValidString(line) {
			b.WriteString(line)
			continue
		}
		if wrong++; wrong == 1 {
			bad := firstInvalid(line)
			first = line[bad]
			span.Start = b.Len() + len(decodeWindows1252(line[:bad]))
			span.End = span.Start + len(decodeWindows1252(line[bad:bad+1]))
		}
		b.WriteString(decodeWindows1252(line))
	}
	also := ""
	if wrong > 1 {
		also = fmt.Sprintf(", nor are %d other lines", wrong-1)
		if wrong == 2 {
			also = ", nor is another line"
		}
	}
	return withMistake(name, b.String(), mistake{codeEncoding, span,
		fmt.Sprintf("byte %02X: this line is not UTF-8%s; it is shown as windows-1252", first, also),
		"sftpc fmt --from windows-1252 -w FILE makes it UTF-8;\n--encoding windows-1252 reads it as it is"})
}

// firstInvalid is the offset of the first byte that is not UTF-8.
func firstInvalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return 0
}

// unmarkedUTF16 guesses UTF-16 from NUL bytes: in a script of it nearly every
// second byte is one, and in no other script is any.
func unmarkedUTF16(text string) (encoding, bool) {
	const look = 512
	var nul [2]int
	n := min(len(text), look) &^ 1
	for i := range n {
		if text[i] == 0 {
			nul[i&1]++
		}
	}
	switch {
	case n < 4:
		return 0, false
	case nul[0] == 0 && nul[1] > n/4:
		return encodingUTF16LittleEndian, true
	case nul[1] == 0 && nul[0] > n/4:
		return encodingUTF16BigEndian, true
	}
	return 0, false
}

// decodeUTF16 puts U+FFFD for what cannot be decoded, an odd last byte included.
func decodeUTF16(text string, enc encoding) string {
	low, high := 0, 1
	if enc == encodingUTF16BigEndian {
		low, high = 1, 0
	}
	units := make([]uint16, 0, len(text)/2+1)
	for ; len(text) >= 2; text = text[2:] {
		units = append(units, uint16(text[low])|uint16(text[high])<<8)
	}
	if text != "" {
		units = append(units, utf8.RuneError)
	}
	return string(utf16.Decode(units))
}

// upper1252 are the characters of the bytes 80 to 9F; the others of windows-1252
// are the same as in Unicode. Five of the bytes mean nothing and stay control
// characters.
const upper1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"

func decodeWindows1252(text string) string {
	upper := []rune(upper1252)
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	for i := range len(text) {
		switch c := text[i]; {
		case c < 0x80:
			b.WriteByte(c)
		case c < 0xa0:
			b.WriteRune(upper[c-0x80])
		default:
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}
