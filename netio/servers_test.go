//go:build servers

// These tests speak to the real servers of testdata/servers. They are started by
// `make test-servers`; a server that is missing is a failure, never a skip.
package netio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// rigServer is one server of the rig at one address.
type rigServer struct {
	name    string
	address string
	sixth   bool // over IPv6

	protocol session.Protocol
	protect  session.Protection
}

// mustEnv is a variable that testdata/servers/env.sh sets.
func mustEnv(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: these tests need the rig of testdata/servers (make test-servers)", name)
	}
	return value
}

// onEveryServer runs the test with each server over IPv4, and over IPv6 where
// the machine has it, side by side: most of the time goes into waiting for servers.
func onEveryServer(t *testing.T, test func(t *testing.T, server rigServer)) {
	hosts := []string{mustEnv(t, "SFTPC_RIG_HOST")}
	if host := os.Getenv("SFTPC_RIG_HOST6"); host != "" {
		hosts = append(hosts, host)
	} else {
		t.Log("no IPv6 loopback on this machine: IPv4 only")
	}
	for _, name := range []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib"} {
		port := mustEnv(t, "SFTPC_RIG_"+strings.ToUpper(name))
		for i, host := range hosts {
			server := rigServer{name: name, address: net.JoinHostPort(host, port), sixth: i == 1}
			t.Run(name+[]string{"/IPv4", "/IPv6"}[i], func(t *testing.T) {
				t.Parallel()
				test(t, server)
			})
		}
	}
}

// way is one of the four ways to a data connection.
type way struct {
	command  string
	active   bool
	features map[string]session.Feature
}

// ways are those that the address family has: PASV and PORT know IPv4 only.
func (r rigServer) ways() []way {
	ways := []way{
		{"EPSV", false, map[string]session.Feature{"EPSV": session.FeatureEnabled}},
		{"EPRT", true, map[string]session.Feature{"EPRT": session.FeatureEnabled}},
	}
	if !r.sixth {
		ways = append(ways,
			way{"PASV", false, map[string]session.Feature{"EPSV": session.FeatureDisabled}},
			way{"PORT", true, map[string]session.Feature{"EPRT": session.FeatureDisabled}})
	}
	return ways
}

// visit is a session with a data mode that can be changed, and what it did.
type visit struct {
	session.Session
	t        *testing.T
	settings session.Settings
	mode     session.DataMode

	lock  sync.Mutex // wire events come from any goroutine
	data  []session.DataConn
	trace []string
}

func (r rigServer) endpoint(t *testing.T) session.Endpoint {
	e := session.Endpoint{
		Protocol: r.protocol, Host: r.name, Address: r.address, Protect: r.protect,
		User: mustEnv(t, "SFTPC_RIG_USER"), Password: mustEnv(t, "SFTPC_RIG_PASSWORD"),
	}
	if r.protocol != session.FTP {
		authorities, err := os.ReadFile(mustEnv(t, "SFTPC_RIG_AUTHORITY"))
		if err != nil {
			t.Fatal(err)
		}
		e.Trust.Authorities = authorities
	}
	return e
}

// visit logs in and goes to a fresh directory, which is emptied at the end.
func (r rigServer) visit(t *testing.T, change ...func(*session.Settings)) *visit {
	t.Helper()
	v := &visit{t: t}
	v.settings = session.Settings{
		Timeouts: session.Timeouts{Connect: 10 * time.Second, Reply: 15 * time.Second, Idle: 30 * time.Second},
		DataMode: func() session.DataMode { return v.mode },
		Observe:  v.observe,
	}
	for _, f := range change {
		f(&v.settings)
	}
	s, err := netio.Dial(t.Context(), r.endpoint(t), v.settings)
	if err != nil {
		t.Fatalf("logging in: %v", err)
	}
	v.Session = s
	dir := fmt.Sprintf("test-%d-%08x", os.Getpid(), rand.Uint32())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		s.Close(ctx)
		// A session of its own: the test may have lost the other.
		quiet := session.Settings{Timeouts: v.settings.Timeouts}
		if fresh, err := netio.Dial(ctx, r.endpoint(t), quiet); err != nil {
			t.Errorf("clearing up: %v", err)
		} else {
			removeAll(t, ctx, fresh, "/"+dir)
			fresh.Close(ctx)
		}
		if t.Failed() {
			t.Logf("the wire, newest last:\n%s", strings.Join(v.trace[max(0, len(v.trace)-60):], "\n"))
		}
	})
	v.must(s.MakeDir(t.Context(), "/"+dir))
	v.must(s.ChangeDir(t.Context(), "/"+dir))
	return v
}

