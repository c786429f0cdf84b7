package sshlogin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

// login offers proofs of who we are, one method after the other, in this order:
//
//  1. publickey, all keys in one attempt, for the library tries a method once: the
//     script's key with its certificate before it; the keys of the agent; those of
//     this machine's user
//  2. keyboard-interactive, where the one question without an echo is answered with
//     the password
//  3. password, unless keyboard-interactive has just asked for it by that name and
//     refused it: servers count, and lock accounts
//
// Only methods that the server offers are tried, each once between two steps of the
// login: a server that wants two proofs is given them in the order that it asks.
type login struct {
	c   *connecting
	ctx context.Context

	signers []ssh.Signer
	names   []string // of the signers, for messages
	weighed bool     // signers is complete

	lock  sync.Mutex
	ended bool
	held  []io.Closer // what the login holds open

	began   bool     // the server has said what it takes
	offered []string // what it last said
	tried   []string // in order, for messages
	used    map[string]int
	steps   int   // how many proofs the server has taken
	told    int   // in which step, from 1, the password was given to a question for it
	asked   error // why a question could not be answered
}

// newLogin reads the script's key before anything is sent: if it cannot be used,
// nothing else was meant.
func (c *connecting) newLogin(ctx context.Context) (*login, *session.Error) {
	l := &login{c: c, ctx: ctx, used: map[string]int{}}
	if e := l.scriptKey(); e != nil {
		return nil, e
	}
	return l, nil
}

// hold makes close close what the login has opened; false if it has ended, and then
// it is closed at once.
func (l *login) hold(opened io.Closer) bool {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.ended {
		opened.Close()
		return false
	}
	l.held = append(l.held, opened)
	return true
}

// close ends whatever the login waits for. Any goroutine may call it.
func (l *login) close() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.ended = true
	for _, opened := range l.held {
		opened.Close() // it was only asked
	}
	l.held = nil
}

// mostKeysBeforePassword is how many keys are shown where there is a password too:
// servers end a login after six attempts as a rule, and the password must be among
// them, by both its methods.
const mostKeysBeforePassword = 4

// add takes a key on, once.
func (l *login) add(signer ssh.Signer, name string) {
	blob := signer.PublicKey().Marshal()
	if slices.ContainsFunc(l.signers, func(s ssh.Signer) bool { return bytes.Equal(s.PublicKey().Marshal(), blob) }) {
		return
	}
	if l.c.endpoint.Password != "" && len(l.signers) >= mostKeysBeforePassword {
		l.c.note(fmt.Sprintf("the key %s (%s) is not shown: %d keys are enough before the password", ssh.FingerprintSHA256(signer.PublicKey()), name, mostKeysBeforePassword))
		return
	}
	l.signers, l.names = append(l.signers, signer), append(l.names, name)
}

// allKeys are the keys to show, gathered when a server asks for one.
func (l *login) allKeys() []ssh.Signer {
	if !l.weighed {
		l.weighed = true
		l.agentKeys()
		for _, name := range l.c.endpoint.Login.SSH.Keys {
			l.userKey(name)
		}
	}
	return l.signers
}

var errNothingLeft = errors.New("no proof is left to offer")

// next chooses the method to try; the error ends the login.
func (l *login) next(state *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	l.began, l.offered = true, state.AllowedMethods
	l.steps = len(state.PartialSuccessMethods)
	for _, method := range []string{"publickey", "keyboard-interactive", "password"} {
		if !slices.Contains(l.offered, method) || l.used[method] > l.steps || method == "password" && l.told > l.steps {
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
		if keys := l.allKeys(); len(keys) > 0 {
			return ssh.PublicKeys(keys...)
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
				l.asked = fmt.Errorf("the server asks %q, which nobody is here to answer", clip(questions[i]))
				return nil, l.asked
			}
			answers[i], answered = password, true
			if strings.Contains(strings.ToLower(questions[i]), "password") {
				l.told = l.steps + 1
			}
		}
		return answers, nil
	}
}
