package builtins

import (
	"os"
	"path/filepath"
	"strings"
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

// A server that has no sizes to tell is asked for one of a set, not for each.
func TestGetFile_SizesAreNotTold(t *testing.T) {
	lists := 0
	s := newSite(t, siteOptions{files: map[string]string{"A": "1", "B": "2", "C": "3", "D": "4"},
		change: func(o *server.Options) {
			o.DisabledCommands = []string{"MLSD", "MLST", "SIZE", "MDTM"}
			o.Listings = map[string]string{"/": " Name     VV.MM   Created       Changed      Size  Init   Mod   Id\nA\nB\nC\nD\n"}
			log := o.Log
			o.Log = func(line string) {
				if strings.HasSuffix(line, "LIST") {
					lists++
				}
				log(line)
			}
		},
	})
	result, o := s.result(`SETPARALLEL(1)`, `$r=GETFILE("*.*")`)
	if files := read(t, s.local); result != "OK" || len(files) != 4 || files["D"] != "4" {
		t.Errorf("got %s and %v\n%s", result, files, o.transcript)
	}
	if lists != 2 {
		t.Errorf("listed %d times", lists)
	}
}
