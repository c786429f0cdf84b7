//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// promised is how long a run may take to end after a signal: spec/results.md. A
// machine that is slow or busy is allowed more, by what it took to get so far.
func promised(run *child) time.Duration {
	return 5*time.Second + 5*run.age()
}

// TestSignals: wherever a signal finds a run, it ends in time with the signal's
// status, says so, and leaves no file half done under its final name.
func TestSignals(t *testing.T) {
	whole := strings.Repeat("0123456789abcdef", 1<<16)
	cases := []struct {
		name, faults, script string
		reached              string // what the child has told when the signal comes
	}{
		{"a download that stands still", "on RETR: stall 300000",
			`GETFILE("big.bin")`, `passive: .* connected`},
		{"a slow download", "on RETR: rate 50000",
			`GETFILE("big.bin", "local.bin")`, `passive: .* connected`},
		{"a download of many", "on RETR: stall 300000",
			`GETFILE("*.bin")`, `passive: (?s:.*)passive: .* connected`},
		{"a download in active mode whose server never comes", "on RETR: no-connect",
			"SETPASSIVE(DISABLED)\n" + `GETFILE("big.bin")`, `GETFILE\("big.bin"\)`},
		{"an upload that stands still", "on STOR: stall 1000",
			`PUTFILE("out.bin")`, `passive: .* connected`},
		{"a listing that stands still", "on MLSD: stall 10",
			`GETLIST($names, REMOTE_FILES)`, `passive: .* connected`},
		{"a reply that does not come", "on CWD: silence",
			`CHDIR("/")`, `CHDIR\("/"\)`},
		{"a login that does not go on", "on PASS: silence",
			``, `Connecting`},
		{"SLEEP", "",
			"PRINT(\"sleeping\")\nSLEEP(60)", `sleeping`},
		{"an endless loop", "",
			"LOCALCHDIR(\".\")\nWHILE(TRUE)\n$x = $x + 1\nEND WHILE", `LOCALCHDIR`},
		{"a program", "",
			`EXEC("echo running; sleep 60; echo over")`, `(?m:^running)`},
		{"a program that ignores signals", "",
			`EXEC("trap '' INT TERM; echo running; while true; do sleep 1; done")`, `(?m:^running)`},
	}
	signals := []struct {
		signal syscall.Signal
		status int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}}
	for _, c := range cases {
		for _, s := range signals {
			t.Run(c.name+"/"+strconv.Itoa(s.status), func(t *testing.T) {
				t.Parallel()
				remote, local := t.TempDir(), t.TempDir()
				write(t, remote, "big.bin", whole)
				write(t, remote, "bigger.bin", whole+whole)
				write(t, local, "out.bin", strings.Repeat(whole, 20))
				write(t, local, "job.ftp", "OPENHOST(\"h\")\n"+c.script+"\nPRINT(\"went on\")\n")
				address := startServer(t, remote, c.faults)

				run := startChild(t, local, "run", "--host", "h="+address, "job.ftp")
				run.await(c.reached)
				if err := run.cmd.Process.Signal(s.signal); err != nil {
					t.Fatal(err)
				}
				if status := run.exit(promised(run)); status != s.status {
					t.Errorf("status is %d, expected %d:\n%s", status, s.status, run.text())
				}
				if strings.Contains(run.text(), "\nwent on") {
					t.Errorf("the script went on:\n%s", run.text())
				}
				run.await(`sftpc: stopped by (SIGINT|SIGTERM)\n`)
				for _, name := range names(t, local) {
					if name != "out.bin" && name != "job.ftp" && !strings.HasPrefix(name, ".sftpc-") {
						t.Errorf("%s was left", name)
					}
				}
			})
		}
	}
}

// TestSignals_KeepsWhatWasThere: an older file of the same name survives.
func TestSignals_KeepsWhatWasThere(t *testing.T) {
	remote, local := t.TempDir(), t.TempDir()
	write(t, remote, "a.bin", strings.Repeat("new", 1<<18))
	write(t, local, "a.bin", "old")
	write(t, local, "job.ftp", "OPENHOST(\"h\")\nGETFILE(\"a.bin\")\n")
	run := startChild(t, local, "run", "--host", "h="+startServer(t, remote, "on RETR: stall 5000"), "job.ftp")
	run.await(`passive: .* connected`)
	run.cmd.Process.Signal(os.Interrupt)
	if status := run.exit(promised(run)); status != 130 {
		t.Errorf("status is %d", status)
	}
	if data, err := os.ReadFile(filepath.Join(local, "a.bin")); err != nil || string(data) != "old" {
		t.Errorf("the older file is %q, %v", data, err)
	}
}

