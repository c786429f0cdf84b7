// Package wire reads and makes the packets of SFTP as a server, or who stands before
// one, sees them: the name of a request and what it is about, the answers that a script
// of faults puts in the place of the true ones.
//
// A packet is whole, with the four bytes of its length in front. What is too short for
// what it says is read as empty, and nothing here panics on it. The client has a reader
// of its own, so that one mistake is not made twice.
//
// Read packet.go.
package wire
