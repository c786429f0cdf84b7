package listing

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/netio/session"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func readAll(t interface{ Fatal(...any) }, lines ...string) session.Listing {
	l, err := Read(strings.NewReader(strings.Join(lines, "\r\n")), LIST, Options{Now: noon, System: "linux"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func times(n int, line string) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = line
	}
	return lines
}

// One dialect reads a whole listing, the one that understands most of its head.
func TestRead_ChoosesOneDialect(t *testing.T) {
	const (
		unixLine = "-rw-r--r-- 1 u g 1 Nov 21 18:30 a"
		dosLine  = "11-21-26  06:30PM                    1 b"
		vmsLine  = "C.TXT;1 1/3 21-NOV-2026 18:30:00 [U] (RWED,,,)"
		noise    = "550 this is what a server says when it is confused"
	)
	tests := []struct {
		name             string
		lines            []string
		dialect          string
		entries, unknown int
	}{
		{"nothing", nil, "", 0, 0},
		{"only noise", times(250, noise), "", 0, 250},
		{"only a total", []string{"total 0"}, "Unix", 0, 0},
		{"an odd first line", append([]string{dosLine}, times(5, unixLine)...), "Unix", 5, 1},
		{"odd lines among others", []string{dosLine, unixLine, dosLine, vmsLine, dosLine}, "DOS", 3, 2},
		{"as many of each", []string{vmsLine, dosLine, unixLine}, "Unix", 1, 2},
		{"another dialect behind the head", append(times(headLines, unixLine), times(500, dosLine)...), "Unix", headLines, 500},
		{"noise longer than a head", append(times(headLines+1, noise), times(3, dosLine)...), "DOS", 3, headLines + 1},
		{"a header of z/OS in a listing of Unix", append([]string{" Name     VV.MM   Created", "lure"}, times(3, unixLine)...), "Unix", 3, 2},
		{"half an entry at the end of the head", append(times(headLines-1, vmsLine), "LONG.TXT;1", "   1/3 21-NOV-2026 18:30:00 [U] (RWED,,,)"), "VMS", 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := readAll(t, tt.lines...)
			if l.Dialect != tt.dialect || len(l.Entries) != tt.entries || l.Unknown != tt.unknown {
				t.Errorf("got %q, %d entries, %d not understood; want %q, %d, %d",
					l.Dialect, len(l.Entries), l.Unknown, tt.dialect, tt.entries, tt.unknown)
			}
		})
	}
}

// The order of a date's figures is found out once for the whole listing.
func TestDateOrder(t *testing.T) {
	tests := []struct {
		name  string
		dates []string
		want  string // of the first
	}{
		{"nothing tells", []string{"03-04-26"}, "2026-03-04"},
		{"points", []string{"03.04.26"}, "2026-04-03"},
		{"a day above 12 tells", []string{"03-04-26", "25-04-26"}, "2026-04-03"},
		{"a month first tells", []string{"03.04.26", "04/25/26"}, "2026-04-03"},
		{"what lies ahead tells", []string{"11-12-26"}, "2026-11-12"},
		{"what lies ahead tells of others", []string{"03-04-26", "12-11-26"}, "2026-04-03"},
		{"all lies ahead", []string{"31-12-26"}, "2026-12-31"},
		{"most tell", []string{"03-04-26", "25-04-26", "26-04-26", "04-27-26"}, "2026-04-03"},
		{"year first", []string{"24/04/30", "25/04/30"}, "2024-04-30"},
		{"four figures", []string{"2024/03/04", "25-04-26"}, "2024-03-04"},
		{"four figures at the end", []string{"03/04/2024", "25/04/2024"}, "2024-04-03"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, date := range tt.dates {
				lines = append(lines, date+"  15:04   1 a")
			}
			l := readAll(t, lines...)
			if len(l.Entries) != len(lines) || l.Entries[0].Time.Format(time.DateOnly) != tt.want {
				t.Errorf("got %+v, want %s", l.Entries, tt.want)
			}
		})
	}
}

// anyName draws a name of any bytes that this dialect and a file system can hold.
func anyName(without string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		n := rapid.IntRange(1, 40).Draw(t, "length")
		name := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "name")
		for i, c := range name {
			if c == 0 || c == '\n' || c == '\r' || c == '/' || strings.IndexByte(without, c) >= 0 {
				name[i] = 'x'
			}
		}
		if text := string(name); text != "." && text != ".." {
			return text
		}
		return "dots"
	})
}

func wordName(alphabet string, longest int) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.SampledFrom([]rune(alphabet)), 1, longest, longest)
}

// anyTime draws a moment before noon, to the second.
func anyTime(t *rapid.T, from int) time.Time {
	start := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	return time.Unix(rapid.Int64Range(start, noon.Unix()).Draw(t, "time"), 0).UTC()
}

