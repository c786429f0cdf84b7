package builtins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
)

// leaf is what a name of a tree stands for: a file with what is in it, a directory, or
// a link to what target says.
type leaf struct {
	dir    bool
	target string // of a link
	text   string
	age    int // hours; larger is older
}

func (l leaf) file() bool { return !l.dir && l.target == "" }

// leaves are a directory by the paths of what is in it.
type leaves map[string]leaf

// order is what one pair of trees is synchronized by, in the model's own terms.
type order struct {
	upload, remove, subdirs bool
	wildcard                string
	exclude                 [2][]string // by ADDEXCLUSION(LOCAL), (REMOTE)
	folds                   bool        // the target takes names that differ in case for one
}

// draws makes a tree of few names, so that two of them have much in common.
func draws(r *rand.Rand, folds bool) leaves {
	t := leaves{}
	one := func(all ...string) string { return all[r.IntN(len(all))] }
	// keys finds names that differ in case only where the side cannot have both.
	spelt := map[string]bool{}
	for range r.IntN(15) {
		at := ""
		for range r.IntN(3) {
			dir := path.Join(at, one("d", "e", "f.txt", "out", "E"))
			there, taken := t[dir]
			if !taken && folds && spelt[strings.ToLower(dir)] || taken && !there.dir {
				break
			}
			if !taken {
				t[dir] = leaf{dir: true}
				spelt[strings.ToLower(dir)] = true
			}
			at = dir
		}
		name := path.Join(at, one("a.txt", "A.txt", "b.txt", "c.pdf", "out", "f.txt", "x.pdf", "X.pdf", "p|q ", "ü.txt"))
		if _, taken := t[name]; taken || folds && spelt[strings.ToLower(name)] {
			continue
		}
		spelt[strings.ToLower(name)] = true
		if r.IntN(8) == 0 {
			t[name] = leaf{target: one("a.txt", "d", "..", ".", "nowhere", "out")}
			continue
		}
		t[name] = leaf{text: strings.Repeat(one("x", "y"), r.IntN(4)), age: r.IntN(4)}
	}
	return t
}

// excluded reports whether a path below the two directories is left out by patterns of
// one side.
func excluded(patterns []string, top, name string, dir bool) bool {
	parts := strings.Split(name, "/")
	for _, pattern := range patterns {
		if full, ok := strings.CutPrefix(pattern, top+"/"); ok {
			if whole, folder := strings.CutSuffix(full, "/"); folder && (name == whole && dir || strings.HasPrefix(name, whole+"/")) || full == name && !dir {
				return true
			}
			continue
		}
		if name, folder := strings.CutSuffix(pattern, "/"); folder {
			if slices.Contains(parts[:len(parts)-1], name) || dir && parts[len(parts)-1] == name {
				return true
			}
			continue
		}
		if suffix, wild := strings.CutPrefix(pattern, "*"); !dir && (wild && strings.HasSuffix(parts[len(parts)-1], suffix) || pattern == parts[len(parts)-1]) {
			return true
		}
	}
	return false
}

// above are the directories that a path lies in, from the top.
func above(name string) (all []string) {
	for i, b := range []byte(name) {
		if b == '/' {
			all = append(all, name[:i])
		}
	}
	return all
}

