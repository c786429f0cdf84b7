package sftpserver

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/server/wire"
)

// What a client can do with files, in plain packets.
func TestFiles(t *testing.T) {
	s := serve(t, Options{})
	c := s.visit()
	h := c.openFile("/new", flagWrite|flagCreate|flagExcl)
	c.status("WRITE", codeOK, 6, h, long(0), str("hello"))
	c.status("WRITE beyond the end", codeOK, 6, h, long(7), str("there"))
	if n := c.sizeOf(h); n != 12 {
		t.Errorf("%d bytes", n)
	}
	c.status("FSETSTAT size", codeOK, 10, h, number(1), long(5))
	c.status("FSETSTAT mode", codeOK, 10, h, number(4), number(0o640))
	c.status("FSETSTAT times", codeOK, 10, h, number(8), number(1_000_000_000), number(1_100_000_000))
	c.status("READ of what was opened to be written, which must not write", codeFailure, 5, h, long(0), number(1))
	c.status("CLOSE", codeOK, 4, h)
	info, err := os.Stat(filepath.Join(s.dir, "new"))
	s.must(err)
	if s.read("new") != "hello" || info.Mode() != 0o640 || info.ModTime().Unix() != 1_100_000_000 {
		t.Errorf("%q, %v, %v", s.read("new"), info.Mode(), info.ModTime())
	}
	if words := c.status("OPEN of what is there", codeFailure, 3, str("/new"), number(flagWrite|flagCreate|flagExcl), number(0)); words != "File exists" {
		t.Errorf("said %q", words)
	}

	h = c.openFile("/new", flagRead)
	kind, body := c.ask(5, h, long(1), number(3))
	if kind != 103 || string(body) != string(str("ell")) {
		t.Errorf("READ: %d %q", kind, body)
	}
	kind, body = c.ask(5, h, long(3), number(1<<31))
	if kind != 103 || string(body) != string(str("lo")) {
		t.Errorf("READ: %d %q", kind, body)
	}
	c.status("READ behind the end", codeEOF, 5, h, long(5), number(1))
	c.status("WRITE to what was opened to be read", codeFailure, 6, h, long(0), str("x"))
	c.status("CLOSE", codeOK, 4, h)

	h = c.openFile("/new", flagRead|flagWrite)
	c.status("WRITE", codeOK, 6, h, long(0), str("J"))
	if kind, body := c.ask(5, h, long(0), number(5)); kind != 103 || string(body) != string(str("Jello")) {
		t.Errorf("READ: %d %q", kind, body)
	}
	c.status("CLOSE", codeOK, 4, h)

	h = c.openFile("/new", flagWrite|flagAppend)
	c.status("WRITE", codeOK, 6, h, long(0), str("!"))
	c.status("CLOSE", codeOK, 4, h)
	if s.read("new") != "Jello!" {
		t.Errorf("%q", s.read("new"))
	}

	c.status("MKDIR", codeOK, 14, str("/d"), number(0))
	c.status("MKDIR again", codeFailure, 14, str("/d"), number(0))
	c.status("RENAME", codeOK, 18, str("/new"), str("/d/old"))
	s.file("other", "other")
	c.status("RENAME onto a name", codeFailure, 18, str("/other"), str("/d/old"))
	c.status("posix-rename", codeOK, 200, str("posix-rename@openssh.com"), str("/other"), str("/d/old"))
	if s.read("d/old") != "other" {
		t.Errorf("%q", s.read("d/old"))
	}
	if words := c.status("RMDIR of what is not empty", codeFailure, 15, str("/d")); words != "Directory not empty" {
		t.Errorf("said %q", words)
	}
	c.status("REMOVE of a directory", codeFailure, 13, str("/d"))
	c.status("RMDIR of a file", codeFailure, 15, str("/d/old"))
	c.status("REMOVE", codeOK, 13, str("/d/old"))
	c.status("REMOVE again", codeNoSuchFile, 13, str("/d/old"))
	c.status("RMDIR", codeOK, 15, str("/d"))
	c.status("RMDIR of the root", codeDenied, 15, str("/"))
	c.status("STAT", codeNoSuchFile, 17, str("/d"))
	c.status("OPEN of a directory", codeFailure, 3, str("/"), number(flagRead), number(0))
}

