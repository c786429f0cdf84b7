package ftpconn

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/session"
)

// TestOwnServer holds client and embedded server against each other with the same
// suite that real servers are held against (tag servers).
func TestOwnServer(t *testing.T) {
	embedded, err := server.Listen(context.Background(), "127.0.0.1:0", server.Options{Dir: t.TempDir(), Users: map[string]string{"u": "p"}, SkipSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer embedded.Close()
	conform(t, session.Endpoint{Host: "embedded", Address: embedded.Addr(), User: "u", Password: "p"})
}

// conform runs the suite in each of the four modes. The server needs a writable
// home; what the suite makes there it leaves.
func conform(t *testing.T, endpoint session.Endpoint) {
	for _, mode := range modes() {
		t.Run(endpoint.Host+"/"+mode.name, func(t *testing.T) {
			r := &realServer{T: t, active: new(atomic.Bool), stumbles: endpoint.Host == "pyftpdlib"}
			r.active.Store(mode.active)
			timeouts := patient
			if r.stumbles {
				timeouts.Idle, timeouts.Reply = 5*time.Second, 10*time.Second
			}
			r.dial = func() {
				client, err := Dial(context.Background(), endpoint, session.Settings{
					Timeouts: timeouts,
					Features: mode.features, Observe: r.seen.observe,
					DataMode: func() session.DataMode { return session.DataMode{Active: r.active.Load()} },
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { client.Close(context.Background()) })
				r.Session = client
			}
			r.dial()
			defer func() {
				if t.Failed() {
					r.tell()
				}
			}()
			r.inFreshDirectory()
			r.sizes()
			r.switching()
			r.names()
			r.refusals()
			r.attributes()
			r.aborts()
			r.listings()
			r.zones()
			for _, data := range r.seen.of(session.WireData) {
				if data.Data.Active == mode.active && data.Data.Command != mode.name {
					t.Errorf("a data connection by %s", data.Data.Command)
				}
			}
		})
	}
}

type realServer struct {
	*testing.T
	*Session
	seen      wire
	active    *atomic.Bool
	dial      func() // makes Session a new one
	directory string // that the suite works in

	// stumbles: when an upload is cut after its 150 but before pyftpdlib 1.5.7 has
	// accepted the data connection, it keeps the STOR in its queue through ABOR and
	// NOOP and gives it the next data connection: that transfer hangs, is left without
	// its last reply, or ends with 426. ftplib of Python meets the same. The one after
	// it is well, unless the missing reply has cost the session.
	stumbles bool
}

// download and list repeat what a server that stumbles has spoilt.
func (r *realServer) download(name string, offset int64, w io.Writer) (n int64, err error) {
	r.repeat(func() error {
		if buffer, ok := w.(*bytes.Buffer); ok {
			buffer.Reset()
		}
		n, err = r.Download(context.Background(), name, offset, w)
		return err
	})
	return n, err
}

func (r *realServer) list(dir string) (l session.Listing, err error) {
	r.repeat(func() error {
		l, err = r.List(context.Background(), dir)
		return err
	})
	return l, err
}

// repeat carries a transfer out, once more where the server stumbled, and then in a
// new session if it has cost this one.
func (r *realServer) repeat(transfer func() error) {
	err := transfer()
	if !r.stumbles || err == nil {
		return
	}
	switch session.CauseOf(err) {
	case session.DataLost, session.DataTimeout:
		if err := transfer(); err == nil || session.CauseOf(err) != session.ReplyTimeout {
			return
		}
	case session.ReplyTimeout:
	default:
		return
	}
	settings := r.settings
	r.dial()
	r.Adjust(settings)
	r.must(r.ChangeDir(context.Background(), r.directory))
	transfer()
}

// tell shows the newest lines of the wire.
func (r *realServer) tell() {
	all := r.seen.all
	if len(all) > 60 {
		all = all[len(all)-60:]
	}
	for _, w := range all {
		r.Logf("%s %s", [...]string{">", "<", "=", "!", "#"}[w.Kind], w.Text)
	}
}

func (r *realServer) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *realServer) inFreshDirectory() {
	ctx := context.Background()
	dir := fmt.Sprintf("t%d", time.Now().UnixNano())
	r.must(r.MakeDir(ctx, dir))
	r.must(r.ChangeDir(ctx, dir))
	at, err := r.CurrentDir(ctx)
	if err != nil || !strings.HasSuffix(at, "/"+dir) {
		r.Fatalf("in %q, %v", at, err)
	}
	r.directory = at
	if l, err := r.list(""); err != nil || len(l.Entries) != 0 || l.Unknown != 0 {
		r.Fatalf("a new directory lists as %+v, %v", l, err)
	}
}

func (r *realServer) sizes() {
	ctx := context.Background()
	for _, size := range []int{0, 1, 4096, 1 << 20} {
		data := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		name := fmt.Sprintf("size %d", size)
		if n, err := r.Upload(ctx, name, session.StoreReplace, &progress{file: temporary(r.T, data)}); err != nil || n != int64(size) {
			r.Fatalf("uploading %s: %d, %v", name, n, err)
		}
		var got bytes.Buffer
		if _, err := r.download(name, 0, &got); err != nil || !bytes.Equal(got.Bytes(), data) {
			r.Fatalf("downloading %s: %d bytes, %v", name, got.Len(), err)
		}
		entry, err := r.Stat(ctx, name)
		if err != nil || entry.Size != int64(size) || entry.Kind != session.KindFile || entry.Time.IsZero() {
			r.Errorf("%+v, %v", entry, err)
		}
		if size > 0 {
			got.Reset()
			if _, err := r.download(name, int64(size/2), &got); err != nil || !bytes.Equal(got.Bytes(), data[size/2:]) {
				r.Errorf("the second half of %s: %d bytes, %v", name, got.Len(), err)
			}
		}
		if _, err := r.Upload(ctx, name, session.StoreAppend, bytes.NewReader([]byte("tail"))); err != nil {
			r.Errorf("appending: %v", err)
		}
		if entry, err := r.Stat(ctx, name); err != nil || entry.Size != int64(size)+4 {
			r.Errorf("after appending %+v, %v", entry, err)
		}
		r.must(r.Remove(ctx, name))
	}
	if _, err := r.Upload(ctx, "nothing", session.StoreAppend, bytes.NewReader(nil)); err != nil {
		r.Errorf("appending nothing to nothing: %v", err)
	}
	r.must(r.Remove(ctx, "nothing"))
	if _, err := r.Upload(ctx, "unique", session.StoreUnique, strings.NewReader("u")); err != nil {
		r.Errorf("unique: %v", err)
	}
	r.must(r.SetType(ctx, session.TypeASCII))
	if _, err := r.Upload(ctx, "ascii", session.StoreReplace, strings.NewReader("a\nb\r\nc")); err != nil {
		r.Errorf("in ASCII: %v", err)
	}
	var got bytes.Buffer
	if _, err := r.download("ascii", 0, &got); err != nil || got.String() != "a\nb\nc" {
		r.Errorf("in ASCII: %q, %v", got.String(), err)
	}
	r.must(r.SetType(ctx, session.TypeBinary))
}

func (r *realServer) switching() {
	ctx := context.Background()
	begun := r.active.Load()
	r.Upload(ctx, "switch", session.StoreReplace, strings.NewReader("data"))
	for i := range 6 {
		r.active.Store(i%2 == 0)
		if n, err := r.download("switch", 0, io.Discard); n != 4 || err != nil {
			r.Errorf("switched %d times: %d bytes, %v", i, n, err)
		}
	}
	r.active.Store(begun)
}

func (r *realServer) names() {
	ctx := context.Background()
	names := []string{"blank in it", "[brackets]", "star*", `quote"d`, "-dash", "semi;colon", "ünï", "trailing.", ".hidden"}
	r.must(r.MakeDir(ctx, "names"))
	for _, name := range names {
		if _, err := r.Upload(ctx, "names/"+name, session.StoreReplace, strings.NewReader(name)); err != nil {
			r.Errorf("%v", err)
			continue
		}
		if entry, err := r.Stat(ctx, "names/"+name); err != nil || entry.Size != int64(len(name)) {
			r.Errorf("%q: %+v, %v", name, entry, err)
		}
	}
	l, err := r.list("names")
	if err != nil || l.Unknown != 0 || len(l.Entries) < len(names)-1 {
		r.Errorf("%d of %d names, %+v, %v", len(l.Entries), len(names), l, err)
	}
	for _, dir := range []string{`d "q" d`, "[d]", "-d", "d d"} {
		r.must(r.MakeDir(ctx, dir))
		r.must(r.MakeDir(ctx, dir+"/sub"))
		if l, err := r.list(dir); err != nil || len(l.Entries) != 1 || l.Entries[0].Kind != session.KindDir {
			r.Errorf("listing %s: %+v, %v", dir, l, err)
		}
		if entry, err := r.Stat(ctx, dir); err != nil || entry.Kind != session.KindDir {
			r.Errorf("asking for %s: %+v, %v", dir, entry, err)
		}
		home, _ := r.CurrentDir(ctx)
		r.must(r.ChangeDir(ctx, dir))
		if at, err := r.CurrentDir(ctx); err != nil || at != home+"/"+dir {
			r.Errorf("in %q, %v", at, err)
		}
		r.must(r.ChangeDir(ctx, ".."))
	}
}

func (r *realServer) refusals() {
	ctx := context.Background()
	r.must(r.MakeDir(ctx, "full"))
	r.must(r.MakeDir(ctx, "full/sub"))
	tests := []struct {
		name string
		do   func() error
		want session.Cause
	}{
		{"download what is not there", func() error { _, err := r.Download(ctx, "not there", 0, io.Discard); return err }, session.NoSuchRemoteFile},
		{"ask for what is not there", func() error { _, err := r.Stat(ctx, "not there"); return err }, session.NoSuchRemoteFile},
		{"ask for what is not there, hidden", func() error { _, err := r.Stat(ctx, ".not there"); return err }, session.NoSuchRemoteFile},
		{"ask below what is not there", func() error { _, err := r.Stat(ctx, "not/there"); return err }, session.NoSuchRemoteFile},
		{"list what is not there", func() error { _, err := r.List(ctx, "not there"); return err }, session.NoSuchRemoteFile},
		{"change to what is not there", func() error { return r.ChangeDir(ctx, "not there") }, session.NoSuchRemoteFile},
		{"delete what is not there", func() error { return r.Remove(ctx, "not there") }, session.NoSuchRemoteFile},
		{"remove a directory that is not there", func() error { return r.RemoveDir(ctx, "not there") }, session.NoSuchRemoteFile},
		{"rename what is not there", func() error { return r.Rename(ctx, "not there", "x") }, session.NoSuchRemoteFile},
		{"upload into what is not there", func() error {
			_, err := r.Upload(ctx, "not/there", session.StoreReplace, strings.NewReader("x"))
			return err
		}, session.NoSuchRemoteFile},
		{"make a directory that is there", func() error { return r.MakeDir(ctx, "full") }, session.RemoteExists},
		{"remove a directory that is not empty", func() error { return r.RemoveDir(ctx, "full") }, session.DirectoryNotEmpty},
		{"an unknown command is a reply", func() error { _, err := r.Raw(ctx, "XYZZY"); return err }, session.CauseNone},
	}
	for _, test := range tests {
		if err := test.do(); session.CauseOf(err) != test.want {
			r.Errorf("%s: cause %d, want %d: %v", test.name, session.CauseOf(err), test.want, err)
		}
	}
}

func (r *realServer) attributes() {
	ctx := context.Background()
	r.Upload(ctx, "attr", session.StoreReplace, strings.NewReader("data"))
	when := time.Date(2020, 2, 29, 12, 34, 56, 0, time.UTC)
	if r.Caps().SetTimes {
		r.must(r.SetModTime(ctx, "attr", when))
		if entry, err := r.Stat(ctx, "attr"); err != nil || !entry.Time.Equal(when) || !entry.Exact {
			r.Errorf("%+v, %v", entry, err)
		}
	} else {
		r.Error("cannot set times")
	}
	r.must(r.Chmod(ctx, "attr", 0o640))
	r.must(r.Rename(ctx, "attr", "attr 2"))
	r.must(r.Remove(ctx, "attr 2"))
}

func (r *realServer) aborts() {
	ctx := context.Background()
	big := bytes.Repeat([]byte("x"), 32<<20)
	if _, err := r.Upload(ctx, "big", session.StoreReplace, bytes.NewReader(big)); err != nil {
		r.Fatal(err)
	}
	for i := range 20 {
		if i%2 == 0 {
			ctx, cancel := context.WithCancel(ctx)
			_, err := r.Download(ctx, "big", 0, writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }))
			wantCause(r.T, err, session.Cancelled)
		} else {
			_, err := r.Upload(ctx, "cut", session.StoreReplace, &slowReader{left: 200, before: func() {}, end: io.ErrUnexpectedEOF})
			wantCause(r.T, err, session.LocalFailure)
		}
		if reply := r.LastReply(); reply.Code == 0 {
			r.Errorf("%+v", reply)
		}
		if n, err := r.download("switch", 0, io.Discard); n != 4 || err != nil {
			r.Fatalf("after abort %d: %d bytes, %v", i, n, err)
		}
	}
	r.must(r.Remove(ctx, "big"))
	for _, line := range r.seen.of(session.WireCommand) {
		if strings.HasPrefix(line.Text, "PASS") && line.Text != "PASS ******" {
			r.Errorf("the password was told: %s", line.Text)
		}
	}
}

