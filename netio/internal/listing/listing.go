package listing

import (
	"io"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// Format says which command a listing answers.
type Format uint8

const (
	LIST Format = iota
	MLSD
)

// String is the name of the command, as in session.Listing.Source.
func (f Format) String() string {
	if f == MLSD {
		return "MLSD"
	}
	return "LIST"
}

// Options are what a listing does not say of itself.
type Options struct {
	// Now is the moment of the listing, for dates without a year; where it is
	// zero such entries have no time.
	Now time.Time
	// Zone is the server's time zone for LIST; nil is UTC. MLSD is always UTC.
	Zone *time.Location
	// Limits bound the listing (Listing, ListLine); zero fields take the defaults.
	Limits session.Limits
	// System is the system (as runtime.GOOS) on which names must be safe; "" is
	// the one this program runs on.
	System string
}

// Read reads a listing to its end. Its errors are those of r, as they are, or an
// *session.Error where a cap was passed; with an error there is no listing.
func Read(r io.Reader, format Format, opts Options) (session.Listing, error) {
	return session.Listing{}, nil
}

// ParseMLST reads the one line with facts of a reply to MLST, with or without
// the blank before it. The entry's name is as the server wrote it: often a path,
// and not checked. A line that says too little is a ProtocolError.
func ParseMLST(line string) (session.Entry, error) {
	return session.Entry{}, nil
}
