package builtins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/session"
)

// retried is a site whose scripts make as many attempts as without a setting, and
// wait for nothing.
func retried(t *testing.T, o siteOptions) *site {
	t.Helper()
	before := o.options
	o.options = func(h *Options) {
		h.Settings = map[string]string{"retry": "3, 2"}
		if before != nil {
			before(h)
		}
	}
	return newSite(t, o)
}

func TestOpenHostIsTriedAgain(t *testing.T) {
	cases := []struct {
		name, faults, result string
		attempts             int
	}{
		{"a server that is well", "", "OK", 1},
		{"too many connections, once", "on connect 1: reply 421 Too many connections; close", "OK", 2},
		{"too many connections, twice", "on connect 1-2: reply 421 Too many connections; close", "OK", 3},
		{"too many connections, for ever", "on connect: reply 421 Too many connections; close", "TOO_MANY_CONNECTIONS", 3},
		{"too many, said after the login", "on PASS 1: reply 530 Maximum number of clients reached", "OK", 2},
		{"a connection that ends in the login", "on USER 1: close", "OK", 2},
		{"no greeting", "on connect 1: silence", "OK", 2},
		{"a wrong password", "on PASS: reply 530 Login incorrect", "ACCESS_REFUSED", 1},
		{"a greeting that is none", "on connect: garbage 20", "PROTOCOL_ERROR", 1},
		{"a directory that is missing", "on CWD: reply 550 No such directory", "NO_SUCH_REMOTE_FILE", 1},
		{"a connection that ends at the directory", "on CWD 1: close", "OK", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := retried(t, siteOptions{files: tree(), faults: c.faults})
			wait := `SETTIMEOUT(60)`
			if strings.Contains(c.faults, "silence") {
				wait = `SETTIMEOUT(2,CONNECT)`
			}
			o := s.run(wait, `$r = OPENHOST("ftp://ftp.test/sub","joe","pass-word-1")`, `PRINT(GETERROR(NAME))`, `PRINT($r)`, `PRINT(CWDIR)`)
			lines := o.lines()
			result := lines[1]
			if result != "OK" {
				result = lines[0]
			} else if lines[2] != "/sub" {
				t.Errorf("the directory is %s", lines[2])
			}
			if result != c.result {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
			if got := strings.Count(o.transcript, "; attempt ") + 1; got != c.attempts {
				t.Errorf("%d attempts, want %d\n%s", got, c.attempts, o.transcript)
			}
			if c.attempts == 3 && result != "OK" && !o.has("(TOO_MANY_CONNECTIONS 20503, capacity, attempt 3 of 3)") {
				t.Errorf("the failure does not count the attempts\n%s", o.transcript)
			}
		})
	}
}

// What the resolver says for certain is not asked again, what it could not say is.
func TestOpenHostAndTheResolver(t *testing.T) {
	for _, c := range []struct {
		err    error
		result string
		dials  int
	}{
		{&net.DNSError{Err: "no such host", Name: "ftp.test", IsNotFound: true}, "NAME_NOT_RESOLVED", 1},
		{&net.DNSError{Err: "i/o timeout", Name: "ftp.test", IsTimeout: true}, "RESOLVER_FAILED", 3},
		{errors.New("connect: connection refused"), "CONNECTION_REFUSED", 3},
	} {
		dials := 0
		s := retried(t, siteOptions{options: func(o *Options) {
			o.Dial = func(context.Context, string, string) (net.Conn, error) { dials++; return nil, c.err }
		}})
		o := s.run(`$r = OPENHOST("ftp.test")`, `PRINT(GETERROR(NAME))`)
		if o.stdout != c.result+"\n" || dials != c.dials {
			t.Errorf("%v: %d attempts and %q, want %d\n%s", c.err, dials, o.stdout, c.dials, o.transcript)
		}
	}
}

