// Package server is a small FTP server to embed: `sftpc serve` hands a folder
// out with it, rehearsals of a script run against it, and the tests of the
// client use it with scripted faults (package fault) as the other side.
//
// It speaks RFC 959, 1123, 2389, 2428 and 3659 over IPv4 and IPv6, in active and
// passive mode, without TLS. All files are reached through an os.Root, so no
// name and no symbolic link leads out of the folder. Data connections are made
// with the control connection's peer only, in both directions, unless an option
// says otherwise.
//
// It does not know the client: nothing in it imports the rest of netio, so that a
// mistake is not made on both sides alike. It reads no environment and writes no
// log of its own; Options.Log is told every line.
//
// Read server.go first for the options and the life of a server, session.go for
// that of a connection, and verbs.go for the table of commands.
package server
