package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// mostSecret bounds a secret's file.
const mostSecret = 64 << 10

// ReadSecret reads a secret from where source says: env:NAME or file:PATH. One line
// end at the end of a file is not part of it. A file that others can read is
// refused, but for those that a service manager made. The error shows nothing of the
// source, which may be the secret itself where somebody did not know better.
func (p *Process) ReadSecret(source string) (string, error) {
	kind, where, _ := strings.Cut(source, ":")
	switch kind {
	case "env":
		value, found := p.Getenv(where)
		if !found {
			return "", fmt.Errorf("the environment variable %s is not set", where)
		}
		return value, nil
	case "file":
		return p.readSecretFile(p.Path(where))
	}
	return "", errors.New("expected env:NAME or file:PATH; on a command line other users of this machine could read a password")
}

func (p *Process) readSecretFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 && !p.handedOut(name) {
		return "", fmt.Errorf("%s can be read by others: chmod 600", name)
	}
	data, err := io.ReadAll(io.LimitReader(file, mostSecret+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > mostSecret:
		return "", fmt.Errorf("%s is longer than %d KiB", name, mostSecret>>10)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}

// handedOut tells whether a service or container manager put the file there, whose
// modes are what they are.
func (p *Process) handedOut(name string) bool {
	folders := []string{"/run/secrets"}
	if dir, ok := p.Getenv("CREDENTIALS_DIRECTORY"); ok && filepath.IsAbs(dir) {
		folders = append(folders, filepath.Clean(dir))
	}
	for _, folder := range folders {
		if strings.HasPrefix(filepath.Clean(name), folder+string(filepath.Separator)) {
			return true
		}
	}
	return false
}
