package record

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// clock is a store's, moved by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newStore(t *testing.T) (*Store, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	return New(filepath.Join(t.TempDir(), "state"), c.now), c
}

var (
	endpoint = session.Endpoint{Protocol: session.FTP, Host: "ftp.myhost.com", Address: "ftp.myhost.com:21", User: "joe", Password: "geheim-1"}
	learned  = session.Facts{
		Lacks: []string{"MDTM", "MLSD"}, NoEPSV: true, Zone: -5 * time.Hour, HasZone: true, SetsTime: "SITE UTIME UTC", NoReplace: true,
		Resumption: session.ResumptionControl, KeepAlive: session.KeepAliveHarms, Paths: "z/OS", NotUTF8: true, MostSessions: 3,
	}
)

func keep(t *testing.T, s *Store, e session.Endpoint, facts session.Facts) {
	t.Helper()
	if err := s.Keep(e, facts); err != nil {
		t.Fatal(err)
	}
}

func TestStore_KeepsWhatWasLearned(t *testing.T) {
	s, _ := newStore(t)
	if known := s.Recall(endpoint); !known.IsZero() {
		t.Errorf("an empty store knows %+v", known)
	}
	keep(t, s, endpoint, learned)
	if known := s.Recall(endpoint); !reflect.DeepEqual(known, learned) {
		t.Errorf("got %+v, want %+v", known, learned)
	}
	raw, err := os.ReadFile(s.path(endpoint))
	if err != nil || strings.Contains(string(raw), "geheim") {
		t.Errorf("the record is %s, %v", raw, err)
	}
	for _, other := range []func(*session.Endpoint){
		func(e *session.Endpoint) { e.Protocol = session.SFTP },
		func(e *session.Endpoint) { e.Address = "ftp.myhost.com:2121" },
		func(e *session.Endpoint) { e.User = "jane" },
		func(e *session.Endpoint) { e.Proxy = "http://proxy:3128" },
	} {
		e := endpoint
		other(&e)
		if known := s.Recall(e); !known.IsZero() {
			t.Errorf("of %+v is known %+v", e, known)
		}
	}
	if err := s.KeepMostSessions(endpoint, 0); err != nil {
		t.Error(err)
	}
	keep(t, s, endpoint, session.Facts{})
	if _, err := os.Stat(s.path(endpoint)); !os.IsNotExist(err) {
		t.Errorf("a record of nothing is there: %v", err)
	}
}

