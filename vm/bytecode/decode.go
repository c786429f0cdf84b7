package bytecode

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxHashBang is the longest `#!` line, line end included, that may stand before
// the magic.
const maxHashBang = 256

// PrefixSize is how many bytes of a file IsBundle wants to see.
const PrefixSize = maxHashBang + len(Magic) + 4

// IsBundle reports whether a file that begins with prefix is a bundle, perhaps a
// damaged one: Decode then says what is wrong. A script never looks like this.
// Pass PrefixSize bytes, or the whole file if it is shorter.
func IsBundle(prefix []byte) bool {
	rest := skipHashBang(prefix)
	return bytes.HasPrefix(rest, []byte(Magic)) || textMode(rest) || bytes.HasPrefix(rest, []byte(Magic[:5]))
}

// skipHashBang removes a `#!` line, which makes a bundle executable.
func skipHashBang(data []byte) []byte {
	if !bytes.HasPrefix(data, []byte("#!")) {
		return data
	}
	if end := bytes.IndexByte(data[:min(len(data), maxHashBang)], '\n'); end >= 0 {
		return data[end+1:]
	}
	return data
}

// textMode recognises what transfers in text mode make of the magic: CR LF to LF
// or CR, LF to CR LF, the high bit cut off, the end cut off at SUB, or an
// eight-bit byte written as UTF-8.
func textMode(data []byte) bool {
	const name = "FTPC"
	for _, mark := range []string{"\x89", "\x09", "\xc2\x89", "\xef\xbf\xbd", "?"} {
		rest, ok := bytes.CutPrefix(data, []byte(mark+name))
		if !ok {
			continue
		}
		if mark != Magic[:1] {
			return bytes.HasPrefix(rest, []byte("\r")) || bytes.HasPrefix(rest, []byte("\n"))
		}
		for _, changed := range []string{"\n", "\r\x1a", "\r\r\n"} {
			if bytes.HasPrefix(rest, []byte(changed)) {
				return true
			}
		}
		return bytes.Equal(rest, []byte("\r\n")) // SUB ended the file
	}
	return false
}

// Load reads a whole bundle, decodes and verifies it.
func Load(r io.Reader) (*Program, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBundle+maxHashBang+1))
	if err != nil {
		return nil, fmt.Errorf("reading the bundle: %w", err)
	}
	p, err := Decode(data)
	if err != nil {
		return nil, err
	}
	if err := Verify(p); err != nil {
		return nil, err
	}
	return p, nil
}

// Decode reads a bundle strictly: there is one way to write each program, and
// everything else is refused. A `#!` line before the magic is skipped. What it
// returns is not verified yet. Nothing of data is kept.
func Decode(data []byte) (*Program, error) {
	data = skipHashBang(data)
	if len(data) > MaxBundle {
		return nil, fmt.Errorf("bundle refused: it is larger than %d bytes", MaxBundle)
	}
	payload, stripped, err := envelope(data)
	if err != nil {
		return nil, err
	}
	d := decoder{rest: payload, program: &Program{}, ops: opsOfMinor[data[9]]}
	if err := d.sections(stripped); err != nil {
		return nil, fmt.Errorf("bundle refused: %w", err)
	}
	if stripped != d.program.Stripped() {
		return nil, errors.New("bundle refused: its flags do not say whether it is stripped")
	}
	return d.program, nil
}

