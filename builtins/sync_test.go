package builtins

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

// aged gives files a time, so that a test need not wait for clocks.
func aged(t *testing.T, dir string, at time.Time, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(name)), at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// messages are the lines of a transcript that SYNC has for files.
func (o ran) messages() []string {
	var all []string
	for line := range strings.Lines(o.transcript) {
		line = strings.TrimSpace(line)
		for _, begin := range []string{"Synchronizing ", "Uploading", "Downloading", "Skipping", "Deleting", "Clock", "Synchronized", "Nothing is deleted"} {
			if strings.HasPrefix(line, begin) {
				all = append(all, line)
			}
		}
	}
	return all
}

// The documented messages, the four methods, and what each leaves on both sides.
func TestSync_Methods(t *testing.T) {
	old, recent := time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC), time.Date(2026, 3, 2, 12, 0, 1, 0, time.UTC)
	tests := []struct {
		method, options string
		messages        []string
		local, remote   map[string]string
	}{
		{"UPLOAD", "", []string{
			`Synchronizing remote directory /www from /site`,
			"Uploading (remote file is older) /www/changed",
			"Skipping (remote file is uptodate) /www/edited",
			"Uploading (remote file not found) /www/new",
			"Skipping (remote file is uptodate) /www/same",
			"Uploading (remote file has another size) /www/size",
			"Synchronized: 3 files transferred, 2 up to date, 0 deleted",
		}, nil, map[string]string{"same": "same", "changed": "2222", "edited": "there", "new": "new", "size": "longer", "orphan": "orphan", "gone/x": "x", "sub/deep": "0000"}},
		{"UPLOAD", ", SUBDIRS", nil, nil, map[string]string{"same": "same", "changed": "2222", "edited": "there", "new": "new", "size": "longer", "orphan": "orphan", "gone/x": "x", "sub/deep": "deep", "sub/other/y": "y"}},
		{"UPLOAD_DELETE", ", SUBDIRS", []string{
			`Synchronizing remote directory /www from /site`,
			"Uploading (remote file is older) /www/changed",
			"Skipping (remote file is uptodate) /www/edited",
			"Uploading (remote file not found) /www/new",
			"Skipping (remote file is uptodate) /www/same",
			"Uploading (remote file has another size) /www/size",
			"Uploading (remote file is older) /www/sub/deep",
			"Uploading (remote file not found) /www/sub/other/y",
			"Deleting (remote file is orphaned) /www/gone/x",
			"Deleting (remote directory is orphaned) /www/gone",
			"Deleting (remote file is orphaned) /www/orphan",
			"Synchronized: 5 files transferred, 2 up to date, 3 deleted",
		}, nil, map[string]string{"same": "same", "changed": "2222", "edited": "there", "new": "new", "size": "longer", "sub/deep": "deep", "sub/other/y": "y"}},
		{"UPLOAD_DELETE", `, SUBDIRS, "*e*"`, nil, nil, map[string]string{"same": "same", "changed": "2222", "edited": "there", "new": "new", "size": "longer", "orphan": "orphan", "gone/x": "x", "sub/deep": "deep"}},
		{"DOWNLOAD", "", []string{
			`Synchronizing local directory /site from /www`,
			"Skipping (local file is uptodate) /www/changed",
			"Downloading (local file is older) /www/edited",
			"Downloading (local file not found) /www/orphan",
			"Skipping (local file is uptodate) /www/same",
			"Downloading (local file has another size) /www/size",
			"Synchronized: 3 files transferred, 2 up to date, 0 deleted",
		}, map[string]string{"same": "same", "changed": "2222", "edited": "there", "orphan": "orphan", "new": "new", "size": "short", "sub/deep": "deep", "sub/other/y": "y"}, nil},
		{"DOWNLOAD_DELETE", ", SUBDIRS", nil,
			map[string]string{"same": "same", "changed": "2222", "edited": "there", "orphan": "orphan", "size": "short", "sub/deep": "deep", "gone/x": "x"}, nil},
	}
	local := map[string]string{"same": "same", "changed": "2222", "edited": "here!", "new": "new", "size": "longer", "sub/deep": "deep", "sub/other/y": "y"}
	remote := map[string]string{"same": "same", "changed": "1111", "edited": "there", "orphan": "orphan", "size": "short", "gone/x": "x", "sub/deep": "0000"}
	for _, tt := range tests {
		t.Run(tt.method+tt.options, func(t *testing.T) {
			sites(t, siteOptions{options: withState(t)}, func(t *testing.T, s *site) {
				write(t, filepath.Join(s.local, "site"), local)
				write(t, filepath.Join(s.remote, "www"), remote)
				aged(t, filepath.Join(s.local, "site"), old, "same", "edited", "size")
				aged(t, filepath.Join(s.local, "site"), recent, "changed", "new", "sub/deep", "sub/other/y")
				aged(t, filepath.Join(s.remote, "www"), old, "same", "changed", "size", "orphan", "gone/x", "sub/deep")
				aged(t, filepath.Join(s.remote, "www"), recent, "edited")
				statement := fmt.Sprintf(`$r = SYNC("/site", "/www/", %s%s)`, tt.method, tt.options)
				result, o := s.result(statement)
				if got := o.messages(); result != "OK" || tt.messages != nil && !slices.Equal(got, tt.messages) {
					t.Errorf("%s\n%s", result, strings.Join(got, "\n"))
				}
				if tt.local == nil {
					tt.local = local
				}
				if tt.remote == nil {
					tt.remote = remote
				}
				holds(t, filepath.Join(s.local, "site"), tt.local)
				holds(t, filepath.Join(s.remote, "www"), tt.remote)
				_, o = s.result(statement)
				if !o.has("Synchronized: 0 files transferred") || !o.has(" 0 deleted") {
					t.Errorf("a second run:\n%s", strings.Join(o.messages(), "\n"))
				}
			})
		})
	}
}