// A handle is of the file that was opened, whatever has become of its name.
func TestHandles_AreOfTheFile(t *testing.T) {
	s := serve(t, Options{})
	c := s.visit()
	h := c.openFile("/file", flagWrite|flagCreate)
	c.status("WRITE", codeOK, 6, h, long(0), str("mine"))
	s.file("other", "another's, and longer")
	s.must(os.Rename(filepath.Join(s.dir, "other"), filepath.Join(s.dir, "file")))
	if n := c.sizeOf(h); n != 4 {
		t.Errorf("FSTAT tells %d bytes: of the name, not of the file", n)
	}
	c.status("FSETSTAT", codeOK, 10, h, number(1), long(1))
	c.status("fsync", codeOK, 200, str("fsync@openssh.com"), h)
	if got := s.read("file"); got != "another's, and longer" {
		t.Errorf("FSETSTAT cut the other file: %q", got)
	}
	s.must(os.Remove(filepath.Join(s.dir, "file")))
	if n := c.sizeOf(h); n != 1 {
		t.Errorf("without a name, FSTAT tells %d bytes", n)
	}
	c.status("CLOSE", codeOK, 4, h)
	for what, fields := range map[byte][][]byte{8: {h}, 10: {h, number(1), long(0)}, 4: {h}, 5: {h, long(0), number(1)}, 6: {h, long(0), str("x")}, 12: {h}} {
		c.status(fmt.Sprintf("packet %d about a handle that was closed", what), codeFailure, what, fields...)
	}
	c.status("fsync of a handle that was closed", codeFailure, 200, str("fsync@openssh.com"), h)
}

// No name and no link leads out of the folder, however it is asked for.
func TestRoot(t *testing.T) {
	s := serve(t, Options{})
	s.must(os.Mkdir(filepath.Join(s.dir, "dir"), 0o755))
	s.file("dir/file", "inside")
	s.link("../outside", "out")
	s.link(s.outside, "absolute")
	s.link("../../outside/secret", "dir/deep")
	s.link("../root/dir", "around") // out and in again
	s.link("dir", "in")
	s.link("loop", "loop")
	c := s.visit()
	for _, name := range []string{"out/secret", "absolute/secret", "dir/deep", "around/file", "loop", "loop/x", "in/deep"} {
		for what, ask := range map[string][][]byte{
			"\x03read":   {str(name), number(flagRead), number(0)},
			"\x03write":  {str(name), number(flagWrite | flagCreate | flagTrunc), number(0)},
			"\x11stat":   {str(name)},
			"\x09mode":   {str(name), number(4), number(0o600)},
			"\x09size":   {str(name), number(1), long(0)},
			"\x09times":  {str(name), number(8), number(1), number(1)},
			"\x0blist":   {str(name)},
			"\x0emkdir":  {str(name + "/made"), number(0)},
			"\x12rename": {str("dir/file"), str(name + "/moved")},
		} {
			if kind, body := c.ask(what[0], ask...); kind != 101 || binary.BigEndian.Uint32(body) == codeOK {
				t.Errorf("%s of %s: answered %d %q", what[1:], name, kind, body)
			} else if strings.Contains(string(body), s.outside) || strings.Contains(string(body), s.dir) {
				t.Errorf("%s of %s tells where the folder is: %q", what[1:], name, body)
			}
		}
	}
	for _, name := range []string{"/../outside/secret", "../outside/secret", "dir/../../outside/secret", "/./../../outside/secret", "\x00", "dir/file\x00x", openName + "1"} {
		if kind, body := c.ask(3, str(name), number(flagRead), number(0)); kind != 101 {
			t.Errorf("OPEN %q: %d %q", name, kind, body)
		}
	}
	if kind, body := c.ask(16, str("../../..")); kind != 104 || !bytes.Contains(body, str("/")) || bytes.Contains(body, []byte("..")) {
		t.Errorf("REALPATH: %d %q", kind, body)
	}
	// Links that stay inside work.
	if h := c.openFile("in/file", flagRead); c.sizeOf(h) != 6 {
		t.Error("a link inside of the folder leads nowhere")
	}
	// A link itself can be told, read and removed.
	if kind, _ := c.ask(7, str("out")); kind != 105 {
		t.Errorf("LSTAT: %d", kind)
	}
	c.status("REMOVE of a link", codeOK, 13, str("out"))
	secret, err := os.ReadFile(filepath.Join(s.outside, "secret"))
	if err != nil || string(secret) != "secret" {
		t.Errorf("outside: %q, %v", secret, err)
	}
	entries, err := os.ReadDir(s.outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("outside: %v, %v", entries, err)
	}
}

