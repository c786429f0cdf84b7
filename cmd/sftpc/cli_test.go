package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/relay"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

// TestMain lets the test binary stand for both commands, so that scripts run
// what users run.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sftpc": main,
		"sftpc-run": func() {
			p, err := app.System()
			if err != nil {
				os.Exit(app.StatusNotRun)
			}
			os.Exit(app.RunBundles(p))
		},
	})
}

// TestCommand runs the scripts of testdata/cli. testdata/cli/README.md tells
// what they may use besides testscript's own commands.
func TestCommand(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "../../testdata/cli",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			seed, err := os.ReadFile("../../testdata/seed.ftp")
			if err != nil {
				return err
			}
			env.Setenv("NO_COLOR", "1")
			env.Setenv("TZ", "UTC")
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
			env.Setenv("LocalAppData", env.WorkDir+"/state")
			return os.WriteFile(env.WorkDir+"/seed.ftp", seed, 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":    statusCommand,
			"ftpserver": serverCommand,
			"proxy":     proxyCommand,
			"sshserver": sshServerCommand,
			"bigfile":   bigFileCommand,
			"bytes":     bytesCommand,
			"damage":    damageCommand,
			"hostile":   hostileCommand,
			"mode":      modeCommand,
			"ports":     portsCommand,
		},
	})
}

// statusCommand is `status N command …`: the command must end with status N.
// What it wrote can be looked at by stdout and stderr.
func statusCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: status N command [argument …]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	have := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		have = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%s did not run: %v", args[1], err)
	}
	if have != want {
		ts.Fatalf("status is %d, expected %d", have, want)
	}
}

// serverCommand is `ftpserver NAME DIR [key=value …]`: an embedded server on
// loopback until the script ends; its address is in $NAME. Keys: fault=FILE, off=
// commands, readonly=true, user=NAME:PASSWORD, stranger=true (somebody else connects
// first to every port that a client opens), tls=explicit or tls=implicit (the pin of its
// certificate is in $NAME_PIN).
func serverCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: ftpserver NAME DIR [key=value …]")
	}
	folder := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(folder, 0o755))
	options := server.Options{Dir: folder, Anonymous: true, Users: map[string]string{"acme": "very-secret-1"}, LoginDelay: -1}
	for _, arg := range args[2:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "fault":
			script, err := fault.Parse(ts.ReadFile(value))
			ts.Check(err)
			options.Faults = script
		case "off":
			options.DisabledCommands = strings.Split(value, ",")
		case "list":
			options.Listings = map[string]string{"/": ts.ReadFile(value)}
		case "user":
			name, password, _ := strings.Cut(value, ":")
			options.Users[name] = password
		case "readonly":
			options.ReadOnly = true
		case "stranger":
			options.OnPORT = strangers(ts)
		case "tls":
			options.TLS = &server.TLS{Implicit: value == "implicit", Required: true, Reuse: server.ReuseSession}
		default:
			ts.Fatalf("ftpserver: unknown key %s", key)
		}
	}
	s, err := server.Listen(context.Background(), "127.0.0.1:0", options)
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	ts.Setenv(args[0], s.Addr())
	ts.Setenv(args[0]+"_PIN", s.Pin())
}

// proxyCommand is `proxy NAME [key=value …]`: a proxy on loopback until the script
// ends, HTTP and SOCKS5; its address is in $NAME. Keys: login=USER:PASSWORD, allow=PORT
// (nothing else is let through), raw=TEXT (its answer to every request, in Go's notation).
func proxyCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 1 {
		ts.Fatalf("usage: proxy NAME [key=value …]")
	}
	var options relay.Options
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "login":
			options.User, options.Password, _ = strings.Cut(value, ":")
		case "allow":
			options.Map = func(address string) (string, bool) { return address, strings.HasSuffix(address, ":"+value) }
		case "raw":
			text, err := strconv.Unquote(value)
			ts.Check(err)
			options.Misbehave = func(string) relay.Fault { return relay.Fault{Raw: []byte(text)} }
		default:
			ts.Fatalf("proxy: unknown key %s", key)
		}
	}
	s, err := relay.Listen(context.Background(), "127.0.0.1:0", options)
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	ts.Setenv(args[0], s.Addr())
}

