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
			return p.end(), nil
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

	// The head of a LIST, kept until its dialect is known.
	head      [][]byte
	headBytes int
	reader    assembler // without a dialect until then
	tell      verdictOf // take, made a value once and not for each line
}

func newParser(format Format, opts Options) *parser {
	system := opts.System
	if system == "" {
		system = runtime.GOOS
	}
	p := &parser{format: format, clock: newClock(opts.Now, opts.Zone), system: system, listing: session.Listing{Source: format.String()}}
	p.tell = p.take
	return p
}

// verdict is what became of one line.
type verdict uint8

const (
	unknown    verdict = iota // not understood
	entry                     // an entry, its name not yet checked
	nothing                   // understood, and means no entry
	unfinished                // the beginning of an entry that goes on in the next line
	newer                     // an entry that takes the place of the last one of the same name
)

// line takes one line without its end. The bytes are not kept.
func (p *parser) line(line []byte) {
	switch {
	case len(line) == 0:
	case p.format == MLSD:
		e, name, v := parseFacts(line)
		p.take(line, e, name, v)
	case p.reader.dialect != nil:
		p.reader.feed(line, p.tell)
	default:
		p.head = append(p.head, bytes.Clone(line))
		if p.headBytes += len(line); len(p.head) == headLines || p.headBytes >= headBytes {
			p.decide()
		}
	}
}

// decide chooses the dialect by the lines so far, and reads them. If no dialect
// has a word for them the next lines are another head.
func (p *parser) decide() {
	head := p.head
	p.head, p.headBytes = nil, 0
	p.listing.Dialect, p.reader.dialect = choose(head, p.clock)
	for _, line := range head {
		if p.reader.dialect == nil {
			p.take(line, session.Entry{}, nil, unknown)
		} else {
			p.reader.feed(line, p.tell)
		}
	}
}

// end is called once, behind the last line.
func (p *parser) end() session.Listing {
	if p.reader.dialect == nil {
		p.decide()
	}
	p.reader.end(p.tell)
	return p.listing
}

// take files what became of a line.
func (p *parser) take(line []byte, e session.Entry, name []byte, v verdict) {
	switch {
	case v == unknown:
		p.listing.Unknown++
		p.listing.Samples = sample(p.listing.Samples, line)
		return
	case v == nothing || string(name) == "." || string(name) == "..":
		return
	}
	e.Name = string(name)
	if names.SafeName(e.Name, p.system) != nil {
		p.listing.Hostile++
		p.listing.HostileSamples = sample(p.listing.HostileSamples, name)
		return
	}
	last := len(p.listing.Entries) - 1
	if v == newer && last >= 0 && p.listing.Entries[last].Name == e.Name {
		p.listing.Entries[last] = e
		return
	}
	p.listing.Entries = append(p.listing.Entries, e)
}

// sample adds a copy of text unless there are enough.
func sample(samples []string, text []byte) []string {
	if len(samples) >= maxSamples {
		return samples
	}
	return append(samples, string(text))
}
