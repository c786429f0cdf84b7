package builtins

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// What downloads and uploads have in common: the table of the family, the meter
// that tells of progress, and the outcome of a command with many files.

func transferCommands() family {
	return family{
		"GETFILE":        (*State).getFile,
		"PUTFILE":        (*State).putFile,
		"SYNC":           (*State).sync,
		"WAITFILE":       (*State).waitFile,
		"ADDEXCLUSION":   (*State).addExclusion,
		"CLEAREXCLUSION": (*State).clearExclusion,
	}
}

// progressEvery is how often a moving file is told of: a bar that moves smoothly
// and a log of events that stays short.
const progressEvery = 200 * time.Millisecond

// meter is the local end of a transfer: it lets the session move the bytes of
// file by the system's fast path and tells how far it is.
type meter struct {
	state   *State
	file    *os.File
	ctx     context.Context // ends waits for SETSPEED
	event   FileEvent
	begun   bool // it was told that the file begins
	started time.Time
	told    time.Time

	// checkpoint makes what arrived durable; nil for uploads.
	checkpoint func() error
	durable    int64 // Done at the last checkpoint
	saved      time.Time
}

// A download that a crash ends is taken up from the last checkpoint. Short and
// small ones need none: waiting for the disk would cost more than it saves.
const (
	checkpointEvery = 30 * time.Second
	checkpointBytes = 64 << 20
)

var (
	_ session.FastFile = (*meter)(nil)
	_ session.Paced    = (*meter)(nil)
	_ session.Sized    = (*meter)(nil)
)

// newMeter tells that the file begins. The clock is the system's, not the run's:
// a clock that an embedder froze must not freeze progress.
func (s *State) newMeter(file *os.File, event FileEvent) *meter {
	m := s.quietMeter(file, event)
	m.start()
	return m
}

// quietMeter is a meter of a file that may need no transfer; nothing is told of it
// before start.
func (s *State) quietMeter(file *os.File, event FileEvent) *meter {
	return &meter{state: s, file: file, ctx: s.args.ctx, event: event}
}

// start tells that the file begins; once.
func (m *meter) start() {
	if m.begun {
		return
	}
	m.begun = true
	now := time.Now()
	m.started, m.told, m.saved, m.durable = now, now, now, m.event.Done
	m.state.tellFile(FileStart, m.event, nil)
}

func (m *meter) File() *os.File { return m.file }

func (m *meter) Moved(n int64) {
	m.event.Done += n
	if m.state.dry.on {
		return // nothing moved
	}
	m.state.countBytes(n)
	if now := time.Now(); now.Sub(m.told) >= progressEvery {
		m.told = now
		m.event.Took = now.Sub(m.started)
		m.state.tellFile(FileProgress, m.event, nil)
		if m.checkpoint != nil && m.event.Done-m.durable >= checkpointBytes && now.Sub(m.saved) >= checkpointEvery {
			// Only the comfort of resuming is lost if it fails.
			_ = m.checkpoint()
			m.durable, m.saved = m.event.Done, time.Now()
		}
	}
	m.state.speed.wait(m.ctx, n)
}

// MostAtOnce keeps pieces small where the speed is limited.
func (m *meter) MostAtOnce() int64 { return m.state.speed.mostAtOnce() }

// Expected is the size that the server told of the file before.
func (m *meter) Expected() int64 { return m.event.Size }

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.file.Read(p)
	m.Moved(int64(n))
	return n, err
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.file.Write(p)
	m.Moved(int64(n))
	return n, err
}

// end tells that the file is done, or why it failed.
func (m *meter) end(err error) {
	switch {
	case m.begun:
		m.event.Took = time.Since(m.started)
	case err == nil:
		return // nothing was to be done
	}
	m.state.tellFile(FileEnd, m.event, err)
}

// setOutcome counts what became of the files of one command.
type setOutcome struct {
	done, failed int
	left         int   // names left out although the script meant them
	growing      int   // files left because they still change
	unsteady     error // which the first of these was
	steps        int   // files of done whose source was not seen to
	step         error // which the first of these was
	first        error // why the first one failed
	final        error // why no further file was tried
	inRow        int   // data connections that failed one after the other
}

// mostDataFailures in a row say that a firewall is in the way: waiting for the
// time-out of each of a thousand files more would help nobody.
const mostDataFailures = 3

// add counts a file and reports whether the command should go on.
func (o *setOutcome) add(err error) bool {
	if session.CauseOf(err) == session.AfterFailed {
		if o.steps++; o.step == nil {
			o.step = err
		}
		err = nil
	}
	if err == nil {
		o.done++
		o.inRow = 0
		return true
	}
	o.failed++
	if o.first == nil {
		o.first = err
	}
	cause := session.CauseOf(err)
	switch cause {
	case session.PassiveDataFailed, session.ActiveDataFailed, session.DataTimeout:
		if o.inRow++; o.inRow >= mostDataFailures {
			o.final = err
		}
	default:
		switch {
		case mayReconnect(err):
			if o.inRow++; o.inRow >= mostDataFailures {
				o.final = err
			}
		case ends(cause), isOffline(err):
			o.final = err
		default:
			o.inRow = 0
		}
	}
	return o.final == nil
}