// Links are made only where they lead inside, and an absolute one begins at the root.
func TestSymlink(t *testing.T) {
	s := serve(t, Options{})
	s.link("x", "try") // where links can be made at all
	s.must(os.MkdirAll(filepath.Join(s.dir, "dir", "sub"), 0o755))
	s.file("file", "inside")
	c := s.visit()
	for _, test := range []struct {
		target, name string
		want         uint32
	}{
		{"file", "/a", codeOK}, {"/file", "/dir/b", codeOK}, {"../../file", "/dir/sub/c", codeOK}, {"/file", "/dir/sub/d", codeOK},
		{"missing", "/e", codeOK},
		{"../outside/secret", "/f", codeDenied}, {"../../root/file", "/dir/g", codeDenied}, {"../../../x", "/dir/sub/h", codeDenied},
		{"/../outside/secret", "/i", codeDenied}, {"a\x00b", "/j", codeDenied}, {"file", "/a", codeFailure}, {"file", "/none/k", codeNoSuchFile},
	} {
		// OpenSSH has the two in this order, and so has everybody.
		c.status(test.name+" to "+test.target, test.want, 20, str(test.target), str(test.name))
		if test.want == codeOK && test.target != "missing" {
			if h := c.openFile(test.name, flagRead); c.sizeOf(h) != 6 {
				t.Errorf("%s leads elsewhere", test.name)
			}
		}
	}
}

func TestReadOnly(t *testing.T) {
	s := serve(t, Options{ReadOnly: true})
	s.file("file", "text")
	c := s.visit()
	h := c.openFile("file", flagRead)
	for what, ask := range map[string][][]byte{
		"\x03write": {str("new"), number(flagWrite | flagCreate), number(0)}, "\x03both": {str("file"), number(flagRead | flagWrite), number(0)},
		"\x03truncate": {str("file"), number(flagRead | flagTrunc), number(0)}, "\x0dremove": {str("file")}, "\x0emkdir": {str("d"), number(0)},
		"\x0frmdir": {str("d")}, "\x12rename": {str("file"), str("x")}, "\x14symlink": {str("file"), str("l")},
		"\x09mode": {str("file"), number(4), number(0)}, "\x0amode": {h, number(4), number(0)}, "\x0asize": {h, number(1), long(0)},
		"\xc8posix-rename": {str("posix-rename@openssh.com"), str("file"), str("x")},
	} {
		c.status(what[1:], codeDenied, what[0], ask...)
	}
	if s.read("file") != "text" {
		t.Error("it was changed")
	}
}

func TestList(t *testing.T) {
	s := serve(t, Options{})
	var want []string
	for i := range 250 {
		name := fmt.Sprintf("f%03d", i)
		s.file(name, "")
		want = append(want, name)
	}
	c := s.visit()
	got := c.names("/")
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d names: %q", len(got), got)
	}
	c.status("OPENDIR of a file", codeFailure, 11, str("f001"))
	c.status("OPENDIR of nothing", codeNoSuchFile, 11, str("none"))
}

func TestExtensions(t *testing.T) {
	space := func() (free, total uint64) { return 3 << 20, 10 << 20 }
	s := serve(t, Options{Space: space, MaxHandles: 7})
	s.file("file", "x")
	client, err := s.connect()
	s.must(err)
	c := s.open(client)
	want := map[string]string{"posix-rename@openssh.com": "1", "statvfs@openssh.com": "2", "fsync@openssh.com": "1", "limits@openssh.com": "1"}
	if got := c.init(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("announced %q", got)
	}
	kind, body := c.ask(200, str("limits@openssh.com"))
	if kind != 201 || !bytes.Equal(body, slices.Concat(long(wire.Most), long(mostRead), long(mostWrite), long(7))) {
		t.Errorf("limits: %d %q", kind, body)
	}
	kind, body = c.ask(200, str("statvfs@openssh.com"), str("/file"))
	if kind != 201 || len(body) != 88 {
		t.Fatalf("statvfs: %d %q", kind, body)
	}
	field := func(i int) uint64 { return binary.BigEndian.Uint64(body[8*i:]) }
	if field(1)*field(4) != 3<<20 || field(1)*field(2) != 10<<20 {
		t.Errorf("statvfs: %d of %d", field(1)*field(4), field(1)*field(2))
	}
	c.status("statvfs of nothing", codeNoSuchFile, 200, str("statvfs@openssh.com"), str("/none"))
	h := c.openFile("file", flagRead)
	c.status("fsync", codeOK, 200, str("fsync@openssh.com"), h)
	c.status("fsync of an unknown handle", codeFailure, 200, str("fsync@openssh.com"), str("99"))
	c.status("FSETSTAT with a flag of ours", codeOK, 10, h, number(toSync))
	for _, name := range []string{"hardlink@openssh.com", "copy-data", "nonsense", ""} {
		c.status(name, codeUnsupported, 200, str(name), str("/file"), str("/x"))
	}
	// What was read and what is written has the bounds that were told.
	h = c.openFile("new", flagRead|flagWrite|flagCreate)
	c.status("the longest WRITE", codeOK, 6, h, long(0), str(strings.Repeat("w", mostWrite)))
	if kind, body := c.ask(5, h, long(0), number(mostWrite)); kind != 103 || len(body) != 4+mostRead {
		t.Errorf("READ: %d with %d bytes", kind, len(body))
	}
}

