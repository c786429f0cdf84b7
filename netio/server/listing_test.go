package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

// listed is a folder with one of each kind, all of a known time.
func listed(t *testing.T, dir string) {
	t.Helper()
	when := time.Date(2020, 3, 4, 5, 6, 7, 0, time.UTC)
	write(t, dir, "a.txt", "12345")
	write(t, dir, "sub/inner.txt", "x")
	write(t, dir, "b c.dat", "")
	if err := os.Symlink("a.txt", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "a.txt"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.txt", "b c.dat", "sub/inner.txt", "sub", "."} {
		if err := os.Chmod(filepath.Join(dir, name), modeOf(name)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
}

func modeOf(name string) os.FileMode {
	switch name {
	case "sub", ".":
		return 0o755
	case "a.txt":
		return 0o640
	}
	return 0o600
}

func TestLIST(t *testing.T) {
	address, dir := start(t)
	listed(t, dir)
	c := login(t, address)
	got, final := c.get("LIST")
	lines := strings.Split(got, "\r\n")
	want := []string{
		"-rw-r-----   1 ftp      ftp                 5 Mar  4  2020 a.txt",
		"-rw-------   1 ftp      ftp                 0 Mar  4  2020 b c.dat",
		"lrwxrwxrwx   1 ftp      ftp                 5 ", // link, of today
		"drwxr-xr-x   2 ftp      ftp      ",
		"",
	}
	if len(lines) != len(want) || final != "226 Listing complete, 4 names" {
		t.Fatalf("LIST brought %q: %s", got, final)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want[i])
		}
	}
	if !strings.HasSuffix(lines[2], " link -> a.txt") || !strings.HasSuffix(lines[3], " Mar  4  2020 sub") {
		t.Errorf("LIST brought %q", got)
	}
	for command, names := range map[string]int{
		"LIST -la": 4, "LIST -a -l": 4, "LIST -l sub": 1, "LIST a.txt": 1, "LIST *.txt": 1, "LIST ?*": 4, "LIST sub/*": 1, "LIST none*": 0, "LIST /": 4,
	} {
		if got, _ := c.get(command); strings.Count(got, "\r\n") != names {
			t.Errorf("%s brought %q, want %d names", command, got, names)
		}
	}
}

func TestRecentFilesAreListedWithTheTime(t *testing.T) {
	zone := time.FixedZone("here", -3*3600)
	address, dir := start(t, func(o *server.Options) { o.Zone = zone })
	write(t, dir, "f", "")
	when := time.Now().Add(-40 * 24 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "f"), when, when); err != nil {
		t.Fatal(err)
	}
	c := login(t, address)
	if got, _ := c.get("LIST"); !strings.Contains(got, when.In(zone).Format(" Jan _2 15:04 f")) {
		t.Errorf("LIST brought %q", got)
	}
	if got, _ := c.get("MLSD"); !strings.Contains(got, "modify="+when.UTC().Format("20060102150405")) {
		t.Errorf("MLSD brought %q", got)
	}
}

func TestNLST(t *testing.T) {
	address, dir := start(t)
	listed(t, dir)
	c := login(t, address)
	for command, want := range map[string]string{
		"NLST": "a.txt|b c.dat|link|sub|", "NLST sub": "sub/inner.txt|", "NLST sub/": "sub/inner.txt|", "NLST /sub": "/sub/inner.txt|",
		"NLST *.txt": "a.txt|", "NLST sub/*.txt": "sub/inner.txt|", "NLST a.txt": "a.txt|", "NLST -a": "a.txt|b c.dat|link|sub|",
	} {
		if got, _ := c.get(command); strings.ReplaceAll(got, "\r\n", "|") != want {
			t.Errorf("%s brought %q, want %s", command, got, want)
		}
	}
	c.want("EPSV", "229")
	c.want("NLST none", "550")
}

func TestMLSDAndMLST(t *testing.T) {
	address, dir := start(t)
	listed(t, dir)
	c := login(t, address)
	got, _ := c.get("MLSD")
	link, _ := os.Lstat(filepath.Join(dir, "link"))
	want := []string{
		"type=cdir;modify=20200304050607;perm=cdeflmp;UNIX.mode=0755; .",
		"type=file;size=5;modify=20200304050607;perm=adfrw;UNIX.mode=0640; a.txt",
		"type=file;size=0;modify=20200304050607;perm=adfrw;UNIX.mode=0600; b c.dat",
		fmt.Sprintf("type=OS.unix=slink:a.txt;modify=%s;perm=adfrw;UNIX.mode=0777; link", link.ModTime().UTC().Format("20060102150405")),
		"type=dir;modify=20200304050607;perm=cdeflmp;UNIX.mode=0755; sub",
		"",
	}
	if lines := strings.Split(got, "\r\n"); strings.Join(lines, "|") != strings.Join(want, "|") {
		t.Errorf("MLSD brought\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if got, _ := c.get("MLSD sub"); !strings.HasSuffix(got, "; inner.txt\r\ntype=pdir;modify=20200304050607;perm=cdeflmp;UNIX.mode=0755; ..\r\n") {
		t.Errorf("MLSD sub brought %q", got)
	}
	if got := c.cmd("MLST a.txt"); got != "250-Listing\n type=file;size=5;modify=20200304050607;perm=adfrw;UNIX.mode=0640; /a.txt\n250 End" {
		t.Errorf("MLST tells %q", got)
	}
	c.want("OPTS MLST size;", "200")
	if got, _ := c.get("MLSD"); !strings.Contains(got, "\r\nsize=5; a.txt\r\n") || !strings.Contains(got, "\r\n sub\r\n") {
		t.Errorf("MLSD with one fact brought %q", got)
	}
}

// A clock that is wrong is wrong in everything that the server tells and is told.
func TestClockOffset(t *testing.T) {
	address, dir := start(t, func(o *server.Options) { o.ClockOffset = 2 * time.Hour })
	listed(t, dir)
	c := login(t, address)
	c.want("MDTM a.txt", "213 20200304070607")
	c.want("MFMT 20210101120000 a.txt", "213")
	c.want("MDTM a.txt", "213 20210101120000")
	info, err := os.Stat(filepath.Join(dir, "a.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.ModTime().UTC().Format(time.DateTime); got != "2021-01-01 10:00:00" {
		t.Errorf("the file is of %s", got)
	}
}

// A dialect of another server is a payload away.
func TestForeignListing(t *testing.T) {
	address, _ := start(t, withFaults(t, `on LIST: payload "01-02-26  03:04PM       <DIR>          iisdir\r\n"`))
	c := login(t, address)
	if got, final := c.get("LIST"); got != "01-02-26  03:04PM       <DIR>          iisdir\r\n" || !strings.HasPrefix(final, "226") {
		t.Errorf("LIST brought %q: %s", got, final)
	}
}
