//go:build servers

package ftpconn

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// onEachServer runs a test against the real servers, with a file f in a directory of its
// own.
func onEachServer(t *testing.T, protocol session.Protocol, run func(t *testing.T, name string, open func(session.Settings) *Session)) {
	for _, name := range []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib"} {
		if protocol != session.FTP && !strings.Contains(os.Getenv("SFTPC_RIG_TLS"), name) {
			continue
		}
		port := os.Getenv("SFTPC_RIG_" + strings.ToUpper(name))
		if port == "" {
			t.Errorf("%s is not to be found: see testdata/servers", name)
			continue
		}
		endpoint := session.Endpoint{
			Protocol: protocol, Host: name, Address: net.JoinHostPort(os.Getenv("SFTPC_RIG_HOST"), port),
			User: os.Getenv("SFTPC_RIG_USER"), Password: os.Getenv("SFTPC_RIG_PASSWORD"), Trust: session.Trust{Level: session.TrustAny},
		}
		t.Run(name, func(t *testing.T) {
			directory := "remembered " + time.Now().Format("150405.000000")
			made := false
			run(t, name, func(settings session.Settings) *Session {
				t.Helper()
				settings.Timeouts = patient
				client, err := Dial(context.Background(), endpoint, settings)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { client.Close(context.Background()) })
				if !made {
					if err := client.MakeDir(context.Background(), directory); err != nil {
						t.Fatal(err)
					}
					made = true
				}
				if err := client.ChangeDir(context.Background(), directory); err != nil {
					t.Fatal(err)
				}
				return client
			})
		})
	}
}

// ProFTPD and Pure-FTPd set times by SITE UTIME where MFMT is left out.
func TestServers_UTIME(t *testing.T) {
	onEachServer(t, session.FTP, func(t *testing.T, name string, open func(session.Settings) *Session) {
		ctx := context.Background()
		when := time.Date(2020, 2, 29, 12, 34, 56, 0, time.UTC)
		var facts session.Facts
		for range 2 {
			settings, learned := learning(facts)
			settings.Features = map[string]session.Feature{"MFMT": session.FeatureDisabled}
			client := open(settings)
			if _, err := client.Upload(ctx, "a b", session.StoreReplace, strings.NewReader("1")); err != nil {
				t.Fatal(err)
			}
			err := client.SetModTime(ctx, "a b", when)
			if name == "pyftpdlib" {
				wantCause(t, err, session.NotSupported)
			} else if err != nil {
				t.Error(err)
			} else if entry, err := client.Stat(ctx, "a b"); err != nil || !entry.Time.Equal(when) {
				t.Errorf("%+v, %v", entry, err)
			}
			facts = closed(t, client, learned)
			want := map[string]string{"vsftpd": "MDTM", "proftpd": "SITE UTIME UTC", "pureftpd": "SITE UTIME UTC", "pyftpdlib": ""}[name]
			if facts.SetsTime != want || facts.Lack("SITE UTIME") != (name == "pyftpdlib") {
				t.Errorf("learned %+v", facts)
			}
		}
	})
}

// NOOPs in transfers of both directions leave each server's session in step.
func TestServers_KeepAlive(t *testing.T) {
	onEachServer(t, session.FTP, func(t *testing.T, _ string, open func(session.Settings) *Session) {
		ctx := context.Background()
		settings, learned := learning(session.Facts{KeepAlive: session.KeepAliveNeeded})
		const enough = 3
		var lock sync.Mutex
		noops, told := 0, make(chan struct{}, 1<<16)
		settings.Observe = func(w session.Wire) {
			lock.Lock()
			defer lock.Unlock()
			if w.Kind == session.WireCommand && w.Text == "NOOP" {
				noops++
				select {
				case told <- struct{}{}:
				default:
				}
			}
		}
		client := open(settings)
		client.keepAlive = 20 * time.Millisecond
		big := bytes.Repeat([]byte("x"), 16<<20)
		wait := func() {
			for range enough {
				<-told
			}
		}
		for range 3 {
			n, err := client.Upload(ctx, "big", session.StoreReplace, io.MultiReader(bytes.NewReader(big[:1<<20]), &waitingReader{wait: wait}, bytes.NewReader(big[1<<20:])))
			if err != nil || n != int64(len(big)) {
				t.Fatalf("%d bytes, %v", n, err)
			}
			if entry, err := client.Stat(ctx, "big"); err != nil || entry.Size != int64(len(big)) {
				t.Fatalf("out of step: %+v, %v", entry, err)
			}
			waited := false
			n, err = client.Download(ctx, "big", 0, writerFunc(func(p []byte) (int, error) {
				if !waited {
					waited = true
					wait()
				}
				return len(p), nil
			}))
			if err != nil || n != int64(len(big)) {
				t.Fatalf("%d bytes, %v", n, err)
			}
			if dir, err := client.CurrentDir(ctx); err != nil || !strings.Contains(dir, "remembered ") {
				t.Fatalf("out of step: %q, %v", dir, err)
			}
			if reply, err := client.Raw(ctx, "NOOP"); err != nil || reply.Code != 200 {
				t.Fatalf("out of step: %+v, %v", reply, err)
			}
		}
		if facts := closed(t, client, learned); facts.KeepAlive != session.KeepAliveWorks {
			t.Errorf("learned %+v", facts)
		}
	})
}

// waitingReader is an empty piece of a source that takes its time.
type waitingReader struct{ wait func() }

func (r *waitingReader) Read([]byte) (int, error) {
	r.wait()
	return 0, io.EOF
}

// What one session with a server has learned is right in the next one, which says no
// more commands for the same work.
func TestServers_SecondSession(t *testing.T) {
	for _, protocol := range []session.Protocol{session.FTP, session.FTPSExplicit} {
		onEachServer(t, protocol, func(t *testing.T, name string, open func(session.Settings) *Session) {
			ctx := context.Background()
			var facts session.Facts
			commands, refused := make([]int, 2), false
			for i := range commands {
				settings, learned := learning(facts)
				var seen wire
				settings.Observe = seen.observe
				client := open(settings)
				before := len(seen.of(session.WireCommand))
				for _, file := range []string{"f", "new"} {
					if _, err := client.Upload(ctx, file, session.StoreReplace, strings.NewReader(file)); err != nil {
						t.Fatal(err)
					}
				}
				if err := swap(client); err != nil {
					t.Error(err)
				}
				if err := client.SetModTime(ctx, "f", time.Now()); err != nil {
					t.Error(err)
				}
				if _, err := client.List(ctx, ""); err != nil {
					t.Error(err)
				}
				var got strings.Builder
				if _, err := client.Download(ctx, "f", 0, &got); err != nil || got.String() != "new" {
					t.Errorf("%q, %v", got.String(), err)
				}
				commands[i] = len(seen.of(session.WireCommand)) - before
				for _, w := range seen.of(session.WireCommand) {
					if refused && strings.HasPrefix(w.Text, "OPTS UTF8") {
						t.Error("OPTS UTF8 was said again")
					}
				}
				facts = closed(t, client, learned)
				refused = facts.Lack(optsUTF8)
			}
			if want := name != "vsftpd"; refused != want {
				t.Errorf("OPTS UTF8 was refused: %t", refused)
			}
			t.Logf("%d and %d commands; learned %+v", commands[0], commands[1], facts)
			if commands[1] > commands[0] {
				t.Errorf("the second session said more: %d commands and %d", commands[0], commands[1])
			}
		})
	}
}
