//go:build unix

package builtins

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shellBench may start anything, in a fresh directory of this system.
func shellBench(t *testing.T) (*bench, string) {
	dir := t.TempDir()
	return newBench(t, Options{System: true, WorkDir: dir, Exec: ExecAll, ExecEnviron: []string{"PATH=/usr/bin:/bin", "CUSTOMER=acme"}}), dir
}

func TestExec_resultIsOKOrTheExitCode(t *testing.T) {
	b, _ := shellBench(t)
	for statement, want := range map[string]string{
		`EXEC("true")`:                  "OK",
		`EXEC("exit 3")`:                "3",
		`EXEC("kill -9 $$")`:            "137",
		`EXEC("sh", "-c", "exit 4")`:    "4",
		`EXEC("/bin/sh", "-c", "true")`: "OK",
		`EXEC("no-such-program", "x")`:  "20705",
		`EXEC("/no/such/program", "x")`: "20705",
		`EXEC("")`:                      "20301",
	} {
		if got, _ := b.tell(statement); got != want {
			t.Errorf("%s is %s, want %s", statement, got, want)
		}
	}
	o := b.run(`EXEC("exit 3")`)
	if want := "EXEC(\"exit 3\")\njob.ftp:1: EXEC(\"exit 3\") failed: the program ended with exit code 3 (3, local)\n\n1 command failed: line 1\n"; o.transcript != want {
		t.Errorf("%q", o.transcript)
	}
	if o := b.run(`$r = EXEC("exit 3")`, `PRINT($r . GETERROR(CODE) . GETERROR(CLASS) . GETERROR)`); o.stdout != "33localthe program ended with exit code 3\n" {
		t.Errorf("%q", o.stdout)
	}
}

func TestExec_outputIsToldLineByLineAndMasked(t *testing.T) {
	b, _ := shellBench(t)
	b.replace("OPENHOST", openPretended)
	o := b.run(
		`OPENHOST("h", "u", "mypassword")`,
		`PRINT("before")`,
		`EXEC("echo one; echo two >&2; printf 'my\033[2J'; printf 'no end mypassword'")`,
	)
	want := "EXEC(\"echo one; echo two >&2; printf 'my\\033[2J'; printf 'no end ******'\")\none\ntwo\nmy\\x1b[2Jno end ******\n\n"
	if !strings.HasSuffix(o.transcript, want) {
		t.Errorf("%q\nwant\n%q", o.transcript, want)
	}
	if o.stdout != "before\n" || !strings.Contains(o.merged, "before\nEXEC(") {
		t.Errorf("stdout %q, merged %q", o.stdout, o.merged)
	}
}

func TestExec_longLinesArePutInPieces(t *testing.T) {
	b, _ := shellBench(t)
	o := b.run(`EXEC("head -c 200000 /dev/zero | tr '\\0' x")`)
	var length, pieces int
	for _, e := range o.events {
		if e.Kind == Message {
			length += len(e.Text)
			pieces++
		}
	}
	if length != 200000 || pieces != 4 {
		t.Errorf("%d bytes in %d pieces", length, pieces)
	}
}

// What a program has written is told to its end, also to somebody who reads slowly.
func TestExec_outputIsToldToItsEnd(t *testing.T) {
	t.Parallel()
	b, _ := shellBench(t)
	told := 0
	b.job.Events = func(e Event) {
		if e.Kind == Message {
			if told++; told == 1 {
				time.Sleep(outputGrace + outputGrace/4)
			}
		}
	}
	b.run(`EXEC("for i in 1 2 3 4 5 6 7 8 9 10; do head -c 6000 /dev/zero | tr '\\0' x; echo; done")`)
	if told != 10 {
		t.Errorf("%d lines of 10", told)
	}
}

func TestExec_isNotHeldUpByWhatEscaped(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip(err) // not on every system
	}
	for _, left := range []string{"sleep 600", "while true; do echo y; sleep 0.1; done"} {
		t.Run(left, func(t *testing.T) {
			t.Parallel()
			b, dir := shellBench(t)
			o := b.run(`EXEC("setsid sh -c 'echo $$ > child; ` + left + `' & until test -s child; do sleep 0.01; done; echo over")`)
			text, err := os.ReadFile(filepath.Join(dir, "child"))
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
				t.Errorf("it did not escape: %v", err)
			}
			if o.result.Status != 0 || !o.has("over\n") {
				t.Errorf("status %d, %q", o.result.Status, o.transcript)
			}
		})
	}
}

func TestExec_runsInTheLocalDirectoryWithItsOwnEnvironment(t *testing.T) {
	t.Setenv("SFTPC_LEAK", "leaked")
	b, dir := shellBench(t)
	o := b.run(`EXEC("pwd -P; echo $CUSTOMER$SFTPC_LEAK; touch here")`)
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !o.has("\n" + real + "\nacme\n") {
		t.Errorf("%q", o.transcript)
	}
	if _, err := os.Stat(filepath.Join(dir, "here")); err != nil {
		t.Error(err)
	}
	bare := newBench(t, Options{System: true, WorkDir: dir, Exec: ExecAll})
	if o := bare.run(`EXEC("echo [$SFTPC_LEAK]")`); !o.has("\n[]\n") {
		t.Errorf("%q", o.transcript)
	}
}

