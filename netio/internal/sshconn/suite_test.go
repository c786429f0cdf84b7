package sshconn

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// TestOwnServer holds client and embedded server against each other with the same
// suite that real servers are held against (tag servers).
func TestOwnServer(t *testing.T) {
	s := visit(t, siteOptions{})
	conform(t, s.endpoint(), conformance{})
}

// conformance is what a server has besides version 3.
type conformance struct {
	hashes bool
}

// conform runs the suite. The server needs a writable home; what the suite makes
// there it leaves.
func conform(t *testing.T, endpoint session.Endpoint, also conformance) {
	seen := &wireLog{}
	client, err := Dial(context.Background(), endpoint, session.Settings{Timeouts: patient(), Observe: seen.observe})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(context.Background())
	defer func() {
		if t.Failed() {
			for _, line := range seen.lines[max(0, len(seen.lines)-60):] {
				t.Log(line)
			}
		}
	}()
	r := &realServer{site: site{T: t, Session: client}, also: also}
	r.inFreshDirectory()
	r.sizes()
	r.names()
	r.refusals()
	r.attributes()
	r.renames()
	r.aborts()
	r.listings()
	r.hashes()
}

type realServer struct {
	site
	also conformance
}

func (r *realServer) put(name string, data []byte) {
	r.Helper()
	if n, err := r.Upload(context.Background(), name, session.StoreReplace, bytes.NewReader(data)); err != nil || n != int64(len(data)) {
		r.Fatalf("uploading %s: %d, %v", name, n, err)
	}
}

func (r *realServer) get(name string, offset int64) []byte {
	r.Helper()
	var got bytes.Buffer
	if n, err := r.Download(context.Background(), name, offset, &got); err != nil || n != int64(got.Len()) {
		r.Fatalf("downloading %s: %d of %d, %v", name, n, got.Len(), err)
	}
	return got.Bytes()
}

