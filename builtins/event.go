package builtins

import (
	"time"

	"github.com/sftpc/sftpc/vm"
)

// Event is one thing that a run tells. Events are the only way anything is told:
// the transcript, the log, progress, and an embedder's callback are writers of
// them. Fields and kinds are only ever added.
//
// Texts from outside are raw bytes here, except that secrets are masked already;
// a writer escapes them (diag.Escape) when it renders.
type Event struct {
	Kind EventKind
	Time time.Time
	// Script and Line say which statement; empty and 0 outside any.
	Script  string
	Line    int
	Command string // the command's name, for command.* and what happens within it

	// Text is: the echo for command.start, the sentence of message and warning,
	// the line of wire ("> " was sent, "< " arrived), what PRINT wrote for print,
	// what happened for run.error.
	Text string
	// Level tells who wants a message: normal, verbose (-v) or wire (-vv). Under
	// VERBOSE(ON) everything is normal.
	Level Level
	// Silent: SILENT(ON) holds. A transcript on a terminal leaves the event out, a
	// log does not.
	Silent bool

	File    *FileEvent // for file.start, file.progress and file.end
	Calls   []vm.Frame // for run.error: the functions that were running, innermost first
	Failure *Failure   // for command.end, file.end and warning, if something failed
	Looked  bool       // for command.end with Failure: the script looks at the result
	Result  string     // for command.end: what the script got
	Network bool       // for command.start and .end: a network command, followed by an empty line in the transcript
	Summary *Summary   // for run.end
}

// EventKind is the type of an Event.
type EventKind string

const (
	RunStart     EventKind = "run.start"
	CommandStart EventKind = "command.start"
	Message      EventKind = "message"
	Wire         EventKind = "wire"
	FileStart    EventKind = "file.start"
	FileProgress EventKind = "file.progress"
	FileEnd      EventKind = "file.end"
	CommandEnd   EventKind = "command.end"
	Print        EventKind = "print"
	Warning      EventKind = "warning"
	// RunError is a runtime error that ended the script; Text is its sentence.
	RunError EventKind = "run.error"
	RunEnd   EventKind = "run.end"
)

// Level is how much a listener must want to hear to be told.
type Level uint8

const (
	Normal  Level = iota // always, but under SILENT and -q
	Verbose              // under VERBOSE(ON) and -v
	Traffic              // every line on the wire: -vv
)

// FileEvent tells of one file of a transfer.
type FileEvent struct {
	Upload bool
	Local  string
	Remote string
	Size   int64 // bytes expected, -1 unknown
	Done   int64 // bytes so far
	Only   bool  // the command is about this file alone, so its failure is the command's
	Took   time.Duration
}

// Summary closes a run.
type Summary struct {
	Status   int
	Commands int   // commands run
	Failed   int   // of these failed
	Handled  int   // of the failed, those the script looked at
	Lines    []int // lines of the failures that nothing looked at, ascending
	// FailedLines are the lines of all failures, looked at or not, ascending, each
	// once, at most 1,000.
	FailedLines []int
	Bytes       int64 // file bytes moved, both ways
	Took        time.Duration
}
