// Package cause says what errors of this system mean to a session: a name that was
// not resolved, a connection that was not made, a local file that could not be read
// or written. What a server said means something else in each protocol, and is read
// where the protocol is spoken.
//
// It makes no connection and opens no file, and knows no protocol.
//
// Read cause.go; the other files hold what only some systems have.
package cause
