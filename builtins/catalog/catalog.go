package catalog

import "strings"

// Command is one row of the table: everything that compiler, linker, help,
// completion, policy and the pages of spec/commands need to know of a command.
type Command struct {
	Name       string // capitals
	Family     Family
	Kind       Kind
	Forms      []Form // at least one; tried in order, see Match
	Documented bool   // ScriptFTP's documentation describes it; else it is ours
	Echo       bool   // a network command: told before it runs, followed by an empty line
	NeedsHost  bool   // fails with NOT_CONNECTED without a connection
	Protocols  Protocols
	Capability Capability
	Also       Capability // what it may touch besides; Pure is nothing more
	Summary    string     // one line for help, lower case, no full stop
}

// Form is one shape of a command's parameters. An import of a bundle names the
// command and the form's key, so a host that lacks a form is found at link time.
type Form struct {
	Key    string // "" for an only form, else a word that is never changed
	Params []Param
	Kind   Kind // zero takes the command's kind
}

// Param is one parameter of a form.
type Param struct {
	Name      string
	Kind      ParamKind
	Constants []string // for ParamConstant: the bare words allowed, capitals; for others words allowed besides a value (DEFAULT, AUTO)
	Optional  bool     // may be left out, with all that follow
	Variadic  bool     // the last parameter may be repeated
	Secret    bool     // its argument is masked wherever it is shown
}

// Kind says how a command answers.
type Kind uint8

const (
	KindInherit Kind = iota // in a Form: as the command
	Doing                   // OK or a decimal code
	Telling                 // its value; failing, the empty text and GETERROR
)

// ParamKind says what an argument stands for.
type ParamKind uint8

const (
	ParamText          ParamKind = iota
	ParamNumber                  // must read as a number
	ParamConstant                // one of Constants, bare, quoted or computed
	ParamVariable                // out: a variable that the command assigns; nothing is passed
	ParamLocalPath               // a local name or directory; drives are mapped
	ParamRemotePath              // a name on the server
	ParamLocalPattern            // local name that may hold wildcards
	ParamRemotePattern           // remote name that may hold wildcards
	ParamPattern                 // a wildcard or exclusion: never resolved as a path
	ParamSidePath                // a local or remote name, as the side before it says
	ParamHost
	ParamURL // of a service, with a login perhaps; the empty text is none
)

// Out reports whether the parameter is assigned instead of passed.
func (p Param) Out() bool { return p.Kind == ParamVariable }

// Family groups commands in help and in the source: a family is a file of builtins.
type Family uint8

const (
	FamilyConnection Family = iota
	FamilyTransfer
	FamilyRemote // directories and files on the server
	FamilyLocal
	FamilyLists
	FamilyOutput
	FamilyProgram // parameters, environment, EXEC, ending
	FamilyTime
	FamilyText
	FamilyNumbers
	FamilyErrors
)

// String is the heading of the family in help.
func (f Family) String() string {
	return [...]string{"connection", "transfer", "remote files", "local files", "lists", "output", "program", "time", "text", "numbers", "errors"}[f]
}

// Protocols is a set of protocols in which a command means something; zero is
// "does not depend on a connection".
type Protocols uint8

const (
	OnFTP Protocols = 1 << iota
	OnFTPS
	OnSFTP
	OnAll  = OnFTP | OnFTPS | OnSFTP
	OnFTPx = OnFTP | OnFTPS
)

// Capability is what a command may touch; an embedder grants a set.
type Capability uint8

const (
	Pure Capability = iota // computes only
	Output
	Net
	LocalRead
	LocalWrite
	Exec
	Env
	Clock
)

// String is the capability's word in `inspect` and policies.
func (c Capability) String() string {
	return [...]string{"pure", "output", "net", "local-read", "local-write", "exec", "env", "clock"}[c]
}

// KindOf is the kind of the command in form f.
func (c *Command) KindOf(f *Form) Kind {
	if f.Kind != KindInherit {
		return f.Kind
	}
	return c.Kind
}

// Form returns the form with the key, nil if there is none.
func (c *Command) Form(key string) *Form {
	for i := range c.Forms {
		if c.Forms[i].Key == key {
			return &c.Forms[i]
		}
	}
	return nil
}

// Arity returns how many arguments, out variables included, the form takes;
// most is -1 for any number.
func (f *Form) Arity() (least, most int) {
	for _, p := range f.Params {
		if !p.Optional {
			least++
		}
		most++
		if p.Variadic {
			most = -1
			break
		}
	}
	return least, most
}

// Param returns the parameter at place i, the last one repeated for variadic
// forms; nil beyond the end.
func (f *Form) Param(i int) *Param {
	if n := len(f.Params); n > 0 && i >= n && f.Params[n-1].Variadic {
		i = n - 1
	}
	if i < 0 || i >= len(f.Params) {
		return nil
	}
	return &f.Params[i]
}

// Passed returns the parameter of the i-th argument that is passed: variables
// that the command assigns are not counted.
func (f *Form) Passed(i int) *Param {
	for place := 0; ; place++ {
		p := f.Param(place)
		if p == nil || p.Out() && p.Variadic {
			return nil
		}
		if p.Out() {
			continue
		}
		if i == 0 {
			return p
		}
		i--
	}
}

// Allows reports whether word, in any case, is a constant of the parameter, and
// returns it in capitals. ON and ENABLED are the same, OFF and DISABLED too; the
// word returned is the one that the parameter lists.
func (p *Param) Allows(word string) (string, bool) {
	w := strings.ToUpper(word)
	for _, c := range p.Constants {
		if c == w || sameSwitch(c, w) {
			return c, true
		}
	}
	return "", false
}

func sameSwitch(a, b string) bool {
	on := func(s string) int {
		switch s {
		case "ON", "ENABLED":
			return 1
		case "OFF", "DISABLED":
			return 2
		}
		return 0
	}
	return on(a) != 0 && on(a) == on(b)
}

// Argument is what Match needs to know of an argument: the bare word it is, or "".
type Argument struct {
	Bare     string // capitals; "" for any other expression
	Variable bool   // a plain $name: may stand for an out parameter
}

// Match chooses the form for the arguments: the first whose number of
// parameters fits, whose bare words are constants at their places and whose out
// parameters stand on variables. nil if none fits.
func (c *Command) Match(args []Argument) *Form {
	for i := range c.Forms {
		if f := &c.Forms[i]; f.fits(args) {
			return f
		}
	}
	return nil
}

func (f *Form) fits(args []Argument) bool {
	least, most := f.Arity()
	if len(args) < least || most >= 0 && len(args) > most {
		return false
	}
	for i, a := range args {
		p := f.Param(i)
		if p.Out() && !a.Variable {
			return false
		}
		if p.Kind == ParamConstant && a.Bare == "" && f.exclusive() {
			return false
		}
		if a.Bare != "" {
			if _, ok := p.Allows(a.Bare); !ok && p.Kind == ParamConstant {
				return false
			}
		}
	}
	return true
}

// exclusive forms are chosen by a bare constant only, because a sibling form
// takes a text at the same place: GETFILE("a", SUBDIRS) and GETFILE("a", "b").
func (f *Form) exclusive() bool { return f.Key == "set" }
