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

// trouble is a row of the table of faults: what goes wrong with a transfer, and what
// it is called where it stays. Each is met by every protocol, in every way that a file
// can go; "" is a cell that is not there, and why says the reason.
type trouble struct {
	name string
	// ftp and sftp are what the server does, in the text form of package fault. VERB is
	// the command of the transfer, MOVE the request that carries its bytes; " 1:" and
	// " 3:" stand for the one time that it happens, or for all from then on.
	ftp, sftp string
	// called are the names of the causes. OK among them is for ways that do not need
	// what is missing.
	called, calledSFTP string
	why                string // the reason of an empty cell
	// passes: another attempt may find it better. Attempts are counted unless they
	// depend on more than the fault.
	passes, uncounted bool
	// heals: only a word was lost, and the next attempt finds the file whole.
	heals bool
	slow  bool // it is over with a time-out
	blind bool // FTP: SIZE is what tells sizes
	small bool // no room where the file arrives
	main  bool // asked of the main ways only
}

// What servers say when they cannot: in place of the transfer, in the middle of it
// and behind it. SFTP has words of its own for each; what it has no word for is
// FAILURE. Then what they do not say, or not truly.
func troubles() []trouble {
	const noData = "SFTP has no data connections"
	return []trouble{
		{name: "421 instead", ftp: "on VERB 1: reply 421 Timeout; close", sftp: "on OPEN 1: reply 007 connection lost", called: "CONNECTION_LOST", calledSFTP: "CONNECTION_LOST", passes: true},
		{name: "421 for too many", ftp: "on VERB 1: reply 421 Too many connections; close", sftp: "on OPEN 1: close", called: "TOO_MANY_CONNECTIONS", calledSFTP: "CONNECTION_LOST", passes: true, main: true},
		{name: "421 midway", ftp: "on VERB 1: cut 100000; final 421 Shutting down; close", sftp: "on MOVE 3: reply 006 no connection", called: "CONNECTION_LOST", calledSFTP: "CONNECTION_LOST", passes: true},
		{name: "421 behind it", ftp: "on VERB 1: final 421 Shutting down; close", sftp: "on CLOSE 1: reply 007 connection lost", called: "CONNECTION_LOST", calledSFTP: "CONNECTION_LOST", heals: true, passes: true, main: true},
		{name: "425 instead", ftp: "on VERB 1: reply 425 Cannot open data connection", called: "PASSIVE_DATA_FAILED", why: noData},
		{name: "425 for no connection", ftp: "on VERB 1: refuse", called: "PASSIVE_DATA_FAILED", why: noData, main: true},
		{name: "426 midway", ftp: "on VERB 1: cut 100000; final 426 Connection closed", sftp: "on MOVE 3: reply 004 Failure", called: "DATA_LOST", calledSFTP: "REMOTE_REFUSED", passes: true},
		{name: "426 behind it", ftp: "on VERB 1: final 426 Connection closed", sftp: "on CLOSE 1: reply 004 Failure", called: "DATA_LOST", calledSFTP: "REMOTE_REFUSED", heals: true, passes: true, main: true},
		{name: "450 instead", ftp: "on VERB 1: reply 450 File is busy", sftp: "on OPEN 1: reply 017 Lock conflict", called: "REMOTE_BUSY", calledSFTP: "REMOTE_BUSY", passes: true},
		{name: "451 instead", ftp: "on VERB 1: reply 451 Local error in processing", sftp: "on OPEN 1: reply 004 Failure", called: "DATA_LOST", calledSFTP: "REMOTE_REFUSED", passes: true, main: true},
		{name: "451 midway", ftp: "on VERB 1: cut 100000; final 451 Local error in processing", sftp: "on MOVE 3: reply 005 Bad message", called: "DATA_LOST", calledSFTP: "PROTOCOL_ERROR", passes: true},
		{name: "452 instead", ftp: "on VERB 1: reply 452 Insufficient storage", sftp: "on OPEN 1: reply 014 No space on filesystem", called: "NO_REMOTE_SPACE", calledSFTP: "NO_REMOTE_SPACE", passes: true, main: true},
		{name: "452 midway", ftp: "on VERB 1: cut 100000; final 452 Insufficient storage", sftp: "on MOVE 3: reply 014 No space on filesystem", called: "NO_REMOTE_SPACE", calledSFTP: "NO_REMOTE_SPACE", passes: true},
		{name: "552 midway", ftp: "on VERB 1: cut 100000; final 552 Quota exceeded", sftp: "on MOVE 3: reply 015 Quota exceeded", called: "NO_REMOTE_SPACE", calledSFTP: "NO_REMOTE_SPACE", passes: true, main: true},
		{name: "552 behind it", ftp: "on VERB 1: final 552 Quota exceeded", sftp: "on CLOSE 1: reply 004 Disk full", called: "NO_REMOTE_SPACE", calledSFTP: "NO_REMOTE_SPACE", passes: true},
		{name: "550 instead", ftp: "on VERB 1: reply 550 Permission denied", sftp: "on OPEN 1: reply 003 Permission denied", called: "NO_REMOTE_PERMISSION", calledSFTP: "NO_REMOTE_PERMISSION", main: true},
		{name: "553 instead", ftp: "on VERB 1: reply 553 Name not allowed", sftp: "on OPEN 1: reply 012 Write protected", called: "NO_REMOTE_PERMISSION", calledSFTP: "NO_REMOTE_PERMISSION", main: true},

		{name: "a size too large", ftp: "on SIZE 1: reply 213 400000", sftp: "on STAT 1: payload \"400000\"", called: "SIZE_MISMATCH", calledSFTP: "SIZE_MISMATCH", blind: true, passes: true, uncounted: true},
		{name: "a size too small", ftp: "on SIZE 1: reply 213 1000", sftp: "on STAT 1: payload \"1000\"", called: "SIZE_MISMATCH", calledSFTP: "SIZE_MISMATCH", blind: true, passes: true, uncounted: true},
		{name: "a size of the open file that lies", sftp: "on FSTAT 1: payload \"400000\"", calledSFTP: "SIZE_MISMATCH", why: "FTP opens no files", uncounted: true, main: true},
		{name: "no room", called: "NO_REMOTE_SPACE", calledSFTP: "NO_REMOTE_SPACE", small: true, uncounted: true},

		{name: "a first reply that never comes", ftp: "on VERB 1: silence", sftp: "on OPEN 1: silence", called: "REPLY_TIMEOUT", calledSFTP: "REPLY_TIMEOUT", passes: true, uncounted: true, slow: true},
		{name: "a packet that never comes", sftp: "on MOVE 3: silence", calledSFTP: "DATA_TIMEOUT", why: "FTP's packets are those of TCP: a stall is that", passes: true, uncounted: true, slow: true},
		{name: "a last reply that never comes", ftp: "on VERB 1: final none", sftp: "on CLOSE 1: silence", called: "REPLY_TIMEOUT OK", calledSFTP: "REPLY_TIMEOUT OK", passes: true, uncounted: true, slow: true},
	}
}