func (r *realServer) holds(name string, want []byte) {
	r.Helper()
	if got := r.get(name, 0); !bytes.Equal(got, want) {
		r.Errorf("%s holds %d bytes, want %d", name, len(got), len(want))
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
	if l, err := r.List(ctx, ""); err != nil || len(l.Entries) != 0 || l.Unknown != 0 {
		r.Fatalf("a new directory lists as %+v, %v", l, err)
	}
}

func (r *realServer) sizes() {
	ctx := context.Background()
	for _, size := range []int{0, 1, 4096, 32 << 10, 43_277, 1 << 20, 8<<20 + 1} {
		data := noise(size)
		name := fmt.Sprintf("size %d", size)
		p := &progress{file: temporary(r.T, data)}
		if n, err := r.Upload(ctx, name, session.StoreReplace, p); err != nil || n != int64(size) || p.moved != n {
			r.Fatalf("uploading %s: %d, %v", name, n, err)
		}
		p = &progress{file: temporary(r.T, nil)}
		if n, err := r.Download(ctx, name, 0, p); err != nil || n != int64(size) || p.moved != n {
			r.Fatalf("downloading %s: %d, %v", name, n, err)
		}
		p.file.Seek(0, io.SeekStart)
		if got, err := io.ReadAll(p.file); err != nil || !bytes.Equal(got, data) {
			r.Fatalf("%s came back as other bytes, %v", name, err)
		}
		entry, err := r.Stat(ctx, name)
		if err != nil || entry.Size != int64(size) || entry.Kind != session.KindFile || entry.Time.IsZero() {
			r.Errorf("%+v, %v", entry, err)
		}
		if got := r.get(name, int64(size/2)); !bytes.Equal(got, data[size/2:]) {
			r.Errorf("the second half of %s: %d bytes", name, len(got))
		}
		if got := r.get(name, int64(size)); len(got) != 0 {
			r.Errorf("behind the end of %s: %d bytes", name, len(got))
		}
		// A cut upload is gone on with, from before where it ended.
		if n, err := r.UploadFrom(ctx, name, int64(size/3), bytes.NewReader(data[size/3:])); err != nil || n != int64(size-size/3) {
			r.Errorf("the rest of %s: %d, %v", name, n, err)
		}
		r.holds(name, data)
		if n, err := r.UploadFrom(ctx, name, int64(size/3), strings.NewReader("end")); err != nil || n != 3 {
			r.Errorf("another end of %s: %d, %v", name, n, err)
		}
		r.holds(name, append(data[:size/3:size/3], "end"...))
		_, err = r.UploadFrom(ctx, name, int64(size)+100, strings.NewReader("x"))
		r.fails("beyond the end", err, session.BadArgument)
		if _, err := r.Upload(ctx, name, session.StoreAppend, strings.NewReader("tail")); err != nil {
			r.Errorf("appending: %v", err)
		}
		r.holds(name, append(data[:size/3:size/3], "endtail"...))
		r.put(name, []byte("less"))
		r.holds(name, []byte("less"))
		r.must(r.Remove(ctx, name))
	}
	if _, err := r.Upload(ctx, "nothing", session.StoreAppend, bytes.NewReader(nil)); err != nil {
		r.Errorf("appending nothing to nothing: %v", err)
	}
	r.must(r.Remove(ctx, "nothing"))
	for i, want := range []string{"unique", "unique.1"} {
		if _, err := r.Upload(ctx, "", session.StoreUnique, strings.NewReader("u")); err != nil || r.StoredName() != want {
			r.Errorf("unique %d: %v, %q", i, err, r.StoredName())
		}
	}
	_, err := r.UploadFrom(ctx, "not there", 0, strings.NewReader("x"))
	r.fails("going on with what is not there", err, session.NoSuchRemoteFile)
}

func (r *realServer) names() {
	ctx := context.Background()
	names := []string{"blank in it", "[brackets]", "star*", `quote"d`, "-dash", "semi;colon", "ünï", "trailing.", ".hidden", "a|b", "esc\x1b[31m", `back\slash`, "latin1-\xe9"}
	r.must(r.MakeDir(ctx, "names"))
	for _, name := range names {
		r.put("names/"+name, []byte(name))
		if entry, err := r.Stat(ctx, "names/"+name); err != nil || entry.Size != int64(len(name)) {
			r.Errorf("%q: %+v, %v", name, entry, err)
		}
	}
	l, err := r.List(ctx, "names")
	var got []string
	for _, e := range l.Entries {
		got = append(got, e.Name)
		if e.Kind != session.KindFile || e.Size != int64(len(e.Name)) || !e.Exact || time.Since(e.Time).Abs() > 48*time.Hour {
			r.Errorf("%+v", e)
		}
	}
	slices.Sort(got)
	slices.Sort(names)
	if err != nil || l.Unknown+l.Hostile != 0 || !slices.Equal(got, names) {
		r.Errorf("listed %q, want %q, %v", got, names, err)
	}
	for _, dir := range []string{`d "q" d`, "[d]", "-d", "d d"} {
		r.must(r.MakeDir(ctx, dir))
		r.must(r.MakeDir(ctx, dir+"/sub"))
		if l, err := r.List(ctx, dir); err != nil || len(l.Entries) != 1 || l.Entries[0].Kind != session.KindDir {
			r.Errorf("listing %s: %+v, %v", dir, l, err)
		}
		home, _ := r.CurrentDir(ctx)
		r.must(r.ChangeDir(ctx, dir))
		if at, err := r.CurrentDir(ctx); err != nil || at != home+"/"+dir {
			r.Errorf("in %q, %v", at, err)
		}
		if l, err := r.List(ctx, ""); err != nil || len(l.Entries) != 1 || l.Entries[0].Name != "sub" {
			r.Errorf("listing %s from within: %+v, %v", dir, l, err)
		}
		r.must(r.ChangeDir(ctx, ".."))
	}
	for _, name := range []string{"cr\r", "lf\nx", "nul\x00"} {
		_, err := r.Stat(ctx, name)
		r.fails(fmt.Sprintf("%q", name), err, session.BadArgument)
	}
}

func (r *realServer) refusals() {
	ctx := context.Background()
	r.must(r.MakeDir(ctx, "full"))
	r.must(r.MakeDir(ctx, "full/sub"))
	r.put("plain", []byte("x"))
	failure := func(_ any, err error) error { return err }
	tests := []struct {
		name string
		err  error
		want session.Cause
	}{
		{"download what is not there", failure(r.Download(ctx, "not there", 0, io.Discard)), session.NoSuchRemoteFile},
		{"ask for what is not there", failure(r.Stat(ctx, "not there")), session.NoSuchRemoteFile},
		{"ask below what is not there", failure(r.Stat(ctx, "not/there")), session.NoSuchRemoteFile},
		{"list what is not there", failure(r.List(ctx, "not there")), session.NoSuchRemoteFile},
		{"change to what is not there", r.ChangeDir(ctx, "not there"), session.NoSuchRemoteFile},
		{"change to a file", r.ChangeDir(ctx, "plain"), session.RemoteRefused},
		{"delete what is not there", r.Remove(ctx, "not there"), session.NoSuchRemoteFile},
		{"delete a directory", r.Remove(ctx, "full"), session.RemoteRefused},
		{"remove a directory that is not there", r.RemoveDir(ctx, "not there"), session.NoSuchRemoteFile},
		{"rename what is not there", r.Rename(ctx, "not there", "x"), session.NoSuchRemoteFile},
		{"chmod what is not there", r.Chmod(ctx, "not there", 0o600), session.NoSuchRemoteFile},
		{"upload into what is not there", failure(r.Upload(ctx, "not/there", session.StoreReplace, strings.NewReader("x"))), session.NoSuchRemoteFile},
		{"make a directory that is there", r.MakeDir(ctx, "full"), session.RemoteExists},
		{"make a directory in what is not there", r.MakeDir(ctx, "not/there"), session.NoSuchRemoteFile},
		{"remove a directory that is not empty", r.RemoveDir(ctx, "full"), session.DirectoryNotEmpty},
		{"a raw command", failure(r.Raw(ctx, "NOOP")), session.NotSupported},
		{"lines that change", r.SetType(ctx, session.TypeASCII), session.NotSupported},
		{"an empty name", r.Remove(ctx, ""), session.BadArgument},
		{"a time before 1970", r.SetModTime(ctx, "plain", time.Unix(-1, 0)), session.BadArgument},
		{"a time after 2106", r.SetModTime(ctx, "plain", time.Unix(1<<32, 0)), session.BadArgument},
	}
	for _, test := range tests {
		r.fails(test.name, test.err, test.want)
	}
	r.holds("plain", []byte("x"))
}

func (r *realServer) attributes() {
	ctx := context.Background()
	r.put("attr", []byte("data"))
	when := time.Date(2020, 2, 29, 12, 34, 56, 0, time.UTC)
	r.must(r.SetModTime(ctx, "attr", when))
	r.must(r.Chmod(ctx, "attr", 0o640))
	if entry, err := r.Stat(ctx, "attr"); err != nil || !entry.Time.Equal(when) || !entry.Exact || entry.Mode != 0o640 || !entry.HasMode {
		r.Errorf("%+v, %v", entry, err)
	}
	r.must(r.Remove(ctx, "attr"))
}

func (r *realServer) renames() {
	ctx := context.Background()
	r.put("old", []byte("old"))
	r.put("new", []byte("new"))
	r.fails("onto a name that exists", r.Rename(ctx, "old", "new"), session.RemoteExists)
	r.holds("new", []byte("new"))
	r.must(r.Rename(ctx, "old", "other"))
	if err := r.Replace(ctx, "other", "new"); session.CauseOf(err) == session.NotSupported {
		r.Logf("no renaming onto a name that exists: %v", err)
	} else {
		r.must(err)
		r.holds("new", []byte("old"))
	}
}

func (r *realServer) aborts() {
	ctx := context.Background()
	big := noise(16 << 20)
	r.put("big", big)
	for i := range 10 {
		if i%2 == 0 {
			ctx, cancel := context.WithCancel(ctx)
			n, err := r.Download(ctx, "big", 0, writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }))
			r.fails("a download that is cancelled", err, session.Cancelled)
			if n == 0 || n == int64(len(big)) {
				r.Errorf("%d bytes came", n)
			}
		} else {
			n, err := r.Upload(ctx, "cut", session.StoreReplace, io.MultiReader(bytes.NewReader(big[:5<<20]), failing{io.ErrUnexpectedEOF}))
			r.fails("an upload whose reader fails", err, session.LocalFailure)
			entry, err := r.Stat(ctx, "cut")
			if err != nil || entry.Size != n {
				r.Errorf("%d bytes were confirmed, %d are there, %v", n, entry.Size, err)
			}
			r.holds("cut", big[:n])
			if _, err := r.UploadFrom(ctx, "cut", n, bytes.NewReader(big[n:])); err != nil {
				r.Errorf("going on: %v", err)
			}
			r.holds("cut", big)
		}
		r.holds("plain", []byte("x"))
	}
	r.must(r.Remove(ctx, "big"))
	r.must(r.Remove(ctx, "cut"))
}

func (r *realServer) listings() {
	ctx := context.Background()
	for i := range 300 {
		r.must(r.MakeDir(ctx, fmt.Sprintf("full/d%03d", i)))
	}
	l, err := r.List(ctx, "full")
	if err != nil || len(l.Entries) != 301 || l.Unknown+l.Hostile != 0 {
		r.Errorf("%d entries of 301, %v, %q", len(l.Entries), err, l.Samples)
	}
	if l, err := r.List(ctx, "full/d001"); err != nil || len(l.Entries) != 0 {
		r.Errorf("an empty directory: %+v, %v", l, err)
	}
}

func (r *realServer) hashes() {
	r.put("hashed", []byte("abc"))
	algorithm, sum, err := r.Hash(context.Background(), "hashed", []string{"SHA256", "MD5"})
	if !r.also.hashes {
		r.fails("a hash", err, session.NotSupported)
		return
	}
	if err != nil || algorithm != "SHA256" || fmt.Sprintf("%x", sum) != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		r.Errorf("%s %x, %v", algorithm, sum, err)
	}
	_, _, err = r.Hash(context.Background(), "not there", []string{"MD5"})
	r.fails("the hash of what is not there", err, session.NoSuchRemoteFile)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }
