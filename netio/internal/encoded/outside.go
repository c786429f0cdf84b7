package encoded

import (
	"errors"
	"fmt"
	"maps"
	"unicode/utf8"

	"github.com/sftpc/sftpc/netio/session"
)

// Settings returns the settings for the session below: what it observes on the wire
// is told decoded, and an FTP server that offers UTF-8 is not asked for it unless
// that is the encoding, or the settings insist.
func (e Encoding) Settings(s session.Settings) session.Settings {
	if e.table != nil && s.Features["UTF8"] == session.FeatureAuto {
		features := maps.Clone(s.Features)
		if features == nil {
			features = make(map[string]session.Feature)
		}
		features["UTF8"] = session.FeatureDisabled
		s.Features = features
	}
	if observe := s.Observe; observe != nil {
		s.Observe = func(w session.Wire) {
			w.Text = e.decodeText(w.Text)
			observe(w)
		}
	}
	return s
}

// Login returns the endpoint with user and password encoded. The error is
// BadArgument and shows nothing of the password.
func (e Encoding) Login(endpoint session.Endpoint) (session.Endpoint, error) {
	written := endpoint
	var err error
	if written.User, err = e.encode(endpoint.User); err != nil {
		return endpoint, badName("logging in as "+endpoint.User, endpoint.User, err)
	}
	if written.Password, err = e.encode(endpoint.Password); err != nil {
		return endpoint, badName("logging in", endpoint.User, fmt.Errorf("the password cannot be written in %s", e.name))
	}
	return written, nil
}

// Failure decodes the server's words in an error. What else it says may be our own
// or speak of local files, so that is decoded only where it cannot be UTF-8.
func (e Encoding) Failure(err error) error {
	var below *session.Error
	if err == nil || !errors.As(err, &below) {
		return err
	}
	shown := *below
	shown.Reply.Text = e.decodeText(below.Reply.Text)
	for _, text := range []*string{&shown.Op, &shown.Name, &shown.Hint} {
		if !utf8.ValidString(*text) {
			*text = e.decodeText(*text)
		}
	}
	if below.Err != nil && !utf8.ValidString(below.Err.Error()) {
		shown.Err = &decodedError{e.decodeText(below.Err.Error()), below.Err}
	}
	return &shown
}

// decodedError is an error with its text decoded.
type decodedError struct {
	text string
	err  error
}

func (e *decodedError) Error() string { return e.text }
func (e *decodedError) Unwrap() error { return e.err }
