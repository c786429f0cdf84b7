package builtins

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// settingsAfter runs SET commands and hands out the state that they left.
func settingsAfter(t *testing.T, calls ...string) (settings *settings, mode session.DataMode, stdout string) {
	t.Helper()
	b := newBench(t, Options{})
	b.replace("CLOSEHOST", func(s *State, a *arguments) error {
		settings, mode = &s.settings, s.dataMode()
		return nil
	})
	var script []string
	for _, call := range calls {
		script = append(script, "$r = "+call, "PRINT($r)")
	}
	o := b.run(append(script, "CLOSEHOST")...)
	if o.err != nil {
		t.Fatal(o.err)
	}
	return settings, mode, strings.ReplaceAll(strings.TrimSpace(o.stdout), "\n", " ")
}

func TestSettingsOfTheDataConnection(t *testing.T) {
	address := netip.MustParseAddr
	cases := []struct {
		call, result string
		want         session.DataMode
	}{
		{`SETPASSIVE(DISABLED)`, "OK", session.DataMode{Active: true}},
		{`SETPASSIVE(ENABLED)`, "OK", session.DataMode{}},
		{`SETACTIVEPORTS(50000,50100)`, "OK", session.DataMode{PortFrom: 50000, PortTo: 50100}},
		{`SETACTIVEPORTS(1024,1024)`, "OK", session.DataMode{PortFrom: 1024, PortTo: 1024}},
		{`SETACTIVEPORTS(0,0)`, "OK", session.DataMode{}},
		{`SETACTIVEPORTS(1023,2000)`, "20301", session.DataMode{}},
		{`SETACTIVEPORTS(2000,65536)`, "20301", session.DataMode{}},
		{`SETACTIVEPORTS(2000,1999)`, "20301", session.DataMode{}},
		{`SETACTIVEPORTS(2000.5,3000)`, "20301", session.DataMode{}},
		{`SETACTIVEPORTS(0,3000)`, "20301", session.DataMode{}},
		{`SETACTIVEADDRESS("198.51.100.7")`, "OK", session.DataMode{Announce: address("198.51.100.7")}},
		{`SETACTIVEADDRESS("2001:db8::1","::1")`, "OK", session.DataMode{Announce: address("2001:db8::1"), ListenOn: address("::1")}},
		{`SETACTIVEADDRESS("","10.0.0.1")`, "OK", session.DataMode{ListenOn: address("10.0.0.1")}},
		{`SETACTIVEADDRESS("")`, "OK", session.DataMode{}},
		{`SETACTIVEADDRESS("0.0.0.0")`, "20301", session.DataMode{}},
		{`SETACTIVEADDRESS("224.0.0.1")`, "20301", session.DataMode{}},
		{`SETACTIVEADDRESS("my.host")`, "20301", session.DataMode{}},
		{`SETACTIVEADDRESS("198.51.100.7","x")`, "20301", session.DataMode{}},
		{`SETPASSIVEADDRESS(SERVER)`, "OK", session.DataMode{PassiveServer: true}},
		{`SETPASSIVEADDRESS(CONTROL)`, "OK", session.DataMode{}},
	}
	for _, c := range cases {
		_, mode, result := settingsAfter(t, c.call)
		if mode != c.want || result != c.result {
			t.Errorf("%s: %s, %+v, want %s, %+v", c.call, result, mode, c.result, c.want)
		}
	}
}

func TestSetTimeout(t *testing.T) {
	standard := session.Timeouts{}.WithDefaults()
	with := func(change func(*session.Timeouts)) session.Timeouts {
		all := standard
		change(&all)
		return all
	}
	cases := []struct {
		call, result string
		want         session.Timeouts
	}{
		{`SETTIMEOUT(5)`, "OK", session.Timeouts{Connect: 5 * time.Second, Reply: 5 * time.Second, Idle: 5 * time.Second}},
		{`SETTIMEOUT(5,CONNECT)`, "OK", with(func(t *session.Timeouts) { t.Connect = 5 * time.Second })},
		{`SETTIMEOUT(1.5,REPLY)`, "OK", with(func(t *session.Timeouts) { t.Reply = 1500 * time.Millisecond })},
		{`SETTIMEOUT(5,IDLE)`, "OK", with(func(t *session.Timeouts) { t.Idle = 5 * time.Second })},
		{`SETTIMEOUT(5,TOTAL)`, "OK", with(func(t *session.Timeouts) { t.Total = 5 * time.Second })},
		{`SETTIMEOUT(0,TOTAL)`, "OK", standard},
		{`SETTIMEOUT(0)`, "20301", standard},
		{`SETTIMEOUT(0,IDLE)`, "20301", standard},
		{`SETTIMEOUT(-1,TOTAL)`, "20301", standard},
		{`SETTIMEOUT(999999999)`, "20301", standard},
	}
	for _, c := range cases {
		settings, _, result := settingsAfter(t, c.call)
		if settings.timeouts != c.want || result != c.result {
			t.Errorf("%s: %s, %+v, want %s, %+v", c.call, result, settings.timeouts, c.result, c.want)
		}
	}
}

