package pretend

// Effect is a change that was not made.
type Effect struct {
	Kind Kind
	Name string // what is concerned, as its side has it
	To   string // for Rename; for Chmod the mode, for Run and Send what would be run or sent
	Size int64  // bytes that would be moved; -1 unknown; 0 for what moves none
	// Replaces says that the name stands for something already.
	Replaces bool
	Remote   bool // on the server, else here
}

// Kind is what would be done.
type Kind uint8

const (
	Upload Kind = iota
	Download
	Write // a local file, by something else than a download
	Delete
	Rename
	MakeDir
	RemoveDir
	Chmod
	Send // a command line to the server
	Run  // a program
)

// Kinds counts the kinds.
const Kinds = int(Run) + 1

// Noun names one effect of the kind.
func (k Kind) Noun() string {
	return [...]string{"upload", "download", "written file", "deletion", "renaming", "new directory", "removed directory",
		"permission change", "command", "program"}[k]
}