// written is the fault for one protocol and way: once, or for good.
func (tr trouble) written(p speech, w way, stays bool) string {
	text, move := tr.ftp, "WRITE"
	if !p.data {
		text = tr.sftp
	}
	if !w.upload() {
		move = "READ"
	}
	text = strings.NewReplacer("VERB", w.verb, "MOVE", move).Replace(text)
	if p.real && !p.data && text != "" {
		// Packets are as short as those of the embedded server, and the first question is
		// that of CHDIR.
		text = "on LIMITS: reply 008 not supported\n" + strings.Replace(text, "on STAT 1:", "on STAT 2:", 1)
	}
	if stays {
		text = strings.NewReplacer(" 1: ", ": ", " 2: ", " 2-: ", " 3: ", " 3-: ").Replace(text)
	}
	return text
}

// outcome is what must come of a fault: the results that it may have, and after how
// many attempts.
func (tr trouble) outcome(p speech, w way, stays bool) (want []string, attempts int) {
	called, instead := strings.Fields(tr.called), strings.HasSuffix(tr.name, "instead")
	if !p.data {
		called = strings.Fields(tr.calledSFTP)
	}
	refused := slices.Contains(called, "REMOTE_REFUSED") || slices.Contains(called, "PROTOCOL_ERROR") // for good, as SFTP cannot say that it may pass
	ok := []string{"OK"}
	switch {
	case tr.small && !w.upload():
		return []string{"NO_LOCAL_SPACE"}, 3
	case !p.data && !w.upload() && strings.HasPrefix(tr.sftp, "on CLOSE"):
		return ok, 1 // the end of a file that was only read is not waited for
	case p.data && !w.upload() && strings.HasSuffix(tr.name, "behind it"):
		return ok, 2 // all of it is here, whatever else the server has to say
	case !w.upload() && strings.HasPrefix(tr.sftp, "on FSTAT") && !stays:
		return ok, 2
	case tr.blind && w.name == "ATOMIC" && strings.HasSuffix(tr.name, "large"):
		return called, 1 // the first question is that behind the upload
	case tr.blind && w.name == "SKIP":
		return ok, 1 // a size that is told of a file says that it is there
	case refused && instead && !stays && (w.name == "UNIQUE" || w.name == "RESUME"):
		return ok, 1 // it may say that the name is taken, or that there is no beginning in the middle
	case instead && w.name == "ATOMIC" && !stays && (refused || !tr.passes):
		if called[0] != "PASSIVE_DATA_FAILED" {
			return ok, 1 // writing aside is forbidden, so it is written in place
		}
	case w.once, refused:
	case tr.heals:
		return ok, 2
	case tr.passes && !stays:
		return ok, 2
	case tr.passes:
		return called, 3
	}
	return called, 1
}

