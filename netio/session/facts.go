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
	// SetsTime is the command that has set the time of a file, one of TimeSetters; ""
	// is not known.
	SetsTime string
}

// TimeSetters are the commands that may set the time of a file, in the order in which
// they are tried: MFMT; MDTM with a time in front of the name; SITE UTIME with three
// times and UTC behind the name; SITE UTIME with one time in front of it.
func TimeSetters() []string { return []string{"MFMT", "MDTM", "SITE UTIME UTC", "SITE UTIME"} }

// IsZero reports whether nothing is known.
func (f Facts) IsZero() bool {
	return len(f.Lacks) == 0 && !f.NoEPSV && !f.HasZone && f.SetsTime == ""
}

// Lack reports whether the server is said not to know the command.
func (f Facts) Lack(command string) bool { return slices.Contains(f.Lacks, command) }