// envelope checks magic, version, length and checksum, and returns the sections.
func envelope(data []byte) (sections []byte, stripped bool, err error) {
	if !bytes.HasPrefix(data, []byte(Magic)) {
		if textMode(data) {
			return nil, false, ErrTextMode
		}
		if len(data) < len(Magic) && strings.HasPrefix(Magic, string(data)) && len(data) > 0 {
			return nil, false, fmt.Errorf("%w: it ends after %d bytes", ErrDamaged, len(data))
		}
		return nil, false, ErrNotBundle
	}
	if len(data) < headerSize+checksumSize {
		return nil, false, fmt.Errorf("%w: it ends after %d bytes", ErrDamaged, len(data))
	}
	if major, minor := data[8], data[9]; major != FormatMajor || minor > FormatMinor {
		return nil, false, fmt.Errorf("%w: the bundle has format %d.%d, this program reads %d.0 to %d.%d; build it again with `sftpc build`",
			ErrVersion, major, minor, FormatMajor, FormatMajor, FormatMinor)
	}
	length := int64(binary.LittleEndian.Uint32(data[headerSize-4:]))
	if size := int64(len(data)); size != length {
		switch {
		case lineEndsGrew(data, length):
			return nil, false, ErrTextMode
		case size < length:
			return nil, false, fmt.Errorf("%w: it has %d of %d bytes", ErrDamaged, size, length)
		}
		return nil, false, fmt.Errorf("%w: %d bytes follow its end", ErrDamaged, size-length)
	}
	body := data[:length-checksumSize]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], data[length-checksumSize:]) {
		return nil, false, fmt.Errorf("%w: the checksum does not fit", ErrDamaged)
	}
	flags := binary.LittleEndian.Uint16(data[10:])
	if flags&^flagStripped != 0 {
		return nil, false, fmt.Errorf("bundle refused: unknown flags 0x%x", flags)
	}
	return body[headerSize:], flags&flagStripped != 0, nil
}

// lineEndsGrew recognises a transfer that made LF to CR LF and left the CR LF of
// the magic alone: without the CRs it has the right length.
func lineEndsGrew(data []byte, length int64) bool {
	excess := int64(len(data)) - length
	return excess > 0 && excess == int64(bytes.Count(data[len(Magic):], []byte("\r\n")))
}

// decoder reads the payload of sections. The first error stays; what is read
// after it is zero, and counts are then zero too, so no loop runs on.
type decoder struct {
	program *Program
	ops     Op // how many opcodes the bundle's minor version has
	rest    []byte
	err     error
}

var errShort = errors.New("it ends in the middle of something")

func (d *decoder) sections(stripped bool) error {
	known := []struct {
		id       byte
		required bool
		read     func()
	}{
		{sectionMeta, true, d.meta},
		{sectionImports, true, d.imports},
		{sectionConsts, true, d.consts},
		{sectionFunctions, true, d.functions},
		{sectionPositions, !stripped, d.positions},
		{sectionNames, !stripped, d.names},
	}
	all := d.rest
	for len(all) > 0 || len(known) > 0 {
		d.rest = all
		if len(all) == 0 {
			if known[0].required {
				return fmt.Errorf("section 0x%02x is missing", known[0].id)
			}
			known = known[1:]
			continue
		}
		id := d.byte()
		size := d.count(1, MaxBundle)
		if d.err != nil {
			return d.err
		}
		payload := d.rest[:size]
		all = d.rest[size:]
		switch {
		case len(known) > 0 && id == known[0].id:
			if !known[0].required {
				return fmt.Errorf("section 0x%02x in a stripped bundle", id)
			}
			d.rest = payload
			known[0].read()
			if d.err == nil && len(d.rest) != 0 {
				d.err = fmt.Errorf("%d bytes too many", len(d.rest))
			}
			if d.err != nil {
				return fmt.Errorf("section 0x%02x: %w", id, d.err)
			}
			known = known[1:]
		case id < optionalSection || id <= sectionNames:
			return fmt.Errorf("section 0x%02x is unknown or out of order", id)
		case len(known) > 0 && known[0].required:
			return fmt.Errorf("section 0x%02x is out of order", id)
		}
		// What remains is an optional section of a later minor version: skipped.
	}
	return nil
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.rest = nil
}