// The waits double, and are spread by a quarter.
func TestRetryWaits(t *testing.T) {
	cases := []struct {
		setting string
		want    []float64 // seconds
	}{
		{"", []float64{2, 4}},
		{"SETRETRY(1,9)", nil},
		{"SETRETRY(5,0.5)", []float64{0.5, 1, 2, 4}},
		{"SETRETRY(3,0)", []float64{0, 0}},
		{"SETRETRY(4)", []float64{2, 4, 8}},
		{"SETRETRY(5,200)", []float64{200, 300, 300, 300}},
	}
	for _, c := range cases {
		var waits []time.Duration
		s := retried(t, siteOptions{faults: "on connect: reply 421 Too many connections; close", options: func(o *Options) {
			o.Pause = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
		}})
		s.run(c.setting, `$r = OPENHOST("ftp.test")`)
		if len(waits) != len(c.want) {
			t.Errorf("%s: the waits are %v", c.setting, waits)
			continue
		}
		for i, want := range c.want {
			if got := waits[i].Seconds(); got < 0.75*want || got > 1.25*want {
				t.Errorf("%s: wait %d is %v, want %v s within a quarter", c.setting, i+1, waits[i], want)
			}
		}
	}
}

func TestSetRetry(t *testing.T) {
	for written, want := range map[string]string{
		`1`: "OK", `1000, 3600`: "OK", `2, 0.5`: "OK",
		`0`: "BAD_ARGUMENT", `-1`: "BAD_ARGUMENT", `1.5`: "BAD_ARGUMENT", `1001`: "BAD_ARGUMENT", `3, -1`: "BAD_ARGUMENT", `3, 3601`: "BAD_ARGUMENT",
	} {
		o := newBench(t, Options{}).run(`$r = SETRETRY(`+written+`)`, `PRINT(GETERROR(NAME))`)
		if got := strings.TrimSpace(o.stdout); got != want {
			t.Errorf("SETRETRY(%s) is %s, want %s", written, got, want)
		}
	}
}

