package ftpconn

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/session"
)

// said are the verbs that a fake has seen since a number of commands.
func (s *fakeServer) said(since int) string {
	var verbs []string
	for _, line := range s.seen()[since:] {
		verbs = append(verbs, verbOf(line))
	}
	return strings.Join(verbs, " ")
}

// keepsOld makes the fake refuse to rename onto a name that exists.
func keepsOld(server *fakeServer) {
	server.on["RNTO"] = func(c *fakeConn, argument string) {
		if _, there := c.s.get(c.name(argument)); there {
			c.say("550 Rename failed.")
			return
		}
		data, _ := c.s.get(c.from)
		c.s.put(c.name(argument), data)
		c.s.lock.Lock()
		delete(c.s.files, c.from)
		c.s.lock.Unlock()
		c.say("250 moved")
	}
	server.on["RNFR"] = func(c *fakeConn, argument string) {
		if _, there := c.s.get(c.name(argument)); !there {
			c.say("550 No such file.")
			return
		}
		c.from = c.name(argument)
		c.say("350 go on")
	}
}

// swap puts a new file in the place of an old one as ATOMIC uploads do.
func swap(client *Session) error {
	ctx := context.Background()
	err := client.Replace(ctx, "new", "f")
	if session.CauseOf(err) != session.NotSupported {
		return err
	}
	if err := client.Rename(ctx, "f", "old"); err != nil && session.CauseOf(err) != session.NoSuchRemoteFile {
		return fmt.Errorf("cannot be moved away: %w", err)
	}
	return client.Rename(ctx, "new", "f")
}

// A server that does not rename onto a name is asked for it once, and not at all in
// the next session, unless the script says otherwise.
func TestReplace_Remembered(t *testing.T) {
	server := newFake(t)
	keepsOld(server)
	var facts session.Facts
	for i, test := range []struct {
		feature session.Feature
		said    string
		learned bool
	}{
		{session.FeatureAuto, "RNFR RNTO MLST RNFR RNTO RNFR RNTO", true},
		{session.FeatureAuto, "RNFR RNTO RNFR RNTO", true},
		{session.FeatureEnabled, "RNFR RNTO MLST RNFR RNTO RNFR RNTO", true},
		{session.FeatureDisabled, "RNFR RNTO RNFR RNTO", false}, // which proves nothing
		{session.FeatureAuto, "RNFR RNTO MLST RNFR RNTO RNFR RNTO", true},
	} {
		server.put("/f", []byte("before"))
		server.put("/new", []byte("after"))
		server.lock.Lock()
		delete(server.files, "/old")
		server.lock.Unlock()
		settings, learned := learning(facts)
		settings.Features = map[string]session.Feature{"REPLACE": test.feature}
		client := server.connect(settings)
		before := len(server.seen())
		if err := swap(client); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if said := server.said(before); said != test.said {
			t.Errorf("%d: said %q, want %q", i, said, test.said)
		}
		if data, _ := server.get("/f"); string(data) != "after" {
			t.Errorf("%d: f is %q", i, data)
		}
		if facts = closed(t, client, learned); facts.NoReplace != test.learned {
			t.Errorf("%d: learned %+v", i, facts)
		}
	}
}

// What bears no name is not in the way, and a refusal of another kind teaches nothing.
func TestReplace_TeachesNothing(t *testing.T) {
	refuse := func(c *fakeConn, _ string) { c.say("550 Permission denied.") }
	for name, change := range map[string]func(*fakeServer){
		"RNFR is refused":           func(s *fakeServer) { s.put("/f", nil); s.on["RNFR"] = refuse },
		"RNTO is, with nothing":     func(s *fakeServer) { s.on["RNTO"] = refuse },
		"RNTO is, always":           func(s *fakeServer) { s.put("/f", nil); s.on["RNTO"] = refuse },
		"it is replaced":            func(s *fakeServer) { s.put("/f", nil) },
		"there is nothing to place": func(*fakeServer) {},
	} {
		t.Run(name, func(t *testing.T) {
			server := newFake(t)
			server.put("/new", []byte("after"))
			change(server)
			settings, learned := learning(session.Facts{})
			client := server.connect(settings)
			swap(client)
			if facts := closed(t, client, learned); facts.NoReplace {
				t.Errorf("learned %+v", facts)
			}
		})
	}
}

