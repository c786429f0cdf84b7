package sshconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// A server that stops answering ends in a time-out of the right name, whatever it
// is asked, and the session is over.
func TestMuteServer(t *testing.T) {
	ctx := context.Background()
	download := func(s *site) error { _, err := s.Download(ctx, "big", 0, io.Discard); return err }
	upload := func(s *site) error {
		_, err := s.Upload(ctx, "new", session.StoreReplace, bytes.NewReader(noise(4<<20)))
		return err
	}
	tests := []struct {
		fault string
		do    func(s *site) error
		want  session.Cause
	}{
		{"on STAT: silence", func(s *site) error { _, err := s.Stat(ctx, "big"); return err }, session.ReplyTimeout},
		{"on MKDIR: silence", func(s *site) error { return s.MakeDir(ctx, "d") }, session.ReplyTimeout},
		{"on OPENDIR: silence", func(s *site) error { _, err := s.List(ctx, ""); return err }, session.ReplyTimeout},
		{"on READDIR 2: silence", func(s *site) error { _, err := s.List(ctx, ""); return err }, session.ReplyTimeout},
		{"on OPEN: silence", download, session.ReplyTimeout},
		{"on READ: silence", download, session.DataTimeout},
		{"on READ 7-: silence", download, session.DataTimeout},
		{"on READ 7: silence", download, session.DataTimeout},
		{"on READ 7: stall 1000", download, session.DataTimeout},
		{"on OPEN: silence", upload, session.ReplyTimeout},
		{"on WRITE 5-: silence", upload, session.DataTimeout},
		{"on WRITE 5: stall 1000", upload, session.DataTimeout},
		{"on CLOSE: silence", upload, session.ReplyTimeout},
		{"on FSTAT: silence", download, session.DataTimeout},
		{"on FSTAT: silence", upload, session.ReplyTimeout},
		{"on FSTAT: silence", func(s *site) error {
			_, err := s.UploadFrom(ctx, "big", 10, strings.NewReader("x"))
			return err
		}, session.ReplyTimeout},
		{"on FSETSTAT: silence", func(s *site) error {
			_, err := s.UploadFrom(ctx, "big", 10, strings.NewReader("x"))
			return err
		}, session.ReplyTimeout},
		{"on SETSTAT: silence", func(s *site) error { return s.Chmod(ctx, "big", 0o600) }, session.ReplyTimeout},
		{"on RENAME: silence", func(s *site) error { return s.Rename(ctx, "big", "small") }, session.ReplyTimeout},
		{"on POSIX-RENAME: silence", func(s *site) error { return s.Replace(ctx, "big", "small") }, session.ReplyTimeout},
		{"on LSTAT: silence", func(s *site) error { return s.Remove(ctx, "big") }, session.ReplyTimeout},
		{"on REMOVE: silence", func(s *site) error { return s.Remove(ctx, "big") }, session.ReplyTimeout},
		{"on RMDIR: silence", func(s *site) error { return s.RemoveDir(ctx, "big") }, session.ReplyTimeout},
		{"on REALPATH 2: silence", func(s *site) error { return s.ChangeDir(ctx, "big") }, session.ReplyTimeout},
		// What is looked for after a refusal does not take the refusal's place.
		{"on WRITE: reply 004 Failure; on STATVFS: silence", upload, session.RemoteRefused},
	}
	for _, test := range tests {
		t.Run(test.fault, func(t *testing.T) {
			t.Parallel()
			s := serve(t, siteOptions{faults: strings.ReplaceAll(test.fault, "; ", "\n")})
			s.file("big", noise(4<<20))
			client, err := s.dial(siteOptions{})
			s.must(err)
			s.Session = client
			client.Adjust(session.Settings{Timeouts: hasty(test.want)})
			s.fails(test.fault, test.do(s), test.want)
			_, err = s.Stat(ctx, "big")
			s.fails("afterwards", err, session.ConnectionLost)
		})
	}
}

func TestMuteServerAtLogin(t *testing.T) {
	for _, fault := range []string{"on CHANNEL: silence", "on INIT: silence"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := serve(t, siteOptions{faults: fault})
			// The time-out of connecting runs out too, but not in the key exchange.
			timeouts := hasty(session.ReplyTimeout)
			timeouts.Connect = 5 * time.Second
			_, err := s.dial(siteOptions{timeouts: timeouts})
			s.fails(fault, err, session.ReplyTimeout)
		})
	}
}

