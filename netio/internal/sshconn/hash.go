package sshconn

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// Hash asks for the hash of a file by the extension check-file, which ProFTPD,
// Bitvise and some others have and OpenSSH has not.
func (s *Session) Hash(ctx context.Context, name string, algorithms []string) (algorithm string, sum []byte, err error) {
	err = s.named(ctx, "asking for the hash of", name, func() error {
		path := s.absolute(name)
		if s.computesHashes() {
			algorithm, sum, err = s.checkFile(path, algorithms)
			return s.investigate(err, "OPEN", path)
		}
		return fault(session.NotSupported, errors.New("the server computes no hashes"))
	})
	if err != nil {
		return "", nil, err
	}
	return algorithm, sum, nil
}

// computesHashes tells whether check-file is worth asking for. ProFTPD has it and
// says so only in later versions of the protocol. Nobody else is asked who does not
// name it: there are servers that hang up on what they do not know.
func (s *Session) computesHashes() bool {
	return s.main.has("check-file") || s.main.has("check-file-name") || s.main.has("check-file-handle") ||
		strings.Contains(string(s.connection.ServerVersion()), "mod_sftp")
}

// checkFileNames are the names that check-file has for what we call otherwise,
// and the lengths of the sums (draft-ietf-secsh-filexfer-extensions-00, 3).
func checkFileNames() map[string]struct {
	name string
	size int
} {
	return map[string]struct {
		name string
		size int
	}{
		"SHA256": {"sha256", 32}, "SHA1": {"sha1", 20}, "SHA512": {"sha512", 64}, "SHA384": {"sha384", 48},
		"SHA224": {"sha224", 28}, "MD5": {"md5", 16}, "CRC32": {"crc32", 4},
	}
}

func (s *Session) checkFile(path string, algorithms []string) (algorithm string, sum []byte, err error) {
	table := checkFileNames()
	var offered []string
	for _, a := range algorithms {
		if known, ok := table[strings.ToUpper(a)]; ok {
			offered = append(offered, known.name)
		}
	}
	if len(offered) == 0 {
		return "", nil, fault(session.NotSupported, fmt.Errorf("none of %s can be asked for", strings.Join(algorithms, ", ")))
	}
	s.tell("CHECK-FILE %s %s", path, strings.Join(offered, ","))
	var body []byte
	// Hashing a large file takes the server as long as reading it.
	err = s.await(max(s.settings.Timeouts.Reply, s.settings.Timeouts.Idle), func() (err error) {
		// From the first byte to the last, as one block.
		fields := appendText(appendText(nil, path), strings.Join(offered, ","))
		fields = appendNumber(appendLong(appendLong(fields, 0), 0), 0)
		body, err = s.main.extended(fxReply, "check-file-name", fields)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	return readHash(body)
}

// readHash reads the answer: the algorithm and then, to the end, the sum. Some
// servers repeat the extension's name in front.
func readHash(body []byte) (algorithm string, sum []byte, err error) {
	f := fields{rest: body}
	said := string(f.text())
	if said == "check-file" {
		said = string(f.text())
	}
	for ours, known := range checkFileNames() {
		if f.err == nil && known.name == strings.ToLower(said) && len(f.rest) == known.size {
			return ours, append([]byte(nil), f.rest...), nil
		}
	}
	return "", nil, nonsense("a hash that cannot be read")
}
