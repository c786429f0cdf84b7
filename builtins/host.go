package builtins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
)

// Host runs programs within its Options: one trust domain. It is safe for many
// goroutines; each Run has a State of its own and nothing is shared between runs
// but the table of commands.
type Host struct {
	options Options

	lock  sync.RWMutex // guards rows and runs, which Add changes
	rows  map[string]*catalog.Command
	runs  family
	added map[string]bool
}

// NewHost makes a Host. It fails where Options contradict themselves, name
// folders that do not exist, or give settings values that a script could not.
func NewHost(options Options) (*Host, error) {
	if options.System && options.Root != "" {
		return nil, errors.New("options: Root and System exclude each other")
	}
	runs, err := registry()
	if err != nil {
		return nil, err
	}
	h := &Host{options: options, runs: runs, rows: make(map[string]*catalog.Command), added: make(map[string]bool)}
	for _, row := range catalog.Commands() {
		h.rows[row.Name] = &row
	}
	// What a run begins with is tried once, so that it cannot fail in the first run.
	s, err := h.newState(Job{})
	if err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	return h, s.close(context.Background())
}

// newState is the State that a run begins with.
func (h *Host) newState(job Job) (*State, error) {
	s, err := newState(h.options, job)
	if err != nil {
		return nil, err
	}
	err = h.firstSettings(s)
	if err == nil && h.options.DryRun {
		err = s.beginDryRun()
	}
	if err != nil {
		return nil, errors.Join(err, s.close(context.Background()))
	}
	return s, nil
}

// firstSettings carries out Options.Settings as the SET commands would: a value
// holds the arguments of one call, separated by commas, or of several calls,
// separated by semicolons.
func (h *Host) firstSettings(s *State) error {
	if len(h.options.Settings) == 0 {
		return nil
	}
	known := make(map[string]string)
	for _, setting := range catalog.Settings() {
		known[setting.Name] = setting.Command
	}
	for _, name := range slices.Sorted(maps.Keys(h.options.Settings)) {
		command, ok := known[strings.ToLower(name)]
		if !ok {
			return fmt.Errorf("there is no setting %q", name)
		}
		for _, call := range strings.Split(h.options.Settings[name], ";") {
			if err := h.set(s, command, call); err != nil {
				shown, _ := ShownHost(h.options.Settings[name]) // a proxy may have a login
				return fmt.Errorf("setting %s to %q: %w", name, shown, err)
			}
		}
	}
	return nil
}

func (h *Host) set(s *State, command, texts string) error {
	row := h.rows[command]
	b := newBinding(row, &row.Forms[0], h.runs[command])
	var passed []string
	for _, text := range strings.Split(texts, ",") {
		passed = append(passed, strings.Trim(strings.TrimSpace(text), `"`))
	}
	if least, most := b.form.Arity(); len(passed) < least || most >= 0 && len(passed) > most {
		return fmt.Errorf("%s does not take %s", command, plural(len(passed), "argument"))
	}
	return s.preset(b, passed)
}

