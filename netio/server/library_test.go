package server_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jlaffaye/ftp"
)

// A client that others wrote gets along with the server.
func TestLibraryClient(t *testing.T) {
	address, _ := start(t)
	c, err := ftp.Dial(address, ftp.DialWithTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(c.Login("joe", "secret"))
	check(c.MakeDir("in"))
	check(c.ChangeDir("in"))
	check(c.Stor("a b.txt", strings.NewReader("hello")))
	check(c.Append("a b.txt", strings.NewReader(", world")))
	check(c.StorFrom("a b.txt", strings.NewReader("there"), 7))
	response, err := c.RetrFrom("a b.txt", 3)
	check(err)
	b, err := io.ReadAll(response)
	check(err)
	check(response.Close())
	if string(b) != "lo, there" {
		t.Errorf("read %q", b)
	}
	if size, err := c.FileSize("a b.txt"); err != nil || size != 12 {
		t.Errorf("size %d, %v", size, err)
	}
	when := time.Date(2024, 2, 29, 12, 30, 15, 0, time.UTC)
	check(c.SetTime("a b.txt", when))
	if got, err := c.GetTime("a b.txt"); err != nil || !got.Equal(when) {
		t.Errorf("time %v, %v", got, err)
	}
	entries, err := c.List("")
	check(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
		if e.Name == "a b.txt" && (e.Size != 12 || !e.Time.Equal(when)) {
			t.Errorf("listed as %d bytes of %v", e.Size, e.Time)
		}
	}
	if got := strings.Join(names, "|"); got != ".|a b.txt|.." {
		t.Errorf("listing: %s", got)
	}
	check(c.Rename("a b.txt", "../c.txt"))
	check(c.ChangeDirToParent())
	if dir, err := c.CurrentDir(); err != nil || dir != "/" {
		t.Errorf("current directory %q, %v", dir, err)
	}
	check(c.RemoveDir("in"))
	check(c.Delete("c.txt"))
	check(c.Quit())
}
