package builtins

import (
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/sftpc/sftpc/netio/server"
)

// with turns commands off.
func with(off ...string) func(*server.Options) {
	return func(o *server.Options) { o.DisabledCommands = off }
}

var noHashes = []string{"HASH", "XSHA512", "XSHA256", "XSHA1", "XMD5", "XCRC"}

func TestUploadModes(t *testing.T) {
	big := strings.Repeat("0123456789", 50_000)
	half := big[:200_000]
	cases := []struct {
		name, mode   string
		before       string // of "big" on the server; "-" is none
		faults       string
		change       func(*server.Options)
		script       string // default PUTFILE("big")
		result, told string
		after        string            // of "big"; "" is all of it
		also         map[string]string // what else is there
	}{
		{name: "append", mode: "APPEND", before: "x", result: "OK", told: "Uploaded /big, 500000 bytes", after: "x" + big},
		{name: "append to nothing", mode: "APPEND", before: "-", result: "OK"},
		{name: "append, cut", mode: "APPEND", before: "x", faults: "on APPE 1: cut 100000", result: "DATA_LOST", told: "100000 bytes more than before, of 500000", after: "x" + big[:100_000]},
		{name: "append, and the reply is lost", mode: "APPEND", before: "x", faults: "on APPE 1: final none; close", result: "CONNECTION_LOST", told: "500000 bytes more than before", after: "x" + big},
		{name: "append, and some of it is gone", mode: "APPEND", before: "x", faults: "on MLST 2: reply 500 no\non SIZE: reply 213 77", result: "SIZE_MISMATCH", after: "x" + big},
		{name: "append, and nothing is known", mode: "APPEND", before: "x", change: with("MLST", "MLSD", "SIZE", "LIST"), result: "OK", after: "x" + big},

		{name: "skip", mode: "SKIP", before: "x", result: "OK", told: "Skipping (exists on the server) big", after: "x"},
		{name: "skip nothing", mode: "SKIP", before: "-", result: "OK"},
		{name: "skip where nobody knows", mode: "SKIP", before: "x", change: with("MLST", "MLSD", "SIZE", "LIST"), result: "NOT_SUPPORTED", after: "x"},

		{name: "resume", mode: "RESUME", before: half, result: "OK", told: "Resuming big at 200000 bytes, which have the same SHA512 here"},
		{name: "resume by a weaker hash", mode: "RESUME", before: half, change: with("HASH", "XSHA512", "XSHA256", "XSHA1"), result: "OK", told: "which have the same MD5 here"},
		{name: "resume without a hash", mode: "RESUME", before: half, change: with(noHashes...), result: "OK", told: "which are not verified: no hash is to be had"},
		{name: "resume nothing", mode: "RESUME", before: "-", result: "OK"},
		{name: "resume an empty one", mode: "RESUME", before: "", result: "OK"},
		{name: "resume another file", mode: "RESUME", before: "X" + half[1:], result: "OK", told: "big is sent from the beginning: the one on the server is another file, by its SHA512"},
		{name: "resume a longer one", mode: "RESUME", before: big + "more", result: "OK", told: "the one on the server is longer"},
		{name: "resume what is whole", mode: "RESUME", before: big, result: "OK", told: "Skipping (uploaded already, the SHA512 is the same) big"},
		{name: "resume what looks whole", mode: "RESUME", before: big, change: with(noHashes...), result: "OK", told: "Skipping (uploaded already, the size is the same) big"},
		{name: "resume what is as long and another", mode: "RESUME", before: "X" + big[1:], result: "OK", told: "is another file"},
		{name: "resume without REST", mode: "RESUME", before: half, faults: "on REST: reply 502 no", result: "OK"},
		{name: "resume where REST is refused for STOR", mode: "RESUME", before: half, faults: "on STOR 1: reply 451 Append/Restart not permitted", result: "OK", told: "Resuming big at 200000 bytes"},
		{name: "resume, cut again", mode: "RESUME", before: half, faults: "on STOR 1: cut 100000", result: "OK", told: "Resuming big at 300000 bytes"},
		{name: "resume, cut for good", mode: "RESUME", before: half, faults: "on STOR: cut 10000", result: "DATA_LOST", told: "big on the server is not whole: 230000 of 500000 bytes arrived", after: big[:230_000]},
		{name: "resume as text", mode: "RESUME", before: half, script: "SETTYPE(ASCII)\n" + `$r = PUTFILE("big")`, result: "OK", told: "only a binary transfer can be resumed"},

		{name: "unique", mode: "UNIQUE", before: "-", result: "OK", told: "Uploaded /big as ftp, 500000 bytes", after: "-", also: map[string]string{"ftp": big}},
		{name: "unique, twice", mode: "UNIQUE", before: "-", script: `PUTFILE("a")` + "\n" + `$r = PUTFILE("big")` + "\n" + `PRINT(GETREPLY)`, result: "OK", told: "FILE: ftp.1", after: "-", also: map[string]string{"ftp": "alpha", "ftp.1": big}},
		{name: "unique, cut", mode: "UNIQUE", before: "-", faults: "on STOU 1: cut 1000", result: "DATA_LOST", told: "ftp on the server is not whole: 1000 of 500000 bytes arrived", after: "-", also: map[string]string{"ftp": big[:1000]}},
		{name: "unique, in a directory", mode: "UNIQUE", before: "-", script: `$r = PUTFILE("big","sub/x")`, result: "NOT_SUPPORTED", told: "is one in the current directory", after: "-"},
		{name: "unique, and no name is told", mode: "UNIQUE", before: "-", faults: "on STOU: preliminary 150 go; final 226 done", result: "OK", told: "did not tell which name it chose for big", after: "-", also: map[string]string{"ftp": big}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"sub/": ""}
			if c.before != "-" {
				files["big"] = c.before
			}
			s := retried(t, siteOptions{files: files, faults: c.faults, change: c.change})
			write(t, s.local, map[string]string{"big": big, "a": "alpha"})
			script := c.script
			if script == "" {
				script = `$r = PUTFILE("big")`
			}
			result, o := s.result(append([]string{`SETUPLOADMODE(` + c.mode + `)`}, strings.Split(script, "\n")...)...)
			if result != c.result || !o.tells(c.told) {
				t.Errorf("the result is %s, want %s and %q\n%s%s", result, c.result, c.told, o.transcript, o.stdout)
			}
			want := map[string]string{"big": c.after}
			switch c.after {
			case "":
				want["big"] = big
			case "-":
				delete(want, "big")
			}
			maps.Copy(want, c.also)
			if got := read(t, s.remote); !maps.Equal(got, want) {
				for name, text := range got {
					t.Errorf("%s has %d bytes %.20q, want %d", name, len(text), text, len(want[name]))
				}
			}
		})
	}
}

