package sshlogin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"slices"

	"golang.org/x/crypto/scrypt"
)

// Keys in PKCS #8 with a passphrase (ssh-keygen -m PKCS8, openssl genpkey), which
// the library does not read: PBES2 of RFC 8018, with PBKDF2 or scrypt.

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}

	oidHMACSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACSHA384 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	oidHMACSHA512 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}

	oidAES128CBC = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidAES192CBC = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}
	oidAES256CBC = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidDES3CBC   = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
)

type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2Parameters struct {
	Derivation pkix.AlgorithmIdentifier
	Scheme     pkix.AlgorithmIdentifier
}

type pbkdf2Parameters struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

type scryptParameters struct {
	Salt                 []byte
	Cost, Block, Threads int
	KeyLength            int `asn1:"optional"`
}

// The work that a file may ask for: a hundred times what the tools write.
const (
	mostIterations = 10_000_000
	mostScrypt     = 1 << 30 // bytes: 128 * Cost * Block
)

var errPKCS8Form = errors.New("its form of PKCS #8 is not one that is known")

// decryptPKCS8 returns the PKCS #8 within. A wrong passphrase is errWrongPassphrase
// or, once in 256 times, noise.
func decryptPKCS8(data []byte, passphrase string) ([]byte, error) {
	var outer encryptedKey
	var parameters pbes2Parameters
	if rest, err := asn1.Unmarshal(data, &outer); err != nil || len(rest) > 0 {
		return nil, errPKCS8Form
	}
	if !outer.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("%w: %s instead of PBES2", errPKCS8Form, outer.Algorithm.Algorithm)
	}
	if rest, err := asn1.Unmarshal(outer.Algorithm.Parameters.FullBytes, &parameters); err != nil || len(rest) > 0 {
		return nil, errPKCS8Form
	}
	length, newBlock, err := schemeOf(parameters.Scheme)
	if err != nil {
		return nil, err
	}
	key, err := deriveKey(parameters.Derivation, passphrase, length)
	if err != nil {
		return nil, err
	}
	block, err := newBlock(key)
	if err != nil {
		return nil, err
	}
	var start []byte
	if rest, err := asn1.Unmarshal(parameters.Scheme.Parameters.FullBytes, &start); err != nil || len(rest) > 0 || len(start) != block.BlockSize() {
		return nil, errPKCS8Form
	}
	if len(outer.Data) == 0 || len(outer.Data)%block.BlockSize() != 0 {
		return nil, errPKCS8Form
	}
	plain := make([]byte, len(outer.Data))
	cipher.NewCBCDecrypter(block, start).CryptBlocks(plain, outer.Data)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > block.BlockSize() || slices.ContainsFunc(plain[len(plain)-padding:], func(b byte) bool { return int(b) != padding }) {
		return nil, errWrongPassphrase
	}
	return plain[:len(plain)-padding], nil
}

func schemeOf(scheme pkix.AlgorithmIdentifier) (keyLength int, newBlock func([]byte) (cipher.Block, error), err error) {
	switch {
	case scheme.Algorithm.Equal(oidAES128CBC):
		return 16, aes.NewCipher, nil
	case scheme.Algorithm.Equal(oidAES192CBC):
		return 24, aes.NewCipher, nil
	case scheme.Algorithm.Equal(oidAES256CBC):
		return 32, aes.NewCipher, nil
	case scheme.Algorithm.Equal(oidDES3CBC):
		return 24, des.NewTripleDESCipher, nil
	}
	return 0, nil, fmt.Errorf("%w: the cipher %s", errPKCS8Form, scheme.Algorithm)
}

func deriveKey(derivation pkix.AlgorithmIdentifier, passphrase string, length int) ([]byte, error) {
	switch {
	case derivation.Algorithm.Equal(oidPBKDF2):
		var p pbkdf2Parameters
		if rest, err := asn1.Unmarshal(derivation.Parameters.FullBytes, &p); err != nil || len(rest) > 0 {
			return nil, errPKCS8Form
		}
		newHash, err := hashOf(p.PRF.Algorithm)
		if err != nil {
			return nil, err
		}
		if p.Iterations < 1 || p.Iterations > mostIterations || p.KeyLength != 0 && p.KeyLength != length {
			return nil, errPKCS8Form
		}
		return pbkdf2.Key(newHash, passphrase, p.Salt, p.Iterations, length)
	case derivation.Algorithm.Equal(oidScrypt):
		var p scryptParameters
		if rest, err := asn1.Unmarshal(derivation.Parameters.FullBytes, &p); err != nil || len(rest) > 0 {
			return nil, errPKCS8Form
		}
		if p.Cost < 2 || p.Block < 1 || p.Threads < 1 || p.Threads > 16 || p.Block > 1<<10 || p.Cost > mostScrypt/128/p.Block ||
			p.KeyLength != 0 && p.KeyLength != length {
			return nil, errPKCS8Form
		}
		return scrypt.Key([]byte(passphrase), p.Salt, p.Cost, p.Block, p.Threads, length)
	}
	return nil, fmt.Errorf("%w: the derivation %s", errPKCS8Form, derivation.Algorithm)
}

func hashOf(prf asn1.ObjectIdentifier) (func() hash.Hash, error) {
	switch {
	case len(prf) == 0, prf.Equal(oidHMACSHA1): // the default of RFC 8018
		return sha1.New, nil
	case prf.Equal(oidHMACSHA256):
		return sha256.New, nil
	case prf.Equal(oidHMACSHA384):
		return sha512.New384, nil
	case prf.Equal(oidHMACSHA512):
		return sha512.New, nil
	}
	return nil, fmt.Errorf("%w: the function %s", errPKCS8Form, prf)
}