// Every command that may be repeated is, on a new connection in the same
// directory, and a reply that was lost is not taken for work that was not done.
func TestLostConnections(t *testing.T) {
	cases := []struct {
		name, faults string
		script       []string
		result       string
		attempts     int
		gone, there  string
	}{
		{name: "a listing", faults: "on MLSD 1: close", script: []string{`$r = GETLIST($l,REMOTE_FILES)`, `PRINT($l)`}, result: "OK", attempts: 2},
		{name: "a listing that is cut", faults: "on MLSD 1: cut 20", script: []string{`$r = GETLIST($l,REMOTE_FILES)`}, result: "OK", attempts: 2},
		{name: "a directory change", faults: "on CWD deep 1: close", script: []string{`$r = CHDIR("deep")`}, result: "OK", attempts: 2},
		{name: "a size", faults: "on MLST 1-2: close", script: []string{`$x = GETFILESIZE("d.txt")`, `$r = "OK"`, `PRINT($x)`}, result: "OK", attempts: 3},
		{name: "a size, too often", faults: "on MLST: close", script: []string{`$x = GETFILESIZE("d.txt")`, `$r = GETERROR(CODE)`}, result: "CONNECTION_LOST", attempts: 3},
		{name: "a mode", faults: "on SITE 1: close", script: []string{`$r = CHMOD("d.txt","600")`}, result: "OK", attempts: 2},
		{name: "a server that is busy", faults: "on DELE 1-2: reply 450 File is busy", script: []string{`$r = DELETEFILE("d.txt")`}, result: "OK", attempts: 3, gone: "sub/d.txt"},

		{name: "made, and the reply lost", faults: "on MKD 1: final none; close", script: []string{`$r = MKDIR("new")`}, result: "OK", attempts: 2, there: "sub/new"},
		{name: "not made", faults: "on MKD 1: close", script: []string{`$r = MKDIR("new")`}, result: "OK", attempts: 2, there: "sub/new"},
		{name: "there before", script: []string{`$r = MKDIR("deep")`}, result: "REMOTE_EXISTS", attempts: 1},
		{name: "there before, on a busy server", faults: "on MKD 1: reply 450 later", script: []string{`$r = MKDIR("deep")`}, result: "REMOTE_EXISTS", attempts: 2},
		{name: "removed, and the reply lost", faults: "on RMD 1: final none; close", script: []string{`MKDIR("x")`, `$r = RMDIR("x")`}, result: "OK", attempts: 2, gone: "sub/x"},
		{name: "deleted, and the reply lost", faults: "on DELE 1: final none; close", script: []string{`$r = DELETEFILE("d.txt")`}, result: "OK", gone: "sub/d.txt"},
		{name: "not deleted", faults: "on DELE 1: close", script: []string{`$r = DELETEFILE("d.txt")`}, result: "OK", attempts: 2, gone: "sub/d.txt"},
		{name: "never there", script: []string{`$r = DELETEFILE("nothing")`}, result: "NO_SUCH_REMOTE_FILE", attempts: 1},
		{name: "never there, and refused with 421", faults: "on DELE 1: reply 421 closing; close", script: []string{`$r = DELETEFILE("nothing")`}, result: "NO_SUCH_REMOTE_FILE", attempts: 2},
		{name: "renamed, and the reply lost", faults: "on RNTO 1: final none; close", script: []string{`$r = RENAMEFILE("d.txt","r.txt")`}, result: "OK", attempts: 2, gone: "sub/d.txt", there: "sub/r.txt"},
		{name: "not renamed", faults: "on RNTO 1: close", script: []string{`$r = RENAMEFILE("d.txt","r.txt")`}, result: "OK", attempts: 2, gone: "sub/d.txt", there: "sub/r.txt"},
		{name: "a rename of nothing", faults: "on RNFR 1: close", script: []string{`$r = RENAMEFILE("nothing","r.txt")`}, result: "NO_SUCH_REMOTE_FILE", attempts: 2},

		{name: "a raw command", faults: "on SITE 1: close", script: []string{`$r = RAWCOMMAND("SITE CHMOD 600 d.txt")`}, result: "CONNECTION_LOST", attempts: 1},
		{name: "the directory after a raw command", faults: "on MLST 1: close", script: []string{`RAWCOMMAND("CWD deep")`, `$x = GETFILESIZE("e.txt")`, `PRINT($x)`, `$r = "OK"`}, result: "OK", attempts: 2},
		{name: "the directory is gone", faults: "on MLST 1: close\non CWD /sub: reply 550 No such directory", script: []string{`$x = GETFILESIZE("d.txt")`, `$r = GETERROR(CODE)`}, result: "NO_SUCH_REMOTE_FILE", attempts: 2},
		{name: "the type", faults: "on MLSD 1: close", script: []string{`SETTYPE(ASCII)`, `$r = GETFILE("d.tx?")`}, result: "OK", attempts: 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := retried(t, siteOptions{files: tree(), faults: c.faults})
			result, o := s.result(append([]string{`CHDIR("sub")`}, c.script...)...)
			if result != c.result && o.lines()[len(o.lines())-2] != causeText20(c.result) {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
			if got := strings.Count(o.transcript, "; attempt ") + 1; c.attempts != 0 && got != c.attempts {
				t.Errorf("%d attempts, want %d\n%s", got, c.attempts, o.transcript)
			}
			if _, err := os.Lstat(filepath.Join(s.remote, c.gone)); c.gone != "" && err == nil {
				t.Errorf("%s is still there", c.gone)
			}
			if _, err := os.Lstat(filepath.Join(s.remote, c.there)); err != nil {
				t.Errorf("%s is not there: %v", c.there, err)
			}
		})
	}
}

// causeText20 is the code of a result's name.
func causeText20(name string) string {
	for _, r := range causeResults() {
		if r.Name == name {
			return r.Text()
		}
	}
	return name
}

// Of a connection that the server gave up while nobody used it nothing is lost: what
// comes next has not been tried before.
func TestConnectionLostMeanwhile(t *testing.T) {
	s := retried(t, siteOptions{files: tree(), change: func(o *server.Options) { o.IdleTimeout = 300 * time.Millisecond }})
	gone := make(chan struct{}, 100)
	s.job.Events = func(e Event) {
		if e.Kind == Wire && strings.HasPrefix(e.Text, "< 421") {
			gone <- struct{}{}
		}
	}
	s.replace("SLEEP", func(*State, *arguments) error { <-gone; return nil })
	_, o := s.result(`CHDIR("sub")`, `SLEEP(1)`, `$r = DELETEFILE("nothing")`, `PRINT(GETERROR(NAME))`, `PRINT(CWDIR)`)
	if !strings.Contains(o.stdout, "NO_SUCH_REMOTE_FILE\n/sub\n") || !o.has("Connected again.") {
		t.Errorf("got %q\n%s", o.stdout, o.transcript)
	}
}

