package trust

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// Sum is the SHA-256 of a public key or certificate.
type Sum [sha256.Size]byte

// PinPrefix is what pins begin with.
const PinPrefix = "SHA256:"

// String is the fingerprint as OpenSSH and SETCERTIFICATE write it.
func (f Sum) String() string {
	return PinPrefix + base64.RawStdEncoding.EncodeToString(f[:])
}

// ParseCertificatePin reads the pin of a certificate: SHA256: and base64 with or without padding, or hexadecimal
// with or without colons.
func ParseCertificatePin(text string) (sum Sum, err error) {
	digits, ok := strings.CutPrefix(strings.TrimSpace(text), PinPrefix)
	if !ok {
		return sum, fmt.Errorf("%q is no pin: it must begin with %s", clip(text), PinPrefix)
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if err != nil {
		raw, err = base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(digits, "="))
	}
	if err != nil || len(raw) != len(sum) {
		return sum, fmt.Errorf("%q is no pin: %s needs 32 bytes in base64 or hexadecimal behind it", clip(text), PinPrefix)
	}
	return Sum(raw), nil
}

// parsePins reads a list of them.
func parsePins(texts []string) ([]Sum, error) {
	var all []Sum
	for _, text := range texts {
		sum, err := ParseCertificatePin(text)
		if err != nil {
			return nil, err
		}
		all = append(all, sum)
	}
	return all, nil
}

// clip bounds what a message quotes of what others wrote.
func clip(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
