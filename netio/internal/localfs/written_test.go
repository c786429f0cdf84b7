package localfs

import (
	"strings"
	"testing"
)

func TestParseWritten(t *testing.T) {
	tests := []struct {
		text  string
		drive string
		root  bool
		parts string // joined by |
	}{
		{"sales.xls", "", false, "sales.xls"},
		{`a\b/c`, "", false, "a|b|c"},
		{`.\a\.\\b\`, "", false, "a|b"},
		{`..\a`, "", false, "..|a"},
		{`C:\WINDOWS\TEMP`, "C:", true, "WINDOWS|TEMP"},
		{`c:/windows`, "c:", true, "windows"},
		{`C:a\b`, "C:", false, "a|b"},
		{`C:`, "C:", false, ""},
		{`C:\`, "C:", true, ""},
		{`\a`, "", true, "a"},
		{`/a//b/`, "", true, "a|b"},
		{`/`, "", true, ""},
		{`\\server\share\a\b`, `\\server\share`, true, "a|b"},
		{`\\server/share`, `\\server\share`, true, ""},
		{`\\\a`, "", true, "a"},
		{`1:\x`, "", false, "1:|x"},
		{`ab:c`, "", false, "ab:c"},
		{`a/C:/b`, "", false, "a|C:|b"},
	}
	for _, tt := range tests {
		w, err := parseWritten(tt.text, "linux")
		if err != nil || w.drive != tt.drive || w.rooted != tt.root || strings.Join(w.parts, "|") != tt.parts {
			t.Errorf("%q: got %+v, %v", tt.text, w, err)
		}
	}
	for _, text := range []string{"", "a\x00b", `\\server`, `\\server\`, `\\server\..\x`, `\\..\share`, `\\?\C:\x`, `\\.\PhysicalDrive0`} {
		if w, err := parseWritten(text, "linux"); err == nil {
			t.Errorf("%q: got %+v, want an error", text, w)
		}
	}
}

// Two slashes are a share on Windows; elsewhere they come from joining folders.
func TestParseWritten_TwoSlashes(t *testing.T) {
	if w, err := parseWritten("//server/share/x", "linux"); err != nil || w.drive != "" || len(w.parts) != 3 {
		t.Errorf("linux: got %+v, %v", w, err)
	}
	if w, err := parseWritten("//server/share/x", "windows"); err != nil || w.drive != `\\server\share` || len(w.parts) != 1 {
		t.Errorf("windows: got %+v, %v", w, err)
	}
}

func TestUnmapped(t *testing.T) {
	o := Options{System: "linux", SystemPaths: true, Drives: map[string]string{"C": "x", "d:": "x", `\\Server\Share`: "x"}}
	tests := []struct{ written, want, option string }{
		{`C:\a`, "", ""}, {`c:a`, "", ""}, {`D:\`, "", ""}, {`\\server\SHARE\a`, "", ""}, {`/a`, "", ""}, {`a`, "", ""}, {"", "", ""},
		{`E:\a`, "E", "--drive E=DIR"}, {`e:a`, "e", "--drive e=DIR"},
		{`\\server\other\a`, `\\server\other`, `--drive '\\server\other=DIR'`},
	}
	for _, tt := range tests {
		drive, unmapped := o.Unmapped(tt.written)
		if drive != tt.want || unmapped != (tt.want != "") || unmapped && DriveOption(drive) != tt.option {
			t.Errorf("%q: got %q, %v, %s", tt.written, drive, unmapped, DriveOption(drive))
		}
	}
	o.System = "windows" // has drives of its own
	if drive, unmapped := o.Unmapped(`E:\a`); unmapped {
		t.Errorf("windows: %q is not mapped", drive)
	}
	if drive, unmapped := (Options{}).Unmapped(`C:\a`); !unmapped || drive != "C" {
		t.Errorf("without any files: got %q, %v", drive, unmapped)
	}
}
