package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/relay"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clinic is an embedded server to examine.
type clinic struct {
	endpoint session.Endpoint
	options  Options
	server   *server.Server
}

func newClinic(t *testing.T, faults string, options server.Options) *clinic {
	t.Helper()
	script, err := fault.Parse(faults)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "sales.xls"), []byte("figures"), 0o644); err != nil {
		t.Fatal(err)
	}
	options.Dir, options.Faults, options.LoginDelay, options.SkipSync = folder, script, -1, true
	options.Users = map[string]string{"joe": "very-secret-1"}
	c := &clinic{options: Options{Timeouts: session.Timeouts{Connect: 20 * time.Second, Reply: 20 * time.Second, Idle: 20 * time.Second}, Connections: 1}}
	if c.server, err = server.Listen(context.Background(), "127.0.0.1:0", options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.server.Close() })
	c.endpoint = session.Endpoint{Host: "ftp.example", Address: c.server.Addr(), User: "joe", Password: "very-secret-1"}
	return c
}

func (c *clinic) examine() (Report, map[string]Finding) {
	report := NewReport([]Subject{Examine(context.Background(), c.endpoint, c.options)})
	found := map[string]Finding{}
	for _, f := range report.Subjects[0].Findings {
		found[f.ID] = f
	}
	return report, found
}

// What is wrong with a server shows in the one finding about it, and what to do is a
// line for the script.
func TestExamine_Faults(t *testing.T) {
	brief := session.Timeouts{Connect: 2 * time.Second, Reply: 2 * time.Second, Idle: 2 * time.Second}
	cases := []struct {
		name     string
		faults   string
		options  server.Options
		timeouts session.Timeouts
		states   map[string]State // others than works and note
		matter   []string
		script   []string
		says     map[string]string
	}{
		{name: "all is well"},
		{name: "EPSV refused", faults: "on EPSV: reply 500 what?",
			states: map[string]State{"data.epsv": Fails}, says: map[string]string{"data.epsv": "500 what?"}},
		{name: "EPSV unknown", options: server.Options{DisabledCommands: []string{"EPSV"}}, states: map[string]State{"data.epsv": Fails}},
		{name: "EPSV leads nowhere", faults: `on EPSV: reply 229 Entering Extended Passive Mode (|||1|)`,
			states: map[string]State{"data.epsv": Fails}, matter: []string{"data.epsv"}, script: []string{"SETFEATURE(EPSV, DISABLED)"}},
		{name: "PASV lies", faults: "on PASV: address 203.0.113.9",
			says: map[string]string{"data.passive-address": "the server names 203.0.113.9; sftpc connects to 127.0.0.1 all the same"}},
		{name: "PASV refused", options: server.Options{DisabledCommands: []string{"PASV"}}, states: map[string]State{"data.pasv": Fails}},
		{name: "no passive mode", options: server.Options{DisabledCommands: []string{"PASV", "EPSV"}},
			states: map[string]State{"data.epsv": Fails, "data.pasv": Fails}, matter: []string{"data.pasv"}, script: []string{"SETPASSIVE(DISABLED)"}},
		{name: "PORT refused", faults: "on PORT: reply 500 Illegal PORT command",
			states: map[string]State{"data.port": Fails}, says: map[string]string{"data.port": "500 Illegal PORT command"}},
		{name: "EPRT refused", faults: "on EPRT: reply 502 no",
			states: map[string]State{"data.eprt": Fails}, says: map[string]string{"data.eprt": "502 no"}},
		{name: "active mode firewalled", faults: "on MLSD 3-4: no-connect", timeouts: brief,
			states: map[string]State{"data.port": Fails, "data.eprt": Fails}, says: map[string]string{"data.port": "did not connect"}},
		{name: "no data at all", faults: "on MLSD: no-connect\non LIST: no-connect\non EPSV: reply 500 no\non PASV: reply 500 no", timeouts: brief,
			states: map[string]State{"data.epsv": Fails, "data.pasv": Fails, "data.port": Fails, "data.eprt": Fails}, matter: []string{"data.pasv"}},
		{name: "EPRT alone works", faults: "on PORT: reply 500 no", options: server.Options{DisabledCommands: []string{"PASV", "EPSV"}},
			states: map[string]State{"data.epsv": Fails, "data.pasv": Fails, "data.port": Fails}, matter: []string{"data.pasv"},
			script: []string{"SETPASSIVE(DISABLED)", "SETFEATURE(EPRT, ENABLED)"}},
		{name: "no MLSD", options: server.Options{DisabledCommands: []string{"MLSD", "MLST"}}, states: map[string]State{"list.mlsd": Fails}},
		{name: "a listing nobody understands", faults: `on MLSD: payload "what is this\r\n"`,
			states: map[string]State{"list.unknown": Fails}, matter: []string{"list.unknown"}, says: map[string]string{"list.unknown": "what is this"}},
		{name: "a file from the future", faults: `on MLSD: payload "type=file;size=1;modify=20990101000000; f\r\n"`,
			states: map[string]State{"time.clock": Fails, "file.hash": Fails}, matter: []string{"time.clock"}},
		{name: "session lost in between", faults: "on EPSV 1: close", states: map[string]State{"data.epsv": Fails}},
		{name: "garbage for EPSV", faults: "on EPSV: garbage 50", states: map[string]State{"data.epsv": Fails}},
		{name: "garbage for a login", faults: "on PASS: garbage 50", states: map[string]State{"host.login": Fails}, matter: []string{"host.login"}},
		{name: "garbage for a greeting", faults: "on connect: garbage 50", states: map[string]State{"host.connection": Fails}, matter: []string{"host.connection"}},
		{name: "a silent server", faults: "on connect: silence", timeouts: brief, states: map[string]State{"host.connection": Fails}, matter: []string{"host.connection"}},
		{name: "busy", faults: "on connect: reply 421 too many connections", states: map[string]State{"host.connection": Fails}, matter: []string{"host.connection"}},
		{name: "login refused", faults: "on PASS: reply 530 Login incorrect.",
			states: map[string]State{"host.login": Fails}, matter: []string{"host.login"}, says: map[string]string{"host.login": "530 Login incorrect."}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clinic := newClinic(t, c.faults, c.options)
			if c.timeouts != (session.Timeouts{}) {
				clinic.options.Timeouts = c.timeouts
			}
			report, found := clinic.examine()
			var matter []string
			for _, f := range report.Subjects[0].Findings {
				want, told := c.states[f.ID]
				if told && f.State != want || !told && (f.State == Fails || f.State == Skipped) {
					t.Errorf("%s %s: %+v", f.ID, f.State, f)
				}
				if f.Matters {
					matter = append(matter, f.ID)
				}
			}
			for id := range c.states {
				if _, there := found[id]; !there {
					t.Errorf("nothing is said of %s", id)
				}
			}
			slices.Sort(matter)
			if !slices.Equal(matter, c.matter) || report.Good != (len(c.matter) == 0) {
				t.Errorf("what matters is %q, want %q", matter, c.matter)
			}
			if script := report.Subjects[0].Script; !slices.Equal(script, c.script) {
				t.Errorf("for the script: %q, want %q", script, c.script)
			}
			for id, text := range c.says {
				if f := found[id]; !strings.Contains(f.Detail+f.Reply, text) {
					t.Errorf("%s does not say %q: %+v", id, text, f)
				}
			}
		})
	}
}

