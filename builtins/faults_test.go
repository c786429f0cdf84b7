package builtins

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// speech is a protocol with a way to start a server that speaks it. What holds of
// transfers and of lost connections holds for each of them.
type speech struct {
	name  string
	serve func(t *testing.T, o siteOptions) *site
	// setup stands before OPENHOST.
	setup []string
	// data tells whether transfers have connections of their own.
	data bool
}

func speeches() []speech {
	return []speech{
		{name: "FTP", serve: newSite, data: true},
		{name: "FTPS", serve: safeSite, data: true, setup: []string{`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("authority.pem")`}},
		{name: "FTPS_IMPLICIT", serve: implicitSite, data: true, setup: []string{`SETPROTOCOL(FTPS_IMPLICIT)`, `SETCERTIFICATE("authority.pem")`}},
		{name: "SFTP", serve: sftpSite, setup: []string{`SETPROTOCOL(SFTP)`, `SETTRUST(ANY)`}},
	}
}

func implicitSite(t *testing.T, o siteOptions) *site {
	t.Helper()
	o.change = func(s *server.Options) { s.TLS.Implicit = true }
	return safeSite(t, o)
}

// sftpSite is a site whose server speaks SFTP.
func sftpSite(t *testing.T, o siteOptions) *site {
	t.Helper()
	s := &site{remote: t.TempDir(), local: t.TempDir()}
	if o.folders != nil {
		o.folders(s.remote, s.local)
	}
	write(t, s.remote, o.files)
	faults, err := fault.Parse(o.faults)
	if err != nil {
		t.Fatal(err)
	}
	open, err := sftpserver.Listen(context.Background(), "127.0.0.1:0", sftpserver.Options{
		Dir: s.remote, Users: map[string]string{"joe": "pass-word-1"}, Faults: faults,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { open.Close() })
	s.address = open.Addr()
	hosted := Options{Root: s.local, Hosts: []string{"ftp.test"}, HostMap: map[string]string{"ftp.test": s.address}, WeakestTrust: session.TrustAny}
	if o.options != nil {
		o.options(&hosted)
	}
	s.bench = newBench(t, hosted)
	return s
}

// transferOf is one direction of a transfer in a table.
type transferOf struct {
	name, script string
	upload       bool
	atomic       bool
}

func transfersOf() []transferOf {
	return []transferOf{
		{name: "download", script: `$r = GETFILE("big")`},
		{name: "upload", script: `$r = PUTFILE("big")`, upload: true},
		{name: "atomic upload", script: "SETUPLOADMODE(ATOMIC)\n" + `$r = PUTFILE("big")`, upload: true, atomic: true},
	}
}

// faultSize is above what small uploads are, and not a round number.
const faultSize = 300_007

// faultSite is a server and a local folder with the file on one side and an older,
// longer one on the other.
func faultSite(t *testing.T, p speech, to transferOf, retry string, faults string) (s *site, old, big string) {
	t.Helper()
	var b strings.Builder
	for i := 0; b.Len() < faultSize; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	big, old = b.String()[:faultSize], strings.Repeat("old", 120_000)
	o := siteOptions{faults: faults, files: map[string]string{"big": big}, options: func(h *Options) { h.Settings = map[string]string{"retry": retry} }}
	if to.upload {
		o.files["big"] = old
	}
	s = p.serve(t, o)
	if to.upload {
		write(t, s.local, map[string]string{"big": big})
	} else {
		write(t, s.local, map[string]string{"big": old})
	}
	return s, old, big
}

// script is a whole run of a transfer; what it prints last is the result.
func (p speech) script(to transferOf, before ...string) []string {
	lines := append([]string{}, p.setup...)
	lines = append(lines, before...)
	lines = append(lines, `$o = OPENHOST("ftp.test","joe","pass-word-1")`)
	lines = append(lines, strings.Split(to.script, "\n")...)
	return append(lines, `$n = GETERROR(NAME)`, `CLOSEHOST`, `PRINT($o)`, `PRINT($n)`, `PRINT($r)`)
}

// holds compares the file with what it is to be, and looks for pieces.
func (to transferOf) holds(t *testing.T, s *site, want string) {
	t.Helper()
	there := read(t, to.place(s))
	if got := there["big"]; got != want {
		t.Errorf("%d bytes are there and not the same as %d", len(got), len(want))
	}
	for name := range there {
		if netio.IsPartName(filepath.Base(name)) {
			t.Errorf("%s is left", name)
		}
	}
}

func (to transferOf) place(s *site) string {
	if to.upload {
		return s.remote
	}
	return s.local
}

// descriptors are what is open, by number; nil where that cannot be seen.
func descriptors() map[string]string {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	open := make(map[string]string)
	for _, e := range entries {
		// Not the listing's own, which is gone, nor the pipes that package os keeps for
		// splice until the collector comes by.
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(to, "pipe:") {
			open[e.Name()] = to
		}
	}
	return open
}

// leavesNothing runs do and sees to it that it leaves no descriptor. Goroutines are
// the package's affair (TestMain).
func leavesNothing(t *testing.T, do func()) {
	t.Helper()
	before := descriptors()
	do()
	// Threads of the system's may close a moment after us.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		after := descriptors()
		if len(after) <= len(before) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left open: %v, before: %v", after, before)
		}
	}
}

