package builtins

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestGetSecret(t *testing.T) {
	const value = "correct horse"
	options := Options{Secret: func(_ context.Context, name string) (string, error) {
		switch name {
		case "good":
			return value, nil
		case "short":
			return "abc", nil
		case "long":
			return strings.Repeat("long", mostSecret), nil
		case "nul":
			return "correct\x00horse", nil
		case "empty":
			return "", nil
		}
		return "", errors.New("the vault is closed")
	}}
	b := newBench(t, options)
	o := b.run(`$s = GETSECRET("good")`, `PRINT($s)`, `PRINT(TEXTLENGTH($s))`, `PRINT(TEXTCUT($s, 1, 7))`)
	if o.stdout != mask+"\n13\ncorrect\n" || strings.Contains(o.transcript, value) {
		t.Errorf("%q\n%s", o.stdout, o.transcript)
	}
	for name, says := range map[string]string{
		"other": "fetching the secret other: the vault is closed", "empty": "it is empty", "long": "longer than 64 KiB", "nul": "it holds a NUL",
		"two words": "must be a plain word", "": "must be a plain word", "../x": "must be a plain word",
	} {
		o := b.run(`PRINT("got " . GETSECRET("` + name + `"))`)
		if o.result.Status != 1 || o.stdout != "" || !o.has(says) || !o.has("BAD_ARGUMENT") {
			t.Errorf("%q: status %d, printed %q\n%s", name, o.result.Status, o.stdout, o.transcript)
		}
	}
	if o := b.run(`$s = GETSECRET("short")`, `PRINT("x" . $s)`); !o.has("fewer than 8 bytes") || o.result.Status != 0 {
		t.Errorf("%s", o.transcript)
	}
	if o := newBench(t, Options{}).run(`PRINT(GETSECRET("good"))`); o.result.Status != 126 || !o.has("this run has no secrets") {
		t.Errorf("status %d\n%s", o.result.Status, o.transcript)
	}
}

// A program that waits for a person ends with the run.
func TestGetSecret_EndsWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	b := newBench(t, Options{Secret: func(ctx context.Context, _ string) (string, error) {
		cancel()
		<-ctx.Done()
		return "", errors.New("killed")
	}})
	if o := b.runContext(ctx, `PRINT(GETSECRET("good"))`); !errors.Is(o.err, context.Canceled) {
		t.Errorf("%v", o.err)
	}
}
