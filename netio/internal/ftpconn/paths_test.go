package ftpconn

import (
	"context"
	"fmt"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

func TestPathsOfSystem(t *testing.T) {
	for text, want := range map[string]string{
		"UNIX Type: L8": "Unix", "UNIX emulated by FileZilla": "Unix", "Windows_NT": "DOS", "Windows_NT version 5.0": "DOS", "WIN32": "DOS",
		"VMS V5.5-2": "VMS", "OpenVMS V8.4": "VMS", "MVS is the operating system of this server. FTP Server is running on z/OS.": "z/OS",
		"NETWARE Type: L8": "", "TOPS-20 Type: A": "", "OS/400 is the remote operating system.": "", "": "",
	} {
		if got := pathsOfSystem(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	for dir, want := range map[string]string{"/": "", "/home/[x]": "", "DISK$1:[JANE.SUB]": "VMS", "'JANE.'": "z/OS", `C:\inetpub`: "DOS", "C:/": "", "": ""} {
		if got := pathsOfDirectory(dir); got != want {
			t.Errorf("%q is %q, want %q", dir, got, want)
		}
	}
}

// Names are taken apart as their server would, and joined so.
func TestSplit(t *testing.T) {
	tests := []struct{ style, name, dir, base, joined string }{
		{"Unix", "a/b", "a", "b", "a/b"},
		{"Unix", `a\b`, "", `a\b`, ""},
		{"Unix", "a[1](2)'3'", "", "a[1](2)'3'", ""},
		{"", `a\b`, "", `a\b`, ""},
		{"DOS", `a\b`, "a", "b", "a/b"},
		{"DOS", `C:\b`, `C:\`, "b", ""},
		{"DOS", `\b`, `\`, "b", ""},
		{"DOS", `C:\a\b`, `C:\a`, "b", ""},
		{"DOS", "a/b", "a", "b", "a/b"},
		{"VMS", "DISK:[JANE]A.TXT;1", "DISK:[JANE]", "A.TXT;1", "DISK:[JANE]A.TXT;1"},
		{"VMS", "[.SUB]A.TXT", "[.SUB]", "A.TXT", "[.SUB]A.TXT"},
		{"VMS", "[.SUB]", "[.SUB]", "", ""},
		{"VMS", "A.TXT", "", "A.TXT", ""},
		{"z/OS", "'JANE.DATA'", "'JANE.'", "DATA", "'JANE.DATA'"},
		{"z/OS", "'JANE.PDS(MEMBER)'", "'JANE.PDS'", "MEMBER", "'JANE.PDS(MEMBER)'"},
		{"z/OS", "PDS(MEMBER)", "PDS", "MEMBER", ""},
		{"z/OS", "'JANE'", "", "'JANE'", ""},
		{"z/OS", "A.B", "", "A.B", ""},
		{"z/OS", "''", "", "''", ""},
	}
	for _, test := range tests {
		s := &Session{paths: test.style, askedSYST: true}
		dir, base := s.split(test.name)
		if dir != test.dir || base != test.base {
			t.Errorf("%s: %s is %q and %q, want %q and %q", test.style, test.name, dir, base, test.dir, test.base)
		}
		if test.joined == "" {
			continue
		}
		if joined := s.join(dir, base); joined != test.joined {
			t.Errorf("%s: %q and %q are %q, want %q", test.style, dir, base, joined, test.joined)
		}
	}
}

// What a name means is asked of the system once, is asked again of nobody in the next
// session, and is not asked where the name means the same everywhere.
func TestStat_Paths(t *testing.T) {
	vms := func(c *fakeConn, _ string) {
		data, err := c.data()
		if err != nil {
			return
		}
		c.say("150 Here it comes.")
		fmt.Fprintf(data, "\r\nDirectory %s\r\n\r\nA.TXT;1              12/20   2-JAN-2026 03:04:05 [JANE]  (RWED,RE,,)\r\n\r\nTotal of 1 file, 12/20 blocks\r\n", c.dir)
		data.Close()
		c.say("226 Done.")
	}
	server := newFake(t)
	withoutMLSD(server)
	unknown := func(c *fakeConn, _ string) { c.say("500 what?") }
	for _, verb := range []string{"SIZE", "MDTM", "MLST"} {
		server.on[verb] = unknown
	}
	server.on["LIST"] = vms
	server.on["SYST"] = func(c *fakeConn, _ string) { c.say("215 VMS V8.4") }
	server.on["PWD"] = func(c *fakeConn, _ string) { c.say(`257 "/" is the current directory`) } // as some show it
	server.on["CWD"] = func(c *fakeConn, argument string) {
		if argument != "DISK:[JANE.SUB]" && argument != "/" {
			c.say("550 no such directory")
			return
		}
		c.dir = argument
		c.say("250 ok")
	}
	ctx := context.Background()
	var facts session.Facts
	for i, asked := range []int{1, 0} {
		settings, learned := learning(facts)
		client := server.connect(settings)
		before := server.count("SYST")
		if _, err := client.Stat(ctx, "B.TXT"); session.CauseOf(err) != session.NoSuchRemoteFile {
			t.Errorf("%d: got %v", i, err)
		}
		if i == 0 {
			client.paths = "" // as if there had been no listing yet
		}
		if n := server.count("SYST") - before; n != 0 {
			t.Errorf("%d: asked for a plain name", i)
		}
		for range 2 {
			if entry, err := client.Stat(ctx, "DISK:[JANE.SUB]A.TXT"); err != nil || entry.Name != "DISK:[JANE.SUB]A.TXT" {
				t.Errorf("%d: got %+v, %v", i, entry, err)
			}
			if _, err := client.Stat(ctx, "DISK:[JANE.SUB]C.TXT"); session.CauseOf(err) != session.NoSuchRemoteFile {
				t.Errorf("%d: got %v", i, err)
			}
			if entry, err := client.Stat(ctx, "DISK:[JANE.SUB]"); err != nil || entry.Kind != session.KindDir {
				t.Errorf("%d: got %+v, %v", i, entry, err)
			}
		}
		if n := server.count("SYST") - before; n != asked {
			t.Errorf("%d: SYST was sent %d times, want %d", i, n, asked)
		}
		if facts = closed(t, client, learned); facts.Paths != "VMS" {
			t.Errorf("%d: learned %+v", i, facts)
		}
	}
}

// A server that is another system now is asked which, where what was remembered leads
// nowhere.
func TestStat_PathsForgotten(t *testing.T) {
	server := newFake(t)
	withoutMLSD(server)
	server.put(`/a\b`, []byte("1"))
	unknown := func(c *fakeConn, _ string) { c.say("500 what?") }
	for _, verb := range []string{"SIZE", "MDTM", "MLST"} {
		server.on[verb] = unknown
	}
	server.on["SYST"] = func(c *fakeConn, _ string) { c.say("215 UNIX Type: L8") }
	settings, learned := learning(session.Facts{Paths: "DOS"})
	client := server.connect(settings)
	for range 2 {
		if entry, err := client.Stat(context.Background(), `a\b`); err != nil || entry.Size != 1 {
			t.Errorf("got %+v, %v", entry, err)
		}
	}
	if n := server.count("SYST"); n != 1 {
		t.Errorf("SYST was sent %d times", n)
	}
	if facts := closed(t, client, learned); facts.Paths != "Unix" {
		t.Errorf("learned %+v", facts)
	}
}

// However a name is written, its parts are parts of it, and nothing is added to it.
func FuzzSplit(f *testing.F) {
	for _, name := range []string{"a/b", `C:\a\b`, "DISK:[A]B", "'A.B(C)'", "'A'", "''", "(", ")", "'.'", "[.A]", `\`, "'(x)'"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, style := range session.PathStyles() {
			s := &Session{paths: style}
			dir, base := s.split(name)
			if len(dir)+len(base) > len(name)+2 || badLine(dir+base) && !badLine(name) {
				t.Errorf("%s: %q is %q and %q", style, name, dir, base)
			}
			if dir != "" {
				s.join(dir, base)
			}
		}
	})
}
