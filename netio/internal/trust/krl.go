package trust

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"
)

// krlMagic begins the binary form of revocation lists, which ssh-keygen -k writes
// (PROTOCOL.krl of OpenSSH).
const krlMagic = "SSHKRL\n\x00"

// krl is a revocation list: keys by their wire form or its digests, and certificates by
// what their authority wrote into them.
type krl struct {
	keys   map[string]bool // wire form, or a digest of it
	issued []issued
}

// issued are certificates of one authority.
type issued struct {
	authority []byte // wire form; empty is any
	ranges    [][2]uint64
	bitmaps   []serialBitmap
	names     map[string]bool // key ids
}

// serialBitmap has a bit for each serial number from first on, the last bit first.
type serialBitmap struct {
	first uint64
	bits  []byte
}

func (b serialBitmap) has(serial uint64) bool {
	at := serial - b.first
	return serial >= b.first && at/8 < uint64(len(b.bits)) && b.bits[uint64(len(b.bits))-1-at/8]&(1<<(at%8)) != 0
}

// Sections of a list, and of what it says of one authority's certificates.
const (
	krlCertificates = 1
	krlKeys         = 2
	krlSHA1         = 3
	krlSignature    = 4
	krlSHA256       = 5
	krlExtension    = 255

	krlSerials   = 0x20
	krlRange     = 0x21
	krlBitmap    = 0x22
	krlNames     = 0x23
	krlCertExtra = 0x39
)

// krlReader takes a list apart; the first field that is not there ends it.
type krlReader struct {
	rest []byte
	err  error
}

var errKRLShort = errors.New("it ends in the middle")

func (r *krlReader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.rest)) {
		r.err, r.rest = errKRLShort, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *krlReader) octet() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *krlReader) number() uint64 {
	if b := r.take(4); b != nil {
		return uint64(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *krlReader) long() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *krlReader) text() []byte { return r.take(r.number()) }

func (r *krlReader) more() bool { return r.err == nil && len(r.rest) > 0 }

// parseKRL reads a list whole. What is not understood is an error where it may revoke
// something. A signature is passed over, as by OpenSSH: whoever can write the file decides.
func parseKRL(data []byte) (*krl, error) {
	r := &krlReader{rest: data}
	if string(r.take(uint64(len(krlMagic)))) != krlMagic {
		return nil, errors.New("it does not begin as a list does")
	}
	if version := r.number(); r.err == nil && version != 1 {
		return nil, fmt.Errorf("its form has the version %d, and 1 is read", version)
	}
	r.take(3 * 8) // its number, when it was made, flags
	r.text()      // reserved
	r.text()      // a comment
	list := &krl{keys: map[string]bool{}}
	for r.more() {
		kind := r.octet()
		section := &krlReader{rest: r.text()}
		if r.err != nil {
			break
		}
		switch kind {
		case krlCertificates:
			of, err := readIssued(section)
			if err != nil {
				return nil, err
			}
			list.issued = append(list.issued, of)
		case krlKeys, krlSHA1, krlSHA256:
			for section.more() {
				list.keys[string(section.text())] = true
			}
		case krlExtension:
			if err := passExtension(section); err != nil {
				return nil, err
			}
		case krlSignature:
			section.rest = nil
		default:
			return nil, fmt.Errorf("it has a section of the kind %d, which is not known", kind)
		}
		if section.err != nil {
			return nil, section.err
		}
	}
	return list, r.err
}

func readIssued(r *krlReader) (issued, error) {
	of := issued{authority: slices.Clone(r.text()), names: map[string]bool{}}
	r.text() // reserved
	for r.more() {
		kind := r.octet()
		section := &krlReader{rest: r.text()}
		if r.err != nil {
			break
		}
		switch kind {
		case krlSerials:
			for section.more() {
				serial := section.long()
				of.ranges = append(of.ranges, [2]uint64{serial, serial})
			}
		case krlRange:
			of.ranges = append(of.ranges, [2]uint64{section.long(), section.long()})
		case krlBitmap:
			of.bitmaps = append(of.bitmaps, serialBitmap{section.long(), slices.Clone(section.text())})
		case krlNames:
			for section.more() {
				of.names[string(section.text())] = true
			}
		case krlCertExtra:
			if err := passExtension(section); err != nil {
				return of, err
			}
		default:
			return of, fmt.Errorf("it says something of the kind %d of certificates, which is not known", kind)
		}
		if section.err != nil {
			return of, section.err
		}
	}
	return of, r.err
}

// passExtension passes over what may be passed over.
func passExtension(r *krlReader) error {
	name, critical := r.text(), r.octet()
	r.text()
	if r.err == nil && critical != 0 {
		return fmt.Errorf("it has an extension %q, which is not known and must not be passed over", clip(string(name)))
	}
	return r.err
}

// revokes reports whether a key is revoked: by itself, by its certificate, or with its
// authority.
func (k *krl) revokes(key ssh.PublicKey) bool {
	certificate, certified := key.(*ssh.Certificate)
	if certified {
		key = certificate.Key
	}
	blob := key.Marshal()
	short, long := sha1.Sum(blob), sha256.Sum256(blob)
	if k.keys[string(blob)] || k.keys[string(short[:])] || k.keys[string(long[:])] {
		return true
	}
	return certified && (k.revokesCertificate(certificate) || k.revokes(certificate.SignatureKey))
}

func (k *krl) revokesCertificate(c *ssh.Certificate) bool {
	authority := c.SignatureKey.Marshal()
	for _, of := range k.issued {
		if len(of.authority) > 0 && !bytes.Equal(of.authority, authority) {
			continue
		}
		if of.names[c.KeyId] {
			return true
		}
		// Zero is the number of those that were given none.
		if c.Serial != 0 && (slices.ContainsFunc(of.ranges, func(r [2]uint64) bool { return r[0] <= c.Serial && c.Serial <= r[1] }) ||
			slices.ContainsFunc(of.bitmaps, func(b serialBitmap) bool { return b.has(c.Serial) })) {
			return true
		}
	}
	return false
}
