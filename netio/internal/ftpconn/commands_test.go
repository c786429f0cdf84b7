package ftpconn

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

func TestCommands_OnTheWire(t *testing.T) {
	server := newFake(t)
	server.put("/a", []byte("1"))
	client := server.connect(session.Settings{})
	ctx := context.Background()
	before := len(server.seen())
	for _, err := range []error{
		client.MakeDir(ctx, "new dir"),
		client.ChangeDir(ctx, "new dir"),
		client.ChangeDir(ctx, "/"),
		client.Rename(ctx, "a", "b"),
		client.Chmod(ctx, "b", 0o640),
		client.Chmod(ctx, "b", 0o4755),
		client.SetModTime(ctx, "b", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))),
		client.Remove(ctx, "b"),
		client.SetType(ctx, session.TypeEBCDIC),
		client.SetType(ctx, session.TypeEBCDIC),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := `MKD new dir|CWD new dir|CWD /|RNFR a|RNTO b|SITE CHMOD 640 b|SITE CHMOD 4755 b|MFMT 20260102020405 b|DELE b|TYPE E`
	if got := strings.Join(server.seen()[before:], "|"); got != want {
		t.Errorf("sent\n%s, want\n%s", got, want)
	}
}

func TestCommands_NamesThatCannotBeSent(t *testing.T) {
	server := newFake(t)
	client := server.connect(session.Settings{})
	ctx := context.Background()
	before := len(server.seen())
	for _, name := range []string{"", "a\r\nDELE b", "a\nb", "a\x00b"} {
		_, statErr := client.Stat(ctx, name)
		_, sendErr := client.Upload(ctx, name, session.StoreReplace, strings.NewReader(""))
		_, getErr := client.Download(ctx, name, 0, nil)
		errs := []error{statErr, sendErr, getErr, client.ChangeDir(ctx, name), client.MakeDir(ctx, name), client.RemoveDir(ctx, name),
			client.Remove(ctx, name), client.Rename(ctx, name, "x"), client.Rename(ctx, "x", name), client.Chmod(ctx, name, 0o644),
			client.SetModTime(ctx, name, time.Now())}
		if name != "" {
			_, listErr := client.List(ctx, name)
			_, rawErr := client.Raw(ctx, "STAT "+name)
			errs = append(errs, listErr, rawErr)
		}
		for i, err := range errs {
			if session.CauseOf(err) != session.BadArgument {
				t.Errorf("%q, command %d: %v", name, i, err)
			}
		}
	}
	if now := server.seen(); len(now) != before {
		t.Errorf("sent all the same: %q", now[before:])
	}
	_, err := Dial(ctx, session.Endpoint{Address: server.endpoint().Address, User: "u\r\nDELE x", Password: "p"}, session.Settings{})
	if session.CauseOf(err) != session.BadArgument {
		t.Errorf("a user of two lines: %v", err)
	}
}

func TestRaw(t *testing.T) {
	server := newFake(t)
	server.on["STAT"] = func(c *fakeConn, _ string) { c.say("211-Status\r\n fine\r\n211 End") }
	client := server.connect(session.Settings{})
	tests := []struct {
		line string
		code int
		want session.Cause
	}{
		{"NOOP", 200, session.CauseNone},
		{"noop", 200, session.CauseNone},
		{"STAT", 211, session.CauseNone},
		{"XYZZY", 502, session.CauseNone},
		{"SITE CHMOD 600 x", 200, session.CauseNone},
		{"", 0, session.BadArgument},
		{" USER x", 0, session.BadArgument},
		{"US\xffER x", 0, session.BadArgument},
		{"NOOP\r\nQUIT", 0, session.BadArgument},
		{"user x", 0, session.Denied},
		{"PASS x", 0, session.Denied},
		{"TYPE\tA", 0, session.Denied},
		{"PORT 1,2,3,4,5,6", 0, session.Denied},
		{"EPRT |1|1.2.3.4|5|", 0, session.Denied},
		{"PASV", 0, session.Denied},
		{"EPSV", 0, session.Denied},
		{"REST 5", 0, session.Denied},
		{"RETR x", 0, session.Denied},
		{"STOR x", 0, session.Denied},
		{"APPE x", 0, session.Denied},
		{"LIST", 0, session.Denied},
		{"AUTH TLS", 0, session.Denied},
		{"PBSZ 0", 0, session.Denied},
		{"PROT P", 0, session.Denied},
		{"REIN", 0, session.Denied},
		{"QUIT", 0, session.Denied},
		{"ABOR", 0, session.Denied},
		{"RANG 1 2", 0, session.Denied},
	}
	for _, test := range tests {
		reply, err := client.Raw(context.Background(), test.line)
		if reply.Code != test.code || session.CauseOf(err) != test.want {
			t.Errorf("%q: %+v, %v", test.line, reply, err)
		}
	}
}