// Where the old file cannot be moved away any more and can be replaced, what was
// remembered is forgotten.
func TestReplace_Mended(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("before"))
	server.put("/new", []byte("after"))
	server.on["RNFR"] = func(c *fakeConn, argument string) {
		if argument == "f" {
			c.say("550 Permission denied.")
			return
		}
		c.from = c.name(argument)
		c.say("350 go on")
	}
	settings, learned := learning(session.Facts{NoReplace: true})
	client := server.connect(settings)
	ctx := context.Background()
	if err := client.Replace(ctx, "new", "f"); session.CauseOf(err) != session.NotSupported || server.count("RNFR") != 0 {
		t.Errorf("got %v, %q", err, server.seen())
	}
	if err := client.Rename(ctx, "f", "old"); session.CauseOf(err) != session.NoRemotePermission {
		t.Errorf("got %v", err)
	}
	if err := client.Rename(ctx, "new", "f"); err != nil {
		t.Error(err)
	}
	if facts := closed(t, client, learned); facts.NoReplace {
		t.Errorf("believes %+v", facts)
	}
}

// What a server wants of the TLS sessions of data connections costs its refusal, or its
// patience, in the first session only.
func TestResumption_Remembered(t *testing.T) {
	tests := []struct {
		name    string
		reuse   server.ReusePolicy
		known   session.Resumption
		feature session.Feature
		want    session.Resumption
		refused int
	}{
		{"control, first", server.ReuseControl, session.ResumptionUnknown, session.FeatureAuto, session.ResumptionControl, 1},
		{"control, again", server.ReuseControl, session.ResumptionControl, session.FeatureAuto, session.ResumptionControl, 0},
		{"control, insisted on", server.ReuseControl, session.ResumptionUnknown, session.FeatureEnabled, session.ResumptionUnknown, 0},
		{"any, remembered too strictly", server.ReuseSession, session.ResumptionControl, session.FeatureAuto, session.ResumptionControl, 0},
		{"none offered", server.ReuseFree, session.ResumptionUnknown, session.FeatureDisabled, session.ResumptionFree, 0},
		{"free, again", server.ReuseFree, session.ResumptionFree, session.FeatureAuto, session.ResumptionFree, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var refused atomic.Int64
			_, endpoint := secureServer(t, server.Options{TLS: &server.TLS{Reuse: test.reuse}, Log: func(line string) {
				if strings.Contains(line, "> 425") {
					refused.Add(1)
				}
			}})
			settings, learned := learning(session.Facts{Resumption: test.known})
			settings.Features = map[string]session.Feature{"REUSE": test.feature}
			client := dialSecure(t, endpoint, settings)
			if lenient := test.known == session.ResumptionFree; client.protection.lenient != lenient {
				t.Errorf("lenient is %t", !lenient)
			}
			for range 2 {
				if _, err := client.List(context.Background(), ""); err != nil {
					t.Fatal(err)
				}
				if _, err := client.Upload(context.Background(), "f", session.StoreReplace, strings.NewReader("x")); err != nil {
					t.Fatal(err)
				}
			}
			if n := refused.Load(); n != int64(test.refused) {
				t.Errorf("%d data connections were refused, want %d", n, test.refused)
			}
			if facts := closed(t, client, learned); facts.Resumption != test.want {
				t.Errorf("learned %+v", facts)
			}
		})
	}
}

