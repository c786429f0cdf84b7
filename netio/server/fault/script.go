package fault

import (
	"path"
	"strings"
	"sync"
	"time"
)

// Connect is the verb of the moment before the greeting. Reply and Raw then
// stand in the greeting's place.
const Connect = "CONNECT"

// AnyVerb as a rule's verb matches every command, but not Connect.
const AnyVerb = "*"

// Rule says which occurrences of a command are disturbed, and how.
type Rule struct {
	Verb string // in any case; AnyVerb, or Connect
	// Argument is a wildcard (path.Match) that the command's argument must match as a
	// whole; one without a slash is also tried on what follows the argument's last
	// slash. Empty matches any argument and none.
	Argument string
	// From and To are the occurrences concerned, counted from 1, both included,
	// over all connections of the server. From 0 means 1; To 0 means no end.
	From, To int
	Effect   Effect
}

// Effect is what goes wrong with one command. The zero value is "nothing".
//
// The order in which a server carries the fields out: Delay; then, if one of
// Silence, Reply, Raw, Clear, Garbage, EndlessLine or EndlessReply is set, that stands
// in place of the command, which is not carried out; else the command is carried
// out with the disturbances of its replies and its data; at last Close or Reset.
type Effect struct {
	Delay time.Duration // wait before anything is done

	Silence      bool   // no reply; the command is dropped
	Reply        string // this reply line ("500 no such thing") instead of carrying the command out
	Raw          string // these bytes exactly, without an end of line added
	Clear        string // these bytes exactly, below TLS
	Garbage      int    // so many bytes that are no reply, then an end of line
	EndlessLine  bool   // a reply line that does not end until the peer is gone
	EndlessReply bool   // a multi-line reply that does not end until the peer is gone

	Preliminary   string        // replaces the 1xx reply of a transfer
	NoPreliminary bool          // leaves the 1xx reply of a transfer out
	Final         string        // replaces the last reply of a command that was carried out
	NoFinal       bool          // leaves that reply out: the command is done, and nobody hears of it
	Drip          bool          // replies go out one byte at a time
	DripPause     time.Duration // between two of these bytes

	Defer bool // a command sent during a transfer is answered after it

	Cut       bool   // the data connection ends after CutAt bytes, with a TCP reset
	CutAt     int64  // payload bytes that pass, also for Stall
	Orderly   bool   // with Cut: end as if the data were complete (FIN instead of RST)
	Stall     bool   // the data connection stands still after CutAt bytes
	Rate      int64  // payload bytes a second; 0 is unlimited
	Corrupt   bool   // the payload byte at CorruptAt arrives with all bits turned over
	CorruptAt int64  // counted from the first byte of this transfer
	Payload   []byte // sent instead of a file or listing if not nil
	// Sized puts Size in the place of every size of a file that the answer tells: in
	// replies, listings and attributes. Who stands before a server can do that, and no
	// embedded server does.
	Sized bool
	Size  int64

	// ClearData leaves the data connection in the clear although it was to be TLS.
	ClearData bool
	// SFTP only. Short is how many bytes a READ is answered with at most, 0 for as
	// many as were asked for. Late is how many other answers go out before this one, if
	// so many come within a moment. WrongID answers under an id that was not asked.
	Short   int64
	Late    int
	WrongID bool

	// Refuse: PASV and EPSV announce a port where nobody listens; PORT and EPRT are
	// taken but the next transfer gets 425; a transfer gets 425 at once.
	Refuse bool
	// NoConnect: after the 1xx reply the transfer never takes or makes its data
	// connection, until it is aborted or the server's own wait ends with 425.
	NoConnect bool
	// AddressHost and AddressPort lie in the reply to PASV; EPSV has only the port.
	// "" and 0 leave the truth.
	AddressHost string
	AddressPort int

	Close bool // the control connection is closed after the reply, or at once if there is none
	Reset bool // the same with a TCP reset
}

// Replaces reports whether the effect stands in place of the command.
func (e *Effect) Replaces() bool {
	return e.Silence || e.Reply != "" || e.Raw != "" || e.Clear != "" || e.Garbage > 0 || e.EndlessLine || e.EndlessReply
}

// EndsAtOnce reports whether the control connection is closed with no reply and
// the command not carried out: Close or Reset, and no word of what comes before.
func (e *Effect) EndsAtOnce() bool {
	carriedOut := e.Final != "" || e.NoFinal || e.Preliminary != "" || e.NoPreliminary || e.Drip || e.TouchesData() ||
		e.Payload != nil || e.ClearData || e.Refuse || e.NoConnect || e.AddressHost != "" || e.AddressPort != 0
	return (e.Close || e.Reset) && !e.Replaces() && !carriedOut
}

// TouchesData reports whether payload bytes are disturbed, so that a server
// must not hand the copying to the kernel.
func (e *Effect) TouchesData() bool {
	return e.Cut || e.Stall || e.Rate > 0 || e.Corrupt
}

// Script is an ordered list of rules with their counts. It is safe for
// concurrent use; a nil *Script never disturbs anything.
type Script struct {
	mu    sync.Mutex
	rules []Rule
	seen  []int // occurrences of each rule's command so far
}

// New makes a script of rules; the first that is due wins. Each rule counts every
// occurrence of its own command and argument, whether or not another rule won.
func New(rules ...Rule) *Script {
	s := &Script{rules: make([]Rule, len(rules)), seen: make([]int, len(rules))}
	for i, r := range rules {
		r.Verb = strings.ToUpper(r.Verb)
		r.From = max(r.From, 1)
		s.rules[i] = r
	}
	return s
}

// Next counts one occurrence of the command and returns what is to go wrong
// with it, the zero Effect if nothing.
func (s *Script) Next(verb, argument string) Effect {
	if s == nil {
		return Effect{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var due *Rule
	for i := range s.rules {
		r := &s.rules[i]
		if !r.matches(verb, argument) {
			continue
		}
		s.seen[i]++
		if due == nil && s.seen[i] >= r.From && (r.To == 0 || s.seen[i] <= r.To) {
			due = r
		}
	}
	if due == nil {
		return Effect{}
	}
	return due.Effect
}

// Unused returns the indexes of the rules that have not been due yet, so that a
// test can insist that its faults happened.
func (s *Script) Unused() []int {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var unused []int
	for i, r := range s.rules {
		if s.seen[i] < r.From {
			unused = append(unused, i)
		}
	}
	return unused
}

func (r *Rule) matches(verb, argument string) bool {
	if r.Verb != verb && (r.Verb != AnyVerb || verb == Connect) {
		return false
	}
	if r.Argument == "" {
		return true
	}
	if ok, _ := path.Match(r.Argument, argument); ok {
		return true
	}
	if strings.Contains(r.Argument, "/") {
		return false
	}
	ok, _ := path.Match(r.Argument, path.Base(argument))
	return ok
}