// model is what the target holds afterwards, path by path and without a walk. Where
// names fold, the target's spelling is what counts.
func (o order) model(source, target leaves) (want map[string]string) {
	key := func(name string) string {
		if o.folds {
			return strings.ToLower(name)
		}
		return name
	}
	local, remote := [2]string{"/in", "/out"}, o.exclude
	mine, other := remote[1], remote[0]
	top, otherTop := local[1], local[0]
	if o.upload {
		mine, other, top, otherTop = remote[0], remote[1], local[0], local[1]
	}
	means := func(name string, dir bool) bool {
		if !o.subdirs && (dir || strings.Contains(name, "/")) {
			return false
		}
		suffix := strings.TrimPrefix(o.wildcard, "*")
		return (dir || strings.HasSuffix(name, suffix)) && !excluded(mine, top, name, dir)
	}
	byKey := map[string]string{}
	for name := range target {
		byKey[key(name)] = name
	}
	// Of names that fold to one, the one that is spelt as the target's goes, else the
	// first in the order of bytes.
	chosen := map[string]string{}
	lost := map[string]bool{}
	for _, name := range slices.SortedFunc(maps.Keys(source), byDepth) {
		k := key(name)
		if source[name].target != "" && path.Base(byKey[k]) != path.Base(name) {
			continue // a link stands in nobody's way that is not there
		}
		if dirs := above(name); len(dirs) > 0 && lost[dirs[len(dirs)-1]] {
			lost[name] = true
			continue
		}
		rival, taken := chosen[k]
		switch {
		case !taken:
			chosen[k] = name
		case path.Base(byKey[k]) == path.Base(name) && path.Base(name) != path.Base(rival):
			lost[rival], chosen[k] = true, name
		default:
			lost[name] = true
		}
	}
	want = map[string]string{}
	for name, l := range target {
		want[key(name)] = l.show()
	}
	whole, files := true, 0
	for _, name := range slices.Sorted(maps.Keys(source)) {
		l := source[name]
		if l.target != "" || !means(name, l.dir) {
			continue
		}
		// Directories above it are gone into only where both sides have them for such.
		reached, there := true, true
		for _, dir := range above(name) {
			if other, has := target[byKey[key(dir)]]; has && !other.dir || lost[dir] {
				reached = false
			} else if !has {
				there = false
			}
		}
		if !reached {
			continue
		}
		if lost[name] {
			whole = false
			if l.file() {
				files++
			}
			continue
		}
		t, has := target[byKey[key(name)]]
		has = has && there
		switch {
		case l.dir && has && !t.dir, l.file() && has && !t.file():
			whole = false
			if l.file() {
				files++
			}
			continue
		case l.dir:
			if !has && o.wildcard == "" {
				want[key(name)] = l.show()
			}
			continue
		}
		files++
		if !has || l.age < t.age || l.age == t.age && len(l.text) != len(t.text) {
			want[key(name)] = l.show()
			for _, dir := range above(name) {
				want[key(dir)] = leaf{dir: true}.show()
			}
		}
	}
	if !o.remove || !whole || files == 0 {
		return want
	}
	sourceKeys := map[string]leaf{}
	for name, l := range source {
		sourceKeys[key(name)] = l
	}
	var orphans []string
	for name, l := range target {
		if _, has := sourceKeys[key(name)]; has || l.target != "" || !means(name, l.dir) || excluded(other, otherTop, name, l.dir) {
			continue
		}
		ours := true
		for _, dir := range above(name) {
			if from, has := sourceKeys[key(dir)]; has && !from.dir || excluded(mine, top, dir, true) || excluded(other, otherTop, dir, true) {
				ours = false // it is none of this run
			}
		}
		if ours {
			orphans = append(orphans, name)
		}
	}
	slices.SortFunc(orphans, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	for _, name := range orphans {
		held := false
		for other := range want {
			held = held || path.Dir(other) == key(name)
		}
		if !held || !target[name].dir {
			delete(want, key(name))
		}
	}
	return want
}

// byDepth orders directories before what is in them.
func byDepth(a, b string) int {
	return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
}

func (l leaf) show() string {
	switch {
	case l.dir:
		return "directory"
	case l.target != "":
		return "link"
	}
	return "file " + l.text
}

// grow makes a tree on disk.
func (t leaves) grow(tb testing.TB, dir string, newest time.Time) {
	must := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	must(os.MkdirAll(dir, 0o755))
	for _, name := range slices.Sorted(maps.Keys(t)) {
		l, full := t[name], filepath.Join(dir, name)
		switch {
		case l.dir:
			must(os.MkdirAll(full, 0o755))
		case l.target != "":
			must(os.MkdirAll(filepath.Dir(full), 0o755))
			must(os.Symlink(l.target, full))
		default:
			must(os.MkdirAll(filepath.Dir(full), 0o755))
			must(os.WriteFile(full, []byte(l.text), 0o644))
			at := newest.Add(-time.Duration(l.age) * time.Hour)
			must(os.Chtimes(full, at, at))
		}
	}
}

// shows is a tree on disk as the model has it.
func shows(tb testing.TB, dir string, folds bool) map[string]string {
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(at string, d os.DirEntry, err error) error {
		if err != nil || at == dir {
			return err
		}
		name, _ := filepath.Rel(dir, at)
		l := leaf{dir: d.IsDir()}
		switch {
		case d.Type()&os.ModeSymlink != 0:
			l.target = "x"
		case !l.dir:
			text, err := os.ReadFile(at)
			if err != nil {
				return err
			}
			l.text = string(text)
		}
		if name = filepath.ToSlash(name); folds {
			name = strings.ToLower(name)
		}
		if _, twice := got[name]; twice {
			name += " once more"
		}
		got[name] = l.show()
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// modelServer is a kind of server that pairs are synchronized with.
type modelServer struct {
	name, address, dir string
	folds              bool
	settings           map[string]string
	clock              time.Duration // what it adds to a time that is told exactly
}

// modelServers are a server of each kind.
func modelServers(t *testing.T) (all []modelServer) {
	lists := []string{"MLSD", "MLST", "MDTM", "MFMT", "SITE UTIME"}
	for _, k := range []struct {
		name   string
		change server.Options
	}{
		{"MLSD", server.Options{}},
		{"MLSD, two hours ahead, no times set", server.Options{ClockOffset: 2 * time.Hour, DisabledCommands: []string{"MFMT", "SITE UTIME"}}},
		{"MLSD, two-second times", server.Options{Grain: 2 * time.Second}},
		{"MDTM", server.Options{DisabledCommands: []string{"MLSD", "MLST"}, ClockOffset: -2 * time.Hour}},
		{"MDTM, another zone, no times set", server.Options{DisabledCommands: []string{"MLSD", "MLST", "MFMT", "SITE UTIME"}, Zone: time.FixedZone("", 7200)}},
		{"LIST", server.Options{DisabledCommands: lists}},
		{"LIST, two hours behind", server.Options{DisabledCommands: lists, ClockOffset: -2 * time.Hour}},
		{"LIST, another zone", server.Options{DisabledCommands: lists, Zone: time.FixedZone("", -5*3600)}},
		{"any case, MLSD", server.Options{FoldsCase: true}},
		{"any case, LIST", server.Options{FoldsCase: true, DisabledCommands: lists, Grain: 2 * time.Second}},
	} {
		o := k.change
		o.Dir, o.Users, o.LoginDelay, o.SkipSync = t.TempDir(), map[string]string{"joe": "pass-word-1"}, -1, true
		s, err := server.Listen(context.Background(), "127.0.0.1:0", o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		clock := o.ClockOffset
		if strings.HasPrefix(k.name, "LIST") {
			clock = 0 // it is measured; times that are told in UTC are taken as they are told
		}
		all = append(all, modelServer{k.name, s.Addr(), o.Dir, o.FoldsCase, nil, clock})
	}
	dir := t.TempDir()
	s, err := sftpserver.Listen(context.Background(), "127.0.0.1:0", sftpserver.Options{Dir: dir, Users: map[string]string{"joe": "pass-word-1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return append(all, modelServer{"SFTP", s.Addr(), dir, false, map[string]string{"protocol": "SFTP", "host-key": `"` + s.Fingerprint() + `"`}, 0})
}

// fuse is a network that goes dead, for good, when so many bytes have passed.
type fuse struct {
	left atomic.Int64
	lock sync.Mutex
	open []net.Conn
}

var errDead = errors.New("the network is dead")

type fused struct {
	net.Conn
	fuse *fuse
}

func (f *fuse) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if f.left.Load() <= 0 {
		return nil, errDead
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	f.lock.Lock()
	f.open = append(f.open, conn)
	f.lock.Unlock()
	return fused{conn, f}, nil
}

func (f *fuse) burn(n int) error {
	if f.left.Add(-int64(n)) > 0 {
		return nil
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	for _, conn := range f.open {
		conn.Close()
	}
	return errDead
}

func (c fused) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if dead := c.fuse.burn(n); dead != nil {
		return 0, dead
	}
	return n, err
}

func (c fused) Write(b []byte) (int, error) {
	if err := c.fuse.burn(len(b)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// After SYNC the target is what the model says, at servers of every kind, for every
// method, with exclusions, wildcards and links; a run that is interrupted anywhere and
// run again ends in the same state; one more changes nothing.
//
// SFTPC_PAIRS is how many pairs of trees are tried, SFTPC_SEED what they are drawn from;
// `make pairs` tries 10,000. A pair that fails is named by both and by its number.
func TestSync_IsWhatTheModelSays(t *testing.T) {
	pairs, seed := 110, uint64(1)
	if text := os.Getenv("SFTPC_PAIRS"); text != "" {
		var err error
		if pairs, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	if text := os.Getenv("SFTPC_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	only := os.Getenv("SFTPC_PAIR")
	servers := modelServers(t)
	home := t.TempDir()
	var next atomic.Int64
	var counts [4]atomic.Int64
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for !t.Failed() {
				n := int(next.Add(1) - 1)
				if n >= pairs {
					return
				}
				if only != "" && only != strconv.Itoa(n) {
					continue
				}
				onePair(t, servers[n%len(servers)], rand.New(rand.NewPCG(seed, uint64(n))), n, home, &counts)
			}
		})
	}
	workers.Wait()
	t.Logf("%d pairs of seed %d: %d files transferred, %d names deleted, %d runs interrupted", counts[3].Load(), seed, counts[0].Load(), counts[1].Load(), counts[2].Load())
}

// left is an unfinished file of ours below the directories, "" if there is none.
func left(tb testing.TB, dirs ...string) string {
	for _, dir := range dirs {
		for name := range shows(tb, dir, false) {
			if netio.IsPartName(path.Base(name)) {
				return name
			}
		}
	}
	return ""
}

func onePair(t *testing.T, on modelServer, r *rand.Rand, n int, home string, counts *[4]atomic.Int64) {
	one := func(all ...string) string { return all[r.IntN(len(all))] }
	o := order{upload: r.IntN(2) == 0, remove: r.IntN(2) == 0, subdirs: r.IntN(4) > 0, wildcard: one("", "", "*.txt")}
	for side := range o.exclude {
		for range r.IntN(3) / (1 + side) {
			o.exclude[side] = append(o.exclude[side], one("a.txt", "c.pdf", "d/", "out/", "*.pdf", "out", [2]string{"/in", "/out"}[side]+"/d/", [2]string{"/in", "/out"}[side]+"/e/out"))
		}
	}
	if o.wildcard != "" {
		o.subdirs = true // the documented form has no other
	}
	o.folds = o.upload && on.folds
	// A side that folds names cannot have two that differ in case only.
	// (With a wildcard directories come with their first file, and so it is not the first
	// of two in the order of names that is made.)
	source, target := draws(r, on.folds && (!o.upload || o.wildcard != "")), draws(r, on.folds && o.upload)
	if on.folds && o.upload {
		// Exclusions tell names by their case, and so does the model.
		o.exclude = [2][]string{}
	}
	want := o.model(source, target)

	dir := fmt.Sprint(n)
	local, remote := filepath.Join(home, dir), filepath.Join(on.dir, dir)
	from, to := filepath.Join(local, "files", "in"), filepath.Join(remote, "out")
	newest := time.Now().AddDate(0, 0, -9).Truncate(time.Minute).Add(time.Duration(r.IntN(60)) * time.Second)
	if !o.upload {
		from, to = to, from
	}
	told := newest.Add(-on.clock) // by the server
	if o.upload {
		source.grow(t, from, newest)
		target.grow(t, to, told)
	} else {
		source.grow(t, from, told)
		target.grow(t, to, newest)
	}
	before := shows(t, from, false)

	method := map[bool]string{true: "UPLOAD", false: "DOWNLOAD"}[o.upload]
	if o.remove {
		method += "_DELETE"
	}
	statements := []string{`OPENHOST("ftp.test","joe","pass-word-1")`, fmt.Sprintf(`SETPARALLEL(%d)`, 1+r.IntN(4))}
	if r.IntN(3) == 0 {
		statements = append(statements, `SETUPLOADMODE(ATOMIC)`)
	}
	for side, patterns := range o.exclude {
		for _, pattern := range patterns {
			if rest, full := strings.CutPrefix(pattern, "/out/"); full {
				pattern = "/" + dir + "/out/" + rest
			}
			statements = append(statements, fmt.Sprintf(`ADDEXCLUSION(%s,"%s")`, [2]string{"LOCAL", "REMOTE"}[side], pattern))
		}
	}
	call := fmt.Sprintf(`"/in","/%s/out",%s`, dir, method)
	switch {
	case o.wildcard != "":
		call += `,SUBDIRS,"` + o.wildcard + `"`
	case o.subdirs:
		call += `,SUBDIRS`
	}
	statements = append(statements, `PRINT(SYNC(`+call+`))`, `PRINT(GETERROR(NAME))`)
	run := func(ctx context.Context, network *fuse, watch func(Event)) ran {
		hosted := Options{Root: filepath.Join(local, "files"), Hosts: []string{"*"}, HostMap: map[string]string{"ftp.test": on.address}, StateDir: filepath.Join(local, "state"), Now: time.Now, Settings: on.settings}
		if network != nil {
			hosted.Dial = network.dial
		}
		b := newBench(t, hosted)
		b.job.Events = watch
		return b.runContext(ctx, statements...)
	}
	fail := func(o ran, format string, args ...any) {
		t.Errorf("pair %d, %s: %s\n%s\nsource %v\ntarget %v\n%s", n, on.name, fmt.Sprintf(format, args...), strings.Join(statements, "\n"), source, target, o.transcript)
	}
	switch r.IntN(4) {
	case 0: // somebody stops it
		counts[2].Add(1)
		ctx, stop := context.WithCancel(context.Background())
		left := r.IntN(40)
		run(ctx, nil, func(Event) {
			if left--; left < 0 {
				stop()
			}
		})
		stop()
	case 1, 2: // the network ends
		counts[2].Add(1)
		network := &fuse{}
		network.left.Store(200 + int64(r.IntN(4000)))
		run(context.Background(), network, nil)
	}
	clean := func(shown map[string]string) map[string]string {
		maps.DeleteFunc(shown, func(name, _ string) bool { return netio.IsPartName(path.Base(name)) })
		return shown
	}
	ended := run(context.Background(), nil, nil)
	if got := clean(shows(t, to, o.folds)); !maps.Equal(got, want) {
		fail(ended, "the target is %v\n     want %v", got, want)
	}
	if got := clean(shows(t, from, false)); !maps.Equal(got, before) {
		fail(ended, "the source was %v\n    and is %v", before, got)
	}
	again := run(context.Background(), nil, nil)
	if !again.has("Synchronized: 0 files transferred") || strings.Contains(again.transcript, "Deleting (") {
		fail(again, "a second run does something")
	}
	// What an interrupted run left on the server may come late.
	for tries := 0; left(t, local, remote) != ""; tries++ {
		if again = run(context.Background(), nil, nil); tries == 100 {
			fail(again, "%s is left", left(t, local, remote))
			break
		}
	}
	var done, up, gone int
	for line := range strings.Lines(ended.transcript) {
		if k, _ := fmt.Sscanf(strings.TrimSpace(line), "Synchronized: %d files transferred, %d up to date, %d deleted", &done, &up, &gone); k == 3 {
			counts[0].Add(int64(done))
			counts[1].Add(int64(gone))
		}
	}
	counts[3].Add(1)
	for _, gone := range []string{local, remote} {
		if err := os.RemoveAll(gone); err != nil {
			t.Error(err)
		}
	}
}
