package builtins

import (
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/server"
)

func TestParseTarget(t *testing.T) {
	cases := []struct {
		written string
		want    target
	}{
		{"ftp.example.com", target{host: "ftp.example.com"}},
		{"ftp.example.com:2121", target{host: "ftp.example.com", port: 2121}},
		{"192.168.1.53", target{host: "192.168.1.53"}},
		{"192.168.1.53:21", target{host: "192.168.1.53", port: 21}},
		{"::1", target{host: "::1"}},
		{"[::1]", target{host: "::1"}},
		{"[::1]:2121", target{host: "::1", port: 2121}},
		{"[fe80::1%eth0]:21", target{host: "fe80::1%eth0", port: 21}},
		{"ftp://h", target{protocol: "FTP", host: "h"}},
		{"FTP://h/", target{protocol: "FTP", host: "h"}},
		{"ftp://h:2121/pub/in", target{protocol: "FTP", host: "h", port: 2121, dir: "pub/in"}},
		{"ftp://h//srv", target{protocol: "FTP", host: "h", dir: "/srv"}},
		{"ftp://h/%2Fsrv/a%20b", target{protocol: "FTP", host: "h", dir: "/srv/a b"}},
		{"ftp://u@h", target{protocol: "FTP", host: "h", user: "u", hasUser: true}},
		{"ftp://u:p%40q@h:1/d", target{protocol: "FTP", host: "h", port: 1, user: "u", hasUser: true, password: "p@q", dir: "d"}},
		{"ftp://u:p:q@[::1]:1", target{protocol: "FTP", host: "::1", port: 1, user: "u", hasUser: true, password: "p:q"}},
		{"sftp://h", target{protocol: "SFTP", host: "h"}},
		{"ftps://h", target{protocol: "FTPS_IMPLICIT", host: "h"}},
		{"ftpes://h", target{protocol: "FTPS_EXPLICIT", host: "h"}},
	}
	for _, c := range cases {
		if got, err := parseTarget(c.written); err != nil || got != c.want {
			t.Errorf("%q: got %+v, %v, want %+v", c.written, got, err, c.want)
		}
	}
}

func TestParseTargetRefused(t *testing.T) {
	for _, written := range []string{
		"", ":21", "h:", "h:0", "h:65536", "h:+21", "h:21x", "a b", "h/dir", "user@h", "[::1", "[::1]x", "[::1]:", "[h]:21", "1:2:3",
		"http://h", "ftp://", "ftp:///dir", "ftp://h:x", "ftp://u%zz@h", "ftp://h/%0d%0aDELE", "ftp://u:secret%@h",
	} {
		got, err := parseTarget(written)
		if err == nil {
			t.Errorf("%q is taken as %+v", written, got)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the message shows the password: %v", written, err)
		}
	}
}

func TestMapHost(t *testing.T) {
	table := map[string]string{"A.example": "127.0.0.1", "a.example:2121": "127.0.0.1:1", "b.example": "127.0.0.2:3021", "[::1]:21": "[::2]:5"}
	cases := []struct {
		host string
		port int
		want string
	}{
		{"a.example", 21, "127.0.0.1:21"},
		{"A.EXAMPLE.", 21, "127.0.0.1:21"},
		{"a.example", 2121, "127.0.0.1:1"},
		{"b.example", 21, "127.0.0.2:3021"},
		{"::1", 21, "[::2]:5"},
		{"::1", 22, "[::1]:22"},
		{"c.example", 21, "c.example:21"},
	}
	for _, c := range cases {
		if got, _, err := mapHost(table, c.host, c.port); err != nil || got != c.want {
			t.Errorf("%s:%d: got %s, %v, want %s", c.host, c.port, got, err, c.want)
		}
	}
}

