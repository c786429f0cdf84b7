package server_test

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

func TestFaultyReplies(t *testing.T) {
	cases := []struct {
		name, script string
		then         func(c *client)
	}{
		{"wrong code", "on PWD: reply 999 what", func(c *client) { c.want("PWD", "999 what"); c.want("PWD", "999") }},
		{"only the second time", "on PWD 2: reply 550 no", func(c *client) {
			c.want("PWD", "257")
			c.want("PWD", "550 no")
			c.want("PWD", "257")
		}},
		{"the command is not carried out", "on MKD: reply 257 made", func(c *client) {
			c.want("MKD x", "257")
			c.want("CWD x", "550")
		}},
		{"carried out, but said to have failed", "on MKD: final 550 failed", func(c *client) {
			c.want("MKD x", "550 failed")
			c.want("CWD x", "250")
		}},
		{"by argument", "on SIZE *.txt: reply 550 hidden", func(c *client) {
			c.want("SIZE a/b.txt", "550 hidden")
			c.want("SIZE x", "550 No such")
		}},
		{"every command", "on * 5-: reply 421 enough; close", func(c *client) { // USER PASS TYPE came before
			c.want("PWD", "257")
			c.want("PWD", "421 enough")
			c.gone()
		}},
		{"close without a word", "on PWD: close", func(c *client) { c.send("PWD"); c.gone() }},
		{"reset", "on PWD: reset", func(c *client) {
			c.send("PWD")
			if _, err := c.in.ReadByte(); err == nil || err == io.EOF {
				c.t.Errorf("the connection ended with %v, want a reset", err)
			}
		}},
		{"silence", "on PWD 1: silence", func(c *client) { c.send("PWD"); c.want("NOOP", "200") }},
		{"delay", "on PWD: delay 30ms", func(c *client) {
			began := time.Now()
			c.want("PWD", "257")
			if took := time.Since(began); took < 30*time.Millisecond {
				c.t.Errorf("the reply came after %v", took)
			}
		}},
		{"raw bytes", `on PWD: raw "2\x0057\r\n257-a\r\n257 b\r\n"`, func(c *client) {
			c.send("PWD")
			if line, _ := c.in.ReadString('\n'); line != "2\x0057\r\n" {
				c.t.Errorf("got %q", line)
			}
			c.expect("257-a\n257 b")
		}},
		{"garbage", "on PWD: garbage 500", func(c *client) {
			c.send("PWD")
			if line, _ := c.in.ReadString('\n'); len(line) != 502 || strings.ContainsAny(line, "0123456789") {
				c.t.Errorf("got %q", line)
			}
		}},
		{"one byte at a time", "on PWD: drip 1ms", func(c *client) {
			c.want("PWD", `257 "/" is the current directory`)
		}},
		{"endless line", "on PWD: endless-line", func(c *client) { c.send("PWD"); c.endless('\n') }},
		{"endless reply", "on PWD: endless-reply", func(c *client) {
			c.send("PWD")
			for range 10_000 {
				if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "220-") {
					c.t.Fatalf("the reply ended with %q, %v", line, err)
				}
			}
			c.conn.Close()
		}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			address, _ := start(t, withFaults(t, test.script))
			test.then(login(t, address))
		})
	}
}

// endless insists on a million bytes without the one named.
func (c *client) endless(without byte) {
	c.t.Helper()
	for range 1_000_000 {
		if b, err := c.in.ReadByte(); err != nil || b == without {
			c.t.Fatalf("the line ended with %q, %v", b, err)
		}
	}
	c.conn.Close()
}

func TestFaultyGreetings(t *testing.T) {
	address, _ := start(t, withFaults(t, `
		on connect 1: reply 421 busy; close
		on connect 2: silence
		on connect 3: close
		on connect 4: reply 120 in a minute
		on connect 5: raw "SSH-2.0-wrong door\r\n"
	`))
	c := dial(t, address)
	c.expect("421 busy")
	c.gone()
	c = dial(t, address)
	c.want("NOOP", "200") // no greeting came before
	dial(t, address).gone()
	dial(t, address).expect("120")
	c = dial(t, address)
	if line, _ := c.in.ReadString('\n'); line != "SSH-2.0-wrong door\r\n" {
		t.Errorf("greeting is %q", line)
	}
	dial(t, address).expect("220")
}

func TestFaultyDownloads(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000) // 1 MB
	cases := []struct {
		name, script string
		data         string
		cut          bool // the data connection ends with an error
		final        string
	}{
		{"cut", "on RETR: cut 70000", text[:70000], true, "426"},
		{"cut at once", "on RETR: cut 0", "", true, "426"},
		{"short with a good reply", "on RETR: cut 70000 orderly; final 226 fine", text[:70000], false, "226 fine"},
		{"whole with a bad reply", "on RETR: final 451 disk trouble", text, false, "451 disk trouble"},
		{"250 instead of 226", "on RETR: final 250 done", text, false, "250"},
		{"corrupt", "on RETR: corrupt 500001", text[:500001] + string([]byte{^text[500001]}) + text[500002:], false, "226"},
		{"other contents", `on RETR: payload "a\x00b"`, "a\x00b", false, "226"},
		{"no contents", `on RETR: payload ""`, "", false, "226"},
		{"slow", "on RETR: rate 100000000", text, false, "226"},
		{"other first reply", "on RETR: preliminary 125 already open", text, false, "226"},
	}
	for _, test := range cases {
		for _, mode := range dataModes() {
			t.Run(test.name+" "+mode.name, func(t *testing.T) {
				address, dir := start(t, withFaults(t, test.script))
				write(t, dir, "f", text)
				c := login(t, address)
				open := mode.announce(c)
				c.want("RETR f", "1")
				conn := open()
				data, err := io.ReadAll(conn)
				if string(data) != test.data {
					t.Errorf("%d bytes arrived, want %d", len(data), len(test.data))
				}
				if (err != nil) != test.cut {
					t.Errorf("the data connection ended with %v", err)
				}
				c.expect(test.final)
				c.want("NOOP", "200")
			})
		}
	}
}

