package trust

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/internal/filelock"
)

// The record of certificates is a text of lines "host:port SHA256:… 2026-11-24". A
// host may have several lines; each of its certificates is taken. Empty lines and
// those that begin with # are left alone.

const (
	// mostOnRecord bounds the bytes that a record may have.
	mostOnRecord = 16 << 20
	// recordPatience is how long another run may hold the record.
	recordPatience = 20 * time.Second
)

// knownCertificates reads what is on record for place. A missing file is empty.
func knownCertificates(file, place string) ([]Sum, error) {
	text, err := readRecord(file)
	if err != nil {
		return nil, err
	}
	return recorded(text, place)
}

func readRecord(file string) ([]byte, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostOnRecord+1))
	if err == nil && len(text) > mostOnRecord {
		err = fmt.Errorf("%s is longer than %d bytes", file, mostOnRecord)
	}
	return text, err
}

// recorded picks place's lines. A line for place that cannot be read is an error:
// without it the server would count as unknown.
func recorded(text []byte, place string) ([]Sum, error) {
	var known []Sum
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, mostOnRecord)
	for number := 1; lines.Scan(); number++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") || !strings.EqualFold(words[0], place) {
			continue
		}
		if len(words) < 2 {
			return nil, fmt.Errorf("line %d names %s and no certificate", number, place)
		}
		print, err := ParseCertificatePin(words[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		known = append(known, print)
	}
	return known, lines.Err()
}

// recordCertificate adds a line for place unless it has one, and returns what is
// on record then. The file is written whole under another name and renamed, by one
// run at a time, so that no reader sees half a line and no run loses another's.
func recordCertificate(file, place string, print Sum, now time.Time) (known []Sum, err error) {
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	unlock, err := lockRecord(file + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	text, err := readRecord(file)
	if err != nil {
		return nil, err
	}
	if known, err = recorded(text, place); err != nil || len(known) > 0 {
		return known, err
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	text = fmt.Appendf(text, "%s %s %s\n", place, print, now.UTC().Format("2006-01-02"))
	if err := replaceFile(file, text); err != nil {
		return nil, err
	}
	return []Sum{print}, nil
}

// replaceFile writes text for its owner alone, under another name first.
func replaceFile(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.new") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// lockRecord waits until no other run has the lock. The file of the lock stays: to
// remove it would take it from those who wait.
func lockRecord(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(recordPatience); ; time.Sleep(5 * time.Millisecond) {
		locked, err := filelock.Try(f)
		switch {
		case err != nil:
			f.Close()
			return nil, err
		case locked:
			return func() { f.Close() }, nil
		case time.Now().After(end):
			f.Close()
			return nil, fmt.Errorf("%s is locked by another run", name)
		}
	}
}
