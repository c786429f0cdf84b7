package encoded

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/netio/session"
)

func TestFind(t *testing.T) {
	for _, name := range []string{"windows-1252", "WINDOWS_1252", "cp1252", "Shift_JIS", "shift-jis", "latin1", "ISO8859-15", "utf8", "KOI8-R"} {
		if _, err := Find(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "utf-7", "ebcdic", "cp037", "iso-2022-jp", "utf-16", "windows"} {
		if _, err := Find(name); session.CauseOf(err) != session.BadArgument {
			t.Errorf("%q: got %v, want a bad argument", name, err)
		}
	}
	// Lines of a protocol are ASCII, so every encoding must leave it alone.
	for _, name := range Names() {
		e, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		for c := range rune(utf8.RuneSelf) {
			if e.table == nil {
				continue
			}
			written, err := e.table.NewEncoder().String(string(c))
			if err != nil || written != string(c) {
				t.Errorf("%s writes %q as %q (%v)", name, c, written, err)
			}
		}
	}
}

func TestEncode(t *testing.T) {
	tests := []struct {
		encoding, name, written string
		problem                 string // in the error; "" is none
	}{
		{"windows-1252", "Übersicht €.xls", "\xdcbersicht \x80.xls", ""},
		{"iso-8859-1", "Übersicht.xls", "\xdcbersicht.xls", ""},
		{"iso-8859-1", "zehn €.xls", "", `iso-8859-1 has no "€" (U+20AC)`},
		{"cp437", "Größe", "Gr\x94\xe1e", ""},
		{"cp866", "Отчёт", "\x8e\xe2\xe7\xf1\xe2", ""},
		{"koi8-r", "Да", "\xe4\xc1", ""},
		{"shift_jis", "表.txt", "\x95\x5c.txt", ""},
		{"gbk", "中文", "\xd6\xd0\xce\xc4", ""},
		{"big5", "中文", "\xa4\xa4\xa4\xe5", ""},
		{"euc-jp", "日本", "\xc6\xfc\xcb\xdc", ""},
		{"euc-kr", "한국", "\xc7\xd1\xb1\xb9", ""},
		{"windows-1251", "中", "", "(U+4E2D)"},
		{"utf-8", "名", "名", ""},
		{"utf-8", "\xff", "", "not UTF-8"},
		{"windows-1252", "a\xff", "", "not UTF-8"},
	}
	for _, tt := range tests {
		e, err := Find(tt.encoding)
		if err != nil {
			t.Fatal(err)
		}
		written, err := e.encode(tt.name)
		if tt.problem != "" {
			if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(tt.problem, `"€"`, "'€'")) {
				t.Errorf("%s: %q: got %v, want %q", tt.encoding, tt.name, err, tt.problem)
			}
			continue
		}
		if err != nil || written != tt.written {
			t.Errorf("%s: %q: got %q, %v; want %q", tt.encoding, tt.name, written, err, tt.written)
		}
		if back, ok := e.decode(written); !ok || back != tt.name {
			t.Errorf("%s: %q came back as %q", tt.encoding, tt.name, back)
		}
	}
}

// Whatever bytes a name has: if it decodes, a command that is given the text names
// the same bytes.
func TestDecode_NamesTheSameFile(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			e, err := Find(name)
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				written := string(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "name"))
				text, ok := e.decode(written)
				if !ok {
					return
				}
				if !utf8.ValidString(text) {
					t.Fatalf("%q gives %q", written, text)
				}
				if back, err := e.encode(text); err != nil || back != written {
					t.Fatalf("%q gives %q, which gives %q (%v)", written, text, back, err)
				}
			})
		})
	}
}

// The wrapper has every optional interface of the session package.
func TestSession_HasTheOptionalInterfaces(t *testing.T) {
	var _ session.Session = (*Session)(nil)
	has := map[string]bool{"Session": true}
	_, has["Adjuster"] = any((*Session)(nil)).(session.Adjuster)
	_, has["Hasher"] = any((*Session)(nil)).(session.Hasher)
	_, has["Replacer"] = any((*Session)(nil)).(session.Replacer)
	_, has["UniqueNamer"] = any((*Session)(nil)).(session.UniqueNamer)
	_, has["Dater"] = any((*Session)(nil)).(session.Dater)
	_, has["Glancer"] = any((*Session)(nil)).(session.Glancer)
	_, has["Picker"] = any((*Session)(nil)).(session.Picker)
	_, has["Sharer"] = any((*Session)(nil)).(session.Sharer)
	has["FastFile"], has["Paced"], has["Sized"] = true, true, true // of readers and writers, which pass through
	paths, err := filepath.Glob("../../session/*.go")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if _, ok := spec.Type.(*ast.InterfaceType); ok && !has[spec.Name.Name] {
					t.Errorf("session.%s is not passed on", spec.Name.Name)
				}
			}
			return true
		})
	}
}

