package builtins

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm"
)

// tell runs PRINT(expression) and returns what it printed; "" and the failure's
// name if the expression failed.
func (b *bench) tell(expression string) (text, failure string) {
	b.Helper()
	o := b.run(`$r = ""`, `$r = `+expression, `PRINT($r)`, `PRINT(GETERROR(NAME))`)
	if o.err != nil {
		b.Fatal(o.err)
	}
	lines := o.lines()
	if len(lines) != 2 {
		b.Fatalf("%s printed %q", expression, o.stdout)
	}
	if lines[1] != "OK" {
		return lines[0], lines[1]
	}
	return lines[0], ""
}

// telling is what an expression tells, or why it fails.
type telling struct{ expression, text, failure string }

// expect tries each of them.
func (b *bench) expect(table []telling) {
	b.Helper()
	for _, test := range table {
		text, failure := b.tell(test.expression)
		if text != test.text || failure != test.failure {
			b.Errorf("%s: %q %s, want %q %s", test.expression, text, failure, test.text, test.failure)
		}
	}
}

func TestTelling(t *testing.T) {
	b := newBench(t, Options{
		Environ: func(name string) (string, bool) { return "acme's", name == "CUSTOMER" },
		Zone:    time.FixedZone("", -5*3600),
	})
	b.job.Args = []string{"first", "", "third"}
	b.expect([]telling{
		{`TEXTCUT("abcdef", 2, 3)`, "bcd", ""},
		{`TEXTCUT("abcdef", 1, 0)`, "", ""},
		{`TEXTCUT("abcdef", 5, 100)`, "ef", ""},
		{`TEXTCUT("abcdef", 7, 1)`, "", ""},
		{`TEXTCUT("äöü€x", 2, 3)`, "öü€", ""},
		{`TEXTCUT("abc", " 2 ", "1")`, "b", ""},
		{`TEXTCUT("abc", 0, 1)`, "", "BAD_ARGUMENT"},
		{`TEXTCUT("abc", 1.5, 1)`, "", "BAD_ARGUMENT"},
		{`TEXTCUT("abc", 1, -1)`, "", "BAD_ARGUMENT"},
		{`TEXTCUT("abc", "x", 1)`, "", "BAD_ARGUMENT"},
		{`TEXTCUT(12345, 2, 2)`, "23", ""},
		{`TEXTLENGTH("")`, "0", ""},
		{`TEXTLENGTH("äöü€")`, "4", ""},
		{`TEXTLENGTH(007)`, "3", ""},

		{`GETPARAM(0)`, "job.ftp", ""},
		{`GETPARAM(1)`, "first", ""},
		{`GETPARAM(2)`, "", ""},
		{`GETPARAM("3")`, "third", ""},
		{`GETPARAM(4)`, "", "BAD_ARGUMENT"},
		{`GETPARAM(-1)`, "", "BAD_ARGUMENT"},
		{`GETPARAM("one")`, "", "BAD_ARGUMENT"},
		{`GETENV("CUSTOMER")`, "acme's", ""},
		{`GETENV("NONE")`, "", "BAD_ARGUMENT"},
		{`GETENV("")`, "", "BAD_ARGUMENT"},

		// 14:05:06 UTC on 9 March 2026 is five hours earlier there.
		{`GETDATE`, "2026_03_09", ""},
		{`GETTIME`, "2026_03_09-09_05_06", ""},
		{`GETDATE("")`, "2026_03_09", ""},
		{`GETDATE("DD.MM.YY")`, "09.03.26", ""},
		{`GETTIME("hhmmss")`, "090506", ""},
		{`GETTIME("YYYY-MM-DDThh:mm:ss")`, "2026-03-09T09:05:06", ""},
		{`GETDATE("sales_YYYYMMDD.xls")`, "sales_20260309.xls", ""},
		{`GETDATE("", "1999_12_31-23_59_58")`, "1999_12_31", ""},
		{`GETTIME("hh:mm", "0001_01_01-00_00_00")`, "00:00", ""},
		{`GETTIME("YYYY", "9999_12_31-23_59_59")`, "9999", ""},
		{`GETTIME("", "2024_02_29-00_00_00" - 1)`, "2024_02_28-23_59_59", ""},
		{`GETDATE("", "2023_02_29-00_00_00")`, "", "BAD_ARGUMENT"},
		{`GETDATE("", "yesterday")`, "", "BAD_ARGUMENT"},

		{`GETERROR`, "", ""},
		{`GETERROR(CODE)`, "OK", ""},
		{`GETERROR(CLASS)`, "none", ""},
		{`GETERROR("code")`, "OK", ""},
		{`GETREPLY`, "", ""},
	})
}

