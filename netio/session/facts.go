package session

import (
	"slices"
	"time"
)

// Facts are what sessions with a server have learned of it that costs time to find
// out again. They are hints: whatever they say, a session must work, and SETFEATURE
// goes before them. Nothing of trust is among them. It is a plain value.
type Facts struct {
	// Lacks are commands that the server does not know, in capitals as in MLSD.
	Lacks []string
	// NoEPSV says that EPSV was refused or led nowhere while PASV worked.
	NoEPSV bool
	// Zone is how far the times of LIST were ahead of UTC, where HasZone.
	Zone    time.Duration
	HasZone bool
	// SetsTime is the command that has set the time of a file, one of TimeSetters;
	// "" is not known.
	SetsTime string
	// NoReplace says that a file could not be renamed onto one that was there, and
	// could when that one was moved away.
	NoReplace bool
	// Resumption is what the server wants of data connections under TLS.
	Resumption Resumption
	// KeepAlive is what came of the control connection during transfers.
	KeepAlive KeepAlive
	// Paths is how the server writes paths, one of PathStyles; "" is not known.
	Paths string
	// NotUTF8 says that the server has shown names that are not written in UTF-8.
	NotUTF8 bool
	// MostSessions is how many sessions of one program with this account were open when
	// a further one was refused with TooManyConnections; 0 is not known. Others may use
	// the account too, so it is where to begin and no promise. A session neither reads
	// nor changes it. Who opens several of them does: it opens no more than that to begin
	// with, and has what it meets kept (netio.Records.KeepMostSessions), a smaller number
	// where it is refused earlier.
	MostSessions int
}

// TimeSetters are the commands that may set the time of a file, in the order in which
// they are tried: MFMT; MDTM with a time in front of the name; SITE UTIME with three
// times and UTC behind the name; SITE UTIME with one time in front of it.
func TimeSetters() []string { return []string{"MFMT", "MDTM", "SITE UTIME UTC", "SITE UTIME"} }

// PathStyles are the ways to write paths that make a difference: /dir/name;
// C:\dir\name; DISK:[DIR]NAME; 'DATA.SET(NAME)'. All of these systems but z/OS and VMS
// take a slash too.
func PathStyles() []string { return []string{"Unix", "DOS", "VMS", "z/OS"} }

// Resumption says what a server wants of the TLS sessions of data connections.
type Resumption uint8

const (
	ResumptionUnknown Resumption = iota
	// ResumptionFree: a data connection that resumed nothing was used to its end.
	ResumptionFree
	// ResumptionControl: one was refused until it resumed the session of the control
	// connection itself, and not the newest.
	ResumptionControl
)

// KeepAlive says what NOOPs on the control connection during a transfer do.
type KeepAlive uint8

const (
	KeepAliveUnknown KeepAlive = iota
	// KeepAliveNeeded: the control connection was lost behind a long transfer during
	// which nothing went over it.
	KeepAliveNeeded
	// KeepAliveWorks: a transfer with NOOPs ended well, and the replies were in step.
	KeepAliveWorks
	// KeepAliveHarms: the session was lost in or behind a transfer with NOOPs.
	KeepAliveHarms
)

// IsZero reports whether nothing is known.
func (f Facts) IsZero() bool {
	return len(f.Lacks) == 0 && !f.NoEPSV && !f.HasZone && f.SetsTime == "" && !f.NoReplace &&
		f.Resumption == ResumptionUnknown && f.KeepAlive == KeepAliveUnknown && f.Paths == "" && !f.NotUTF8 && f.MostSessions == 0
}

// Lack reports whether the server is said not to know the command.
func (f Facts) Lack(command string) bool { return slices.Contains(f.Lacks, command) }