// Where a session begins is asked at the login and waited for by who needs it: a name
// from the root does not.
func TestMuteServerBehindTheLogin(t *testing.T) {
	for _, fault := range []string{"on REALPATH: silence", "on LIMITS: silence", "on REALPATH: stall 10"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := serve(t, siteOptions{faults: fault, large: true})
			client, err := s.dial(siteOptions{})
			s.must(err)
			s.Session = client
			if !strings.Contains(fault, "stall") {
				_, err = client.Stat(context.Background(), "/")
				s.must(err)
			}
			client.Adjust(session.Settings{Timeouts: hasty(session.ReplyTimeout)})
			_, err = client.Stat(context.Background(), "x")
			s.fails(fault, err, session.ReplyTimeout)
		})
	}
}

// A server that will not say where a session begins keeps those who ask by full names.
func TestHomeless(t *testing.T) {
	ctx := context.Background()
	s := visit(t, siteOptions{faults: "on REALPATH 1: reply 003 no"})
	s.file("file", []byte("x"))
	for range 2 {
		_, err := s.Stat(ctx, "file")
		s.fails("a short name", err, session.NoRemotePermission)
		_, err = s.CurrentDir(ctx)
		s.fails("the directory", err, session.NoRemotePermission)
		_, err = s.List(ctx, "")
		s.fails("its listing", err, session.NoRemotePermission)
	}
	_, err := s.Stat(ctx, "/file")
	s.must(err)
	s.must(s.ChangeDir(ctx, "/"))
	_, err = s.Stat(ctx, "file")
	s.must(err)
}

// What no server may say ends the session with a sentence, and nothing else.
func TestNonsense(t *testing.T) {
	ctx := context.Background()
	download := func(s *site) error { _, err := s.Download(ctx, "big", 0, io.Discard); return err }
	upload := func(s *site) error {
		_, err := s.Upload(ctx, "new", session.StoreReplace, bytes.NewReader(noise(1<<20)))
		return err
	}
	list := func(s *site) error { _, err := s.List(ctx, ""); return err }
	stat := func(s *site) error { _, err := s.Stat(ctx, "big"); return err }
	packet := func(text string) string { return fmt.Sprintf("raw %q", text) }
	tests := []struct {
		name, fault string
		do          func(s *site) error
		says        string
	}{
		{"another id", "on STAT: wrong-id", stat, "nothing was asked for"},
		{"another id", "on READ 3: wrong-id", download, "nothing was asked for"},
		{"another id", "on WRITE 3: wrong-id", upload, "nothing was asked for"},
		{"another id", "on READDIR: wrong-id", list, "nothing was asked for"},
		{"no packet", "on READ 3: garbage 100", download, "a packet of"},
		{"no packet", "on WRITE 3: garbage 100", upload, "a packet of"},
		{"no packet", "on STAT: garbage 100", stat, "a packet of"},
		{"a huge packet", "on STAT: " + packet("\xff\xff\xff\xff\x65\x00\x00\x00\x01"), stat, "a packet of 4294967295 bytes"},
		{"an empty packet", "on STAT: " + packet("\x00\x00\x00\x00"), stat, ""},
		{"a packet too short for an id", "on STAT: " + packet("\x00\x00\x00\x02\x65\x00"), stat, "without an id"},
		{"too many bytes", `on READ 2: payload "` + strings.Repeat("x", 70_000) + `"`, download, "where 32768 were asked for"},
		{"no bytes", `on READ 2: payload ""`, download, "data without a byte"},
		{"OK for an answer", "on OPEN: reply 000 fine", download, "OK where something was asked for"},
		{"OK for an answer", "on READ: reply 000 fine", download, "OK where something was asked for"},
		{"OK for an answer", "on OPENDIR: reply 000 fine", list, "OK where something was asked for"},
	}
	for _, test := range tests {
		t.Run(test.name+" "+test.fault[:min(20, len(test.fault))], func(t *testing.T) {
			s := serve(t, siteOptions{faults: test.fault})
			s.file("big", noise(1<<20))
			client, err := s.dial(siteOptions{})
			s.must(err)
			s.Session = client
			err = test.do(s)
			s.fails(test.fault, err, session.ProtocolError)
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %q, want %q in it", err, test.says)
			}
		})
	}
}

