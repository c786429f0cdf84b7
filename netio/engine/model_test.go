package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

// node is a name of a tree in memory.
type node struct {
	kind    session.EntryKind
	content string
	at      time.Time
}

// world is a tree by its paths, and what it shows of itself.
type world struct {
	nodes   map[string]node
	grain   time.Duration // 0: times are exact
	unknown map[string]int
	broken  map[string]error
	lists   int
}

func (w *world) List(_ context.Context, dir string) func() (session.Listing, error) {
	return func() (session.Listing, error) {
		w.lists++
		if err := w.broken[dir]; err != nil {
			return session.Listing{}, err
		}
		if n, ok := w.nodes[dir]; dir != "" && (!ok || n.kind != session.KindDir) {
			return session.Listing{}, &session.Error{Op: "listing " + dir, Cause: session.NoSuchRemoteFile, Class: session.ClassPermanent}
		}
		l := session.Listing{Unknown: w.unknown[dir]}
		for path, n := range w.nodes { // in no order
			if parentOf(path) == dir {
				e := session.Entry{Name: path[strings.LastIndexByte(path, '/')+1:], Kind: n.kind, Size: int64(len(n.content)), Time: n.at, Exact: w.grain == 0, Grain: w.grain}
				if w.grain > 0 {
					e.Time = e.Time.Truncate(w.grain)
				}
				l.Entries = append(l.Entries, e)
			}
		}
		return l, nil
	}
}

// worker carries out steps on a target in memory.
type worker struct {
	t              interface{ Fatalf(string, ...any) }
	source, target *world
	clock          time.Duration // of the server
	toServer, sets bool          // sets: the target takes the source's times
	now            time.Time
	memory         *Memory
	cutAt          int // the step that is cut, and the run with it; -1 is none
	steps          int
	transfers      []string
	removed        []string
	failed         bool
}

func (h *worker) step() bool {
	h.steps++
	return h.steps-1 == h.cutAt
}

func (h *worker) MakeDir(_ context.Context, path string) bool {
	if _, taken := h.target.nodes[path]; taken {
		h.t.Fatalf("%s is made although it is there", path)
	}
	if dir := parentOf(path); dir != "" && h.target.nodes[dir].kind != session.KindDir {
		h.t.Fatalf("%s is made in nothing", path)
	}
	if h.step() {
		h.failed = true
		return false
	}
	h.target.nodes[path] = node{kind: session.KindDir, at: h.now}
	return true
}

func (h *worker) Transfer(_ context.Context, s Step) bool {
	if dir := parentOf(s.Path); dir != "" && h.target.nodes[dir].kind != session.KindDir {
		h.t.Fatalf("%s goes into nothing", s.Path)
	}
	from := h.source.nodes[s.Path]
	fact := Fact{LocalSize: int64(len(from.content)), LocalTime: from.at, ServerSize: int64(len(from.content))}
	if h.toServer {
		h.memory.Keep(s.Path, Fact{Unfinished: true})
	}
	h.now = h.now.Add(time.Second)
	if h.step() {
		if h.toServer { // a download is not seen before it is whole
			h.target.nodes[s.Path] = node{content: from.content[:len(from.content)/2], at: h.now.Add(h.clock)}
		}
		h.failed = true
		return false
	}
	h.transfers = append(h.transfers, s.Path)
	to := node{content: from.content}
	switch {
	case h.toServer && h.sets:
		to.at = from.at.Add(h.clock)
		h.memory.Forget(s.Path)
	case h.toServer:
		to.at = h.now.Add(h.clock)
		h.memory.Keep(s.Path, fact)
	case h.sets && s.Source.Exact:
		to.at = s.Source.Time.Add(-h.clock)
	default:
		to.at = h.now
		h.memory.Keep(s.Path, Fact{LocalSize: fact.LocalSize, LocalTime: to.at, ServerSize: s.Source.Size, ServerTime: s.Source.Time, Rough: s.Source.Grain})
	}
	h.target.nodes[s.Path] = to
	return true
}

func (h *worker) Pass(Step) {}

func (h *worker) Fail(path string, err error) bool {
	h.failed = true
	return true
}

