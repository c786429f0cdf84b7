package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/internal/filelock"
)

// recordedBy begins the comment of a line that we wrote; the moment follows.
const recordedBy = "recorded by sftpc "

// recordedAt is when a line was written, if it was us who wrote it.
func recordedAt(comment string) (moment string, ok bool) {
	moment, ok = strings.CutPrefix(comment, recordedBy)
	if !ok {
		return "", false
	}
	if _, err := time.Parse(time.RFC3339, moment); err != nil {
		return "", false
	}
	return moment, true
}

// lockPatience is how long the lock of a file is waited for; it is held for the
// time of a read and a write.
const lockPatience = 10 * time.Second

// record appends the key of a server that is not known to a file, which is made with
// its folder where it is missing. If the file has come to know the server since it
// was read, nothing is written: the lines are returned, or none if it is this key
// that they know.
func record(name string, server Server, key ssh.PublicKey, now time.Time) (known []*knownLine, err error) {
	err = appendKeys(name, server, now, func(lines []*knownLine) []ssh.PublicKey {
		if slices.ContainsFunc(lines, func(l *knownLine) bool { return sameKey(l.key, key) }) {
			return nil
		}
		if known = lines; len(known) > 0 {
			return nil
		}
		return []ssh.PublicKey{key}
	})
	return known, err
}

// RecordKeys appends those of a server's keys that the file does not know yet and
// returns how many they were. A key of a type of which the file knows another is an
// error, and then nothing is written.
func RecordKeys(name string, server Server, keys []ssh.PublicKey, now time.Time) (recorded int, err error) {
	var other *knownLine
	err = appendKeys(name, server, now, func(lines []*knownLine) (missing []ssh.PublicKey) {
		for _, key := range keys {
			known := false
			for _, l := range lines {
				if sameKey(l.key, key) {
					known = true
				} else if l.key.Type() == key.Type() {
					other = l
				}
			}
			if !known {
				missing = append(missing, key)
			}
		}
		if other != nil {
			return nil
		}
		recorded = len(missing)
		return missing
	})
	if err == nil && other != nil {
		return 0, fmt.Errorf("%s knows another %s key of %s: delete that line first, if its owner says that the key was replaced", other.place(), other.key.Type(), server)
	}
	return recorded, err
}

// appendKeys appends what choose makes of the lines about the server, all under the
// file's lock.
func appendKeys(name string, server Server, now time.Time, choose func(lines []*knownLine) []ssh.PublicKey) error {
	host, port := server.knownAs()
	if host == "" || strings.ContainsAny(host, " \t\r\n,*?!|#@[]") {
		return fmt.Errorf("the host's name %q cannot stand in a file of known hosts", host)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	file, err := openLocked(name)
	if err != nil {
		return err
	}
	defer file.Close() // the lock ends with it; what matters is that Sync succeeded
	known := &knownHosts{}
	if err := known.read(file, name); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	lines, loose := known.about(host, port, "")
	if loose {
		lines = nil // about another port, for all that is known
	}
	var text strings.Builder
	if cut, err := endsWithoutLineEnd(file); err != nil {
		return err
	} else if cut {
		text.WriteByte('\n')
	}
	keys := choose(lines)
	if len(keys) == 0 {
		return nil
	}
	for _, key := range keys {
		text.WriteString(Line(server, key) + " " + recordedBy + now.UTC().Format(time.RFC3339) + "\n")
	}
	// One write to a file opened for appending: a reader sees it whole or not at all.
	if _, err := file.WriteString(text.String()); err != nil {
		return err
	}
	return file.Sync()
}

// openLocked opens a file to read and append, and waits for its lock. Programs that
// rewrite the file put another in its place, so the lock may be that of a file which
// is gone: then it is opened again.
func openLocked(name string) (*os.File, error) {
	for end := time.Now().Add(lockPatience); ; {
		file, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		locked, err := filelock.Try(file)
		if err == nil && locked {
			ours, err1 := file.Stat()
			there, err2 := os.Stat(name)
			if err1 == nil && err2 == nil && os.SameFile(ours, there) {
				return file, nil
			}
			if err = errors.Join(err1, err2); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		file.Close() // nothing was written
		if err != nil {
			return nil, err
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("another program has locked %s for more than %s", name, lockPatience)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func endsWithoutLineEnd(file *os.File) (bool, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, info.Size()-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}