// points are how many places of a transfer are tried.
func (p speech) points() int {
	switch {
	case testing.Short(), p.name == "FTPS_IMPLICIT": // the same as FTPS, but for its beginning
		return 4
	case underRace:
		return 6
	}
	return 20
}

// cuts are all that is done to a transfer: where, to which connection, and how.
func cuts(p speech, moved map[flow]int64) []harm {
	var all []harm
	for f, total := range moved {
		for i := range p.points() {
			h := harm{flow: f, after: total * int64(i) / int64(p.points()), data: f.data, how: "reset"}
			if i%2 == 1 {
				h.how = "close"
			}
			if f.data || total > 0 {
				all = append(all, h)
			}
			if f.data && i%4 == 2 {
				h.data = false // the control connection, at this byte of the data
				all = append(all, h)
			}
		}
	}
	return all
}

// One cut, wherever it is, costs an attempt and nothing else.
func TestOneCutIsSurvived(t *testing.T) {
	for _, p := range speeches() {
		for _, to := range transfersOf() {
			t.Run(p.name+"/"+to.name, func(t *testing.T) {
				s, _, _ := faultSite(t, p, to, "3, 0", "")
				r := s.between(t)
				if o := s.run(p.script(to)...); !strings.HasSuffix(o.stdout, "OK\n") {
					t.Fatalf("without a cut: %s\n%s", o.stdout, o.transcript)
				}
				for _, h := range cuts(p, maps.Clone(r.moved)) {
					leavesNothing(t, func() {
						t.Run(fmt.Sprintf("%+v", h), func(t *testing.T) {
							s, _, big := faultSite(t, p, to, "3, 0", "")
							r := s.between(t)
							r.harm = &h
							o := s.run(p.script(to)...)
							lines := o.lines()
							if p.name == "SFTP" && lines[0] == "12451" {
								t.Skip("an end in the middle of a proof counts as its refusal, lest a wrong password be tried three times")
							}
							if lines[len(lines)-1] != "OK" || lines[0] != "OK" {
								t.Errorf("the result is %s\n%s", lines, o.transcript)
							}
							if !r.did() {
								t.Logf("the cut did not happen")
							}
							to.holds(t, s, big)
						})
					})
				}
			})
		}
	}
}