// scripted is a session that answers each MakeDir and Stat with the next error.
type scripted struct {
	connected
	errs  *[]error
	calls *[]string
}

func (s scripted) next(call string) error {
	*s.calls = append(*s.calls, call)
	if len(*s.errs) == 0 {
		return nil
	}
	err := (*s.errs)[0]
	*s.errs = (*s.errs)[1:]
	return err
}

func (s scripted) MakeDir(context.Context, string) error { return s.next("make") }

func (s scripted) Remove(context.Context, string) error { return s.next("remove") }

func (s scripted) Rename(context.Context, string, string) error { return s.next("rename") }

func (s scripted) Caps() session.Caps { return session.Caps{} }

func (s scripted) Stat(context.Context, string) (session.Entry, error) {
	return session.Entry{Kind: session.KindDir}, s.next("look")
}

func (s scripted) Raw(context.Context, string) (session.Reply, error) {
	return session.Reply{Code: 200}, s.next("raw")
}

// What is repeated is looked at only after a reply that may have been lost.
func TestLinkLooksBeforeItRepeats(t *testing.T) {
	fail := func(c session.Cause) *session.Error { return &session.Error{Op: "trying", Cause: c, Class: c.Class()} }
	unsent, closing := fail(session.ConnectionLost), fail(session.ConnectionLost)
	unsent.Unsent, closing.Reply.Code = true, 421
	lost, busy, missing := fail(session.ConnectionLost), fail(session.RemoteBusy), fail(session.NoSuchRemoteFile)
	blind := fail(session.NotSupported) // nobody can see whether it is there
	cases := []struct {
		name, command string
		errs          []error
		calls         string
		want          session.Cause
	}{
		{"well", "make", nil, "make", session.CauseNone},
		{"refused", "make", []error{missing}, "make", session.NoSuchRemoteFile},
		{"busy", "make", []error{busy}, "make make", session.CauseNone},
		{"found dead", "make", []error{unsent}, "make make", session.CauseNone},
		{"turned away", "make", []error{closing}, "make make", session.CauseNone},
		{"lost, and done", "make", []error{lost}, "make look", session.CauseNone},
		{"lost, and not done", "make", []error{lost, missing}, "make look make", session.CauseNone},
		{"lost, not done, lost, and done", "make", []error{lost, missing, lost}, "make look make look", session.CauseNone},
		{"lost, and the look is lost", "make", []error{lost, lost}, "make look look", session.CauseNone},
		{"lost too often", "make", []error{lost, missing, lost, missing, lost}, "make look make look make", session.ConnectionLost},
		{"lost, and it cannot be seen", "make", []error{lost, blind}, "make look make", session.CauseNone},
		{"deleted, lost, and done", "remove", []error{lost, missing}, "remove look", session.CauseNone},
		{"deleted, lost, and not done", "remove", []error{lost}, "remove look remove", session.CauseNone},
		{"deleted, lost, and it cannot be seen", "remove", []error{lost, blind}, "remove look", session.ConnectionLost},
		{"renamed, lost, and done", "rename", []error{lost, missing}, "rename look look", session.CauseNone},
		{"renamed, lost, and both are gone", "rename", []error{lost, missing, missing, missing}, "rename look look rename", session.NoSuchRemoteFile},
		{"renamed, lost, and the old name cannot be seen", "rename", []error{lost, blind}, "rename look", session.ConnectionLost},
		{"renamed, lost, and the new name cannot be seen", "rename", []error{lost, missing, blind}, "rename look look", session.ConnectionLost},
		{"raw, lost", "raw", []error{lost}, "raw", session.ConnectionLost},
		{"raw, found dead", "raw", []error{unsent}, "raw raw", session.CauseNone},
		{"raw, found dead, and lost", "raw", []error{unsent, lost}, "raw raw", session.ConnectionLost},
	}
	for _, c := range cases {
		var calls []string
		s := &State{options: Options{Pause: func(context.Context, time.Duration) error { return nil }}}
		s.voice.state, s.args.state, s.args.form, s.args.row = s, s, &catalog.Form{}, &catalog.Command{}
		s.settings.retry = retrying{times: 3}
		errs := slices.Clone(c.errs)
		l := s.newLink(session.Endpoint{})
		l.open = func(context.Context) (session.Session, error) { return scripted{errs: &errs, calls: &calls}, nil }
		if err := l.dial(context.Background()); err != nil {
			t.Fatal(err)
		}
		var err error
		switch c.command {
		case "raw":
			_, err = l.Raw(context.Background(), "NOOP")
		case "remove":
			err = l.Remove(context.Background(), "x")
		case "rename":
			err = l.Rename(context.Background(), "x", "y")
		default:
			err = l.MakeDir(context.Background(), "x")
		}
		if got := session.CauseOf(err); got != c.want || strings.Join(calls, " ") != c.calls {
			t.Errorf("%s: %v after %q, want %v after %q", c.name, err, calls, c.want, c.calls)
		}
	}
}

