// Package bytecode defines the compiled form of a script: the instructions, the
// Program that holds them, its file format (.ftpc), and the checks that make a
// Program from an unknown hand safe to run.
//
// One table (op.go) states every property of every instruction. The encoder, the
// decoder, the verifier, the disassembler, the assembler and spec/bytecode.md
// derive from it or are compared with it.
//
// The package knows nothing of commands: an import is a name, a form and counts,
// and whether a host has it is asked when a machine is made. It knows nothing of
// source text either; a Program carries positions, never lines.
//
// Read op.go first, then program.go, then verify.go. The layout of a bundle is in
// encode.go and, for readers outside Go, in spec/bundle.md.
package bytecode
