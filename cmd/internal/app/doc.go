// Package app is what the two commands, sftpc and sftpc-run, have in common:
// the process they run in, the flags of a run, loading a file, carrying the run
// out, and turning events and errors into streams and an exit status.
//
// It is the only place, with the verbs beside it, that touches the process:
// working directory, environment, standard streams, signals, terminal. Below it
// all of these are values.
//
// It must not know the compiler: sftpc hands it a Loader for sources, sftpc-run
// has none, and so links no parser. Read run.go first.
package app
