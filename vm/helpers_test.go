package vm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is a Host with a few commands, and a record of what was printed.
type host struct {
	printed []string
	closed  int
	opened  int
	extra   map[string]vm.Func
	begins  func() // called by Open, unless nil
}

// broken is a command failure as package builtins makes them.
type broken struct{ code string }

func (b broken) Error() string      { return "it failed: " + b.code }
func (b broken) ResultCode() string { return b.code }

func (h *host) commands() map[string]vm.Func {
	all := map[string]vm.Func{
		"PRINT": func(c *vm.Call) error {
			h.printed = append(h.printed, c.Text(0))
			return nil
		},
		// LENGTH is a telling command that succeeds.
		"LENGTH": func(c *vm.Call) error {
			c.Return(value.Int(int64(len(c.Text(0)))))
			return nil
		},
		// DOFAIL and TELLFAIL fail with their argument as code.
		"DOFAIL":   func(c *vm.Call) error { return broken{c.Text(0)} },
		"TELLFAIL": func(c *vm.Call) error { return fmt.Errorf("wrapped: %w", broken{c.Text(0)}) },
		// GETLIST gives its arguments back, joined, in an out variable; with "" it
		// fails.
		"GETLIST": func(c *vm.Call) error {
			c.SetOut(0, value.Text(c.Text(0)+"|"+c.Text(1)))
			if c.Text(0) == "" {
				return broken{"20500"}
			}
			return nil
		},
		"EXIT": func(c *vm.Call) error {
			status, _ := c.Float(0)
			return &vm.Exit{Status: int(status)}
		},
		"ERROR": func(c *vm.Call) error { return errors.New(c.Text(0)) },
		"PANIC": func(c *vm.Call) error { panic(c.Text(0)) },
		"WAIT": func(c *vm.Call) error {
			<-c.Context().Done()
			return c.Context().Err()
		},
		"CAUGHT": func(c *vm.Call) error {
			c.Return(value.Bool(c.Caught()))
			return nil
		},
	}
	for name, f := range h.extra {
		all[name] = f
	}
	return all
}

func (h *host) Check(imports []bytecode.Import) error {
	var missing []string
	have := h.commands()
	for _, i := range imports {
		if have[i.Command] == nil {
			missing = append(missing, i.Command)
		}
	}
	if missing != nil {
		return fmt.Errorf("no %s here", strings.Join(missing, ", "))
	}
	return nil
}

func (h *host) Open(_ context.Context, p *bytecode.Program) (vm.Bound, error) {
	h.opened++
	if h.begins != nil {
		h.begins()
	}
	have := h.commands()
	bound := vm.Bound{Close: func() { h.closed++ }}
	for _, i := range p.Imports {
		bound.Funcs = append(bound.Funcs, have[i.Command])
	}
	return bound, nil
}

const header = `
program "x.ftp" language="0.1" globals=2
import PRINT args=1 outs=0 doing
import LENGTH args=1 outs=0 telling
import DOFAIL args=1 outs=0 doing
import TELLFAIL args=1 outs=0 telling
import GETLIST args=2 outs=1 doing
import EXIT args=1 outs=0 doing
import ERROR args=1 outs=0 doing
import PANIC args=1 outs=0 doing
import WAIT args=0 outs=0 doing
import CAUGHT args=0 outs=0 telling
`

// assemble makes a program of assembler text. MaxStack need not be right: it is
// taken from what the verifier asks for.
func assemble(t testing.TB, text string) *bytecode.Program {
	t.Helper()
	if !strings.Contains(text, "program ") {
		text = header + text
	}
	p, err := bytecode.Assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	for range len(p.Functions) + 1 {
		err = bytecode.Verify(p)
		var refused *bytecode.VerifyError
		if !errors.As(err, &refused) {
			break
		}
		var reached, declared int
		if _, scan := fmt.Sscanf(refused.Message, "the stack reaches height %d, not %d", &reached, &declared); scan != nil {
			break
		}
		p.Functions[refused.Function].MaxStack = reached
	}
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return p
}

// run runs assembler text and returns what it printed, joined by blanks.
func run(t testing.TB, text string, options vm.Options) (string, error) {
	t.Helper()
	h := &host{}
	m, err := vm.New(assemble(t, text), h, options)
	if err != nil {
		t.Fatal(err)
	}
	err = m.Run(context.Background())
	if h.opened != 1 || h.closed != 1 {
		t.Errorf("opened %d times, closed %d times", h.opened, h.closed)
	}
	return strings.Join(h.printed, " "), err
}