// The current directory is where downloads land: a program there must not stand
// in for one of the system's.
func TestExec_doesNotLookForProgramsInTheCurrentDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "trap"), []byte("#!/bin/sh\necho trapped\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, Options{System: true, WorkDir: dir, Exec: ExecAll, ExecEnviron: []string{"PATH=:.:/usr/bin:/bin"}})
	if got, _ := b.tell(`EXEC("trap", "x")`); got != "20705" {
		t.Errorf("EXEC is %s", got)
	}
	if got, _ := b.tell(`EXEC("./trap", "x")`); got != "OK" {
		t.Errorf("EXEC by its path is %s", got)
	}
}

func TestExec_policies(t *testing.T) {
	for _, test := range []struct {
		policy    ExecPolicy
		statement string
		want      string
	}{
		{ExecNone, `EXEC("true")`, "20801"},
		{ExecNone, `EXEC("del x")`, "20801"},
		{ExecFiles, `EXEC("true")`, "20801"},
		{ExecFiles, `EXEC("true", "x")`, "20801"},
		{ExecFiles, `EXEC("del x; true")`, "20801"},
		{ExecFiles, `EXEC("md d")`, "OK"},
		{ExecFiles, `EXEC("md", "d")`, "20801"},
		{ExecAll, `EXEC("md d")`, "OK"},
	} {
		b := newBench(t, Options{Root: t.TempDir(), Exec: test.policy})
		if got, _ := b.tell(test.statement); got != test.want {
			t.Errorf("policy %d: %s is %s, want %s", test.policy, test.statement, got, test.want)
		}
	}
}

// patience is how long something is waited for that has to come.
const patience = time.Minute

// gone waits until no process has the number that a file names.
func gone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		// A killed child of a shell that is gone may wait for its new parent to
		// notice; that is dead enough.
		state, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || strings.Contains(string(state), ") Z ") {
			return
		}
	}
	t.Errorf("process %d is alive", pid)
}

func TestExec_diesWithTheRun(t *testing.T) {
	b, dir := shellBench(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		defer cancel()
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, "ready")); err == nil {
				return
			}
		}
	}()
	o := b.runContext(ctx, `EXEC("trap '' TERM; sh -c 'echo $$ > child; exec sleep 100' & echo $$ > self; until test -s child; do sleep 0.01; done; touch ready; wait; sleep 100")`, `PRINT("never")`)
	if !errors.Is(o.err, context.Canceled) || o.stdout != "" {
		t.Errorf("%v, %q", o.err, o.stdout)
	}
	if !o.has("failed: cancelled (CANCELLED 21001, cancelled)") {
		t.Errorf("%q", o.transcript)
	}
	gone(t, filepath.Join(dir, "self"))
	gone(t, filepath.Join(dir, "child"))
}

func TestExec_whatAProgramLeavesRunningDiesWithIt(t *testing.T) {
	b, dir := shellBench(t)
	o := b.run(`EXEC("sleep 100 & echo $! > child; echo left")`)
	if o.result.Status != 0 || !o.has("left\n") {
		t.Errorf("status %d, %q", o.result.Status, o.transcript)
	}
	gone(t, filepath.Join(dir, "child"))
}

