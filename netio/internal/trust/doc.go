// Package trust decides whether a server is the one that was meant: the host keys
// of SSH against OpenSSH's known_hosts, the certificates of TLS against
// authorities, and both against the pins that a script names (session.Trust).
//
// Every refusal is a *session.Error with a cause of its own, and says which files
// were read and how the user can go on. Nothing here prompts, and nothing is
// recorded but under session.TrustNew or when a user asks for it by name.
//
// The package must not know scripts, and opens no connection: it is handed what a
// server showed. Files are read where session.Trust says they lie.
//
// Read hostkey.go for SSH and certificate.go for TLS.
package trust
