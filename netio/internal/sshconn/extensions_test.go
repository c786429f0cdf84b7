package sshconn

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// With FSYNC enabled an upload is not over before the server has the file on its disk,
// and fails where it cannot.
func TestUpload_Fsync(t *testing.T) {
	const extension = "fsync@openssh.com"
	enabled := map[string]session.Feature{"FSYNC": session.FeatureEnabled}
	for name, test := range map[string]struct {
		features map[string]session.Feature
		fault    string
		lacks    []string
		want     session.Cause
		asked    bool
	}{
		"not asked for":         {nil, "", nil, session.CauseNone, false},
		"done":                  {enabled, "", nil, session.CauseNone, true},
		"not there":             {enabled, "", []string{extension}, session.CauseNone, false},
		"fails":                 {enabled, "on FSYNC: reply 004 Failure", nil, session.RemoteRefused, true},
		"the disk is full":      {enabled, "on FSYNC: reply 014 no space", nil, session.NoRemoteSpace, true},
		"a broken disk":         {enabled, "on FSYNC: reply 004 Input/output error", nil, session.RemoteRefused, true},
		"announced, and not":    {enabled, "on FSYNC: reply 008 what", nil, session.NotSupported, true},
		"never answered":        {enabled, "on FSYNC: silence", nil, session.ReplyTimeout, true},
		"the connection is cut": {enabled, "on FSYNC: reset", nil, session.ConnectionLost, true},
	} {
		t.Run(name, func(t *testing.T) {
			var lock sync.Mutex
			var asked []string
			s := serve(t, siteOptions{faults: test.fault, server: sftpserver.Options{DisabledExtensions: test.lacks, Log: func(line string) {
				_, line, _ = strings.Cut(line, "] ")
				lock.Lock()
				defer lock.Unlock()
				if verb, _, _ := strings.Cut(line, " "); verb == "FSYNC" || verb == "CLOSE" {
					asked = append(asked, verb)
				}
			}}})
			client, err := s.dial(siteOptions{features: test.features})
			s.must(err)
			s.Session = client
			if test.want == session.ReplyTimeout {
				client.Adjust(session.Settings{Timeouts: hasty(test.want), Features: test.features})
			}
			data := noise(100_000)
			n, err := s.Upload(context.Background(), "file", session.StoreReplace, bytes.NewReader(data))
			if session.CauseOf(err) != test.want || n != int64(len(data)) {
				t.Errorf("%d bytes, %v, want cause %d", n, err, test.want)
			}
			if test.want != session.ReplyTimeout && test.want != session.ConnectionLost {
				if _, err := s.Stat(context.Background(), "file"); err != nil {
					t.Errorf("the session is over: %v", err)
				}
			}
			s.wire.Lock()
			told := strings.Contains(strings.Join(s.wire.lines, "\n"), "# the server has no fsync@openssh.com")
			s.wire.Unlock()
			if told != (test.lacks != nil) {
				t.Errorf("told that there is no fsync: %t", told)
			}
			lock.Lock()
			defer lock.Unlock()
			if slices.Contains(asked, "FSYNC") != test.asked || len(asked) > 0 && slices.Index(asked, "CLOSE") < slices.Index(asked, "FSYNC") && slices.Contains(asked, "CLOSE") {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

// FAILURE is all that version 3 has for a full disk; statvfs tells it from others, for
// the first byte and for the millionth.
func TestUpload_FullDisk(t *testing.T) {
	full := func() (free, total uint64) { return 4096, 1 << 30 }
	roomy := func() (free, total uint64) { return 1 << 29, 1 << 30 }
	for name, test := range map[string]struct {
		fault string
		space func() (free, total uint64)
		lacks []string
		want  session.Cause
		asked bool
	}{
		"at OPEN":                {"on OPEN: reply 004 Failure", full, nil, session.NoRemoteSpace, true},
		"before the first byte":  {"on WRITE: reply 004 Failure", full, nil, session.NoRemoteSpace, true},
		"in the middle":          {"on WRITE 20-: reply 004 Failure", full, nil, session.NoRemoteSpace, true},
		"at CLOSE":               {"on CLOSE: reply 004 Failure", full, nil, session.NoRemoteSpace, true},
		"there is space":         {"on WRITE: reply 004 Failure", roomy, nil, session.RemoteRefused, true},
		"nobody tells the space": {"on WRITE: reply 004 Failure", full, []string{"statvfs@openssh.com"}, session.RemoteRefused, false},
		"it is not answered":     {"on WRITE: reply 004 Failure\non STATVFS: reply 008 what", full, nil, session.RemoteRefused, true},
		"another reason is told": {"on WRITE: reply 003 no", full, nil, session.NoRemotePermission, false},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Bool
			s := serve(t, siteOptions{faults: test.fault, server: sftpserver.Options{Space: test.space, DisabledExtensions: test.lacks, Log: func(line string) {
				if strings.Contains(line, "] STATVFS") {
					asked.Store(true)
				}
			}}})
			client, err := s.dial(siteOptions{})
			s.must(err)
			s.Session = client
			_, err = s.Upload(context.Background(), "new", session.StoreReplace, bytes.NewReader(noise(1<<20)))
			s.fails(name, err, test.want)
			if asked.Load() != test.asked {
				t.Errorf("the space was asked for: %t", asked.Load())
			}
			if _, err := s.Stat(context.Background(), "."); err != nil {
				t.Errorf("the session is over: %v", err)
			}
		})
	}
}
