package ftpconn

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// learning returns settings that begin with what is known and a place for what was
// learned.
func learning(known session.Facts) (session.Settings, *[]session.Facts) {
	var all []session.Facts
	return session.Settings{Known: known, Learned: func(f session.Facts) { all = append(all, f) }}, &all
}

func closed(t *testing.T, client *Session, learned *[]session.Facts) session.Facts {
	t.Helper()
	for range 2 {
		if err := client.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if len(*learned) != 1 {
		t.Fatalf("told %d times what was learned", len(*learned))
	}
	return (*learned)[0]
}

// A second session does not try again what the first one has found out.
func TestFacts_FromSessionToSession(t *testing.T) {
	server := newFake(t)
	server.features = append(server.features, "MLSD")
	server.put("/f", []byte("1"))
	unknown := func(c *fakeConn, _ string) { c.say("500 Unknown command.") }
	for _, verb := range []string{"MLSD", "MLST", "EPSV"} {
		server.on[verb] = unknown
	}
	settings, learned := learning(session.Facts{})
	client := server.connect(settings)
	if _, err := client.List(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	first := closed(t, client, learned)
	if !first.NoEPSV || !first.Lack("MLSD") || first.HasZone {
		t.Errorf("learned %+v", first)
	}

	var seen wire
	settings, learned = learning(first)
	settings.Observe = seen.observe
	client = server.connect(settings)
	before := server.count("MLSD") + server.count("EPSV")
	if _, err := client.List(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	if after := server.count("MLSD") + server.count("EPSV"); after != before {
		t.Errorf("tried again: %q", server.seen())
	}
	notes := seen.of(session.WireNote)
	if len(notes) == 0 || notes[0].Text != "remembered of this server: no MLSD, no EPSV" {
		t.Errorf("told %+v", notes)
	}
	if again := closed(t, client, learned); !reflect.DeepEqual(again, first) {
		t.Errorf("then believed %+v", again)
	}
}

// SETFEATURE goes before what is remembered.
func TestFacts_SettingsGoFirst(t *testing.T) {
	server := newFake(t)
	settings, learned := learning(session.Facts{NoEPSV: true, Lacks: []string{"MLSD"}, HasZone: true, Zone: time.Hour})
	settings.Features = map[string]session.Feature{"EPSV": session.FeatureEnabled, "MLSD": session.FeatureEnabled, "MDTM": session.FeatureDisabled}
	client := server.connect(settings)
	if l, err := client.List(context.Background(), ""); err != nil || l.Source != "MLSD" || server.count("PASV") != 0 {
		t.Errorf("got %+v, %v, %q", l, err, server.seen())
	}
	if facts := closed(t, client, learned); !facts.IsZero() {
		t.Errorf("believes %+v", facts)
	}
}

// Where PASV has stopped working, EPSV is tried though it is remembered not to work.
func TestFacts_MendedEPSV(t *testing.T) {
	server := newFake(t)
	server.on["PASV"] = func(c *fakeConn, _ string) { c.say("502 Not here any more.") }
	settings, learned := learning(session.Facts{NoEPSV: true})
	client := server.connect(settings)
	for range 2 {
		if _, err := client.List(context.Background(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := server.count("PASV"); n != 1 {
		t.Errorf("PASV was tried %d times", n)
	}
	if facts := closed(t, client, learned); facts.NoEPSV {
		t.Errorf("still believes %+v", facts)
	}
}

// A record that is wrong in every way costs commands, and nothing else.
func TestFacts_WrongRecord(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("12"))
	settings, _ := learning(session.Facts{NoEPSV: true, Lacks: []string{"MLSD", "MLST", "SIZE", "MDTM", "MFMT", "EPRT", "RETR", "X"}, HasZone: true, Zone: 3 * time.Hour, SetsTime: "RETR"})
	client := server.connect(settings)
	ctx := context.Background()
	if l, err := client.List(ctx, ""); err != nil || namesOf(l) != "f" {
		t.Errorf("got %+v, %v", l, err)
	}
	if entry, err := client.Stat(ctx, "f"); err != nil || entry.Kind != session.KindFile {
		t.Errorf("got %+v, %v", entry, err)
	}
	var got strings.Builder
	if _, err := client.Download(ctx, "f", 0, &got); err != nil || got.String() != "12" {
		t.Errorf("got %q, %v", got.String(), err)
	}
}

// listsIn makes the fake list one file with its time as it is in a zone.
func listsIn(server *fakeServer, zone *time.Location, at time.Time) {
	withoutMLSD(server)
	server.on["LIST"] = func(c *fakeConn, _ string) {
		data, err := c.data()
		if err != nil {
			return
		}
		c.say("150 Here it comes.")
		fmt.Fprintf(data, "-rw-r--r-- 1 u g 1 %s older\r\n", at.AddDate(-2, 0, 0).In(zone).Format("Jan _2  2006"))
		fmt.Fprintf(data, "-rw-r--r-- 1 u g 1 %s newest\r\n", at.In(zone).Format("Jan _2 15:04"))
		fmt.Fprintf(data, "drwxr-xr-x 1 u g 1 %s dir\r\n", at.In(zone).Format("Jan _2 15:04"))
		data.Close()
		c.say("226 Done.")
	}
	server.on["MDTM"] = func(c *fakeConn, name string) {
		if strings.HasSuffix(name, "newest") {
			c.say("213 %s", at.UTC().Format(timeLayout))
			return
		}
		c.say("550 %s: not asked for", name)
	}
}

// The zone of a listing is found out by one file's MDTM, once a session, and not at
// all in a session that remembers it.
func TestDated(t *testing.T) {
	at := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	for _, offset := range []time.Duration{0, time.Hour, -5 * time.Hour, 5*time.Hour + 45*time.Minute, 14 * time.Hour, -11 * time.Hour} {
		t.Run(zoneName(offset), func(t *testing.T) {
			server := newFake(t)
			listsIn(server, time.FixedZone("", int(offset.Seconds())), at)
			settings, learned := learning(session.Facts{})
			client := server.connect(settings)
			ctx := context.Background()
			for range 2 {
				l, err := client.List(ctx, "")
				if err != nil {
					t.Fatal(err)
				}
				if l, err = client.Dated(ctx, "", l); err != nil {
					t.Fatal(err)
				}
				for _, e := range l.Entries[1:] {
					if !e.Time.Equal(at.Truncate(time.Minute)) || e.Exact {
						t.Errorf("%s is of %v, want %v", e.Name, e.Time, at)
					}
				}
			}
			if n := server.count("MDTM"); n != 1 {
				t.Errorf("asked %d times", n)
			}
			facts := closed(t, client, learned)
			if !facts.HasZone || facts.Zone != offset {
				t.Errorf("learned %+v", facts)
			}
			settings, _ = learning(facts)
			client = server.connect(settings)
			l, err := client.List(ctx, "")
			if err != nil || !l.Entries[1].Time.Equal(at.Truncate(time.Minute)) || server.count("MDTM") != 1 {
				t.Errorf("remembered: %+v, %v, %q", l, err, server.seen())
			}
		})
	}
}

// What cannot be found out leaves the times as they are.
func TestDated_CannotTell(t *testing.T) {
	at := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	tests := map[string]struct {
		change   func(*fakeServer)
		settings session.Settings
		asked    int
	}{
		"MDTM is disabled":         {func(*fakeServer) {}, session.Settings{Features: map[string]session.Feature{"MDTM": session.FeatureDisabled}}, 0},
		"MDTM is not known":        {func(s *fakeServer) { s.on["MDTM"] = func(c *fakeConn, _ string) { c.say("500 What?") } }, session.Settings{}, 1},
		"MDTM is refused":          {func(s *fakeServer) { s.on["MDTM"] = func(c *fakeConn, _ string) { c.say("550 No.") } }, session.Settings{}, 1},
		"MDTM says no time":        {func(s *fakeServer) { s.on["MDTM"] = func(c *fakeConn, _ string) { c.say("213 soon") } }, session.Settings{}, 1},
		"the file was changed":     {func(s *fakeServer) { s.on["MDTM"] = func(c *fakeConn, _ string) { c.say("213 20260101000730") } }, session.Settings{}, 1},
		"a clock of another world": {func(s *fakeServer) { s.on["MDTM"] = func(c *fakeConn, _ string) { c.say("213 19990101000000") } }, session.Settings{}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := newFake(t)
			listsIn(server, time.UTC, at)
			test.change(server)
			client := server.connect(test.settings)
			ctx := context.Background()
			for range 2 {
				l, err := client.List(ctx, "")
				if err != nil {
					t.Fatal(err)
				}
				dated, err := client.Dated(ctx, "", l)
				if err != nil || !slices.Equal(dated.Entries, l.Entries) {
					t.Errorf("got %+v, %v", dated, err)
				}
			}
			if n := server.count("MDTM"); n != test.asked {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestOffsetOf(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	exact := time.Date(2026, 7, 1, 12, 0, 59, 0, time.UTC)
	tests := []struct {
		name   string
		wall   time.Time // as it stands in the listing
		read   *time.Location
		offset time.Duration
		ok     bool
	}{
		{"cut to the minute", time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), time.UTC, 0, true},
		{"ahead", time.Date(2026, 7, 1, 14, 0, 0, 0, time.UTC), time.UTC, 2 * time.Hour, true},
		{"behind", time.Date(2026, 7, 1, 8, 30, 0, 0, time.UTC), time.UTC, -3*time.Hour - 30*time.Minute, true},
		{"rounded up", time.Date(2026, 7, 1, 11, 1, 0, 0, time.UTC), time.UTC, -time.Hour, true},
		{"half a zone", time.Date(2026, 7, 1, 12, 7, 0, 0, time.UTC), time.UTC, 0, false},
		{"three minutes off", time.Date(2026, 7, 1, 11, 57, 0, 0, time.UTC), time.UTC, 0, false},
		{"read in summer time", time.Date(2026, 7, 1, 14, 0, 0, 0, time.UTC), berlin, 2 * time.Hour, true},
		{"too far", time.Date(2026, 7, 2, 14, 0, 0, 0, time.UTC), time.UTC, 26 * time.Hour, false},
	}
	for _, test := range tests {
		w := test.wall
		listed := time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, test.read).UTC()
		offset, ok := offsetOf(listed, exact, test.read)
		if ok != test.ok || ok && offset != test.offset {
			t.Errorf("%s: got %v, %v; want %v", test.name, offset, ok, test.offset)
		}
	}
}

// Times are set by what the server has, and what has none says so.
func TestSetModTime_Ways(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	asks := func(c *fakeConn, name string) {
		if strings.Contains(name, " ") {
			c.say("550 %s: No such file.", name)
			return
		}
		c.say("213 20200101000000")
	}
	sets := func(c *fakeConn, name string) {
		if strings.Contains(name, " ") {
			c.say("213 Modification time set.")
			return
		}
		c.say("213 20200101000000")
	}
	unknown := func(c *fakeConn, _ string) { c.say("502 Not implemented.") }
	tests := []struct {
		name       string
		mfmt, mdtm func(*fakeConn, string)
		want       session.Cause
		setsTime   string
		mdtms      int // of two calls
	}{
		{"MFMT", func(c *fakeConn, _ string) { c.say("213 Modify=20260102030405; f") }, asks, session.CauseNone, "MFMT", 0},
		{"MFMT is not known, MDTM sets", unknown, sets, session.CauseNone, "MDTM", 2},
		{"MFMT is not known, MDTM asks", unknown, asks, session.NotSupported, "", 2},
		{"MDTM answers whatever it is asked", unknown, func(c *fakeConn, _ string) { c.say("213 20200101000000") }, session.NotSupported, "", 2},
		{"neither", unknown, func(c *fakeConn, _ string) { c.say("550 No.") }, session.NoRemotePermission, "", 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			server.put("/f", []byte("1"))
			server.on["MFMT"], server.on["MDTM"] = test.mfmt, test.mdtm
			settings, learned := learning(session.Facts{})
			client := server.connect(settings)
			for range 2 {
				err := client.SetModTime(context.Background(), "f", at)
				if cause := session.CauseOf(err); cause != test.want {
					t.Errorf("got %v", err)
				}
			}
			if n := server.count("MDTM"); n != test.mdtms {
				t.Errorf("MDTM was sent %d times: %q", n, server.seen())
			}
			if facts := closed(t, client, learned); facts.SetsTime != test.setsTime {
				t.Errorf("learned %+v", facts)
			}
		})
	}
}

// SITE UTIME is the last way to set a time; what took it is known in the next session.
func TestSetModTime_UTIME(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const stamp = "20260102030405"
	both := func(c *fakeConn, argument string) {
		if argument == "UTIME f "+stamp+" "+stamp+" "+stamp+" UTC" || argument == "UTIME "+stamp+" f" {
			c.say("213 UTIME OK")
			return
		}
		c.say("550 no such file")
	}
	short := func(c *fakeConn, argument string) {
		if argument == "UTIME "+stamp+" f" {
			c.say("200 SITE UTIME command successful")
			return
		}
		c.say("501 wrong number of digits in f")
	}
	told := func(text string) func(*fakeConn, string) {
		return func(c *fakeConn, name string) {
			if strings.Contains(name, " ") {
				c.say("550 %s: No such file.", name)
				return
			}
			c.say("213 %s", text)
		}
	}
	dated := told(stamp)
	tests := []struct {
		name       string
		site, mdtm func(*fakeConn, string)
		features   map[string]session.Feature
		want       session.Cause
		setsTime   string
		// The commands of the first call, and of the first one in the next session.
		first, next string
	}{
		{"both forms", both, dated, nil, session.CauseNone, "SITE UTIME UTC", "MFMT MDTM MDTM SITE MDTM", "SITE"},
		{"one form", short, dated, nil, session.CauseNone, "SITE UTIME", "MFMT MDTM MDTM SITE SITE MDTM", "SITE"},
		{"in another zone", short, told("20260102010405"), nil, session.NotSupported, "", "MFMT MDTM MDTM SITE SITE MDTM", "MDTM MDTM"},
		{"yes to everything", func(c *fakeConn, _ string) { c.say("200 yes") }, told("20200101000000"), nil, session.NotSupported, "", "MFMT MDTM MDTM SITE MDTM SITE MDTM", "MDTM MDTM"},
		{"not known", func(c *fakeConn, _ string) { c.say("500 what?") }, dated, nil, session.NotSupported, "", "MFMT MDTM MDTM SITE SITE", "MDTM MDTM"},
		{"refused", func(c *fakeConn, _ string) { c.say("550 Permission denied") }, dated, nil, session.NoRemotePermission, "", "MFMT MDTM MDTM SITE SITE", "MDTM MDTM SITE SITE"},
		{"disabled", both, dated, map[string]session.Feature{"UTIME": session.FeatureDisabled}, session.NotSupported, "", "MFMT MDTM MDTM", "MDTM MDTM"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			server.put("/f", []byte("1"))
			server.on["MFMT"] = func(c *fakeConn, _ string) { c.say("500 Unknown command.") }
			server.on["SITE"], server.on["MDTM"] = test.site, test.mdtm
			var facts session.Facts
			for _, want := range []string{test.first, test.next} {
				settings, learned := learning(facts)
				settings.Features = test.features
				client := server.connect(settings)
				before := len(server.seen())
				err := client.SetModTime(context.Background(), "f", at)
				if cause := session.CauseOf(err); cause != test.want {
					t.Errorf("got %v", err)
				}
				var verbs []string
				for _, line := range server.seen()[before:] {
					verbs = append(verbs, verbOf(line))
				}
				if got := strings.Join(verbs, " "); got != want {
					t.Errorf("said %q, want %q", got, want)
				}
				facts = closed(t, client, learned)
				if facts.SetsTime != test.setsTime {
					t.Errorf("learned %+v", facts)
				}
			}
		})
	}
}

// A server that does not know SITE UTIME any more is asked the other ways again.
func TestSetModTime_UTIMEForgotten(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("1"))
	settings, learned := learning(session.Facts{SetsTime: "SITE UTIME"})
	client := server.connect(settings)
	if err := client.SetModTime(context.Background(), "f", time.Now()); err != nil {
		t.Error(err)
	}
	if facts := closed(t, client, learned); facts.SetsTime != "MFMT" {
		t.Errorf("learned %+v", facts)
	}
}
