//go:build servers

// These tests run the real command, as a process of its own, against the real
// servers of testdata/servers, which `make test-servers` starts. A server that is
// missing is a failure, never a skip.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mostMemory is what a run may hold resident at most, in bytes, whatever it moves.
const mostMemory = 64 << 20

var realServers = []string{"vsftpd", "proftpd", "pureftpd", "pyftpdlib"}

// realCommand is sftpc as users have it.
type realCommand struct{ path string }

func buildCommand(t *testing.T) realCommand {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sftpc")
	build := exec.Command("go", "build", "-trimpath", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the command: %v\n%s", err, out)
	}
	return realCommand{path}
}

// run runs the command, which must end with status 0, and returns what it wrote.
func (c realCommand) run(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var out, told strings.Builder
	process := exec.CommandContext(ctx, c.path, args...)
	process.Env = append(os.Environ(), "TZ=UTC", "NO_COLOR=1", "XDG_STATE_HOME="+t.TempDir())
	process.Stdout, process.Stderr = &out, &told
	if err := process.Run(); err != nil {
		t.Fatalf("sftpc %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), told.String())
	}
	usage := process.ProcessState.SysUsage().(*syscall.Rusage)
	most := usage.Maxrss << 10 // in KiB on Linux
	if runtime.GOOS == "darwin" {
		most = usage.Maxrss
	}
	peaks.note(most)
	if most >= mostMemory {
		t.Errorf("the run held %d bytes resident, at most %d are allowed", most, mostMemory)
	}
	return out.String(), told.String()
}

// script writes the lines into a file and runs it.
func (c realCommand) script(t *testing.T, lines []string, flags ...string) (stdout, stderr string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script.ftp")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c.run(t, append(append([]string{"run"}, flags...), file)...)
}

// peaks is the most memory that any run held.
var peaks peak

type peak struct {
	sync.Mutex
	most int64
}

func (p *peak) note(n int64) {
	p.Lock()
	defer p.Unlock()
	p.most = max(p.most, n)
}

func rigVariable(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: start the rig of testdata/servers (make test-servers)", name)
	}
	return value
}

func rigPort(t *testing.T, server string) string {
	return rigVariable(t, "SFTPC_RIG_"+strings.ToUpper(server))
}

func login(t *testing.T) string {
	return fmt.Sprintf("OPENHOST(%q,%q,%q)", "real.test", rigVariable(t, "SFTPC_RIG_USER"), rigVariable(t, "SFTPC_RIG_PASSWORD"))
}

// fresh is a name for a directory that no other test uses.
func fresh(what string) string { return fmt.Sprintf("%s-%d-%08x", what, os.Getpid(), rand.Uint32()) }

func TestRealServers(t *testing.T) {
	sftpc := buildCommand(t)
	t.Cleanup(func() { t.Logf("the most that a run held resident: %.1f MiB", float64(peaks.most)/(1<<20)) })
	// Groups one after the other, servers side by side.
	group := func(name string, test func(t *testing.T, server string)) {
		t.Run(name, func(t *testing.T) {
			for _, server := range realServers {
				t.Run(server, func(t *testing.T) {
					t.Parallel()
					test(t, server)
				})
			}
		})
	}
	group("seed", func(t *testing.T, server string) { seedOn(t, sftpc, server) })
	group("day", func(t *testing.T, server string) { dayOn(t, sftpc, server) })
	source := t.TempDir()
	for _, size := range append(slices.Clone(smallSizes), largeSize) {
		writeNoise(t, filepath.Join(source, sized(size)), size)
	}
	group("modes", func(t *testing.T, server string) { modesOn(t, sftpc, server, source) })
}

