package encoded

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"github.com/sftpc/sftpc/netio/session"
)

// Encoding is a way to write names as bytes. Those here all write ASCII as it is,
// which is what the lines of a protocol are made of.
type Encoding struct {
	name  string
	table encoding.Encoding // nil for UTF-8
}

// Find returns the encoding of that name, in any case. The error is BadArgument and
// lists what there is.
func Find(name string) (Encoding, error) {
	want := canonical(name)
	for _, known := range encodings {
		if slices.ContainsFunc(strings.Fields(known.names), func(n string) bool { return canonical(n) == want }) {
			first, _, _ := strings.Cut(known.names, " ")
			return Encoding{first, known.table}, nil
		}
	}
	return Encoding{}, &session.Error{
		Op: "choosing an encoding", Cause: session.BadArgument, Class: session.BadArgument.Class(), Name: name,
		Err:  fmt.Errorf("%q is no encoding that is known here", name),
		Hint: "known are " + strings.Join(Names(), ", "),
	}
}

// Names are the names that Find knows, one for each encoding.
func Names() []string {
	var all []string
	for _, known := range encodings {
		first, _, _ := strings.Cut(known.names, " ")
		all = append(all, first)
	}
	return all
}

// canonical takes out what people write differently: case, dashes, underscores.
func canonical(name string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
}

// encodings by their names, the usual one first. Those that shift between sets of
// characters, and EBCDIC, are not among them: in them an ASCII byte is not the
// ASCII character.
var encodings = []struct {
	names string
	table encoding.Encoding
}{
	{"utf-8", nil},
	{"windows-1250 cp1250", charmap.Windows1250},
	{"windows-1251 cp1251", charmap.Windows1251},
	{"windows-1252 cp1252 ansi", charmap.Windows1252},
	{"windows-1253 cp1253", charmap.Windows1253},
	{"windows-1254 cp1254", charmap.Windows1254},
	{"windows-1255 cp1255", charmap.Windows1255},
	{"windows-1256 cp1256", charmap.Windows1256},
	{"windows-1257 cp1257", charmap.Windows1257},
	{"windows-1258 cp1258", charmap.Windows1258},
	{"windows-874 cp874 tis-620", charmap.Windows874},
	{"iso-8859-1 latin1", charmap.ISO8859_1},
	{"iso-8859-2 latin2", charmap.ISO8859_2},
	{"iso-8859-3 latin3", charmap.ISO8859_3},
	{"iso-8859-4 latin4", charmap.ISO8859_4},
	{"iso-8859-5", charmap.ISO8859_5},
	{"iso-8859-6", charmap.ISO8859_6},
	{"iso-8859-7", charmap.ISO8859_7},
	{"iso-8859-8", charmap.ISO8859_8},
	{"iso-8859-9 latin5", charmap.ISO8859_9},
	{"iso-8859-10 latin6", charmap.ISO8859_10},
	{"iso-8859-13 latin7", charmap.ISO8859_13},
	{"iso-8859-14 latin8", charmap.ISO8859_14},
	{"iso-8859-15 latin9", charmap.ISO8859_15},
	{"iso-8859-16 latin10", charmap.ISO8859_16},
	{"cp437 ibm437 dos", charmap.CodePage437},
	{"cp850 ibm850", charmap.CodePage850},
	{"cp852 ibm852", charmap.CodePage852},
	{"cp855 ibm855", charmap.CodePage855},
	{"cp858 ibm858", charmap.CodePage858},
	{"cp860 ibm860", charmap.CodePage860},
	{"cp862 ibm862", charmap.CodePage862},
	{"cp863 ibm863", charmap.CodePage863},
	{"cp865 ibm865", charmap.CodePage865},
	{"cp866 ibm866", charmap.CodePage866},
	{"koi8-r", charmap.KOI8R},
	{"koi8-u", charmap.KOI8U},
	{"macintosh macroman", charmap.Macintosh},
	{"shift_jis sjis cp932", japanese.ShiftJIS},
	{"euc-jp", japanese.EUCJP},
	{"euc-kr cp949", korean.EUCKR},
	{"gbk cp936 gb2312", simplifiedchinese.GBK},
	{"gb18030", simplifiedchinese.GB18030},
	{"big5 cp950", traditionalchinese.Big5},
}

var errNotUTF8 = errors.New("it is not UTF-8")

// encode returns the bytes of a name; the error says which character has none.
func (e Encoding) encode(name string) (string, error) {
	switch {
	case !utf8.ValidString(name):
		return "", errNotUTF8
	case e.table == nil || isASCII(name):
		return name, nil
	}
	written, err := e.table.NewEncoder().String(name)
	if err == nil {
		return written, nil
	}
	for _, c := range name {
		if _, err := e.table.NewEncoder().String(string(c)); err != nil {
			return "", fmt.Errorf("%s has no %q (U+%04X)", e.name, c, c)
		}
	}
	return "", err
}

// decode returns the text of a server's bytes. ok is false where they are not
// written in the encoding, or where the text would be encoded as other bytes.
func (e Encoding) decode(written string) (name string, ok bool) {
	if isASCII(written) {
		return written, true
	}
	if e.table == nil {
		return written, utf8.ValidString(written)
	}
	name, err := e.table.NewDecoder().String(written)
	if err != nil || strings.ContainsRune(name, utf8.RuneError) {
		return "", false
	}
	back, err := e.encode(name)
	return name, err == nil && back == written
}

// decodeText is decode for texts that are only shown: where it fails they stay.
func (e Encoding) decodeText(written string) string {
	if name, ok := e.decode(written); ok {
		return name
	}
	return written
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