func TestObserve_OrderAndSecrets(t *testing.T) {
	server := newFake(t)
	seen := &wire{}
	client := server.connect(session.Settings{Observe: seen.observe})
	client.Close(context.Background())
	var lines []string
	for _, w := range seen.all {
		lines = append(lines, string("><=!#"[w.Kind])+w.Text)
	}
	got := strings.Join(lines, "\n")
	if !strings.HasPrefix(got, "<220 fake\n>USER u\n<331 password please\n>PASS ******\n<230 in\n>FEAT\n<211-Features:\n") || !strings.HasSuffix(got, ">QUIT\n<221 bye") {
		t.Errorf("told:\n%s", got)
	}
}

func TestDial_Anonymous(t *testing.T) {
	server := newFake(t)
	endpoint := server.endpoint()
	endpoint.User, endpoint.Password = "", ""
	client, err := Dial(context.Background(), endpoint, session.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	client.Close(context.Background())
	if seen := server.seen(); seen[0] != "USER anonymous" || seen[1] != "PASS anonymous@" {
		t.Errorf("%q", seen[:2])
	}
}

func TestFeatures_Overrides(t *testing.T) {
	const enabled, disabled = session.FeatureEnabled, session.FeatureDisabled
	tests := []struct {
		name     string
		features map[string]session.Feature
		sends    string
		never    string
	}{
		{"UTF8 as found", nil, "OPTS UTF8 ON", ""},
		{"UTF8 off", map[string]session.Feature{"UTF8": disabled}, "", "OPTS"},
		{"PRET on", map[string]session.Feature{"PRET": enabled}, "PRET MLSD", ""},
		{"MLSD off", map[string]session.Feature{"MLSD": disabled}, "LIST", "MLSD"},
		{"SIZE off", map[string]session.Feature{"SIZE": disabled, "MLSD": disabled}, "LIST", "SIZE"},
		{"MDTM off", map[string]session.Feature{"MDTM": disabled, "MLSD": disabled}, "SIZE f", "MDTM"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			server.put("/f", []byte("1"))
			server.on["PRET"] = func(c *fakeConn, _ string) { c.say("200 ok") }
			client := server.connect(session.Settings{Features: test.features})
			if _, err := client.List(context.Background(), ""); err != nil {
				t.Error(err)
			}
			if _, err := client.Stat(context.Background(), "f"); err != nil {
				t.Error(err)
			}
			all := "|" + strings.Join(server.seen(), "|") + "|"
			if !strings.Contains(all, "|"+test.sends+"|") && test.sends != "" || test.never != "" && strings.Contains(all, "|"+test.never) {
				t.Errorf("%s", all)
			}
		})
	}
}

func TestFeatures_AdjustedInMidSession(t *testing.T) {
	server := newFake(t)
	client := server.connect(session.Settings{})
	caps := client.Caps()
	if !caps.ExactTimes || !caps.SetTimes || !caps.Resume || caps.Features["REST"] != "STREAM" || caps.Greeting != "fake" {
		t.Errorf("%+v", caps)
	}
	client.Adjust(session.Settings{Features: map[string]session.Feature{"MFMT": session.FeatureDisabled, "REST": session.FeatureDisabled}})
	if caps := client.Caps(); caps.SetTimes || caps.Resume {
		t.Errorf("%+v", caps)
	}
	wantCause(t, client.SetModTime(context.Background(), "f", time.Now()), session.NotSupported)
	_, err := client.Download(context.Background(), "f", 1, nil)
	wantCause(t, err, session.NotSupported)
}

