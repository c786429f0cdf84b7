// Package sftpserver is a small SFTP server to embed, beside the FTP server of
// netio/server: `sftpc serve` hands a folder out with it, rehearsals of a script
// run against it, and the tests of the client use it with scripted faults.
//
// It speaks version 3 as github.com/pkg/sftp does, over SSH as
// golang.org/x/crypto/ssh does. All files are reached through an os.Root, so no
// name and no symbolic link leads out of the folder. There is no shell, and no
// other subsystem.
//
// It does not know the client: nothing in it imports the rest of netio, so that a
// mistake is not made on both sides alike. Options.Log is told every request.
//
// Read server.go first for the options and the life of a server, then channel.go
// for what happens to a packet, and files.go for what it does.
package sftpserver
