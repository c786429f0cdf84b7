package app

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"pass show acme":             {"pass", "show", "acme"},
		"  a \t b ":                  {"a", "b"},
		`sh -c "echo 'a b'" 'x "y"'`: {"sh", "-c", "echo 'a b'", `x "y"`},
		`a "" b`:                     {"a", "", "b"},
		`a"b c"d`:                    {"ab cd"},
		"":                           nil,
		`"unclosed`:                  nil,
		`""`:                         nil,
	} {
		got, err := splitWords(line)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
}

func TestSecrets_LineEnds(t *testing.T) {
	for text, want := range map[string]string{"a": "a", "a\n": "a", "a\r\n": "a", "a\n\n": "a\n", "a\r": "a\r", "": "", "\n": ""} {
		if got := cutLineEnd(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A secret is fetched once: its program may ask a person.
func TestSecrets_AreFetchedOnce(t *testing.T) {
	p := &Process{Environ: []string{"SFTPC_SECRET_A_B=first"}}
	s, err := secretsOf(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		value, err := s.fetch(context.Background(), "A-b")
		if value != "first" || err != nil {
			t.Errorf("%q, %v", value, err)
		}
		p.Environ = []string{"SFTPC_SECRET_A_B=second"}
	}
	if _, err := s.fetch(context.Background(), "other"); err == nil || !strings.Contains(err.Error(), "SFTPC_SECRET_OTHER") {
		t.Errorf("%v", err)
	}
	if got := s.execEnviron(); len(got) != 0 || len(p.Environ) != 1 {
		t.Errorf("programs see %q of %q", got, p.Environ)
	}
}
