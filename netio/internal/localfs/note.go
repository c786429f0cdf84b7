package localfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/internal/names"
)

// Note says what an unfinished download is part of. Two downloads are of the same
// thing if their notes are equal and say size and time.
type Note struct {
	Source string    // server, user and remote path, or whatever tells sources apart
	Size   int64     // of the whole, -1 if unknown
	Time   time.Time // of the source, zero if unknown
}

// fits reports whether a piece with the note other can be gone on with.
func (n Note) fits(other Note) bool {
	return n.Size >= 0 && !n.Time.IsZero() && n.Source == other.Source && n.Size == other.Size && n.Time.Equal(other.Time)
}

const (
	noteFormat = "sftpc part 1"
	maxNote    = 64 << 10
)

// text is the note as it is stored: a line for each field. Names are quoted,
// since they are any bytes.
func (n Note) text(name string, kept int64) string {
	return fmt.Sprintf("%s\nname %q\nsource %q\nsize %d\ntime %s\nkept %d\n",
		noteFormat, name, n.Source, n.Size, n.Time.UTC().Format(time.RFC3339Nano), kept)
}

// parseNote reads what text wrote. kept is how many bytes are known to be on disk.
func parseNote(text string) (n Note, name string, kept int64, ok bool) {
	lines := strings.Split(text, "\n")
	if len(lines) != 7 || lines[0] != noteFormat || lines[6] != "" {
		return n, "", 0, false
	}
	var errs [5]error
	for i, key := range []string{"name ", "source ", "size ", "time ", "kept "} {
		value, found := strings.CutPrefix(lines[i+1], key)
		if !found {
			return n, "", 0, false
		}
		switch i {
		case 0:
			name, errs[i] = strconv.Unquote(value)
		case 1:
			n.Source, errs[i] = strconv.Unquote(value)
		case 2:
			n.Size, errs[i] = strconv.ParseInt(value, 10, 64)
		case 3:
			n.Time, errs[i] = time.Parse(time.RFC3339Nano, value)
		case 4:
			kept, errs[i] = strconv.ParseInt(value, 10, 64)
		}
	}
	return n, name, kept, errors.Join(errs[:]...) == nil
}

func (p *Part) notePath() Path { return p.target.Parent().child(names.Note(p.target.Name())) }

// readNote returns how many bytes of the part can be gone on with: 0 if the note
// is missing, not ours, damaged, or of something else.
func (p *Part) readNote() (kept int64) {
	tree, name := p.path.mount, p.notePath().inTree()
	info, err := tree.Lstat(name)
	if err != nil || !isOurs(info) || !isPrivate(info) {
		return 0
	}
	file, err := tree.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return 0
	}
	defer file.Close()
	if opened, err := file.Stat(); err != nil || !os.SameFile(opened, info) {
		return 0
	}
	text, err := io.ReadAll(io.LimitReader(file, maxNote))
	if err != nil {
		return 0
	}
	old, target, kept, ok := parseNote(string(text))
	if !ok || target != p.target.Name() || !p.note.fits(old) || kept > old.Size {
		return 0
	}
	return kept
}

// writeNote replaces the note. A crash in between leaves none, and the next run
// starts anew.
func (p *Part) writeNote(kept int64) error {
	if err := p.removeNote(); err != nil {
		return err
	}
	p.noted = true
	file, err := p.path.mount.OpenFile(p.notePath().inTree(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(p.note.text(p.target.Name(), kept))
	if err == nil && kept > 0 {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (p *Part) removeNote() error {
	if !p.noted {
		return nil
	}
	// Asking costs less than removing what is not there.
	tree, name := p.path.mount, p.notePath().inTree()
	if _, err := tree.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		if err := tree.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	p.noted = false
	return nil
}