// leave counts a file that still changes.
func (o *setOutcome) leave(err error) {
	if o.growing++; o.unsteady == nil {
		o.unsteady = err
	}
}

// isOffline reports that there is no connection any more, and none could be made.
func isOffline(err error) bool {
	tried, ok := err.(*triedError)
	return ok && tried.offline
}

// mayReconnect reports that a file failed with its connection, and the next one may
// have a new one.
func mayReconnect(err error) bool {
	tried, ok := err.(*triedError)
	return ok && !tried.offline && tried.of > 1 && losesConnection(err)
}

// ends reports whether a failure of one file means that the next must fail too.
func ends(cause session.Cause) bool {
	switch cause {
	case session.ConnectionLost, session.NotConnected, session.ReplyTimeout, session.Cancelled,
		session.TooManyConnections, session.NoLocalSpace, session.NoRemoteSpace, session.Internal:
		return true
	}
	return false
}

// err is the command's own failure. A command that was cut short fails as what
// cut it short did, whatever succeeded before: that is what a rerun depends on.
func (o *setOutcome) err(doing string) error {
	switch {
	case o.final != nil:
		return o.final
	case o.failed == 0 && o.left == 0 && o.growing == 0 && o.steps == 0:
		return nil
	case o.failed == 0 && o.left == 0 && o.growing == 0:
		return o.stepErr(doing)
	case o.failed == 0 && o.left == 0 && o.steps == 0:
		return &session.Error{Op: fmt.Sprintf("%s %s, %d left that still change", doing, plural(o.done, "file"), o.growing),
			Cause: session.StillGrowing, Class: session.ClassTransient, Err: o.unsteady}
	case o.done == 0 && o.left == 0 && o.growing == 0:
		return o.first
	}
	sentence := fmt.Sprintf("%s %s, %d failed", doing, plural(o.done, "file"), o.failed)
	if o.steps > 0 {
		sentence += fmt.Sprintf(", the sources of %d not seen to", o.steps)
	}
	if o.growing > 0 {
		sentence += fmt.Sprintf(", %d left that still change", o.growing)
	}
	if o.left > 0 {
		sentence += fmt.Sprintf(", %s left out", plural(o.left, "name"))
	}
	e := &session.Error{Op: sentence, Cause: session.PartialSuccess, Class: session.ClassPermanent}
	if o.first != nil {
		e.Err = o.first
	}
	return e
}

// stepErr is AFTER_FAILED of a set in which nothing else went wrong. A rerun may help
// where it may help the first of the sources.
func (o *setOutcome) stepErr(doing string) error {
	if o.done == 1 {
		return o.step
	}
	e := &session.Error{Op: fmt.Sprintf("%s %s, the sources of %d not seen to", doing, plural(o.done, "file"), o.steps),
		Cause: session.AfterFailed, Class: session.ClassPermanent, Err: o.step}
	if passes(o.step) {
		e.Class = session.ClassTransient
	}
	return e
}

// prepareTransfer tells the server how the bytes of what follows are represented.
// Where there is nothing to choose from the script is told so, once a connection.
func (s *State) prepareTransfer(ctx context.Context) error {
	if s.settings.kind != session.TypeBinary && s.session.Caps().BytesOnly {
		if !s.bytesTold {
			s.bytesTold = true
			s.tell("This protocol moves bytes as they are: SETTYPE has no effect.")
		}
		return nil
	}
	return s.session.SetType(ctx, s.settings.kind)
}

// verifies reports whether sizes on both sides can be compared: only where bytes
// go over unchanged.
func (s *State) verifies() bool {
	return s.settings.kind == session.TypeBinary || s.session != nil && s.session.Caps().BytesOnly
}

// sizeMismatch is SIZE_MISMATCH.
func (s *State) sizeMismatch(op, name string, want, got int64) error {
	return &session.Error{
		Op: op, Cause: session.SizeMismatch, Class: session.ClassIntegrity, Host: s.endpoint.Address, Name: name,
		Err: fmt.Errorf("%d bytes are there, %d were expected", got, want),
	}
}

// cutShort is SIZE_MISMATCH of a transfer that both sides took for whole although
// bytes are missing: what stands between them closed the connection in order. That
// may go better another time.
func (s *State) cutShort(op, name string, want, got int64) error {
	return &session.Error{
		Op: op, Cause: session.SizeMismatch, Class: session.ClassTransient, Host: s.endpoint.Address, Name: name,
		Err: fmt.Errorf("%d bytes are there, %d were expected", got, want),
	}
}

// withName gives an error that says nothing of it the file concerned, so that
// every failure of a set names its file.
func withName(err error, op, name string) error {
	if tried, ok := err.(*triedError); ok {
		named := *tried
		named.err = withName(tried.err, op, name)
		return &named
	}
	e, ok := errors.AsType[*session.Error](err)
	if !ok || e.Name != "" && e.Op != "" {
		return err
	}
	named := *e
	if named.Name == "" {
		named.Name = name
	}
	if named.Op == "" {
		named.Op = op
	}
	return &named
}
