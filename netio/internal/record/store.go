package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// Store is a folder of records. Any number of goroutines and processes may use one.
type Store struct {
	dir string
	now func() time.Time
}

// New returns the store in a folder, which is made when something is first kept. now
// is the clock; nil is time.Now.
func New(dir string, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{filepath.Join(dir, "servers"), now}
}

// The bounds of a folder and of a file in it.
const (
	mostRecords   = 1000
	longestRecord = 16 << 10
)

// written is a record as it is written. Server and account are for people who look
// for one, and are checked when it is read.
type written struct {
	Format  int    `json:"format"`
	Server  string `json:"server"`
	Account string `json:"account"`
	Facts   []fact `json:"facts"`
}

const format = 1

// Recall returns what is known of an endpoint's server, for its account. No error
// comes of it: what cannot be read is not known.
func (s *Store) Recall(e session.Endpoint) session.Facts {
	return factsIn(s.read(e), s.now())
}

// Describe says to people what is known of an endpoint's server and when it was
// learned, one text for each fact.
func (s *Store) Describe(e session.Endpoint) []string {
	var told []string
	for _, f := range s.read(e) {
		var known session.Facts
		if f.add(&known); f.fresh(s.now()) && !known.IsZero() {
			told = append(told, f.String())
		}
	}
	return told
}

// Keep replaces what is known by what a session believes at its end, but for the number
// of sessions, of which a session knows nothing. The error says why it could not be
// written, which harms nobody.
func (s *Store) Keep(e session.Endpoint, known session.Facts) error {
	now := s.now().UTC().Truncate(time.Second)
	before := s.read(e)
	if known.MostSessions == 0 {
		known.MostSessions = factsIn(before, now).MostSessions
	}
	facts := factsOf(known, now)
	keepAges(facts, before, now)
	return s.write(e, before, facts, now)
}

// KeepMostSessions keeps how many sessions were open when a further one was refused,
// and leaves all else as it is. What is known already becomes younger by it: it was met
// again. 0 forgets the number.
func (s *Store) KeepMostSessions(e session.Endpoint, open int) error {
	now := s.now().UTC().Truncate(time.Second)
	before := s.read(e)
	known := factsIn(before, now)
	known.MostSessions = min(max(open, 0), mostSessions)
	facts := factsOf(known, now)
	keepAges(facts, slices.DeleteFunc(slices.Clone(before), func(f fact) bool { return f.Name == factMostSessions }), now)
	return s.write(e, before, facts, now)
}

// factsIn are those of written facts that are to be believed.
func factsIn(facts []fact, now time.Time) session.Facts {
	var known session.Facts
	for _, f := range facts {
		if f.fresh(now) {
			f.add(&known)
		}
	}
	return known
}

// write replaces a record that held other facts before.
func (s *Store) write(e session.Endpoint, before, facts []fact, now time.Time) error {
	path := s.path(e)
	switch {
	case slices.Equal(facts, before):
		return nil
	case len(facts) == 0:
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	raw, err := json.MarshalIndent(written{format, server(e), e.User, facts}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		s.makeRoom(now)
	}
	return replace(path, append(raw, '\n'))
}

// server names an endpoint's server as a URL without anything secret. Behind a proxy
// it may be another one, and reached otherwise.
func server(e session.Endpoint) string {
	schemes := map[session.Protocol]string{session.FTP: "ftp", session.FTPSExplicit: "ftpes", session.FTPSImplicit: "ftps", session.SFTP: "sftp"}
	name := schemes[e.Protocol] + "://" + strings.ToLower(e.Address)
	if e.Proxy != "" {
		name += " through a proxy"
	}
	return name
}

// extension ends the names of records, and only of records.
const extension = ".json"

func (s *Store) path(e session.Endpoint) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", server(e), e.User))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+extension)
}

// read returns the facts that are written, whatever their age; none where anything
// about the file is wrong.
func (s *Store) read(e session.Endpoint) []fact {
	file, err := os.Open(s.path(e))
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > longestRecord {
		return nil
	}
	raw, err := io.ReadAll(io.LimitReader(file, longestRecord))
	if err != nil {
		return nil
	}
	var w written
	if json.Unmarshal(raw, &w) != nil || w.Format != format || w.Server != server(e) || w.Account != e.User || len(w.Facts) > mostFacts {
		return nil
	}
	return w.Facts
}

// replace writes a file whole or not at all.
func replace(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), unfinished+"*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	_, err = file.Write(content)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// unfinished begins the names of files that are being written.
const unfinished = ".new-"

// makeRoom deletes the oldest records where there are too many, and what runs that
// were killed have left.
func (s *Store) makeRoom(now time.Time) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	type aged struct {
		name string
		at   time.Time
	}
	var records []aged
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue
		}
		switch name := entry.Name(); {
		case strings.HasPrefix(name, unfinished):
			if now.Sub(info.ModTime()) > time.Hour {
				os.Remove(filepath.Join(s.dir, name))
			}
		case strings.HasSuffix(name, extension):
			records = append(records, aged{name, info.ModTime()})
		}
	}
	slices.SortFunc(records, func(a, b aged) int { return a.at.Compare(b.at) })
	for i := 0; i <= len(records)-mostRecords; i++ {
		os.Remove(filepath.Join(s.dir, records[i].name))
	}
}