func TestStore_Private(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are Unix's")
	}
	s, _ := newStore(t)
	keep(t, s, endpoint, learned)
	for path, want := range map[string]os.FileMode{s.dir: 0o700, filepath.Dir(s.dir): 0o700, s.path(endpoint): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

// A fact is believed for a while from when it was learned, however often it is used.
func TestStore_FactsAge(t *testing.T) {
	s, c := newStore(t)
	keep(t, s, endpoint, learned)
	c.at = c.at.Add(23 * time.Hour)
	keep(t, s, endpoint, s.Recall(endpoint))
	c.at = c.at.Add(2 * time.Hour)
	if known := s.Recall(endpoint); known.HasZone || !known.NoEPSV {
		t.Errorf("after a day is known %+v", known)
	}
	keep(t, s, endpoint, s.Recall(endpoint))
	c.at = c.at.Add(28 * 24 * time.Hour)
	if known := s.Recall(endpoint); !known.NoEPSV || !known.Lack("MLSD") {
		t.Errorf("after a month less two days is known %+v", known)
	}
	keep(t, s, endpoint, s.Recall(endpoint))
	c.at = c.at.Add(3 * 24 * time.Hour)
	if known := s.Recall(endpoint); !known.IsZero() {
		t.Errorf("after a month is known %+v", known)
	}
	keep(t, s, endpoint, learned)
	if known := s.Recall(endpoint); !reflect.DeepEqual(known, learned) {
		t.Errorf("learned anew: %+v", known)
	}
	c.at = c.at.Add(-time.Hour)
	if known := s.Recall(endpoint); !known.IsZero() {
		t.Errorf("from the future is known %+v", known)
	}
}

// Whatever a file holds: it is not believed, and the next session replaces it.
func TestStore_DamagedRecords(t *testing.T) {
	const good = `{"format":1,"server":"ftp://ftp.myhost.com:21","account":"joe","facts":[%s]}`
	const day = `"learned":"2026-11-24T11:00:00Z"`
	tests := map[string]string{
		"empty":            "",
		"no JSON":          "{",
		"another format":   strings.Replace(fmt.Sprintf(good, `{"name":"no-epsv",`+day+`}`), `"format":1`, `"format":2`, 1),
		"another server":   strings.Replace(fmt.Sprintf(good, `{"name":"no-epsv",`+day+`}`), "myhost", "other", 1),
		"another account":  strings.Replace(fmt.Sprintf(good, `{"name":"no-epsv",`+day+`}`), "joe", "eve", 1),
		"unknown fact":     fmt.Sprintf(good, `{"name":"trusted","value":"yes",`+day+`}`),
		"no date":          fmt.Sprintf(good, `{"name":"no-epsv"}`),
		"a zone too far":   fmt.Sprintf(good, `{"name":"zone","value":"999999",`+day+`}`),
		"a zone as text":   fmt.Sprintf(good, `{"name":"zone","value":"east",`+day+`}`),
		"no command":       fmt.Sprintf(good, `{"name":"lacks","value":"a\r\nDELE b",`+day+`}`),
		"a long command":   fmt.Sprintf(good, `{"name":"lacks","value":"`+strings.Repeat("A", 99)+`",`+day+`}`),
		"another style":    fmt.Sprintf(good, `{"name":"paths","value":"../..",`+day+`}`),
		"no resumption":    fmt.Sprintf(good, `{"name":"resumption","value":"trust",`+day+`}`),
		"no keep-alive":    fmt.Sprintf(good, `{"name":"keep-alive","value":"",`+day+`}`),
		"no sessions":      fmt.Sprintf(good, `{"name":"most-sessions","value":"0",`+day+`}`),
		"less than none":   fmt.Sprintf(good, `{"name":"most-sessions","value":"-1",`+day+`}`),
		"sessions by ten":  fmt.Sprintf(good, `{"name":"most-sessions","value":"99999999999999999999",`+day+`}`),
		"another setter":   fmt.Sprintf(good, `{"name":"sets-time","value":"DELE",`+day+`}`),
		"too many facts":   fmt.Sprintf(good, strings.TrimSuffix(strings.Repeat(`{"name":"no-epsv",`+day+`},`, mostFacts+1), ",")),
		"too long":         fmt.Sprintf(good, `{"name":"no-epsv",`+day+`}`) + strings.Repeat(" ", longestRecord),
		"facts of a wrong": strings.Replace(fmt.Sprintf(good, ""), "[]", `{"a":1}`, 1),
	}
	for name, content := range tests {
		t.Run(name, func(t *testing.T) {
			s, _ := newStore(t)
			if err := os.MkdirAll(s.dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.path(endpoint), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if known := s.Recall(endpoint); !known.IsZero() {
				t.Errorf("believed %+v", known)
			}
			keep(t, s, endpoint, learned)
			if known := s.Recall(endpoint); !reflect.DeepEqual(known, learned) {
				t.Errorf("after it is known %+v", known)
			}
		})
	}
}

// A folder where a record would be, and a folder that cannot be made, are no harm.
func TestStore_NoRoom(t *testing.T) {
	s, _ := newStore(t)
	if err := os.MkdirAll(filepath.Join(s.path(endpoint), "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if known := s.Recall(endpoint); !known.IsZero() || s.Keep(endpoint, learned) == nil {
		t.Errorf("got %+v and no error", known)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := New(blocked, nil).Keep(endpoint, learned); err == nil {
		t.Error("kept in a file")
	}
}

func TestStore_Bounded(t *testing.T) {
	s, _ := newStore(t)
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	names := []string{unfinished + "left"}
	for i := range mostRecords + 5 {
		names = append(names, fmt.Sprintf("%04d%s", i, extension))
	}
	for i, name := range names {
		path := filepath.Join(s.dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, s, endpoint, learned)
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != mostRecords {
		t.Errorf("%d files, %v; want %d", len(entries), err, mostRecords)
	}
	if known := s.Recall(endpoint); known.IsZero() {
		t.Error("the newest record was deleted")
	}
}

// Runs at the same time read whole records, whoever wrote them.
func TestStore_ManyRuns(t *testing.T) {
	s, c := newStore(t)
	all := learned
	all.MostSessions = 0 // which outlives what a session keeps
	variants := []session.Facts{all, {NoEPSV: true}, {Lacks: []string{"MLSD"}}, {HasZone: true, Zone: time.Hour}}
	keep(t, s, endpoint, variants[0])
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() {
			run := New(filepath.Dir(s.dir), c.now)
			for j := range 50 {
				if err := run.Keep(endpoint, variants[(i+j)%len(variants)]); err != nil && runtime.GOOS != "windows" {
					t.Error(err)
				}
				known := run.Recall(endpoint)
				whole := known.IsZero() && runtime.GOOS == "windows"
				for _, v := range variants {
					whole = whole || reflect.DeepEqual(known, v)
				}
				if !whole {
					t.Errorf("read %+v", known)
				}
			}
		})
	}
	running.Wait()
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
}

func FuzzRecall(f *testing.F) {
	f.Add([]byte(`{"format":1,"server":"ftp://ftp.myhost.com:21","account":"joe","facts":[{"name":"zone","value":"3600","learned":"2026-11-24T11:00:00Z"}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, _ := newStore(t)
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path(endpoint), content, 0o600); err != nil {
			t.Fatal(err)
		}
		known := s.Recall(endpoint)
		if len(known.Lacks) > mostFacts || known.Zone.Abs() > widestZone || known.SetsTime != "" && known.SetsTime != "MFMT" && known.SetsTime != "MDTM" {
			t.Errorf("got %+v", known)
		}
		for _, command := range known.Lacks {
			if !isCommand(command) {
				t.Errorf("got the command %q", command)
			}
		}
	})
}

// How many sessions there may be is kept apart from what a session believes, which knows
// nothing of it, and for a week from when it was met last.
func TestStore_MostSessions(t *testing.T) {
	s, c := newStore(t)
	most := func(n int) {
		t.Helper()
		if err := s.KeepMostSessions(endpoint, n); err != nil {
			t.Fatal(err)
		}
	}
	most(4)
	keep(t, s, endpoint, session.Facts{NoEPSV: true})
	keep(t, s, endpoint, session.Facts{NoEPSV: true, NotUTF8: true})
	if known := s.Recall(endpoint); known.MostSessions != 4 || !known.NoEPSV || !known.NotUTF8 {
		t.Errorf("known is %+v", known)
	}
	keep(t, s, endpoint, session.Facts{})
	if known := s.Recall(endpoint); known.MostSessions != 4 || known.NoEPSV {
		t.Errorf("known is %+v", known)
	}
	c.at = c.at.Add(6 * 24 * time.Hour)
	keep(t, s, endpoint, session.Facts{})
	most(4)
	c.at = c.at.Add(6 * 24 * time.Hour)
	if known := s.Recall(endpoint); known.MostSessions != 4 {
		t.Errorf("met again, and after six days known is %+v", known)
	}
	keep(t, s, endpoint, session.Facts{NoEPSV: true})
	c.at = c.at.Add(2 * 24 * time.Hour)
	if known := s.Recall(endpoint); known.MostSessions != 0 || !known.NoEPSV {
		t.Errorf("after a week known is %+v", known)
	}
	most(2)
	most(0)
	if known := s.Recall(endpoint); known.MostSessions != 0 || !known.NoEPSV {
		t.Errorf("forgotten, and known is %+v", known)
	}
	most(1 << 30)
	if known := s.Recall(endpoint); known.MostSessions != mostSessions {
		t.Errorf("bounded, and known is %+v", known)
	}
}

// Each fact is told to people in words of its own, and none that is not believed.
func TestStore_Describe(t *testing.T) {
	s, c := newStore(t)
	if told := s.Describe(endpoint); len(told) != 0 {
		t.Errorf("of nothing is told %q", told)
	}
	keep(t, s, endpoint, learned)
	want := []string{"no MDTM", "no MLSD", "no EPSV", "LIST is UTC-05:00", "SITE UTIME UTC sets times", "no renaming onto a name that exists",
		"data connections must resume the login's own TLS session", "NOOP in transfers has cost a session", "paths as on z/OS", "names that are not UTF-8",
		"no more than 3 sessions at a time"}
	for i := range want {
		want[i] += " (2026-11-24)"
	}
	if told := s.Describe(endpoint); !reflect.DeepEqual(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	c.at = c.at.Add(8 * 24 * time.Hour)
	if told := s.Describe(endpoint); len(told) != len(want)-2 {
		t.Errorf("after a week is told %q", told)
	}
}
