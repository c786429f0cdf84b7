package fault_test

import (
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server/fault"
)

func TestParseReadsEveryAction(t *testing.T) {
	cases := map[string]fault.Effect{
		"delay 20ms":                     {Delay: 20 * time.Millisecond},
		"silence":                        {Silence: true},
		"reply 500 no; close":            {Reply: "500 no", Close: true},
		`reply 257 "a;b" is it`:          {Reply: `257 "a;b" is it`},
		"reply 421":                      {Reply: "421"},
		`raw "\x00\r\n"`:                 {Raw: "\x00\r\n"},
		"garbage 10":                     {Garbage: 10},
		"endless-line":                   {EndlessLine: true},
		"endless-reply":                  {EndlessReply: true},
		"preliminary 125 go":             {Preliminary: "125 go"},
		"preliminary none":               {NoPreliminary: true},
		"final 451 bad":                  {Final: "451 bad"},
		"final none; close":              {NoFinal: true, Close: true},
		"drip":                           {Drip: true},
		"drip 5ms":                       {Drip: true, DripPause: 5 * time.Millisecond},
		"defer":                          {Defer: true},
		"cut 0":                          {Cut: true},
		"cut 4096":                       {Cut: true, CutAt: 4096},
		"cut 9 orderly; final 226 done":  {Cut: true, CutAt: 9, Orderly: true, Final: "226 done"},
		"stall 1":                        {Stall: true, CutAt: 1},
		"rate 1000":                      {Rate: 1000},
		"corrupt 7":                      {Corrupt: true, CorruptAt: 7},
		`payload "a\r\nb"`:               {Payload: []byte("a\r\nb")},
		`payload ""`:                     {Payload: []byte{}},
		"size 400000":                    {Sized: true, Size: 400000},
		"refuse":                         {Refuse: true},
		"no-connect":                     {NoConnect: true},
		"address 10.0.0.1":               {AddressHost: "10.0.0.1"},
		"address :99":                    {AddressPort: 99},
		"address 10.0.0.1:99":            {AddressHost: "10.0.0.1", AddressPort: 99},
		"reset":                          {Reset: true},
		"":                               {},
		"delay 1s; reply 200 x; close; ": {Delay: time.Second, Reply: "200 x", Close: true},
	}
	for text, want := range cases {
		script, err := fault.Parse("# a comment\n\n\ton RETR: " + text + "\n")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := script.Next("RETR", "x"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	cases := map[string]string{
		"RETR: close":                `expected "on VERB`,
		"on: close":                  `expected "on VERB`,
		"on RETR close":              "expected a colon",
		"on RETR a b: close":         "expected a count",
		"on RETR a 1 2: close":       `expected "on VERB`,
		"on RETR [a: close":          "syntax error in pattern",
		`on RETR "a: close`:          "expected a colon",
		"on RETR: explode":           `unknown action "explode"`,
		"on RETR: close now":         "takes no argument",
		"on RETR: cut":               "expected a number of bytes",
		"on RETR: cut -1":            "expected a number of bytes",
		"on RETR: cut 1 maybe":       `expected "orderly"`,
		"on SIZE: size large":        "expected a number of bytes",
		"on RETR: delay soon":        "invalid duration",
		"on RETR: reply nothing":     "expected a code of three digits",
		"on RETR: reply 5000 x":      "expected a code of three digits",
		"on RETR: raw bytes":         "invalid syntax",
		"on PASV: address":           "expected HOST",
		"on PASV: address 1.2.3.4:0": "expected a port",
		"on RETR: close\non X":       "line 2:",
	}
	for text, want := range cases {
		if _, err := fault.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", text, err, want)
		}
	}
}

func TestRulesAreDueInTurn(t *testing.T) {
	script, err := fault.Parse(`
		on retr "two words" : reply 501 words
		on RETR *.bin 2: reply 502 second bin
		on RETR 3-4: reply 503 third or fourth
		on RETR /full/* 1-: reply 504 under full
		on connect: reply 421 greeting
		on * 6-: reply 505 late
	`)
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct{ verb, argument, want string }{
		{"CONNECT", "", "421 greeting"},
		{"USER", "x", ""},                          // 1st of *
		{"RETR", "two words", "501 words"},         // RETR 1
		{"RETR", "a.bin", ""},                      // RETR 2, bin 1
		{"RETR", "sub/b.bin", "502 second bin"},    // RETR 3, bin 2: the earlier rule wins
		{"RETR", "/full/x", "503 third or fourth"}, // RETR 4
		{"RETR", "/full/y", "504 under full"},
		{"STOR", "a.bin", "505 late"},
		{"CONNECT", "", "421 greeting"},
	}
	for i, step := range steps {
		if got := script.Next(step.verb, step.argument).Reply; got != step.want {
			t.Errorf("step %d, %s %s: %q, want %q", i, step.verb, step.argument, got, step.want)
		}
	}
	if unused := script.Unused(); unused != nil {
		t.Errorf("rules %v were never due", unused)
	}
}

func TestUnusedRules(t *testing.T) {
	script := fault.New(
		fault.Rule{Verb: "retr", Effect: fault.Effect{Close: true}},
		fault.Rule{Verb: "STOR", From: 2, Effect: fault.Effect{Close: true}},
	)
	script.Next("STOR", "x")
	if got := script.Unused(); len(got) != 2 {
		t.Errorf("unused are %v, want both", got)
	}
	script.Next("STOR", "x")
	script.Next("RETR", "x")
	if got := script.Unused(); got != nil {
		t.Errorf("unused are %v, want none", got)
	}
}

func TestScriptIsSafeForManySessions(t *testing.T) {
	script := fault.New(fault.Rule{Verb: "NOOP", From: 50, To: 59, Effect: fault.Effect{Silence: true}})
	var due sync.Map
	var all sync.WaitGroup
	for worker := range 10 {
		all.Go(func() {
			for i := range 10 {
				if e := script.Next("NOOP", ""); e.Silence {
					due.Store([2]int{worker, i}, true)
				}
			}
		})
	}
	all.Wait()
	count := 0
	due.Range(func(any, any) bool { count++; return true })
	if count != 10 {
		t.Errorf("%d were due, want 10", count)
	}
}

func TestNoScriptDisturbsNothing(t *testing.T) {
	var script *fault.Script
	if e := script.Next("RETR", "x"); !reflect.DeepEqual(e, fault.Effect{}) {
		t.Errorf("got %+v", e)
	}
	if script.Unused() != nil {
		t.Error("no script has unused rules")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"on RETR 2: cut 10", `on * "a b" 1-2: raw "\x00"; close`, "on connect: reply 421 x", "# x", `on "`, "on X: address :"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		script, err := fault.Parse(text)
		if (script == nil) != (err != nil) {
			t.Fatalf("script %v with error %v", script, err)
		}
		script.Next("RETR", "file")
	})
}