// With one attempt a lost connection stays lost.
func TestOneAttemptIsOne(t *testing.T) {
	s := retried(t, siteOptions{files: tree(), faults: "on MLST 1: close"})
	o := s.on(`SETRETRY(1)`, `$x = GETFILESIZE("a.txt")`, `PRINT(GETERROR(NAME))`, `$x = GETFILESIZE("a.txt")`, `PRINT(GETERROR(NAME))`,
		`OPENHOST("ftp.test")`, `PRINT(GETFILESIZE("a.txt"))`)
	if o.stdout != "CONNECTION_LOST\nCONNECTION_LOST\n5\n" {
		t.Errorf("got %q\n%s", o.stdout, o.transcript)
	}
}

// GETREPLY is about what the script asked for, not about what it was answered with
// on the way back to where it was.
func TestGetReplyAfterAReconnection(t *testing.T) {
	s := retried(t, siteOptions{files: tree(), faults: "on MKD 1: close"})
	o := s.on(`CHDIR("sub")`, `PRINT(TEXTCUT(GETREPLY,1,3))`, `MKDIR("new")`, `PRINT(TEXTCUT(GETREPLY,1,3))`, `RAWCOMMAND("CDUP")`, `PRINT(TEXTCUT(GETREPLY,1,3))`, `PRINT(CWDIR)`)
	if o.stdout != "250\n257\n250\n/\n" && o.stdout != "250\n257\n200\n/\n" {
		t.Errorf("got %q\n%s", o.stdout, o.transcript)
	}
}

// The time for the whole command holds over all attempts and waits.
func TestTotalHoldsOverAttempts(t *testing.T) {
	s := retried(t, siteOptions{files: tree(), faults: "on MLST: close", options: func(o *Options) {
		o.Pause = func(ctx context.Context, _ time.Duration) error { <-ctx.Done(); return context.Cause(ctx) }
	}})
	o := s.on(`SETTIMEOUT(0.05,TOTAL)`, `$x = GETFILESIZE("a.txt")`, `PRINT(GETERROR(NAME))`, `PRINT(GETERROR)`)
	if !strings.HasPrefix(o.stdout, "REPLY_TIMEOUT\n") || !strings.Contains(o.stdout, "TOTAL") {
		t.Errorf("got %q\n%s", o.stdout, o.transcript)
	}
}

// A run that is cancelled while it waits ends at once.
func TestCancelledWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := retried(t, siteOptions{files: tree(), faults: "on MLST: close", options: func(o *Options) {
		o.Pause = func(ctx context.Context, _ time.Duration) error { cancel(); <-ctx.Done(); return context.Cause(ctx) }
	}})
	o := s.runContext(ctx, `OPENHOST("ftp.test")`, `$x = GETFILESIZE("a.txt")`, `PRINT("on")`)
	if o.err == nil || o.stdout != "" {
		t.Errorf("the run went on: %v %q", o.err, o.stdout)
	}
}