// The documentation's own example, byte for byte, between two real servers: each
// is the first host for one run and the second for another.
func seedOn(t *testing.T, sftpc realCommand, first string) {
	anonymous := strings.Fields(rigVariable(t, "SFTPC_RIG_ANONYMOUS"))
	if !slices.Contains(anonymous, first) {
		t.Logf("%s takes no anonymous logins in this rig: nobody's second host", first)
	}
	second := ""
	for i := slices.Index(realServers, first) + 1; second == ""; i++ {
		if next := realServers[i%len(realServers)]; slices.Contains(anonymous, next) {
			second = next
		}
	}
	homes := rigVariable(t, "SFTPC_RIG_HOMES")
	remote, uploaded := filepath.Join(homes, first, "sales.xls"), filepath.Join(homes, second+"-anonymous", "sales.xls")
	writeNoise(t, remote, 1_234_567)
	t.Cleanup(func() { os.Remove(remote); os.Remove(uploaded) })
	if err := os.Remove(uploaded); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}

	drive := t.TempDir()
	temp := filepath.Join(drive, "WINDOWS", "TEMP")
	if err := os.MkdirAll(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	host := rigVariable(t, "SFTPC_RIG_HOST")
	_, told := sftpc.run(t, "run", "--drive", "C="+drive,
		"--host", "ftp.myhost.com="+net.JoinHostPort(host, rigPort(t, first)),
		"--host", "192.168.1.53="+net.JoinHostPort(host, rigPort(t, second)),
		filepath.Join("..", "..", "testdata", "seed.ftp"))
	sameFile(t, uploaded, remote)
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left in the local folder: %v, %v", left, err)
	}
	at := regexp.QuoteMeta(host) + `:\d+`
	inOrder := regexp.MustCompile(`(?s)\nactive: ftp\.myhost\.com \(` + at + `\) connected to ` + at + `\nDownloaded sales\.xls.*` +
		`\npassive: ` + at + ` connected to 192\.168\.1\.53 \(` + at + `\)\nUploaded C:\\WINDOWS\\TEMP\\sales\.xls`)
	if !inOrder.MatchString(told) || strings.Count(told, "active: ") != 1 || strings.Count(told, "passive: ") != 1 {
		t.Errorf("the transcript does not tell the two data connections:\n%s", told)
	}
	if strings.Contains(told, "mypassword") {
		t.Errorf("the transcript tells the password:\n%s", told)
	}
}

// scriptWay is one of the four ways to a data connection, as a script chooses it.
type scriptWay struct{ command, passive, feature string }

var scriptWays = []scriptWay{
	{"EPSV", "SETPASSIVE(ENABLED)", "SETFEATURE(EPSV,ENABLED)"},
	{"EPRT", "SETPASSIVE(DISABLED)", "SETFEATURE(EPRT,ENABLED)"},
	// IPv4 only.
	{"PASV", "SETPASSIVE(ENABLED)", "SETFEATURE(EPSV,DISABLED)"},
	{"PORT", "SETPASSIVE(DISABLED)", "SETFEATURE(EPRT,DISABLED)"},
}

const largeSize = 300_000_000

var smallSizes = []int64{0, 1, 4096}

func sized(size int64) string { return fmt.Sprint("file-", size) }

// Files of every size in every mode, switched again and again in one session.
func modesOn(t *testing.T, sftpc realCommand, server, source string) {
	t.Run("IPv4", func(t *testing.T) { modesAt(t, sftpc, server, source, rigVariable(t, "SFTPC_RIG_HOST"), scriptWays) })
	if host := os.Getenv("SFTPC_RIG_HOST6"); host != "" {
		t.Run("IPv6", func(t *testing.T) { modesAt(t, sftpc, server, source, host, scriptWays[:2]) })
	} else {
		t.Log("no IPv6 loopback on this machine: IPv4 only")
	}
}

