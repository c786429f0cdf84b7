// Package ftpconn speaks FTP: one Session is one control connection and, for
// each transfer or listing, one data connection made in passive mode (EPSV, PASV)
// or active mode (PORT, EPRT).
//
// Commands are carried by github.com/jlaffaye/ftp, unchanged. It knows neither
// active mode nor contexts, so it does not see the socket but a shim (shim.go): a
// net.Conn whose lines are looked at on their way. Its PASV means "make a data
// connection ready" and is answered by us; its dial function is handed the
// connection that was made ready. What the library has no call for (PWD as RFC
// 959 quotes it, MLST, STOU, SITE, ABOR, raw commands) goes over the same control
// connection between two of its calls.
//
// The package must not know scripts, result codes or local paths: it moves bytes
// between a socket and the reader or writer it is given.
//
// Read session.go first, then control.go (lines out, replies in), shim.go,
// prepare.go with active.go and passive.go, data.go and move.go (bytes), and
// abort.go for how a transfer is given up without losing the session.
package ftpconn