func TestExtensions_Disabled(t *testing.T) {
	all := []string{"posix-rename@openssh.com", "statvfs@openssh.com", "fsync@openssh.com", "limits@openssh.com"}
	s := serve(t, Options{DisabledExtensions: all})
	s.file("file", "x")
	client, err := s.connect()
	s.must(err)
	c := s.open(client)
	if got := c.init(); len(got) != 0 {
		t.Errorf("announced %q", got)
	}
	h := c.openFile("file", flagWrite)
	for name, fields := range map[string][]byte{all[0]: append(str("/file"), str("/x")...), all[1]: str("/"), all[2]: h, all[3]: nil} {
		c.status(name, codeUnsupported, 200, str(name), fields)
	}
}

// Bounds: files that are open, channels, connections.
func TestBounds(t *testing.T) {
	s := serve(t, Options{MaxHandles: 3, MaxChannels: 2, MaxConnections: 2})
	s.file("file", "x")
	client, err := s.connect()
	s.must(err)
	c := s.open(client)
	c.init()
	first := c.openFile("file", flagRead)
	c.openFile("file", flagWrite)
	kind, dir := c.ask(11, str("/"))
	if kind != 102 {
		t.Fatalf("OPENDIR: %d", kind)
	}
	for _, ask := range [][][]byte{{{3}, str("file"), number(flagRead), number(0)}, {{11}, str("/")}} {
		if words := c.status("a handle too many", codeFailure, ask[0][0], ask[1:]...); words != "Too many open files" {
			t.Errorf("said %q", words)
		}
	}
	c.status("what is not there takes no handle", codeNoSuchFile, 17, str("none"))
	c.status("CLOSE", codeOK, 4, first)
	c.openFile("file", flagRead)
	c.status("CLOSE", codeOK, 4, dir)
	for range 10 {
		c.status("OPEN that fails takes no handle", codeNoSuchFile, 3, str("none"), number(flagRead), number(0))
	}
	c.openFile("file", flagRead)

	other := s.open(client)
	other.init()
	other.openFile("file", flagRead) // each channel counts by itself
	if _, _, err := client.OpenChannel("session", nil); err == nil {
		t.Error("a channel too many was opened")
	}
	if _, _, err := client.OpenChannel("direct-tcpip", ssh.Marshal(struct {
		Host  string
		Port  uint32
		From  string
		Other uint32
	}{"127.0.0.1", 1, "127.0.0.1", 2})); err == nil {
		t.Error("it forwards connections")
	}
	if _, err := s.connect(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.connect(); err == nil {
		t.Error("a connection too many was served")
	}
}

// What is no subsystem is refused, and so is a shell.
func TestSession_NothingElse(t *testing.T) {
	s := serve(t, Options{})
	client, err := s.connect()
	s.must(err)
	inner, requests, err := client.OpenChannel("session", nil)
	s.must(err)
	go ssh.DiscardRequests(requests)
	for _, ask := range []struct{ kind, payload string }{
		{"shell", ""}, {"exec", string(str("id"))}, {"pty-req", ""}, {"subsystem", string(str("netconf"))}, {"subsystem", "\xff\xff\xff\xff"}, {"env", ""},
	} {
		if ok, err := inner.SendRequest(ask.kind, true, []byte(ask.payload)); ok || err != nil {
			t.Errorf("%s %q: %t, %v", ask.kind, ask.payload, ok, err)
		}
	}
	if ok, err := inner.SendRequest("subsystem", true, str("sftp")); !ok || err != nil {
		t.Errorf("the subsystem: %t, %v", ok, err)
	}
	if ok, err := inner.SendRequest("subsystem", true, str("sftp")); ok || err != nil {
		t.Errorf("the subsystem twice: %t, %v", ok, err)
	}
	inner.Close()
}

// What no client may send ends the channel, and no other; the server goes on.
func TestHostileClients(t *testing.T) {
	for name, bytes := range map[string]string{
		"a huge packet":             "\xff\xff\xff\xff\x05",
		"one byte too long":         string(number(wire.Most+1)) + "\x06",
		"an empty packet":           "\x00\x00\x00\x00",
		"a packet without an id":    "\x00\x00\x00\x01\x03",
		"half an id":                "\x00\x00\x00\x03\x03\x00\x00",
		"an OPEN without a name":    string(wire.Framed(3, number(1), nil)),
		"a name longer than itself": string(wire.Framed(3, number(1), append(number(1<<31), "x"...))),
		"a READ without a length":   string(wire.Framed(5, number(1), append(str("1"), long(0)...))),
		"a WRITE longer than it is": string(wire.Framed(6, number(1), slices.Concat(str("1"), long(0), number(1<<20)))),
		"an extended without name":  string(wire.Framed(200, number(1), nil)),
		"an fsync without a handle": string(wire.Framed(200, number(1), str("fsync@openssh.com"))),
		"attributes that are cut":   string(wire.Framed(9, number(1), append(str("/x"), number(15)...))),
		"an unknown packet":         string(wire.Framed(99, number(1), nil)),
		"an answer":                 string(wire.Framed(101, number(1), number(0))),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, Options{})
			s.file("file", "x")
			client, err := s.connect()
			s.must(err)
			good, bad := s.open(client), s.open(client)
			good.init()
			bad.init()
			h := good.openFile("file", flagRead)
			bad.openFile("file", flagWrite)
			if _, err := io.WriteString(bad, bytes); err != nil {
				t.Fatal(err)
			}
			bad.CloseWrite() // a server that waits for the rest gets none
			bad.ended(name)
			if good.sizeOf(h) != 1 {
				t.Error("the other channel is disturbed")
			}
		})
	}
}

