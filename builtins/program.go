package builtins

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm"
)

// programCommands are about the run itself: what it was given, and how it ends.
func programCommands() family {
	return family{
		"EXEC":      (*State).exec,
		"GETPARAM":  (*State).getParam,
		"GETENV":    (*State).getEnv,
		"GETSECRET": (*State).getSecret,
		"SLEEP":     (*State).sleep,
		"STOP":      (*State).stop,
		"EXIT":      (*State).exit,
	}
}

// getParam is an argument of the command line. One that was not given is a
// failure and not an empty text, so that DELETEFILE(GETPARAM(1)."*") does nothing
// without it.
func (s *State) getParam(a *arguments) error {
	n, err := a.whole(0, 0, math.MaxInt32)
	switch {
	case err != nil:
		return err
	case n == 0:
		a.returns(s.job.Script)
	case int(n) <= len(s.job.Args):
		a.returns(s.job.Args[n-1])
	default:
		return badArgument(fmt.Sprintf("argument %d was not given: there %s", n, are(len(s.job.Args))))
	}
	return nil
}

func are(n int) string {
	switch n {
	case 0:
		return "are none"
	case 1:
		return "is 1"
	}
	return fmt.Sprintf("are %d", n)
}

// getEnv is an environment variable; one that is not set is a failure, as in
// getParam.
func (s *State) getEnv(a *arguments) error {
	if s.options.Environ == nil {
		return &session.Error{Op: "this run has no environment variables", Cause: session.Denied, Class: session.ClassDenied}
	}
	name := a.text(0)
	if name == "" {
		return a.bad(0, "is empty: a name is needed")
	}
	text, found := s.options.Environ(name)
	if !found {
		return badArgument("there is no environment variable " + quoted(name))
	}
	a.returns(text)
	return nil
}

// longestSleep is about a hundred years, within a Duration's reach.
const longestSleep = 3_000_000_000

// sleep waits, fractions of a second too.
func (s *State) sleep(a *arguments) error {
	seconds := a.number(0)
	if seconds < 0 || seconds > longestSleep {
		return a.bad(0, "must be from 0 to %d seconds, not %s", int64(longestSleep), quoted(a.text(0)))
	}
	s.voice.flush()
	timer := time.NewTimer(time.Duration(seconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	}
}

// stop ends the script; its status says whether commands failed.
func (s *State) stop(*arguments) error { return &vm.Exit{} }

// exit ends the script with a status of the script's choice. It ends it too when
// the argument is no status, even no number: a script that wants to end must not
// go on.
func (s *State) exit(a *arguments) error {
	status := 1
	if n, ok := a.values[0].Float(); ok && n == math.Trunc(n) && n >= 0 && n <= 255 {
		status = int(n)
	} else {
		s.voice.at(a.call.Position(), a.row.Name) // pure commands leave that out
		s.warn("%s: a status is a whole number from 0 to 255; the status is 1", s.echoOf(a))
	}
	s.exitStatus = &status
	return &vm.Exit{Status: status}
}
