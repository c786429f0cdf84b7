package bytecode_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/vm/bytecode"
)

var update = flag.Bool("update", false, "write the golden files anew")

func encode(t testing.TB, p *bytecode.Program) []byte {
	t.Helper()
	data, err := bytecode.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEncode_decodeIsTheSameProgram(t *testing.T) {
	for _, stripped := range []bool{false, true} {
		p := good(t)
		if stripped {
			p.Strip()
		}
		data := encode(t, p)
		back, err := bytecode.Load(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if !back.Verified() || back.Stripped() != stripped {
			t.Errorf("verified %v, stripped %v", back.Verified(), back.Stripped())
		}
		if a, b := listing(t, p), listing(t, back); a != b {
			t.Errorf("before:\n%s\nafter:\n%s", a, b)
		}
		if again := encode(t, back); !bytes.Equal(again, data) {
			t.Error("encoding twice gives different bytes")
		}
	}
}

func TestDecode_keepsNothingOfTheData(t *testing.T) {
	data := encode(t, good(t))
	p, err := bytecode.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	before := listing(t, p)
	clear(data)
	if listing(t, p) != before {
		t.Error("the program changed with the bytes it came from")
	}
}

func TestGolden(t *testing.T) {
	full, stripped := good(t), good(t)
	stripped.Strip()
	for name, p := range map[string]*bytecode.Program{"every-instruction": full, "stripped": stripped} {
		path := filepath.Join("..", "..", "testdata", "bundle", name)
		data := encode(t, p)
		if *update {
			if err := errors.Join(os.WriteFile(path+".ftpc", data, 0o666), os.WriteFile(path+".dis", []byte(listing(t, p)), 0o666)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path + ".ftpc")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, want) {
			t.Errorf("%s.ftpc is no longer what Encode writes; bundles of a released format must stay readable", name)
		}
		text, err := os.ReadFile(path + ".dis")
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := bytecode.Load(bytes.NewReader(want))
		if err != nil {
			t.Fatal(err)
		}
		if got := listing(t, loaded); got != string(text) {
			t.Errorf("%s.dis differs:\n%s", name, got)
		}
	}
}

// Bundles of earlier formats load and mean what they did.
func TestGolden_earlierFormats(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "bundle", "format-*.ftpc"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bundles: %v", err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(strings.TrimSuffix(path, ".ftpc") + ".dis")
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := bytecode.Load(bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if got := listing(t, loaded); got != string(text) {
			t.Errorf("%s is listed as\n%s", path, got)
		}
	}
}

// A bundle has no instructions that its format did not have.
func TestDecode_instructionsOfLaterFormats(t *testing.T) {
	data := encode(t, good(t))
	data[9] = 1
	if _, err := bytecode.Decode(mend(data)); err == nil || !strings.Contains(err.Error(), "no instruction with code") {
		t.Errorf("a bundle of format 0.1 with instructions of 0.2: %v", err)
	}
}

func TestDecode_hashBang(t *testing.T) {
	data := encode(t, good(t))
	for _, line := range []string{"#!/usr/bin/env -S sftpc run\n", "#!x\r\n"} {
		file := append([]byte(line), data...)
		if !bytecode.IsBundle(file[:min(len(file), bytecode.PrefixSize)]) {
			t.Errorf("%q: not taken for a bundle", line)
		}
		if _, err := bytecode.Load(bytes.NewReader(file)); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	long := append([]byte("#!"+strings.Repeat("x", 400)+"\n"), data...)
	if _, err := bytecode.Decode(long); !errors.Is(err, bytecode.ErrNotBundle) {
		t.Errorf("a first line of 400 bytes: %v", err)
	}
	if bytecode.IsBundle([]byte("#!/usr/bin/sftpc run\nPRINT(\"x\")\n")) || bytecode.IsBundle([]byte("OPENHOST(\"x\")")) || bytecode.IsBundle(nil) {
		t.Error("a script is taken for a bundle")
	}
}

// Every common way in which a transfer changes line ends is named, not just
// noticed.
func TestDecode_textMode(t *testing.T) {
	data := encode(t, good(t))
	replace := func(from, to string) []byte { return bytes.ReplaceAll(data, []byte(from), []byte(to)) }
	sevenBit := bytes.Clone(data)
	for i := range sevenBit {
		sevenBit[i] &= 0x7f
	}
	var smart []byte // LF becomes CR LF where it is not one already
	for i, b := range data {
		if b == '\n' && data[i-1] != '\r' {
			smart = append(smart, '\r')
		}
		smart = append(smart, b)
	}
	smart = append(smart[:len(smart)-1], smart[len(smart)-1])
	var latin []byte
	for _, b := range data {
		latin = append(latin, string(rune(b))...)
	}
	damages := map[string][]byte{
		"CR LF to LF":           replace("\r\n", "\n"),
		"CR removed":            replace("\r", ""),
		"LF to CR LF":           replace("\n", "\r\n"),
		"LF removed":            replace("\n", ""),
		"seven bits":            sevenBit,
		"cut at SUB":            data[:7],
		"written as UTF-8":      latin,
		"invalid UTF-8 mended":  bytes.ToValidUTF8(data, []byte("\ufffd")),
		"a question mark in it": append([]byte("?"), data[1:]...),
	}
	if len(smart) > len(data) {
		damages["lone LF to CR LF"] = smart
	}
	for name, damaged := range damages {
		_, err := bytecode.Decode(damaged)
		if !errors.Is(err, bytecode.ErrTextMode) || !strings.Contains(err.Error(), "binary") {
			t.Errorf("%s: %v", name, err)
		}
		if !bytecode.IsBundle(damaged) {
			t.Errorf("%s: would be compiled as a script", name)
		}
	}
}

func TestDecode_damage(t *testing.T) {
	data := encode(t, good(t))
	change := func(at int, b byte) []byte {
		c := bytes.Clone(data)
		c[at] = b
		return c
	}
	for _, test := range []struct {
		name string
		data []byte
		want error
		text string
	}{
		{"empty", nil, bytecode.ErrNotBundle, ""},
		{"a script", []byte("CLOSEHOST\n"), bytecode.ErrNotBundle, ""},
		{"three bytes", data[:3], bytecode.ErrDamaged, "3 bytes"},
		{"header only", data[:16], bytecode.ErrDamaged, "16 bytes"},
		{"cut", data[:len(data)-1], bytecode.ErrDamaged, "of"},
		{"longer", append(bytes.Clone(data), 0), bytecode.ErrDamaged, "1 bytes follow"},
		{"a bit", change(40, data[40]^1), bytecode.ErrDamaged, "checksum"},
		{"newer major", change(8, 1), bytecode.ErrVersion, "format 1.2"},
		{"newer minor", change(9, 9), bytecode.ErrVersion, "sftpc build"},
	} {
		_, err := bytecode.Decode(test.data)
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// mend makes the length and checksum of a changed bundle right again.
func mend(data []byte) []byte {
	data = bytes.Clone(data)
	binary.LittleEndian.PutUint32(data[12:], uint32(len(data)))
	sum := sha256.Sum256(data[:len(data)-32])
	copy(data[len(data)-32:], sum[:])
	return data
}

// Rules of the decoder that one changed byte rarely breaks alone.
func TestDecode_rules(t *testing.T) {
	const header = bytecode.Magic + "\x00\x01\x01\x00\x00\x00\x00\x00"
	sum := strings.Repeat("\x00", 32)
	const (
		meta    = "\x01\x04\x00\x00\x00\x00"
		imports = "\x02\x01\x00"
		consts  = "\x03\x01\x00"
	)
	halt := string(rune(bytecode.Halt))
	one := "\x04\x0a\x01\x01m\x00\x00\x00\x00\x01" + halt + "\x00"
	whole := meta + imports + consts + one
	for _, test := range []struct{ name, sections, want string }{
		{"good", whole, ""},
		{"later optional section", whole + "\x90\x02ab", ""},
		{"nothing", "", "section 0x01 is missing"},
		{"no functions", meta + imports + consts, "section 0x04 is missing"},
		{"twice", meta + meta + imports + consts + one, "out of order"},
		{"order", imports + meta + consts + one, "out of order"},
		{"unknown", whole + "\x10\x00", "unknown"},
		{"optional too early", meta + "\x90\x00" + imports + consts + one, "out of order"},
		{"positions in a stripped one", whole + "\x85\x01\x00", "stripped"},
		{"payload too long", meta + "\x02\x02\x00\x00" + consts + one, "bytes too many"},
		{"size beyond the end", meta + "\x02\x7f\x00", "bytes are left"},
		{"payload too short", meta + "\x02\x01\x01" + consts + one, "bytes are left"},
		{"count above what is left", meta + imports + "\x03\x02\xff\x01" + one, "bytes are left"},
		{"padded number", meta + imports + "\x03\x02\x80\x00" + one, "shortest form"},
		{"number too long", meta + imports + "\x03\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + one, "ends in the middle"},
		{"import cut short", meta + "\x02\x06\x01\x01A\x00\x00\x00" + consts + one, "ends in the middle"},
		{"telling of 2", meta + "\x02\x07\x01\x01A\x00\x00\x00\x02" + consts + one, "neither 0 nor 1"},
		{"unknown opcode", meta + imports + consts + strings.Replace(one, halt, "\xfe", 1), "no instruction with code 254"},
		{"extension as opcode", meta + imports + consts + strings.Replace(one, halt, "\x00", 1), "no instruction with code 0"},
		{"more words than declared", meta + imports + consts + "\x04\x0d\x01\x01m\x00\x00\x00\x00\x01" + string(rune(bytecode.ForEachNext)) + "\x00\x00\x00\x00", "more words"},
	} {
		_, err := bytecode.Decode(mend([]byte(header + test.sections + sum)))
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v; want %q", test.name, err, test.want)
		}
	}
	_, err := bytecode.Decode(mend([]byte(strings.Replace(header, "\x01\x01\x00", "\x01\x00\x00", 1) + whole + "\x85\x01\x00\x86\x01\x00" + sum)))
	if err == nil || !strings.Contains(err.Error(), "stripped") {
		t.Errorf("empty positions in a bundle that is not stripped: %v", err)
	}
	_, err = bytecode.Decode(mend([]byte(strings.Replace(header, "\x01\x01\x00", "\x01\x81\x00", 1) + whole + sum)))
	if err == nil || !strings.Contains(err.Error(), "flags") {
		t.Errorf("unknown flags: %v", err)
	}
}

func TestAssemble_isTheReverseOfDisassemble(t *testing.T) {
	for _, stripped := range []bool{false, true} {
		p := good(t)
		if stripped {
			p.Strip()
		}
		text := listing(t, p)
		back := assemble(t, text)
		if again := listing(t, back); again != text {
			t.Errorf("first:\n%s\nsecond:\n%s", text, again)
		}
		if !bytes.Equal(encode(t, p), encode(t, back)) {
			t.Error("the bytes differ")
		}
		for i := range p.Functions {
			if !reflect.DeepEqual(p.Functions[i], back.Functions[i]) {
				t.Errorf("function %d:\n%+v\n%+v", i, p.Functions[i], back.Functions[i])
			}
		}
	}
}

// Names and constants that cannot stand for themselves appear by number.
func TestDisassemble_ambiguousNames(t *testing.T) {
	p := assemble(t, `
program "x.ftp" language="0.1"
import PRINT args=1 outs=0 doing
import PRINT args=2 outs=0 doing
const "a"
const "a"
const "quote \" semicolon ; \x00\xff"
function main params=0 locals=2 stack=2
local r0 n
local r1 n
  LoadConst k0
  StoreLocal r0
  LoadConst k1
  LoadConst k2
  CallDrop unlooked @1
  LoadLocal r1
  CallDrop unlooked @0
  Halt
`)
	text := listing(t, p)
	for _, want := range []string{`StoreLocal         $n`, `LoadConst          k1`, `unlooked @1`, `unlooked PRINT`, `LoadLocal          r1`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if again := listing(t, assemble(t, text)); again != text {
		t.Errorf("second time:\n%s", again)
	}
}

func TestDisassemble_unverified(t *testing.T) {
	p := &bytecode.Program{Name: "x", Functions: []bytecode.Function{{Name: "main", Code: []uint32{
		0xffffffff, bytecode.WordAx(bytecode.Jump, -100), bytecode.WordBx(bytecode.LoadConst, 0, 9), bytecode.Word(bytecode.ForEachNext, 9, 0, 0),
	}, Ranges: []bytecode.Range{{From: -5, To: 900, Target: 77}}}}}
	text := listing(t, p)
	for _, want := range []string{".word 0xffffffff", "Jump               -100", "LoadConst          k9", ".word 0x00000"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestAssemble_errors(t *testing.T) {
	for text, want := range map[string]string{
		"Halt":                              "before the first function",
		"function f\n Hlt":                  "no instruction Hlt",
		"function f\n Jump there":           "no label there",
		"function f\n Pop 1":                "takes 0 operands",
		"function f\n LoadLocal $a":         "no slot is called $a",
		"function f\n LoadLocal r300":       "does not fit",
		"function f\n x:\n x:":              "stands twice",
		"function f\n 0004 Halt":            "address 0004 at word 0000",
		"function f locals=a":               "invalid syntax",
		"function f\n range all a b c":      "unknown kind",
		"function f\n LoadConst \"a":        "bad quoted text",
		"import X args=1":                   "doing or telling",
		"function f\n Call loked X":         "invalid syntax",
		"function f\n CallDrop unlooked PR": "not known here",
	} {
		if _, err := bytecode.Assemble(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

func TestConstantArguments(t *testing.T) {
	p := good(t)
	var got []string
	for _, a := range p.ConstantArguments() {
		got = append(got, p.Imports[a.Import].Command+" "+a.Text)
		if a.Text == "*.xls" && (a.Arg != 1 || a.Line != 2 || a.Column != 9 || a.File != "orders.ftp") {
			t.Errorf("%+v", a)
		}
	}
	want := []string{"GETLIST REMOTE_FILES", "GETLIST *.xls", "GETFILESIZE a.txt", "GETFILESIZE b.txt", "PRINT never"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

// A value that one of two paths chose is no literal; what lies under it on the
// stack on both paths still is.
func TestConstantArguments_joins(t *testing.T) {
	p := assemble(t, `
program "x.ftp" language="0.1"
import PUTFILE/named args=2 outs=0 doing
function main params=0 locals=1 stack=2
  LoadConst "C:\\a"
  LoadLocal r0
  JumpIfFalse other
  LoadConst "one"
  Jump call
other:
  LoadConst "two"
call:
  CallDrop unlooked PUTFILE/named
  LoadConst "D:\\b"
  LoadLocal r0
  CallDrop unlooked PUTFILE/named
  Halt
`)
	if err := bytecode.Verify(p); err != nil {
		t.Fatal(err)
	}
	got := p.ConstantArguments()
	if len(got) != 2 || got[0].Text != `C:\a` || got[1].Text != `D:\b` || got[0].Arg != 0 || got[1].Arg != 0 {
		t.Errorf("%+v", got)
	}
}
