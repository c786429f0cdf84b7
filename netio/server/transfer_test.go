package server_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

func TestStoring(t *testing.T) {
	address, dir := start(t)
	c := login(t, address)
	steps := []struct{ command, data, want string }{
		{"STOR f", "long contents", "long contents"},
		{"STOR f", "short", "short"},
		{"APPE f", "+more", "short+more"},
		{"REST 2; STOR f", "XX", "shXX"}, // what was behind is gone
		{"REST 4; APPE f", "!", "shXX!"}, // APPE knows its own place
		{"APPE new", "a", "a"},
		{"STOR f", "", ""},
	}
	for _, step := range steps {
		first, last, two := strings.Cut(step.command, "; ")
		if two {
			c.want(first, "350")
		} else {
			last = first
		}
		if _, final := c.put(last, step.data); final != "226 Transfer complete" {
			t.Fatalf("%s: %s", step.command, final)
		}
		_, name, _ := strings.Cut(last, " ")
		if got := read(t, dir, name); got != step.want {
			t.Errorf("after %s the file holds %q, want %q", step.command, got, step.want)
		}
	}
}

func TestStoringUnderANewName(t *testing.T) {
	address, dir := start(t)
	c := login(t, address)
	for _, want := range []struct{ command, name string }{
		{"STOU report", "report"}, {"STOU report", "report.1"}, {"STOU", "ftp"}, {"STOU", "ftp.1"},
	} {
		preliminary, final := c.put(want.command, want.name)
		if preliminary != "150 FILE: "+want.name || final != "226 Transfer complete (unique file name: "+want.name+")" {
			t.Errorf("%s: %s, %s", want.command, preliminary, final)
		}
		if got := read(t, dir, want.name); got != want.name {
			t.Errorf("%s holds %q", want.name, got)
		}
	}
}

func TestRestartedDownloads(t *testing.T) {
	address, dir := start(t)
	write(t, dir, "f", "0123456789")
	c := login(t, address)
	for offset, want := range map[string]string{"0": "0123456789", "4": "456789", "10": ""} {
		c.want("REST "+offset, "350")
		if got, final := c.get("RETR f"); got != want || !strings.HasPrefix(final, "226") {
			t.Errorf("from %s: %q, %s", offset, got, final)
		}
	}
	c.want("REST 4", "350")
	c.want("CWD /", "250") // the position holds for the next transfer only
	if got, _ := c.get("RETR f"); got != "0123456789" {
		t.Errorf("a forgotten restart brought %q", got)
	}
}

func TestASCIIConversion(t *testing.T) {
	address, dir := start(t)
	c := login(t, address)
	c.want("TYPE A", "200")
	long := strings.Repeat(strings.Repeat("x", 999)+"\n", 200)
	for _, here := range []string{"", "\n", "a\nb", "a\nb\n", "dos\r\nfile\r\n", "lone\rreturn", "\r", "\r\r\n", long} {
		wire := strings.ReplaceAll(here, "\n", "\r\n")
		if _, final := c.put("STOR f", wire); !strings.HasPrefix(final, "226") {
			t.Fatalf("STOR: %s", final)
		}
		if got := read(t, dir, "f"); got != here {
			t.Errorf("stored %.40q, want %.40q", got, here)
		}
		if got, _ := c.get("RETR f"); got != wire {
			t.Errorf("sent %.40q, want %.40q", got, wire)
		}
	}
	c.want("TYPE I", "200")
	if _, _ = c.put("STOR f", "a\r\nb"); read(t, dir, "f") != "a\r\nb" {
		t.Error("binary type converts")
	}
}

// A conversion must not depend on where the network cuts the bytes.
func TestASCIIAcrossPieces(t *testing.T) {
	address, dir := start(t)
	c := login(t, address)
	c.want("TYPE A", "200")
	open := dataModes()[0].announce(c)
	c.want("STOR f", "150")
	conn := open()
	for _, piece := range []string{"a\r", "\nb\r", "\r\n", "c\r", "d\r"} {
		if _, err := io.WriteString(conn, piece); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	conn.Close()
	c.expect("226")
	if got := read(t, dir, "f"); got != "a\nb\r\nc\rd\r" {
		t.Errorf("stored %q", got)
	}
}

func TestAbortedTransfers(t *testing.T) {
	address, dir := start(t)
	write(t, dir, "big", strings.Repeat("x", 64<<20))
	c := login(t, address)
	for _, mode := range dataModes() {
		open := mode.announce(c)
		c.want("RETR big", "150")
		conn := open()
		if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		c.want("ABOR", "426")
		c.expect("226")
		conn.Close()

		open = mode.announce(c)
		c.want("STOR part", "150")
		conn = open()
		if _, err := io.WriteString(conn, mode.name); err != nil {
			t.Fatal(err)
		}
		// Before the server has taken the connection, ABOR has another answer.
		for read(t, dir, "part") != mode.name {
			time.Sleep(time.Millisecond)
		}
		c.want("ABOR", "426")
		c.expect("226")
		if _, err := conn.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("%s: the aborted data connection ended with %v, want a reset", mode.name, err)
		}
		c.want("NOOP", "200") // and the session is whole
		if got, _ := c.getBy(mode, "NLST"); got != "big\r\npart\r\n" {
			t.Errorf("%s: after aborts the listing is %q", mode.name, got)
		}
	}
}

