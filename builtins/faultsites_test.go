package builtins

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/netio/session"
)

// speech is a protocol with a way to start a server that speaks it. What holds of
// transfers and of lost connections holds for each of them.
type speech struct {
	name  string
	serve func(t *testing.T, o siteOptions) *site
	// setup stands before OPENHOST.
	setup []string
	// data tells whether transfers have connections of their own.
	data bool
	// real servers are disturbed by a relay in front of them.
	real bool
	// alike says that it differs from the one before in its beginning only.
	alike bool
}

func speeches() []speech {
	return []speech{
		{name: "FTP", serve: newSite, data: true},
		{name: "FTPS", serve: safeSite, data: true, setup: []string{`SETPROTOCOL(FTPS)`, `SETCERTIFICATE("authority.pem")`}},
		{name: "FTPS_IMPLICIT", serve: implicitSite, data: true, alike: true, setup: []string{`SETPROTOCOL(FTPS_IMPLICIT)`, `SETCERTIFICATE("authority.pem")`}},
		{name: "SFTP", serve: sftpSite, setup: []string{`SETPROTOCOL(SFTP)`, `SETTRUST(ANY)`}},
	}
}

func implicitSite(t *testing.T, o siteOptions) *site {
	t.Helper()
	change := o.change
	o.change = func(s *server.Options) {
		s.TLS.Implicit = true
		if change != nil {
			change(s)
		}
	}
	return safeSite(t, o)
}

