package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/fault"
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
			return os.WriteFile(env.WorkDir+"/seed.ftp", seed, 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":    statusCommand,
			"ftpserver": serverCommand,
			"bigfile":   bigFileCommand,
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
// commands, readonly=true, user=NAME:PASSWORD.
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
		case "readonly":
			options.ReadOnly = true
		default:
			ts.Fatalf("ftpserver: unknown key %s", key)
		}
	}
	s, err := server.Listen(context.Background(), "127.0.0.1:0", options)
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	ts.Setenv(args[0], s.Addr())
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