// Without another attempt a cut is told by its cause, and nothing stands half under
// a final name but what OVERWRITE says it does.
func TestOneCutIsTold(t *testing.T) {
	causes := []string{"CONNECTION_LOST", "DATA_LOST", "PASSIVE_DATA_FAILED", "CONNECTION_REFUSED", "RESOLVER_FAILED", "TLS_FAILED", "CONNECT_TIMEOUT", "NOT_CONNECTED", "SIZE_MISMATCH"}
	for _, p := range speeches() {
		for _, to := range transfersOf() {
			t.Run(p.name+"/"+to.name, func(t *testing.T) {
				s, _, _ := faultSite(t, p, to, "1, 0", "")
				r := s.between(t)
				if o := s.run(p.script(to)...); !strings.HasSuffix(o.stdout, "OK\n") {
					t.Fatalf("without a cut: %s\n%s", o.stdout, o.transcript)
				}
				for i, h := range cuts(p, maps.Clone(r.moved)) {
					if i%2 == 1 {
						continue // the places lie close enough
					}
					leavesNothing(t, func() {
						t.Run(fmt.Sprintf("%+v", h), func(t *testing.T) {
							s, old, big := faultSite(t, p, to, "1, 0", "")
							r := s.between(t)
							r.harm = &h
							o := s.run(p.script(to)...)
							lines := o.lines()
							result := lines[len(lines)-1]
							got := read(t, to.place(s))["big"]
							if result == "OK" {
								if got != big {
									t.Errorf("OK, and the file is another\n%s", o.transcript)
								}
								return
							}
							name := lines[len(lines)-2]
							known := p.name == "SFTP" && lines[0] == "12451" // as above
							for _, cause := range causes {
								known = known || cause == name
							}
							if !known {
								t.Errorf("the cause is %s\n%s", name, o.transcript)
							}
							_, bears := read(t, to.place(s))["big"]
							switch {
							case got == old, got == big, to.upload && !bears && to.atomic:
							case to.upload && !to.atomic && strings.HasPrefix(big, got):
								if !o.has("big on the server is not whole: ") && len(got) > 0 {
									t.Errorf("%d bytes are on the server, and nobody is told\n%s", len(got), o.transcript)
								}
							default:
								t.Errorf("%s: %d bytes under the final name\n%s", name, len(got), o.transcript)
							}
						})
					})
				}
			})
		}
	}
}

// A script that changes things does the same things, wherever its connection is cut:
// what was done is not done again, and what was not done is.
func TestOneCutInAScript(t *testing.T) {
	script := []string{
		`PRINT(MKDIR("new"))`, `PRINT(CHDIR("new"))`, `PRINT(PUTFILE("a"))`, `PRINT(RENAMEFILE("a","b"))`, `PRINT(PUTFILE("a"))`, `PRINT(GETLIST($l,REMOTE_FILES))`,
		`PRINT($l)`, `PRINT(CHMOD("b","600"))`, `PRINT(DELETEFILE("a"))`, `PRINT(MKDIR("deep"))`, `PRINT(CHDIR("deep"))`, `PRINT(CHDIR(".."))`, `PRINT(RMDIR("deep"))`,
		`PRINT(FILEEXISTS("a").FILEEXISTS("b"))`, `PRINT(CWDIR)`, `CLOSEHOST`,
	}
	for _, p := range speeches() {
		t.Run(p.name, func(t *testing.T) {
			run := func(t *testing.T, h *harm) (*cutter, *site, ran) {
				s := p.serve(t, siteOptions{files: map[string]string{"old": "1"}, options: func(o *Options) { o.Settings = map[string]string{"retry": "3, 0"} }})
				write(t, s.local, map[string]string{"a": "alpha"})
				r := s.between(t)
				r.harm = h
				return r, s, s.run(append(append(slices.Clone(p.setup), `PRINT(OPENHOST("ftp.test","joe","pass-word-1"))`), script...)...)
			}
			r, _, want := run(t, nil)
			if !strings.HasPrefix(want.stdout, "OK\nOK\nOK\nOK\nOK\nOK\nOK\na|b\n") {
				t.Fatalf("without a cut: %s\n%s", want.stdout, want.transcript)
			}
			for f, total := range maps.Clone(r.moved) {
				for i := range 2 * p.points() {
					if f.data {
						continue
					}
					h := harm{flow: f, after: total * int64(i) / int64(2*p.points()), how: []string{"reset", "close"}[i%2]}
					t.Run(fmt.Sprintf("%+v", h), func(t *testing.T) {
						_, s, o := run(t, &h)
						if p.name == "SFTP" && strings.HasPrefix(o.stdout, "12451") {
							t.Skip("an end in the middle of a proof counts as its refusal, lest a wrong password be tried three times")
						}
						if o.stdout != want.stdout {
							t.Errorf("got %q, want %q\n%s", o.stdout, want.stdout, o.transcript)
						}
						holds(t, s.remote, map[string]string{"old": "1", "new/b": "alpha"})
					})
				}
			}
		})
	}
}