// Nothing on the server may change.
func TestExamine_ChangesNothing(t *testing.T) {
	changing := []string{"STOR", "APPE", "STOU", "DELE", "RNFR", "RNTO", "MKD", "RMD", "SITE", "MFMT", "RETR"}
	var lock sync.Mutex
	var lines []string
	c := newClinic(t, "", server.Options{Log: func(line string) {
		lock.Lock()
		defer lock.Unlock()
		lines = append(lines, line)
	}})
	c.options.Connections = 3
	c.examine()
	c.server.Close()
	for _, line := range lines {
		if !strings.Contains(line, " < ") {
			continue // a reply
		}
		for _, verb := range changing {
			if regexp.MustCompile(`\b` + verb + `\b`).MatchString(line) {
				t.Errorf("the server was told %q", line)
			}
		}
	}
}

// The name, the port that nobody listens on, and the proxy have their own findings.
func TestExamine_Reach(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	c := newClinic(t, "", server.Options{})

	c.endpoint.Address = nobody
	if _, found := c.examine(); found["host.connection"].Cause != "CONNECTION_REFUSED" {
		t.Errorf("%+v", found["host.connection"])
	}

	c.endpoint.Address = "ftp.example:21"
	c.options.Lookup = func(context.Context, string) ([]string, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "ftp.example", IsNotFound: true}
	}
	if _, found := c.examine(); found["host.name"].Cause != "NAME_NOT_RESOLVED" || !found["host.name"].Matters {
		t.Errorf("%+v", found["host.name"])
	}

	address := c.server.Addr()
	proxy, err := relay.Listen(context.Background(), "127.0.0.1:0", relay.Options{Map: func(asked string) (string, bool) {
		if asked == "ftp.example:21" {
			return address, true
		}
		_, port, _ := net.SplitHostPort(asked)
		return "127.0.0.1:" + port, true
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	c.endpoint.Proxy = "socks5://" + proxy.Addr()
	report, found := c.examine()
	if found["host.name"].State != Skipped || found["data.epsv"].State != Works || found["data.port"].State != Skipped || !report.Good {
		t.Errorf("%+v", report)
	}
}

// What a server says reaches no terminal raw, is bounded, and a password is in no
// report.
func TestReport_Hostile(t *testing.T) {
	c := newClinic(t, "on SYST: raw \"215 \\x1b[31mred\\u202e\\r\\n\"\non EPSV: raw \"500 very-secret-1 \\x1b]0;title\\x07\\r\\n\"\non FEAT: raw \"211-x\\r\\n \\x1b[2J\\u202ename x\\r\\n211 end\\r\\n\"", server.Options{Banner: "\x1b[1mhello " + strings.Repeat("x", 4000)})
	report, _ := c.examine()
	var text, asJSON bytes.Buffer
	if err := errors.Join(report.WriteText(&text), report.WriteJSON(&asJSON)); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{text.String(), asJSON.String()} {
		if strings.Contains(out, "very-secret-1") {
			t.Errorf("a password is told: %s", out)
		}
		if strings.ContainsAny(out, "\x1b\x07\u202e") {
			t.Errorf("raw bytes: %q", out)
		}
		for _, line := range strings.Split(out, "\n") {
			if len(line) > 2000 {
				t.Errorf("a line of %d bytes", len(line))
			}
		}
	}
	var back Report
	if err := json.Unmarshal(asJSON.Bytes(), &back); err != nil || back.Format != Format || len(back.Subjects) != 1 {
		t.Errorf("%v\n%s", err, asJSON.String())
	}
}

// Times of LIST in another zone than UTC are told as such.
func TestExamine_ZoneOfListings(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	for _, off := range [][]string{nil, {"MLSD", "MLST"}} {
		c := newClinic(t, "", server.Options{Zone: zone, DisabledCommands: off})
		_, found := c.examine()
		if f := found["time.zone"]; f.State != Note || !strings.Contains(f.Detail, "+2h off UTC") {
			t.Errorf("without %q: %+v", off, f)
		}
	}
}

func TestExamine_Connections(t *testing.T) {
	c := newClinic(t, "", server.Options{MaxConnections: 2})
	c.options.Connections = 4
	_, found := c.examine()
	if f := found["host.connections"]; f.State != Fails || f.Matters || !strings.HasPrefix(f.Detail, "2; one more is refused") {
		t.Errorf("%+v", f)
	}
	c = newClinic(t, "", server.Options{})
	c.options.Connections = 3
	_, found = c.examine()
	if f := found["host.connections"]; f.State != Works {
		t.Errorf("%+v", f)
	}
}

// The openings are those of this host's port, as far as known, on both sides.
func TestOpenings(t *testing.T) {
	c := newClinic(t, "", server.Options{PassivePorts: [2]int{}})
	c.options.Firewall = true
	c.options.Mode = session.DataMode{}
	c.options.AnyPorts = [2]int{32768, 60999}
	report, _ := c.examine()
	openings := report.Subjects[0].Openings
	count := map[string]int{}
	for _, o := range openings {
		count[o.Mode+" "+o.Side+" "+o.Direction]++
	}
	for _, rule := range []string{"control client out", "control server in", "passive client out", "passive server in", "active client in", "active server out"} {
		if count[rule] != 1 {
			t.Errorf("%d rules for %s", count[rule], rule)
		}
	}
	_, port, _ := net.SplitHostPort(c.server.Addr())
	if o := openings[0]; o.Remote != "127.0.0.1 port "+port {
		t.Errorf("%+v", o)
	}
	var text bytes.Buffer
	report.WriteText(&text)
	for _, want := range []string{"ports 32768-60999", "(seen: ", "firewall: passive, on the server's side", "SETACTIVEPORTS"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, text.String())
		}
	}
	c.endpoint.Protocol, c.endpoint.Address = session.SFTP, "192.0.2.1:22"
	p := &patient{Subject: &Subject{}, endpoint: c.endpoint}
	if openings := p.openings(); len(openings) != 3 || openings[0].Remote != "192.0.2.1 port 22" {
		t.Errorf("SFTP needs %+v", openings)
	}
	c.endpoint.Protocol = session.FTP
	p = &patient{Subject: &Subject{}, endpoint: session.Endpoint{Address: "ftp.myhost.com:21"}, options: Options{Mode: session.DataMode{PortFrom: 50000, PortTo: 50010}}}
	text.Reset()
	var b strings.Builder
	writeOpenings(&b, p.openings())
	for _, want := range []string{"in   ports 50000-50010 from ftp.myhost.com port 20", "in   ports above 1024 from anywhere", "out  port 20 to the client's ports 50000-50010"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, b.String())
		}
	}
}