const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// What a server writes of an entry is read back, in every dialect.
func TestRead_ReadsBack(t *testing.T) {
	type written struct {
		line string
		want session.Entry
	}
	minute := func(at time.Time) (time.Time, time.Duration) { return at.Truncate(time.Minute), time.Minute }
	dialects := map[string]struct {
		header []string
		draw   func(t *rapid.T) written
	}{
		"Unix": {nil, func(t *rapid.T) written {
			e := session.Entry{Name: anyName("").Draw(t, "name"), Size: rapid.Int64Range(0, 1<<62).Draw(t, "size"), HasMode: true, Mode: 0o644}
			at := anyTime(t, 1970)
			date := at.Format("Jan _2  2006")
			if e.Time, e.Grain = at.Truncate(24*time.Hour), 24*time.Hour; at.After(noon.AddDate(0, 0, -180)) {
				date = at.Format("Jan _2 15:04")
				e.Time, e.Grain = minute(at)
			}
			owner := rapid.SampledFrom([]string{"jane", "ACME\\Jane Doe", "0"}).Draw(t, "owner")
			group := rapid.SampledFrom([]string{"users", "domain users", "", "123"}).Draw(t, "group")
			start, tail := "-rw-r--r--", ""
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 1:
				e.Kind, start = session.KindDir, "drw-r--r--"
			case 2:
				e.Kind, start, e.Target = session.KindLink, "lrw-r--r--", anyName("").Draw(t, "target")
				e.Size = int64(len(e.Target))
				tail = " -> " + e.Target
			}
			links := rapid.SampledFrom([]string{"1 ", "12 ", ""}).Draw(t, "links")
			mark := rapid.SampledFrom([]string{"", ".", "@", "+"}).Draw(t, "mark")
			line := fmt.Sprintf("%s%s %s%s %s %d %s %s%s", start, mark, links, owner, group, e.Size, date, e.Name, tail)
			if e.Kind != session.KindFile {
				e.Size = -1
			}
			return written{line, e}
		}},
		"DOS": {nil, func(t *rapid.T) written {
			e := session.Entry{Name: anyName("").Draw(t, "name"), Size: rapid.Int64Range(0, 1<<40).Draw(t, "size")}
			at := anyTime(t, 1980)
			e.Time, e.Grain = minute(at)
			column := fmt.Sprintf("%20d", e.Size)
			if rapid.Bool().Draw(t, "dir") {
				e.Kind, e.Size, column = session.KindDir, -1, "       <DIR>         "
			}
			return written{at.Format("01-02-06  03:04PM") + column + " " + e.Name, e}
		}},
		"VMS": {[]string{"", "Directory DISK:[JANE]"}, func(t *rapid.T) written {
			e := session.Entry{Name: wordName(capitals+"_$-", 39).Draw(t, "name") + ".X" + wordName(capitals, 3).Draw(t, "type"), Size: -1}
			e.Time, e.Grain = anyTime(t, 1970), time.Second
			stem := e.Name
			if rapid.Bool().Draw(t, "dir") {
				e.Kind, stem = session.KindDir, e.Name+".DIR"
			}
			gap := rapid.SampledFrom([]string{" ", "\r\n          "}).Draw(t, "gap")
			line := fmt.Sprintf("%s;%d%s 1/3 %s [JANE] (RWED,RWED,RE,)", stem, rapid.IntRange(1, 32767).Draw(t, "version"), gap,
				strings.ToUpper(e.Time.Format("_2-Jan-2006 15:04:05")))
			return written{line, e}
		}},
		"z/OS": {[]string{" Name     VV.MM   Created       Changed      Size  Init   Mod   Id"}, func(t *rapid.T) written {
			e := session.Entry{Name: wordName(capitals+"$#@", 8).Draw(t, "name"), Size: -1}
			at := anyTime(t, 1970)
			if rapid.Bool().Draw(t, "bare") {
				return written{e.Name, e}
			}
			e.Time, e.Grain = minute(at)
			return written{fmt.Sprintf("%-9s 01.01 2024/03/22 %s    60    60     0 JANE", e.Name, at.Format("2006/01/02 15:04")), e}
		}},
		"IBM i": {nil, func(t *rapid.T) written {
			e := session.Entry{Name: anyName("").Draw(t, "name"), Size: rapid.Int64Range(0, 1<<40).Draw(t, "size")}
			e.Time, e.Grain = anyTime(t, 1970), time.Second
			size, object, name := e.Size, "*STMF", e.Name
			if rapid.Bool().Draw(t, "dir") {
				e.Kind, e.Size, object, name = session.KindDir, -1, "*DIR", name+"/"
			}
			return written{fmt.Sprintf("%-10s %10d %s %-10s %s", "JANE", size, e.Time.Format("01/02/06 15:04:05"), object, name), e}
		}},
		"NetWare": {[]string{"total 0"}, func(t *rapid.T) written {
			e := session.Entry{Name: anyName("").Draw(t, "name"), Size: rapid.Int64Range(0, 1<<40).Draw(t, "size"), Grain: 24 * time.Hour}
			e.Time = anyTime(t, 1970).Truncate(24 * time.Hour)
			return written{fmt.Sprintf("- [RWCEAFMS] %-20s %12d %s %s", "jane", e.Size, e.Time.Format("Jan 02  2006"), e.Name), e}
		}},
		"EPLF": {nil, func(t *rapid.T) written {
			e := session.Entry{Name: anyName("").Draw(t, "name"), Size: rapid.Int64Range(0, 1<<40).Draw(t, "size"), Exact: true}
			e.Time = anyTime(t, 1970)
			return written{fmt.Sprintf("+i8388621.44468,m%d,r,s%d,\t%s", e.Time.Unix(), e.Size, e.Name), e}
		}},
		"OS/2": {nil, func(t *rapid.T) written {
			e := session.Entry{Name: anyName("").Draw(t, "name"), Size: rapid.Int64Range(0, 1<<40).Draw(t, "size")}
			at := anyTime(t, 1980)
			e.Time, e.Grain = minute(at)
			return written{fmt.Sprintf("%18d      A          %s  %s", e.Size, at.Format("01-02-06   15:04"), e.Name), e}
		}},
		"z/VM": {nil, func(t *rapid.T) written {
			name, kind := wordName(capitals+"$#@", 8).Draw(t, "name"), wordName(capitals+"$#@", 8).Draw(t, "type")
			e := session.Entry{Name: name + "." + kind, Size: -1, Time: anyTime(t, 1970), Grain: time.Second}
			return written{fmt.Sprintf("%-8s %-8s V %10d %10d %10d %s %-8s", name, kind, 80, 12, 1, e.Time.Format(time.DateTime), "JANE"), e}
		}},
		"Guardian": {[]string{"File         Code             EOF  Last Modification    Owner  RWEP"}, func(t *rapid.T) written {
			e := session.Entry{Name: wordName(capitals, 8).Draw(t, "name"), Size: rapid.Int64Range(0, 1<<40).Draw(t, "size")}
			e.Time, e.Grain = anyTime(t, 1970), time.Second
			return written{fmt.Sprintf("%-12s %5d %15d  %s 244, 10 \"nnnn\"", e.Name, 101, e.Size, e.Time.Format("02-Jan-06 15:04:05")), e}
		}},
		"VxWorks": {[]string{"  size          date       time       name", "--------       ------     ------    --------"}, func(t *rapid.T) written {
			e := session.Entry{Name: wordName(capitals+"._- ", 20).Draw(t, "name"), Size: rapid.Int64Range(0, 1<<40).Draw(t, "size")}
			e.Name = "x" + e.Name
			e.Time, e.Grain = anyTime(t, 1970), time.Second
			column := e.Name
			if rapid.Bool().Draw(t, "dir") {
				e.Name = strings.TrimRight(e.Name, " ")
				e.Kind, column = session.KindDir, fmt.Sprintf("%-20s <DIR>", e.Name)
			}
			line := fmt.Sprintf("%8d    %s   %s", e.Size, e.Time.Format("Jan-02-2006  15:04:05"), column)
			if e.Kind == session.KindDir {
				e.Size = -1
			}
			return written{line, e}
		}},
	}
	for name, dialect := range dialects {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				lines := append([]string(nil), dialect.header...)
				var want []session.Entry
				last := ""
				for range rapid.IntRange(1, 5).Draw(t, "entries") {
					w := dialect.draw(t)
					if w.want.Name == last { // the same file again, for VMS
						continue
					}
					last = w.want.Name
					lines, want = append(lines, w.line), append(want, w.want)
				}
				l := readAll(t, lines...)
				if l.Dialect != name || l.Unknown != 0 || l.Hostile != 0 || len(l.Entries) != len(want) {
					t.Fatalf("got %s\nof %q", render(l), lines)
				}
				for i, e := range l.Entries {
					if e != want[i] {
						t.Fatalf("got %+v\nwant %+v\nof %q", e, want[i], lines)
					}
				}
			})
		})
	}
}

// FuzzDialects holds that adding a line to a listing never loses another one
// without a word: every line is an entry, counted, or one that means nothing.
func FuzzDialects(f *testing.F) {
	for _, s := range readSamples(f) {
		if s.format == LIST {
			for line := range bytes.Lines(s.body) {
				f.Add(trimLineEnd(line), byte(len(line)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, line []byte, which byte) {
		if bytes.IndexByte(line, '\n') >= 0 || len(line) == 0 || len(line) > 1000 {
			return
		}
		line = bytes.TrimSuffix(line, []byte{'\r'})
		known := "-rw-r--r-- 1 u g 1 Nov 21 18:30 known"
		if which%2 == 0 {
			known = "11-21-26  06:30PM                    1 known"
		}
		// Nine lines of one dialect cannot be outvoted by one.
		l := readAll(t, append(times(9, known), string(line))...)
		found := 0
		for _, e := range l.Entries {
			if e.Name == "known" {
				found++
			}
		}
		if found < 9 {
			t.Errorf("%q hid %d entries", line, 9-found)
		}
	})
}
