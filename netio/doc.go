// Package netio is the way to the world outside: Dial opens a session.Session of
// any protocol that this version speaks, and the other names here are doors to the
// rooms below netio/internal that builtins and cmd need.
//
// It holds no state of its own, and must not know scripts or result codes: what a
// failure means for a script is decided in builtins from the cause and class of a
// *session.Error.
//
// Read netio/session first (the interface and its values), then dial.go, and for
// FTP netio/internal/ftpconn.
package netio
