package sshlogin

import (
	"context"
	"fmt"

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
		l.add(restrict(signer, l.c.endpoint.LegacyAlgorithms), "agent")
	}
}
