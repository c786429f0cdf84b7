package builtins

import (
	"context"
	"testing"
	"time"
)

// coming makes files come at the n-th wait.
func coming(n int, come func()) func(*Options) {
	return func(o *Options) {
		waits := 0
		o.Pause = func(ctx context.Context, _ time.Duration) error {
			if waits++; waits == n {
				come()
			}
			return context.Cause(ctx)
		}
	}
}

func TestWaitFile(t *testing.T) {
	for _, c := range []struct {
		call, result, told string
	}{
		{`WAITFILE(REMOTE, "ready", 60)`, "OK", "ready is there"},
		{`WAITFILE(REMOTE, "in/*.csv", 60)`, "OK", "in/a.csv is there"},
		{`WAITFILE(REMOTE, "/in/?.csv", 60)`, "OK", "/in/a.csv is there"},
		{`WAITFILE(LOCAL, "ready", 60)`, "OK", "/ready is there"},
		{`WAITFILE(LOCAL, "in\*.csv", 60)`, "OK", "/in/a.csv is there"},
		{`WAITFILE(REMOTE, "there", 0)`, "OK", "there is there"},
		{`WAITFILE(LOCAL, "th*", 0)`, "OK", "/there is there"},
		{`WAITFILE(REMOTE, "ready", 0)`, "WAIT_TIMEOUT", "waiting 0s for ready: no file of that name came"},
		{`WAITFILE(REMOTE, "other*", 60)`, "WAIT_TIMEOUT", "waiting 1m0s for other*"},
		{`WAITFILE(LOCAL, "other*", 60)`, "WAIT_TIMEOUT", "waiting 1m0s for other*"},
		{`WAITFILE(REMOTE, "in", 60)`, "WAIT_TIMEOUT", ""}, // a directory is no file
		{`WAITFILE(LOCAL, "i?", 60)`, "WAIT_TIMEOUT", ""},
		{`WAITFILE(REMOTE, "nowhere/*", 60)`, "NO_SUCH_REMOTE_FILE", ""},
		{`WAITFILE(LOCAL, "nowhere/*", 60)`, "NO_SUCH_LOCAL_FILE", ""},
		{`WAITFILE(REMOTE, "in/", 60)`, "BAD_ARGUMENT", ""},
		{`WAITFILE(REMOTE, "a", -1)`, "BAD_ARGUMENT", ""},
		{`WAITFILE(REMOTE, "a", 9999999)`, "BAD_ARGUMENT", ""},
		{`WAITFILE(REMOTE, "", 5)`, "BAD_ARGUMENT", ""},
	} {
		t.Run(c.call, func(t *testing.T) {
			var dirs []string
			o := siteOptions{files: map[string]string{"there": "x", "in/": ""}, options: coming(3, func() {
				for _, dir := range dirs {
					write(t, dir, map[string]string{"ready": "x", "in/a.csv": "x"})
				}
			})}
			sites(t, o, func(t *testing.T, s *site) {
				dirs = []string{s.remote, s.local}
				write(t, s.local, map[string]string{"there": "x", "in/": ""})
				name, o := s.result(`$r = ` + c.call)
				if name != c.result || !o.tells(c.told) {
					t.Errorf("%s, want %s and %q\n%s", name, c.result, c.told, o.transcript)
				}
			})
		})
	}
}

// The looks become fewer, down to one in ten seconds, and the time is kept.
func TestWaitFile_isPolite(t *testing.T) {
	var waits []time.Duration
	s := newSite(t, siteOptions{options: func(o *Options) {
		o.Pause = func(ctx context.Context, d time.Duration) error {
			waits = append(waits, d)
			return context.Cause(ctx)
		}
	}})
	o := s.on(`PRINT(WAITFILE(REMOTE, "*.csv", 600) == WAIT_TIMEOUT)`, `PRINT(FILEEXISTS("x"))`)
	var total time.Duration
	for _, d := range waits {
		total += d
	}
	if o.stdout != "TRUE\nFALSE\n" || total > 600*time.Second || waits[0] != time.Second || len(waits) > 70 || len(waits) > 10 && waits[10] != 10*time.Second {
		t.Errorf("%q, %v in all: %v", o.stdout, total, waits)
	}
}

// A connection that is lost on the way is made anew, also when that takes longer than
// SETRETRY has attempts; with a single attempt it is a failure.
func TestWaitFile_survivesALostConnection(t *testing.T) {
	for retry, want := range map[string]string{"2, 0": "OK", "1": "CONNECTION_LOST"} {
		t.Run(retry, func(t *testing.T) {
			var s *site
			o := siteOptions{faults: "on MLSD 2: reset\non connect 2-5: reply 421 Busy; close", options: func(o *Options) {
				coming(12, func() { write(t, s.remote, map[string]string{"a.csv": "x"}) })(o)
				o.Settings = map[string]string{"retry": retry}
			}}
			s = newSite(t, o)
			name, ran := s.result(`$r = WAITFILE(REMOTE, "*.csv", 600)`)
			if name != want {
				t.Errorf("%s\n%s", name, ran.transcript)
			}
		})
	}
}

// A wait for a local file keeps the connection alive, and needs none.
func TestWaitFile_localWaitsAwake(t *testing.T) {
	s := newSite(t, siteOptions{})
	o := s.on(`WAITFILE(LOCAL, "x", 200)`)
	if n := o.wired("PWD"); n < 3 {
		t.Errorf("the server was asked %d times\n%s", n, o.transcript)
	}
	if o := s.run(`PRINT(WAITFILE(LOCAL, "x", 5) == WAIT_TIMEOUT)`, `PRINT(WAITFILE(REMOTE, "x", 5) == NOT_CONNECTED)`); o.stdout != "TRUE\nTRUE\n" {
		t.Errorf("%q", o.stdout)
	}
}

func TestWaitFile_endsWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := newSite(t, siteOptions{options: func(o *Options) {
		o.Pause = func(ctx context.Context, _ time.Duration) error {
			cancel()
			<-ctx.Done()
			return context.Cause(ctx)
		}
	}})
	o := s.runContext(ctx, `OPENHOST("ftp.test","joe","pass-word-1")`, `WAITFILE(REMOTE, "x", 600)`, `PRINT("never")`)
	if o.err == nil || o.stdout != "" {
		t.Errorf("%v %q", o.err, o.stdout)
	}
}