func (r *realServer) listings() {
	ctx := context.Background()
	for i := range 50 {
		r.must(r.MakeDir(ctx, fmt.Sprintf("full/d%02d", i)))
	}
	l, err := r.list("full")
	if err != nil || len(l.Entries) != 51 || l.Unknown+l.Hostile != 0 {
		r.Errorf("%d entries of 51, %v, %q", len(l.Entries), err, l.Samples)
	}
	features := map[string]session.Feature{"MLSD": session.FeatureDisabled}
	for name, feature := range r.settings.Features {
		features[name] = feature
	}
	r.Adjust(session.Settings{Features: features})
	l, err = r.list("full")
	if err != nil || len(l.Entries) != 51 || l.Source != "LIST" || l.Unknown+l.Hostile != 0 {
		r.Errorf("by LIST %d entries of 51, %v, %q", len(l.Entries), err, l.Samples)
	}
	if entry, err := r.Stat(ctx, "full"); err != nil || entry.Kind != session.KindDir {
		r.Errorf("without MLST %+v, %v", entry, err)
	}
	if _, err := r.Stat(ctx, "not there"); session.CauseOf(err) != session.NoSuchRemoteFile {
		r.Errorf("without MLST: %v", err)
	}
	if l, err := r.list("full/d01"); err != nil || len(l.Entries) != 0 {
		r.Errorf("an empty directory: %+v, %v", l, err)
	}
	if _, err := r.List(ctx, "not there"); session.CauseOf(err) != session.NoSuchRemoteFile {
		r.Errorf("listing what is not there by LIST: %v", err)
	}
}

// zones reads listings in a zone that is not the server's, behind listings, which
// leaves MLSD off.
func (r *realServer) zones() {
	ctx := context.Background()
	r.settings.Zone, r.listZone = time.FixedZone("", 7*3600), listZone{}
	_, err := r.Upload(ctx, "dated", session.StoreReplace, strings.NewReader("data"))
	r.must(err)
	exact, err := r.Stat(ctx, "dated")
	r.must(err)
	l, err := r.list("")
	r.must(err)
	l, err = r.Dated(ctx, "", l)
	r.must(err)
	at := slices.IndexFunc(l.Entries, func(e session.Entry) bool { return e.Name == "dated" })
	if at < 0 || !exact.Exact {
		r.Fatalf("%+v of %+v", exact, l)
	}
	if behind := exact.Time.Sub(l.Entries[at].Time); behind < -mostAhead || behind > mostBehind {
		r.Errorf("listed as of %v, and is of %v", l.Entries[at].Time, exact.Time)
	}
}