func (h *worker) Settle(context.Context) bool { return !h.failed }

func (h *worker) Remove(_ context.Context, o Orphan) bool {
	if h.failed {
		h.t.Fatalf("%s is deleted although something failed", o.Path)
	}
	n, found := h.target.nodes[o.Path]
	switch {
	case !found || o.Dir != (n.kind == session.KindDir):
		h.t.Fatalf("%v is deleted and is %v", o, n)
	case h.step():
		h.cutAt = h.steps // the rest is cut too
		return false
	case o.Dir:
		for path := range h.target.nodes {
			if parentOf(path) == o.Path {
				h.t.Fatalf("%s is removed and holds %s", o.Path, path)
			}
		}
	}
	h.removed = append(h.removed, o.Path)
	delete(h.target.nodes, o.Path)
	h.memory.Forget(o.Path)
	return true
}

// drawWorld makes a tree of few names, so that two of them have much in common.
func drawWorld(t *rapid.T, label string) map[string]node {
	base := time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)
	nodes := make(map[string]node)
	for range rapid.IntRange(0, 14).Draw(t, label) {
		path := ""
		for depth := rapid.IntRange(0, 2).Draw(t, "depth"); depth > 0; depth-- {
			dir := join(path, rapid.SampledFrom([]string{"d", "e", "f.txt", "out"}).Draw(t, "dir"))
			if n, taken := nodes[dir]; !taken {
				nodes[dir] = node{kind: session.KindDir, at: base}
			} else if n.kind != session.KindDir {
				break
			}
			path = dir
		}
		path = join(path, rapid.SampledFrom([]string{"a.txt", "b.txt", "c.pdf", "out", "f.txt", "x.pdf"}).Draw(t, "name"))
		if _, taken := nodes[path]; taken {
			continue
		}
		kind := rapid.SampledFrom([]session.EntryKind{session.KindFile, session.KindFile, session.KindFile, session.KindFile, session.KindFile, session.KindFile, session.KindLink}).Draw(t, "kind")
		nodes[path] = node{kind: kind, content: strings.Repeat("x", rapid.IntRange(2, 4).Draw(t, "size")),
			at: base.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "age")) * time.Hour)}
	}
	return nodes
}

// rules are what a run is told, in a form that the model reads in its own way.
type rules struct {
	subdirs, remove bool
	suffix          string // of files that are meant; "" is all
	files, dirs     []string
}

// touches reports whether a path of the source or target is of this run at all.
func (r rules) touches(path string, dir bool) bool {
	parts := strings.Split(path, "/")
	if !r.subdirs && (dir || len(parts) > 1) {
		return false
	}
	for i, part := range parts {
		if (i < len(parts)-1 || dir) && slices.Contains(r.dirs, part) {
			return false
		}
	}
	last := parts[len(parts)-1]
	return dir || strings.HasSuffix(last, r.suffix) && !slices.Contains(r.files, last)
}

func (r rules) options(o Options) Options {
	o.Subdirs, o.Delete = r.subdirs, r.remove
	if r.suffix != "" {
		o.Chosen = func(name string) bool { return strings.HasSuffix(name, r.suffix) }
	}
	o.Excluded = func(path string, dir bool) bool {
		name := path[strings.LastIndexByte(path, '/')+1:]
		if dir {
			return slices.Contains(r.dirs, name)
		}
		return slices.Contains(r.files, name)
	}
	return o
}

