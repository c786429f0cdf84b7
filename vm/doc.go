// Package vm runs compiled scripts: a stack machine over the words of package
// bytecode.
//
// It knows values and instructions, and nothing of commands, files or networks.
// What an import means is its Host's matter: the Host says whether it has all
// imports (Check), and gives one Func for each when a run begins (Open). The
// machine calls a Func with a Call, a window of the operand stack, and takes an
// answer, or a failure that the script may look at.
//
// A Program is verified before it runs and shared by any number of machines. A
// Machine belongs to one goroutine at a time.
//
// Read host.go for what an embedder sees, run.go for the loop, frame.go for calls
// and failures.
package vm