// sftpSite is a site whose server speaks SFTP.
func sftpSite(t *testing.T, o siteOptions) *site {
	t.Helper()
	s := &site{remote: t.TempDir(), local: t.TempDir()}
	if o.folders != nil {
		o.folders(s.remote, s.local)
	}
	write(t, s.remote, o.files)
	faults, err := fault.Parse(o.faults)
	if err != nil {
		t.Fatal(err)
	}
	open, err := sftpserver.Listen(context.Background(), "127.0.0.1:0", sftpserver.Options{
		// How long a request may be would depend on how fast the machine is.
		DisabledExtensions: []string{"limits@openssh.com"},
		Dir:                s.remote, Users: map[string]string{"joe": "pass-word-1"}, Faults: faults, Log: func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { open.Close() })
	s.address = open.Addr()
	hosted := Options{Root: s.local, Hosts: []string{"ftp.test"}, HostMap: map[string]string{"ftp.test": s.address}, WeakestTrust: session.TrustAny}
	if o.options != nil {
		o.options(&hosted)
	}
	s.bench = newBench(t, hosted)
	return s
}

// way is a direction of a transfer, with one of the modes of uploads.
type way struct {
	name string // that of the mode, or "download"
	verb string // of FTP
	// before is what bears the name where the file arrives; nil is no file.
	before *string
	// once: what was sent is not sent again.
	once bool
	// main ways are tried with everything; the others differ from OVERWRITE in what
	// they do before and after only, and are tried at fewer places.
	main bool
}

func ways() []way {
	old, head, mine, half := oldText(), "head\n", "mine", bigText()[:100_000]
	return []way{
		{name: "download", verb: "RETR", before: &old, main: true},
		{name: "OVERWRITE", verb: "STOR", before: &old, main: true},
		{name: "ATOMIC", verb: "STOR", before: &old, main: true},
		{name: "APPEND", verb: "APPE", before: &head, once: true},
		{name: "RESUME", verb: "STOR", before: &half},
		{name: "UNIQUE", verb: "STOU", before: &mine, once: true},
		{name: "SKIP", verb: "STOR"},
	}
}

func (w way) upload() bool { return w.verb != "RETR" }

// faultSize is above what small uploads are, and not a round number.
const faultSize = 300_007

// bigText is the file that is moved. Nothing in it repeats, so that no piece passes
// for another.
func bigText() string {
	var b strings.Builder
	for i := 0; b.Len() < faultSize; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()[:faultSize]
}

// oldText is longer than bigText, and no beginning of it.
func oldText() string { return strings.Repeat("old", 120_000) }

// cell is one run of the table of faults: a protocol, a way, and what goes wrong.
type cell struct {
	speech
	way
	faults string
	change func(*server.Options)
	harm   *harm
	retry  string
	hasty  bool // short time-outs
	small  bool // no room where the file arrives
}

// ran runs the transfer. moved is what went over each kind of connection behind the
// login; did tells whether the harm was done.
func (c *cell) run(t *testing.T) (s *site, o ran, moved map[flow]int64, did bool) {
	t.Helper()
	arrives := map[string]string{}
	if c.small && c.before != nil {
		// There is no room for more.
		little := (*c.before)[:min(len(*c.before), 1000)]
		c.before = &little
	}
	if c.before != nil {
		arrives["big"] = *c.before
	}
	leaves := map[string]string{"big": bigText()}
	options := siteOptions{faults: c.faults, change: c.change, files: leaves, options: func(h *Options) { h.Settings = map[string]string{"retry": c.retry} }}
	if c.upload() {
		options.files = arrives
	}
	mounted := true
	options.folders = func(remote, local string) {
		switch {
		case c.small && c.upload():
			mounted = smallDisk(t, remote, faultSize/2)
		case c.small:
			mounted = smallDisk(t, local, faultSize/2)
		}
	}
	s = c.serve(t, options)
	if !mounted {
		t.Skip("no small file system can be made here")
	}
	if c.upload() {
		write(t, s.local, leaves)
	} else {
		write(t, s.local, arrives)
	}
	r := s.between(t)
	// Before the login a server that ends the connection may mean that it refuses the
	// proof, which is not tried again.
	s.replace("SLEEP", func(*State, *arguments) error { r.begin(c.harm); return nil })
	o = s.run(c.script(s)...)
	return s, o, r.counted(), c.harm != nil && r.did()
}

// script is the run; what it prints are the results of the login and the transfer.
func (c cell) script(s *site) []string {
	lines := slices.Clone(c.setup)
	if s.login != nil {
		lines = append(lines, s.login...)
	} else {
		lines = append(lines, `PRINT(OPENHOST("ftp.test","joe","pass-word-1"))`)
	}
	if c.hasty {
		lines = append(lines, `SETTIMEOUT(2,REPLY)`, `SETTIMEOUT(2,IDLE)`, `SETTIMEOUT(10,CONNECT)`)
	}
	lines = append(lines, `SLEEP(0)`)
	if c.upload() {
		lines = append(lines, `SETUPLOADMODE(`+c.way.name+`)`, `$r = PUTFILE("big")`)
	} else {
		lines = append(lines, `$r = GETFILE("big")`)
	}
	return append(lines, `$n = GETERROR(NAME)`, `CLOSEHOST`, `PRINT($n)`, `PRINT($r)`)
}

// judge holds what is there after a run against what every run promises, whatever
// goes wrong. It returns OK or the name of the cause.
func (c cell) judge(t *testing.T, s *site, o ran) (result string) {
	t.Helper()
	lines := o.lines()
	if len(lines) != 3 || lines[0] != "OK" {
		t.Fatalf("the run printed %q\n%s", lines, o.transcript)
	}
	if result = lines[1]; lines[2] == "OK" {
		result = "OK"
	}
	place := s.local
	if c.upload() {
		place = s.remote
	}
	all := read(t, place)
	got, bears := all["big"]
	whole, before, stood := bigText(), "", c.before != nil
	if stood {
		before = *c.before
	}
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s\n%s", result, fmt.Sprintf(format, args...), o.transcript)
	}
	untouched := bears == stood && got == before
	told := func(name string, bytes int) bool {
		if s.login != nil && o.has(name+" on the server is not whole: ") {
			return true // what a real server was still writing when it was asked
		}
		return o.has(fmt.Sprintf("%s on the server is not whole: %d of %d bytes arrived", name, bytes, faultSize)) ||
			o.has(name+" on the server is not whole: at most ") || o.has(name+" on the server is not whole: ") && o.has("are known to have arrived") ||
			bytes == 0 && o.has(name+" on the server may be empty")
	}
	// begins reports whether what is there is a beginning of the file. Servers of SFTP
	// write several requests at a time: behind what is told to have arrived there may be
	// gaps where the connection was lost.
	begins := func(text string) bool {
		if found := knownToHave.FindStringSubmatch(o.transcript); found != nil && !c.data {
			known, _ := strconv.Atoi(found[1])
			return known <= len(text) && strings.HasPrefix(whole, text[:known])
		}
		return strings.HasPrefix(whole, text)
	}
	switch c.way.name {
	case "download", "ATOMIC": // whole, or as if nothing had been
		if got != whole && !untouched || result == "OK" && got != whole {
			wrong("%d bytes under the final name", len(got))
		}
	case "APPEND": // what was there, and a beginning of the file behind it
		added, kept := strings.CutPrefix(got, before)
		switch {
		case !kept || !begins(added), result == "OK" && added != whole:
			wrong("%d bytes are there", len(got))
		case result != "OK" && added != "" && !o.has("bytes are there, ") && !o.has(fmt.Sprintf("big on the server has %d bytes more than before", len(added))) && !o.has("bytes were appended") && !o.has("known to have been appended"):
			wrong("%d bytes were appended, and nobody is told", len(added))
		}
	case "UNIQUE": // what was there, and a beginning of the file beside it
		delete(all, "big")
		if !untouched || len(all) > 1 {
			wrong("%d bytes in place of what was there, and %d other names", len(got), len(all))
		}
		for name, text := range all {
			switch {
			case !begins(text), result == "OK" && text != whole:
				wrong("%s has %d bytes", name, len(text))
			case result != "OK" && text != whole && text != "" && !told(name, len(text)) && !o.has(fmt.Sprintf("verifying the upload of %s: %d bytes are there", name, len(text))):
				wrong("%s has %d bytes, and nobody is told", name, len(text))
			}
		}
		if result == "OK" && len(all) != 1 {
			wrong("nothing is there")
		}
	default: // a beginning of the file, and a message that tells of it
		switch {
		case result == "OK" && got != whole && !o.has("Skipping (exists on the server) big"), !untouched && !begins(got):
			wrong("%d bytes are there", len(got))
		case result != "OK" && !untouched && got != whole && (bears || stood) && !told("big", len(got)):
			wrong("%d bytes are there, and nobody is told", len(got))
		}
	}
	for name := range all {
		// A part that a download leaves is for a later run; what an upload leaves that has
		// no connection any more is told.
		if netio.IsPartName(filepath.Base(name)) && (result == "OK" || c.upload() && !o.has(name+" may be left on the server")) {
			wrong("%s is left", name)
		}
	}
	return result
}

var knownToHave = regexp.MustCompile(`(\d+) of \d+ bytes are known to have`)

// descriptors are what is open, by number; nil where that cannot be seen.
func descriptors() map[string]string {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	open := make(map[string]string)
	for _, e := range entries {
		// Not the listing's own, which is gone, nor the pipes that package os keeps for
		// splice until the collector comes by.
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(to, "pipe:") {
			open[e.Name()] = to
		}
	}
	return open
}

// leavesNothing runs do and sees to it that it leaves no descriptor. Goroutines are
// the package's affair (TestMain).
func leavesNothing(t *testing.T, do func()) {
	t.Helper()
	before := descriptors()
	do()
	// Threads of the system's may close a moment after us.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		after := descriptors()
		if len(after) <= len(before) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left open: %v, before: %v", after, before)
		}
	}
}