// Every status becomes the cause that a script can act on.
func TestStatuses(t *testing.T) {
	tests := []struct {
		fault string
		want  session.Cause
	}{
		{"on WRITE 3: reply 014 no space", session.NoRemoteSpace},
		{"on WRITE 3: reply 015 quota", session.NoRemoteSpace},
		{"on WRITE 3: reply 004 Disk full", session.NoRemoteSpace},
		{"on WRITE 3: reply 003 no", session.NoRemotePermission},
		{"on WRITE 3: reply 004 Failure", session.RemoteRefused},
		{"on OPEN: reply 012 write protected", session.NoRemotePermission},
		{"on OPEN: reply 024 is a directory", session.RemoteRefused},
		{"on OPEN: reply 017 locked", session.RemoteBusy},
		{"on OPEN: reply 008 what", session.NotSupported},
		{"on OPEN: reply 099 what", session.RemoteRefused},
		{"on CLOSE: reply 014 now it shows", session.NoRemoteSpace},
	}
	for _, test := range tests {
		t.Run(test.fault, func(t *testing.T) {
			s := visit(t, siteOptions{faults: test.fault})
			_, err := s.Upload(context.Background(), "new", session.StoreReplace, bytes.NewReader(noise(1<<20)))
			s.fails(test.fault, err, test.want)
			if _, err := s.Stat(context.Background(), "."); err != nil {
				t.Errorf("the session is over: %v", err)
			}
		})
	}
}

// A middle part that is refused leaves the beginning, without a gap.
func TestUpload_RefusedInTheMiddle(t *testing.T) {
	data := noise(3 << 20)
	s := visit(t, siteOptions{faults: "on WRITE 20: reply 004 Failure"})
	n, err := s.Upload(context.Background(), "cut", session.StoreReplace, bytes.NewReader(data))
	s.fails("a write", err, session.RemoteRefused)
	if got := s.read("cut"); int64(len(got)) != n || n != 19*pieceLength || !bytes.Equal(got, data[:n]) {
		t.Errorf("%d bytes were confirmed, %d are there", n, len(got))
	}
}

// A server whose disk is full may confirm a piece that it has the beginning of only:
// what counts then is what is there.
func TestUpload_ConfirmedAndNotWritten(t *testing.T) {
	data := noise(1 << 20)
	s := visit(t, siteOptions{faults: "on WRITE 5: reply 000 OK\non WRITE 6-: reply 004 Disk full"})
	n, err := s.Upload(context.Background(), "cut", session.StoreReplace, bytes.NewReader(data))
	s.fails("a write", err, session.NoRemoteSpace)
	if got := s.read("cut"); int64(len(got)) != n || n != 4*pieceLength || !bytes.Equal(got, data[:n]) {
		t.Errorf("%d bytes were confirmed, %d are there", n, len(got))
	}
}

// Short answers are no end: the rest is asked for, and the file arrives whole.
func TestDownload_ShortAnswers(t *testing.T) {
	for _, fault := range []string{"on READ: short 1000", "on READ: short 20000", "on READ 3: short 1", "on READ 3-9: short 4096", "on FSTAT: reply 004 no\non READ: short 5000"} {
		t.Run(fault, func(t *testing.T) {
			s := visit(t, siteOptions{faults: fault})
			data := noise(1<<20 + 17)
			s.file("file", data)
			var got bytes.Buffer
			if n, err := s.Download(context.Background(), "file", 0, &got); err != nil || n != int64(len(data)) || !bytes.Equal(got.Bytes(), data) {
				t.Errorf("%d of %d bytes, %v", n, len(data), err)
			}
		})
	}
}

// Answers come in any order, and each is taken for the request whose id it bears.
func TestAnswersOutOfOrder(t *testing.T) {
	ctx := context.Background()
	data := noise(3<<20 + 17)
	for _, fault := range []string{
		"on READ 1: late 3\non WRITE 1: late 3",
		"on READ 2: late 60\non READ 5-9: late 4\non READ 20: late 1\non WRITE 2: late 60\non WRITE 5-9: late 4\non WRITE 20: late 1",
		"on FSTAT: late 1",
		"on FSTAT: late 30\non READ 1-20: late 10",
		"on OPEN: late 2\non CLOSE: late 2\non LIMITS: late 1\non STAT: late 1\non READDIR: late 1",
		"on READ: late 1\non WRITE: late 1",
		"on READ 90-: late 5\non WRITE 90-: late 5",
		"on READ 3: short 100; late 9\non READ 5: late 2; short 1",
	} {
		t.Run(fault, func(t *testing.T) {
			s := visit(t, siteOptions{faults: fault})
			for range 2 {
				if n, err := s.Upload(ctx, "file", session.StoreReplace, bytes.NewReader(data)); err != nil || n != int64(len(data)) || !bytes.Equal(s.read("file"), data) {
					t.Fatalf("up: %d of %d bytes, %v", n, len(data), err)
				}
				var got bytes.Buffer
				if n, err := s.Download(ctx, "file", 0, &got); err != nil || n != int64(len(data)) || !bytes.Equal(got.Bytes(), data) {
					t.Fatalf("down: %d of %d bytes, %v", n, len(data), err)
				}
				if l, err := s.List(ctx, ""); err != nil || len(l.Entries) != 1 {
					t.Fatalf("%+v, %v", l, err)
				}
			}
		})
	}
}