// model says what the target is afterwards, path by path and without a walk. times
// are not part of it. ok is false where something stands in the way, and so nothing
// may be deleted.
func (r rules) model(source, target map[string]node) (want map[string]string, ok bool) {
	show := func(n node) string { return fmt.Sprint(n.kind, n.content) }
	want, ok = make(map[string]string), true
	for path, n := range target {
		want[path] = show(n)
	}
	// blocked: a name above it is a directory on one side only.
	blocked := func(path string) bool {
		for dir := path; dir != ""; dir = parentOf(dir) {
			from, inSource := source[dir]
			to, inTarget := target[dir]
			isDir := dir != path || from.kind == session.KindDir
			if inSource && inTarget && isDir && to.kind != session.KindDir {
				return true
			}
			if dir == path && inSource && from.kind == session.KindFile && inTarget && to.kind != session.KindFile {
				return true
			}
		}
		return false
	}
	count := 0
	for path, n := range source {
		if !r.touches(path, n.kind == session.KindDir) || n.kind == session.KindLink {
			continue
		}
		if n.kind == session.KindFile {
			count++
		}
		if blocked(path) {
			ok = false
			continue
		}
		to, there := target[path]
		switch {
		case n.kind == session.KindDir:
			if !there && r.suffix == "" {
				want[path] = show(n)
			}
		case !there, n.at.After(to.at), n.at.Equal(to.at) && len(n.content) != len(to.content):
			want[path] = show(n)
			for dir := parentOf(path); dir != ""; dir = parentOf(dir) {
				want[dir] = show(node{kind: session.KindDir})
			}
		}
	}
	if !r.remove || !ok || count == 0 {
		return want, ok
	}
	// What the source lacks goes, deepest first, and directories once they are empty.
	var paths []string
	for path, n := range target {
		if _, kept := source[path]; !kept && n.kind != session.KindLink && r.touches(path, n.kind == session.KindDir) && !underLink(source, path) {
			paths = append(paths, path)
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	for _, path := range paths {
		if target[path].kind == session.KindDir {
			held := false
			for other := range want {
				held = held || parentOf(other) == path
			}
			if held {
				continue
			}
		}
		delete(want, path)
	}
	return want, ok
}

// underLink: the source has a link where the target has a directory, which is not ours.
func underLink(source map[string]node, path string) bool {
	for dir := parentOf(path); dir != ""; dir = parentOf(dir) {
		if n, found := source[dir]; found && n.kind != session.KindDir {
			return true
		}
	}
	return false
}

func contents(nodes map[string]node) map[string]string {
	shown := make(map[string]string)
	for path, n := range nodes {
		shown[path] = fmt.Sprint(n.kind, n.content)
	}
	return shown
}

// After SYNC the target is what the model says, for every method, with exclusions and
// wildcards; a run that is cut anywhere and run again ends in the same state; one more
// changes nothing, whatever the server's clock, on servers that keep times and on
// those that do not, with exact times and with those of a listing.
func TestSyncIsWhatTheModelSays(t *testing.T) {
	folder := t.TempDir()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		r := rules{subdirs: rapid.Bool().Draw(t, "subdirs"), remove: rapid.Bool().Draw(t, "delete"), suffix: rapid.SampledFrom([]string{"", "", ".txt"}).Draw(t, "suffix"),
			files: rapid.SliceOfN(rapid.SampledFrom([]string{"a.txt", "c.pdf"}), 0, 1).Draw(t, "files"), dirs: rapid.SliceOfN(rapid.SampledFrom([]string{"d", "out"}), 0, 1).Draw(t, "dirs")}
		toServer := rapid.Bool().Draw(t, "upload")
		clock := time.Duration(rapid.SampledFrom([]int{0, 0, 2, -2}).Draw(t, "clock")) * time.Hour
		grain := rapid.SampledFrom([]time.Duration{0, 0, time.Minute}).Draw(t, "grain")
		sets := rapid.Bool().Draw(t, "sets times")
		before := [2]map[string]node{drawWorld(t, "source"), drawWorld(t, "target")}
		want, ok := r.model(before[0], before[1])

		sides := [2]*world{{nodes: before[0]}, {nodes: maps.Clone(before[1])}}
		server := sides[0]
		if toServer {
			server = sides[1]
		}
		server.grain = grain
		server.nodes = maps.Clone(server.nodes)
		for path, n := range server.nodes {
			n.at = n.at.Add(clock)
			server.nodes[path] = n
		}
		now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
		run := func(cutAt int) (*worker, Report) {
			memory := OpenMemory(folder, Directories{Local: fmt.Sprint(runs)})
			h := &worker{t: t, source: sides[0], target: sides[1], clock: clock, toServer: toServer, sets: sets, now: now, memory: memory, cutAt: cutAt}
			report, err := Sync(context.Background(), r.options(Options{Source: sides[0], Target: sides[1],
				Compare: &Comparer{ToServer: toServer, Clock: func(session.Entry) time.Duration { return clock }, Sizes: true, Memory: memory}, Ahead: rapid.IntRange(0, 2).Draw(t, "ahead")}), h)
			if err != nil {
				t.Fatal(err)
			}
			if err := memory.Close(); err != nil {
				t.Fatal(err)
			}
			now = h.now.Add(time.Hour)
			return h, report
		}
		if cutAt := rapid.IntRange(-1, 12).Draw(t, "cut at"); cutAt >= 0 {
			run(cutAt)
		}
		_, report := run(-1)
		if got := contents(sides[1].nodes); !maps.Equal(got, want) {
			t.Fatalf("the target is %v\n     want %v", got, want)
		}
		if !ok && report.Kept != KeptFailed && report.Orphans > 0 {
			t.Fatalf("something stood in the way, and %d of %d orphans were deleted (%v)", report.Deleted, report.Orphans, report.Kept)
		}
		if again, _ := run(-1); len(again.transfers)+len(again.removed) > 0 {
			t.Fatalf("a second run transfers %q and deletes %q", again.transfers, again.removed)
		}
	})
}

