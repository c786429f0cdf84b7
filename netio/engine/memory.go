package engine

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sftpc/sftpc/netio/internal/filelock"
)

// Memory is what is kept of two directories from run to run: which files were the same
// on both sides where their times cannot tell it, and which transfers into the target
// have begun. Losing it costs a transfer, never a file. A nil Memory remembers
// nothing. It is safe for concurrent use.
type Memory struct {
	path string
	of   Directories

	lock    sync.Mutex
	facts   map[string]Fact
	file    *os.File // appended to; nil before the first fact, and where it cannot be written
	written int      // lines of the file
	shut    bool     // another run has it, or it cannot be written
	failure error
}

// Directories name the two directories of a Memory.
type Directories struct {
	Server  string `json:"server"` // host:port and protocol, without anything secret
	Account string `json:"account"`
	Local   string `json:"local"`
	Remote  string `json:"remote"`
}

// The bounds of a folder of memories and of one of them.
const (
	mostMemories  = 1000
	mostFacts     = 500_000
	longestMemory = 256 << 20
	longestLine   = 64 << 10
)

const memoryFormat = 1

// heading is the first line of a memory.
type heading struct {
	Format int `json:"format"`
	Directories
}

// line is a fact as it is written; the last one of a path holds.
type line struct {
	Path       string `json:"p,omitempty"`
	Bytes      []byte `json:"b,omitempty"` // the path, where it is not UTF-8
	LocalSize  int64  `json:"ls,omitempty"`
	LocalTime  int64  `json:"lt,omitempty"` // nanoseconds since 1970
	ServerSize int64  `json:"rs,omitempty"`
	ServerTime int64  `json:"rt,omitempty"` // seconds since 1970
	Rough      int64  `json:"ra,omitempty"` // seconds
	Unfinished bool   `json:"cut,omitempty"`
	Gone       bool   `json:"gone,omitempty"`
}

// OpenMemory reads what is kept of the directories in a folder, which is made when
// there is something to keep. What cannot be read is not known. Close the result.
func OpenMemory(folder string, of Directories) *Memory {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", of))
	m := &Memory{path: filepath.Join(folder, "syncs", hex.EncodeToString(sum[:16])+memoryExtension), of: of, facts: make(map[string]Fact)}
	m.read()
	return m
}

const memoryExtension = ".jsonl"

func (m *Memory) read() {
	file, err := os.Open(m.path)
	if err != nil {
		return
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > longestMemory {
		return
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 4096), longestLine)
	var h heading
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &h) != nil || h.Format != memoryFormat || h.Directories != m.of {
		return
	}
	m.written = 1
	for lines.Scan() && len(m.facts) < mostFacts {
		var l line
		// A line that a crash has cut is not the only one that says nothing.
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		if l.Path == "" {
			l.Path = string(l.Bytes)
		}
		m.written++
		if l.Gone {
			delete(m.facts, l.Path)
			continue
		}
		m.facts[l.Path] = l.fact()
	}
}

func (l *line) fact() Fact {
	f := Fact{LocalSize: l.LocalSize, ServerSize: l.ServerSize, Rough: time.Duration(l.Rough) * time.Second, Unfinished: l.Unfinished}
	if l.LocalTime != 0 {
		f.LocalTime = time.Unix(0, l.LocalTime).UTC()
	}
	if l.ServerTime != 0 {
		f.ServerTime = time.Unix(l.ServerTime, 0).UTC()
	}
	return f
}

// named puts the path in, whose bytes JSON would change where they are not UTF-8.
func (l line) named(path string) line {
	if utf8.ValidString(path) {
		l.Path = path
	} else {
		l.Bytes = []byte(path)
	}
	return l
}

func lineOf(path string, f Fact) line {
	l := line{LocalSize: f.LocalSize, ServerSize: f.ServerSize, Rough: int64(f.Rough / time.Second), Unfinished: f.Unfinished}
	if !f.LocalTime.IsZero() {
		l.LocalTime = f.LocalTime.UnixNano()
	}
	if !f.ServerTime.IsZero() {
		l.ServerTime = f.ServerTime.Unix()
	}
	return l.named(path)
}

