package compiler

import "io/fs"

// Options change how a script is compiled, never what it means. The zero value is
// what `run` and `build` use.
type Options struct {
	// Unoptimized leaves out folding of constants and the peephole. The program
	// does the same, slower; tests run both and compare.
	Unoptimized bool
	// Encoding names how the source is encoded when it is neither UTF-8 nor
	// UTF-16 with a mark, as in "windows-1252"; "" accepts those two only.
	Encoding string
	// Includes is the folder of the script, from which INCLUDE reads: regular files
	// whose names end in .ftp, by paths with slashes from its root. nil makes INCLUDE
	// an error. Links are the file system's affair: os.Root's follow none that leads
	// out.
	Includes fs.FS
}