func TestParseOldCommand(t *testing.T) {
	for line, want := range map[string]string{
		`del sales.xls`:                "del|sales.xls",
		`DEL  sales.xls	`:              "del|sales.xls",
		`erase "sales 1.xls" b`:        "del|sales 1.xls|b",
		`del /q /F *.tmp`:              "del|*.tmp",
		`del /s *.tmp`:                 "",
		`rd /s /q old`:                 "",
		`dir /a:d`:                     "",
		`del /var/a`:                   "del|/var/a",
		`copy a b`:                     "copy|a|b",
		`copy a`:                       "copy|a",
		`copy /y C:\in\a "D:\out dir"`: `copy|C:\in\a|D:\out dir`,
		`move a b`:                     "move|a|b",
		`ren a b`:                      "ren|a|b",
		`rename a b`:                   "ren|a|b",
		`md a\b`:                       `md|a\b`,
		`mkdir a\b`:                    `md|a\b`,
		`mkdir a`:                      "",
		`mkdir -p a/b`:                 "",
		`rd a`:                         "rd|a",
		`rmdir a\b`:                    "",
		`type a`:                       "type|a",
		`dir`:                          "dir",
		`dir *.xls`:                    "dir|*.xls",
		`dir a b`:                      "",
		`del`:                          "",
		`copy a b c`:                   "",
		`ren a`:                        "",
		`del a & del b`:                "",
		`del a > log`:                  "",
		`del %TEMP%\a`:                 "",
		"del a\nb":                     "",
		`del a; b`:                     "",
		`del "a & b"`:                  "del|a & b",
		`del "a`:                       "",
		`delete a`:                     "",
		`del-all`:                      "",
		``:                             "",
		`rm a`:                         "",
		`echo del a`:                   "",
		`del ""`:                       "del|",
	} {
		old, ok := parseOldCommand(line)
		got := ""
		if ok {
			got = strings.Join(append([]string{old.name}, old.args...), "|")
		}
		if got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}

func TestOldCommands(t *testing.T) {
	for _, test := range []struct {
		command, before, result, after string
	}{
		{`del sales.xls`, "keep sales.xls", "OK", "keep"},
		{`DEL "sales 1.xls"`, "keep sales_1.xls", "20701", "keep sales_1.xls"},
		{`del missing`, "keep", "20701", "keep"},
		{`del *.xls`, "a.xls b.xls c.txt d.xls/", "OK", "c.txt d.xls/"},
		{`del *.*`, "a.xls b", "OK", ""},
		{`del *.zip`, "a.xls", "OK", "a.xls"},
		{`del *`, "* a", "OK", "a"},
		{`del d`, "d/", "20704", "d/"},
		{`del a b`, "a b c", "OK", "c"},
		{`del ""`, "a", "20301", "a"},
		{`del ..\..\a`, "a", "OK", ""}, // ".." stops at the root
		{`del \sub\a`, "sub/ sub/a", "OK", "sub/"},
		{`copy a b`, "a", "OK", "a b"},
		{`copy a sub`, "a sub/", "OK", "a sub/ sub/a"},
		{`copy *.x sub`, "1.x 2.x 3.y sub/", "OK", "1.x 2.x 3.y sub/ sub/1.x sub/2.x"},
		{`copy *.x all`, "1.x 2.x", "20301", "1.x 2.x"},
		{`copy a a`, "a", "20301", "a"},
		{`copy a+b c`, "a b", "20205", "a b"},
		{`copy sub\a`, "sub/ sub/a", "OK", "a sub/ sub/a"},
		{`move a b`, "a", "OK", "b"},
		{`move a b`, "a b", "OK", "b"},
		{`move a sub`, "a sub/", "OK", "sub/ sub/a"},
		{`move missing b`, "a", "20701", "a"},
		{`ren a b`, "a", "OK", "b"},
		{`ren a b`, "a b", "20703", "a b"},
		{`ren sub\a b`, "sub/ sub/a", "OK", "sub/ sub/b"},
		{`ren a sub\b`, "a sub/", "20301", "a sub/"},
		{`ren *.x *.y`, "1.x", "20205", "1.x"},
		{`md one\two`, "", "OK", "one/ one/two/"},
		{`mkdir one\two`, "one/", "OK", "one/ one/two/"},
		{`md one`, "one/", "20703", "one/"},
		{`rd one`, "one/", "OK", ""},
		{`rd one`, "one/ one/a", "20210", "one/ one/a"},
	} {
		root := t.TempDir()
		b := newBench(t, Options{Root: root, Exec: ExecFiles})
		for _, name := range strings.Fields(test.before) {
			var err error
			if strings.HasSuffix(name, "/") {
				err = os.MkdirAll(filepath.Join(root, name), 0o755)
			} else {
				err = os.WriteFile(filepath.Join(root, name), []byte(name), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		got, _ := b.tell(`EXEC('` + test.command + `')`)
		var after []string
		err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil || path == root {
				return err
			}
			name, _ := filepath.Rel(root, path)
			if entry.IsDir() {
				name += "/"
			}
			after = append(after, name)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(after)
		want := strings.Fields(test.after)
		slices.Sort(want)
		if got != test.result || strings.Join(after, " ") != strings.Join(want, " ") {
			t.Errorf("%s with %q: %s leaves %q, want %s and %q", test.command, test.before, got, after, test.result, want)
		}
	}
}

func TestOldCommands_typeAndDirTell(t *testing.T) {
	root := t.TempDir()
	b := newBench(t, Options{Root: root, Exec: ExecFiles})
	write := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	write("a.txt", "one\r\n\r\nthree")
	write("b.xls", "x\x1b[2J")
	if o := b.run(`EXEC("type a.txt")`); o.transcript != "EXEC(\"type a.txt\")\none\n\nthree\n\n" {
		t.Errorf("%q", o.transcript)
	}
	if o := b.run(`EXEC("dir *.txt")`); !o.has("\n2026-01-02 03:04              12  a.txt\n\n") || o.has("b.xls") {
		t.Errorf("%q", o.transcript)
	}
	if o := b.run(`EXEC("dir")`); !o.has("a.txt") || !o.has("b.xls") {
		t.Errorf("%q", o.transcript)
	}
	if got, _ := b.tell(`EXEC("dir missing")`); got != "20701" {
		t.Error(got)
	}
}
