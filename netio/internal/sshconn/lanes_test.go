package sshconn

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// Several channels only where they were tried, or where a script says so: a server that
// mixes them up writes one file's bytes into another's.
func TestLanes_Servers(t *testing.T) {
	for version, want := range map[string]bool{
		"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7": true, "SSH-2.0-sftpc": true,
		"SSH-2.0-mod_sftp": false, "SSH-2.0-mod_sftp/1.1.1": false, "SSH-2.0-": false,
		"SSH-2.0-SSH Server": false, "SSH-2.0-NotOpenSSH_9": false,
	} {
		if got := mixesNothing(version); got != want {
			t.Errorf("%s: %t", version, got)
		}
	}
	s := visit(t, siteOptions{})
	for feature, want := range map[session.Feature]int{session.FeatureAuto: mostLanes, session.FeatureEnabled: mostLanes, session.FeatureDisabled: 1} {
		s.settings.Features = map[string]session.Feature{"CHANNELS": feature}
		s.far()
		if got := s.lanesFor(1 << 30); got != want {
			t.Errorf("CHANNELS %d: %d channels, want %d", feature, got, want)
		}
	}
}

// A server that refuses further channels, loses one or never answers for it moves
// the file all the same, over the first.
func TestLanes(t *testing.T) {
	faults := map[string]string{
		"all open":        "",
		"refused":         "on CHANNEL 2-: reply 001 no",
		"one refused":     "on CHANNEL 3-: reply 001 no",
		"never answered":  "on CHANNEL 2-: silence",
		"INIT unanswered": "on INIT 2-: silence",
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			// As if the server were far; what the OPEN itself takes is measured too.
			s := visit(t, siteOptions{faults: "on OPEN: delay 30ms\n" + fault})
			s.far()
			data := noise(24 << 20)
			for range 2 {
				p := &progress{file: temporary(t, data)}
				if n, err := s.Upload(ctx, "file", session.StoreReplace, p); err != nil || n != int64(len(data)) || p.moved != n {
					t.Fatalf("up: %d, %v", n, err)
				}
				if !bytes.Equal(s.read("file"), data) {
					t.Fatal("other bytes are there")
				}
				s.far()
				p = &progress{file: temporary(t, nil)}
				if n, err := s.Download(ctx, "file", 0, p); err != nil || n != int64(len(data)) || p.moved != n {
					t.Fatalf("down: %d, %v", n, err)
				}
				if got, err := os.ReadFile(p.file.Name()); err != nil || !bytes.Equal(got, data) {
					t.Fatalf("other bytes came: %v", err)
				}
				s.far()
			}
			_, err := s.Stat(ctx, "file")
			s.must(err)
			if fault == "" {
				s.extra.wait()
			}
			s.extra.mu.Lock()
			defer s.extra.mu.Unlock()
			if used := len(s.extra.lanes); (used == mostLanes-1) != (fault == "") {
				t.Errorf("%d further channels were opened", used)
			}
		})
	}
}

// A further channel on which nothing is answered costs nothing but itself: the transfer
// ends without it, and Close ends what waits for it.
func TestLanes_MuteChannel(t *testing.T) {
	data := noise(10 << 20)
	for _, fault := range []string{"on OPEN 2: silence", "on OPEN 2-4: silence", "on FSTAT 1: silence", "on FSTAT 2: silence"} {
		t.Run(fault, func(t *testing.T) {
			s := visit(t, siteOptions{faults: "on WRITE: delay 1ms\n" + fault})
			s.far()
			n, err := s.Upload(context.Background(), "file", session.StoreReplace, &progress{file: temporary(t, data)})
			if err != nil || n != int64(len(data)) || !bytes.Equal(s.read("file"), data) {
				t.Errorf("%d of %d bytes, %v", n, len(data), err)
			}
			s.must(s.Close(context.Background()))
		})
	}
}