// withState gives runs a folder to remember things in.
func withState(t *testing.T) func(*Options) {
	dir := t.TempDir()
	return func(o *Options) { o.StateDir = dir }
}

// A second SYNC changes nothing, and a change is seen, whatever the server's clock is,
// whatever it tells of times and whether it takes them.
func TestSync_Twice(t *testing.T) {
	berlin := time.FixedZone("", 2*3600)
	disabled := func(commands ...string) func(*server.Options) {
		return func(o *server.Options) { o.DisabledCommands = append(o.DisabledCommands, commands...) }
	}
	setters := disabled("MFMT", "SITE UTIME")
	tests := []struct {
		name   string
		change []func(*server.Options)
	}{
		{"MLSD and MFMT", nil},
		{"no way to set times", []func(*server.Options){setters}},
		{"LIST and MDTM", []func(*server.Options){disabled("MLSD", "MLST")}},
		{"LIST and MDTM in another zone", []func(*server.Options){disabled("MLSD", "MLST", "MFMT"), func(o *server.Options) { o.Zone = berlin }}},
		{"LIST only", []func(*server.Options){disabled("MLSD", "MLST", "MDTM"), setters}},
		{"LIST only in another zone", []func(*server.Options){disabled("MLSD", "MLST", "MDTM"), setters, func(o *server.Options) { o.Zone = berlin }}},
	}
	for _, tt := range tests {
		for _, ahead := range []time.Duration{0, 2 * time.Hour, -2 * time.Hour} {
			for _, method := range []string{"UPLOAD", "DOWNLOAD"} {
				t.Run(fmt.Sprintf("%s, %v, %s", tt.name, ahead, method), func(t *testing.T) {
					t.Parallel()
					s := newSite(t, siteOptions{options: withState(t), change: func(o *server.Options) {
						o.ClockOffset = ahead
						for _, change := range tt.change {
							change(o)
						}
					}})
					from, to := filepath.Join(s.local, "in"), filepath.Join(s.remote, "out")
					if method == "DOWNLOAD" {
						from, to = filepath.Join(s.remote, "out"), filepath.Join(s.local, "in")
					}
					write(t, s.local, map[string]string{"in/": ""})
					write(t, s.remote, map[string]string{"out/": ""})
					now := time.Now()
					write(t, from, map[string]string{"fresh": "1", "hour": "2", "winter": "3", "sub/year": "4"})
					aged(t, from, now.Add(-time.Hour), "hour")
					aged(t, from, now.AddDate(0, -5, 0), "winter")
					aged(t, from, now.AddDate(-1, 0, -3), "sub/year")
					sync := func(want int) ran {
						t.Helper()
						result, o := s.result(`$r = SYNC("/in", "/out", ` + method + `, SUBDIRS)`)
						if line := fmt.Sprintf("Synchronized: %s transferred", plural(want, "file")); result != "OK" || !o.has(line) {
							t.Errorf("%s, want %s\n%s", result, line, o.transcript)
						}
						return o
					}
					sync(4)
					holds(t, to, read(t, from))
					sync(0)
					sync(0)
					// Edited within the hour after it went, and of the same size.
					write(t, from, map[string]string{"hour": "5"})
					aged(t, from, now.Add(-30*time.Minute), "hour")
					sync(1)
					holds(t, to, read(t, from))
					sync(0)
				})
			}
		}
	}
}