func TestAbortBeforeTheDataConnection(t *testing.T) {
	address, _ := start(t)
	c := login(t, address)
	c.want("EPSV", "229")
	c.want("STOR x", "150")
	c.want("ABOR", "425")
	c.expect("226")
	c.want("SIZE x", "550")
}

// An upload whose connection was reset is not complete, however many bytes came.
func TestResetUploadIsNotComplete(t *testing.T) {
	address, _ := start(t)
	c := login(t, address)
	for _, verb := range []string{"STOR f", "APPE f", "STOU f"} {
		for _, mode := range dataModes() {
			open := mode.announce(c)
			c.want(verb, "150")
			conn := open()
			if _, err := io.WriteString(conn, "begin"); err != nil {
				t.Fatal(err)
			}
			conn.SetLinger(0)
			conn.Close()
			c.expect("426")
		}
	}
	c.want("NOOP", "200")
}

func TestResetDownloadIsNotComplete(t *testing.T) {
	address, dir := start(t)
	write(t, dir, "big", strings.Repeat("x", 64<<20))
	c := login(t, address)
	open := dataModes()[0].announce(c)
	c.want("RETR big", "150")
	conn := open()
	conn.SetLinger(0)
	conn.Close()
	c.expect("426")
	c.want("NOOP", "200")
}

func TestCommandsDuringATransfer(t *testing.T) {
	address, _ := start(t)
	c := login(t, address)
	open := dataModes()[0].announce(c)
	c.want("STOR f", "150")
	conn := open()
	c.want("NOOP", "200")
	if _, err := io.WriteString(conn, "1234"); err != nil {
		t.Fatal(err)
	}
	if got := c.want("STAT", "211-"); !strings.Contains(got, "STOR f: ") {
		t.Errorf("STAT tells %q", got)
	}
	c.send("SIZE f") // waits for the end
	c.send("QUIT")
	c.want("NOOP", "200")
	conn.Close()
	c.expect("226")
	c.expect("213 4")
	c.expect("221")
	c.gone()
}

func TestClosedControlConnectionEndsTheTransfer(t *testing.T) {
	address, _ := start(t)
	c := login(t, address)
	open := dataModes()[0].announce(c)
	c.want("STOR f", "150")
	conn := open()
	c.conn.Close()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the data connection outlives the control connection")
	}
}

func TestIdleAndStalledConnections(t *testing.T) {
	t.Parallel()
	address, dir := start(t, func(o *server.Options) {
		o.DataTimeout = 50 * time.Millisecond
		o.IdleTimeout = 3 * time.Second // between the commands of this test
	})
	write(t, dir, "big", strings.Repeat("x", 64<<20))
	c := login(t, address)
	c.want("EPSV", "229")
	c.want("LIST", "150")
	c.expect("425") // nobody came
	open := dataModes()[0].announce(c)
	c.want("STOR f", "150")
	open()
	c.expect("426") // nothing came
	open = dataModes()[0].announce(c)
	c.want("RETR big", "150")
	open()
	c.expect("426") // nothing was taken
	c.expect("421") // and no command came
	c.gone()
}

func TestConnectionCap(t *testing.T) {
	address, _ := start(t, func(o *server.Options) { o.MaxConnections = 2 })
	first, second := login(t, address), login(t, address)
	third := dial(t, address)
	third.expect("421")
	third.gone()
	first.want("QUIT", "221")
	first.gone()
	// The place is free a moment after the good-bye.
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		next := dial(t, address)
		if strings.HasPrefix(next.reply(), "220") {
			second.want("NOOP", "200")
			return
		}
	}
	t.Error("the place of a closed connection was not given to another")
}

// Close ends everything at once, whatever is under way.
func TestCloseInMidTransfer(t *testing.T) {
	dir := t.TempDir()
	s, err := server.Listen(t.Context(), "127.0.0.1:0", server.Options{Dir: dir, Users: map[string]string{"joe": "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	uploading, waiting, idle := login(t, s.Addr()), login(t, s.Addr()), login(t, s.Addr())
	open := dataModes()[0].announce(uploading)
	uploading.want("STOR f", "150")
	conn := open()
	waiting.want("EPSV", "229")
	waiting.want("LIST", "150")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	idle.expect("421")
	idle.gone()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the data connection is still open")
	}
	if _, err := os.Stat(filepath.Join(dir, "f")); err != nil {
		t.Error(err)
	}
}
