// Package session holds what every protocol has in common: the Session
// interface, the plain values a session is made from (Endpoint, Settings), how a
// data connection is to be made (DataMode), and errors that carry a class and a
// cause.
//
// It is a leaf: it opens no socket and reads no file, and it does not know which
// protocols exist beyond their names. Implementations live in netio/internal;
// builtins speak to this interface only, and ask Caps instead of asking which
// protocol it is.
//
// Read session.go first, then settings.go for DataMode.
package session