func TestGetEnv_withoutEnvironmentIsDenied(t *testing.T) {
	if _, failure := newBench(t, Options{}).tell(`GETENV("HOME")`); failure != "DENIED" {
		t.Error(failure)
	}
}

// A text that is not UTF-8 can be cut anywhere without being changed.
func TestTextCut_countsBytesThatAreNoCharacters(t *testing.T) {
	text := "a\xff\xfeé\xc3"
	if got := skipCharacters(text, 4); got != 5 {
		t.Errorf("4 characters of %q are %d bytes, want 5", text, got)
	}
	if got := skipCharacters(text, 99); got != len(text) {
		t.Errorf("all characters of %q are %d bytes", text, got)
	}
}

func TestGetError_keepsTheNewestFailure(t *testing.T) {
	b := newBench(t, Options{})
	b.replace("CLOSEHOST", failing(session.DataTimeout))
	o := b.run(
		`$r = CLOSEHOST`,
		`PRINT($r)`, // succeeds, and is no reason to forget
		`PRINT(GETERROR(CODE) . " " . GETERROR(NAME) . " " . GETERROR(CLASS))`,
		`PRINT(GETERROR)`,
	)
	want := "20412\n20412 DATA_TIMEOUT transient\ndata connection timed out: trying\n"
	if o.stdout != want {
		t.Errorf("%q, want %q", o.stdout, want)
	}
}

func TestGetReply_isTheConnectionsOrTheLastOnes(t *testing.T) {
	b := newBench(t, Options{})
	b.replace("OPENHOST", openPretended)
	b.replace("CLOSEHOST", func(s *State, a *arguments) error { return s.disconnect(a.ctx) })
	o := b.run(`OPENHOST("h")`, `PRINT(GETREPLY)`, `CLOSEHOST`, `PRINT(GETREPLY)`)
	if want := "226 all is\nwell\n226 all is\nwell\n"; o.stdout != want {
		t.Errorf("%q", o.stdout)
	}
}

func TestSleep_endsWithTheRun(t *testing.T) {
	b := newBench(t, Options{})
	ctx, cancel := context.WithCancelCause(context.Background())
	impatient := errors.New("impatient")
	// SLEEP flushes before it waits: from then on the run is in it, or nearly.
	b.job.Flush = func() { time.AfterFunc(20*time.Millisecond, func() { cancel(impatient) }) }
	o := b.runContext(ctx, `PRINT("before")`, `SLEEP(3600)`, `PRINT("never")`)
	if !errors.Is(o.err, impatient) {
		t.Errorf("error %v", o.err)
	}
	if o.stdout != "before\n" || o.result == nil || o.result.Status == 0 {
		t.Errorf("%q %+v", o.stdout, o.result)
	}
}

func TestSleep_bounds(t *testing.T) {
	b := newBench(t, Options{})
	for seconds, want := range map[string]string{`0`: "OK", `0.001`: "OK", `"x"`: "20301", `-1`: "20301", `1000000000000`: "20301"} {
		if got, _ := b.tell(`SLEEP(` + seconds + `)`); got != want {
			t.Errorf("SLEEP(%s) is %s, want %s", seconds, got, want)
		}
	}
}

