// Package fault holds scripts of misbehaviour for the embedded FTP server: at
// the second RETR cut the data connection after 4,096 bytes, answer the third
// EPSV with 500, say nothing at all to a PASS. Tests of clients and rehearsals
// of scripts use it to see what happens when a server is old, broken or hostile.
//
// A Script is an ordered list of rules. The server asks it before each command;
// the first rule that is due gives the Effect, and the server carries that out.
// This package only decides what is to go wrong and when: it knows no sockets
// and no server.
//
// Read script.go first for what can go wrong, then parse.go for the text form
// that test scripts use.
package fault
