package builtins

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// verifyMode is what SETVERIFY says.
type verifyMode uint8

const (
	verifySize verifyMode = iota
	verifyHash
	verifyOff
)

func (s *State) setVerify(a *arguments) error {
	s.settings.verify = map[string]verifyMode{"SIZE": verifySize, "HASH": verifyHash, "OFF": verifyOff}[a.constant(0)]
	return nil
}

// hashNames are the hashes that we compute, the strongest first. The weak ones find
// what a line did to a file, which is what they are for here.
func hashNames() []string { return []string{"SHA512", "SHA256", "SHA1", "MD5", "CRC32"} }

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "SHA512":
		return sha512.New()
	case "SHA256":
		return sha256.New()
	case "SHA1":
		return sha1.New()
	case "MD5":
		return md5.New()
	case "CRC32":
		return crc32.NewIEEE()
	}
	return nil
}

// hashPace is how many bytes a second a server must at least read for a hash: the
// time for the reply grows by what that takes.
const hashPace = 10 << 20

// hashOf asks the server for the first of the hashes that it can compute of a file.
// size is how long the file is.
func (s *State) hashOf(ctx context.Context, remote string, size int64, algorithms []string) (algorithm string, sum []byte, err error) {
	hasher, ok := s.session.(session.Hasher)
	if !ok {
		return "", nil, &session.Error{Op: "asking for the hash of " + remote, Cause: session.NotSupported, Class: session.ClassPermanent, Name: remote}
	}
	if open, ok := s.session.(session.Adjuster); ok {
		longer := s.sessionSettings()
		longer.Timeouts.Reply += time.Duration(size/hashPace) * time.Second
		open.Adjust(longer)
		defer func() { open.Adjust(s.sessionSettings()) }()
	}
	algorithm, sum, err = hasher.Hash(ctx, remote, algorithms)
	if err == nil && !slices.Contains(algorithms, algorithm) {
		err = protocolError("asking for the hash of "+remote, remote, fmt.Errorf("it is told by %s, which was not asked for", quoted(algorithm)))
	}
	return algorithm, sum, err
}

// compareHash holds the first size bytes of the local file against what the server has as
// remote. The algorithm is told with HASH_MISMATCH too. NotSupported is the error
// where the server has no hash.
func (s *State) compareHash(ctx context.Context, remote string, m *meter, size int64) (algorithm string, err error) {
	algorithm, theirs, err := s.hashOf(ctx, remote, size, hashNames())
	if err != nil {
		return "", err
	}
	sum := newHash(algorithm)
	reader := io.NewSectionReader(readerOf{ctx, m.file}, 0, size)
	if _, err := io.CopyBuffer(sum, reader, make([]byte, 1<<20)); err != nil {
		return algorithm, &session.Error{Op: "reading " + m.event.Local + " for its hash", Cause: session.LocalFailure, Class: session.ClassLocal, Err: err}
	}
	if ours := sum.Sum(nil); !bytes.Equal(ours, theirs) {
		return algorithm, &session.Error{Op: "comparing " + remote, Cause: session.HashMismatch, Class: session.ClassIntegrity,
			Host: s.endpoint.Address, Name: remote, Err: fmt.Errorf("its %s is %x on the server, %x here", algorithm, theirs, ours)}
	}
	return algorithm, nil
}

// readerOf reads a file until ctx ends: a large one takes a while.
type readerOf struct {
	ctx  context.Context
	file *os.File
}

func (r readerOf) ReadAt(p []byte, offset int64) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.file.ReadAt(p, offset)
}

// Read reads on from where the file stands.
func (r readerOf) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.file.Read(p)
}

// verify holds what was uploaded as remote against what was sent.
func (o *sending) verify(remote string) error {
	s, sent := o.state, o.meter.event.Done
	switch {
	case s.settings.verify == verifyOff:
		o.proof = ", not verified"
		return nil
	case !s.verifies():
		if s.settings.verify == verifyHash {
			o.proof = ", not verified: the type is not BINARY"
		}
		return nil
	}
	entry, err := session.Pick(o.ctx, s.session, remote, session.AspectSize)
	known := err == nil && entry.Size >= 0
	switch {
	case err != nil && (ends(session.CauseOf(err)) || isOffline(err) || passes(err)):
		return err
	case known && entry.Size < sent:
		return s.cutShort("verifying the upload of "+remote, remote, sent, entry.Size)
	case known && entry.Size != sent:
		return s.sizeMismatch("verifying the upload of "+remote, remote, sent, entry.Size)
	}
	o.sized = known
	if s.settings.verify == verifyHash {
		algorithm, err := s.compareHash(o.ctx, remote, o.meter, sent)
		switch {
		case session.CauseOf(err) != session.NotSupported && err != nil:
			return err
		case err == nil:
			o.proof = ", verified by " + algorithm
			return nil
		case known:
			o.proof = ", verified by size: the server has no hash"
			return nil
		}
		o.proof = ", not verified: the server has no hash"
	}
	switch {
	case err != nil:
		return o.unverified(remote, err)
	case !known:
		s.tellVerbose("%s is not verified: the server does not tell the size", remote)
	}
	return nil
}

// unverified is told where the server confirmed the transfer and does not tell the
// size. One that cannot tell it now is no such server: that fails. A name that is gone at once is how folders behave that something empties. After
// a cut it may also be the server's end of the attempt before, which came late and
// took away what it took for its own piece: so it is not sent a second time where
// somebody may have it, and not called a success.
func (o *sending) unverified(remote string, err error) error {
	if ends(session.CauseOf(err)) || isOffline(err) || passes(err) {
		return withName(err, "verifying the upload of "+remote, remote)
	}
	if session.CauseOf(err) == session.NoSuchRemoteFile && (o.aside != nil || o.attempts.attempt > 1) {
		gone := &session.Error{Op: "verifying the upload of " + remote, Cause: session.NoSuchRemoteFile, Class: session.ClassPermanent, Name: remote,
			Err: errors.New("the server confirmed it, and it is gone")}
		if o.aside != nil {
			gone.Class = session.ClassTransient
		}
		return gone
	}
	o.state.tellVerbose("%s is not verified: %v", remote, err)
	return nil
}

// isBeginning holds what the server has as remote, length bytes of it, against the
// beginning of the file. The algorithm is "" where no hash was to be had.
func (o *sending) isBeginning(remote string, length int64) (algorithm string, err error) {
	if o.state.settings.verify == verifyOff {
		return "", nil
	}
	algorithm, err = o.state.compareHash(o.ctx, remote, o.meter, length)
	if session.CauseOf(err) == session.NotSupported {
		return "", nil
	}
	return algorithm, err
}

// verifyPart holds a download, whose size has been compared, against the server's
// file, and returns how the message of it ends.
func (s *State) verifyPart(ctx context.Context, remote string, m *meter) (proof string, err error) {
	switch {
	case s.dry.on:
		return "", nil
	case s.settings.verify == verifyOff:
		return ", not verified", nil
	case s.settings.verify != verifyHash:
		return "", nil
	case !s.verifies():
		return ", not verified: the type is not BINARY", nil
	}
	algorithm, err := s.compareHash(ctx, remote, m, m.event.Done)
	switch {
	case session.CauseOf(err) == session.NotSupported && m.event.Size >= 0:
		return ", verified by size: the server has no hash", nil
	case session.CauseOf(err) == session.NotSupported:
		return ", not verified: the server has no hash and tells no size", nil
	case err != nil:
		return "", withName(err, "verifying the download of "+remote, remote)
	}
	return ", verified by " + algorithm, nil
}
