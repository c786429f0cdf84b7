package app

import (
	"context"
	"errors"
)

// ReadSecret reads a secret from a source as --secret has it, without a name:
// env:VARIABLE, file:PATH, cred:NAME or exec:PROGRAM ARGUMENTS. The error does not show
// a source that is none: it may be the secret itself.
func (p *Process) ReadSecret(ctx context.Context, source string) (string, error) {
	const name = "secret"
	s, err := secretsOf(p, []string{name + "=" + source})
	if err != nil {
		return "", errors.New("expected env:VARIABLE, file:PATH, cred:NAME or exec:PROGRAM ARGUMENTS; on a command line other users of this machine could read a password")
	}
	return s.fetch(ctx, name)
}
