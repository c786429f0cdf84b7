package app

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
)

func TestHostMap(t *testing.T) {
	good := []struct {
		values []string
		want   map[string]string
	}{
		{nil, map[string]string{}},
		{[]string{"ftp.myhost.com=127.0.0.1"}, map[string]string{"ftp.myhost.com": "127.0.0.1"}},
		{[]string{"FTP.MyHost.com=127.0.0.1:2121"}, map[string]string{"ftp.myhost.com": "127.0.0.1:2121"}},
		{[]string{"h=[::1]:2121"}, map[string]string{"h": "[::1]:2121"}},
		{[]string{"h=::1"}, map[string]string{"h": "::1"}},
		{[]string{"a=1.2.3.4", "b=other.example"}, map[string]string{"a": "1.2.3.4", "b": "other.example"}},
	}
	for _, c := range good {
		if have, err := HostMap(c.values); err != nil || !maps.Equal(have, c.want) {
			t.Errorf("%q: %v, %v, expected %v", c.values, have, err, c.want)
		}
	}
	bad := map[string]string{
		"nonsense":       "expected NAME=ADDRESS",
		"=1.2.3.4":       "expected NAME=ADDRESS",
		"h=":             "expected NAME=ADDRESS",
		"h=1.2.3.4:0":    "is not a port",
		"h=1.2.3.4:ftp":  "is not a port",
		"h=1.2.3.4:":     "is not a port",
		"h=:21":          "is not a port",
		"h=1:21 H=2:21":  "h is mapped twice",
		"h=1.2.3.4:-1":   "is not a port",
		"h=[::1]:700000": "is not a port",
	}
	for values, want := range bad {
		_, err := HostMap(strings.Fields(values))
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%s: %v, expected %s", values, err, want)
		}
	}
}

func TestDriveMap(t *testing.T) {
	dir := t.TempDir()
	good := []struct {
		values []string
		want   map[string]string
	}{
		{nil, map[string]string{}},
		{[]string{"C=in"}, map[string]string{"C": filepath.Join(dir, "in")}},
		{[]string{"c:=in"}, map[string]string{"C": filepath.Join(dir, "in")}},
		{[]string{"C=" + dir}, map[string]string{"C": dir}},
		{[]string{`\\Server\Share=in`}, map[string]string{`\\server\share`: filepath.Join(dir, "in")}},
		{[]string{`//server/share=in`}, map[string]string{`\\server\share`: filepath.Join(dir, "in")}},
		{[]string{"C=a", "D=b=c"}, map[string]string{"C": filepath.Join(dir, "a"), "D": filepath.Join(dir, "b=c")}},
	}
	for _, c := range good {
		if have, err := DriveMap(c.values, dir); err != nil || !maps.Equal(have, c.want) {
			t.Errorf("%q: %v, %v, expected %v", c.values, have, err, c.want)
		}
	}
	bad := [][]string{
		{"C"}, {"C="}, {"=in"}, {"CD=in"}, {"1=in"}, {"é=in"}, {`\\server=in`}, {`\\server\share\more=in`}, {`server\share=in`},
		{"C=a", "c=b"}, {`\\s\h=a`, `//S/H=b`},
	}
	for _, values := range bad {
		if have, err := DriveMap(values, dir); err == nil {
			t.Errorf("%q is %v", values, have)
		}
	}
}
