package vm_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/value"
)

func TestRun_commandFailures(t *testing.T) {
	for _, test := range []struct{ name, code, want string }{
		{"a doing command returns its code", `function main
			LoadConst "20412"
			Call looked DOFAIL` + printTop + `
			LoadConst "20413"
			Call unlooked DOFAIL` + printTop + "Halt", "20412 20413"},
		{"a telling command returns the empty text", `function main
			LoadConst "<"
			LoadConst "20412"
			Call looked TELLFAIL
			LoadConst ">"
			Concat 3` + printTop + "Halt", "<>"},
		{"unlooked it abandons the statement", `function main
			range statement from to to
			from:
			LoadConst "never"
			LoadConst "20412"
			Call unlooked TELLFAIL
			Concat 2` + printTop + `
			to:
			LoadConst "after"` + printTop + "Halt", "after"},
		{"looked at it does not", `function main
			range statement from to to
			from:
			LoadConst "shown"
			LoadConst "20412"
			Call looked TELLFAIL
			Concat 2` + printTop + `
			to:
			Halt`, "shown"},
		{"a doing command abandons nothing", `function main
			range statement from to to
			from:
			LoadConst "20412"
			Call unlooked DOFAIL` + printTop + `
			to:
			Halt`, "20412"},
		{"the inner range comes first", `function main
			range statement from mid mid
			range statement from to to
			from:
			LoadConst "20412"
			CallDrop unlooked TELLFAIL
			mid:
			LoadConst "here"` + printTop + `
			to:
			Halt`, "here"},
		{"a range covers its own instructions only", `function main
			range statement from to to
			LoadConst "20412"
			Call unlooked TELLFAIL` + printTop + `
			from:
			LoadConst "20413"
			Call unlooked TELLFAIL` + printTop + `
			to:
			LoadConst "20414"
			Call unlooked TELLFAIL` + printTop + "Halt", " "},
		{"out variables become empty", `function main locals=1
			StoreConst r0 "old"
			LoadConst ""
			LoadConst "x"
			Call looked GETLIST
			StoreLocal r0` + printTop + `
			LoadLocal r0` + printTop + "Halt", "20500 "},
		{"a try catches both kinds", `function main locals=1
			range catch a b c
			range catch d e f
			a:
			LoadConst "20412"
			CallDrop unlooked DOFAIL
			LoadConst "wrong"` + printTop + `
			b:
			Jump c
			c:
			LoadConst "caught"` + printTop + `
			d:
			LoadConst "20412"
			CallStore unlooked TELLFAIL r0
			LoadConst "wrong"` + printTop + `
			e:
			Jump f
			f:
			LoadConst "again"` + printTop + "Halt", "caught again"},
		{"a try before the statement", `function main
			range statement a b b
			range catch a d c
			a:
			LoadConst "20412"
			CallDrop unlooked TELLFAIL
			b:
			LoadConst "wrong"` + printTop + `
			d:
			Jump c
			c:
			LoadConst "caught"` + printTop + "Halt", "caught"},
		{"a failure between statements and inner tries", `function main
			range statement a b b
			range catch c d e
			range statement g h h
			range catch a i j
			a:
			LoadConst "20412"
			CallDrop looked TELLFAIL
			b:
			LoadConst "first"` + printTop + `
			c:
			LoadConst "20413"
			CallDrop unlooked DOFAIL
			d:
			LoadConst "wrong"` + printTop + `
			e:
			LoadConst "inner"` + printTop + `
			LoadConst "20414"
			CallDrop unlooked DOFAIL
			g:
			LoadConst "20415"
			CallDrop unlooked TELLFAIL
			h:
			LoadConst "wrong"` + printTop + `
			i:
			Jump j
			j:
			LoadConst "outer"` + printTop + "Halt", "first inner outer"},
		{"a try around functions", `function main locals=1
			range catch a b c
			StoreConst r0 "kept"
			a:
			LoadConst "20412"
			CallFunction 1 f1` + printTop + `
			b:
			Jump c
			c:
			LoadLocal r0` + printTop + `Halt
			function outer params=1 locals=1
			LoadConst "held"
			LoadLocal r0
			CallFunction 1 f2
			Concat 2
			Return
			function inner params=1 locals=1
			range statement a b b
			a:
			LoadLocal r0
			CallDrop unlooked TELLFAIL
			b:
			LoadConst "wrong"
			Return`, "kept"},
		{"a command can ask whether there is a try", `function main
			range catch a b c
			Call unlooked CAUGHT` + printTop + `
			a:
			Call unlooked CAUGHT` + printTop + `
			b:
			Jump c
			c:
			Halt`, "FALSE TRUE"},
	} {
		if got, err := run(t, test.code, vm.Options{}); err != nil || got != test.want {
			t.Errorf("%s: printed %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

func TestRun_ends(t *testing.T) {
	for _, test := range []struct {
		name, code string
		options    vm.Options
		is         error
		text       string
	}{
		{"division by zero", `function main
			1:1 LoadConst "1"
			2:5 LoadConst "0"
			3:7 Div
			4:1 Pop
			Halt`, vm.Options{}, value.ErrDivideByZero, "x.ftp:3:7: division by zero"},
		{"too large", `function main locals=1
			1:1 StoreConst r0 "999999999999999999999"
			2:1 AddLocalLocal r0 r0
			3:1 Halt`, vm.Options{}, value.ErrTooLarge, "x.ftp:2:1: "},
		{"in an included file", `file "lib.ftp"
			function main locals=1
			1:1 StoreConst r0 "9999_12_31-23_59_59"
			7:3@1 AddLocalConst r0 "1"
			Halt`, vm.Options{}, value.ErrDateRange, "lib.ftp:7:3: "},
		{"stripped", `function main
			LoadConst "x"
			CallFunction 1 f1
			Pop
			Halt
			function f params=1 locals=1
			LoadLocal r0
			LoadConst "0"
			Div
			Return`, vm.Options{}, value.ErrDivideByZero, "x.ftp+f:0x2: division by zero"},
		{"strict", `function main locals=1
			1:1 StoreConst r0 "a text that is no number and is long as well"
			2:1 AddLocalConst r0 "1"
			Halt`, vm.Options{Strict: true}, vm.ErrNotNumber, `x.ftp:2:1: "a text that is no number and is long as "… is not a number`},
		{"strict takes the empty text", `function main locals=1
			AddLocalConst r0 "1"
			1:1 LoadConst "b"
			Neg
			Pop
			Halt`, vm.Options{Strict: true}, vm.ErrNotNumber, `x.ftp:1:1: "b" is not a number`},
		{"too deep", `function main
			5:1 CallFunction 0 f1
			Pop
			Halt
			function f
			9:1 CallFunction 0 f1
			Return`, vm.Options{}, vm.ErrDepth, "x.ftp:9:1: "},
		{"an error of a command", `function main
			3:9 LoadConst "no disk"
			3:3 CallDrop looked ERROR
			Halt`, vm.Options{}, nil, "x.ftp:3:3: no disk"},
		{"a panic of a command", `function main
			3:3 LoadConst "oops"
			CallDrop unlooked PANIC
			Halt`, vm.Options{}, vm.ErrInternal, "oops in function 0 at or after word 0x2"},
		{"fuel", `function main
			a:
			7:1 Jump a`, vm.Options{Fuel: 1_000_000}, vm.ErrFuel, "x.ftp:7:1: "},
		{"fuel of functions", `function main
			a:
			CallFunction 0 f1
			Pop
			Jump a
			function f
			LoadConst "1"
			Return`, vm.Options{Fuel: 100_000}, vm.ErrFuel, ""},
		{"fuel of abandoned calls", `function main
			range statement b c a
			a:
			LoadConst "x"
			Pop
			b:
			CallFunction 0 f1
			c:
			Pop
			Halt
			function f
			range statement a b c
			a:
			LoadConst "1"
			Call unlooked TELLFAIL
			b:
			Return
			c:
			Abandon`, vm.Options{Fuel: 100_000}, vm.ErrFuel, ""},
		{"fuel of failures", `function main
			range statement b c a
			a:
			Jump b
			b:
			LoadConst ""
			CallDrop unlooked TELLFAIL
			c:
			Halt`, vm.Options{Fuel: 100_000}, vm.ErrFuel, ""},
		{"text", `function main locals=1
			StoreConst r0 "x"
			a:
			LoadLocal r0
			LoadLocal r0
			7:1 ConcatStore r0 2
			Jump a`, vm.Options{MaxText: 1 << 20}, vm.ErrText, "x.ftp:7:1: "},
		{"a single text", `function main locals=2
			StoreConst r0 "x"
			a:
			LoadLocal r0
			AppendLocal r0 1
			AddLocalConst r1 "1"
			JumpCompareConst r1 < "24" a
			` + strings.Repeat("LoadLocal r0\n", 17) + `
			7:1 Concat 17` + printTop + "Halt", vm.Options{}, vm.ErrTextLength, "x.ftp:7:1: "},
		{"a single text that grows", `function main locals=2
			StoreConst r0 "x"
			a:
			LoadLocal r0
			AppendLocal r0 1
			AddLocalConst r1 "1"
			JumpCompareConst r1 < "24" a
			` + strings.Repeat("LoadLocal r0\n", 16) + `
			7:1 AppendLocal r0 16
			Halt`, vm.Options{}, vm.ErrTextLength, "x.ftp:7:1: "},
		{"text of a command", `function main locals=1
			a:
			LoadConst "abc"
			LoadConst "def"
			Call unlooked GETLIST
			Pop
			Pop
			Jump a`, vm.Options{MaxText: 1000}, vm.ErrText, ""},
	} {
		_, err := run(t, test.code, test.options)
		var failed *vm.RuntimeError
		if !errors.As(err, &failed) || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestRun_calls(t *testing.T) {
	_, err := run(t, `function main
		1:1 CallFunction 0 f1
		Pop
		Halt
		function f
		2:1 LoadConst "x"
		3:1 CallFunction 0 f2
		4:1 Concat 2
		Return
		function g
		5:1 LoadConst "1"
		LoadConst "0"
		6:1 Div
		Return`, vm.Options{})
	var failed *vm.RuntimeError
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	want := []vm.Frame{
		{Function: "g", Called: vm.Position{File: "x.ftp", Line: 3, Column: 1}},
		{Function: "f", Called: vm.Position{File: "x.ftp", Line: 1, Column: 1}},
	}
	if failed.Position.Line != 6 || !reflect.DeepEqual(failed.Calls, want) {
		t.Errorf("%v, called from %v", failed.Position, failed.Calls)
	}
}

// Of many calls the first and the last are told.
func TestRun_callsDeep(t *testing.T) {
	for depth, want := range map[int]string{
		16: "f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f2 f1",
		17: "f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 (1) f3 f3 f2 f1",
		40: "f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 f3 (24) f3 f3 f2 f1",
	} {
		_, err := run(t, `function main
			1:1 CallFunction 0 f1
			Pop
			Halt
			function f1
			2:1 CallFunction 0 f2
			Return
			function f2
			3:1 CallFunction 0 f3
			Return
			function f3
			4:1 CallFunction 0 f3
			Return`, vm.Options{CallDepth: depth})
		var failed *vm.RuntimeError
		if !errors.As(err, &failed) || !errors.Is(err, vm.ErrDepth) {
			t.Fatal(err)
		}
		var names []string
		lines := ""
		for _, c := range failed.Calls {
			names = append(names, c.Function)
			lines += fmt.Sprint(c.Called.Line)
			if c.More > 0 {
				names = append(names, fmt.Sprintf("(%d)", c.More))
			}
		}
		if got := strings.Join(names, " "); got != want || lines != "4444444444444321" {
			t.Errorf("depth %d: %s, called in lines %s", depth, got, lines)
		}
	}
}

func TestRun_abandonedCallers(t *testing.T) {
	for _, test := range []struct{ name, code, want string }{
		{"the statement of the caller", `function main
			range statement from to to
			from:
			LoadConst "never"
			LoadConst "20412"
			CallFunction 1 f1
			Concat 2` + printTop + `
			to:
			LoadConst "after"` + printTop + `Halt
			function f params=1 locals=1
			range statement a b c
			a:
			LoadLocal r0
			Call unlooked TELLFAIL
			b:
			Return
			c:
			Abandon`, "after"},
		{"through two functions", `function main
			range statement from to to
			from:
			LoadConst "20412"
			CallFunction 1 f1` + printTop + `
			to:
			LoadConst "after"` + printTop + `Halt
			function outer params=1 locals=2
			range statement a b c
			a:
			LoadConst "x"
			LoadLocal r0
			CallFunction 1 f2
			Concat 2
			b:
			Return
			c:
			Abandon
			function inner params=1 locals=1
			range statement a b c
			a:
			LoadLocal r0
			Call unlooked TELLFAIL
			b:
			Return
			c:
			Abandon`, "after"},
		{"one that has no range gets the empty text", `function main locals=1
			LoadConst "<"
			LoadConst "20412"
			CallFunction 1 f1
			LoadConst ">"
			Concat 3` + printTop + `Halt
			function f params=1 locals=1
			JumpCompareConst r0 == "x" a
			Abandon
			a:
			LoadLocal r0
			Return`, "<>"},
	} {
		if got, err := run(t, test.code, vm.Options{}); err != nil || got != test.want {
			t.Errorf("%s: printed %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

func TestRun_exit(t *testing.T) {
	_, err := run(t, "function main\nLoadConst \"7\"\nCallDrop unlooked EXIT\nLoadConst \"wrong\""+printTop+"Halt", vm.Options{})
	var exit *vm.Exit
	if !errors.As(err, &exit) || exit.Status != 7 {
		t.Errorf("%v", err)
	}
}

func TestRun_notNumberIsToldOncePerPlace(t *testing.T) {
	var told []string
	_, err := run(t, `function main locals=3
		again:
		1:5 LoadConst "abc"
		LoadConst "5"
		Mul
		Pop
		2:5 LoadConst "2024_01_01-00_00_00"
		Neg
		Pop
		LoadLocal r2
		LoadConst "1"
		Add
		Pop
		AddLocalConst r1 "1"
		JumpCompareConst r1 < "3" again
		Halt`, vm.Options{NotNumber: func(at vm.Position, text string) { told = append(told, at.String()+" "+text) }})
	want := []string{"x.ftp:1:5 abc", "x.ftp:2:5 2024_01_01-00_00_00"}
	if err != nil || !reflect.DeepEqual(told, want) {
		t.Errorf("%v, told %q", err, told)
	}
}

// The same run costs the same: a budget that is just enough stays enough, and one
// less is too little, wherever the countdown happens to stand.
func TestRun_fuelIsExact(t *testing.T) {
	p := assemble(t, `function main locals=1
		again:
		AddLocalConst r0 "1"
		LoadConst "some text"
		LoadLocal r0
		Concat 2
		Pop
		JumpCompareConst r0 < "20000" again
		Halt`)
	enough := func(fuel int64) bool {
		m, err := vm.New(p, &host{}, vm.Options{Fuel: fuel})
		if err != nil {
			t.Fatal(err)
		}
		err = m.Run(t.Context())
		if err != nil && !errors.Is(err, vm.ErrFuel) {
			t.Fatal(err)
		}
		return err == nil
	}
	low, high := int64(1), int64(1_000_000)
	for low+1 < high {
		if middle := (low + high) / 2; enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	if want := int64(19_999 * 7); high != want {
		t.Errorf("the loop costs %d, not the %d words it leaps back over", high, want)
	}
}

var errStopped = errors.New("stopped from outside")

// A tight loop ends soon after its context, for each kind of instruction that can
// close a loop, and the error says why and where.
func TestRun_cancelled(t *testing.T) {
	for name, code := range map[string]string{
		"jump":      "function main\na:\n3:1 Jump a",
		"condition": "function main locals=1\na:\n3:1 LoadLocal r0\nJumpIfFalse a\nHalt",
		"true":      "function main\na:\n3:1 LoadConst \"TRUE\"\nJumpIfTrue a\nHalt",
		"compare":   "function main locals=2\na:\n3:1 JumpCompareLocals r0 == r1 a\nHalt",
		"constant":  "function main locals=1\na:\n3:1 JumpCompareConst r0 != \"x\" a\nHalt",
		"foreach":   "function main locals=3\niterator r0\n3:1 Jump b\na:\nMoveLocal r2 r2\nb:\nForEachStore r0 r2 a\nJump b",
		"item":      "function main locals=2\niterator r0\n3:1 Jump b\na:\nJump b\nb:\nForEachNext r0 a\nPop\nJump b",
		"command":   "function main\na:\n3:1 LoadConst \"x\"\nCallDrop unlooked LENGTH\nJump a",
		"waiting":   "function main\n3:1 CallDrop unlooked WAIT\nHalt",
		"functions": "function main\na:\n3:1 CallFunction 0 f1\nPop\nJump a\nfunction f\n3:1 LoadConst \"x\"\nReturn",
		"long text": "function main locals=2\nStoreConst r0 \"x\"\nStoreConst r1 \"x\"\ng:\nAddLocalConst r1 \"1\"\nLoadLocal r0\nLoadLocal r0\nConcatStore r0 2\n" +
			"JumpCompareConst r1 < \"26\" g\nLoadLocal r0\nLoadConst \"y\"\nConcatStore r1 2\na:\n3:1 JumpCompareLocals r0 != r1 a\nHalt",
	} {
		began := make(chan struct{})
		h := &host{begins: func() { close(began) }}
		m, err := vm.New(assemble(t, code), h, vm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		<-began
		time.Sleep(2 * time.Millisecond)
		stopped := time.Now()
		cancel(errStopped)
		select {
		case err := <-ended:
			// Which instruction notices is a matter of chance; the line is not, but
			// for the loop that makes the long text.
			if !errors.Is(err, errStopped) || !strings.HasPrefix(err.Error(), "x.ftp") || name != "long text" && !strings.Contains(err.Error(), ":3:1: ") {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: it does not end", name)
		}
		t.Logf("%s: ended %v after its context", name, time.Since(stopped).Round(time.Microsecond))
		if h.closed != 1 {
			t.Errorf("%s: closed %d times", name, h.closed)
		}
	}
}

func TestRun_cancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStopped)
	h := &host{}
	m, err := vm.New(assemble(t, "function main\nHalt"), h, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(ctx); !errors.Is(err, errStopped) || h.opened != h.closed {
		t.Errorf("%v", err)
	}
}

func TestNew(t *testing.T) {
	p := assemble(t, `program "x.ftp" language="0.1"
		import NEWCOMMAND args=0 outs=0 doing
		import OTHER args=0 outs=0 doing
		function main
		Halt`)
	if _, err := vm.New(p, &host{}, vm.Options{}); err == nil || err.Error() != "no NEWCOMMAND, OTHER here" {
		t.Errorf("imports that are missing: %v", err)
	}
	var refused *bytecode.VerifyError
	if _, err := vm.New(&bytecode.Program{}, &host{}, vm.Options{}); !errors.As(err, &refused) {
		t.Errorf("a program that does not verify: %v", err)
	}
}

// A machine can run again, and finds nothing of the run before.
func TestRun_again(t *testing.T) {
	h := &host{}
	m, err := vm.New(assemble(t, `function main locals=1
		LoadLocal r0
		LoadGlobal g0
		Concat 2`+printTop+`
		StoreConst r0 "left"
		LoadConst "over"
		StoreGlobal g0
		LoadLocal r0
		CallFunction 1 f1`+printTop+`Halt
		function f params=1 locals=1
		LoadLocal r0
		LoadConst "x"
		Concat 2
		Return`), h, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := m.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprintf("%q", h.printed); got != `["" "leftx" "" "leftx" "" "leftx"]` {
		t.Errorf("printed %s", got)
	}
}

// A context that ends just when its run does must not stop the next run: that
// would end half done, and without an error.
func TestRun_afterACancelledOne(t *testing.T) {
	var cancel context.CancelFunc
	calls := 0
	h := &host{extra: map[string]vm.Func{"LENGTH": func(*vm.Call) error {
		if calls++; cancel != nil {
			cancel()
		}
		return nil
	}}}
	m, err := vm.New(assemble(t, "function main\nLoadConst \"x\"\nCallDrop unlooked LENGTH\nLoadConst \"x\"\nCallDrop unlooked LENGTH\nHalt"), h, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 20_000 {
		var ctx context.Context
		ctx, cancel = context.WithCancel(context.Background())
		m.Run(ctx)
		cancel, calls = nil, 0
		if err := m.Run(context.Background()); err != nil || calls != 2 {
			t.Fatalf("after a cancelled run: %d of 2 commands ran, %v", calls, err)
		}
	}
}

func TestRun_oneAtATime(t *testing.T) {
	h := &host{}
	var m *vm.Machine
	h.extra = map[string]vm.Func{"PRINT": func(c *vm.Call) error { return m.Run(c.Context()) }}
	m, err := vm.New(assemble(t, "function main\nLoadConst \"x\""+printTop+"Halt"), h, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); !errors.Is(err, vm.ErrBusy) {
		t.Errorf("%v", err)
	}
}

// badHost breaks the Host contract.
type badHost struct {
	host
	bound vm.Bound
	err   error
}

func (h *badHost) Open(context.Context, *bytecode.Program) (vm.Bound, error) { return h.bound, h.err }

func TestRun_hostsMistakes(t *testing.T) {
	closed := 0
	h := &badHost{bound: vm.Bound{Close: func() { closed++ }}}
	m, err := vm.New(assemble(t, "function main\nHalt"), h, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); !errors.Is(err, vm.ErrInternal) || closed != 1 {
		t.Errorf("too few functions: %v, closed %d times", err, closed)
	}
	h.err = errStopped
	if err := m.Run(t.Context()); !errors.Is(err, errStopped) {
		t.Errorf("a host that does not open: %v", err)
	}
}

func TestCall(t *testing.T) {
	h := &host{}
	looks := []bool{}
	h.extra = map[string]vm.Func{"GETLIST": func(c *vm.Call) error {
		looks = append(looks, c.Looked())
		at := c.Position()
		if c.Len() != 2 || c.Text(0) != "a" || c.Text(1) != "3" || c.Text(2) != "" || c.Text(-1) != "" || c.Import() != 4 || c.Imported().Command != "GETLIST" ||
			at.Line != 2 || at.File != "x.ftp" {
			t.Errorf("%d arguments %q %q, import %d at %v", c.Len(), c.Text(0), c.Text(1), c.Import(), at)
		}
		beyond := c.Arg(2)
		if f, ok := c.Float(1); !ok || f != 3 || beyond.String() != "" {
			t.Errorf("argument 1 reads %v, %v", f, ok)
		}
		if _, ok := c.Float(9); ok {
			t.Error("an argument beyond the last is a number")
		}
		c.SetOut(0, value.Number(1.5))
		c.SetOut(1, value.Text("nowhere"))
		c.SetOut(-1, value.Text("nowhere"))
		return nil
	}}
	m, err := vm.New(assemble(t, `function main
		1:1 LoadConst "a"
		LoadConst "1"
		LoadConst "2"
		Add
		2:1 Call looked GETLIST`+printTop+printTop+`
		2:2 LoadConst "a"
		LoadConst "3"
		Call unlooked GETLIST
		Pop
		Pop
		Halt`), h, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err != nil || fmt.Sprint(h.printed, looks) != "[1.5 OK] [true false]" {
		t.Errorf("%v, printed %q, looked %v", err, h.printed, looks)
	}
}