func (v *visit) observe(w session.Wire) {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.trace = append(v.trace, fmt.Sprintf("%d %s", w.Kind, w.Text))
	if w.Kind == session.WireData {
		v.data = append(v.data, *w.Data)
	}
}

// removeAll removes a directory and what is in it.
func removeAll(t *testing.T, ctx context.Context, s session.Session, dir string) {
	listing, err := s.List(ctx, dir)
	if err != nil {
		t.Errorf("clearing up: %v", err)
		return
	}
	for _, e := range listing.Entries {
		if e.Kind == session.KindDir {
			removeAll(t, ctx, s, dir+"/"+e.Name)
		} else if err := s.Remove(ctx, dir+"/"+e.Name); err != nil {
			t.Errorf("clearing up: %v", err)
		}
	}
	if err := s.RemoveDir(ctx, dir); err != nil {
		t.Errorf("clearing up: %v", err)
	}
}

// take makes w the way of the next data connections, in mid-session.
func (v *visit) take(w way) {
	v.t.Helper()
	v.mode.Active = w.active
	v.settings.Features = w.features
	adjuster, ok := v.Session.(session.Adjuster)
	if !ok {
		v.t.Fatal("the session cannot be adjusted in mid-session")
	}
	adjuster.Adjust(v.settings)
}

// came insists that the newest data connection was made by w's command.
func (v *visit) came(w way) {
	v.t.Helper()
	v.lock.Lock()
	defer v.lock.Unlock()
	if len(v.data) == 0 {
		v.t.Fatal("no data connection was made")
	}
	newest := v.data[len(v.data)-1]
	if newest.Command != w.command || newest.Active != w.active {
		v.t.Errorf("the data connection was made by %s (active: %t), want %s", newest.Command, newest.Active, w.command)
	}
}

func (v *visit) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// put and get move a small file.
func (v *visit) put(name, text string) {
	v.t.Helper()
	n, err := v.Upload(v.t.Context(), name, session.StoreReplace, strings.NewReader(text))
	if err != nil || n < int64(len(text)) { // more in TYPE A
		v.t.Fatalf("uploading %q: %d bytes, %v", name, n, err)
	}
}

func (v *visit) get(name string) string {
	v.t.Helper()
	var b bytes.Buffer
	if n, err := v.Download(v.t.Context(), name, 0, &b); err != nil || n < int64(b.Len()) { // more in TYPE A
		v.t.Fatalf("downloading %q: %d bytes, %v", name, n, err)
	}
	return b.String()
}

// names are the names of a listing in order.
func (v *visit) names(dir string) []string {
	v.t.Helper()
	listing, err := v.List(v.t.Context(), dir)
	v.must(err)
	if listing.Unknown > 0 || listing.Hostile > 0 {
		v.t.Errorf("lines not understood: %q, names refused: %q", listing.Samples, listing.HostileSamples)
	}
	var names []string
	for _, e := range listing.Entries {
		names = append(names, e.Name)
	}
	slices.Sort(names)
	return names
}

// usable insists that the session still does everything, on w's way.
func (v *visit) usable(w way) {
	v.t.Helper()
	v.take(w)
	if _, err := v.CurrentDir(v.t.Context()); err != nil {
		v.t.Fatalf("the session is lost: %v", err)
	}
	v.put("usable", "still here")
	if got := v.get("usable"); got != "still here" {
		v.t.Errorf("read %q", got)
	}
	if !slices.Contains(v.names(""), "usable") {
		v.t.Error("the listing lacks a file")
	}
	v.came(w)
}

// fails insists on a cause, and on one of the codes where some are given.
func (v *visit) fails(what string, err error, cause session.Cause, codes ...int) {
	v.t.Helper()
	var e *session.Error
	if !errors.As(err, &e) || e.Cause != cause {
		v.t.Errorf("%s: %v (cause %d), want cause %d", what, err, session.CauseOf(err), cause)
		return
	}
	if len(codes) > 0 && !slices.Contains(codes, e.Reply.Code) {
		v.t.Errorf("%s: server replied %d %s, want one of %v", what, e.Reply.Code, e.Reply.Text, codes)
	}
}

func TestServerLogin(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		if v.Caps().Greeting == "" {
			t.Error("no greeting is known")
		}
		wrong := server.endpoint(t)
		wrong.Password = "not this one"
		s, err := netio.Dial(t.Context(), wrong, v.settings)
		if err == nil {
			s.Close(t.Context())
		}
		v.fails("a wrong password", err, session.AccessRefused, 530)
		v.usable(server.ways()[0])
	})
}

