package builtins

import (
	"fmt"

	"github.com/sftpc/sftpc/builtins/catalog"
)

// command carries out one command of the catalogue and does only its own work:
// State.perform has echoed it, checked its arguments by their kinds, held the
// brakes and made sure of a connection before, and records what it returns
// after. nil is success: OK for a doing command unless it returned something
// itself. A *session.Error becomes the result of its cause.
type command func(s *State, a *arguments) error

// family maps names in capitals to the commands of one file.
type family map[string]command

// registry joins the families. It is built for each Host, so that Add touches
// nobody else's table. A name that two families claim is a defect, which the
// test against the catalogue finds before anybody else does.
func registry() (family, error) {
	all := make(family)
	for _, f := range []family{
		connectionCommands(), settingCommands(), transferCommands(), remoteCommands(), localCommands(), localFileCommands(), listCommands(), itemCommands(),
		outputCommands(), programCommands(), timeCommands(), textCommands(), numberCommands(), errorCommands(),
	} {
		for name, run := range f {
			if all[name] != nil {
				return nil, fmt.Errorf("command %s is implemented twice", name)
			}
			all[name] = run
		}
	}
	return all, nil
}

// binding is a command in one form, ready to be performed.
type binding struct {
	row  *catalog.Command
	form *catalog.Form
	run  command
	outs int // how many out variables the form has
	// foreign: an embedder's own, whose unknown errors are not defects of ours.
	foreign bool
	// pure commands neither tell anything nor touch anything outside; they skip
	// what the others need.
	pure bool
}

func newBinding(row *catalog.Command, form *catalog.Form, run command) *binding {
	b := &binding{row: row, form: form, run: run, pure: row.Capability == catalog.Pure && !row.Echo && !row.NeedsHost}
	for _, p := range form.Params {
		if p.Out() {
			b.outs++
		}
	}
	return b
}
