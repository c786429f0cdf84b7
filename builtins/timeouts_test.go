package builtins

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/relay"
	"github.com/sftpc/sftpc/netio/session"
)

// SETTIMEOUT(…, TOTAL) ends a command as a whole, whatever it waits for and however
// often something happens in between; the run goes on.
func TestTimeoutTotal(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 64<<10)
	many := map[string]string{}
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z") {
		many[name+".txt"] = name
	}
	cases := []struct {
		name   string
		faults string
		files  map[string]string
		script string
	}{
		{"a server without a greeting", "on connect 2: silence", nil, `$r = OPENHOST("ftp.test","joe","pass-word-1")`},
		{"a login without a reply", "on PASS 2: silence", nil, `$r = OPENHOST("ftp.test","joe","pass-word-1")`},
		{"a reply in crumbs", "on PWD: drip 300ms", nil, `$r = CWDIR($d)`},
		{"a download that stands still", "on RETR: stall 10", map[string]string{"f": big}, `$r = GETFILE("f")`},
		{"a download in crumbs", "on RETR: rate 2000", map[string]string{"f": big}, `$r = GETFILE("f")`},
		{"a download without a last reply", "on RETR: final 150 again; silence", map[string]string{"f": big}, `$r = GETFILE("f")`},
		{"many small files", "on RETR: delay 300ms", many, `$r = GETFILE("*")`},
		{"an upload in crumbs", "on STOR: rate 2000", nil, `$r = PUTFILE("big")`},
		{"a whole upload in crumbs", "on STOR: rate 2000", nil, "SETUPLOADMODE(ATOMIC)\n" + `$r = PUTFILE("big")`},
		{"a listing in crumbs", "on MLSD: rate 20", many, `$r = GETLIST($l,REMOTE_FILES)`},
		{"a listing that never comes", "on MLSD: no-connect", nil, `$r = GETLIST($l,REMOTE_FILES)`},
		{"active mode", "on MLSD: no-connect", nil, "SETPASSIVE(DISABLED)\n" + `$r = GETLIST($l,REMOTE_FILES)`},
		{"a command of the script's", "on SITE: silence", nil, `$r = RAWCOMMAND("SITE HELP")`},
		{"a deletion of many", "on DELE: delay 300ms", many, `$r = DELETEFILE("*")`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, siteOptions{files: c.files, faults: c.faults})
			write(t, s.local, map[string]string{"big": big})
			began := time.Now()
			result, o := s.result(`SETTIMEOUT(600)`, `SETTIMEOUT(1,TOTAL)`, c.script, `SETTIMEOUT(0,TOTAL)`)
			if result != "REPLY_TIMEOUT" || !o.tells("took longer than SETTIMEOUT(1, TOTAL) allows") {
				t.Errorf("the result is %s\n%s", result, o.transcript)
			}
			if took := time.Since(began); took > 60*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// The same over SFTP and FTPS.
func TestTimeoutTotalOfOtherProtocols(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 64<<10)
	files := map[string]string{"f": big}
	total := []string{`SETTIMEOUT(600)`, `SETTIMEOUT(1,TOTAL)`}
	check := func(t *testing.T, s *site, script string) {
		t.Helper()
		write(t, s.local, map[string]string{"big": big})
		began := time.Now()
		result, o := s.result(append(total, script, `SETTIMEOUT(0,TOTAL)`)...)
		if result != "REPLY_TIMEOUT" || !o.tells("took longer than SETTIMEOUT(1, TOTAL) allows") {
			t.Errorf("the result is %s\n%s", result, o.transcript)
		}
		if took := time.Since(began); took > 60*time.Second {
			t.Errorf("it took %s", took)
		}
	}
	for name, c := range map[string]struct{ faults, script string }{
		"no greeting":    {"on connect 2: silence", `$r = OPENHOST("ftp.test","joe","pass-word-1")`},
		"no channel":     {"on CHANNEL 2: silence", `$r = OPENHOST("ftp.test","joe","pass-word-1")`},
		"a mute listing": {"on READDIR: silence", `$r = GETLIST($l,REMOTE_FILES)`},
		"a mute read":    {"on READ: silence", `$r = GETFILE("f")`},
		"a mute write":   {"on WRITE: silence", `$r = PUTFILE("big")`},
		"a mute removal": {"on REMOVE: silence", `$r = DELETEFILE("f")`},
	} {
		t.Run("SFTP "+name, func(t *testing.T) {
			t.Parallel()
			check(t, newSFTPSite(t, siteOptions{files: files, faults: c.faults}), c.script)
		})
	}
	for name, c := range map[string]struct{ faults, script string }{
		"no greeting":      {"on connect 2: silence", `$r = OPENHOST("ftp.test","joe","pass-word-1")`},
		"no answer to TLS": {"on AUTH 2: silence", `$r = OPENHOST("ftp.test","joe","pass-word-1")`},
		"a stalled file":   {"on RETR: stall 10", `$r = GETFILE("f")`},
		"a slow upload":    {"on STOR: rate 2000", `$r = PUTFILE("big")`},
	} {
		t.Run("FTPS "+name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, siteOptions{files: files, faults: c.faults, change: func(o *server.Options) {
				o.TLS = &server.TLS{Required: true, Names: []string{"ftp.test"}}
			}})
			s.host.options.Settings = map[string]string{"protocol": "FTPS", "certificate": `"` + s.server.Pin() + `"`}
			check(t, s, c.script)
		})
	}
}

// It holds for what a proxy does too, and what the run itself ends is not its doing.
func TestTimeoutTotalThroughAProxy(t *testing.T) {
	s := newSite(t, siteOptions{options: func(o *Options) { o.Hosts = []string{"*"} }})
	proxy, err := relay.Listen(t.Context(), "127.0.0.1:0", relay.Options{Misbehave: func(string) relay.Fault { return relay.Fault{Silent: true} }})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	result, o := s.result(`SETTIMEOUT(600)`, `SETTIMEOUT(1,TOTAL)`, `SETPROXY("socks5://`+proxy.Addr()+`")`, `$r = OPENHOST("ftp.test","joe","pass-word-1")`)
	if result != "REPLY_TIMEOUT" || !o.tells("TOTAL") {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	result, o = s.result(`SETTIMEOUT(1,CONNECT)`, `SETPROXY("http://`+proxy.Addr()+`")`, `$r = OPENHOST("ftp.test","joe","pass-word-1")`, `PRINT(GETERROR(CLASS))`)
	if result != "CONNECT_TIMEOUT" || !o.tells(session.ClassTransient.String()) {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
}

// The waits between attempts count too.
func TestTimeoutTotalEndsRetries(t *testing.T) {
	s := newSite(t, siteOptions{options: func(o *Options) {
		o.Hosts = append(o.Hosts, "nobody.test")
		o.HostMap["nobody.test"] = "127.0.0.1:1"
		o.Pause = func(ctx context.Context, _ time.Duration) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}
	}})
	began := time.Now()
	result, o := s.result(`SETRETRY(100,600)`, `SETTIMEOUT(1,TOTAL)`, `$r = OPENHOST("nobody.test")`)
	if result != "REPLY_TIMEOUT" || !o.tells("TOTAL") {
		t.Errorf("the result is %s\n%s", result, o.transcript)
	}
	if took := time.Since(began); took > 60*time.Second {
		t.Errorf("it took %s", took)
	}
}
