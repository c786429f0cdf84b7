package builtins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/server"
)

// The documentation's own example, byte for byte: downloads in active mode from
// one server, uploads in passive mode to another, and deletes the local file.
func TestSeed(t *testing.T) {
	seed, err := os.ReadFile(filepath.Join("..", "testdata", "seed.ftp"))
	if err != nil {
		t.Fatal(err)
	}
	windows := t.TempDir()
	write(t, windows, map[string]string{"WINDOWS/TEMP/": ""})
	to := newSite(t, siteOptions{})
	from := newSite(t, siteOptions{
		files:  map[string]string{"sales.xls": "figures\r\n\x00"},
		change: func(o *server.Options) { o.Users = map[string]string{"myuser": "mypassword"} },
		options: func(o *Options) {
			o.Drives = map[string]string{"C": windows}
			o.Exec = ExecFiles
			o.Hosts = []string{"ftp.myhost.com", "192.168.1.53"}
			o.HostMap = map[string]string{"ftp.myhost.com": o.HostMap["ftp.test"], "192.168.1.53": to.server.Addr()}
		},
	})
	o := from.run(strings.TrimSuffix(string(seed), "\n"))
	if o.err != nil || o.result.Status != 0 {
		t.Fatalf("status %d, %v\n%s", o.result.Status, o.err, o.transcript)
	}
	for _, want := range []string{`OPENHOST("ftp.myhost.com","myuser",******)`, "active: ftp.myhost.com", "passive: "} {
		if !o.has(want) {
			t.Errorf("not told: %s\n%s", want, o.transcript)
		}
	}
	holds(t, to.remote, map[string]string{"sales.xls": "figures\r\n\x00"})
	holds(t, windows, nil)
}