func TestOtherSettings(t *testing.T) {
	settings, _, result := settingsAfter(t,
		`SETPORT(2121)`, `SETPORT(0)`, `SETPORT(65536)`, `SETTYPE(ASCII)`, `SETUPLOADMODE(ATOMIC)`,
		`SETFEATURE(EPSV,DISABLED)`, `SETFEATURE(mlsd,"on")`, `SETFEATURE(SIZE,AUTO)`,
	)
	if result != "OK 20301 20301 OK OK OK OK OK" {
		t.Errorf("the results are %s", result)
	}
	f := settings.features
	if settings.port != 2121 || settings.kind != session.TypeASCII || settings.upload != uploadAtomic || len(f) != 3 ||
		f["EPSV"] != session.FeatureDisabled || f["MLSD"] != session.FeatureEnabled || f["SIZE"] != session.FeatureAuto {
		t.Errorf("the settings are %+v", settings)
	}
}

func TestSetProxy(t *testing.T) {
	cases := []struct{ call, result, want string }{
		{`SETPROXY("http://proxy:3128")`, "OK", "http://proxy:3128"},
		{`SETPROXY("socks5://joe:very-secret@[::1]:1080")`, "OK", "socks5://joe:very-secret@[::1]:1080"},
		{`SETPROXY("")`, "OK", ""},
		{`SETPROXY("proxy:3128")`, "20301", "proxy:3128"},
		{`SETPROXY("ftp://proxy:3128")`, "20301", "ftp://proxy:3128"},
		{`SETPROXY("http://elsewhere:3128")`, "20801", "http://elsewhere:3128"},
	}
	for _, c := range cases {
		b := newBench(t, Options{Hosts: []string{"proxy:3128", "::1", "ftp.test"}})
		var proxy string
		b.replace("CLOSEHOST", func(s *State, a *arguments) error {
			proxy = s.settings.proxy
			return nil
		})
		o := b.run(`$r = `+c.call, `PRINT($r)`, `PRINT(OPENHOST("ftp.test"))`, `CLOSEHOST`)
		lines := o.lines()
		if proxy != c.want || lines[0] != c.result {
			t.Errorf("%s: %q, %q, want %q, %q", c.call, lines[0], proxy, c.result, c.want)
		}
		// What was refused is no way round: OPENHOST says the same.
		if c.result != "OK" && lines[1] != c.result {
			t.Errorf("%s: OPENHOST gives %s", c.call, lines[1])
		}
		if strings.Contains(o.transcript+o.stdout, "very-secret") {
			t.Errorf("the login is told: %s", o.transcript)
		}
	}
}

// A proxy that Options give is masked as that of a script is.
func TestSettings_FirstProxyIsMasked(t *testing.T) {
	b := newBench(t, Options{Hosts: []string{"*"}, Settings: map[string]string{"proxy": "http://joe:very%2Csecret@127.0.0.1:1"}})
	o := b.run(`PRINT("it is very,secret")`, `OPENHOST("ftp.test")`)
	if strings.Contains(o.stdout+o.transcript, "very,secret") || !strings.Contains(o.transcript, "127.0.0.1:1") {
		t.Errorf("%s%s", o.stdout, o.transcript)
	}
	_, err := NewHost(Options{Settings: map[string]string{"proxy": "ftp://joe:very-secret@h"}})
	if err == nil || strings.Contains(err.Error(), "very-secret") {
		t.Errorf("the error is %v", err)
	}
}

// adjusted is a session that remembers what it was told in mid-session.
type adjusted struct {
	session.Session
	told []session.Settings
}

func (a *adjusted) Adjust(s session.Settings)   { a.told = append(a.told, s) }
func (a *adjusted) Close(context.Context) error { return nil }
func (a *adjusted) LastReply() session.Reply    { return session.Reply{} }

// What is set while a connection is open reaches it, and what it was given before
// is not changed under its hands.
func TestSettingsReachAnOpenSession(t *testing.T) {
	b := newBench(t, Options{})
	open := &adjusted{}
	b.replace("OPENHOST", func(s *State, a *arguments) error {
		s.session = open
		return nil
	})
	b.run(`OPENHOST("h")`, `SETTIMEOUT(7,IDLE)`, `SETFEATURE(EPSV,DISABLED)`, `SETFEATURE(MLSD,DISABLED)`)
	if len(open.told) != 3 || open.told[0].Timeouts.Idle != 7*time.Second {
		t.Fatalf("the session was told %+v", open.told)
	}
	if len(open.told[1].Features) != 1 || len(open.told[2].Features) != 2 {
		t.Errorf("the features were %v and then %v", open.told[1].Features, open.told[2].Features)
	}
}