// Cut in the middle of a packet, a client leaves nothing behind: Close returns, and
// goleak finds nothing.
func TestHostileClients_LeaveInTheMiddle(t *testing.T) {
	s := serve(t, Options{})
	s.file("file", strings.Repeat("x", 1<<20))
	for range 5 {
		client, err := s.connect()
		s.must(err)
		c := s.open(client)
		c.init()
		h := c.openFile("file", flagRead)
		for i := range 32 { // answers that nobody reads
			c.send(5, h, long(uint64(i)*mostRead), number(mostRead))
		}
		c.Write([]byte("\x00\x00\x10\x00\x06half"))
		client.Close()
	}
	quiet, err := net.Dial("tcp", s.Addr()) // says nothing at all
	s.must(err)
	defer quiet.Close()
	s.must(s.Close())
	s.must(s.Close())
}

// Who does not log in in time is let go.
func TestLogin_Time(t *testing.T) {
	s := serve(t, Options{LoginTime: 50 * time.Millisecond})
	conn, err := net.Dial("tcp", s.Addr())
	s.must(err)
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("the connection stays: %v", err)
	}
}

func TestLogin(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	line := ssh.MarshalAuthorizedKey(signer.PublicKey())
	answer := func(text string) ssh.AuthMethod {
		return ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = text
			}
			return answers, nil
		})
	}
	users := map[string]string{"u": "p"}
	for name, test := range map[string]struct {
		options Options
		auth    ssh.AuthMethod
		want    bool
	}{
		"password":          {Options{Users: users}, ssh.Password("p"), true},
		"wrong password":    {Options{Users: users}, ssh.Password("q"), false},
		"another's name":    {Options{Users: map[string]string{"other": "p"}}, ssh.Password("p"), false},
		"no password":       {Options{Users: map[string]string{"other": ""}}, ssh.Password(""), false},
		"asked":             {Options{Users: users, Interactive: true}, answer("p"), true},
		"asked, wrong":      {Options{Users: users, Interactive: true}, answer("q"), false},
		"key":               {Options{AuthorizedKeys: append([]byte("# mine\n"), line...)}, ssh.PublicKeys(signer), true},
		"another key":       {Options{AuthorizedKeys: ssh.MarshalAuthorizedKey(mustSigner(t).PublicKey())}, ssh.PublicKeys(signer), false},
		"anybody":           {Options{AllowAnyLogin: true}, ssh.Password("whatever"), true},
		"a key of nobody's": {Options{AllowAnyLogin: true}, ssh.PublicKeys(signer), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.options)
			if _, err := s.connect(test.auth); (err == nil) != test.want {
				t.Errorf("%v", err)
			}
		})
	}
	for _, o := range []Options{{}, {Dir: t.TempDir()}, {Dir: filepath.Join(t.TempDir(), "none"), AllowAnyLogin: true}, {Dir: t.TempDir(), AuthorizedKeys: []byte("nonsense")}} {
		if s, err := Listen(t.Context(), "127.0.0.1:0", o); err == nil {
			s.Close()
			t.Errorf("%+v: it serves", o)
		}
	}
}

func mustSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}
