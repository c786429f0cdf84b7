package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
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

// record appends a server's key to a file, which is made with its folder where it
// is missing. If the file has come to know the server since it was read, nothing
// is written: the lines are returned, or none if it is this key that they know.
func record(name string, server Server, key ssh.PublicKey, now time.Time) ([]*knownLine, error) {
	if strings.ContainsAny(server.Host, " \t\r\n,*?!|#@") {
		return nil, fmt.Errorf("the host's name %q cannot stand in a file of known hosts", server.Host)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	file, err := openLocked(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the lock ends with it; what matters is that Sync succeeded
	known := &knownHosts{}
	if err := known.read(file, name); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	lines, loose := known.about(server.Host, server.Port, "")
	for _, l := range lines {
		if sameKey(l.key, key) {
			return nil, nil
		}
	}
	if len(lines) > 0 && !loose {
		return lines, nil
	}
	text := Line(server, key) + " " + recordedBy + now.UTC().Format(time.RFC3339) + "\n"
	if cut, err := endsWithoutLineEnd(file); err != nil {
		return nil, err
	} else if cut {
		text = "\n" + text
	}
	// One write to a file opened for appending: a reader sees it whole or not at all.
	if _, err := file.WriteString(text); err != nil {
		return nil, err
	}
	return nil, file.Sync()
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
		locked, err := lock(file)
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
