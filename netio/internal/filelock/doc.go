// Package filelock takes locks that other processes see: an exclusive lock on an open
// file, which ends with the file. Runs of sftpc that share a file use it, and nothing
// keeps other programs from ignoring it.
//
// It waits for nothing and knows no names of files: whoever wants to wait asks again,
// and whoever deletes or replaces a file that others lock must look whether the file
// that it has locked is still the one of that name.
//
// lock_unix.go and lock_windows.go hold its one function, Try.
package filelock
