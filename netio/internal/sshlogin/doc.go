// Package sshlogin makes connections of SSH that are logged in: it dials, checks
// who the server is (netio/internal/trust), proves who we are, and keeps the
// connection alive. What is done over the connection is its caller's affair.
//
// Everything that is read for a login lies where session.Endpoint says; the
// environment, the home directory and a terminal are never looked at. Nothing
// prompts: what would need a person is a refusal that says so.
//
// Every error is a *session.Error. Every wait is bounded: the connection and its
// key exchange by the connect time-out, each step of the login and each answer to a
// keep-alive by the reply time-out.
//
// Read connect.go first, then methods.go for the order in which proofs are offered,
// keys.go for private keys and keepalive.go.
package sshlogin
