// Package rewrite stands between a client and a server of FTP, FTPS or SFTP and carries
// out a script of faults (package fault) on what passes: a real server's reply to one
// command is replaced, left out or given another number, a command is kept from the
// server, a data connection is cut at a byte, a packet of SFTP is answered in the server's
// place. So a real server can be seen to say what it would say on a bad day.
//
// Under TLS and SSH it is an end of its own on both sides: the client sees the
// certificate, or host key, that Options give, and the server sees a client that believes
// everything. It is for tests and for trying scripts, and keeps nothing secret.
//
// It knows neither the client nor the servers of this module.
//
// Read relay.go first, then control.go and data.go for FTP, ssh.go and requests.go for
// SFTP.
package rewrite
