package localfs

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/netio/session"
)

// What a script writes, where it lands on disk, and how it is shown.
func TestResolve_Drive(t *testing.T) {
	c := makeFiles(t, "windows/Temp/sales.xls", "Both/a", "Ärger/x", "data/")
	share := makeFiles(t, "in/order.csv")
	f := open(t, Options{Drives: map[string]string{"c": c, `\\Server\Share`: share}})
	temp := resolve(t, f, Path{}, `C:\WINDOWS\TEMP`)
	tests := []struct {
		dir            Path
		written        string
		name, shown    string
		onShare, wrong bool
	}{
		{Path{}, `C:\WINDOWS\TEMP`, "windows/Temp", `C:\WINDOWS\TEMP`, false, false},
		{Path{}, `c:/windows/temp/SALES.XLS`, "windows/Temp/sales.xls", `C:\windows\temp\SALES.XLS`, false, false},
		{Path{}, `C:\`, "", `C:\`, false, false},
		{Path{}, `C:\..\..\data\..\Both`, "Both", `C:\Both`, false, false},
		{Path{}, `C:\windows\none\..\temp`, "windows/Temp", `C:\windows\temp`, false, false},
		{Path{}, `C:\WINDOWS\New\File`, "windows/New/File", `C:\WINDOWS\New\File`, false, false},
		{Path{}, `C:\ärger\X`, "Ärger/x", `C:\ärger\X`, false, false},
		{Path{}, `\\SERVER\share\IN\order.csv`, "in/order.csv", `\\Server\Share\IN\order.csv`, true, false},
		{Path{}, `\\server\share\..\..`, "", `\\Server\Share\`, true, false},
		{temp, `sales.xls`, "windows/Temp/sales.xls", `C:\WINDOWS\TEMP\sales.xls`, false, false},
		{temp, `..`, "windows", `C:\WINDOWS`, false, false},
		{temp, `..\..\..\Both`, "Both", `C:\Both`, false, false},
		{temp, `C:sales.xls`, "windows/Temp/sales.xls", `C:\WINDOWS\TEMP\sales.xls`, false, false},
		{temp, `\Both`, "Both", `C:\Both`, false, false},
		{temp, `/Both`, "Both", `C:\Both`, false, false},
		{temp, `.`, "windows/Temp", `C:\WINDOWS\TEMP`, false, false},
		{Path{}, `sales.xls`, "", "", false, true},
		{Path{}, `/x`, "", "", false, true},
		{Path{}, `D:\x`, "", "", false, true},
	}
	for _, tt := range tests {
		p, err := f.Resolve(tt.dir, tt.written)
		if tt.wrong {
			wantCause(t, err, session.Denied)
			continue
		}
		root := c
		if tt.onShare {
			root = share
		}
		if err != nil || p.name != tt.name || p.String() != tt.shown || f.SystemPath(p) != filepath.Join(root, tt.name) {
			t.Errorf("%s in %v: got %q shown %s at %s, %v", tt.written, tt.dir, p.name, p, f.SystemPath(p), err)
		}
	}
	for _, bad := range []string{"", "a\x00"} {
		_, err := f.Resolve(temp, bad)
		wantCause(t, err, session.BadArgument)
	}
	_, err := f.Resolve(temp, `E:\x`)
	if e := wantCause(t, err, session.Denied); e.Hint != "say where it lies: --drive E=DIR" {
		t.Errorf("hint: %s", e.Hint)
	}
}

// Without a mapping nothing is looked for in another case; the hint says what is
// there.
func TestResolve_FoundHint(t *testing.T) {
	dir := makeFiles(t, "Data/sales.xls")
	f := open(t, Options{Root: dir})
	for written, hint := range map[string]string{
		"Data/Sales.XLS": "found: sales.xls", "data/sales.xls": "found: Data", "Data/other": "", "none/other": "",
	} {
		_, err := f.Open(resolve(t, f, f.Start(), written))
		if e := wantCause(t, err, session.NoSuchLocalFile); e.Hint != hint && runtime.GOOS == "linux" {
			t.Errorf("%s: hint %q, want %q", written, e.Hint, hint)
		}
	}
}

func TestResolve_TwoMatches(t *testing.T) {
	dir := makeFiles(t, "sales.xls", "Sales.xls")
	if all, _ := os.ReadDir(dir); len(all) != 2 {
		t.Skip("the file system does not tell letters' case apart")
	}
	f := open(t, Options{Drives: map[string]string{"C": dir}})
	if p := resolve(t, f, Path{}, `C:\Sales.xls`); p.Name() != "Sales.xls" {
		t.Errorf("as written: got %s", p.Name())
	}
	_, err := f.Resolve(Path{}, `C:\SALES.XLS`)
	if e := wantCause(t, err, session.BadArgument); e.Err.Error() != "no such name, but several that differ in case: Sales.xls, sales.xls" {
		t.Error(e.Err)
	}
}

func TestResolve_Root(t *testing.T) {
	dir := makeFiles(t, "desk/a", "b", `odd/`)
	drive := makeFiles(t, "d")
	f := open(t, Options{System: "linux", Root: dir, WorkDir: "desk", Drives: map[string]string{"C": drive}})
	onDrive := resolve(t, f, Path{}, `C:\`)
	tests := []struct {
		dir           Path
		written, want string
	}{
		{f.Start(), "a", "/desk/a"},
		{f.Start(), `..\b`, "/b"},
		{f.Start(), "/b", "/b"},
		{f.Start(), `\b`, "/b"},
		{f.Start(), "../../../../etc/passwd", "/etc/passwd"}, // below Root
		{onDrive, "/b", "/b"},
		{onDrive, `\d`, `C:\d`},
	}
	for _, tt := range tests {
		if p := resolve(t, f, tt.dir, tt.written); p.String() != tt.want {
			t.Errorf("%s: got %s, want %s", tt.written, p, tt.want)
		}
	}
	relative := map[string]bool{"a": true, `a\b`: true, "C:a": true, "..": true, `\a`: true, "/a": false, `C:\a`: false, `\\s\h\a`: false}
	for written, want := range relative {
		if f.IsRelative(written) != want {
			t.Errorf("%s: relative is not %v", written, want)
		}
	}
}

func TestResolveParent(t *testing.T) {
	f := open(t, Options{Drives: map[string]string{"C": makeFiles(t, "Data/a.xls")}})
	tests := []struct{ written, parent, last string }{
		{`C:\DATA\*.xls`, `C:\DATA`, "*.xls"},
		{`C:*.xls`, `C:\`, "*.xls"},
		{`C:\Data\A.XLS\`, `C:\Data`, "A.XLS"},
	}
	for _, tt := range tests {
		parent, last, err := f.ResolveParent(Path{}, tt.written)
		if err != nil || parent.String() != tt.parent || last != tt.last {
			t.Errorf("%s: got %s, %s, %v", tt.written, parent, last, err)
		}
	}
	for _, bad := range []string{`C:\`, `C:`, "", `C:\Data\..`} {
		_, _, err := f.ResolveParent(Path{}, bad)
		wantCause(t, err, session.BadArgument)
	}
}

func TestChangeDir(t *testing.T) {
	f := open(t, Options{Root: makeFiles(t, "dir/", "file")})
	p, err := f.ChangeDir(f.Start(), "dir")
	if err != nil || p.String() != "/dir" || p.Name() != "dir" || !p.Parent().Same(f.Start()) || !f.Start().Parent().Same(f.Start()) {
		t.Errorf("got %s, %v", p, err)
	}
	for _, bad := range []string{"file", "none", "file/x"} {
		_, err := f.ChangeDir(f.Start(), bad)
		wantCause(t, err, session.NoSuchLocalFile)
	}
}

func TestChild(t *testing.T) {
	dir := makeFiles(t, "x")
	for system, safe := range map[string]map[string]bool{
		"linux":   {"x": true, `a\b`: true, "..": false, "a/b": false, "": false, "nul": true},
		"windows": {"x": true, `a\b`: false, "..": false, "a/b": false, "": false, "nul": false, "C:x": false},
	} {
		f := open(t, Options{System: system, Root: dir})
		for name, want := range safe {
			p, err := f.Child(f.Start(), name)
			if !want {
				wantCause(t, err, session.UnsafeName)
			} else if err != nil || p.Name() != name {
				t.Errorf("%s on %s: got %q, %v", name, system, p.Name(), err)
			}
		}
	}
}

func TestNew_Refuses(t *testing.T) {
	dir := makeFiles(t, "file")
	for name, o := range map[string]Options{
		"root is missing":         {Root: filepath.Join(dir, "none")},
		"root is a file":          {Root: filepath.Join(dir, "file")},
		"root and system":         {Root: dir, SystemPaths: true},
		"drive is missing":        {Drives: map[string]string{"C": filepath.Join(dir, "none")}},
		"no drive":                {Drives: map[string]string{"CD": dir}},
		"no share":                {Drives: map[string]string{`\\server`: dir}},
		"drive twice":             {Drives: map[string]string{"C": dir, "c:": dir}},
		"work folder is missing":  {Root: dir, WorkDir: "none"},
		"work folder is a file":   {Root: dir, WorkDir: "file"},
		"work folder is relative": {System: "linux", SystemPaths: true, WorkDir: "x"},
	} {
		if f, err := New(o); err == nil {
			f.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

// The zero Options have no files at all.
func TestNew_Nothing(t *testing.T) {
	f := open(t, Options{System: "linux"})
	if !f.Start().IsZero() {
		t.Error("there is a start")
	}
	for _, written := range []string{"a", "/a", `C:\a`, `\\s\h\a`} {
		_, err := f.Resolve(f.Start(), written)
		wantCause(t, err, session.Denied)
	}
	_, err := f.Child(Path{}, "a")
	wantCause(t, err, session.Denied)
	_, err = f.Stat(Path{})
	wantCause(t, err, session.Denied)
}

// Whatever a script writes, the parts of the path are plain names: nothing is
// left that could lead up, and disk and screen have equally many.
func TestResolve_NeverLeadsUp(t *testing.T) {
	f := open(t, Options{Root: makeFiles(t, "a/b/"), Drives: map[string]string{"C": makeFiles(t, "A/b/")}})
	dirs := []Path{f.Start(), resolve(t, f, f.Start(), "a/b"), resolve(t, f, f.Start(), `C:\a\B`)}
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{"..", ".", `\`, "/", "a", "B", "C:", "new", " ", "...", `\\s\h`})).Draw(t, "pieces")
		p, err := f.Resolve(rapid.SampledFrom(dirs).Draw(t, "dir"), strings.Join(pieces, ""))
		if err != nil {
			return
		}
		parts := strings.Split(p.name, "/")
		for _, part := range parts {
			if p.name != "" && (part == "" || part == "." || part == ".." || strings.Contains(part, `\`)) {
				t.Fatalf("%q gave %q", pieces, p.name)
			}
		}
		if !strings.EqualFold(p.name, p.shown) {
			t.Fatalf("%q is shown as %q", p.name, p.shown)
		}
	})
}