// strangers returns what connects to a client's listening port from another
// address than the server's, before the server does. They stay until the script
// ends.
func strangers(ts *testscript.TestScript) func(netip.AddrPort) {
	var lock sync.Mutex
	var open []net.Conn
	ts.Defer(func() {
		lock.Lock()
		defer lock.Unlock()
		for _, conn := range open {
			conn.Close()
		}
	})
	return func(address netip.AddrPort) {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: patience}
		conn, err := dialer.Dial("tcp4", address.String())
		if err != nil {
			return // the script misses the warning about it
		}
		lock.Lock()
		defer lock.Unlock()
		open = append(open, conn)
	}
}

// hostileCommand is `hostile DIR`: files whose names a Unix server may have and
// that are up to no good.
func hostileCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 1 {
		ts.Fatalf("usage: hostile DIR")
	}
	folder := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(folder, 0o755))
	for _, name := range []string{
		"*", "?", "a|b", "red\x1b[31m", "title\x1b]0;gotcha\x07", "-rf", "~", "new\nline", "back\rslash\\x", "latin\xe9",
		"turn\u202etxt.exe", strings.Repeat("n", 255), " blank ", "plain.txt",
	} {
		ts.Check(os.WriteFile(filepath.Join(folder, name), []byte("data\n"), 0o644))
	}
}

// bytesCommand is `bytes FILE [TEXT | TEXT*N] …`: a file of exactly these texts,
// each in Go's notation with its double quotes, so many times.
func bytesCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf(`usage: bytes FILE '"text"' '"text"*100' …`)
	}
	var data []byte
	for _, arg := range args[1:] {
		quoted, err := strconv.QuotedPrefix(arg)
		ts.Check(err)
		text, err := strconv.Unquote(quoted)
		ts.Check(err)
		times := 1
		if count, ok := strings.CutPrefix(arg[len(quoted):], "*"); ok {
			times, err = strconv.Atoi(count)
			ts.Check(err)
		}
		data = append(data, strings.Repeat(text, times)...)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// damageCommand is `damage FROM TO HOW`: a copy of a file that something went
// wrong with. HOW: ascii (LF became CR LF), ascii-back (CR LF became LF), flip=N
// (byte N has all bits turned over, from the end if negative), cut=N (only N bytes).
func damageCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 3 {
		ts.Fatalf("usage: damage FROM TO ascii|ascii-back|flip=N|cut=N")
	}
	data := []byte(ts.ReadFile(args[0]))
	how, number, _ := strings.Cut(args[2], "=")
	n := 0
	if number != "" {
		var err error
		n, err = strconv.Atoi(number)
		ts.Check(err)
	}
	switch how {
	case "ascii":
		data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
	case "ascii-back":
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	case "flip":
		if n < 0 {
			n += len(data)
		}
		data[n] ^= 0xff
	case "cut":
		data = data[:n]
	default:
		ts.Fatalf("damage: unknown way %s", args[2])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o644))
}

// modeCommand is `mode FILE 600`: the file's permissions must be these.
func modeCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		ts.Fatalf("usage: mode FILE OCTAL")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if have := strconv.FormatUint(uint64(info.Mode().Perm()), 8); have != args[1] {
		ts.Fatalf("%s has mode %s, expected %s", args[0], have, args[1])
	}
}

// portsCommand is `ports FROM TO`: a copy in which each port after a colon and each
// duration, which differ from run to run, are PORT and TIME.
func portsCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		ts.Fatalf("usage: ports FROM TO")
	}
	text := regexp.MustCompile(`:\d{4,5}\b`).ReplaceAllString(ts.ReadFile(args[0]), ":PORT")
	text = regexp.MustCompile(`\b(\d+(\.\d+)?(h|m|s|ms|µs|ns))+\b`).ReplaceAllString(text, "TIME")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

// bigFileCommand is `bigfile NAME BYTES`: a file of so many bytes that differ
// from place to place.
func bigFileCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		ts.Fatalf("usage: bigfile NAME BYTES")
	}
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * 2654435761 >> 13)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
	ts.Logf("%s", fmt.Sprintf("%d bytes", size))
}
