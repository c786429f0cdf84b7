package sshlogin

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

func TestProbe(t *testing.T) {
	for name, c := range map[string]struct {
		keys []ssh.Signer
		want []string
	}{
		"all":      {[]ssh.Signer{keyPool.rsa, keyPool.ecdsa, keyPool.ed25519}, []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoRSA}},
		"RSA only": {[]ssh.Signer{keyPool.rsa}, []string{ssh.KeyAlgoRSA}},
	} {
		t.Run(name, func(t *testing.T) {
			server := &sshServer{password: "correct horse", hostKeys: c.keys}
			keys, err := Probe(t.Context(), visit(server.start(t)), patient())
			if err != nil {
				t.Fatal(err)
			}
			var types []string
			for _, key := range keys {
				types = append(types, key.Type())
			}
			if !slices.Equal(types, c.want) {
				t.Errorf("%q, want %q", types, c.want)
			}
			if got := server.logins(); len(got) != 0 {
				t.Errorf("somebody tried to log in: %q", got)
			}
		})
	}
}

func TestProbe_Fails(t *testing.T) {
	quick := session.Settings{Timeouts: session.Timeouts{Connect: 200 * time.Millisecond}}
	cause := func(settings session.Settings, serve func(net.Conn)) session.Cause {
		_, err := Probe(t.Context(), visit(listen(t, serve)), settings)
		return session.CauseOf(err)
	}
	if got := cause(quick, func(conn net.Conn) { io.Copy(io.Discard, conn) }); got != session.ConnectTimeout {
		t.Errorf("mute: cause %d", got)
	}
	if got := cause(patient(), func(conn net.Conn) {
		io.WriteString(conn, "220 FTP\r\n")
		io.Copy(io.Discard, conn)
	}); got != session.ProtocolError {
		t.Errorf("FTP: cause %d", got)
	}
	if got := cause(patient(), func(net.Conn) {}); got != session.ConnectionLost {
		t.Errorf("closing: cause %d", got)
	}
	old := &sshServer{password: "x", change: func(config *ssh.ServerConfig) { config.Ciphers = []string{ssh.InsecureCipherAES128CBC} }}
	if _, err := Probe(t.Context(), visit(old.start(t)), patient()); session.CauseOf(err) != session.ProtocolError {
		t.Errorf("nothing in common: %v", err)
	}
}