// A server that is wrongly remembered to take all has an upload's first bytes before it
// refuses. Either there was time to begin anew, or the caller is told that it helps.
func TestResumption_NotFreeAnyMore(t *testing.T) {
	_, endpoint := secureServer(t, server.Options{TLS: &server.TLS{Reuse: server.ReuseControl}})
	settings, learned := learning(session.Facts{Resumption: session.ResumptionFree})
	client := dialSecure(t, endpoint, settings)
	ctx := context.Background()
	for range 3 {
		if _, err := client.List(ctx, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Upload(ctx, "f", session.StoreReplace, strings.NewReader("x")); err != nil {
			if e := wantCause(t, err, session.TLSFailed); e.Class != session.ClassTransient {
				t.Errorf("%+v", e)
			}
		}
	}
	if facts := closed(t, client, learned); facts.Resumption == session.ResumptionFree {
		t.Errorf("believes %+v", facts)
	}
}

// A server that refuses what is remembered costs one session, and is not remembered so.
func TestResumption_Forgotten(t *testing.T) {
	for _, known := range []session.Resumption{session.ResumptionControl, session.ResumptionFree} {
		_, endpoint := secureServer(t, server.Options{TLS: &server.TLS{Reuse: server.ReuseNever}})
		settings, learned := learning(session.Facts{Resumption: known})
		client := dialSecure(t, endpoint, settings)
		for range 2 {
			if _, err := client.List(context.Background(), ""); err == nil {
				t.Error("listed")
			}
		}
		if facts := closed(t, client, learned); facts.Resumption != session.ResumptionUnknown {
			t.Errorf("believes %+v", facts)
		}
	}
}

// However a record came about, nothing in it makes a server believed.
func TestFacts_NeverLoosenTrust(t *testing.T) {
	ours, err := server.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other, err := ours.Issue(server.Certificate{Names: []string{"embedded"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, resumption := range []session.Resumption{session.ResumptionFree, session.ResumptionControl} {
		known := session.Facts{Resumption: resumption, NoEPSV: true, Lacks: []string{"PROT", "AUTH", "PBSZ", "MLSD"}, KeepAlive: session.KeepAliveWorks, NoReplace: true}
		_, endpoint := secureServer(t, server.Options{TLS: &server.TLS{DataCertificate: other}})
		client := dialSecure(t, endpoint, session.Settings{Known: known})
		_, err = client.List(context.Background(), "")
		wantCause(t, err, session.CertificateUntrusted)
		endpoint.Trust = session.Trust{}
		_, err = Dial(context.Background(), endpoint, session.Settings{Timeouts: patient, Known: known})
		wantCause(t, err, session.CertificateUntrusted)
	}
}

// NOOPs go out during a transfer where the script says so, or where the control
// connection was lost without them, and never where they have cost a session.
func TestKeepAlive_Policy(t *testing.T) {
	const (
		unknown, needed = session.KeepAliveUnknown, session.KeepAliveNeeded
		works, harms    = session.KeepAliveWorks, session.KeepAliveHarms
	)
	waits := func(answer func(c *fakeConn, line string)) func(*fakeConn, string) {
		return func(c *fakeConn, _ string) {
			c.transfer(func(conn net.Conn) {
				io.WriteString(conn, "da")
				if answer != nil {
					line, _ := c.in.ReadString('\n')
					answer(c, line)
				}
				io.WriteString(conn, "ta")
			})
		}
	}
	healthy := waits(func(c *fakeConn, _ string) { c.say("200 ok") })
	tests := []struct {
		name    string
		known   session.KeepAlive
		feature session.Feature
		retr    func(*fakeConn, string)
		sent    bool
		learned session.KeepAlive
	}{
		{"by default none", unknown, session.FeatureAuto, waits(nil), false, unknown},
		{"told to", unknown, session.FeatureEnabled, healthy, true, works},
		{"needed", needed, session.FeatureAuto, healthy, true, works},
		{"known to work", works, session.FeatureAuto, healthy, true, works},
		{"harmful", harms, session.FeatureAuto, waits(nil), false, harms},
		{"harmful, told to", harms, session.FeatureEnabled, healthy, true, works},
		{"known to work, told not to", works, session.FeatureDisabled, waits(nil), false, works},
		{"needed, and the server hangs up", needed, session.FeatureAuto, waits(func(c *fakeConn, _ string) { c.conn.Close() }), true, harms},
		{"lost without", unknown, session.FeatureAuto, func(c *fakeConn, _ string) {
			c.transfer(func(conn net.Conn) { io.WriteString(conn, "data"); c.conn.Close() })
		}, false, needed},
		{"lost without, where it harms", harms, session.FeatureAuto, func(c *fakeConn, _ string) {
			c.transfer(func(conn net.Conn) { io.WriteString(conn, "data"); c.conn.Close() })
		}, false, harms},
		{"the data alone is lost", unknown, session.FeatureAuto, func(c *fakeConn, _ string) {
			c.transfer(func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) })
		}, false, unknown},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			server.put("/f", nil)
			sent := false
			server.on["RETR"] = func(c *fakeConn, argument string) { test.retr(c, argument) }
			settings, learned := learning(session.Facts{KeepAlive: test.known})
			settings.Features = map[string]session.Feature{"NOOP": test.feature}
			var seen wire
			settings.Observe = seen.observe
			client := server.connect(settings)
			client.keepAlive, client.quiet = 5*time.Millisecond, 0
			client.Download(context.Background(), "f", 0, io.Discard)
			for _, w := range seen.of(session.WireCommand) {
				sent = sent || w.Text == "NOOP"
			}
			if facts := closed(t, client, learned); facts.KeepAlive != test.learned {
				t.Errorf("learned %d, want %d", facts.KeepAlive, test.learned)
			}
			if sent != test.sent {
				t.Errorf("a NOOP was sent: %t", sent)
			}
		})
	}
}

