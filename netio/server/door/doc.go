// Package door is the listening side that the embedded servers and the proxy have in
// common: it takes connections, counts and numbers them, has each served in a goroutine of
// its own, and ends with all of them.
//
// A door ends in one of two ways, which are the same for who is served: its Close is
// called, or the context of Listen or Serve ends. Either ends the context that serve was
// given, and it is serve that closes what it waits for.
//
// It knows no protocol: what is said to a connection, also to one too many, is the
// server's to say.
package door