// A connection that stands still is given up when its time is over, and tried again.
// Each case waits for seconds and there are many: where one says what another does, as
// FTPS_IMPLICIT behind its beginning, and a last attempt under the race detector, it is
// left out.
func TestStandingStill(t *testing.T) {
	attempts := []string{"3, 0", "1, 0"}
	if underRace {
		attempts = attempts[:1]
	}
	for _, p := range speeches() {
		if p.name == "FTPS_IMPLICIT" {
			continue
		}
		for _, to := range transfersOf() {
			for _, f := range []flow{{data: true}, {data: true, up: true}, {data: false}} {
				if f.data && (f.up != to.upload || !p.data) {
					continue
				}
				for _, retry := range attempts {
					t.Run(fmt.Sprintf("%s/%s/%+v/%s", p.name, to.name, f, retry), func(t *testing.T) {
						t.Parallel()
						s, old, big := faultSite(t, p, to, retry, "")
						r := s.between(t)
						r.harm = &harm{flow: f, after: 100_000, data: f.data, how: "stall"}
						if !f.data {
							r.harm.after = 400
						}
						started := time.Now()
						o := s.run(p.script(to, `SETTIMEOUT(2,REPLY)`, `SETTIMEOUT(2,IDLE)`, `SETTIMEOUT(5,CONNECT)`)...)
						if took := time.Since(started); took > 2*time.Minute {
							t.Errorf("it took %v", took)
						}
						lines := o.lines()
						result, name := lines[len(lines)-1], lines[len(lines)-2]
						got := read(t, to.place(s))["big"]
						switch {
						case !r.did():
							t.Errorf("the connection did not stand still")
						case retry == "3, 0" && (result != "OK" || got != big):
							t.Errorf("the result is %s, %d bytes are there\n%s", lines, len(got), o.transcript)
						case retry == "1, 0" && name != "DATA_TIMEOUT" && name != "REPLY_TIMEOUT" && name != "CONNECT_TIMEOUT" && name != "NOT_CONNECTED":
							t.Errorf("the cause is %s\n%s", name, o.transcript)
						case retry == "1, 0" && got != old && (!to.upload || to.atomic):
							t.Errorf("%d bytes are under the final name", len(got))
						}
					})
				}
			}
		}
	}
}

// What servers say when they cannot, and whether it is worth another attempt.
func TestRepliesThatSayNo(t *testing.T) {
	cases := []struct {
		reply    string
		result   string
		attempts int
	}{
		{"421 Timeout", "CONNECTION_LOST", 3},
		{"421 Too many connections", "TOO_MANY_CONNECTIONS", 3},
		{"425 Cannot open data connection", "PASSIVE_DATA_FAILED", 1},
		{"426 Connection closed", "DATA_LOST", 3},
		{"450 File is busy", "REMOTE_BUSY", 3},
		{"451 Local error in processing", "DATA_LOST", 3},
		{"452 Insufficient storage", "NO_REMOTE_SPACE", 3},
		{"550 Permission denied", "NO_REMOTE_PERMISSION", 1},
		{"552 Quota exceeded", "NO_REMOTE_SPACE", 3},
		{"553 Name not allowed", "NO_REMOTE_PERMISSION", 1},
	}
	for _, to := range transfersOf() {
		verb := "RETR"
		if to.upload {
			verb = "STOR"
		}
		for _, c := range cases {
			for _, when := range []string{"reply", "final"} {
				permanent := strings.HasPrefix(c.reply, "55") && !strings.HasPrefix(c.reply, "552")
				if permanent && (to.atomic || when == "final") {
					continue // written in place then; or said of what is there
				}
				t.Run(to.name+"/"+when+" "+c.reply, func(t *testing.T) {
					fault := "on " + verb + ": " + when + " " + c.reply
					if strings.HasPrefix(c.reply, "421") {
						fault += "; close"
					}
					s, old, big := faultSite(t, speeches()[0], to, "3, 0", fault)
					o := s.run(speeches()[0].script(to)...)
					lines := o.lines()
					if got := lines[len(lines)-2]; got != c.result && !(when == "final" && lines[len(lines)-1] == "OK") {
						t.Errorf("the result is %s, want %s\n%s", got, c.result, o.transcript)
					}
					if got := strings.Count(o.transcript, "; attempt ") + 1; when == "reply" && got != c.attempts {
						t.Errorf("%d attempts, want %d\n%s", got, c.attempts, o.transcript)
					}
					got := read(t, to.place(s))["big"]
					if got != old && got != big {
						t.Errorf("%d bytes are under the name\n%s", len(got), o.transcript)
					}
				})
			}
		}
	}
}

