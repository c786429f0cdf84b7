package builtins

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio/session"
)

// night is a run with everything that a transcript can hold, texts from a hostile
// server included.
func night() []Event {
	result := func(name string) catalog.Result {
		r, ok := catalog.ResultNamed(name)
		if !ok {
			panic(name)
		}
		return r
	}
	timeout := &Failure{
		Result: result("DATA_TIMEOUT"), Script: "acme-in.ftp", Line: 14, Command: `PUTFILE("orders.csv")`, Attempt: 3, Of: 3,
		Err: &session.Error{
			Op: "uploading orders.csv", Cause: session.DataTimeout, Class: session.ClassTransient, Host: "ftp.myhost.com:21",
			Reply: session.Reply{Code: 227, Text: "Entering Passive Mode (198,51,100,7,192,8)"},
			Data:  &session.DataConn{Command: "PASV", Remote: "198.51.100.7:49160"},
			Hint:  "a firewall drops ports 49152-65535 outward: SETPASSIVE(DISABLED),\nor sftpc doctor ftp.myhost.com --firewall",
		},
	}
	refused := &Failure{
		Result: result("ACTIVE_DATA_FAILED"), Script: "acme-in.ftp", Line: 20, Command: `GETFILE("a")`, Attempt: 1, Of: 1,
		Err: &session.Error{
			Op: "downloading a", Cause: session.ActiveDataFailed, Class: session.ClassPermanent, Host: "ftp.myhost.com:21",
			Reply: session.Reply{Code: 500, Text: "Illegal PORT\nsecond line\x1b[2J"},
			Data:  &session.DataConn{Active: true, Command: "PORT", Local: "10.0.0.2:40000", Listen: "203.0.113.9:40000"},
			Err:   errors.New("the server\u202erefused"),
		},
	}
	missing := &Failure{
		Result: result("NO_SUCH_REMOTE_FILE"), Script: "acme-in.ftp", Line: 21, Command: `GETFILESIZE("b")`, Attempt: 1, Of: 1,
		Err: &session.Error{Op: "asking for b", Cause: session.NoSuchRemoteFile, Reply: session.Reply{Code: 550, Text: "b: No such file"}},
	}
	exit := exitFailure(3)
	exit.Script, exit.Line, exit.Command = "acme-in.ftp", 22, `EXEC("convert")`
	hundreds := make([]int, 100)
	for i := range hundreds {
		hundreds[i] = i + 1
	}
	return []Event{
		{Kind: RunStart, Script: "acme-in.ftp"},
		{Kind: CommandStart, Text: `OPENHOST("ftp.myhost.com","myuser",******)`, Network: true},
		{Kind: Message, Text: "Connecting to ftp.myhost.com"},
		{Kind: Wire, Level: Traffic, Text: "< 220 welcome\x07"},
		{Kind: Message, Text: "Connected."},
		{Kind: CommandEnd, Result: "OK", Network: true},
		{Kind: Print, Text: "one\ntwo"},
		{Kind: CommandStart, Text: `PUTFILE("orders.csv")`, Network: true},
		{Kind: Message, Text: "active: ftp.myhost.com (127.0.0.1:20) connected to 127.0.0.1:40123"},
		{Kind: Message, Level: Verbose, Text: "EPSV refused, PASV from now on"},
		{Kind: FileStart, File: &FileEvent{Upload: true, Local: "orders.csv"}},
		{Kind: FileEnd, File: &FileEvent{Upload: true, Local: "orders\r.csv"}, Failure: timeout},
		{Kind: CommandEnd, Failure: timeout, Network: true},
		{Kind: CommandEnd, Failure: refused, Network: true},
		{Kind: CommandEnd, Failure: missing, Looked: true, Network: true},
		{Kind: Warning, Script: "acme-in.ftp", Line: 22, Text: "\"a\x00b\" is not a number and counts as 0"},
		{Kind: Warning, Text: "belongs to no statement"},
		{Kind: CommandEnd, Failure: exit, Network: true},
		{Kind: Message, Text: "not for the terminal", Silent: true},
		{Kind: RunError, Text: "acme-in.ftp:23:5: division by zero"},
		{Kind: RunEnd, Summary: &Summary{Status: 1, Commands: 12, Failed: 3, Handled: 2, FailedLines: []int{12, 40, 41}, Bytes: 4711, Took: 1500 * time.Millisecond}},
		{Kind: RunEnd, Summary: &Summary{Status: 1, Commands: 1, Failed: 1, FailedLines: []int{7}, Bytes: 1}},
		{Kind: RunEnd, Summary: &Summary{Status: 1, Failed: 100, FailedLines: hundreds}},
		{Kind: RunEnd, Summary: &Summary{}},
	}
}

func TestTranscript(t *testing.T) {
	for name, options := range map[string]TranscriptOptions{
		"normal.txt":  {},
		"verbose.txt": {Level: Verbose},
		"traffic.txt": {Level: Traffic},
		"quiet.txt":   {Quiet: true},
		"color.txt":   {Color: true},
		"log.txt":     {Everything: true, Times: true, Zone: time.FixedZone("CET", 3600)},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			transcript := NewTranscript(&b, options)
			for _, e := range night() {
				e.Time = time.Date(2026, 3, 9, 23, 59, 58, 0, time.UTC)
				transcript.Write(e)
			}
			golden(t, name, b.String())
			for _, c := range b.String() {
				if c != '\n' && c < ' ' && (c != '\x1b' || !options.Color) || c == '\u202e' {
					t.Errorf("%U is not escaped", c)
				}
			}
		})
	}
}

// One event is one Write, so that lines of several processes do not mix in a log.
func TestTranscript_oneEventIsOneWrite(t *testing.T) {
	writes := 0
	transcript := NewTranscript(writerFunc(func(p []byte) (int, error) {
		writes++
		return len(p), nil
	}), TranscriptOptions{})
	for i, e := range night() {
		before := writes
		if transcript.Write(e); writes-before > 1 {
			t.Errorf("event %d made %d writes", i, writes-before)
		}
	}
}

func TestTranscript_anEventThatIsNoFailureIsOneLine(t *testing.T) {
	for _, text := range []string{"", "a\nb", "a\r\nb", "\u2028", "\xff\xfe", "\x1b]0;title\x07"} {
		var b bytes.Buffer
		NewTranscript(&b, TranscriptOptions{}).Write(Event{Kind: Message, Text: text})
		if strings.Count(b.String(), "\n") != 1 || strings.ContainsAny(b.String(), "\r\x1b\x07\u2028") {
			t.Errorf("%q became %q", text, b.String())
		}
	}
}

func TestTranscript_stopsAtTheFirstError(t *testing.T) {
	broken := errors.New("no space")
	calls := 0
	transcript := NewTranscript(writerFunc(func([]byte) (int, error) { calls++; return 0, broken }), TranscriptOptions{})
	for _, e := range night() {
		transcript.Write(e)
	}
	if calls != 1 || !errors.Is(transcript.Err(), broken) {
		t.Errorf("%d calls, error %v", calls, transcript.Err())
	}
}