// A transfer of a few seconds proves nothing about firewalls.
func TestKeepAlive_ShortTransferTeachesNothing(t *testing.T) {
	server := newFake(t)
	server.put("/f", nil)
	server.on["RETR"] = func(c *fakeConn, _ string) {
		c.transfer(func(conn net.Conn) { io.WriteString(conn, "data"); c.conn.Close() })
	}
	settings, learned := learning(session.Facts{})
	client := server.connect(settings)
	_, err := client.Download(context.Background(), "f", 0, io.Discard)
	wantCause(t, err, session.ConnectionLost)
	if facts := closed(t, client, learned); !facts.IsZero() {
		t.Errorf("learned %+v", facts)
	}
}

// A server that drops NOOPs during a transfer must not have the next command's reply
// taken for their answer.
func TestKeepAlive_NotAnswered(t *testing.T) {
	server := newFake(t)
	server.put("/f", []byte("data"))
	server.on["RETR"] = func(c *fakeConn, _ string) {
		c.transfer(func(conn net.Conn) {
			for range 3 {
				c.in.ReadString('\n')
			}
			io.WriteString(conn, "data")
		})
	}
	settings, learned := learning(session.Facts{KeepAlive: session.KeepAliveNeeded})
	client := server.connect(settings)
	client.keepAlive = 5 * time.Millisecond
	ctx := context.Background()
	for range 3 {
		if n, err := client.Download(ctx, "f", 0, io.Discard); n != 4 || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if reply, err := client.Raw(ctx, "NOOP"); err != nil || reply.Code != 200 {
			t.Fatalf("out of step: %+v, %v", reply, err)
		}
		if entry, err := client.Stat(ctx, "f"); err != nil || entry.Size != 4 {
			t.Fatalf("out of step: %+v, %v", entry, err)
		}
	}
	if facts := closed(t, client, learned); facts.KeepAlive != session.KeepAliveWorks {
		t.Errorf("learned %+v", facts)
	}
}

// OPTS UTF8 is not said again to a server that has refused it, unless the script
// insists.
func TestOPTS_Remembered(t *testing.T) {
	server := newFake(t)
	server.on["OPTS"] = func(c *fakeConn, _ string) { c.say("451 Unable to accept OPTS UTF8") }
	var facts session.Facts
	for i, test := range []struct {
		feature session.Feature
		said    int
	}{{session.FeatureAuto, 1}, {session.FeatureAuto, 0}, {session.FeatureEnabled, 1}} {
		settings, learned := learning(facts)
		settings.Features = map[string]session.Feature{"UTF8": test.feature}
		before := server.count("OPTS")
		client := server.connect(settings)
		if said := server.count("OPTS") - before; said != test.said {
			t.Errorf("%d: OPTS was said %d times", i, said)
		}
		if facts = closed(t, client, learned); !facts.Lack("OPTS UTF8") {
			t.Errorf("%d: learned %+v", i, facts)
		}
	}
}