// What was remembered may be lost: that costs a transfer at most, and no file.
func TestSync_MemoryIsLost(t *testing.T) {
	for _, method := range []string{"UPLOAD", "DOWNLOAD"} {
		dir := t.TempDir()
		s := newSite(t, siteOptions{options: func(o *Options) { o.StateDir = dir }, change: func(o *server.Options) {
			o.DisabledCommands, o.ClockOffset = []string{"MFMT", "MDTM", "MLSD", "MLST", "SITE UTIME"}, -2*time.Hour
		}})
		write(t, s.local, map[string]string{"in/a": "1"})
		write(t, s.remote, map[string]string{"out/b": "2"})
		for range 3 {
			if result, o := s.result(`$r = SYNC("/in", "/out", ` + method + `)`); result != "OK" {
				t.Errorf("%s\n%s", result, o.transcript)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
		want := map[string]string{"a": "1", "b": "2"}
		if method == "UPLOAD" {
			holds(t, filepath.Join(s.remote, "out"), want)
		} else {
			holds(t, filepath.Join(s.local, "in"), want)
		}
	}
}

// An upload that was cut, even of a run that was killed, is not taken for the newer
// file that it looks like.
func TestSync_CutUploadIsSentAgain(t *testing.T) {
	content := strings.Repeat("0123456789", 20_000)
	s := newSite(t, siteOptions{options: withState(t), faults: "on STOR a 1: cut 50000; close"})
	write(t, s.local, map[string]string{"in/a": content})
	aged(t, s.local, time.Now().Add(-time.Hour), "in/a")
	write(t, s.remote, map[string]string{"out/": "", "out/orphan": "x"})
	result, o := s.result(`SETRETRY(1)`, `$r = SYNC("/in", "/out", UPLOAD_DELETE)`)
	if result == "OK" {
		t.Fatalf("the upload was not cut\n%s", o.transcript)
	}
	if got := read(t, filepath.Join(s.remote, "out")); got["orphan"] != "x" {
		t.Error("an orphan was deleted although a transfer failed")
	}
	result, o = s.result(`$r = SYNC("/in", "/out", UPLOAD_DELETE)`)
	if result != "OK" || !o.has("Uploading (remote file was not finished by an earlier run) /out/a") {
		t.Errorf("%s\n%s", result, o.transcript)
	}
	holds(t, filepath.Join(s.remote, "out"), map[string]string{"a": content})
}

// What an exclusion covers is neither transferred nor deleted, on either side.
func TestSync_Exclusions(t *testing.T) {
	s := newSite(t, siteOptions{})
	write(t, s.local, map[string]string{"in/a.txt": "1", "in/b.tmp": "2", "in/cache/x": "3", "in/sub/c.tmp": "4", "in/sub/d": "5"})
	write(t, s.remote, map[string]string{"out/old.tmp": "x", "out/cache/y": "y", "out/keep.log": "z", "out/old": "o", "out/dir/keep.log": "k", "out/dir/old": "o"})
	result, o := s.result(`ADDEXCLUSION(LOCAL, "*.tmp")`, `ADDEXCLUSION(LOCAL, "/in/cache/")`, `ADDEXCLUSION(REMOTE, "*.log")`,
		`$r = SYNC("/in", "/out", UPLOAD_DELETE, SUBDIRS)`)
	if result != "OK" {
		t.Errorf("%s\n%s", result, o.transcript)
	}
	holds(t, filepath.Join(s.remote, "out"), map[string]string{"a.txt": "1", "sub/d": "5", "old.tmp": "x", "cache/y": "y", "keep.log": "z", "dir/keep.log": "k"})
}

// The brakes. None of these may delete anything.
func TestSync_NothingIsDeleted(t *testing.T) {
	many := map[string]string{"out/a": "1", "out/b": "2", "out/c/d": "3"}
	unknown := func(o *server.Options) {
		o.DisabledCommands = []string{"MLSD", "MLST"}
		o.Listings = map[string]string{"/out": "-rw-r--r-- 1 u g 1 Jan 01 2026 a\nwhat is this line\n"}
	}
	tests := []struct {
		name, faults, before string
		local                map[string]string
		change               func(*server.Options)
		want                 string
	}{
		{"the source is empty", "", "", map[string]string{"in/": ""}, nil, "DELETION_REFUSED"},
		{"the source is missing", "", "", nil, nil, "NO_SUCH_LOCAL_FILE"},
		{"the source is missing, ALL", "", "SETDELETELIMIT(ALL)", nil, nil, "NO_SUCH_LOCAL_FILE"},
		{"more than the limit", "", "SETDELETELIMIT(3)", map[string]string{"in/x": ""}, nil, "DELETION_REFUSED"},
		{"a transfer failed", "on STOR x: reply 553 no", "", map[string]string{"in/x": "1"}, nil, "NO_REMOTE_PERMISSION"},
		{"a listing below failed", "on MLSD out/c: reply 550 Permission denied\non MLSD /out/c: reply 550 Permission denied", "", map[string]string{"in/x": "1", "in/c/d": "3"}, nil, "PARTIAL_SUCCESS"},
		{"a line is not understood", "", "", map[string]string{"in/x": "1"}, unknown, "PARTIAL_SUCCESS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, siteOptions{files: many, faults: tt.faults, change: tt.change})
			write(t, s.local, tt.local)
			result, o := s.result("SETRETRY(1)", "SETFEATURE(REST, AUTO)", orNothing(tt.before), `$r = SYNC("/in", "/out", UPLOAD_DELETE, SUBDIRS)`)
			if result != tt.want {
				t.Errorf("%s, want %s\n%s", result, tt.want, o.transcript)
			}
			got := read(t, s.remote)
			for name, content := range many {
				if got[name] != content {
					t.Errorf("%s is gone\n%s", name, o.transcript)
				}
			}
		})
	}
	s := newSite(t, siteOptions{files: many})
	write(t, s.local, map[string]string{"in/": ""})
	if result, o := s.result("SETDELETELIMIT(ALL)", `$r = SYNC("/in", "/out", UPLOAD_DELETE, SUBDIRS)`); result != "OK" || len(read(t, s.remote)) != 0 {
		t.Errorf("%s, %q\n%s", result, read(t, s.remote), o.transcript)
	}
}

func orNothing(statement string) string {
	if statement == "" {
		return "$none = 0"
	}
	return statement
}

// An orphan that cannot be deleted is told of, and the result is OK, as documented.
func TestSync_OrphanThatStays(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"out/old": "o", "out/dir/older": "o"}, faults: "on DELE older: reply 550 Permission denied\non DELE dir/older: reply 550 Permission denied\non DELE *older: reply 550 Permission denied"})
	write(t, s.local, map[string]string{"in/x": "1"})
	result, o := s.result(`$r = SYNC("/in", "/out", UPLOAD_DELETE, SUBDIRS)`)
	if result != "OK" || !o.has("/out/dir/older was not deleted") || o.has("(remote directory is orphaned)") {
		t.Errorf("%s\n%s", result, o.transcript)
	}
	holds(t, s.remote, map[string]string{"out/x": "1", "out/dir/older": "o"})
}

