// Package sftpserver is a small SFTP server to embed, beside the FTP server of
// netio/server: `sftpc serve` hands a folder out with it, rehearsals of a script
// run against it, and the tests of the client use it with scripted faults.
//
// It speaks version 3 as github.com/pkg/sftp does, over SSH as
// golang.org/x/crypto/ssh does. All files are reached through an os.Root, so no
// name and no symbolic link leads out of the folder. There is no shell, and no
// other subsystem. Of OpenSSH's extensions it has posix-rename, statvfs, fsync and
// limits, unless Options.DisabledExtensions takes them away.
//
// Where the library is not enough a filter in front of it rewrites requests: files are
// known by what was opened and not by their names (handles.go), and what a file was
// opened for holds (files.go).
//
// It does not know the client: nothing in it imports the rest of netio, so that a
// mistake is not made on both sides alike. Options.Log is told every request.
//
// Read server.go first for the options and the life of a server, then channel.go
// for what happens to a packet, and files.go, handles.go and extensions.go for what it
// does.
package sftpserver
