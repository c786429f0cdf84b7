package builtins

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestSetEncoding(t *testing.T) {
	settings, _, result := settingsAfter(t, `SETENCODING("windows-1252")`, `SETENCODING("ebcdic")`)
	if result != "OK 20301" || settings.encoding != "windows-1252" {
		t.Errorf("got %s and %q", result, settings.encoding)
	}
	settings, _, result = settingsAfter(t, `SETENCODING("koi8-r")`, `SETENCODING(AUTO)`)
	if result != "OK OK" || settings.encoding != "" {
		t.Errorf("got %s and %q", result, settings.encoding)
	}
}

// A server with names in Latin-1 is used with UTF-8 in the script.
func TestSetEncoding_NamesOfTheServer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("file names of any bytes are Linux's")
	}
	s := newSite(t, siteOptions{files: map[string]string{"plain.txt": "1", "gr\xf6\xdfe.txt": "22", "d\xe9p\xf4t/": ""}})
	o := s.run(
		`SETENCODING("iso-8859-1")`,
		`OPENHOST("ftp.test","joe","pass-word-1")`,
		`GETLIST($l,REMOTE_FILES)`, `PRINT($l)`,
		`PRINT(GETFILESIZE("größe.txt"))`,
		`GETFILE("größe.txt")`,
		`CHDIR("dépôt")`, `PRINT(CWDIR)`, `PUTFILE("größe.txt")`,
		`$r=DELETEFILE("10€.txt")`, `PRINT(GETERROR(NAME))`, `PRINT(GETERROR)`, `PRINT($r)`,
	)
	want := []string{"größe.txt|plain.txt", "2", "/dépôt", "BAD_ARGUMENT"}
	if got := o.lines(); strings.Join(got[:len(want)], ",") != strings.Join(want, ",") || !strings.Contains(o.stdout, "U+20AC") {
		t.Errorf("got %q\n%s", o.stdout, o.transcript)
	}
	if o.result.Status != 0 {
		t.Errorf("status %d\n%s", o.result.Status, o.transcript)
	}
	if sent, err := os.ReadFile(filepath.Join(s.remote, "d\xe9p\xf4t", "gr\xf6\xdfe.txt")); err != nil || string(sent) != "22" {
		t.Errorf("got %q, %v", sent, err)
	}
	if got, err := os.ReadFile(filepath.Join(s.local, "größe.txt")); err != nil || string(got) != "22" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A name that is not written in the encoding is told and left out.
func TestSetEncoding_NotWrittenSo(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("file names of any bytes are Linux's")
	}
	s := newSite(t, siteOptions{files: map[string]string{"plain.txt": "1", "gr\xf6\xdfe.txt": "22"}})
	o := s.run(
		`SETENCODING("utf-8")`, `OPENHOST("ftp.test","joe","pass-word-1")`,
		`$r=GETLIST($l,REMOTE_FILES)`, `PRINT($l)`, `PRINT(GETERROR(NAME))`, `PRINT($r)`,
	)
	if got := o.lines(); strings.Join(got, ",") != "plain.txt,PARTIAL_SUCCESS,20209" || !o.has("1 name of the current directory left out: not written as SETENCODING says") {
		t.Errorf("got %q\n%s", o.stdout, o.transcript)
	}
}
