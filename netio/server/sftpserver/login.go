package sftpserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"golang.org/x/crypto/ssh"
)

var errRefused = errors.New("refused")

// config says who may log in.
func (s *Server) config() *ssh.ServerConfig {
	config := &ssh.ServerConfig{ServerVersion: "SSH-2.0-" + s.options.Version, MaxAuthTries: 10}
	for _, key := range s.hostKeys {
		config.AddHostKey(key)
	}
	if s.options.AllowAnyLogin {
		config.NoClientAuth = true
		config.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }
		config.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }
		return config
	}
	if len(s.options.Users) > 0 && s.options.Interactive {
		config.KeyboardInteractiveCallback = func(about ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err == nil && (len(answers) != 1 || !s.accepts(about.User(), answers[0])) {
				err = errRefused
			}
			return nil, err
		}
	} else if len(s.options.Users) > 0 {
		config.PasswordCallback = func(about ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if !s.accepts(about.User(), string(password)) {
				return nil, errRefused
			}
			return nil, nil
		}
	}
	if len(s.authorized) > 0 {
		config.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !s.authorized[string(key.Marshal())] {
				return nil, errRefused
			}
			return nil, nil
		}
	}
	return config
}

// accepts compares digests, so that the time it takes tells nothing about the
// password, and does the same work for a name that does not exist.
func (s *Server) accepts(user, password string) bool {
	want, known := s.options.Users[user]
	given, expected := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(given[:], expected[:]) == 1 && known
}