func TestFaultyUploads(t *testing.T) {
	text := strings.Repeat("0123456789", 10_000)
	address, dir := start(t, withFaults(t, `
		on STOR 1: cut 30000
		on STOR 2: final 452 full
		on STOR 3: corrupt 0
		on STOR 4: cut 7 orderly; final 226 fine
	`))
	c := login(t, address)
	for _, want := range []struct{ final, stored string }{
		{"426", text[:30000]}, {"452 full", text}, {"226", string([]byte{^byte('0')}) + text[1:]}, {"226 fine", text[:7]}, {"226", text},
	} {
		open := dataModes()[0].announce(c)
		c.want("STOR f", "150")
		conn := open()
		io.WriteString(conn, text) // fails where the server cuts
		conn.Close()
		c.expect(want.final)
		if got := read(t, dir, "f"); got != want.stored {
			t.Errorf("%s: %d bytes stored, want %d", want.final, len(got), len(want.stored))
		}
	}
}

func TestStalledTransfers(t *testing.T) {
	address, dir := start(t, withFaults(t, "on RETR: stall 100\non STOR: stall 100"))
	write(t, dir, "f", strings.Repeat("x", 1000))
	c := login(t, address)
	open := dataModes()[0].announce(c)
	c.want("RETR f", "150")
	conn := open()
	if n, err := io.ReadFull(conn, make([]byte, 100)); err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	conn.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("%d bytes behind the stall, %v", n, err)
	}
	c.want("ABOR", "426")
	c.expect("226")
	open = dataModes()[0].announce(c)
	c.want("STOR g", "150")
	conn = open()
	io.WriteString(conn, strings.Repeat("x", 1000))
	conn.Close()
	// Before the server has taken the connection, ABOR has another answer.
	for len(read(t, dir, "g")) < 100 {
		time.Sleep(time.Millisecond)
	}
	c.want("NOOP", "200") // no last reply
	c.want("ABOR", "426")
	c.expect("226")
}

func TestFaultyDataConnections(t *testing.T) {
	address, _ := start(t, withFaults(t, `
		on EPSV 1: refuse
		on PASV 1: refuse
		on PORT 1: refuse
		on EPRT 1: refuse
		on LIST 3: refuse
		on LIST 4: no-connect
		on PASV 2: address 10.1.2.3
		on PASV 3: address :99
		on EPSV 4: address :99
		on PASV 4: address 300.1.2.3
	`))
	c := login(t, address)
	for _, verb := range []string{"EPSV", "PASV"} {
		port := announcedPort(t, c.cmd(verb))
		if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			conn.Close()
			t.Errorf("%s: the announced port can be reached", verb)
		}
	}
	c.want("PORT 127,0,0,1,200,1", "200")
	c.want("LIST", "425")
	c.want("EPRT |1|127.0.0.1|50000|", "200")
	c.want("LIST", "425")
	c.passive("EPSV", 229)
	c.want("LIST", "425")
	c.passive("EPSV", 229)
	c.want("LIST", "150")
	c.want("ABOR", "425")
	c.expect("226")
	for _, want := range []string{"(10,1,2,3,", "(127,0,0,1,0,99)", "(300,1,2,3,"} {
		if got := c.cmd("PASV"); !strings.Contains(got, want) {
			t.Errorf("PASV announces %q, want %s", got, want)
		}
	}
	if got := c.cmd("EPSV"); !strings.Contains(got, "(|||99|)") {
		t.Errorf("EPSV announces %q", got)
	}
}

func TestRepliesDuringTransfersMayBeDisturbed(t *testing.T) {
	address, _ := start(t, withFaults(t, `
		on NOOP 1: reply 500 Unknown command
		on NOOP 2: defer
		on RETR: preliminary none
	`))
	c := login(t, address)
	open := dataModes()[0].announce(c)
	c.want("STOR f", "150")
	conn := open()
	c.want("NOOP", "500")
	c.send("NOOP")
	c.want("NOOP", "200") // the third; the second comes behind the last reply
	conn.Close()
	c.expect("226")
	c.expect("200")
	open = dataModes()[0].announce(c)
	c.send("RETR f")
	open().Close()
	c.expect("226") // no 150 before
}

func TestControlConnectionLostInMidTransfer(t *testing.T) {
	address, dir := start(t, withFaults(t, "on RETR 1: cut 10; close\non RETR 2: cut 10; final 421 out; close\non RETR 3: final 226 done; close"))
	write(t, dir, "f", strings.Repeat("x", 1000))
	for _, final := range []string{"426", "421 out", "226 done"} {
		c := login(t, address)
		open := dataModes()[0].announce(c)
		c.want("RETR f", "150")
		io.Copy(io.Discard, open())
		c.expect(final)
		c.gone()
	}
}

func TestServerWithoutFaultsHasNone(t *testing.T) {
	address, _ := start(t, func(o *server.Options) { o.Faults = nil })
	login(t, address).want("PWD", "257")
}