func (d *decoder) byte() uint8 {
	if len(d.rest) == 0 {
		d.fail(errShort)
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

// uint reads a number of at most max in the shortest form.
func (d *decoder) uint(max int) int {
	n, size := binary.Uvarint(d.rest)
	switch {
	case size <= 0:
		d.fail(errShort)
		return 0
	case size > 1 && d.rest[size-1] == 0:
		d.fail(errors.New("a number is not in its shortest form"))
		return 0
	case n > uint64(max):
		d.fail(fmt.Errorf("%d is above the limit %d", n, max))
		return 0
	}
	d.rest = d.rest[size:]
	return int(n)
}

// int reads a signed number of at most max in magnitude.
func (d *decoder) int(max int) int {
	n := d.uint(2*max + 1)
	return int(int64(uint64(n)>>1) ^ -int64(n&1))
}

// count reads how many things follow, at most most and each of at least size
// bytes: what the rest cannot hold is refused before anything is allocated for it.
func (d *decoder) count(size, most int) int {
	n := d.uint(most)
	if n > len(d.rest)/size {
		d.fail(fmt.Errorf("a count of %d, where %d bytes are left", n, len(d.rest)))
		return 0
	}
	return n
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) {
		d.fail(errShort)
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) text() string { return string(d.bytes(d.count(1, MaxName))) }

func (d *decoder) texts(most int) []string {
	n := d.count(1, most)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.text()
	}
	return list
}

func (d *decoder) meta() {
	d.program.Name = d.text()
	d.program.Language = d.text()
	d.program.Globals = d.uint(MaxGlobals)
	d.program.Files = d.texts(MaxFiles)
}

func (d *decoder) imports() {
	n := d.count(5, MaxImports)
	if n == 0 {
		return
	}
	d.program.Imports = make([]Import, n)
	for i := range d.program.Imports {
		imported := &d.program.Imports[i]
		imported.Command = d.text()
		imported.Form = d.text()
		imported.Args = d.byte()
		imported.Outs = d.byte()
		telling := d.byte()
		if telling > 1 {
			d.fail(errors.New("a flag is neither 0 nor 1"))
		}
		imported.Telling = telling == 1
	}
}

func (d *decoder) consts() {
	n := d.count(1, MaxConsts)
	if n == 0 {
		return
	}
	lengths := make([]int, n)
	total := 0
	for i := range lengths {
		lengths[i] = d.uint(MaxBundle)
		total += lengths[i]
	}
	all := string(d.bytes(total))
	if d.err != nil {
		return
	}
	d.program.Consts = make([]string, n)
	for i, length := range lengths {
		d.program.Consts[i], all = all[:length], all[length:]
	}
}

func (d *decoder) functions() {
	n := d.count(7, MaxFunctions)
	if n == 0 {
		return
	}
	d.program.Functions = make([]Function, n)
	for i := range d.program.Functions {
		d.function(&d.program.Functions[i])
	}
}

func (d *decoder) function(f *Function) {
	f.Name = d.text()
	f.Params = int(d.byte())
	f.Locals = int(d.byte())
	f.MaxStack = int(d.byte())
	if iterators := int(d.byte()); iterators > 0 {
		f.Iterators = bytes.Clone(d.bytes(iterators))
	}
	words := d.count(1, MaxCode) // each word comes from a byte or more
	f.Code = make([]uint32, 0, words)
	for len(f.Code) < words && d.err == nil {
		d.instruction(f)
	}
	if len(f.Code) != words {
		d.fail(errors.New("the code has more words than declared"))
	}
	ranges := d.count(4, MaxCode)
	if ranges == 0 {
		return
	}
	f.Ranges = make([]Range, ranges)
	for i := range f.Ranges {
		f.Ranges[i] = Range{From: d.uint(MaxCode), To: d.uint(MaxCode), Target: d.uint(MaxCode), Kind: RangeKind(d.byte())}
	}
}

func (d *decoder) instruction(f *Function) {
	op := Op(d.byte())
	if op >= d.ops || op == Extra {
		d.fail(fmt.Errorf("there is no instruction with code %d", uint8(op)))
		return
	}
	var values [4]int
	for i, o := range table[op].Operands {
		switch o.Place {
		case InA, InB, InC, InExtraA:
			values[i] = int(d.byte())
		case InBx:
			values[i] = d.uint(MaxBx)
		case InAx, InExtraAx:
			values[i] = d.int(MaxJump)
		}
	}
	w, x := assemble(op, values[:])
	f.Code = append(f.Code, w)
	if op.Width() == 2 {
		f.Code = append(f.Code, x)
	}
}

func (d *decoder) positions() {
	for i := range d.program.Functions {
		n := d.count(4, MaxCode)
		if n == 0 {
			continue
		}
		list := make([]Position, n)
		var last Position
		for j := range list {
			last = Position{
				PC:     last.PC + d.uint(MaxCode),
				Line:   last.Line + d.int(MaxLine),
				Column: d.uint(MaxLine),
				File:   d.uint(MaxFiles),
			}
			list[j] = last
		}
		d.program.Functions[i].Positions = list
	}
}

func (d *decoder) names() {
	for i := range d.program.Functions {
		d.program.Functions[i].LocalNames = d.texts(MaxSlots)
	}
}
