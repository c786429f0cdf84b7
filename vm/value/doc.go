// Package value holds the one kind of value that scripts have: a text that may
// read as a number or a date, with that reading cached.
//
// Everything the language says of values is decided here and nowhere else: which
// texts are numbers, how numbers are rounded and printed, how dates are added,
// what is equal, what counts as true. The compiler's folding and the machine call
// the same functions, so they cannot differ.
//
// The package is a leaf: it knows nothing of scripts, positions or commands.
// Read value.go first, then number.go.
package value