// A server that says nothing of the size, or the wrong thing, is read to the end.
func TestDownload_SizeNotTold(t *testing.T) {
	for _, size := range []int{0, 1, 100_000, 5 << 20} {
		s := visit(t, siteOptions{faults: "on FSTAT: reply 008 no"})
		data := noise(size)
		s.file("file", data)
		var got bytes.Buffer
		if n, err := s.Download(context.Background(), "file", 0, &got); err != nil || n != int64(size) || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("%d of %d bytes, %v", n, size, err)
		}
	}
}

// A server that is near and says what it takes is given and asked for as much; one that
// gives less than it says is asked for that from then on; one that is far gets pieces as
// they always are.
func TestPieces(t *testing.T) {
	ctx := context.Background()
	data := noise(5<<20 + 1)
	for _, test := range []struct {
		fault    string
		far, say int // what is asked for afterwards, far away and near
	}{
		{"", pieceLength, 32 << 10},
		{"on READ: short 1000", leastPiece, leastPiece},
		{"on READ: short 20000", 20000, 20000},
		{"on READ 3: late 2\non WRITE 3: late 2", pieceLength, 32 << 10},
	} {
		t.Run(test.fault, func(t *testing.T) {
			s := visit(t, siteOptions{faults: test.fault, large: true})
			_, err := s.CurrentDir(ctx)
			s.must(err)
			if s.limits.Read != 32<<10 || s.limits.Write < nearPiece {
				t.Fatalf("the server takes %+v", s.limits)
			}
			s.limits.Read = nearPiece // it says so, and gives less
			s.roundTrip = time.Microsecond
			for size, want := range map[int]int{s.pieceFor(s.readSize, s.limits.Read): nearPiece, s.pieceFor(s.writeSize, s.limits.Write): nearPiece} {
				if size != want {
					t.Errorf("pieces of %d bytes, want %d", size, want)
				}
			}
			if n, err := s.Upload(ctx, "file", session.StoreReplace, bytes.NewReader(data)); err != nil || n != int64(len(data)) || !bytes.Equal(s.read("file"), data) {
				t.Errorf("up: %d bytes, %v", n, err)
			}
			var got bytes.Buffer
			if n, err := s.Download(ctx, "file", 0, &got); err != nil || n != int64(len(data)) || !bytes.Equal(got.Bytes(), data) {
				t.Errorf("down: %d bytes, %v", n, err)
			}
			if near := s.pieceFor(s.readSize, s.limits.Read); near != test.say {
				t.Errorf("near it is asked for %d bytes now, want %d", near, test.say)
			}
			s.roundTrip = nearEnough
			if far := s.pieceFor(s.readSize, s.limits.Read); far != test.far {
				t.Errorf("far away it is asked for %d bytes now, want %d", far, test.far)
			}
		})
	}
	s := visit(t, siteOptions{})
	_, err := s.CurrentDir(ctx)
	s.must(err)
	s.roundTrip = time.Microsecond
	if size := s.pieceFor(s.writeSize, s.limits.Write); size != pieceLength {
		t.Errorf("pieces of %d bytes to a server that does not say what it takes", size)
	}
}

// An end before the size that the server told is no end.
func TestDownload_EndsTooSoon(t *testing.T) {
	s := visit(t, siteOptions{faults: "on READ 5: reply 001 end"})
	s.file("file", noise(1<<20))
	n, err := s.Download(context.Background(), "file", 0, io.Discard)
	s.fails("an early end", err, session.SizeMismatch)
	if n != 4*pieceLength {
		t.Errorf("%d bytes came", n)
	}
}