// The brakes: each of these must leave every orphan where it is.
func TestOrphansStay(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	file := node{content: "xx", at: at}
	tests := []struct {
		name   string
		change func(source, target *world, o *Options)
		want   Kept
		gone   int
	}{
		{"nothing is wrong", func(*world, *world, *Options) {}, KeptNot, 4},
		{"the source is empty", func(s, _ *world, _ *Options) { clear(s.nodes) }, KeptEmpty, 0},
		{"the source is empty, and that is meant", func(s, _ *world, o *Options) { clear(s.nodes); o.Anyway = true }, KeptNot, 4},
		{"a line of the source is not understood", func(s, _ *world, _ *Options) { s.unknown = map[string]int{"": 1} }, KeptUnsure, 0},
		{"a line below the source is not understood", func(s, _ *world, _ *Options) { s.unknown = map[string]int{"d": 1} }, KeptUnsure, 0},
		{"a line of the target is not understood", func(_, t *world, _ *Options) { t.unknown = map[string]int{"": 1} }, KeptUnsure, 0},
		{"a directory of the source cannot be read", func(s, _ *world, _ *Options) { s.broken = map[string]error{"d": errors.New("no")} }, KeptFailed, 0},
		{"that, and all is to go anyway", func(s, _ *world, o *Options) { s.broken = map[string]error{"d": errors.New("no")}; o.Anyway = true }, KeptFailed, 0},
		{"an orphan directory cannot be read", func(_, t *world, _ *Options) { t.broken = map[string]error{"old": errors.New("no")} }, KeptUnlisted, 0},
		{"more than may go", func(_, _ *world, o *Options) { o.Most = 3 }, KeptTooMany, 0},
		{"as many as may go", func(_, _ *world, o *Options) { o.Most = 4 }, KeptNot, 4},
		{"a file of the source is a directory of the target", func(_, t *world, _ *Options) { t.nodes["a.txt"] = node{kind: session.KindDir} }, KeptFailed, 0},
		{"no wildcard is met by the source", func(_, _ *world, o *Options) { o.Chosen = func(n string) bool { return n == "orphan.txt" } }, KeptEmpty, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := &world{nodes: map[string]node{"a.txt": file, "d": {kind: session.KindDir}}}
			target := &world{nodes: map[string]node{"orphan.txt": file, "old": {kind: session.KindDir}, "old/b.txt": file, "old/x": {kind: session.KindDir},
				"d": {kind: session.KindDir}, "d/" + names.Part("y"): file}}
			o := Options{Source: source, Target: target, Compare: &Comparer{Sizes: true, ToServer: true}, Subdirs: true, Delete: true}
			tt.change(source, target, &o)
			h := &worker{t: t, source: source, target: target, toServer: true, sets: true, cutAt: -1}
			report, err := Sync(context.Background(), o, h)
			if err != nil || report.Kept != tt.want || len(h.removed) != tt.gone {
				t.Fatalf("%+v, %v, deleted %q", report, err, h.removed)
			}
		})
	}
}
