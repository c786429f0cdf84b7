package listing

import (
	"bytes"
	"strconv"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// eplf reads the "easily parsed LIST format" of D. J. Bernstein: facts, each
// ended by a comma, a tab, the name.
//
//	+i8388621.48594,m825718503,r,s280,	djb.html
//	+i8388621.50690,m824255907,/,	514
type eplf struct{}

// latestSecond is the last second of the year 9999.
const latestSecond = 253402300799

func (eplf) read(line []byte) (e session.Entry, name []byte, v verdict) {
	facts, ok := bytes.CutPrefix(line, []byte{'+'})
	facts, name, found := bytes.Cut(facts, []byte{'\t'})
	if !ok || !found || len(name) == 0 || len(facts) > 0 && facts[len(facts)-1] != ',' {
		return e, nil, unknown
	}
	e = session.Entry{Kind: session.KindOther, Size: -1}
	for fact := range bytes.SplitSeq(facts, []byte{','}) {
		switch {
		case string(fact) == "/":
			e.Kind = session.KindDir
		case string(fact) == "r" && e.Kind != session.KindDir:
			e.Kind = session.KindFile
		case bytes.HasPrefix(fact, []byte{'s'}):
			if size, ok := decimal(fact[1:]); ok {
				e.Size = size
			}
		case bytes.HasPrefix(fact, []byte{'m'}):
			if seconds, ok := decimal(fact[1:]); ok && seconds <= latestSecond {
				e.Time, e.Exact = time.Unix(seconds, 0).UTC(), true
			}
		case bytes.HasPrefix(fact, []byte("up")):
			if mode, err := strconv.ParseUint(string(fact[2:]), 8, 32); err == nil {
				e.Mode, e.HasMode = uint32(mode)&0o7777, true
			}
		}
	}
	if e.Kind != session.KindFile {
		e.Size = -1
	}
	return e, name, entry
}
