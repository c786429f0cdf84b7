package bytecode

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Layout of a bundle; spec/bundle.md describes it for readers outside Go, and a
// test compares the two.
const (
	// Magic begins every bundle. Like PNG's it breaks visibly when a transfer
	// changes line ends, strips the high bit, or stops at SUB: bundles travel by
	// FTP.
	Magic = "\x89FTPC\r\n\x1a"

	FormatMajor = 0 // a reader accepts its own major number
	FormatMinor = 2 // and minor numbers up to its own

	headerSize   = 16 // magic, format, flags, length
	checksumSize = sha256.Size

	flagStripped = 1 << 0

	// MaxBundle is the most bytes of a bundle that is read.
	MaxBundle = 16 << 20
)

// Sections, in the order in which they stand. The high bit marks those that a
// reader may skip if it does not know them.
const (
	sectionMeta      = 0x01
	sectionImports   = 0x02
	sectionConsts    = 0x03
	sectionFunctions = 0x04
	sectionPositions = 0x85
	sectionNames     = 0x86

	optionalSection = 0x80
)

// Encode writes the program as a bundle. The same program gives the same bytes
// everywhere. The program has to be one that Verify accepts.
func Encode(p *Program) ([]byte, error) {
	if !p.Verified() {
		if err := Verify(p); err != nil {
			return nil, err
		}
	}
	e := encoder{program: p}
	e.out = append(e.out, Magic...)
	e.out = append(e.out, FormatMajor, FormatMinor)
	stripped := p.Stripped()
	var flags uint16
	if stripped {
		flags |= flagStripped
	}
	e.out = binary.LittleEndian.AppendUint16(e.out, flags)
	e.out = binary.LittleEndian.AppendUint32(e.out, 0) // the length, known later
	e.section(sectionMeta, e.meta)
	e.section(sectionImports, e.imports)
	e.section(sectionConsts, e.consts)
	e.section(sectionFunctions, e.functions)
	if !stripped {
		e.section(sectionPositions, e.positions)
		e.section(sectionNames, e.names)
	}
	length := len(e.out) + checksumSize
	if length > MaxBundle {
		return nil, fmt.Errorf("the bundle would have %d bytes, the limit is %d", length, MaxBundle)
	}
	return seal(e.out), nil
}

// seal fills in the length of a bundle without checksum and appends that.
func seal(b []byte) []byte {
	binary.LittleEndian.PutUint32(b[headerSize-4:], uint32(len(b)+checksumSize))
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

type encoder struct {
	program *Program
	out     []byte
	payload []byte // the section being written
}

func (e *encoder) section(id byte, write func()) {
	e.payload = e.payload[:0]
	write()
	e.out = append(e.out, id)
	e.out = binary.AppendUvarint(e.out, uint64(len(e.payload)))
	e.out = append(e.out, e.payload...)
}

func (e *encoder) byte(b uint8)  { e.payload = append(e.payload, b) }
func (e *encoder) uint(n int)    { e.payload = binary.AppendUvarint(e.payload, uint64(n)) }
func (e *encoder) int(n int)     { e.payload = binary.AppendVarint(e.payload, int64(n)) }
func (e *encoder) text(s string) { e.uint(len(s)); e.payload = append(e.payload, s...) }
func (e *encoder) texts(l []string) {
	e.uint(len(l))
	for _, s := range l {
		e.text(s)
	}
}

func (e *encoder) meta() {
	e.text(e.program.Name)
	e.text(e.program.Language)
	e.uint(e.program.Globals)
	e.texts(e.program.Files)
}

func (e *encoder) imports() {
	e.uint(len(e.program.Imports))
	for _, i := range e.program.Imports {
		e.text(i.Command)
		e.text(i.Form)
		e.byte(i.Args)
		e.byte(i.Outs)
		e.bool(i.Telling)
	}
}

func (e *encoder) bool(b bool) {
	if b {
		e.byte(1)
	} else {
		e.byte(0)
	}
}

// consts writes all lengths first, then the texts as one run of bytes, which the
// decoder makes one string of.
func (e *encoder) consts() {
	e.uint(len(e.program.Consts))
	for _, s := range e.program.Consts {
		e.uint(len(s))
	}
	for _, s := range e.program.Consts {
		e.payload = append(e.payload, s...)
	}
}

func (e *encoder) functions() {
	e.uint(len(e.program.Functions))
	for i := range e.program.Functions {
		f := &e.program.Functions[i]
		e.text(f.Name)
		e.byte(uint8(f.Params))
		e.byte(uint8(f.Locals))
		e.byte(uint8(f.MaxStack))
		e.byte(uint8(len(f.Iterators)))
		e.payload = append(e.payload, f.Iterators...)
		e.uint(len(f.Code))
		for pc := 0; pc < len(f.Code); {
			pc += e.instruction(f.Code, pc)
		}
		e.uint(len(f.Ranges))
		for _, r := range f.Ranges {
			e.uint(r.From)
			e.uint(r.To)
			e.uint(r.Target)
			e.byte(uint8(r.Kind))
		}
	}
}

// instruction writes the opcode's byte and its operands in the order of the
// table: places of eight bits as a byte, the others as varints.
func (e *encoder) instruction(code []uint32, pc int) int {
	op := OpOf(code[pc])
	width := op.Width()
	var x uint32
	if width == 2 {
		x = code[pc+1]
	}
	e.byte(uint8(op))
	for _, o := range table[op].Operands {
		n := operand(o.Place, code[pc], x)
		switch o.Place {
		case InA, InB, InC, InExtraA:
			e.byte(uint8(n))
		case InBx:
			e.uint(n)
		case InAx, InExtraAx:
			e.int(n)
		}
	}
	return width
}

func (e *encoder) positions() {
	for i := range e.program.Functions {
		f := &e.program.Functions[i]
		e.uint(len(f.Positions))
		var last Position
		for _, at := range f.Positions {
			e.uint(at.PC - last.PC)
			e.int(at.Line - last.Line)
			e.uint(at.Column)
			e.uint(at.File)
			last = at
		}
	}
}

func (e *encoder) names() {
	for i := range e.program.Functions {
		e.texts(e.program.Functions[i].LocalNames)
	}
}

// Errors of Decode that a caller may want to tell apart; ask with errors.Is.
var (
	// ErrNotBundle: the data does not begin as a bundle does.
	ErrNotBundle = errors.New("not a bundle")
	// ErrTextMode: line ends were changed on the way.
	ErrTextMode = errors.New("damaged by a text-mode (ASCII) transfer; transfer it in binary")
	// ErrVersion: made for another version of the format.
	ErrVersion = errors.New("the format version does not fit")
	// ErrDamaged: incomplete, or its checksum does not fit.
	ErrDamaged = errors.New("damaged")
)
