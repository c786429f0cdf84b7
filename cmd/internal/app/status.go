package app

// Exit statuses of run; spec/results.md is the page about them and a test keeps
// the two together.
const (
	StatusOK          = 0   // every command succeeded, or its failure was looked at
	StatusFailed      = 1   // a failure that nothing looked at, or a runtime error
	StatusTransient   = 75  // as 1, but all such failures may be gone at the next run
	StatusTimeout     = 124 // --timeout or a budget ran out
	StatusNotRun      = 125 // nothing ran: command line, compile error, bundle, drive
	StatusDenied      = 126 // denied by policy
	StatusInterrupted = 130 // SIGINT
	StatusTerminated  = 143 // SIGTERM
)

// Exit statuses of the other verbs.
const (
	StatusGood  = 0 // good
	StatusFound = 1 // found something: errors, differences
	StatusUsage = 2 // wrong command line
)