func TestCauseOfReply(t *testing.T) {
	tests := []struct {
		verb  string
		code  int
		text  string
		want  session.Cause
		sure  bool
		class session.Class
	}{
		{"RETR", 550, "sales.xls: No such file or directory", session.NoSuchRemoteFile, true, session.ClassPermanent},
		{"RETR", 550, "The system cannot find the file specified.", session.NoSuchRemoteFile, true, session.ClassPermanent},
		{"RETR", 550, "Permission denied.", session.NoRemotePermission, true, session.ClassPermanent},
		{"RETR", 550, "No such file or permission denied", session.RemoteRefused, false, session.ClassPermanent},
		{"RETR", 550, "Failed to open file.", session.RemoteRefused, false, session.ClassPermanent},
		{"RETR", 550, "d: Not a regular file", session.RemoteRefused, true, session.ClassPermanent},
		{"STOR", 550, "x: Overwrite permission denied", session.NoRemotePermission, true, session.ClassPermanent},
		{"STOR", 552, "Quota exceeded", session.NoRemoteSpace, true, session.ClassCapacity},
		{"STOR", 452, "Error writing file: disk full", session.NoRemoteSpace, true, session.ClassCapacity},
		{"STOR", 426, "Failure reading network stream.", session.DataLost, true, session.ClassTransient},
		{"STOR", 451, "Failure writing to local file.", session.DataLost, true, session.ClassTransient},
		{"STOR", 450, "x: file is busy", session.RemoteBusy, true, session.ClassTransient},
		{"DELE", 451, "local error", session.RemoteBusy, true, session.ClassTransient},
		{"APPE", 451, "Append/Restart not permitted, try again", session.NotSupported, true, session.ClassPermanent},
		{"RMD", 550, "d: Directory not empty", session.DirectoryNotEmpty, true, session.ClassPermanent},
		{"RMD", 550, "d: File exists", session.DirectoryNotEmpty, true, session.ClassPermanent},
		{"MKD", 550, "d: File exists", session.RemoteExists, true, session.ClassPermanent},
		{"MKD", 521, `"/d" directory already exists`, session.RemoteExists, true, session.ClassPermanent},
		{"CWD", 500, "OOPS: vsftpd died", session.RemoteRefused, true, session.ClassPermanent},
		{"MFMT", 500, "Unknown command.", session.NotSupported, true, session.ClassPermanent},
		{"SITE", 501, "bad mode", session.BadArgument, true, session.ClassUsage},
		{"MLSD", 501, "No such directory.", session.NoSuchRemoteFile, true, session.ClassPermanent},
		{"RETR", 425, "Can't open data connection", session.PassiveDataFailed, true, session.ClassPermanent},
		{"PASS", 530, "Login incorrect.", session.AccessRefused, true, session.ClassAuth},
		{"USER", 421, "Too many connections from your address", session.TooManyConnections, true, session.ClassCapacity},
		{"CWD", 530, "Please login with USER and PASS.", session.AccessRefused, true, session.ClassAuth},
	}
	for _, test := range tests {
		e, sure := ofReply(test.verb, session.Reply{Code: test.code, Text: test.text}, false)
		if e.Cause != test.want || sure != test.sure || e.Class != test.class {
			t.Errorf("%s: %d %s is cause %d, %v, %s", test.verb, test.code, test.text, e.Cause, sure, e.Class)
		}
	}
	if e, _ := ofReply("RETR", session.Reply{Code: 425}, true); e.Cause != session.ActiveDataFailed {
		t.Errorf("425 in active mode is cause %d", e.Cause)
	}
}
