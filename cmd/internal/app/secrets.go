package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/builtins"
)

// secrets answers GETSECRET from the sources of --secret NAME=SOURCE and, for names
// without one, from the variables SFTPC_SECRET_NAME. Each is fetched when a script
// asks for it first, and once: a program may ask a person. It is safe for concurrent
// use.
type secrets struct {
	process *Process
	sources map[string]string // by name in small letters: env:V, file:PATH, cred:NAME, exec:PROGRAM ARGS

	lock   sync.Mutex
	values map[string]string
}

// secretPrefix begins the variables in which secrets are found. Scripts and the
// programs that they start do not see these: GETSECRET is the way to them, which masks
// what it gives.
const secretPrefix = "SFTPC_SECRET_"

func isSecretVariable(name string) bool {
	return len(name) >= len(secretPrefix) && strings.EqualFold(name[:len(secretPrefix)], secretPrefix)
}

// environ is the environment without secrets, looked up by a script's GETENV.
func (s *secrets) environ(name string) (value string, found bool) {
	if isSecretVariable(name) {
		return "", false
	}
	return s.process.Getenv(name)
}

// execEnviron is the environment of programs without secrets.
func (s *secrets) execEnviron() []string {
	return slices.DeleteFunc(slices.Clone(s.process.Environ), isSecretVariable)
}

// secretsOf reads --secret.
func secretsOf(p *Process, values []string) (*secrets, error) {
	s := &secrets{process: p, sources: map[string]string{}, values: map[string]string{}}
	for _, v := range values {
		// What stands behind the name may be a secret that somebody wrote there by
		// mistake: it is not told.
		name, source, ok := strings.Cut(v, "=")
		if !ok || !builtins.IsSecretName(name) {
			return nil, errors.New("--secret: expected NAME=SOURCE, the name a plain word")
		}
		kind, rest, ok := strings.Cut(source, ":")
		switch {
		case !ok || rest == "" || kind != "env" && kind != "file" && kind != "cred" && kind != "exec":
			return nil, fmt.Errorf("--secret %s=…: the source must be env:VARIABLE, file:PATH, cred:NAME or exec:PROGRAM ARGUMENTS, and never the secret itself", name)
		case kind == "cred" && (filepath.Base(rest) != rest || rest == "." || rest == ".."):
			return nil, fmt.Errorf("--secret %s=cred:…: a credential is named by one name, without a path", name)
		}
		key := strings.ToLower(name)
		if _, twice := s.sources[key]; twice {
			return nil, fmt.Errorf("--secret %s=…: it is named twice", name)
		}
		s.sources[key] = source
	}
	return s, nil
}

// fetch is Options.Secret.
func (s *secrets) fetch(ctx context.Context, name string) (string, error) {
	key := strings.ToLower(name)
	s.lock.Lock()
	defer s.lock.Unlock()
	if value, ok := s.values[key]; ok {
		return value, nil
	}
	value, err := s.read(ctx, key)
	if err != nil {
		return "", err
	}
	value = cutLineEnd(value)
	s.values[key] = value
	return value, nil
}

func (s *secrets) read(ctx context.Context, key string) (string, error) {
	source, named := s.sources[key]
	if !named {
		variable := secretPrefix + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
		value, ok := s.process.Getenv(variable)
		if !ok {
			return "", fmt.Errorf("neither --secret %s=SOURCE nor the variable %s says where it comes from", key, variable)
		}
		return value, nil
	}
	kind, rest, _ := strings.Cut(source, ":")
	switch kind {
	case "env":
		value, ok := s.process.Getenv(rest)
		if !ok {
			return "", fmt.Errorf("there is no environment variable %s", rest)
		}
		return value, nil
	case "cred":
		folder, ok := s.process.Getenv("CREDENTIALS_DIRECTORY")
		if !ok || !filepath.IsAbs(folder) {
			return "", errors.New("there is no $CREDENTIALS_DIRECTORY, which systemd sets for services with LoadCredential=")
		}
		return readSecretFile(filepath.Join(folder, rest))
	case "file":
		path := s.process.Path(rest)
		if err := s.private(path); err != nil {
			return "", err
		}
		return readSecretFile(path)
	}
	return s.ask(ctx, rest)
}

// private refuses a file that others can read, unless it lies where secrets are put
// for services: what protects these is the folder.
func (s *secrets) private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if runtime.GOOS == "windows" || info.Mode().Perm()&0o044 == 0 || !info.Mode().IsRegular() {
		return nil
	}
	folders := []string{"/run/secrets"}
	if folder, ok := s.process.Getenv("CREDENTIALS_DIRECTORY"); ok && filepath.IsAbs(folder) {
		folders = append(folders, folder)
	}
	for _, folder := range folders {
		if inside, err := filepath.Rel(folder, path); err == nil && filepath.IsLocal(inside) {
			return nil
		}
	}
	return fmt.Errorf("%s can be read by others: chmod 600 makes it yours alone", path)
}

// mostSecretBytes is more than builtins accepts, so that it says what is too long.
const mostSecretBytes = 1 << 20

func readSecretFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() // it was only read
	data, err := io.ReadAll(io.LimitReader(file, mostSecretBytes))
	return string(data), err
}

// secretPatience is how long a program may take: it may ask a person to touch a key.
const secretPatience = 2 * time.Minute

// ask runs a program and takes what it writes. There is no shell: words are separated
// by blanks, and quotes of either kind keep blanks.
func (s *secrets) ask(ctx context.Context, line string) (string, error) {
	words, err := splitWords(line)
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithTimeout(ctx, secretPatience)
	defer stop()
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Dir, command.Env = s.process.Dir, s.process.Environ
	command.WaitDelay = 5 * time.Second
	value, complaint := &limited{most: mostSecretBytes}, &limited{most: 4 << 10}
	command.Stdout, command.Stderr = value, complaint
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("%s did not end within %s", words[0], secretPatience)
		}
		first, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n")
		if first != "" {
			return "", fmt.Errorf("%s failed: %w: %s", words[0], err, first)
		}
		return "", fmt.Errorf("%s failed: %w", words[0], err)
	}
	return value.String(), nil
}

// limited keeps the first bytes of what is written to it.
type limited struct {
	bytes.Buffer
	most int
}

func (l *limited) Write(data []byte) (int, error) {
	l.Buffer.Write(data[:max(0, min(len(data), l.most-l.Len()))])
	return len(data), nil
}

// splitWords splits a line at blanks, but for those within quotes.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	open := false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, open = c, true
		case c == ' ' || c == '\t':
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the program's line has a %c that is not closed", quote)
	}
	if open {
		words = append(words, word.String())
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("no program is named")
	}
	return words, nil
}

// cutLineEnd takes off the one line end that editors and programs put behind a text.
func cutLineEnd(text string) string {
	if line, ended := strings.CutSuffix(text, "\n"); ended {
		return strings.TrimSuffix(line, "\r")
	}
	return text
}