// TestSignals_EndChildren: what EXEC started is gone with the run, and what that
// started too.
func TestSignals_EndChildren(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "job.ftp", `EXEC("sleep 60 & echo grandchild $!; echo child $$; wait")`+"\n")
	run := startChild(t, dir, "run", "job.ftp")
	grandchild := number(t, run.await(`(?m:^grandchild (\d+))`))
	process := number(t, run.await(`(?m:^child (\d+))`))
	run.cmd.Process.Signal(syscall.SIGTERM)
	if status := run.exit(promised(run)); status != 143 {
		t.Errorf("status is %d", status)
	}
	for _, id := range []int{process, grandchild} {
		for end := time.Now().Add(patience); !gone(id); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("process %d is still there", id)
			}
		}
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// gone reports that a process has ended. One that nobody has waited for yet, in a
// container without an init, has ended too.
func gone(id int) bool {
	if errors.Is(syscall.Kill(id, 0), syscall.ESRCH) {
		return true
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(id) + "/stat")
	_, after, _ := strings.Cut(string(status), ") ")
	return err == nil && strings.HasPrefix(after, "Z")
}

// TestServe: what serve prints are lines for a script; a signal ends it in order.
func TestServe(t *testing.T) {
	for _, c := range []struct {
		protocol string
		readOnly bool
		before   string // the lines in front of OPENHOST
		told     string // with -v, of a login
	}{
		{"FTP", false, "", "PASS"},
		{"FTP", true, "", "PASS"},
		{"FTPS", false, `SETPROTOCOL\(FTPS\)\nSETCERTIFICATE\("SHA256:[^"]+"\)\n`, "PASS"},
		{"SFTP", false, `SETPROTOCOL\(SFTP\)\nSETHOSTKEY\("SHA256:[^"]+"\)\n`, "login of sftpc"},
		{"SFTP", true, `SETPROTOCOL\(SFTP\)\nSETHOSTKEY\("SHA256:[^"]+"\)\n`, "login of sftpc"},
		{"FTPS_IMPLICIT", false, `SETPROTOCOL\(FTPS_IMPLICIT\)\nSETCERTIFICATE\("SHA256:[^"]+"\)\n`, "PASS"},
	} {
		readOnly := c.readOnly
		t.Run(c.protocol+"/readonly="+strconv.FormatBool(readOnly), func(t *testing.T) {
			t.Parallel()
			served, local := t.TempDir(), t.TempDir()
			write(t, served, "a.txt", "data")
			write(t, local, "b.txt", "more")
			args := []string{"serve", "-v", "--protocol", c.protocol, served}
			if readOnly {
				args = append(args, "--read-only")
			}
			serve := startChild(t, local, args...)
			open := serve.await(`(?m:^(` + c.before + `OPENHOST\("127\.0\.0\.1:\d+","sftpc","\w{16}"\))$)`)
			serve.await("until interrupted")
			password := open[strings.LastIndex(open, ",")+2 : len(open)-2]

			write(t, local, "job.ftp", open+"\nGETFILE(\"a.txt\")\nPUTFILE(\"b.txt\")\nCLOSEHOST\n")
			want := 0
			if readOnly {
				want = 1
			}
			run := startChild(t, local, "run", "job.ftp")
			if status := run.exit(patience); status != want {
				t.Errorf("status is %d, expected %d:\n%s", status, want, run.text())
			}
			if data, _ := os.ReadFile(filepath.Join(local, "a.txt")); string(data) != "data" {
				t.Errorf("downloaded %q", data)
			}
			if _, err := os.Stat(filepath.Join(served, "b.txt")); (err == nil) == readOnly {
				t.Errorf("the upload: %v", err)
			}

			serve.await(c.told)
			if strings.Count(serve.text(), password) != 1 {
				t.Errorf("the password is told again:\n%s", serve.text())
			}
			serve.cmd.Process.Signal(os.Interrupt)
			if status := serve.exit(promised(serve)); status != 0 {
				t.Errorf("serve ended with %d:\n%s", status, serve.text())
			}
		})
	}
}
