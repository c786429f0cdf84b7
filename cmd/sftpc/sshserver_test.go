package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sshServerCommand is `sshserver NAME [key=value …]`: a server of SSH on loopback that
// shows its host keys and lets nobody in, until the script ends; its address is in
// $NAME. Keys: keys=ed25519,ecdsa,rsa (the types it has; ed25519 alone), known=FILE
// and stale=FILE (append a line with its first key, or with another of that type),
// config=FILE (an ssh_config in which files is its alias).
func sshServerCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 1 {
		ts.Fatalf("usage: sshserver NAME [key=value …]")
	}
	types, known, stale, config := []string{"ed25519"}, "", "", ""
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "keys":
			types = strings.Split(value, ",")
		case "known":
			known = value
		case "stale":
			stale = value
		case "config":
			config = value
		default:
			ts.Fatalf("sshserver: unknown key %s", key)
		}
	}
	options := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, os.ErrPermission }}
	var first ssh.PublicKey
	for _, kind := range types {
		key := newHostKey(ts, kind)
		options.AddHostKey(key)
		if first == nil {
			first = key.PublicKey()
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer conn.Close()
				// Nobody gets through the login.
				_, _, _, _ = ssh.NewServerConn(conn, options)
			})
		}
	})
	ts.Defer(func() {
		listener.Close()
		served.Wait()
	})
	address := listener.Addr().String()
	appendLine := func(file string, key ssh.PublicKey) {
		f, err := os.OpenFile(ts.MkAbs(file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		ts.Check(err)
		_, err = f.WriteString(knownhosts.Line([]string{address}, key) + "\n")
		ts.Check(err)
		ts.Check(f.Close())
	}
	if known != "" {
		appendLine(known, first)
	}
	if stale != "" {
		appendLine(stale, newHostKey(ts, types[0]).PublicKey())
	}
	if config != "" {
		host, port, err := net.SplitHostPort(address)
		ts.Check(err)
		text := fmt.Sprintf("Host files\n  HostName %s\n  Port %s\n  ProxyCommand nc %%h %%p\n", host, port)
		ts.Check(os.WriteFile(ts.MkAbs(config), []byte(text), 0o600))
	}
	ts.Setenv(args[0], address)
}

func newHostKey(ts *testscript.TestScript, kind string) ssh.Signer {
	var key crypto.Signer
	var err error
	switch kind {
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "ecdsa":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		ts.Fatalf("sshserver: unknown type %s", kind)
	}
	ts.Check(err)
	signer, err := ssh.NewSignerFromSigner(key)
	ts.Check(err)
	return signer
}
