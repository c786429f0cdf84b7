package builtins

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

// When the server's wall clock is put forward or back, its listings tell all times an
// hour off; nothing is sent again for that.
func TestSync_AcrossAChangeOfDaylightSaving(t *testing.T) {
	for name, missing := range map[string][]string{
		"MDTM":                  {"MLSD", "MLST"},
		"MDTM, no times set":    {"MLSD", "MLST", "MFMT", "SITE UTIME"},
		"LIST, no times at all": {"MLSD", "MLST", "MFMT", "MDTM", "SITE UTIME"},
	} {
		for _, method := range []string{"UPLOAD", "DOWNLOAD"} {
			for _, hours := range [][2]int{{1, 2}, {2, 1}} {
				t.Run(fmt.Sprintf("%s, %s, %v", name, method, hours), func(t *testing.T) {
					t.Parallel()
					options := server.Options{Users: map[string]string{"joe": "pass-word-1"}, LoginDelay: -1, SkipSync: true,
						DisabledCommands: missing, Zone: time.FixedZone("", hours[0]*3600)}
					s := newSite(t, siteOptions{options: withState(t), change: func(o *server.Options) {
						o.DisabledCommands, o.Zone = options.DisabledCommands, options.Zone
					}})
					from, to := filepath.Join(s.local, "in"), filepath.Join(s.remote, "out")
					if method == "DOWNLOAD" {
						from, to = to, from
					}
					write(t, s.local, map[string]string{"in/": ""})
					write(t, s.remote, map[string]string{"out/": ""})
					write(t, from, map[string]string{"a": "1", "b": "2", "c": "3"})
					aged(t, from, time.Now().Add(-20*time.Minute), "b")
					aged(t, from, time.Now().AddDate(0, -3, 0), "c")
					sync := func(want int) {
						t.Helper()
						if result, o := s.result(`$r = SYNC("/in", "/out", ` + method + `)`); result != "OK" || !o.has(fmt.Sprintf("Synchronized: %s transferred", plural(want, "file"))) {
							t.Fatalf("%s, want %d\n%s", result, want, o.transcript)
						}
					}
					sync(3)
					sync(0)
					if err := s.server.Close(); err != nil {
						t.Fatal(err)
					}
					options.Dir, options.Zone = s.remote, time.FixedZone("", hours[1]*3600)
					var err error
					if s.server, err = server.Listen(context.Background(), s.address, options); err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { s.server.Close() })
					sync(0)
					write(t, from, map[string]string{"c": "4"})
					aged(t, from, time.Now().Add(-10*time.Minute), "c")
					sync(1)
					holds(t, to, read(t, from))
					sync(0)
				})
			}
		}
	}
}
