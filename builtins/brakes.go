package builtins

import (
	"fmt"
	"strings"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// The brakes against the wrong directory. A script that ignores a failed change
// of directory would go on in the directory before it, and DELETEFILE("*") there
// is a disaster. So after such a failure every command that would use a relative
// name on that side does nothing until a change there succeeds.

// changes says which side's current directory a command sets.
func changes(name string) side {
	switch name {
	case "LOCALCHDIR":
		return localSide
	case "CHDIR", "OPENHOST":
		return remoteSide
	}
	return noSide
}

// usage is what the arguments of a call touch.
type usage struct {
	remote bool // something on the server: a connection is needed
	// relativeLocal and relativeRemote: the current directory of that side
	// decides what is touched.
	relativeLocal, relativeRemote bool
}

// usage reads from the catalogue's parameter kinds what the call touches, and
// adds what a command uses without naming it.
func (a *arguments) usage() usage {
	var u usage
	for place := range a.values {
		p := a.form.Param(place)
		if p == nil || a.words[place] != "" { // NONE at the place of a name is none
			continue
		}
		switch a.sideOf(place, p) {
		case localSide:
			u.relativeLocal = u.relativeLocal || a.state.files.IsRelative(a.text(place))
		case remoteSide:
			u.remote = true
			u.relativeRemote = u.relativeRemote || !strings.HasPrefix(a.text(place), "/")
		}
	}
	switch a.row.Name {
	case "GETFILE", "PUTFILE":
		// A set lands in the current directory of the other side.
		if a.form.Key == "set" {
			u.relativeLocal, u.relativeRemote = u.relativeLocal || a.row.Name == "GETFILE", u.relativeRemote || a.row.Name == "PUTFILE"
		}
		a.state.stowUsage(&u, a.row.Name == "PUTFILE", a.state.settings.after.folder)
	case "SYNC":
		a.state.stowUsage(&u, strings.HasPrefix(a.constant(2), "UPLOAD"), "")
	case "GETLIST":
		onServer := strings.HasPrefix(a.constant(1), "REMOTE_")
		u.remote, u.relativeRemote, u.relativeLocal = onServer, onServer, strings.HasPrefix(a.constant(1), "LOCAL_")
	case "SETCERTIFICATE":
		u.relativeLocal = u.relativeLocal && !netio.IsCertificatePin(a.text(0))
	case "EXEC":
		u.relativeLocal = true
	case "RAWCOMMAND":
		// What its argument names is the server's to know; one that does not begin
		// at the root may be a relative name.
		_, argument, found := strings.Cut(strings.TrimSpace(a.text(0)), " ")
		u.relativeRemote = found && !strings.HasPrefix(strings.TrimSpace(argument), "/")
	}
	return u
}

// hold returns WRONG_DIRECTORY if a brake is on that the call would need off.
func (s *State) hold(u usage) error {
	switch {
	case s.localAstray && u.relativeLocal:
		return wrongDirectory("LOCALCHDIR", "local")
	case s.remoteAstray && u.relativeRemote:
		return wrongDirectory("CHDIR or OPENHOST", "remote")
	}
	return nil
}

func wrongDirectory(change, which string) error {
	return &session.Error{
		Op:    fmt.Sprintf("an earlier %s failed, so this run is not in the %s directory that it was meant to be in", change, which),
		Cause: session.WrongDirectory, Class: session.ClassUsage,
		Hint: fmt.Sprintf("look at what %s returns, or use names that begin at the root", change),
	}
}

// brake sets or releases the brake after a command that changes a directory.
func (s *State) brake(row *catalog.Command, failed, looked bool) {
	set := func(astray *bool) {
		switch {
		case !failed:
			*astray = false
		case !looked:
			*astray = true
		}
	}
	switch changes(row.Name) {
	case localSide:
		set(&s.localAstray)
	case remoteSide:
		set(&s.remoteAstray)
	}
}
