package vm_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/value"
)

// anyHost has every command: it succeeds, fails or returns text by turns, so that
// changed programs get as far as they can.
type anyHost struct{}

func (anyHost) Check([]bytecode.Import) error { return nil }

func (anyHost) Open(_ context.Context, p *bytecode.Program) (vm.Bound, error) {
	turn := 0
	call := func(c *vm.Call) error {
		turn++
		for i := range c.Len() {
			c.Text(i)
		}
		c.SetOut(0, value.Text("a|b"))
		if turn%3 == 0 {
			return broken{"20100"}
		}
		c.ReturnText("12")
		return nil
	}
	bound := vm.Bound{Close: func() {}}
	for range p.Imports {
		bound.Funcs = append(bound.Funcs, call)
	}
	return bound, nil
}

// outcome is what became of a bundle that may be hostile.
type outcome int

const (
	refused outcome = iota
	ran
	ranWithError
	outcomes
)

// tryBundle loads and runs data within small budgets. Whatever happens must be an
// error value; ErrInternal would be a panic that was caught.
func tryBundle(t testing.TB, data []byte) outcome {
	t.Helper()
	p, err := bytecode.Load(bytes.NewReader(data))
	if err != nil {
		return refused
	}
	p.ConstantArguments()
	m, err := vm.New(p, anyHost{}, vm.Options{Fuel: 20_000, MaxText: 1 << 20, CallDepth: 50})
	if err != nil {
		t.Fatalf("a verified program is refused: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	switch err := m.Run(ctx); {
	case errors.Is(err, vm.ErrInternal), errors.Is(err, context.DeadlineExceeded):
		t.Fatalf("%v", err)
	case err != nil:
		return ranWithError
	}
	return ran
}

func mend(data []byte) []byte {
	data = bytes.Clone(data)
	binary.LittleEndian.PutUint32(data[12:], uint32(len(data)))
	sum := sha256.Sum256(data[:len(data)-sha256.Size])
	copy(data[len(data)-sha256.Size:], sum[:])
	return data
}

// small is a program in which a change of one byte is likely to matter.
const small = `program "s.ftp" language="0.1"
	import GETFILESIZE args=1 outs=0 telling
	function main locals=4
	iterator r2
	1:1 StoreConst r0 "1"
	range statement a b b
	again:
	a:
	2:1 LoadLocal r0
	CallStore unlooked GETFILESIZE r1
	b:
	3:1 AddLocalLocal r1 r0
	LoadLocal r1
	CallFunction 1 f1
	StoreLocal r1
	4:1 AddLocalConst r0 "1"
	JumpCompareConst r0 < "5" again
	LoadConst "a|b"
	ForEachStart r2
	c:
	ForEachNext r2 end
	AppendLocal r1 1
	Jump c
	end:
	Halt
	function f params=1 locals=1
	LoadLocal r0
	LoadConst "2"
	Mul
	Return
`

func bundles(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	files, err := filepath.Glob(filepath.Join("..", "testdata", "bundle", "*.ftpc"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bundles in testdata: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = data
	}
	p := assemble(t, small)
	data, err := bytecode.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	all["small"] = data
	return all
}

// Every change of a single byte of several bundles is refused or runs without a
// fault: as it arrives, where the checksum finds it, and with length and checksum
// made right again, where only decoder and verifier stand before the machine.
func TestMutations(t *testing.T) {
	bits := []byte{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x7f, 0xff}
	var all []byte // for one bundle: for all it would take a minute under -race
	for mask := range 255 {
		all = append(all, byte(mask+1))
	}
	for name, data := range bundles(t) {
		masks := bits
		if name == "small" {
			masks = all
		}
		if got := tryBundle(t, data); got == refused {
			t.Fatalf("%s: the bundle itself is refused", name)
		}
		var asItIs, mended [outcomes]int
		for at := range data {
			for _, mask := range masks {
				changed := bytes.Clone(data)
				changed[at] ^= mask
				asItIs[tryBundle(t, changed)]++
				if at < len(data)-sha256.Size {
					mended[tryBundle(t, mend(changed))]++
				}
			}
		}
		t.Logf("%s, %d bytes: as it is %d refused; mended %d refused, %d ran, %d ran with an error",
			name, len(data), asItIs[refused], mended[refused], mended[ran], mended[ranWithError])
		if asItIs[ran]+asItIs[ranWithError] != 0 {
			t.Errorf("%s: %d changed bundles ran although their checksum is wrong", name, asItIs[ran]+asItIs[ranWithError])
		}
		for kind, count := range mended {
			if count == 0 {
				t.Errorf("%s: no mended bundle came to outcome %d; the test does not reach what it means to test", name, kind)
			}
		}
	}
}

// The same for bytes taken out, put in, and for every length cut off.
func TestMutations_length(t *testing.T) {
	for name, data := range bundles(t) {
		var counts [outcomes]int
		for at := range len(data) - sha256.Size {
			without := append(bytes.Clone(data[:at]), data[at+1:]...)
			twice := append(bytes.Clone(data[:at+1]), data[at:]...)
			for _, changed := range [][]byte{without, twice} {
				if len(changed) >= 16+sha256.Size {
					counts[tryBundle(t, mend(changed))]++
				}
			}
			if tryBundle(t, data[:at]) != refused {
				t.Errorf("%s: the first %d bytes alone are accepted", name, at)
			}
		}
		t.Logf("%s: %d refused, %d ran, %d ran with an error", name, counts[refused], counts[ran], counts[ranWithError])
	}
}

// isNewest reports whether a bundle is of the format that Encode writes.
func isNewest(data []byte) bool {
	at := bytes.Index(data, []byte(bytecode.Magic))
	return at >= 0 && len(data) > at+9 && data[at+9] == bytecode.FormatMinor
}

func FuzzDecodeRun(f *testing.F) {
	for _, data := range bundles(f) {
		f.Add(data)
	}
	for _, code := range loops {
		data, err := bytecode.Encode(assemble(f, code))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= 16+sha256.Size {
			tryBundle(t, mend(data)) // a fuzzer does not find checksums
		}
		if p, err := bytecode.Decode(data); err == nil && isNewest(data) {
			again, err := bytecode.Encode(p)
			var refused *bytecode.VerifyError
			if errors.As(err, &refused) {
				return
			}
			// Sections that were skipped and a first line are not written again.
			if err != nil || !bytes.HasSuffix(data, again) && len(again) >= len(data) {
				t.Fatalf("decoding and encoding gives another file: %v", err)
			}
		}
	})
}
