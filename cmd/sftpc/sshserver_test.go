package main

import (
	"context"
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

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/sftpc/sftpc/netio/server/sftpserver"
)

// sshServerCommand is `sshserver NAME DIR [key=value …]`: an embedded server of SFTP on
// loopback until the script ends; its address is in $NAME, the fingerprint of its first
// host key in $NAME_KEY. Keys: keys=ed25519,ecdsa,rsa (the types of host keys it has;
// ed25519 alone), known=FILE and stale=FILE (append a line with its first key, or with
// another of that type), config=FILE (an ssh_config in which files is its alias),
// login=FILE (a public key that opens it, besides acme's password).
func sshServerCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: sshserver NAME DIR [key=value …]")
	}
	folder := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(folder, 0o755))
	options := sftpserver.Options{Dir: folder, Users: map[string]string{"acme": "very-secret-1"}}
	files := map[string]string{}
	types := []string{"ed25519"}
	for _, arg := range args[2:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "keys":
			types = strings.Split(value, ",")
		case "login":
			options.AuthorizedKeys = []byte(ts.ReadFile(value))
		case "known", "stale", "config":
			files[key] = value
		default:
			ts.Fatalf("sshserver: unknown key %s", key)
		}
	}
	for _, kind := range types {
		options.HostKeys = append(options.HostKeys, newHostKey(ts, kind))
	}
	first := options.HostKeys[0].PublicKey()
	s, err := sftpserver.Listen(context.Background(), "127.0.0.1:0", options)
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	host, port, err := net.SplitHostPort(s.Addr())
	ts.Check(err)
	appendTo := func(kind, text string) {
		if files[kind] == "" {
			return
		}
		f, err := os.OpenFile(ts.MkAbs(files[kind]), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		ts.Check(err)
		_, err = f.WriteString(text)
		ts.Check(err)
		ts.Check(f.Close())
	}
	appendTo("known", knownhosts.Line([]string{s.Addr()}, first)+"\n")
	appendTo("stale", knownhosts.Line([]string{s.Addr()}, newHostKey(ts, types[0]).PublicKey())+"\n")
	appendTo("config", fmt.Sprintf("Host files\n  HostName %s\n  Port %s\n  ProxyCommand nc %%h %%p\n", host, port))
	ts.Setenv(args[0], s.Addr())
	ts.Setenv(args[0]+"_KEY", ssh.FingerprintSHA256(first))
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
