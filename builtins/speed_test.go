package builtins

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// slowClock is a clock that only waiting moves.
type slowClock struct{ at time.Time }

func (c *slowClock) limit(perSecond float64) *speedLimit {
	l := &speedLimit{now: func() time.Time { return c.at }, pause: func(_ context.Context, d time.Duration) error {
		c.at = c.at.Add(d)
		return nil
	}}
	l.set(perSecond)
	return l
}

// Over ten seconds what moves is within 5 % of what it may be, whatever the pieces and
// however late the timers ring.
func TestSpeedLimit(t *testing.T) {
	for _, perSecond := range []float64{100, 1000, 10 * kilobyte, 333_333, 8 << 20, 1 << 30} {
		for _, piece := range []int64{0, 1, 1 << 10, 32 << 10, 128 << 10, 4 << 20} {
			for _, late := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond} {
				if piece == 0 || float64(piece) > perSecond/4 {
					piece = max(1, int64(perSecond/4)) // what mostAtOnce asks for, but for its least
				}
				if perSecond/float64(piece) > 1e6 {
					continue // many steps that tell nothing new
				}
				c := &slowClock{at: time.Unix(1_800_000_000, 0)}
				l := c.limit(perSecond)
				wait := l.pause
				l.pause = func(ctx context.Context, d time.Duration) error { return wait(ctx, d+late) }
				end, moved := c.at.Add(10*time.Second), 0.0
				for c.at.Before(end) {
					l.wait(context.Background(), piece)
					moved += float64(piece)
				}
				// The last piece is paid for behind the end.
				took := c.at.Sub(end.Add(-10 * time.Second)).Seconds()
				if rate := moved / took; rate > perSecond*1.05 || rate < perSecond*0.95 {
					t.Errorf("%.0f bytes a second in pieces of %d, timers %v late: %.1f", perSecond, piece, late, rate)
				}
			}
		}
	}
}

// All that share a limit share its bytes.
func TestSpeedLimit_isShared(t *testing.T) {
	c := &slowClock{at: time.Unix(1_800_000_000, 0)}
	l := c.limit(100_000)
	began := c.at
	for i := range 1000 {
		l.wait(context.Background(), int64(500+i%3*500)) // as several transfers would
	}
	if took := c.at.Sub(began).Seconds(); took < 9.5 || took > 10.5 {
		t.Errorf("1,000,000 bytes at 100,000 a second took %.2f s", took)
	}
}

// What nobody moved for a while is not caught up with.
func TestSpeedLimit_savesNothingUp(t *testing.T) {
	c := &slowClock{at: time.Unix(1_800_000_000, 0)}
	l := c.limit(1000)
	c.at = c.at.Add(time.Hour)
	began := c.at
	for range 100 {
		l.wait(context.Background(), 100)
	}
	if took := c.at.Sub(began).Seconds(); took < 9.5 {
		t.Errorf("10,000 bytes at 1,000 a second took %.2f s", took)
	}
}

func TestSpeedLimit_none(t *testing.T) {
	c := &slowClock{at: time.Unix(1_800_000_000, 0)}
	began := c.at
	l := c.limit(0)
	l.wait(context.Background(), 1<<40)
	if c.at != began || l.mostAtOnce() != 0 {
		t.Errorf("it took %v in pieces of %d", c.at.Sub(began), l.mostAtOnce())
	}
}

// Every way that bytes take waits, and in pieces: plain FTP (spliced), FTP that is
// translated, SFTP, both directions.
func TestSetSpeed_holdsTransfers(t *testing.T) {
	const size, speed = 1 << 20, 100 // kilobytes a second
	text := strings.Repeat("0123456789abcde\n", size/16)
	for _, kind := range []string{"BINARY", "ASCII"} {
		for _, set := range []struct {
			call   string
			option int64
		}{{fmt.Sprintf("SETSPEED(%d)", speed), 0}, {"SETSPEED(0)", speed * kilobyte}, {"SETSPEED(5000)", speed * kilobyte}} {
			var waits []time.Duration
			o := siteOptions{files: map[string]string{"a": text}, options: func(o *Options) {
				o.SpeedLimit = set.option
				o.Pause = func(ctx context.Context, d time.Duration) error {
					waits = append(waits, d)
					return context.Cause(ctx)
				}
			}}
			sites(t, o, func(t *testing.T, s *site) {
				for _, call := range []string{`GETFILE("a")`, `PUTFILE("a","b")`} {
					waits = nil
					if name, o := s.result(`SETTYPE(`+kind+`)`, set.call, `$r = `+call); name != "OK" && s.server != nil {
						t.Errorf("%s\n%s", name, o.transcript)
					}
					// The waits are not carried out here, so each is longer by what the piece
					// before it is worth.
					if len(waits) < 30 {
						t.Errorf("%s, %s: %d bytes at %d kB/s waited %d times", kind, call, size, speed, len(waits))
					}
				}
				holds(t, s.remote, map[string]string{"a": text, "b": text})
			})
		}
	}
}

// All connections of a set share the limit.
func TestSetSpeed_holdsAllConnections(t *testing.T) {
	files := make(map[string]string)
	for i := range 40 {
		files[fmt.Sprintf("f%02d", i)] = strings.Repeat("x", 64<<10)
	}
	var lock sync.Mutex
	waits := 0
	sites(t, siteOptions{files: files, options: func(o *Options) {
		o.Pause = func(ctx context.Context, d time.Duration) error {
			lock.Lock()
			defer lock.Unlock()
			waits++
			return context.Cause(ctx)
		}
	}}, func(t *testing.T, s *site) {
		waits = 0
		name, o := s.result(`SETPARALLEL(4)`, `SETSPEED(64)`, `$r = GETFILE("*")`)
		if name != "OK" || waits < 40 {
			t.Errorf("%s, %d waits\n%s", name, waits, o.transcript)
		}
		holds(t, s.local, files)
	})
}

func TestSetSpeed_values(t *testing.T) {
	b := newBench(t, Options{})
	for call, want := range map[string]string{`SETSPEED(0)`: "OK", `SETSPEED(0.5)`: "OK", `SETSPEED(-1)`: "20301", `SETSPEED("fast")`: "20301", `SETSPEED(9999999999999)`: "20301"} {
		if o := b.run(`PRINT(` + call + `)`); o.stdout != want+"\n" {
			t.Errorf("%s: %q", call, o.stdout)
		}
	}
}

// A run that is cancelled does not wait for its speed.
func TestSetSpeed_endsWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := newSite(t, siteOptions{files: map[string]string{"a": strings.Repeat("x", 1<<20)}, options: func(o *Options) {
		o.Pause = func(ctx context.Context, _ time.Duration) error {
			cancel()
			<-ctx.Done()
			return context.Cause(ctx)
		}
	}})
	o := s.runContext(ctx, `OPENHOST("ftp.test","joe","pass-word-1")`, `SETSPEED(1)`, `GETFILE("a")`, `PRINT("never")`)
	if o.err == nil || o.stdout != "" {
		t.Errorf("%v %q", o.err, o.stdout)
	}
}
