package engine

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/internal/filelock"
)

// Ledger is what a run has begun on a server, or with a source, and not yet brought to
// its end. It lies in a file of the run's own that is locked while it lives: what is
// found in one that nobody locks is of a run that was killed, and is taken over. So no
// run ever sees to what another live one is about.
//
// A Ledger without a folder is kept in memory. It is safe for concurrent use. Close it.
type Ledger struct {
	folder string

	lock    sync.Mutex
	debts   map[debtKey]Debt
	file    *os.File // appended to; nil before the first debt
	written int      // lines of the file
	taken   bool     // those of earlier runs were looked for
	shut    bool     // it cannot be written, or is not to be
	failure error
}

// Debt is one thing that is to be brought to its end.
type Debt struct {
	Kind    DebtKind
	Server  string // host:port, without anything secret
	Account string
	// Name is what it is about: a path on the server from its root; for Owed whatever
	// tells sources apart.
	Name string
	// Of is, for Replaced, the path that the file had; for Owed where it arrived.
	Of string
	// Size and Time are, for Owed, those of the source when it arrived, and There that
	// of what arrived; zero is not known.
	Size        int64
	Time, There time.Time
	// Since is when it was noted; Note sets it where it is zero.
	Since time.Time
	// Live says that this run is at it. What is not is of an earlier run, or was given up.
	Live bool
}

// DebtKind says what is to be done.
type DebtKind string

const (
	// Aside is a file under a name of ours that is to be deleted.
	Aside DebtKind = "aside"
	// Replaced is a file that was moved to a name of ours to make room: it is to be
	// deleted if another one has its place, else to be moved back.
	Replaced DebtKind = "replaced"
	// Owed is a file that arrived whole and whose source was not seen to.
	Owed DebtKind = "owed"
)

type debtKey struct {
	kind                  DebtKind
	server, account, name string
}

func (d Debt) key() debtKey { return debtKey{d.Kind, d.Server, d.Account, d.Name} }

// The bounds of a folder of ledgers and of one of them.
const (
	mostLedgers   = 1000
	mostDebts     = 100_000
	longestLedger = 64 << 20
	// longestOwed ends what is owed of files that never came again.
	longestOwed = 90 * 24 * time.Hour
)

// debtLine is a debt as it is written. Names are quoted: they are any bytes.
type debtLine struct {
	Kind    DebtKind `json:"k"`
	Server  string   `json:"s"`
	Account string   `json:"u,omitempty"`
	Name    string   `json:"n"`
	Of      string   `json:"of,omitempty"`
	Size    int64    `json:"z,omitempty"`
	Time    int64    `json:"t,omitempty"`  // nanoseconds since 1970
	There   int64    `json:"lt,omitempty"` // nanoseconds since 1970
	Since   int64    `json:"at,omitempty"` // nanoseconds since 1970
	Done    bool     `json:"done,omitempty"`
}

// OpenLedger makes a ledger that keeps its debts below folder, which is made with the
// first of them; "" keeps none.
func OpenLedger(folder string) *Ledger {
	l := &Ledger{debts: make(map[debtKey]Debt)}
	if folder != "" {
		l.folder = filepath.Join(folder, "runs")
	}
	return l
}

// Note adds a debt, or replaces it. It is in the file when Note returns, so that a run
// that is killed leaves it.
func (l *Ledger) Note(d Debt) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if d.Since.IsZero() {
		d.Since = time.Now().UTC()
	}
	l.note(d)
}

func (l *Ledger) note(d Debt) {
	if _, known := l.debts[d.key()]; !known && len(l.debts) >= mostDebts {
		return
	}
	l.debts[d.key()] = d
	l.append(d, false)
}

// Settle drops a debt.
func (l *Ledger) Settle(kind DebtKind, server, account, name string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	d := Debt{Kind: kind, Server: server, Account: account, Name: name}
	if _, known := l.debts[d.key()]; known {
		delete(l.debts, d.key())
		l.append(d, true)
	}
}

// GiveUp says that this run is not at a debt any more: whoever asks next may see to it.
func (l *Ledger) GiveUp(kind DebtKind, server, account, name string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	key := debtKey{kind, server, account, name}
	if d, known := l.debts[key]; known {
		d.Live = false
		l.debts[key] = d
	}
}

// Find is the debt of a name.
func (l *Ledger) Find(kind DebtKind, server, account, name string) (Debt, bool) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.takeOver()
	d, known := l.debts[debtKey{kind, server, account, name}]
	return d, known
}

// Left are the debts at a server that nobody is at, those of runs that were killed among
// them, in the order of kinds and names.
func (l *Ledger) Left(kind DebtKind, server, account string) (left []Debt) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.takeOver()
	for _, d := range l.debts {
		if d.Kind == kind && d.Server == server && d.Account == account && !d.Live {
			left = append(left, d)
		}
	}
	slices.SortFunc(left, func(a, b Debt) int { return strings.Compare(a.Name, b.Name) })
	return left
}

// Freeze keeps what is in the folder as it is: what is noted from now on is known until
// Close.
func (l *Ledger) Freeze() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.shut, l.taken = true, true
}