// Catalog returns every command that a script may call, sorted by name, for the
// compiler and for help. The rows are the caller's.
func (h *Host) Catalog() []catalog.Command {
	h.lock.RLock()
	defer h.lock.RUnlock()
	all := make([]catalog.Command, 0, len(h.rows))
	for _, row := range h.rows {
		shown := *row
		shown.Forms = slices.Clone(row.Forms)
		all = append(all, shown)
	}
	slices.SortFunc(all, func(a, b catalog.Command) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Add gives scripts another command, or one of ours another function, before the
// runs that use it. The wrapper around our own commands is around it too: its
// arguments are checked by their kinds, echo, brakes, NOT_CONNECTED and masking
// work as the row says. run may return a *Failure or a *session.Error, which
// become the command's result; any other error is a runtime error.
func (h *Host) Add(row catalog.Command, run vm.Func) error {
	switch {
	case run == nil:
		return errors.New("a command needs a function")
	case !isCommandName(row.Name):
		return fmt.Errorf("%q is not a command's name: capitals, digits and _ only, a capital first", row.Name)
	case len(row.Forms) == 0:
		return fmt.Errorf("command %s has no form", row.Name)
	case row.Kind == catalog.KindInherit:
		return fmt.Errorf("command %s is neither doing nor telling", row.Name)
	}
	row.Forms = slices.Clone(row.Forms)
	h.lock.Lock()
	defer h.lock.Unlock()
	h.rows[row.Name] = &row
	h.runs[row.Name] = func(_ *State, a *arguments) error { return run(a.call) }
	h.added[row.Name] = true
	return nil
}

func isCommandName(name string) bool {
	for i, c := range name {
		if (c < 'A' || c > 'Z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

// LinkError says what a program needs that the host does not have, all of it.
type LinkError struct {
	Missing []string // one line each
}

// Error lists what is missing on one line.
func (e *LinkError) Error() string {
	return "this program needs commands that are not here: " + strings.Join(e.Missing, "; ")
}

// Check holds a program's imports against the catalogue: name, form and number
// of arguments. It returns a *LinkError with every miss.
func (h *Host) Check(imports []bytecode.Import) error {
	var missing []string
	for i := range imports {
		if _, err := h.bindingOf(&imports[i]); err != nil {
			missing = append(missing, err.Error())
		}
	}
	if len(missing) > 0 {
		return &LinkError{Missing: missing}
	}
	return nil
}

// bindingOf finds the command and form that an import names.
func (h *Host) bindingOf(need *bytecode.Import) (*binding, error) {
	h.lock.RLock()
	defer h.lock.RUnlock()
	row, run := h.rows[need.Command], h.runs[need.Command]
	if row == nil || run == nil {
		return nil, fmt.Errorf("%s is unknown", quoted(need.Command))
	}
	form := row.Form(need.Form)
	if form == nil {
		return nil, fmt.Errorf("%s has no form %s", need.Command, quoted(need.Form))
	}
	b := newBinding(row, form, run)
	b.foreign = h.added[need.Command]
	least, most := form.Arity()
	given := int(need.Args) + int(need.Outs)
	if given < least || most >= 0 && given > most || int(need.Outs) != b.outs {
		return nil, fmt.Errorf("%s does not take %s and %s", need.Command, plural(int(need.Args), "argument"), plural(int(need.Outs), "variable"))
	}
	if telling := row.KindOf(form) == catalog.Telling; telling != need.Telling {
		return nil, fmt.Errorf("%s answers in another way than when the program was compiled", need.Command)
	}
	return b, nil
}

// UnmappedPath is a literal that names a drive or share which a run does not have.
type UnmappedPath struct {
	Script  string
	Line    int // from 1; 0 in a stripped program
	Column  int // in characters, from 1
	Command string
	Literal string
	Option  string // what would map it: --drive C=DIR
}

// UnmappedError is why Run did not start: the program writes local paths whose
// drives or shares are not mapped, and what it does would go somewhere else.
type UnmappedError struct {
	Paths []UnmappedPath // in the order of the program, at least one
}

// Error lists them, a line each.
func (e *UnmappedError) Error() string {
	lines := make([]string, len(e.Paths))
	for i, p := range e.Paths {
		place := p.Script
		if p.Line != 0 {
			place = fmt.Sprintf("%s:%d:%d", p.Script, p.Line, p.Column)
		}
		lines[i] = fmt.Sprintf("%s: %s(%s): this run has no such drive: %s", place, p.Command, quoted(p.Literal), p.Option)
	}
	return strings.Join(lines, "\n")
}

// CheckPaths lists the literals of the program that stand in the place of a local
// path and name a drive or share that Options do not map. Computed paths are not
// seen; they fail when their command runs. The program must have been verified.
func (h *Host) CheckPaths(program *bytecode.Program) []UnmappedPath {
	local := h.options.local()
	var all []UnmappedPath
	// LOCAL or REMOTE among a call's literals says what the name after it is.
	type call struct{ function, pc int }
	sides := make(map[call]string)
	for _, literal := range program.ConstantArguments() {
		need := &program.Imports[literal.Import]
		b, err := h.bindingOf(need)
		if err != nil {
			continue
		}
		p := b.form.Passed(literal.Arg)
		at := call{literal.Function, literal.PC}
		if p == nil || !localName(p, sides[at]) {
			if p != nil && p.Kind == catalog.ParamConstant {
				sides[at], _ = p.Allows(literal.Text)
			}
			continue
		}
		drive, unmapped := local.Unmapped(literal.Text)
		if !unmapped {
			continue
		}
		all = append(all, UnmappedPath{Script: literal.File, Line: literal.Line, Column: literal.Column,
			Command: need.Command, Literal: literal.Text, Option: netio.DriveOption(drive)})
	}
	return all
}

// localName reports whether an argument stands for a local name; side is the word
// before it, LOCAL or REMOTE.
func localName(p *catalog.Param, side string) bool {
	switch p.Kind {
	case catalog.ParamLocalPath, catalog.ParamLocalPattern:
		return true
	case catalog.ParamSidePath:
		return side == "LOCAL"
	}
	return false
}