// The page lists every check, and the report no other.
func TestPage(t *testing.T) {
	page, found := spec.Page("doctor")
	if !found {
		t.Fatal("there is no page")
	}
	var listed, known []string
	for _, line := range strings.Split(page, "\n") {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		if strings.HasPrefix(line, "| `") && strings.Contains(cell, ".") {
			for _, id := range strings.Split(cell, ", ") {
				listed = append(listed, strings.Trim(id, "`"))
			}
		}
	}
	for _, c := range Checks() {
		known = append(known, c.ID)
	}
	if !slices.Equal(listed, known) {
		t.Errorf("the page lists\n%q, the report knows\n%q", listed, known)
	}
	source, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range source {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, used := range regexp.MustCompile(`"((?:machine|host|data|list|time|file)\.[a-z-]+)"`).FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(known, used[1]) && used[1] != "data." {
				t.Errorf("%s uses %s, which the table lacks", name, used[1])
			}
		}
	}
}

// The page has a row for each field of the JSON, and no other.
func TestPage_Fields(t *testing.T) {
	page, _ := spec.Page("doctor")
	described, _, _ := strings.Cut(page, "## What is looked at")
	listed := map[string]bool{}
	for _, line := range strings.Split(described, "\n") {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		for _, name := range strings.Split(cell, ", ") {
			listed[strings.Trim(name, "`")] = true
		}
	}
	known := map[string]bool{}
	for _, v := range []any{Report{}, Subject{}, Finding{}, Opening{}} {
		kind := reflect.TypeOf(v)
		for i := range kind.NumField() {
			if !kind.Field(i).IsExported() {
				continue
			}
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			known[name] = true
			if !listed[name] {
				t.Errorf("the page does not tell of %s.%s", kind.Name(), name)
			}
		}
	}
	for name := range listed {
		if !known[name] {
			t.Errorf("the page tells of %s, which is not there", name)
		}
	}
}

