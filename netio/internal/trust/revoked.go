package trust

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// revokedKeys are those of a file that RevokedHostKeys of ssh_config names.
type revokedKeys struct {
	file string
	keys map[string]int // the line of each, by its wire form
	list *krl           // where the file is one
}

// readRevoked reads a file of public keys, one a line, or a revocation list. Unlike with a file of known
// hosts a line that cannot be read is an error, and so is a missing file: what they
// revoke is not known.
func readRevoked(name string) (*revokedKeys, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() // it was only read
	r := &revokedKeys{file: name, keys: map[string]int{}}
	if err := r.read(io.LimitReader(file, mostKnownHosts+1)); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

func (r *revokedKeys) read(from io.Reader) error {
	data, err := io.ReadAll(from)
	switch {
	case err != nil:
		return err
	case len(data) > mostKnownHosts:
		return fmt.Errorf("this file is longer than %d MiB", mostKnownHosts>>20)
	case bytes.HasPrefix(data, []byte(krlMagic)):
		r.list, err = parseKRL(data)
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, mostKnownLine)
	for number := 1; lines.Scan(); number++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, options, _, err := ssh.ParseAuthorizedKey(line)
		if err == nil && len(options) > 0 {
			err = errors.New("something stands before the key")
		}
		if err != nil {
			return fmt.Errorf("line %d is no public key: %s", number, strings.TrimPrefix(err.Error(), "ssh: "))
		}
		r.keys[string(key.Marshal())] = number
		if certificate, ok := key.(*ssh.Certificate); ok {
			r.keys[string(certificate.Key.Marshal())] = number
		}
	}
	return lines.Err()
}

// place is where a key is revoked, as file:line or the file; "" if it is not. A
// certificate is revoked with its key and with its authority's.
func (r *revokedKeys) place(key ssh.PublicKey) string {
	if r.list != nil {
		if r.list.revokes(key) {
			return r.file
		}
		return ""
	}
	keys := []ssh.PublicKey{key}
	if certificate, ok := key.(*ssh.Certificate); ok {
		keys = []ssh.PublicKey{certificate.Key, certificate.SignatureKey}
	}
	for _, key := range keys {
		if number, ok := r.keys[string(key.Marshal())]; ok {
			return fmt.Sprintf("%s:%d", r.file, number)
		}
	}
	return ""
}