// Where transfers go on that were cut. That they do, wherever the cut is, and what is
// told of one that is cut too often, is in the table of faults.
func TestTransfersGoOnWhereTheyWereCut(t *testing.T) {
	var counted strings.Builder // nothing in it repeats, so that no piece passes for another
	for i := 0; counted.Len() < 1_000_000; i++ {
		fmt.Fprintf(&counted, "%d,", i)
	}
	big := counted.String()[:1_000_000]
	cases := []struct {
		name, faults, script, result, told string
		change                             func(*server.Options)
	}{
		{name: "a download", faults: "on RETR 1: cut 600000", script: `$r = GETFILE("big")`, result: "OK", told: "Resuming big at 600000 bytes"},
		{name: "a download, twice", faults: "on RETR 1-2: cut 400000", script: `$r = GETFILE("big")`, result: "OK", told: "Resuming big at 795904 bytes"},
		{name: "a download from a server without REST", faults: "on RETR 1: cut 600000\non REST: reply 502 no", script: `$r = GETFILE("big")`, result: "OK", told: "attempt 2 of 3"},
		{name: "a download from a server that forgets REST once, cut", faults: "on RETR 1: cut 600000\non REST 1: reply 350 Restarting\non RETR 2: cut 200000", script: `$r = GETFILE("big")`, result: "OK", told: "the server did not go on with big where it was asked to"},
		{name: "a download from a server that forgets REST once, cut at once", faults: "on RETR 1: cut 600000\non REST 1: reply 350 Restarting\non RETR 2: cut 1", script: `$r = GETFILE("big")`, result: "OK", told: "the server did not go on with big where it was asked to"},
		{name: "a set", faults: "on RETR 2: close\non RETR 4: cut 100; close", script: "SETPARALLEL(1)\n" + `$r = GETFILE("*",SUBDIRS)`, result: "OK", told: "Connected again."},
		{name: "an upload", faults: "on STOR 1: cut 600000", script: `$r = PUTFILE("big")`, result: "OK", told: "Resuming big at 600000 bytes"},
		{name: "an upload, twice", faults: "on STOR 1-2: cut 400000", script: `$r = PUTFILE("big")`, result: "OK", told: "Resuming big at 800000 bytes"},
		{name: "an upload to a server without REST", faults: "on STOR 1: cut 600000\non REST: reply 502 no", script: `$r = PUTFILE("big")`, result: "OK", told: "attempt 2 of 3"},
		{name: "an upload that only appending resumes", faults: "on STOR 1: cut 600000\non STOR 2: reply 451 Append/Restart not permitted", script: `$r = PUTFILE("big")`, result: "OK", told: "Resuming big at 600000 bytes"},
		{name: "an upload to a server that forgets REST once", faults: "on STOR 1: cut 600000\non REST 1: reply 350 Restarting", script: `$r = PUTFILE("big")`, result: "OK", told: "attempt 3 of 3"},
		{name: "an upload to a server that forgets REST once, cut", faults: "on STOR 1: cut 600000\non REST 1: reply 350 Restarting\non STOR 2: cut 200000", script: `$r = PUTFILE("big")`, result: "OK", told: "attempt 3 of 3"},
		{name: "an upload to a server that forgets REST once, early", faults: "on STOR 1: cut 300000\non REST 1: reply 350 Restarting", script: `$r = PUTFILE("big")`, result: "OK", told: "attempt 3 of 3"},
		{name: "a download from a server that forgets REST once", faults: "on RETR 1: cut 600000\non REST 1: reply 350 Restarting", script: `$r = GETFILE("big")`, result: "OK", told: "Resuming big at 600000 bytes"},
		{name: "an upload under another name", faults: "on STOR 1: cut 600000; close", script: `SETUPLOADMODE(ATOMIC)` + "\n" + `$r = PUTFILE("big")`, result: "OK", told: "at 600000 bytes"},
		{name: "a rename whose reply is lost", faults: "on RNTO 1: close", script: `SETUPLOADMODE(ATOMIC)` + "\n" + `$r = PUTFILE("big")`, result: "OK", told: "Connected again."},
		{name: "as text", faults: "on STOR 1: cut 600000", script: `SETTYPE(ASCII)` + "\n" + `$r = PUTFILE("big")`, result: "OK", told: "attempt 2 of 3"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"big": big, "a.txt": "alpha", "b/c": "gamma"}
			o := siteOptions{files: files, faults: c.faults, change: c.change}
			upload := strings.Contains(c.script, "PUTFILE")
			if upload {
				o.files = map[string]string{"big": strings.Repeat("old", 500_000)}
			}
			s := retried(t, o)
			if upload {
				write(t, s.local, files)
			}
			result, told := s.result(strings.Split(c.script, "\n")...)
			if result != c.result || !told.tells(c.told) {
				t.Errorf("the result is %s, want %s and %q\n%s", result, c.result, c.told, told.transcript)
			}
			if result != "OK" {
				return
			}
			got := read(t, s.local)
			if upload {
				got = read(t, s.remote)
			}
			for name, text := range files {
				if there, ok := got[name]; ok && there != text {
					t.Errorf("%s has %d bytes and is not the same", name, len(text))
				}
			}
		})
	}
}

