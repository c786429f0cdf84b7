package builtins

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// mostSecret bounds a secret: a password, a passphrase, a token.
const mostSecret = 64 << 10

// getSecret is GETSECRET(name). The value is masked from now on wherever it is told,
// before the script has it.
func (s *State) getSecret(a *arguments) error {
	name := a.text(0)
	if !IsSecretName(name) {
		return a.bad(0, "must be a plain word of letters, digits, - and _, not %s", quoted(name))
	}
	if s.options.Secret == nil {
		return &session.Error{Op: "this run has no secrets", Cause: session.Denied, Class: session.ClassDenied}
	}
	value, err := s.options.Secret(a.ctx, name)
	switch {
	case err != nil:
		if a.ctx.Err() != nil {
			return a.ctx.Err()
		}
		if known, ok := errors.AsType[*session.Error](err); ok {
			return known
		}
		return secretFailure(name, err)
	case value == "":
		return secretFailure(name, errors.New("it is empty"))
	case len(value) > mostSecret:
		return secretFailure(name, fmt.Errorf("it is longer than %d KiB", mostSecret>>10))
	case strings.ContainsRune(value, 0):
		return secretFailure(name, errors.New("it holds a NUL"))
	}
	s.voice.lock.Lock()
	masked := s.masks.add(value)
	s.voice.lock.Unlock()
	if !masked {
		s.voice.warnOnce(shortSecret)
	}
	a.returns(value)
	return nil
}

func secretFailure(name string, err error) error {
	return &session.Error{
		Op: "fetching the secret " + name, Cause: session.BadArgument, Class: session.ClassUsage, Name: name, Err: err,
		Hint: "who starts the run says where secrets come from: sftpc doc getsecret",
	}
}

// IsSecretName reports whether a secret may be called so: letters, digits, - and _, a
// letter first, at most 64 of them.
func IsSecretName(name string) bool {
	for i := 0; i < len(name); i++ {
		c := name[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || (name[i] < '0' || name[i] > '9') && name[i] != '-' && name[i] != '_') {
			return false
		}
	}
	return name != "" && len(name) <= 64
}
