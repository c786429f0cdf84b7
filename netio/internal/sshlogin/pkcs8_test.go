package sshlogin

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"testing"
)

// A file says how much work its passphrase is to be: what would take hours or all
// memory is refused before it is begun.
func TestDecryptPKCS8_Bounds(t *testing.T) {
	parameters := func(values any) asn1.RawValue {
		der, err := asn1.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		return asn1.RawValue{FullBytes: der}
	}
	pbkdf2 := func(iterations, length int) pkix.AlgorithmIdentifier {
		return pkix.AlgorithmIdentifier{Algorithm: oidPBKDF2, Parameters: parameters(struct {
			Salt               []byte
			Iterations, Length int
		}{[]byte("salt"), iterations, length})}
	}
	scrypt := func(cost, block, threads int) pkix.AlgorithmIdentifier {
		return pkix.AlgorithmIdentifier{Algorithm: oidScrypt, Parameters: parameters(struct {
			Salt                 []byte
			Cost, Block, Threads int
		}{[]byte("salt"), cost, block, threads})}
	}
	cipher := pkix.AlgorithmIdentifier{Algorithm: oidAES256CBC, Parameters: parameters(make([]byte, 16))}
	unknown := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 3}}
	for name, c := range map[string]struct {
		derivation, cipher pkix.AlgorithmIdentifier
		data               []byte
	}{
		"iterations":         {pbkdf2(1_000_000_000, 32), cipher, make([]byte, 16)},
		"no iterations":      {pbkdf2(0, 32), cipher, make([]byte, 16)},
		"another length":     {pbkdf2(1, 16), cipher, make([]byte, 16)},
		"cost":               {scrypt(1<<30, 8, 1), cipher, make([]byte, 16)},
		"negative cost":      {scrypt(-1<<30, 8, 1), cipher, make([]byte, 16)},
		"block":              {scrypt(2, 1<<30, 1), cipher, make([]byte, 16)},
		"threads":            {scrypt(2, 1, 1<<20), cipher, make([]byte, 16)},
		"unknown derivation": {unknown, cipher, make([]byte, 16)},
		"unknown cipher":     {pbkdf2(1, 32), unknown, make([]byte, 16)},
		"start of one byte":  {pbkdf2(1, 32), pkix.AlgorithmIdentifier{Algorithm: oidAES256CBC, Parameters: parameters([]byte{1})}, make([]byte, 16)},
		"half a block":       {pbkdf2(1, 32), cipher, make([]byte, 8)},
		"nothing":            {pbkdf2(1, 32), cipher, nil},
	} {
		der, err := asn1.Marshal(encryptedKey{
			Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidPBES2, Parameters: parameters(pbes2Parameters{c.derivation, c.cipher})},
			Data:      c.data,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decryptPKCS8(der, "open sesame"); !errors.Is(err, errPKCS8Form) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