// What lies on the server is only gone on with if it is of this upload.
func TestUploadsAreNotMixed(t *testing.T) {
	big := strings.Repeat("0123456789", 100_000)
	s := retried(t, siteOptions{faults: "on STOR 1: cut 600000"})
	write(t, s.local, map[string]string{"big": big})
	first := true
	s.job.Events = func(e Event) {
		if e.Kind == Message && strings.Contains(e.Text, "; attempt 2 of 3") && first {
			first = false
			write(t, s.local, map[string]string{"big": strings.ReplaceAll(big, "0", "X")})
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(s.local, "big"), later, later); err != nil {
				t.Error(err)
			}
		}
	}
	result, o := s.result(`$r = PUTFILE("big")`)
	if result != "OK" || !o.has("changed meanwhile and is sent from the beginning") {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	holds(t, s.remote, read(t, s.local))
}

// A download goes on only with the same file.
func TestDownloadsAreNotMixed(t *testing.T) {
	big := strings.Repeat("0123456789", 100_000)
	s := retried(t, siteOptions{files: map[string]string{"big": big}, faults: "on RETR 1: cut 600000"})
	s.job.Events = func(e Event) {
		if e.Kind == Message && strings.Contains(e.Text, "; attempt 2 of 3") {
			write(t, s.remote, map[string]string{"big": strings.ReplaceAll(big, "0", "X")})
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(s.remote, "big"), later, later); err != nil {
				t.Error(err)
			}
		}
	}
	result, o := s.result(`$r = GETFILE("big")`)
	if result != "OK" || !o.has("big changed on the server meanwhile and is downloaded from the beginning") {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	holds(t, s.local, read(t, s.remote))
}