func TestConstants_maybeQuotedComputedAndInAnyCase(t *testing.T) {
	b := newBench(t, Options{})
	for _, word := range []string{`ON`, `on`, `"ON"`, `"enabled"`, `"O"."FF"`, `Disabled`} {
		if got, _ := b.tell(`VERBOSE(` + word + `)`); got != "OK" {
			t.Errorf("VERBOSE(%s) is %s", word, got)
		}
	}
	o := b.run(`$w = "LOUD"`, `VERBOSE($w)`)
	if o.result.Status != 1 || !o.has(`argument 1 of VERBOSE must be ON or OFF, not "LOUD"`) {
		t.Errorf("status %d\n%s", o.result.Status, o.transcript)
	}
}

func TestExit(t *testing.T) {
	b := newBench(t, Options{})
	for status, want := range map[string]int{`0`: 0, `7`: 7, `"255"`: 255, `256`: 1, `-1`: 1, `1.5`: 1} {
		o := b.run(`EXIT(`+status+`)`, `PRINT("never")`)
		if o.result.Status != want || o.stdout != "" || o.err != nil {
			t.Errorf("EXIT(%s): status %d, want %d; %q, %v", status, o.result.Status, want, o.stdout, o.err)
		}
		if said := o.has("a status is a whole number from 0 to 255"); said != (want == 1) {
			t.Errorf("EXIT(%s) said %q", status, o.transcript)
		}
	}
	// A script that wants to end does not go on for the want of a number.
	if o := b.run(`$x = ""`, `EXIT($x)`, `PRINT("never")`); o.stdout != "" || o.result.Status != 1 || !o.has("a status is") {
		t.Errorf("%q, status %d", o.stdout, o.result.Status)
	}
}

func TestStop_leavesTheStatusToTheFailures(t *testing.T) {
	b := newBench(t, Options{})
	if got := b.status(`STOP`, `EXIT(9)`); got != 0 {
		t.Errorf("status %d without failures", got)
	}
	b.replace("CLOSEHOST", failing(session.ConnectionLost))
	if got := b.status(`CLOSEHOST`, `STOP`, `EXIT(9)`); got != 75 {
		t.Errorf("status %d after a transient failure", got)
	}
}

func TestRuntimeError_endsTheScriptWithItsPlace(t *testing.T) {
	b := newBench(t, Options{})
	o := b.run(`PRINT("before")`, `$a = 1`, `PRINT($a / 0)`, `PRINT("never")`)
	if o.err != nil || o.result.Status != 1 || o.stdout != "before\n" {
		t.Errorf("%v %+v %q", o.err, o.result, o.stdout)
	}
	if !strings.HasPrefix(o.transcript, "job.ftp:3:") {
		t.Errorf("transcript %q", o.transcript)
	}
	if _, ok := errors.AsType[*vm.RuntimeError](o.result.Err); !ok {
		t.Errorf("Result.Err is %v", o.result.Err)
	}
}

func TestNotANumber(t *testing.T) {
	statements := []string{`$n = 0`, `WHILE($n < 3)`, `  $x = 5 * "abc"`, `  $n = $n + 1`, `END WHILE`, `PRINT($x)`}
	o := newBench(t, Options{}).run(statements...)
	if o.stdout != "0\n" || o.result.Status != 0 {
		t.Errorf("%q, status %d", o.stdout, o.result.Status)
	}
	if o.transcript != "warning: job.ftp:3: \"abc\" is not a number and counts as 0\n" {
		t.Errorf("%q", o.transcript)
	}
	o = newBench(t, Options{Strict: true}).run(statements...)
	if o.stdout != "" || o.result.Status != 1 || !o.has("job.ftp:3:") {
		t.Errorf("strict: %q, status %d, %q", o.stdout, o.result.Status, o.transcript)
	}
}