// takeOver makes the debts of runs that are over this run's, once.
func (l *Ledger) takeOver() {
	if l.taken || l.folder == "" {
		return
	}
	l.taken = true
	entries, err := os.ReadDir(l.folder)
	if err != nil {
		return // there is none
	}
	for i, entry := range entries {
		if i == mostLedgers {
			break
		}
		if strings.HasSuffix(entry.Name(), memoryExtension) {
			l.takeOverFile(filepath.Join(l.folder, entry.Name()))
		}
	}
}

// takeOverFile reads one file, unless its run lives, and removes it once what is in it
// is in ours. What cannot be read is left.
func (l *Ledger) takeOverFile(path string) {
	if l.file != nil && path == l.file.Name() {
		return
	}
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > longestLedger {
		return
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer file.Close()
	if locked, err := filelock.Try(file); err != nil || !locked || !isNamed(file, path) || !keepsOut(path) {
		return
	}
	for _, d := range readDebts(file) {
		if d.Kind != Owed || time.Since(d.Since) < longestOwed {
			l.note(d)
		}
	}
	if l.failure != nil {
		return // it is all that there is
	}
	// Whoever has opened it meanwhile finds nothing in it; Windows removes no open file.
	if err := file.Truncate(0); err != nil {
		return
	}
	file.Close()
	os.Remove(path)
}

// keepsOut reports whether the lock of a file that we have locked keeps others out: some
// file systems know no locks, and there nobody can say which runs live.
func keepsOut(path string) bool {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer file.Close()
	locked, err := filelock.Try(file)
	return err == nil && !locked
}

// isNamed reports whether the open file is still the one of that name.
func isNamed(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(open, named)
}

// readDebts reads what is left of a file, in its order.
func readDebts(from io.Reader) (left []Debt) {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 4096), longestLine)
	known := make(map[debtKey]Debt)
	for lines.Scan() && len(known) < mostDebts {
		var l debtLine
		// A line that a crash has cut is not the only one that says nothing.
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		name, err := strconv.Unquote(l.Name)
		of, wrong := strconv.Unquote(l.Of)
		if l.Of == "" {
			wrong = nil
		}
		if err != nil || wrong != nil || name == "" {
			continue
		}
		d := Debt{Kind: l.Kind, Server: l.Server, Account: l.Account, Name: name, Of: of, Size: l.Size, Time: moment(l.Time), There: moment(l.There), Since: moment(l.Since)}
		if l.Done {
			delete(known, d.key())
			continue
		}
		known[d.key()] = d
	}
	for _, d := range known {
		left = append(left, d)
	}
	return left
}

func moment(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func lineOfDebt(d Debt, done bool) ([]byte, error) {
	l := debtLine{Kind: d.Kind, Server: d.Server, Account: d.Account, Name: strconv.Quote(d.Name), Done: done}
	if !done {
		l.Size, l.Time, l.There = d.Size, nanoseconds(d.Time), nanoseconds(d.There)
		l.Since = nanoseconds(d.Since)
		if d.Of != "" {
			l.Of = strconv.Quote(d.Of)
		}
	}
	raw, err := json.Marshal(l)
	return append(raw, '\n'), err
}

func (l *Ledger) append(d Debt, done bool) {
	if l.folder == "" || l.shut {
		return
	}
	err := l.open()
	if err == nil && len(l.debts) == 0 && l.written > 1000 {
		// All is done: the file need not grow for as long as the run lasts.
		if err = l.file.Truncate(0); err == nil {
			_, err = l.file.Seek(0, io.SeekStart)
		}
		l.written = 0
	}
	var raw []byte
	if err == nil {
		raw, err = lineOfDebt(d, done)
	}
	if err == nil {
		_, err = l.file.Write(raw)
	}
	l.written++
	if err != nil {
		l.shut, l.failure = true, err
	}
}

// open makes the run's own file, under a name that nobody has.
func (l *Ledger) open() error {
	if l.file != nil {
		return nil
	}
	if err := os.MkdirAll(l.folder, 0o700); err != nil {
		return err
	}
	for range 10 {
		file, err := os.OpenFile(filepath.Join(l.folder, rand.Text()+memoryExtension), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		// Another run may have found it before it was locked.
		if locked, err := filelock.Try(file); err == nil && locked && isNamed(file, file.Name()) {
			if l.file = file; !keepsOut(file.Name()) {
				l.shut = true
				os.Remove(file.Name())
				return errors.New("files are not locked there, so that nobody could tell whether this run lives")
			}
			return nil
		}
		file.Close()
	}
	return errors.New("no file of this run's own could be made")
}

// Close leaves what is not settled for a later run. The error is why something may not
// be known to it.
func (l *Ledger) Close() error {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.file == nil {
		return l.failure
	}
	path, empty := l.file.Name(), len(l.debts) == 0 && l.failure == nil
	if empty {
		// A later run that opens it right now is to find nothing.
		if err := l.file.Truncate(0); err != nil {
			l.failure = err
		}
	}
	if err := l.file.Close(); l.failure == nil {
		l.failure = err
	}
	l.file, l.shut = nil, true
	if empty {
		os.Remove(path)
	}
	return l.failure
}
