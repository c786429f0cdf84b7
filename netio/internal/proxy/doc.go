// Package proxy reaches servers through a proxy: HTTP CONNECT (RFC 9110, 9.3.6),
// also over TLS to the proxy, and SOCKS5 (RFC 1928, RFC 1929). What it gives is a
// dial function with the shape of session.Settings.Dial, so whoever dials does not
// know that there is a proxy.
//
// Names are resolved by the proxy. Everything that a proxy says is bounded in
// bytes and, as a whole, by the context's deadline; bytes of the server that come
// right behind the proxy's reply are handed on. Errors are *session.Error values
// that name the proxy by host and port and never hold its login.
//
// It must not know which protocol is spoken through it, and it reads no
// environment: which proxy is used is said by Endpoint.Proxy alone.
//
// Read url.go first, then dial.go; connect.go and socks.go hold a protocol each.
package proxy