// TestFaults is the table: every fault by every protocol in every way, once, where the
// attempts of SETRETRY get over it, and for good, where it is told by its cause.
func TestFaults(t *testing.T) {
	for _, p := range speeches() {
		for _, w := range ways() {
			if p.skips(w) {
				continue
			}
			t.Run(p.name+"/"+w.name, func(t *testing.T) {
				for _, tr := range troubles() {
					if !tr.slow && (!tr.main || w.main && !p.alike && !underRace) {
						leavesNothing(t, func() { tr.meet(t, p, w) })
					}
				}
			})
		}
	}
}

// TestFaultsThatAreWaitedFor are the cells that end with a time-out: all at a time.
// Those of FTPS_IMPLICIT are those of FTPS, behind its beginning, and the further ways
// wait under TLS as without.
func TestFaultsThatAreWaitedFor(t *testing.T) {
	leavesNothing(t, func() {
		t.Run("all", func(t *testing.T) {
			for _, p := range speeches() {
				for _, w := range ways() {
					if p.alike || p.name == "FTPS" && !w.main || p.skips(w) {
						continue
					}
					t.Run(p.name+"/"+w.name, func(t *testing.T) {
						t.Parallel()
						for _, tr := range troubles() {
							if tr.slow {
								tr.meet(t, p, w)
							}
						}
						standStill(t, p, w)
					})
				}
			}
		})
	})
}

