package sshlogin

import (
	"bytes"
	"context"
	"fmt"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// agentKeys adds the keys of the agent. An agent that does not answer is left out
// with a note after the reply time-out; a login may still ask it to sign, which the
// time-out of the login bounds.
func (l *login) agentKeys() {
	dial := l.c.endpoint.Login.Agent
	if dial == nil {
		return
	}
	ctx, stop := context.WithTimeout(l.ctx, l.c.settings.Timeouts.Reply)
	defer stop()
	conn, err := dial(ctx)
	if err != nil {
		l.c.note(fmt.Sprintf("the SSH agent is not used: %v", err))
		return
	}
	if !l.hold(conn) {
		return
	}
	release := context.AfterFunc(ctx, func() { conn.Close() })
	defer release()
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		l.c.note(fmt.Sprintf("the SSH agent is not used: %v", err))
		return
	}
	for _, signer := range signers {
		if l.c.endpoint.Login.SSH.KeysOnly && !l.isUserKey(signer.PublicKey()) {
			continue
		}
		signer = restrict(signer, l.c.endpoint.LegacyAlgorithms)
		l.addCertified(signer)
		l.add(signer, "agent")
	}
}

// isUserKey reports whether a key of the agent is one of this machine's user: a file
// .pub beside the private key, or in its place, tells without opening that. A
// certificate is the user's whose key is.
func (l *login) isUserKey(key ssh.PublicKey) bool {
	bare := key.Marshal()
	if parsed, err := ssh.ParsePublicKey(bare); err == nil { // the agent's keys are of a type of their own
		if certificate, ok := parsed.(*ssh.Certificate); ok {
			bare = certificate.Key.Marshal()
		}
	}
	for _, name := range l.c.endpoint.Login.SSH.Keys {
		for _, path := range []string{name + ".pub", name} {
			data, err := readKeyFile(path)
			if err != nil {
				continue
			}
			if public, _, _, _, err := ssh.ParseAuthorizedKey(data); err == nil && bytes.Equal(public.Marshal(), bare) {
				return true
			}
		}
	}
	return false
}
