package server_test

import (
	"bytes"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

// loopbacks are the addresses to serve on: IPv4 always, IPv6 where the machine
// has it.
func loopbacks(t *testing.T) []string {
	list := []string{"127.0.0.1:0"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		list = append(list, "[::1]:0")
	} else {
		t.Logf("no IPv6 on this machine: %v", err)
	}
	return list
}

func TestEveryDataMode(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	for _, listen := range loopbacks(t) {
		address, dir := startOn(t, listen)
		c := login(t, address)
		for _, mode := range dataModes() {
			sixth := strings.HasPrefix(listen, "[")
			if sixth && mode.name == "PASV" {
				c.want("PASV", "502")
				continue
			}
			if sixth && mode.name == "PORT" {
				c.want("PORT 127,0,0,1,200,1", "500")
				continue
			}
			t.Run(listen+mode.name, func(t *testing.T) {
				c.t = t
				for _, data := range []string{"", "x", big} {
					if _, final := c.putBy(mode, "STOR "+mode.name, data); final != "226 Transfer complete" {
						t.Fatalf("STOR: %s", final)
					}
					if read(t, dir, mode.name) != data {
						t.Fatalf("%d bytes were not stored as sent", len(data))
					}
					got, final := c.getBy(mode, "RETR "+mode.name)
					if got != data || final != "226 Transfer complete" {
						t.Fatalf("RETR of %d bytes brought %d: %s", len(data), len(got), final)
					}
				}
				if listing, final := c.getBy(mode, "NLST"); !strings.Contains(listing, mode.name+"\r\n") || !strings.HasPrefix(final, "226") {
					t.Errorf("NLST brought %q: %s", listing, final)
				}
			})
		}
		c.t = t
	}
}

func TestIPv6Refusals(t *testing.T) {
	if len(loopbacks(t)) == 1 {
		return
	}
	address, _ := startOn(t, "[::1]:0")
	c := login(t, address)
	c.want("EPSV 1", "522 Network protocol not supported, use (2)")
	c.want("EPSV 2", "229")
	c.want("EPRT |1|127.0.0.1|50000|", "522 Network protocol not supported, use (2)")
	c.want("EPRT |2|::2|50000|", "500")
	c.want("EPRT |2|::1|80|", "500")
	c.want("EPRT |2|::1|50000|", "200")
}

// A server that listens on all addresses speaks IPv4 with IPv4 peers.
func TestDualStackListener(t *testing.T) {
	address, _ := startOn(t, ":0")
	_, port, _ := net.SplitHostPort(address)
	c := login(t, "127.0.0.1:"+port)
	for _, mode := range dataModes() {
		if _, final := c.getBy(mode, "LIST"); !strings.HasPrefix(final, "226") {
			t.Errorf("%s: %s", mode.name, final)
		}
	}
}

func TestPassiveOptions(t *testing.T) {
	port := freePort(t)
	address, _ := start(t, func(o *server.Options) {
		o.PassiveAddress = netip.MustParseAddr("192.0.2.7")
		o.PassivePorts = [2]int{port, port}
	})
	c := login(t, address)
	if got := c.want("PASV", "227"); !strings.Contains(got, "(192,0,2,7,") || announcedPort(t, got) != port {
		t.Errorf("PASV announces %q", got)
	}
	if got := c.want("EPSV", "229"); announcedPort(t, got) != port {
		t.Errorf("EPSV announces %q, want port %d", got, port)
	}
	other := login(t, address)
	other.want("EPSV", "425") // the one port is taken
	c.want("REIN", "220")     // gives it back
	other.want("EPSV", "229")
}

// freePort is a port to listen on, from a range of which systems give nobody one who
// does not name it.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(10_000)
		if l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// deadPort is a port that nobody listens on while the test runs: a connection of
// the test has it, so that the system gives it to no listener.
func deadPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	holder, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { holder.Close() })
	return holder.LocalAddr().(*net.TCPAddr).Port
}

func TestActiveConnectionRefused(t *testing.T) {
	address, _ := start(t)
	port := deadPort(t)
	c := login(t, address)
	c.want(activeCommand("PORT", "127.0.0.1", port), "200")
	c.want("LIST", "425") // without a 150 before
	c.want(activeCommand("PORT", "127.0.0.1", port), "200")
	c.want("STOR new", "425")
	c.want("SIZE new", "550") // and nothing was made
}

func TestAnAddressServesOneTransfer(t *testing.T) {
	address, _ := start(t)
	c := login(t, address)
	c.get("LIST")
	c.want("LIST", "425")
	c.want("EPSV", "229")
	c.want("RETR none", "550")
	c.want("RETR none", "425")
}

func TestStrangersAreTurnedAwayFromThePassivePort(t *testing.T) {
	address, dir := start(t)
	write(t, dir, "file", "mine")
	c := login(t, address)
	port := announcedPort(t, c.want("PASV", "227"))
	passive := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	stranger, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}, passive)
	if err != nil {
		t.Logf("no second loopback address on this system: %v", err)
		return
	}
	defer stranger.Close()
	c.want("RETR file", "150")
	own, err := net.DialTCP("tcp", nil, passive)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(c.prepared(own)); err != nil || b.String() != "mine" {
		t.Errorf("we got %q, %v", b.String(), err)
	}
	c.expect("226")
	stranger.SetDeadline(time.Now().Add(patience))
	if n, _ := stranger.Read(make([]byte, 10)); n > 0 {
		t.Error("the stranger got the file")
	}
}

func TestForeignPORT(t *testing.T) {
	var told []netip.AddrPort
	address, _ := start(t, func(o *server.Options) {
		o.ForeignPORT = server.AllowForeign
		o.OnPORT = func(a netip.AddrPort) { told = append(told, a) }
	})
	c := login(t, address)
	c.want("PORT 127,0,0,9,200,1", "200")
	c.want("EPRT |1|127.0.0.10|50000|", "200")
	c.want("PORT 127,0,0,9,0,80", "500") // low ports stay refused
	if len(told) != 2 || told[0].String() != "127.0.0.9:51201" || told[1].String() != "127.0.0.10:50000" {
		t.Errorf("OnPORT was told %v", told)
	}
}

// A rehearsal plays the router that passes an outer address on to the client; low
// ports stay refused there too.
func TestForeignPORTIsThePeer(t *testing.T) {
	var told []netip.AddrPort
	address, _ := start(t, func(o *server.Options) {
		o.ForeignPORT = server.ForeignIsPeer
		o.OnPORT = func(a netip.AddrPort) { told = append(told, a) }
	})
	c := login(t, address)
	c.want("PORT 198,51,100,7,200,1", "200")
	c.want("EPRT |1|198.51.100.7|50000|", "200")
	c.want("PORT 198,51,100,7,0,80", "500")
	if len(told) != 2 || told[0].String() != c.host()+":51201" || told[1].String() != c.host()+":50000" {
		t.Errorf("OnPORT was told %v", told)
	}
}

func TestSwitchingModesInMidSession(t *testing.T) {
	address, _ := start(t)
	c := login(t, address)
	for i := range 12 {
		mode := dataModes()[i%4]
		if _, final := c.putBy(mode, "STOR file", mode.name); !strings.HasPrefix(final, "226") {
			t.Fatalf("%s: %s", mode.name, final)
		}
		// The last of several announcements counts.
		c.want("EPSV", "229")
		c.want("PASV", "227")
		if got, _ := c.getBy(mode, "RETR file"); got != mode.name {
			t.Fatalf("%s brought %q", mode.name, got)
		}
	}
}
