package compiler

import (
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// utf16Bytes encodes a text, low byte first unless swapped.
func utf16Bytes(text string, swapped bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		low, high := byte(u), byte(u>>8)
		if swapped {
			low, high = high, low
		}
		b.WriteByte(low)
		b.WriteByte(high)
	}
	return b.String()
}

func TestOpenSource(t *testing.T) {
	const text = "PRINT(\"grün – 日本 😀\")\r\n"
	for _, c := range []struct{ name, source, encoding, want, problem string }{
		{"UTF-8", text, "", text, ""},
		{"UTF-8 with mark", "\xef\xbb\xbf" + text, "", text, ""},
		{"UTF-8 by name", text, "UTF-8", text, ""},
		{"UTF-16 little endian", "\xff\xfe" + utf16Bytes(text, false), "", text, ""},
		{"UTF-16 big endian", "\xfe\xff" + utf16Bytes(text, true), "", text, ""},
		{"UTF-16 by name", utf16Bytes(text, false), "utf-16le", text, ""},
		{"UTF-16 big endian by name", utf16Bytes(text, true), "UTF-16BE", text, ""},
		{"a mark beats the name", "\xef\xbb\xbf" + text, "windows-1252", text, ""},
		{"windows-1252", "a\x80\x93\xe9\xff\x81", "windows-1252", "a€“éÿ\u0081", ""},
		{"cp1252", "\xdf", "CP1252", "ß", ""},
		{"empty", "", "", "", ""},
		{"only a mark", "\xff\xfe", "", "", ""},

		{"not UTF-8", "a\nb \xe9\x94 c\nd", "", "a\nb é” c\nd",
			"2:3: error E0101: byte E9: this line is not UTF-8; it is shown as windows-1252"},
		{"several lines not UTF-8", "é\n\xe9\n\xe8\r\xe7", "", "é\né\nè\rç",
			"2:1: error E0101: byte E9: this line is not UTF-8, nor are 2 other lines; it is shown as windows-1252"},
		{"two lines not UTF-8", "\xe9\n\xe8", "", "é\nè",
			"1:1: error E0101: byte E9: this line is not UTF-8, nor is another line; it is shown as windows-1252"},
		{"UTF-16 without a mark", utf16Bytes("PRINT(1)", false), "", "PRINT(1)", "1:1: error E0101: this looks like UTF-16 without a mark"},
		{"UTF-16BE without a mark", utf16Bytes("PRINT(1)", true), "", "PRINT(1)", "1:1: error E0101: this looks like UTF-16 without a mark"},
		{"half a pair", "\xff\xfea\x00\x3d\xd8b\x00", "", "a\ufffdb", "1:2: error E0103: half a character of UTF-16"},
		{"odd length", "\xff\xfea\x00b", "", "a\ufffd", "1:2: error E0103: half a character of UTF-16"},
		{"unknown name", "a", "ebcdic", "a", "1:1: error E0102: there is no encoding ebcdic"},
	} {
		file, report := openSource("a.ftp", []byte(c.source), c.encoding)
		if file.Text() != c.want {
			t.Errorf("%s: text %q, want %q", c.name, file.Text(), c.want)
		}
		got := ""
		if len(report.list) > 0 {
			got = strings.TrimPrefix(report.list[0].Error(), "a.ftp:")
		}
		if got != c.problem || len(report.list) > 1 {
			t.Errorf("%s: %q, want %q", c.name, got, c.problem)
		}
	}
}

// The cure stands in the hint with the file's own name.
func TestOpenSource_Hint(t *testing.T) {
	_, report := openSource("acme.ftp", []byte("PRINT(\"\xe9\")"), "")
	if hint := report.list[0].Hint; !strings.Contains(hint, "--encoding windows-1252") || !strings.Contains(hint, "UTF-8") {
		t.Errorf("hint: %s", hint)
	}
}

// Whatever the bytes and the name, the text is UTF-8.
func TestOpenSource_AlwaysText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.SliceOf(rapid.Byte()).Draw(t, "source")
		name := rapid.SampledFrom([]string{"", "utf-8", "utf-16le", "utf-16be", "windows-1252", "x"}).Draw(t, "name")
		file, _ := openSource("a", source, name)
		if strings.ToValidUTF8(file.Text(), "!") != file.Text() {
			t.Fatalf("not UTF-8: %q", file.Text())
		}
	})
}