// fake is a server of bytes.
type fake struct {
	session.Session
	asked   []string
	listing session.Listing
	err     error
	dir     string
}

func (f *fake) call(names ...string) error { f.asked = append(f.asked, names...); return f.err }

func (f *fake) CurrentDir(context.Context) (string, error)      { return f.dir, f.err }
func (f *fake) ChangeDir(_ context.Context, dir string) error   { return f.call(dir) }
func (f *fake) Rename(_ context.Context, from, to string) error { return f.call(from, to) }
func (f *fake) Stat(_ context.Context, name string) (session.Entry, error) {
	return session.Entry{Name: name, Size: 7}, f.call(name)
}
func (f *fake) List(_ context.Context, dir string) (session.Listing, error) {
	return f.listing, f.call(dir)
}
func (f *fake) Upload(_ context.Context, name string, _ session.StoreMode, r io.Reader) (int64, error) {
	n, _ := io.Copy(io.Discard, r)
	return n, f.call(name)
}
func (f *fake) Raw(_ context.Context, line string) (session.Reply, error) {
	return session.Reply{Code: 200, Text: "\xe4 is what you said"}, f.call(line)
}

func latin(t *testing.T) Encoding {
	t.Helper()
	e, err := Find("iso-8859-1")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSession_List(t *testing.T) {
	below := &fake{listing: session.Listing{Hostile: 1, HostileSamples: []string{"../x"}, Samples: []string{"\xe4?"}, Entries: []session.Entry{
		{Name: "plain"}, {Name: "\x95\x5c", Target: "\x95\x5c"}, {Name: "\xff\xff"}, {Name: "last"},
	}}}
	e, err := Find("shift_jis")
	if err != nil {
		t.Fatal(err)
	}
	l, err := Wrap(below, e).List(context.Background(), "表")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range l.Entries {
		names = append(names, entry.Name)
	}
	if !slices.Equal(names, []string{"plain", "表", "last"}) || l.Entries[1].Target != "表" || l.Hostile != 2 || l.Undecodable != 1 || l.HostileSamples[1] != "\xff\xff" {
		t.Errorf("got %+v", l)
	}
	if below.asked[0] != "\x95\x5c" {
		t.Errorf("asked for %q", below.asked)
	}
}

func TestSession_Names(t *testing.T) {
	ctx := context.Background()
	below := &fake{dir: "/d\xe9p\xf4t"}
	s := Wrap(below, latin(t))
	if dir, err := s.CurrentDir(ctx); err != nil || dir != "/dépôt" {
		t.Errorf("got %q, %v", dir, err)
	}
	if entry, err := s.Stat(ctx, "é"); err != nil || entry.Name != "é" {
		t.Errorf("got %+v, %v", entry, err)
	}
	if entry, found, err := s.Glance(ctx, "é"); err != nil || !found || entry.Name != "é" {
		t.Errorf("got %+v, %v, %v", entry, found, err)
	}
	if entry, err := s.Pick(ctx, "é", session.AspectSize); err != nil || entry.Name != "é" {
		t.Errorf("got %+v, %v", entry, err)
	}
	if err := s.Rename(ctx, "é", "ô"); err != nil {
		t.Error(err)
	}
	if n, err := s.Upload(ctx, "é", session.StoreReplace, strings.NewReader("bytes é")); err != nil || n != 8 {
		t.Errorf("got %d, %v", n, err)
	}
	reply, err := s.Raw(ctx, "STAT é")
	if err != nil || reply.Text != "ä is what you said" {
		t.Errorf("got %+v, %v", reply, err)
	}
	if want := []string{"\xe9", "\xe9", "\xe9", "\xe9", "\xf4", "\xe9", "STAT \xe9"}; !slices.Equal(below.asked, want) {
		t.Errorf("asked for %q, want %q", below.asked, want)
	}
}

// dater moves every time by an hour and notes which names it saw.
type dater struct {
	fake
	seen []string
}

func (d *dater) Dated(_ context.Context, dir string, l session.Listing) (session.Listing, error) {
	d.seen = append(d.seen, dir)
	for i := range l.Entries {
		d.seen = append(d.seen, l.Entries[i].Name)
		l.Entries[i].Time = l.Entries[i].Time.Add(time.Hour)
	}
	return l, nil
}

// Times are asked for by the server's names.
func TestSession_Dated(t *testing.T) {
	below := &dater{}
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	given := session.Listing{Entries: []session.Entry{{Name: "größe", Time: at}}}
	l, err := Wrap(below, latin(t)).Dated(context.Background(), "dépôt", given)
	if err != nil || l.Entries[0].Name != "größe" || !l.Entries[0].Time.Equal(at.Add(time.Hour)) || !given.Entries[0].Time.Equal(at) {
		t.Errorf("got %+v of %+v, %v", l, given, err)
	}
	if want := []string{"d\xe9p\xf4t", "gr\xf6\xdfe"}; !slices.Equal(below.seen, want) {
		t.Errorf("asked for %q", below.seen)
	}
	if l, err := Wrap(&fake{}, latin(t)).Dated(context.Background(), "", given); err != nil || !l.Entries[0].Time.Equal(at) {
		t.Errorf("got %+v, %v", l, err)
	}
}

// What the encoding has no character for never reaches the server.
func TestSession_NoSuchCharacter(t *testing.T) {
	ctx := context.Background()
	below := &fake{}
	s := Wrap(below, latin(t))
	_, statErr := s.Stat(ctx, "10 €")
	_, rawErr := s.Raw(ctx, "DELE €")
	for name, err := range map[string]error{
		"change": s.ChangeDir(ctx, "€"), "rename from": s.Rename(ctx, "€", "a"), "rename to": s.Rename(ctx, "a", "€"), "stat": statErr, "raw": rawErr,
	} {
		if session.CauseOf(err) != session.BadArgument || !strings.Contains(err.Error(), "'€' (U+20AC)") {
			t.Errorf("%s: got %v, want a bad argument that names the character", name, err)
		}
	}
	if len(below.asked) > 0 {
		t.Errorf("asked for %q", below.asked)
	}
	if _, err := s.encoding.Login(session.Endpoint{User: "u", Password: "geheim€"}); err == nil || strings.Contains(err.Error(), "€") {
		t.Errorf("got %v, want an error without the password", err)
	}
}

// An error says the name as the script wrote it and the server's words decoded.
func TestSession_Errors(t *testing.T) {
	below := &fake{err: &session.Error{Op: "changing to directory d\xe9p\xf4t", Name: "d\xe9p\xf4t", Cause: session.NoSuchRemoteFile,
		Reply: session.Reply{Code: 550, Text: "d\xe9p\xf4t: nicht gefunden"}, Err: errors.New("\xe9")}}
	err := Wrap(below, latin(t)).ChangeDir(context.Background(), "dépôt")
	var e *session.Error
	if !errors.As(err, &e) || e.Op != "changing to directory dépôt" || e.Name != "dépôt" || e.Reply.Text != "dépôt: nicht gefunden" || e.Err.Error() != "é" || e.Cause != session.NoSuchRemoteFile {
		t.Errorf("got %+v", e)
	}
	local := &session.Error{Op: "uploading x", Err: errors.New("reading größe.txt"), Cause: session.LocalFailure}
	if err := latin(t).Failure(local); !strings.Contains(err.Error(), "größe.txt") {
		t.Errorf("got %v", err)
	}
}

// A session that lacks an optional interface is asked for nothing.
func TestSession_WithoutHasher(t *testing.T) {
	s := Wrap(&fake{}, latin(t))
	if _, _, err := s.Hash(context.Background(), "a", nil); session.CauseOf(err) != session.NotSupported {
		t.Errorf("got %v", err)
	}
	if err := s.Replace(context.Background(), "a", "b"); session.CauseOf(err) != session.NotSupported {
		t.Errorf("got %v", err)
	}
	s.Adjust(session.Settings{Timeouts: session.Timeouts{Reply: time.Second}})
}

func TestSettings(t *testing.T) {
	var seen []string
	settings := latin(t).Settings(session.Settings{Observe: func(w session.Wire) { seen = append(seen, w.Text) }})
	settings.Observe(session.Wire{Text: "CWD d\xe9"})
	if seen[0] != "CWD dé" || settings.Features["UTF8"] != session.FeatureDisabled {
		t.Errorf("got %q, %v", seen, settings.Features)
	}
	insisting := latin(t).Settings(session.Settings{Features: map[string]session.Feature{"UTF8": session.FeatureEnabled}})
	if insisting.Features["UTF8"] != session.FeatureEnabled {
		t.Errorf("got %v", insisting.Features)
	}
}
