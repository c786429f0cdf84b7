// Package encoded lets a session speak of names in UTF-8 while the server keeps
// them in another encoding: names are encoded on the way there and decoded on the
// way back.
//
// It changes names and the texts of replies only, never the bytes of files, and is
// the one place that knows of encodings. It must not know which protocol is spoken.
//
// Nothing is lost on the way. A character that the encoding lacks is BadArgument; a
// name of the server that does not come back as the same bytes is left out of a
// listing, counted and shown.
//
// Read encoding.go first, then session.go; outside.go has what a session is made
// from and how it fails.
package encoded
