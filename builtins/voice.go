package builtins

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm"
)

// voice tells what happens. Everything that a run tells goes through tell, which
// masks, puts the statement's place in, keeps the order with what PRINT wrote,
// and hands the event to the job's listener and to the log.
type voice struct {
	state *State

	// lock keeps events in one order: a session may tell of the wire from
	// another goroutine than the machine's.
	lock    sync.Mutex
	place   vm.Position
	command string
	silent  bool // SILENT(ON)
	verbose bool // VERBOSE(ON)
	unsaid  bool // PRINT wrote something since the last flush
	log     *logFile
	warned  map[string]bool

	// relay takes what is told, and wired what a connection of this State tells of the
	// wire, while a crew is at work; nil are nobody.
	relay, wired func(Event)
}

// divert sets who takes what is told; nil ends that.
func (v *voice) divert(relay, wired func(Event)) {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.relay, v.wired = relay, wired
}

// at says which statement the following events belong to.
func (v *voice) at(place vm.Position, command string) {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.place, v.command = place, command
}

// where is the file and line of the running statement.
func (v *voice) where() (script string, line int) {
	v.lock.Lock()
	defer v.lock.Unlock()
	return v.place.File, v.place.Line
}

// tell sends the event on its way.
func (v *voice) tell(e Event) {
	v.lock.Lock()
	relay := v.relay
	v.lock.Unlock()
	v.tellTo(relay, e)
}

// tellWired is tell for what came over a connection of the State, whichever goroutine
// noticed it.
func (v *voice) tellWired(e Event) {
	v.lock.Lock()
	wired := v.wired
	v.lock.Unlock()
	v.tellTo(wired, e)
}

func (v *voice) tellTo(relay func(Event), e Event) {
	if relay == nil {
		v.pass(e)
		return
	}
	e.Time = v.state.now()
	relay(e)
}

// pass sends an event on past any relay.
func (v *voice) pass(e Event) {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.tellLocked(e)
}

func (v *voice) tellLocked(e Event) {
	s := v.state
	if e.Time.IsZero() {
		e.Time = s.now()
	}
	e.Silent = v.silent
	if v.verbose {
		e.Level = Normal
	}
	if e.Kind != RunStart && e.Kind != RunEnd {
		e.Script, e.Line, e.Command = v.place.File, v.place.Line, v.command
	}
	e.Text, e.Result = s.masks.hide(e.Text), s.masks.hide(e.Result)
	if e.File != nil {
		shown := *e.File
		shown.Local, shown.Remote = s.masks.hide(shown.Local), s.masks.hide(shown.Remote)
		e.File = &shown
	}
	if e.Kind != Print && v.unsaid {
		v.flushLocked()
	}
	if s.job.Events != nil {
		s.job.Events(e)
	}
	if v.log != nil {
		v.writeLog(e)
	}
}

// writeLog writes the event into the log. A log that cannot be written is given
// up, and that is said where else things are told.
func (v *voice) writeLog(e Event) {
	v.log.transcript.Write(e)
	err := v.log.transcript.Err()
	if err == nil {
		return
	}
	lost := v.log
	v.log = nil
	// The first error is the one that says why; closing can only repeat it.
	_ = lost.file.Close()
	v.tellLocked(Event{Kind: Warning, Text: fmt.Sprintf("the log ends here, it cannot be written: %v", err)})
}

// flush puts what PRINT wrote where it belongs before something takes long or
// writes elsewhere.
func (v *voice) flush() {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.flushLocked()
}

func (v *voice) flushLocked() {
	v.unsaid = false
	if v.relay != nil {
		return // what PRINT wrote was flushed before the command began
	}
	if v.state.job.Flush != nil {
		v.state.job.Flush()
	}
}

// printed says that standard output is ahead of what is told.
func (v *voice) printed() {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.unsaid = true
}

func (v *voice) setSilent(on bool) {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.silent = on
}

func (v *voice) setVerbose(on bool) {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.verbose = on
}

// warnOnce tells a warning the first time only.
func (v *voice) warnOnce(text string) {
	v.lock.Lock()
	before := v.warned[text]
	if v.warned == nil {
		v.warned = make(map[string]bool)
	}
	v.warned[text] = true
	v.lock.Unlock()
	if !before {
		v.tell(Event{Kind: Warning, Text: text})
	}
}

// logTo makes log the run's log; the one before is closed.
func (v *voice) logTo(log *logFile) error {
	v.lock.Lock()
	before := v.log
	v.log = log
	v.lock.Unlock()
	return before.close()
}

func (v *voice) close() error { return v.logTo(nil) }

// tell is a message that everybody sees: what a command did, one line.
func (s *State) tell(format string, args ...any) {
	s.voice.tell(Event{Kind: Message, Text: fmt.Sprintf(format, args...)})
}

// tellVerbose is a message for those who asked for more.
func (s *State) tellVerbose(format string, args ...any) {
	s.voice.tell(Event{Kind: Message, Level: Verbose, Text: fmt.Sprintf(format, args...)})
}

// warn is a message about something that may be a mistake.
func (s *State) warn(format string, args ...any) {
	s.voice.tell(Event{Kind: Warning, Text: fmt.Sprintf(format, args...)})
}

// tellFile tells of one file of a transfer: kind is FileStart, FileProgress or
// FileEnd; err is why the file failed, nil if it did not.
func (s *State) tellFile(kind EventKind, file FileEvent, err error) {
	e := Event{Kind: kind, File: &file}
	if err != nil {
		e.Failure = s.failure(&s.args, err)
	}
	s.voice.tell(e)
}

// tellWire is what a session tells of the wire; any goroutine may call it.
// Traffic is for those who want every line, a data connection for everybody:
// which side connected to which is what goes wrong with FTP.
func (s *State) tellWire(w session.Wire) {
	e := Event{Kind: Wire, Level: Traffic, Text: w.Text}
	switch w.Kind {
	case session.WireCommand:
		e.Text = "> " + w.Text
	case session.WireReply:
		e.Text = "< " + w.Text
	case session.WireData:
		if w.Data == nil {
			return
		}
		e = Event{Kind: Message, Text: describeData(s.endpoint.Host, w.Data)}
	case session.WireRefused:
		e.Kind, e.Level = Warning, Normal
	case session.WireNote:
		e.Kind, e.Level = Message, Verbose
	}
	s.voice.tellWired(e)
}

// describeData says who connected to whom for data.
func describeData(host string, d *session.DataConn) string {
	if !d.Active {
		return fmt.Sprintf("passive: %s connected to %s (%s)", d.Local, host, d.Remote)
	}
	text := fmt.Sprintf("active: %s (%s) connected to %s", host, d.Remote, d.Local)
	if d.Listen != "" && d.Listen != d.Local {
		text += ", announced as " + d.Listen
	}
	return text
}

// hideError is err with every text masked. An error below that tells a secret
// is replaced by its masked text; any other stays reachable for errors.Is.
func (m *masker) hideError(err *session.Error) *session.Error {
	if err == nil || m.replacer == nil {
		return err
	}
	shown := *err
	shown.Op, shown.Name, shown.Host, shown.Hint = m.hide(err.Op), m.hide(err.Name), m.hide(err.Host), m.hide(err.Hint)
	shown.Reply.Text = m.hide(err.Reply.Text)
	if err.Err != nil {
		if text := err.Err.Error(); m.hide(text) != text {
			shown.Err = errors.New(m.hide(text))
		}
	}
	return &shown
}

// plural is "1 file", "2 files".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") {
		return fmt.Sprintf("%d %sies", n, noun[:len(noun)-1])
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
