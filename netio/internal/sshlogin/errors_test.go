package sshlogin

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/internal/trust"
	"github.com/sftpc/sftpc/netio/session"
)

// What a server says at length is told in short, wherever a message repeats it.
func TestLongWords(t *testing.T) {
	long := strings.Repeat("long-winded ", 20_000)
	c := &connecting{server: trust.Server{Host: "h", Port: "22"}}
	known := &handshake{}
	known.known.Store(true)
	asking := &login{c: c, began: true}
	_, asking.asked = asking.answerer("p")("", "", []string{long}, []bool{true})
	for name, test := range map[string]struct {
		err error
		h   *handshake
		l   *login
	}{
		"algorithms": {&ssh.AlgorithmNegotiationError{What: "cipher", RequestedAlgorithms: []string{long, long}}, &handshake{}, &login{c: c}},
		"a sentence": {errors.New("ssh: " + long), known, &login{c: c}},
		"before":     {errors.New("ssh: " + long), &handshake{}, &login{c: c}},
		"a farewell": {errors.New("ssh: disconnect, reason 2: " + long), known, &login{c: c}},
		"methods":    {io.EOF, known, &login{c: c, began: true, tried: []string{"password"}, offered: []string{long}}},
		"a question": {errors.New("ssh: " + long), known, asking},
	} {
		e := c.ofHandshake(context.Background(), test.err, test.h, test.l)
		if n := len(e.Error()); n > 4000 || !strings.Contains(e.Error(), "…") {
			t.Errorf("%s: a message of %d bytes: %.200s", name, n, e.Error())
		}
		if e.Cause == session.Internal {
			t.Errorf("%s: %v", name, e)
		}
	}
}
