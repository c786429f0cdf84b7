package trust

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/internal/names"
)

// knownLine is one line of a file in the form of OpenSSH's known_hosts.
type knownLine struct {
	file    string
	number  int // from 1
	marker  string
	hosts   []string // patterns, or one hashed name
	key     ssh.PublicKey
	comment string
}

// Markers of a line; "" is an ordinary one.
const (
	markAuthority = "cert-authority"
	markRevoked   = "revoked"
)

// place is how messages name the line.
func (l *knownLine) place() string { return fmt.Sprintf("%s:%d", l.file, l.number) }

const (
	// mostKnownHosts bounds one file. A megabyte is about 4,000 keys.
	mostKnownHosts = 64 << 20
	// mostKnownLine bounds one line; the longest keys have some 3 KiB.
	mostKnownLine = 64 << 10
)

// knownHosts is what the files say.
type knownHosts struct {
	lines []knownLine
	// damaged are lines that could not be read, as sentences with file and number.
	damaged []string
}

// readKnownHosts reads every file. A missing one is empty. A line that cannot be
// read is left out and told: the rest of the file stays good, as with OpenSSH. A
// file that cannot be read is an error, since it may hold what is revoked.
func readKnownHosts(files []string) (*knownHosts, error) {
	known := &knownHosts{}
	for _, name := range files {
		if name == "" {
			continue
		}
		file, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		err = known.read(io.LimitReader(file, mostKnownHosts+1), name)
		file.Close() // it was only read
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return known, nil
}

func (k *knownHosts) read(r io.Reader, name string) error {
	reader := bufio.NewReaderSize(r, mostKnownLine)
	size := 0
	for number := 1; ; number++ {
		line, err := reader.ReadSlice('\n')
		size += len(line)
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			var more []byte
			more, err = reader.ReadSlice('\n')
			size += len(more)
		}
		if size > mostKnownHosts {
			return fmt.Errorf("this file is longer than %d MiB", mostKnownHosts>>20)
		}
		if err != nil && err != io.EOF {
			return err
		}
		if tooLong {
			k.damaged = append(k.damaged, fmt.Sprintf("%s:%d: this line is left out: it is longer than %d bytes", name, number, mostKnownLine))
		} else if parsed, wrong := parseKnownLine(line); wrong != nil {
			k.damaged = append(k.damaged, fmt.Sprintf("%s:%d: this line is left out: %v", name, number, wrong))
		} else if parsed != nil {
			parsed.file, parsed.number = name, number
			k.lines = append(k.lines, *parsed)
		}
		if err == io.EOF {
			return nil
		}
	}
}

// parseKnownLine reads one line; nil for an empty one and a comment.
func parseKnownLine(line []byte) (*knownLine, error) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return nil, nil
	}
	marker, hosts, key, comment, _, err := ssh.ParseKnownHosts(line)
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it has no key")
	case err != nil:
		return nil, errors.New(strings.TrimPrefix(err.Error(), "ssh: "))
	case marker != "" && marker != markAuthority && marker != markRevoked:
		return nil, errors.New("its marker is none of @cert-authority and @revoked")
	}
	if strings.HasPrefix(hosts[0], "|") {
		if _, _, err := splitHash(hosts[0]); err != nil || len(hosts) > 1 {
			return nil, errors.New("its hashed name cannot be read")
		}
	}
	return &knownLine{marker: marker, hosts: hosts, key: key, comment: comment}, nil
}

// splitHash reads a hashed name, |1|salt|hash.
func splitHash(text string) (salt, hash []byte, err error) {
	parts := strings.Split(text, "|")
	if len(parts) != 4 || parts[0] != "" || parts[1] != "1" {
		return nil, nil, errors.New("not of the form |1|salt|hash")
	}
	if salt, err = base64.StdEncoding.DecodeString(parts[2]); err != nil {
		return nil, nil, err
	}
	if hash, err = base64.StdEncoding.DecodeString(parts[3]); err != nil {
		return nil, nil, err
	}
	if len(hash) != sha1.Size {
		return nil, nil, errors.New("not a hash of SHA-1")
	}
	return salt, hash, nil
}

// names reports whether the line is about the name, which is as knownName writes it.
func (l *knownLine) names(name string) bool {
	if strings.HasPrefix(l.hosts[0], "|") {
		salt, hash, err := splitHash(l.hosts[0])
		if err != nil {
			return false
		}
		sum := hmac.New(sha1.New, salt)
		sum.Write([]byte(name))
		return hmac.Equal(sum.Sum(nil), hash)
	}
	found := false
	for _, pattern := range l.hosts {
		pattern, negated := strings.CutPrefix(strings.ToLower(pattern), "!")
		if pattern == "" || !names.Glob(pattern, name, false) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

// knownName is how a file of host keys names a host: in small letters, with the
// port in brackets where it is not SSH's own.
func knownName(host, port string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if port == "" || port == sshPort {
		return host
	}
	return "[" + host + "]:" + port
}

const sshPort = "22"

// about returns the lines about a host that bear the marker. Where there is none
// with the port, a key that stands for the host without a port is good too, as with
// OpenSSH; loose says that this was so: then another key is unknown, not changed.
func (k *knownHosts) about(host, port, marker string) (lines []*knownLine, loose bool) {
	find := func(name string) (found []*knownLine) {
		for i := range k.lines {
			if l := &k.lines[i]; l.marker == marker && l.names(name) {
				found = append(found, l)
			}
		}
		return found
	}
	lines = find(knownName(host, port))
	if len(lines) == 0 && port != sshPort {
		return find(knownName(host, "")), true
	}
	return lines, false
}

// revoked returns the line that revokes a key for a host, nil if none does. A
// certificate is revoked with its key and with its authority's.
func (k *knownHosts) revoked(host, port string, keys ...ssh.PublicKey) *knownLine {
	for i := range k.lines {
		l := &k.lines[i]
		if l.marker != markRevoked || !l.names(knownName(host, port)) && !l.names(knownName(host, "")) {
			continue
		}
		for _, key := range keys {
			if sameKey(l.key, key) {
				return l
			}
		}
	}
	return nil
}

func sameKey(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

// joinPort is host:port for messages.
func joinPort(host, port string) string { return net.JoinHostPort(host, port) }
