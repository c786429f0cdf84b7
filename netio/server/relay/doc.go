// Package relay is an embedded proxy, for tests and for trying scripts: HTTP
// CONNECT and SOCKS5 on one port, told apart by the first byte. It can be told to
// misbehave: to stay silent, to answer what no proxy answers, to send its reply a
// byte at a time or together with the server's first bytes.
//
// It connects wherever its Options say and knows nothing of what is spoken through
// it. It is written apart from the client's side in netio/internal/proxy, so that
// one mistake is not made twice.
//
// Read relay.go for what it does, then http.go and socks.go.
package relay