// What has one name and is not of one kind, and links, are left alone.
func TestSync_LeftOut(t *testing.T) {
	s := newSite(t, siteOptions{files: map[string]string{"out/a/in": "1", "out/b": "2", "out/orphan": "o"}})
	write(t, s.local, map[string]string{"in/a": "1", "in/b/c": "2", "in/d": "3"})
	if err := os.Symlink("d", filepath.Join(s.local, "in", "link")); err != nil {
		t.Skip(err)
	}
	result, o := s.result(`$r = SYNC("/in", "/out", UPLOAD_DELETE, SUBDIRS)`)
	if result != "PARTIAL_SUCCESS" || !o.has("Skipping (a link) /out/link") || !o.has("/out/a is left out: it is a file here and a directory on the other side") {
		t.Errorf("%s\n%s", result, o.transcript)
	}
	holds(t, filepath.Join(s.remote, "out"), map[string]string{"a/in": "1", "b": "2", "d": "3", "orphan": "o"})
}

func TestSync_Arguments(t *testing.T) {
	for _, c := range []struct{ before, call, want string }{
		{"", `SYNC("/none", "/out", UPLOAD)`, "NO_SUCH_LOCAL_FILE"},
		{"", `SYNC("/in", "/none", UPLOAD)`, "NO_SUCH_REMOTE_FILE"},
		{"", `SYNC("/in", "/none", DOWNLOAD)`, "NO_SUCH_REMOTE_FILE"},
		{"", `SYNC("/in/x", "/out", DOWNLOAD)`, "BAD_ARGUMENT"},
		{"", `SYNC("/in", "out", UPLOAD)`, "OK"},
		{"SETUPLOADMODE(ATOMIC)", `SYNC("/in", "out", UPLOAD)`, "OK"},
		{"SETUPLOADMODE(APPEND)", `SYNC("/in", "/out", UPLOAD)`, "BAD_ARGUMENT"},
		{"SETUPLOADMODE(APPEND)", `SYNC("/in", "/out", DOWNLOAD)`, "OK"},
		{"", `SETDELETELIMIT(0)`, "BAD_ARGUMENT"},
		{"", `SETDELETELIMIT(1.5)`, "BAD_ARGUMENT"},
		{"", `SETCLOCKDIFF(-7201)`, "OK"},
		{"", `SETCLOCKDIFF(1e9)`, "BAD_ARGUMENT"},
	} {
		sites(t, siteOptions{files: map[string]string{"out/": ""}}, func(t *testing.T, s *site) {
			write(t, s.local, map[string]string{"in/x": "1"})
			if strings.Contains(c.call, "1e9") {
				c.call = `SETCLOCKDIFF("1e9")`
			}
			if result, o := s.result(orNothing(c.before), "$r = "+c.call); result != c.want {
				t.Errorf("%s: %s, want %s\n%s", c.call, result, c.want, o.transcript)
			}
		})
	}
}

