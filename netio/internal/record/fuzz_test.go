package record

import (
	"fmt"
	"os"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

// Whatever a file holds: what is believed of it can be written and is then read as the
// same, and every text for people is of one line.
func FuzzRecord(f *testing.F) {
	const good = `{"format":1,"server":"ftp://ftp.myhost.com:21","account":"joe","facts":[{"name":%q,"value":%q,"learned":"2026-11-24T11:00:00Z"}]}`
	for _, fact := range [][2]string{{factLacks, "MLSD"}, {factNoEPSV, ""}, {factZone, "-3600"}, {factSetsTime, "SITE UTIME"}, {factNoReplace, ""}, {factResumption, "free"},
		{factKeepAlive, "works"}, {factPaths, "VMS"}, {factNotUTF8, ""}, {factMostSessions, "3"}, {factZone, "99999"}, {factLacks, "A\r\nB"}, {"trusted", "yes"}} {
		f.Add(fmt.Sprintf(good, fact[0], fact[1]))
	}
	f.Fuzz(func(t *testing.T, content string) {
		s, c := newStore(t)
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path(endpoint), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		known := s.Recall(endpoint)
		for _, told := range s.Describe(endpoint) {
			for _, sign := range told {
				if sign < ' ' || sign > '~' {
					t.Errorf("told %q", told)
				}
			}
		}
		again := factsIn(factsOf(known, c.at), c.at)
		if fmt.Sprint(again.IsZero(), len(again.Lacks), again.MostSessions, again.Paths, again.Zone) != fmt.Sprint(known.IsZero(), len(known.Lacks), known.MostSessions, known.Paths, known.Zone) {
			t.Errorf("%+v is written as %+v", known, again)
		}
		keep(t, s, endpoint, session.Facts{NoEPSV: true})
	})
}