func TestExamineMachine(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := "ftp.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n"
	known, damaged := write("known_hosts", good, 0o600), write("damaged", good+"ftp.example ssh-ed25519 AAAA\n", 0o600)
	agent := func(answer string) func(context.Context) (net.Conn, error) {
		return func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				theirs.Read(make([]byte, 5))
				theirs.Write([]byte(answer))
			}()
			return ours, nil
		}
	}
	healthy := Machine{
		Name: "box", Getenv: func(string) (string, bool) { return "", false }, Zone: time.UTC, Umask: 0o022, Unix: true,
		Now: func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }, State: filepath.Join(folder, "a", "b"),
		KnownHosts: []string{known}, Agent: agent("\x00\x00\x00\x05\x0c\x00\x00\x00\x02"), AgentName: "agent", Drives: map[string]string{"C": folder},
		Lookup: func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil },
	}
	cases := []struct {
		name   string
		change func(*Machine)
		id     string
		state  State
		matter bool
		says   string
	}{
		{"healthy", func(*Machine) {}, "machine.agent", Works, false, "agent: 2 keys"},
		{"clock", func(m *Machine) { m.Now = func() time.Time { return time.Unix(0, 0) } }, "machine.clock", Fails, true, "1970-01-01"},
		{"zone", func(m *Machine) { m.Getenv = func(n string) (string, bool) { return "Mars/Olympus", n == "TZ" } }, "machine.zone", Fails, true, "Mars/Olympus"},
		{"names", func(m *Machine) {
			m.Lookup = func(context.Context, string) ([]string, error) { return nil, errors.New("no resolver") }
		}, "machine.names", Fails, true, "no resolver"},
		{"no home", func(m *Machine) { m.State = "" }, "machine.state", Fails, true, "no home"},
		{"state is a file", func(m *Machine) { m.State = known }, "machine.state", Fails, true, "no folder"},
		{"hosts damaged", func(m *Machine) { m.KnownHosts = []string{damaged} }, "machine.known-hosts", Fails, true, "1 keys, and lines"},
		{"hosts unreadable", func(m *Machine) { m.KnownHosts = []string{folder} }, "machine.known-hosts", Fails, true, folder},
		{"hosts missing", func(m *Machine) { m.KnownHosts = []string{folder + "/none"} }, "machine.known-hosts", Note, false, "not there"},
		{"no agent", func(m *Machine) { m.Agent = nil }, "machine.agent", Note, false, "none"},
		{"agent of another kind", func(m *Machine) { m.Agent = agent("HTTP/1.1 400") }, "machine.agent", Fails, false, "does not speak as an agent"},
		{"agent gone", func(m *Machine) {
			m.Agent = func(context.Context) (net.Conn, error) { return nil, errors.New("refused") }
		}, "machine.agent", Fails, false, "refused"},
		{"umask", func(m *Machine) { m.Umask = 0 }, "machine.umask", Fails, true, "0000"},
		{"drive missing", func(m *Machine) { m.Drives = map[string]string{"D": folder + "/none"} }, "machine.drives", Fails, true, "D: is"},
		{"drive a file", func(m *Machine) { m.Drives = map[string]string{"D": known} }, "machine.drives", Fails, true, "no folder"},
		{"proxy", func(m *Machine) {
			m.Getenv = func(n string) (string, bool) { return "http://u:secret@p", n == "ALL_PROXY" }
		}, "machine.proxy", Note, false, "ALL_PROXY: not obeyed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := healthy
			c.change(&m)
			report := NewReport([]Subject{ExamineMachine(context.Background(), m)})
			seen := false
			for _, f := range report.Subjects[0].Findings {
				if f.ID == c.id {
					seen = true
					if f.State != c.state || f.Matters != c.matter || !strings.Contains(f.Detail, c.says) {
						t.Errorf("%+v", f)
					}
				} else if f.Matters {
					t.Errorf("%+v", f)
				}
				if strings.Contains(fmt.Sprint(f), "secret") {
					t.Errorf("a secret is told: %+v", f)
				}
			}
			if !seen || report.Good == c.matter {
				t.Errorf("%s: %+v", c.id, report)
			}
		})
	}
}

