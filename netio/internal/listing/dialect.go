package listing

import (
	"bytes"

	"github.com/sftpc/sftpc/netio/session"
)

// dialect is the way of one family of servers to write a line of LIST. An
// instance serves one listing and may remember what its lines have told.
type dialect interface {
	// read understands a line without its end, or does not. The bytes are not
	// kept.
	read(line []byte) (e session.Entry, name []byte, v verdict)
}

// context is what every dialect is given.
type context struct {
	clock clock
	order *dateOrder // of dates in figures; learnt from the head of the listing
}

// dialects in the order in which they win where several understand a listing
// equally well: the commonest goes first.
var dialects = [...]struct {
	name string // as in session.Listing.Dialect
	make func(context) dialect
}{
	{"Unix", func(c context) dialect { return unix{c.clock} }},
	{"DOS", func(c context) dialect { return dos{c} }},
	{"VMS", func(c context) dialect { return &vms{clock: c.clock} }},
	{"z/OS", func(c context) dialect { return &zos{clock: c.clock} }},
	{"IBM i", func(c context) dialect { return ibmi{c} }},
	{"NetWare", func(c context) dialect { return netware{c.clock} }},
	{"EPLF", func(context) dialect { return eplf{} }},
	{"OS/2", func(c context) dialect { return os2{c} }},
	{"z/VM", func(c context) dialect { return zvm{c} }},
	{"Guardian", func(c context) dialect { return guardian{c.clock} }},
	{"VxWorks", func(c context) dialect { return vxworks{c.clock} }},
}

// headLines and headBytes bound the head of a listing, by which its dialect and
// the order of its dates are recognised.
const (
	headLines = 100
	headBytes = 16 << 10
)

// choose returns a reader for the dialect that understands most of the head, nil
// if none understands any of it.
//
// One dialect reads the whole listing. Otherwise whoever may store a file on the
// server could name it so that the line, or a part of it behind a line feed, reads
// as an entry of another dialect.
func choose(head [][]byte, c clock) (string, dialect) {
	best, name, read := 0, "", dialect(nil)
	for _, candidate := range dialects {
		order := new(dateOrder)
		understood := len(head) - countUnknown(head, candidate.make(context{c, order}))
		order.learnt = true
		if understood > best {
			best, name, read = understood, candidate.name, candidate.make(context{c, order})
		}
	}
	return name, read
}

func countUnknown(head [][]byte, d dialect) int {
	trial := assembler{dialect: d}
	count := 0
	tell := func(_ []byte, _ session.Entry, _ []byte, v verdict) {
		if v == unknown {
			count++
		}
	}
	for _, line := range head {
		trial.feed(line, tell)
	}
	// A half entry at the end of the head may be whole in the listing.
	return count
}

// assembler feeds lines to a dialect and puts together what a server wrote in two
// or three of them.
type assembler struct {
	dialect dialect
	held    []byte // the beginning of an entry; empty if there is none
}

// verdictOf is told what became of a line.
type verdictOf func(line []byte, e session.Entry, name []byte, v verdict)

// feed takes a line. tell is called for each line that is done with, at most
// twice.
func (a *assembler) feed(line []byte, tell verdictOf) {
	if len(a.held) > 0 {
		held := a.held
		a.held = nil
		if isBlank(line[0]) && len(held)+len(line) <= headBytes {
			whole := append(append(held, ' '), line...)
			e, name, v := a.dialect.read(whole)
			switch v {
			case unknown:
			case unfinished:
				a.held = whole
				return
			default:
				tell(whole, e, name, v)
				return
			}
		}
		tell(held, session.Entry{}, nil, unknown)
	}
	e, name, v := a.dialect.read(line)
	if v == unfinished {
		a.held = bytes.Clone(line)
		return
	}
	tell(line, e, name, v)
}

// end tells of what was left unfinished.
func (a *assembler) end(tell verdictOf) {
	if len(a.held) > 0 {
		tell(a.held, session.Entry{}, nil, unknown)
		a.held = nil
	}
}

// isTotal recognises the line that ls writes before a directory: "total 8".
func isTotal(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("total "))
	return ok && len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9'
}
