//go:build servers

package sshconn

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// slow is a connection on which each write takes a moment, so that there is time for
// further channels.
type slow struct{ net.Conn }

func (c slow) Write(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return c.Conn.Write(p)
}

// OpenSSH's further channels are found to have the file that the first one has, and are
// used; and where another file is given the name before they open it, it is left alone.
func TestRealServers_UploadOverSeveralChannels(t *testing.T) {
	ctx := context.Background()
	data := noise(12 << 20)
	home := filepath.Join(rigVariable(t, "SFTPC_RIG_HOMES"), "openssh")
	for _, replaced := range []bool{false, true} {
		name := "shared"
		path := filepath.Join(home, name)
		foreign := bytes.Repeat([]byte("f"), len(data))
		var once sync.Once
		seen := &wireLog{}
		settings := session.Settings{
			Timeouts: patient(), Features: map[string]session.Feature{"CHANNELS": session.FeatureEnabled}, Observe: seen.observe,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				return slow{conn}, err
			},
		}
		s, err := Dial(ctx, realEndpoint(t, "openssh"), settings)
		if err != nil {
			t.Fatal(err)
		}
		file := &reader{progress: progress{file: temporary(t, data)}, moved: func() {
			if !replaced {
				return
			}
			once.Do(func() { // the first bytes are there
				if err := os.Rename(path, path+"-ours"); err != nil {
					t.Error(err)
				}
				if err := os.WriteFile(path, foreign, 0o666); err != nil {
					t.Error(err)
				}
				os.Chmod(path, 0o666)
			})
		}}
		n, err := s.Upload(ctx, name, session.StoreReplace, file)
		if err != nil || n != int64(len(data)) {
			t.Errorf("replaced %t: %d bytes, %v", replaced, n, err)
		}
		s.Close(ctx)
		if replaced {
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, foreign) {
				t.Errorf("the other file has other bytes, %v", err)
			}
			os.Remove(path)
			path += "-ours"
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Errorf("replaced %t: other bytes arrived, %v", replaced, err)
		}
		os.Remove(path)
		notes := strings.Join(seen.lines, "\n")
		if shared := strings.Contains(notes, "channels share the transfer"); !replaced && !shared {
			t.Errorf("no further channel was used:\n%s", notes)
		} else {
			t.Logf("replaced %t: several channels: %t", replaced, shared)
		}
	}
}

// reader tells when bytes have moved.
type reader struct {
	progress
	moved func()
}

func (r *reader) Moved(n int64) {
	r.progress.Moved(n)
	r.moved()
}
