package listing

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/sftpc/sftpc/netio/internal/names"
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
	p := newParser(format, opts)
	limits := opts.Limits.WithDefaults()
	// One byte more than is allowed tells a listing at the cap from one beyond it.
	capped := &io.LimitedReader{R: r, N: max(limits.Listing, limits.Listing+1)}
	// The line end, CR and LF, does not count.
	lines := bufio.NewReaderSize(capped, limits.ListLine+2)
	for {
		line, err := lines.ReadSlice('\n')
		if capped.N <= 0 {
			return session.Listing{}, tooLarge(format, "it is longer than %d bytes", limits.Listing)
		}
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return session.Listing{}, err
		}
		line = trimLineEnd(line)
		if len(line) > limits.ListLine || err == bufio.ErrBufferFull {
			return session.Listing{}, tooLarge(format, "a line is longer than %d bytes", limits.ListLine)
		}
		p.line(line)
		// A name may take two bytes on the wire and a hundred here.
		if len(p.listing.Entries) > limits.Names {
			return session.Listing{}, tooLarge(format, "it has more than %d names", limits.Names)
		}
		if err == io.EOF {
			return p.listing, nil
		}
	}
}

func tooLarge(format Format, message string, limit any) error {
	return &session.Error{Op: "reading the answer to " + format.String(), Cause: session.ProtocolError, Class: session.ClassProtocol,
		Err: fmt.Errorf(message, limit)}
}

// trimLineEnd takes off LF or CR LF. Only one CR: further ones are part of a
// name, which is then refused rather than taken for another.
func trimLineEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// maxSamples bounds how many lines and names are kept for messages.
const maxSamples = 5

// parser collects the entries of one listing.
type parser struct {
	format  Format
	clock   clock
	system  string
	listing session.Listing
}

func newParser(format Format, opts Options) *parser {
	system := opts.System
	if system == "" {
		system = runtime.GOOS
	}
	return &parser{format: format, clock: newClock(opts.Now, opts.Zone), system: system, listing: session.Listing{Source: format.String()}}
}

// verdict is what became of one line.
type verdict uint8

const (
	unknown verdict = iota // not understood
	entry                  // an entry, its name not yet checked
	nothing                // understood, and means no entry
)

// line takes one line without its end. The bytes are not kept.
func (p *parser) line(line []byte) {
	if len(line) == 0 {
		return
	}
	var e session.Entry
	var name []byte
	v := unknown
	if p.format == MLSD {
		e, name, v = parseFacts(line)
	} else {
		e, name, v = p.parseLIST(line)
	}
	switch {
	case v == unknown:
		p.listing.Unknown++
		p.listing.Samples = sample(p.listing.Samples, line)
	case v == nothing || string(name) == "." || string(name) == "..":
	default:
		e.Name = string(name)
		if names.SafeName(e.Name, p.system) != nil {
			p.listing.Hostile++
			p.listing.HostileSamples = sample(p.listing.HostileSamples, name)
			return
		}
		p.listing.Entries = append(p.listing.Entries, e)
	}
}

// parseLIST tries the dialects; their lines start in ways that exclude each other.
func (p *parser) parseLIST(line []byte) (e session.Entry, name []byte, v verdict) {
	if isTotal(line) {
		return session.Entry{}, nil, nothing
	}
	if e, name, ok := p.parseUnix(line); ok {
		return e, name, entry
	}
	if e, name, ok := p.parseDOS(line); ok {
		return e, name, entry
	}
	return session.Entry{}, nil, unknown
}

// isTotal recognizes the line that ls writes before a directory: "total 8".
func isTotal(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("total "))
	return ok && len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9'
}

// sample adds a copy of text unless there are enough.
func sample(samples []string, text []byte) []string {
	if len(samples) >= maxSamples {
		return samples
	}
	return append(samples, string(text))
}