// A reply that never comes is waited for as long as the script says.
func TestRepliesThatNeverCome(t *testing.T) {
	for _, c := range []struct{ fault, script, result string }{
		{"on RETR 1: silence", `$r = GETFILE("big","copy")`, "OK"},
		{"on RETR: silence", `$r = GETFILE("big","copy")`, "REPLY_TIMEOUT"},
		{"on RETR: final none", `$r = GETFILE("big","copy")`, "OK"}, // the size says that it arrived
		{"on STOR 1: final none", `$r = PUTFILE("big","copy")`, "OK"},
		{"on STOR: final none", `$r = PUTFILE("big","copy")`, "OK"}, // so does this one
		{"on MKD 1: final none", `$r = MKDIR("new")`, "OK"},
		{"on DELE 1: final none", `$r = DELETEFILE("big")`, "OK"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			s, _, _ := faultSite(t, speeches()[0], transfersOf()[0], "2, 0", c.fault)
			result, o := s.result(`SETTIMEOUT(3,REPLY)`, c.script)
			if result != c.result {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
		})
	}
}

// A disk that is full, on either side. It is a small file system of the test's own,
// which only the superuser can mount.
func TestFullDisks(t *testing.T) {
	for _, p := range speeches() {
		for _, to := range transfersOf() {
			t.Run(p.name+"/"+to.name, func(t *testing.T) {
				text := strings.Repeat("0123456789", faultSize/10)
				o := siteOptions{files: map[string]string{}, options: func(h *Options) { h.Settings = map[string]string{"retry": "2, 0"} }}
				mounted := false
				o.folders = func(remote, local string) {
					dir := local
					if to.upload {
						dir = remote
					}
					mounted = smallDisk(t, dir, faultSize/2)
				}
				from := map[string]string{"big": text}
				there := map[string]string{"big": "old"}
				if o.files = from; to.upload {
					o.files = there
				}
				s := p.serve(t, o)
				if !mounted {
					t.Skip("no small file system can be made here")
				}
				if to.upload {
					write(t, s.local, from)
				} else {
					write(t, s.local, there)
				}
				ran := s.run(p.script(to)...)
				lines := ran.lines()
				want := "NO_LOCAL_SPACE"
				if to.upload {
					want = "NO_REMOTE_SPACE"
				}
				if got := lines[len(lines)-2]; got != want {
					t.Errorf("the result is %s, want %s\n%s", got, want, ran.transcript)
				}
				got := read(t, to.place(s))
				switch {
				case to.upload && !to.atomic:
					if !strings.HasPrefix(text, got["big"]) || !ran.has("big on the server is not whole: ") {
						t.Errorf("%d bytes are there\n%s", len(got["big"]), ran.transcript)
					}
				case got["big"] != "old":
					t.Errorf("%d bytes are under the name\n%s", len(got["big"]), ran.transcript)
				}
				for name := range got {
					if netio.IsPartName(filepath.Base(name)) {
						t.Errorf("%s takes what space there is", name)
					}
				}
			})
		}
	}
	if runtime.GOOS != "linux" {
		t.Log("only Linux is tried")
	}
}

// A disk that was full and has room again: what the system took of the last piece
// before it said so is not written a second time.
func TestDiskThatWasFull(t *testing.T) {
	for _, p := range speeches() {
		t.Run(p.name, func(t *testing.T) {
			text := strings.Repeat("0123456789", 3*faultSize/10)
			filler, mounted := "", false
			s := p.serve(t, siteOptions{
				files:   map[string]string{"big": text},
				options: func(h *Options) { h.Settings = map[string]string{"retry": "2, 0"} },
				folders: func(_, local string) {
					// An odd number of the system's pages is left, which no piece of ours ends at.
					if mounted = smallDisk(t, local, 6*faultSize); mounted {
						filler = filepath.Join(local, "filler")
						write(t, local, map[string]string{"filler": strings.Repeat("x", 6*faultSize-faultSize*3/2-3*4096)})
					}
				},
			})
			if !mounted {
				t.Skip("no small file system can be made here")
			}
			s.job.Events = func(e Event) {
				if e.Kind == Message && strings.Contains(e.Text, "; attempt 2 of 2") {
					if err := os.Remove(filler); err != nil {
						t.Error(err)
					}
				}
			}
			o := s.run(p.script(transfersOf()[0])...)
			if got := read(t, s.local)["big"]; !o.has("attempt 2 of 2") || got != text {
				t.Errorf("%d bytes are there, of %d; the same: %v\n%s", len(got), len(text), got == text, o.transcript)
			}
		})
	}
}
