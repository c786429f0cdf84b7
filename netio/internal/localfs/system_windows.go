package localfs

import "io/fs"

// isOurs reports whether a file can be our own: a file, not a link.
func isOurs(info fs.FileInfo) bool { return info.Mode().IsRegular() }

// isPrivate reports whether nobody else can have written to a file of ours. Who
// may write into the folder is for its access list to say.
func isPrivate(fs.FileInfo) bool { return true }

// syncDir has nothing to do: Windows has no such call, and its file systems keep
// a journal of renames.
func syncDir(tree, string) error { return nil }
