// Package builtins carries out the commands of a script and owns everything that
// a run holds: the connection, the settings (the active or passive flag among
// them), both current directories, exclusions, the last failure, the log.
//
// A Host is made from Options, which say what its scripts may touch; Host.Run
// carries out a Program and tells what happens as Events. Each command is a row
// of builtins/catalog and a function in the file of its family; State.perform
// stands around every one of them and does what they have in common: echo, checks
// of the arguments, the brakes against the wrong directory, NOT_CONNECTED,
// masking, events, failures.
//
// It opens no socket and no file by itself: connections are netio's sessions, and
// which protocol they speak is not asked; local files are netio.LocalFS's. It does
// not know the compiler, and it asks nothing of the process: no working directory,
// environment, clock or standard stream but those in Options and Job.
//
// Read perform.go first, then state.go, then any family: text.go is the shortest,
// transfer.go the longest way.
package builtins
