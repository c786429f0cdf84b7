package builtins

import (
	"errors"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// lastSet is what became of the files of the newest GETFILE, PUTFILE or SYNC, for
// GETLIST(…, DONE | FAILED). A file that was left out, skipped or not tried any more
// is in neither list: nobody may delete a source on the strength of a file that this
// command did not move.
type lastSet struct {
	// wanted: the program asks for such lists at all. A set may have millions of names.
	wanted       bool
	done, failed []listed
	lost         int // names beyond mostSettled
}

// mostSettled bounds the names that one command leaves behind.
const mostSettled = 1_000_000

// movesSets reports whether the command moves a set of files, and so begins the
// lists anew, also where it comes to nothing.
func movesSets(name string) bool {
	switch name {
	case "GETFILE", "PUTFILE", "SYNC":
		return true
	}
	return false
}

// begin forgets the set before. Nothing of it may be taken for the next one's.
func (l *lastSet) begin() { l.done, l.failed, l.lost = nil, nil, 0 }

// settle notes what became of one file. name is how a command on the source's side
// takes it, base its last component, at the source's time.
func (l *lastSet) settle(name, base string, at time.Time, err error) {
	if !l.wanted {
		return
	}
	if len(l.done)+len(l.failed) >= mostSettled {
		l.lost++
		return
	}
	f := listed{name: name, base: base, time: at}
	if err == nil || session.CauseOf(err) == session.AfterFailed {
		l.done = append(l.done, f)
	} else {
		l.failed = append(l.failed, f)
	}
}

// settleDownload is settle for a file that download was asked for. One that had arrived
// before, or was left, is no file of this set.
func (s *State) settleDownload(remote string, e session.Entry, moved bool, err error) {
	switch session.CauseOf(err) {
	case session.CauseNone, session.AfterFailed, session.StillGrowing:
		if !moved {
			return
		}
	}
	s.settleRemote(remote, e, err)
}

// add takes over what another one has noted.
func (l *lastSet) add(other lastSet) {
	l.lost += other.lost
	for _, f := range other.done {
		l.settle(f.name, f.base, f.time, nil)
	}
	for _, f := range other.failed {
		l.settle(f.name, f.base, f.time, errSettled)
	}
}

// errSettled stands for a failure that was told.
var errSettled = errors.New("failed")

// settleRemote is settle for a download.
func (s *State) settleRemote(remote string, e session.Entry, err error) {
	_, base := splitRemote(remote)
	s.last.settle(remote, base, e.Time, err)
}

// writtenParent is what stands before the last component of a local name that a
// script wrote, with the separator.
func writtenParent(written, last string) string {
	return written[:max(0, strings.LastIndex(written, last))]
}

// writtenChild is a name in rel below a writtenParent, with the separator that the
// script has chosen; both are understood on every system.
func writtenChild(parent string, rel []string, name string) string {
	separator := "/"
	if parent != "" && isSeparator(parent[len(parent)-1]) {
		separator = parent[len(parent)-1:]
	}
	for _, part := range rel {
		parent += part + separator
	}
	return parent + name
}