func TestAllows(t *testing.T) {
	cases := []struct {
		hosts []string
		host  string
		port  int
		want  bool
	}{
		{nil, "h", 21, false},
		{[]string{"*"}, "h", 21, true},
		{[]string{"h"}, "H.", 2121, true},
		{[]string{"h:21"}, "h", 21, true},
		{[]string{"h:21"}, "h", 2121, false},
		{[]string{"h"}, "h.example", 21, false},
		{[]string{"[::1]:21"}, "0:0::1", 21, true},
		{[]string{"127.0.0.1"}, "::ffff:127.0.0.1", 21, true},
	}
	for _, c := range cases {
		if got := allows(c.hosts, c.host, c.port); got != c.want {
			t.Errorf("%v allows %s:%d: got %t", c.hosts, c.host, c.port, got)
		}
	}
}

func TestOpenHost(t *testing.T) {
	cases := []struct {
		script []string
		result string
		told   string
	}{
		{[]string{`$r = OPENHOST("ftp.test","joe","pass-word-1")`}, "OK", "Connecting to ftp.test\nConnected.\n"},
		{[]string{`$r = OPENHOST("ftp.test")`}, "OK", "Connected."},
		{[]string{`$r = OPENHOST("ftp.test","")`}, "OK", "Connected."},
		{[]string{`$r = OPENHOST("FTP.Test:21","joe","pass-word-1")`}, "OK", "Connecting to FTP.Test:21\n"},
		{[]string{`$r = OPENHOST("ftp://joe:pass-word-1@ftp.test/sub")`, `PRINT(CWDIR)`}, "OK", "/sub"},
		{[]string{`$r = OPENHOST("ftp://ftp.test/nowhere","joe","pass-word-1")`}, "NO_SUCH_REMOTE_FILE", "Disconnected."},
		{[]string{`$r = OPENHOST("ftp://joe@ftp.test","joe","pass-word-1")`}, "BAD_ARGUMENT", ""},
		{[]string{`$r = OPENHOST("ftp://joe:pass-word-1@ftp.test","","pass-word-1")`}, "BAD_ARGUMENT", ""},
		{[]string{`$r = OPENHOST("ftp.test","joe","wrong-one")`}, "ACCESS_REFUSED", ""},
		{[]string{`$r = OPENHOST("ftp.other")`}, "DENIED", "may not connect"},
		{[]string{`$r = OPENHOST("ftp.test:4")`}, "CONNECTION_REFUSED", ""},
		{[]string{`SETPORT(4)`, `$r = OPENHOST("ftp.test")`}, "CONNECTION_REFUSED", ""},
		{[]string{`SETPORT(4)`, `SETPORT(DEFAULT)`, `$r = OPENHOST("ftp.test")`}, "OK", ""},
		{[]string{`$r = OPENHOST("")`}, "BAD_ARGUMENT", ""},
		{[]string{`$r = OPENHOST("a b")`}, "BAD_ARGUMENT", ""},
		{[]string{`$r = OPENHOST("sftp://joe@ftp.test")`}, "PROTOCOL_ERROR", "does not speak SSH"},
		{[]string{`$r = OPENHOST("sftp://ftp.test")`}, "BAD_ARGUMENT", "needs a user"},
		{[]string{`$r = CLOSEHOST`}, "OK", ""},
		{[]string{`OPENHOST("ftp.test")`, `$r = CLOSEHOST`}, "OK", "Disconnected."},
		{[]string{`OPENHOST("ftp.test")`, `$r = OPENHOST("ftp.test")`}, "OK", "Disconnected.\nConnecting to ftp.test\n"},
		// A failed login leaves no connection, neither a new one nor the one before.
		{[]string{`OPENHOST("ftp.test")`, `$x = OPENHOST("ftp.test","joe","wrong-one")`, `PRINT($x)`, `$r = CHDIR("/sub")`}, "NOT_CONNECTED", "12451"},
		{[]string{`OPENHOST("ftp.test")`, `$x = OPENHOST("")`, `PRINT($x)`, `$r = CHDIR("/sub")`}, "NOT_CONNECTED", "20301"},
	}
	for _, c := range cases {
		t.Run(strings.Join(c.script, ";"), func(t *testing.T) {
			refusing := func(o *Options) {
				if strings.Contains(strings.Join(c.script, " "), "4)") || strings.Contains(c.script[0], ":4") {
					o.HostMap = maps.Clone(o.HostMap)
					o.HostMap["ftp.test:4"] = freePort(t)
				}
			}
			s := newSite(t, siteOptions{files: tree(), options: refusing})
			o := s.run(append(slices.Clone(c.script), "PRINT(GETERROR)", "PRINT($r)", "PRINT(GETERROR(NAME))")...)
			lines := o.lines()
			result := lines[len(lines)-1]
			if lines[len(lines)-2] == "OK" {
				result = "OK"
			}
			if result != c.result {
				t.Errorf("the result is %s, want %s\n%s", result, c.result, o.transcript)
			}
			if !o.tells(c.told) {
				t.Errorf("not told: %q\n%s%s", c.told, o.transcript, o.stdout)
			}
			if strings.Contains(o.transcript, "pass-word-1") {
				t.Errorf("the password is told:\n%s", o.transcript)
			}
		})
	}
}

