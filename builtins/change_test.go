package builtins

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

// Files that change while they are transferred: what ends under a final name must
// be one version of a file, never pieces of two.

// overwrite changes a file in place and sets its time, later than any before.
func overwrite(t *testing.T, path, text string, later time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	when := time.Now().Add(later)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}

// A download is taken up because size and time are those of the first run; the
// file changes before its bytes are asked for.
func TestGetFileResumesOnlyWhatStaysTheSame(t *testing.T) {
	first := strings.Repeat("0123456789", 100_000)
	for name, second := range map[string]string{
		"of the same size": strings.Repeat("abcdefghij", 100_000),
		"longer":           strings.Repeat("abcdefghij", 120_000),
		"shorter":          strings.Repeat("abcdefghij", 80_000),
	} {
		t.Run(name, func(t *testing.T) {
			var change func()
			s := newSite(t, siteOptions{files: map[string]string{"big": first}, faults: "on RETR 1: cut 600000",
				change: func(o *server.Options) {
					o.OnPASV = func(netip.AddrPort) {
						if change != nil {
							change()
							change = nil
						}
					}
				}})
			if result, o := s.result(`$r = GETFILE("big")`); result != "DATA_LOST" {
				t.Fatalf("the first run: %s\n%s", result, o.transcript)
			}
			change = func() { overwrite(t, filepath.Join(s.remote, "big"), second, time.Hour) }
			result, o := s.result(`$r = GETFILE("big")`)
			if result != "OK" || !o.has("Resuming big at") {
				t.Errorf("the second run: %s\n%s", result, o.transcript)
			}
			holds(t, s.local, map[string]string{"big": second})
		})
	}
}

// A file that is shorter when its bytes are asked for may be in the middle of
// being written; it is fetched once more from the beginning.
func TestGetFileThatShrank(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"f": "new"}, faults: "on MLST 1: raw \"250-Listing\\r\\n type=file;size=9;modify=20200102030405; f\\r\\n250 End\\r\\n\""})
	result, o := s.result(`$r = GETFILE("f")`)
	if result != "OK" || strings.Count(strings.Join(o.wire(), "\n"), "> RETR") != 2 {
		t.Errorf("the result is %s\n%s\n%s", result, o.transcript, strings.Join(o.wire(), "\n"))
	}
	holds(t, s.local, map[string]string{"f": "new"})
}

// wire is what went over the control connection.
func (o ran) wire() []string {
	var lines []string
	for _, e := range o.events {
		if e.Kind == Wire {
			lines = append(lines, e.Text)
		}
	}
	return lines
}

// Servers say in many ways that they cannot begin in the middle; a download must
// not fail for ever because an earlier one was cut.
func TestGetFileResumeRefused(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	for _, fault := range []string{"on REST: reply 550 no restart here", "on REST: reply 501 what", "on REST: reply 504 no", "on RETR 2: reply 554 bad position"} {
		s := newSite(t, siteOptions{files: map[string]string{"big": text}, faults: "on RETR 1: cut 600000\n" + fault})
		if result, o := s.result(`$r = GETFILE("big")`); result != "DATA_LOST" {
			t.Fatalf("the first run: %s\n%s", result, o.transcript)
		}
		if result, o := s.result(`$r = GETFILE("big")`); result != "OK" {
			t.Errorf("%s: %s\n%s", fault, result, o.transcript)
		}
		holds(t, s.local, map[string]string{"big": text})
	}
}

// A time from a listing is that of a minute: a file that was written twice within
// it looks the same.
func TestGetFileDoesNotResumeByAListingsTime(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	for name, c := range map[string]struct {
		age  time.Duration
		told bool
	}{"new": {0, false}, "old": {-400 * 24 * time.Hour, true}} {
		s := newSite(t, siteOptions{files: map[string]string{"big": text}, faults: "on RETR 1: cut 600000",
			change: func(o *server.Options) { o.DisabledCommands = []string{"MLSD", "MLST", "MDTM"} }})
		when := time.Now().Add(c.age)
		if err := os.Chtimes(filepath.Join(s.remote, "big"), when, when); err != nil {
			t.Fatal(err)
		}
		s.result(`$r = GETFILE("big*")`)
		result, o := s.result(`$r = GETFILE("big*")`)
		if result != "OK" || o.has("Resuming big at") != c.told || o.has("from the beginning") {
			t.Errorf("%s: %s\n%s", name, result, o.transcript)
		}
		holds(t, s.local, map[string]string{"big": text})
	}
}

// An upload whose file became shorter meanwhile is not what the script meant to
// send; one that became longer lacks something, and that is said.
func TestPutFileThatChanges(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	for _, c := range []struct{ name, mode, now, result, told string }{
		{"shorter", "OVERWRITE", text[:10], "SIZE_MISMATCH", ""},
		{"shorter, atomic", "ATOMIC", text[:10], "SIZE_MISMATCH", ""},
		{"longer", "OVERWRITE", text + text, "OK", "changed while it was sent"},
		{"the same size", "OVERWRITE", strings.Repeat("abcdefghij", 100_000), "OK", "changed while it was sent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, siteOptions{files: map[string]string{"big": "before"}})
			write(t, s.local, map[string]string{"big": text})
			s.job.Events = func(e Event) {
				if e.Kind == FileStart {
					overwrite(t, filepath.Join(s.local, "big"), c.now, time.Hour)
				}
			}
			result, o := s.result(`SETUPLOADMODE(`+c.mode+`)`, `$r = PUTFILE("big")`)
			if result != c.result || !o.tells(c.told) {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
			if c.mode == "ATOMIC" {
				holds(t, s.remote, map[string]string{"big": "before"})
			}
		})
	}
}

// Where a server does not rename onto a name that exists, and another run has moved
// the old file away in between, the new one takes the name.
func TestPutFileAtomicWithoutTheOldOne(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"old.txt": "before"},
		faults: "on RNTO old.txt 1: reply 550 File exists\non RNFR old.txt 1: reply 550 No such file"})
	write(t, s.local, map[string]string{"a.txt": "alpha"})
	result, o := s.result(`SETUPLOADMODE(ATOMIC)`, `$r = PUTFILE("a.txt","old.txt")`)
	if result != "OK" {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	holds(t, s.remote, map[string]string{"old.txt": "alpha"})
}

// A run that is cancelled while the old file is moved away brings the new one or
// the old one back under the name.
func TestPutFileAtomicCancelledInTheSwap(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := newSite(t, siteOptions{files: map[string]string{"old.txt": "before"}, faults: "on RNTO old.txt 1: reply 550 File exists"})
	write(t, s.local, map[string]string{"a.txt": "alpha"})
	s.job.Events = func(e Event) {
		if e.Kind == Message && strings.Contains(e.Text, "is moved away first") {
			cancel()
		}
	}
	o := s.runContext(ctx, `OPENHOST("ftp.test","joe","pass-word-1")`, `SETUPLOADMODE(ATOMIC)`, `PUTFILE("a.txt","old.txt")`)
	if text := read(t, s.remote)["old.txt"]; o.err == nil || text != "alpha" && text != "before" {
		t.Errorf("the server has %q\n%v\n%s", read(t, s.remote), o.err, o.transcript)
	}
}