func modesAt(t *testing.T, sftpc realCommand, server, source, host string, ways []scriptWay) {
	target := t.TempDir()
	dir := fresh("modes")
	lines := []string{login(t), `MKDIR("` + dir + `")`, `CHDIR("` + dir + `")`}
	var want []string // the commands that made data connections
	take := func(w scriptWay) { lines = append(lines, w.passive, w.feature) }
	put := func(w scriptWay, size int64) string {
		name := fmt.Sprint(sized(size), "-", w.command)
		lines = append(lines, fmt.Sprintf(`PUTFILE("S:\%s","%s")`, sized(size), name))
		want = append(want, w.command)
		return name
	}
	get := func(w scriptWay, name string) {
		lines = append(lines, `GETFILE("`+name+`")`)
		want = append(want, w.command)
	}
	lines = append(lines, `LOCALCHDIR("T:\")`)
	brought := make(map[string]string) // to the file it must equal
	for i, up := range ways {
		// Each way carries both directions, and follows another.
		down := ways[(i+1)%len(ways)]
		var names []string
		take(up)
		for _, size := range smallSizes {
			name := put(up, size)
			names = append(names, name)
			brought[name] = sized(size)
		}
		take(down)
		for _, name := range names {
			get(down, name)
		}
	}
	if len(ways) == len(scriptWays) {
		up, down := ways[0], ways[3] // EPSV and PORT, or EPRT and PASV
		if slices.Index(realServers, server)%2 == 1 {
			up, down = ways[1], ways[2]
		}
		take(up)
		name := put(up, largeSize)
		take(down)
		get(down, name)
		brought[name] = sized(largeSize)
	}
	last := want[len(want)-1]
	lines = append(lines, `DELETEFILE("*")`, `CHDIR("..")`, `RMDIR("`+dir+`")`, "CLOSEHOST")
	want = append(want, last) // of DELETEFILE's listing
	_, told := sftpc.script(t, lines, "-vv", "--host", "real.test="+net.JoinHostPort(host, rigPort(t, server)),
		"--drive", "S="+source, "--drive", "T="+target)

	var made []string
	for _, match := range regexp.MustCompile(`(?m)^> (EPSV|PASV|EPRT|PORT)\b`).FindAllStringSubmatch(told, -1) {
		made = append(made, match[1])
	}
	if !slices.Equal(made, want) {
		t.Errorf("data connections were made by\n%q, want\n%q\n%s", made, want, told)
	}
	at := regexp.QuoteMeta(net.JoinHostPort(host, "")) + `\d+`
	active := len(regexp.MustCompile(`(?m)^active: real\.test \(`+at+`\) connected to `+at+`$`).FindAllString(told, -1))
	passive := len(regexp.MustCompile(`(?m)^passive: `+at+` connected to real\.test \(`+at+`\)$`).FindAllString(told, -1))
	if active+passive != len(want) || active == 0 || passive == 0 {
		t.Errorf("the transcript tells %d active and %d passive data connections, %d were made:\n%s", active, passive, len(want), told)
	}
	for name, original := range brought {
		sameFile(t, filepath.Join(target, name), filepath.Join(source, original))
	}
}

