package builtins

import (
	"strings"
	"sync"
	"testing"

	"github.com/sftpc/sftpc/netio/server"
)

// The second run of an upload under ATOMIC takes the way at once that the first one has
// found. SETFEATURE goes before what is remembered.
func TestAtomic_SecondRun(t *testing.T) {
	state := t.TempDir()
	var lock sync.Mutex
	var said []string
	s := newSite(t, siteOptions{
		// The old file is in the way of these.
		faults:  "on RNTO old.txt 1: reply 550 Rename failed.\non RNTO old.txt 4: reply 550 Rename failed.",
		options: func(o *Options) { o.StateDir = state },
		change: func(o *server.Options) {
			o.Log = func(line string) {
				lock.Lock()
				defer lock.Unlock()
				if _, command, found := strings.Cut(line, "< "); found {
					said = append(said, strings.Fields(command + " -")[0])
				}
			}
		}})
	for i, c := range []struct {
		feature, said string
	}{
		{"AUTO", "RNFR RNTO MLST RNFR RNTO RNFR RNTO DELE"},
		{"AUTO", "RNFR RNTO RNFR RNTO DELE"},
		{"ENABLED", "RNFR RNTO MLST RNFR RNTO RNFR RNTO DELE"},
		{"AUTO", "RNFR RNTO RNFR RNTO DELE"},
	} {
		write(t, s.remote, map[string]string{"old.txt": "before"})
		write(t, s.local, map[string]string{"a.txt": "alpha"})
		said = nil
		result, o := s.result(`SETFEATURE(REPLACE, `+c.feature+`)`, `SETUPLOADMODE(ATOMIC)`, `$r = PUTFILE("a.txt","old.txt")`, `CLOSEHOST`)
		if result != "OK" {
			t.Errorf("%d: the result is %s\n%s", i, result, o.transcript)
		}
		holds(t, s.remote, map[string]string{"old.txt": "alpha"})
		commands := strings.Join(said, " ")
		_, commands, _ = strings.Cut(commands, "STOR MLST ") // and verified
		if commands != c.said+" QUIT" {
			t.Errorf("%d: said %q, want %q", i, commands, c.said+" QUIT")
		}
	}
}

// A record that says too much costs a command and no file: the old file cannot be moved
// away here, and can be replaced. Then the record is mended.
func TestAtomic_WrongRecord(t *testing.T) {
	state := t.TempDir()
	old := "on RNTO old.txt 1: reply 550 File exists\n"
	s := newSite(t, siteOptions{faults: old + "on RNFR old.txt 2-9: reply 550 Permission denied", options: func(o *Options) { o.StateDir = state }})
	write(t, s.local, map[string]string{"a.txt": "alpha"})
	for i, told := range []bool{false, true, false} {
		write(t, s.remote, map[string]string{"old.txt": "before"})
		result, o := s.result(`VERBOSE(ON)`, `OPENHOST("ftp.test","joe","pass-word-1")`, `SETUPLOADMODE(ATOMIC)`, `$r = PUTFILE("a.txt","old.txt")`, `CLOSEHOST`)
		if result != "OK" {
			t.Errorf("%d: the result is %s\n%s", i, result, o.transcript)
		}
		holds(t, s.remote, map[string]string{"old.txt": "alpha"})
		if o.has("no renaming onto a name that exists") != told {
			t.Errorf("%d: %s", i, o.transcript)
		}
	}
}

// What a connection has learned holds for the one that takes its place, though nothing
// is kept from run to run.
func TestRemembered_ConnectedAgain(t *testing.T) {
	var lock sync.Mutex
	asked := 0
	s := newSite(t, siteOptions{files: map[string]string{"a.txt": "alpha"}, faults: "on RETR 1: close\non EPSV: reply 502 no",
		options: func(o *Options) { o.Settings = map[string]string{"retry": "2, 0"} },
		change: func(o *server.Options) {
			o.Log = func(line string) {
				lock.Lock()
				defer lock.Unlock()
				if strings.Contains(line, "< EPSV") {
					asked++
				}
			}
		}})
	result, o := s.result(`$r = GETFILE("a.txt")`)
	if result != "OK" || !o.has("Connected again.") || asked != 1 {
		t.Errorf("the result is %s, and EPSV was asked for %d times\n%s", result, asked, o.transcript)
	}
}