// What ATOMIC may not do is found out once, and again on the next connection.
func TestAtomicInPlace(t *testing.T) {
	s := retried(t, siteOptions{faults: "on RNTO: reply 553 permission denied"})
	write(t, s.local, map[string]string{"a": "1", "b": "2", "c": "3"})
	o := s.on(`SETUPLOADMODE(ATOMIC)`, `PUTFILE("*")`, `CLOSEHOST`, `OPENHOST("ftp.test")`, `PUTFILE("a")`)
	if n := strings.Count(o.transcript, "in place from now on"); n != 2 {
		t.Errorf("told %d times\n%s", n, o.transcript)
	}
	holds(t, s.remote, map[string]string{"a": "1", "b": "2", "c": "3"})
}

// Two runs that upload the same name at the same time write into two files, and what
// bears the name in the end is one of them, whole.
func TestAtomicRunsDoNotMeet(t *testing.T) {
	first, second := strings.Repeat("first-", 100_000), strings.Repeat("second", 100_000)
	s := newSite(t, siteOptions{files: map[string]string{"big": "old"}, faults: "on STOR 1: rate 400000"})
	write(t, s.local, map[string]string{"big": first, "other/big": second})
	other := newBench(t, s.host.options)
	var ran sync.WaitGroup
	var once sync.Once
	s.job.Events = func(e Event) {
		if e.Kind != FileProgress && e.Kind != FileStart {
			return
		}
		once.Do(func() {
			ran.Go(func() {
				o := other.run(`OPENHOST("ftp.test","joe","pass-word-1")`, `SETUPLOADMODE(ATOMIC)`, `LOCALCHDIR("other")`, `PRINT(PUTFILE("big"))`)
				if o.stdout != "OK\n" {
					t.Errorf("the other run: %s\n%s", o.stdout, o.transcript)
				}
			})
		})
	}
	result, o := s.result(`SETUPLOADMODE(ATOMIC)`, `$r = PUTFILE("big")`)
	ran.Wait()
	if result != "OK" {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	got := read(t, s.remote)
	if text := got["big"]; text != first && text != second || len(got) != 1 {
		t.Errorf("%d bytes of two files are there, and %d names", len(text), len(got))
	}
}

// An attempt that begins anew writes under a new name: the server may still write to
// the one before, and that must not become the file.
func TestAtomicBeginsAnewUnderAnotherName(t *testing.T) {
	var stored []string
	s := retried(t, siteOptions{files: map[string]string{"a": "old"}, faults: "on STOR 1: cut 2", change: func(o *server.Options) {
		log := o.Log
		o.Log = func(line string) {
			if _, name, found := strings.Cut(line, "< STOR "); found {
				stored = append(stored, name)
			}
			log(line)
		}
	}})
	write(t, s.local, map[string]string{"a": "alpha"})
	result, o := s.result(`SETUPLOADMODE(ATOMIC)`, `$r = PUTFILE("a")`)
	if result != "OK" || len(stored) != 2 || stored[0] == stored[1] {
		t.Errorf("%s: stored as %q\n%s", result, stored, o.transcript)
	}
	holds(t, s.remote, map[string]string{"a": "alpha"})
}
