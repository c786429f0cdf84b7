package listing

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

var update = flag.Bool("update", false, "write the golden files anew")

const samplesFolder = "../../../testdata/listings"

// sampleFile is a listing of testdata: lines "# key value" (others are remarks),
// an empty line, the server's bytes.
type sampleFile struct {
	name   string
	format Format
	opts   Options
	body   []byte
}

func readSamples(t testing.TB) []sampleFile {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(samplesFolder, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no listings in %s (%v)", samplesFolder, err)
	}
	var all []sampleFile
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		header, body, found := bytes.Cut(raw, []byte("\n\n"))
		if !found {
			t.Fatalf("%s: no empty line after the header", path)
		}
		s := sampleFile{name: strings.TrimSuffix(filepath.Base(path), ".txt"), body: body, opts: Options{System: "linux"}}
		for line := range strings.Lines(string(header)) {
			key, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# "), " ")
			switch key {
			case "format":
				if value == "MLSD" {
					s.format = MLSD
				}
			case "now":
				s.opts.Now, err = time.Parse(time.RFC3339, value)
			case "zone":
				s.opts.Zone, err = time.LoadLocation(value)
			case "system":
				s.opts.System = value
			}
			if err != nil {
				t.Fatalf("%s: %s: %v", path, key, err)
			}
		}
		all = append(all, s)
	}
	return all
}

func render(l session.Listing) string {
	var b strings.Builder
	kinds := map[session.EntryKind]string{session.KindFile: "file", session.KindDir: "dir", session.KindLink: "link", session.KindOther: "other"}
	for _, e := range l.Entries {
		when, mode := "-", "-"
		if !e.Time.IsZero() {
			when = e.Time.Format(time.RFC3339Nano)
		}
		switch {
		case e.Exact:
			when += "!"
		case e.Grain == time.Second:
			when += "s"
		case e.Grain == 24*time.Hour:
			when = e.Time.Format(time.DateOnly)
		}
		if e.HasMode {
			mode = fmt.Sprintf("%04o", e.Mode)
		}
		fmt.Fprintf(&b, "%-5s %4s %10d %-21s %q", kinds[e.Kind], mode, e.Size, when, e.Name)
		if e.Target != "" {
			fmt.Fprintf(&b, " -> %q", e.Target)
		}
		b.WriteByte('\n')
	}
	source := l.Source
	if l.Dialect != "" {
		source += " of " + l.Dialect
	}
	fmt.Fprintf(&b, "%s: %d not understood, %d hostile\n", source, l.Unknown, l.Hostile)
	for _, s := range l.Samples {
		fmt.Fprintf(&b, "? %q\n", s)
	}
	for _, s := range l.HostileSamples {
		fmt.Fprintf(&b, "! %q\n", s)
	}
	return b.String()
}

// Every dialect gives what its golden file says, whichever way lines end.
func TestRead_Dialects(t *testing.T) {
	for _, s := range readSamples(t) {
		t.Run(s.name, func(t *testing.T) {
			got, err := Read(bytes.NewReader(s.body), s.format, s.opts)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join(samplesFolder, s.name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(render(got)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if render(got) != string(want) {
				t.Errorf("got\n%swant\n%s", render(got), want)
			}
			for how, body := range map[string][]byte{
				"CR LF":             bytes.ReplaceAll(s.body, []byte("\n"), []byte("\r\n")),
				"no final line end": bytes.TrimSuffix(s.body, []byte("\n")),
			} {
				other, err := Read(bytes.NewReader(body), s.format, s.opts)
				if err != nil || render(other) != string(want) {
					t.Errorf("%s: got %v\n%swant\n%s", how, err, render(other), want)
				}
			}
		})
	}
}