// SETCLOCKDIFF holds for times of any kind.
func TestSync_ClockDifferenceThatIsSet(t *testing.T) {
	s := newSite(t, siteOptions{change: func(o *server.Options) { o.ClockOffset = -2 * time.Hour }})
	write(t, s.local, map[string]string{"in/x": "1"})
	write(t, s.remote, map[string]string{"out/x": "2"})
	at := time.Now().Add(-48 * time.Hour).Truncate(2 * time.Second)
	aged(t, s.local, at.Add(2*time.Second), "in/x")
	aged(t, s.remote, at, "out/x") // told as two hours before that
	for _, want := range []string{"1 file transferred", "0 files transferred"} {
		result, o := s.result("SETCLOCKDIFF(-7200)", `$r = SYNC("/in", "/out", UPLOAD)`)
		if result != "OK" || !o.has(want) || !o.has("Clock time difference is -7200 seconds.") {
			t.Errorf("%s, want %s\n%s", result, want, o.transcript)
		}
	}
	info, err := os.Stat(filepath.Join(s.remote, "out", "x"))
	if err != nil || !info.ModTime().Equal(at.Add(2*time.Second)) {
		t.Errorf("the file has the time %v, want %v (%v)", info.ModTime(), at.Add(2*time.Second), err)
	}
}