// Names that would leave their folder are left out and counted; the others stay.
func TestList_HostileNames(t *testing.T) {
	hostile := []string{"../x", "..\x00", "a/b", "/etc/passwd", "nul\x00", "cr\r", strings.Repeat("n", 300), ""}
	payload := fmt.Sprintf("%q", strings.Join(append(hostile, ".", "..", "good", "a|b", "esc\x1b[2J"), "\n"))
	s := visit(t, siteOptions{faults: "on READDIR 1: payload " + payload})
	l, err := s.List(context.Background(), "")
	s.must(err)
	var names []string
	for _, e := range l.Entries {
		names = append(names, e.Name)
	}
	want := []string{"good", "a|b", "esc\x1b[2J"}
	if runtime.GOOS == "windows" {
		want = want[:1]
	}
	if !slices.Equal(names, want) || l.Hostile != len(hostile)+3-len(want) || len(l.HostileSamples) != maxSamples {
		t.Errorf("listed %q, %d hostile: %q", names, l.Hostile, l.HostileSamples)
	}
}

func TestList_Bounds(t *testing.T) {
	long := fmt.Sprintf("on READDIR: payload %q", strings.Repeat("n", 64<<10))
	tests := []struct {
		name, fault string
		limits      session.Limits
		says        string
	}{
		{"without an end", "on READDIR: endless-reply", session.Limits{Names: 1000}, "more than 1000 names"},
		{"without an end, in bytes", "on READDIR: endless-reply", session.Limits{Listing: 100_000}, "longer than 100000 bytes"},
		{"a long name", long, session.Limits{ListLine: 1000}, "longer than 1000 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := visit(t, siteOptions{faults: test.fault, limits: test.limits})
			_, err := s.List(context.Background(), "")
			s.fails(test.name, err, session.ProtocolError)
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
			if _, err := s.Stat(context.Background(), "."); err != nil {
				t.Errorf("the session is over: %v", err)
			}
		})
	}
}

// Links are told as links; loops and links that lead nowhere end every question.
func TestLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	ctx := context.Background()
	s := visit(t, siteOptions{})
	s.must(os.Mkdir(filepath.Join(s.dir, "dir"), 0o755))
	s.file("dir/file", []byte("text"))
	for name, target := range map[string]string{"to-file": "dir/file", "to-dir": "dir", "nowhere": "none", "loop": "loop", "ring-a": "ring-b", "ring-b": "ring-a", "outside": "/etc"} {
		s.must(os.Symlink(target, filepath.Join(s.dir, name)))
	}
	l, err := s.List(ctx, "")
	s.must(err)
	for _, e := range l.Entries {
		if e.Name != "dir" && e.Kind != session.KindLink {
			t.Errorf("%+v", e)
		}
	}
	for name, want := range map[string]session.EntryKind{"to-file": session.KindFile, "to-dir": session.KindDir, "nowhere": session.KindLink, "loop": session.KindLink, "ring-a": session.KindLink} {
		if e, err := s.Stat(ctx, name); err != nil || e.Kind != want || e.Name != name {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	for _, name := range []string{"loop", "ring-a", "nowhere", "outside/passwd"} {
		if _, err := s.Download(ctx, name, 0, io.Discard); err == nil {
			t.Errorf("%s was downloaded", name)
		}
		if err := s.ChangeDir(ctx, name); err == nil {
			t.Errorf("changed to %s", name)
		}
	}
	s.must(s.Remove(ctx, "to-dir"))
	if got := s.read("dir/file"); string(got) != "text" {
		t.Error("removing a link removed what it led to")
	}
}

// Cut at many points, each way, a transfer fails with a cause that can be tried
// again, what is there is the beginning, and the rest can be fetched and sent.
func TestCuts(t *testing.T) {
	data := noise(2<<20 + 321)
	for i := range 20 {
		at := int64(1+i*i*i) * 997 / 4 // closer together where more is going on
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			ctx := context.Background()
			fault := fmt.Sprintf("on OPEN 1: cut %d\non OPEN 3: cut %d", at, at)
			s := serve(t, siteOptions{faults: fault})
			s.file("file", data)

			client, err := s.dial(siteOptions{})
			s.must(err)
			part := &progress{file: temporary(t, nil)}
			n, err := client.Download(ctx, "file", 0, part)
			s.fails("a download that is cut", err, session.ConnectionLost)
			client.Close(ctx)
			client, err = s.dial(siteOptions{})
			s.must(err)
			if _, err := client.Download(ctx, "file", n, part); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(part.file.Name()); err != nil || !bytes.Equal(got, data) || part.moved != int64(len(data)) {
				t.Errorf("cut at %d, gone on with at %d: %d bytes, other ones; %v", at, n, len(got), err)
			}

			n, err = client.Upload(ctx, "up", session.StoreReplace, bytes.NewReader(data))
			s.fails("an upload that is cut", err, session.ConnectionLost)
			client.Close(ctx)
			client, err = s.dial(siteOptions{})
			s.must(err)
			defer client.Close(ctx)
			entry, err := client.Stat(ctx, "up")
			if err != nil && session.CauseOf(err) != session.NoSuchRemoteFile {
				t.Fatal(err)
			}
			if err != nil {
				return // cut before it was there
			}
			if n > entry.Size {
				t.Errorf("%d bytes were confirmed, %d are there", n, entry.Size)
			}
			if _, err := client.UploadFrom(ctx, "up", n, bytes.NewReader(data[n:])); err != nil {
				t.Fatal(err)
			}
			if got := s.read("up"); !bytes.Equal(got, data) {
				t.Errorf("cut at %d, gone on with at %d: other bytes", at, n)
			}
		})
	}
}

