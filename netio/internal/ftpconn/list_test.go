package ftpconn

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

func namesOf(l session.Listing) string {
	var names []string
	for _, entry := range l.Entries {
		names = append(names, entry.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// withoutMLSD makes the fake a server like vsftpd.
func withoutMLSD(s *fakeServer) {
	s.features = []string{"EPSV", "MDTM", "SIZE"}
	s.on["MLST"] = func(c *fakeConn, _ string) { c.say("500 Unknown command.") }
	s.on["MLSD"] = s.on["MLST"]
}

func TestList(t *testing.T) {
	for _, plain := range []bool{false, true} {
		server := newFake(t)
		server.put("/a", []byte("1"))
		server.put("/d/b", []byte("22"))
		server.put("/d/c", nil)
		server.dirs["/d"] = true
		server.dirs["/[x]"] = true
		server.dirs["/-l"] = true
		source := "MLSD"
		if plain {
			withoutMLSD(server)
			source = "LIST"
		}
		client := server.connect(session.Settings{})
		tests := map[string]string{"": "-l [x] a d", "d": "b c", "/d": "b c", "[x]": "", "-l": ""}
		for dir, want := range tests {
			l, err := client.List(context.Background(), dir)
			if err != nil || namesOf(l) != want || l.Source != source {
				t.Errorf("%s of %q: %q by %s, %v", source, dir, namesOf(l), l.Source, err)
			}
		}
		_, err := client.List(context.Background(), "missing")
		wantCause(t, err, session.NoSuchRemoteFile)
		if at, err := client.CurrentDir(context.Background()); at != "/" || err != nil {
			t.Errorf("afterwards in %q, %v", at, err)
		}
	}
}

func TestList_MLSDUnknownAfterAll(t *testing.T) {
	server := newFake(t)
	server.put("/a", nil)
	server.on["MLSD"] = func(c *fakeConn, _ string) { c.closePassive(); c.say("502 not really") }
	client := server.connect(session.Settings{})
	for range 2 {
		if l, err := client.List(context.Background(), ""); err != nil || namesOf(l) != "a" || l.Source != "LIST" {
			t.Errorf("%+v, %v", l, err)
		}
	}
	if server.count("MLSD") != 1 {
		t.Errorf("%q", server.seen())
	}
}

func TestList_EmptyDirectoryRefused(t *testing.T) {
	tests := []struct {
		reply string
		want  session.Cause
	}{
		{"450 No files found", session.CauseNone},
		{"550 No files found.", session.CauseNone},
		{"550 No such file or directory", session.CauseNone},
		{"550 Permission denied", session.NoRemotePermission},
		{"550 No files or permission denied", session.NoRemotePermission},
		{"450 try later", session.RemoteBusy},
		{"425 no connection", session.PassiveDataFailed},
	}
	for _, plain := range []bool{false, true} {
		for _, test := range tests {
			server := newFake(t)
			server.dirs["/d"] = true
			verb := "MLSD"
			if plain {
				withoutMLSD(server)
				verb = "LIST"
			}
			server.on[verb] = func(c *fakeConn, _ string) { c.closePassive(); c.say("%s", test.reply) }
			client := server.connect(session.Settings{})
			for _, dir := range []string{"", "d"} {
				l, err := client.List(context.Background(), dir)
				if session.CauseOf(err) != test.want || len(l.Entries) > 0 {
					t.Errorf("%s %q, %s: %+v, %v", verb, dir, test.reply, l, err)
				}
			}
			// What is not there is never an empty directory.
			_, err := client.List(context.Background(), "missing")
			if err == nil {
				t.Errorf("%s: a missing directory lists as empty", test.reply)
			}
		}
	}
}

func TestList_UnreadableOnVsftpd(t *testing.T) {
	server := newFake(t)
	withoutMLSD(server)
	server.on["LIST"] = func(c *fakeConn, _ string) {
		conn, err := c.data()
		if err != nil {
			return
		}
		c.say("150 Here comes the directory listing.")
		conn.Close()
		c.say("226 Transfer done (but failed to open directory).")
	}
	_, err := server.connect(session.Settings{}).List(context.Background(), "")
	wantCause(t, err, session.NoRemotePermission)
}

// A listing that breaks off or passes a limit is an error, never a short listing,
// and the session stays where it was.
func TestList_NotWhole(t *testing.T) {
	line := "-rw-r--r-- 1 1 1 5 Jan 02 2026 name\r\n"
	tests := []struct {
		name string
		data func(conn net.Conn)
		last string
		want session.Cause
	}{
		{"426", func(conn net.Conn) { io.WriteString(conn, line) }, "426 cut", session.DataLost},
		{"reset", func(conn net.Conn) { io.WriteString(conn, line); conn.(*net.TCPConn).SetLinger(0) }, "226 fine", session.DataLost},
		{"endless", func(conn net.Conn) { flood(conn, line) }, "426 cut", session.ProtocolError},
		{"endless line", func(conn net.Conn) { flood(conn, "-rw-r--r--") }, "426 cut", session.ProtocolError},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			withoutMLSD(server)
			server.dirs["/d"] = true
			server.on["LIST"] = func(c *fakeConn, _ string) {
				conn, err := c.data()
				if err != nil {
					return
				}
				c.say("150 here")
				test.data(conn)
				conn.Close()
				c.say("%s", test.last)
			}
			client := server.connect(session.Settings{Limits: session.Limits{Listing: 1 << 16, ListLine: 1 << 12}})
			l, err := client.List(context.Background(), "d")
			wantCause(t, err, test.want)
			if len(l.Entries) > 0 {
				t.Errorf("%d entries came with the error", len(l.Entries))
			}
			if at, err := client.CurrentDir(context.Background()); err != nil || at != "/" {
				t.Errorf("afterwards in %q, %v", at, err)
			}
		})
	}
}

func TestStat(t *testing.T) {
	for _, plain := range []bool{false, true} {
		server := newFake(t)
		server.put("/d/f", []byte("12345"))
		server.put("/.h", []byte("1"))
		server.dirs["/d"] = true
		server.dirs["/d/sub"] = true
		if plain {
			withoutMLSD(server)
		}
		client := server.connect(session.Settings{})
		ctx := context.Background()
		entry, err := client.Stat(ctx, "d/f")
		if err != nil || entry.Kind != session.KindFile || entry.Size != 5 || entry.Name != "d/f" || entry.Time.Year() != 2026 || !entry.Exact {
			t.Errorf("a file: %+v, %v", entry, err)
		}
		for _, dir := range []string{"d", "d/sub", "/d/sub", "/", ".", "d/"} {
			if entry, err := client.Stat(ctx, dir); err != nil || entry.Kind != session.KindDir || entry.Name != dir {
				t.Errorf("directory %q: %+v, %v", dir, entry, err)
			}
		}
		for _, name := range []string{"x", "d/x", "x/y/z", "/d/sub/x"} {
			_, err := client.Stat(ctx, name)
			wantCause(t, err, session.NoSuchRemoteFile)
		}
		if entry, err := client.Stat(ctx, ".h"); err != nil || entry.Size != 1 {
			t.Errorf("a hidden file: %+v, %v", entry, err)
		}
		_, err = client.Stat(ctx, ".x")
		want := session.NoSuchRemoteFile
		if plain {
			want = session.NotSupported // nothing shows that the listing has hidden names
		}
		wantCause(t, err, want)
	}
}

// A glance makes no data connection, and so does not find what only a listing tells.
func TestGlance(t *testing.T) {
	for _, plain := range []bool{false, true} {
		server := newFake(t)
		server.put("/d/f", []byte("12345"))
		server.dirs["/d"] = true
		if plain {
			withoutMLSD(server)
		}
		refuse := func(c *fakeConn, verb string) { t.Errorf("%s for a glance", verb); c.say("502 no") }
		for _, verb := range []string{"EPSV", "PASV", "MLSD", "LIST"} {
			server.on[verb] = refuse
		}
		client := server.connect(session.Settings{})
		ctx := context.Background()
		entry, found, err := client.Glance(ctx, "d/f")
		if err != nil || !found || entry.Size != 5 || entry.Name != "d/f" || entry.Time.Year() != 2026 {
			t.Errorf("a file: %+v, %t, %v", entry, found, err)
		}
		for _, name := range []string{"x", "d/x", "x/y", ".x"} {
			if entry, found, err := client.Glance(ctx, name); err != nil || found {
				t.Errorf("%s: %+v, %t, %v", name, entry, found, err)
			}
		}
		if _, found, err := client.Glance(ctx, "d"); err != nil || found == plain {
			t.Errorf("a directory: found is %t, %v", found, err)
		}
	}
}

// One aspect of a file costs one command, where the protocol has one for it.
func TestPick(t *testing.T) {
	for _, c := range []struct {
		plain  bool
		aspect session.Aspect
		never  []string
	}{
		{false, session.AspectSize, []string{"SIZE", "MDTM", "EPSV"}},
		{false, session.AspectTime, []string{"SIZE", "MDTM", "EPSV"}},
		{true, session.AspectSize, []string{"MDTM", "EPSV"}},
		{true, session.AspectTime, []string{"SIZE", "EPSV"}},
	} {
		server := newFake(t)
		server.put("/d/f", []byte("12345"))
		server.dirs["/d"] = true
		if c.plain {
			withoutMLSD(server)
		}
		for _, verb := range c.never {
			server.on[verb] = func(c *fakeConn, verb string) { t.Errorf("%s was asked for", verb); c.say("502 no") }
		}
		entry, err := server.connect(session.Settings{}).Pick(context.Background(), "d/f", c.aspect)
		if err != nil || entry.Name != "d/f" || c.aspect == session.AspectSize && entry.Size != 5 || c.aspect == session.AspectTime && (!entry.Exact || entry.Time.Year() != 2026) {
			t.Errorf("%+v: %+v, %v", c, entry, err)
		}
	}
	server := newFake(t)
	withoutMLSD(server)
	_, err := server.connect(session.Settings{}).Pick(context.Background(), "x", session.AspectSize)
	wantCause(t, err, session.NoSuchRemoteFile)
}

func TestStat_ListingWithUnknownLinesProvesNothing(t *testing.T) {
	server := newFake(t)
	withoutMLSD(server)
	server.on["LIST"] = func(c *fakeConn, _ string) {
		c.transfer(func(conn net.Conn) { io.WriteString(conn, "?what is this\r\n") })
	}
	_, err := server.connect(session.Settings{}).Stat(context.Background(), "x")
	wantCause(t, err, session.NotSupported)
}

// vsftpd's sentences do not say why; what is there tells.
func TestInvestigate(t *testing.T) {
	server := newFake(t)
	withoutMLSD(server)
	server.put("/f", []byte("1"))
	server.put("/full/x", nil)
	server.dirs["/full"] = true
	server.dirs["/empty"] = true
	refuse := func(reply string) func(*fakeConn, string) {
		return func(c *fakeConn, _ string) { c.closePassive(); c.say("%s", reply) }
	}
	server.on["RETR"] = refuse("550 Failed to open file.")
	server.on["DELE"] = refuse("550 Delete operation failed.")
	server.on["RMD"] = refuse("550 Remove directory operation failed.")
	server.on["MKD"] = refuse("550 Create directory operation failed.")
	server.on["RNFR"] = refuse("550 RNFR command failed.")
	server.on["STOR"] = refuse("553 Could not create file.")
	server.on["SITE"] = refuse("550 SITE CHMOD command failed.")
	client := server.connect(session.Settings{})
	ctx := context.Background()
	download := func(name string) error { _, err := client.Download(ctx, name, 0, io.Discard); return err }
	upload := func(name string) error {
		_, err := client.Upload(ctx, name, session.StoreReplace, strings.NewReader(""))
		return err
	}
	tests := []struct {
		name string
		err  error
		want session.Cause
	}{
		{"RETR missing", download("x"), session.NoSuchRemoteFile},
		{"RETR there", download("f"), session.NoRemotePermission},
		{"RETR a directory", download("full"), session.RemoteRefused},
		{"DELE missing", client.Remove(ctx, "x"), session.NoSuchRemoteFile},
		{"DELE there", client.Remove(ctx, "f"), session.NoRemotePermission},
		{"RMD missing", client.RemoveDir(ctx, "x"), session.NoSuchRemoteFile},
		{"RMD full", client.RemoveDir(ctx, "full"), session.DirectoryNotEmpty},
		{"RMD empty", client.RemoveDir(ctx, "empty"), session.NoRemotePermission},
		{"MKD there", client.MakeDir(ctx, "full"), session.RemoteExists},
		{"MKD without parent", client.MakeDir(ctx, "x/y"), session.NoSuchRemoteFile},
		{"MKD forbidden", client.MakeDir(ctx, "full/y"), session.NoRemotePermission},
		{"RNFR missing", client.Rename(ctx, "x", "y"), session.NoSuchRemoteFile},
		{"STOR without parent", upload("x/y"), session.NoSuchRemoteFile},
		{"STOR forbidden", upload("y"), session.NoRemotePermission},
		{"SITE missing", client.Chmod(ctx, "x", 0o644), session.NoSuchRemoteFile},
		{"CWD missing", client.ChangeDir(ctx, "x"), session.NoSuchRemoteFile},
	}
	for _, test := range tests {
		if got := session.CauseOf(test.err); got != test.want {
			t.Errorf("%s: cause %d, want %d: %v", test.name, got, test.want, test.err)
		}
		var e *session.Error
		if errors.As(test.err, &e); e == nil || e.Reply.Code/10 != 55 {
			t.Errorf("%s: the server's own words are lost: %+v", test.name, e)
		}
	}
	if last := client.LastReply(); last.Code != 550 || !strings.Contains(last.Text, "change directory") {
		t.Errorf("the probes show in LastReply: %+v", last)
	}
}

// Who asks for a link by its name means the file: without its size a download of
// it could not be verified.
func TestStat_LinkToFile(t *testing.T) {
	server := newFake(t)
	server.put("/current.csv", []byte("data"))
	server.on["MLST"] = func(c *fakeConn, name string) {
		c.say("250-Listing\r\n type=OS.unix=symlink;modify=20200102030405; %s\r\n250 End", name)
	}
	client := server.connect(session.Settings{})
	entry, err := client.Stat(context.Background(), "current.csv")
	if err != nil || entry.Kind != session.KindFile || entry.Size != 4 || !entry.Exact || entry.Time.Year() != 2026 {
		t.Errorf("%+v, %v", entry, err)
	}
	if entry, err = client.Stat(context.Background(), "dangling"); err != nil || entry.Kind != session.KindLink {
		t.Errorf("one that leads nowhere: %+v, %v", entry, err)
	}
}