// A name that is given to another file between the first channel's OPEN and that of a
// further one: what arrives is the file that was opened first, and not a piece of each.
func TestLanes_OtherFile(t *testing.T) {
	const size = 24 << 20
	old, other := noise(size), noise(size+1)
	var s *site
	var opens atomic.Int32
	s = serve(t, siteOptions{faults: "on READ: delay 2ms\non OPEN: delay 30ms", server: sftpserver.Options{Log: func(line string) {
		if !strings.HasSuffix(line, "OPEN /file") {
			return
		}
		if opens.Add(1) == 2 {
			s.file("new", other)
			s.must(os.Rename(filepath.Join(s.dir, "new"), filepath.Join(s.dir, "file")))
		}
	}}})
	s.file("file", old)
	client, err := s.dial(siteOptions{})
	s.must(err)
	s.Session = client
	s.far()
	var got bytes.Buffer
	if n, err := s.Download(context.Background(), "file", 0, &got); err != nil || n != size || !bytes.Equal(got.Bytes(), old) {
		t.Errorf("%d bytes, %v; the same: %v", n, err, bytes.Equal(got.Bytes(), old))
	}
	s.must(s.Close(context.Background()))
	if opens.Load() < 2 {
		t.Error("no further channel was used")
	}
}

// A name that is given to another file while an upload goes on: nothing is written into
// that one, and the file that was opened gets every byte. (One that is as long as ours at
// the moment is taken for it; then TestConclude_OtherFile holds.)
func TestLanes_OtherFileIsNotWrittenTo(t *testing.T) {
	const size = 10 << 20
	for _, other := range []int{0, 1, size, size + 1} {
		t.Run(fmt.Sprint(other), func(t *testing.T) {
			data, foreign := noise(size), bytes.Repeat([]byte("f"), other)
			var s *site
			var opens atomic.Int32
			s = serve(t, siteOptions{faults: "on WRITE: delay 1ms\non OPEN 2-: delay 30ms", server: sftpserver.Options{Log: func(line string) {
				if strings.HasSuffix(line, "OPEN /file") && opens.Add(1) == 2 {
					s.must(os.Link(filepath.Join(s.dir, "file"), filepath.Join(s.dir, "ours")))
					s.file("new", foreign)
					s.must(os.Rename(filepath.Join(s.dir, "new"), filepath.Join(s.dir, "file")))
				}
			}}})
			client, err := s.dial(siteOptions{})
			s.must(err)
			s.Session = client
			s.far()
			n, err := s.Upload(context.Background(), "file", session.StoreReplace, &progress{file: temporary(t, data)})
			if err != nil || n != size || !bytes.Equal(s.read("ours"), data) {
				t.Errorf("%d bytes, %v; the same: %t", n, err, bytes.Equal(s.read("ours"), data))
			}
			if !bytes.Equal(s.read("file"), foreign) {
				t.Error("bytes of ours are in the other file")
			}
			s.must(s.Close(context.Background()))
			if opens.Load() < 2 {
				t.Error("no further channel was tried")
			}
		})
	}
}

// Should a further channel have another file after all, no upload is called a success.
func TestConclude_OtherFile(t *testing.T) {
	for _, same := range []bool{true, false} {
		s := visit(t, siteOptions{})
		further, err := openLane(s.connection, false)
		s.must(err)
		s.extra.lanes = append(s.extra.lanes, further)
		s.file("other", []byte("foreign"))
		ours, err := s.main.open("/file", openWrite|openCreate)
		s.must(err)
		name := "/other"
		if same {
			name = "/file"
		}
		theirs, err := further.open(name, openWrite)
		s.must(err)
		u := &upload{transfer: s.newTransfer("/file", openWrite, ours, 0, pieceLength)}
		u.ports = append(u.ports, &port{file: theirs})
		s.ctx = context.Background()
		want := session.SizeMismatch
		if same {
			want = session.CauseNone
		}
		if err := u.conclude(); session.CauseOf(err) != want {
			t.Errorf("same %t: %v", same, err)
		}
	}
}