// SFTP has one connection for everything: nothing is said of data connections.
func TestExamine_SFTP(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "sales.xls"), []byte("figures"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := sftpserver.Listen(context.Background(), "127.0.0.1:0", sftpserver.Options{Dir: folder, Users: map[string]string{"joe": "very-secret-1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &clinic{endpoint: session.Endpoint{Protocol: session.SFTP, Host: "files.example", Address: s.Addr(), User: "joe", Password: "very-secret-1",
		Trust: session.Trust{Level: session.TrustAny}},
		options: Options{Connections: 2, Firewall: true}}
	report, found := c.examine()
	if !report.Good {
		t.Errorf("%+v", report)
	}
	for _, id := range []string{"host.login", "list.mlsd", "time.clock", "host.connections"} {
		if found[id].State != Works {
			t.Errorf("%s: %+v", id, found[id])
		}
	}
	if f := found["host.limits"]; !strings.HasPrefix(f.Detail, "packet ") || !strings.Contains(f.Detail, " bytes, handles ") {
		t.Errorf("%+v", f)
	}
	for id := range found {
		if strings.HasPrefix(id, "data.") {
			t.Errorf("%+v", found[id])
		}
	}
	if openings := report.Subjects[0].Openings; len(openings) != 3 {
		t.Errorf("the openings are %+v", openings)
	}
	c.endpoint.Password = "wrong"
	_, found = c.examine()
	if f := found["host.login"]; f.State != Fails || f.Cause != "ACCESS_REFUSED" {
		t.Errorf("%+v", found)
	}
}

// A refusal of one more session is kept for runs, and told by the next examination.
func TestExamine_Remembers(t *testing.T) {
	c := newClinic(t, "", server.Options{MaxConnections: 2})
	c.options.Connections, c.options.Records = 4, netio.OpenRecords(t.TempDir(), nil)
	_, found := c.examine()
	if f, told := found["host.remembered"]; told {
		t.Errorf("remembered %+v", f)
	}
	if f := found["host.connections"]; !strings.HasPrefix(f.Detail, "2; one more is refused") {
		t.Errorf("%+v", f)
	}
	if known := c.options.Records.Recall(c.endpoint); known.MostSessions != 2 {
		t.Errorf("known is %+v", known)
	}
	_, found = c.examine()
	if f := found["host.remembered"]; !strings.HasPrefix(f.Detail, "no more than 2 sessions at a time (") {
		t.Errorf("remembered %+v", f)
	}
}
