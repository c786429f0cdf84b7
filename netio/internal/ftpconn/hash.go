package ftpconn

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// hashWay is how FTP asks for one kind of hash: HASH, once OPTS HASH has chosen it
// (draft-bryan-ftpext-hash), or a command of its own that FEAT lists.
type hashWay struct {
	algorithm string // as session.Hasher has it
	name      string // as HASH has it
	bytes     int
	verbs     []string
}

func hashWays() []hashWay {
	return []hashWay{
		{"SHA512", "SHA-512", 64, []string{"XSHA512"}},
		{"SHA256", "SHA-256", 32, []string{"XSHA256"}},
		{"SHA1", "SHA-1", 20, []string{"XSHA1", "XSHA"}},
		{"MD5", "MD5", 16, []string{"XMD5"}},
		{"CRC32", "CRC32", 4, []string{"XCRC"}},
	}
}

// Hash asks for the first of the algorithms that the server has for all bytes of
// name, as they are in TYPE I.
func (s *Session) Hash(ctx context.Context, name string, algorithms []string) (algorithm string, sum []byte, err error) {
	err = s.named(ctx, "asking for the hash of", name, func() error {
		if err := s.ensureType(session.TypeBinary); err != nil {
			return err
		}
		for _, wanted := range algorithms {
			at := slices.IndexFunc(hashWays(), func(w hashWay) bool { return w.algorithm == wanted })
			if at < 0 {
				continue
			}
			sum, err = s.hashBy(hashWays()[at], name)
			if sum != nil || err != nil {
				algorithm = wanted
				return err
			}
		}
		return fault(session.NotSupported, errors.New("the server computes no hash that is known here"))
	})
	if err != nil {
		return "", nil, err
	}
	return algorithm, sum, nil
}

// hashBy asks in the ways that the server lists. It returns nil and no error where
// there is none, or the server does not know after all what it lists.
func (s *Session) hashBy(way hashWay, name string) ([]byte, error) {
	if s.has("HASH") && s.offersHash(way.name) {
		chosen, err := s.chooseHash(way.name)
		if err != nil {
			return nil, err
		}
		if chosen {
			sum, known, err := s.askHash("HASH", "HASH "+name, func(text string) ([]byte, bool) { return hashReply(text, way) })
			if known || err != nil {
				return sum, err
			}
		}
	}
	for _, verb := range way.verbs {
		if !s.has(verb) {
			continue
		}
		argument := name
		if strings.Contains(name, " ") {
			argument = `"` + name + `"` // behind a bare name they look for a range
		}
		sum, known, err := s.askHash(verb, verb+" "+argument, func(text string) ([]byte, bool) { return plainHashReply(text, way) })
		if known || err != nil {
			return sum, err
		}
	}
	return nil, nil
}

// askHash sends the command. known is false where the server does not know it.
func (s *Session) askHash(verb, line string, parse func(text string) ([]byte, bool)) (sum []byte, known bool, err error) {
	reply, e := s.exchange(line)
	switch {
	case e != nil:
		return nil, true, e
	case s.learnUnknown(verb, reply.Code):
		return nil, false, nil
	case !completed(reply.Code):
		return nil, true, errRefused
	}
	sum, ok := parse(reply.Text)
	if !ok {
		return nil, true, protocolFault("a reply to %s without a hash: %q", verb, clip(reply.Text))
	}
	return sum, true, nil
}

// offersHash reads the arguments of HASH in FEAT: names separated by semicolons,
// the chosen one with a star.
func (s *Session) offersHash(name string) bool {
	for _, listed := range strings.Split(s.features["HASH"], ";") {
		if strings.EqualFold(strings.TrimSuffix(strings.TrimSpace(listed), "*"), name) {
			return true
		}
	}
	return false
}

// chooseHash says which hash HASH is to compute.
func (s *Session) chooseHash(name string) (chosen bool, err error) {
	if s.chosenHash == name {
		return true, nil
	}
	reply, e := s.exchange("OPTS HASH " + name)
	if e != nil {
		return false, e
	}
	if !completed(reply.Code) {
		return false, nil
	}
	s.chosenHash = name
	return true, nil
}

// hashReply reads "SHA-256 0-49 6a5f… name", the last line of a 213. The range must
// begin with the file, and its end is told in more than one way.
func hashReply(text string, way hashWay) ([]byte, bool) {
	words := strings.Fields(lastLine(text))
	if len(words) < 3 || !strings.EqualFold(words[0], way.name) {
		return nil, false
	}
	from, to, ranged := strings.Cut(words[1], "-")
	if !ranged || strings.Trim(from, "0") != "" || from == "" || to == "" || strings.Trim(to, "0123456789") != "" {
		return nil, false
	}
	return hexSum(words[2], way.bytes)
}

// plainHashReply reads the replies of XMD5 and its kin: the hash is the last word
// of the last line, alone or behind the name.
func plainHashReply(text string, way hashWay) ([]byte, bool) {
	words := strings.Fields(lastLine(text))
	if len(words) == 0 {
		return nil, false
	}
	return hexSum(words[len(words)-1], way.bytes)
}

// hexSum reads exactly so many bytes. Nothing shorter is taken: a word that happens
// to be hexadecimal must not pass for a hash.
func hexSum(word string, bytes int) ([]byte, bool) {
	if len(word) != 2*bytes {
		return nil, false
	}
	sum, err := hex.DecodeString(word)
	return sum, err == nil
}

func lastLine(text string) string {
	text = strings.TrimRight(text, "\r\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}
