package sshconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// requestLog keeps which requests a server was asked, without their arguments. A server
// does not tell of READ and WRITE.
type requestLog struct {
	sync.Mutex
	verbs []string
}

func (l *requestLog) note(line string) {
	l.Lock()
	defer l.Unlock()
	for _, field := range strings.Fields(line) {
		if strings.ToUpper(field) == field && strings.Trim(field, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == "" {
			l.verbs = append(l.verbs, field)
			return
		}
	}
}

func (l *requestLog) take() string {
	l.Lock()
	defer l.Unlock()
	said := strings.Join(l.verbs, " ")
	l.verbs = nil
	return said
}

// told is a local end that was told the size of the file.
type told struct {
	progress
	size int64
}

func (t *told) Expected() int64 { return t.size }

// What a small file costs: one request that opens it, and then all others together.
func TestSmallFiles_Requests(t *testing.T) {
	var log requestLog
	s := visit(t, siteOptions{server: sftpserver.Options{Log: log.note}})
	ctx := context.Background()
	_, err := s.CurrentDir(ctx)
	s.must(err)
	s.must(os.Mkdir(s.dir+"/folder", 0o755))
	s.file("some", noise(4<<10))
	s.file("none", nil)
	s.file("pieces", noise(2*pieceLength))
	get := func(name string, size int64) func() error {
		return func() error {
			end := &told{progress{file: temporary(t, nil)}, size}
			n, err := s.Download(ctx, name, 0, end)
			want := s.read(name)
			if got, _ := os.ReadFile(end.file.Name()); !bytes.Equal(got, want) || n != int64(len(want)) || end.moved != n {
				t.Errorf("%s: %d bytes of %d, %d were told of", name, len(got), len(want), end.moved)
			}
			return err
		}
	}
	put := func(name string, size int) func() error {
		return func() error {
			end := &progress{file: temporary(t, noise(size))}
			n, err := s.Upload(ctx, name, session.StoreReplace, end)
			if !bytes.Equal(s.read(name), noise(size)) || n != int64(size) || end.moved != n {
				t.Errorf("%s: %d bytes of %d, %d were told of", name, n, size, end.moved)
			}
			return err
		}
	}
	for _, tt := range []struct {
		what string
		do   func() error
		want string
	}{
		{"a download", get("some", 4<<10), "OPEN FSTAT CLOSE"},
		{"an empty one", get("none", 0), "OPEN FSTAT CLOSE"},
		{"one of two pieces", get("pieces", 2*pieceLength), "OPEN FSTAT CLOSE"},
		{"one that is longer than it was", get("some", 100), "OPEN FSTAT FSTAT CLOSE"},
		{"one that is shorter than it was", get("some", 5<<10), "OPEN FSTAT FSTAT CLOSE"},
		{"an upload", put("new", 4<<10), "OPEN CLOSE STAT"},
		{"an upload and the question that follows", func() error {
			err := put("new", 4<<10)()
			_, missing := s.Stat(ctx, "new")
			return errors.Join(err, missing)
		}, "OPEN CLOSE STAT"},
		{"an empty upload", put("new", 0), "OPEN CLOSE STAT"},
		{"a longer one", put("new", pieceLength+1), "OPEN FSTAT CLOSE STAT"},
		{"a listing", func() error { _, err := s.List(ctx, "folder"); return err }, "OPENDIR READDIR READDIR CLOSE"},
	} {
		log.take()
		s.must(tt.do())
		s.must(s.MakeDir(ctx, fmt.Sprintf("%p", &tt.what))) // what is not waited for has come by then
		got := strings.TrimSpace(strings.TrimSuffix(log.take(), "MKDIR"))
		if got != tt.want {
			t.Errorf("%s takes %s, want %s", tt.what, got, tt.want)
		}
	}
}

// A small upload that the server refuses in the middle has moved nothing, and is no
// success; the session goes on.
func TestSmallFiles_Refused(t *testing.T) {
	for _, version := range []string{"sftpc", "other"} {
		for verb, want := range map[string]session.Cause{"OPEN": session.NoRemotePermission, "WRITE": session.NoRemotePermission, "CLOSE": session.NoRemotePermission, "READ": session.NoRemotePermission} {
			s := visit(t, siteOptions{faults: "on " + verb + ": reply 003 no", server: sftpserver.Options{Version: version}})
			s.file("some", noise(4<<10))
			var err error
			var n int64
			if verb == "READ" {
				n, err = s.Download(context.Background(), "/some", 0, &told{progress{file: temporary(t, nil)}, 4 << 10})
			} else {
				n, err = s.Upload(context.Background(), "/new", session.StoreReplace, temporary(t, noise(4<<10)))
			}
			s.fails(version+" "+verb, err, want)
			if n != 0 {
				t.Errorf("%s: %d bytes are called moved", verb, n)
			}
			if _, err := s.Stat(context.Background(), "/some"); err != nil {
				t.Errorf("%s: afterwards: %v", verb, err)
			}
		}
	}
}

// Several sessions on one connection: each has its own current directory, one channel
// carries them all, and none gets another's answer.
func TestShare(t *testing.T) {
	s := visit(t, siteOptions{server: sftpserver.Options{MaxChannels: 1}})
	ctx := context.Background()
	const guests = 16
	var work sync.WaitGroup
	for i := range guests {
		dir := fmt.Sprintf("d%d", i)
		s.must(os.Mkdir(s.dir+"/"+dir, 0o755))
		guest, err := s.Share(session.Settings{Timeouts: patient()})
		s.must(err)
		work.Go(func() {
			defer guest.Close(ctx)
			if err := guest.ChangeDir(ctx, dir); err != nil {
				t.Error(err)
				return
			}
			for round := range 20 {
				data := noise(1000*i + 100*round)
				if _, err := guest.Upload(ctx, "file", session.StoreReplace, temporary(t, data)); err != nil {
					t.Error(err)
				}
				end := &told{progress{file: temporary(t, nil)}, int64(len(data))}
				if _, err := guest.Download(ctx, "file", 0, end); err != nil {
					t.Error(err)
				}
				if got, _ := os.ReadFile(end.file.Name()); !bytes.Equal(got, data) {
					t.Errorf("%s, round %d: %d bytes of another file", dir, round, len(got))
				}
				if _, err := guest.Stat(ctx, "nothing"); session.CauseOf(err) != session.NoSuchRemoteFile {
					t.Error(err)
				}
				if l, err := guest.List(ctx, ""); err != nil || len(l.Entries) != 1 {
					t.Errorf("%s: %v, %v", dir, l.Entries, err)
				}
			}
		})
	}
	work.Wait()
	if dir, err := s.CurrentDir(ctx); err != nil || dir != "/" {
		t.Errorf("the first session is in %q: %v", dir, err)
	}
}

// A guest that is closed leaves the connection alone, and one whose connection is lost
// says so.
func TestShare_Ends(t *testing.T) {
	s := visit(t, siteOptions{})
	ctx := context.Background()
	guest, err := s.Share(session.Settings{Timeouts: patient()})
	s.must(err)
	s.must(guest.Close(ctx))
	_, err = guest.Stat(ctx, "/")
	s.fails("a guest that was closed", err, session.NotConnected)
	_, err = s.Stat(ctx, "/")
	s.must(err)
	guest, err = s.Share(session.Settings{Timeouts: patient()})
	s.must(err)
	s.must(s.Close(ctx))
	_, err = guest.Stat(ctx, "/")
	s.fails("a guest without a host", err, session.ConnectionLost)
	s.must(guest.Close(ctx))
}

// One session's time-out costs the connection, and the others a ConnectionLost that is
// no time-out of theirs.
func TestShare_TimeOut(t *testing.T) {
	s := visit(t, siteOptions{faults: "on STAT 1: silence\non LSTAT 1: silence"})
	ctx := context.Background()
	guest, err := s.Share(session.Settings{Timeouts: hasty(session.ReplyTimeout)})
	s.must(err)
	lost := make(chan error, 1)
	go func() { lost <- s.Remove(ctx, "/slow") }()
	_, err = guest.Stat(ctx, "/mute")
	s.fails("who waited too long", err, session.ReplyTimeout)
	s.fails("who waited besides", <-lost, session.ConnectionLost)
	var e *session.Error
	if _, err := s.Share(session.Settings{}); !errors.As(err, &e) || e.Cause != session.ConnectionLost || !e.Unsent {
		t.Errorf("sharing what is lost: %v", err)
	}
}

// What many ask at the same time goes out together: far fewer packets of SSH than
// requests of SFTP.
func TestWire_SendsTogether(t *testing.T) {
	written := make(chan []byte, 100)
	w := newWire(&recorder{written: written, over: make(chan struct{})})
	defer w.fail(errClosed)
	w.outgoing.Lock() // nothing is sent meanwhile
	var asking sync.WaitGroup
	for range 50 {
		asking.Go(func() { w.ask(&question{}, fxStat, appendText(nil, "/name"), nil) })
	}
	w.outgoing.Unlock()
	asking.Wait()
	total := 0
	var packets []int
	for total < 50*(4+1+4+4+5) {
		packets = append(packets, len(<-written))
		total += packets[len(packets)-1]
	}
	if !slices.IsSorted(packets) && len(packets) > 50 {
		t.Errorf("%d writes", len(packets))
	}
}

// recorder is a channel that keeps what is written.
type recorder struct {
	written chan []byte
	over    chan struct{}
}

func (r *recorder) Write(p []byte) (int, error) { r.written <- bytes.Clone(p); return len(p), nil }
func (r *recorder) Read([]byte) (int, error)    { <-r.over; return 0, errClosed }
func (r *recorder) Close() error                { close(r.over); return nil }