// Names that are not UTF-8 are remembered, and explain why a name in UTF-8 is not found.
func TestNotUTF8(t *testing.T) {
	tests := []struct {
		name   string
		known  bool
		listed string // in the session
		asked  string
		hinted bool
		want   bool
	}{
		{"nothing is known", false, "", "größe", false, false},
		{"seen", false, "gr\xf6\xdfe", "größe", true, true},
		{"remembered", true, "", "größe", true, true},
		{"plain names say nothing", true, "sizes", "größe", true, true},
		{"not so any more", true, "höhe", "größe", false, false},
		{"a plain name", true, "", "sizes", false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			if test.listed != "" {
				server.put("/"+test.listed, nil)
			}
			settings, learned := learning(session.Facts{NotUTF8: test.known})
			client := server.connect(settings)
			ctx := context.Background()
			if test.listed != "" {
				if _, err := client.List(ctx, ""); err != nil {
					t.Fatal(err)
				}
			}
			err := client.Remove(ctx, test.asked)
			if test.asked == test.listed {
				return
			}
			if e := wantCause(t, err, session.NoSuchRemoteFile); strings.Contains(e.Hint, "SETENCODING") != test.hinted {
				t.Errorf("the hint is %q", e.Hint)
			}
			if facts := closed(t, client, learned); facts.NotUTF8 != test.want {
				t.Errorf("learned %+v", facts)
			}
		})
	}
}

// The texts with which servers say that there are too many, and those that only look
// like it.
func TestCrowded(t *testing.T) {
	for text, want := range map[string]bool{
		"There are too many connected users, please try later.":                            true, // vsftpd
		"There are too many connections from your internet address.":                       true,
		"Sorry, the maximum number of clients (2) from your host are already connected.":   true, // ProFTPD
		"Sorry, the maximum number of allowed clients (30) has been reached.":              true,
		"2 users (the maximum) are already logged in, sorry":                               true, // Pure-FTPd
		"Too many connections (3) from this IP":                                            true,
		"I can't accept more than 2 connections as the same user":                          true,
		"Too many connections from the same IP address.":                                   true, // pyftpdlib
		"Only 1 session(s) from the same IP allowed concurrently.":                         true, // Serv-U
		"Refusing connection. Reason: No more connections allowed from your IP.":           true, // FileZilla
		"Refusing connection. Reason: Max. connection count reached for the user account.": true,
		"Maximum session limit reached for this user.":                                     true,
		"User acme has reached the limit of simultaneous logins":                           true,
		"Login incorrect.":                                   false,
		"Too many login attempts. Try again later.":          false,
		"Maximum login attempts exceeded.":                   false,
		"User cannot log in, home directory inaccessible.":   false,
		"Service not available, closing control connection.": false,
		"Idle timeout: no more waiting":                      false,
		"Not logged in.":                                     false,
	} {
		if got := crowded(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
		cause, _ := causeOf("PASS", session.Reply{Code: 530, Text: text}, false)
		if (cause == session.TooManyConnections) != want {
			t.Errorf("530 %s is cause %d", text, cause)
		}
	}
}

// Every fact that a session has learned is one that the next session begins with.
func TestFacts_AllAreKept(t *testing.T) {
	known := session.Facts{
		Lacks: []string{"MLSD", "SITE UTIME"}, NoEPSV: true, Zone: time.Hour, HasZone: true, SetsTime: "SITE UTIME UTC", NoReplace: true,
		Resumption: session.ResumptionControl, KeepAlive: session.KeepAliveWorks, Paths: "DOS", NotUTF8: true,
	}
	_, endpoint := secureServer(t, server.Options{})
	settings, learned := learning(known)
	client := dialSecure(t, endpoint, settings)
	got := closed(t, client, learned)
	if !slices.Equal(got.Lacks, known.Lacks) {
		t.Errorf("lacks %q", got.Lacks)
	}
	if got.Lacks, known.Lacks = nil, nil; fmt.Sprint(got) != fmt.Sprint(known) {
		t.Errorf("got %+v, want %+v", got, known)
	}
}
