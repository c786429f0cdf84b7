package builtins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
)

func TestZeroOptions_computeAndPrintOnly(t *testing.T) {
	b := newBench(t, Options{})
	if o := b.run(`PRINT(6*7)`); o.stdout != "42\n" || o.result.Status != 0 {
		t.Errorf("%q, %+v", o.stdout, o.result)
	}
	for _, statement := range []string{
		`EXEC("true")`, `EXEC("del x")`, `EXEC("true", "x")`, `$x = GETENV("HOME")`, `OPENHOST("127.0.0.1")`,
		`LOGTO("x.log")`, `LOCALCHDIR("/")`, `LOCALMKDIR("x")`,
	} {
		o := b.run(statement)
		if o.result.Status == 0 {
			t.Errorf("%s succeeded", statement)
		}
	}
}

func TestNewHost_refusesContradictions(t *testing.T) {
	for name, options := range map[string]Options{
		"root and system":    {Root: t.TempDir(), System: true},
		"missing root":       {Root: filepath.Join(t.TempDir(), "missing")},
		"missing drive":      {Drives: map[string]string{"C": filepath.Join(t.TempDir(), "missing")}},
		"unknown setting":    {Settings: map[string]string{"colour": "1"}},
		"bad value":          {Settings: map[string]string{"passive": "PERHAPS"}},
		"too many arguments": {Settings: map[string]string{"passive": "ENABLED, DISABLED"}},
		"second call is bad": {Settings: map[string]string{"timeout": "5, CONNECT; x"}},
	} {
		if _, err := NewHost(options); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSettings_fromOptionsAreFirstValues(t *testing.T) {
	host, err := NewHost(Options{Settings: map[string]string{
		"passive": "DISABLED", "active-ports": "50000, 50010", "timeout": "5, CONNECT; 7, IDLE", "Upload-Mode": `"ATOMIC"`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := host.newState(Job{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(context.Background())
	mode := s.dataMode()
	if !mode.Active || mode.PortFrom != 50000 || mode.PortTo != 50010 || s.settings.upload != uploadAtomic {
		t.Errorf("%+v, upload mode %v", mode, s.settings.upload)
	}
	if got := fmt.Sprint(s.settings.timeouts); got != "{5s 1m30s 7s 0s}" {
		t.Errorf("time-outs %s", got)
	}
}

func TestCheck_listsEverythingThatIsMissing(t *testing.T) {
	b := newBench(t, Options{})
	err := b.host.Check([]bytecode.Import{
		{Command: "PRINT", Args: 1},
		{Command: "FLY", Args: 1},
		{Command: "PRINT", Args: 2},
		{Command: "GETFILE", Form: "backwards", Args: 1},
		{Command: "GETLIST", Args: 1, Outs: 0},
		{Command: "CWDIR", Form: "value", Telling: false},
		{Command: "CWDIR", Form: "into", Outs: 1},
		{Command: "EXEC", Form: "program", Args: 200},
	})
	missing, ok := errors.AsType[*LinkError](err)
	if !ok {
		t.Fatalf("%v", err)
	}
	want := []string{
		`"FLY" is unknown`,
		`PRINT does not take 2 arguments and 0 variables`,
		`GETFILE has no form "backwards"`,
		`GETLIST does not take 1 argument and 0 variables`,
		`CWDIR answers in another way than when the program was compiled`,
	}
	if got := strings.Join(missing.Missing, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("%s", got)
	}
}

func TestRun_withMissingCommandsRunsNothing(t *testing.T) {
	rich := newBench(t, Options{})
	if err := rich.host.Add(row("LAUNCH", catalog.Doing), func(*vm.Call) error { return nil }); err != nil {
		t.Fatal(err)
	}
	program := rich.compile("PRINT(1)\nLAUNCH\n")
	poor := newBench(t, Options{})
	var stdout bytes.Buffer
	result, err := poor.host.Run(context.Background(), program, Job{Stdout: &stdout})
	if _, ok := errors.AsType[*LinkError](err); !ok || result != nil || stdout.Len() > 0 {
		t.Errorf("%v, %v, %q", result, err, stdout.String())
	}
}

func TestAdd(t *testing.T) {
	b := newBench(t, Options{})
	secret := catalog.Param{Name: "key", Secret: true}
	file := catalog.Param{Name: "file", Kind: catalog.ParamLocalPath}
	out := catalog.Param{Name: "answer", Kind: catalog.ParamVariable}
	add := func(row catalog.Command, run vm.Func) {
		t.Helper()
		if err := b.host.Add(row, run); err != nil {
			t.Fatal(err)
		}
	}
	ask := row("ASK", catalog.Doing, out, secret, file)
	ask.Echo = true
	ask.Capability = catalog.Net
	add(ask, func(c *vm.Call) error {
		c.SetOut(0, c.Arg(1))
		return nil
	})
	busy, _ := catalog.ResultNamed("REMOTE_BUSY")
	add(row("BUSY", catalog.Doing), func(*vm.Call) error { return &Failure{Result: busy} })
	add(row("LOST", catalog.Telling), func(*vm.Call) error {
		return &session.Error{Op: "asking", Cause: session.ConnectionLost, Class: session.ClassTransient}
	})
	broken := errors.New("the embedder's own trouble")
	add(row("BROKEN", catalog.Doing), func(*vm.Call) error { return broken })

	o := b.run(`ASK($a, "sesame-open-1", "f")`, `PRINT($a)`)
	if o.stdout != "f\n" || !strings.HasPrefix(o.transcript, `ASK($answer,******,"f")`+"\n\n") {
		t.Errorf("%q, %q", o.stdout, o.transcript)
	}
	if o := b.run(`ASK($a, "sesame-open-1", "")`); !o.has("BAD_ARGUMENT") || o.result.Status != 1 {
		t.Errorf("an empty local path: %q", o.transcript)
	}
	if o := b.run(`$r = BUSY`, `PRINT($r)`); o.stdout != "20406\n" {
		t.Errorf("%q", o.stdout)
	}
	if o := b.run(`$r = LOST`, `PRINT("<".$r.">".GETERROR(NAME))`); o.stdout != "<>CONNECTION_LOST\n" {
		t.Errorf("%q", o.stdout)
	}
	if o := b.run(`BROKEN`, `PRINT("never")`); o.stdout != "" || !errors.Is(o.result.Err, broken) {
		t.Errorf("%q, %v", o.stdout, o.result.Err)
	}
	for name, bad := range map[string]catalog.Command{
		"small letters": row("ask", catalog.Doing),
		"no name":       row("", catalog.Doing),
		"no kind":       row("ASK", catalog.KindInherit),
		"no form":       {Name: "ASK", Kind: catalog.Doing},
	} {
		if b.host.Add(bad, func(*vm.Call) error { return nil }) == nil {
			t.Errorf("%s: added", name)
		}
	}
	if b.host.Add(row("ASK", catalog.Doing), nil) == nil {
		t.Error("added without a function")
	}
}

func TestHost_isSafeForManyGoroutines(t *testing.T) {
	b := newBench(t, Options{})
	program := b.compile("$n = GETPARAM(1)\nPRINT($n)\nGETERROR\nVERBOSE(ON)\n")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			var stdout bytes.Buffer
			result, err := b.host.Run(context.Background(), program, Job{Args: []string{fmt.Sprint(i)}, Stdout: &stdout})
			if err != nil || result.Status != 0 || stdout.String() != fmt.Sprintf("%d\n", i) {
				t.Errorf("run %d: %v %+v %q", i, err, result, stdout.String())
			}
			b.host.Catalog()
		})
	}
	all.Wait()
}

func TestRun_budgets(t *testing.T) {
	for name, options := range map[string]Options{"fuel": {Fuel: 10_000}, "text": {MaxText: 10_000}} {
		o := newBench(t, options).run(`$t = "0123456789"`, `WHILE(TRUE)`, `  $t = $t . "0123456789"`, `END WHILE`)
		if o.err == nil || o.result == nil || o.result.Status != 124 {
			t.Errorf("%s: %v %+v", name, o.err, o.result)
		}
	}
}

func TestRun_aContextThatIsOverRunsNothing(t *testing.T) {
	b := newBench(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if o := b.runContext(ctx, `PRINT("never")`); !errors.Is(o.err, context.Canceled) || o.stdout != "" {
		t.Errorf("%v %q", o.err, o.stdout)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 1)
	defer cancel()
	o := b.runContext(ctx, `WHILE(TRUE)`, `END WHILE`)
	if !errors.Is(o.err, context.DeadlineExceeded) || o.result != nil && o.result.Status != 124 {
		t.Errorf("%v %+v", o.err, o.result)
	}
}

// The status of a run by what failed in it; looked is what an assignment that is
// read makes of it.
func TestStatus(t *testing.T) {
	const looked = "looked "
	for _, test := range []struct {
		failures string
		want     int
	}{
		{"", 0},
		{"looked DATA_TIMEOUT", 0},
		{"looked DENIED", 0},
		{"DATA_TIMEOUT", 75},
		{"DATA_TIMEOUT CONNECTION_LOST NO_REMOTE_SPACE", 75},
		{"DATA_TIMEOUT NO_SUCH_REMOTE_FILE", 1},
		{"NO_SUCH_REMOTE_FILE", 1},
		{"looked NO_SUCH_REMOTE_FILE DATA_TIMEOUT", 75},
		{"CONNECTION_REFUSED NOT_CONNECTED WRONG_DIRECTORY", 75},
		{"NOT_CONNECTED CONNECTION_REFUSED", 1},
		{"NO_SUCH_REMOTE_FILE WRONG_DIRECTORY", 1},
		{"WRONG_DIRECTORY WRONG_DIRECTORY", 1},
		{"DENIED", 126},
		{"DATA_TIMEOUT DENIED", 126},
		{"ACCESS_REFUSED", 1},
		{"INTERNAL", 1},
	} {
		b := newBench(t, Options{})
		var statements []string
		words := strings.Fields(test.failures)
		for i, word := range words {
			if word+" " == looked {
				continue
			}
			name := fmt.Sprintf("FAIL%d", i)
			result, ok := catalog.ResultNamed(word)
			if !ok {
				t.Fatal(word)
			}
			if err := b.host.Add(row(name, catalog.Doing), func(*vm.Call) error { return &Failure{Result: result} }); err != nil {
				t.Fatal(err)
			}
			if i > 0 && words[i-1]+" " == looked {
				statements = append(statements, "$r = "+name, "PRINT($r)")
			} else {
				statements = append(statements, name)
			}
		}
		o := b.run(append(statements, `PRINT("end")`)...)
		if o.result.Status != test.want || !strings.HasSuffix(o.stdout, "end\n") {
			t.Errorf("%q: status %d, want %d", test.failures, o.result.Status, test.want)
		}
	}
}

func TestSummary_countsAndListsLines(t *testing.T) {
	b := newBench(t, Options{})
	b.replace("CLOSEHOST", failing(session.DataTimeout))
	o := b.run(`PRINT("x")`, `CLOSEHOST`, `$r = CLOSEHOST`, `PRINT($r)`, `$n = 0`, `WHILE($n < 2)`, `  CLOSEHOST`, `  $n = $n + 1`, `END WHILE`)
	s := o.result.Summary
	if s.Commands != 6 || s.Failed != 4 || s.Handled != 1 || fmt.Sprint(s.Lines, s.FailedLines) != "[2 7] [2 3 7]" {
		t.Errorf("%+v", s)
	}
	if len(o.result.Failures) != 3 || o.result.Failures[0].Line != 2 || o.result.Failures[0].Command != "CLOSEHOST" {
		t.Errorf("%v", o.result.Failures)
	}
	if !strings.HasSuffix(o.transcript, "4 commands failed, 1 of them handled: lines 2, 3, 7\n") {
		t.Errorf("%q", o.transcript)
	}
}

func TestSummary_anEndlessLoopOfFailuresIsBounded(t *testing.T) {
	b := newBench(t, Options{})
	b.replace("CLOSEHOST", failing(session.DataTimeout))
	b.job.Events = nil
	o := b.run(`$n = 0`, `WHILE($n < 3000)`, `  CLOSEHOST`, `  $n = $n + 1`, `END WHILE`)
	if o.result.Summary.Failed != 3000 || len(o.result.Failures) != mostFailures {
		t.Errorf("%d failed, %d kept", o.result.Summary.Failed, len(o.result.Failures))
	}
}

func TestTelling_anUnlookedFailureAbandonsTheStatement(t *testing.T) {
	o := newBench(t, Options{}).run(`PRINT("value: " . GETPARAM(1))`, `PRINT("after")`)
	if o.stdout != "after\n" || o.result.Status != 1 {
		t.Errorf("%q, status %d", o.stdout, o.result.Status)
	}
}

// What merges into one terminal reads in program order.
func TestMerged_printedAndToldAreInOrder(t *testing.T) {
	b := newBench(t, Options{})
	b.replace("OPENHOST", openPretended)
	b.replace("CLOSEHOST", failing(session.ConnectionLost))
	o := b.run(`PRINT("one")`, `OPENHOST("h")`, `PRINT("two")`, `PRINT("three")`, `CLOSEHOST`, `PRINT("four")`)
	want := "one\nOPENHOST(\"h\")\nConnecting to h\nConnected.\n\ntwo\nthree\nCLOSEHOST\n" +
		"job.ftp:5: CLOSEHOST failed: the connection was lost (CONNECTION_LOST 20403, transient)\n  cause   trying\n\n" +
		"four\n1 command failed: line 5\n"
	if o.merged != want {
		t.Errorf("%s\nwant\n%s", o.merged, want)
	}
}

func TestSecrets_areMaskedByPositionAndByValue(t *testing.T) {
	b := newBench(t, Options{})
	const password = "mypassword"
	b.replace("OPENHOST", func(s *State, a *arguments) error {
		s.tell("the server says: hello %s", a.text(2))
		s.tellWire(session.Wire{Kind: session.WireReply, Text: "230 " + a.text(2)})
		return &session.Error{
			Op: "logging in as " + a.text(2), Cause: session.AccessRefused, Class: session.ClassAuth, Name: a.text(2),
			Reply: session.Reply{Code: 530, Text: "not " + a.text(2)}, Hint: "not " + a.text(2), Err: errors.New("bad " + a.text(2)),
		}
	})
	o := b.run(`$p = "mypass" . "word"`, `OPENHOST("ftp.myhost.com", "myuser", $p)`, `PRINT("it was " . $p)`, `PRINT(GETERROR)`)
	if !strings.HasPrefix(o.transcript, `OPENHOST("ftp.myhost.com","myuser",******)`+"\n") {
		t.Errorf("%q", o.transcript)
	}
	told := fmt.Sprintf("%s %s %+v", o.stdout, o.transcript, o.result)
	for _, e := range o.events {
		told += fmt.Sprintf(" %+v", e)
		if e.Failure != nil {
			told += fmt.Sprintf(" %+v %+v", e.Failure, e.Failure.Err)
		}
	}
	if strings.Contains(told, password) {
		t.Errorf("the password is told:\n%s", told)
	}
	if strings.Count(told, mask) < 8 {
		t.Errorf("masks are missing:\n%s", told)
	}
}

func TestSecrets_shortOnesWarnOnceAndAreMaskedByPosition(t *testing.T) {
	b := newBench(t, Options{})
	b.replace("OPENHOST", openPretended)
	o := b.run(`OPENHOST("h","u","geheim")`, `OPENHOST("h","u","geheim")`)
	if strings.Contains(o.transcript, "geheim") || strings.Count(o.transcript, "is masked only where it is an argument") != 1 {
		t.Errorf("%s", o.transcript)
	}
}

func TestEcho(t *testing.T) {
	b := newBench(t, Options{})
	for _, name := range []string{"OPENHOST", "SETPORT", "SETPASSIVE", "GETLIST", "CHMOD", "LOCALMKDIR", "CWDIR"} {
		b.replace(name, succeeding)
	}
	for statement, want := range map[string]string{
		`OPENHOST("h")`:                                      `OPENHOST("h")`,
		`openhost("h", "u", "")`:                             `OPENHOST("h","u",******)`,
		`OPENHOST("ftp://u:verysecret@h/d")`:                 `OPENHOST("ftp://u:******@h/d")`,
		`SETPORT(DEFAULT)`:                                   `SETPORT(DEFAULT)`,
		`SETPORT("2" . 1)`:                                   `SETPORT(21)`,
		`SETPASSIVE("disabled")`:                             `SETPASSIVE(DISABLED)`,
		`SETPASSIVE(OFF)`:                                    `SETPASSIVE(DISABLED)`,
		`LOCALMKDIR('say "hi"')`:                             `LOCALMKDIR('say "hi"')`,
		`LOCALMKDIR("it's ""so""")`:                          `LOCALMKDIR("it's ""so""")`,
		`GETLIST($names, LOCAL_FILES, "*.x")`:                `GETLIST($list,LOCAL_FILES,"*.x")`,
		`$f = "a" . "b"` + "\n" + `LOCALMKDIR($f . (1 + 1))`: `LOCALMKDIR("ab2")`,
	} {
		if o := b.run(statement); !strings.HasPrefix(o.transcript, want+"\n") {
			t.Errorf("%s is told as %q", statement, o.transcript)
		}
	}
}

func TestArguments_emptyNamesAndControlBytesAreRefusedBeforeAnythingRuns(t *testing.T) {
	root := t.TempDir()
	b := newBench(t, Options{Root: root})
	for _, row := range catalog.Commands() {
		if row.Family <= catalog.FamilyLists && row.Name != "GETREPLY" && row.Name != "SETRETRY" {
			b.replace(row.Name, func(*State, *arguments) error { return errors.New("ran") })
		}
	}
	b.job.Args = []string{"", "a\rb", "a\nb", "a\x00b"}
	for _, form := range []string{
		`OPENHOST(%s)`, `CHDIR(%s)`, `MKDIR(%s)`, `RMDIR(%s)`, `DELETEFILE(%s)`, `RENAMEFILE("a", %s)`, `RENAMEFILE(%s, "a")`,
		`GETFILE(%s)`, `GETFILE(%s, "a")`, `PUTFILE("a", %s)`, `CHMOD(%s, "644")`, `$x = GETFILETIME(%s)`,
		`$x = GETFILESIZE(REMOTE, %s)`, `$x = FILEEXISTS(REMOTE, %s)`,
	} {
		for i := range b.job.Args {
			o := b.run(`$a = GETPARAM(`+fmt.Sprint(i+1)+`)`, fmt.Sprintf(form, "$a"), `PRINT(GETERROR(NAME) . $x)`)
			if o.stdout != "BAD_ARGUMENT\n" {
				t.Errorf("%s with %q: %q", form, b.job.Args[i], o.stdout)
			}
		}
	}
	for _, form := range []string{`OPENHOST("h", %s)`, `OPENHOST("h", "u", %s)`, `RAWCOMMAND(%s)`, `CHMOD("a", %s)`} {
		for i := 1; i < len(b.job.Args); i++ {
			o := b.run(`$a = GETPARAM(`+fmt.Sprint(i+1)+`)`, fmt.Sprintf(form, "$a"), `PRINT(GETERROR(NAME))`)
			if o.stdout != "BAD_ARGUMENT\n" {
				t.Errorf("%s with %q: %q", form, b.job.Args[i], o.stdout)
			}
		}
	}
	for _, form := range []string{
		`LOCALCHDIR(%s)`, `LOCALMKDIR(%s)`, `LOCALRMDIR(%s)`, `PUTFILE(%s)`, `PUTFILE(%s, "a")`, `GETFILE("a", %s)`,
		`LOGTO(%s)`, `$x = GETFILESIZE(LOCAL, %s)`, `ADDEXCLUSION(LOCAL, %s)`, `GETLIST($l, LOCAL_FILES, %s)`,
	} {
		o := b.run(`$a = ""`, fmt.Sprintf(form, "$a"), `PRINT(GETERROR(NAME) . $x)`)
		if o.stdout != "BAD_ARGUMENT\n" {
			t.Errorf("%s with the empty text: %q", form, o.stdout)
		}
	}
}

// Parameters are called "from" and "to"; a sentence needs a noun.
func TestArguments_emptyOnesAreExplainedInWords(t *testing.T) {
	b := newBench(t, Options{Root: t.TempDir()})
	for statement, want := range map[string]string{
		`RENAMEFILE("a", "")`:       "argument 2 of RENAMEFILE is empty: a name is needed",
		`LOCALCHDIR("")`:            "argument 1 of LOCALCHDIR is empty: a name is needed",
		`OPENHOST("")`:              "argument 1 of OPENHOST is empty: a host is needed",
		`ADDEXCLUSION(REMOTE, "")`:  "argument 2 of ADDEXCLUSION is empty: a pattern is needed",
		`GETLIST($l,LOCAL_DIRS,"")`: "argument 3 of GETLIST is empty: a pattern is needed",
	} {
		if o := b.run(statement); !o.has(want) {
			t.Errorf("%s: %s", statement, o.transcript)
		}
	}
}

func TestNotConnected(t *testing.T) {
	b := newBench(t, Options{Root: t.TempDir()})
	for _, statement := range []string{
		`GETFILE("a")`, `PUTFILE("a")`, `CHDIR("/a")`, `$x = CWDIR`, `CWDIR($x)`, `MKDIR("a")`, `RAWCOMMAND("NOOP")`,
		`$x = GETFILESIZE("a")`, `$x = GETFILETIME(REMOTE, "a")`, `$x = FILEEXISTS("a")`, `GETLIST($x, REMOTE_FILES)`, `GETLIST($x, REMOTE_DIRS, "*")`,
	} {
		if o := b.run(statement, `PRINT(GETERROR(NAME) . $x)`); o.stdout != "NOT_CONNECTED\n" {
			t.Errorf("%s: %q", statement, o.stdout)
		}
	}
	for _, statement := range []string{`CLOSEHOST`, `SETPASSIVE(DISABLED)`, `GETLIST($x, LOCAL_FILES)`, `LOCALMKDIR("d")`, `EXEC("dir")`} {
		if o := b.run(statement, `PRINT(GETERROR(NAME))`); strings.Contains(o.stdout, "NOT_CONNECTED") {
			t.Errorf("%s needs no connection", statement)
		}
	}
}

func TestCheckPaths(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("drives are the system's own on Windows")
	}
	root, drive := t.TempDir(), t.TempDir()
	b := newBench(t, Options{Root: root, Drives: map[string]string{"c": drive}, Exec: ExecFiles})
	source := `LOCALCHDIR("C:\TEMP")
PUTFILE("D:\x.csv")
ADDEXCLUSION(LOCAL, "E:\not\a\path")
PRINT("F:\neither")
$x = GETFILESIZE(LOCAL, "\\server\share\a")
$x = GETFILESIZE(REMOTE, "G:\on the server")
GETLIST($x, LOCAL_FILES, "H:\pattern")
$d = "I:\computed"
LOCALCHDIR($d)
LOGTO("D:log.txt", APPEND)
`
	program := b.compile(source)
	var stdout bytes.Buffer
	result, err := b.host.Run(context.Background(), program, Job{Stdout: &stdout})
	unmapped, ok := errors.AsType[*UnmappedError](err)
	if !ok || result != nil || stdout.Len() > 0 {
		t.Fatalf("%v %v %q", result, err, stdout.String())
	}
	want := `job.ftp:2:1: PUTFILE("D:\x.csv"): this run has no such drive: --drive D=DIR
job.ftp:5:6: GETFILESIZE("\\server\share\a"): this run has no such drive: --drive '\\server\share=DIR'
job.ftp:10:1: LOGTO("D:log.txt"): this run has no such drive: --drive D=DIR`
	if unmapped.Error() != want {
		t.Errorf("%s\nwant\n%s", unmapped, want)
	}
	if len(b.host.CheckPaths(program)) != 3 {
		t.Error("CheckPaths finds something else than Run")
	}
}

func TestLogTo(t *testing.T) {
	root := t.TempDir()
	b := newBench(t, Options{Root: root})
	b.replace("OPENHOST", openPretended)
	b.replace("CHDIR", failing(session.NoSuchRemoteFile))
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	o := b.run(
		`LOGTO("run.log")`, `PRINT("printed")`, `SILENT(ON)`, `OPENHOST("h","u","mypassword")`, `SILENT(OFF)`,
		`PRINT("mypassword")`, `CHDIR("a")`, `LOGTO("second.log")`, `CHDIR("b")`,
	)
	if o.result.Status != 1 {
		t.Errorf("status %d: %s", o.result.Status, o.transcript)
	}
	golden(t, "logto.txt", read("run.log")+"---\n"+read("second.log"))
	if strings.Contains(o.transcript, `OPENHOST("h`) {
		t.Errorf("SILENT(ON) told %q", o.transcript)
	}
	if info, err := os.Stat(filepath.Join(root, "run.log")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	b.run(`LOGTO("run.log", OVERWRITE)`, `PRINT("new")`)
	if text := read("run.log"); strings.Contains(text, "printed") || !strings.Contains(text, "new") {
		t.Errorf("OVERWRITE left %q", text)
	}
	b.run(`LOGTO("run.log", APPEND)`, `PRINT("more")`)
	if text := read("run.log"); !strings.Contains(text, "new") || !strings.Contains(text, "more") {
		t.Errorf("APPEND left %q", text)
	}
}

func TestVerbose_tellsTheWire(t *testing.T) {
	b := newBench(t, Options{})
	b.replace("CLOSEHOST", func(s *State, a *arguments) error {
		s.tellWire(session.Wire{Kind: session.WireCommand, Text: "NOOP"})
		s.tellWire(session.Wire{Kind: session.WireReply, Text: "200 \x1b fine"})
		s.tellWire(session.Wire{Kind: session.WireNote, Text: "a decision"})
		s.tellWire(session.Wire{Kind: session.WireRefused, Text: "198.51.100.9:4242 was turned away"})
		return nil
	})
	quiet, loud := b.run(`CLOSEHOST`), b.run(`VERBOSE(ON)`, `CLOSEHOST`)
	if want := "CLOSEHOST\nwarning: job.ftp:1: 198.51.100.9:4242 was turned away\n\n"; quiet.transcript != want {
		t.Errorf("%q", quiet.transcript)
	}
	if want := "CLOSEHOST\n> NOOP\n< 200 \\x1b fine\na decision\n"; !strings.HasPrefix(loud.transcript, want) {
		t.Errorf("%q", loud.transcript)
	}
}

func TestDescribeData(t *testing.T) {
	for want, data := range map[string]session.DataConn{
		"active: ftp.myhost.com (127.0.0.1:20) connected to 127.0.0.1:40123": {
			Active: true, Remote: "127.0.0.1:20", Local: "127.0.0.1:40123", Listen: "127.0.0.1:40123"},
		"active: ftp.myhost.com (192.0.2.1:20) connected to 10.0.0.2:40123, announced as 203.0.113.9:40123": {
			Active: true, Remote: "192.0.2.1:20", Local: "10.0.0.2:40123", Listen: "203.0.113.9:40123"},
		"passive: 127.0.0.1:50000 connected to ftp.myhost.com (127.0.0.1:40123)": {
			Remote: "127.0.0.1:40123", Local: "127.0.0.1:50000"},
	} {
		if got := describeData("ftp.myhost.com", &data); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestLogTo_aLogThatCannotBeWrittenIsGivenUpAloud(t *testing.T) {
	b := newBench(t, Options{})
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	b.replace("LOGTO", func(s *State, a *arguments) error {
		full := writerFunc(func([]byte) (int, error) { return 0, errors.New("no space left on device") })
		return s.voice.logTo(&logFile{file: file, transcript: NewTranscript(full, TranscriptOptions{Everything: true})})
	})
	o := b.run(`LOGTO("x")`, `PRINT("a")`, `PRINT("b")`)
	if o.stdout != "a\nb\n" || o.transcript != "warning: job.ftp:2: the log ends here, it cannot be written: no space left on device\n" {
		t.Errorf("%q, %q", o.stdout, o.transcript)
	}
	if _, err := file.Write(nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is still open: %v", err)
	}
}

func TestPrint_whatCannotBeWrittenIsAFailure(t *testing.T) {
	b := newBench(t, Options{})
	program := b.compile("PRINT(1)\nPRINT(2)\n")
	result, err := b.host.Run(context.Background(), program, Job{Stdout: writerFunc(func([]byte) (int, error) { return 0, errors.New("gone") })})
	if err != nil || result.Status != 1 || len(result.Failures) != 2 || result.Failures[0].Result.Name != "LOCAL_FAILURE" {
		t.Errorf("%v %+v", err, result)
	}
}

// A defect in a command must not take an embedder's process down, and what the
// run held is closed all the same.
func TestRun_aDefectIsAnErrorAndClosesWhatIsOpen(t *testing.T) {
	root := t.TempDir()
	b := newBench(t, Options{Root: root})
	b.replace("CLOSEHOST", func(*State, *arguments) error { panic("a defect") })
	o := b.run(`LOGTO("run.log")`, `PRINT("before")`, `CLOSEHOST`, `PRINT("never")`)
	if !errors.Is(o.err, vm.ErrInternal) || o.result == nil || o.result.Status != 1 || o.stdout != "before\n" {
		t.Errorf("%v %+v %q", o.err, o.result, o.stdout)
	}
	text, err := os.ReadFile(filepath.Join(root, "run.log"))
	if err != nil || !strings.Contains(string(text), "before\n") || !strings.Contains(string(text), "a defect") {
		t.Errorf("%v %q", err, text)
	}
}

// A computed constant is judged as a quoted one is by the compiler: any case, the
// other name of ON and OFF, and nothing around it.
func TestConstants_computed(t *testing.T) {
	b := newBench(t, Options{})
	for text, want := range map[string]string{
		"DISABLED": "OK", "disabled": "OK", "off": "OK", "On": "OK", " ON": "20301", "ON ": "20301", "": "20301", "TRUE": "20301", "1": "20301",
	} {
		if o := b.run(`$mode = "`+text+`"`, `PRINT(SETPASSIVE($mode))`); o.stdout != want+"\n" {
			t.Errorf("%q: %s, want %s", text, strings.TrimSpace(o.stdout), want)
		}
	}
}
