package builtins

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

// traffic counts what a server is asked, and puts what happens on its connections in
// an order.
type traffic struct {
	lock  sync.Mutex
	lines []string
	// after says which line another one waits for: a connection of the server goes on
	// behind its line when the other one has been told.
	after map[string]string
}

func (w *traffic) tap(o *server.Options) {
	log := o.Log
	o.Log = func(line string) {
		w.lock.Lock()
		w.lines = append(w.lines, line)
		before := w.after[line]
		w.lock.Unlock()
		log(line)
		for deadline := time.Now().Add(time.Minute); before != "" && w.at(before) < 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				log("nobody came to " + before)
				return
			}
		}
	}
}

// at is where a line stands, -1 if it was not told.
func (w *traffic) at(line string) int {
	w.lock.Lock()
	defer w.lock.Unlock()
	return slices.Index(w.lines, line)
}

// count is how many lines hold the text.
func (w *traffic) count(text string) int {
	w.lock.Lock()
	defer w.lock.Unlock()
	n := 0
	for _, line := range w.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// many are files of a tree, more than a single connection is opened for.
func many(prefix string) map[string]string {
	files := make(map[string]string)
	for i := range 30 {
		files[fmt.Sprintf("%sf%02d", prefix, i)] = strings.Repeat("x", i)
		files[fmt.Sprintf("%sd%d/e%d/g%02d", prefix, i%3, i%2, i)] = strings.Repeat("y", i)
	}
	return files
}

// told are the names that the transcript says to have arrived, in its order.
func (o ran) told(begin string) []string {
	var names []string
	for line := range strings.Lines(o.transcript) {
		if rest, found := strings.CutPrefix(line, begin); found {
			name, _, _ := strings.Cut(rest, ",")
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// inPlan sorts names as a walk meets them.
func inPlan(names []string) []string {
	sorted := slices.Clone(names)
	slices.SortFunc(sorted, func(a, b string) int {
		for {
			first, restA, deepA := strings.Cut(a, "/")
			second, restB, deepB := strings.Cut(b, "/")
			switch {
			case deepA != deepB && deepA:
				return 1
			case deepA != deepB:
				return -1
			case first != second:
				return strings.Compare(first, second)
			}
			a, b = restA, restB
		}
	})
	return sorted
}

// Downloads go over several connections, and are told and take effect in the order of
// the plan.
func TestCrew_Downloads(t *testing.T) {
	var seen traffic
	files := many("")
	s := newSite(t, siteOptions{files: files, faults: "on RETR: delay 20ms", change: seen.tap})
	result, o := s.result(`$r = GETFILE("*", SUBDIRS)`)
	if result != "OK" {
		t.Fatalf("%s\n%s", result, o.transcript)
	}
	holds(t, s.local, files)
	names := o.told("Downloaded ")
	if len(names) != len(files) || !slices.Equal(names, inPlan(names)) {
		t.Errorf("%d files, told as %q", len(names), names)
	}
	if n := seen.count("PASS"); n < 2 || n > usualParallel {
		t.Errorf("%d logins", n)
	}
}

// A server that grants fewer connections, in whatever way it says so, fails nothing, and
// is not asked for more by the commands to come.
func TestCrew_LearnsTheCap(t *testing.T) {
	for name, o := range map[string]siteOptions{
		"421 in place of a greeting":                                 {change: func(o *server.Options) { o.MaxConnections = 2 }},
		"530 to the password":                                        {faults: "on PASS 2-: reply 530 Too many connections from your address"},
		"530 to the user":                                            {faults: "on USER 3-: reply 530 Sorry"},
		"closed in place of a login":                                 {faults: "on PASS 2-: close"},
		"421 to the third file":                                      {faults: "on RETR 3: reply 421 Too many connections; close"},
		"425 to each while there are several":                        {faults: "on RETR 5-6: reply 425 Too many data connections"},
		"the own connection is lost and another one holds its place": {faults: "on RETR 9: close\non RETR 14: close", change: func(o *server.Options) { o.MaxConnections = 2 }},
		"425 to some":                                                {faults: "on RETR 4-5: reply 425 Too many data connections"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen traffic
			change := o.change
			o.files = many("")
			o.faults += "\non RETR: delay 5ms"
			o.options = func(options *Options) { options.Settings = map[string]string{"retry": "3, 0"} }
			o.change = func(options *server.Options) {
				if change != nil {
					change(options)
				}
				seen.tap(options)
			}
			s := newSite(t, o)
			result, ran := s.result(`$r = GETFILE("*", SUBDIRS)`, `PRINT($r)`, `LOCALMKDIR("again")`, `LOCALCHDIR("again")`, `$r = GETFILE("*", SUBDIRS)`)
			if result != "OK" || !strings.HasPrefix(ran.stdout, "OK\n") {
				t.Fatalf("%s\n%s", result, ran.transcript)
			}
			want := maps.Clone(o.files)
			for name, content := range o.files {
				want["again/"+name] = content
			}
			holds(t, s.local, want)
			if n := seen.count("USER"); n > 2*usualParallel {
				t.Errorf("%d logins", n)
			}
		})
	}
}

// What a server refuses because of other connections is tried again without them: also
// where those are gone when the refusal comes, and where the server is slow to see that
// they are.
func TestCrew_RefusedBesideOthers(t *testing.T) {
	for name, test := range map[string]struct {
		faults string
		after  map[string]string
	}{
		"the others are gone meanwhile": {"on RETR f00 1: reply 425 Too many data connections\non RETR f02 1: reply 425 Too many data connections",
			map[string]string{"2 > 226 Transfer complete": "1 < RETR f02", "1 < RETR f02": "2 > 221 Goodbye"}},
		"the server does not see it at once": {"on RETR f00 1-2: reply 425 Too many data connections", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := traffic{after: map[string]string{"2 < PASS ******": "1 < RETR f00", "1 < RETR f00": "2 < RETR f01"}}
			maps.Copy(seen.after, test.after)
			files := make(map[string]string)
			for i := range 20 {
				files[fmt.Sprintf("f%02d", i)] = strings.Repeat("x", i)
			}
			s := newSite(t, siteOptions{files: files, faults: test.faults, change: seen.tap,
				options: func(options *Options) { options.Settings = map[string]string{"retry": "3, 0", "parallel": "2"} }})
			result, o := s.result(`$r = GETFILE("*")`)
			if result != "OK" {
				t.Fatalf("%s\n%s", result, o.transcript)
			}
			holds(t, s.local, files)
			seen.lock.Lock()
			defer seen.lock.Unlock()
			at := func(line string) int { return slices.Index(seen.lines, line) }
			again := at("1 < RETR f00") + 1
			if again += slices.Index(seen.lines[again:], "1 < RETR f00"); again < at("2 < QUIT") {
				t.Errorf("the file was tried again before the other connection was gone:\n%s", strings.Join(seen.lines, "\n"))
			}
		})
	}
}

// A file that fails fails alone, and in its place.
func TestCrew_OneFileFails(t *testing.T) {
	files := many("")
	s := newSite(t, siteOptions{files: files, faults: "on RETR f07: reply 550 Permission denied\non RETR: delay 2ms"})
	result, o := s.result(`$r = GETFILE("*", SUBDIRS)`, `GETLIST($failed, FAILED)`, `PRINT($failed)`)
	if result != "PARTIAL_SUCCESS" || !strings.HasPrefix(o.stdout, "f07\n") {
		t.Fatalf("%s\n%s", result, o.transcript)
	}
	delete(files, "f07")
	holds(t, s.local, files)
	if at := strings.Index(o.transcript, "f07: "); at < strings.Index(o.transcript, "Downloaded f06") || at > strings.Index(o.transcript, "Downloaded f08") {
		t.Errorf("the failure is not told in its place:\n%s", o.transcript)
	}
}

// What ends the command ends it: nothing behind is begun.
func TestCrew_Stops(t *testing.T) {
	var seen traffic
	files := many("")
	s := newSite(t, siteOptions{files: files, faults: "on RETR f02: reply 552 Quota exceeded\non RETR: delay 2ms", change: seen.tap})
	result, o := s.result(`SETRETRY(1)`, `$r = GETFILE("*", SUBDIRS)`)
	if result == "OK" || result == "PARTIAL_SUCCESS" {
		t.Fatalf("%s\n%s", result, o.transcript)
	}
	// Those that were begun before it was clear are not taken back.
	if n := seen.count("RETR"); n >= len(files) {
		t.Errorf("%d files were asked for", n)
	}
}

// PUTFILE goes one by one until it is asked for more.
func TestCrew_Uploads(t *testing.T) {
	for _, parallel := range []int{0, 1, 3} {
		var seen traffic
		s := newSite(t, siteOptions{faults: "on STOR: delay 20ms", change: seen.tap})
		files := many("")
		write(t, s.local, files)
		set := "$none = 0"
		if parallel > 0 {
			set = fmt.Sprintf("SETPARALLEL(%d)", parallel)
		}
		result, o := s.result(set, `$r = PUTFILE("*", SUBDIRS)`)
		if result != "OK" {
			t.Fatalf("%s\n%s", result, o.transcript)
		}
		holds(t, s.remote, files)
		names := o.told("Uploaded /")
		if len(names) != len(files) || !slices.Equal(names, inPlan(names)) {
			t.Errorf("%d files, told as %q", len(names), names)
		}
		if n := seen.count("PASS"); n > max(parallel, 1) || parallel > 1 && n < 2 {
			t.Errorf("SETPARALLEL(%d): %d logins", parallel, n)
		}
	}
}

// SYNC over several connections is what it is over one.
func TestCrew_Sync(t *testing.T) {
	for _, method := range []string{"UPLOAD_DELETE", "DOWNLOAD_DELETE"} {
		sites(t, siteOptions{options: withState(t)}, func(t *testing.T, s *site) {
			from, to := filepath.Join(s.local, "in"), filepath.Join(s.remote, "out")
			if method == "DOWNLOAD_DELETE" {
				from, to = filepath.Join(s.remote, "out"), filepath.Join(s.local, "in")
			}
			files := many("")
			write(t, from, files)
			write(t, to, map[string]string{"old": "o", "dir/sub/older": "o", "d1/e0/oldest": "o"})
			for _, want := range []string{"60 files transferred, 0 up to date, 5 deleted", "0 files transferred, 60 up to date, 0 deleted"} {
				result, o := s.result(`$r = SYNC("/in", "/out", ` + method + `, SUBDIRS)`)
				if result != "OK" || !o.has(want) {
					t.Fatalf("%s, want %s\n%s", result, want, o.transcript)
				}
				holds(t, to, files)
				var names []string
				for _, line := range o.messages() {
					if strings.HasPrefix(line, "Uploading") || strings.HasPrefix(line, "Downloading") || strings.HasPrefix(line, "Skipping") {
						names = append(names, line[strings.LastIndex(line, "/out/")+1:])
					}
				}
				if !slices.Equal(names, inPlan(names)) {
					t.Errorf("told as %q", names)
				}
			}
		})
	}
}

// A run that is cancelled in the middle leaves no goroutine, no connection, and no file
// that is not whole.
func TestCrew_Cancelled(t *testing.T) {
	files := many("")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	s := newSite(t, siteOptions{files: files, faults: "on RETR: delay 5ms"})
	s.job.Events = func(e Event) {
		if e.Kind == FileEnd {
			if n++; n == 10 {
				cancel()
			}
		}
	}
	o := s.runContext(ctx, `OPENHOST("ftp.test","joe","pass-word-1")`, `GETFILE("*", SUBDIRS)`)
	if o.err == nil {
		t.Errorf("the run was not cancelled\n%s", o.transcript)
	}
	for name, content := range read(t, s.local) {
		if want, known := files[name]; known && content != want {
			t.Errorf("%s is %q", name, content)
		}
	}
}

// One large file may have as many connections as a set, unless a set has them.
func TestCrew_ConnectionsOfOneFile(t *testing.T) {
	for _, test := range []struct {
		set, granted int
		crewed       bool
		want         int
	}{
		{0, 0, false, usualParallel}, {1, 0, false, 1}, {8, 0, false, 8}, {8, 3, false, 3}, {0, 1, false, 1}, {8, 0, true, 1},
	} {
		s := &State{mostConnections: test.granted, crewed: test.crewed}
		s.settings.parallel = test.set
		if got := s.sessionSettings().Connections; got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
	if f := new(State).fork(nil); f.sessionSettings().Connections != 1 {
		t.Error("a connection of a crew takes others for one file")
	}
}