// Recall is what is known of a path.
func (m *Memory) Recall(path string) (Fact, bool) {
	if m == nil {
		return Fact{}, false
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	f, known := m.facts[path]
	return f, known
}

// Keep replaces what is known of a path. It is in the file when Keep returns, so that
// a run that is killed leaves it.
func (m *Memory) Keep(path string, f Fact) {
	if m == nil {
		return
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	if before, known := m.facts[path]; known && before == f || !known && len(m.facts) >= mostFacts {
		return
	}
	m.facts[path] = f
	m.append(lineOf(path, f))
}

// Forget drops what is known of a path.
func (m *Memory) Forget(path string) {
	if m == nil {
		return
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	if _, known := m.facts[path]; known {
		delete(m.facts, path)
		m.append(line{Gone: true}.named(path))
	}
}

// Freeze keeps what is in the folder as it is; what is noted from now on is known until
// Close.
func (m *Memory) Freeze() {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.shut = true
}

func (m *Memory) append(l line) {
	if m.file == nil && !m.shut {
		if err := m.open(); err != nil {
			m.shut, m.failure = true, err
		}
	}
	if m.shut {
		return
	}
	raw, err := json.Marshal(l)
	if err == nil {
		_, err = m.file.Write(append(raw, '\n'))
	}
	if err != nil {
		m.shut, m.failure = true, err
		return
	}
	m.written++
}

// open makes the file ready to be appended to.
func (m *Memory) open() error {
	if err := os.MkdirAll(filepath.Dir(m.path), 0o700); err != nil {
		return err
	}
	if _, err := os.Lstat(m.path); err != nil {
		m.makeRoom()
	}
	file, err := os.OpenFile(m.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	locked, err := filelock.Try(file)
	if err == nil && !locked {
		err = errors.New("another run keeps what it learns of these directories")
	}
	if err == nil {
		err = m.continueAt(file)
	}
	if err != nil {
		file.Close()
		return err
	}
	m.file = file
	return nil
}

// continueAt goes to the end of the file, behind a line that a crash has cut, or makes
// it anew if it is not ours.
func (m *Memory) continueAt(file *os.File) error {
	if m.written == 0 {
		if err := file.Truncate(0); err != nil {
			return err
		}
		raw, err := json.Marshal(heading{memoryFormat, m.of})
		if err != nil {
			return err
		}
		m.written = 1
		_, err = file.Write(append(raw, '\n'))
		return err
	}
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, end-1); err != nil {
		return err
	}
	if last[0] != '\n' {
		_, err = file.Write([]byte{'\n'})
	}
	return err
}

// Close writes the file anew where most of its lines no longer hold. The error is why
// something was not kept, which harms nobody.
func (m *Memory) Close() error {
	if m == nil || m.file == nil {
		if m != nil {
			return m.failure
		}
		return nil
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	err := m.failure
	if err == nil && m.written > 2*len(m.facts)+100 {
		err = m.rewrite()
	}
	if closing := m.file.Close(); err == nil {
		err = closing
	}
	m.file, m.shut = nil, true
	return err
}

func (m *Memory) rewrite() (err error) {
	file, err := os.CreateTemp(filepath.Dir(m.path), unfinishedMemory+"*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	err = lines.Encode(heading{memoryFormat, m.of})
	for path, f := range m.facts {
		if err == nil {
			err = lines.Encode(lineOf(path, f))
		}
	}
	if err == nil {
		_, err = file.Write(b.Bytes())
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), m.path)
}

// unfinishedMemory begins the names of files that are being written.
const unfinishedMemory = ".new-"

// makeRoom deletes the oldest memories where there are too many.
func (m *Memory) makeRoom() {
	entries, err := os.ReadDir(filepath.Dir(m.path))
	if err != nil {
		return
	}
	type aged struct {
		name string
		at   time.Time
	}
	var memories []aged
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && (strings.HasSuffix(entry.Name(), memoryExtension) || strings.HasPrefix(entry.Name(), unfinishedMemory)) {
			memories = append(memories, aged{entry.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(memories, func(a, b aged) int { return a.at.Compare(b.at) })
	for i := 0; i <= len(memories)-mostMemories; i++ {
		os.Remove(filepath.Join(filepath.Dir(m.path), memories[i].name))
	}
}
