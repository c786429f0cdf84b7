// Package compiler turns the text of a script into bytecode.
//
// A script passes through in one direction: source bytes, tokens, the tree
// (tree.go), the meaning (resolve_tree.go), basic blocks (block.go), linear code,
// fused code (peephole.go), a bytecode.Program. Every stage has files of its own
// and reads only what the stage before it made; the tree is never changed, so a
// formatter or a checker can read it after resolving.
//
// The package knows no command. Everything about commands comes from the
// catalogue that the caller hands over, and everything about values (what a
// number is, how numbers print, what compares equal) from vm/value, the same
// functions that run the script. It must not know the machine, the network or
// the system: it reads no file but the included ones of the fs.FS it is handed.
//
// Compile is the door; Check is the same with a report for people. To find the
// way, read compile.go first, then resolve.go, emit.go and block.go.
package compiler
