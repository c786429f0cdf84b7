package sshlogin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

// login offers proofs of who we are, one method after the other, in this order:
//
//  1. publickey: the script's key, the keys of the agent, the keys of this machine's
//     user, all in one attempt of the method
//  2. keyboard-interactive, where the one question without an echo is answered with
//     the password
//  3. password
//
// Only methods that the server offers are tried, each once between two steps of the
// login: a server that wants two proofs is given them in the order that it asks.
type login struct {
	c       *connecting
	signers []ssh.Signer
	closers []func()

	began   bool     // the server has said what it takes
	offered []string // what the server last said it takes
	tried   []string // in order, for messages
	used    map[string]int
	steps   int   // how many proofs the server has taken
	asked   error // why a question could not be answered
}

func (c *connecting) newLogin(ctx context.Context) (*login, *session.Error) {
	return &login{c: c, used: map[string]int{}}, nil
}

func (l *login) close() {
	for _, close := range l.closers {
		close()
	}
}

var errNothingLeft = errors.New("no proof is left to offer")

// next chooses the method to try; the error ends the login.
func (l *login) next(state *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	l.began, l.offered = true, state.AllowedMethods
	l.steps = len(state.PartialSuccessMethods)
	for _, method := range []string{"publickey", "keyboard-interactive", "password"} {
		if !slices.Contains(l.offered, method) || l.used[method] > l.steps {
			continue
		}
		proof := l.proof(method)
		if proof == nil {
			continue
		}
		l.used[method] = l.steps + 1
		l.tried = append(l.tried, method)
		return proof, nil
	}
	return nil, errNothingLeft
}

// proof is what we have for a method; nil if nothing.
func (l *login) proof(method string) ssh.AuthMethod {
	password := l.c.endpoint.Password
	switch method {
	case "publickey":
		if len(l.signers) > 0 {
			return ssh.PublicKeys(l.signers...)
		}
	case "keyboard-interactive":
		if password != "" {
			return ssh.KeyboardInteractive(l.answerer(password))
		}
	case "password":
		if password != "" {
			return ssh.Password(password)
		}
	}
	return nil
}

// answerer answers the first question that is not echoed, which asks for the
// password, and nothing else: a second one wants a code of one time or a new
// password, and the password would only be shown to whoever is asking.
func (l *login) answerer(password string) ssh.KeyboardInteractiveChallenge {
	answered := false
	return func(_, _ string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i := range questions {
			if answered || echos[i] {
				l.asked = fmt.Errorf("the server asks %q, which nobody is here to answer", questions[i])
				return nil, l.asked
			}
			answers[i], answered = password, true
		}
		return answers, nil
	}
}
