package compiler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/builtins/catalog"
)

func TestCheck_report(t *testing.T) {
	report, list := Check("test.ftp", []byte(`OPENHOST("h")
$r = PUTFILE("a")
IF($r == "OK" AND CHDIR("b") == "OK")
	$unread = GETFILE("c")
END IF
PRINT(GETFILESIZE("d"))
$size = GETFILESIZE("e")
IF(GETFILESIZE(LOCAL, "f") == "")
	PRINT(GETFILETIME("g") . $size)
END IF
`), catalog.Commands(), Options{})
	if err := list.Err(); err != nil {
		t.Fatal(list)
	}
	var got []string
	for _, c := range report.Calls {
		kind := "doing"
		if c.Kind == catalog.Telling {
			kind = "telling"
		}
		got = append(got, fmt.Sprintf("%d:%d %s(%s) %s looked=%v abandons=%v", c.Line, c.Column, c.Command, c.Form, kind, c.Looked, c.Abandons))
	}
	want := lines(`
		1:1 OPENHOST() doing looked=false abandons=false
		2:6 PUTFILE(set) doing looked=true abandons=false
		3:19 CHDIR() doing looked=true abandons=false
		4:12 GETFILE(set) doing looked=false abandons=false
		6:1 PRINT() doing looked=false abandons=false
		6:7 GETFILESIZE(remote) telling looked=false abandons=true
		7:9 GETFILESIZE(remote) telling looked=true abandons=false
		8:4 GETFILESIZE(side) telling looked=true abandons=false
		9:2 PRINT() doing looked=false abandons=false
		9:8 GETFILETIME(remote) telling looked=false abandons=true`)
	if got := strings.Join(got, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Which failures are looked at does not depend on folding: the bit comes from the
// script as written.
func TestLooked_notFolded(t *testing.T) {
	for _, c := range []struct {
		source string
		looked bool
	}{
		{`PRINT(GETENV("a") == "")`, true},
		{`PRINT("" == GETENV("a"))`, true},
		{`PRINT(GETENV("a") != '')`, true},
		{`PRINT(GETENV("a") > "")`, true},
		{`PRINT(GETENV("a") == " ")`, false},
		{`PRINT(GETENV("a") . "" == "")`, false},
		{`$x = GETENV("a")` + "\nPRINT($x)", true},
		{`$x = (GETENV("a"))` + "\nPRINT($X)", true},
		{`$x = "" . GETENV("a")` + "\nPRINT($x)", false},
		{`$x = GETENV("a")`, false},
		{`$x = GETENV("a") == ""`, true},
		{`FOREACH $x IN GETENV("a")` + "\nEND FOREACH", false},
	} {
		report, list := Check("test.ftp", []byte(c.source), catalog.Commands(), Options{})
		if err := list.Err(); err != nil {
			t.Fatal(list)
		}
		for _, call := range report.Calls {
			if call.Command == "GETENV" && call.Looked != c.looked {
				t.Errorf("%s: looked is %v", c.source, call.Looked)
			}
		}
	}
}