// Where a listing told the time and no single question does, an equal size is no proof
// that it is still the same file.
func TestDownloadsAreNotMixed_NoTimes(t *testing.T) {
	big := strings.Repeat("0123456789", 100_000)
	s := retried(t, siteOptions{files: map[string]string{"big": big}, faults: "on RETR 1: cut 600000",
		change: func(o *server.Options) { o.DisabledCommands = []string{"MLST", "MLSD", "MDTM"} }})
	age := func(days int) {
		at := time.Now().Add(time.Duration(-24*days) * time.Hour)
		if err := os.Chtimes(filepath.Join(s.remote, "big"), at, at); err != nil {
			t.Error(err)
		}
	}
	age(30)
	s.job.Events = func(e Event) {
		if e.Kind == Message && strings.Contains(e.Text, "; attempt 2 of 3") {
			write(t, s.remote, map[string]string{"big": strings.ReplaceAll(big, "0", "X")})
			age(20)
		}
	}
	result, o := s.result(`$r = GETFILE("bi*")`)
	if result != "OK" {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	if got := read(t, s.local)["big"]; got != read(t, s.remote)["big"] {
		t.Errorf("%d bytes of two files are there\n%s", len(got), o.transcript)
	}
}

// A set ends when there is no connection any more, not when one was lost.
func TestSetsWithoutAConnection(t *testing.T) {
	files := map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}
	s := retried(t, siteOptions{files: files, faults: "on RETR b: close\non connect 3-: reply 421 closing; close"})
	result, o := s.result(`SETPARALLEL(1)`, `SETRETRY(2,0)`, `$r = GETFILE("*")`)
	if result != "CONNECTION_LOST" && result != "TOO_MANY_CONNECTIONS" {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	holds(t, s.local, map[string]string{"a": "1"})
	if n := strings.Count(o.transcript, "; attempt "); n > 3 {
		t.Errorf("%d more attempts\n%s", n, o.transcript)
	}
	for name := range read(t, s.local) {
		if netio.IsPartName(name) {
			t.Errorf("%s is left", name)
		}
	}
}

// forgetful is a server of SFTP that loses the end of what it has confirmed, as one
// does whose machine falls over, and then leaves a gap behind what it confirms.
type forgetful struct {
	connected
	sizes, confirms *[]int64 // of each Stat, of each upload
	offsets         *[]int64
}

func (f forgetful) Caps() session.Caps {
	return session.Caps{Resume: true, BytesOnly: true, Overlap: 1}
}

func (forgetful) SetType(context.Context, session.Type) error { return nil }

func (f forgetful) Stat(context.Context, string) (session.Entry, error) {
	size := (*f.sizes)[0]
	*f.sizes = (*f.sizes)[1:]
	if size < 0 {
		return session.Entry{}, &session.Error{Cause: session.NoSuchRemoteFile, Class: session.ClassPermanent}
	}
	return session.Entry{Size: size}, nil
}

func (f forgetful) Upload(ctx context.Context, name string, _ session.StoreMode, r io.Reader) (int64, error) {
	return f.UploadFrom(ctx, name, 0, r)
}

func (f forgetful) UploadFrom(_ context.Context, _ string, offset int64, r io.Reader) (int64, error) {
	*f.offsets = append(*f.offsets, offset)
	n := (*f.confirms)[0]
	*f.confirms = (*f.confirms)[1:]
	if n < 0 {
		return io.Copy(struct{ io.Writer }{io.Discard}, r)
	}
	r.(session.FastFile).Moved(n)
	return n, &session.Error{Cause: session.ConnectionLost, Class: session.ClassTransient}
}

// What an earlier attempt was confirmed is worth nothing once the server has less.
func TestUploadsLeaveNoGap(t *testing.T) {
	const size = 1_000_000
	// 800,000 bytes are confirmed, and 300,000 of them are there later; then up to
	// 400,000, and 900,000 with a gap.
	f := forgetful{sizes: &[]int64{-1, 300_000, 900_000, size}, confirms: &[]int64{800_000, 100_000, -1}, offsets: new([]int64)}
	b := newBench(t, Options{Root: t.TempDir(), Settings: map[string]string{"retry": "3, 0"}})
	write(t, b.host.options.Root, map[string]string{"big": strings.Repeat("x", size)})
	b.replace("OPENHOST", func(s *State, _ *arguments) error {
		l := s.newLink(session.Endpoint{})
		l.open = func(context.Context) (session.Session, error) { return f, nil }
		s.session = l
		return l.dial(context.Background())
	})
	o := b.run(`OPENHOST("x")`, `PUTFILE("big")`)
	if want := []int64{0, 300_000, 400_000}; !slices.Equal(*f.offsets, want) || o.result.Status != 0 {
		t.Errorf("the attempts began at %d, want %d\n%s", *f.offsets, want, o.transcript)
	}
}

// listing is a server of FTP that tells of a file in listings only, writes elsewhere
// first, and has an older file under the name.
type listing struct {
	forgetful
}

func (listing) Caps() session.Caps { return session.Caps{Resume: true, DataConnections: true} }

func (listing) Glance(context.Context, string) (session.Entry, bool, error) {
	return session.Entry{}, false, nil
}

// What nobody looked at before the upload is not taken for a beginning of it.
func TestUploadsDoNotGoOnWithAnOlderFile(t *testing.T) {
	const size = 1_000_000
	f := listing{forgetful{sizes: &[]int64{300_000, size}, confirms: &[]int64{800_000, -1}, offsets: new([]int64)}}
	b := newBench(t, Options{Root: t.TempDir(), Settings: map[string]string{"retry": "3, 0"}})
	write(t, b.host.options.Root, map[string]string{"big": strings.Repeat("x", size)})
	b.replace("OPENHOST", func(s *State, _ *arguments) error {
		l := s.newLink(session.Endpoint{})
		l.open = func(context.Context) (session.Session, error) { return f, nil }
		s.session = l
		return l.dial(context.Background())
	})
	o := b.run(`OPENHOST("x")`, `SETVERIFY(OFF)`, `PUTFILE("big")`)
	if want := []int64{0, 0}; !slices.Equal(*f.offsets, want) || o.result.Status != 0 {
		t.Errorf("the attempts began at %d, want %d\n%s", *f.offsets, want, o.transcript)
	}
}
