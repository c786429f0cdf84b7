package server

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"io"
	"slices"
	"strings"
)

// hashKinds are the hashes of HASH and of the commands of their own, by the name
// that HASH has for them.
func hashKinds() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"SHA-512": sha512.New, "SHA-256": sha256.New, "SHA-1": sha1.New, "MD5": md5.New,
		"CRC32": func() hash.Hash { return crc32.NewIEEE() },
	}
}

const defaultHash = "SHA-256"

// hashList is what FEAT and OPTS tell: the names, a star behind the chosen one.
func (s *session) hashList() string {
	var names []string
	for name := range hashKinds() {
		if name == s.chosenHash() {
			name += "*"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ";")
}

func (s *session) chosenHash() string {
	if s.hashKind == "" {
		return defaultHash
	}
	return s.hashKind
}

func (s *session) chooseHash(c *command, name string) {
	name = strings.ToUpper(strings.TrimSpace(name))
	if name != "" && hashKinds()[name] == nil {
		s.reply(c, 501, "No such hash")
		return
	}
	if name != "" {
		s.hashKind = name
	}
	s.reply(c, 200, "%s", s.chosenHash())
}

// hash answers HASH (draft-bryan-ftpext-hash).
func (s *session) hash(c *command) {
	sum, size, ok := s.sum(c, s.chosenHash())
	if ok {
		s.reply(c, 213, "%s 0-%d %s %s", s.chosenHash(), size, sum, c.argument)
	}
}

// plainHash answers XSHA256 and its kin. The argument may stand in quotes.
func plainHash(name string) func(*session, *command) {
	return func(s *session, c *command) {
		if sum, _, ok := s.sum(c, name); ok {
			s.replyLines(c, 250, "Computing "+name, nil, strings.ToUpper(sum))
		}
	}
}

// sum reads the file of the command's argument, or refuses.
func (s *session) sum(c *command, name string) (sum string, size int64, ok bool) {
	argument := c.argument
	if inner, quoted := strings.CutPrefix(argument, `"`); quoted && strings.HasSuffix(inner, `"`) {
		argument = strings.TrimSuffix(inner, `"`)
	}
	file, _, err := s.openRegular(s.resolve(argument))
	if err == nil {
		defer file.Close()
		state := hashKinds()[name]()
		if size, err = io.Copy(state, file); err == nil {
			return hex.EncodeToString(state.Sum(nil)), size, true
		}
	}
	s.refuse(c, err)
	return "", 0, false
}