// meet runs the cells of a row for a protocol and a way.
func (tr trouble) meet(t *testing.T, p speech, w way) {
	for _, stays := range []bool{false, true} {
		c := cell{speech: p, way: w, retry: "3, 0", faults: tr.written(p, w, stays), hasty: tr.slow, small: tr.small}
		mood := "once"
		if stays {
			mood = "stays"
		}
		switch {
		case tr.small && !stays, tr.slow && !w.main && !stays, tr.slow && underRace && stays:
			continue
		case underRace && !stays && !tr.slow && p.name != "FTP":
			continue // what stays is met once, too
		case tr.small:
		case c.faults == "" && tr.why == "":
			t.Errorf("%s: no reason for an empty cell", tr.name)
			continue
		case c.faults == "":
			continue
		}
		if tr.blind && p.real {
			c.faults = "on MLST: reply 500 Unknown command\non MLSD: reply 500 Unknown command\n" + c.faults
		} else if tr.blind && p.data {
			c.change = func(o *server.Options) { o.DisabledCommands = []string{"MLST", "MLSD"} }
		}
		t.Run(tr.name+", "+mood, func(t *testing.T) {
			if tr.slow {
				t.Parallel()
			}
			started := time.Now()
			s, o, _, _ := c.run(t)
			result := c.judge(t, s, o)
			want, attempts := tr.outcome(p, w, stays)
			if !slices.Contains(want, result) {
				t.Errorf("the result is %s, want %s\n%s", result, want, o.transcript)
			}
			if got := strings.Count(o.transcript, "; attempt ") + 1; !tr.uncounted && got != attempts {
				t.Errorf("%d attempts, want %d\n%s", got, attempts, o.transcript)
			}
			if took := time.Since(started); took > 2*time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// standStill are connections on which nothing moves any more, though they are open.
func standStill(t *testing.T, p speech, w way) {
	for _, h := range []harm{
		{flow: flow{data: p.data, up: w.upload()}, after: 100_000, data: p.data, how: "stall"},
		{flow: flow{}, after: 100, how: "stall"},
	} {
		if !p.data && h.after == 100 {
			continue // its one connection is that of the data
		}
		for _, retry := range []string{"3, 0", "1, 0"} {
			if retry == "3, 0" && !w.main || retry == "1, 0" && underRace {
				continue
			}
			t.Run(fmt.Sprintf("%+v, %s", h, retry), func(t *testing.T) {
				t.Parallel()
				c := cell{speech: p, way: w, retry: retry, harm: &h, hasty: true}
				started := time.Now()
				s, o, _, did := c.run(t)
				result := c.judge(t, s, o)
				want := []string{"DATA_TIMEOUT", "REPLY_TIMEOUT", "CONNECT_TIMEOUT"}
				if retry == "3, 0" {
					want = []string{"OK"}
				}
				if !did || !slices.Contains(want, result) {
					t.Errorf("the result is %s; it stood still: %t\n%s", result, did, o.transcript)
				}
				if took := time.Since(started); took > 2*time.Minute {
					t.Errorf("it took %v", took)
				}
			})
		}
	}
}

// skips tells what the race detector, which makes every cell many times slower, need not
// see: it finds in a few of them what it finds in many.
func (p speech) skips(w way) bool { return underRace && (p.alike || !w.main && p.name != "FTP") }

// points are how many places of a transfer are tried.
func (p speech) points(w way) int {
	switch {
	case underRace, testing.Short(), p.alike, !w.main: // as OVERWRITE, but for the beginning
		return 4
	}
	return 20
}

// cuts are all that is done to a transfer: where, to which connection, and how.
func cuts(points int, moved map[flow]int64) []harm {
	var all []harm
	for f, total := range moved {
		for i := range points {
			h := harm{flow: f, after: total * int64(i) / int64(points), data: f.data, how: []string{"reset", "close", "close", "reset"}[i%4]}
			switch {
			case f.data && (i == 0 || total > 0), !f.data && i%2 == 0:
				all = append(all, h)
			}
			if f.data && total > 0 && i%4 == 2 {
				h.data = false // the control connection, at this byte of the data
				all = append(all, h)
			}
		}
	}
	return all
}

// A cut, wherever it is, costs an attempt and nothing else; without another attempt it
// is told by its cause.
func TestCuts(t *testing.T) {
	causes := []string{"OK", "CONNECTION_LOST", "DATA_LOST", "PASSIVE_DATA_FAILED", "TLS_FAILED", "SIZE_MISMATCH"}
	for _, p := range speeches() {
		for _, w := range ways() {
			if p.skips(w) {
				continue
			}
			t.Run(p.name+"/"+w.name, func(t *testing.T) {
				c := cell{speech: p, way: w, retry: "3, 0"}
				s, o, moved, _ := c.run(t)
				if result := c.judge(t, s, o); result != "OK" {
					t.Fatalf("without a cut: %s\n%s", result, o.transcript)
				}
				resumed, done := 0, 0
				for i, h := range cuts(p.points(w), moved) {
					for _, retry := range []string{"3, 0", "1, 0"} {
						if retry == "1, 0" && i%3 > 0 || retry == "3, 0" && w.once {
							continue // the places lie close enough; and some are not tried again
						}
						leavesNothing(t, func() {
							t.Run(fmt.Sprintf("%+v, %s", h, retry), func(t *testing.T) {
								c := cell{speech: p, way: w, retry: retry, harm: &h}
								s, o, _, did := c.run(t)
								want := causes
								if retry == "3, 0" {
									want = causes[:1]
								}
								if result := c.judge(t, s, o); !slices.Contains(want, result) {
									t.Errorf("the result is %s\n%s", result, o.transcript)
								}
								if o.has("Resuming big at") || o.has("Resuming .sftpc-") {
									resumed++
								}
								if did {
									done++
								}
							})
						})
					}
				}
				// What lies on the way out of the system cannot be cut: the last bytes are of
				// the good-bye.
				if w.main && (resumed == 0 || done == 0) {
					t.Errorf("%d cuts were done, %d transfers gone on with", done, resumed)
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
			for f, total := range r.counted() {
				for i := range 2 * p.points(ways()[1]) {
					if f.data {
						continue
					}
					h := harm{flow: f, after: total * int64(i) / int64(2*p.points(ways()[1])), how: []string{"reset", "close"}[i%2]}
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
			o := s.run(cell{speech: p, way: ways()[0]}.script(s)...)
			if got := read(t, s.local)["big"]; !o.has("attempt 2 of 2") || got != text {
				t.Errorf("%d bytes are there, of %d; the same: %v\n%s", len(got), len(text), got == text, o.transcript)
			}
		})
	}
}
