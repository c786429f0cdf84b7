package builtins

import "testing"

// exclusionCase reads: pattern keeps path out, or not. A path that ends in its
// separator is a directory; from is how many components of it the command works in.
type exclusionCase struct {
	of      side
	pattern string
	path    string
	from    int
	out     bool
}

func TestExclusionCovers(t *testing.T) {
	cases := []exclusionCase{
		// A bare name applies anywhere, to files.
		{remoteSide, "*.exe", "/a.exe", 0, true},
		{remoteSide, "*.exe", "/deep/down/a.exe", 1, true},
		{remoteSide, "*.exe", "/a.EXE", 0, false},
		{remoteSide, "*.exe", "/a.exe.txt", 0, false},
		{remoteSide, "file.zip", "/x/file.zip", 0, true},
		{remoteSide, "file.zip", "/file.zip/", 0, false},
		{remoteSide, "*.*", "/no-point", 0, true},
		{remoteSide, "[ab]", "/a", 0, false},
		{remoteSide, "[ab]", "/[ab]", 0, true},
		{remoteSide, "?.txt", "/ü.txt", 0, true},

		// A separator at the end means a directory, with all below it.
		{remoteSide, "backup/", "/backup/", 0, true},
		{remoteSide, `backup\`, "/backup/", 0, true},
		{remoteSide, "backup/", "/backup", 0, false},
		{remoteSide, "backup/", "/x/backup/y/z.txt", 0, true},
		{remoteSide, "back*/", "/x/backup/", 1, true},
		// The directory that the command works in was chosen, not found.
		{remoteSide, "backup/", "/backup/z.txt", 1, false},
		{remoteSide, "backup/", "/backup/backup/z.txt", 1, true},

		// A full path applies there only.
		{remoteSide, "/www/*.exe", "/www/a.exe", 0, true},
		{remoteSide, "/www/*.exe", "/www/a.exe", 1, true},
		{remoteSide, "/www/*.exe", "/www/sub/a.exe", 0, false},
		{remoteSide, "/www/*.exe", "/other/a.exe", 0, false},
		{remoteSide, "/www/logs/", "/www/logs/", 0, true},
		{remoteSide, "/www/logs/", "/www/logs/x/y", 3, true},
		{remoteSide, "/www/logs/", "/logs/", 0, false},
		{remoteSide, "/www/logs", "/www/logs/", 0, false},
		{remoteSide, "/www/logs", "/www/logs/x", 0, false},
		{remoteSide, "/w*/logs/", "/www/logs/", 0, true},
		{remoteSide, `/www/a\b`, `/www/a\b`, 0, true},

		// Local patterns know drives, shares and both separators.
		{localSide, `C:\Docs\Whatever.txt`, `C:\Docs\Whatever.txt`, 0, true},
		{localSide, `c:/Docs/Whatever.txt`, `C:\Docs\Whatever.txt`, 0, true},
		{localSide, `C:\Docs\Whatever.txt`, `D:\Docs\Whatever.txt`, 0, false},
		{localSide, `C:\Docs\whatever.txt`, `C:\Docs\Whatever.txt`, 0, false},
		{localSide, `\\Server\Share\x\`, `\\server\share\x\y`, 0, true},
		{localSide, `\\server\share\x\`, `C:\x\y`, 0, false},
		{localSide, "/srv/out/", `/srv/out/a`, 0, true},
		{localSide, `tmp\`, `C:\work\tmp\`, 1, true},
	}
	for _, c := range cases {
		e, err := parseExclusion(c.of, c.pattern)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		p, directory := writtenPlace(c.of, c.path)
		if got := e.covers(p, c.from, directory, false); got != c.out {
			t.Errorf("%q covers %q from %d: got %t, want %t", c.pattern, c.path, c.from, got, c.out)
		}
	}
}

// writtenPlace reads a path of the table above.
func writtenPlace(of side, path string) (p place, directory bool) {
	directory = isSeparator(path[len(path)-1])
	if of == remoteSide {
		return remotePlace(path), directory
	}
	volume, rest := cutVolume(path)
	p.volume = volume
	part := ""
	for i := 0; i <= len(rest); i++ {
		if i == len(rest) || isSeparator(rest[i]) {
			if part != "" {
				p.parts = append(p.parts, part)
			}
			part = ""
			continue
		}
		part += rest[i : i+1]
	}
	return p, directory
}

func TestExclusionRefused(t *testing.T) {
	for _, c := range []struct {
		of      side
		pattern string
	}{
		{remoteSide, "/"}, {remoteSide, "//"}, {localSide, `C:\`}, {localSide, `\\server\share\`},
		{remoteSide, "a/b"}, {localSide, `a\b`}, {localSide, "C:a"}, {remoteSide, "/a/../b"},
		{remoteSide, "a\nb"}, {localSide, "a\x00"}, {remoteSide, "/./"},
	} {
		if e, err := parseExclusion(c.of, c.pattern); err == nil {
			t.Errorf("%q is accepted as %+v", c.pattern, e)
		}
	}
}

func TestExclusionFoldsWhereLocalNamesDo(t *testing.T) {
	x, err := newExcluder(localSide, []string{"*.bak"}, true)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := writtenPlace(localSide, `C:\A.BAK`); !x.covers(p, 0, false) {
		t.Error("*.bak does not keep A.BAK out although names match in any case here")
	}
}