// What scripts do in a day, in a directory of its own: two sessions, because in
// between the server's disk is looked at.
func dayOn(t *testing.T, sftpc realCommand, server string) {
	local := t.TempDir()
	files := map[string]string{
		"a.txt": "alpha", "b.txt": strings.Repeat("beta", 100_000), "empty": "", "with blank.dat": "x\r\n\x00", "sub/c.txt": "gamma", "sub/deep/d.txt": "delta",
	}
	for name, text := range files {
		path := filepath.Join(local, "out", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	dir := fresh("day")
	flags := []string{"-vv", "--drive", "C=" + local, "--host", "real.test=" + net.JoinHostPort(rigVariable(t, "SFTPC_RIG_HOST"), rigPort(t, server))}
	enter := []string{login(t), `CHDIR("` + dir + `")`}

	_, told := sftpc.script(t, []string{login(t), `MKDIR("` + dir + `")`}, flags...)
	if !strings.Contains(told, "> MKD "+dir) {
		t.Errorf("no MKD:\n%s", told)
	}
	told = sftpc.prints(t, flags, append(enter,
		`LOCALCHDIR("C:\out")`,
		`PRINT("wildcard ".PUTFILE("*.txt"))`,
		`GETLIST($names, REMOTE_FILES)`, `PRINT($names)`,
		`PRINT("tree ".PUTFILE("*",SUBDIRS))`,
		`SETUPLOADMODE(ATOMIC)`, `PRINT("atomic ".PUTFILE("b.txt"))`, `SETUPLOADMODE(OVERWRITE)`,
		`GETLIST($names, REMOTE_FILES)`, `PRINT($names)`,
		`GETLIST($names, REMOTE_DIRS)`, `PRINT($names)`,
		`PRINT("renamed ".RENAMEFILE("a.txt","sub/moved.txt")." ".FILEEXISTS("a.txt")." ".FILEEXISTS("sub/moved.txt"))`,
		`PRINT("mode ".CHMOD("b.txt","600"))`,
		`$age = GETTIME - GETFILETIME("b.txt")`, `PRINT("age ".($age > -60 AND $age < 600))`,
		`PRINT("raw ".RAWCOMMAND("NOOP")." ".(TEXTLENGTH(GETREPLY) > 0)." ".(RAWCOMMAND("PASV") == DENIED))`,
		`LOCALMKDIR("C:\in")`, `LOCALCHDIR("C:\in")`,
		`PRINT("fetched ".GETFILE("*.txt"))`,
		`GETLIST($names, LOCAL_FILES)`, `PRINT($names)`,
		`PRINT("fetched ".GETFILE("*",SUBDIRS))`,
		`$missing = NO_SUCH_REMOTE_FILE`,
		`PRINT("missing ".(GETFILE("none") == $missing)." ".(DELETEFILE("none") == $missing)." ".(CHDIR("none") == $missing))`,
	), []string{
		"wildcard OK", "a.txt|b.txt", "tree OK", "atomic OK", "a.txt|b.txt|empty|with blank.dat", "sub",
		"renamed OK FALSE TRUE", "mode OK", "age TRUE", "raw OK TRUE TRUE", "fetched OK", "b.txt", "fetched OK",
		"missing TRUE TRUE TRUE",
	})
	// b.txt was stored in place by the wildcard and the tree, then aside and renamed.
	if plain := strings.Count(told, "\n> STOR b.txt\n"); plain != 2 || strings.Count(told, "\n> RNTO b.txt\n") != 1 {
		t.Errorf("b.txt was stored under its name %d times, or never renamed to it:\n%s", plain, told)
	}
	files["sub/moved.txt"] = files["a.txt"]
	delete(files, "a.txt")
	for name, text := range files {
		if got, err := os.ReadFile(filepath.Join(local, "in", name)); err != nil || string(got) != text {
			t.Errorf("%s came back as %.20q, %v", name, got, err)
		}
	}
	disk := filepath.Join(rigVariable(t, "SFTPC_RIG_HOMES"), server, dir)
	if info, err := os.Stat(filepath.Join(disk, "b.txt")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("after CHMOD: %v, %v", info, err)
	}

	sftpc.prints(t, flags, append(enter,
		`PRINT("some ".DELETEFILE("*.txt"))`,
		`GETLIST($names, REMOTE_FILES)`, `PRINT($names)`,
		`PRINT("full ".(RMDIR("sub") == "OK"))`,
		`PRINT("all ".DELETEFILE("*")." ".DELETEFILE("sub/*")." ".DELETEFILE("sub/deep/*"))`,
		`PRINT("gone ".RMDIR("sub/deep")." ".RMDIR("sub"))`,
		`GETLIST($names, REMOTE_FILES)`, `PRINT("[".$names."]")`,
		`PRINT("left ".CHDIR("..")." ".RMDIR("`+dir+`"))`,
	), []string{"some OK", "empty|with blank.dat", "full FALSE", "all OK OK OK", "gone OK OK", "[]", "left OK OK"})
	if _, err := os.Stat(disk); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
}

// prints runs a script that must print these lines, and returns the transcript.
func (c realCommand) prints(t *testing.T, flags, lines, want []string) (told string) {
	t.Helper()
	out, told := c.script(t, lines, flags...)
	if got := strings.Split(strings.TrimSuffix(out, "\n"), "\n"); !slices.Equal(got, want) {
		t.Errorf("printed\n%q, want\n%q\n%s", got, want, told)
	}
	return told
}

// writeNoise writes a file that depends on its size alone and never repeats.
func writeNoise(t *testing.T, path string, size int64) {
	t.Helper()
	var seed [32]byte
	copy(seed[:], fmt.Sprint("noise of ", size))
	file, err := os.Create(path)
	if err == nil {
		_, err = io.Copy(file, io.LimitReader(rand.NewChaCha8(seed), size))
		err = errors.Join(err, file.Close(), os.Chmod(path, 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sameFile insists on equal contents, by size and hash: the files may be large.
func sameFile(t *testing.T, path, original string) {
	t.Helper()
	sum := func(path string) string {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		hash := sha256.New()
		n, err := io.Copy(hash, file)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d bytes, %x", n, hash.Sum(nil))
	}
	if got, want := sum(path), sum(original); got != want {
		t.Errorf("%s holds %s, want %s as in %s", path, got, want, original)
	}
}
