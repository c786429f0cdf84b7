package vm_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
)

// loops are workloads as the compiler emits them: a loop's test at its bottom,
// and fused instructions where the statement's shape has one. %d is the number
// of turns.
var loops = map[string]string{
	"sum": `function main locals=2
		StoreConst r0 "0"
		StoreConst r1 "1"
		Jump test
		body:
		AddLocalLocal r0 r1
		AddLocalConst r1 "1"
		test:
		JumpCompareConst r1 <= "1000" body
		LoadLocal r0` + printTop + "Halt",
	"sum, not fused": `function main locals=2
		LoadConst "0"
		StoreLocal r0
		LoadConst "1"
		StoreLocal r1
		Jump test
		body:
		LoadLocal r0
		LoadLocal r1
		Add
		StoreLocal r0
		LoadLocal r1
		LoadConst "1"
		Add
		StoreLocal r1
		test:
		LoadLocal r1
		LoadConst "1000"
		LessEqual
		JumpIfTrue body
		LoadLocal r0` + printTop + "Halt",
	"concat": `function main locals=3
		StoreConst r0 "0"
		StoreConst r1 "1"
		Jump test
		body:
		LoadConst "item-"
		LoadLocal r1
		LoadConst ".txt"
		ConcatStore r2 3
		AddLocalConst r1 "1"
		test:
		JumpCompareConst r1 <= "1000" body
		LoadLocal r2` + printTop + "Halt",
	"append": `function main locals=2
		StoreConst r1 "1"
		Jump test
		body:
		LoadConst "ab"
		AppendLocal r0 1
		AddLocalConst r1 "1"
		test:
		JumpCompareConst r1 <= "1000" body
		Halt`,
	"fractions": `function main locals=2
		StoreConst r0 "0"
		StoreConst r1 "1"
		Jump test
		body:
		AddLocalConst r0 "0.1"
		AddLocalConst r1 "1"
		test:
		JumpCompareConst r1 <= "1000" body
		LoadLocal r0` + printTop + "Halt",
	"strnum": `function main locals=5
		iterator r2
		StoreConst r1 "1"
		Jump test
		body:
		LoadConst "12|7|3.5|100|42|8|0|9"
		ForEachStart r2
		next:
		ForEachStore r2 r4 done
		AddLocalLocal r0 r4
		Jump next
		done:
		AddLocalConst r1 "1"
		test:
		JumpCompareConst r1 <= "1000" body
		LoadLocal r0` + printTop + "Halt",
	"call": `function main locals=2
		StoreConst r1 "1"
		Jump test
		body:
		LoadLocal r1
		CallStore unlooked LENGTH r0
		AddLocalConst r1 "1"
		test:
		JumpCompareConst r1 <= "1000" body
		Halt`,
	"branches": `function main locals=3
		StoreConst r1 "1"
		StoreConst r2 "PUTFILE"
		Jump test
		body:
		JumpCompareConst r2 != "GETFILE" a
		AddLocalConst r0 "100"
		a:
		JumpCompareConst r2 != "PUTFILE" b
		AddLocalConst r0 "1"
		b:
		AddLocalConst r1 "1"
		test:
		JumpCompareConst r1 <= "1000" body
		Halt`,
}

const fib = `function main
	LoadConst "%d"
	CallFunction 1 f1` + printTop + `Halt
	function fib params=1 locals=1
	JumpCompareConst r0 >= "2" more
	LoadLocal r0
	Return
	more:
	LoadLocal r0
	LoadConst "1"
	Sub
	CallFunction 1 f1
	LoadLocal r0
	LoadConst "2"
	Sub
	CallFunction 1 f1
	Add
	Return`

// turns sets how often the loop of one of the workloads runs.
func turns(code string, n int) string {
	return strings.ReplaceAll(code, `"1000"`, strconv.Quote(strconv.Itoa(n)))
}

func benchmark(b *testing.B, code, want string) {
	p := assemble(b, code)
	h := &host{}
	m, err := vm.New(p, h, vm.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		h.printed = h.printed[:0]
		if err := m.Run(context.Background()); err != nil {
			b.Fatal(err)
		}
		if want != "" && (len(h.printed) != 1 || h.printed[0] != want) {
			b.Fatalf("printed %q", h.printed)
		}
	}
}

func BenchmarkLoopSum(b *testing.B) { benchmark(b, turns(loops["sum"], 10_000_000), "50000005000000") }
func BenchmarkLoopSumPlain(b *testing.B) {
	benchmark(b, turns(loops["sum, not fused"], 10_000_000), "50000005000000")
}
func BenchmarkFib30(b *testing.B) { benchmark(b, fmt.Sprintf(fib, 30), "832040") }
func BenchmarkConcat(b *testing.B) {
	benchmark(b, turns(loops["concat"], 2_000_000), "item-2000000.txt")
}
func BenchmarkAppend(b *testing.B)    { benchmark(b, turns(loops["append"], 200_000), "") }
func BenchmarkFractions(b *testing.B) { benchmark(b, turns(loops["fractions"], 1_000_000), "100000") }
func BenchmarkStrnum(b *testing.B)    { benchmark(b, turns(loops["strnum"], 250_000), "45375000") }
func BenchmarkCall(b *testing.B)      { benchmark(b, turns(loops["call"], 1_000_000), "") }
func BenchmarkBranches(b *testing.B)  { benchmark(b, turns(loops["branches"], 1_000_000), "") }

// Computing and comparing numbers allocates nothing, however many turns.
func TestRun_loopsDoNotAllocate(t *testing.T) {
	for _, name := range []string{"sum", "sum, not fused", "fractions", "branches"} {
		allocations := func(n int) float64 {
			m, err := vm.New(assemble(t, turns(loops[name], n)), &silent{}, vm.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return testing.AllocsPerRun(5, func() {
				if err := m.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
			})
		}
		// What a run costs in itself, its context above all, is the same for both.
		if few, many := allocations(10), allocations(20_000); many > few {
			t.Errorf("%s: %v allocations for 10 turns, %v for 20,000", name, few, many)
		}
	}
}

// silent is a host that keeps nothing.
type silent struct{ host }

func (s *silent) Open(_ context.Context, p *bytecode.Program) (vm.Bound, error) {
	funcs := make([]vm.Func, len(p.Imports))
	for i := range funcs {
		funcs[i] = func(c *vm.Call) error { return nil }
	}
	return vm.Bound{Funcs: funcs}, nil
}

// One program serves many machines at once.
func TestProgram_isShared(t *testing.T) {
	p := assemble(t, turns(loops["strnum"], 200))
	want, err := run(t, turns(loops["strnum"], 200), vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			h := &host{}
			m, err := vm.New(p, h, vm.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			for range 3 {
				h.printed = nil
				if err := m.Run(context.Background()); err != nil || h.printed[0] != want {
					t.Errorf("%v, printed %q; want %s", err, h.printed, want)
				}
			}
			p.ConstantArguments()
		})
	}
	wait.Wait()
}