func TestServerDirectoriesAndFiles(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		ctx := t.Context()
		home, err := v.CurrentDir(ctx)
		v.must(err)
		v.must(v.MakeDir(ctx, "sub dir"))
		v.must(v.ChangeDir(ctx, "sub dir"))
		if dir, err := v.CurrentDir(ctx); err != nil || dir != home+"/sub dir" {
			t.Errorf("current directory %q, %v", dir, err)
		}
		v.put("one", "1")
		v.must(v.Rename(ctx, "one", "two"))
		v.must(v.ChangeDir(ctx, ".."))
		v.must(v.Rename(ctx, "sub dir/two", "three"))
		if got := v.names(""); !slices.Equal(got, []string{"sub dir", "three"}) {
			t.Errorf("listed: %q", got)
		}
		if got := v.names("sub dir"); len(got) != 0 {
			t.Errorf("an empty directory lists %q", got)
		}

		v.must(v.Chmod(ctx, "three", 0o600))
		e, err := v.Stat(ctx, "three")
		v.must(err)
		if e.Size != 1 || e.Kind != session.KindFile || e.HasMode && e.Mode != 0o600 {
			t.Errorf("after CHMOD: %+v", e)
		}
		when := time.Date(2024, 2, 29, 12, 30, 15, 0, time.UTC)
		if v.Caps().SetTimes {
			v.must(v.SetModTime(ctx, "three", when))
			if e, err := v.Stat(ctx, "three"); err != nil || !e.Time.Equal(when) {
				t.Errorf("time %v, %v", e.Time, err)
			}
		} else {
			t.Errorf("%s is thought unable to set times", server.name)
		}

		v.fails("a file that is not there", v.Remove(ctx, "none"), session.NoSuchRemoteFile)
		v.fails("a directory that is not there", v.ChangeDir(ctx, "none"), session.NoSuchRemoteFile)
		if err := v.MakeDir(ctx, "sub dir"); err == nil {
			t.Error("making a directory twice succeeds")
		}
		v.put("sub dir/inner", "x")
		if err := v.RemoveDir(ctx, "sub dir"); err == nil {
			t.Error("a directory that is not empty was removed")
		}
		if got := v.names("sub dir"); !slices.Equal(got, []string{"inner"}) {
			t.Errorf("listed: %q", got)
		}
		v.must(v.Remove(ctx, "sub dir/inner"))
		v.must(v.RemoveDir(ctx, "sub dir"))
		v.must(v.Remove(ctx, "three"))
		if got := v.names(""); len(got) != 0 {
			t.Errorf("left over: %q", got)
		}
	})
}

func TestServerOddNames(t *testing.T) {
	names := []string{
		"two  blanks", "trailing ", " leading", "-dash", ".hidden", "ünïcödé", "日本語.txt", "semi;colon=x", "a -> b", `quo"te`, "it's",
		"[bracket]", "{brace}", "percent%20", "#hash", "plus+", "at@", "am&p", "dollar$x", "back\\slash", "12:30", "Jan  1  2020 x",
		"latin1-\xe9", strings.Repeat("n", 200),
	}
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		want := slices.Clone(names)
		without := func(name string) {
			want = slices.DeleteFunc(want, func(n string) bool { return n == name })
		}
		switch server.name {
		case "pyftpdlib":
			without("latin1-\xe9") // it decodes names, and answers 501 to what is not UTF-8
		case "pureftpd":
			without("back\\slash") // 553 Prohibited file name
			without(" leading")    // it takes the blanks after the verb for one
			without("trailing ")   // it stores "trailing_"
		}
		slices.Sort(want)
		for _, name := range want {
			v.put(name, name)
		}
		for _, w := range server.ways() {
			v.take(w)
			if got := v.names(""); !slices.Equal(got, want) {
				t.Errorf("%s lists\n%q, want\n%q", w.command, got, want)
			}
			v.came(w)
		}
		for _, name := range want {
			if got := v.get(name); got != name {
				t.Errorf("%q holds %q", name, got)
			}
			if e, err := v.Stat(t.Context(), name); err != nil || e.Size != int64(len(name)) {
				t.Errorf("%q: %+v, %v", name, e, err)
			}
		}
	})
}

func TestServerPatternsAreLetters(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server rigServer) {
		v := server.visit(t)
		ctx := t.Context()
		for _, name := range []string{"a1", "a2"} {
			v.put(name, name)
		}
		for _, name := range []string{"a*", "a?", "a[12]"} {
			if _, err := v.Download(ctx, name, 0, &bytes.Buffer{}); err == nil {
				t.Errorf("%q was downloaded, and is not there", name)
			}
			if err := v.Remove(ctx, name); err == nil {
				t.Errorf("%q was removed, and is not there", name)
			}
		}
		if got := v.names(""); !slices.Equal(got, []string{"a1", "a2"}) {
			t.Errorf("listed: %q", got)
		}
	})
}
