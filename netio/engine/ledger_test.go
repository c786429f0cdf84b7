package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func debt(kind DebtKind, name string) Debt {
	return Debt{Kind: kind, Server: "host:21", Account: "joe", Name: name, Of: "/of " + name, Size: 5,
		Time: time.Date(2026, 11, 25, 4, 0, 0, 7, time.UTC), There: time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC), Live: true}
}

func debtNames(debts []Debt) string {
	var all []string
	for _, d := range debts {
		all = append(all, d.Name)
	}
	return strings.Join(all, " ")
}

// files are how many ledgers lie in a folder.
func files(t *testing.T, folder string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(folder, "runs"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return len(entries)
}

// What a run that was killed left is taken over by the next one, and by one only; what a
// live one is at is nobody else's.
func TestLedger(t *testing.T) {
	folder := t.TempDir()
	killed := OpenLedger(folder)
	for _, name := range []string{"a", "b\xff|\n", "c", "d"} {
		killed.Note(debt(Aside, name))
	}
	killed.Settle(Aside, "host:21", "joe", "c")
	killed.Note(debt(Owed, "o"))
	live := OpenLedger(folder)
	live.Note(debt(Aside, "live"))
	if got := killed.Left(Aside, "host:21", "joe"); len(got) > 0 {
		t.Errorf("what a run is at is left: %v", got)
	}
	killed.GiveUp(Aside, "host:21", "joe", "d")
	if got := debtNames(killed.Left(Aside, "host:21", "joe")); got != "d" {
		t.Errorf("given up: %q", got)
	}
	if got := OpenLedger(folder).Left(Aside, "host:21", "joe"); len(got) > 0 {
		t.Errorf("taken from a live run: %v", got)
	}
	killed.file.Close() // as the system does

	next := OpenLedger(folder)
	if got := debtNames(next.Left(Aside, "host:21", "joe")); got != "a b\xff|\n d" {
		t.Errorf("left: %q", got)
	}
	if got := next.Left(Aside, "host:21", "jim"); len(got) > 0 {
		t.Errorf("of another account: %v", got)
	}
	want := debt(Owed, "o")
	want.Live = false
	got, known := next.Find(Owed, "host:21", "joe", "o")
	if want.Since = got.Since; !known || got != want || time.Since(got.Since) > time.Hour {
		t.Errorf("%v, want %v", got, want)
	}
	if n := files(t, folder); n != 2 {
		t.Errorf("%d files", n)
	}
	for _, d := range next.Left(Aside, "host:21", "joe") {
		next.Settle(Aside, d.Server, d.Account, d.Name)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	last := OpenLedger(folder)
	if _, known := last.Find(Owed, "host:21", "joe", "o"); !known {
		t.Error("it is lost from the second run to the third")
	}
	last.Settle(Owed, "host:21", "joe", "o")
	for _, l := range []*Ledger{last, live} {
		l.Settle(Aside, "host:21", "joe", "live")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := files(t, folder); n != 0 {
		t.Errorf("%d files are left although all is settled", n)
	}
}

// A damaged file, one of another kind and a line that was cut cost what they say.
func TestLedger_Damaged(t *testing.T) {
	folder := t.TempDir()
	killed := OpenLedger(folder)
	killed.Note(debt(Aside, "a"))
	killed.Note(debt(Aside, "b"))
	path := killed.file.Name()
	killed.file.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{string(text[:len(text)-9]), "{}\nnull\n7\n{\"n\":\"\\\"x\"}\n" + string(text), strings.Repeat("x", longestLine+1)} {
		if err := os.WriteFile(filepath.Join(folder, "runs", fmt.Sprint(i, memoryExtension)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/dev/zero", filepath.Join(folder, "runs", "link"+memoryExtension)); err != nil {
		t.Log(err)
	}
	next := OpenLedger(folder)
	if got := debtNames(next.Left(Aside, "host:21", "joe")); got != "a b" {
		t.Errorf("left: %q", got)
	}
	next.Close()
}

// Several runs at once, each with files of its own; a frozen one takes nothing.
func TestLedger_AtOnce(t *testing.T) {
	folder := t.TempDir()
	for i := range 5 {
		l := OpenLedger(folder)
		l.Note(debt(Aside, fmt.Sprint(i)))
		l.file.Close()
	}
	frozen := OpenLedger(folder)
	frozen.Freeze()
	frozen.Note(debt(Aside, "frozen"))
	if _, known := frozen.Find(Aside, "host:21", "joe", "frozen"); !known || files(t, folder) != 5 {
		t.Error("a frozen ledger writes, or does not know")
	}
	var runs sync.WaitGroup
	var lock sync.Mutex
	found := map[string]int{}
	var open []*Ledger
	for range 6 {
		runs.Go(func() {
			l := OpenLedger(folder)
			left := l.Left(Aside, "host:21", "joe")
			lock.Lock()
			defer lock.Unlock()
			open = append(open, l)
			for _, d := range left {
				found[d.Name]++
			}
		})
	}
	runs.Wait()
	if len(found) != 5 {
		t.Errorf("%v", found)
	}
	for name, n := range found {
		if n != 1 {
			t.Errorf("%s is taken over %d times", name, n)
		}
	}
	for _, l := range open {
		l.Close()
	}
}

// Ten thousand files of a set leave a short file while it runs.
func TestLedger_StaysShort(t *testing.T) {
	l := OpenLedger(t.TempDir())
	defer l.Close()
	for i := range 10_000 {
		l.Note(debt(Aside, fmt.Sprint(i)))
		l.Settle(Aside, "host:21", "joe", fmt.Sprint(i))
	}
	if info, err := l.file.Stat(); err != nil || info.Size() > 1<<20 {
		t.Errorf("%v, %v", info.Size(), err)
	}
}