func TestDial_NoSFTP(t *testing.T) {
	s := serve(t, siteOptions{faults: "on CHANNEL: reply 001 no"})
	_, err := s.dial(siteOptions{})
	s.fails("no channel", err, session.RemoteRefused)
}

func TestReadOnly(t *testing.T) {
	ctx := context.Background()
	s := visit(t, siteOptions{server: sftpserver.Options{ReadOnly: true}})
	s.file("file", []byte("x"))
	_, err := s.Upload(ctx, "new", session.StoreReplace, strings.NewReader("x"))
	for what, err := range map[string]error{"upload": err, "mkdir": s.MakeDir(ctx, "d"), "remove": s.Remove(ctx, "file"), "chmod": s.Chmod(ctx, "file", 0o600), "rename": s.Rename(ctx, "file", "x")} {
		s.fails(what, err, session.NoRemotePermission)
	}
}

// A command that runs when the session is closed ends at once.
func TestClose_DuringACommand(t *testing.T) {
	s := visit(t, siteOptions{faults: "on STAT: silence"})
	done := make(chan error)
	go func() {
		_, err := s.Stat(context.Background(), "x")
		done <- err
	}()
	for {
		s.wire.Lock()
		asked := slices.Contains(s.wire.lines, "> STAT /x")
		s.wire.Unlock()
		if asked {
			break
		}
		time.Sleep(time.Millisecond)
	}
	s.must(s.Close(context.Background()))
	s.fails("a command", <-done, session.ConnectionLost)
	_, err := s.Stat(context.Background(), "x")
	s.fails("after Close", err, session.NotConnected)
	s.must(s.Close(context.Background()))
}

// A command that is cancelled while the server is silent ends soon, and costs the
// session; one that the server answers within the two seconds of grace does not.
func TestCancel(t *testing.T) {
	s := visit(t, siteOptions{faults: "on STAT 1: delay 1s\non STAT 3: silence"})
	for i, want := range []session.Cause{session.CauseNone, session.ConnectionLost} {
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(20*time.Millisecond, func() { cancel(errors.New("enough")) })
		_, err := s.Stat(ctx, ".")
		s.fails("cancelled", err, session.Cancelled)
		_, err = s.Stat(context.Background(), ".")
		if session.CauseOf(err) != want {
			t.Errorf("round %d, afterwards: %v", i, err)
		}
	}
}

// A DATA too short for its own length ends the wire, and who waits for it is told.
func TestWire_EveryQuestionIsAnswered(t *testing.T) {
	for _, rest := range []string{"", "\x00\x00\x00", "\x00\x00\x00\x09x"} {
		ours, theirs := net.Pipe()
		w := newWire(ours)
		read := make(chan error, 1)
		go func() {
			_, err := w.Read(make([]byte, 1))
			read <- err
		}()
		go func() {
			question := make([]byte, 9)
			io.ReadFull(theirs, question)
			packet := appendNumber(nil, uint32(5+len(rest)))
			theirs.Write(append(append(append(packet, fxData), question[5:]...), rest...))
			io.Copy(io.Discard, theirs)
		}()
		done := make(chan answer, 1)
		w.ask(&question{into: make([]byte, 9), done: done}, fxRead, nil, nil)
		if err := <-read; session.CauseOf(err) != session.ProtocolError {
			t.Errorf("%q: %v", rest, err)
		}
		select {
		case a := <-done:
			if session.CauseOf(a.err) != session.ProtocolError {
				t.Errorf("%q: the answer is %v", rest, a.err)
			}
		default: // the wire tells before it ends
			t.Errorf("%q: nobody is told", rest)
		}
		theirs.Close()
	}
}
