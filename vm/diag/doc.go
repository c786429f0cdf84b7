// Package diag holds what compiler, checker and runner say about a script: files
// with their lines, spans of bytes, diagnostics, and the two ways to write them.
//
// Inner code returns a Diagnostic with a span, a message and perhaps a hint. Line
// and column are worked out here, once, when somebody asks; carets, colour and
// escaping are added at the stream by WriteText and WriteJSON and nowhere else.
//
// The package is a leaf. It must not know the language, the catalogue or the
// machine, it reads no file and touches no environment. Everything in it may be
// used from many goroutines at once.
//
// Read file.go for positions, diagnostic.go for the list, text.go for the layout
// that people see, escape.go for what happens to bytes from outside.
package diag