func TestClockDifference(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 40, 0, time.UTC)
	for _, c := range []struct {
		ahead, grain, took, want time.Duration
	}{
		{0, time.Minute, 0, 0},
		{2 * time.Hour, time.Minute, time.Second, 2 * time.Hour},
		{-2 * time.Hour, time.Minute, time.Second, -2 * time.Hour},
		{-7201 * time.Second, time.Second, 0, -7201 * time.Second},
		{5*time.Hour + 45*time.Minute, time.Minute, 20 * time.Second, 5*time.Hour + 45*time.Minute},
		{-7201 * time.Second, time.Minute, 0, -2 * time.Hour},
	} {
		if got := clockDifference(at.Add(c.ahead).Truncate(c.grain), c.grain, at.Add(-c.took), at.Add(c.took)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// A target that refuses times is asked once, not for each file.
func TestSync_TimesThatCannotBeSet(t *testing.T) {
	s := newSite(t, siteOptions{options: withState(t), faults: "on MFMT: reply 550 Not allowed"})
	write(t, s.local, map[string]string{"in/x": "1", "in/y": "2"})
	write(t, s.remote, map[string]string{"out/": ""})
	for _, want := range []string{"2 files transferred", "0 files transferred"} {
		if result, o := s.result(`$r = SYNC("/in", "/out", UPLOAD)`); result != "OK" || !o.has(want) {
			t.Errorf("%s\n%s", result, o.transcript)
		}
	}
}

// Where a server tells exact times nowhere, a temporary file shows its clock, if
// times are compared at all. One that takes no file is told of.
func TestSync_ClockDifferenceThatIsMeasured(t *testing.T) {
	for _, c := range []struct {
		faults, file, want string
	}{
		{"", "other", ""},
		{"", "x", "Clock time difference is 7200 seconds."},
		{"on STOR: reply 550 Permission denied", "x", "the clock time difference is not known"},
	} {
		s := newSite(t, siteOptions{faults: c.faults, change: func(o *server.Options) {
			o.DisabledCommands, o.Zone = []string{"MFMT", "MDTM", "MLSD", "MLST", "SITE UTIME"}, time.FixedZone("", 7200)
		}})
		write(t, s.local, map[string]string{"in/" + c.file: "1"})
		write(t, s.remote, map[string]string{"out/x": "1"})
		result, o := s.result(`$r = SYNC("/in", "/out", DOWNLOAD)`)
		if result != "OK" || !o.has(c.want) || o.has("Uploading temporary file") != (c.want != "") {
			t.Errorf("%s\n%s", result, o.transcript)
		}
		holds(t, s.remote, map[string]string{"out/x": "1"})
	}
}