// freePort is an address on which nobody listens while the test runs: a connection
// of the test has the port, so that the system gives it to no listener.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	holder, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { holder.Close() })
	return holder.LocalAddr().String()
}

// Asking for encryption and going on after the refusal must not end in a login
// without encryption.
func TestProtocolsAreNeverPlainUnasked(t *testing.T) {
	for name, want := range map[string]string{
		"FTPS": "OK 20101 20303\nOK\n", "FTPS_EXPLICIT": "OK 20101 20303\nOK\n", "FTPS_IMPLICIT": "OK 20101 20303\nOK\n",
		"SFTP": "OK 20901 20303\nOK\n",
	} {
		s := newSite(t, siteOptions{})
		o := s.run(
			`$a = SETPROTOCOL(`+name+`)`, `$b = OPENHOST("ftp.test","joe","pass-word-1")`, `$c = MKDIR("x")`, `PRINT($a." ".$b." ".$c)`,
			`SETPROTOCOL(FTP)`, `PRINT(OPENHOST("ftp.test","joe","pass-word-1"))`,
		)
		if o.stdout != want {
			t.Errorf("%s: got %q\n%s", name, o.stdout, o.transcript)
		}
	}
}

// The seed's heart: SETPASSIVE is an assignment that cannot fail, works without a
// connection, holds from the next data connection on and across CLOSEHOST.
func TestSetPassive(t *testing.T) {
	s := newSite(t, siteOptions{files: tree()})
	o := s.run(
		`PRINT(SETPASSIVE(DISABLED))`,
		`OPENHOST("ftp.test")`, `GETFILE("a.txt")`,
		`PRINT(SETPASSIVE(ENABLED))`, `GETFILE("b.txt")`,
		`SETPASSIVE("disabled")`, `CLOSEHOST`,
		`OPENHOST("ftp.test")`, `GETFILE("c.bin")`, `SETPASSIVE(ON)`, `GETFILE("empty.txt")`,
	)
	var modes []string
	for _, e := range o.events {
		if e.Kind == Message {
			if mode, _, found := strings.Cut(e.Text, ": "); found && (mode == "active" || mode == "passive") {
				modes = append(modes, mode)
			}
		}
	}
	if got := strings.Join(modes, " "); got != "active passive active passive" || o.stdout != "OK\nOK\n" {
		t.Errorf("the data connections were %s\n%s", got, o.transcript)
	}
	holds(t, s.local, map[string]string{"a.txt": "alpha", "b.txt": "beta", "c.bin": "\x00\x01\xff", "empty.txt": ""})
}

func TestRawCommandForgetsTheDirectory(t *testing.T) {
	s := newSite(t, siteOptions{files: tree(), change: func(o *server.Options) {}})
	o := s.on(`ADDEXCLUSION(REMOTE,"/sub/*.txt")`, `GETFILE("a.txt")`, `RAWCOMMAND("CWD sub")`, `GETFILE("*")`, `PRINT(GETREPLY)`)
	holds(t, s.local, map[string]string{"a.txt": "alpha", "f.bin": "phi"})
	if !strings.HasPrefix(o.stdout, "2") {
		t.Errorf("the last reply is %q", o.stdout)
	}
}
