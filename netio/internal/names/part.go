package names

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	partPrefix = ".sftpc-"
	partSuffix = ".part"
	noteSuffix = ".note"
	hashLength = 16 // hex digits: 64 bits are far more than one folder's names need
)

// Part is the name under which an unfinished file is kept that will be called
// name. It depends on name alone, so that a later run finds it again, and it is
// always short enough, however long name is.
func Part(name string) string { return partPrefix + hash(name) + partSuffix }

// Note is the name of the note beside Part(name).
func Note(name string) string { return partPrefix + hash(name) + noteSuffix }

// IsPart reports whether name is one that Part or Note makes. Sets of files,
// listings and SYNC leave such names out.
func IsPart(name string) bool {
	rest, ok := strings.CutPrefix(name, partPrefix)
	if !ok || len(rest) < hashLength {
		return false
	}
	for i := range hashLength {
		if !strings.Contains("0123456789abcdef", rest[i:i+1]) {
			return false
		}
	}
	return rest[hashLength:] == partSuffix || rest[hashLength:] == noteSuffix
}

func hash(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])[:hashLength]
}
