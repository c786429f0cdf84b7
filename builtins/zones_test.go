package builtins

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

// A server that tells times in listings only has its zone found out by one file, and
// remembered for the next run.
func TestGetFileTime_OfAnotherZone(t *testing.T) {
	at := time.Now().Add(-48 * time.Hour).Truncate(time.Minute)
	state := t.TempDir()
	s := newSite(t, siteOptions{files: map[string]string{"dir/": "", "file": "1"},
		change: func(o *server.Options) {
			o.DisabledCommands = []string{"MLSD", "MLST"}
			o.Zone = time.FixedZone("Nepal", 5*3600+45*60)
		},
		options: func(o *Options) { o.Now, o.StateDir = time.Now, state },
	})
	for _, name := range []string{"dir", "file"} {
		if err := os.Chtimes(filepath.Join(s.remote, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	want := at.UTC().Format("2006_01_02-15_04_05")
	for _, how := range []string{"by a file", "as remembered"} {
		o := s.on(`PRINT(GETFILETIME("dir"))`)
		if got := o.lines()[0]; got != want {
			t.Errorf("%s: got %s, want %s\n%s", how, got, want, o.transcript)
		}
		// Without a file nothing can be asked for.
		if err := os.RemoveAll(filepath.Join(s.remote, "file")); err != nil {
			t.Fatal(err)
		}
	}
}
