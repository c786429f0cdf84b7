package sshconfig

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLookup(t *testing.T) {
	home := t.TempDir()
	at := func(name string) string { return filepath.Join(home, filepath.FromSlash(name)) }
	for name, c := range map[string]struct {
		text string
		host string
		want Answer
	}{
		"nothing":               {"", "h", Answer{}},
		"before every host":     {"Port 2222", "h", Answer{Port: 2222}},
		"its host":              {"Host h\n HostName h.example\n User bob", "h", Answer{HostName: "h.example", User: "bob"}},
		"another's":             {"Host g\n Port 1", "h", Answer{}},
		"the first value holds": {"Host h\n Port 1\nHost *\n Port 2\n User u", "h", Answer{Port: 1, User: "u"}},
		"patterns":              {"Host a* *.example !h.example\n Port 1\nHost h.?xample\n Port 2", "h.example", Answer{Port: 2}},
		"*.* asks for a point":  {"Host *.*\n Port 1", "h", Answer{}},
		"names have no case":    {"HOST H\n\tPORT=7", "h", Answer{Port: 7}},
		"equals and quotes":     {"Host=h\nIdentityFile = \"/keys/my key\" # of acme\nPort = 5", "h", Answer{IdentityFiles: []string{"/keys/my key"}, Port: 5}},
		"comments":              {"# Host h\n\nHost h # mine\n Port 3 # three", "h", Answer{Port: 3}},
		"CR LF":                 {"Host h\r\n  Port 4\r\n", "h", Answer{Port: 4}},
		"identities add up":     {"Host h\nIdentityFile ~/a\nHost *\nIdentityFile %d/b\nIdentityFile /c", "h", Answer{IdentityFiles: []string{at("a"), at("b"), "/c"}}},
		"certificates add up":   {"CertificateFile ~/a-cert.pub\nCertificateFile none\nCertificateFile /b\nCertificateFile /b", "h", Answer{CertificateFiles: []string{at("a-cert.pub"), "/b"}}},
		"these identities only": {"IdentityFile /a\nIdentitiesOnly yes\nIdentitiesOnly no", "h", Answer{IdentityFiles: []string{"/a"}, IdentitiesOnly: true}},
		"no identity":           {"IdentityFile none", "h", Answer{NoIdentity: true}},
		"tokens":                {"HostName %h.example\nIdentityFile /k/%n-%h-%p-%r-%u-%%-%z", "h", Answer{HostName: "h.example", IdentityFiles: []string{"/k/h-h.example-22-me-me-%-%z"}}},
		"tokens know the port":  {"IdentityFile /k/%p-%r\nPort 99\nUser eve", "h", Answer{Port: 99, User: "eve", IdentityFiles: []string{"/k/99-eve"}}},
		"known hosts":           {"UserKnownHostsFile ~/a \"/b c\"\nUserKnownHostsFile /d", "h", Answer{KnownHosts: Files{Paths: []string{at("a"), "/b c"}, Place: at("config") + ":1"}}},
		"no known hosts":        {"UserKnownHostsFile none", "h", Answer{KnownHosts: Files{None: true, Place: at("config") + ":1"}}},
		"the system's":          {"GlobalKnownHostsFile /a /b", "h", Answer{GlobalKnownHosts: Files{Paths: []string{"/a", "/b"}, Place: at("config") + ":1"}}},
		"revoked keys":          {"RevokedHostKeys %d/revoked\nRevokedHostKeys none", "h", Answer{RevokedHostKeys: Files{Paths: []string{at("revoked")}, Place: at("config") + ":1"}}},
		"a name for the keys":   {"HostKeyAlias web", "h", Answer{HostKeyAlias: "web"}},
		"an agent":              {"IdentityAgent ~/agent.sock", "h", Answer{IdentityAgent: Files{Paths: []string{at("agent.sock")}, Place: at("config") + ":1"}}},
		"jumps":                 {"ProxyJump eve@[::1]:99,ssh://b:7/,c", "h", Answer{Jumps: []Jump{{User: "eve", Host: "::1", Port: 99}, {Host: "b", Port: 7}, {Host: "c"}}}},
		"no jumps":              {"ProxyJump none\nProxyJump b", "h", Answer{}},
		"a command":             {"\nProxyCommand nc %h %p\nProxyJump b", "h", Answer{Unheeded: []Unheeded{{"ProxyCommand", at("config") + ":2"}}}},
		"a jump before it":      {"ProxyJump b\nProxyCommand nc %h %p", "h", Answer{Jumps: []Jump{{Host: "b"}}}},
		"no command":            {"ProxyCommand none", "h", Answer{}},
		"match all":             {"Host g\n User x\nMatch all\n Port 1", "h", Answer{Port: 1}},
		"match host":            {"HostName h.example\nMatch host *.example\n Port 1", "h", Answer{HostName: "h.example", Port: 1}},
		"match originalhost":    {"HostName h.example\nMatch originalhost h user me\n Port 1", "h", Answer{HostName: "h.example", Port: 1}},
		"match not":             {"Match !host h\n Port 1\nMatch host h,g localuser=me\n Port 2", "h", Answer{Port: 2}},
		"match exec never holds": {"Match host h exec \"touch /tmp/x\"\n Port 1\nMatch !exec false\n Port 2\n Port 3\nHost h\n User u", "h",
			Answer{User: "u", Unheeded: []Unheeded{{"Match exec", at("config") + ":1"}, {"Match exec", at("config") + ":3"}}}},
		"match exec of another":    {"Match host g exec x\n Port 1\nHost g\n Match exec y\n Port 2", "h", Answer{Unheeded: []Unheeded{{"Match exec", at("config") + ":4"}}}},
		"match exec leads nowhere": {"Match exec x\n ForwardX11 yes\n IdentityFile /a\nHost h\n Port 1", "h", Answer{Port: 1}},
		"match exec includes":      {"Match exec x\n Include more", "h", Answer{Unheeded: []Unheeded{{"Match exec", at("config") + ":1"}}}},
		"match canonical":          {"Match canonical\n Port 1\nMatch !canonical\n User u", "h", Answer{User: "u"}},
		"match final":              {"IdentityFile /a\nMatch final all\n Port 2\n User late\nHost h\n User u", "h", Answer{Port: 2, User: "u", IdentityFiles: []string{"/a"}}},
		"what leads elsewhere": {"BindAddress 192.0.2.1\nBindInterface eth0\nAddressFamily inet6\nCanonicalizeHostname yes\nBindAddress 192.0.2.2", "h",
			Answer{Unheeded: []Unheeded{{"BindAddress", at("config") + ":1"}, {"BindInterface", at("config") + ":2"}, {"AddressFamily", at("config") + ":3"}, {"CanonicalizeHostname", at("config") + ":4"}}}},
		"what leads nowhere else": {"AddressFamily any\nCanonicalizeHostname no\nProxyCommand none", "h", Answer{}},
		"what is not understood":  {"StrictHostKeyChecking no\nRemoteForward 1 2:3\nNonsense\nHost h\n Port 8", "h", Answer{Port: 8}},
		"include":                 {"Include conf.d/*.conf\nPort 1", "h", Answer{Port: 10, User: "second"}},
		"include within a host":   {"Host g\n Include conf.d/*.conf\nHost h\n Port 1", "h", Answer{Port: 1}},
		"include of nothing":      {"Include missing/*\nPort 1", "h", Answer{Port: 1}},
		"include ends its hosts":  {"Include conf.d/b.conf\nIdentityFile /here", "g", Answer{IdentityFiles: []string{"/here"}}},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, at("conf.d/a.conf"), "Host h\n Port 10\n")
			write(t, at("conf.d/b.conf"), "Host h\n Port 11\n User second\n")
			config := write(t, at("config"), c.text)
			got, err := Lookup([]string{config, at("missing")}, Question{Host: c.host, Home: home, LocalUser: "me"})
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestLookup_FilesInTheirOrder(t *testing.T) {
	folder := t.TempDir()
	user := write(t, filepath.Join(folder, "user"), "Host h\n Port 1\n")
	system := write(t, filepath.Join(folder, "system"), "Host *\n Port 2\n User all\n")
	got, err := Lookup([]string{user, system}, Question{Host: "h"})
	if err != nil || got.Port != 1 || got.User != "all" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestLookup_Refused(t *testing.T) {
	for text, says := range map[string]string{
		"Host h\nPort many":                     ":2: Port \"many\" is not a number",
		"Port 0":                                ":1: Port \"0\"",
		"\nIdentityFile \"/k":                   ":2: a quote is not closed",
		"User":                                  ":1: user has no value",
		"Host":                                  ":1: Host names no pattern",
		"Match":                                 ":1: Match names no criterion",
		"Match host":                            ":1: Match host names no value",
		"Include":                               ":1: Include names no file",
		"Include [":                             "is no pattern of names",
		"ProxyJump a:b":                         "a port that is not a number",
		"ProxyJump a,,b":                        "names no host",
		"ProxyJump [::1":                        "is not [user@]host[:port]",
		"Include config":                        "include each other more than 16 deep",
		"#" + strings.Repeat("x", mostFile+100): "longer than 1024 KiB",
	} {
		folder := t.TempDir()
		config := write(t, filepath.Join(folder, "config"), text)
		_, err := Lookup([]string{config}, Question{Host: "h"})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), config) {
			t.Errorf("%.40q: %v, want %q", text, err, says)
		}
	}
	if _, err := Lookup([]string{t.TempDir()}, Question{Host: "h"}); err == nil {
		t.Error("a folder is read as a file")
	}
}

// FuzzLookup reads what anybody may have written: nothing panics, and what is found
// can be used.
func FuzzLookup(f *testing.F) {
	f.Add("Host h\n HostName %h.example\n Port 22\nProxyJump a@b:1,c\nMatch exec x\n")
	f.Add("Match host a,b !user c\nIdentityFile \"a b\" # c\nUserKnownHostsFile none")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // of this machine's files
		}
		config := write(t, filepath.Join(t.TempDir(), "config"), text)
		answer, err := Lookup([]string{config}, Question{Host: "h", Home: "/home/me", LocalUser: "me"})
		if err != nil {
			return
		}
		if answer.Port < 0 || answer.Port > 65535 {
			t.Errorf("port %d", answer.Port)
		}
		for _, j := range answer.Jumps {
			if j.Host == "" || j.Port < 0 || j.Port > 65535 {
				t.Errorf("jump %+v", j)
			}
		}
	})
}
